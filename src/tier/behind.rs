//! What a write-behind pattern has left in the nodes for the database.

use super::{Dirty, Tier};
use crate::units::Key;

impl Tier {
    /// Notes a write that the database is still to hear of.
    pub fn buffer(&self, node: usize, dirty: Dirty) {
        let mut buffer = self.nodes[node].buffer.borrow_mut();
        buffer.add(dirty);
        let keys = buffer.len() as u64;
        drop(buffer);
        self.note_dirty();
        let counts = self.counts();
        if self.meter.is_measuring() {
            counts.dirty_max.set(counts.dirty_max.get().max(keys));
        }
    }

    /// Takes the oldest write of a node's buffer, for a flush that [`Tier::end_flush`] ends.
    pub fn begin_flush(&self, node: usize) -> Option<Dirty> {
        let taken = self.nodes[node].buffer.borrow_mut().take();
        self.note_dirty();
        taken
    }

    /// Whether the newest version of `key` waits in the node for its flush, or is on its way to the
    /// database.
    pub fn waits_for_flush(&self, node: usize, key: Key) -> bool {
        self.nodes[node].buffer.borrow().row(key).is_some()
    }

    /// The number of dirty keys has changed.
    pub(super) fn note_dirty(&self) {
        let dirty = &self.counts().dirty;
        dirty.set(self.kernel.now(), self.dirty_keys_in_all());
    }

    /// A flush has ended: what it was about, or nothing if that is gone.
    pub fn end_flush(&self, node: usize, key: Key) -> Option<Dirty> {
        self.nodes[node].buffer.borrow_mut().flushed(key)
    }

    /// Keys of each node that wait for their flush.
    pub fn dirty_keys(&self, node: usize) -> usize {
        self.nodes[node].buffer.borrow().len()
    }

    /// Keys of all nodes that wait for their flush.
    pub fn dirty_keys_in_all(&self) -> u64 {
        self.nodes
            .iter()
            .map(|node| node.buffer.borrow().len() as u64)
            .sum()
    }

    /// Client writes that were acknowledged and that the database does not have yet.
    pub fn pending_writes(&self) -> u64 {
        self.nodes
            .iter()
            .map(|node| node.buffer.borrow().writes())
            .sum()
    }
}
