//! Experiments: every variant of a scenario, replicated, and what the runs say together.
//!
//! All cells (variant x replication) run in parallel. A cell depends on nothing but its plan and its
//! number, and cells are put together in their order, so the results do not depend on threads.
//! Replication `r` meets the same luck in every variant; that is why differences are taken
//! replication by replication before their interval is computed: the luck cancels out.
//!
//! Not here: how results are printed or drawn (see `report`).

pub mod expectation;
pub mod interval;

use indexmap::IndexMap;
use rayon::prelude::*;

use crate::{
    metrics::{self, Outcome, Series, Unit},
    scenario::Study,
    simulation::{self, Plan, Progress, RunError},
    units::SECOND_NS,
};

pub use expectation::Judgement;
pub use interval::Interval;

/// What an experiment has found.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The scenario's short name, after which its folder of results is named.
    pub name: String,
    /// The scenario's title.
    pub title: String,
    /// The scenario's description; may be empty.
    pub description: String,
    /// The seed of all randomness.
    pub seed: u64,
    /// Runs of each variant.
    pub replications: u64,
    /// The scenario with everything resolved.
    pub resolved: serde_json::Value,
    /// The variants that were run, in the order of the scenario; at least one.
    pub variants: Vec<VariantResults>,
    /// The scenario's expectations of these variants.
    pub expectations: Vec<Judgement>,
}

/// What was found about one variant.
#[derive(Clone, Debug, Default)]
pub struct VariantResults {
    /// The variant's name.
    pub name: String,
    /// Until when nothing was measured, in seconds.
    pub warmup_s: f64,
    /// Every metric, in the order of the catalogue.
    pub metrics: IndexMap<String, Interval>,
    /// This variant minus the first one, replication by replication, for every metric that both
    /// have measured. Empty for the first variant.
    pub differences: IndexMap<String, Interval>,
    /// Time series: means over replications, point by point.
    pub series: Vec<Series>,
    /// The latency distribution: (quantile in 0..1, seconds), the mean over replications.
    pub latency_quantiles: Vec<(f64, f64)>,
    /// The staleness of the stale reads, likewise: mean seconds at each quantile.
    pub staleness_quantiles: Vec<(f64, f64)>,
}

impl Results {
    /// Whether every expectation has come true.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.expectations.iter().all(|judgement| judgement.held)
    }

    /// The variant that the others are compared with: `base`, or the first that was run.
    #[must_use]
    pub fn reference(&self) -> &VariantResults {
        &self.variants[0]
    }
}

/// A cell that could not be run.
#[derive(Debug, thiserror::Error)]
#[error("{scenario}, variant {variant}, replication {replication}: {error}")]
pub struct Failure {
    /// The scenario's name.
    pub scenario: String,
    /// The variant's name.
    pub variant: String,
    /// The replication's number, from 0.
    pub replication: u64,
    /// What went wrong.
    pub error: RunError,
}

/// Runs every replication of every variant of every study.
///
/// # Errors
/// The first failure in the order of studies, variants and replications.
pub fn run(studies: &[Study], progress: &dyn Progress) -> Result<Vec<Results>, Failure> {
    run_with(studies, |plan, replication| {
        simulation::run(plan, replication, progress)
    })
}

/// As [`run`], with another simulator: for tests.
fn run_with(
    studies: &[Study],
    simulate: impl Fn(&Plan, u64) -> Result<Outcome, RunError> + Sync,
) -> Result<Vec<Results>, Failure> {
    let cells: Vec<(usize, usize, u64)> = studies
        .iter()
        .enumerate()
        .flat_map(|(s, study)| {
            (0..study.variants.len())
                .flat_map(move |v| (0..study.replications.max(1)).map(move |r| (s, v, r)))
        })
        .collect();
    // Every cell is finished before the first failure is looked for: which one is reported must
    // not depend on who came first.
    let outcomes: Vec<Result<Outcome, Failure>> = cells
        .into_par_iter()
        // Cells are long and few; one at a time keeps all threads busy to the end.
        .with_max_len(1)
        .map(|(s, v, replication)| {
            let study = &studies[s];
            let variant = &study.variants[v];
            simulate(&variant.plan, replication).map_err(|error| Failure {
                scenario: study.name.clone(),
                variant: variant.name.clone(),
                replication,
                error,
            })
        })
        .collect();
    let mut outcomes = outcomes.into_iter();
    studies
        .iter()
        .map(|study| {
            let variants = study
                .variants
                .iter()
                .map(|variant| {
                    let runs = outcomes
                        .by_ref()
                        .take(study.replications.max(1) as usize)
                        .collect::<Result<Vec<_>, _>>()?;
                    let warmup_s = variant.plan.warmup_ns as f64 / SECOND_NS as f64;
                    Ok((variant.name.clone(), warmup_s, runs))
                })
                .collect::<Result<Vec<_>, Failure>>()?;
            let variants = combine(variants);
            Ok(Results {
                name: study.name.clone(),
                title: study.title.clone(),
                description: study.description.clone(),
                seed: study.seed,
                replications: study.replications.max(1),
                resolved: study.resolved.clone(),
                expectations: expectation::judge(&study.expectations, &variants),
                variants,
            })
        })
        .collect()
}

/// Puts together the runs of each variant: (name, warm-up in seconds, one outcome for each
/// replication). The first variant is the one that the others are compared with.
#[must_use]
pub fn combine(variants: Vec<(String, f64, Vec<Outcome>)>) -> Vec<VariantResults> {
    let Some((_, _, reference)) = variants.first() else {
        return Vec::new();
    };
    variants
        .iter()
        .enumerate()
        .map(|(index, (name, warmup_s, runs))| VariantResults {
            name: name.clone(),
            warmup_s: *warmup_s,
            metrics: metric_names(runs)
                .into_iter()
                .map(|name| (name.to_owned(), interval(name, runs)))
                .collect(),
            differences: if index == 0 {
                IndexMap::new()
            } else {
                metric_names(runs)
                    .into_iter()
                    .map(|name| (name.to_owned(), difference(name, runs, reference)))
                    .filter(|(_, difference)| difference.is_measured())
                    .collect()
            },
            series: mean_series(runs),
            latency_quantiles: mean_quantiles(runs, |run| &run.latency_quantiles),
            staleness_quantiles: mean_quantiles(runs, |run| &run.staleness_quantiles),
        })
        .collect()
}

/// The names of all metrics of all runs, in the order in which they come out.
fn metric_names(runs: &[Outcome]) -> indexmap::IndexSet<&str> {
    runs.iter()
        .flat_map(|run| run.metrics.keys().map(String::as_str))
        .collect()
}

fn unit_of(name: &str) -> Unit {
    metrics::find(name).map_or(Unit::Count, |metric| metric.unit)
}

fn value(run: &Outcome, name: &str) -> f64 {
    run.metrics.get(name).copied().unwrap_or(f64::NAN)
}

fn interval(name: &str, runs: &[Outcome]) -> Interval {
    Interval::of(runs.iter().map(|run| value(run, name)), unit_of(name))
}

fn difference(name: &str, runs: &[Outcome], reference: &[Outcome]) -> Interval {
    let differences = runs
        .iter()
        .zip(reference)
        .map(|(run, reference)| value(run, name) - value(reference, name));
    Interval::of(differences, unit_of(name))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values
        .filter(|x| !x.is_nan())
        .fold((0.0, 0_u32), |(sum, count), x| (sum + x, count + 1));
    // Zero of zero is NaN: nothing was measured.
    sum / f64::from(count)
}

/// The mean of each point over the replications in which it was measured. A replication that
/// ended earlier has no say about what came after.
fn mean_series(runs: &[Outcome]) -> Vec<Series> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    first
        .series
        .iter()
        .map(|series| {
            let all: Vec<&Series> = runs
                .iter()
                .filter_map(|run| run.series.iter().find(|other| other.name == series.name))
                .collect();
            let length = all.iter().map(|one| one.values.len()).max().unwrap_or(0);
            Series {
                values: (0..length)
                    .map(|point| mean(all.iter().filter_map(|one| one.values.get(point).copied())))
                    .collect(),
                ..series.clone()
            }
        })
        .collect()
}

/// The mean of a distribution at each quantile, over the replications that report it.
fn mean_quantiles(runs: &[Outcome], of: impl Fn(&Outcome) -> &Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut quantiles: Vec<f64> = runs
        .iter()
        .flat_map(|run| of(run).iter().map(|&(quantile, _)| quantile))
        .collect();
    quantiles.sort_by(f64::total_cmp);
    quantiles.dedup();
    quantiles
        .into_iter()
        .map(|quantile| {
            let values = runs.iter().filter_map(|run| {
                of(run)
                    .iter()
                    .find(|&&(other, _)| other == quantile)
                    .map(|&(_, value)| value)
            });
            (quantile, mean(values))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(latency: f64, series: &[f64]) -> Outcome {
        Outcome {
            metrics: IndexMap::from([
                ("latency.mean".to_owned(), latency),
                ("staleness.mean".to_owned(), f64::NAN),
            ]),
            series: vec![Series {
                name: "hit_ratio".to_owned(),
                unit: Unit::Ratio,
                step_s: 1.0,
                values: series.to_vec(),
            }],
            latency_quantiles: vec![(0.5, latency), (0.99, 10.0 * latency)],
            ..Outcome::default()
        }
    }

    #[test]
    fn differences_are_taken_replication_by_replication_so_that_luck_cancels_out() {
        // The luck of the replications varies by 100, the variants differ by 1 and 3.
        let base = vec![outcome(100.0, &[]), outcome(200.0, &[])];
        let other = vec![outcome(101.0, &[]), outcome(203.0, &[])];
        let combined = combine(vec![
            ("base".to_owned(), 0.0, base),
            ("other".to_owned(), 0.0, other),
        ]);
        assert!(combined[0].differences.is_empty());
        let difference = combined[1].differences["latency.mean"];
        assert_eq!(difference.mean, 2.0);
        // s = sqrt(2), standard error 1, t(1) = 12.706.
        assert!((difference.high - 14.706_205).abs() < 1e-6);
        assert_eq!(difference.unit, Unit::Seconds);
        assert!(!combined[1].differences.contains_key("staleness.mean"));
        assert_eq!(combined[1].metrics["latency.mean"].mean, 152.0);
    }

    #[test]
    fn series_are_averaged_where_they_were_measured() {
        let runs = vec![
            outcome(1.0, &[0.5, f64::NAN, f64::NAN]),
            outcome(3.0, &[0.7, 0.9, f64::NAN, 0.4]),
        ];
        let combined = combine(vec![("base".to_owned(), 5.0, runs)]);
        let values = &combined[0].series[0].values;
        assert_eq!((values[0], values[1], values[3]), (0.6, 0.9, 0.4));
        assert!(values[2].is_nan());
        assert_eq!(combined[0].latency_quantiles, [(0.5, 2.0), (0.99, 20.0)]);
        assert_eq!(combined[0].warmup_s, 5.0);
    }
}
