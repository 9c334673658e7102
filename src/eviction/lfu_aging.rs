//! LFU with dynamic aging (LFU-DA): the entry with the least L + frequency leaves, and L becomes what
//! it had. So a newcomer starts level with the least of the residents, and what was popular long ago
//! is overtaken; counts need never be halved.
//!
//! Source: M. Arlitt, L. Cherkasova, J. Dilley, R. Friedrich, T. Jin, "Evaluating content management
//! techniques for web proxy caches", ACM SIGMETRICS Performance Evaluation Review 27(4), 2000.
//!
//! Known weakness: blind to size; a burst leaves its keys behind for as long as L needs to catch up.

use super::heap::RisingHeap;
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// A priority queue by (L + frequency, last access).
#[derive(Debug)]
pub struct LfuAging<W> {
    heap: RisingHeap<(u64, u64)>,
    frequencies: Vec<u32>,
    /// L: the priority of what was last evicted.
    inflation: u64,
    clock: u64,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for LfuAging<W> {
    const DESCRIPTION: Description = Description {
        name: "lfu-aging",
        summary: "LFU with dynamic aging: the least L + frequency leaves, and L becomes that",
        source: "Arlitt, Cherkasova, Dilley, Friedrich, Jin, \"Evaluating content management techniques for web proxy caches\", PER 2000",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            heap: RisingHeap::default(),
            frequencies: Vec::new(),
            inflation: 0,
            clock: 0,
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> LfuAging<W> {
    #[inline]
    fn key(&mut self, id: Id) -> (u64, u64) {
        self.clock += 1;
        (
            self.inflation + u64::from(self.frequencies[id as usize]),
            self.clock,
        )
    }
}

impl<W: Weights> Policy for LfuAging<W> {
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
        while self.weight > self.capacity - weight
            && let Some((victim, (priority, _))) = self.heap.pop()
        {
            self.inflation = priority;
            self.weight -= self.weights.of(victim);
            departures.evict_and_forget(victim);
        }
        self.weights.set(id, weight);
        self.weight += weight;
        self.frequencies[id as usize] = 1;
        let key = self.key(id);
        self.heap.insert(id, key);
        true
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
