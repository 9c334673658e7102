//! Connections between the app and the nodes: each app instance has a pool of so many to each node.
//!
//! An exchange holds a connection from its way out until it is back, so what makes a node slow makes
//! its connections scarce: that is how one slow node comes to hold up an app. Who finds none free waits
//! in the queue of its pool, first come, first served, and is refused if that is full.
//!
//! What the nodes do by themselves needs no connection of the app's: a change feed has its own, and
//! where a node loads, who asks for a lock or a token is there already. A node that is down lets go of a
//! connection at once. Not here: how many connections a node itself can take.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::trip::{Refusal, Trip};
use super::{Errand, Exchange, Plan, Tier, Unreachable, Visit};
use crate::kernel::{Kernel, Resource, Usage};
use crate::units::{KeyHash, Nanoseconds};
use crate::workload::Request;

/// The connections of each app instance to each node, as checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionsPlan {
    /// So many at a time, at least 1.
    pub most: u32,
    /// Exchanges that may wait for one; more are refused. `None` for no limit.
    pub queue_limit: Option<u32>,
    /// Whether the nodes load by themselves: who waits in one for a lock or a token has its
    /// connection already.
    pub nodes_load: bool,
}

/// The pools of one tier.
#[derive(Debug)]
pub(super) struct Connections {
    plan: ConnectionsPlan,
    kernel: Rc<Kernel>,
    /// By instance and node; those that nobody has used yet are not there.
    pools: RefCell<HashMap<(u32, usize), Rc<Resource>, KeyHash>>,
}

/// How all pools of a tier were used together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionsUsage {
    /// Connections in use, integrated over time.
    pub area_ns: u128,
    /// The most in use at one instant in one pool.
    pub max: u64,
}

impl Connections {
    pub(super) fn new(plan: &Plan, kernel: &Rc<Kernel>) -> Option<Box<Self>> {
        Some(Box::new(Self {
            plan: plan.connections?,
            kernel: kernel.clone(),
            pools: RefCell::default(),
        }))
    }

    /// Whether such an exchange takes one of the app's connections.
    fn are_for(&self, exchange: Exchange) -> bool {
        match exchange {
            Exchange::Feed | Exchange::Log => false,
            Exchange::TakeMutex | Exchange::ReleaseMutex | Exchange::Retry => !self.plan.nodes_load,
            _ => true,
        }
    }

    fn pool(&self, instance: u32, node: usize) -> Rc<Resource> {
        let new = || {
            let (most, limit) = (self.plan.most, self.plan.queue_limit);
            Rc::new(Resource::new(self.kernel.clone(), most, limit))
        };
        let mut pools = self.pools.borrow_mut();
        pools.entry((instance, node)).or_insert_with(new).clone()
    }

    pub(super) fn reset_usage(&self) {
        let pools = self.pools.borrow();
        pools.values().for_each(|pool| pool.reset_usage());
    }
}

impl Tier {
    /// A [`Trip`], over a connection where those are limited.
    pub(super) async fn travel(
        &self,
        node: usize,
        request: &Request,
        errand: Errand,
        farther_ns: Nanoseconds,
    ) -> Result<Visit, Refusal> {
        let way = Trip::to(self, node, request, errand, farther_ns);
        self.connected(node, request, errand.exchange, way).await
    }

    /// Goes a `way` to a node over a connection of the request's instance, if such an exchange needs
    /// one.
    pub(super) async fn connected(
        &self,
        node: usize,
        request: &Request,
        exchange: Exchange,
        way: impl Future<Output = Result<Visit, Refusal>>,
    ) -> Result<Visit, Refusal> {
        let connections = self.connections.as_ref();
        let Some(connections) = connections.filter(|it| it.are_for(exchange)) else {
            return way.await;
        };
        let begun_ns = self.kernel.now();
        let pool = connections.pool(request.instance, node);
        let Ok(connection) = Resource::acquire_owned(&pool).await else {
            return Err((self.refuse(Unreachable::NoConnection), 0));
        };
        self.trace_since("connection");
        if self.meter.is_measuring() {
            let waited_ns = self.kernel.now() - begun_ns;
            let mut waits = self.counts().connection_waits.borrow_mut();
            waits.record(waited_ns);
        }
        match way.await {
            Ok(visit) => Ok(visit.over(connection)),
            Err((Unreachable::Down, way_back_ns)) => Err((Unreachable::Down, way_back_ns)),
            Err((unreachable, way_back_ns)) => {
                // The answer, too, comes over the connection.
                self.kernel.sleep(way_back_ns).await;
                Err((unreachable, 0))
            }
        }
    }

    /// How the app's connections were used since the last reset; `None` if there is no limit.
    pub fn connections_usage(&self) -> Option<ConnectionsUsage> {
        let connections = self.connections.as_ref()?;
        let most = u64::from(connections.plan.most);
        let add = |sum: ConnectionsUsage, usage: Usage| ConnectionsUsage {
            area_ns: sum.area_ns + usage.busy_area_ns,
            // Who waits is in flight as well.
            max: sum.max.max(usage.inflight_max.min(most)),
        };
        // Neither the sum nor the maximum depends on the order.
        let pools = connections.pools.borrow();
        let usages = pools.values().map(|pool| pool.usage());
        Some(usages.fold(ConnectionsUsage::default(), add))
    }
}
