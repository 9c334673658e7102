//! Lost deletes: a share of the explicit deletes never arrives, because whoever sends them fails, or
//! the way to the nodes is cut while reads go elsewhere.

use std::sync::Arc;

use super::target::{NODE, TIER};
use super::{Act, ActionRow, Event, Happening, Stage, duration_ns};
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER, &NODE],
    origins: &[],
    row: Row {
        name: "lose-deletes",
        parameters: &[
            Parameter::optional(
                "share",
                Kind::Share,
                "the share of the deletes that is lost; all if nothing is said",
            ),
            Parameter::optional(
                "for",
                Kind::Duration,
                "for how long; to the end of the run if nothing is said",
            ),
        ],
        meaning: "explicit deletes are lost on their way to the tier",
        source: "",
        build: |arguments| {
            Ok(Arc::new(LoseDeletes {
                share: arguments.optional("share")?.unwrap_or(1.0),
                for_ns: duration_ns(arguments, "for")?,
            }))
        },
    },
};

#[derive(Debug)]
struct LoseDeletes {
    /// The share of them that is lost.
    share: f64,
    /// For how long, if it ends by itself.
    for_ns: Option<Nanoseconds>,
}

impl Act for LoseDeletes {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let Some((level, _)) = event.target.nodes(&stage.system) else {
                return;
            };
            let tier = &stage.system.layers[level].tier;
            tier.lose_deletes(self.share);
            if let Some(for_ns) = self.for_ns {
                stage.kernel.sleep(for_ns).await;
                tier.lose_deletes(tier.plan().delete_failure);
            }
        })
    }
}
