//! Bus outage: nothing that is published between the app's processes arrives for a time. A bus that does
//! not remember (Redis Pub/Sub) loses it; with one that does, or publishers who do, it is late.
//!
//! What was published before is on its way and arrives. Nobody notices what was lost: the copies are
//! stale until their TTL, unless a `purge` of the tier follows.

use std::sync::Arc;

use super::target::BUS;
use super::{Act, ActionRow, Event, Happening, Stage, Target, duration_ns};
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&BUS],
    origins: &[],
    row: Row {
        name: "bus-outage",
        parameters: &[
            Parameter::optional(
                "keep",
                Kind::Switch,
                "whether what is published meanwhile is kept and sent when the outage is over; false if nothing is said: it is lost",
            ),
            super::network::FOR,
        ],
        meaning: "nothing that is published on the bus between the copies of a tier arrives",
        source: "Redis Pub/Sub: at most once; a log such as Kafka keeps messages",
        build: |arguments| {
            Ok(Arc::new(BusOutage {
                keeps: arguments.switch("keep", false)?,
                for_ns: duration_ns(arguments, "for")?,
            }))
        },
    },
};

#[derive(Debug)]
struct BusOutage {
    /// Whether messages are kept until it is over.
    keeps: bool,
    /// For how long, if it ends by itself.
    for_ns: Option<Nanoseconds>,
}

impl Act for BusOutage {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let Target::Tier { level } = event.target else {
                return;
            };
            let broken = stage.system.break_bus(level, self.keeps);
            if let (Some(number), Some(for_ns)) = (broken, self.for_ns) {
                stage.kernel.sleep(for_ns).await;
                stage.system.mend_bus(level, number);
            }
        })
    }
}
