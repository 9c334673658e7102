//! The cache of one node in the timed simulation: index, entries, expiry and bytes around an
//! eviction policy.
//!
//! The index leads from a key to the number of its slot in a slab, where the key is. That number is also the policy's id for the entry. A slot whose entry was evicted stays taken for as long as
//! the policy remembers it as a ghost, so that the same key finds its ghost again.
//!
//! Expired entries occupy space until they are touched, swept or evicted, as in real caches.
//!
//! An entry takes what its slot and its place in the index take: no more than [`ENTRY_BYTES_MAX`] with
//! a value of 24 bytes, what is allocated ahead included, and what the policy notes of it beside that.
//! So tables grow by parts, what only some owners need is a column of its own ([`Cache::with_notes`]),
//! and what an entry weighs is asked of its value.
//!
//! Not here: what a value is, when an entry expires and how long anything takes (see `tier`), and
//! who leaves (see `eviction`). Replay does not need this module: its ids are dense already.

mod index;

use crate::eviction::{Access, Departures, Id, Measure, Policy, PolicySpec};
use crate::prefetch::prefetch;
use crate::units::{Key, NEVER, Nanoseconds};
use index::Index;

/// The most bytes that a resident entry takes on average, where there are a thousand or more, without
/// what its policy notes.
pub const ENTRY_BYTES_MAX: usize = 64;

/// What a lookup found.
#[derive(Debug, PartialEq, Eq)]
pub enum Lookup<'cache, V> {
    /// An unexpired entry: its value.
    Hit(&'cache mut V),
    /// An entry whose time was up: it has been taken out, and this was its value.
    Expired(V),
    /// No entry.
    Miss,
}

impl<'cache, V> Lookup<'cache, V> {
    /// The value, if it was a hit.
    pub fn hit(self) -> Option<&'cache mut V> {
        match self {
            Self::Hit(value) => Some(value),
            Self::Expired(_) | Self::Miss => None,
        }
    }
}

/// What an insertion did.
#[derive(Debug, PartialEq, Eq)]
pub struct Inserted<V> {
    /// The value that the key had until now, if it was resident, expired or not.
    pub replaced: Option<V>,
    /// Whether the entry is resident now. A policy may refuse it, and so does a cache that is
    /// smaller than the entry.
    pub admitted: bool,
}

#[derive(Debug)]
struct Entry<V> {
    key: Key,
    /// When the value's time is up; [`NEVER`] if never.
    expires_ns: Nanoseconds,
    /// None in a ghost and in a free slot.
    value: Option<V>,
}

/// The cache of one node.
pub struct Cache<V> {
    index: Index,
    entries: Vec<Entry<V>>,
    /// What the owner notes beside each entry, by slot, if it does.
    notes: Option<Vec<f32>>,
    free: Vec<Id>,
    policy: Box<dyn Policy>,
    departures: Departures,
    evicted: Vec<(Key, V)>,
    /// Where the next sweep begins.
    sweep_from: usize,
    evictions: u64,
    expirations: u64,
}

impl<V> std::fmt::Debug for Cache<V> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Cache");
        shown
            .field("len", &self.len())
            .field("weight", &self.weight())
            .finish_non_exhaustive()
    }
}

/// Makes room for one more, and for an eighth more when there is none: a doubling would leave up to
/// half of what is allocated without use.
#[inline]
fn grow<T>(table: &mut Vec<T>) {
    if table.len() == table.capacity() {
        table.reserve_exact((table.len() / 8).max(16));
    }
}

#[inline]
fn find<V>(index: &Index, entries: &[Entry<V>], key: Key) -> Option<Id> {
    index.find(key, |id| entries[id as usize].key == key)
}

impl<V> Cache<V> {
    /// An empty cache that holds `capacity` entries or bytes under the policy `spec`, whose dice
    /// are seeded with `seed`.
    #[must_use]
    pub fn new(spec: &PolicySpec, measure: Measure, capacity: u64, seed: u64) -> Self {
        Self {
            index: Index::new(),
            entries: Vec::new(),
            notes: None,
            free: Vec::new(),
            policy: spec.build(measure, capacity, seed),
            departures: Departures::listening(),
            evicted: Vec::new(),
            sweep_from: 0,
            evictions: 0,
            expirations: 0,
        }
    }

    /// The same with a number beside each entry: see [`Cache::note`].
    #[must_use]
    pub fn with_notes(self) -> Self {
        Self {
            notes: Some(Vec::new()),
            ..self
        }
    }

    /// Says that `key` will be looked up soon, so that the way to its entry is already in the
    /// processor's cache then. Changes nothing.
    #[inline]
    pub fn announce(&self, key: Key) {
        self.index.prefetch(key);
    }

    /// As [`Cache::announce`], later and closer: the entry itself and what the policy notes of it.
    #[inline]
    pub fn approach(&self, key: Key) {
        match self.index.guess(key) {
            Some(id) => {
                prefetch(&self.entries, id as usize);
                self.policy.prefetch(id, key);
            }
            // What it notes of keys that have no entry.
            None if self.policy.prefetch_reads_key() => self.policy.prefetch(Id::MAX, key),
            None => {}
        }
    }

    /// As [`Cache::approach`], of the slot that the next newcomer will take and of whoever will probably
    /// have to leave for it.
    #[inline]
    pub fn approach_newcomer(&self) {
        if let Some(&id) = self.free.last() {
            prefetch(&self.entries, id as usize);
        }
        if let Some(id) = self.policy.upcoming() {
            prefetch(&self.entries, id as usize);
        }
    }

    /// An access to `key` at `now`. It counts for the policy. An expired entry is taken out.
    #[inline]
    pub fn lookup(&mut self, key: Key, now: Nanoseconds) -> Lookup<'_, V> {
        self.evicted.clear();
        let Some(id) = find(&self.index, &self.entries, key) else {
            return Lookup::Miss;
        };
        let entry = &self.entries[id as usize];
        if entry.value.is_none() {
            return Lookup::Miss;
        }
        if entry.expires_ns <= now {
            self.expirations += 1;
            return self.take_out(id).map_or(Lookup::Miss, Lookup::Expired);
        }
        let access = Access {
            key,
            now,
            // Of no meaning in a hit.
            weight: 0,
            next_use: u64::MAX,
            expires: entry.expires_ns,
        };
        self.policy.hit(id, &access, &mut self.departures);
        self.settle();
        // A policy with segments may evict the very entry that was hit; it is still a hit.
        let value = match &mut self.entries[id as usize].value {
            Some(value) => Some(value),
            None => self
                .evicted
                .iter_mut()
                .find(|(left, _)| *left == key)
                .map(|(_, value)| value),
        };
        value.map_or(Lookup::Miss, Lookup::Hit)
    }

    /// The value of `key`, expired or not, without telling the policy.
    #[must_use]
    pub fn peek(&self, key: Key) -> Option<&V> {
        let id = find(&self.index, &self.entries, key)?;
        self.entries[id as usize].value.as_ref()
    }

    /// As [`Cache::peek`], to change the value in place.
    #[must_use]
    pub fn peek_mut(&mut self, key: Key) -> Option<&mut V> {
        let id = find(&self.index, &self.entries, key)?;
        self.entries[id as usize].value.as_mut()
    }

    /// When the entry of `key` expires ([`NEVER`] if never); nothing if it is not resident.
    #[must_use]
    pub fn expires_ns(&self, key: Key) -> Option<Nanoseconds> {
        let id = find(&self.index, &self.entries, key)?;
        let entry = &self.entries[id as usize];
        entry.value.as_ref().map(|_| entry.expires_ns)
    }

    /// Gives the entry of `key` a new time to expire, without telling the policy (sliding TTLs).
    /// Returns whether it is resident.
    pub fn extend(&mut self, key: Key, expires_ns: Nanoseconds) -> bool {
        let Some(id) = find(&self.index, &self.entries, key) else {
            return false;
        };
        let entry = &mut self.entries[id as usize];
        entry.expires_ns = expires_ns;
        entry.value.is_some()
    }

    /// Gives all entries that expire a time to do so that is earlier by `earlier_ns`, or later if that is
    /// below 0, without telling the policy. What would have had to expire before time began has expired
    /// for good.
    pub fn shift_expiries(&mut self, earlier_ns: i64) {
        let later_ns = earlier_ns.saturating_neg();
        for entry in &mut self.entries {
            if !matches!(entry.expires_ns, 0 | NEVER) {
                let shifted_ns = entry.expires_ns.saturating_add_signed(later_ns);
                entry.expires_ns = shifted_ns.min(NEVER - 1);
            }
        }
    }

    /// The number that was noted beside the entry of `key`: 0 if none was since it was stored, or it
    /// is not resident, or the cache keeps no notes.
    #[must_use]
    pub fn note(&self, key: Key) -> f32 {
        let Some(notes) = &self.notes else { return 0.0 };
        find(&self.index, &self.entries, key).map_or(0.0, |id| notes[id as usize])
    }

    /// Notes a number beside the entry of `key`, until it is overwritten or leaves.
    pub fn set_note(&mut self, key: Key, note: f32) {
        if let Some(notes) = &mut self.notes
            && let Some(id) = find(&self.index, &self.entries, key)
        {
            notes[id as usize] = note;
        }
    }

    /// Stores `value` under `key`, in place of the value that may be there; `weigh` says what values
    /// weigh. Overwriting a value with one of the same weight counts as an access for the policy.
    pub fn insert(
        &mut self,
        key: Key,
        value: V,
        weigh: impl Fn(&V) -> u64,
        now: Nanoseconds,
        expires_ns: Nanoseconds,
    ) -> Inserted<V> {
        self.evicted.clear();
        let weight = weigh(&value);
        let id = find(&self.index, &self.entries, key).unwrap_or_else(|| self.allocate(key));
        let access = Access {
            key,
            now,
            weight,
            next_use: u64::MAX,
            expires: expires_ns,
        };
        let entry = &mut self.entries[id as usize];
        entry.expires_ns = expires_ns;
        let replaced = entry.value.replace(value);
        if let Some(notes) = &mut self.notes {
            notes[id as usize] = 0.0;
        }
        match &replaced {
            None => {
                self.policy.insert(id, &access, &mut self.departures);
            }
            Some(old) if weigh(old) == weight => {
                self.policy.hit(id, &access, &mut self.departures);
            }
            Some(_) => {
                self.policy.reweigh(id, &access, &mut self.departures);
            }
        }
        let admitted = self.policy.contains(id);
        if !admitted && !self.departures.evicted.contains(&id) {
            self.entries[id as usize].value = None;
        }
        self.settle();
        Inserted { replaced, admitted }
    }

    /// Takes the entry of `key` out and returns its value, expired or not.
    pub fn remove(&mut self, key: Key) -> Option<V> {
        self.evicted.clear();
        let id = find(&self.index, &self.entries, key)?;
        self.take_out(id)
    }

    /// Takes all entries out. The policy keeps its ghosts, as it does when they are deleted one by
    /// one; to begin with nothing at all, build a new cache.
    pub fn clear(&mut self) {
        self.evicted.clear();
        for id in 0..self.entries.len() as Id {
            self.take_out(id);
        }
    }

    /// Looks at `sample` slots, beginning where the last sweep ended, and takes expired entries
    /// out; while more than a quarter of a sample had expired it goes on, once around at most.
    /// Returns the values that it took out. (Redis does the same with random samples.)
    pub fn sweep(&mut self, now: Nanoseconds, sample: usize) -> Vec<V> {
        self.evicted.clear();
        let mut left = self.entries.len();
        let mut swept = Vec::new();
        while left > 0 && sample > 0 {
            let round = sample.min(left);
            let swept_before = swept.len();
            for _ in 0..round {
                if self.sweep_from >= self.entries.len() {
                    self.sweep_from = 0;
                }
                if self.entries[self.sweep_from].expires_ns <= now {
                    swept.extend(self.take_out(self.sweep_from as Id));
                }
                self.sweep_from += 1;
            }
            left -= round;
            if (swept.len() - swept_before) * 4 <= round {
                break;
            }
        }
        self.expirations += swept.len() as u64;
        swept
    }

    /// The entries that left by eviction during the last call that could evict ([`Cache::lookup`],
    /// [`Cache::insert`]), in order. They are dropped by the next call.
    pub fn drain_evicted(&mut self) -> impl Iterator<Item = (Key, V)> + '_ {
        self.evicted.drain(..)
    }

    /// How many entries are resident, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.policy.len()
    }

    /// Whether no entry is resident.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policy.is_empty()
    }

    /// What the residents weigh together, in entries or bytes.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.policy.weight()
    }

    /// Bytes that the cache has allocated beside what values own, without those of the policy.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let notes = self.notes.as_ref().map_or(0, Vec::capacity);
        self.index.bytes()
            + self.entries.capacity() * size_of::<Entry<V>>()
            + notes * size_of::<f32>()
            + self.free.capacity() * size_of::<Id>()
    }

    /// How many entries have been evicted so far.
    #[must_use]
    pub fn evictions(&self) -> u64 {
        self.evictions
    }

    /// How many expired entries have been taken out so far, by lookups and sweeps.
    #[must_use]
    pub fn expirations(&self) -> u64 {
        self.expirations
    }

    /// The residents, expired ones included, in an order that depends only on the calls so far.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &V)> + '_ {
        self.entries
            .iter()
            .filter_map(|entry| entry.value.as_ref().map(|value| (entry.key, value)))
    }

    /// A slot for `key`, which has none.
    fn allocate(&mut self, key: Key) -> Id {
        let id = self.free.pop().unwrap_or_else(|| {
            let id = self.entries.len() as Id;
            grow(&mut self.entries);
            self.entries.push(Entry {
                key,
                expires_ns: NEVER,
                value: None,
            });
            if let Some(notes) = &mut self.notes {
                grow(notes);
                notes.push(0.0);
            }
            // In steps, so that the policy does not grow its tables entry by entry.
            if self.entries.len().is_power_of_two() {
                self.policy.reserve(2 * self.entries.len());
            }
            id
        });
        self.entries[id as usize].key = key;
        self.index.insert(key, id);
        id
    }

    /// Gives the slot of an id that the policy knows no more back.
    fn release(&mut self, id: Id) {
        self.index.remove(self.entries[id as usize].key, id);
        self.free.push(id);
    }

    /// Takes a resident out that the policy did not choose; nothing happens to ghosts and free slots.
    fn take_out(&mut self, id: Id) -> Option<V> {
        let value = self.entries[id as usize].value.take()?;
        self.policy.remove(id);
        self.release(id);
        Some(value)
    }

    /// Does what the policy's departures ask for.
    #[inline]
    fn settle(&mut self) {
        if self.departures.evicted.is_empty() && self.departures.forgotten.is_empty() {
            return;
        }
        let mut departures = std::mem::take(&mut self.departures);
        for id in departures.evicted.drain(..) {
            let entry = &mut self.entries[id as usize];
            if let Some(value) = entry.value.take() {
                self.evictions += 1;
                self.evicted.push((entry.key, value));
            }
        }
        for id in departures.forgotten.drain(..) {
            self.release(id);
        }
        self.departures = departures;
    }
}

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Draws;

    fn one(_: &u32) -> u64 {
        1
    }

    fn cache(policy: &str, capacity: u64) -> Cache<u32> {
        Cache::new(
            &PolicySpec::parse(policy).unwrap(),
            Measure::Entries,
            capacity,
            1,
        )
    }

    /// A value and what it weighs.
    type Weighed = (u32, u64);

    fn weight(value: &Weighed) -> u64 {
        value.1
    }

    fn bytes(policy: &str, capacity: u64) -> Cache<Weighed> {
        Cache::new(
            &PolicySpec::parse(policy).unwrap(),
            Measure::Bytes,
            capacity,
            1,
        )
    }

    #[test]
    fn the_least_recently_used_entry_leaves_and_is_handed_out() {
        let mut cache = cache("lru", 2);
        cache.insert(10, 1, one, 0, NEVER);
        cache.insert(20, 2, one, 0, NEVER);
        assert_eq!(cache.lookup(10, 1), Lookup::Hit(&mut 1));
        assert_eq!(
            cache.insert(30, 3, one, 2, NEVER),
            Inserted {
                replaced: None,
                admitted: true
            }
        );
        assert_eq!(cache.drain_evicted().collect::<Vec<_>>(), [(20, 2)]);
        assert_eq!(cache.lookup(20, 3), Lookup::Miss);
        assert_eq!(cache.iter().collect::<Vec<_>>(), [(10, &1), (30, &3)]);
        assert_eq!(cache.evictions(), 1);
    }

    #[test]
    fn expiries_shift_together_but_for_those_that_never_come_or_came_before_time_began() {
        let mut cache = cache("lru", 3);
        cache.insert(10, 1, one, 0, 100);
        cache.insert(20, 2, one, 0, 1000);
        cache.insert(30, 3, one, 0, NEVER);
        let mut after = |earlier_ns| {
            cache.shift_expiries(earlier_ns);
            [10, 20, 30].map(|key| cache.expires_ns(key).unwrap())
        };
        assert_eq!(after(60), [40, 940, NEVER]);
        assert_eq!(after(-60), [100, 1000, NEVER]);
        assert_eq!(after(300), [0, 700, NEVER]);
        assert_eq!(after(-300), [0, 1000, NEVER]);
        assert_eq!(after(i64::MIN), [0, 1000 + i64::MAX as u64, NEVER]);
    }

    #[test]
    fn an_expired_entry_occupies_space_until_it_is_touched() {
        let mut cache = cache("lru", 2);
        cache.insert(10, 1, one, 0, 100);
        assert_eq!(cache.lookup(10, 99), Lookup::Hit(&mut 1));
        assert_eq!(cache.len(), 1);
        assert_eq!(cache.peek(10), Some(&1));
        assert_eq!(cache.lookup(10, 100), Lookup::Expired(1));
        assert_eq!(cache.len(), 0);
        assert_eq!(cache.lookup(10, 100), Lookup::Miss);
        assert_eq!(cache.expirations(), 1);
    }

    #[test]
    fn a_peek_does_not_count_as_an_access() {
        let mut cache = cache("lru", 2);
        cache.insert(10, 1, one, 0, NEVER);
        cache.insert(20, 2, one, 0, NEVER);
        assert_eq!(cache.peek(10), Some(&1));
        cache.insert(30, 3, one, 0, NEVER);
        assert_eq!(cache.peek(10), None);
    }

    #[test]
    fn overwriting_with_a_heavier_value_keeps_the_capacity() {
        let mut cache = bytes("lru", 100);
        cache.insert(1, (1, 40), weight, 0, NEVER);
        cache.insert(2, (2, 40), weight, 0, NEVER);
        let inserted = cache.insert(1, (3, 80), weight, 0, NEVER);
        assert_eq!(
            inserted,
            Inserted {
                replaced: Some((1, 40)),
                admitted: true
            }
        );
        assert_eq!(cache.drain_evicted().collect::<Vec<_>>(), [(2, (2, 40))]);
        assert_eq!((cache.len(), cache.weight()), (1, 80));
        let inserted = cache.insert(1, (4, 101), weight, 0, NEVER);
        assert_eq!(
            inserted,
            Inserted {
                replaced: Some((3, 80)),
                admitted: false
            }
        );
        assert_eq!((cache.len(), cache.weight()), (0, 0));
        assert_eq!(cache.lookup(1, 0), Lookup::Miss);
    }

    #[test]
    fn a_note_lasts_until_its_entry_is_overwritten_or_leaves() {
        let mut cache = cache("lru", 2).with_notes();
        cache.insert(10, 1, one, 0, NEVER);
        cache.set_note(10, 0.5);
        assert_eq!((cache.note(10), cache.note(20)), (0.5, 0.0));
        cache.insert(10, 2, one, 0, NEVER);
        assert_eq!(cache.note(10), 0.0);
        cache.set_note(10, 0.5);
        cache.remove(10);
        cache.insert(20, 1, one, 0, NEVER);
        assert_eq!((cache.note(10), cache.note(20)), (0.0, 0.0));
    }

    #[test]
    fn a_sweep_goes_on_while_more_than_a_quarter_had_expired() {
        let mut cache = cache("lru", 100);
        for key in 0..40 {
            cache.insert(key, 0, one, 0, if key < 20 { 10 } else { NEVER });
        }
        // Slots 0..10: all expired; 10..20: all expired; 20..30: none.
        assert_eq!(cache.sweep(10, 10).len(), 20);
        assert_eq!(cache.len(), 20);
        assert!(cache.sweep(10, 10).is_empty());
        assert!(cache.sweep(10, 0).is_empty());
    }

    #[test]
    fn random_calls_leave_a_cache_that_agrees_with_a_plain_map_of_what_it_reported() {
        for spec in PolicySpec::all().filter(|spec| !spec.description().replay_only) {
            for measure in [Measure::Entries, Measure::Bytes] {
                check_against_a_map(&spec, measure);
            }
        }
    }

    fn check_against_a_map(spec: &PolicySpec, measure: Measure) {
        let capacity = 20;
        let mut cache = Cache::<Weighed>::new(spec, measure, capacity, 3);
        let mut map = std::collections::BTreeMap::<Key, (u32, u64, Nanoseconds)>::new();
        let mut draws = Draws::from_seed(11);
        for now in 0..20_000u64 {
            let key = draws.below(60) * draws.below(3);
            match draws.below(10) {
                0 => assert_eq!(
                    cache.remove(key).map(|it| it.0),
                    map.remove(&key).map(|it| it.0)
                ),
                1 if draws.below(50) == 0 => {
                    cache.clear();
                    map.clear();
                }
                2 if draws.below(5) == 0 => {
                    let before = cache.expirations();
                    let swept = cache.sweep(now, 4).len() as u64;
                    assert_eq!(cache.expirations(), before + swept);
                    map.retain(|key, _| cache.peek(*key).is_some());
                }
                3..=6 => {
                    let expected = map.get(&key).copied();
                    let found = match cache.lookup(key, now) {
                        Lookup::Hit(value) => Some((value.0, true)),
                        Lookup::Expired(value) => Some((value.0, false)),
                        Lookup::Miss => None,
                    };
                    assert_eq!(
                        found,
                        expected.map(|(value, _, expires)| (value, expires > now))
                    );
                    if found.is_some_and(|(_, fresh)| !fresh) {
                        map.remove(&key);
                    }
                }
                _ => {
                    let value = draws.bits() as u32;
                    let heavy = 1 + draws.below(9) * draws.below(3);
                    let expires = if draws.below(3) == 0 {
                        now + draws.below(40)
                    } else {
                        NEVER
                    };
                    let inserted = cache.insert(key, (value, heavy), weight, now, expires);
                    let replaced = inserted.replaced.map(|it| it.0);
                    assert_eq!(replaced, map.remove(&key).map(|it| it.0));
                    if inserted.admitted {
                        map.insert(key, (value, heavy, expires));
                    }
                }
            }
            for (key, value) in cache.drain_evicted() {
                if let Some(left) = map.remove(&key) {
                    assert_eq!(left.0, value.0, "{spec}");
                }
            }
            assert_eq!(cache.len(), map.len(), "{spec} at {now}");
            let weight_in_all = match measure {
                Measure::Entries => map.len() as u64,
                Measure::Bytes => map.values().map(|it| it.1).sum(),
            };
            assert_eq!(cache.weight(), weight_in_all, "{spec}");
            assert!(weight_in_all <= capacity, "{spec}");
        }
        let mut contents: Vec<_> = cache.iter().map(|(key, value)| (key, value.0)).collect();
        contents.sort_unstable();
        assert_eq!(
            contents,
            map.iter().map(|(key, it)| (*key, it.0)).collect::<Vec<_>>()
        );
    }
}
