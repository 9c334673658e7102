//! The cache of another crate as a policy: what the crate holds is what is resident.
//!
//! Such a policy is for replay, to see how a library in production compares. It is driven through the
//! crate's own interface, with one shard, a hasher that is the same in every run, and all maintenance
//! done at once.
//!
//! Not here: the crates themselves, one per file beside this one.

use super::queue::Weights;
use super::{Access, Departures, Id, Policy};

/// A cache of a crate, whose keys are ids.
pub trait Library: Send {
    /// An access to a resident.
    fn get(&mut self, id: Id);

    /// A newcomer that weighs no more than the capacity.
    fn insert(&mut self, id: Id, weight: u64);

    /// A resident is deleted.
    fn remove(&mut self, id: Id);

    /// Does the maintenance that is due, and appends what left by eviction, or was refused, to `left`.
    fn settle(&mut self, left: &mut Vec<Id>);
}

/// The hasher that all of them use: not random, so that runs are alike.
pub type Hasher = xxhash_rust::xxh3::Xxh3DefaultBuilder;

/// A policy that does what a library does.
pub struct Driven<L, W> {
    library: L,
    present: Vec<bool>,
    left: Vec<Id>,
    weights: W,
    len: usize,
    weight: u64,
    capacity: u64,
}

impl<L: Library, W: Weights> Driven<L, W> {
    /// The policy over `library`, which is empty and was built for `capacity`.
    pub fn new(library: L, capacity: u64) -> Self {
        Self {
            library,
            present: Vec::new(),
            left: Vec::new(),
            weights: W::default(),
            len: 0,
            weight: 0,
            capacity,
        }
    }

    fn drop(&mut self, id: Id) {
        self.present[id as usize] = false;
        self.len -= 1;
        self.weight -= self.weights.of(id);
    }

    /// Notes what left; `newcomer` was not resident when the call began.
    fn settle(&mut self, newcomer: Option<Id>, departures: &mut Departures) {
        self.library.settle(&mut self.left);
        while let Some(id) = self.left.pop() {
            if !self.present[id as usize] {
                continue;
            }
            self.drop(id);
            if newcomer == Some(id) {
                departures.forget(id);
            } else {
                departures.evict_and_forget(id);
            }
        }
    }
}

impl<L: Library, W: Weights> Policy for Driven<L, W> {
    fn reserve(&mut self, bound: usize) {
        self.weights.reserve(bound);
        if self.present.len() < bound {
            self.present.resize(bound, false);
        }
    }

    fn contains(&self, id: Id) -> bool {
        self.present[id as usize]
    }

    fn hit(&mut self, id: Id, _access: &Access, departures: &mut Departures) {
        self.library.get(id);
        self.settle(None, departures);
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        // Libraries count misses, too.
        self.library.get(id);
        self.library.insert(id, weight);
        self.present[id as usize] = true;
        self.weights.set(id, weight);
        self.len += 1;
        self.weight += weight;
        self.settle(Some(id), departures);
        if self.weight > self.capacity && self.present[id as usize] {
            // A library that keeps more than it was told to: the newcomer goes.
            self.remove(id);
            departures.forget(id);
        }
        self.present[id as usize]
    }

    fn remove(&mut self, id: Id) {
        self.library.remove(id);
        self.drop(id);
        // What the removal itself reports is not news.
        self.library.settle(&mut self.left);
        self.left.retain(|left| *left != id);
    }

    fn len(&self) -> usize {
        self.len
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

/// Writes the policy `$policy` that drives `$library`.
macro_rules! driven {
    ($policy:ident, $library:ident, $description:expr) => {
        /// The library as a policy.
        pub struct $policy<W>(Driven<$library, W>);

        impl<W: Weights> Described for $policy<W> {
            const DESCRIPTION: Description = $description;

            fn new(setup: &Setup) -> Self {
                Self(Driven::new(
                    $library::new(setup, W::measure(2) == 1),
                    setup.capacity,
                ))
            }
        }

        impl<W: Weights> Policy for $policy<W> {
            fn reserve(&mut self, bound: usize) {
                self.0.reserve(bound);
            }

            fn contains(&self, id: Id) -> bool {
                self.0.contains(id)
            }

            fn hit(&mut self, id: Id, access: &Access, departures: &mut Departures) {
                self.0.hit(id, access, departures);
            }

            fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
                self.0.insert(id, access, departures)
            }

            fn remove(&mut self, id: Id) {
                self.0.remove(id);
            }

            fn len(&self) -> usize {
                self.0.len()
            }

            fn weight(&self) -> u64 {
                self.0.weight()
            }
        }
    };
}
pub(super) use driven;
