//! Wires one checked plan into a world and runs it.

use crate::{database, metrics::Outcome, tier, units::Nanoseconds};

/// One variant as checked: nothing in it can be invalid, names are resolved and units are gone.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seed of all randomness.
    pub seed: u64,
    /// When arrivals stop and, unless `drain` is set, the run ends.
    pub duration_ns: Nanoseconds,
    /// What happens before is simulated but not measured; less than `duration_ns`.
    pub warmup_ns: Nanoseconds,
    /// Whether requests in flight when arrivals stop are still finished and measured.
    pub drain: bool,
    /// App instances, at least 1: processes that share nothing but the tiers below them.
    pub instances: u32,
    /// Tiers from the client to the database; may be empty.
    pub tiers: Vec<tier::Plan>,
    /// The database.
    pub database: database::Plan,
}

/// How far runs have come; shared by all threads, so its numbers must never reach a result.
pub trait Progress: Sync {
    /// `simulated_ns` more of simulated time have passed, with `requests` more arrivals.
    fn advance(&self, simulated_ns: Nanoseconds, requests: u64);
}

/// A run that could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Requests are waiting for something that nobody will do.
    #[error("deadlock: {0}")]
    Deadlock(String),
    /// A conservation law does not hold: a defect of the simulator.
    #[error("conservation law broken: {0}")]
    Conservation(String),
}

/// Runs replication `replication` of `plan`.
///
/// # Errors
/// See [`RunError`]; both kinds are defects of the simulator rather than of the plan.
pub fn run(plan: &Plan, replication: u64, progress: &dyn Progress) -> Result<Outcome, RunError> {
    let _ = (plan, replication, progress);
    Ok(Outcome::default())
}
