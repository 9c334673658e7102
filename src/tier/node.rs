//! One node of a tier: its cache, what it remembers beside it, and its workers.
//!
//! Not here: the way to the node and the time that anything takes (see the tier itself).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use hashbrown::HashMap;

use super::Plan;
use super::fills::Fills;
use super::leases::Leases;
use super::mutexes::Mutexes;
use super::write_buffer::WriteBuffer;
use crate::cache::Cache;
use crate::database::Row;
use crate::eviction::Measure;
use crate::kernel::{BroadcastId, Kernel, Resource};
use crate::units::{Key, KeyHash, Nanoseconds};

use super::Capacity;

/// A row in a cache.
#[derive(Clone, Debug)]
pub(super) struct Resident {
    pub(super) row: Row,
    /// Hits since it was stored; saturates.
    pub(super) hits: u16,
    /// Whether it was stored ahead of its expiry rather than because somebody asked.
    pub(super) refreshed: bool,
    /// Whether somebody fetches it anew although it is fresh.
    pub(super) is_being_renewed: bool,
    /// How long its fetch took, in nanoseconds; 0 if it was not fetched.
    pub(super) fetch_ns: f32,
}

/// The newest versions that deletes have named, for a while: a set of an older one comes too late.
#[derive(Debug, Default)]
pub(super) struct Tombstones {
    versions: HashMap<Key, (u64, Nanoseconds), KeyHash>,
    by_age: VecDeque<(Nanoseconds, Key)>,
}

impl Tombstones {
    /// Notes until `until_ns` that `version` of `key` exists.
    pub(super) fn bury(
        &mut self,
        key: Key,
        version: u64,
        now_ns: Nanoseconds,
        until_ns: Nanoseconds,
    ) {
        while let Some(&(old_until_ns, old)) = self.by_age.front()
            && old_until_ns <= now_ns
        {
            self.by_age.pop_front();
            // Unless it was noted again since.
            if self.versions.get(&old).is_some_and(|it| it.1 <= now_ns) {
                self.versions.remove(&old);
            }
        }
        let known = self.versions.entry(key).or_insert((version, until_ns));
        known.0 = known.0.max(version);
        known.1 = known.1.max(until_ns);
        self.by_age.push_back((until_ns, key));
    }

    /// The newest version of `key` that is remembered.
    pub(super) fn version(&self, key: Key, now_ns: Nanoseconds) -> Option<u64> {
        let (version, until_ns) = self.versions.get(&key)?;
        (*until_ns > now_ns).then_some(*version)
    }
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) cache: RefCell<Cache<Resident>>,
    /// Rows of hot keys that nothing evicts, and until when each is fresh.
    pub(super) pinned: RefCell<HashMap<Key, (Resident, Nanoseconds), KeyHash>>,
    /// Bytes of resident values.
    pub(super) bytes: Cell<u64>,
    pub(super) workers: Resource,
    /// What several workers share, where values take time on their way.
    pub(super) link: Option<Resource>,
    /// What a write-behind pattern has acknowledged here.
    pub(super) buffer: RefCell<WriteBuffer>,
    /// Loads that hold a ticket.
    pub(super) fills: RefCell<Fills>,
    /// Keys that are being written through, with whoever waits for the end of it.
    pub(super) locks: RefCell<HashMap<Key, BroadcastId, KeyHash>>,
    pub(super) tombstones: RefCell<Tombstones>,
    pub(super) leases: RefCell<Leases>,
    pub(super) mutexes: RefCell<Mutexes>,
    /// The present version of the keys that were written, where keys have versions.
    pub(super) versions: RefCell<HashMap<Key, u64, KeyHash>>,
    /// Entries evicted after warm-up.
    pub(super) evictions: Cell<u64>,
    pub(super) is_down: Cell<bool>,
    /// How often it has crashed.
    pub(super) crashes: Cell<u64>,
    seed: u64,
}

impl Node {
    pub(super) fn new(plan: &Plan, seed: u64, kernel: &Rc<Kernel>) -> Self {
        Self {
            cache: RefCell::new(empty(plan, seed)),
            pinned: RefCell::default(),
            bytes: Cell::new(0),
            workers: Resource::with_discipline(
                kernel.clone(),
                plan.workers,
                plan.queue_limit,
                plan.discipline,
            ),
            link: super::bandwidth::link(plan, kernel),
            buffer: RefCell::default(),
            fills: RefCell::default(),
            locks: RefCell::default(),
            tombstones: RefCell::default(),
            leases: RefCell::default(),
            mutexes: RefCell::default(),
            versions: RefCell::default(),
            evictions: Cell::new(0),
            is_down: Cell::new(false),
            crashes: Cell::new(0),
            seed,
        }
    }

    /// Forgets all entries, and what the policy remembers of them.
    pub(super) fn clear(&self, plan: &Plan) {
        *self.cache.borrow_mut() = empty(plan, self.seed);
        self.pinned.borrow_mut().clear();
        self.bytes.set(0);
        *self.tombstones.borrow_mut() = Tombstones::default();
        *self.leases.borrow_mut() = Leases::default();
        *self.mutexes.borrow_mut() = Mutexes::default();
        self.versions.borrow_mut().clear();
    }
}

fn empty(plan: &Plan, seed: u64) -> Cache<Resident> {
    let (measure, capacity) = match plan.capacity {
        Capacity::Unlimited => (Measure::Entries, u64::from(u32::MAX)),
        Capacity::Entries(entries) => (Measure::Entries, entries),
        Capacity::Bytes(bytes) => (Measure::Bytes, bytes),
    };
    Cache::new(&plan.eviction, measure, capacity, seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resident_takes_no_more_than_half_a_cache_line() {
        assert_eq!(size_of::<Option<Resident>>(), 32);
    }

    #[test]
    fn a_tombstone_keeps_the_newest_version_and_is_forgotten_in_time() {
        let mut tombstones = Tombstones::default();
        tombstones.bury(7, 2, 0, 100);
        tombstones.bury(7, 1, 50, 150);
        assert_eq!(tombstones.version(7, 120), Some(2));
        assert_eq!(tombstones.version(7, 150), None);
        tombstones.bury(8, 1, 150, 250);
        assert_eq!(tombstones.versions.len(), 1);
        assert_eq!(tombstones.by_age.len(), 1);
    }
}
