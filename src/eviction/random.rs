//! Random: any resident leaves, each with the same probability.
//!
//! Source: folklore; analysed by E. Gelenbe, "A unified approach to the evaluation of a class of
//! replacement algorithms", IEEE Transactions on Computers C-22(6), 1973 (its hit ratio under
//! independent references equals FIFO's).
//!
//! Known weakness: it throws popular entries out as readily as others.

use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};
use crate::prefetch::prefetch;
use crate::random::Draws;

const ABSENT: u32 = u32::MAX;

/// The residents in an array, and where each of them is.
#[derive(Debug)]
pub struct Random<W> {
    residents: Vec<Id>,
    positions: Vec<u32>,
    weights: W,
    weight: u64,
    capacity: u64,
    draws: Draws,
}

impl<W: Weights> Described for Random<W> {
    const DESCRIPTION: Description = Description {
        name: "random",
        summary: "any entry leaves, all with the same probability",
        source: "folklore; Gelenbe, \"A unified approach to the evaluation of a class of replacement algorithms\", IEEE TC 1973",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            residents: Vec::new(),
            positions: Vec::new(),
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
            draws: Draws::from_seed(setup.seed),
        }
    }
}

impl<W: Weights> Policy for Random<W> {
    fn reserve(&mut self, bound: usize) {
        if self.positions.len() < bound {
            self.positions.resize(bound, ABSENT);
        }
        self.weights.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        prefetch(&self.positions, id as usize);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.positions[id as usize] != ABSENT
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
        while self.weight > self.capacity - weight {
            let victim = self.residents[self.draws.below(self.residents.len() as u64) as usize];
            self.remove(victim);
            departures.evict_and_forget(victim);
        }
        self.weights.set(id, weight);
        self.weight += weight;
        self.positions[id as usize] = self.residents.len() as u32;
        self.residents.push(id);
        true
    }

    #[inline]
    fn remove(&mut self, id: Id) {
        // The last of the array takes the place that becomes free.
        let position = self.positions[id as usize];
        self.residents.swap_remove(position as usize);
        if let Some(&moved) = self.residents.get(position as usize) {
            self.positions[moved as usize] = position;
        }
        self.positions[id as usize] = ABSENT;
        self.weight -= self.weights.of(id);
    }

    fn len(&self) -> usize {
        self.residents.len()
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}
