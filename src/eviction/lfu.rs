//! LFU: the entry with the fewest accesses since it came in leaves; among equals, the one whose last
//! access is oldest.
//!
//! Source: folklore; with counts that end at eviction ("in-cache LFU") analysed by L. Breslau, P. Cao,
//! L. Fan, G. Phillips and S. Shenker, "Web caching and Zipf-like distributions", INFOCOM 1999.
//!
//! Known weakness: what was popular long ago stays for ever, and newcomers push each other out
//! before they can prove themselves.

use super::heap::RisingHeap;
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// The bits of a key that say when the last access was; the others are the count.
const CLOCK_BITS: u32 = 32;
const CLOCK: u64 = (1 << CLOCK_BITS) - 1;

/// A priority queue by (count, last access).
#[derive(Debug)]
pub struct Lfu<W> {
    heap: RisingHeap<u64>,
    clock: u64,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for Lfu<W> {
    const DESCRIPTION: Description = Description {
        name: "lfu",
        summary: "least frequently used: the entry with the fewest accesses since it came in leaves",
        source: "folklore; Breslau et al., \"Web caching and Zipf-like distributions\", INFOCOM 1999",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            heap: RisingHeap::default(),
            clock: 0,
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Lfu<W> {
    /// The next instant of the policy's own clock.
    #[inline]
    fn tick(&mut self) -> u64 {
        if self.clock == CLOCK {
            self.renumber();
        }
        self.clock += 1;
        self.clock
    }

    /// Begins the clock anew after 2^32 accesses: only the order of last accesses matters.
    #[cold]
    fn renumber(&mut self) {
        let clock = &mut self.clock;
        self.heap.rebuild(|items| {
            let mut by_access: Vec<usize> = (0..items.len()).collect();
            by_access.sort_unstable_by_key(|&index| items[index].0 & CLOCK);
            for (now, index) in (1..).zip(by_access) {
                items[index].0 = (items[index].0 & !CLOCK) | now;
            }
            *clock = items.len() as u64;
        });
    }
}

impl<W: Weights> Policy for Lfu<W> {
    fn reserve(&mut self, bound: usize) {
        self.heap.reserve(bound);
        self.weights.reserve(bound);
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
        let now = self.tick();
        let count = (self.heap.key(id) >> CLOCK_BITS)
            .saturating_add(1)
            .min(CLOCK);
        self.heap.raise(id, (count << CLOCK_BITS) | now);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight
            && let Some((victim, _)) = self.heap.pop()
        {
            self.weight -= self.weights.of(victim);
            departures.evict_and_forget(victim);
        }
        let now = self.tick();
        self.weights.set(id, weight);
        self.weight += weight;
        self.heap.insert(id, (1 << CLOCK_BITS) | now);
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
