//! Negative entries: what a node keeps of the knowledge that there is no such row.
//!
//! A tier with a negative TTL stores the answer "no such row" like any other, for that TTL; it takes
//! the room of an entry without a value. A tier without one does not store it, so that everybody who
//! asks for the row goes further down, and what the node still had of the row is gone, because it
//! would be older. A negative entry is never served past its TTL, and hits do not prolong it.

use super::node::Node;
use super::{Plan, Tier};
use crate::database::Row;
use crate::units::{Key, Nanoseconds};

impl Plan {
    /// Whether a node keeps such a row.
    #[inline]
    pub(super) fn keeps(&self, row: &Row) -> bool {
        !row.is_absent() || self.negative_ttl_ns.is_some()
    }

    /// How long an entry stays in its node after it ceased to be fresh.
    #[inline]
    pub(super) fn kept_ns(&self, row: &Row) -> Nanoseconds {
        match &self.ttl {
            Some(ttl) if !row.is_absent() => ttl.kept_ns(),
            _ => 0,
        }
    }
}

impl Tier {
    /// A node has learnt that there is no such row, and does not keep that.
    #[cold]
    pub(super) fn forget(&self, node: &Node, key: Key, absent: &Row) {
        if let Some(tombstone_ns) = self.plan.tombstone_ns {
            let now_ns = self.kernel.now();
            let until_ns = now_ns.saturating_add(tombstone_ns);
            let mut tombstones = node.tombstones.borrow_mut();
            tombstones.bury(key, absent.version(), now_ns, until_ns);
        }
        let removed = node.cache.borrow_mut().remove(key);
        if let Some(resident) = &removed {
            self.let_go(node, resident);
        }
    }
}
