//! Buddy: a process beside the app that fetches hot entries anew before they expire, one after the
//! other, so that no reader does.
//!
//! As refresh-ahead, but with few workers of its own: what they do not get round to in time expires.
//!
//! Known weakness: where more entries are hot than the workers can fetch, the last of them expire all
//! the same, and who is hot is only known from the hits since the last fetch.

use super::{DefenceRow, Plan};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "buddy",
    parameters: &[
        Parameter::optional(
            "ahead",
            Kind::Duration,
            "how long before its expiry an entry is looked at; must be less than the TTL; 5s if nothing is said",
        ),
        Parameter::optional(
            "hits_min",
            Kind::Count,
            "hits since it was stored that make an entry a hot one; 10 if nothing is said",
        ),
        Parameter::optional(
            "workers",
            Kind::Count,
            "how many entries are fetched at a time; 1 if nothing is said",
        ),
    ],
    meaning: "a process of its own fetches hot entries anew before they expire, a few at a time",
    source: "common practice, as a cron job or a cache warmer",
    build: |arguments| {
        let within = |name, default, least: u64, most: u64| {
            let count = arguments.count_or(name, default)?;
            if (least..=most).contains(&count) {
                Ok(count)
            } else {
                let problem = format!("must be from {least} to {most}, not {count}");
                Err(ParameterError::new(name, problem))
            }
        };
        Ok(Plan::Buddy(Buddy {
            ahead_ns: arguments.duration_or("ahead", 5 * SECOND_NS, 1000)?,
            hits_min: within("hits_min", 10, 0, u64::from(u16::MAX))? as u16,
            workers: within("workers", 1, 1, 1_000_000)? as u32,
        }))
    },
};

/// A process that fetches hot entries anew, as checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buddy {
    /// How long before its expiry an entry is looked at.
    pub ahead_ns: Nanoseconds,
    /// It is fetched if it had so many hits since it was stored.
    pub hits_min: u16,
    /// How many entries are fetched at a time, at least 1.
    pub workers: u32,
}
