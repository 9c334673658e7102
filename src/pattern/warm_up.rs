//! Warm-up: loading the most popular keys before traffic comes (see `defence::warm_up`).
//!
//! What was loaded before the run began is simply there, each entry as old as the rate limit makes it.
//! What is loaded after a restart takes its time and its queries.

use std::rc::Rc;

use super::{System, fetch};
use crate::defence::WarmUp;
use crate::kernel::Broadcast;
use crate::tier::Filling;
use crate::units::{Key, Nanoseconds, SECOND_NS};
use crate::workload::Request;

/// Loads that may be under way at a time in one node that is being warmed.
const LOADS_MAX: usize = 32;

impl WarmUp {
    /// The time between two loads.
    fn interval_ns(&self) -> Nanoseconds {
        (SECOND_NS as f64 / self.rate_per_s).round() as Nanoseconds
    }
}

impl System {
    /// Fills tier `level` as a warm-up that ends now has.
    pub(super) fn warm_before_the_run(self: &Rc<Self>, level: usize) {
        let Some(plan) = self.layers[level].warm_up else {
            return;
        };
        let tier = &self.layers[level].tier;
        let keys = self.database.hottest(plan.keys);
        for group in 0..tier.groups() {
            for (rank, &key) in keys.iter().enumerate() {
                let age_ns = (keys.len() - rank) as u64 * plan.interval_ns();
                let node = tier.node_in_group(group, key);
                let request = tier.request_of(node, warming(key), key);
                tier.preload(node, &request, &self.database.row(key), age_ns);
            }
        }
    }

    /// A node of tier `level` has just been restarted: loads the most popular of its keys, and returns
    /// when they are there.
    pub async fn warm(self: &Rc<Self>, level: usize, node: usize) {
        let Some(plan) = self.layers[level].warm_up else {
            return;
        };
        let tier = &self.layers[level].tier;
        let nodes_in_group = tier.nodes() / tier.groups() as usize;
        let group = (node / nodes_in_group) as u32;
        let keys = self.database.hottest(plan.keys);
        let keys = keys
            .into_iter()
            .filter(|key| tier.node_in_group(group, *key) == node);
        let keys: Rc<[Key]> = keys.collect();
        let loaders = LOADS_MAX.min(keys.len());
        if loaders == 0 {
            return;
        }
        let ended = Rc::new(Broadcast::<()>::new(self.kernel.clone()));
        let last = ended.open();
        let done = ended.receive(last);
        let running = Rc::new(std::cell::Cell::new(loaders));
        let begun_ns = self.kernel.now();
        for loader in 0..loaders {
            let (keys, ended, running) = (keys.clone(), ended.clone(), running.clone());
            self.spawn("warm-up of node", node as u64, async move |system| {
                for rank in (loader..keys.len()).step_by(LOADS_MAX) {
                    let due_ns = begun_ns + rank as u64 * plan.interval_ns();
                    system.kernel.sleep_until(due_ns).await;
                    let tier = &system.layers[level].tier;
                    let request = tier.request_of(node, warming(keys[rank]), keys[rank]);
                    let request = request.derived(begun_ns ^ node as u64);
                    system.warm_key(level, node, &request).await;
                }
                running.set(running.get() - 1);
                if running.get() == 0 {
                    ended.close(last, Some(()));
                }
            });
        }
        done.await;
    }

    /// As [`System::warm`], while the node answers already.
    pub fn warm_in_background(self: &Rc<Self>, level: usize, node: usize) {
        if self.layers[level].warm_up.is_some() {
            self.spawn("warm-up of node", node as u64, async move |system| {
                system.warm(level, node).await;
            });
        }
    }

    /// Loads one key, unless it has come meanwhile or somebody else is to set it.
    async fn warm_key(self: &Rc<Self>, level: usize, node: usize, request: &Request) {
        let tier = &self.layers[level].tier;
        let now_ns = self.kernel.now();
        let is_there = tier
            .inspect(node, request.key)
            .is_some_and(|(_, fresh_until_ns)| fresh_until_ns > now_ns);
        if is_there || !tier.leases_ahead(request) {
            return;
        }
        if self.meter.is_measuring() {
            tier.counts().warmed.increment();
        }
        // Should it fail, the first reader fetches it.
        let _ = fetch::load(self, request, level, Filling::Ahead, None).await;
    }
}

/// The number of the request that a warm-up makes for a key on behalf of nobody.
fn warming(key: Key) -> u64 {
    Request::default().derived(key).index
}
