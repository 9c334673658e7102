//! Belady by size: the entry with the greatest (requests until its next use) x (size) leaves. A
//! greedy bound where sizes differ; the true optimum is NP-hard.
//!
//! Source: the "MaxNextUse x size" greedy of D. S. Berger, N. Beckmann, M. Harchol-Balter, "Practical
//! bounds on optimal caching with variable object sizes", POMACS 2(2), 2018, applied to all residents. Sizes
//! are compared after rounding down to seven significant bits (an error below 1 %), so that the
//! farthest of each rounded size competes and an eviction costs a look at each rounded size.
//!
//! Known weakness: it needs to know the future, and it is a heuristic: some traces have better.

use std::collections::{BTreeMap, BinaryHeap};

use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// The next use of an id that is not resident. (`u64::MAX`: never used again.)
const ABSENT: u64 = u64::MAX - 1;

/// Per rounded size a heap of (next use, id); its stale items are at most as late as real ones.
#[derive(Debug)]
pub struct BeladySize<W> {
    next_uses: Vec<u64>,
    classes: BTreeMap<u64, BinaryHeap<(u64, Id)>>,
    len: usize,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for BeladySize<W> {
    const DESCRIPTION: Description = Description {
        name: "belady-size",
        summary: "the entry with the greatest (time until next use) x (size) leaves (replay only)",
        source: "Berger, Beckmann, Harchol-Balter, \"Practical bounds on optimal caching with variable object sizes\", POMACS 2018",
        parameters: &[],
        replay_only: true,
    };

    const RANKS_BY_SIZE: bool = true;

    fn new(setup: &Setup) -> Self {
        Self {
            next_uses: Vec::new(),
            classes: BTreeMap::new(),
            len: 0,
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

/// `weight` rounded down to seven significant bits.
fn class(weight: u64) -> u64 {
    let dropped = (u64::BITS - weight.leading_zeros()).saturating_sub(7);
    (weight >> dropped) << dropped
}

impl<W: Weights> BeladySize<W> {
    fn schedule(&mut self, id: Id, access: &Access) {
        // Never used again is a time later than all, but apart from ABSENT.
        let next_use = if access.next_use >= ABSENT {
            u64::MAX
        } else {
            access.next_use
        };
        self.next_uses[id as usize] = next_use;
        let heap = self.classes.entry(class(self.weights.of(id))).or_default();
        heap.push((next_use, id));
        // Stale items gather at the bottom, because time has passed them.
        if heap.len() > 4 * self.len + 64 {
            heap.retain(|(next_use, id)| self.next_uses[*id as usize] == *next_use);
        }
    }

    fn victim(&mut self, now: u64) -> Option<Id> {
        let mut best: Option<(u128, Id)> = None;
        for (class, heap) in &mut self.classes {
            while let Some((next_use, id)) = heap.peek().copied() {
                if self.next_uses[id as usize] == next_use {
                    let distance = u128::from(next_use.saturating_sub(now));
                    let cost = distance * u128::from(*class);
                    // Later classes are larger: among equals the larger goes.
                    if best.is_none_or(|(greatest, _)| cost >= greatest) {
                        best = Some((cost, id));
                    }
                    break;
                }
                heap.pop();
            }
        }
        best.map(|(_, id)| id)
    }
}

impl<W: Weights> Policy for BeladySize<W> {
    fn reserve(&mut self, bound: usize) {
        self.weights.reserve(bound);
        if self.next_uses.len() < bound {
            self.next_uses.resize(bound, ABSENT);
        }
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.next_uses[id as usize] != ABSENT
    }

    fn hit(&mut self, id: Id, access: &Access, _departures: &mut Departures) {
        self.schedule(id, access);
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight
            && let Some(victim) = self.victim(access.now)
        {
            self.remove(victim);
            departures.evict_and_forget(victim);
        }
        self.len += 1;
        self.weight += weight;
        self.weights.set(id, weight);
        self.schedule(id, access);
        true
    }

    fn remove(&mut self, id: Id) {
        self.next_uses[id as usize] = ABSENT;
        self.len -= 1;
        self.weight -= self.weights.of(id);
    }

    fn len(&self) -> usize {
        self.len
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}
