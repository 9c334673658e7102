//! The scenario file, key by key: what each means, what may be written, and what holds where
//! nothing is written.
//!
//! Whatever is chosen by name (distributions, arrivals, policies, schemes, patterns, defences) comes
//! from the table of its own module; this file only gives it a place. Not here: checks that look at
//! several keys at once (`plan`).

use std::sync::LazyLock;

use indexmap::IndexMap;

use crate::defence::DEFENCES;
use crate::eviction::{self, PolicySpec, SpecError};
use crate::fault::ACTIONS;
use crate::invalidation::INVALIDATIONS;
use crate::pattern::{PAIRS, READS, REFRESH, WRITES};
use crate::placement::{SCHEMES, Setting};
use crate::promise::PROMISES;
use crate::tier::{Capacity, SCOPES};
use crate::workload::parameters::{Kind, Parameter};
use crate::workload::{self, arrivals, distribution, popularity};

use super::shape::{Choice, Field, Grammar, Need, Range, Row, Shape, Spelled, Table, Word};
use super::unit::{Count, Misspelt, Plain, Share, Size, Unit, quoted};

/// The shape of a scenario.
pub(super) fn grammar() -> &'static Grammar {
    static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| Grammar {
        root: root(),
        named: IndexMap::from([
            ("durations", distribution_shape(DURATIONS)),
            ("sizes", distribution_shape(SIZES)),
            ("counts", distribution_shape(COUNTS)),
            ("keys", keys()),
        ]),
    });
    &GRAMMAR
}

const ANY_DURATION: Range = range("0s", "3650d");
const SOME_DURATION: Range = range("1ns", "3650d");
const ANY_RATE: Range = range("0/s", "1G/s");
const ANY_NUMBER: Range = range("-1000000000000", "1000000000000");
const ANY_SHARE: Range = range("0", "1");
const DURATIONS: (Unit, Range) = (Unit::Duration, ANY_DURATION);
/// A value beyond a gibibyte is no value of a cache.
const SIZES: (Unit, Range) = (Unit::Size, range("0B", "1GiB"));

/// More would take as long to name as to simulate.
const COUNTS: (Unit, Range) = (Unit::Count, range("0", "100000"));

const fn range(low: &'static str, high: &'static str) -> Range {
    Range { low, high }
}

fn count(low: &'static str, high: &'static str) -> Shape {
    Shape::Quantity(Unit::Count, range(low, high))
}

fn field(
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

fn table(fields: Vec<Field>) -> Table {
    Table {
        fields,
        later: Vec::new(),
    }
}

fn words(all: &[(&'static str, &str)]) -> Shape {
    let words = all.iter().map(|(name, meaning)| Word {
        name,
        meaning: (*meaning).into(),
    });
    Shape::Words(words.collect())
}

/// The keys that belong to the file and not to a variant of it.
pub(super) const OF_THE_FILE: [&str; 8] = [
    "title",
    "description",
    "seed",
    "replications",
    "variant",
    "expect",
    "baseline",
    "sweep",
];

fn root() -> Table {
    use Need::{Default, Optional, Required, Unless};
    Table {
        fields: vec![
            field(
                "title",
                Shape::Text,
                Optional,
                "\"Stampede on a hot key\"",
                "what the scenario is called in reports; the name of the file if nothing is said",
            ),
            field(
                "description",
                Shape::Text,
                Default("\"\""),
                "\"What if the hot key expires?\"",
                "the question, in a sentence or two",
            ),
            field(
                "seed",
                count("0", "18446744073709551615"),
                Default("1"),
                "7",
                "where all randomness comes from: the same seed gives the same results to the byte",
            ),
            field(
                "duration",
                Shape::Quantity(Unit::Duration, range("1us", "3650d")),
                Unless("workload.trace"),
                "\"5m\"",
                "how long requests arrive, warm-up included, in simulated time; a trace that ends earlier ends the run",
            ),
            field(
                "warmup",
                Shape::Either(vec![
                    words(&[(
                        "auto",
                        "found from runs without warm-up, by MSER-5, and the same for all variants that say so",
                    )]),
                    Shape::Quantity(Unit::Duration, ANY_DURATION),
                ]),
                Default("\"0s\""),
                "\"30s\"",
                "how much of the beginning is simulated but not measured; must be less than `duration`",
            ),
            field(
                "drain",
                Shape::Flag,
                Default("false"),
                "true",
                "whether requests in flight at the end are still finished and measured",
            ),
            field(
                "replications",
                count("1", "10000"),
                Default("1"),
                "5",
                "how many runs of each variant, each with luck of its own; results are means with 95 % intervals over them",
            ),
            field(
                "workload",
                Shape::Table(workload()),
                Required,
                "{ arrivals = \"10k/s\", keys = { distribution = \"uniform\", count = \"1M\" } }",
                "what is asked, how often, and of which size",
            ),
            field(
                "app",
                Shape::Table(app()),
                Default("{}"),
                "{ instances = 20 }",
                "the app between the clients and the tiers",
            ),
            field(
                "tier",
                Shape::List(Box::new(Shape::Table(tier())), 0),
                Default("[]"),
                "[{ name = \"redis\", capacity = \"100k entries\" }]",
                "the cache layers, from the client to the database; none means the database alone",
            ),
            field(
                "database",
                Shape::Table(database()),
                Required,
                "{ service_time = \"5ms\" }",
                "the database behind all tiers",
            ),
            field(
                "event",
                Shape::List(Box::new(Shape::Choice(event())), 0),
                Default("[]"),
                "[{ at = \"2m\", action = \"crash\", target = \"tier.redis.node.0\" }]",
                "the timeline: what happens when, in simulated time",
            ),
            field(
                "prices",
                Shape::Table(prices()),
                Optional,
                "{ memory_gb_month = 10.0, database_million_queries = 0.2 }",
                "what things cost; with it, `cost.monthly` is measured",
            ),
            field(
                "variant",
                Shape::List(Box::new(Shape::Table(variant())), 0),
                Default("[]"),
                "[{ name = \"undefended\", set = { \"tier.redis.defence\" = \"none\" } }]",
                "the scenario with some settings replaced; the file as it stands is the variant `base` and comes first",
            ),
            field(
                "sweep",
                Shape::List(Box::new(Shape::Table(sweep_axis())), 0),
                Default("[]"),
                "[{ path = \"tier.redis.capacity\", values = [\"10k entries\", \"100k entries\"] }]",
                "settings that take several values: every combination of them is run",
            ),
            field(
                "expect",
                Shape::List(Box::new(Shape::Table(expect())), 0),
                Default("[]"),
                "[{ metric = \"database.qps.max\", below = \"400/s\" }]",
                "what must hold of the results, or `run` ends with exit status 1",
            ),
            field(
                "baseline",
                Shape::Table(baseline()),
                Default("{}"),
                "{ fail_if = [\"database.qps.mean > +5%\"] }",
                "how the results are compared with those of another time (`run --baseline`)",
            ),
        ],
        later: Vec::new(),
    }
}

fn workload() -> Table {
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
            "dependents",
            Shape::Named("counts"),
            Default("0"),
            "{ distribution = \"lognormal\", median = 5, p99 = 200 }",
            "how many other rows are derived from a row, as pages are from an article: always the same ones, any of the keys, and they change whenever it is written",
        ),
    ])
}

fn sessions() -> Table {
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

/// Something that happens at an instant.
fn event() -> Choice {
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

fn app() -> Table {
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

fn tier() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "name",
            Shape::Spelled(NAME),
            Required,
            "\"redis\"",
            "what metrics and overrides call the tier; letters, digits, `-` and `_`; unique",
        ),
        field(
            "pattern",
            Shape::Either(vec![
                Shape::Words(
                    PAIRS
                        .iter()
                        .map(|row| word(row.name, row.summary))
                        .collect(),
                ),
                Shape::Table(pattern()),
            ]),
            Default("\"aside\""),
            "{ read = \"aside\", write = \"invalidate\" }",
            "how the cache is filled and what a write does",
        ),
        field(
            "scope",
            words(
                &SCOPES
                    .iter()
                    .map(|row| (row.name, row.summary))
                    .collect::<Vec<_>>(),
            ),
            Default("\"global\""),
            "\"instance\"",
            "who shares a node",
        ),
        field(
            "nodes",
            count("1", "10000"),
            Default("1"),
            "3",
            "how many nodes the tier has, or each of those who do not share one",
        ),
        field(
            "capacity",
            Shape::Spelled(CAPACITY),
            Required,
            "\"100k entries\"",
            "how much each node holds: entries, bytes, or \"unlimited\"",
        ),
        field(
            "entry_overhead",
            Shape::Quantity(Unit::Size, range("0B", "1GiB")),
            Default("\"0B\""),
            "\"56B\"",
            "bytes that each entry takes beyond its value, where capacity is in bytes",
        ),
        field(
            "eviction",
            Shape::Spelled(EVICTION),
            Default("\"lru\""),
            "\"lru\"",
            "which entry leaves a full node; parameters follow the name, as in \"name:parameter=value\"",
        ),
        field(
            "ttl",
            Shape::Either(vec![
                words(&[("never", "entries do not expire")]),
                Shape::Short("base", Box::new(Shape::Table(ttl()))),
            ]),
            Default("\"never\""),
            "{ base = \"60s\", jitter = 0.1 }",
            "when entries expire",
        ),
        field(
            "sweep",
            Shape::Either(vec![
                words(&[(
                    "none",
                    "expired entries stay until they are touched or evicted",
                )]),
                Shape::Table(sweep()),
            ]),
            Default("\"none\""),
            "{ interval = \"100ms\", sample = 20 }",
            "the active sweep for expired entries, as Redis has it",
        ),
        field(
            "placement",
            Shape::Short("scheme", Box::new(Shape::Choice(placement()))),
            Default("{ scheme = \"ring\" }"),
            "{ scheme = \"ring\", virtual_nodes = 150 }",
            "which node holds a key",
        ),
        field(
            "network",
            Shape::Named("durations"),
            Default("{ distribution = \"lognormal\", median = \"0.2ms\", p99 = \"1ms\" }"),
            "\"0.5ms\"",
            "round-trip time between the app and a node: half of it out, half of it back",
        ),
        field(
            "service",
            Shape::Table(service()),
            Default("{}"),
            "{ workers = 1, time = \"10us\" }",
            "how a node serves its requests",
        ),
        field(
            "delete_failure",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.01",
            "share of the explicit deletes that are lost on their way to the node",
        ),
        field(
            "invalidation",
            Shape::List(
                Box::new(Shape::Short(
                    "kind",
                    Box::new(Shape::Choice(chosen_by(
                        "kind",
                        "the mechanism",
                        INVALIDATIONS,
                    ))),
                )),
                0,
            ),
            Default("[]"),
            "[\"compare-and-set\"]",
            "what keeps copies true beside the TTL and what the write pattern does",
        ),
        field(
            "defence",
            Shape::Short(
                "kind",
                Box::new(Shape::Choice(chosen_by("kind", "the defence", DEFENCES))),
            ),
            Default("\"none\""),
            "\"single-flight\"",
            "what happens when many requests miss one key together",
        ),
    ])
}

fn pattern() -> Table {
    let reads = READS
        .iter()
        .map(|row| word(row.name, row.meaning))
        .collect();
    let writes = WRITES
        .iter()
        .map(|row| word(row.name, row.meaning))
        .collect();
    let mut fields = vec![
        field(
            "read",
            Shape::Words(reads),
            Need::Default("\"aside\""),
            "\"aside\"",
            "how a read fills the cache",
        ),
        field(
            "write",
            Shape::Words(writes),
            Need::Default("\"invalidate\""),
            "\"invalidate\"",
            "what a write does",
        ),
    ];
    for row in WRITES {
        for parameter in row.parameters {
            let mut of_write = parameter_field(parameter, DURATIONS);
            of_write.meaning = format!("with `write = \"{}\"`: {}", row.name, parameter.meaning);
            fields.push(of_write);
        }
    }
    fields.push(field(
        "refresh",
        Shape::Either(vec![
            words(&[(
                "none",
                "entries are fetched when they have expired and are asked for",
            )]),
            Shape::Table(parameters_table(&REFRESH)),
        ]),
        Need::Default("\"none\""),
        "{ factor = 0.8, hits_min = 1 }",
        "refresh-ahead: entries are fetched anew before they expire",
    ));
    table(fields)
}

/// The parameters of one row as a table.
fn parameters_table<T>(row: &workload::Row<T>) -> Table {
    let fields = row.parameters.iter();
    table(fields.map(|it| parameter_field(it, DURATIONS)).collect())
}

fn ttl() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "base",
            Shape::Quantity(Unit::Duration, SOME_DURATION),
            Required,
            "\"60s\"",
            "how long an entry lives, counted from the moment its value is stored in the node",
        ),
        field(
            "sliding",
            Shape::Flag,
            Default("false"),
            "true",
            "whether each hit starts it anew",
        ),
        field(
            "jitter",
            Shape::Either(vec![
                Shape::Quantity(Unit::Share, range("0", "0.99")),
                Shape::Spelled(JITTER),
            ]),
            Default("0.0"),
            "0.1",
            "the TTL is multiplied by a uniform draw from [1 - j, 1 + j], or with \"+0..j\" from [1, 1 + j]",
        ),
        field(
            "stale_while_revalidate",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Default("\"0s\""),
            "\"30s\"",
            "for so long after its TTL an entry is served all the same, while one refresh goes on in the background",
        ),
        field(
            "stale_if_error",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Default("\"0s\""),
            "\"1h\"",
            "for so long after its TTL an entry is served if the fetch of a new one fails",
        ),
    ])
}

fn sweep() -> Table {
    table(vec![
        field(
            "interval",
            Shape::Quantity(Unit::Duration, range("1us", "3650d")),
            Need::Default("\"100ms\""),
            "\"100ms\"",
            "time between two sweeps of a node",
        ),
        field(
            "sample",
            count("1", "1000000"),
            Need::Default("20"),
            "20",
            "entries looked at in one sweep",
        ),
    ])
}

fn service() -> Table {
    table(vec![
        field(
            "workers",
            count("1", "1000000"),
            Need::Default("1"),
            "1",
            "requests that a node serves at a time",
        ),
        field(
            "time",
            Shape::Named("durations"),
            Need::Default("\"10us\""),
            "\"10us\"",
            "how long a worker is busy with one request",
        ),
        queue_limit("requests that may wait at a node; more are refused"),
    ])
}

fn queue_limit(meaning: &str) -> Field {
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

fn database() -> Table {
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
    ])
}

fn variant() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "name",
            Shape::Spelled(NAME),
            Required,
            "\"undefended\"",
            "what reports call the variant; letters, digits, `-` and `_`; unique, and not `base`",
        ),
        field(
            "description",
            Shape::Text,
            Default("\"\""),
            "\"What if nobody waits?\"",
            "what is different, in a sentence",
        ),
        field(
            "set",
            Shape::Map(Box::new(Shape::Anything)),
            Default("{}"),
            "{ \"tier.redis.defence\" = \"none\" }",
            "paths of keys and the values that replace theirs; a tier is addressed by its name",
        ),
    ])
}

fn prices() -> Table {
    let price = |name, example, meaning| {
        let shape = Shape::Quantity(Unit::Number, range("0", "1000000000"));
        field(name, shape, Need::Default("0.0"), example, meaning)
    };
    table(vec![
        field(
            "currency",
            Shape::Text,
            Need::Default("\"USD\""),
            "\"EUR\"",
            "the currency of all prices, as reports show it",
        ),
        price(
            "memory_gb_month",
            "10.0",
            "of a gigabyte (10^9 bytes) of a tier's memory for a month of 730 hours: of the capacity of all its nodes, or of what is in it where it is unlimited",
        ),
        price(
            "node_month",
            "50.0",
            "of a tier's node for a month, whatever its memory",
        ),
        price(
            "database_connection_month",
            "2.5",
            "of one of the database's connections for a month",
        ),
        price(
            "database_million_queries",
            "0.2",
            "of a million queries at the database",
        ),
        price(
            "egress_gb",
            "0.09",
            "of a gigabyte (10^9 bytes) sent to clients: answered reads times the mean of `value_size`",
        ),
    ])
}

fn sweep_axis() -> Table {
    use Need::{Optional, Required};
    table(vec![
        field(
            "path",
            Shape::Text,
            Required,
            "\"tier.redis.capacity\"",
            "the setting, as `--set` takes it",
        ),
        field(
            "values",
            Shape::List(Box::new(Shape::Anything), 1),
            Optional,
            "[\"10k entries\", \"100k entries\"]",
            "its values, whatever may be written there; a capacity without a unit takes that of the file's own",
        ),
        field(
            "from",
            Shape::Anything,
            Optional,
            "\"1k/s\"",
            "in place of `values`, the first value of a range",
        ),
        field(
            "to",
            Shape::Anything,
            Optional,
            "\"20k/s\"",
            "the last value of the range, in the same unit",
        ),
        field(
            "points",
            count("2", "10000"),
            Optional,
            "5",
            "how many values the range has; 5 if nothing is said",
        ),
        field(
            "spacing",
            words(&[("linear", "by equal steps"), ("log", "by equal factors")]),
            Optional,
            "\"log\"",
            "how the values of the range are spaced; linear if nothing is said",
        ),
        field(
            "zip",
            Shape::Text,
            Optional,
            "\"sizes\"",
            "settings with the same word here move together, in place of every combination",
        ),
    ])
}

fn baseline() -> Table {
    table(vec![field(
        "fail_if",
        Shape::List(Box::new(Shape::Spelled(FAIL_IF)), 0),
        Need::Default("[]"),
        "[\"database.qps.mean > +5%\", \"hit_ratio < -1pp\"]",
        "`run --baseline` ends with exit status 1 if the whole 95 % interval of a change is beyond one of these; `%` is of the baseline's value, `pp` are percentage points, and what has no sign is a bound on the metric itself; `NAME: ` before the metric names one variant",
    )])
}

const FAIL_IF: Spelled = Spelled {
    described: "a limit such as \"database.qps.mean > +5%\"",
    pattern: r"^\s*([A-Za-z0-9_-]+\s*:)?\s*[A-Za-z0-9_.-]+\s*[<>]\s*[+-]?\s*\d.*$",
    examples: &["database.qps.mean > +5%", "hit_ratio < -1pp"],
    read: |text| super::limit::parts(text).map(|_| text.trim().to_owned()),
};

fn expect() -> Table {
    use Need::{Default, Optional, Required};
    let measure = |name, example, meaning| field(name, Shape::Measure, Optional, example, meaning);
    let other = |name, meaning| field(name, Shape::Text, Optional, "\"base\"", meaning);
    table(vec![
        field(
            "variant",
            Shape::Text,
            Default("\"base\""),
            "\"undefended\"",
            "the variant that it is about",
        ),
        field(
            "metric",
            Shape::Text,
            Required,
            "\"database.qps.max\"",
            "the name of a metric; see `cachesim list metrics`",
        ),
        measure(
            "below",
            "\"400/s\"",
            "the metric must be below this; a bare number is in base units (seconds, bytes, per second, shares)",
        ),
        measure("above", "\"95%\"", "the metric must be above this"),
        field(
            "between",
            Shape::Pair(Box::new(Shape::Measure), Box::new(Shape::Measure)),
            Optional,
            "[\"1ms\", \"5ms\"]",
            "the metric must lie between these, both included",
        ),
        measure("equals", "0", "the metric must be this"),
        measure(
            "tolerance",
            "0.01",
            "by how much it may differ from `equals` or `equals_variant`: in the metric's unit, or a percentage of what it must be (of a share, percentage points); 0 if nothing is said",
        ),
        other(
            "below_variant",
            "the metric must be below `factor` times what it is in that variant",
        ),
        other(
            "above_variant",
            "the metric must be above `factor` times what it is in that variant",
        ),
        other(
            "equals_variant",
            "the metric must be `factor` times what it is in that variant, give or take `tolerance`",
        ),
        field(
            "factor",
            Shape::Quantity(Unit::Number, range("0", "1000000000")),
            Optional,
            "2.0",
            "see `below_variant`; 1 if nothing is said",
        ),
    ])
}

fn word(name: &'static str, meaning: &str) -> Word {
    Word {
        name,
        meaning: meaning.into(),
    }
}

fn placement_setting(setting: &Setting) -> Field {
    use Need::{Default, Optional};
    match setting {
        Setting::VirtualNodes => field(
            "virtual_nodes",
            count("1", "100000"),
            Default("150"),
            "150",
            "points of one node on the ring",
        ),
        Setting::Probes => field(
            "probes",
            count("1", "1000"),
            Default("21"),
            "21",
            "how often a key is hashed",
        ),
        Setting::TableSize => field(
            "table_size",
            count("2", "10000000"),
            Default("65537"),
            "65_537",
            "entries of the table: a prime, and a hundred times the number of nodes or more",
        ),
        Setting::KeysPerTag => field(
            "keys_per_tag",
            count("1", "1000000000"),
            Default("1"),
            "10",
            "neighbouring keys that share a hash tag, and so a slot; 1 for no tags",
        ),
        Setting::Weights => field(
            "weights",
            Shape::List(
                Box::new(Shape::Quantity(Unit::Number, range("0.001", "1000"))),
                1,
            ),
            Optional,
            "[1.0, 1.0, 2.0]",
            "how much of the keys each node is to have, in proportion, one number a node; the same for all if nothing is said",
        ),
    }
}

fn placement() -> Choice {
    let row = |scheme: &crate::placement::Row| Row {
        name: scheme.name,
        meaning: format!("{} ({})", scheme.summary, scheme.source),
        table: table(scheme.settings.iter().map(placement_setting).collect()),
    };
    Choice {
        tag: "scheme",
        tag_meaning: "the scheme that decides",
        rows: SCHEMES.iter().map(row).collect(),
    }
}

/// A choice from a table whose rows have parameters.
fn chosen_by<T>(
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

/// Any distribution of quantities of `unit`: a plain one is constant.
fn distribution_shape((unit, range): (Unit, Range)) -> Shape {
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

fn keys() -> Shape {
    let rows = popularity::TABLE.iter().map(|row| chosen(row, DURATIONS));
    Shape::Choice(Choice {
        tag: "distribution",
        tag_meaning: "how requests spread over the keys",
        rows: rows.collect(),
    })
}

/// The parts of a mix: keys again, each with its weight. A mix of mixes would be a mix.
fn components() -> Shape {
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

fn some_rate() -> Range {
    range("1/d", "1G/s")
}

fn arrivals_choice() -> Choice {
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
pub(super) fn takes_curve(process: &str) -> bool {
    matches!(process, "poisson" | "constant")
}

fn curves() -> Choice {
    let rows = arrivals::CURVES
        .iter()
        .filter(|row| !row.parameters.is_empty());
    Choice {
        tag: "curve",
        tag_meaning: "how the rate changes",
        rows: rows.map(|row| chosen(row, DURATIONS)).collect(),
    }
}

/// A row of one of the workload's tables; `quantity` is what its distributions are of.
fn chosen<T>(row: &workload::Row<T>, quantity: (Unit, Range)) -> Row {
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

fn parameter_field(parameter: &Parameter, quantity: (Unit, Range)) -> Field {
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

fn parameter_shape(parameter: &Parameter, (unit, bounds): (Unit, Range)) -> Shape {
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
        Kind::Count => count("0", "1000000000000"),
        Kind::Duration => duration,
        Kind::Rate if parameter.required && parameter.name == "rate" => {
            Shape::Quantity(Unit::Rate, some_rate())
        }
        Kind::Rate => rate,
        Kind::Switch => Shape::Flag,
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

/// A value of a parameter as it would be written.
fn example(parameter: &Parameter, unit: Unit) -> &'static str {
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
        (Kind::Count, _) => "100",
        (Kind::Duration, _) => "\"1h\"",
        (Kind::Rate, "low" | "off_rate") => "\"2k/s\"",
        (Kind::Rate, _) => "\"10k/s\"",
        (Kind::Switch, _) => "true",
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

const NAME: Spelled = Spelled {
    described: "a name such as \"redis\"",
    pattern: "^[A-Za-z0-9_-]{1,64}$",
    examples: &["redis", "in-process"],
    read: read_name,
};

fn read_name(text: &str) -> Result<String, Misspelt> {
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

const CAPACITY: Spelled = Spelled {
    described: "a capacity such as \"100k entries\", \"1GiB\" or \"unlimited\"",
    pattern: r"^\s*(unlimited|\d[\d_]*(\.\d[\d_]*)?\s*([kKMG]?\s*(entries|entry)|B|[kKMGT]B|[KMGT]iB))\s*$",
    examples: &["100k entries", "1GiB", "unlimited"],
    read: |text| {
        read_capacity(text).map(|capacity| match capacity {
            Capacity::Unlimited => "unlimited".into(),
            Capacity::Entries(count) => format!("{count} entries"),
            Capacity::Bytes(bytes) => Size(bytes).to_string(),
        })
    },
};

/// Reads a tier's capacity.
pub(super) fn read_capacity(text: &str) -> Result<Capacity, Misspelt> {
    let text = text.trim();
    let wrong = |message: String| {
        Misspelt {
        message,
        help: "write a number of entries, an amount of memory, or unlimited: \"100k entries\", \"1GiB\", \"unlimited\"".into(),
    }
    };
    if text == "unlimited" {
        return Ok(Capacity::Unlimited);
    }
    if let Some(count) = text
        .strip_suffix("entries")
        .or_else(|| text.strip_suffix("entry"))
    {
        return match Count::parse(count) {
            Ok(Count(0)) => Err(wrong("a node that holds no entry is no cache".into())),
            Ok(Count(count)) if count <= 10_000_000_000 => Ok(Capacity::Entries(count)),
            Ok(Count(count)) => Err(wrong(format!("{count} entries are more than 10G"))),
            Err(misspelt) => Err(wrong(misspelt.message)),
        };
    }
    if Count::parse(text).is_ok() {
        return Err(wrong(format!(
            "{} could be entries or bytes: did you mean \"{text} entries\" or \"{text}B\"",
            quoted(text)
        )));
    }
    match Size::parse(text) {
        Ok(Size(0)) => Err(wrong("a node that holds no byte is no cache".into())),
        Ok(Size(bytes)) if bytes <= 1 << 50 => Ok(Capacity::Bytes(bytes)),
        Ok(size) => Err(wrong(format!("{size} is more than 1024TiB"))),
        Err(_) => Err(wrong(format!("{} is not a capacity", quoted(text)))),
    }
}

const EVICTION: Spelled = Spelled {
    described: "an eviction policy such as \"lru\"",
    pattern: "^.+$",
    examples: &["lru", "fifo"],
    read: |text| read_eviction(text).map(|spec| spec.to_string()),
};

/// Reads an eviction policy that can serve a tier.
pub(super) fn read_eviction(text: &str) -> Result<PolicySpec, Misspelt> {
    let spec = PolicySpec::parse(text).map_err(|error| match error {
        SpecError::UnknownPolicy {
            name,
            nearest,
            admission,
            known,
        } => Misspelt {
            message: format!("there is no eviction policy {}", quoted(&name)),
            help: match (admission, nearest) {
                (Some(admission), _) => format!(
                    "`{admission}` is an admission: write `lru+{admission}`, for example; known policies: {known}"
                ),
                (_, Some(nearest)) => format!("did you mean `{nearest}`? known: {known}"),
                _ => format!("known: {known}"),
            },
        },
        SpecError::UnknownAdmission {
            name,
            nearest,
            known,
        } => Misspelt {
            message: format!("there is no admission {}", quoted(&name)),
            help: match nearest {
                Some(nearest) => format!("did you mean `{nearest}`? known: {known}"),
                None => format!("known: {known}"),
            },
        },
        other => Misspelt {
            message: other.to_string(),
            help: String::new(),
        },
    })?;
    if spec.description().replay_only {
        let known = eviction::descriptions()
            .filter(|it| !it.replay_only)
            .map(|it| it.name);
        return Err(Misspelt {
            message: format!(
                "the policy `{}` has to know the future, so only `cachesim replay` can run it",
                spec.description().name
            ),
            help: format!("known: {}", known.collect::<Vec<_>>().join(", ")),
        });
    }
    Ok(spec)
}

const JITTER: Spelled = Spelled {
    described: "a one-sided jitter such as \"+0..0.2\"",
    pattern: r"^\s*\+\s*0\s*\.\.\s*\d+(\.\d+)?\s*%?\s*$",
    examples: &["+0..0.2"],
    read: |text| read_jitter(text).map(|above| format!("+0..{above}")),
};

/// Reads a one-sided jitter: by how much the TTL may be longer.
pub(super) fn read_jitter(text: &str) -> Result<f64, Misspelt> {
    let wrong = || {
        Misspelt {
        message: format!("{} is not a jitter", quoted(text)),
        help: "write 0.1 or \"10%\" for up to a tenth less or more, \"+0..0.2\" for up to a fifth more".into(),
    }
    };
    let rest = text.trim().strip_prefix('+').ok_or_else(wrong)?;
    let rest = rest.trim_start().strip_prefix('0').ok_or_else(wrong)?;
    let above = rest
        .trim_start()
        .strip_prefix("..")
        .ok_or_else(wrong)?
        .trim();
    let share = match above.strip_suffix('%') {
        Some(_) => Share::parse(above),
        None => above
            .parse()
            .map_err(|_| wrong())
            .and_then(|number| Share::read(Plain::Float(number))),
    };
    share.map(|share| share.0).map_err(|_| wrong())
}
