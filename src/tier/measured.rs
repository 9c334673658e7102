//! What is measured of a tier and its nodes.

use super::Tier;
use super::node::{Node, Resident};
use crate::cache::Cache;
use crate::kernel::Usage;
use crate::metrics::ReadOutcome;
use crate::units::{Key, Nanoseconds};
use crate::workload::Request;

/// Which requests tell the top keys.
#[derive(Debug)]
pub(super) struct TopKeys;

impl TopKeys {
    /// One in so many requests.
    pub(super) const ONE_IN: u64 = 16;

    /// Whether the request is one of them. By a hash of its number, so that no workload with a period
    /// of its own is seen at the same point of it each time; by its number, so that all variants see the
    /// same requests. What follows from a request, as chunks do, is none.
    #[inline]
    pub(super) fn samples(request: &Request) -> bool {
        let hash = request.index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash >> 60 == 0 && request.index >> 63 == 0
    }
}

impl Tier {
    /// One exchange goes out for the lookups of several requests.
    pub fn note_batch(&self) {
        if self.meter.is_measuring() {
            self.counts().batches.increment();
        }
    }

    /// Counts a lookup that ended as `outcome`.
    #[inline]
    pub fn note(&self, outcome: ReadOutcome) {
        self.meter.look_up(self.level, outcome);
    }

    /// Counts the round trip of a lookup that was issued at `issued_ns` and has come back.
    #[inline]
    pub fn note_latency(&self, issued_ns: Nanoseconds) {
        if self.meter.is_measuring() {
            let latency_ns = self.kernel.now() - issued_ns;
            self.counts().lookup_latency.borrow_mut().record(latency_ns);
        }
    }

    /// Sweeps all nodes for expired entries, every so often and for ever; returns at once if the
    /// tier has no active sweep.
    pub async fn sweep_for_ever(&self) {
        let Some(sweep) = self.plan.sweep else { return };
        loop {
            self.kernel.sleep(sweep.interval_ns).await;
            for node in &self.nodes {
                let swept = node
                    .cache
                    .borrow_mut()
                    .sweep(self.kernel.now(), sweep.sample as usize);
                swept
                    .iter()
                    .for_each(|resident| self.let_go(node, resident));
                self.count_expirations(swept.len() as u64);
            }
        }
    }

    /// Counts a request among those that tell the top keys.
    #[cold]
    pub(super) fn sample(&self, request: &Request) {
        if self.meter.is_measuring() {
            // A row counts under its own key, however many entries it has.
            let key = request.of_row().key;
            self.counts().top_keys.borrow_mut().record(key);
            if let Some(recent) = &mut *self.counts().recent_keys.borrow_mut() {
                recent.record(key);
            }
        }
    }

    /// How many exchanges so many in the sample stand for.
    pub fn sampled(&self, sampled: u64) -> f64 {
        (sampled * TopKeys::ONE_IN) as f64
    }

    /// The nodes that hold keys at present: no gutter, and nobody who has left or is still to come.
    pub fn nodes_in_use(&self) -> Vec<usize> {
        let Some(members) = &self.members else {
            return (0..self.nodes.len()).collect();
        };
        let groups = 0..self.groups();
        groups
            .flat_map(|group| members.in_use(self, group))
            .collect()
    }

    /// Entries that each node has evicted after warm-up.
    pub fn node_evictions(&self) -> impl Iterator<Item = u64> + '_ {
        self.nodes.iter().map(|node| node.evictions.get())
    }

    /// Bytes of resident values of each node.
    pub fn node_bytes(&self) -> impl Iterator<Item = u64> + '_ {
        self.nodes.iter().map(|node| node.bytes.get())
    }

    /// Resident entries of each node.
    pub fn node_entries(&self) -> impl Iterator<Item = usize> + '_ {
        self.settle_copies();
        let pinned = |node: &Node| node.pinned.borrow().len();
        self.nodes
            .iter()
            .map(move |node| node.cache.borrow().len() + pinned(node))
    }

    /// How much the workers of each node were used since the last reset.
    pub fn node_usages(&self) -> impl Iterator<Item = Usage> + '_ {
        self.nodes.iter().map(|node| node.workers.usage())
    }

    /// Starts measuring [`Tier::node_usages`] anew.
    pub fn reset_usage(&self) {
        self.nodes
            .iter()
            .for_each(|node| node.workers.reset_usage());
        if let Some(connections) = &self.connections {
            connections.reset_usage();
        }
    }

    /// An entry is no longer in the node.
    #[inline]
    pub(super) fn let_go(&self, node: &Node, resident: &Resident) {
        let bytes = self.held_bytes(resident.bytes);
        node.bytes.set(node.bytes.get() - bytes);
        if resident.is_wasted_refresh() && self.meter.is_measuring() {
            self.counts().refreshes_wasted.increment();
        }
    }

    #[inline]
    pub(super) fn settle_evictions(&self, node: &Node, cache: &mut Cache<Resident>) {
        self.settle_evictions_watching(node, cache, Key::MAX);
    }

    /// Accounts for what the last call evicted; whether `watched` was among it.
    #[inline]
    pub(super) fn settle_evictions_watching(
        &self,
        node: &Node,
        cache: &mut Cache<Resident>,
        watched: Key,
    ) -> bool {
        let mut count = 0;
        let mut seen = false;
        for (key, resident) in cache.drain_evicted() {
            self.let_go(node, &resident);
            count += 1;
            seen |= key == watched;
            if let Some(below) = self.victims.get() {
                self.demote(below, node, key, resident.row());
            }
        }
        if count > 0 && self.meter.is_measuring() {
            self.counts().evictions.add(count);
            node.evictions.set(node.evictions.get() + count);
        }
        seen
    }

    pub(super) fn count_expirations(&self, count: u64) {
        if self.meter.is_measuring() {
            self.counts().expirations.add(count);
        }
    }
}
