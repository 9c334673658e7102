//! The keys of `[app]` and `[[event]]`.

use crate::fault::ACTIONS;
use crate::promise::PROMISES;

use super::super::shape::{Choice, Need, Shape, Table};
use super::super::unit::Unit;
use super::parts::{ANY_DURATION, chosen_by, count, field, table};

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
    let mut choice = chosen_by("action", "what happens", ACTIONS);
    for row in &mut choice.rows {
        row.table.fields.insert(
            0,
            field(
                "at",
                Shape::Quantity(Unit::Duration, ANY_DURATION),
                Need::Required,
                "\"2m\"",
                "when, counted from the start of the run, warm-up included",
            ),
        );
        row.table.fields.insert(
            1,
            field(
                "target",
                Shape::Text,
                Need::Required,
                "\"tier.redis.node.0\"",
                "to whom: `tier.NAME` or `tier.NAME.node.NUMBER`",
            ),
        );
    }
    choice
}
