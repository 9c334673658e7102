//! The keys of `[client]`.

use crate::client::ABANDONED;
use crate::client::backoff::JITTERS;

use super::super::shape::{Field, Need, Shape, Table};
use super::super::unit::Unit;
use super::parts::{ANY_DURATION, ANY_SHARE, SOME_DURATION, count, field, range, table, words};

/// A duration that may be endless.
fn patience(name: &'static str, example: &'static str, endless: &str, meaning: &str) -> Field {
    let shape = Shape::Either(vec![
        words(&[("never", endless)]),
        Shape::Quantity(Unit::Duration, SOME_DURATION),
    ]);
    field(name, shape, Need::Default("\"never\""), example, meaning)
}

pub(super) fn client() -> Table {
    use Need::Default;
    let abandoned: Vec<_> = ABANDONED.iter().map(|it| (it.name, it.meaning)).collect();
    table(vec![
        patience(
            "deadline",
            "\"1s\"",
            "clients wait for as long as it takes",
            "after so long from its arrival a request that was not answered has failed, attempts and waits between them included",
        ),
        patience(
            "timeout",
            "\"300ms\"",
            "clients wait for as long as it takes",
            "after so long a client gives one attempt up",
        ),
        field(
            "abandoned",
            words(&abandoned),
            Default("\"finish\""),
            "\"stop\"",
            "what becomes of the work for a client that has given up, or of a hedged request's slower half",
        ),
        field(
            "retries",
            Shape::Either(vec![
                words(&[("none", "what has failed has failed")]),
                Shape::Short("count", Box::new(Shape::Table(retries()))),
            ]),
            Default("\"none\""),
            "{ count = 2, backoff = { base = \"50ms\" }, budget = { ratio = 0.1 } }",
            "whether and how failed attempts are repeated",
        ),
        field(
            "hedge",
            Shape::Either(vec![
                words(&[("none", "clients ask once at a time")]),
                Shape::Table(hedge()),
            ]),
            Default("\"none\""),
            "{ quantile = 0.95 }",
            "hedged requests: a read that takes long is asked for once more, and the first answer is taken",
        ),
    ])
}

fn retries() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "count",
            count("1", "1000"),
            Required,
            "2",
            "so many attempts more, at most",
        ),
        field(
            "backoff",
            Shape::Short("base", Box::new(Shape::Table(backoff()))),
            Default("{}"),
            "{ base = \"50ms\", cap = \"2s\" }",
            "how long a client waits before it asks again",
        ),
        field(
            "budget",
            Shape::Either(vec![
                words(&[("none", "any number of retries")]),
                Shape::Short("ratio", Box::new(Shape::Table(budget()))),
            ]),
            Default("\"none\""),
            "{ ratio = 0.1, reserve = 10 }",
            "how many retries all clients together may make",
        ),
        field(
            "writes",
            Shape::Flag,
            Default("true"),
            "false",
            "whether writes are repeated as well; one that was only slow is then written twice",
        ),
    ])
}

fn backoff() -> Table {
    use Need::Default;
    let jitters = JITTERS.iter().map(|row| {
        let meaning = match row.source {
            "" => row.meaning.to_owned(),
            source => format!("{} ({source})", row.meaning),
        };
        (row.name, meaning)
    });
    let jitters: Vec<_> = jitters.collect();
    let jitters: Vec<_> = jitters.iter().map(|(name, it)| (*name, &**it)).collect();
    table(vec![
        field(
            "base",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Default("\"0s\""),
            "\"50ms\"",
            "the wait before the first retry; 0s asks again at once",
        ),
        field(
            "factor",
            Shape::Quantity(Unit::Number, range("1", "1000")),
            Default("2.0"),
            "2.0",
            "what each further wait is multiplied by",
        ),
        field(
            "cap",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Default("\"10s\""),
            "\"2s\"",
            "the longest wait",
        ),
        field(
            "jitter",
            words(&jitters),
            Default("\"full\""),
            "\"equal\"",
            "what chance does to a wait",
        ),
    ])
}

fn budget() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "ratio",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Required,
            "0.1",
            "retries that each request pays for: in the long run there are no more than this share of the requests",
        ),
        field(
            "reserve",
            count("1", "1000000000"),
            Default("10"),
            "100",
            "the most retries that are saved up, and what there is at first",
        ),
    ])
}

fn hedge() -> Table {
    use Need::Optional;
    table(vec![
        field(
            "after",
            Shape::Quantity(Unit::Duration, SOME_DURATION),
            Optional,
            "\"20ms\"",
            "ask once more after so long; or give `quantile`",
        ),
        field(
            "quantile",
            Shape::Quantity(Unit::Share, range("0.01", "0.9999")),
            Optional,
            "0.95",
            "ask once more after as long as this share of the last thousand answers took; or give `after`",
        ),
    ])
}
