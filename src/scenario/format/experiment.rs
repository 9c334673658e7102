//! The keys of what is done with the results: `[[alert]]`, `[[variant]]`, `[[sweep]]`, `[[expect]]`, `[prices]`, `[baseline]`.

use super::super::shape::{Need, Shape, Spelled, Table};
use super::super::unit::Unit;
use super::parts::{ANY_DURATION, NAME, WORDS, count, field, range, table, words};

pub(super) fn variant() -> Table {
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

pub(super) fn alert() -> Table {
    use Need::{Default, Optional, Required};
    let duration = |name, bounds, default, example, meaning| {
        let shape = Shape::Quantity(Unit::Duration, bounds);
        field(name, shape, Default(default), example, meaning)
    };
    table(vec![
        field(
            "name",
            Shape::Spelled(WORDS),
            Required,
            "\"low hit ratio\"",
            "what reports call the alert; words of letters, digits, `-` and `_`; unique",
        ),
        field(
            "metric",
            Shape::Text,
            Required,
            "\"stampede.events\"",
            "what is watched; see `cachesim list alert-metrics`",
        ),
        field(
            "above",
            Shape::Measure,
            Optional,
            "10",
            "it is an alert while the metric is above this; a bare number is in base units (seconds, bytes, per second, shares)",
        ),
        field(
            "below",
            Shape::Measure,
            Optional,
            "\"80%\"",
            "in place of `above`: while the metric is below this",
        ),
        duration(
            "per",
            range("1s", "1d"),
            "\"1m\"",
            "\"5m\"",
            "the sliding window that the metric is taken over, in whole seconds: counts are of so long, ratios, rates and percentiles of what was measured in it",
        ),
        duration(
            "for",
            ANY_DURATION,
            "\"0s\"",
            "\"5m\"",
            "how long it must be so without a break before the alert fires, in whole seconds; looked at once a second",
        ),
        duration(
            "keep_firing_for",
            ANY_DURATION,
            "\"0s\"",
            "\"1m\"",
            "how long it must be over without a break before the alert is resolved, in whole seconds",
        ),
    ])
}

pub(super) fn prices() -> Table {
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
            "of one of the database's connections for a month, those of replicas included",
        ),
        price(
            "replica_month",
            "200.0",
            "of a replica of the database for a month, beside its connections",
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

pub(super) fn sweep_axis() -> Table {
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

pub(super) fn baseline() -> Table {
    table(vec![field(
        "fail_if",
        Shape::List(Box::new(Shape::Spelled(FAIL_IF)), 0),
        Need::Default("[]"),
        "[\"database.qps.mean > +5%\", \"hit_ratio < -1pp\"]",
        "`run --baseline` ends with exit status 1 if the whole 95 % interval of a change is beyond one of these; `%` is of the baseline's value, `pp` are percentage points, and what has no sign is a bound on the metric itself; `NAME: ` before the metric names one variant",
    )])
}

pub(super) const FAIL_IF: Spelled = Spelled {
    described: "a limit such as \"database.qps.mean > +5%\"",
    pattern: r"^\s*([A-Za-z0-9_-]+\s*:)?\s*[A-Za-z0-9_.-]+( [A-Za-z0-9_.-]+)*\s*[<>]\s*[+-]?\s*\d.*$",
    examples: &["database.qps.mean > +5%", "hit_ratio < -1pp"],
    read: |text| crate::scenario::limit::parts(text).map(|_| text.trim().to_owned()),
};

pub(super) fn expect() -> Table {
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
