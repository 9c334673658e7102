//! The crate `quick_cache` (its `unsync::Cache`) as a policy of replay, behind the cargo feature
//! `quick_cache`. It is exact: the crate does everything at once, and its hasher is fixed.
//!
//! Source: quick_cache 0.7, <https://github.com/arthurprs/quick-cache>, whose policy is a form of CLOCK-Pro.

use super::library::{Driven, Hasher, Library, driven};
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// Values are weights.
#[derive(Clone)]
struct ByValue;

impl ::quick_cache::Weighter<Id, u64> for ByValue {
    fn weight(&self, _id: &Id, weight: &u64) -> u64 {
        *weight
    }
}

/// Notes what is evicted in the state of the request.
#[derive(Clone)]
struct Listener;

impl ::quick_cache::Lifecycle<Id, u64> for Listener {
    type RequestState = Vec<Id>;

    fn on_evict(&self, left: &mut Vec<Id>, id: Id, _weight: u64) {
        left.push(id);
    }
}

/// The crate's cache and what has left it.
struct Cache {
    cache: ::quick_cache::unsync::Cache<Id, u64, ByValue, Hasher, Listener>,
    left: Vec<Id>,
}

/// Entries that the crate is told to expect at most: it reserves room for its ghosts by that.
const MOST_EXPECTED: u64 = 1 << 24;
/// Bytes that an entry is taken to have where the capacity is in bytes.
const TYPICAL_BYTES: u64 = 1024;

impl Cache {
    fn new(setup: &Setup, counts_entries: bool) -> Self {
        let expected = if counts_entries {
            setup.capacity
        } else {
            setup.capacity / TYPICAL_BYTES
        };
        Self {
            cache: ::quick_cache::unsync::Cache::with(
                expected.clamp(1, MOST_EXPECTED) as usize,
                setup.capacity,
                ByValue,
                Hasher::default(),
                Listener,
            ),
            left: Vec::new(),
        }
    }
}

impl Library for Cache {
    fn get(&mut self, id: Id) {
        self.cache.get(&id);
    }

    fn insert(&mut self, id: Id, weight: u64) {
        self.cache.insert_with_lifecycle(id, weight, &mut self.left);
    }

    fn remove(&mut self, id: Id) {
        self.cache.remove(&id);
    }

    fn settle(&mut self, left: &mut Vec<Id>) {
        left.append(&mut self.left);
    }
}

driven!(
    QuickCache,
    Cache,
    Description {
        name: "quick_cache",
        summary: "the crate quick_cache",
        source: "quick_cache 0.7, unsync::Cache",
        parameters: &[],
        replay_only: true,
    }
);

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;

    #[test]
    fn a_key_asked_for_often_survives_a_scan() {
        let mut trial = Trial::new("quick_cache", 10);
        trial.ask(&[1, 1, 1, 1]);
        trial.ask(&(10..60).collect::<Vec<_>>());
        assert_eq!(trial.ask(&[1]), [true]);
    }
}
