//! The keys of `[database]`.

use super::super::shape::{Need, Shape, Table};
use super::super::unit::Unit;
use super::parts::{SOME_DURATION, count, field, queue_limit, range, table, words};

pub(super) fn database() -> Table {
    use Need::{Default, Optional, Required};
    table(vec![
        field(
            "connections",
            count("1", "1000000"),
            Default("100"),
            "100",
            "queries in service at a time",
        ),
        queue_limit("queries that may wait for a connection; more are rejected"),
        field(
            "service_time",
            Shape::Named("durations"),
            Required,
            "{ distribution = \"lognormal\", median = \"5ms\", p99 = \"50ms\" }",
            "how long a read holds its connection",
        ),
        field(
            "write_service_time",
            Shape::Named("durations"),
            Optional,
            "\"8ms\"",
            "how long a write holds its connection; as `service_time` if nothing is said",
        ),
        field(
            "slowdown",
            Shape::Quantity(Unit::Number, range("0", "1000")),
            Default("0.0"),
            "1.0",
            "service times are multiplied by 1 + slowdown x (busy - 1) / (connections - 1): 0 does not slow down, 1 is half as fast with all connections busy",
        ),
        field(
            "timeout",
            Shape::Either(vec![
                words(&[("never", "the app waits for as long as it takes")]),
                Shape::Quantity(Unit::Duration, SOME_DURATION),
            ]),
            Default("\"never\""),
            "\"1s\"",
            "after so long the app gives up on a query, which goes on all the same",
        ),
        field(
            "network",
            Shape::Named("durations"),
            Default("\"0s\""),
            "\"0.5ms\"",
            "round-trip time of one query: half of it out, half of it back",
        ),
        super::regions::home("the database"),
    ])
}
