//! Made-up results for tests of reports: a stampede on a hot key, with one tier in front of the
//! database.

use indexmap::IndexMap;

use crate::{
    experiment::{
        Interval, Results, SweepResults, combine, expectation,
        sweep::{CellResults, CellVariant},
    },
    metrics::{self, Alert, AlertCondition, Firing, Outcome, Series, Unit},
    random::Luck,
    scenario::{Axis, AxisSetting, Condition, Expectation},
};

const NAMES: [&str; 6] = [
    "base",
    "undefended",
    "lock",
    "early-expiration-with-a-rather-long-name",
    "stale-while-revalidate",
    "ttl_jitter_10_percent",
];

/// One run of each of so many variants, at most 6.
pub fn stampede(variants: usize) -> Results {
    replicated(variants, 1)
}

/// Several runs of each of so many variants, at most 6.
pub fn replicated(variants: usize, replications: u64) -> Results {
    let runs = (0..variants)
        .map(|variant| {
            let runs = (0..replications).map(|r| outcome(variant, r)).collect();
            (NAMES[variant].to_owned(), 30.0, runs)
        })
        .collect();
    let variants = combine(runs);
    let expectation = |variant: &str, metric: &str, condition, line| Expectation {
        variant: variant.to_owned(),
        metric: metric.to_owned(),
        condition,
        line,
    };
    let expectations = [
        expectation("base", "database.qps.max", Condition::Below(400.0), 31),
        expectation("undefended", "latency.p99", Condition::Below(0.05), 36),
        expectation(
            "lock",
            "tier.redis.hit_ratio",
            Condition::AboveVariant {
                variant: "base".to_owned(),
                factor: 0.9,
            },
            41,
        ),
    ];
    Results {
        version: "0.1.0".to_owned(),
        command: "cachesim run stampede.toml".to_owned(),
        name: "stampede".to_owned(),
        title: "Stampede on a hot key".to_owned(),
        description: "A hot key expires under 10 000 requests a second.".to_owned(),
        seed: 7,
        replications,
        resolved: serde_json::json!({ "title": "Stampede on a hot key", "seed": 7 }),
        expectations: expectation::judge(&expectations, &variants),
        variants,
        ..Results::default()
    }
}

/// The same with two alerts, of which the second variant raises both.
pub fn with_alerts(variants: usize, replications: u64) -> Results {
    let mut results = replicated(variants, replications);
    for (index, variant) in results.variants.iter_mut().enumerate() {
        let alert = |name: &str, metric: &str, unit, condition, for_s, firings: &[Firing]| Alert {
            name: name.to_owned(),
            metric: metric.to_owned(),
            unit,
            condition,
            per_s: 60.0,
            for_s,
            firings: firings.iter().filter(|_| index == 1).copied().collect(),
        };
        let firing = |from_s: f64, until_s, worst| Firing {
            since_s: from_s - 1.0,
            from_s,
            until_s,
            worst,
        };
        let stampedes = [80.0, 140.0, 200.0, 260.0, 290.0]
            .map(|from_s| firing(from_s, Some(from_s + 25.0), 31.0));
        variant.alerts = vec![
            alert(
                "stampedes",
                "stampede.events",
                Unit::Count,
                AlertCondition::Above(10.0),
                30.0,
                &stampedes,
            ),
            alert(
                "low hit ratio",
                "hit_ratio",
                Unit::Ratio,
                AlertCondition::Below(0.8),
                0.0,
                &[firing(122.0, None, 0.63)],
            ),
        ];
        for alert in &variant.alerts {
            let times = vec![alert.firings.len() as f64; replications as usize];
            let name = format!("alert.{}.fired", alert.name);
            let interval = Interval::of(times.iter().copied(), Unit::Count);
            variant.metrics.insert(name.clone(), interval);
            variant.samples.insert(name, times);
        }
    }
    results
}

/// A sweep of two axes, with so many variants, in which the expectation of the first cell is broken.
pub fn sweep(variants: usize) -> SweepResults {
    let run = stampede(variants);
    let axis = |path: &str, values: &[&str]| Axis {
        settings: vec![AxisSetting {
            path: path.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        }],
    };
    let cells = (0..6).map(|number: usize| CellResults {
        indexes: vec![number / 3, number % 3],
        replications: 1,
        variants: run
            .variants
            .iter()
            .map(|variant| CellVariant {
                name: variant.name.as_str().into(),
                metrics: variant
                    .metrics
                    .iter()
                    .map(|(name, interval)| {
                        let factor = 1.0 - 0.1 * number as f64;
                        let mut interval = *interval;
                        interval.mean *= factor;
                        (name.as_str().into(), interval)
                    })
                    .collect(),
            })
            .collect(),
        held: (usize::from(number > 0), 1),
        broken: (number == 0).then(|| run.expectations[0].clone()),
    });
    SweepResults {
        version: run.version.clone(),
        name: run.name.clone(),
        title: run.title.clone(),
        description: run.description.clone(),
        command: run.command.clone(),
        seed: run.seed,
        resolved: run.resolved.clone(),
        axes: vec![
            axis("tier.redis.capacity", &["1k entries", "10k entries"]),
            axis("tier.redis.ttl", &["1s", "10s", "never"]),
        ],
        cells: cells.collect(),
    }
}

/// A plausible outcome: the more undefended, the worse.
fn outcome(variant: usize, replication: u64) -> Outcome {
    let badness = [1.0, 12.0, 1.4, 0.9, 0.8, 1.1][variant];
    // Luck is shared between variants, with a little that is not.
    let luck = |name: &str| {
        let shared = Luck::new(7, replication).stream(name).at(0).unit();
        let own = Luck::new(7, replication)
            .stream(name)
            .at(variant as u64 + 1)
            .unit();
        1.0 + 0.05 * (shared - 0.5) + 0.01 * (own - 0.5)
    };
    let mut values = IndexMap::new();
    // No alerts, no limited connections, no filter of the app.
    let is_there = |name: &str| {
        !name.starts_with("alert.")
            && !name.contains(".connections.")
            && name != "app.bloom_filter.share_of_reads"
    };
    let rows = metrics::CATALOGUE.iter();
    for metric in rows.filter(|row| is_there(row.name)) {
        for node in 0..3 {
            let name = metric
                .name
                .replace("<tier>", "redis")
                .replace("<i>", &node.to_string());
            let value = match metric.name {
                "requests.arrived" | "requests.answered" => 2_700_000.0,
                "requests.failed" => {
                    if variant == 1 {
                        1234.0
                    } else {
                        0.0
                    }
                }
                "requests.rate" => 10_000.0,
                "goodput.rate" => 10_000.0 - if variant == 1 { 4.57 } else { 0.0 },
                "hit_ratio" => 1.0 - 0.0213 * badness * luck(&name),
                "tier.<tier>.hit_ratio" => 0.9787 - 0.01 * badness,
                "tier.<tier>.delayed_hit_ratio" => 0.0043 * badness,
                "tier.<tier>.miss_ratio" => 0.017 + 0.0057 * badness,
                "tier.<tier>.imbalance" => 1.337,
                "staleness.max" => f64::NAN,
                // Nobody writes, and clients have no identity.
                name if name.starts_with("write.latency") => f64::NAN,
                name if name.ends_with("_violations") => f64::NAN,
                "database.writes.rate" => 0.0,
                name if name.contains(".refreshes.") || name.contains(".flushes.") => 0.0,
                name if name.contains(".dirty") || name.starts_with("consistency.") => 0.0,
                // No memory that could be too small, and no replicas.
                name if name.starts_with("database.buffer_pool") => f64::NAN,
                name if name.contains("replica") || name.contains("primary") => f64::NAN,
                "database.failovers" => f64::NAN,
                "cost.monthly" => 1000.0 + 10.0 * badness,
                "stampede.events" => {
                    if variant == 1 {
                        17.0
                    } else {
                        0.0
                    }
                }
                name => {
                    let size = match metric.unit {
                        Unit::Seconds => 0.001,
                        Unit::Bytes | Unit::BytesPerSecond => 123_456_789.0,
                        Unit::PerSecond => 213.0,
                        Unit::Ratio => 0.03,
                        Unit::Count | Unit::Money => 7.0,
                    };
                    let worse = if name.ends_with("max") { 4.0 } else { 1.0 };
                    let value = size * worse * badness * luck(name);
                    if metric.unit == Unit::Count {
                        value.floor()
                    } else {
                        value
                    }
                }
            };
            values.insert(name, value);
        }
    }
    Outcome {
        metrics: values,
        series: series(variant, badness, replication),
        latency_quantiles: quantiles(badness),
        staleness_quantiles: quantiles(badness),
        ..Outcome::default()
    }
}

/// 300 points of one second: the hot key expires once a minute; a node is down from 2:00 to 2:20.
fn series(variant: usize, badness: f64, replication: u64) -> Vec<Series> {
    let noise = |purpose: &str, second: usize| {
        let own = Luck::new(7 + variant as u64, replication).stream(purpose);
        1.0 + 0.2 * (own.at(second as u64).unit() - 0.5)
    };
    let series = |name: &str, unit, value: &dyn Fn(usize) -> f64| Series {
        name: name.to_owned(),
        unit,
        step_s: 1.0,
        values: (0..300).map(value).collect(),
    };
    let trouble = |second: usize| {
        let warmup = 40.0 * libm::exp(-(second as f64) / 6.0);
        let expiry = if second % 60 < 2 { 8.0 * badness } else { 0.0 };
        let crash = if (120..140).contains(&second) {
            12.0
        } else {
            0.0
        };
        1.0 + warmup + expiry + crash
    };
    vec![
        series("database.qps", Unit::PerSecond, &|second| {
            200.0 * (0.9 + 0.1 * badness) * trouble(second) * noise("qps", second)
        }),
        series("latency.p99", Unit::Seconds, &|second| {
            // Nobody was answered for a while.
            if variant == 1 && (180..186).contains(&second) {
                return f64::NAN;
            }
            0.004 * (0.8 + 0.2 * badness) * trouble(second) * noise("p99", second)
        }),
        series("hit_ratio", Unit::Ratio, &|second| {
            1.0 - (0.02 * trouble(second) * (0.9 + 0.1 * badness)).min(1.0)
        }),
    ]
}

fn quantiles(badness: f64) -> Vec<(f64, f64)> {
    [
        0.0, 0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.98, 0.99, 0.995, 0.999, 0.9995,
        0.9999, 0.99999, 1.0,
    ]
    .into_iter()
    .map(|quantile: f64| {
        let nines = -libm::log10((1.0 - quantile).max(1e-6));
        let tail = libm::exp(nines * 1.1) * badness.max(1.0);
        (
            quantile,
            0.000_25
                + if quantile < 0.9 {
                    0.000_05 * nines
                } else {
                    0.000_3 * tail
                },
        )
    })
    .collect()
}
