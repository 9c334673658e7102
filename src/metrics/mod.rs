//! What is measured: counters, histograms, time series, and the names under which they come out.

mod catalogue;
mod heavy_hitters;
mod histogram;
mod meter;
mod misses;
mod seconds;
mod tracer;

pub use catalogue::CATALOGUE;
pub use heavy_hitters::HeavyHitters;
pub use histogram::Histogram;
pub use meter::{
    BloomMeter, Counter, Failure, GIVEN_BY_FILTER, Gauge, GuardMeter, InFlight, LossCause, Meter,
    OutcomeCounters, PoolMeter, ReadOutcome, RequestMeter, Step, TierMeter, WriteLedger,
};
pub use misses::{Miss, MissLog};
pub use seconds::Seconds;
pub use tracer::{Fork, Lane, OpenSpan, Span, Traced, TracedRequest, Tracer, within};

/// Of a tier with more nodes than this, those with lower numbers are reported one by one; what is
/// measured of the whole tier is of all nodes.
pub const NODES_REPORTED_MAX: u32 = 100;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// Units in which metrics are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Events per second.
    PerSecond,
    /// Bytes per second.
    BytesPerSecond,
    /// A share in 0..1 (or a plain ratio).
    Ratio,
    /// A number of things.
    Count,
    /// An amount of money, in the currency of the scenario's prices.
    Money,
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
    /// The staleness of those answered reads that were stale: (quantile in 0..1, seconds), rising;
    /// empty if none was.
    pub staleness_quantiles: Vec<(f64, f64)>,
    /// The keys that each tier was asked for most, tier by tier, most first.
    pub top_keys: Vec<TopKey>,
    /// The rules that were watched, in the order of the scenario.
    pub alerts: Vec<Alert>,
    /// Requests that arrived, warm-up included.
    pub requests: u64,
    /// Events that the kernel carried out.
    pub events: u64,
}

/// A key among those that a tier was asked for most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopKey {
    /// The tier's name.
    pub tier: String,
    /// The key of the row, whatever entries of it the tier has.
    pub key: u64,
    /// Exchanges about it per second, at least: an estimate from a sample.
    pub rate: f64,
    /// Those as a share of all exchanges of the tier.
    pub share: f64,
}

/// A rule of the scenario that was watched, and when it fired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// What it watches.
    pub metric: String,
    /// The unit of that.
    pub unit: Unit,
    /// What must hold of it.
    pub condition: AlertCondition,
    /// The length of the sliding window, in seconds.
    pub per_s: f64,
    /// For how long the condition must hold before the rule fires, in seconds.
    pub for_s: f64,
    /// Its firings, in the order of time; of one that flaps, the first thousand.
    pub firings: Vec<Firing>,
}

/// What must hold for an alert, in the unit of what it watches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertCondition {
    /// More than this.
    Above(f64),
    /// Less than this.
    Below(f64),
}

impl AlertCondition {
    /// Whether it holds of `value`; not of NaN.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::Above(limit) => value > limit,
            Self::Below(limit) => value < limit,
        }
    }

    /// Of two values, the one further beyond the limit.
    #[must_use]
    pub fn worse(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Above(_) => one.max(other),
            Self::Below(_) => one.min(other),
        }
    }
}

/// One time that an alert fired; instants are seconds of simulated time, from the start of the run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Firing {
    /// Since when the condition had held.
    pub since_s: f64,
    /// When it fired.
    pub from_s: f64,
    /// When it was resolved; none if it was still firing when the run ended.
    pub until_s: Option<f64>,
    /// The worst value from the first to the last.
    pub worst: f64,
}

/// A time series over one run, bounded to a few hundred points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The name: `database.qps`, `latency.p99`, `hit_ratio`, `tier.<tier>.hit_ratio`, ...
    pub name: String,
    /// The unit of the values.
    pub unit: Unit,
    /// Seconds of simulated time covered by one point; the first point starts at 0, so warm-up is
    /// included.
    pub step_s: f64,
    /// One value per step; NaN where nothing happened that could be measured.
    #[serde(deserialize_with = "numbers_or_null")]
    pub values: Vec<f64>,
}

/// JSON has no NaN: what was not measured is `null` there.
fn numbers_or_null<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let numbers = Vec::<Option<f64>>::deserialize(from)?;
    Ok(numbers
        .into_iter()
        .map(|one| one.unwrap_or(f64::NAN))
        .collect())
}

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
