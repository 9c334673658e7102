//! Restart: nodes that crashed answer again, with what their crash has left them.

use super::{Action, ActionRow, Target};
use crate::pattern::System;

pub(super) const ROW: ActionRow = ActionRow {
    name: "restart",
    parameters: &[],
    meaning: "nodes that crashed answer again, with nothing in memory unless their crash was a warm one",
    source: "",
    build: |_| Ok(Action::Restart),
};

pub(super) fn happen(target: Target, system: &System) {
    for node in target.nodes(system) {
        system.layers[target.level()].tier.restart(node);
    }
}

/// Restarts the nodes that are still down from these very crashes: who has crashed again since
/// waits for its own restart.
pub(super) fn recover(target: Target, system: &System, crashed: &[(usize, u64)]) {
    let tier = &system.layers[target.level()].tier;
    for &(node, crash) in crashed {
        if tier.crashes(node) == crash {
            tier.restart(node);
        }
    }
}
