//! FIFO: the entry that came in first leaves.
//!
//! Source: folklore; its anomaly (a larger cache may miss more) is from L. A. Belady, R. A. Nelson
//! and G. S. Shedler, "An anomaly in space-time characteristics of certain programs running in a
//! paging machine", CACM 12(6), 1969.
//!
//! Known weakness: it throws popular entries out as readily as others.

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// One queue; a hit changes nothing.
#[derive(Debug)]
pub struct Fifo<W> {
    ledger: Ledger<W>,
    queue: Queue,
    capacity: u64,
}

impl<W: Weights> Described for Fifo<W> {
    const DESCRIPTION: Description = Description {
        name: "fifo",
        summary: "first in, first out: the entry that came in first leaves",
        source: "folklore; Belady, Nelson, Shedler, \"An anomaly in space-time characteristics\", CACM 1969",
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

impl<W: Weights> Policy for Fifo<W> {
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
    fn hit(&mut self, _id: Id, _access: &Access, _departures: &mut Departures) {}

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.queue.weight() > self.capacity - weight
            && let Some(victim) = self.queue.pop(&mut self.ledger)
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
