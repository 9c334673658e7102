//! Lull: fewer requests arrive for a while, as at night or when whoever sends them is in trouble. Those
//! that arrive are the same as without it: the others are missing.

use std::sync::Arc;

use super::{Act, ActionRow, Event, Happening, Stage};
use crate::units::Nanoseconds;
use crate::workload;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[],
    origins: &[],
    row: Row {
        name: "lull",
        parameters: &[
            Parameter::required(
                "times",
                Kind::Share,
                "how many times as many requests arrive as otherwise would: below 1, and 0 for none",
            ),
            Parameter::required("for", Kind::Duration, "for how long"),
        ],
        meaning: "fewer requests arrive",
        source: "",
        build: |arguments| {
            let share = arguments.number("times")?;
            if !(0.0..1.0).contains(&share) {
                let problem = format!("must be 0 or more and below 1, not {share}");
                return Err(ParameterError::new("times", problem));
            }
            Ok(Arc::new(Lull {
                share,
                for_ns: arguments.number("for")?.round() as u64,
            }))
        },
    },
};

#[derive(Debug)]
struct Lull {
    /// The share of the requests that arrives all the same.
    share: f64,
    for_ns: Nanoseconds,
}

impl Act for Lull {
    fn happen<'a>(&'a self, _: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let number = stage.crowds.lull(self.share);
            stage.kernel.sleep(self.for_ns).await;
            stage.crowds.end_lull(number);
        })
    }

    fn misfit(&self, workload: &workload::Plan) -> Option<(String, &'static str)> {
        super::misfit_of_rate("a lull", "fall", workload)
    }
}
