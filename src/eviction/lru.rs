//! LRU: the entry whose last access is oldest leaves.
//!
//! Source: folklore; analysed by P. J. Denning, "The working set model for program behavior",
//! CACM 11(5), 1968.
//!
//! Known weakness: one scan over more keys than the cache holds flushes it, and a loop over
//! slightly more keys than it holds never hits.

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// One queue; a hit moves to its new end.
#[derive(Debug)]
pub struct Lru<W> {
    ledger: Ledger<W>,
    queue: Queue,
    capacity: u64,
}

impl<W: Weights> Described for Lru<W> {
    const DESCRIPTION: Description = Description {
        name: "lru",
        summary: "least recently used: the entry whose last access is oldest leaves",
        source: "folklore; Denning, \"The working set model for program behavior\", CACM 1968",
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

impl<W: Weights> Lru<W> {
    fn evict_until(&mut self, most: u64, departures: &mut Departures) {
        while self.queue.weight() > most
            && let Some(victim) = self.queue.pop(&mut self.ledger)
        {
            departures.evict_and_forget(victim);
        }
    }
}

impl<W: Weights> Policy for Lru<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn upcoming(&self) -> Option<Id> {
        self.queue.upcoming(0)
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
        self.evict_until(self.capacity - weight, departures);
        self.ledger.weights.set(id, weight);
        self.queue.push(&mut self.ledger, id);
        true
    }

    fn remove(&mut self, id: Id) {
        self.queue.remove(&mut self.ledger, id);
    }

    fn victim(&mut self) -> Option<Id> {
        self.queue.oldest(&self.ledger)
    }

    fn len(&self) -> usize {
        self.queue.len()
    }

    fn weight(&self) -> u64 {
        self.queue.weight()
    }
}
