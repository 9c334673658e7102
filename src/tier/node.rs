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
use crate::database::{Edition, Row};
use crate::eviction::Measure;
use crate::kernel::{BroadcastId, Kernel, Resource};
use crate::units::{Key, KeyHash, Nanoseconds};

use super::Capacity;

/// A row in a cache: its parts are laid out for as many as possible to fit.
#[derive(Clone, Debug)]
pub(super) struct Resident {
    edition: Edition,
    as_of_ns: Nanoseconds,
    /// Bytes of the value.
    pub(super) bytes: u32,
    /// Hits since it was stored; saturates.
    pub(super) hits: u16,
    /// Whether it says that there is no such row.
    pub(super) is_absent: bool,
    /// Bits, of those below.
    marks: u8,
}

/// It was stored ahead of its expiry rather than because somebody asked.
const REFRESHED: u8 = 1;
/// Somebody fetches it anew although it is fresh.
const BEING_RENEWED: u8 = 2;

impl Resident {
    /// A row as it is stored, perhaps ahead of the expiry of the one before.
    pub(super) fn new(row: &Row, refreshed: bool) -> Self {
        Self {
            edition: row.edition(),
            as_of_ns: row.as_of_ns,
            bytes: row.bytes,
            hits: 0,
            is_absent: row.is_absent(),
            marks: if refreshed { REFRESHED } else { 0 },
        }
    }

    /// A copy of the row.
    #[inline]
    pub(super) fn row(&self) -> Row {
        Row::of(
            self.edition.clone(),
            self.as_of_ns,
            self.bytes,
            self.is_absent,
        )
    }

    /// The number of the row's version.
    pub(super) fn version(&self) -> u64 {
        self.edition.number()
    }

    /// Whether it was stored ahead of its expiry and nobody has asked for it since.
    #[inline]
    pub(super) fn is_wasted_refresh(&self) -> bool {
        self.marks & REFRESHED != 0 && self.hits == 0
    }

    /// Somebody fetches it anew although it is fresh; whether that is the first to do so.
    pub(super) fn begin_renewal(&mut self) -> bool {
        let is_first = self.marks & BEING_RENEWED == 0;
        self.marks |= BEING_RENEWED;
        is_first
    }
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

/// What every visit touches comes first, side by side.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Node {
    pub(super) cache: RefCell<Cache<Resident>>,
    pub(super) is_down: Cell<bool>,
    /// Bytes of resident values.
    pub(super) bytes: Cell<u64>,
    pub(super) workers: Resource,
    /// Entries evicted after warm-up.
    pub(super) evictions: Cell<u64>,
    /// Loads that hold a ticket.
    pub(super) fills: RefCell<Fills>,
    /// Keys that are being written through, with whoever waits for the end of it.
    pub(super) locks: RefCell<HashMap<Key, BroadcastId, KeyHash>>,
    /// What a write-behind pattern has acknowledged here.
    pub(super) buffer: RefCell<WriteBuffer>,
    /// Rows of hot keys that nothing evicts, and until when each is fresh.
    pub(super) pinned: RefCell<HashMap<Key, (Resident, Nanoseconds), KeyHash>>,
    /// What several workers share, where values take time on their way.
    pub(super) link: Option<Resource>,
    pub(super) tombstones: RefCell<Tombstones>,
    pub(super) leases: RefCell<Leases>,
    pub(super) mutexes: RefCell<Mutexes>,
    /// The present version of the keys that were written, where keys have versions.
    pub(super) versions: RefCell<HashMap<Key, u64, KeyHash>>,
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
    let cache = Cache::new(&plan.eviction, measure, capacity, seed);
    // How long the fetch of each entry took.
    if plan.early.is_some() {
        cache.with_notes()
    } else {
        cache
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::ENTRY_BYTES_MAX;
    use crate::database::Rows;

    #[test]
    fn a_resident_takes_three_words() {
        assert_eq!(size_of::<Option<Resident>>(), 24);
    }

    #[test]
    fn an_entry_takes_less_than_sixty_four_bytes_however_full_its_tables_are() {
        let plan = Plan::plain("cache", Capacity::Unlimited);
        let row = Rows::default().read(7, 0, |_| 100);
        let mut cache = empty(&plan, 1);
        let mut most: f64 = 0.0;
        for key in 0..300_000 {
            cache.insert(key, Resident::new(&row, false), |_| 1, 0, 1);
            if key >= 1000 {
                most = most.max(cache.bytes() as f64 / cache.len() as f64);
            }
        }
        assert!(most < ENTRY_BYTES_MAX as f64, "{most} bytes");
        // Nor does a cache that has been full for long take more.
        let plan = Plan::plain("cache", Capacity::Entries(10_000));
        let mut cache = empty(&plan, 1);
        for key in 0..100_000 {
            cache.insert(key, Resident::new(&row, false), |_| 1, 0, 1);
        }
        let bytes = cache.bytes() as f64 / cache.len() as f64;
        assert!(bytes < ENTRY_BYTES_MAX as f64, "{bytes} bytes");
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
