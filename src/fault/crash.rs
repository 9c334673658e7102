//! Crash: nodes lose all that they had in memory, acknowledged writes that were not flushed
//! included, and answer no more until they are restarted. Servers of the database keep what was
//! committed, and start with an empty buffer pool; what follows the crash of a primary is said in
//! `database.replicas.failover`.

use std::sync::Arc;

use super::target::{DATABASE, NODE, REPLICA, TIER};
use super::{Act, ActionRow, Happening, Stage, Target, duration_ns, restart};
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER, &NODE, &DATABASE, &REPLICA],
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
                "whether nodes find their entries again when they are restarted, as from a snapshot; false if nothing is said",
            ),
        ],
        meaning: "nodes, or a server of the database, lose all that they have in memory and answer no more until they are restarted",
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
    fn happen<'a>(&'a self, target: Target, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let database = &stage.system.database;
            if let Some(server) = target.server() {
                let crashed = database.crash(server);
                if let Some(restart_after_ns) = self.restart_after_ns {
                    stage.kernel.sleep(restart_after_ns).await;
                    database.recover(crashed);
                }
                return;
            }
            let Some((level, nodes)) = target.nodes(&stage.system) else {
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
