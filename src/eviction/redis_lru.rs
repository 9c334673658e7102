//! LRU as Redis approximates it: idle times are read from a clock of one-second ticks, and the victim is
//! the best of a small pool of candidates that a few random samples keep filled.
//!
//! Source: Redis 7, `evict.c` (`allkeys-lru`, `maxmemory-samples 5`); S. Sanfilippo, "Random notes on
//! improving the Redis LRU algorithm", 2016.
//!
//! Known weakness: a candidate in the pool keeps the idle time it had when it was sampled, so an entry
//! that was asked for since may go; and within one tick all entries look alike. Redis draws its samples
//! from neighbouring buckets of its table; here they are independent.

use super::candidates::{Candidates, second_of};
use super::pool::Pool;
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};
use crate::random::Draws;

/// The residents with the tick of their last access, and the candidates.
#[derive(Debug)]
pub struct RedisLru<W> {
    pool: Pool<u64>,
    candidates: Candidates,
    samples: u64,
    /// Units of [`Access::now`] per tick of the clock.
    tick: u64,
    draws: Draws,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for RedisLru<W> {
    const DESCRIPTION: Description = Description {
        name: "redis-lru",
        summary: "LRU as Redis approximates it, by samples and a clock of one-second ticks",
        source: "Redis 7, evict.c; Sanfilippo, \"Random notes on improving the Redis LRU algorithm\", 2016",
        parameters: &[
            Parameter::integer("samples", 5, 1, 64, "entries drawn per eviction"),
            Parameter::integer(
                "tick",
                0,
                0,
                u64::MAX,
                "requests per tick of its clock in replay, nanoseconds in a timed run; 0: one request, or one second",
            ),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            pool: Pool::default(),
            candidates: Candidates::default(),
            samples: setup.parameters.integer("samples"),
            tick: second_of(setup),
            draws: Draws::from_seed(setup.seed),
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> RedisLru<W> {
    fn victim(&mut self, now: u64) -> Option<Id> {
        loop {
            for _ in 0..self.samples {
                let member = self.pool.draw(&mut self.draws)?;
                let idle = now.saturating_sub(member.note);
                self.candidates.offer(member.id, idle);
            }
            if let Some(victim) = self.candidates.take_best() {
                return Some(victim);
            }
        }
    }
}

impl<W: Weights> Policy for RedisLru<W> {
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
    fn hit(&mut self, id: Id, access: &Access, _departures: &mut Departures) {
        *self.pool.note_mut(id) = access.now / self.tick;
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        let now = access.now / self.tick;
        while self.weight > self.capacity - weight
            && let Some(victim) = self.victim(now)
        {
            self.remove(victim);
            departures.evict_and_forget(victim);
        }
        self.weights.set(id, weight);
        self.weight += weight;
        self.pool.insert(id, now);
        true
    }

    fn remove(&mut self, id: Id) {
        self.pool.remove(id);
        self.candidates.remove(id);
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
    fn with_enough_samples_and_ticks_it_is_lru() {
        let mut redis = Trial::new("redis-lru:samples=64:tick=1", 3);
        let mut lru = Trial::new("lru", 3);
        // A trial is a timed host, so a tick of 1 is one request there, too.
        let ids: Vec<u32> = (0..40).map(|step| (step * step + step / 3) % 7).collect();
        assert_eq!(redis.ask(&ids), lru.ask(&ids));
        assert_eq!(redis.residents(), lru.residents());
    }

    #[test]
    fn within_one_tick_all_entries_look_alike() {
        // In a timed run a tick is a second: 1 was asked for last, but all of it is in one second, so
        // whether 1 stays is a matter of luck, not of recency.
        let survivals = (0..40).filter(|&start| {
            let mut trial = Trial::new("redis-lru", 4);
            trial.ask(&[10, 11, 12, 13]);
            for _ in 0..start {
                trial.ask(&[10]);
            }
            trial.ask(&(20..24).collect::<Vec<_>>());
            trial.ask(&[10])[0]
        });
        assert!(survivals.count() < 40);
    }

    #[test]
    fn ticks_pass_with_time() {
        let mut trial = Trial::new("redis-lru:samples=64", 2);
        trial.ask(&[1]);
        trial.wait(2_000_000_000);
        trial.ask(&[2]);
        trial.wait(2_000_000_000);
        trial.ask(&[1, 3]);
        assert_eq!(trial.residents(), [1, 3]);
    }
}
