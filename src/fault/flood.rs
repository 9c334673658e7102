//! Flood: reads of rows that do not exist arrive beside all others, as of somebody who tries keys.

use std::sync::Arc;

use super::{Act, ActionRow, Event, Happening, Stage};
use crate::units::Nanoseconds;
use crate::workload;
use crate::workload::arrivals::Open;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

/// Without a setting hardly any key comes twice.
const ANY_KEYS: f64 = 1e12;

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[],
    origins: &[],
    row: Row {
        name: "flood",
        parameters: &[
            Parameter::required("rate", Kind::Rate, "how many such reads arrive"),
            Parameter::required("for", Kind::Duration, "for how long"),
            Parameter::optional(
                "keys",
                Kind::Count,
                "how many different keys they ask for, all equally often; so many that hardly any comes twice if nothing is said",
            ),
        ],
        meaning: "reads of rows that do not exist arrive beside all others",
        source: "",
        build: |arguments| {
            let keys = arguments.optional("keys")?.unwrap_or(ANY_KEYS) as u64;
            if keys == 0 {
                return Err(ParameterError::new("keys", "must be at least 1"));
            }
            Ok(Arc::new(Flood {
                rate: Open::poisson(arguments.number("rate")?)?,
                for_ns: arguments.number("for")?.round() as u64,
                keys,
            }))
        },
    },
};

#[derive(Debug)]
struct Flood {
    rate: Open,
    for_ns: Nanoseconds,
    keys: u64,
}

impl Act for Flood {
    fn happen<'a>(&'a self, _: &'a Event, stage: &'a Stage) -> Happening<'a> {
        stage.crowds.flood(&self.rate, self.for_ns, self.keys);
        Box::pin(std::future::ready(()))
    }

    fn misfit(&self, workload: &workload::Plan) -> Option<(String, &'static str)> {
        super::misfit_of_trace("a flood", workload)
    }
}
