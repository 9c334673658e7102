//! The few metrics that a person looks at first, in groups. Everything else is a flag away.

use indexmap::IndexSet;

use crate::experiment::Results;

/// When a key metric is left out of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Whenever it was measured.
    Always,
    /// When it is not zero everywhere: news of trouble, or of a feature that is in use.
    NonZero,
    /// When it is not one everywhere: a single node is its own mean.
    NotOne,
    /// When there were writes too: else it is the same as the metric of all requests.
    BesideWrites,
    /// When there were no writes: else those of reads and of writes are shown, which say more.
    WithoutWrites,
}

/// A group of key metrics. `<tier>` stands for each tier in turn.
struct Group(&'static [(&'static str, Shown)]);

use Shown::{Always, BesideWrites, NonZero, NotOne, WithoutWrites};

const GROUPS: &[Group] = &[
    Group(&[
        ("requests.rate", Always),
        ("goodput.rate", Always),
        ("requests.failed", Always),
        ("deadline.missed", NonZero),
        ("retries.amplification", NotOne),
        ("hedges.sent", NonZero),
        ("degraded.seconds", NonZero),
        ("unavailable.seconds", NonZero),
        ("recovery.time", NonZero),
    ]),
    Group(&[
        ("latency.mean", Always),
        ("latency.p50", WithoutWrites),
        ("latency.p99", Always),
        ("latency.p999", WithoutWrites),
        ("latency.max", Always),
    ]),
    Group(&[
        ("read.latency.p50", BesideWrites),
        ("read.latency.p99", BesideWrites),
        ("write.latency.p50", BesideWrites),
        ("write.latency.p99", BesideWrites),
    ]),
    Group(&[("hit_ratio", Always)]),
    Group(&[
        ("tier.<tier>.hit_ratio", Always),
        ("tier.<tier>.delayed_hit_ratio", NonZero),
        ("tier.<tier>.stale_hit_ratio", NonZero),
        ("tier.<tier>.negative_hit_ratio", NonZero),
        ("tier.<tier>.miss_ratio", Always),
        ("tier.<tier>.bypassed", NonZero),
        ("tier.<tier>.evictions.rate", NonZero),
        ("tier.<tier>.refreshes.sent", NonZero),
        ("tier.<tier>.refreshes.wasted", NonZero),
        ("tier.<tier>.flushes.coalescing", NonZero),
        ("tier.<tier>.dirty.max", NonZero),
        ("tier.<tier>.connections.max", NonZero),
        ("tier.<tier>.connections.wait.p99", NonZero),
        ("tier.<tier>.connections.refused", NonZero),
        ("tier.<tier>.utilization", NonZero),
        ("tier.<tier>.imbalance", NotOne),
    ]),
    Group(&[
        ("database.qps.mean", Always),
        ("database.qps.max", Always),
        ("database.writes.rate", NonZero),
        ("database.utilization", Always),
        ("database.wait.p99", Always),
        ("database.queue.max", NonZero),
        ("database.rejected", NonZero),
        ("database.buffer_pool.hit_ratio", Always),
        ("database.failovers", NonZero),
    ]),
    Group(&[("stampede.events", Always), ("stampede.peak", Always)]),
    Group(&[
        ("staleness.ratio", Always),
        ("staleness.p99", NonZero),
        ("staleness.max", NonZero),
        ("consistency.lost_writes", NonZero),
        ("consistency.read_your_writes_violations", NonZero),
        ("consistency.monotonic_read_violations", NonZero),
        ("consistency.bypassing_reads", NonZero),
        ("consistency.refused_copies", NonZero),
    ]),
    Group(&[("cost.monthly", Always)]),
];

/// Names of metrics of `results`, in groups: the key metrics that have something to say, or all of
/// them.
#[must_use]
pub fn groups(results: &Results, all: bool) -> Vec<Vec<String>> {
    if all {
        return every(results);
    }
    let tiers: IndexSet<&str> = names(results)
        .into_iter()
        .filter_map(|name| name.strip_prefix("tier.")?.split('.').next())
        .collect();
    let is_measured = |name: &str| {
        let mut of_variants = results
            .variants
            .iter()
            .filter_map(|it| it.metrics.get(name));
        of_variants.any(|interval| interval.is_measured())
    };
    let has_writes = is_measured("write.latency.p50");
    let mut groups = Vec::new();
    for Group(metrics) in GROUPS {
        let of_tiers = metrics.iter().any(|(name, _)| name.contains("<tier>"));
        let instances = if of_tiers {
            tiers.iter().copied().collect()
        } else {
            vec![""]
        };
        for tier in instances {
            let group: Vec<String> = metrics
                .iter()
                .map(|(name, shown)| (name.replace("<tier>", tier), *shown))
                .filter(|(name, shown)| {
                    results.variants.iter().any(|variant| {
                        variant.metrics.get(name).is_some_and(|interval| {
                            interval.is_measured()
                                && match shown {
                                    Always => true,
                                    NonZero => interval.mean != 0.0,
                                    NotOne => interval.mean != 1.0,
                                    BesideWrites => has_writes,
                                    WithoutWrites => !has_writes,
                                }
                        })
                    })
                })
                .map(|(name, _)| name)
                .collect();
            groups.push(group);
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// Every metric in the order of the catalogue; a new group where the first word of the name
/// changes, or the tier.
fn every(results: &Results) -> Vec<Vec<String>> {
    let head = |name: &str| {
        let words = if name.starts_with("tier.") { 2 } else { 1 };
        name.split('.').take(words).collect::<Vec<_>>().join(".")
    };
    let mut groups: Vec<Vec<String>> = Vec::new();
    for name in names(results) {
        match groups.last_mut() {
            Some(group) if head(&group[0]) == head(name) => group.push(name.to_owned()),
            _ => groups.push(vec![name.to_owned()]),
        }
    }
    groups
}

fn names(results: &Results) -> IndexSet<&str> {
    results
        .variants
        .iter()
        .flat_map(|variant| variant.metrics.keys().map(String::as_str))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{metrics, report::samples};

    /// In the contract, but not measured yet.
    const PLANNED: [&str; 0] = [];

    #[test]
    fn every_key_metric_is_in_the_catalogue() {
        for Group(group) in GROUPS {
            for (name, _) in *group {
                let known = metrics::CATALOGUE.iter().any(|metric| metric.name == *name);
                assert_eq!(known, !PLANNED.contains(name), "{name}");
            }
        }
    }

    #[test]
    fn all_metrics_are_shown_when_asked_for_and_each_once() {
        let results = samples::stampede(2);
        let all: Vec<String> = groups(&results, true).concat();
        let names = names(&results);
        assert_eq!(all.len(), names.len());
        assert!(all.iter().all(|name| names.contains(name.as_str())));
        assert!(groups(&results, false).concat().len() < all.len());
    }

    #[test]
    fn what_no_variant_has_measured_is_not_a_key_metric() {
        let results = samples::stampede(2);
        assert!(results.variants[0].metrics.contains_key("staleness.max"));
        assert!(
            !groups(&results, false)
                .concat()
                .contains(&"staleness.max".to_owned())
        );
    }
}
