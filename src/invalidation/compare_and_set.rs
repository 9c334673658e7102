//! Compare-and-set of versions: every set carries the version of its row, and a node refuses a set
//! that is older than what it holds. A delete carries the version that was committed, and the node
//! remembers it for a while, so that a slow fill cannot put the old row back.
//!
//! Known weakness: the version must be at hand wherever a set is made, and a fill that takes longer
//! than the node remembers gets through.

use super::{InvalidationRow, Plan};
use crate::units::SECOND_NS;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: InvalidationRow = InvalidationRow {
    name: "compare-and-set",
    parameters: &[Parameter::optional(
        "tombstone",
        Kind::Duration,
        "how long a node remembers the version of a deleted entry; 10s if nothing is said",
    )],
    meaning: "sets carry their version, and a node refuses an older one than it knows of",
    source: "memcached's cas; versions in TAO, Bronson et al., USENIX ATC 2013, section 4.3",
    build: |arguments| {
        let tombstone_ns = arguments.optional("tombstone")?;
        Ok(Plan::CompareAndSet {
            tombstone_ns: tombstone_ns.map_or(10 * SECOND_NS, |it| it.round() as u64),
        })
    },
};
