//! Stampede defences: what happens when many requests miss one key together. One file and one row
//! of [`DEFENCES`] per defence.
//!
//! A defence stands between a miss and the fetch that would answer it: it decides who fetches and
//! who waits. It also says how the lookup counts, because only it knows.

use std::fmt;
use std::rc::Rc;

use crate::database::Row;
use crate::kernel::Kernel;
use crate::metrics::{Failure, ReadOutcome};
use crate::tier::Tier;
use crate::workload::Request;

mod none;
mod single_flight;

/// What a read gives: the row and how it was come by.
#[derive(Clone, Debug)]
pub struct Answer {
    /// A copy of the row.
    pub row: Row,
    /// How it was come by.
    pub outcome: ReadOutcome,
}

/// A defence as checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Every miss fetches for itself.
    None,
    /// Of the misses of one key in one app instance, one fetches and the others wait for it.
    SingleFlight,
}

/// A defence of one tier, with what it must remember.
#[derive(Debug)]
pub enum Defence {
    /// See [`Plan::None`].
    None,
    /// See [`Plan::SingleFlight`].
    SingleFlight(single_flight::SingleFlight),
}

/// One row of the table of defences.
#[derive(Clone, Copy, Debug)]
pub struct DefenceRow {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Where it was described.
    pub source: &'static str,
    /// The plan of that name with its defaults.
    pub plan: Plan,
}

/// All defences.
pub static DEFENCES: &[DefenceRow] = &[
    DefenceRow {
        name: "none",
        summary: "every miss fetches for itself",
        source: "what happens without thinking of it",
        plan: Plan::None,
    },
    DefenceRow {
        name: "single-flight",
        summary: "of the misses of one key in one app instance, one fetches and the others wait",
        source: "the Go package golang.org/x/sync/singleflight",
        plan: Plan::SingleFlight,
    },
];

impl Plan {
    /// The plan's name in a scenario.
    #[must_use]
    pub fn name(self) -> &'static str {
        let row = DEFENCES.iter().find(|row| row.plan == self);
        row.map_or("", |row| row.name)
    }

    /// The defence of one tier at the start of a run.
    #[must_use]
    pub fn build(self, kernel: &Rc<Kernel>) -> Defence {
        match self {
            Self::None => Defence::None,
            Self::SingleFlight => {
                Defence::SingleFlight(single_flight::SingleFlight::new(kernel.clone()))
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Defence {
    /// Answers a request that missed in `tier`, by `load` or by waiting for somebody else's.
    ///
    /// # Errors
    /// The failure of whichever fetch the request depends on.
    pub async fn fetch(
        &self,
        tier: &Tier,
        request: &Request,
        load: impl Future<Output = Result<Answer, Failure>>,
    ) -> Result<Answer, Failure> {
        match self {
            Self::None => none::fetch(tier, load).await,
            Self::SingleFlight(defence) => defence.fetch(tier, request, load).await,
        }
    }
}
