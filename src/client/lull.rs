//! Lulls: some of those who would come stay away for a while.
//!
//! Who comes all the same asks for what it would have asked for anyway, at the same instant: requests keep
//! their numbers, and those of the others are missing.

use crate::kernel::Ongoing;
use crate::random::{Luck, Stream};

/// The lulls of one run.
#[derive(Debug)]
pub(super) struct Lulls {
    /// The share of the requests that still arrive.
    present: Ongoing<f64>,
    luck: Stream,
}

impl Lulls {
    pub(super) fn new(luck: Luck) -> Self {
        Self {
            present: Ongoing::default(),
            luck: luck.stream("workload.lull"),
        }
    }

    /// From now on only a share of the requests arrives, until [`Lulls::end`] with the answer.
    pub(super) fn begin(&self, share: f64) -> u64 {
        self.present.begin(share)
    }

    pub(super) fn end(&self, number: u64) {
        self.present.end(number);
    }

    /// Whether request `index` does not arrive.
    #[inline]
    pub(super) fn keep_away(&self, index: u64) -> bool {
        !self.present.is_empty() && self.keep_away_now(index)
    }

    #[cold]
    fn keep_away_now(&self, index: u64) -> bool {
        let things = self.present.things();
        let share: f64 = things.iter().map(|(_, share)| share).product();
        !self.luck.at(index).chance(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lulls_at_the_same_time_multiply_and_the_deeper_one_spares_nobody_else() {
        let lulls = Lulls::new(Luck::new(7, 0));
        let come = || {
            (0..10_000)
                .filter(|index| !lulls.keep_away(*index))
                .collect::<Vec<u64>>()
        };
        assert_eq!(come().len(), 10_000);
        let half = lulls.begin(0.5);
        let of_half = come();
        assert!(of_half.len().abs_diff(5000) < 150, "{}", of_half.len());
        lulls.begin(0.4);
        let of_both = come();
        assert!(of_both.len().abs_diff(2000) < 150, "{}", of_both.len());
        assert!(of_both.iter().all(|index| of_half.contains(index)));
        lulls.end(half);
        assert!(come().len().abs_diff(4000) < 150);
        lulls.begin(0.0);
        assert!(come().is_empty());
    }
}
