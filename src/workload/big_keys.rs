//! Big keys: a few rows beside the others, with values of a size of their own.
//!
//! They come after the highest of the other keys, and a share of the requests is for any of them in
//! place of the key that was drawn. So a variant without them has the same requests otherwise.

use crate::random::{Luck, Stream, mix};
use crate::units::Key;

use super::distribution::Distribution;

/// Rows with values of a size of their own.
#[derive(Clone, Debug)]
pub struct BigKeys {
    /// How many, at least 1.
    pub count: u64,
    /// Size of their values, in bytes.
    pub value_size: Distribution,
    /// Share of the requests, in 0..=1, that are for one of them.
    pub share: f64,
}

/// The big keys of one replication.
#[derive(Debug)]
pub(super) struct BigDraws {
    plan: BigKeys,
    first: Key,
    requests: Stream,
    sizes: Stream,
}

impl BigDraws {
    /// All other keys are below `first`.
    pub(super) fn new(plan: &BigKeys, first: Key, luck: Luck) -> Self {
        Self {
            plan: plan.clone(),
            first,
            requests: luck.stream("workload.big_keys"),
            sizes: luck.stream("workload.big_keys.size"),
        }
    }

    /// The key of request `index`, in place of `key`.
    pub(super) fn draw(&self, index: u64, key: Key) -> Key {
        let mut draws = self.requests.at(index);
        if draws.chance(self.plan.share) {
            self.first + draws.below(self.plan.count)
        } else {
            key
        }
    }

    /// The size of a version of `key`, if that is a big one.
    pub(super) fn value_size(&self, key: Key, version: u64) -> Option<f64> {
        if key < self.first || key - self.first >= self.plan.count {
            return None;
        }
        let index = mix(key).wrapping_add(version);
        Some(self.plan.value_size.sample(&mut self.sizes.at(index)))
    }
}
