//! Deploy: app instances are restarted one after the other, or a few at a time. An instance that is
//! being restarted gets no requests (the others do), ends those that it has, and loses its in-process
//! caches; it gets requests again when those are warm, if the tier has a `warm-up`.

use std::sync::Arc;

use super::{Act, ActionRow, Event, Happening, Stage};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[],
    origins: &[],
    row: Row {
        name: "deploy",
        parameters: &[
            Parameter::optional(
                "restart",
                Kind::Duration,
                "how long an instance gets no requests while it is restarted; 5s if nothing is said",
            ),
            Parameter::optional(
                "pause",
                Kind::Duration,
                "time between two instances; 0s if nothing is said",
            ),
            Parameter::optional(
                "at_a_time",
                Kind::Count,
                "how many instances are restarted together; 1 if nothing is said",
            ),
        ],
        meaning: "app instances are restarted one after the other, and their in-process caches are empty then",
        source: "",
        build: |arguments| {
            let at_a_time = arguments.count_or("at_a_time", 1)?;
            let Ok(at_a_time @ 1..) = u32::try_from(at_a_time) else {
                return Err(ParameterError::new("at_a_time", "must be at least 1"));
            };
            Ok(Arc::new(Deploy {
                restart_ns: arguments.duration_or("restart", 5 * SECOND_NS, 0)?,
                pause_ns: arguments.duration_or("pause", 0, 0)?,
                at_a_time,
            }))
        },
    },
};

#[derive(Debug)]
struct Deploy {
    restart_ns: Nanoseconds,
    pause_ns: Nanoseconds,
    at_a_time: u32,
}

impl Act for Deploy {
    fn happen<'a>(&'a self, _: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let rotation = &stage.system.rotation;
            let instances = rotation.instances();
            let mut next = 0;
            while next < instances {
                let together = next..instances.min(next.saturating_add(self.at_a_time));
                next = together.end;
                // One that another deploy has under way is left to that.
                let restarted: Vec<u32> = together.filter(|it| rotation.take_out(*it)).collect();
                stage.kernel.sleep(self.restart_ns).await;
                for &instance in &restarted {
                    stage.system.replace_instance(instance);
                }
                for &instance in &restarted {
                    stage.system.warm_instance(instance).await;
                    rotation.put_in(instance);
                }
                if next < instances {
                    stage.kernel.sleep(self.pause_ns).await;
                }
            }
        })
    }
}
