//! Scattering: a bijection from positions to keys that looks like chance, so that hot keys are not
//! neighbours, whatever placement makes of neighbours.
//!
//! Multiplications by odd numbers and xor-shifts are bijections of the integers below a power of
//! two; where they lead out of the range, they are repeated until they lead back into it
//! ("cycle-walking": Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002), which
//! takes less than two rounds on average. No table, and an inverse at the same price. Not a cipher.

use crate::random::Draws;

/// A bijection of `0..count`.
#[derive(Clone, Debug)]
pub struct Permutation {
    count: u64,
    mask: u64,
    /// Half of the bits of the mask, rounded up: then a xor-shift is its own inverse.
    shift: u32,
    factors: [u64; 3],
    inverses: [u64; 3],
    addends: [u64; 3],
}

impl Permutation {
    /// One of many bijections of `0..count`, chosen by `draws`.
    #[must_use]
    pub fn new(count: u64, draws: &mut Draws) -> Self {
        let bits = u64::BITS - count.saturating_sub(1).leading_zeros();
        let factors = [(); 3].map(|()| draws.bits() | 1);
        Self {
            count,
            mask: if bits == 0 {
                0
            } else {
                u64::MAX >> (u64::BITS - bits)
            },
            shift: bits.div_ceil(2),
            factors,
            inverses: factors.map(inverse),
            addends: [(); 3].map(|()| draws.bits()),
        }
    }

    /// The key of `position`, which must be below `count`.
    #[inline]
    #[must_use]
    pub fn apply(&self, position: u64) -> u64 {
        let mut x = position;
        loop {
            for round in 0..3 {
                x = x
                    .wrapping_mul(self.factors[round])
                    .wrapping_add(self.addends[round])
                    & self.mask;
                x ^= x >> self.shift;
            }
            if x < self.count {
                return x;
            }
        }
    }

    /// The position of `key`, which must be below `count`.
    #[must_use]
    pub fn invert(&self, key: u64) -> u64 {
        let mut x = key;
        loop {
            for round in (0..3).rev() {
                x ^= x >> self.shift;
                x = x
                    .wrapping_sub(self.addends[round])
                    .wrapping_mul(self.inverses[round])
                    & self.mask;
            }
            if x < self.count {
                return x;
            }
        }
    }
}

/// The inverse of an odd number modulo 2^64: each step of Newton's method doubles the right bits.
fn inverse(odd: u64) -> u64 {
    let mut inverse = odd; // right to 3 bits
    for _ in 0..5 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
    }
    inverse
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_key_is_hit_once_for_small_ranges() {
        for count in 1..=130 {
            for seed in 0..10 {
                let permutation = Permutation::new(count, &mut Draws::from_seed(seed));
                let mut hit = vec![false; count as usize];
                for position in 0..count {
                    let key = permutation.apply(position);
                    assert!(
                        !std::mem::replace(&mut hit[key as usize], true),
                        "{count} {seed}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn invert_undoes_apply(count in 1..=(1_u64 << 50), position: u64, seed: u64) {
            let permutation = Permutation::new(count, &mut Draws::from_seed(seed));
            let position = position % count;
            let key = permutation.apply(position);
            prop_assert!(key < count);
            prop_assert_eq!(permutation.invert(key), position);
        }
    }

    #[test]
    fn hot_keys_fall_into_every_part_of_the_range_and_every_residue() {
        // Over many seeds, the places of the 64 hottest keys among 16 equal parts, and their keys
        // modulo 16, are as even as chance makes them.
        for count in [1000_u64, 4096, 1_000_000, 100_000_000] {
            let (mut parts, mut residues) = ([0_f64; 16], [0_f64; 16]);
            let mut neighbours = 0;
            for seed in 0..400 {
                let permutation = Permutation::new(count, &mut Draws::from_seed(seed));
                let mut before = None;
                for position in 0..64 {
                    let key = permutation.apply(position);
                    parts[(key * 16 / count) as usize] += 1.0;
                    residues[(key % 16) as usize] += 1.0;
                    neighbours += u32::from(before.is_some_and(|b: u64| b.abs_diff(key) <= 2));
                    before = Some(key);
                }
            }
            let chi_square = |seen: [f64; 16]| -> f64 {
                seen.iter()
                    .map(|n| (n - 1600.0) * (n - 1600.0) / 1600.0)
                    .sum()
            };
            // 15 degrees of freedom: 44.3 is the upper 1e-4 point.
            assert!(chi_square(parts) < 44.3, "{count}: {}", chi_square(parts));
            assert!(
                chi_square(residues) < 44.3,
                "{count}: {}",
                chi_square(residues)
            );
            let expected = 400.0 * 63.0 * 4.0 / count as f64;
            assert!(
                f64::from(neighbours) < 2.0 * expected + 12.0,
                "{count}: {neighbours}"
            );
        }
    }

    #[test]
    fn the_load_of_hot_keys_on_a_few_nodes_spreads_as_chance_does() {
        // 16 hottest keys over 4 nodes by modulo: the number on node 0 has the mean and the
        // variance of a binomial, over many seeds.
        let seeds = 4000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for seed in 0..seeds {
            let permutation = Permutation::new(10_000, &mut Draws::from_seed(seed));
            let on_first = (0..16)
                .filter(|&p| permutation.apply(p).is_multiple_of(4))
                .count() as f64;
            sum += on_first;
            squares += on_first * on_first;
        }
        let mean = sum / seeds as f64;
        let variance = squares / seeds as f64 - mean * mean;
        assert!((mean - 4.0).abs() < 0.12, "{mean}");
        assert!((variance - 3.0).abs() < 0.35, "{variance}");
    }
}
