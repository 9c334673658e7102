//! The keys that are asked for most, found in one pass with a fixed number of counters: SpaceSaving.
//!
//! Metwally, Agrawal and El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data
//! Streams", ICDT 2005. A key that has no counter takes over the smallest one, with its count as a
//! possible error; so no count is too low, none is too high by more than its error, and a key with
//! more than one in so many of all events as there are counters is never missed.
//!
//! Known weakness: without really frequent keys all counters are errors. What is said of a key is
//! therefore what it had for sure: its count less its error.
//!
//! The counters are few and are searched one by one: two passes over some cache lines cost less than
//! a heap that is kept in order, and depend on nothing but the events.

use crate::units::Key;

/// A number of counters for the most frequent keys of a stream. See the module's text.
#[derive(Clone, Debug)]
pub struct HeavyHitters {
    most: usize,
    keys: Vec<Key>,
    counts: Vec<u64>,
    errors: Vec<u64>,
}

impl Default for HeavyHitters {
    /// Enough counters to tell ten keys from the crowd.
    fn default() -> Self {
        Self::new(64)
    }
}

impl HeavyHitters {
    /// So many counters, at least 1.
    #[must_use]
    pub fn new(counters: usize) -> Self {
        Self {
            most: counters.max(1),
            keys: Vec::new(),
            counts: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Counts an event of `key`; how many it had at least since the last [`HeavyHitters::clear`].
    pub fn record(&mut self, key: Key) -> u64 {
        // "If e is monitored, increment its counter."
        if let Some(at) = self.keys.iter().position(|&known| known == key) {
            self.counts[at] += 1;
            return self.counts[at] - self.errors[at];
        }
        if self.keys.len() < self.most {
            self.keys.push(key);
            self.counts.push(1);
            self.errors.push(0);
            return 1;
        }
        // "Else let e_m be the element with least hits, min; replace e_m with e; increment its count;
        // assign its error the value min."
        let least = (0..self.most)
            .min_by_key(|&at| self.counts[at])
            .unwrap_or(0);
        self.keys[least] = key;
        self.errors[least] = self.counts[least];
        self.counts[least] += 1;
        1
    }

    /// The keys with the most events for sure, most first, and how many those are; keys of which
    /// nothing more is known than that they came once are left out.
    #[must_use]
    pub fn top(&self, many: usize) -> Vec<(Key, u64)> {
        let counted = self.keys.iter().zip(self.counts.iter().zip(&self.errors));
        let mut all: Vec<(Key, u64)> = counted
            .map(|(&key, (count, error))| (key, count - error))
            .filter(|&(_, sure)| sure > 1)
            .collect();
        all.sort_by_key(|&(key, sure)| (std::cmp::Reverse(sure), key));
        all.truncate(many);
        all
    }

    /// Starts anew.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.counts.clear();
        self.errors.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_newcomer_takes_the_smallest_counter_with_its_count_as_error() {
        // The example of the paper's section 3: X, Y, Y, then Z with two counters.
        let mut hitters = HeavyHitters::new(2);
        for key in [1, 2, 2, 3] {
            hitters.record(key);
        }
        assert_eq!(hitters.keys, [3, 2]);
        assert_eq!(hitters.counts, [2, 2]);
        assert_eq!(hitters.errors, [1, 0]);
        assert_eq!(hitters.top(10), [(2, 2)]);
    }

    proptest! {
        #[test]
        fn counts_are_never_too_high_and_no_frequent_key_is_missed(
            events in proptest::collection::vec(0_u64..30, 1..400),
            counters in 1_usize..12,
        ) {
            let mut hitters = HeavyHitters::new(counters);
            let mut truth: BTreeMap<Key, u64> = BTreeMap::new();
            for &key in &events {
                *truth.entry(key).or_default() += 1;
                let sure = hitters.record(key);
                prop_assert!(sure >= 1 && sure <= truth[&key]);
            }
            for at in 0..hitters.keys.len() {
                let count = truth[&hitters.keys[at]];
                prop_assert!(hitters.counts[at] >= count);
                prop_assert!(hitters.counts[at] - hitters.errors[at] <= count);
            }
            for (key, count) in truth {
                if count * counters as u64 > events.len() as u64 {
                    prop_assert!(hitters.keys.contains(&key));
                }
            }
        }
    }
}
