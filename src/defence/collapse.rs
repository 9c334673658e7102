//! Request collapsing at a sidecar or a gateway: [single-flight](super::single_flight) in the nodes of
//! a tier that loads by itself, so that all who ask one node share its fetch.
//!
//! Known weakness: n nodes that may be asked for one key still send n fetches.

use super::{DefenceRow, Plan};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "collapse",
    parameters: &[],
    meaning: "request collapsing at a sidecar or gateway: of the misses of one key in one node of a tier with `read = \"through\"`, one fetches and the others wait",
    source: "Varnish, request coalescing; nginx, proxy_cache_lock",
    build: |_| Ok(Plan::Collapse),
};
