//! Stand-in until branch `scenario` is merged: only the types that reports need.

use std::path::PathBuf;

use crate::simulation::Plan;

/// A checked scenario.
#[derive(Clone, Debug)]
pub struct Study {
    /// The file.
    pub path: PathBuf,
    /// The file's name without its extension.
    pub name: String,
    /// For people.
    pub title: String,
    /// The comment at the top.
    pub description: String,
    /// Seed of all randomness.
    pub seed: u64,
    /// Runs of each variant, at least 1.
    pub replications: u64,
    /// Everything resolved, as in the JSON output.
    pub resolved: serde_json::Value,
    /// `base` and the others in file order.
    pub variants: Vec<Variant>,
    /// What must hold.
    pub expectations: Vec<Expectation>,
}

/// One checked variant.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Unique in a study.
    pub name: String,
    /// For people.
    pub description: String,
    /// What to run.
    pub plan: Plan,
    /// Everything resolved.
    pub resolved: serde_json::Value,
}

/// What must hold for a metric of a variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Of which variant.
    pub variant: String,
    /// The metric's name.
    pub metric: String,
    /// What must hold for it.
    pub condition: Condition,
    /// The line of the file.
    pub line: usize,
}

/// What must hold for a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Less than this.
    Below(f64),
    /// More than this.
    Above(f64),
    /// At least the first and at most the second.
    Between(f64, f64),
    /// This, give or take the tolerance.
    Equals {
        /// The number.
        value: f64,
        /// Its tolerance.
        tolerance: f64,
    },
    /// Less than the same metric of another variant, times a factor.
    BelowVariant {
        /// The other variant.
        variant: String,
        /// The factor.
        factor: f64,
    },
    /// More than the same metric of another variant, times a factor.
    AboveVariant {
        /// The other variant.
        variant: String,
        /// The factor.
        factor: f64,
    },
    /// The same metric of another variant times a factor, give or take the tolerance.
    EqualsVariant {
        /// The other variant.
        variant: String,
        /// The factor.
        factor: f64,
        /// The tolerance.
        tolerance: f64,
    },
}
