//! Crash: nodes lose all that they had in memory, acknowledged writes that were not flushed
//! included, and answer no more until they are restarted.

use super::{Action, ActionRow, Target};
use crate::pattern::System;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: ActionRow = ActionRow {
    name: "crash",
    parameters: &[
        Parameter::optional(
            "restart_after",
            Kind::Duration,
            "when the nodes answer again; never by themselves if nothing is said",
        ),
        Parameter::optional(
            "warm",
            Kind::Switch,
            "whether they find their entries again when they are restarted, as from a snapshot; false if nothing is said",
        ),
    ],
    meaning: "nodes lose all that they have in memory and answer no more until they are restarted",
    source: "",
    build: |arguments| {
        let restart_after_ns = arguments.optional("restart_after")?;
        Ok(Action::Crash {
            restart_after_ns: restart_after_ns.map(|it| it.round() as u64),
            warm: arguments.switch("warm", false)?,
        })
    },
};

/// The nodes that crashed, each with the number of its crash.
pub(super) fn happen(target: Target, system: &System, warm: bool) -> Vec<(usize, u64)> {
    let crashed = target.nodes(system).map(|node| {
        system.crash(target.level(), node, warm);
        (node, system.layers[target.level()].tier.crashes(node))
    });
    crashed.collect()
}
