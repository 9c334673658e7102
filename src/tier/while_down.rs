//! What a request does that meets a node that is down. One row of [`WHILE_DOWN`] each.

use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter, Row};

/// What a request does that meets a node that is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhileDown {
    /// It goes on to what lies below the tier.
    FallThrough {
        /// How long it waits before it gives the node up; 0 if it is refused at once.
        notice_ns: Nanoseconds,
    },
    /// It is refused at once, and fails.
    Error,
    /// It waits for so long, and fails.
    Timeout {
        /// For how long.
        notice_ns: Nanoseconds,
    },
}

impl Default for WhileDown {
    fn default() -> Self {
        Self::FallThrough { notice_ns: 0 }
    }
}

impl WhileDown {
    /// How long a request waits for a node that does not answer, before it gives up.
    pub(super) fn notice_ns(self) -> Nanoseconds {
        match self {
            Self::FallThrough { notice_ns } | Self::Timeout { notice_ns } => notice_ns,
            Self::Error => 0,
        }
    }

    /// Whether the request fails.
    pub(super) fn is_fatal(self) -> bool {
        !matches!(self, Self::FallThrough { .. })
    }
}

/// All that a request may do.
pub static WHILE_DOWN: &[Row<WhileDown>] = &[
    Row {
        name: "fall-through",
        parameters: &[Parameter::optional(
            "notice",
            Kind::Duration,
            "how long it waits for the node before it gives it up; if nothing is said it is refused after one round trip",
        )],
        meaning: "it goes on to what lies below the tier; with `read = \"through\"` nothing does, and it fails",
        source: "",
        build: |arguments| {
            let notice_ns = arguments.optional("notice")?;
            Ok(WhileDown::FallThrough {
                notice_ns: notice_ns.map_or(0, |it| it.round() as u64),
            })
        },
    },
    Row {
        name: "error",
        parameters: &[],
        meaning: "it is refused after one round trip, and fails",
        source: "",
        build: |_| Ok(WhileDown::Error),
    },
    Row {
        name: "timeout",
        parameters: &[Parameter::optional(
            "notice",
            Kind::Duration,
            "how long it waits; 1s if nothing is said",
        )],
        meaning: "it waits for an answer for a while, and fails",
        source: "",
        build: |arguments| {
            let notice_ns = arguments.optional("notice")?;
            Ok(WhileDown::Timeout {
                notice_ns: notice_ns.map_or(SECOND_NS, |it| it.round() as u64),
            })
        },
    },
];
