//! One exchange for many keys of one node: a round trip, a place in the queue, and the service of
//! the first key with a share of that for each further one; values take the time of all their bytes.
//!
//! Each key goes where a request for it alone would go ([`Tier::ways`]); those that go to one node go
//! together. A node sends on the keys whose slots it does not own, and for those of a node that is down
//! others may stand in: what then goes to one node goes together again.
//!
//! Not here: which keys are asked for together, and what is done about those that are not found (see
//! `pattern`).

use super::measured::TopKeys;
use super::membership::{REDIRECTS_MAX, Route, Sent};
use super::{Errand, Exchange, Tier, Unreachable, Visit};
use crate::units::Nanoseconds;
use crate::workload::{MultiGet, Request};

/// Where the lookup of a key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To a node that is so much farther than the network says; perhaps because another has sent it
    /// there.
    To {
        /// The node.
        node: usize,
        /// How much farther.
        farther_ns: Nanoseconds,
        /// How often another node has sent it on.
        redirects: u32,
    },
    /// To a node that stands in for one that is down.
    StandIn {
        /// The node that stands in.
        node: usize,
    },
    /// The node is known to be down, and nobody stands in.
    Nowhere,
}

impl Way {
    /// Whether no node was asked before.
    #[must_use]
    pub fn is_first(self) -> bool {
        match self {
            Self::To { redirects, .. } => redirects == 0,
            Self::StandIn { .. } => false,
            Self::Nowhere => true,
        }
    }
}

/// What has become of an exchange for many keys.
#[derive(Debug)]
pub enum Arrival {
    /// It was served: the visit has reached the node and not yet gone back.
    Here(Visit),
    /// The node is down, and others stand in: see [`Tier::stand_in_for`].
    Elsewhere,
}

impl Tier {
    /// Where the lookups of all `requests` go at present, in their order.
    #[must_use]
    pub fn ways(&self, requests: &[Request]) -> Vec<Way> {
        let Some(members) = &self.members else {
            let to = |request| Way::To {
                node: self.node_of(request),
                farther_ns: 0,
                redirects: 0,
            };
            return requests.iter().map(to).collect();
        };
        // Where loads are bounded, each exchange that is about to go out counts for the keys after it.
        let mut in_hand = Vec::new();
        let mut way = |request: &Request| {
            let (node, farther_ns) = match members.route(self, Exchange::LookUp, request) {
                Route::Direct { node, farther_ns } => (node, farther_ns),
                Route::Roundabout if members.bounds_loads() => {
                    let group = self.group_of(request);
                    let (node, load) = members.take_up(self, group, request.key);
                    if !in_hand.iter().any(|(of, _)| *of == node) {
                        in_hand.push((node, load));
                    }
                    (node, 0)
                }
                Route::Roundabout => return self.stand_in_for(request),
            };
            if members.known_down[node].get() {
                return self.stand_in_for(request);
            }
            Way::To {
                node,
                farther_ns,
                redirects: 0,
            }
        };
        requests.iter().map(&mut way).collect()
    }

    /// Where a lookup goes whose node is down.
    #[must_use]
    pub fn stand_in_for(&self, request: &Request) -> Way {
        let group = self.group_of(request);
        let members = self.members.as_ref();
        let node = members.and_then(|it| it.gutter_node(&self.plan, group, request.key));
        node.map_or(Way::Nowhere, |node| Way::StandIn { node })
    }

    /// Where a lookup goes that has come to a node by `way`, if that sends it on, and why.
    #[must_use]
    pub fn sent_on(&self, way: Way, request: &Request) -> Option<(Way, Sent)> {
        let Way::To {
            node, redirects, ..
        } = way
        else {
            return None;
        };
        let members = self.members.as_ref();
        let members = members.filter(|_| redirects < REDIRECTS_MAX)?;
        let (owner, sent) = members.elsewhere(self, node, request)?;
        let way = Way::To {
            node: owner,
            farther_ns: members.farther_ns(&self.plan, request, owner),
            redirects: redirects + 1,
        };
        Some((way, sent))
    }

    /// Lookups have come back that a node sends on together, for the same reason.
    pub fn note_sent_on(&self, request: &Request, sent: Sent) {
        let Some(members) = &self.members else { return };
        members.note_sent_on(self, sent);
        if sent == Sent::Moved {
            members.learn_map(request);
        }
    }

    /// As [`Tier::visit`], for lookups of all `requests` (one at least), which go the same way. The luck
    /// is that of the first, and what the further ones add to its service follows from it.
    ///
    /// # Errors
    /// As [`Tier::visit`].
    pub async fn visit_for_many(
        &self,
        way: Way,
        requests: &[Request],
        plan: MultiGet,
    ) -> Result<Arrival, Unreachable> {
        let first = &requests[0];
        let errand = Errand::new(Exchange::LookUp, first, 0);
        let (node, farther_ns, errand) = match way {
            Way::Nowhere => return Err(Unreachable::Down),
            Way::To {
                node,
                farther_ns,
                redirects,
            } => {
                let again = (0..redirects).fold(errand, |errand, _| errand.again(1));
                (node, farther_ns, again)
            }
            Way::StandIn { node } => {
                if self.meter.is_measuring() {
                    self.counts().gutter.increment();
                }
                (node, 0, errand.again(2))
            }
        };
        let is_first = way.is_first();
        let pass = match &self.guards {
            Some(guards) if is_first => match guards.enter(first.instance) {
                Ok(pass) => Some(pass),
                Err(_) => return Err(Unreachable::Shed),
            },
            _ => None,
        };
        let in_hand = self.members.as_ref().and_then(|it| it.in_hand(node));
        let together = self.set_out_for_many(node, requests, plan, &errand, farther_ns);
        let outcome = self
            .connected(node, first, Exchange::LookUp, together)
            .await;
        drop(in_hand);
        if let Some(pass) = pass {
            let way_back_ns = outcome.as_ref().map_or(0, Visit::way_back_ns);
            pass.end(outcome.is_ok(), way_back_ns);
        }
        let (unreachable, way_back_ns) = match outcome {
            Ok(visit) => return Ok(Arrival::Here(visit)),
            Err(lost) => lost,
        };
        let (waits_ns, stands_in) = match &self.members {
            Some(_) if is_to_a_primary(way) => {
                let has_gutter = self.plan.membership.gutter.is_some();
                match unreachable {
                    Unreachable::Down => (self.plan.gives_up_after_ns(way_back_ns), has_gutter),
                    unreachable => (way_back_ns, has_gutter && unreachable == Unreachable::Lost),
                }
            }
            _ => (way_back_ns, false),
        };
        self.go_back(waits_ns).await;
        if stands_in {
            return Ok(Arrival::Elsewhere);
        }
        Err(unreachable)
    }

    /// The way to a node for many keys, and its service.
    async fn set_out_for_many(
        &self,
        node: usize,
        requests: &[Request],
        plan: MultiGet,
        errand: &Errand,
        farther_ns: Nanoseconds,
    ) -> Result<Visit, (Unreachable, Nanoseconds)> {
        for request in requests {
            self.nodes[node].cache.borrow().announce(request.key);
            if TopKeys::samples(request) {
                self.sample(request);
            }
            self.watch(node, request);
        }
        let mut round_trip_ns = self.round_trip_ns(&requests[0], errand, farther_ns);
        if !self.disturbances.is_empty() {
            round_trip_ns += self.set_out(&requests[0], node, errand.luck_index)?;
        }
        let way_out_ns = round_trip_ns / 2;
        let way_back_ns = round_trip_ns - way_out_ns;
        if let Some(tracer) = &self.meter.tracer {
            self.trace_beginning(tracer, Exchange::LookUp, &requests[0]);
            self.trace_way(tracer, node, way_out_ns);
        }
        self.kernel.sleep(way_out_ns).await;
        match self.serve_many(node, requests, plan, errand).await {
            Ok(()) => {
                if let Some(members) = &self.members {
                    members.catch_up(self, node);
                }
                let visit = Visit::free(node, way_back_ns);
                if self.disturbances.is_empty() {
                    Ok(visit)
                } else {
                    self.come_back(&requests[0], errand, visit)
                }
            }
            Err(unreachable) => Err((unreachable, way_back_ns)),
        }
    }

    async fn serve_many(
        &self,
        number: usize,
        requests: &[Request],
        plan: MultiGet,
        errand: &Errand,
    ) -> Result<(), Unreachable> {
        let node = &self.nodes[number];
        if self.meter.is_measuring() {
            self.counts().node_exchanges[number].increment();
        }
        if node.is_down.get() {
            return Err(self.refuse(Unreachable::Down));
        }
        let _worker = match node.workers.acquire().await {
            Ok(worker) => worker,
            Err(refused) => return Err(self.refuse(refused.into())),
        };
        let mut luck = self.service_luck.at(errand.luck_index);
        let of_one_ns = self.plan.service_time.sample(&mut luck);
        let further = (requests.len() - 1) as f64;
        let service_ns = of_one_ns * (1.0 + plan.key_cost * further);
        let service_ns = service_ns.round() as u64;
        if let Some(tracer) = &self.meter.tracer {
            self.trace_service(tracer, service_ns);
        }
        self.kernel.sleep(service_ns).await;
        if self.plan.bandwidth_per_s.is_some() {
            let bytes = requests
                .iter()
                .map(|request| self.bytes_to_send(number, request.key));
            let bytes = bytes.sum();
            self.carry(number, bytes).await;
        }
        if node.is_down.get() {
            return Err(self.refuse(Unreachable::Down));
        }
        Ok(())
    }
}

/// Whether nobody stands in for anybody yet.
fn is_to_a_primary(way: Way) -> bool {
    matches!(way, Way::To { .. })
}
