//! Replica lag: replicas of the database fall behind for a time, as with a long transaction, a burst of
//! writes, or a slow network. When it is over, what is on its way arrives within the usual lag.

use std::sync::Arc;

use super::target::{REPLICA, REPLICAS};
use super::{Act, ActionRow, Event, Happening, Stage, Target, duration_ns, factor};
use crate::database::replication::LagChange;
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&REPLICAS, &REPLICA],
    origins: &[],
    row: Row {
        name: "replica-lag",
        parameters: &[
            Parameter::optional(
                "lag",
                Kind::Duration,
                "the lag of commits from now on; as usual, times `factor`, if nothing is said",
            ),
            Parameter::optional(
                "factor",
                Kind::Number,
                "the usual lag is multiplied by this; 1 if nothing is said",
            ),
            Parameter::optional(
                "for",
                Kind::Duration,
                "for how long; to the end of the run if nothing is said",
            ),
        ],
        meaning: "replicas of the database fall further behind the primary",
        source: "",
        build: |arguments| {
            Ok(Arc::new(ReplicaLag {
                change: LagChange {
                    lag_ns: duration_ns(arguments, "lag")?,
                    factor: factor(arguments)?,
                },
                for_ns: duration_ns(arguments, "for")?,
            }))
        },
    },
};

#[derive(Debug)]
struct ReplicaLag {
    change: LagChange,
    /// For how long, if it ends by itself.
    for_ns: Option<Nanoseconds>,
}

impl Act for ReplicaLag {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let replica = match event.target {
                Target::Database => None,
                Target::Replica { replica } => Some(replica),
                _ => return,
            };
            let database = &stage.system.database;
            database.change_lag(replica, Some(self.change));
            if let Some(for_ns) = self.for_ns {
                stage.kernel.sleep(for_ns).await;
                database.change_lag(replica, None);
            }
        })
    }
}
