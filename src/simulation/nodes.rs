//! What is measured of a tier's nodes and of what happens among them.

use super::outcome::utilization;
use crate::kernel::Usage;
use crate::metrics::TierMeter;
use crate::tier::Tier;
use crate::units::{Nanoseconds, SECOND_NS};

/// How the nodes of one tier were used.
pub(super) struct Nodes {
    usages: Vec<Usage>,
    workers: u32,
    measured_ns: Nanoseconds,
    in_use: Vec<usize>,
    exchanges_max: u64,
    exchanges_mean: f64,
    pub(super) evictions: Vec<u64>,
}

impl Nodes {
    pub(super) fn of(tier: &Tier, exchanges: &[u64], measured_ns: Nanoseconds) -> Self {
        let in_use = tier.nodes_in_use();
        let of_those = || in_use.iter().map(|&node| exchanges[node]);
        Self {
            usages: tier.node_usages().collect(),
            workers: tier.plan().workers,
            measured_ns,
            exchanges_max: of_those().max().unwrap_or(0),
            exchanges_mean: of_those().sum::<u64>() as f64 / in_use.len() as f64,
            evictions: tier.node_evictions().collect(),
            in_use,
        }
    }

    fn utilization(&self, node: usize) -> f64 {
        utilization(&self.usages[node], self.workers, self.measured_ns)
    }

    fn queue(&self, node: usize) -> f64 {
        self.usages[node].queue_area_ns as f64 / self.measured_ns as f64
    }

    /// So many exchanges over the mean of the nodes.
    pub(super) fn imbalance(&self, exchanges: u64) -> f64 {
        exchanges as f64 / self.exchanges_mean
    }

    /// What there is to say of the tier.
    pub(super) fn put_totals(&self, put: &mut dyn FnMut(&str, f64)) {
        let of_those = || self.in_use.iter().copied();
        let mean = |sum: f64| sum / self.in_use.len() as f64;
        let utilizations = || of_those().map(|node| self.utilization(node));
        put("utilization", mean(utilizations().sum()));
        put("utilization.max", utilizations().fold(0.0, f64::max));
        put("queue", mean(of_those().map(|node| self.queue(node)).sum()));
        let peaks = self.usages.iter().map(|usage| usage.queue_max);
        put("queue.max", peaks.max().unwrap_or(0) as f64);
        put("imbalance", self.imbalance(self.exchanges_max));
    }

    /// How one node was used.
    pub(super) fn put_use(&self, node: usize, put: &mut dyn FnMut(&str, f64)) {
        put("utilization", self.utilization(node));
        put("queue", self.queue(node));
    }
}

/// How the app's connections to the nodes were used, where they are limited.
pub(super) fn put_connections(
    put: &mut dyn FnMut(&str, f64),
    counts: &TierMeter,
    tier: &Tier,
    measured_ns: Nanoseconds,
) {
    let Some(usage) = tier.connections_usage() else {
        return;
    };
    put("connections.max", usage.max as f64);
    let in_use = usage.area_ns as f64 / measured_ns as f64;
    put("connections.in_use", in_use);
    let waits = counts.connection_waits.borrow();
    put("connections.wait.p99", waits.quantile_s(0.99));
    let refused = counts.connections_refused.get();
    put("connections.refused", refused as f64);
}

/// What happened among the nodes until `now_ns`.
pub(super) fn put_membership(
    put: &mut dyn FnMut(&str, f64),
    counts: &TierMeter,
    now_ns: Nanoseconds,
    measured_ns: Nanoseconds,
) {
    let measured_s = measured_ns as f64 / SECOND_NS as f64;
    put("redirects", counts.redirects.get() as f64);
    put("asks", counts.asks.get() as f64);
    put("overflows", counts.overflows.get() as f64);
    put("gutter.rate", counts.gutter.get() as f64 / measured_s);
    let entries = counts.entries_at_resize.get() as f64;
    put("keys_moved.ratio", counts.keys_moved.get() as f64 / entries);
    put("entries_moved", counts.entries_moved.get() as f64);
    let down_area_ns = counts.down_shards.area_ns(now_ns);
    put("unavailable", down_area_ns as f64 / SECOND_NS as f64);
    put("detection.mean", counts.detections.borrow().mean_s());
    put("promotion.mean", counts.promotions.borrow().mean_s());
    put("failovers", counts.failovers.get() as f64);
    put("replication.lost", counts.replication_lost.get() as f64);
}
