//! LFU as Redis approximates it: an 8-bit counter per entry that rises with falling probability and
//! decays by one per idle minute; the victim is the best of a small pool of candidates that a few random
//! samples keep filled.
//!
//! Source: Redis 7, `evict.c` (`allkeys-lfu`, `maxmemory-samples 5`, `lfu-log-factor 10`,
//! `lfu-decay-time 1`), after R. Morris, "Counting large numbers of events in small registers", CACM
//! 21(10), 1978.
//!
//! Known weakness: a newcomer starts above an entry that has decayed, but has only until the next
//! samples to rise; and 255 is reached after a million accesses, beyond which all are equal.

use super::candidates::{Candidates, second_of};
use super::pool::Pool;
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};
use crate::random::Draws;

/// `LFU_INIT_VAL`: where newcomers start.
const FIRST: u8 = 5;

/// What Redis keeps in the 24 bits beside each object.
#[derive(Clone, Copy, Debug)]
struct Record {
    counter: u8,
    /// The minute in which the counter was last brought up to date.
    minute: u64,
}

/// The residents with their counters, and the candidates.
#[derive(Debug)]
pub struct RedisLfu<W> {
    pool: Pool<Record>,
    candidates: Candidates,
    samples: u64,
    factor: u64,
    /// Idle minutes per step of decay; 0: no decay.
    decay: u64,
    /// Units of [`Access::now`] per minute.
    minute: u64,
    draws: Draws,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for RedisLfu<W> {
    const DESCRIPTION: Description = Description {
        name: "redis-lfu",
        summary: "LFU as Redis approximates it, by samples and logarithmic counters that decay",
        source: "Redis 7, evict.c; Morris, \"Counting large numbers of events in small registers\", CACM 1978",
        parameters: &[
            Parameter::integer("samples", 5, 1, 64, "entries drawn per eviction"),
            Parameter::integer(
                "factor",
                10,
                0,
                1_000_000,
                "the greater, the slower counters rise (lfu-log-factor)",
            ),
            Parameter::integer(
                "decay",
                1,
                0,
                1_000_000,
                "idle minutes after which a counter falls by one; 0: never (lfu-decay-time)",
            ),
            Parameter::integer(
                "tick",
                0,
                0,
                u64::MAX,
                "requests per second of its clock in replay, nanoseconds in a timed run; 0: one request, or one second",
            ),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            pool: Pool::default(),
            candidates: Candidates::default(),
            samples: setup.parameters.integer("samples"),
            factor: setup.parameters.integer("factor"),
            decay: setup.parameters.integer("decay"),
            minute: second_of(setup).saturating_mul(60),
            draws: Draws::from_seed(setup.seed),
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> RedisLfu<W> {
    /// `LFUDecrAndReturn`: the counter, less one per idle period.
    fn decayed(&self, record: Record, now: u64) -> u8 {
        let periods = now
            .saturating_sub(record.minute)
            .checked_div(self.decay)
            .unwrap_or(0);
        record.counter.saturating_sub(periods.min(255) as u8)
    }

    /// `LFULogIncr`: one up, with probability 1 / ((counter - 5) * factor + 1).
    fn risen(&mut self, counter: u8) -> u8 {
        let above = u64::from(counter.saturating_sub(FIRST));
        if counter < u8::MAX && self.draws.below(above * self.factor + 1) == 0 {
            counter + 1
        } else {
            counter
        }
    }

    fn victim(&mut self, now: u64) -> Option<Id> {
        loop {
            for _ in 0..self.samples {
                let member = *self.pool.draw(&mut self.draws)?;
                let score = u8::MAX - self.decayed(member.note, now);
                self.candidates.offer(member.id, u64::from(score));
            }
            if let Some(victim) = self.candidates.take_best() {
                return Some(victim);
            }
        }
    }
}

impl<W: Weights> Policy for RedisLfu<W> {
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
        let now = access.now / self.minute;
        let counter = self.decayed(*self.pool.note(id), now);
        let counter = self.risen(counter);
        *self.pool.note_mut(id) = Record {
            counter,
            minute: now,
        };
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        let now = access.now / self.minute;
        while self.weight > self.capacity - weight
            && let Some(victim) = self.victim(now)
        {
            self.remove(victim);
            departures.evict_and_forget(victim);
        }
        self.weights.set(id, weight);
        self.weight += weight;
        self.pool.insert(
            id,
            Record {
                counter: FIRST,
                minute: now,
            },
        );
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

    const MINUTE: u64 = 60_000_000_000;

    #[test]
    fn the_entry_asked_for_less_often_leaves() {
        // From 5 the first access counts for sure, and the second with probability 1/11 at factor 10;
        // at factor 0 all count.
        let mut trial = Trial::new("redis-lfu:samples=64:factor=0", 3);
        trial.ask(&[1, 1, 1, 2, 3, 3, 4]);
        assert_eq!(trial.residents(), [1, 3, 4]);
    }

    #[test]
    fn a_counter_falls_by_one_per_idle_minute() {
        let mut trial = Trial::new("redis-lfu:samples=64:factor=0", 2);
        // 1 has counter 8 and falls to 3 in five minutes; 2 comes in with 5.
        trial.ask(&[1, 1, 1, 1]);
        trial.wait(5 * MINUTE);
        trial.ask(&[2, 3]);
        assert_eq!(trial.residents(), [2, 3]);
        let mut without = Trial::new("redis-lfu:samples=64:factor=0:decay=0", 2);
        without.ask(&[1, 1, 1, 1]);
        without.wait(5 * MINUTE);
        without.ask(&[2, 3]);
        assert_eq!(without.residents(), [1, 3]);
    }
}
