//! Restart: nodes that crashed answer again, with what their crash has left them. So do servers of the
//! database, with nothing in memory: all that are down, or one replica. App instances get requests again
//! as soon as their caches are warm, where they have a `warm-up`.

use std::rc::Rc;
use std::sync::Arc;

use super::target::{APP, DATABASE, INSTANCE, NODE, REPLICA, TIER};
use super::{Act, ActionRow, Event, Happening, Stage, Target};
use crate::kernel::join_all;
use crate::pattern::System;
use crate::workload::parameters::Row;

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER, &NODE, &DATABASE, &REPLICA, &APP, &INSTANCE],
    origins: &[],
    row: Row {
        name: "restart",
        parameters: &[],
        meaning: "nodes, servers of the database, or app instances, that crashed answer again, with nothing in memory unless their crash was a warm one",
        source: "",
        build: |_| Ok(Arc::new(Restart)),
    },
};

#[derive(Debug)]
struct Restart;

impl Act for Restart {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            match event.target {
                Target::Database => stage.system.database.restart(None),
                Target::Replica { replica } => stage.system.database.restart(Some(replica)),
                _ => {}
            }
            let rotation = &stage.system.rotation;
            if let Some(instances) = event.target.instances(rotation.instances()) {
                let crashed = instances.map(|it| (it, rotation.crashes(it)));
                begin_again(&stage.system, &crashed.collect::<Vec<_>>()).await;
            }
            let Some((level, nodes)) = event.target.nodes(&stage.system) else {
                return;
            };
            for node in nodes {
                stage.system.layers[level].tier.restart(node);
                stage.system.warm_in_background(level, node);
            }
        })
    }
}

/// Restarts the app instances that are still down from these very crashes, all at once; until all get
/// requests again.
pub(super) async fn begin_again(system: &Rc<System>, crashed: &[(u32, u64)]) {
    let restarts = crashed.iter();
    let restarts = restarts.map(|&(instance, crash)| system.restart_instance(instance, crash));
    join_all(restarts).await;
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
