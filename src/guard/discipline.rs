//! Queue disciplines: whom a queue in front of a database or a node serves next, and whom it turns
//! away. One row of [`DISCIPLINES`] each; the queue itself is the kernel's.
//!
//! A queue is *overloaded* when it has not been empty for `interval`. Under overload a first-come,
//! first-served queue does nothing but work for people who have given up: everybody has waited for just
//! too long. Serving the newest first answers some at the cost of others; turning away who has waited
//! keeps the queue short.

use crate::kernel::Discipline;
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Arguments, Kind, Parameter, ParameterError, Row};

/// One row of the table of disciplines; `None` is first come, first served.
pub type DisciplineRow = Row<Option<Discipline>>;

const INTERVAL: Parameter = Parameter::optional(
    "interval",
    Kind::Duration,
    "a queue that has not been empty for so long is overloaded; 100ms if nothing is said",
);

const TARGET: Parameter = Parameter::optional(
    "target",
    Kind::Duration,
    "under overload, who has waited for longer is turned away; 5ms if nothing is said. Otherwise that is who has waited for longer than `interval`",
);

const FAIL_AT_SCALE: &str = "Maurer, \"Fail at Scale\", ACM Queue 13(8), 2015; after Nichols and Jacobson, \"Controlling Queue Delay\", ACM Queue 10(5), 2012";

fn interval_ns(arguments: &Arguments) -> Result<Nanoseconds, ParameterError> {
    let written = arguments.optional("interval")?;
    Ok(written.map_or(SECOND_NS / 10, |it| it.round() as Nanoseconds))
}

fn controlled(
    arguments: &Arguments,
    newest_first: bool,
) -> Result<Option<Discipline>, ParameterError> {
    let interval_ns = interval_ns(arguments)?;
    let written = arguments.optional("target")?;
    let target_ns = written.map_or(SECOND_NS / 200, |it| it.round() as Nanoseconds);
    if target_ns > interval_ns {
        let problem =
            "must be at most `interval`: under overload people wait for less, not for more";
        return Err(ParameterError::new("target", problem));
    }
    Ok(Some(Discipline {
        interval_ns,
        newest_first,
        target_ns: Some(target_ns),
    }))
}

/// All disciplines.
pub static DISCIPLINES: &[DisciplineRow] = &[
    DisciplineRow {
        name: "fifo",
        parameters: &[],
        meaning: "first come, first served",
        source: "",
        build: |_| Ok(None),
    },
    DisciplineRow {
        name: "lifo",
        parameters: &[INTERVAL],
        meaning: "first come, first served; under overload the last to come is served first",
        source: "Maurer, \"Fail at Scale\", ACM Queue 13(8), 2015 (adaptive LIFO)",
        build: |arguments| {
            Ok(Some(Discipline {
                interval_ns: interval_ns(arguments)?,
                newest_first: true,
                target_ns: None,
            }))
        },
    },
    DisciplineRow {
        name: "codel",
        parameters: &[TARGET, INTERVAL],
        meaning: "first come, first served; who has waited for too long is turned away when its turn comes, under overload sooner",
        source: FAIL_AT_SCALE,
        build: |arguments| controlled(arguments, false),
    },
    DisciplineRow {
        name: "codel-lifo",
        parameters: &[TARGET, INTERVAL],
        meaning: "as `codel`, and under overload the last to come is served first",
        source: FAIL_AT_SCALE,
        build: |arguments| controlled(arguments, true),
    },
];
