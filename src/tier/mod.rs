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
use crate::eviction::{Measure, PolicySpec};
use crate::kernel::{Kernel, Refused, Resource, Usage};
use crate::metrics::{Meter, ReadOutcome};
use crate::placement::{self, Scheme};
use crate::random::{Luck, Stream};
use crate::units::{Key, NEVER, Nanoseconds};
use crate::workload::Request;
use crate::workload::distribution::Distribution;

/// A tier as checked: nothing in it can be invalid.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name that metrics and overrides use; unique in a scenario.
    pub name: String,
    /// How many nodes, at least 1.
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

/// When entries expire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeToLive {
    /// Before jitter.
    pub base_ns: Nanoseconds,
    /// Whether each hit starts it anew.
    pub sliding: bool,
    /// The TTL is multiplied by a uniform draw from [1 - `jitter_below`, 1 + `jitter_above`].
    pub jitter_below: f64,
    /// See `jitter_below`.
    pub jitter_above: f64,
}

impl TimeToLive {
    /// When an entry stored at `now_ns` expires; `luck` decides the jitter, addressed by `index`.
    #[inline]
    fn expires_ns(&self, now_ns: Nanoseconds, luck: &Stream, index: u64) -> Nanoseconds {
        let spread = self.jitter_below + self.jitter_above;
        let ttl_ns = if spread == 0.0 {
            self.base_ns
        } else {
            let factor = 1.0 - self.jitter_below + spread * luck.at(index).unit();
            // A TTL of zero would be an entry that never was.
            ((self.base_ns as f64 * factor).round() as Nanoseconds).max(1)
        };
        now_ns.saturating_add(ttl_ns)
    }
}

/// An active sweep: every so often, look at a few entries and drop the expired ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Time between two sweeps of a node.
    pub interval_ns: Nanoseconds,
    /// Entries looked at in one sweep.
    pub sample: u32,
}

#[derive(Debug)]
struct Node {
    cache: RefCell<Cache<Row>>,
    /// Bytes of resident values.
    bytes: Cell<u64>,
    workers: Resource,
}

impl Node {
    fn add_bytes(&self, row: &Row) {
        self.bytes.set(self.bytes.get() + u64::from(row.bytes));
    }

    fn subtract_bytes(&self, row: &Row) {
        self.bytes.set(self.bytes.get() - u64::from(row.bytes));
    }
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
    network_luck: Stream,
    service_luck: Stream,
    ttl_luck: Stream,
}

/// The kinds of exchange; each has its own luck, so that a request's lookup takes as long in a
/// variant where it is followed by a set as in one where it is not.
#[derive(Clone, Copy, Debug)]
enum Exchange {
    LookUp,
    Set,
    Delete,
}

impl Exchange {
    /// The index of this exchange's draws within a stream.
    #[inline]
    fn index(self, request: &Request) -> u64 {
        request.index * 4 + self as u64
    }
}

impl Tier {
    /// An empty tier. `level` counts tiers from the client.
    #[must_use]
    pub fn new(
        plan: &Plan,
        level: usize,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
        luck: Luck,
    ) -> Self {
        let purpose = |what: &str| luck.stream(&format!("tier.{}.{what}", plan.name));
        let eviction_luck = purpose("eviction");
        let node = |number: u32| {
            let (measure, capacity) = match plan.capacity {
                Capacity::Unlimited => (Measure::Entries, u64::from(u32::MAX)),
                Capacity::Entries(entries) => (Measure::Entries, entries),
                Capacity::Bytes(bytes) => (Measure::Bytes, bytes),
            };
            let seed = eviction_luck.at(u64::from(number)).bits();
            Node {
                cache: RefCell::new(Cache::new(&plan.eviction, measure, capacity, seed)),
                bytes: Cell::new(0),
                workers: Resource::new(kernel.clone(), plan.workers, plan.queue_limit),
            }
        };
        Self {
            level,
            kernel: kernel.clone(),
            meter: meter.clone(),
            nodes: (0..plan.nodes).map(node).collect(),
            scheme: plan.placement.build(plan.nodes),
            network_luck: purpose("network"),
            service_luck: purpose("service"),
            ttl_luck: purpose("ttl"),
            plan: plan.clone(),
        }
    }

    /// The tier's plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Asks for the row of the request's key: `None` if it is not there or expired. A hit counts as
    /// one; how a miss counts is for the defence to say ([`Tier::note`]).
    ///
    /// # Errors
    /// [`Refused`] if the node's queue was full.
    pub async fn look_up(&self, request: &Request) -> Result<Option<Row>, Refused> {
        let issued_ns = self.kernel.now();
        let find = |tier: &Self, node: &Node| tier.find(node, request);
        let found = self.exchange(Exchange::LookUp, request, find).await?;
        if self.meter.is_measuring() {
            let latency_ns = self.kernel.now() - issued_ns;
            self.meter.tiers[self.level]
                .lookup_latency
                .borrow_mut()
                .record(latency_ns);
        }
        if found.is_some() {
            self.note(ReadOutcome::Hit);
        }
        Ok(found)
    }

    /// Stores a row under the request's key. Its TTL starts now.
    ///
    /// # Errors
    /// [`Refused`] if the node's queue was full.
    pub async fn set(&self, request: &Request, row: &Row) -> Result<(), Refused> {
        let store = |tier: &Self, node: &Node| tier.store(node, request, row);
        self.exchange(Exchange::Set, request, store).await
    }

    /// Takes out what is stored under the request's key, if anything.
    ///
    /// # Errors
    /// [`Refused`] if the node's queue was full.
    pub async fn delete(&self, request: &Request) -> Result<(), Refused> {
        let drop = |_: &Self, node: &Node| {
            let removed = node.cache.borrow_mut().remove(request.key);
            if let Some(row) = removed {
                node.subtract_bytes(&row);
            }
        };
        self.exchange(Exchange::Delete, request, drop).await
    }

    /// Counts a lookup that ended as `outcome`.
    #[inline]
    pub fn note(&self, outcome: ReadOutcome) {
        self.meter.look_up(self.level, outcome);
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
                swept.iter().for_each(|row| node.subtract_bytes(row));
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

    /// One round trip to the node that holds the key; `act` is what it does there.
    #[inline]
    async fn exchange<T>(
        &self,
        exchange: Exchange,
        request: &Request,
        act: impl FnOnce(&Self, &Node) -> T,
    ) -> Result<T, Refused> {
        let number = self.node_of(request.key);
        self.nodes[number].cache.borrow().announce(request.key);
        let luck_index = exchange.index(request);
        let round_trip_ns = self
            .plan
            .network
            .sample_u64(&mut self.network_luck.at(luck_index));
        let way_out_ns = round_trip_ns / 2;
        self.kernel.sleep(way_out_ns).await;
        let outcome = self.serve(number, request.key, luck_index, act).await;
        self.kernel.sleep(round_trip_ns - way_out_ns).await;
        outcome
    }

    #[inline]
    async fn serve<T>(
        &self,
        number: usize,
        key: Key,
        luck_index: u64,
        act: impl FnOnce(&Self, &Node) -> T,
    ) -> Result<T, Refused> {
        let node = &self.nodes[number];
        if self.meter.is_measuring() {
            self.meter.tiers[self.level].node_exchanges[number].increment();
        }
        let worker = node.workers.acquire().await;
        if worker.is_err() && self.meter.is_measuring() {
            self.meter.tiers[self.level].refused.increment();
        }
        let _worker = worker?;
        node.cache.borrow().approach(key);
        let service_ns = self
            .plan
            .service_time
            .sample_u64(&mut self.service_luck.at(luck_index));
        self.kernel.sleep(service_ns).await;
        Ok(act(self, node))
    }

    #[inline]
    fn node_of(&self, key: Key) -> usize {
        if self.nodes.len() == 1 {
            return 0;
        }
        self.scheme.node(placement::hash(key)) as usize
    }

    #[inline]
    fn find(&self, node: &Node, request: &Request) -> Option<Row> {
        let now_ns = self.kernel.now();
        let mut cache = node.cache.borrow_mut();
        match cache.lookup(request.key, now_ns) {
            Lookup::Hit(row) => {
                let row = row.clone();
                if let Some(ttl) = self.plan.ttl.filter(|ttl| ttl.sliding) {
                    let index = Exchange::LookUp.index(request);
                    cache.extend(request.key, ttl.expires_ns(now_ns, &self.ttl_luck, index));
                }
                // Some policies evict on a hit.
                self.settle_evictions(node, &mut cache);
                Some(row)
            }
            Lookup::Expired(row) => {
                node.subtract_bytes(&row);
                self.count_expirations(1);
                None
            }
            Lookup::Miss => None,
        }
    }

    fn store(&self, node: &Node, request: &Request, row: &Row) {
        let now_ns = self.kernel.now();
        let index = Exchange::Set.index(request);
        let expires_ns = self
            .plan
            .ttl
            .map_or(NEVER, |ttl| ttl.expires_ns(now_ns, &self.ttl_luck, index));
        let weight = match self.plan.capacity {
            Capacity::Bytes(_) => u64::from(row.bytes) + self.plan.entry_overhead_bytes,
            Capacity::Entries(_) | Capacity::Unlimited => 1,
        };
        let mut cache = node.cache.borrow_mut();
        let inserted = cache.insert(request.key, row.clone(), weight, now_ns, expires_ns);
        if let Some(replaced) = &inserted.replaced {
            node.subtract_bytes(replaced);
        }
        node.add_bytes(row);
        let newcomer_left = self.settle_evictions_watching(node, &mut cache, request.key);
        if !inserted.admitted && !newcomer_left {
            node.subtract_bytes(row);
        }
    }

    #[inline]
    fn settle_evictions(&self, node: &Node, cache: &mut Cache<Row>) {
        self.settle_evictions_watching(node, cache, Key::MAX);
    }

    /// Accounts for what the last call evicted; whether `watched` was among it.
    #[inline]
    fn settle_evictions_watching(&self, node: &Node, cache: &mut Cache<Row>, watched: Key) -> bool {
        let mut count = 0;
        let mut seen = false;
        for (key, row) in cache.drain_evicted() {
            node.subtract_bytes(&row);
            count += 1;
            seen |= key == watched;
        }
        if count > 0 && self.meter.is_measuring() {
            self.meter.tiers[self.level].evictions.add(count);
        }
        seen
    }

    fn count_expirations(&self, count: u64) {
        if self.meter.is_measuring() {
            self.meter.tiers[self.level].expirations.add(count);
        }
    }
}
