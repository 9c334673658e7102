//! Pause: a server of the database stands still for a time, as during a long garbage collection, a
//! checkpoint, or the move of a virtual machine. What it has in service, and what comes, waits until that
//! is over; nothing fails by itself.

use std::sync::Arc;

use super::target::{DATABASE, REPLICA};
use super::{Act, ActionRow, Event, Happening, Stage};
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&DATABASE, &REPLICA],
    origins: &[],
    row: Row {
        name: "pause",
        parameters: &[Parameter::required("for", Kind::Duration, "for how long")],
        meaning: "a server of the database stands still: queries in service and new ones go on when it is over",
        source: "",
        build: |arguments| {
            Ok(Arc::new(Pause {
                for_ns: arguments.number("for")?.round() as u64,
            }))
        },
    },
};

#[derive(Debug)]
struct Pause {
    for_ns: Nanoseconds,
}

impl Act for Pause {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            if let Some(server) = event.target.server() {
                stage.system.database.pause(server, self.for_ns);
                // It is over by itself; the event ends with it.
                stage.kernel.sleep(self.for_ns).await;
            }
        })
    }
}
