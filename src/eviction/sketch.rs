//! A sketch of how often keys were asked for lately, in four-bit counters: the "TinyLFU" of the
//! policies that use it.
//!
//! Source: G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission policy",
//! ACM Transactions on Storage 13(4), 2017. Hashing and layout are those of Caffeine 3.2.3, so that
//! estimates are equal to the last collision: the four counters of a key lie in one cache line.
//!
//! Not here: what the estimates are used for.

use crate::prefetch::prefetch;

/// The lowest bit of each counter.
const ONES: u64 = 0x1111_1111_1111_1111;
/// All bits of each counter but the highest.
const HALVES: u64 = 0x7777_7777_7777_7777;
const GREATEST: u64 = 15;
/// Words per block: one cache line.
const BLOCK: usize = 8;

/// A key as the sketch knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hashed(u32);

impl From<u64> for Hashed {
    #[inline]
    fn from(key: u64) -> Self {
        Self(spread((key ^ (key >> 32)) as u32))
    }
}

/// Counters for the keys seen lately.
#[derive(Debug)]
pub struct Sketch {
    table: Vec<u64>,
    block_mask: u32,
    sample: u64,
    /// Increments since the counters were last halved, as far as they still count.
    size: u64,
}

/// The four counters of one key.
struct Counters {
    block: usize,
    hash: u32,
}

impl Counters {
    /// Word and shift of counter `row`.
    #[inline]
    fn at(&self, row: usize) -> (usize, u32) {
        let hash = self.hash >> (8 * row);
        (
            self.block + (hash & 1) as usize + 2 * row,
            ((hash >> 1) & 15) * 4,
        )
    }
}

impl Sketch {
    /// A sketch for a cache of `entries`: as many 64-bit words, rounded up to a power of two and to 8;
    /// counters are halved every 10 `entries` increments.
    pub fn new(entries: u64) -> Self {
        let words = usize::try_from(entries)
            .unwrap_or(usize::MAX)
            .clamp(BLOCK, 1 << 30);
        let words = words.next_power_of_two();
        Self {
            table: vec![0; words],
            block_mask: (words / BLOCK - 1) as u32,
            sample: entries.max(1).saturating_mul(10),
            size: 0,
        }
    }

    /// How many entries it has words for.
    pub fn words(&self) -> usize {
        self.table.len()
    }

    /// Asks the processor to fetch the counters of `key`.
    #[inline]
    pub fn prefetch(&self, key: impl Into<Hashed>) {
        prefetch(&self.table, self.counters(key.into()).block);
    }

    /// `key` is asked for.
    #[inline]
    pub fn increment(&mut self, key: impl Into<Hashed>) {
        let counters = self.counters(key.into());
        let mut rose = false;
        for row in 0..4 {
            let (word, shift) = counters.at(row);
            let word = &mut self.table[word];
            // Without a branch: which counters are full is as good as random.
            let rises = (*word >> shift) & GREATEST != GREATEST;
            *word += u64::from(rises) << shift;
            rose |= rises;
        }
        if rose {
            self.size += 1;
            if self.size == self.sample {
                self.halve();
            }
        }
    }

    /// How often `key` was asked for lately: 0 to 15, never too low but for the halving.
    #[inline]
    pub fn estimate(&self, key: impl Into<Hashed>) -> u64 {
        let counters = self.counters(key.into());
        (0..4)
            .map(|row| {
                let (word, shift) = counters.at(row);
                (self.table[word] >> shift) & GREATEST
            })
            .fold(GREATEST, u64::min)
    }

    #[cold]
    fn halve(&mut self) {
        let mut odd = 0;
        for word in &mut self.table {
            odd += u64::from((*word & ONES).count_ones());
            *word = (*word >> 1) & HALVES;
        }
        self.size = (self.size - odd / 4) / 2;
    }

    #[inline]
    fn counters(&self, Hashed(spread): Hashed) -> Counters {
        Counters {
            block: (spread & self.block_mask) as usize * BLOCK,
            hash: rehash(spread),
        }
    }
}

#[inline]
fn spread(mut x: u32) -> u32 {
    x ^= x >> 17;
    x = x.wrapping_mul(0xed5a_d4bb);
    x ^= x >> 11;
    x = x.wrapping_mul(0xac4c_1b51);
    x ^ (x >> 15)
}

#[inline]
fn rehash(mut x: u32) -> u32 {
    x = x.wrapping_mul(0x3184_8bab);
    x ^ (x >> 14)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_the_count_until_fifteen() {
        let mut sketch = Sketch::new(1000);
        for count in 0..20 {
            assert_eq!(sketch.estimate(7u64), count.min(15));
            sketch.increment(7u64);
        }
        assert_eq!(sketch.size, 15, "saturated counters do not make it older");
    }

    #[test]
    fn after_ten_increments_per_entry_all_counters_are_halved() {
        let mut sketch = Sketch::new(1);
        for _ in 0..9 {
            sketch.increment(1u64);
        }
        assert_eq!((sketch.estimate(1u64), sketch.size), (9, 9));
        sketch.increment(2u64);
        // Five times 9 and once 1 at most: four odd counters of key 1, four of key 2 (none shared).
        assert_eq!(sketch.estimate(1u64), 4);
        assert_eq!(sketch.estimate(2u64), 0);
        assert_eq!(sketch.size, (10 - 8 / 4) / 2);
    }

    #[test]
    fn the_two_halves_of_a_key_are_folded() {
        let mut sketch = Sketch::new(64);
        sketch.increment(5u64);
        assert_eq!(sketch.estimate(5u64 << 32), 1, "both fold to 5");
        assert_eq!(sketch.estimate(6u64 << 32), 0);
    }
}
