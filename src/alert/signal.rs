//! What an alert can watch: whatever the meter counts from second to second. One row of [`SIGNALS`]
//! makes a signal.
//!
//! Where the catalogue of metrics has the same name, it is the same thing, of a window in place of the
//! measured time.

use std::fmt;

use crate::kernel::Usage;
use crate::metrics::{self, Counter, GuardMeter, Histogram, LossCause, Meter, ReadOutcome, Unit};
use crate::pattern::System;
use crate::units::{Key, Nanoseconds};

/// Where a signal is read.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) meter: &'a Meter,
    pub(super) system: &'a System,
    pub(super) now_ns: Nanoseconds,
    /// Of the signals of a tier, which.
    pub(super) tier: usize,
}

/// A total that never falls.
type Total = fn(&Place<'_>) -> u128;

/// Durations with how often each has been recorded, rising.
type Durations = fn(&Place<'_>) -> Vec<(Nanoseconds, u64)>;

/// How a signal follows from what is counted.
pub(super) enum Kind {
    /// So many in the window.
    Count(Total),
    /// `factor` times what came to one total over what came to the other.
    Share {
        part: Total,
        whole: Total,
        factor: f64,
    },
    /// A quantile of the durations recorded in the window.
    Quantile(Durations, f64),
    /// The rate of the key that was asked for most in the window.
    HottestKey,
}

/// One row of the table of signals. `<tier>` in a name stands for a tier's name.
pub struct Row {
    /// The name, for example `tier.<tier>.hit_ratio`.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// What it means, where that is not in the catalogue.
    own_meaning: &'static str,
    pub(super) kind: Kind,
}

impl Row {
    /// What it means.
    #[must_use]
    pub fn meaning(&self) -> &'static str {
        match metrics::CATALOGUE.iter().find(|row| row.name == self.name) {
            Some(row) if self.own_meaning.is_empty() => row.meaning,
            _ => self.own_meaning,
        }
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name)
    }
}

/// A row, and of which tier.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    pub(super) row: &'static Row,
    tier: Option<usize>,
}

impl Signal {
    /// The signal of that full name, where there are tiers of these names; otherwise nothing.
    #[must_use]
    pub fn find(name: &str, tiers: &[&str]) -> Option<Self> {
        let (general, tier) = match name.strip_prefix("tier.").and_then(|it| it.split_once('.')) {
            Some((tier, what)) => {
                let number = tiers.iter().position(|known| *known == tier)?;
                (format!("tier.<tier>.{what}"), Some(number))
            }
            None => (name.to_owned(), None),
        };
        let row = SIGNALS.iter().find(|row| row.name == general)?;
        Some(Self { row, tier })
    }

    /// The names of all signals where there are tiers of these names.
    #[must_use]
    pub fn names(tiers: &[&str]) -> Vec<String> {
        let mut names = Vec::new();
        for row in SIGNALS {
            if row.name.contains("<tier>") {
                names.extend(tiers.iter().map(|tier| row.name.replace("<tier>", tier)));
            } else {
                names.push(row.name.to_owned());
            }
        }
        names
    }

    /// The unit of its values.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.row.unit
    }

    /// Whether it is counted at tiers, so that there has to be one.
    #[must_use]
    pub fn needs_tiers(&self) -> bool {
        matches!(self.row.kind, Kind::HottestKey)
    }

    /// Whether the meter has to keep the keys of each second.
    pub(super) fn needs_recent_keys(&self) -> bool {
        matches!(self.row.kind, Kind::HottestKey)
    }
}

impl Place<'_> {
    pub(super) fn of(&self, signal: &Signal) -> Self {
        Self {
            tier: signal.tier.unwrap_or(0),
            ..*self
        }
    }

    /// The keys that were asked for most in the second that is over, with the number of their tier, and
    /// how often in the sample.
    pub(super) fn recent_keys(&self, signal: &Signal) -> Vec<((usize, Key), u64)> {
        let tiers = self.meter.tiers.iter().enumerate();
        let asked = tiers.filter(|(tier, _)| signal.tier.is_none_or(|asked| asked == *tier));
        let of_tier = |(tier, counts): (usize, &metrics::TierMeter)| {
            let recent = counts.recent_keys.borrow();
            let top = recent.as_ref().map(|keys| keys.top(usize::MAX));
            let top = top.unwrap_or_default().into_iter();
            top.map(move |(key, count)| ((tier, key), count))
        };
        asked.flat_map(of_tier).collect()
    }

    /// How many exchanges so many in the sample stand for.
    pub(super) fn sampled(&self, sampled: u64) -> f64 {
        let layer = self.system.layers.first();
        layer.map_or(0.0, |layer| layer.tier.sampled(sampled))
    }

    fn tier(&self) -> &metrics::TierMeter {
        &self.meter.tiers[self.tier]
    }

    fn lookups(&self, outcome: ReadOutcome) -> u128 {
        self.tier().lookups.get(outcome).into()
    }

    fn queries(&self) -> u128 {
        let database = &self.meter.database;
        u128::from(database.reads.get() + database.writes.get())
    }

    /// Of all nodes of the tier.
    fn nodes_area_ns(&self, of: fn(&Usage) -> u128) -> u128 {
        let tier = &self.system.layers[self.tier].tier;
        tier.node_usages().map(|usage| of(&usage)).sum()
    }

    /// Of the circuit breakers that are open.
    fn open_area_ns(&self, guard: &GuardMeter) -> u128 {
        guard.open_breakers.area_ns(self.now_ns)
    }

    /// Of all app instances.
    fn instances_ns(&self) -> u128 {
        u128::from(self.system.rotation.instances()) * u128::from(self.now_ns)
    }

    /// Of all servers of the database.
    fn area_ns(&self, of: fn(&Usage) -> u128) -> u128 {
        self.system.database.usages().map(|usage| of(&usage)).sum()
    }
}

fn of_all(counters: &[Counter]) -> u128 {
    counters.iter().map(Counter::get).sum::<u64>().into()
}

/// The durations of some histograms together.
fn recorded(histograms: &[&std::cell::RefCell<Histogram>]) -> Vec<(Nanoseconds, u64)> {
    match histograms {
        [one] => one.borrow().recorded(),
        several => {
            let mut all = Histogram::default();
            several.iter().for_each(|one| all.add(&one.borrow()));
            all.recorded()
        }
    }
}

const fn count(name: &'static str, total: Total) -> Row {
    Row {
        name,
        unit: Unit::Count,
        own_meaning: "",
        kind: Kind::Count(total),
    }
}

const fn share(name: &'static str, part: Total, whole: Total) -> Row {
    Row {
        name,
        unit: Unit::Ratio,
        own_meaning: "",
        kind: Kind::Share {
            part,
            whole,
            factor: 1.0,
        },
    }
}

const fn rate(name: &'static str, part: Total) -> Row {
    Row {
        name,
        unit: Unit::PerSecond,
        own_meaning: "",
        kind: Kind::Share {
            part,
            whole: |place| place.now_ns.into(),
            factor: 1e9,
        },
    }
}

/// A number that changes, averaged over time.
const fn level(name: &'static str, area_ns: Total) -> Row {
    Row {
        unit: Unit::Count,
        ..share(name, area_ns, |place| place.now_ns.into())
    }
}

/// The mean of durations of which the sum is known in nanoseconds.
const fn mean(name: &'static str, sum_ns: Total, whole: Total) -> Row {
    Row {
        name,
        unit: Unit::Seconds,
        own_meaning: "",
        kind: Kind::Share {
            part: sum_ns,
            whole,
            factor: 1e-9,
        },
    }
}

const fn quantile(name: &'static str, durations: Durations, quantile: f64) -> Row {
    Row {
        name,
        unit: Unit::Seconds,
        own_meaning: "",
        kind: Kind::Quantile(durations, quantile),
    }
}

const fn hottest_key(name: &'static str, own_meaning: &'static str) -> Row {
    Row {
        name,
        unit: Unit::PerSecond,
        own_meaning,
        kind: Kind::HottestKey,
    }
}

const fn meaning(own_meaning: &'static str, row: Row) -> Row {
    Row { own_meaning, ..row }
}

const READS: Durations = |place| recorded(&[&place.meter.requests.read_latency]);
const WRITES: Durations = |place| recorded(&[&place.meter.requests.write_latency]);
const REQUESTS: Durations = |place| {
    let requests = &place.meter.requests;
    recorded(&[&requests.read_latency, &requests.write_latency])
};

/// All signals, in the order of reports.
pub static SIGNALS: &[Row] = &[
    count("requests.arrived", |it| {
        it.meter.requests.arrived.get().into()
    }),
    count("requests.answered", |it| {
        it.meter.requests.answered.get().into()
    }),
    count("requests.failed", |it| it.meter.requests.failed().into()),
    count("requests.rejected", |it| {
        it.meter.requests.rejected.get().into()
    }),
    count("requests.timed_out", |it| {
        it.meter.requests.timed_out.get().into()
    }),
    count("requests.unavailable", |it| {
        it.meter.requests.unavailable.get().into()
    }),
    count("requests.shed", |it| it.meter.requests.shed.get().into()),
    count("deadline.missed", |it| {
        it.meter.requests.gave_up.get().into()
    }),
    rate("requests.rate", |it| it.meter.requests.arrived.get().into()),
    level("requests.concurrency", |it| {
        it.meter.in_system_area_ns(it.now_ns)
    }),
    rate("goodput.rate", |it| it.meter.requests.answered.get().into()),
    meaning(
        "share of the requests decided in the window, answered or failed, that were answered",
        share(
            "goodput.ratio",
            |it| it.meter.requests.answered.get().into(),
            |it| (it.meter.requests.answered.get() + it.meter.requests.failed()).into(),
        ),
    ),
    meaning(
        "requests that failed, per second",
        rate("failures", |it| it.meter.requests.failed().into()),
    ),
    mean(
        "latency.mean",
        |it| {
            let requests = &it.meter.requests;
            requests.read_latency.borrow().sum_ns() + requests.write_latency.borrow().sum_ns()
        },
        |it| it.meter.requests.answered.get().into(),
    ),
    quantile("latency.p50", REQUESTS, 0.5),
    quantile("latency.p90", REQUESTS, 0.9),
    quantile("latency.p99", REQUESTS, 0.99),
    quantile("latency.p999", REQUESTS, 0.999),
    quantile("latency.max", REQUESTS, 1.0),
    quantile("read.latency.p50", READS, 0.5),
    quantile("read.latency.p90", READS, 0.9),
    quantile("read.latency.p99", READS, 0.99),
    quantile("read.latency.p999", READS, 0.999),
    quantile("read.latency.max", READS, 1.0),
    quantile("write.latency.p50", WRITES, 0.5),
    quantile("write.latency.p90", WRITES, 0.9),
    quantile("write.latency.p99", WRITES, 0.99),
    quantile("write.latency.p999", WRITES, 0.999),
    quantile("write.latency.max", WRITES, 1.0),
    share(
        "hit_ratio",
        |it| {
            let reads = &it.meter.requests.reads;
            (reads.total() - reads.get(ReadOutcome::Miss)).into()
        },
        |it| it.meter.requests.reads.total().into(),
    ),
    hottest_key(
        "key.rate",
        "exchanges per second about the key that was asked for most in the window, in the tier where that is most; at least: an estimate from one in 16 requests",
    ),
    share(
        "tier.<tier>.hit_ratio",
        |it| it.lookups(ReadOutcome::Hit),
        |it| it.tier().lookups.total().into(),
    ),
    share(
        "tier.<tier>.delayed_hit_ratio",
        |it| it.lookups(ReadOutcome::DelayedHit),
        |it| it.tier().lookups.total().into(),
    ),
    share(
        "tier.<tier>.stale_hit_ratio",
        |it| it.lookups(ReadOutcome::StaleHit),
        |it| it.tier().lookups.total().into(),
    ),
    share(
        "tier.<tier>.negative_hit_ratio",
        |it| it.lookups(ReadOutcome::NegativeHit),
        |it| it.tier().lookups.total().into(),
    ),
    share(
        "tier.<tier>.miss_ratio",
        |it| it.lookups(ReadOutcome::Miss),
        |it| it.tier().lookups.total().into(),
    ),
    rate("tier.<tier>.rate", |it| of_all(&it.tier().node_exchanges)),
    count("tier.<tier>.refused", |it| it.tier().refused.get().into()),
    count("tier.<tier>.shed", |it| it.tier().guard.shed.get().into()),
    rate("tier.<tier>.evictions.rate", |it| {
        it.tier().evictions.get().into()
    }),
    rate("tier.<tier>.expirations.rate", |it| {
        it.tier().expirations.get().into()
    }),
    quantile(
        "tier.<tier>.latency.p99",
        |it| recorded(&[&it.tier().lookup_latency]),
        0.99,
    ),
    level("tier.<tier>.dirty", |it| it.tier().dirty.area_ns(it.now_ns)),
    meaning(
        "workers of all nodes that were busy, averaged over the window",
        level("tier.<tier>.in_use", |it| {
            it.nodes_area_ns(|usage| usage.busy_area_ns)
        }),
    ),
    meaning(
        "exchanges in the queues of all nodes, averaged over the window",
        level("tier.<tier>.queue", |it| {
            it.nodes_area_ns(|usage| usage.queue_area_ns)
        }),
    ),
    share(
        "tier.<tier>.breaker.open_ratio",
        |it| it.open_area_ns(&it.meter.tiers[it.tier].guard),
        |it| it.instances_ns(),
    ),
    hottest_key("tier.<tier>.key.rate", "as key.rate, of this tier"),
    meaning(
        "queries (reads and writes) that reached the database, per second",
        rate("database.qps", |it| it.queries()),
    ),
    rate("database.reads.rate", |it| {
        it.meter.database.reads.get().into()
    }),
    rate("database.absent.rate", |it| {
        it.meter.database.absent.get().into()
    }),
    rate("database.writes.rate", |it| {
        it.meter.database.writes.get().into()
    }),
    share(
        "database.utilization",
        |it| it.area_ns(|usage| usage.busy_area_ns),
        |it| u128::from(it.system.database.plan().connections_in_all()) * u128::from(it.now_ns),
    ),
    meaning(
        "connections of all servers that were busy, averaged over the window",
        level("database.in_use", |it| {
            it.area_ns(|usage| usage.busy_area_ns)
        }),
    ),
    share(
        "database.breaker.open_ratio",
        |it| it.open_area_ns(&it.meter.database.guard),
        |it| it.instances_ns(),
    ),
    meaning(
        "queries in the queues for a connection, averaged over the window",
        level("database.queue", |it| {
            it.area_ns(|usage| usage.queue_area_ns)
        }),
    ),
    mean(
        "database.wait.mean",
        |it| it.meter.database.wait.borrow().sum_ns(),
        |it| it.meter.database.wait.borrow().count().into(),
    ),
    quantile(
        "database.wait.p99",
        |it| recorded(&[&it.meter.database.wait]),
        0.99,
    ),
    count("database.rejected", |it| {
        it.meter.database.rejected.get().into()
    }),
    count("database.timed_out", |it| {
        it.meter.database.timed_out.get().into()
    }),
    count("database.shed", |it| {
        it.meter.database.guard.shed.get().into()
    }),
    count("stampede.events", |it| {
        it.meter.database.stampedes.get().into()
    }),
    count("stampede.duplicates", |it| {
        it.meter.database.duplicate_fetches.get().into()
    }),
    share(
        "staleness.ratio",
        |it| it.meter.requests.staleness.borrow().count().into(),
        |it| it.meter.requests.reads.total().into(),
    ),
    count("consistency.lost_writes", |it| {
        let causes = LossCause::ALL.iter();
        let lost = causes.map(|(cause, _)| it.meter.writes.lost_to(*cause));
        lost.sum::<u64>().into()
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_catalogue_knows_has_its_unit_and_everything_has_a_meaning() {
        for row in SIGNALS {
            assert!(!row.meaning().is_empty(), "{}", row.name);
            let known = metrics::CATALOGUE.iter().find(|it| it.name == row.name);
            assert!(known.is_none_or(|it| it.unit == row.unit), "{}", row.name);
            let others = SIGNALS.iter().filter(|other| other.name == row.name);
            assert_eq!(others.count(), 1, "{}", row.name);
        }
    }

    #[test]
    fn a_signal_of_a_tier_is_found_by_the_name_of_that() {
        let tiers = ["near", "far"];
        let tier = |name: &str| Signal::find(name, &tiers).map(|signal| signal.tier);
        assert_eq!(tier("tier.far.hit_ratio"), Some(Some(1)));
        assert_eq!(tier("hit_ratio"), Some(None));
        assert_eq!(tier("tier.other.hit_ratio"), None);
        assert_eq!(tier("tier.<tier>.hit_ratio"), None);
        let names = Signal::names(&tiers);
        assert!(names.contains(&"tier.near.key.rate".to_owned()));
        assert!(names.iter().all(|name| tier(name).is_some()));
    }
}
