//! Slow: queries of a server of the database take longer for a time, as with a bad plan, a neighbour
//! on the same disk, or a backup. Disk reads are slower likewise. Queries in service when it begins are
//! not affected.

use std::sync::Arc;

use super::target::{DATABASE, REPLICA};
use super::{Act, ActionRow, Event, Happening, Stage, duration_ns, factor};
use crate::database::Slowness;
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&DATABASE, &REPLICA],
    origins: &[],
    row: Row {
        name: "slow",
        parameters: &[
            Parameter::optional(
                "factor",
                Kind::Number,
                "service times are multiplied by this; 1 if nothing is said",
            ),
            Parameter::optional(
                "plus",
                Kind::Duration,
                "and this is added; nothing if nothing is said",
            ),
            Parameter::optional(
                "for",
                Kind::Duration,
                "for how long; to the end of the run if nothing is said",
            ),
        ],
        meaning: "queries of a server of the database take longer",
        source: "",
        build: |arguments| {
            Ok(Arc::new(Slow {
                slowness: Slowness {
                    factor: factor(arguments)?,
                    plus_ns: duration_ns(arguments, "plus")?.unwrap_or(0),
                },
                for_ns: duration_ns(arguments, "for")?,
            }))
        },
    },
};

#[derive(Debug)]
struct Slow {
    slowness: Slowness,
    /// For how long, if it ends by itself.
    for_ns: Option<Nanoseconds>,
}

impl Act for Slow {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let Some(server) = event.target.server() else {
                return;
            };
            let database = &stage.system.database;
            let slowed = database.slow_down(server, self.slowness);
            if let Some(for_ns) = self.for_ns {
                stage.kernel.sleep(for_ns).await;
                database.speed_up(slowed);
            }
        })
    }
}
