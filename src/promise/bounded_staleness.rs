//! Bounded staleness: a copy of which it is not known that it was true less than `max_staleness` ago
//! counts as a miss. The age of a copy is counted from when the database read the row, or it was
//! written, and not from when it was stored in a tier: it adds up over all tiers.
//!
//! With write-behind, a copy that waits for its flush is accepted at any age, because it is the truth;
//! whoever reads the database itself, as fresh reads and a bypass do, may be behind by a flush.
//!
//! Known weakness: an entry is fetched anew once in a `max_staleness` at least, whether it has changed
//! or not, as if that were a TTL.

use super::{Plan, PromiseRow};
use crate::database::Row;
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: PromiseRow = PromiseRow {
    name: "bounded-staleness",
    parameters: &[Parameter::required(
        "max_staleness",
        Kind::Duration,
        "the greatest age of a copy that a reader is given, counted from when the database read the row",
    )],
    meaning: "a copy that may have been out of date for longer than `max_staleness` counts as a miss",
    source: "max_staleness of Spanner, Corbett et al., OSDI 2012, section 4.2.2, and of Cosmos DB",
    build: |arguments| {
        Ok(Plan::BoundedStaleness {
            max_staleness_ns: arguments.number("max_staleness")?.round() as u64,
        })
    },
};

pub(super) fn accepts(max_staleness_ns: Nanoseconds, row: &Row, now_ns: Nanoseconds) -> bool {
    now_ns - row.as_of_ns <= max_staleness_ns
}
