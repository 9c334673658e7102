//! Bypass after write: for a while after its own write, a session's reads of that row go around all
//! caches to the database ("pin to the primary"). So the writer sees what it wrote while deletes,
//! fills and flushes settle.
//!
//! Known weakness: the window is a bet, as a delete may be lost and an old copy stay until its TTL;
//! busy writers take their reads to the database; and a write-behind tier holds what the database
//! does not have yet, so that there the bypass itself shows the older row.

use super::{Known, Plan, PromiseRow};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: PromiseRow = PromiseRow {
    name: "bypass-after-write",
    parameters: &[Parameter::optional(
        "window",
        Kind::Duration,
        "for how long, counted from the answer to the write; 5s if nothing is said",
    )],
    meaning: "for a while after its own write, a session's reads of that row go to the database",
    source: "pinning to the primary after a write; read-your-writes of Terry et al., PDIS 1994, section 3",
    build: |arguments| {
        let window = arguments.optional("window")?;
        Ok(Plan::BypassAfterWrite {
            window_ns: window.map_or(5 * SECOND_NS, |window_ns| window_ns.round() as u64),
        })
    },
};

pub(super) fn bypasses(window_ns: Nanoseconds, known: Known, now_ns: Nanoseconds) -> bool {
    known.written > 0 && now_ns - known.written_ns < window_ns
}
