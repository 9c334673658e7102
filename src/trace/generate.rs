//! Made-up traces with a known shape: Zipf popularity, loops, scans, a hot set that moves.
//!
//! Every request is a function of the seed and its number, so a longer trace starts with the
//! shorter one. Not here: workloads of scenarios, which have more to them (see `workload`).

use super::{Fields, Operation, Request};
use crate::random::zipf::Zipf;
use crate::random::{Luck, Stream, mix};
use crate::units::{Nanoseconds, SECOND_NS};

/// In which order keys are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pattern {
    /// Key k with a probability in proportion to 1 / (k + 1)^exponent; 0 is uniform.
    Zipf {
        /// The exponent, at least 0.
        exponent: f64,
    },
    /// 0, 1, 2, ... up to the last key, and again.
    Loop,
}

/// One-off scans amid the other requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// A scan starts at every so many requests.
    pub every: u64,
    /// How many requests a scan has: each for a key that is asked for never before or after.
    pub length: u64,
}

/// A ranking that moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    /// It moves at every so many requests.
    pub every: u64,
    /// By so many keys: rank r asks for key r + by, then r + 2 by, ... (modulo the keys).
    pub by: u64,
}

/// What to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// How many requests.
    pub requests: u64,
    /// How many keys, beside those of scans.
    pub keys: u64,
    /// In which order keys are asked for.
    pub pattern: Pattern,
    /// One-off scans.
    pub scan: Option<Scan>,
    /// A ranking that moves on.
    pub shift: Option<Shift>,
    /// Mean requests per second, in a Poisson process.
    pub rate: f64,
    /// Smallest and largest size in bytes; each key keeps its size, of uniform logarithm.
    pub size: Option<(u64, u64)>,
    /// Smallest and largest TTL of a write; each key keeps its TTL, of uniform logarithm.
    pub ttl_ns: Option<(Nanoseconds, Nanoseconds)>,
    /// Share of requests that write.
    pub write_share: f64,
    /// Share of requests that delete.
    pub delete_share: f64,
    /// How many clients ask, each as often as the others; 0 leaves clients out.
    pub clients: u32,
    /// Seed of all luck.
    pub seed: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            requests: 1_000_000,
            keys: 100_000,
            pattern: Pattern::Zipf { exponent: 1.0 },
            scan: None,
            shift: None,
            rate: 1_000.0,
            size: None,
            ttl_ns: None,
            write_share: 0.0,
            delete_share: 0.0,
            clients: 0,
            seed: 1,
        }
    }
}

impl Recipe {
    /// What its requests say beside their keys.
    #[must_use]
    pub fn fields(&self) -> Fields {
        Fields {
            time: true,
            size: self.size.is_some(),
            operation: self.write_share > 0.0 || self.delete_share > 0.0,
            client: self.clients > 0,
            ttl: self.ttl_ns.is_some(),
            next_use: false,
        }
    }

    /// The requests, in order.
    #[must_use]
    pub fn generate(&self) -> Requests {
        let luck = Luck::new(self.seed, 0);
        let exponent = match self.pattern {
            Pattern::Zipf { exponent } => exponent,
            Pattern::Loop => 0.0,
        };
        Requests {
            zipf: Zipf::new(self.keys, exponent),
            arrivals: luck.stream("trace.arrival"),
            ranks: luck.stream("trace.rank"),
            operations: luck.stream("trace.operation"),
            clients: luck.stream("trace.client"),
            sizes: luck.stream("trace.size"),
            ttls: luck.stream("trace.ttl"),
            number: 0,
            time_s: 0.0,
            recipe: self.clone(),
        }
    }
}

/// The requests of a [`Recipe`].
#[derive(Clone, Debug)]
pub struct Requests {
    recipe: Recipe,
    zipf: Zipf,
    arrivals: Stream,
    ranks: Stream,
    operations: Stream,
    clients: Stream,
    sizes: Stream,
    ttls: Stream,
    number: u64,
    time_s: f64,
}

impl Requests {
    fn key(&self) -> u64 {
        let Recipe {
            keys,
            pattern,
            scan,
            shift,
            ..
        } = self.recipe;
        let keys = keys.max(1);
        // Requests outside of scans are numbered on their own, so that scans interrupt a loop
        // instead of punching holes into it.
        let mut number = self.number;
        if let Some(Scan { every, length }) = scan {
            let (round, place) = (self.number / every.max(1), self.number % every.max(1));
            if place < length {
                // Above all other keys, each once.
                return keys + round * length + place;
            }
            number = self.number - (round + 1) * length.min(every.max(1));
        }
        let rank = match pattern {
            Pattern::Loop => number % keys,
            Pattern::Zipf { .. } => {
                let mut draws = self.ranks.at(self.number);
                // From the other end: so a seed goes on making the trace that it always made.
                self.zipf.draw_by(|| 1.0 - draws.unit())
            }
        };
        match shift {
            None => rank,
            Some(Shift { every, by }) => {
                let moved = u128::from(number / every.max(1)) * u128::from(by);
                ((u128::from(rank) + moved) % u128::from(keys)) as u64
            }
        }
    }

    /// A number between the ends, of uniform logarithm, that belongs to `key`.
    fn of_key(stream: &Stream, key: u64, (low, high): (u64, u64)) -> u64 {
        let (low, high) = (low.max(1), high.max(low).max(1));
        let unit = stream.at(mix(key)).unit();
        let logarithm = libm::log(high as f64 / low as f64) * unit;
        ((low as f64 * libm::exp(logarithm)) as u64).clamp(low, high)
    }
}

impl Iterator for Requests {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        if self.number >= self.recipe.requests {
            return None;
        }
        let key = self.key();
        let recipe = &self.recipe;
        let gap = -libm::log(self.arrivals.at(self.number).unit()) / recipe.rate;
        self.time_s += gap;
        let draw = self.operations.at(self.number).unit();
        let operation = if draw < recipe.write_share {
            Operation::Set
        } else if draw < recipe.write_share + recipe.delete_share {
            Operation::Delete
        } else {
            Operation::Get
        };
        let request = Request {
            time_ns: (self.time_s * SECOND_NS as f64) as u64,
            key,
            size: recipe
                .size
                .map_or(0, |range| Self::of_key(&self.sizes, key, range)),
            operation,
            client: match recipe.clients {
                0 => 0,
                clients => self.clients.at(self.number).below(u64::from(clients)) as u32 + 1,
            },
            ttl_ns: recipe
                .ttl_ns
                .filter(|_| operation.is_write())
                .map(|range| Self::of_key(&self.ttls, key, range)),
            next_use: None,
        };
        self.number += 1;
        Some(request)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.recipe.requests - self.number) as usize;
        (left, Some(left))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(recipe: Recipe) -> Vec<u64> {
        recipe.generate().map(|request| request.key).collect()
    }

    #[test]
    fn a_loop_goes_round_and_scans_interrupt_it() {
        let recipe = Recipe {
            requests: 10,
            keys: 3,
            pattern: Pattern::Loop,
            scan: Some(Scan {
                every: 5,
                length: 2,
            }),
            ..Recipe::default()
        };
        assert_eq!(keys(recipe), [3, 4, 0, 1, 2, 5, 6, 0, 1, 2]);
    }

    #[test]
    fn a_shift_moves_the_ranking() {
        let recipe = Recipe {
            requests: 6,
            keys: 10,
            pattern: Pattern::Zipf { exponent: 50.0 },
            shift: Some(Shift { every: 2, by: 4 }),
            ..Recipe::default()
        };
        assert_eq!(keys(recipe), [0, 0, 4, 4, 8, 8]);
    }

    #[test]
    fn a_longer_trace_starts_with_the_shorter_one() {
        let recipe = Recipe {
            requests: 100,
            size: Some((10, 1000)),
            ttl_ns: Some((SECOND_NS, 60 * SECOND_NS)),
            write_share: 0.3,
            delete_share: 0.1,
            clients: 5,
            ..Recipe::default()
        };
        let short: Vec<_> = recipe.generate().collect();
        let long: Vec<_> = Recipe {
            requests: 150,
            ..recipe
        }
        .generate()
        .take(100)
        .collect();
        assert_eq!(short, long);
    }

    #[test]
    fn shares_rate_sizes_and_ttls_are_as_asked_for() {
        let recipe = Recipe {
            requests: 20_000,
            size: Some((10, 1000)),
            ttl_ns: Some((SECOND_NS, 60 * SECOND_NS)),
            write_share: 0.3,
            delete_share: 0.1,
            rate: 500.0,
            ..Recipe::default()
        };
        let requests: Vec<_> = recipe.generate().collect();
        let share = |wanted: fn(Operation) -> bool| {
            requests
                .iter()
                .filter(|request| wanted(request.operation))
                .count() as f64
                / 20_000.0
        };
        assert!((share(Operation::is_write) - 0.3).abs() < 0.02);
        assert!((share(Operation::is_delete) - 0.1).abs() < 0.02);
        let last_s = requests[19_999].time_ns as f64 / SECOND_NS as f64;
        assert!((last_s - 40.0).abs() < 1.5, "{last_s} s");
        assert!(
            requests
                .iter()
                .all(|request| (10..=1000).contains(&request.size))
        );
        assert!(
            requests
                .iter()
                .all(|request| request.ttl_ns.is_some() == request.operation.is_write())
        );
        let mut of_key = std::collections::BTreeMap::new();
        assert!(
            requests.iter().all(|request| {
                *of_key.entry(request.key).or_insert(request.size) == request.size
            })
        );
    }
}
