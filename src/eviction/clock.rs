//! CLOCK: first in, first out, but an entry that was hit since it last came up gets another round.
//!
//! Source: F. J. Corbató, "A paging experiment with the Multics system", MIT Project MAC report
//! MAC-M-384, 1968.
//!
//! Known weakness: as LRU, a scan flushes it.

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// The reference bit, as a flag of the place.
const REFERENCED: u32 = 1;

/// One queue; a hit sets a bit.
#[derive(Debug)]
pub struct Clock<W> {
    ledger: Ledger<W>,
    queue: Queue,
    capacity: u64,
}

impl<W: Weights> Described for Clock<W> {
    const DESCRIPTION: Description = Description {
        name: "clock",
        summary: "first in, first out, with another round for entries hit since they last came up",
        source: "Corbató, \"A paging experiment with the Multics system\", MIT Project MAC 1968",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            ledger: Ledger::default(),
            queue: Queue::with_flags(0, REFERENCED),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Policy for Clock<W> {
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
        self.ledger.retag(id, REFERENCED);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.queue.weight() > self.capacity - weight
            && let Some(candidate) = self.queue.oldest(&self.ledger)
        {
            if self.ledger.tag(candidate) == REFERENCED {
                // Another round, with the bit cleared.
                self.queue.renew(&mut self.ledger, candidate);
            } else {
                self.queue.remove(&mut self.ledger, candidate);
                departures.evict_and_forget(candidate);
            }
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
