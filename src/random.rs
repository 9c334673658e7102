//! Random numbers that depend on what they are for, and on nothing else.
//!
//! Every draw is a function of (seed, replication, purpose, index). No stream is shared, so adding
//! a draw in one place moves no draw in another, and request number 17 meets the same luck in every
//! variant of a scenario (common random numbers). The generator is SplitMix64 (Steele, Lea, Flood,
//! "Fast splittable pseudorandom number generators", OOPSLA 2014); only integer arithmetic and
//! correctly rounded floating-point operations are used, so results are equal on every platform.
//!
//! Not for secrets: the output is predictable by design.

pub mod zipf;

/// The increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection of 64 bits in which every input bit flips about half of the output bits (the
/// finaliser of SplitMix64, Stafford's variant 13).
#[inline]
#[must_use]
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The luck of one replication of one scenario: where all streams come from.
#[derive(Clone, Copy, Debug)]
pub struct Luck {
    base: u64,
}

impl Luck {
    /// The luck of replication `replication` under `seed`. The same in every variant.
    #[must_use]
    pub fn new(seed: u64, replication: u64) -> Self {
        Self {
            base: mix(mix(seed.wrapping_add(GOLDEN_GAMMA)) ^ replication.wrapping_mul(GOLDEN_GAMMA)),
        }
    }

    /// The stream for `purpose`, a stable name such as `"workload.key"` or
    /// `"tier.redis.network"`. Two purposes with different names are independent.
    #[must_use]
    pub fn stream(&self, purpose: &str) -> Stream {
        let mut hash = self.base;
        for chunk in purpose.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = mix(hash.wrapping_add(GOLDEN_GAMMA) ^ u64::from_le_bytes(word));
        }
        Stream {
            base: mix(hash ^ purpose.len() as u64),
        }
    }
}

/// All the randomness of one purpose, addressed by index.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    base: u64,
}

impl Stream {
    /// The draws that belong to `index`: request number, node number, or whatever the purpose
    /// counts by. Asking twice gives the same draws.
    #[inline]
    #[must_use]
    pub fn at(&self, index: u64) -> Draws {
        Draws {
            state: mix(self.base.wrapping_add(index.wrapping_mul(GOLDEN_GAMMA))),
        }
    }
}

/// A sequence of draws.
#[derive(Clone, Debug)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// A sequence from a bare seed, for code that has no [`Luck`] at hand (policies in replay).
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self {
            state: mix(seed.wrapping_add(GOLDEN_GAMMA)),
        }
    }

    /// 64 uniform bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// Uniform in the open interval (0, 1): never 0 and never 1, so that its logarithm and the
    /// quantile of any distribution are finite. One of the 2^52 odd multiples of 2^-53.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        // 52 random bits as the fraction of a number in [1, 2), which is moved down by all but half
        // of its last place: no conversion from an integer, no rounding.
        f64::from_bits(self.bits() >> 12 | 1.0_f64.to_bits()) - (1.0 - f64::EPSILON / 2.0)
    }

    /// Uniform in `0..bound` (Lemire's multiplication; the bias is below `bound` / 2^64).
    /// A bound of 0 gives 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// True with probability `probability` (at most 0: never; at least 1: always).
    #[inline]
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_depend_on_seed_replication_purpose_and_index_only() {
        let luck = Luck::new(7, 0);
        let first = luck.stream("key").at(17).bits();
        assert_eq!(first, Luck::new(7, 0).stream("key").at(17).bits());
        assert_ne!(first, Luck::new(8, 0).stream("key").at(17).bits());
        assert_ne!(first, Luck::new(7, 1).stream("key").at(17).bits());
        assert_ne!(first, luck.stream("keys").at(17).bits());
        assert_ne!(first, luck.stream("key").at(18).bits());
    }

    #[test]
    fn unit_is_uniform_and_never_touches_its_ends() {
        let stream = Luck::new(1, 0).stream("unit");
        let (mut sum, mut sum_of_squares) = (0.0, 0.0);
        let count = 100_000;
        for index in 0..count {
            let u = stream.at(index).unit();
            assert!(u > 0.0 && u < 1.0);
            sum += u;
            sum_of_squares += u * u;
        }
        let mean = sum / count as f64;
        assert!((mean - 0.5).abs() < 0.004, "mean {mean}");
        let variance = sum_of_squares / count as f64 - mean * mean;
        assert!((variance - 1.0 / 12.0).abs() < 0.002, "variance {variance}");
    }

    #[test]
    fn the_least_and_the_greatest_unit_are_inside_the_interval() {
        let unit =
            |bits: u64| f64::from_bits(bits >> 12 | 1.0_f64.to_bits()) - (1.0 - f64::EPSILON / 2.0);
        assert_eq!(unit(0), 0.5_f64.powi(53));
        assert_eq!(unit(u64::MAX), 1.0 - 0.5_f64.powi(53));
    }

    #[test]
    fn neighbouring_indexes_are_uncorrelated() {
        let stream = Luck::new(3, 5).stream("correlation");
        let count = 100_000;
        let product: f64 = (0..count)
            .map(|i| (stream.at(i).unit() - 0.5) * (stream.at(i + 1).unit() - 0.5))
            .sum();
        assert!((product / count as f64 * 12.0).abs() < 0.015);
    }
}
