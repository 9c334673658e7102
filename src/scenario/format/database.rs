//! The keys of `[database]`.

use super::super::shape::{Need, Shape, Spelled, Table};
use super::super::unit::{Count, Misspelt, Size, Unit, quoted};
use super::parts::{
    ANY_DURATION, SOME_DURATION, count, discipline, field, guards, queue_limit, range, table, words,
};
use crate::database::Reads;

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
        discipline(),
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
        guards(),
        super::regions::home("the database"),
        field(
            "buffer_pool",
            Shape::Either(vec![
                words(&[("none", "all pages are in memory")]),
                Shape::Table(buffer_pool()),
            ]),
            Default("\"none\""),
            "{ capacity = \"1GiB\", disk_time = \"5ms\" }",
            "the pages that each server has in memory; a query whose page is not among them reads the disk as well",
        ),
        field(
            "replicas",
            Shape::Either(vec![
                words(&[("none", "there is only the primary")]),
                Shape::Table(replicas()),
            ]),
            Default("\"none\""),
            "{ count = 2, lag = \"100ms\", reads = \"any\" }",
            "servers that follow the primary asynchronously",
        ),
    ])
}

fn buffer_pool() -> Table {
    use Need::{Default, Optional, Required};
    table(vec![
        field(
            "capacity",
            Shape::Spelled(PAGES),
            Required,
            "\"1GiB\"",
            "pages in the memory of each server, or how much memory they have",
        ),
        field(
            "page",
            Shape::Quantity(Unit::Size, range("1B", "1GiB")),
            Default("\"8KiB\""),
            "\"16KiB\"",
            "size of a page",
        ),
        field(
            "rows_per_page",
            count("1", "1000000"),
            Optional,
            "8",
            "rows of a page; as many as fit by the mean of `value_size`, at least 1, if nothing is said",
        ),
        field(
            "rows",
            words(&[
                (
                    "scattered",
                    "by a hash over the pages of the table, so that popular rows do not lie together",
                ),
                ("in-key-order", "rows with neighbouring keys share a page"),
            ]),
            Default("\"scattered\""),
            "\"in-key-order\"",
            "how rows lie on pages; with a trace, whose keys are not known beforehand, always in the order of keys",
        ),
        field(
            "eviction",
            Shape::Spelled(super::tier::EVICTION),
            Default("\"lru\""),
            "\"clock\"",
            "which page leaves full memory; see `cachesim list policies`",
        ),
        field(
            "disk_time",
            Shape::Named("durations"),
            Required,
            "\"5ms\"",
            "how long it takes to read a page from the disk, for which the query holds its connection",
        ),
    ])
}

fn replicas() -> Table {
    use Need::{Default, Optional, Required};
    let reads: Vec<(&str, &str)> = Reads::ALL
        .iter()
        .map(|(name, _, meaning)| (*name, *meaning))
        .collect();
    table(vec![
        field(
            "count",
            count("1", "100"),
            Required,
            "2",
            "how many replicas there are",
        ),
        field(
            "lag",
            Shape::Named("durations"),
            Required,
            "{ distribution = \"exponential\", mean = \"100ms\" }",
            "from a commit to the instant at which a replica shows it, drawn for each commit and replica; commits are shown in their order",
        ),
        field(
            "mode",
            words(&[
                (
                    "async",
                    "writes are answered when the primary has committed",
                ),
                (
                    "sync",
                    "writes are answered when `acks` replicas have the commit too; the connection is held until then",
                ),
            ]),
            Default("\"async\""),
            "\"sync\"",
            "whether writes wait for replicas",
        ),
        field(
            "acks",
            count("1", "100"),
            Optional,
            "1",
            "with `mode = \"sync\"`: how many replicas are waited for, as far as they are up and reachable; all of them if nothing is said",
        ),
        field(
            "reads",
            words(&reads),
            Default("\"primary\""),
            "\"any\"",
            "who answers reads that may be stale",
        ),
        field(
            "connections",
            count("1", "1000000"),
            Optional,
            "50",
            "connections of each replica; as many as the primary has if nothing is said",
        ),
        field(
            "regions",
            Shape::List(Box::new(Shape::Text), 1),
            Optional,
            "[\"eu\", \"us\"]",
            "where each replica lives, one region for each; equally near to all if nothing is said",
        ),
        field(
            "failover",
            Shape::Either(vec![
                words(&[("none", "nobody takes the place of a primary that is down")]),
                Shape::Table(failover()),
            ]),
            Default("\"none\""),
            "{ detection = \"10s\", promotion = \"5s\" }",
            "a replica takes the place of a primary that is down; what it does not have yet is lost",
        ),
    ])
}

fn failover() -> Table {
    let time = |name, example, meaning| {
        let shape = Shape::Quantity(Unit::Duration, ANY_DURATION);
        field(name, shape, Need::Required, example, meaning)
    };
    table(vec![
        time(
            "detection",
            "\"10s\"",
            "from the crash until it is clear that the primary is down",
        ),
        time(
            "promotion",
            "\"5s\"",
            "from then until the replica answers as the primary",
        ),
    ])
}

/// Pages, as a count or as memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum Pages {
    /// So many.
    Count(u64),
    /// As many as fit into so many bytes.
    Bytes(u64),
}

pub(super) const PAGES: Spelled = Spelled {
    described: "pages or memory such as \"100k pages\" or \"1GiB\"",
    pattern: r"^\s*(\d[\d_]*(\.\d[\d_]*)?\s*([kKMG]?\s*(pages|page)|B|[kKMGT]B|[KMGT]iB))\s*$",
    examples: &["100k pages", "1GiB"],
    read: |text| read_pages(text).map(|_| text.trim().to_owned()),
};

pub(in crate::scenario) fn read_pages(text: &str) -> Result<Pages, Misspelt> {
    let text = text.trim();
    let help = "write a number of pages or an amount of memory: \"100k pages\", \"1GiB\"";
    let wrong = |message: String| Misspelt {
        message,
        help: help.into(),
    };
    let in_pages = text.strip_suffix("pages").or(text.strip_suffix("page"));
    if let Some(count) = in_pages {
        return match Count::parse(count) {
            Ok(Count(0)) => Err(wrong("a buffer pool needs a page".into())),
            Ok(Count(count)) if count <= 4_000_000_000 => Ok(Pages::Count(count)),
            Ok(Count(count)) => Err(wrong(format!("{count} pages are more than 4G"))),
            Err(misspelt) => Err(wrong(misspelt.message)),
        };
    }
    if Count::parse(text).is_ok() {
        return Err(wrong(format!(
            "{} could be pages or bytes: did you mean \"{text} pages\" or \"{text}B\"",
            quoted(text)
        )));
    }
    match Size::parse(text) {
        Ok(Size(0)) => Err(wrong("a buffer pool needs a page".into())),
        Ok(Size(bytes)) if bytes <= 1 << 50 => Ok(Pages::Bytes(bytes)),
        Ok(Size(bytes)) => Err(wrong(format!("{bytes} bytes are more than 1 PiB"))),
        Err(misspelt) => Err(wrong(misspelt.message)),
    }
}
