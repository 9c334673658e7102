//! A trace in memory, as replay wants it: keys numbered densely from 0.

use super::{NEVER_USED, Operation, Reader, Request, TraceError};
use crate::random;
use crate::units::{Key, NEVER, Nanoseconds};

/// How many requests are taken from a reader at a time: enough to hide the latency of memory
/// behind one another, few enough to stay in the nearest cache.
const BATCH: usize = 256;

/// Which columns are kept beside the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// [`Interned::times_ns`].
    pub times: bool,
    /// [`Interned::sizes`].
    pub sizes: bool,
    /// [`Interned::operations`].
    pub operations: bool,
    /// [`Interned::ttls_ns`].
    pub ttls: bool,
    /// [`Interned::clients`].
    pub clients: bool,
}

impl Columns {
    /// Keys only.
    pub const NONE: Self = Self {
        times: false,
        sizes: false,
        operations: false,
        ttls: false,
        clients: false,
    };
    /// Every column.
    pub const ALL: Self = Self {
        times: true,
        sizes: true,
        operations: true,
        ttls: true,
        clients: true,
    };
}

/// Which part of a trace is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Selection {
    /// No more than this many requests from the start (counted before sampling).
    pub limit: Option<u64>,
    /// Only this share of the keys, with all of their requests: spatial sampling as in SHARDS
    /// (Waldspurger, Park, Garthwaite, Ahmad, FAST 2015). See [`sampled`].
    pub sample: Option<f64>,
    /// Which columns are kept.
    pub columns: Columns,
}

/// Whether `key` is in a spatial sample of the share `rate` of all keys. It depends on the key
/// only, so a larger sample contains a smaller one. At most 0: none; at least 1: all.
#[inline]
#[must_use]
pub fn sampled(key: Key, rate: f64) -> bool {
    // The odd constant keeps key 0, which `mix` leaves at 0, from being in every sample.
    let uniform = random::mix(key ^ 0x5851_f42d_4c95_7f2d) >> 11;
    (uniform as f64) < rate * (1u64 << 53) as f64
}

/// Numbers keys densely from 0, in the order of their first appearance.
///
/// An open-addressing table with linear probing, of 8 bytes per slot: the number of the key and 32
/// bits of its hash. The keys themselves are kept once, in order, where the frequent ones, which
/// appear early, share cache lines. The hash is one 128-bit multiplication, folded.
#[derive(Clone, Debug)]
pub struct Interner {
    slots: Vec<u64>,
    keys: Vec<Key>,
    mask: usize,
}

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

/// A free slot. No key has the number `u32::MAX`, so no taken slot looks like it.
const FREE: u64 = u64::MAX;

#[inline]
fn hash(key: Key) -> u64 {
    let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * 0xa076_1d64_78bd_642f_u128;
    // The low half again through its own high bits: sequential keys (blocks) differ only there.
    (product >> 64) as u64 ^ product as u64
}

impl Interner {
    /// Without any key.
    #[must_use]
    pub fn new() -> Self {
        const SMALLEST: usize = 1 << 10;
        Self {
            slots: vec![FREE; SMALLEST],
            keys: Vec::new(),
            mask: SMALLEST - 1,
        }
    }

    /// The keys by their numbers.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The number of `key` if it has one.
    #[must_use]
    pub fn find(&self, key: Key) -> Option<u32> {
        let hash = hash(key);
        let mut at = hash as usize & self.mask;
        loop {
            let slot = self.slots[at];
            if slot == FREE {
                return None;
            }
            if slot >> 32 == hash >> 32 && self.keys[slot as u32 as usize] == key {
                return Some(slot as u32);
            }
            at = (at + 1) & self.mask;
        }
    }

    /// The number of `key`, a new one at its first appearance; `None` when all 2^32 - 1 numbers
    /// are given away.
    #[inline]
    pub fn intern(&mut self, key: Key) -> Option<u32> {
        self.intern_hashed(key, hash(key))
    }

    #[inline]
    fn intern_hashed(&mut self, key: Key, hash: u64) -> Option<u32> {
        let mut at = hash as usize & self.mask;
        loop {
            let slot = self.slots[at];
            if slot == FREE {
                return self.add(key, hash, at);
            }
            if slot >> 32 == hash >> 32 && self.keys[slot as u32 as usize] == key {
                return Some(slot as u32);
            }
            at = (at + 1) & self.mask;
        }
    }

    fn add(&mut self, key: Key, hash: u64, at: usize) -> Option<u32> {
        let id = u32::try_from(self.keys.len())
            .ok()
            .filter(|&id| id != u32::MAX)?;
        self.keys.push(key);
        self.slots[at] = hash >> 32 << 32 | u64::from(id);
        if self.keys.len() > self.slots.len() / 4 * 3 {
            self.grow();
        }
        Some(id)
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        // The old table goes first: the keys hold all that is needed for the new one, and the
        // two tables are never in memory together.
        self.slots = Vec::new();
        self.slots = vec![FREE; size];
        self.mask = size - 1;
        for (id, &key) in self.keys.iter().enumerate() {
            let hash = hash(key);
            let mut at = hash as usize & self.mask;
            while self.slots[at] != FREE {
                at = (at + 1) & self.mask;
            }
            self.slots[at] = hash >> 32 << 32 | id as u64;
        }
    }

    /// Appends the numbers of `keys` to `ids`; false when the numbers ran out.
    ///
    /// Works on some hundred keys at a time in passes that do not depend on each other's results, so
    /// that the processor waits for many cache misses at once instead of for one after the other.
    pub fn intern_all(&mut self, keys: &[Key], ids: &mut Vec<u32>) -> bool {
        let mut hashes = [0; BATCH];
        let mut found = [0; BATCH];
        for keys in keys.chunks(BATCH) {
            for (hash_of, &key) in hashes.iter_mut().zip(keys) {
                *hash_of = hash(key);
            }
            for (slot, &hash) in found.iter_mut().zip(&hashes[..keys.len()]) {
                *slot = self.slots[hash as usize & self.mask];
            }
            for ((&key, &hash), &slot) in keys.iter().zip(&hashes).zip(&found) {
                // A number once given stays, so the slot may be from before the table grew.
                let id = slot as u32 as usize;
                if slot >> 32 == hash >> 32 && self.keys.get(id) == Some(&key) {
                    ids.push(slot as u32);
                    continue;
                }
                match self.intern_hashed(key, hash) {
                    Some(id) => ids.push(id),
                    None => return false,
                }
            }
        }
        true
    }

    /// The keys by their numbers; the table is dropped.
    #[must_use]
    pub fn into_keys(self) -> Vec<Key> {
        self.keys
    }
}

/// A trace with its keys numbered densely: 4 bytes per request and 8 per distinct key, and what
/// the columns need.
///
/// While it is built, the table takes 11 to 22 bytes per distinct key more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interned {
    /// For each request the number of its key.
    pub ids: Vec<u32>,
    /// For each number its key, in the order of first appearance.
    pub keys: Vec<Key>,
    /// When each request came, in nanoseconds.
    pub times_ns: Option<Vec<Nanoseconds>>,
    /// Bytes of each request's object. Where the trace does not say (0), it is the last size known
    /// of the key, else the first that is known later, else 1. Larger ones are cut to 4 GiB - 1.
    pub sizes: Option<Vec<u32>>,
    /// What each request asks for.
    pub operations: Option<Vec<Operation>>,
    /// The TTL of each request in nanoseconds, [`NEVER`] where there is none.
    pub ttls_ns: Option<Vec<Nanoseconds>>,
    /// Who sent each request.
    pub clients: Option<Vec<u32>>,
    /// How many sizes did not fit 32 bits and were cut.
    pub oversized: u64,
    /// How many requests there were before a sample was taken of them.
    pub read: u64,
}

impl Interned {
    /// Reads what `selection` asks for. A column is kept if it is asked for *and* the trace has it.
    ///
    /// # Errors
    /// What the reader reports, and more than 2^32 - 1 distinct keys.
    pub fn from_reader(reader: &mut dyn Reader, selection: &Selection) -> Result<Self, TraceError> {
        let (fields, wanted) = (reader.fields(), selection.columns);
        let mut trace = Self {
            times_ns: (wanted.times && fields.time).then(Vec::new),
            sizes: (wanted.sizes && fields.size).then(Vec::new),
            operations: (wanted.operations && fields.operation).then(Vec::new),
            ttls_ns: (wanted.ttls && fields.ttl).then(Vec::new),
            clients: (wanted.clients && fields.client).then(Vec::new),
            ..Self::default()
        };
        let keys_only = trace.times_ns.is_none()
            && trace.sizes.is_none()
            && trace.operations.is_none()
            && trace.ttls_ns.is_none()
            && trace.clients.is_none();
        let rate = selection.sample.filter(|&rate| rate < 1.0);
        let mut left = selection.limit.unwrap_or(u64::MAX);
        let expected = reader.remaining().unwrap_or(0).min(left);
        if rate.is_none() {
            trace.reserve(usize::try_from(expected).unwrap_or(0));
        }
        let mut interner = Interner::new();
        let mut requests: Vec<Request> = Vec::with_capacity(BATCH);
        let mut keys: Vec<Key> = Vec::with_capacity(BATCH);
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
            keys.clear();
            let taken = if keys_only {
                let taken = reader.fill_keys(&mut keys, count)?;
                if let Some(rate) = rate {
                    keys.retain(|&key| sampled(key, rate));
                }
                taken
            } else {
                requests.clear();
                let taken = reader.fill(&mut requests, count)?;
                if let Some(rate) = rate {
                    requests.retain(|request| sampled(request.key, rate));
                }
                keys.extend(requests.iter().map(|request| request.key));
                trace.append_columns(&requests);
                taken
            };
            if !interner.intern_all(&keys, &mut trace.ids) {
                return Err(TraceError::of_file(
                    "trace",
                    "has more than 2^32 - 1 distinct keys; take a sample of it",
                ));
            }
            trace.read += taken as u64;
            left -= taken as u64;
            if taken < count {
                break;
            }
        }
        trace.keys = interner.into_keys();
        trace.shrink();
        trace.complete_sizes();
        Ok(trace)
    }

    /// A trace of nothing but these keys.
    ///
    /// # Panics
    /// When there are more than 2^32 - 1 distinct keys.
    #[must_use]
    pub fn from_keys(keys: impl IntoIterator<Item = Key>) -> Self {
        let mut interner = Interner::new();
        let ids = keys
            .into_iter()
            .map(|key| {
                interner
                    .intern(key)
                    .expect("fewer than 2^32 - 1 distinct keys")
            })
            .collect();
        let ids: Vec<u32> = ids;
        Self {
            read: ids.len() as u64,
            ids,
            keys: interner.into_keys(),
            ..Self::default()
        }
    }

    fn reserve(&mut self, count: usize) {
        // Failing to reserve is no error: the vectors grow as they are filled.
        let _ = self.ids.try_reserve_exact(count);
        let _ = self
            .times_ns
            .as_mut()
            .map(|column| column.try_reserve_exact(count));
        let _ = self
            .sizes
            .as_mut()
            .map(|column| column.try_reserve_exact(count));
        let _ = self
            .operations
            .as_mut()
            .map(|column| column.try_reserve_exact(count));
        let _ = self
            .ttls_ns
            .as_mut()
            .map(|column| column.try_reserve_exact(count));
        let _ = self
            .clients
            .as_mut()
            .map(|column| column.try_reserve_exact(count));
    }

    fn append_columns(&mut self, requests: &[Request]) {
        if let Some(times_ns) = &mut self.times_ns {
            times_ns.extend(requests.iter().map(|request| request.time_ns));
        }
        if let Some(sizes) = &mut self.sizes {
            for request in requests {
                self.oversized += u64::from(request.size > u64::from(u32::MAX));
                sizes.push(u32::try_from(request.size).unwrap_or(u32::MAX));
            }
        }
        if let Some(operations) = &mut self.operations {
            operations.extend(requests.iter().map(|request| request.operation));
        }
        if let Some(ttls_ns) = &mut self.ttls_ns {
            ttls_ns.extend(
                requests
                    .iter()
                    .map(|request| request.ttl_ns.unwrap_or(NEVER)),
            );
        }
        if let Some(clients) = &mut self.clients {
            clients.extend(requests.iter().map(|request| request.client));
        }
    }

    fn shrink(&mut self) {
        self.ids.shrink_to_fit();
        self.keys.shrink_to_fit();
        let _ = self.times_ns.as_mut().map(Vec::shrink_to_fit);
        let _ = self.sizes.as_mut().map(Vec::shrink_to_fit);
        let _ = self.operations.as_mut().map(Vec::shrink_to_fit);
        let _ = self.ttls_ns.as_mut().map(Vec::shrink_to_fit);
        let _ = self.clients.as_mut().map(Vec::shrink_to_fit);
    }

    /// Puts a size where the trace gives none, as [`Interned::sizes`] says.
    fn complete_sizes(&mut self) {
        let Some(sizes) = &mut self.sizes else { return };
        if !sizes.contains(&0) {
            return;
        }
        let mut known = vec![0; self.keys.len()];
        for (size, &id) in sizes.iter_mut().zip(&self.ids) {
            let known = &mut known[id as usize];
            match *size {
                0 => *size = *known,
                _ => *known = *size,
            }
        }
        // Backwards: what is still unknown comes before the first that is known. `known` holds
        // the last size of each key, or 0 for those that have none at all.
        for (size, &id) in sizes.iter_mut().zip(&self.ids).rev() {
            let known = &mut known[id as usize];
            match *size {
                0 => *size = (*known).max(1),
                _ => *known = *size,
            }
        }
    }

    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no request.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many distinct keys there are.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.keys.len()
    }

    /// For each request the number of the next request for the same key, [`NEVER_USED`] for the
    /// last: what Belady's policy must know. 8 bytes per request. Computed from this trace, never
    /// taken from the file, so it is right for any format, limit and sample.
    #[must_use]
    pub fn next_uses(&self) -> Vec<u64> {
        let mut next_of_key = vec![NEVER_USED; self.keys.len()];
        let mut next_uses = vec![NEVER_USED; self.ids.len()];
        for (number, &id) in self.ids.iter().enumerate().rev() {
            next_uses[number] = std::mem::replace(&mut next_of_key[id as usize], number as u64);
        }
        next_uses
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::Fields;

    /// A reader of requests in memory.
    struct InMemory {
        requests: std::vec::IntoIter<Request>,
        fields: Fields,
    }

    impl Reader for InMemory {
        fn fields(&self) -> Fields {
            self.fields
        }

        fn next(&mut self) -> Result<Option<Request>, TraceError> {
            Ok(self.requests.next())
        }
    }

    fn interned(requests: Vec<Request>, selection: &Selection) -> Interned {
        let mut reader = InMemory {
            requests: requests.into_iter(),
            fields: Fields::ALL,
        };
        Interned::from_reader(&mut reader, selection).unwrap()
    }

    fn with_sizes(sizes: &[(u64, u64)]) -> Vec<Request> {
        sizes
            .iter()
            .map(|&(key, size)| Request {
                key,
                size,
                ..Request::default()
            })
            .collect()
    }

    #[test]
    fn keys_are_numbered_in_the_order_of_their_first_appearance() {
        let trace = Interned::from_keys([30, 10, 30, 20, 10]);
        assert_eq!(trace.ids, [0, 1, 0, 2, 1]);
        assert_eq!(trace.keys, [30, 10, 20]);
        assert_eq!((trace.len(), trace.distinct()), (5, 3));
    }

    #[test]
    fn next_uses_are_those_of_the_same_key() {
        let trace = Interned::from_keys([30, 10, 30, 20, 10]);
        assert_eq!(
            trace.next_uses(),
            [2, 4, NEVER_USED, NEVER_USED, NEVER_USED]
        );
    }

    #[test]
    fn an_unknown_size_is_the_last_known_else_the_first_later_else_one() {
        let requests = with_sizes(&[
            (1, 0),
            (1, 10),
            (1, 0),
            (1, 30),
            (1, 0),
            (2, 0),
            (2, 0),
            (3, 5),
        ]);
        let selection = Selection {
            columns: Columns {
                sizes: true,
                ..Columns::NONE
            },
            ..Selection::default()
        };
        let trace = interned(requests, &selection);
        assert_eq!(trace.sizes.unwrap(), [10, 10, 10, 30, 30, 1, 1, 5]);
    }

    #[test]
    fn a_size_beyond_32_bits_is_cut_and_counted() {
        let selection = Selection {
            columns: Columns {
                sizes: true,
                ..Columns::NONE
            },
            ..Selection::default()
        };
        let trace = interned(
            with_sizes(&[(1, u64::MAX), (2, u64::from(u32::MAX))]),
            &selection,
        );
        assert_eq!(trace.sizes.unwrap(), [u32::MAX, u32::MAX]);
        assert_eq!(trace.oversized, 1);
    }

    #[test]
    fn a_column_is_kept_only_if_asked_for_and_present() {
        let requests = with_sizes(&[(1, 2)]);
        let none = interned(requests.clone(), &Selection::default());
        assert!(none.sizes.is_none() && none.times_ns.is_none() && none.ttls_ns.is_none());
        let all = Selection {
            columns: Columns::ALL,
            ..Selection::default()
        };
        let kept = interned(requests.clone(), &all);
        assert_eq!(kept.ttls_ns, Some(vec![NEVER]));
        assert_eq!(kept.operations, Some(vec![Operation::Get]));
        assert_eq!(
            (kept.clients, kept.times_ns),
            (Some(vec![0]), Some(vec![0]))
        );
        let mut keys_only = InMemory {
            requests: requests.into_iter(),
            fields: Fields::default(),
        };
        let absent = Interned::from_reader(&mut keys_only, &all).unwrap();
        assert!(absent.sizes.is_none() && absent.operations.is_none());
    }

    #[test]
    fn a_sample_takes_whole_keys_in_its_share_and_grows_with_the_rate() {
        let keys = 0..100_000_u64;
        let (tenth, third) = (
            keys.clone().filter(|&key| sampled(key, 0.1)).count(),
            keys.clone().filter(|&key| sampled(key, 0.3)).count(),
        );
        // Five standard deviations of the binomial distribution.
        assert!((9_525..=10_475).contains(&tenth), "{tenth}");
        assert!((29_275..=30_725).contains(&third), "{third}");
        assert!(
            keys.clone()
                .all(|key| !sampled(key, 0.1) || sampled(key, 0.3))
        );
        assert!(
            keys.clone()
                .all(|key| sampled(key, 1.0) && !sampled(key, 0.0))
        );
    }

    proptest! {
        #[test]
        fn interning_in_batches_is_interning_one_by_one(
            keys in prop::collection::vec(prop_oneof![0..50_u64, any::<u64>()], 0..3000)
        ) {
            let mut model: Vec<u64> = Vec::new();
            let expected: Vec<u32> = keys
                .iter()
                .map(|&key| {
                    let id = model.iter().position(|&other| other == key).unwrap_or(model.len());
                    if id == model.len() {
                        model.push(key);
                    }
                    id as u32
                })
                .collect();
            let mut interner = Interner::new();
            let mut ids = Vec::new();
            prop_assert!(interner.intern_all(&keys, &mut ids));
            prop_assert_eq!(&ids, &expected);
            prop_assert_eq!(interner.keys(), &model);
            for (&key, &id) in keys.iter().zip(&ids) {
                prop_assert_eq!(interner.find(key), Some(id));
            }
            prop_assert_eq!(Interned::from_keys(keys).ids, expected);
        }

        #[test]
        fn limit_and_sample_are_those_of_the_requests(
            keys in prop::collection::vec(0..100_u64, 0..700),
            limit in 0..800_u64,
            rate in 0.0..1.2_f64,
            sizes in any::<bool>(),
        ) {
            let requests: Vec<_> =
                keys.iter().map(|&key| Request { key, size: key + 1, ..Request::default() }).collect();
            let selection = Selection {
                limit: Some(limit),
                sample: Some(rate),
                columns: Columns { sizes, ..Columns::NONE },
            };
            let trace = interned(requests, &selection);
            let expected: Vec<u64> =
                keys.into_iter().take(limit as usize).filter(|&key| sampled(key, rate)).collect();
            let taken: Vec<u64> = trace.ids.iter().map(|&id| trace.keys[id as usize]).collect();
            prop_assert_eq!(&taken, &expected);
            if let Some(sizes) = trace.sizes {
                prop_assert_eq!(sizes, taken.iter().map(|&key| key as u32 + 1).collect::<Vec<_>>());
            }
        }
    }
}
