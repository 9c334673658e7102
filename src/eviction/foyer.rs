//! The in-memory cache of the crate `foyer` (`foyer-memory`) as a policy of replay, behind the cargo
//! feature `foyer`. One shard and a fixed hasher make it exact; the algorithm is the crate's default, an
//! LRU with a pool of high priority.
//!
//! Source: foyer 0.22, <https://github.com/foyer-rs/foyer>.

use std::sync::{Arc, Mutex, PoisonError};

use foyer_common::event::{Event, EventListener};
use foyer_memory::CacheBuilder;

use super::library::{Driven, Hasher, Library, driven};
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// Notes what is evicted.
struct Listener(Arc<Mutex<Vec<Id>>>);

impl EventListener for Listener {
    type Key = Id;
    type Value = u64;

    fn on_leave(&self, reason: Event, id: &Id, _weight: &u64) {
        if reason == Event::Evict {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(*id);
        }
    }
}

/// The crate's cache, whose values are weights, and what its listener heard.
struct Cache {
    cache: foyer_memory::Cache<Id, u64, Hasher>,
    left: Arc<Mutex<Vec<Id>>>,
}

impl Cache {
    fn new(setup: &Setup, _counts_entries: bool) -> Self {
        let left = Arc::new(Mutex::new(Vec::new()));
        let capacity = usize::try_from(setup.capacity).unwrap_or(usize::MAX);
        let cache = CacheBuilder::new(capacity)
            .with_shards(1)
            .with_weighter(|_: &Id, weight: &u64| *weight as usize)
            .with_event_listener(Arc::new(Listener(Arc::clone(&left))))
            .with_hash_builder(Hasher::default())
            .build();
        Self { cache, left }
    }
}

impl Library for Cache {
    fn get(&mut self, id: Id) {
        self.cache.get(&id);
    }

    fn insert(&mut self, id: Id, weight: u64) {
        self.cache.insert(id, weight);
    }

    fn remove(&mut self, id: Id) {
        self.cache.remove(&id);
    }

    fn settle(&mut self, left: &mut Vec<Id>) {
        left.append(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

driven!(
    Foyer,
    Cache,
    Description {
        name: "foyer",
        summary: "the in-memory cache of the crate foyer, with its default algorithm",
        source: "foyer-memory 0.22",
        parameters: &[],
        replay_only: true,
    }
);

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;

    #[test]
    fn it_holds_as_many_as_it_may() {
        let mut trial = Trial::new("foyer", 10);
        trial.ask(&(10..60).collect::<Vec<_>>());
        assert_eq!(trial.residents(), (50..60).collect::<Vec<_>>());
    }
}
