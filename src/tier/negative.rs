//! Negative entries: what a node keeps of the knowledge that there is no such row.
//!
//! A tier with a negative TTL stores the answer "no such row" like any other, for that TTL; it takes
//! the room of an entry without a value. A tier without one does not store it, so that everybody who
//! asks for the row goes further down, and what the node still had of the row is gone, because it
//! would be older. A negative entry is never served past its TTL, and hits do not prolong it.

use super::replication::Told;
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
    pub(super) fn kept_ns(&self, is_absent: bool) -> Nanoseconds {
        match &self.ttl {
            Some(ttl) if !is_absent => ttl.kept_ns(),
            _ => 0,
        }
    }
}

impl Tier {
    /// A node has learnt that there is no such row, and does not keep that.
    #[cold]
    pub(super) fn forget(&self, number: usize, key: Key, absent: &Row) {
        if let Some(members) = &self.members {
            // Where keys have versions, older entries are under other keys.
            if !self.plan.has_versioned_keys {
                members.tell(self, number, key, &Told::Dropped(Some(absent.clone())));
            }
        }
        let node = &self.nodes[number];
        if let Some(tombstone_ns) = self.plan.tombstone_ns {
            let now_ns = self.kernel.now();
            let until_ns = now_ns.saturating_add(tombstone_ns);
            let mut tombstones = node.tombstones.borrow_mut();
            tombstones.bury(key, absent.version(), now_ns, until_ns);
        }
        self.unpin(node, key);
        let removed = node.cache.borrow_mut().remove(key);
        if let Some(resident) = &removed {
            self.let_go(node, resident);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use crate::database::Row;
    use crate::geography::{self, Geography};
    use crate::kernel::Kernel;
    use crate::metrics::Meter;
    use crate::random::Luck;
    use crate::tier::{Capacity, Filling, Plan, REPLICATION, Tier};
    use crate::workload::Request;
    use crate::workload::parameters::Arguments;

    #[test]
    fn replicas_forget_a_row_that_is_not_there_as_their_primary_does() {
        let replication = (REPLICATION.build)(&Arguments::new()).unwrap();
        let mut plan = Plan::plain("cache", Capacity::Unlimited);
        plan.membership.replication = Some(crate::tier::ReplicationPlan {
            lag: plan.network.clone(),
            ..replication
        });
        let kernel = Rc::new(Kernel::new());
        let geography = Rc::new(Geography::new(&geography::Plan::default(), 1, None));
        let meter = Rc::new(Meter::new(0, &[2]));
        let tier = Tier::new(&plan, 0, &geography, &kernel, &meter, Luck::new(1, 0));
        let request = Request {
            key: 7,
            ..Request::default()
        };
        let has = |node: usize| {
            tier.settle_copies();
            tier.inspect(node, 7).is_some()
        };
        let row = crate::database::Rows::default().read(7, 0, |_| 100);
        assert!(tier.store(0, &request, &row, Filling::Asked));
        assert!(has(0) && has(1));
        assert!(!tier.store(0, &request, &Row::denied(0), Filling::Asked));
        assert!(!has(0) && !has(1));
    }
}
