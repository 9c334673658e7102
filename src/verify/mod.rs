//! Verification: scenarios whose outcome is known, simulated through the ordinary path and compared.
//!
//! Each check is a scenario as a user would write it, a closed form or a published figure, and a
//! tolerance. There is no special engine: what is verified is what `cachesim run` runs.
//!
//! Not here: the formulas (see [`theory`]), and tests of single parts, which stand beside the parts.

use std::ops::Range;
use std::path::Path;

use indexmap::IndexMap;
use rayon::prelude::*;

use crate::experiment::Interval;
use crate::metrics::Unit;
use crate::scenario::{self, Overrides};
use crate::simulation::{self, NoProgress, Plan, RunError};

mod caches;
mod expiry;
mod fetches;
mod freshness;
mod hashing;
mod leases;
mod overload;
mod penetration;
mod policies;
mod queues;
mod replicas;
pub mod theory;
mod whole;
mod writes;

/// The measured metrics of one run.
pub type Measured = IndexMap<String, f64>;

/// How far an observation may be from the theory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// So much, in the unit of the quantity.
    Absolute(f64),
    /// Such a share of the theory.
    Relative(f64),
    /// The 95 % interval over the replications covers the theory.
    Interval,
    /// The observation is at most the theory.
    AtMost,
    /// The observation lies between two values.
    Between(f64, f64),
}

/// One number of a scenario that is known beforehand.
pub struct Comparison {
    /// What it is.
    pub quantity: &'static str,
    /// How to read it off a run.
    pub observe: Box<dyn Fn(&Measured) -> f64 + Send + Sync>,
    /// What it should be.
    pub theory: f64,
    /// How near it has to be.
    pub tolerance: Tolerance,
}

/// A scenario with some known numbers.
pub struct Check {
    /// The model and its parameters, for people.
    pub model: String,
    /// The scenario file's text.
    pub scenario: String,
    /// How many runs.
    pub replications: u64,
    /// What is known.
    pub comparisons: Vec<Comparison>,
}

/// One line of the answer.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Verdict {
    /// The model and its parameters.
    pub model: String,
    /// What was compared.
    pub quantity: String,
    /// What it should be.
    pub theory: f64,
    /// What it was: the mean over the replications.
    pub observed: f64,
    /// How near it had to be, for people.
    pub tolerance: String,
    /// Whether it was.
    pub passed: bool,
}

/// How much work to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// A million requests or more for each check.
    Full,
    /// Less, for a quick look in CI; the tolerances are the same.
    Quick,
}

impl Effort {
    /// `full` simulated seconds, or a fraction of them.
    fn seconds(self, full: f64) -> f64 {
        match self {
            Self::Full => full,
            Self::Quick => full / 4.0,
        }
    }
}

/// What a verification needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How much work to spend.
    pub effort: Effort,
    /// Seed of all randomness.
    pub seed: u64,
}

/// All checks whose model or quantity contains `filter`, in a fixed order. `finished` is told of
/// each verdict as it comes.
///
/// # Errors
/// A run that could not be finished: a defect of the simulator.
pub fn verify(
    options: Options,
    filter: &str,
    finished: impl Fn(&Verdict) + Sync,
) -> Result<Vec<Verdict>, RunError> {
    let mut verdicts = Vec::new();
    let sections = [
        queues::checks,
        caches::checks,
        expiry::checks,
        fetches::checks,
        freshness::checks,
        replicas::checks,
        writes::checks,
        penetration::checks,
        overload::checks,
    ];
    for check in sections.iter().flat_map(|section| section(options.effort)) {
        if check.model.contains(filter) {
            for verdict in check.judge(options.seed)? {
                finished(&verdict);
                verdicts.push(verdict);
            }
        }
    }
    for check in hashing::LAWS.iter().chain(whole::CHECKS) {
        if check.model.contains(filter) {
            for verdict in (check.judge)(options)? {
                finished(&verdict);
                verdicts.push(verdict);
            }
        }
    }
    Ok(verdicts)
}

/// The base variant of a scenario's text.
///
/// # Panics
/// If the text is not a valid scenario: the texts are constants of this module.
fn plan(text: &str, seed: u64) -> Plan {
    let overrides = Overrides {
        seed: Some(seed),
        ..Overrides::default()
    };
    match scenario::load_text(Path::new("verify.toml"), text, &overrides) {
        Ok(mut study) => study.variants.swap_remove(0).plan,
        Err(errors) => panic!("a scenario of verify is wrong:\n{text}\n{}", errors.plain()),
    }
}

/// The metrics of some replications of `plan`, in order.
fn replicate(plan: &Plan, replications: Range<u64>) -> Result<Vec<Measured>, RunError> {
    replications
        .into_par_iter()
        .map(|replication| Ok(simulation::run(plan, replication, &NoProgress)?.metrics))
        .collect()
}

impl Check {
    fn judge(&self, seed: u64) -> Result<Vec<Verdict>, RunError> {
        let plan = plan(&self.scenario, seed);
        let runs = replicate(&plan, 0..self.replications)?;
        let mut verdicts: Vec<Verdict> = self
            .comparisons
            .iter()
            .map(|one| Verdict::of(&self.model, one, &runs))
            .collect();
        // One in twenty 95 % intervals misses by chance. Such a miss is put to the test again, by
        // twice as many runs that share no luck with the first ones; it stays a failure if they
        // miss as well.
        let chance = |verdict: &Verdict, comparison: &Comparison| {
            !verdict.passed && comparison.tolerance == Tolerance::Interval
        };
        if verdicts
            .iter()
            .zip(&self.comparisons)
            .any(|(v, c)| chance(v, c))
        {
            let again = replicate(&plan, self.replications..3 * self.replications)?;
            for (verdict, comparison) in verdicts.iter_mut().zip(&self.comparisons) {
                if chance(verdict, comparison) {
                    *verdict = Verdict::of(&self.model, comparison, &again);
                }
            }
        }
        Ok(verdicts)
    }
}

impl Verdict {
    fn of(model: &str, comparison: &Comparison, runs: &[Measured]) -> Self {
        let measured = runs.iter().map(|run| (comparison.observe)(run));
        let observed = Interval::of(measured, Unit::Ratio);
        let Comparison {
            theory, tolerance, ..
        } = *comparison;
        let (passed, text) = match tolerance {
            Tolerance::Absolute(most) => {
                ((observed.mean - theory).abs() <= most, format!("±{most}"))
            }
            Tolerance::Relative(most) => {
                let passed = (observed.mean - theory).abs() <= most * theory.abs();
                (passed, format!("±{} %", most * 100.0))
            }
            Tolerance::Interval => {
                let passed = observed.low <= theory && theory <= observed.high;
                (
                    passed,
                    format!("{} to {}", short(observed.low), short(observed.high)),
                )
            }
            Tolerance::AtMost => (observed.mean <= theory, "at most".to_owned()),
            Tolerance::Between(low, high) => {
                let passed = low <= observed.mean && observed.mean <= high;
                (passed, format!("{} to {}", short(low), short(high)))
            }
        };
        Self {
            model: model.to_owned(),
            quantity: comparison.quantity.to_owned(),
            theory,
            observed: observed.mean,
            tolerance: text,
            passed,
        }
    }
}

/// Five significant digits.
#[must_use]
pub fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = libm::floor(libm::log10(value.abs())) as i32;
    let decimals = (4 - magnitude).clamp(0, 12) as usize;
    format!("{value:.decimals$}")
}

/// A comparison of one metric.
fn metric(
    quantity: &'static str,
    name: &'static str,
    theory: f64,
    tolerance: Tolerance,
) -> Comparison {
    observation(quantity, theory, tolerance, move |run| run[name])
}

/// A comparison of something that is computed from metrics.
fn observation(
    quantity: &'static str,
    theory: f64,
    tolerance: Tolerance,
    observe: impl Fn(&Measured) -> f64 + Send + Sync + 'static,
) -> Comparison {
    Comparison {
        quantity,
        observe: Box::new(observe),
        theory,
        tolerance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_with_a_wrong_theory_fails() {
        for (theory, passes) in [(20e-3, true), (23e-3, false)] {
            let mut check = queues::checks(Effort::Quick)
                .into_iter()
                .find(|check| check.model.starts_with("M/G/1"))
                .unwrap();
            check.comparisons = vec![metric(
                "mean wait",
                "database.wait.mean",
                theory,
                Tolerance::Relative(0.05),
            )];
            let verdicts = check.judge(1).unwrap();
            assert_eq!(verdicts[0].passed, passes, "{verdicts:?}");
        }
    }

    #[test]
    fn numbers_are_shown_with_five_significant_digits() {
        assert_eq!(short(0.668_732_1), "0.66873");
        assert_eq!(short(1047.512), "1047.5");
        assert_eq!(short(123_456.7), "123457");
    }
}
