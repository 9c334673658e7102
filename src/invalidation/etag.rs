//! Entity tags: an entry past its TTL is kept for a while, and a miss of it becomes a conditional
//! query: "send the row unless it is still this version". If it is, the answer is "not modified", and
//! the entry's TTL starts anew.
//!
//! That saves the bytes of the value on their way, and the database perhaps the work of making it.
//! The round trip remains, so the request is a miss all the same. A tier between this one and the
//! database saves the bytes, not the lookup.
//!
//! Known weakness: it makes no copy any truer between two queries.

use super::{InvalidationRow, Plan};
use crate::units::SECOND_NS;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: InvalidationRow = InvalidationRow {
    name: "etag",
    parameters: &[
        Parameter::optional(
            "keep",
            Kind::Duration,
            "how long past its TTL an entry is kept to be confirmed; 1h if nothing is said",
        ),
        Parameter::optional(
            "service_time",
            Kind::Durations,
            "how long a query that the database answers with \"not modified\" holds its connection; as long as any other if nothing is said",
        ),
    ],
    meaning: "an entry past its TTL is confirmed by a conditional query: \"not modified\" saves the bytes, not the round trip",
    source: "HTTP conditional requests, RFC 9110, section 13",
    build: |arguments| {
        let keep = arguments.optional("keep")?;
        Ok(Plan::Etag {
            keep_ns: keep.map_or(3600 * SECOND_NS, |it| it.round() as u64),
            service_time: arguments.optional_distribution("service_time")?.cloned(),
        })
    },
};
