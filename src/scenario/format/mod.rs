//! The scenario file, key by key: what each means, what may be written, and what holds where
//! nothing is written.
//!
//! Whatever is chosen by name (distributions, arrivals, policies, schemes, patterns, defences) comes
//! from the table of its own module; this file only gives it a place. Not here: checks that look at
//! several keys at once (`plan`).

use std::sync::LazyLock;

use indexmap::IndexMap;

use super::shape::{Grammar, Need, Shape, Table};
use super::unit::Unit;
use parts::{ANY_DURATION, count, field, range, words};
use workload::{COUNTS, DURATIONS, SIZES, distribution_shape, keys};

mod app;
mod client;
mod database;
mod experiment;
mod nodes;
mod parts;
mod regions;
mod tier;
mod workload;

pub(super) use database::{Pages, read_pages};
pub(super) use tier::{read_capacity, read_eviction, read_jitter};
pub(super) use workload::takes_curve;

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
                Shape::Table(workload::workload()),
                Required,
                "{ arrivals = \"10k/s\", keys = { distribution = \"uniform\", count = \"1M\" } }",
                "what is asked, how often, and of which size",
            ),
            field(
                "client",
                Shape::Table(client::client()),
                Default("{}"),
                "{ deadline = \"1s\", timeout = \"300ms\", retries = 2 }",
                "what clients do beside waiting: deadlines, retries, hedged requests",
            ),
            field(
                "app",
                Shape::Table(app::app()),
                Default("{}"),
                "{ instances = 20 }",
                "the app between the clients and the tiers",
            ),
            field(
                "region",
                Shape::List(Box::new(Shape::Table(regions::region())), 0),
                Default("[]"),
                "[{ name = \"eu\", share = 0.6 }, { name = \"us\", share = 0.4 }]",
                "the regions where app instances live; none means one place",
            ),
            field(
                "link",
                Shape::List(Box::new(Shape::Table(regions::link())), 0),
                Default("[]"),
                "[{ between = [\"eu\", \"us\"], round_trip = \"80ms\" }]",
                "how far regions are from one another; needed from each region that something lives in to all others",
            ),
            field(
                "tier",
                Shape::List(Box::new(Shape::Table(tier::tier())), 0),
                Default("[]"),
                "[{ name = \"redis\", capacity = \"100k entries\" }]",
                "the cache layers, from the client to the database; none means the database alone",
            ),
            field(
                "database",
                Shape::Table(database::database()),
                Required,
                "{ service_time = \"5ms\" }",
                "the database behind all tiers",
            ),
            field(
                "event",
                Shape::List(Box::new(Shape::Choice(app::event())), 0),
                Default("[]"),
                "[{ at = \"2m\", action = \"crash\", target = \"tier.redis.node.0\" }]",
                "the timeline: what happens when, in simulated time",
            ),
            field(
                "alert",
                Shape::List(Box::new(Shape::Table(experiment::alert())), 0),
                Default("[]"),
                "[{ name = \"low hit ratio\", metric = \"hit_ratio\", below = \"80%\", for = \"1m\" }]",
                "what would raise an alarm: rules over sliding windows, from the end of warm-up to that of the arrivals",
            ),
            field(
                "prices",
                Shape::Table(experiment::prices()),
                Optional,
                "{ memory_gb_month = 10.0, database_million_queries = 0.2 }",
                "what things cost; with it, `cost.monthly` is measured",
            ),
            field(
                "variant",
                Shape::List(Box::new(Shape::Table(experiment::variant())), 0),
                Default("[]"),
                "[{ name = \"undefended\", set = { \"tier.redis.defence\" = \"none\" } }]",
                "the scenario with some settings replaced; the file as it stands is the variant `base` and comes first",
            ),
            field(
                "sweep",
                Shape::List(Box::new(Shape::Table(experiment::sweep_axis())), 0),
                Default("[]"),
                "[{ path = \"tier.redis.capacity\", values = [\"10k entries\", \"100k entries\"] }]",
                "settings that take several values: every combination of them is run",
            ),
            field(
                "expect",
                Shape::List(Box::new(Shape::Table(experiment::expect())), 0),
                Default("[]"),
                "[{ metric = \"database.qps.max\", below = \"400/s\" }]",
                "what must hold of the results, or `run` ends with exit status 1",
            ),
            field(
                "baseline",
                Shape::Table(experiment::baseline()),
                Default("{}"),
                "{ fail_if = [\"database.qps.mean > +5%\"] }",
                "how the results are compared with those of another time (`run --baseline`)",
            ),
        ],
        later: Vec::new(),
        presets: &[],
    }
}
