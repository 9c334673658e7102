//! The keys of `[[region]]` and `[[link]]`, and where something has its home.

use super::super::shape::{Field, Need, Shape, Table};
use super::super::unit::Unit;
use super::parts::{NAME, field, range, table};

pub(super) fn region() -> Table {
    table(vec![
        field(
            "name",
            Shape::Spelled(NAME),
            Need::Required,
            "\"eu\"",
            "what links, tiers and the database call the region; letters, digits, `-` and `_`; unique",
        ),
        field(
            "share",
            Shape::Quantity(Unit::Share, range("0", "1")),
            Need::Optional,
            "0.6",
            "share of the app instances, and of the sessions, that live there, rounded to whole ones; those that say nothing share equally what the others leave",
        ),
    ])
}

pub(super) fn link() -> Table {
    table(vec![
        field(
            "between",
            Shape::Pair(Box::new(Shape::Text), Box::new(Shape::Text)),
            Need::Required,
            "[\"eu\", \"us\"]",
            "the two regions",
        ),
        field(
            "round_trip",
            Shape::Named("durations"),
            Need::Required,
            "\"80ms\"",
            "round-trip time between them, paid beside the network of whatever is asked there",
        ),
    ])
}

/// Where `what` lives.
pub(super) fn home(what: &str) -> Field {
    field(
        "region",
        Shape::Text,
        Need::Optional,
        "\"eu\"",
        &format!(
            "where {what} lives: all other regions pay the round trip of their link to it; equally near to all if nothing is said"
        ),
    )
}
