//! The keys of `[app]` and `[[event]]`.

use crate::fault::ACTIONS;
use crate::fault::target::Kind;
use crate::pattern::LEARNS;
use crate::promise::PROMISES;

use super::super::shape::{Choice, Field, Need, Shape, Table};
use super::super::unit::Unit;
use super::parts::{ANY_DURATION, chosen, chosen_by, count, field, range, table, words};
use super::workload::DURATIONS;

pub(super) fn app() -> Table {
    table(vec![
        field(
            "instances",
            count("1", "1000000"),
            Need::Default("1"),
            "20",
            "processes that share nothing but the tiers below them",
        ),
        field(
            "bloom_filter",
            Shape::Either(vec![
                words(&[("none", "whatever is asked for is looked up")]),
                Shape::Short("false_positives", Box::new(Shape::Table(bloom_filter()))),
            ]),
            Need::Default("\"none\""),
            "{ false_positives = 0.01, rebuild = \"1h\" }",
            "a Bloom filter of the keys that exist, in each instance: reads of other keys are answered there",
        ),
        field(
            "promises",
            Shape::List(
                Box::new(Shape::Short(
                    "kind",
                    Box::new(Shape::Choice(chosen_by("kind", "the promise", PROMISES))),
                )),
                0,
            ),
            Need::Default("[]"),
            "[\"session-token\"]",
            "what the app promises to its readers, whatever the tiers hold: a copy that breaks a promise is not given",
        ),
    ])
}

fn bloom_filter() -> Table {
    let learns: Vec<(&str, &str)> = LEARNS.iter().map(|row| (row.name, row.summary)).collect();
    table(vec![
        field(
            "false_positives",
            Shape::Quantity(Unit::Share, range("0.000001", "0.5")),
            Need::Required,
            "0.01",
            "share of the keys that do not exist which pass all the same; sizes the filter by the keys that exist when it is built",
        ),
        field(
            "rebuild",
            Shape::Either(vec![
                words(&[("never", "it is built once, at the start of the run")]),
                Shape::Quantity(Unit::Duration, range("1ms", "3650d")),
            ]),
            Need::Default("\"never\""),
            "\"1h\"",
            "time between two builds from the keys that exist then, by which rows that were deleted leave it; takes no time of anybody",
        ),
        field(
            "learns",
            words(&learns),
            Need::Default("\"all\""),
            "\"own\"",
            "who puts rows that are created between two builds into its filter",
        ),
        field(
            "lag",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Need::Default("\"0s\""),
            "\"200ms\"",
            "with `learns = \"all\"`: how long after the write the other instances learn of the row",
        ),
    ])
}

/// Something that happens at an instant.
pub(super) fn event() -> Choice {
    let rows = ACTIONS.iter().map(|action| {
        let mut row = chosen(&action.row, DURATIONS);
        let mut first = vec![field(
            "at",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Need::Required,
            "\"2m\"",
            "when, counted from the start of the run, warm-up included",
        )];
        first.extend(target(action.targets));
        first.extend(origin(action.origins));
        row.table.fields.splice(0..0, first);
        row
    });
    Choice {
        tag: "action",
        tag_meaning: "what happens",
        rows: rows.collect(),
    }
}

/// To whom it happens, which nobody is asked where it happens to the world.
fn target(kinds: &[&Kind]) -> Option<Field> {
    Some(field(
        "target",
        Shape::Text,
        Need::Required,
        kinds.first()?.example,
        &format!("to whom: {}", spelled(kinds)),
    ))
}

/// From whom what happens comes, where that can be said.
fn origin(kinds: &[&Kind]) -> Option<Field> {
    Some(field(
        "from",
        Shape::Text,
        Need::Optional,
        kinds.first()?.example,
        &format!(
            "only where it comes from these: {}; from all app instances if nothing is said",
            spelled(kinds)
        ),
    ))
}

fn spelled(kinds: &[&Kind]) -> String {
    let kinds = kinds.iter();
    let spelled = kinds.map(|kind| format!("`{}` ({})", kind.spelled, kind.meaning));
    spelled.collect::<Vec<_>>().join(", ")
}
