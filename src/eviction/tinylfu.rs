//! TinyLFU: LRU, with a doorkeeper: a newcomer gets in only if it was asked for more often lately
//! than the entry that it would push out.
//!
//! Source: G. Einziger, R. Friedman, "TinyLFU: a highly efficient cache admission policy", PDP 2014.
//!
//! Known weakness: a burst of new keys cannot get in (what the window of W-TinyLFU is for).

use super::queue::{Ledger, Queue, Weights};
use super::sketch::Sketch;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// An LRU queue and the sketch that decides on admission.
#[derive(Debug)]
pub struct TinyLfu<W> {
    ledger: Ledger<W>,
    queue: Queue,
    sketch: Sketch,
    /// The keys of residents: the sketch counts keys, not ids, which are handed out again.
    keys: Vec<u64>,
    capacity: u64,
}

impl<W: Weights> Described for TinyLfu<W> {
    const DESCRIPTION: Description = Description {
        name: "tinylfu",
        summary: "LRU that admits a newcomer only if it was asked for more often than what it would push out",
        source: "Einziger, Friedman, \"TinyLFU: a highly efficient cache admission policy\", PDP 2014",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        let entries = if W::measure(2) == 1 {
            setup.capacity
        } else {
            0
        };
        Self {
            ledger: Ledger::default(),
            queue: Queue::new(0),
            sketch: Sketch::new(entries),
            keys: Vec::new(),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Policy for TinyLfu<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
        if self.keys.len() < bound {
            self.keys.resize(bound, 0);
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, key: u64) {
        self.ledger.prefetch(id);
        self.sketch.prefetch(key);
    }

    #[inline]
    fn prefetch_reads_key(&self) -> bool {
        true
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.is_present(id)
    }

    #[inline]
    fn hit(&mut self, id: Id, access: &Access, _departures: &mut Departures) {
        self.sketch.increment(access.key);
        self.queue.renew(&mut self.ledger, id);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        if W::measure(2) != 1 && self.len() > self.sketch.words() {
            // A capacity in bytes says nothing of how many entries there are: the sketch grows.
            self.sketch = Sketch::new(2 * self.sketch.words() as u64);
        }
        self.sketch.increment(access.key);
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        let estimate = self.sketch.estimate(access.key);
        while self.queue.weight() > self.capacity - weight
            && let Some(victim) = self.queue.oldest(&self.ledger)
        {
            // "Is the new item worth the eviction of the victim?"
            if estimate <= self.sketch.estimate(self.keys[victim as usize]) {
                departures.forget(id);
                return false;
            }
            self.queue.remove(&mut self.ledger, victim);
            departures.evict_and_forget(victim);
        }
        self.keys[id as usize] = access.key;
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
