//! Plain quantities that every module shares: keys, instants and amounts, without their spelling.
//!
//! How quantities are written in a scenario (`"60s"`, `"1GiB"`, `"10k/s"`) is in `scenario`.

use std::hash::{BuildHasher, Hasher};

use crate::random::mix;

/// The number of a row. Keys of traces are 64-bit too: numeric ones as they are, others hashed.
pub type Key = u64;

/// The number of a region, in the order of the scenario; 0 where there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegionId(pub u16);

impl RegionId {
    /// The number.
    #[must_use]
    pub fn number(self) -> usize {
        usize::from(self.0)
    }
}

/// An instant or a duration of simulated time, in nanoseconds.
pub type Nanoseconds = u64;

/// One second in [`Nanoseconds`].
pub const SECOND_NS: Nanoseconds = 1_000_000_000;

/// An instant that never comes.
pub const NEVER: Nanoseconds = Nanoseconds::MAX;

/// Hashes keys by one multiplication-based mix: keys are numbers already, and nobody attacks a
/// simulation.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHash;

impl BuildHasher for KeyHash {
    type Hasher = KeyHasher;

    #[inline]
    fn build_hasher(&self) -> KeyHasher {
        KeyHasher(0)
    }
}

/// The hasher of [`KeyHash`]; for keys that are a few integers.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = mix(self
            .0
            .wrapping_add(number)
            .wrapping_add(0x9e37_79b9_7f4a_7c15));
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }
}
