//! The keys of `[app]` and `[[event]]`.

use crate::fault::ACTIONS;
use crate::fault::target::Kind;
use crate::promise::PROMISES;

use super::super::shape::{Choice, Field, Need, Shape, Table};
use super::super::unit::Unit;
use super::parts::{ANY_DURATION, chosen, chosen_by, count, field, table};
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
    let spelled: Vec<String> = kinds
        .iter()
        .map(|kind| format!("`{}` ({})", kind.spelled, kind.meaning))
        .collect();
    Some(field(
        "target",
        Shape::Text,
        Need::Required,
        kinds.first()?.example,
        &format!("to whom: {}", spelled.join(", ")),
    ))
}
