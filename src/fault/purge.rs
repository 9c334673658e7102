//! Purge: nodes forget all their entries at once and go on answering.

use std::sync::Arc;

use super::target::{NODE, TIER};
use super::{Act, ActionRow, Event, Happening, Stage};
use crate::workload::parameters::Row;

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER, &NODE],
    origins: &[],
    row: Row {
        name: "purge",
        parameters: &[],
        meaning: "nodes forget all their entries at once and go on answering; writes that wait for their flush stay",
        source: "Redis FLUSHALL; \"purge everything\" of content delivery networks",
        build: |_| Ok(Arc::new(Purge)),
    },
};

#[derive(Debug)]
struct Purge;

impl Act for Purge {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let Some((level, nodes)) = event.target.nodes(&stage.system) else {
                return;
            };
            for node in nodes {
                stage.system.layers[level].tier.purge(node);
            }
        })
    }
}
