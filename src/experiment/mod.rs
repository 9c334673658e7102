//! Experiments: every variant of a scenario, replicated, and what the runs say together.
//!
//! All cells (variant x replication) run in parallel. A cell depends on nothing but its plan and its
//! number, and cells are put together in their order, so the results do not depend on threads.
//! Replication `r` meets the same luck in every variant; that is why differences are taken
//! replication by replication before their interval is computed: the luck cancels out.
//!
//! Not here: how results are printed or drawn (see `report`).

pub mod baseline;
pub mod beside;
pub mod cost;
pub mod expectation;
pub mod interval;
pub mod precision;
pub mod store;
pub mod sweep;
pub mod tune;
pub mod verdict;
pub mod warmup;

use indexmap::IndexMap;
use rayon::prelude::*;

use crate::{
    metrics::{self, Alert, Outcome, Series, TopKey, Unit},
    scenario::Study,
    simulation::{self, Plan, Progress, RunError},
    units::{Nanoseconds, SECOND_NS},
};

pub use baseline::{Baseline, Comparison};
pub use expectation::Judgement;
pub use interval::Interval;
pub use precision::{Sureness, Wanted};
pub use sweep::SweepResults;
pub use verdict::Verdict;
pub use warmup::WarmUp;

/// What an experiment has found.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// The version of the program that ran it.
    pub version: String,
    /// The command that runs it again, or empty.
    pub command: String,
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
    /// The currency of `cost.monthly`, if the scenario names prices.
    pub currency: Option<String>,
    /// Where warm-up was found to end, if the scenario asks for that.
    pub warmup: Option<WarmUp>,
    /// How sure the metrics have become that were to be sure.
    pub sureness: Vec<Sureness>,
    /// How they compare with those of another time, and how limits stand, if there are such.
    pub comparison: Option<Comparison>,
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
    /// The same differences as shares of the first variant's mean: 0.12 is 12 % more. Of metrics that
    /// are not 0 there.
    pub relative: IndexMap<String, Interval>,
    /// What each replication measured, in their order.
    pub samples: IndexMap<String, Vec<f64>>,
    /// Time series: means over replications, point by point.
    pub series: Vec<Series>,
    /// The latency distribution: (quantile in 0..1, seconds), the mean over replications.
    pub latency_quantiles: Vec<(f64, f64)>,
    /// The staleness of the stale reads, likewise: mean seconds at each quantile.
    pub staleness_quantiles: Vec<(f64, f64)>,
    /// The keys that each tier was asked for most, in the first replication.
    pub top_keys: Vec<TopKey>,
    /// The alerts that were watched, as they fired in the first replication.
    pub alerts: Vec<Alert>,
}

impl Results {
    /// Whether every expectation has come true and no limit is broken.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.expectations.iter().all(|judgement| judgement.held)
            && self.comparison.as_ref().is_none_or(Comparison::all_kept)
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

impl Failure {
    /// Whether nothing went wrong, but nobody wanted the results any more.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        matches!(self.error, RunError::Interrupted)
    }
}

/// Which run of an experiment one is: all are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The study, in the order in which they were given.
    pub study: usize,
    /// The variant, in the order of the scenario.
    pub variant: usize,
    /// The replication.
    pub replication: u64,
}

/// How a run of one plan under one replication's luck is had: simulated, or remembered.
pub trait Simulate: Sync {
    /// The outcome of replication `replication` of `plan`.
    ///
    /// # Errors
    /// See [`RunError`].
    fn outcome(&self, plan: &Plan, replication: u64) -> Result<Outcome, RunError>;

    /// As [`Simulate::outcome`], for those who tell the runs of an experiment apart.
    ///
    /// # Errors
    /// See [`RunError`].
    fn outcome_at(&self, plan: &Plan, place: Place) -> Result<Outcome, RunError> {
        self.outcome(plan, place.replication)
    }

    /// The same of a run that is made for its time series: a pilot, by which the end of warm-up is
    /// found.
    ///
    /// # Errors
    /// See [`RunError`].
    fn pilot(&self, plan: &Plan, replication: u64) -> Result<Outcome, RunError> {
        self.outcome(plan, replication)
    }
}

impl<F: Fn(&Plan, u64) -> Result<Outcome, RunError> + Sync> Simulate for F {
    fn outcome(&self, plan: &Plan, replication: u64) -> Result<Outcome, RunError> {
        self(plan, replication)
    }
}

/// Runs every replication of every variant of every study, and more of them until `wanted` is as
/// sure as it asks for.
///
/// # Errors
/// The first failure in the order of studies, variants and replications.
pub fn run(
    studies: &[Study],
    wanted: &Wanted,
    progress: &dyn Progress,
) -> Result<Vec<Results>, Failure> {
    run_with(studies, wanted, &|plan: &Plan, replication: u64| {
        simulation::run(plan, replication, progress)
    })
}

/// As [`run`], with runs that are had in another way.
///
/// # Errors
/// As [`run`].
pub fn run_with(
    studies: &[Study],
    wanted: &Wanted,
    simulate: &dyn Simulate,
) -> Result<Vec<Results>, Failure> {
    run_rounds(studies, wanted, simulate, true)
}

/// As [`run_with`], on the present thread alone unless `in_parallel`.
fn run_rounds(
    studies: &[Study],
    wanted: &Wanted,
    simulate: &dyn Simulate,
    in_parallel: bool,
) -> Result<Vec<Results>, Failure> {
    let mut works: Vec<Work<'_>> = studies
        .iter()
        .map(|study| Work::new(study, wanted))
        .collect();
    // What is run next may depend on what came out, so cells are run in rounds, those of all studies
    // together: few cells would leave threads idle.
    loop {
        let cells: Vec<(usize, Cell)> = works
            .iter()
            .enumerate()
            .flat_map(|(index, work)| work.next().into_iter().map(move |cell| (index, cell)))
            .collect();
        if cells.is_empty() {
            break;
        }
        // Every cell is finished before the first failure is looked for: which one is reported must
        // not depend on who came first.
        let one = |(index, cell): &(usize, Cell)| {
            let work = &works[*index];
            let plan = &work.plans[cell.variant];
            if work.unsettled().any(|variant| variant == cell.variant) {
                simulate.pilot(plan, cell.replication)
            } else {
                let place = Place {
                    study: *index,
                    variant: cell.variant,
                    replication: cell.replication,
                };
                simulate.outcome_at(plan, place)
            }
        };
        let outcomes: Vec<Result<Outcome, RunError>> = if in_parallel {
            // Cells are long and few; one at a time keeps all threads busy to the end.
            cells.par_iter().with_max_len(1).map(one).collect()
        } else {
            cells.iter().map(one).collect()
        };
        for ((index, cell), outcome) in cells.into_iter().zip(outcomes) {
            works[index].take(cell, outcome)?;
        }
        works.iter_mut().for_each(Work::decide);
    }
    Ok(works.into_iter().map(Work::finish).collect())
}

/// One run of a round.
#[derive(Clone, Copy, Debug)]
struct Cell {
    variant: usize,
    replication: u64,
}

/// A study on its way to its results: first pilots, where the end of warm-up is to be found; then
/// replications until they are enough.
struct Work<'a> {
    study: &'a Study,
    wanted: &'a Wanted,
    plans: Vec<Plan>,
    /// For each variant that has to find its warm-up, what its pilots found.
    pilots: Vec<Vec<Outcome>>,
    warmup: Option<WarmUp>,
    runs: Vec<Vec<Outcome>>,
    replications: u64,
}

/// More replications than this smooth the average little, and each costs a run.
const PILOTS: u64 = 5;

impl<'a> Work<'a> {
    fn new(study: &'a Study, wanted: &'a Wanted) -> Self {
        let variants = study.variants.len();
        Self {
            study,
            wanted,
            plans: study.variants.iter().map(|it| it.plan.clone()).collect(),
            pilots: vec![Vec::new(); variants],
            warmup: None,
            runs: vec![Vec::new(); variants],
            replications: wanted.at_first(study.replications.max(1)),
        }
    }

    /// The variants whose warm-up still has to be found.
    fn unsettled(&self) -> impl Iterator<Item = usize> {
        let variants = self.study.variants.iter().enumerate();
        let found = self.warmup.is_some();
        variants
            .filter(move |(_, variant)| variant.finds_warmup && !found)
            .map(|(index, _)| index)
    }

    /// What has to be run next; nothing when all is done.
    fn next(&self) -> Vec<Cell> {
        let cells = |variant: usize, from: usize, to: u64| {
            (from as u64..to).map(move |replication| Cell {
                variant,
                replication,
            })
        };
        let pilots = self.replications.min(PILOTS);
        let piloted: Vec<Cell> = self
            .unsettled()
            .flat_map(|variant| cells(variant, 0, pilots))
            .collect();
        if !piloted.is_empty() {
            return piloted;
        }
        (0..self.plans.len())
            .flat_map(|variant| cells(variant, self.runs[variant].len(), self.replications))
            .collect()
    }

    fn take(&mut self, cell: Cell, outcome: Result<Outcome, RunError>) -> Result<(), Failure> {
        let mut outcome = outcome.map_err(|error| Failure {
            scenario: self.study.name.clone(),
            variant: self.study.variants[cell.variant].name.clone(),
            replication: cell.replication,
            error,
        })?;
        let is_pilot = self.unsettled().any(|variant| variant == cell.variant);
        if is_pilot {
            self.pilots[cell.variant].push(outcome);
        } else {
            if let Some(prices) = &self.study.variants[cell.variant].prices {
                let cost = cost::monthly(prices, &self.plans[cell.variant], &outcome);
                outcome.metrics.insert(cost::METRIC.to_owned(), cost);
            }
            self.runs[cell.variant].push(outcome);
        }
        Ok(())
    }

    /// A round is over: what follows from it.
    fn decide(&mut self) {
        let unsettled: Vec<usize> = self.unsettled().collect();
        if !unsettled.is_empty() {
            let pilots: Vec<Vec<Outcome>> = unsettled
                .iter()
                .map(|&variant| std::mem::take(&mut self.pilots[variant]))
                .collect();
            let shortest_ns = unsettled.iter().map(|&it| self.plans[it].duration_ns).min();
            let found = warmup::find(&pilots, shortest_ns.unwrap_or(0));
            for variant in unsettled {
                self.plans[variant].warmup_ns = seconds_to_ns(found.cut_s);
            }
            self.warmup = Some(found);
        } else if self.runs[0].len() as u64 == self.replications {
            self.replications = self.wanted.next(self.replications, &self.runs);
        }
    }

    fn finish(self) -> Results {
        let sureness = self.wanted.sureness(&self.runs);
        let variants = self
            .study
            .variants
            .iter()
            .zip(&self.plans)
            .zip(self.runs)
            .map(|((variant, plan), runs)| {
                let warmup_s = plan.warmup_ns as f64 / SECOND_NS as f64;
                (variant.name.clone(), warmup_s, runs)
            })
            .collect();
        let variants = combine(variants);
        Results {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: String::new(),
            name: self.study.name.clone(),
            title: self.study.title.clone(),
            description: self.study.description.clone(),
            seed: self.study.seed,
            replications: self.replications,
            resolved: self.study.resolved.clone(),
            expectations: expectation::judge(&self.study.expectations, &variants),
            currency: self
                .study
                .variants
                .iter()
                .find_map(|variant| Some(variant.prices.as_ref()?.currency.clone())),
            warmup: self.warmup,
            sureness,
            comparison: None,
            variants,
        }
    }
}

/// The end of warm-up is a whole number of steps of a series, and those of nanoseconds.
fn seconds_to_ns(seconds: f64) -> Nanoseconds {
    (seconds * SECOND_NS as f64).round() as Nanoseconds
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
            differences: compare(index, runs, reference, difference),
            relative: compare(index, runs, reference, relative),
            samples: metric_names(runs)
                .into_iter()
                .map(|name| (name.to_owned(), samples(name, runs)))
                .collect(),
            series: mean_series(runs),
            latency_quantiles: mean_quantiles(runs, |run| &run.latency_quantiles),
            staleness_quantiles: mean_quantiles(runs, |run| &run.staleness_quantiles),
            top_keys: runs
                .first()
                .map_or_else(Vec::new, |run| run.top_keys.clone()),
            alerts: alerts(runs),
        })
        .collect()
}

/// The alerts, each with its firings in the first run in which it fired.
fn alerts(runs: &[Outcome]) -> Vec<Alert> {
    let first = runs.first().map_or(&[][..], |run| &run.alerts);
    let told = |(number, alert): (usize, &Alert)| {
        let mut in_each = runs.iter().filter_map(|run| run.alerts.get(number));
        let fired = in_each.find(|it| !it.firings.is_empty());
        fired.unwrap_or(alert).clone()
    };
    first.iter().enumerate().map(told).collect()
}

/// What `comparison` says of every metric for which it says something; the first variant is compared
/// with nobody.
fn compare(
    index: usize,
    runs: &[Outcome],
    reference: &[Outcome],
    comparison: impl Fn(&str, &[Outcome], &[Outcome]) -> Interval,
) -> IndexMap<String, Interval> {
    if index == 0 {
        return IndexMap::new();
    }
    metric_names(runs)
        .into_iter()
        .map(|name| (name.to_owned(), comparison(name, runs, reference)))
        .filter(|(_, compared)| compared.is_measured())
        .collect()
}

fn samples(name: &str, runs: &[Outcome]) -> Vec<f64> {
    runs.iter().map(|run| value(run, name)).collect()
}

fn relative(name: &str, runs: &[Outcome], reference: &[Outcome]) -> Interval {
    let bases = samples(name, reference);
    let differences: Vec<f64> = runs
        .iter()
        .zip(&bases)
        .map(|(run, base)| value(run, name) - base)
        .collect();
    Interval::of_ratio(&differences, &bases)
}

/// The names of all metrics of all runs, in the order in which they come out.
fn metric_names(runs: &[Outcome]) -> indexmap::IndexSet<&str> {
    runs.iter()
        .flat_map(|run| run.metrics.keys().map(String::as_str))
        .collect()
}

pub(crate) fn unit_of(name: &str) -> Unit {
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
    fn the_firings_told_are_those_of_the_first_run_in_which_an_alert_fired() {
        let run = |fired_s: [Option<f64>; 2]| Outcome {
            alerts: fired_s
                .into_iter()
                .map(|from_s| Alert {
                    name: "any".to_owned(),
                    metric: "latency.p99".to_owned(),
                    unit: Unit::Seconds,
                    condition: metrics::AlertCondition::Above(1.0),
                    per_s: 1.0,
                    for_s: 0.0,
                    firings: from_s
                        .into_iter()
                        .map(|from_s| metrics::Firing {
                            since_s: from_s,
                            from_s,
                            until_s: None,
                            worst: 2.0,
                        })
                        .collect(),
                })
                .collect(),
            ..outcome(1.0, &[])
        };
        let runs = vec![
            run([None, None]),
            run([Some(7.0), None]),
            run([Some(8.0), None]),
        ];
        let combined = combine(vec![("base".to_owned(), 0.0, runs)]);
        let [one, other] = &combined[0].alerts[..] else {
            panic!("there are two");
        };
        assert_eq!(one.firings[0].from_s, 7.0);
        assert_eq!((one.firings.len(), other.firings.len()), (1, 0));
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
