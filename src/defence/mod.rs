//! Stampede defences: what happens when many requests miss one key together. One file and one row
//! of [`DEFENCES`] per defence.
//!
//! A defence stands between a miss and the fetch that would answer it: it decides who fetches and
//! who waits. It also says how the lookup counts, because only it knows.

use std::rc::Rc;

use crate::database::Row;
use crate::kernel::Kernel;
use crate::metrics::{Failure, ReadOutcome};
use crate::tier::{self, LeasePlan, Tier};
use crate::units::Nanoseconds;
use crate::workload::Request;
use crate::workload::parameters;

mod lease;
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
    /// Of the misses of one key in one node, one gets a token to fetch and set.
    Lease {
        /// How long the others wait before they ask again.
        retry_ns: Nanoseconds,
        /// What the nodes do.
        leases: LeasePlan,
    },
}

/// A defence of one tier, with what it must remember.
#[derive(Debug)]
pub enum Defence {
    /// See [`Plan::None`].
    None,
    /// See [`Plan::SingleFlight`].
    SingleFlight(single_flight::SingleFlight),
    /// See [`Plan::Lease`].
    Lease(lease::Leasing),
}

/// One row of the table of defences.
pub type DefenceRow = parameters::Row<Plan>;

/// All defences.
pub static DEFENCES: &[DefenceRow] = &[none::ROW, single_flight::ROW, lease::ROW];

impl Plan {
    /// The defence of one tier at the start of a run.
    #[must_use]
    pub fn build(self, kernel: &Rc<Kernel>) -> Defence {
        match self {
            Self::None => Defence::None,
            Self::SingleFlight => {
                Defence::SingleFlight(single_flight::SingleFlight::new(kernel.clone()))
            }
            Self::Lease { retry_ns, .. } => {
                Defence::Lease(lease::Leasing::new(kernel.clone(), retry_ns))
            }
        }
    }
}

impl Plan {
    /// What the nodes of a tier must do differently.
    pub fn prepare(&self, tier: &mut tier::Plan) {
        if let Self::Lease { leases, .. } = self {
            tier.leases = Some(*leases);
        }
    }
}

impl Defence {
    /// Answers a request that missed in `tier`, by `load` or by waiting for somebody else's. Fetches
    /// are shared, if at all, by the `sharers`: an app instance, or a node that loads by itself.
    ///
    /// # Errors
    /// The failure of whichever fetch the request depends on.
    pub async fn fetch(
        &self,
        tier: &Tier,
        sharers: u32,
        request: &Request,
        load: impl Future<Output = Result<Answer, Failure>>,
    ) -> Result<Answer, Failure> {
        match self {
            Self::None => none::fetch(tier, load).await,
            Self::SingleFlight(defence) => defence.fetch(tier, sharers, request, load).await,
            Self::Lease(defence) => defence.fetch(tier, request, load).await,
        }
    }
}
