//! Bloom filters: sets of keys that may take a stranger for a member, but never a member for a
//! stranger.
//!
//! Source: B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", CACM 13(7), 1970;
//! with two hashes in place of many after A. Kirsch, M. Mitzenmacher, "Less hashing, same performance",
//! ESA 2006.

use crate::random::mix;

/// Bits per key and probes per key: one stranger in a hundred is taken for a member.
const BITS_PER_KEY: u64 = 10;
const PROBES: u64 = 7;

/// A set of keys.
pub struct Filter {
    words: Vec<u64>,
    mask: u64,
    len: u64,
}

impl Filter {
    /// An empty set for about `keys` keys.
    pub fn new(keys: u64) -> Self {
        let bits = keys
            .saturating_mul(BITS_PER_KEY)
            .clamp(64, 1 << 33)
            .next_power_of_two();
        Self {
            words: vec![0; (bits / 64) as usize],
            mask: bits - 1,
            len: 0,
        }
    }

    /// How many keys have been put in that were not taken for members.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether `key` is taken for a member.
    pub fn contains(&self, key: u64) -> bool {
        self.probes(key)
            .all(|bit| self.words[(bit / 64) as usize] >> (bit % 64) & 1 == 1)
    }

    /// Puts `key` in. Returns whether it was new.
    pub fn insert(&mut self, key: u64) -> bool {
        if self.contains(key) {
            return false;
        }
        for bit in self.probes(key) {
            self.words[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        self.len += 1;
        true
    }

    /// Takes all keys out.
    pub fn clear(&mut self) {
        self.words.fill(0);
        self.len = 0;
    }

    fn probes(&self, key: u64) -> impl Iterator<Item = u64> + use<> {
        let first = mix(key.wrapping_add(0x9e37_79b9_7f4a_7c15));
        // Odd, so that the probes of one key differ.
        let step = mix(first) | 1;
        let mask = self.mask;
        (0..PROBES).map(move |probe| first.wrapping_add(probe.wrapping_mul(step)) & mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_member_is_missed_and_one_stranger_in_a_hundred_is_taken_in() {
        let mut filter = Filter::new(6_500);
        for key in 0..6_500 {
            filter.insert(key);
        }
        assert!((0..6_500).all(|key| filter.contains(key)));
        let strangers = (1_000_000..1_100_000u64)
            .filter(|&key| filter.contains(key))
            .count();
        assert!(strangers < 1_200, "{strangers} of 100000");
        assert!(strangers > 0, "else it would be no Bloom filter");
        filter.clear();
        assert!(!filter.contains(1));
    }
}
