//! Hyperbolic caching: of 64 residents drawn at random, the one with the fewest accesses per time
//! since it came in leaves.
//!
//! Source: A. Blankstein, S. Sen, M. J. Freedman, "Hyperbolic caching: flexible caching for web
//! applications", USENIX ATC 2017. This is the paper's basic priority, without its extensions for
//! cost, size and expiry.
//!
//! Known weakness: an entry that has just come in ranks high whatever it is, so newcomers push out
//! entries that are asked for seldom but for ever, and small caches do badly.

use super::pool::Pool;
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};
use crate::random::Draws;

/// What is known of a resident.
#[derive(Clone, Copy, Debug)]
struct Record {
    /// n: accesses since it came in, that one included.
    count: u32,
    /// When it came in.
    arrival: u64,
}

impl Record {
    /// Whether its n / t is less than that of `other`.
    #[inline]
    fn ranks_below(self, other: Self, now: u64) -> bool {
        let product = |count: u32, arrival: u64| {
            u128::from(count) * u128::from(now.saturating_sub(arrival).max(1))
        };
        product(self.count, other.arrival) < product(other.count, self.arrival)
    }
}

/// The residents with their counts and arrivals.
#[derive(Debug)]
pub struct Hyperbolic<W> {
    pool: Pool<Record>,
    samples: u64,
    /// Accesses so far: the time of the paper.
    clock: u64,
    draws: Draws,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for Hyperbolic<W> {
    const DESCRIPTION: Description = Description {
        name: "hyperbolic",
        summary: "of some entries drawn at random, the one with the fewest accesses per time in the cache leaves",
        source: "Blankstein, Sen, Freedman, \"Hyperbolic caching: flexible caching for web applications\", USENIX ATC 2017",
        parameters: &[Parameter::integer(
            "samples",
            64,
            1,
            4096,
            "entries drawn per eviction",
        )],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            pool: Pool::default(),
            samples: setup.parameters.integer("samples"),
            clock: 0,
            draws: Draws::from_seed(setup.seed),
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Hyperbolic<W> {
    /// "evict_which()": a random sample, and the lowest priority in it.
    fn victim(&mut self) -> Option<Id> {
        let mut victim = *self.pool.draw(&mut self.draws)?;
        for _ in 1..self.samples {
            let candidate = *self.pool.draw(&mut self.draws)?;
            if candidate.note.ranks_below(victim.note, self.clock) {
                victim = candidate;
            }
        }
        Some(victim.id)
    }
}

impl<W: Weights> Policy for Hyperbolic<W> {
    fn reserve(&mut self, bound: usize) {
        self.pool.reserve(bound);
        self.weights.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.pool.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.pool.contains(id)
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        self.clock += 1;
        let record = self.pool.note_mut(id);
        record.count = record.count.saturating_add(1);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        self.clock += 1;
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight
            && let Some(victim) = self.victim()
        {
            self.remove(victim);
            departures.evict_and_forget(victim);
        }
        self.weights.set(id, weight);
        self.weight += weight;
        self.pool.insert(
            id,
            Record {
                count: 1,
                arrival: self.clock,
            },
        );
        true
    }

    #[inline]
    fn remove(&mut self, id: Id) {
        self.pool.remove(id);
        self.weight -= self.weights.of(id);
    }

    fn len(&self) -> usize {
        self.pool.len()
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;

    #[test]
    fn the_fewest_accesses_per_time_in_the_cache_leave() {
        // Enough samples to see all three residents nearly always. At time 9: key 1 has been asked
        // for 4 times in 8 (1/2), key 2 twice in 6 (1/3), key 3 once in 1 (1).
        let mut trial = Trial::new("hyperbolic:samples=4096", 3);
        trial.ask(&[1, 1, 2, 1, 1, 2, 9]);
        trial.remove(9);
        trial.ask(&[3, 4]);
        assert_eq!(trial.residents(), [1, 3, 4]);
    }
}
