//! A newcomer is admitted at its second request: most keys of a long tail are asked for once only and never
//! come in.
//!
//! The keys asked for once are kept in two Bloom filters. When the newer one is full the older one is
//! emptied and takes its place, so what is remembered is always the last one to two fillings.
//!
//! Source: B. M. Maggs, R. K. Sitaraman, "Algorithmic nuggets in content delivery", ACM SIGCOMM CCR 45(3),
//! 2015 ("cache on second hit").
//!
//! Known weakness: every key misses at least twice.

use super::filter::Filter;
use super::{Admission, Described, Description, Surroundings};
use crate::eviction::{Access, Parameter};

/// Without a setting a filter remembers so many times the entries of the cache, and at least so many.
const KEYS_PER_ENTRY: u64 = 4;
const LEAST_KEYS: u64 = 1024;
const MOST_KEYS: u64 = 1 << 26;

/// The two filters.
pub struct Bloom {
    newer: Filter,
    older: Filter,
    keys: u64,
}

impl Described for Bloom {
    const DESCRIPTION: Description = Description {
        name: "bloom",
        summary: "a newcomer is admitted at its second request",
        source: "Maggs, Sitaraman, \"Algorithmic nuggets in content delivery\", SIGCOMM CCR 2015",
        parameters: &[Parameter::integer(
            "keys",
            0,
            0,
            MOST_KEYS,
            "keys per filter, of which there are two in turn; 0: four times the entries of the cache",
        )],
        needs_victim: false,
        tuned_every: None,
    };

    fn new(surroundings: &Surroundings) -> Self {
        let keys = match surroundings.parameters.integer("keys") {
            0 => surroundings
                .entries()
                .saturating_mul(KEYS_PER_ENTRY)
                .clamp(LEAST_KEYS, MOST_KEYS),
            keys => keys,
        };
        Self {
            newer: Filter::new(keys),
            older: Filter::new(keys),
            keys,
        }
    }
}

impl Admission for Bloom {
    fn hit(&mut self, _access: &Access, _weight: u64) {}

    fn admits(&mut self, access: &Access, _victim: Option<u64>) -> bool {
        if self.newer.contains(access.key) || self.older.contains(access.key) {
            return true;
        }
        if self.newer.members() >= self.keys {
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
        }
        self.newer.insert(access.key);
        false
    }
}

#[cfg(test)]
mod tests {
    use crate::eviction::trial::Trial;

    #[test]
    fn a_key_comes_in_at_its_second_request() {
        let mut trial = Trial::new("lru+bloom", 4);
        assert_eq!(trial.ask(&[1, 1, 1, 2]), [false, false, true, false]);
        assert_eq!(trial.residents(), [1]);
    }

    #[test]
    fn what_was_asked_for_two_fillings_ago_is_forgotten() {
        let mut trial = Trial::new("lru+bloom:keys=2", 4);
        trial.ask(&[1, 2, 3, 4, 1]);
        assert_eq!(
            trial.residents(),
            [1],
            "3 and 4 fill the newer one, 1 and 2 the older"
        );
        let mut trial = Trial::new("lru+bloom:keys=2", 4);
        trial.ask(&[1, 2, 3, 4, 5, 1]);
        assert!(trial.residents().is_empty());
    }
}
