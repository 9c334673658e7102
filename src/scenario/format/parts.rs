//! What the tables of the scenario file are put together from: fields, ranges, and the parameters of
//! whatever is chosen from a table.

use crate::guard::GUARDS;
use crate::guard::discipline::DISCIPLINES;
use crate::workload::parameters::{Kind, Parameter};
use crate::workload::{self};

use super::super::shape::{Choice, Field, Need, Range, Row, Shape, Spelled, Table, Word};
use super::super::unit::{Misspelt, Unit, quoted};
use super::workload::{DURATIONS, components, some_rate};

pub(super) const ANY_DURATION: Range = range("0s", "3650d");

pub(super) const SOME_DURATION: Range = range("1ns", "3650d");

pub(super) const ANY_RATE: Range = range("0/s", "1G/s");

pub(super) const ANY_NUMBER: Range = range("-1000000000000", "1000000000000");

pub(super) const ANY_SHARE: Range = range("0", "1");

pub(super) const fn range(low: &'static str, high: &'static str) -> Range {
    Range { low, high }
}

pub(super) fn count(low: &'static str, high: &'static str) -> Shape {
    Shape::Quantity(Unit::Count, range(low, high))
}

pub(super) fn field(
    name: &'static str,
    shape: Shape,
    need: Need,
    example: &'static str,
    meaning: &str,
) -> Field {
    Field {
        name,
        shape,
        need,
        meaning: meaning.into(),
        example,
    }
}

pub(super) fn table(fields: Vec<Field>) -> Table {
    Table {
        fields,
        later: Vec::new(),
        presets: &[],
    }
}

pub(super) fn words(all: &[(&'static str, &str)]) -> Shape {
    let words = all.iter().map(|(name, meaning)| Word {
        name,
        meaning: (*meaning).into(),
    });
    Shape::Words(words.collect())
}

pub(super) fn word(name: &'static str, meaning: &str) -> Word {
    Word {
        name,
        meaning: meaning.into(),
    }
}

pub(super) fn queue_limit(meaning: &str) -> Field {
    field(
        "queue_limit",
        Shape::Either(vec![
            words(&[("unlimited", "no limit")]),
            count("0", "1000000000"),
        ]),
        Need::Default("\"unlimited\""),
        "1000",
        meaning,
    )
}

/// In which order a queue is served.
pub(super) fn discipline() -> Field {
    let choice = chosen_by("kind", "the discipline", DISCIPLINES);
    field(
        "discipline",
        Shape::Short("kind", Box::new(Shape::Choice(choice))),
        Need::Default("\"fifo\""),
        "{ kind = \"codel\", target = \"5ms\" }",
        "whom the queue serves next, and whom it turns away",
    )
}

/// What stands between the app and what it depends on.
pub(super) fn guards() -> Field {
    let choice = chosen_by("kind", "the guard", GUARDS);
    let guard = Shape::Short("kind", Box::new(Shape::Choice(choice)));
    field(
        "guards",
        Shape::List(Box::new(guard), 0),
        Need::Default("[]"),
        "[{ kind = \"breaker\", open_for = \"5s\" }, { kind = \"bulkhead\", calls = 20 }]",
        "what stands between the app and this, in order: each may refuse a call",
    )
}

/// A choice from a table whose rows have parameters.
pub(super) fn chosen_by<T>(
    tag: &'static str,
    tag_meaning: &'static str,
    rows: &'static [workload::Row<T>],
) -> Choice {
    Choice {
        tag,
        tag_meaning,
        rows: rows.iter().map(|row| chosen(row, DURATIONS)).collect(),
    }
}

/// A row of one of the workload's tables; `quantity` is what its distributions are of.
pub(super) fn chosen<T>(row: &workload::Row<T>, quantity: (Unit, Range)) -> Row {
    let fields = row.parameters.iter();
    let fields = fields.map(|parameter| parameter_field(parameter, quantity));
    let meaning = if row.source.is_empty() {
        row.meaning.into()
    } else {
        format!("{} ({})", row.meaning, row.source)
    };
    Row {
        name: row.name,
        meaning,
        table: table(fields.collect()),
    }
}

/// The parameters of one row as a table.
pub(super) fn parameters_table<T>(row: &workload::Row<T>) -> Table {
    let fields = row.parameters.iter();
    table(fields.map(|it| parameter_field(it, DURATIONS)).collect())
}

pub(super) fn parameter_field(parameter: &Parameter, quantity: (Unit, Range)) -> Field {
    Field {
        name: parameter.name,
        shape: parameter_shape(parameter, quantity),
        need: if parameter.required {
            Need::Required
        } else {
            Need::Optional
        },
        meaning: parameter.meaning.into(),
        example: example(parameter, quantity.0),
    }
}

pub(super) fn parameter_shape(parameter: &Parameter, (unit, bounds): (Unit, Range)) -> Shape {
    let list =
        |first, second| Shape::List(Box::new(Shape::Pair(Box::new(first), Box::new(second))), 1);
    let duration = Shape::Quantity(Unit::Duration, ANY_DURATION);
    let rate = Shape::Quantity(Unit::Rate, ANY_RATE);
    match parameter.kind {
        Kind::Quantity => Shape::Quantity(unit, bounds),
        // Beyond these, products overflow or a request takes for ever; nobody has measured more.
        Kind::Number if parameter.name == "exponent" => {
            Shape::Quantity(Unit::Number, range("0", "20"))
        }
        Kind::Number => Shape::Quantity(Unit::Number, ANY_NUMBER),
        Kind::Share => Shape::Quantity(Unit::Share, ANY_SHARE),
        Kind::Count if parameter.name == "count" => count("1", "100M"),
        Kind::Count if parameter.name == "users" => count("1", "10M"),
        Kind::Count => any_count(),
        Kind::Counts => Shape::List(Box::new(any_count()), 1),
        Kind::Duration => duration,
        Kind::Rate if parameter.required && parameter.name == "rate" => {
            Shape::Quantity(Unit::Rate, some_rate())
        }
        Kind::Rate => rate,
        Kind::Switch => Shape::Flag,
        Kind::Word(known) => words(known),
        Kind::Quantiles => list(
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Shape::Quantity(unit, bounds),
        ),
        Kind::Instants => list(duration, rate),
        Kind::States => list(rate, duration),
        Kind::Durations => Shape::Named("durations"),
        Kind::Components => components(),
        Kind::Drift => Shape::Table(table(vec![
            field(
                "period",
                Shape::Quantity(Unit::Duration, range("1us", "3650d")),
                Need::Required,
                "\"1h\"",
                "time between two moves",
            ),
            field(
                "share",
                Shape::Quantity(Unit::Share, ANY_SHARE),
                Need::Required,
                "0.1",
                "share of the keys, the coldest, that come in on top with each move",
            ),
        ])),
    }
}

fn any_count() -> Shape {
    count("0", "1000000000000")
}

/// A value of a parameter as it would be written.
pub(super) fn example(parameter: &Parameter, unit: Unit) -> &'static str {
    let of_unit = |duration, size, count| match unit {
        Unit::Size => size,
        Unit::Count => count,
        _ => duration,
    };
    match (parameter.kind, parameter.name) {
        (Kind::Quantity, "p99" | "high") => of_unit("\"50ms\"", "\"20KiB\"", "100"),
        (Kind::Quantity, "cap") => of_unit("\"1s\"", "\"1MiB\"", "1000"),
        (Kind::Quantity, "shift" | "low") => of_unit("\"1ms\"", "\"100B\"", "1"),
        (Kind::Quantity, _) => of_unit("\"5ms\"", "\"1KiB\"", "10"),
        (Kind::Number, "exponent") => "0.99",
        (Kind::Number, _) => "1.5",
        (Kind::Share, "hot_requests") => "0.9",
        (Kind::Share, _) => "0.1",
        (Kind::Count, "count") => "1_000_000",
        (Kind::Count, "acks") => "1",
        (Kind::Count, _) => "100",
        (Kind::Counts, _) => "[3, 17, 42]",
        (Kind::Duration, "latency") => "\"100ms\"",
        (Kind::Duration, _) => "\"1h\"",
        (Kind::Rate, "low" | "off_rate") => "\"2k/s\"",
        (Kind::Rate, _) => "\"10k/s\"",
        (Kind::Switch, _) => "true",
        (Kind::Word(_), "give_up") => "\"fail\"",
        (Kind::Word(_), "variant") => "\"linear\"",
        (Kind::Word(_), "mode") => "\"sync\"",
        (Kind::Word(_), _) => "\"one\"",
        (Kind::Quantiles, _) => of_unit(
            "[[0.5, \"5ms\"], [0.99, \"50ms\"], [1.0, \"80ms\"]]",
            "[[0.5, \"1KiB\"], [0.99, \"20KiB\"], [1.0, \"1MiB\"]]",
            "[[0.5, 10], [0.99, 100], [1.0, 1000]]",
        ),
        (Kind::Instants, _) => "[[\"0s\", \"1k/s\"], [\"2m\", \"5k/s\"]]",
        (Kind::States, _) => "[[\"1k/s\", \"50s\"], [\"20k/s\", \"2s\"]]",
        (Kind::Durations, _) => "{ distribution = \"exponential\", mean = \"1s\" }",
        (Kind::Components, _) => {
            "[{ distribution = \"zipf\", count = \"1M\", exponent = 0.9, weight = 9.0 }, { distribution = \"sequential\", count = \"1M\", weight = 1.0 }]"
        }
        (Kind::Drift, _) => "{ period = \"1h\", share = 0.1 }",
    }
}

pub(super) const NAME: Spelled = Spelled {
    described: "a name such as \"redis\"",
    pattern: "^[A-Za-z0-9_-]{1,64}$",
    examples: &["redis", "in-process"],
    read: read_name,
};

/// A name that may have blanks between its words, as those of alerts do.
pub(super) const WORDS: Spelled = Spelled {
    described: "a name such as \"low hit ratio\"",
    pattern: "^[A-Za-z0-9_-]+( [A-Za-z0-9_-]+)*$",
    examples: &["low hit ratio", "HighErrorRate"],
    read: |text| {
        let words = text.split(' ').map(read_name);
        match words.collect::<Result<Vec<_>, _>>() {
            Ok(_) if text.len() <= 64 => Ok(text.into()),
            _ => {
                let mut wrong = match read_name(&text.replace(' ', "-")) {
                    Err(wrong) => wrong,
                    Ok(_) => read_name("").expect_err("nothing is no name"),
                };
                wrong.message = format!("{} cannot be a name", quoted(text));
                Err(wrong)
            }
        }
    },
};

pub(super) fn read_name(text: &str) -> Result<String, Misspelt> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !text.is_empty() && text.len() <= 64 && text.chars().all(allowed) {
        return Ok(text.into());
    }
    let suggestion: String = text
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .take(64)
        .collect();
    let help = "write 1 to 64 letters, digits, `-` and `_`, without dots and blanks, because names are part of paths";
    Err(Misspelt {
        message: format!("{} cannot be a name", quoted(text)),
        help: if suggestion.chars().any(|c| c != '-') {
            format!("{help}; for example \"{suggestion}\"")
        } else {
            help.into()
        },
    })
}
