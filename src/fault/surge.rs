//! Surge: more requests arrive for a while, for everything as usual or all for one row (a flash
//! crowd). Those that come on top have luck of their own; all others are the same as without them.

use std::sync::Arc;

use super::{Act, ActionRow, Event, Happening, Stage};
use crate::units::Nanoseconds;
use crate::workload;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[],
    origins: &[],
    row: Row {
        name: "surge",
        parameters: &[
            Parameter::required(
                "times",
                Kind::Number,
                "how many times as many requests arrive as otherwise would, above 1",
            ),
            Parameter::required("for", Kind::Duration, "for how long"),
            Parameter::optional(
                "rank",
                Kind::Count,
                "those that come on top all read one row: the one that has this rank at that instant, 1 being the hottest; they ask and write as all others do if nothing is said",
            ),
        ],
        meaning: "more requests arrive, as at the start of a sale or when everybody follows one link",
        source: "",
        build: |arguments| {
            let times = arguments.number("times")?;
            if !(times > 1.0 && times <= 1e6) {
                let problem = format!("must be above 1 and at most a million, not {times}");
                return Err(ParameterError::new("times", problem));
            }
            let rank = arguments.optional("rank")?.map(|rank| rank as u64);
            if rank == Some(0) {
                return Err(ParameterError::new(
                    "rank",
                    "must be at least 1: the hottest row",
                ));
            }
            Ok(Arc::new(Surge {
                times,
                for_ns: arguments.number("for")?.round() as u64,
                rank,
            }))
        },
    },
};

#[derive(Debug)]
struct Surge {
    times: f64,
    for_ns: Nanoseconds,
    rank: Option<u64>,
}

impl Act for Surge {
    fn happen<'a>(&'a self, _: &'a Event, stage: &'a Stage) -> Happening<'a> {
        stage.crowds.surge(self.times, self.for_ns, self.rank);
        Box::pin(std::future::ready(()))
    }

    fn misfit(&self, workload: &workload::Plan) -> Option<(String, &'static str)> {
        let has_none = super::misfit_of_rate("a surge", "surge", workload);
        if has_none.is_some() {
            return has_none;
        }
        let keys = workload.keys.limit();
        if self.rank.is_some_and(|rank| rank > keys) {
            let message = format!("there is no row of that rank: `workload.keys` has {keys}");
            return Some((message, "lower `rank`"));
        }
        None
    }
}
