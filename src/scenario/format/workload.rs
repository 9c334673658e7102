//! The keys of `[workload]`: arrivals, keys, and every distribution.

use crate::workload::parameters::Kind;
use crate::workload::{PAGE_MODES, arrivals, distribution, popularity};

use super::super::shape::{Choice, Need, Range, Shape, Table};
use super::super::unit::Unit;
use super::parts::{ANY_DURATION, ANY_SHARE, chosen, count, field, range, table, words};

pub(super) fn workload() -> Table {
    use Need::{Default, Optional, Unless};
    table(vec![
        field(
            "trace",
            Shape::Text,
            Optional,
            "\"../traces/zipf-scan.oracleGeneral.zst\"",
            "a trace whose requests are made again, in place of `keys`: a file of any format and compression, its path counted from the folder of the scenario; operations and sizes are the trace's own where it has them (a delete is a write)",
        ),
        field(
            "speed",
            Shape::Quantity(Unit::Number, range("0.000001", "1000000")),
            Optional,
            "2.0",
            "how many times as fast as the trace's own clock its requests arrive; 1 if nothing is said, and of no use where `arrivals` is written",
        ),
        field(
            "arrivals",
            Shape::Either(vec![
                Shape::Quantity(Unit::Rate, some_rate()),
                Shape::Choice(arrivals_choice()),
            ]),
            Unless("trace"),
            "{ process = \"poisson\", rate = \"10k/s\" }",
            "when requests arrive; a bare rate is a Poisson process; without it, a trace's come at the trace's own times",
        ),
        field(
            "keys",
            Shape::Named("keys"),
            Unless("trace"),
            "{ distribution = \"zipf\", count = \"1M\", exponent = 0.99 }",
            "which rows are asked for, and how often each",
        ),
        field(
            "write_keys",
            Shape::Named("keys"),
            Optional,
            "{ distribution = \"sequential\", count = \"10M\" }",
            "which rows are written, where they are others than those that are read, as with a log; the same `keys` if nothing is said",
        ),
        field(
            "reads",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("1.0"),
            "0.95",
            "share of the requests that are reads; the others are writes. A trace with operations says so itself, and this must then be left out",
        ),
        field(
            "sessions",
            Shape::Short("count", Box::new(Shape::Table(sessions()))),
            Optional,
            "{ count = \"10k\", own_reads = 0.2 }",
            "clients with an identity, who notice when they do not see what they wrote or saw; closed-loop users are sessions by themselves",
        ),
        field(
            "fresh_reads",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.01",
            "share of the reads that must not be stale: they bypass all caches",
        ),
        field(
            "value_size",
            Shape::Named("sizes"),
            Default("\"1KiB\""),
            "{ distribution = \"lognormal\", median = \"1KiB\", p99 = \"20KiB\" }",
            "size of a row's value",
        ),
        field(
            "absent",
            Shape::Table(absent()),
            Optional,
            "{ share = 0.2, keys = \"1M\" }",
            "requests for rows that the database does not have",
        ),
        field(
            "page",
            Shape::Short("keys", Box::new(Shape::Table(page()))),
            Optional,
            "{ keys = 30, mode = \"parallel\", multi_get = true }",
            "each read is a page that needs the rows of many keys: its latency is that of the request",
        ),
        field(
            "deletes",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.1",
            "share of the writes that delete their row; the next write of it that deletes nothing creates it anew",
        ),
        field(
            "big_keys",
            Shape::Table(big_keys()),
            Optional,
            "{ count = 1, size = \"100MB\", share = 0.001 }",
            "a few more rows with values of a size of their own",
        ),
        field(
            "dependents",
            Shape::Named("counts"),
            Default("0"),
            "{ distribution = \"lognormal\", median = 5, p99 = 200 }",
            "how many other rows are derived from a row, as pages are from an article: always the same ones, any of the keys, and they change whenever it is written",
        ),
    ])
}

/// Requests of many keys.
fn page() -> Table {
    use Need::{Default, Required};
    let modes: Vec<(&str, &str)> = PAGE_MODES
        .iter()
        .map(|row| (row.name, row.summary))
        .collect();
    table(vec![
        field(
            "keys",
            Shape::Named("counts"),
            Required,
            "{ distribution = \"lognormal\", median = 20, p99 = 100 }",
            "how many different keys a page needs: one at least, and no more than there are",
        ),
        field(
            "mode",
            words(&modes),
            Default("\"parallel\""),
            "\"sequence\"",
            "in which order they are asked for",
        ),
        field(
            "multi_get",
            Shape::Flag,
            Default("false"),
            "true",
            "whether the keys of one node of the first tier are looked up with one exchange; what is missing is fetched key by key, unless `batch_misses` says otherwise",
        ),
        field(
            "key_cost",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.2"),
            "1.0",
            "with `multi_get`: what each key after the first adds to the service time of an exchange, as a share of the time that one lookup takes; 1 if keys cost as much together as apart",
        ),
        field(
            "batch_misses",
            Shape::Flag,
            Default("false"),
            "true",
            "with `multi_get`: whether what one exchange did not find goes to the database with one query, as `WHERE id IN (...)`; only what comes there at one instant does",
        ),
        field(
            "batch_key_cost",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.2"),
            "1.0",
            "with `batch_misses`: what each key after the first adds to the service time of the query, as a share of the time that a query of one takes",
        ),
    ])
}

/// Keys of rows that did not exist at the start. A plain number is that of uniform keys.
fn absent() -> Table {
    use Need::Default;
    table(vec![
        field(
            "share",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.2",
            "share of the reads that ask for a row that did not exist at the start",
        ),
        field(
            "keys",
            Shape::Either(vec![count("1", "1000000000000000"), Shape::Named("keys")]),
            Default("\"1M\""),
            "{ distribution = \"zipf\", count = \"1M\", exponent = 0.9 }",
            "which of those rows, and how often each: keys of their own, apart from `workload.keys`; a number means so many, all equally often",
        ),
        field(
            "creates",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.05",
            "share of the writes that are of such a row and so create it",
        ),
    ])
}

pub(super) fn big_keys() -> Table {
    table(vec![
        field(
            "count",
            count("1", "1M"),
            Need::Default("1"),
            "1",
            "how many such rows, beside those of `keys`",
        ),
        field(
            "size",
            Shape::Named("sizes"),
            Need::Required,
            "\"100MB\"",
            "size of their values",
        ),
        field(
            "share",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Need::Required,
            "0.001",
            "share of the requests that are for one of them, any",
        ),
    ])
}

pub(super) fn sessions() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "count",
            count("1", "10M"),
            Required,
            "\"10k\"",
            "how many; each request comes from any of them",
        ),
        field(
            "own_reads",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.2",
            "share of a session's reads that ask for the row that it wrote last, once it has written",
        ),
    ])
}

/// Any distribution of quantities of `unit`: a plain one is constant.
pub(super) fn distribution_shape((unit, range): (Unit, Range)) -> Shape {
    let rows = distribution::TABLE.iter().map(|row| {
        let mut row = chosen(row, (unit, range));
        if row.name == "empirical" {
            for field in &mut row.table.fields {
                if field.name == "quantiles" {
                    field.need = Need::Optional;
                }
            }
            row.table.fields.push(field(
                "file",
                Shape::Text,
                Need::Optional,
                "\"latency.csv\"",
                "in place of `quantiles`, a CSV file beside the scenario: either rows of a probability and a value, or one sample per row; values carry their unit, or the column's name does: \"latency_ms\", \"size_bytes\"",
            ));
        }
        row
    });
    let choice = Choice {
        tag: "distribution",
        tag_meaning: "the shape of the distribution",
        rows: rows.collect(),
    };
    Shape::Either(vec![Shape::Quantity(unit, range), Shape::Choice(choice)])
}

pub(super) fn keys() -> Shape {
    let rows = popularity::TABLE.iter().map(|row| chosen(row, DURATIONS));
    Shape::Choice(Choice {
        tag: "distribution",
        tag_meaning: "how requests spread over the keys",
        rows: rows.collect(),
    })
}

/// The parts of a mix: keys again, each with its weight. A mix of mixes would be a mix.
pub(super) fn components() -> Shape {
    let parts = popularity::TABLE
        .iter()
        .filter(|row| !row.parameters.iter().any(|p| p.kind == Kind::Components));
    let rows = parts.map(|row| {
        let mut row = chosen(row, DURATIONS);
        row.table.fields.push(field(
            "weight",
            Shape::Quantity(Unit::Number, range("0", "1000000000")),
            Need::Default("1.0"),
            "0.2",
            "its share of the requests, in proportion to the other weights",
        ));
        row.table.fields.push(field(
            "first_key",
            count("0", "1000000000000000"),
            Need::Default("0"),
            "1_000_000",
            "its lowest key: parts share keys unless they are put apart",
        ));
        row
    });
    let choice = Choice {
        tag: "distribution",
        tag_meaning: "how requests spread over the keys",
        rows: rows.collect(),
    };
    Shape::List(Box::new(Shape::Choice(choice)), 1)
}

pub(super) fn some_rate() -> Range {
    range("1/d", "1G/s")
}

pub(super) fn arrivals_choice() -> Choice {
    let rows = arrivals::TABLE.iter().map(|row| {
        let mut row = chosen(row, DURATIONS);
        for field in &mut row.table.fields {
            // Only where `rate` is all there is to say can a curve take its place.
            if takes_curve(row.name) && field.name == "rate" {
                field.shape = Shape::Either(vec![field.shape.clone(), Shape::Choice(curves())]);
                field
                    .meaning
                    .push_str(", or a table that says how they change");
            }
        }
        row
    });
    Choice {
        tag: "process",
        tag_meaning: "the process by which requests arrive",
        rows: rows.collect(),
    }
}

/// Whether `rate` of that process may be a curve.
pub(in crate::scenario) fn takes_curve(process: &str) -> bool {
    matches!(process, "poisson" | "constant")
}

pub(super) fn curves() -> Choice {
    let rows = arrivals::CURVES
        .iter()
        .filter(|row| !row.parameters.is_empty());
    Choice {
        tag: "curve",
        tag_meaning: "how the rate changes",
        rows: rows.map(|row| chosen(row, DURATIONS)).collect(),
    }
}

pub(super) const DURATIONS: (Unit, Range) = (Unit::Duration, ANY_DURATION);

/// A value beyond a gibibyte is no value of a cache.
pub(super) const SIZES: (Unit, Range) = (Unit::Size, range("0B", "1GiB"));

/// More would take as long to name as to simulate.
pub(super) const COUNTS: (Unit, Range) = (Unit::Count, range("0", "100000"));
