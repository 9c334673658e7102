//! Loads under way in a node, so that what a write has overtaken meanwhile is not stored: the race
//! of a slow fill with an invalidation, closed from the side of the cache.
//!
//! This is the heart of leases (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section
//! 3.2.1) and of what a read-through cache does under its own lock.

use hashbrown::HashMap;

use crate::units::{Key, KeyHash};

/// What one load was promised: its row will be stored unless a write comes in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    generation: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Fill {
    generation: u32,
    loads: u32,
}

/// The loads of one node.
#[derive(Debug, Default)]
pub(super) struct Fills {
    under_way: HashMap<Key, Fill, KeyHash>,
}

impl Fills {
    /// A load of `key` begins. It must be ended by [`Fills::end`].
    pub(super) fn begin(&mut self, key: Key) -> Ticket {
        let fill = self.under_way.entry(key).or_default();
        fill.loads += 1;
        Ticket {
            generation: fill.generation,
        }
    }

    /// A load ends; whether its row may be stored.
    pub(super) fn end(&mut self, key: Key, ticket: Ticket) -> bool {
        let Some(fill) = self.under_way.get_mut(&key) else {
            return false;
        };
        let is_valid = fill.generation == ticket.generation;
        fill.loads -= 1;
        if fill.loads == 0 {
            self.under_way.remove(&key);
        }
        is_valid
    }

    /// The row of `key` has changed: loads that have begun already may carry an old one.
    pub(super) fn overtake(&mut self, key: Key) {
        if let Some(fill) = self.under_way.get_mut(&key) {
            fill.generation += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_overtakes_the_loads_before_it_and_not_those_after() {
        let mut fills = Fills::default();
        let before = fills.begin(7);
        let other = fills.begin(8);
        fills.overtake(7);
        let after = fills.begin(7);
        assert!(!fills.end(7, before));
        assert!(fills.end(7, after));
        assert!(fills.end(8, other));
        assert!(fills.under_way.is_empty());
    }
}
