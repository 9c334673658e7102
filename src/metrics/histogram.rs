//! Histograms of durations: memory does not grow with what is recorded.

use crate::units::Nanoseconds;

/// The longest duration that is told apart from longer ones: a day.
const LONGEST_NS: u64 = 86_400_000_000_000;

/// A histogram of durations in nanoseconds. Quantiles are within 0.05 % of the recorded values
/// (three significant digits, high dynamic range); mean and maximum are exact.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: hdrhistogram::Histogram<u64>,
    /// Zeros are counted apart: they are common and have no place on a logarithmic scale.
    zeros: u64,
    sum_ns: u128,
    max_ns: Nanoseconds,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::with_digits(3)
    }
}

impl Histogram {
    /// An empty histogram that keeps so many significant digits (1 to 5).
    ///
    /// # Panics
    /// With any other number of digits.
    #[must_use]
    pub fn with_digits(digits: u8) -> Self {
        let counts = hdrhistogram::Histogram::new_with_bounds(1, LONGEST_NS, digits)
            .expect("the bounds are valid for 1 to 5 digits");
        Self {
            counts,
            zeros: 0,
            sum_ns: 0,
            max_ns: 0,
        }
    }

    /// Records one duration.
    #[inline]
    pub fn record(&mut self, duration_ns: Nanoseconds) {
        if duration_ns == 0 {
            self.zeros += 1;
            return;
        }
        self.counts.saturating_record(duration_ns);
        self.sum_ns += u128::from(duration_ns);
        self.max_ns = self.max_ns.max(duration_ns);
    }

    /// Records `count` durations of zero.
    #[inline]
    pub fn record_zeros(&mut self, count: u64) {
        self.zeros += count;
    }

    /// Adds all that `other` has recorded.
    ///
    /// # Panics
    /// If the two do not keep the same number of digits.
    pub fn add(&mut self, other: &Self) {
        self.counts
            .add(&other.counts)
            .expect("histograms of one kind have the same bounds");
        self.zeros += other.zeros;
        self.sum_ns += other.sum_ns;
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.reset();
        (self.zeros, self.sum_ns, self.max_ns) = (0, 0, 0);
    }

    /// How many durations were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.len() + self.zeros
    }

    /// How many of them were not zero.
    #[must_use]
    pub fn count_above_zero(&self) -> u64 {
        self.counts.len()
    }

    /// The sum of all durations, exactly.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// Everything that was recorded, rising: durations as quantiles tell them, each with how often.
    #[must_use]
    pub fn recorded(&self) -> Vec<(Nanoseconds, u64)> {
        let zeros = (self.zeros > 0).then_some((0, self.zeros));
        let others = self.counts.iter_recorded().map(|bucket| {
            let duration_ns = self.counts.median_equivalent(bucket.value_iterated_to());
            (duration_ns, bucket.count_at_value())
        });
        zeros.into_iter().chain(others).collect()
    }

    /// The mean in seconds; NaN if nothing was recorded.
    #[must_use]
    pub fn mean_s(&self) -> f64 {
        self.sum_ns as f64 / self.count() as f64 / 1e9
    }

    /// The longest in seconds; NaN if nothing was recorded.
    #[must_use]
    pub fn max_s(&self) -> f64 {
        if self.count() == 0 {
            f64::NAN
        } else {
            self.max_ns as f64 / 1e9
        }
    }

    /// The smallest recorded duration, in seconds, that at least a share `quantile` of all does not
    /// exceed; NaN if nothing was recorded.
    #[must_use]
    pub fn quantile_s(&self, quantile: f64) -> f64 {
        let count = self.count();
        if count == 0 {
            return f64::NAN;
        }
        let rank = ((quantile * count as f64).ceil() as u64).clamp(1, count);
        if rank <= self.zeros {
            return 0.0;
        }
        if rank == count {
            return self.max_s();
        }
        // Half a rank back, so that rounding cannot lead to the next one.
        let share = ((rank - self.zeros) as f64 - 0.5) / self.counts.len() as f64;
        let bucket = self.counts.value_at_quantile(share);
        self.counts.median_equivalent(bucket).min(self.max_ns) as f64 / 1e9
    }

    /// The distribution as points (quantile, seconds) for a percentile plot: from the fastest fifth
    /// on (the very fastest request says nothing), dense where the tail is, up to the last quantile that the number of records can tell. Empty if nothing was
    /// recorded.
    #[must_use]
    pub fn quantiles(&self) -> Vec<(f64, f64)> {
        let count = self.count();
        if count == 0 {
            return Vec::new();
        }
        // Ten points for each factor of ten in 1 - quantile.
        const POINTS_PER_DECADE: i32 = 10;
        let mut points = Vec::new();
        for step in 1.. {
            let beyond = libm::pow(10.0, -f64::from(step) / f64::from(POINTS_PER_DECADE));
            let quantile = 1.0 - beyond;
            if beyond * (count as f64) < 1.0 || step > 9 * POINTS_PER_DECADE {
                break;
            }
            points.push((quantile, self.quantile_s(quantile)));
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_recorded_has_no_mean_and_no_quantiles() {
        let histogram = Histogram::default();
        assert!(histogram.mean_s().is_nan() && histogram.quantile_s(0.5).is_nan());
        assert!(histogram.quantiles().is_empty());
    }

    #[test]
    fn zeros_count_in_quantiles_and_mean() {
        let mut histogram = Histogram::default();
        histogram.record_zeros(98);
        histogram.record(2_000_000_000);
        histogram.record(4_000_000_000);
        assert_eq!(histogram.quantile_s(0.98), 0.0);
        assert!((histogram.quantile_s(0.99) - 2.0).abs() < 0.001);
        assert_eq!(histogram.quantile_s(1.0), 4.0);
        assert_eq!(histogram.mean_s(), 0.06);
        assert_eq!(histogram.count_above_zero(), 2);
    }

    proptest! {
        #[test]
        fn quantiles_are_within_a_thousandth_of_the_sorted_list(
            mut durations in prop::collection::vec(0u64..10_000_000_000, 1..300),
            quantile in 0.0f64..=1.0,
        ) {
            let mut histogram = Histogram::default();
            durations.iter().for_each(|&duration| histogram.record(duration));
            durations.sort_unstable();
            let rank = ((quantile * durations.len() as f64).ceil() as usize).max(1);
            let exact = durations[rank - 1] as f64 / 1e9;
            let got = histogram.quantile_s(quantile);
            prop_assert!((got - exact).abs() <= 0.001 * exact, "{got} for {exact}");
        }
    }
}
