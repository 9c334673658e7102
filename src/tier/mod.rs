//! A tier: one cache layer with its nodes, the network to them and their service queues.
//!
//! Every exchange (lookup, set, delete) goes out over the network, waits for a worker of the node
//! that holds the key, takes effect at the end of its service, and comes back.
//!
//! Not here: when the app looks up or sets (see `pattern`), and what it does when many requests
//! miss together (see `defence`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::cache::{Cache, Lookup};
use crate::database::Row;
use crate::eviction::PolicySpec;
use crate::kernel::{Broadcast, BroadcastId, Kernel, Usage};
use crate::metrics::{Meter, ReadOutcome};
use crate::placement::{self, Scheme};
use crate::random::{Luck, Stream};
use crate::units::{Key, NEVER, Nanoseconds};
use crate::workload::Request;
use crate::workload::distribution::Distribution;

mod fills;
mod leases;
mod node;
mod time_to_live;
mod write_buffer;

use fills::{Fills, Ticket};
pub use leases::{Lease, LeasePlan};
use node::{Node, Resident};
pub use time_to_live::TimeToLive;
pub use write_buffer::Dirty;

/// A tier as checked: nothing in it can be invalid.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name that metrics and overrides use; unique in a scenario.
    pub name: String,
    /// Who shares a node.
    pub scope: Scope,
    /// How many nodes, at least 1: in the whole world, or for each of those who do not share.
    pub nodes: u32,
    /// How much each node holds.
    pub capacity: Capacity,
    /// Bytes that each entry takes beyond its value, when capacity is in bytes.
    pub entry_overhead_bytes: u64,
    /// Who leaves a full node.
    pub eviction: PolicySpec,
    /// When entries expire; `None` for never.
    pub ttl: Option<TimeToLive>,
    /// The active sweep for expired entries, as Redis has; `None` leaves it to touch and eviction.
    pub sweep: Option<Sweep>,
    /// Which node holds a key.
    pub placement: placement::Plan,
    /// Round-trip time of one exchange between the app and a node, in nanoseconds; half of it is
    /// spent on the way out, half on the way back.
    pub network: Distribution,
    /// Requests that a node serves at a time, at least 1.
    pub workers: u32,
    /// How long a worker is busy with one request, in nanoseconds.
    pub service_time: Distribution,
    /// Requests that may wait at a node; more are refused. `None` for no limit.
    pub queue_limit: Option<u32>,
    /// Share of the explicit deletes that are lost on their way.
    pub delete_failure: f64,
    /// For sets that carry their version: how long a node remembers the version of a deleted entry,
    /// so that it refuses an older one. `None` if sets carry none.
    pub tombstone_ns: Option<Nanoseconds>,
    /// Whether nodes hold the present version of each key, under which its entries are stored: a
    /// delete then raises the version and leaves the entry to age out.
    pub has_versioned_keys: bool,
    /// How fills are leased, if they are.
    pub leases: Option<LeasePlan>,
}

/// Who shares a tier's nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Each client has nodes of its own: a browser.
    Client,
    /// Each app instance has: an in-process cache.
    Instance,
    /// All share them.
    #[default]
    Global,
}

/// One row of the table of scopes.
#[derive(Clone, Copy, Debug)]
pub struct ScopeRow {
    /// The name in a scenario.
    pub name: &'static str,
    /// Who shares a node, in one line.
    pub summary: &'static str,
    /// The scope.
    pub scope: Scope,
}

/// All scopes.
pub static SCOPES: &[ScopeRow] = &[
    ScopeRow {
        name: "global",
        summary: "everybody shares the tier's nodes, as with Redis or Memcached",
        scope: Scope::Global,
    },
    ScopeRow {
        name: "instance",
        summary: "each app instance has nodes of its own: an in-process cache",
        scope: Scope::Instance,
    },
    ScopeRow {
        name: "client",
        summary: "each session has nodes of its own: a browser's cache",
        scope: Scope::Client,
    },
];

/// How many there are of those who may have nodes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// App instances, at least 1.
    pub instances: u32,
    /// Clients with an identity, at least 1.
    pub sessions: u32,
}

/// A node that could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Its queue was full.
    #[error("the queue of the node was full")]
    QueueFull,
    /// It has crashed.
    #[error("the node is down")]
    Down,
}

/// What a lookup found.
#[derive(Clone, Debug)]
pub enum Found {
    /// An entry within its TTL.
    Fresh(Row),
    /// An entry that is past its TTL and kept for the purposes of [`TimeToLive`].
    Stale(Stale),
    /// No entry.
    Nothing,
}

/// A copy that is past its TTL.
#[derive(Clone, Debug)]
pub struct Stale {
    /// The copy.
    pub row: Row,
    /// How long it has been so.
    pub past_ns: Nanoseconds,
}

/// A request that has reached a node and not yet gone back.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Visit {
    node: usize,
    way_back_ns: Nanoseconds,
}

impl Visit {
    /// The node that is being visited.
    #[must_use]
    pub fn node(&self) -> usize {
        self.node
    }
}

/// How a row comes to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Because it was asked for.
    Asked,
    /// Because it was written.
    Written,
    /// Ahead of the expiry of the copy that is there.
    Ahead,
}

/// How much one node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// Any number of entries.
    Unlimited,
    /// So many entries.
    Entries(u64),
    /// So many bytes of values, and of overhead if the plan says so.
    Bytes(u64),
}

/// An active sweep: every so often, look at a few entries and drop the expired ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Time between two sweeps of a node.
    pub interval_ns: Nanoseconds,
    /// Entries looked at in one sweep.
    pub sample: u32,
}

/// A tier of one run.
#[derive(Debug)]
pub struct Tier {
    plan: Plan,
    /// Which tier of the scenario, counted from the client.
    level: usize,
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
    nodes: Vec<Node>,
    scheme: Box<dyn Scheme>,
    /// Share of deletes that are lost at present.
    delete_failure: Cell<f64>,
    unlocked: Broadcast<()>,
    network_luck: Stream,
    service_luck: Stream,
    ttl_luck: Stream,
    delete_luck: Stream,
}

/// The kinds of exchange; each has its own luck, so that a request's lookup takes as long in a
/// variant where it is followed by a set as in one where it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Ask for an entry.
    LookUp,
    /// Store an entry.
    Set,
    /// Take an entry out.
    Delete,
    /// Take an entry out before its row is written.
    DeleteBefore,
    /// Hand a write over.
    Write,
    /// Copy a write to a replica of the node's log.
    Log,
    /// Ask for the present version of a key.
    Version,
    /// Ask again, after having waited.
    Retry,
    /// Take an entry out because a change feed says so.
    Feed,
}

impl Exchange {
    /// The index of this exchange's draws within a stream.
    #[inline]
    fn index(self, request: &Request) -> u64 {
        request.index.wrapping_mul(16).wrapping_add(self as u64)
    }
}

impl Tier {
    /// An empty tier. `level` counts tiers from the client.
    #[must_use]
    pub fn new(
        plan: &Plan,
        level: usize,
        population: Population,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
        luck: Luck,
    ) -> Self {
        let purpose = |what: &str| luck.stream(&format!("tier.{}.{what}", plan.name));
        let eviction_luck = purpose("eviction");
        let node = |number: u32| {
            let seed = eviction_luck.at(u64::from(number)).bits();
            Node::new(plan, seed, kernel)
        };
        Self {
            level,
            kernel: kernel.clone(),
            meter: meter.clone(),
            nodes: (0..plan.nodes_in_all(population)).map(node).collect(),
            scheme: plan.placement.build(plan.nodes),
            delete_failure: Cell::new(plan.delete_failure),
            unlocked: Broadcast::new(kernel.clone()),
            network_luck: purpose("network"),
            service_luck: purpose("service"),
            ttl_luck: purpose("ttl"),
            delete_luck: purpose("delete"),
            plan: plan.clone(),
        }
    }

    /// The tier's plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// How many nodes there are in all.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// What is counted of this tier.
    pub fn counts(&self) -> &crate::metrics::TierMeter {
        &self.meter.tiers[self.level]
    }

    // What the app does over the network.

    /// Stores a row under the request's key. Its TTL starts now. Whether the node took it: it
    /// refuses an older version than it knows of where sets carry versions.
    ///
    /// # Errors
    /// As [`Tier::visit`].
    pub async fn set(
        &self,
        request: &Request,
        row: &Row,
        filling: Filling,
    ) -> Result<bool, Unreachable> {
        let store = |tier: &Self, node: usize| tier.store(node, request, row, filling);
        self.exchange(Exchange::Set, request, store).await
    }

    /// Takes out what is stored under the request's key, if anything, unless the message is lost on
    /// its way. `committed` is the row that takes its place, if that is known already.
    ///
    /// # Errors
    /// As [`Tier::visit`].
    pub async fn delete(
        &self,
        exchange: Exchange,
        request: &Request,
        committed: Option<&Row>,
    ) -> Result<(), Unreachable> {
        let counts = self.counts();
        let is_measuring = self.meter.is_measuring();
        if is_measuring {
            counts.invalidations_sent.increment();
        }
        let failure = self.delete_failure.get();
        if failure > 0.0 {
            let mut luck = self.delete_luck.at(exchange.index(request));
            if luck.chance(failure) {
                if is_measuring {
                    counts.invalidations_lost.increment();
                }
                return Ok(());
            }
        }
        let drop = |tier: &Self, node: usize| tier.drop_copy(node, request.key, committed);
        let outcome = self.exchange(exchange, request, drop).await;
        if is_measuring {
            match outcome {
                Ok(true) => {}
                Ok(false) => counts.invalidations_useless.increment(),
                Err(_) => counts.invalidations_lost.increment(),
            }
        }
        outcome.map(drop_answer)
    }

    /// An invalidation arrives in a node without an exchange: it came over a bus. `committed` is the
    /// row that takes the entry's place.
    pub fn invalidate(&self, node: usize, key: Key, committed: &Row) {
        let is_useless = !self.drop_copy(node, key, Some(committed));
        if is_useless && self.meter.is_measuring() {
            self.counts().invalidations_useless.increment();
        }
    }

    /// Goes to the node that holds the request's key and waits for a worker's service. What happens
    /// there happens at the present instant afterwards; [`Tier::leave`] is the way back.
    ///
    /// # Errors
    /// [`Unreachable`] if the node's queue was full, or it is down; said when the answer is back.
    #[inline]
    pub async fn visit(&self, exchange: Exchange, request: &Request) -> Result<Visit, Unreachable> {
        let node = self.node_of(request);
        self.nodes[node].cache.borrow().announce(request.key);
        let luck_index = exchange.index(request);
        let round_trip_ns = self
            .plan
            .network
            .sample_u64(&mut self.network_luck.at(luck_index));
        let way_out_ns = round_trip_ns / 2;
        let way_back_ns = round_trip_ns - way_out_ns;
        self.kernel.sleep(way_out_ns).await;
        match self.serve(node, request.key, luck_index).await {
            Ok(()) => Ok(Visit { node, way_back_ns }),
            Err(unreachable) => {
                self.kernel.sleep(way_back_ns).await;
                Err(unreachable)
            }
        }
    }

    /// A round trip between two nodes of the tier.
    pub async fn hop(&self, exchange: Exchange, request: &Request) {
        let mut luck = self.network_luck.at(exchange.index(request));
        let round_trip_ns = self.plan.network.sample_u64(&mut luck);
        self.kernel.sleep(round_trip_ns).await;
    }

    /// Goes back from a node.
    #[inline]
    pub async fn leave(&self, visit: Visit) {
        self.kernel.sleep(visit.way_back_ns).await;
    }

    /// One round trip to the node that holds the key; `act` is what it does there, given its number.
    #[inline]
    async fn exchange<T>(
        &self,
        exchange: Exchange,
        request: &Request,
        act: impl FnOnce(&Self, usize) -> T,
    ) -> Result<T, Unreachable> {
        let visit = self.visit(exchange, request).await?;
        let outcome = act(self, visit.node);
        self.leave(visit).await;
        Ok(outcome)
    }

    #[inline]
    async fn serve(&self, number: usize, key: Key, luck_index: u64) -> Result<(), Unreachable> {
        let node = &self.nodes[number];
        if self.meter.is_measuring() {
            self.counts().node_exchanges[number].increment();
        }
        if node.is_down.get() {
            return Err(self.refuse(Unreachable::Down));
        }
        let Ok(_worker) = node.workers.acquire().await else {
            return Err(self.refuse(Unreachable::QueueFull));
        };
        node.cache.borrow().approach(key);
        let service_ns = self
            .plan
            .service_time
            .sample_u64(&mut self.service_luck.at(luck_index));
        self.kernel.sleep(service_ns).await;
        if node.is_down.get() {
            return Err(self.refuse(Unreachable::Down));
        }
        Ok(())
    }

    fn refuse(&self, unreachable: Unreachable) -> Unreachable {
        if self.meter.is_measuring() {
            self.counts().refused.increment();
        }
        unreachable
    }

    /// The node that holds the request's key, as far as the request can see.
    #[inline]
    pub fn node_of(&self, request: &Request) -> usize {
        let within = if self.plan.nodes == 1 {
            0
        } else {
            self.scheme.node(request.key, placement::hash(request.key)) as usize
        };
        let group = match self.plan.scope {
            Scope::Global => return within,
            Scope::Instance => request.instance,
            Scope::Client => request.session,
        };
        group as usize * self.plan.nodes as usize + within
    }

    /// How many there are of those who do not share nodes, each with nodes of its own.
    pub fn groups(&self) -> u32 {
        self.nodes.len() as u32 / self.plan.nodes
    }

    /// The node that holds a copy of `key` for one of those who do not share.
    pub fn node_in_group(&self, group: u32, key: Key) -> usize {
        let within = self.scheme.node(key, placement::hash(key)) as usize;
        group as usize * self.plan.nodes as usize + within
    }

    // What happens in a node, at the present instant.

    /// Looks the request's key up in a node. A fresh entry is an access for the eviction policy.
    #[inline]
    pub fn find(&self, node: usize, request: &Request) -> Found {
        let node = &self.nodes[node];
        let now_ns = self.kernel.now();
        let mut cache = node.cache.borrow_mut();
        let row = match cache.lookup(request.key, now_ns) {
            Lookup::Hit(resident) => {
                resident.hits = resident.hits.saturating_add(1);
                resident.row.clone()
            }
            Lookup::Expired(resident) => {
                self.let_go(node, &resident);
                self.count_expirations(1);
                drop(cache);
                return self.find_unsaved(node, request.key);
            }
            Lookup::Miss => {
                drop(cache);
                return self.find_unsaved(node, request.key);
            }
        };
        let mut found = Found::Fresh(row);
        if let Some(ttl) = &self.plan.ttl {
            let kept_ns = ttl.kept_ns();
            if kept_ns > 0 {
                let expires_ns = cache.expires_ns(request.key).unwrap_or(NEVER);
                let fresh_until_ns = expires_ns.saturating_sub(kept_ns);
                if now_ns >= fresh_until_ns
                    && let Found::Fresh(row) = found
                {
                    let past_ns = now_ns - fresh_until_ns;
                    found = Found::Stale(Stale { row, past_ns });
                }
            }
            // What is past its TTL does not come back to life.
            if ttl.sliding && matches!(found, Found::Fresh(_)) {
                let index = Exchange::LookUp.index(request);
                let fresh_until_ns = ttl.fresh_until_ns(now_ns, &self.ttl_luck, index);
                cache.extend(request.key, fresh_until_ns.saturating_add(kept_ns));
            }
        }
        // Some policies evict on a hit.
        self.settle_evictions(node, &mut cache);
        found
    }

    /// What eviction or expiry took from the cache may still wait for the database.
    fn find_unsaved(&self, node: &Node, key: Key) -> Found {
        match node.buffer.borrow().row(key) {
            Some(row) => Found::Fresh(row.clone()),
            None => Found::Nothing,
        }
    }

    /// Stores a row in a node. Whether it did: not if it knows of a newer version, or if fills are
    /// leased and the request holds no valid token.
    pub fn store(&self, number: usize, request: &Request, row: &Row, filling: Filling) -> bool {
        let node = &self.nodes[number];
        let now_ns = self.kernel.now();
        if node.is_down.get() {
            return false;
        }
        if self.knows_newer(node, request.key, row) || !self.has_lease(node, request, filling) {
            if self.meter.is_measuring() {
                self.counts().sets_refused.increment();
            }
            return false;
        }
        let index = Exchange::Set.index(request);
        let expires_ns = self.plan.ttl.map_or(NEVER, |ttl| {
            ttl.fresh_until_ns(now_ns, &self.ttl_luck, index)
                .saturating_add(ttl.kept_ns())
        });
        let weight = match self.plan.capacity {
            Capacity::Bytes(_) => u64::from(row.bytes) + self.plan.entry_overhead_bytes,
            Capacity::Entries(_) | Capacity::Unlimited => 1,
        };
        let resident = Resident {
            row: row.clone(),
            hits: 0,
            refreshed: filling == Filling::Ahead,
        };
        let mut cache = node.cache.borrow_mut();
        let inserted = cache.insert(request.key, resident, weight, now_ns, expires_ns);
        if let Some(replaced) = &inserted.replaced {
            self.let_go(node, replaced);
        }
        node.bytes.set(node.bytes.get() + u64::from(row.bytes));
        let newcomer_left = self.settle_evictions_watching(node, &mut cache, request.key);
        if !inserted.admitted && !newcomer_left {
            node.bytes.set(node.bytes.get() - u64::from(row.bytes));
        }
        true
    }

    /// Whether the node holds, or remembers, a newer version than `row`.
    fn knows_newer(&self, node: &Node, key: Key, row: &Row) -> bool {
        let version = row.version();
        let buffer = node.buffer.borrow();
        if buffer.row(key).is_some_and(|kept| kept.version() > version) {
            return true;
        }
        if self.plan.tombstone_ns.is_none() {
            return false;
        }
        let cache = node.cache.borrow();
        let resident = cache.peek(key);
        let tombstones = node.tombstones.borrow();
        let buried = tombstones.version(key, self.kernel.now());
        resident.is_some_and(|resident| resident.row.version() > version)
            || buried.is_some_and(|buried| buried > version)
    }

    /// Whether fills are not leased, or the request holds the token of its key.
    fn has_lease(&self, node: &Node, request: &Request, filling: Filling) -> bool {
        if self.plan.leases.is_none() {
            return true;
        }
        let mut leases = node.leases.borrow_mut();
        match filling {
            Filling::Asked | Filling::Ahead => {
                leases.redeem(request.key, request.index, self.kernel.now())
            }
            Filling::Written => {
                leases.filled(request.key);
                true
            }
        }
    }

    /// What the node of the request's key says to a request that has found nothing fresh there. An
    /// entry that has come meanwhile is worth asking for again.
    pub fn ask_for_lease(&self, request: &Request) -> Lease {
        let Some(plan) = &self.plan.leases else {
            return Lease::Granted;
        };
        let number = self.node_of(request);
        let now_ns = self.kernel.now();
        let has_fresh = self
            .inspect(number, request.key)
            .is_some_and(|(_, fresh_until_ns)| fresh_until_ns > now_ns);
        if has_fresh {
            return Lease::Wait;
        }
        let node = &self.nodes[number];
        let lease = node
            .leases
            .borrow_mut()
            .ask(plan, request.key, request.index, now_ns);
        if self.meter.is_measuring() {
            match lease {
                Lease::Granted => self.counts().leases_granted.increment(),
                Lease::Stale(_) => {}
                Lease::Wait => self.counts().leases_waits.increment(),
            }
        }
        lease
    }

    /// Whether the request may fetch ahead of the expiry of what is there, and set it.
    pub fn leases_ahead(&self, request: &Request) -> bool {
        let Some(plan) = &self.plan.leases else {
            return true;
        };
        let node = &self.nodes[self.node_of(request)];
        let now_ns = self.kernel.now();
        let mut leases = node.leases.borrow_mut();
        let lease = leases.ask(plan, request.key, request.index, now_ns);
        matches!(lease, Lease::Granted)
    }

    /// The present version of a key, as its node knows it; 0 if nobody has told it of another.
    pub fn version_of(&self, node: usize, key: Key) -> u64 {
        let versions = self.nodes[node].versions.borrow();
        versions.get(&key).copied().unwrap_or(0)
    }

    /// Takes the entry of `key` out of a node; whether there was one. `committed` is the row that
    /// takes its place, if that is known already. Loads under way are overtaken. Where keys have
    /// versions, the node learns of the new one instead; whether it did not know it.
    pub fn drop_copy(&self, number: usize, key: Key, committed: Option<&Row>) -> bool {
        let node = &self.nodes[number];
        let now_ns = self.kernel.now();
        if self.plan.has_versioned_keys {
            let Some(row) = committed else { return false };
            let mut versions = node.versions.borrow_mut();
            let known = versions.entry(key).or_insert(0);
            let is_news = row.version() > *known;
            *known = row.version().max(*known);
            return is_news;
        }
        node.fills.borrow_mut().overtake(key);
        if let (Some(tombstone_ns), Some(row)) = (self.plan.tombstone_ns, committed) {
            let until_ns = now_ns.saturating_add(tombstone_ns);
            let mut tombstones = node.tombstones.borrow_mut();
            tombstones.bury(key, row.version(), now_ns, until_ns);
        }
        let removed = node.cache.borrow_mut().remove(key);
        if let Some(leases) = &self.plan.leases {
            let row = removed.as_ref().map(|resident| &resident.row);
            node.leases.borrow_mut().void(leases, key, row, now_ns);
        }
        match &removed {
            Some(resident) => self.let_go(node, resident),
            None => return false,
        }
        true
    }

    /// How many hits the entry of `key` had since it was stored, and until when it is fresh;
    /// nothing if it is not resident. No access for the policy.
    pub fn inspect(&self, node: usize, key: Key) -> Option<(u16, Nanoseconds)> {
        let cache = self.nodes[node].cache.borrow();
        let resident = cache.peek(key)?;
        let expires_ns = cache.expires_ns(key)?;
        let kept_ns = self.plan.ttl.map_or(0, |ttl| ttl.kept_ns());
        Some((resident.hits, expires_ns.saturating_sub(kept_ns)))
    }

    /// A load for `key` begins in a node.
    pub fn begin_fill(&self, node: usize, key: Key) -> Loading<'_> {
        Loading {
            fills: &self.nodes[node].fills,
            key,
            ticket: Some(self.nodes[node].fills.borrow_mut().begin(key)),
        }
    }

    /// Locks a key of a node for as long as the guard lives, after those who came before.
    pub async fn lock(&self, node: usize, key: Key) -> Lock<'_> {
        self.wait_for_lock(node, key).await;
        let channel = self.unlocked.open();
        self.nodes[node].locks.borrow_mut().insert(key, channel);
        Lock {
            tier: self,
            node,
            key,
            channel,
        }
    }

    /// Whether somebody has locked the key.
    #[inline]
    pub fn is_locked(&self, node: usize, key: Key) -> bool {
        let locks = self.nodes[node].locks.borrow();
        !locks.is_empty() && locks.contains_key(&key)
    }

    /// Waits until nobody has locked the key.
    pub async fn wait_for_lock(&self, node: usize, key: Key) {
        loop {
            let channel = self.nodes[node].locks.borrow().get(&key).copied();
            let Some(channel) = channel else { return };
            self.unlocked.receive(channel).await;
        }
    }

    // Write-behind.

    /// Notes a write that the database is still to hear of.
    pub fn buffer(&self, node: usize, dirty: Dirty) {
        let mut buffer = self.nodes[node].buffer.borrow_mut();
        buffer.add(dirty);
        let keys = buffer.len() as u64;
        drop(buffer);
        self.note_dirty();
        let counts = self.counts();
        if self.meter.is_measuring() {
            counts.dirty_max.set(counts.dirty_max.get().max(keys));
        }
    }

    /// Takes the oldest write of a node's buffer, for a flush that [`Tier::end_flush`] ends.
    pub fn begin_flush(&self, node: usize) -> Option<Dirty> {
        let taken = self.nodes[node].buffer.borrow_mut().take();
        self.note_dirty();
        taken
    }

    /// Whether the newest version of `key` waits in the node for its flush, or is on its way to the
    /// database.
    pub fn waits_for_flush(&self, node: usize, key: Key) -> bool {
        self.nodes[node].buffer.borrow().row(key).is_some()
    }

    /// The number of dirty keys has changed.
    fn note_dirty(&self) {
        let dirty = &self.counts().dirty;
        dirty.set(self.kernel.now(), self.dirty_keys_in_all());
    }

    /// A flush has ended: what it was about, or nothing if that is gone.
    pub fn end_flush(&self, node: usize, key: Key) -> Option<Dirty> {
        self.nodes[node].buffer.borrow_mut().flushed(key)
    }

    /// Keys of each node that wait for their flush.
    pub fn dirty_keys(&self, node: usize) -> usize {
        self.nodes[node].buffer.borrow().len()
    }

    /// Keys of all nodes that wait for their flush.
    pub fn dirty_keys_in_all(&self) -> u64 {
        self.nodes
            .iter()
            .map(|node| node.buffer.borrow().len() as u64)
            .sum()
    }

    /// Client writes that were acknowledged and that the database does not have yet.
    pub fn pending_writes(&self) -> u64 {
        self.nodes
            .iter()
            .map(|node| node.buffer.borrow().writes())
            .sum()
    }

    // Faults.

    /// A node loses all that it has in memory, and answers no more until [`Tier::restart`]. Returns
    /// what waited there for its flush, which is lost unless somebody has a log of it.
    pub fn crash(&self, number: usize) -> Vec<Dirty> {
        let node = &self.nodes[number];
        node.is_down.set(true);
        node.crashes.set(node.crashes.get() + 1);
        node.clear(&self.plan);
        let lost = node.buffer.borrow_mut().drain();
        self.note_dirty();
        lost
    }

    /// How often a node has crashed.
    pub fn crashes(&self, number: usize) -> u64 {
        self.nodes[number].crashes.get()
    }

    /// A node answers again.
    pub fn restart(&self, number: usize) {
        self.nodes[number].is_down.set(false);
    }

    /// A node forgets all entries. What waits for its flush stays.
    pub fn purge(&self, number: usize) {
        self.nodes[number].clear(&self.plan);
    }

    /// From now on this share of the explicit deletes is lost on the way.
    pub fn lose_deletes(&self, share: f64) {
        self.delete_failure.set(share);
    }

    // What is measured.

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

    /// Resident entries of each node.
    pub fn node_entries(&self) -> impl Iterator<Item = usize> + '_ {
        self.nodes.iter().map(|node| node.cache.borrow().len())
    }

    /// Bytes of resident values of all nodes.
    pub fn bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.bytes.get()).sum()
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
    }

    /// An entry is no longer in the node.
    #[inline]
    fn let_go(&self, node: &Node, resident: &Resident) {
        node.bytes
            .set(node.bytes.get() - u64::from(resident.row.bytes));
        if resident.refreshed && resident.hits == 0 && self.meter.is_measuring() {
            self.counts().refreshes_wasted.increment();
        }
    }

    #[inline]
    fn settle_evictions(&self, node: &Node, cache: &mut Cache<Resident>) {
        self.settle_evictions_watching(node, cache, Key::MAX);
    }

    /// Accounts for what the last call evicted; whether `watched` was among it.
    #[inline]
    fn settle_evictions_watching(
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
        }
        if count > 0 && self.meter.is_measuring() {
            self.counts().evictions.add(count);
        }
        seen
    }

    fn count_expirations(&self, count: u64) {
        if self.meter.is_measuring() {
            self.counts().expirations.add(count);
        }
    }
}

fn drop_answer(_: bool) {}

/// A load that is under way in a node, until this is dropped.
#[derive(Debug)]
pub struct Loading<'a> {
    fills: &'a RefCell<Fills>,
    key: Key,
    ticket: Option<Ticket>,
}

impl Loading<'_> {
    /// The load ends; whether its row may be stored: not if a write has overtaken it.
    #[must_use]
    pub fn end(mut self) -> bool {
        let ticket = self.ticket.take();
        ticket.is_some_and(|ticket| self.fills.borrow_mut().end(self.key, ticket))
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.fills.borrow_mut().end(self.key, ticket);
        }
    }
}

/// A key that is locked in its node until this is dropped.
#[derive(Debug)]
pub struct Lock<'a> {
    tier: &'a Tier,
    node: usize,
    key: Key,
    channel: BroadcastId,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        self.tier.nodes[self.node]
            .locks
            .borrow_mut()
            .remove(&self.key);
        self.tier.unlocked.close(self.channel, Some(()));
    }
}

impl Plan {
    /// How many nodes there are in all, with so many who may have nodes of their own.
    #[must_use]
    pub fn nodes_in_all(&self, population: Population) -> u32 {
        let groups = match self.scope {
            Scope::Global => 1,
            Scope::Instance => population.instances,
            Scope::Client => population.sessions,
        };
        groups.saturating_mul(self.nodes)
    }
}
