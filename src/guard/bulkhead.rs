//! Bulkhead: each app instance has no more than so many calls under way, so that a slow dependency
//! cannot take all of it.
//!
//! Known weakness: it knows nothing of other instances. All of them together may be too many, and a
//! busy one is refused what an idle one does not need.

use super::limit::Rule;
use super::{Ended, GuardRow, Plan};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: GuardRow = GuardRow {
    name: "bulkhead",
    parameters: &[Parameter::required(
        "calls",
        Kind::Count,
        "calls that an instance may have under way",
    )],
    meaning: "per app instance: no more than so many calls at a time",
    source: "Nygard, \"Release It!\", 2007",
    build: |arguments| match arguments.count("calls")? {
        0 => Err(ParameterError::new("calls", "must be at least 1, not 0")),
        calls => Ok(Plan::Bulkhead(Settings { calls })),
    },
};

/// What was said of a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    calls: u64,
}

impl Rule for Settings {
    type Memory = ();

    fn initial(&self) -> f64 {
        self.calls as f64
    }

    fn moved(&self, (): &mut (), _: f64, _: f64, _: Ended) -> Option<f64> {
        None
    }
}
