//! Where warm-up ends: MSER-5, the rule that compares best in the literature and has no parameter to
//! tune.
//!
//! MSER (K. P. White, "An effective truncation heuristic for bias reduction in simulation output",
//! Simulation 69(6), 1997) cuts so much of the beginning that the mean of the rest has the smallest
//! marginal standard error. MSER-5 applies it to means of five consecutive observations (White, Cobb
//! and Spratt, "A comparison of five steady-state truncation heuristics for simulation", Winter
//! Simulation Conference 2000). With several replications it is applied to their average, point by
//! point, which smooths the noise but not the bias (Hoad, Robinson and Davies, "Automating warm-up
//! length estimation", Journal of the Operational Research Society 61, 2010).
//!
//! An observation is one point of a time series of a run without warm-up. Two series are looked at,
//! and the later end counts: the mean latency, which clients see, and the queries at the database,
//! which fall as caches fill even where latency hardly tells. All variants get one end, the latest
//! of any, so that paired differences compare the same stretch of the same luck.
//!
//! Not here: running anything.

use serde::{Deserialize, Serialize};

use crate::metrics::{Outcome, Series};
use crate::units::{Nanoseconds, SECOND_NS};

/// The series that must have settled.
const WATCHED: [&str; 2] = ["latency.mean", "database.qps"];

/// Observations in one batch: the 5 of MSER-5.
const BATCH: usize = 5;

/// Where warm-up ends, and whether that can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WarmUp {
    /// How much of the beginning is cut, in seconds.
    pub cut_s: f64,
    /// Whether the end was found within the first half of the run, where the rule can be trusted
    /// (White 1997). Else half of the run was cut, and the run should be longer.
    pub settled: bool,
    /// How many replications were averaged to find it.
    pub pilots: usize,
}

/// Where warm-up ends for runs of several variants: for each variant, its replications, all run
/// without warm-up for `duration_ns`.
#[must_use]
pub fn find(variants: &[Vec<Outcome>], duration_ns: Nanoseconds) -> WarmUp {
    let duration_s = duration_ns as f64 / SECOND_NS as f64;
    let mut found = WarmUp {
        cut_s: 0.0,
        settled: true,
        pilots: variants.iter().map(Vec::len).max().unwrap_or(0),
    };
    for runs in variants {
        for name in WATCHED {
            let of_name: Vec<&Series> = runs
                .iter()
                .filter_map(|run| run.series.iter().find(|series| series.name == name))
                .collect();
            let Some(step_s) = of_name.first().map(|series| series.step_s) else {
                continue;
            };
            let (cut_s, settled) = end_s(&batches(&average(&of_name)), step_s);
            found.cut_s = found.cut_s.max(cut_s);
            found.settled &= settled;
        }
    }
    if found.cut_s >= duration_s {
        (found.cut_s, found.settled) = (duration_s / 2.0, false);
    }
    found
}

/// The mean over replications at each point; NaN where none has measured anything.
fn average(all: &[&Series]) -> Vec<f64> {
    // What only some replications have reached has another noise than the rest.
    let length = all.iter().map(|one| one.values.len()).min().unwrap_or(0);
    (0..length)
        .map(|point| super::mean(all.iter().map(|one| one.values[point])))
        .collect()
}

/// Means of five observations each with the number of the observation after the last of them. A
/// batch in which nothing was measured is left out, and so is what is left over at the end.
fn batches(values: &[f64]) -> Vec<(usize, f64)> {
    values
        .chunks_exact(BATCH)
        .enumerate()
        .map(|(index, batch)| ((index + 1) * BATCH, super::mean(batch.iter().copied())))
        .filter(|(_, mean)| !mean.is_nan())
        .collect()
}

/// When warm-up ends by these batches, and whether within the first half.
fn end_s(batches: &[(usize, f64)], step_s: f64) -> (f64, bool) {
    let means: Vec<f64> = batches.iter().map(|(_, mean)| *mean).collect();
    let half = means.len() / 2;
    let cut = truncation(&means);
    let counted = cut.min(half);
    let end_s = match counted.checked_sub(1) {
        None => 0.0,
        Some(last) => batches[last].0 as f64 * step_s,
    };
    (end_s, cut <= half)
}

/// How many of the first values the rule cuts: those without which the sum of squared deviations of
/// the others from their mean, over the square of their number, is least; the fewest if several do.
/// The last few values are always kept: of two or three that happen to be alike, the statistic
/// would say that they are perfect.
#[must_use]
pub fn truncation(values: &[f64]) -> usize {
    const ALWAYS_KEPT: usize = 5;
    let mut best = (f64::INFINITY, 0);
    // From the back, so that each further value is added to running sums (Welford 1962).
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for (cut, value) in values.iter().enumerate().rev() {
        count += 1.0;
        let deviation = value - mean;
        mean += deviation / count;
        squares += deviation * (value - mean);
        let statistic = squares / (count * count);
        if values.len() - cut >= ALWAYS_KEPT.min(values.len()) && statistic <= best.0 {
            best = (statistic, cut);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::Unit;

    #[test]
    fn nine_then_ones_and_twos_cuts_the_nine() {
        // Kept 6: mean 16/6, squares 49.33, statistic 49.33/36 = 1.370.
        // Kept 5: mean 1.4, squares 1.2, statistic 1.2/25 = 0.048, the least.
        assert_eq!(truncation(&[9.0, 1.0, 2.0, 1.0, 2.0, 1.0]), 1);
    }

    #[test]
    fn a_falling_beginning_is_cut_to_where_it_has_settled() {
        // Kept 8: squares 45.5, 45.5/64 = 0.711. Kept 7: 7.71/49 = 0.157. Kept 6: 0.
        assert_eq!(truncation(&[8.0, 4.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]), 2);
        assert_eq!(truncation(&[1.0; 20]), 0);
        assert_eq!(truncation(&[]), 0);
    }

    /// The definition, as slow as it reads.
    fn by_definition(values: &[f64]) -> usize {
        let statistic = |cut: usize| {
            let kept = &values[cut..];
            let count = kept.len() as f64;
            let mean = kept.iter().sum::<f64>() / count;
            kept.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (count * count)
        };
        (0..=values.len() - 5)
            .min_by(|&a, &b| statistic(a).total_cmp(&statistic(b)))
            .unwrap()
    }

    proptest! {
        #[test]
        fn the_running_sums_are_the_definition(values in prop::collection::vec(0.0..10.0_f64, 5..60)) {
            prop_assert_eq!(truncation(&values), by_definition(&values));
        }
    }

    fn run(latency: &[f64], queries: &[f64]) -> Outcome {
        let series = |name: &str, values: &[f64]| Series {
            name: name.to_owned(),
            unit: Unit::Seconds,
            step_s: 1.0,
            values: values.to_vec(),
        };
        Outcome {
            series: vec![
                series("latency.mean", latency),
                series("database.qps", queries),
            ],
            ..Outcome::default()
        }
    }

    /// 60 seconds, of which the first `high` are ten times as high.
    fn settling(high: usize) -> Vec<f64> {
        (0..60)
            .map(|second| if second < high { 10.0 } else { 1.0 })
            .collect()
    }

    #[test]
    fn the_latest_end_of_all_series_and_variants_is_that_of_all() {
        let steady = settling(0);
        let variants = [
            vec![run(&settling(5), &steady)],
            vec![run(&steady, &settling(13))],
        ];
        let found = find(&variants, 60 * SECOND_NS);
        // 13 observations fall into three batches of five.
        assert_eq!((found.cut_s, found.settled), (15.0, true));
        assert_eq!(find(&variants[..1], 60 * SECOND_NS).cut_s, 5.0);
    }

    #[test]
    fn what_has_not_settled_in_half_of_the_run_is_said_so() {
        let found = find(&[vec![run(&settling(35), &settling(0))]], 60 * SECOND_NS);
        assert_eq!((found.cut_s, found.settled), (30.0, false));
    }

    #[test]
    fn replications_are_averaged_before_the_rule_is_applied() {
        // Each alone is a staircase; their mean is flat.
        let rising: Vec<f64> = settling(20).iter().map(|x| 11.0 - x).collect();
        let runs = vec![run(&settling(20), &settling(0)), run(&rising, &settling(0))];
        let found = find(&[runs], 60 * SECOND_NS);
        assert_eq!((found.cut_s, found.pilots), (0.0, 2));
    }

    #[test]
    fn stretches_without_requests_are_no_observations() {
        let mut latency = settling(5);
        latency[20..40].fill(f64::NAN);
        let found = find(&[vec![run(&latency, &settling(0))]], 60 * SECOND_NS);
        assert_eq!((found.cut_s, found.settled), (5.0, true));
    }
}
