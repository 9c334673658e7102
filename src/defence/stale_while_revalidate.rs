//! Stale-while-revalidate: a soft TTL, after which an entry is served all the same while a new one is
//! fetched in the background, and a hard one, after which it is gone. Nobody waits as long as somebody
//! asks between the two.
//!
//! Known weakness: rarely read keys are found past their hard TTL, or very old.

use super::{DefenceRow, Plan};
use crate::tier::Refreshers;
use crate::units::SECOND_NS;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "stale-while-revalidate",
    parameters: &[
        Parameter::optional(
            "window",
            Kind::Duration,
            "time from the soft TTL, which is the tier's, to the hard one; 30s if nothing is said",
        ),
        Parameter::optional(
            "refreshers",
            Kind::Word(&[
                (
                    "one",
                    "the node says to the first reader of an expired entry that it is to fetch",
                ),
                (
                    "instance",
                    "one in each app instance, which knows of no other",
                ),
                ("all", "every reader of an expired entry"),
            ]),
            "who fetches in the background; \"one\" if nothing is said",
        ),
    ],
    meaning: "expired entries are served for a while, and a new one is fetched in the background; as `stale_while_revalidate` of the TTL, which has one refresher in each instance",
    source: "RFC 5861, section 3",
    build: |arguments| {
        let refreshers = match arguments.word("refreshers", "one")? {
            "instance" => Refreshers::Instance,
            "all" => Refreshers::All,
            _ => Refreshers::One,
        };
        Ok(Plan::StaleWhileRevalidate {
            window_ns: arguments.duration_or("window", 30 * SECOND_NS, 1000)?,
            refreshers,
        })
    },
};
