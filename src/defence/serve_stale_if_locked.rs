//! Serve stale if locked: who would have to wait for somebody else's fetch is served the expired copy
//! instead. Only whoever fetches waits.
//!
//! It says nothing about who fetches, so it stands beside a defence that does.
//!
//! Known weakness: a fetch that never comes to an end is noticed when the copies are too old.

use super::{DefenceRow, Plan};
use crate::units::SECOND_NS;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "serve-stale-if-locked",
    parameters: &[Parameter::optional(
        "keep",
        Kind::Duration,
        "for so long after its TTL an entry is kept and served to those who would have to wait; 60s if nothing is said",
    )],
    meaning: "who would have to wait for somebody else's fetch is served the expired copy; beside a defence that lets one fetch",
    source: "nginx, proxy_cache_use_stale updating",
    build: |arguments| {
        Ok(Plan::ServeStaleIfLocked {
            keep_ns: arguments.duration_or("keep", 60 * SECOND_NS, 1000)?,
        })
    },
};
