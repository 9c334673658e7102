//! The index of a node's cache: from keys to slots.
//!
//! Open addressing with linear probing; each place holds 32 bits of the key's hash and the slot's
//! number, so that a probe touches the entries themselves only for a key that is most likely there.
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
    /// A power of two of places, at most three quarters of them in use.
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

    #[inline]
    fn mask(&self) -> usize {
        self.places.len() - 1
    }

    /// Where a search for `hash` begins.
    #[inline]
    fn home(&self, hash: u32) -> usize {
        hash as usize & self.mask()
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
            at = (at + 1) & self.mask();
        }
    }

    /// Notes that slot `id` holds `key`, which no slot did.
    pub(super) fn insert(&mut self, key: Key, id: Id) {
        if (self.used + 1) * 4 > self.places.len() * 3 {
            let doubled = vec![EMPTY; self.places.len() * 2];
            for place in std::mem::replace(&mut self.places, doubled) {
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
            at = (at + 1) & self.mask();
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
            gap = (gap + 1) & self.mask();
        }
        // Close the gap, so that no search ends before its key: whatever follows moves back unless
        // that would put it before its home.
        let mask = self.mask();
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let place = self.places[at];
            if place == EMPTY {
                break;
            }
            let from_home = at.wrapping_sub(self.home(hash_of(place))) & mask;
            let from_gap = at.wrapping_sub(gap) & mask;
            if from_home >= from_gap {
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
