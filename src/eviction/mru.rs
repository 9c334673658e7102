//! MRU: the entry that was accessed last leaves.
//!
//! Source: H.-T. Chou, D. J. DeWitt, "An evaluation of buffer management strategies for relational
//! database systems", VLDB 1985.
//!
//! Known weakness: right for loops over more keys than the cache holds, wrong for nearly all else.

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// One queue; a hit moves to its new end, and that is where entries leave.
#[derive(Debug)]
pub struct Mru<W> {
    ledger: Ledger<W>,
    queue: Queue,
    capacity: u64,
}

impl<W: Weights> Described for Mru<W> {
    const DESCRIPTION: Description = Description {
        name: "mru",
        summary: "most recently used: the entry that was accessed last leaves",
        source: "Chou, DeWitt, \"An evaluation of buffer management strategies for relational database systems\", VLDB 1985",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            ledger: Ledger::default(),
            queue: Queue::new(0),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Policy for Mru<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.is_present(id)
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        self.queue.renew(&mut self.ledger, id);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.queue.weight() > self.capacity - weight
            && let Some(victim) = self.queue.pop_newest(&mut self.ledger)
        {
            departures.evict_and_forget(victim);
        }
        self.ledger.weights.set(id, weight);
        self.queue.push(&mut self.ledger, id);
        true
    }

    fn remove(&mut self, id: Id) {
        self.queue.remove(&mut self.ledger, id);
    }

    fn len(&self) -> usize {
        self.queue.len()
    }

    fn weight(&self) -> u64 {
        self.queue.weight()
    }
}
