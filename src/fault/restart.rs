//! Restart: nodes that crashed answer again, with nothing in memory.

use super::{Action, ActionRow, Target};
use crate::pattern::System;

pub(super) const ROW: ActionRow = ActionRow {
    name: "restart",
    parameters: &[],
    meaning: "nodes that crashed answer again, with nothing in memory",
    source: "",
    build: |_| Ok(Action::Restart),
};

pub(super) fn happen(target: Target, system: &System) {
    for node in target.nodes(system) {
        system.layers[target.level()].tier.restart(node);
    }
}
