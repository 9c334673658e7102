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
    /// Works on [`BATCH`] keys at a time in passes that do not depend on each other's results, so
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
        Self {
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
