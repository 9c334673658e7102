//! Jitter of the TTL: entries that were stored together do not expire together.
//!
//! n entries of one TTL T that were stored at one instant then expire at a rate of n / 2jT.
//!
//! Known weakness: one hot key still expires all at once.

use super::{DefenceRow, Plan};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "jitter",
    parameters: &[
        Parameter::optional(
            "share",
            Kind::Share,
            "j: the TTL is multiplied by a uniform draw from [1 - j, 1 + j]; 0.1 if nothing is said",
        ),
        Parameter::optional(
            "one_sided",
            Kind::Switch,
            "whether the draw is from [1, 1 + j] instead, so that no entry lives shorter than its TTL",
        ),
    ],
    meaning: "the TTL of each entry is multiplied by a uniform draw, so that entries stored together expire apart; the same as `jitter` of the TTL",
    source: "common practice",
    build: |arguments| {
        let share = arguments.optional("share")?.unwrap_or(0.1);
        if share <= 0.0 || share > 0.99 {
            let problem = format!("must be above 0 and at most 0.99, not {share}");
            return Err(ParameterError::new("share", problem));
        }
        let below = if arguments.switch("one_sided", false)? {
            0.0
        } else {
            share
        };
        Ok(Plan::Jitter {
            below,
            above: share,
        })
    },
};
