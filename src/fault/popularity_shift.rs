//! Popularity shift: other keys are hot from one instant to the next, as when the news of the day
//! changes.

use std::sync::Arc;

use super::{Act, ActionRow, Event, Happening, Stage, duration_ns};
use crate::units::Nanoseconds;
use crate::workload;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[],
    origins: &[],
    row: Row {
        name: "popularity-shift",
        parameters: &[
            Parameter::optional(
                "share",
                Kind::Share,
                "the share of the keys, the coldest, that come in on top of all others; half of them if nothing is said",
            ),
            Parameter::optional(
                "for",
                Kind::Duration,
                "after so long all is as it was; never if nothing is said",
            ),
        ],
        meaning: "keys that were cold are hot: `workload.keys` keep their distribution, but not their ranks",
        source: "",
        build: |arguments| {
            let share = arguments.optional("share")?.unwrap_or(0.5);
            if !(share > 0.0 && share < 1.0) {
                let problem = format!("must be above 0 and below 1, not {share}");
                return Err(ParameterError::new("share", problem));
            }
            Ok(Arc::new(PopularityShift {
                share,
                for_ns: duration_ns(arguments, "for")?,
            }))
        },
    },
};

#[derive(Debug)]
struct PopularityShift {
    share: f64,
    for_ns: Option<Nanoseconds>,
}

impl Act for PopularityShift {
    fn happen<'a>(&'a self, _: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            stage.crowds.shift_popularity(self.share);
            if let Some(for_ns) = self.for_ns {
                stage.kernel.sleep(for_ns).await;
                stage.crowds.shift_popularity(-self.share);
            }
        })
    }

    fn misfit(&self, workload: &workload::Plan) -> Option<(String, &'static str)> {
        super::misfit_of_trace("a shift of popularity", workload)
    }
}
