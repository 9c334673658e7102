//! SIZE: the largest entry leaves; among equals, the one that came in first.
//!
//! Source: S. Williams, M. Abrams, C. R. Standridge, G. Abdulla, E. A. Fox, "Removal policies in
//! network caches for World-Wide Web documents", SIGCOMM 1996.
//!
//! Known weakness: small entries that nobody asks for stay for ever. Where all entries weigh the
//! same it is FIFO.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

const ABSENT: u64 = 0;

/// The residents by weight, then by age.
#[derive(Debug)]
pub struct Size<W> {
    residents: BTreeSet<(u64, Reverse<u64>, Id)>,
    /// When each resident came in, from 1.
    arrivals: Vec<u64>,
    clock: u64,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for Size<W> {
    const DESCRIPTION: Description = Description {
        name: "size",
        summary: "the largest entry leaves",
        source: "Williams, Abrams, Standridge, Abdulla, Fox, \"Removal policies in network caches for World-Wide Web documents\", SIGCOMM 1996",
        parameters: &[],
        replay_only: false,
    };

    const RANKS_BY_SIZE: bool = true;

    fn new(setup: &Setup) -> Self {
        Self {
            residents: BTreeSet::new(),
            arrivals: Vec::new(),
            clock: 0,
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Policy for Size<W> {
    fn reserve(&mut self, bound: usize) {
        self.weights.reserve(bound);
        if self.arrivals.len() < bound {
            self.arrivals.resize(bound, ABSENT);
        }
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.arrivals[id as usize] != ABSENT
    }

    #[inline]
    fn hit(&mut self, _id: Id, _access: &Access, _departures: &mut Departures) {}

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight
            && let Some((freed, _, victim)) = self.residents.pop_last()
        {
            self.weight -= freed;
            self.arrivals[victim as usize] = ABSENT;
            departures.evict_and_forget(victim);
        }
        self.clock += 1;
        self.arrivals[id as usize] = self.clock;
        self.weights.set(id, weight);
        self.weight += weight;
        self.residents.insert((weight, Reverse(self.clock), id));
        true
    }

    fn remove(&mut self, id: Id) {
        let weight = self.weights.of(id);
        let arrival = std::mem::replace(&mut self.arrivals[id as usize], ABSENT);
        self.residents.remove(&(weight, Reverse(arrival), id));
        self.weight -= weight;
    }

    fn len(&self) -> usize {
        self.residents.len()
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}
