//! Crash: nodes lose all that they had in memory, acknowledged writes that were not flushed
//! included, and answer no more until they are restarted.

use std::sync::Arc;

use super::target::{NODE, TIER};
use super::{Act, ActionRow, Happening, Stage, Target, restart};
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER, &NODE],
    row: Row {
        name: "crash",
        parameters: &[Parameter::optional(
            "restart_after",
            Kind::Duration,
            "when the nodes answer again, empty; never by themselves if nothing is said",
        )],
        meaning: "nodes lose all that they have in memory and answer no more until they are restarted",
        source: "",
        build: |arguments| {
            let restart_after_ns = arguments.optional("restart_after")?;
            Ok(Arc::new(Crash {
                restart_after_ns: restart_after_ns.map(|it| it.round() as u64),
            }))
        },
    },
};

#[derive(Debug)]
struct Crash {
    /// When they answer again, if they do by themselves.
    restart_after_ns: Option<Nanoseconds>,
}

impl Act for Crash {
    fn happen<'a>(&'a self, target: Target, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let Some((level, nodes)) = target.nodes(&stage.system) else {
                return;
            };
            // Each with the number of its crash.
            let mut crashed = Vec::new();
            for node in nodes {
                stage.system.crash(level, node);
                crashed.push((node, stage.system.layers[level].tier.crashes(node)));
            }
            if let Some(restart_after_ns) = self.restart_after_ns {
                stage.kernel.sleep(restart_after_ns).await;
                restart::recover(level, &stage.system, &crashed);
            }
        })
    }
}
