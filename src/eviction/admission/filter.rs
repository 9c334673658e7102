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

/// The most bits of a filter: a gibibyte.
const MOST_BITS: u64 = 1 << 33;

/// A set of keys.
#[derive(Clone, Debug)]
pub struct Filter {
    words: Vec<u64>,
    bits: u64,
    probes: u64,
    len: u64,
}

/// The size of a filter for `keys` keys that takes a share `false_positives` of strangers for members
/// when it is full: m = -n ln p / (ln 2)^2 bits and k = m/n ln 2 probes of each key.
#[must_use]
pub fn size(keys: u64, false_positives: f64) -> (u64, u64) {
    let keys = keys.max(1) as f64;
    let ln_2 = std::f64::consts::LN_2;
    let bits = libm::ceil(-keys * libm::log(false_positives) / (ln_2 * ln_2));
    let bits = (bits as u64).clamp(64, MOST_BITS);
    let probes = libm::round(bits as f64 / keys * ln_2) as u64;
    (bits, probes.clamp(1, 64))
}

impl Filter {
    /// An empty set for about `keys` keys.
    pub fn new(keys: u64) -> Self {
        let bits = keys
            .saturating_mul(BITS_PER_KEY)
            .clamp(64, MOST_BITS)
            .next_power_of_two();
        Self::of(bits, PROBES)
    }

    /// An empty set that, with `keys` keys in it, takes a share `false_positives` (above 0 and below
    /// 1) of the strangers for members; more of them if that would take more than a gibibyte.
    #[must_use]
    pub fn sized(keys: u64, false_positives: f64) -> Self {
        let (bits, probes) = size(keys, false_positives);
        Self::of(bits, probes)
    }

    fn of(bits: u64, probes: u64) -> Self {
        Self {
            words: vec![0; bits.div_ceil(64) as usize],
            bits,
            probes,
            len: 0,
        }
    }

    /// How much memory the set takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bits.div_ceil(8)
    }

    /// How many keys have been put in that were not taken for members.
    pub fn members(&self) -> u64 {
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
        let bits = self.bits;
        // A power of two needs no division.
        let mask = bits.is_power_of_two().then_some(bits - 1);
        (0..self.probes).map(move |probe| {
            let number = first.wrapping_add(probe.wrapping_mul(step));
            mask.map_or_else(|| number % bits, |mask| number & mask)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_as_large_as_its_rate_of_false_positives_demands() {
        assert_eq!(size(1000, 0.01), (9586, 7));
        assert_eq!(size(1000, 0.5), (1443, 1));
        for rate in [0.3, 0.1, 0.01, 0.001] {
            let mut filter = Filter::sized(20_000, rate);
            (0..20_000).for_each(|key| {
                filter.insert(key);
            });
            assert!((0..20_000).all(|key| filter.contains(key)));
            let strangers = (1_000_000..1_400_000_u64).filter(|&key| filter.contains(key));
            let share = strangers.count() as f64 / 400_000.0;
            assert!((share / rate - 1.0).abs() < 0.15, "{share} for {rate}");
        }
    }

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
