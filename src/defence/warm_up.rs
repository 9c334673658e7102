//! Warm-up: the most popular keys are loaded before traffic comes, at a limited rate: before the run
//! begins, and after a node was restarted.
//!
//! An app instance that a deploy restarts gets no requests before its own caches are warm; a node that
//! everybody shares answers at once and is warmed meanwhile.
//!
//! Known weakness: yesterday's popular keys; a rate that is too low for the TTL, so that the first have
//! expired before the last come; and entries that were loaded together expire together.

use super::{DefenceRow, Plan};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "warm-up",
    parameters: &[
        Parameter::optional(
            "keys",
            Kind::Count,
            "how many of the most popular keys; 1000 if nothing is said",
        ),
        Parameter::optional(
            "rate",
            Kind::Rate,
            "keys per second at most, for each node that is warmed; 1k/s if nothing is said",
        ),
    ],
    meaning: "the most popular keys are loaded before traffic comes: before the run, and after a restart",
    source: "Nishtala et al., NSDI 2013, section 4.3 (cold cluster warmup)",
    build: |arguments| {
        let keys = arguments.count_or("keys", 1000)?;
        if keys == 0 || keys > 10_000_000 {
            let problem = format!("must be from 1 to 10M, not {keys}");
            return Err(ParameterError::new("keys", problem));
        }
        let rate_per_s = arguments.optional("rate")?.unwrap_or(1000.0);
        if rate_per_s < 1.0 {
            return Err(ParameterError::new("rate", "must be at least 1/s"));
        }
        Ok(Plan::WarmUp(WarmUp {
            keys: keys as usize,
            rate_per_s,
        }))
    },
};

/// What is loaded before traffic, as checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// So many of the most popular keys, at least 1.
    pub keys: usize,
    /// So many of them per second, at least 1.
    pub rate_per_s: f64,
}
