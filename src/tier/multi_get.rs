//! One exchange for many keys of one node: a round trip, a place in the queue, and the service of
//! the first key with a share of that for each further one.

use super::{Exchange, Plan, Tier, Unreachable, Values, Visit};
use crate::workload::{MultiGet, Request};

impl Plan {
    /// Whether an exchange of many keys is all that one of them would be: nodes are where they are,
    /// and values take no time to send and are in one piece.
    #[must_use]
    pub fn takes_multi_get(&self) -> bool {
        let is_whole = matches!(self.values, Values::Whole);
        is_whole && !self.has_members() && self.bandwidth_per_s.is_none() && self.hot_keys.is_none()
    }
}

impl Tier {
    /// As [`Tier::visit`], for lookups of all `requests` (one at least), whose keys are in one node.
    /// The luck is that of the first, and what the further ones add to its service follows from it.
    ///
    /// # Errors
    /// As [`Tier::visit`].
    pub async fn visit_for_many(
        &self,
        requests: &[Request],
        plan: MultiGet,
    ) -> Result<Visit, Unreachable> {
        let first = &requests[0];
        let node_number = self.node_of(first);
        let luck_index = Exchange::LookUp.index(first);
        let mut round_trip_ns = self
            .plan
            .network
            .sample_u64(&mut self.network_luck.at(luck_index));
        if let Some(distance) = &self.distance {
            round_trip_ns += distance.round_trip_ns(first.region, luck_index);
        }
        let way_out_ns = round_trip_ns / 2;
        let way_back_ns = round_trip_ns - way_out_ns;
        self.kernel.sleep(way_out_ns).await;
        let node = &self.nodes[node_number];
        if self.meter.is_measuring() {
            self.counts().node_exchanges[node_number].increment();
        }
        let served = async {
            if node.is_down.get() {
                return Err(self.refuse(Unreachable::Down));
            }
            let Ok(_worker) = node.workers.acquire().await else {
                return Err(self.refuse(Unreachable::QueueFull));
            };
            let mut luck = self.service_luck.at(luck_index);
            let of_one_ns = self.plan.service_time.sample(&mut luck);
            let further = (requests.len() - 1) as f64;
            let service_ns = of_one_ns * (1.0 + plan.key_cost * further);
            self.kernel.sleep(service_ns.round() as u64).await;
            if node.is_down.get() {
                return Err(self.refuse(Unreachable::Down));
            }
            Ok(())
        };
        match served.await {
            Ok(()) => Ok(Visit {
                node: node_number,
                way_back_ns,
            }),
            Err(unreachable) => {
                self.kernel.sleep(way_back_ns).await;
                Err(unreachable)
            }
        }
    }
}
