//! Invalidation: what keeps copies true beside their TTL and what the write pattern does to the
//! entry itself. One file and one row of [`INVALIDATIONS`] per mechanism; a tier may have several.
//!
//! Not here: when a pattern deletes or sets (see `pattern`), and the windows in which a stale copy
//! may still be served (see `tier::TimeToLive`).

use crate::tier;
use crate::units::Nanoseconds;
use crate::workload::parameters;

mod compare_and_set;

/// A mechanism as checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Sets carry the version of their row, and a node refuses an older one than it knows of.
    CompareAndSet {
        /// How long a node remembers the version of an entry that was deleted.
        tombstone_ns: Nanoseconds,
    },
}

/// One row of the table of mechanisms.
pub type InvalidationRow = parameters::Row<Plan>;

/// All mechanisms.
pub static INVALIDATIONS: &[InvalidationRow] = &[compare_and_set::ROW];

impl Plan {
    /// The name in a scenario.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CompareAndSet { .. } => compare_and_set::ROW.name,
        }
    }

    /// What the nodes of a tier must do differently.
    pub fn prepare(&self, tier: &mut tier::Plan) {
        match self {
            Self::CompareAndSet { tombstone_ns } => tier.tombstone_ns = Some(*tombstone_ns),
        }
    }
}
