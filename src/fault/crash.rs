//! Crash: nodes lose all that they had in memory, acknowledged writes that were not flushed
//! included, and answer no more until they are restarted. Servers of the database keep what was
//! committed, and start with an empty buffer pool; what follows the crash of a primary is said in
//! `database.replicas.failover`. App instances lose their in-process caches, and the requests that they
//! work on fail; what they hold elsewhere, a lock or a lease, stays there until it expires.

use std::sync::Arc;

use super::target::{APP, DATABASE, INSTANCE, NODE, REPLICA, TIER};
use super::{Act, ActionRow, Event, Happening, Stage, duration_ns, restart};
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER, &NODE, &DATABASE, &REPLICA, &APP, &INSTANCE],
    origins: &[],
    row: Row {
        name: "crash",
        parameters: &[
            Parameter::optional(
                "restart_after",
                Kind::Duration,
                "when they answer again; never by themselves if nothing is said",
            ),
            Parameter::optional(
                "warm",
                Kind::Switch,
                "whether nodes, or in-process caches, find their entries again when they are restarted, as from a snapshot; false if nothing is said",
            ),
        ],
        meaning: "nodes, a server of the database, or app instances, lose all that they have in memory and answer no more until they are restarted",
        source: "",
        build: |arguments| {
            Ok(Arc::new(Crash {
                restart_after_ns: duration_ns(arguments, "restart_after")?,
                is_warm: arguments.switch("warm", false)?,
            }))
        },
    },
};

#[derive(Debug)]
struct Crash {
    /// When they answer again, if they do by themselves.
    restart_after_ns: Option<Nanoseconds>,
    /// Whether they find their entries again then.
    is_warm: bool,
}

impl Act for Crash {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let database = &stage.system.database;
            if let Some(server) = event.target.server() {
                let crashed = database.crash(server);
                if let Some(restart_after_ns) = self.restart_after_ns {
                    stage.kernel.sleep(restart_after_ns).await;
                    database.recover(crashed);
                }
                return;
            }
            let rotation = &stage.system.rotation;
            if let Some(instances) = event.target.instances(rotation.instances()) {
                let crash = |instance| {
                    stage.system.crash_instance(instance, self.is_warm);
                    (instance, rotation.crashes(instance))
                };
                let crashed: Vec<(u32, u64)> = instances.map(crash).collect();
                if let Some(restart_after_ns) = self.restart_after_ns {
                    stage.kernel.sleep(restart_after_ns).await;
                    restart::begin_again(&stage.system, &crashed).await;
                }
                return;
            }
            let Some((level, nodes)) = event.target.nodes(&stage.system) else {
                return;
            };
            // Each with the number of its crash.
            let mut crashed = Vec::new();
            for node in nodes {
                stage.system.crash(level, node, self.is_warm);
                crashed.push((node, stage.system.layers[level].tier.crashes(node)));
            }
            if let Some(restart_after_ns) = self.restart_after_ns {
                stage.kernel.sleep(restart_after_ns).await;
                restart::recover(level, &stage.system, &crashed);
            }
        })
    }
}
