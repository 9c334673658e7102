//! The index of a node's cache: from keys to slots.
//!
//! Open addressing with linear probing; each place holds 32 bits of the key's hash and the slot's
//! number, so that a probe touches the entries themselves only for a key that is most likely there.
//! A key's home is its hash scaled to the number of places (D. Lemire, "Fast random integer generation
//! in an interval", TOMACS 29(1), 2019), which costs a multiplication and lets the index grow by less
//! than a doubling: it is never less than three fifths full once it has grown.
//! A general hash table would do as well but for one thing: a simulated request knows its key long
//! before it looks it up, and this index can be asked to fetch the place ahead of time.

use crate::eviction::Id;
use crate::prefetch::prefetch;
use crate::units::Key;

const EMPTY: u64 = 0;

/// 32 well-mixed bits of a key: both halves of a 128-bit product. Cheaper than a hash that resists
/// attackers, of whom a simulation has none.
#[inline]
fn hash(key: Key) -> u32 {
    let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    let folded = (product >> 64) as u64 ^ product as u64;
    (folded >> 32) as u32 ^ folded as u32
}

/// A place in use: the hash above, the slot's number plus one below.
#[inline]
fn pack(hash: u32, id: Id) -> u64 {
    (u64::from(hash) << 32) | (u64::from(id) + 1)
}

#[inline]
fn hash_of(place: u64) -> u32 {
    (place >> 32) as u32
}

#[inline]
fn id_of(place: u64) -> Id {
    (place as u32).wrapping_sub(1)
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Index {
    /// Places, at most three quarters of them in use.
    places: Vec<u64>,
    used: usize,
}

impl Index {
    pub(super) fn new() -> Self {
        Self {
            places: vec![EMPTY; 16],
            used: 0,
        }
    }

    /// Bytes that it has allocated.
    pub(super) fn bytes(&self) -> usize {
        self.places.capacity() * size_of::<u64>()
    }

    /// Where a search for `hash` begins.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        ((u64::from(hash) * self.places.len() as u64) >> 32) as usize
    }

    /// The place after another; the first follows the last.
    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.places.len() {
            0
        } else {
            at + 1
        }
    }

    /// How many places lie between two, forwards.
    #[inline]
    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            to + self.places.len() - from
        }
    }

    /// Asks the processor for the place of `key`.
    #[inline]
    pub(super) fn prefetch(&self, key: Key) {
        prefetch(&self.places, self.home(hash(key)));
    }

    /// The slot that most likely holds `key`, without a look at the entries.
    #[inline]
    pub(super) fn guess(&self, key: Key) -> Option<Id> {
        self.find(key, |_| true)
    }

    /// The slot of `key`; `holds` says whether a slot really holds it.
    #[inline]
    pub(super) fn find(&self, key: Key, holds: impl Fn(Id) -> bool) -> Option<Id> {
        let hash = hash(key);
        let mut at = self.home(hash);
        loop {
            let place = self.places[at];
            if place == EMPTY {
                return None;
            }
            if hash_of(place) == hash && holds(id_of(place)) {
                return Some(id_of(place));
            }
            at = self.after(at);
        }
    }

    /// Notes that slot `id` holds `key`, which no slot did.
    pub(super) fn insert(&mut self, key: Key, id: Id) {
        if (self.used + 1) * 4 > self.places.len() * 3 {
            // Homes are in the order of the hashes, so both are gone through from front to back.
            let more = vec![EMPTY; self.places.len() + self.places.len() / 4];
            for place in std::mem::replace(&mut self.places, more) {
                if place != EMPTY {
                    self.put(place);
                }
            }
        }
        self.put(pack(hash(key), id));
        self.used += 1;
    }

    #[inline]
    fn put(&mut self, place: u64) {
        let mut at = self.home(hash_of(place));
        while self.places[at] != EMPTY {
            at = self.after(at);
        }
        self.places[at] = place;
    }

    /// Forgets that slot `id` holds `key`; nothing happens if it was not known.
    pub(super) fn remove(&mut self, key: Key, id: Id) {
        let wanted = pack(hash(key), id);
        let mut gap = self.home(hash_of(wanted));
        while self.places[gap] != wanted {
            if self.places[gap] == EMPTY {
                return;
            }
            gap = self.after(gap);
        }
        // Close the gap, so that no search ends before its key: whatever follows moves back unless
        // that would put it before its home.
        let mut at = gap;
        loop {
            at = self.after(at);
            let place = self.places[at];
            if place == EMPTY {
                break;
            }
            let from_home = self.distance(self.home(hash_of(place)), at);
            if from_home >= self.distance(gap, at) {
                self.places[gap] = place;
                gap = at;
            }
        }
        self.places[gap] = EMPTY;
        self.used -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_finds_what_a_map_finds(steps in prop::collection::vec((0u64..60, any::<bool>()), 0..600)) {
            let mut index = Index::new();
            let mut model: BTreeMap<Key, Id> = BTreeMap::new();
            for (number, (key, insert)) in steps.into_iter().enumerate() {
                match model.get(&key).copied() {
                    None if insert => {
                        index.insert(key, number as Id);
                        model.insert(key, number as Id);
                    }
                    Some(id) if !insert => {
                        index.remove(key, id);
                        model.remove(&key);
                    }
                    _ => {}
                }
                for key in 0..60 {
                    let holder = model.get(&key).copied();
                    prop_assert_eq!(index.find(key, |id| Some(id) == holder), holder);
                }
                prop_assert_eq!(index.used, model.len());
            }
        }
    }

    #[test]
    fn keys_of_one_hash_are_told_apart_by_their_slots() {
        let mut index = Index::new();
        for id in 0..9 {
            index.insert(77, id);
        }
        index.remove(77, 0);
        index.remove(77, 4);
        for id in 0..9 {
            let found = index.find(77, |candidate| candidate == id);
            assert_eq!(found.is_some(), id != 0 && id != 4);
        }
    }
}
