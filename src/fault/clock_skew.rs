//! Clock skew: the clocks of a tier's nodes and of those who store entries there differ for a time.
//!
//! Without `from` (or with `app`, which is all) the clocks of the nodes jump: what lies there expires too
//! early or too late by as much, and so does what is stored meanwhile, unless it is still there when the
//! clocks are right again. With `from` it is the clocks of some storers that are wrong: what they store
//! meanwhile expires too early or too late, also afterwards.
//!
//! Matters where an entry carries the instant at which it expires (memcached beyond 30 days, `Expires` of
//! HTTP, a time within the value), made by one clock and read by the other. Where it carries how long it
//! lives, clocks need not agree: leave this action out.

use std::sync::Arc;

use super::target::{AGEING_NODE, AGEING_TIER, APP, INSTANCE, REGION};
use super::{Act, ActionRow, Event, Happening, Stage, Target, duration_ns};
use crate::tier::Skew;
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&AGEING_TIER, &AGEING_NODE],
    origins: &[&APP, &INSTANCE, &REGION],
    row: Row {
        name: "clock-skew",
        parameters: &[
            Parameter::optional(
                "ahead",
                Kind::Duration,
                "by so much the nodes' clocks are ahead of those of the app instances: entries expire too early",
            ),
            Parameter::optional(
                "behind",
                Kind::Duration,
                "by so much they are behind: entries expire too late",
            ),
            super::network::FOR,
        ],
        meaning: "the clocks of nodes, or with `from` of those who store there, are wrong for a time: entries expire too early or too late",
        source: "",
        build: |arguments| {
            let ahead_ns = duration_ns(arguments, "ahead")?;
            let behind_ns = duration_ns(arguments, "behind")?;
            let ahead_ns = match (ahead_ns, behind_ns) {
                (Some(ahead_ns), None) => signed(ahead_ns),
                (None, Some(behind_ns)) => -signed(behind_ns),
                _ => {
                    let problem = "or `behind` must be given, and not both";
                    return Err(ParameterError::new("ahead", problem));
                }
            };
            Ok(Arc::new(ClockSkew {
                ahead_ns,
                for_ns: duration_ns(arguments, "for")?,
            }))
        },
    },
};

fn signed(duration_ns: Nanoseconds) -> i64 {
    i64::try_from(duration_ns).unwrap_or(i64::MAX)
}

#[derive(Debug)]
struct ClockSkew {
    /// By so much the nodes' clocks are ahead; below 0 they are behind.
    ahead_ns: i64,
    /// For how long, if it ends by itself.
    for_ns: Option<Nanoseconds>,
}

impl Act for ClockSkew {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let (level, node) = match event.target {
                Target::Tier { level } => (level, None),
                Target::Node { level, node } => (level, Some(node)),
                _ => return,
            };
            let tier = &stage.system.layers[level].tier;
            let number = tier.skew_clocks(Skew {
                from: event.from,
                node,
                ahead_ns: self.ahead_ns,
            });
            if let Some(for_ns) = self.for_ns {
                stage.kernel.sleep(for_ns).await;
                tier.set_clocks_right(number);
            }
        })
    }
}
