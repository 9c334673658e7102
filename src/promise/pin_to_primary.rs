//! Pin to primary: for a while after a write of its own, a session's queries go to the database's
//! primary, whatever row they are of. Replicas have the time of the window to catch up.
//!
//! Caches answer as ever. Without replicas it changes nothing.
//!
//! Known weakness: the window is a bet on the lag, and an entry that somebody else filled from a replica
//! is as old as that replica was, as is the answer of a fetch that somebody else began. To go around
//! the caches too, see `bypass-after-write`, which is of the written row alone.

use super::{Plan, PromiseRow};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: PromiseRow = PromiseRow {
    name: "pin-to-primary",
    parameters: &[Parameter::optional(
        "window",
        Kind::Duration,
        "for how long, counted from the answer to the write; 2s if nothing is said",
    )],
    meaning: "for a while after a write of its own, a session's queries go to the database's primary; caches answer as ever",
    source: "automatic role switching of Ruby on Rails, DatabaseSelector",
    build: |arguments| {
        let window = arguments.optional("window")?;
        Ok(Plan::PinToPrimary {
            window_ns: window.map_or(2 * SECOND_NS, |window_ns| window_ns.round() as u64),
        })
    },
};

/// `wrote_ns`: when the session was last told of a write of its own.
pub(super) fn pins(
    window_ns: Nanoseconds,
    wrote_ns: Option<Nanoseconds>,
    now_ns: Nanoseconds,
) -> bool {
    wrote_ns.is_some_and(|wrote_ns| now_ns - wrote_ns < window_ns)
}
