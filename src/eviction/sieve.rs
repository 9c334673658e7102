//! SIEVE: a queue that is never reordered, and a hand that walks it from old to new, spares what was
//! visited since it last came by, and evicts the first that was not.
//!
//! Source: Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, "SIEVE is simpler than LRU: an
//! efficient turn-key eviction algorithm for web caches", NSDI 2024.
//!
//! Known weakness: not scan-resistant; block workloads suit it less than web workloads.

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// The visited bit, as a flag of the place.
const VISITED: u32 = 1;

/// One queue with a hand; a hit sets a bit.
#[derive(Debug)]
pub struct Sieve<W> {
    ledger: Ledger<W>,
    queue: Queue,
    capacity: u64,
}

impl<W: Weights> Described for Sieve<W> {
    const DESCRIPTION: Description = Description {
        name: "sieve",
        summary: "a hand walks from old to new, spares what was hit since, evicts the first that was not",
        source: "Zhang, Yang, Yue, Vigfusson, Rashmi, \"SIEVE is simpler than LRU\", NSDI 2024",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            ledger: Ledger::default(),
            queue: Queue::with_flags(0, VISITED),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Policy for Sieve<W> {
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
        self.ledger.retag(id, VISITED);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.queue.weight() > self.capacity - weight
            && let Some(candidate) = self.queue.at_hand(&self.ledger)
        {
            if self.ledger.tag(candidate) == VISITED {
                self.ledger.retag(candidate, 0);
                self.queue.advance_hand(&self.ledger);
            } else {
                self.remove(candidate);
                departures.evict_and_forget(candidate);
            }
        }
        self.ledger.weights.set(id, weight);
        self.queue.push(&mut self.ledger, id);
        true
    }

    #[inline]
    fn remove(&mut self, id: Id) {
        // The hand stays on the neighbour; after the newest it restarts at the oldest.
        if self.queue.is_at_hand(id) {
            self.queue.advance_hand(&self.ledger);
        }
        self.queue.remove(&mut self.ledger, id);
    }

    fn len(&self) -> usize {
        self.queue.len()
    }

    fn weight(&self) -> u64 {
        self.queue.weight()
    }
}
