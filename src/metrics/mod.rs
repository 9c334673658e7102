//! What is measured: counters, histograms, time series, and the names under which they come out.

mod catalogue;
mod histogram;
mod meter;

pub use catalogue::CATALOGUE;
pub use histogram::Histogram;
pub use meter::{Counter, Failure, InFlight, Meter, OutcomeCounters, ReadOutcome, Step, TierMeter};

use indexmap::IndexMap;
use serde::Serialize;

/// Units in which metrics are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Events per second.
    PerSecond,
    /// A share in 0..1 (or a plain ratio).
    Ratio,
    /// A number of things.
    Count,
}

/// Which way of a metric is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// It depends.
    Neither,
}

/// One row of the catalogue of metrics. `<tier>` in a name stands for a tier's name and `<i>` for a
/// node's number.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name in the contract, for example `tier.<tier>.hit_ratio`.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which way is good news.
    pub better: Better,
    /// What the number means and how it is measured, in one sentence.
    pub meaning: &'static str,
}

/// The result of one run (one replication of one variant).
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Every metric by its name, in the order of the catalogue; base units.
    pub metrics: IndexMap<String, f64>,
    /// Time series, in a fixed order.
    pub series: Vec<Series>,
    /// The latency distribution of answered requests: (quantile in 0..1, seconds), rising.
    pub latency_quantiles: Vec<(f64, f64)>,
}

/// A time series over one run, bounded to a few hundred points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// The name: `database.qps`, `latency.p99`, `hit_ratio`, `tier.<tier>.hit_ratio`, ...
    pub name: String,
    /// The unit of the values.
    pub unit: Unit,
    /// Seconds of simulated time covered by one point; the first point starts at 0, so warm-up is
    /// included.
    pub step_s: f64,
    /// One value per step; NaN where nothing happened that could be measured.
    pub values: Vec<f64>,
}

/// Stand-in: the catalogue of metrics, in the order in which they come out.
pub const CATALOGUE: &[Metric] = &[
    Metric {
        name: "requests.arrived",
        unit: Unit::Count,
        better: Better::Neither,
        meaning: "Requests that arrived after warm-up.",
    },
    Metric {
        name: "requests.answered",
        unit: Unit::Count,
        better: Better::Higher,
        meaning: "Requests that were answered.",
    },
    Metric {
        name: "requests.failed",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "Requests that failed.",
    },
    Metric {
        name: "requests.rate",
        unit: Unit::PerSecond,
        better: Better::Neither,
        meaning: "Arrivals per second.",
    },
    Metric {
        name: "goodput.rate",
        unit: Unit::PerSecond,
        better: Better::Higher,
        meaning: "Answers per second.",
    },
    Metric {
        name: "latency.mean",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "latency.p50",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "latency.p90",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "latency.p99",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "latency.p999",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "latency.max",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "read.latency.mean",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "read.latency.p50",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "read.latency.p90",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "read.latency.p99",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "read.latency.p999",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "read.latency.max",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "write.latency.mean",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "write.latency.p50",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "write.latency.p90",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "write.latency.p99",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "write.latency.p999",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "write.latency.max",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Latency of answered requests, as the client sees it.",
    },
    Metric {
        name: "hit_ratio",
        unit: Unit::Ratio,
        better: Better::Higher,
        meaning: "Share of answered reads that needed no database query of their own.",
    },
    Metric {
        name: "tier.<tier>.hit_ratio",
        unit: Unit::Ratio,
        better: Better::Higher,
        meaning: "Share of the lookups that reached the tier.",
    },
    Metric {
        name: "tier.<tier>.delayed_hit_ratio",
        unit: Unit::Ratio,
        better: Better::Neither,
        meaning: "Share of the lookups that reached the tier.",
    },
    Metric {
        name: "tier.<tier>.stale_hit_ratio",
        unit: Unit::Ratio,
        better: Better::Neither,
        meaning: "Share of the lookups that reached the tier.",
    },
    Metric {
        name: "tier.<tier>.negative_hit_ratio",
        unit: Unit::Ratio,
        better: Better::Neither,
        meaning: "Share of the lookups that reached the tier.",
    },
    Metric {
        name: "tier.<tier>.miss_ratio",
        unit: Unit::Ratio,
        better: Better::Lower,
        meaning: "Share of the lookups that reached the tier.",
    },
    Metric {
        name: "tier.<tier>.rate",
        unit: Unit::PerSecond,
        better: Better::Neither,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.evictions.rate",
        unit: Unit::PerSecond,
        better: Better::Neither,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.expirations.rate",
        unit: Unit::PerSecond,
        better: Better::Neither,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.entries",
        unit: Unit::Count,
        better: Better::Neither,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.bytes",
        unit: Unit::Bytes,
        better: Better::Neither,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.latency.p99",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.utilization",
        unit: Unit::Ratio,
        better: Better::Lower,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.imbalance",
        unit: Unit::Ratio,
        better: Better::Lower,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.node.<i>.rate",
        unit: Unit::PerSecond,
        better: Better::Neither,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.node.<i>.utilization",
        unit: Unit::Ratio,
        better: Better::Lower,
        meaning: "Of the tier.",
    },
    Metric {
        name: "tier.<tier>.node.<i>.entries",
        unit: Unit::Count,
        better: Better::Neither,
        meaning: "Of the tier.",
    },
    Metric {
        name: "database.qps.mean",
        unit: Unit::PerSecond,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.qps.max",
        unit: Unit::PerSecond,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.reads.rate",
        unit: Unit::PerSecond,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.writes.rate",
        unit: Unit::PerSecond,
        better: Better::Neither,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.utilization",
        unit: Unit::Ratio,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.wait.mean",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.wait.p99",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.inflight.max",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.queue.max",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "database.rejected",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "Of the database.",
    },
    Metric {
        name: "stampede.events",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "Keys fetched more than once at a time.",
    },
    Metric {
        name: "stampede.peak",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "The most fetches of one key at once.",
    },
    Metric {
        name: "staleness.ratio",
        unit: Unit::Ratio,
        better: Better::Lower,
        meaning: "Share of answered reads.",
    },
    Metric {
        name: "staleness.mean",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Of answered reads.",
    },
    Metric {
        name: "staleness.p99",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Of answered reads.",
    },
    Metric {
        name: "staleness.max",
        unit: Unit::Seconds,
        better: Better::Lower,
        meaning: "Of answered reads.",
    },
    Metric {
        name: "consistency.lost_writes",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "Of acknowledged writes.",
    },
    Metric {
        name: "consistency.read_your_writes_violations",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "Of answered reads.",
    },
    Metric {
        name: "consistency.monotonic_read_violations",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "Of answered reads.",
    },
    Metric {
        name: "cost.monthly",
        unit: Unit::Count,
        better: Better::Lower,
        meaning: "When the scenario names prices.",
    },
];

/// The row of the catalogue for a metric's name as it comes out, for example
/// `tier.redis.hit_ratio`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Metric> {
    CATALOGUE.iter().find(|metric| {
        let mut parts = name.split('.');
        let all = metric.name.split('.').all(|pattern| {
            parts
                .next()
                .is_some_and(|part| pattern.starts_with('<') || pattern == part)
        });
        all && parts.next().is_none()
    })
}
