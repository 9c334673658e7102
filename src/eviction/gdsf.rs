//! GDSF (greedy-dual size frequency): the entry with the least L + frequency / size leaves, and L
//! becomes what it had, so that old popularity fades.
//!
//! Source: L. Cherkasova, "Improving WWW proxies performance with greedy-dual-size-frequency caching
//! policy", HP Labs HPL-98-69R1, 1998.
//!
//! Known weakness: it favours small entries so much that the byte hit ratio suffers.

use super::heap::RisingHeap;
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// A priority queue by (L + frequency / size, last access).
#[derive(Debug)]
pub struct Gdsf<W> {
    /// Priorities as their bits, which are in the same order since none is negative.
    heap: RisingHeap<(u64, u64)>,
    frequencies: Vec<u32>,
    /// L: the priority of what was last evicted.
    inflation: f64,
    clock: u64,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for Gdsf<W> {
    const DESCRIPTION: Description = Description {
        name: "gdsf",
        summary: "the entry with the least L + frequency / size leaves, and L becomes that",
        source: "Cherkasova, \"Improving WWW proxies performance with greedy-dual-size-frequency caching policy\", HP Labs 1998",
        parameters: &[],
        replay_only: false,
    };

    const RANKS_BY_SIZE: bool = true;

    fn new(setup: &Setup) -> Self {
        Self {
            heap: RisingHeap::default(),
            frequencies: Vec::new(),
            inflation: 0.0,
            clock: 0,
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Gdsf<W> {
    #[inline]
    fn key(&mut self, id: Id) -> (u64, u64) {
        self.clock += 1;
        let frequency = f64::from(self.frequencies[id as usize]);
        let priority = self.inflation + frequency / self.weights.of(id) as f64;
        (priority.to_bits(), self.clock)
    }
}

impl<W: Weights> Policy for Gdsf<W> {
    fn reserve(&mut self, bound: usize) {
        self.heap.reserve(bound);
        self.weights.reserve(bound);
        if self.frequencies.len() < bound {
            self.frequencies.resize(bound, 0);
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.heap.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.heap.contains(id)
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        let frequency = &mut self.frequencies[id as usize];
        *frequency = frequency.saturating_add(1);
        let key = self.key(id);
        self.heap.raise(id, key);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        self.weights.set(id, weight);
        self.weight += weight;
        self.frequencies[id as usize] = 1;
        let key = self.key(id);
        self.heap.insert(id, key);
        // The newcomer competes: it may be the one that goes.
        let mut admitted = true;
        while self.weight > self.capacity
            && let Some((victim, (priority, _))) = self.heap.pop()
        {
            self.inflation = f64::from_bits(priority);
            self.weight -= self.weights.of(victim);
            if victim == id {
                admitted = false;
                departures.forget(id);
            } else {
                departures.evict_and_forget(victim);
            }
        }
        admitted
    }

    fn remove(&mut self, id: Id) {
        self.weight -= self.weights.of(id);
        self.heap.remove(id);
    }

    fn victim(&mut self) -> Option<Id> {
        self.heap.first().map(|(id, _)| id)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}
