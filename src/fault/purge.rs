//! Purge: nodes forget all their entries at once and go on answering.

use super::{Action, ActionRow, Target};
use crate::pattern::System;

pub(super) const ROW: ActionRow = ActionRow {
    name: "purge",
    parameters: &[],
    meaning: "nodes forget all their entries at once and go on answering; writes that wait for their flush stay",
    source: "Redis FLUSHALL; \"purge everything\" of content delivery networks",
    build: |_| Ok(Action::Purge),
};

pub(super) fn happen(target: Target, system: &System) {
    for node in target.nodes(system) {
        system.layers[target.level()].tier.purge(node);
    }
}
