//! Confidence intervals over replications (Student, "The probable error of a mean", Biometrika
//! 1908).
//!
//! The quantile of the t distribution is computed here rather than by a library of statistics,
//! because its last bit reaches the JSON output, which must be the same on every platform: only
//! `libm` and correctly rounded operations are used.

use serde::{Deserialize, Deserializer, Serialize};

use crate::metrics::Unit;

/// A mean with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Mean over the replications in which the metric was measured; NaN if it was in none.
    #[serde(deserialize_with = "number_or_null")]
    pub mean: f64,
    /// Lower end; equal to the mean for one measurement.
    #[serde(deserialize_with = "number_or_null")]
    pub low: f64,
    /// Upper end; equal to the mean for one measurement.
    #[serde(deserialize_with = "number_or_null")]
    pub high: f64,
    /// Unit of all three.
    pub unit: Unit,
}

/// JSON has no NaN: what was not measured is `null` there.
pub(crate) fn number_or_null<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

impl Interval {
    /// The interval of independent measurements, NaN ones left out.
    #[must_use]
    pub fn of(measurements: impl IntoIterator<Item = f64>, unit: Unit) -> Self {
        let measured: Vec<f64> = measurements.into_iter().filter(|x| !x.is_nan()).collect();
        let Some(&first) = measured.first() else {
            return Self {
                mean: f64::NAN,
                low: f64::NAN,
                high: f64::NAN,
                unit,
            };
        };
        let count = measured.len() as f64;
        // Measured from the first: equal measurements give exactly themselves, not their sum
        // rounded and divided again.
        let mean = first + measured.iter().map(|x| x - first).sum::<f64>() / count;
        let half_width = if measured.len() < 2 {
            0.0
        } else {
            let sum_of_squares: f64 = measured.iter().map(|x| (x - mean) * (x - mean)).sum();
            let standard_error = (sum_of_squares / (count - 1.0) / count).sqrt();
            t_quantile_975(measured.len() as u64 - 1) * standard_error
        };
        Self {
            mean,
            low: mean - half_width,
            high: mean + half_width,
            unit,
        }
    }

    /// The mean of `numbers` over the mean of `bases`, which come in pairs: the ratio estimator with
    /// its variance by linearisation (Cochran, "Sampling Techniques", 1977, section 6.3). That the
    /// two go up and down together narrows it, as it should. Pairs with a NaN are left out; NaN if
    /// the bases add up to nothing.
    #[must_use]
    pub fn of_ratio(numbers: &[f64], bases: &[f64]) -> Self {
        let pairs: Vec<(f64, f64)> = numbers
            .iter()
            .copied()
            .zip(bases.iter().copied())
            .filter(|(number, base)| !number.is_nan() && !base.is_nan())
            .collect();
        let number = Self::of(pairs.iter().map(|pair| pair.0), Unit::Ratio).mean;
        let base = Self::of(pairs.iter().map(|pair| pair.1), Unit::Ratio).mean;
        if !base.is_finite() || base == 0.0 {
            return Self::of([], Unit::Ratio);
        }
        let ratio = number / base;
        // The residuals have the mean 0, so this is their interval moved and scaled.
        let residuals = Self::of(
            pairs.iter().map(|(number, base)| number - ratio * base),
            Unit::Ratio,
        );
        let half_width = (residuals.high - residuals.low) / 2.0 / base.abs();
        Self {
            mean: ratio,
            low: ratio - half_width,
            high: ratio + half_width,
            unit: Unit::Ratio,
        }
    }

    /// Half of the width.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }

    /// Whether anything was measured.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        !self.mean.is_nan()
    }

    /// Whether zero is a plausible value: for differences.
    #[must_use]
    pub fn includes_zero(&self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }
}

/// The 97.5 % quantile of Student's t distribution with `freedom` degrees of freedom, at least 1.
#[must_use]
pub fn t_quantile_975(freedom: u64) -> f64 {
    // Beyond this the quantile is that of the normal distribution to four digits, and the sum in
    // `central_probability` has one term for every two degrees.
    const MANY: u64 = 20_000;
    let freedom = freedom.clamp(1, MANY);
    let (mut low, mut high) = (1.9, 12.8);
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return middle;
        }
        if central_probability(middle, freedom) < 0.95 {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// The probability that |T| is below `t`: a finite sum for whole degrees of freedom (Abramowitz and
/// Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4).
fn central_probability(t: f64, freedom: u64) -> f64 {
    let n = freedom as f64;
    let theta = libm::atan(t / n.sqrt());
    let (sine, cosine) = (libm::sin(theta), libm::cos(theta));
    let odd = freedom % 2 == 1;
    let mut term = if odd { cosine } else { 1.0 };
    let mut sum = if freedom == 1 { 0.0 } else { term };
    let mut k = if odd { 3 } else { 2 };
    while k < freedom {
        term *= cosine * cosine * (k - 1) as f64 / k as f64;
        sum += term;
        k += 2;
    }
    if odd {
        std::f64::consts::FRAC_2_PI * (theta + sine * sum)
    } else {
        sine * sum
    }
}

#[cfg(test)]
mod tests {
    use statrs::distribution::{ContinuousCDF, StudentsT};

    use super::*;

    #[test]
    fn quantiles_are_those_of_the_printed_tables() {
        for (freedom, quantile) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (4, 2.776),
            (9, 2.262),
            (10, 2.228),
            (30, 2.042),
            (120, 1.980),
            (1_000_000, 1.960),
        ] {
            let computed = t_quantile_975(freedom);
            assert!(
                (computed - quantile).abs() < 0.0006,
                "{freedom}: {computed}"
            );
        }
    }

    #[test]
    fn quantiles_agree_with_a_library_of_statistics() {
        for freedom in 1..300 {
            let library = StudentsT::new(0.0, 1.0, freedom as f64)
                .unwrap()
                .inverse_cdf(0.975);
            let ours = t_quantile_975(freedom);
            assert!(
                (ours / library - 1.0).abs() < 1e-9,
                "{freedom}: {ours} {library}"
            );
        }
    }

    #[test]
    fn interval_of_one_two_three_four_five_is_three_plus_minus_1_963() {
        // s = sqrt(2.5), standard error = s / sqrt(5) = 0.70711, t(4) = 2.77645.
        let interval = Interval::of([1.0, 2.0, 3.0, 4.0, 5.0], Unit::Count);
        assert_eq!(interval.mean, 3.0);
        assert!((interval.high - 3.0 - 1.963_243).abs() < 1e-6);
        assert!((3.0 - interval.low - 1.963_243).abs() < 1e-6);
    }

    #[test]
    fn interval_of_two_measurements_uses_one_degree_of_freedom() {
        // s = sqrt(2), standard error = 1, t(1) = 12.7062.
        let interval = Interval::of([9.0, 11.0], Unit::Seconds);
        assert_eq!(interval.mean, 10.0);
        assert!((interval.high - 22.706_205).abs() < 1e-6);
    }

    #[test]
    fn one_measurement_has_no_width() {
        let interval = Interval::of([0.7], Unit::Ratio);
        assert_eq!(
            (interval.mean, interval.low, interval.high),
            (0.7, 0.7, 0.7)
        );
    }

    #[test]
    fn equal_measurements_have_exactly_no_width() {
        let interval = Interval::of([0.1; 7], Unit::Ratio);
        assert_eq!(
            (interval.mean, interval.low, interval.high),
            (0.1, 0.1, 0.1)
        );
    }

    #[test]
    fn a_ratio_of_what_moves_together_is_narrow() {
        // Always half of its base, however that moves.
        let ratio = Interval::of_ratio(&[5.0, 10.0, 50.0], &[10.0, 20.0, 100.0]);
        assert_eq!((ratio.mean, ratio.low, ratio.high), (0.5, 0.5, 0.5));
        // Ratio 3/12 = 0.25; residuals 1 - 0.25 x 10 = -1.5 and 5 - 0.25 x 14 = 1.5, so the standard
        // error is 1.5 / 12, and t(1) = 12.7062.
        let ratio = Interval::of_ratio(&[1.0, 5.0], &[10.0, 14.0]);
        assert_eq!(ratio.mean, 0.25);
        assert!((ratio.high - 0.25 - 12.706_205 * 0.125).abs() < 1e-6);
        assert!(!Interval::of_ratio(&[1.0], &[0.0]).is_measured());
        assert_eq!(
            Interval::of_ratio(&[1.0, f64::NAN], &[2.0, 7.0]),
            Interval::of_ratio(&[1.0], &[2.0])
        );
    }

    #[test]
    fn unmeasured_replications_are_left_out() {
        assert_eq!(
            Interval::of([f64::NAN, 9.0, 11.0], Unit::Count),
            Interval::of([9.0, 11.0], Unit::Count)
        );
        assert!(!Interval::of([f64::NAN], Unit::Count).is_measured());
        assert!(!Interval::of([], Unit::Count).is_measured());
    }
}
