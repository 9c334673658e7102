//! Lost deletes: a share of the explicit deletes never arrives, because whoever sends them fails, or
//! the way to the nodes is cut while reads go elsewhere.

use super::{Action, ActionRow, Target};
use crate::pattern::System;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: ActionRow = ActionRow {
    name: "lose-deletes",
    parameters: &[
        Parameter::optional(
            "share",
            Kind::Share,
            "the share of the deletes that is lost; all if nothing is said",
        ),
        Parameter::optional(
            "for",
            Kind::Duration,
            "for how long; to the end of the run if nothing is said",
        ),
    ],
    meaning: "explicit deletes are lost on their way to the tier",
    source: "",
    build: |arguments| {
        let for_ns = arguments.optional("for")?;
        Ok(Action::LoseDeletes {
            share: arguments.optional("share")?.unwrap_or(1.0),
            for_ns: for_ns.map(|it| it.round() as u64),
        })
    },
};

/// `None` ends it.
pub(super) fn happen(target: Target, system: &System, share: Option<f64>) {
    let tier = &system.layers[target.level()].tier;
    tier.lose_deletes(share.unwrap_or(tier.plan().delete_failure));
}
