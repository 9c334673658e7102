//! What the timeline does to nodes.

use super::{Dirty, Tier};

impl Tier {
    /// A node answers no more until [`Tier::restart`], and loses all that it has in memory; where it is
    /// `warm` it finds its entries again then, as from a snapshot. Returns what waited there for its
    /// flush, which is lost unless somebody has a log of it.
    pub fn crash(&self, number: usize, warm: bool) -> Vec<Dirty> {
        let node = &self.nodes[number];
        let was_down = node.is_down.replace(true);
        node.crashes.set(node.crashes.get() + 1);
        if !warm {
            node.clear(&self.plan);
        }
        let lost = node.buffer.borrow_mut().drain();
        self.note_dirty();
        if !was_down {
            self.note_down(1);
        }
        if let Some(members) = &self.members {
            members.crashed(self, number);
        }
        lost
    }

    /// How often a node has crashed.
    pub fn crashes(&self, number: usize) -> u64 {
        self.nodes[number].crashes.get()
    }

    /// A node answers again.
    pub fn restart(&self, number: usize) {
        if !self.nodes[number].is_down.replace(false) {
            return;
        }
        self.note_down(-1);
        if let Some(members) = &self.members {
            members.restarted(self, number);
        }
    }

    /// One node more, or one less, is down.
    fn note_down(&self, change: i64) {
        if self.members.is_some() {
            return self.note_down_shards();
        }
        let down = &self.counts().down_shards;
        let now = down.get().saturating_add_signed(change);
        down.set(self.kernel.now(), now);
    }

    /// A node forgets all entries. What waits for its flush stays.
    pub fn purge(&self, number: usize) {
        self.nodes[number].clear(&self.plan);
        if let Some(members) = &self.members {
            members.purged(self, number);
        }
    }

    /// From now on this share of the explicit deletes is lost on the way.
    pub fn lose_deletes(&self, share: f64) {
        self.delete_failure.set(share);
    }
}
