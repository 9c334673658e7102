//! What the timeline does to nodes.

use super::{Dirty, Tier};

impl Tier {
    /// A node loses all that it has in memory, and answers no more until [`Tier::restart`]. Returns
    /// what waited there for its flush, which is lost unless somebody has a log of it.
    pub fn crash(&self, number: usize) -> Vec<Dirty> {
        let node = &self.nodes[number];
        node.is_down.set(true);
        node.crashes.set(node.crashes.get() + 1);
        node.clear(&self.plan);
        let lost = node.buffer.borrow_mut().drain();
        self.note_dirty();
        lost
    }

    /// How often a node has crashed.
    pub fn crashes(&self, number: usize) -> u64 {
        self.nodes[number].crashes.get()
    }

    /// A node answers again.
    pub fn restart(&self, number: usize) {
        self.nodes[number].is_down.set(false);
    }

    /// A node forgets all entries. What waits for its flush stays.
    pub fn purge(&self, number: usize) {
        self.nodes[number].clear(&self.plan);
    }

    /// From now on this share of the explicit deletes is lost on the way.
    pub fn lose_deletes(&self, share: f64) {
        self.delete_failure.set(share);
    }
}
