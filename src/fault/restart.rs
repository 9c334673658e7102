//! Restart: nodes that crashed answer again, with what their crash has left them. So do servers of the
//! database, with nothing in memory: all that are down, or one replica.

use std::rc::Rc;
use std::sync::Arc;

use super::target::{DATABASE, NODE, REPLICA, TIER};
use super::{Act, ActionRow, Happening, Stage, Target};
use crate::pattern::System;
use crate::workload::parameters::Row;

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER, &NODE, &DATABASE, &REPLICA],
    row: Row {
        name: "restart",
        parameters: &[],
        meaning: "nodes, or servers of the database, that crashed answer again, with nothing in memory unless their crash was a warm one",
        source: "",
        build: |_| Ok(Arc::new(Restart)),
    },
};

#[derive(Debug)]
struct Restart;

impl Act for Restart {
    fn happen<'a>(&'a self, target: Target, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            match target {
                Target::Database => stage.system.database.restart(None),
                Target::Replica { replica } => stage.system.database.restart(Some(replica)),
                _ => {}
            }
            let Some((level, nodes)) = target.nodes(&stage.system) else {
                return;
            };
            for node in nodes {
                stage.system.layers[level].tier.restart(node);
                stage.system.warm_in_background(level, node);
            }
        })
    }
}

/// Restarts the nodes that are still down from these very crashes: who has crashed again since
/// waits for its own restart.
pub(super) fn recover(level: usize, system: &Rc<System>, crashed: &[(usize, u64)]) {
    let tier = &system.layers[level].tier;
    for &(node, crash) in crashed {
        if tier.crashes(node) == crash {
            tier.restart(node);
            system.warm_in_background(level, node);
        }
    }
}
