//! The crate `moka` (its `sync::Cache`) as a policy of replay, behind the cargo feature `moka`.
//!
//! moka does its maintenance in batches, when enough has happened or enough time has passed by the clock on
//! the wall. Here it is done after every access, so that results depend on the trace alone; an
//! application may see slightly other hit ratios.
//!
//! Source: moka 0.12, <https://github.com/moka-rs/moka>, whose policy is TinyLFU over an LRU queue.

use std::sync::{Arc, Mutex, PoisonError};

use super::library::{Driven, Hasher, Library, driven};
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// The crate's cache, whose values are weights, and what its listener heard.
struct Cache {
    cache: ::moka::sync::Cache<Id, u32, Hasher>,
    left: Arc<Mutex<Vec<Id>>>,
}

impl Cache {
    fn new(setup: &Setup, _counts_entries: bool) -> Self {
        let left = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&left);
        let cache = ::moka::sync::Cache::builder()
            .max_capacity(setup.capacity)
            .weigher(|_: &Id, weight: &u32| *weight)
            .eviction_listener(move |id: Arc<Id>, _, cause| {
                if cause.was_evicted() {
                    heard
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(*id);
                }
            })
            .build_with_hasher(Hasher::default());
        Self { cache, left }
    }
}

impl Library for Cache {
    fn get(&mut self, id: Id) {
        self.cache.get(&id);
    }

    fn insert(&mut self, id: Id, weight: u64) {
        self.cache
            .insert(id, u32::try_from(weight).unwrap_or(u32::MAX));
    }

    fn remove(&mut self, id: Id) {
        self.cache.invalidate(&id);
    }

    fn settle(&mut self, left: &mut Vec<Id>) {
        self.cache.run_pending_tasks();
        left.append(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

driven!(
    Moka,
    Cache,
    Description {
        name: "moka",
        summary: "the crate moka, with all maintenance done at once",
        source: "moka 0.12, sync::Cache",
        parameters: &[],
        replay_only: true,
    }
);

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;

    #[test]
    fn a_key_asked_for_often_survives_a_scan() {
        let mut trial = Trial::new("moka", 10);
        // moka counts only once it is half full.
        trial.ask(&(1..10).collect::<Vec<_>>());
        trial.ask(&[1, 1, 1, 1]);
        trial.ask(&(10..60).collect::<Vec<_>>());
        assert_eq!(trial.ask(&[1]), [true]);
    }
}
