//! How sure the answer shall be: replications are added until the 95 % intervals are narrow enough.
//!
//! The sequential procedure of Law ("Simulation Modeling and Analysis", section 9.4.1): after so many
//! replications, look at each interval's half-width relative to its mean; if one is too wide, run as
//! many more as its present spread asks for, at most twice as many, and look again. Looking before
//! there are a few makes luck look like certainty, so there are five at least. All variants of a
//! scenario get the same number, so that every run has its pair.
//!
//! Quantiles are treated as any other metric: the interval of p99 is over the p99s of replications,
//! which are independent, and not over requests, which are not.

use serde::{Deserialize, Serialize};

use crate::metrics::Outcome;

use super::interval::Interval;

/// Replications before the first look.
const AT_LEAST: u64 = 5;

/// What must become sure.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Each metric, and how large half of its interval may be as a share of its mean.
    pub precisions: Vec<(String, f64)>,
    /// No more replications than this.
    pub most_replications: u64,
}

impl Default for Wanted {
    /// Nothing: as many replications as the scenario says.
    fn default() -> Self {
        Self {
            precisions: Vec::new(),
            most_replications: 1000,
        }
    }
}

/// How sure a metric has become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sureness {
    /// The metric.
    pub metric: String,
    /// How large half of its interval might be, as a share of its mean.
    pub wanted: f64,
    /// How large it is in the variant where it is largest; infinite for a mean of 0 with an
    /// interval, NaN if no variant has measured the metric.
    #[serde(deserialize_with = "super::interval::number_or_null")]
    pub reached: f64,
}

impl Sureness {
    /// Whether it is as sure as was wanted.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        // NaN is not: what was never measured has not become sure.
        self.reached <= self.wanted
    }
}

impl Wanted {
    /// How many replications to begin with.
    pub(super) fn at_first(&self, replications: u64) -> u64 {
        if self.precisions.is_empty() {
            return replications;
        }
        // What the scenario asks for is never too many.
        replications.max(AT_LEAST.min(self.most_replications))
    }

    /// How many replications there have to be, after so many: the same number, if they are enough.
    pub(super) fn next(&self, replications: u64, variants: &[Vec<Outcome>]) -> u64 {
        let excess = self
            .sureness(variants)
            .iter()
            .map(|one| one.reached / one.wanted)
            // A metric that nobody measures would not be measured by more runs either.
            .filter(|excess| !excess.is_nan())
            .fold(0.0, f64::max);
        if excess <= 1.0 {
            return replications;
        }
        // The half-width falls with the square root of their number.
        let needed = (replications as f64 * excess * excess).ceil();
        let limit = replications.saturating_mul(2);
        // Too much for a whole number is also more than twice as many.
        let next = if needed < limit as f64 {
            needed as u64
        } else {
            limit
        };
        next.max(replications + 1)
            .min(self.most_replications.max(replications))
    }

    /// How sure each metric is, in the variant where it is least so.
    pub(super) fn sureness(&self, variants: &[Vec<Outcome>]) -> Vec<Sureness> {
        let widths = |metric: &str| {
            variants
                .iter()
                .map(|runs| relative_half_width(&super::interval(metric, runs)))
                .filter(|width| !width.is_nan())
                .fold(f64::NAN, f64::max)
        };
        self.precisions
            .iter()
            .map(|(metric, wanted)| Sureness {
                metric: metric.clone(),
                wanted: *wanted,
                reached: widths(metric),
            })
            .collect()
    }
}

fn relative_half_width(interval: &Interval) -> f64 {
    let half_width = interval.half_width();
    if half_width == 0.0 {
        // Also around a mean of 0.
        return 0.0;
    }
    half_width / interval.mean.abs()
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;

    fn runs(values: &[f64]) -> Vec<Outcome> {
        values
            .iter()
            .map(|&value| Outcome {
                metrics: IndexMap::from([("latency.mean".to_owned(), value)]),
                ..Outcome::default()
            })
            .collect()
    }

    fn wanted(within: f64) -> Wanted {
        Wanted {
            precisions: vec![("latency.mean".to_owned(), within)],
            ..Wanted::default()
        }
    }

    #[test]
    fn there_are_five_replications_before_the_first_look() {
        assert_eq!(wanted(0.01).at_first(1), 5);
        assert_eq!(wanted(0.01).at_first(20), 20);
        assert_eq!(Wanted::default().at_first(1), 1);
        let mut few = wanted(0.01);
        few.most_replications = 3;
        assert_eq!((few.at_first(1), few.at_first(20)), (3, 20));
    }

    #[test]
    fn one_two_three_four_five_is_sure_to_65_percent() {
        // 3 plus or minus 1.9632: see the tests of the interval.
        let variants = [runs(&[1.0, 2.0, 3.0, 4.0, 5.0])];
        let sureness = &wanted(0.66).sureness(&variants)[0];
        assert!((sureness.reached - 0.6544).abs() < 1e-4);
        assert!(sureness.is_reached());
        assert_eq!(wanted(0.66).next(5, &variants), 5);
        // 5 x (0.6544 / 0.5)^2 = 8.57.
        assert_eq!(wanted(0.5).next(5, &variants), 9);
        // Never more than twice as many at once.
        assert_eq!(wanted(0.01).next(5, &variants), 10);
    }

    #[test]
    fn the_least_sure_variant_decides() {
        let sure = runs(&[3.0, 3.0, 3.0, 3.0, 3.0]);
        let unsure = runs(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(wanted(0.5).next(5, std::slice::from_ref(&sure)), 5);
        assert_eq!(wanted(0.5).next(5, &[sure, unsure]), 9);
    }

    #[test]
    fn the_limit_ends_it_and_what_is_never_measured_asks_for_nothing() {
        let unsure = [runs(&[1.0, 2.0, 3.0, 4.0, 5.0])];
        let mut limited = wanted(0.01);
        limited.most_replications = 7;
        assert_eq!(limited.next(5, &unsure), 7);
        assert_eq!(limited.next(7, &unsure), 7);
        let unmeasured = [runs(&[f64::NAN; 5])];
        assert_eq!(wanted(0.01).next(5, &unmeasured), 5);
        assert!(!wanted(0.01).sureness(&unmeasured)[0].is_reached());
    }

    #[test]
    fn a_mean_of_zero_is_sure_only_without_any_spread() {
        let zero = [runs(&[0.0; 5])];
        assert_eq!(wanted(0.01).next(5, &zero), 5);
        let around_zero = [runs(&[-1.0, 1.0, 0.0, -1.0, 1.0])];
        assert_eq!(wanted(0.01).next(5, &around_zero), 10);
    }
}
