//! A tier: one cache layer with its nodes, the network to them and their service queues.
//!
//! Every exchange (lookup, set, delete) goes out over the network, waits for a worker of the node
//! that holds the key, takes effect at the end of its service, and comes back.
//!
//! Not here: when the app looks up or sets (see `pattern`), and what it does when many requests
//! miss together (see `defence`).

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use crate::database::Row;
use crate::eviction::PolicySpec;
use crate::geography::{Distance, Disturbances, Geography, Home, Population};
use crate::guard::{self, Guards, Place};
use crate::kernel::{Broadcast, Discipline, Kernel, OneOf, OwnedPermit, Refused, rarely};
use crate::metrics::Meter;
use crate::placement::{self, Scheme};
use crate::random::{Luck, Stream, mix};
use crate::units::{Key, Nanoseconds, RegionId};
use crate::workload::Request;
use crate::workload::distribution::Distribution;

mod bandwidth;
mod behind;
mod chunks;
mod clocks;
mod connections;
mod contents;
mod demotion;
mod disturbed;
mod failover;
mod early;
mod expire;
mod faults;
mod fills;
mod hot_keys;
mod isolation;
mod leases;
mod measured;
mod membership;
mod mutexes;
mod multi_get;
mod negative;
mod node;
mod preset;
mod replication;
mod resize;
mod time_to_live;
mod traced;
mod trip;
mod while_down;
mod write_buffer;

pub use bandwidth::Fields;
pub use chunks::Chunking;
pub use clocks::Skew;
use connections::Connections;
pub use connections::{ConnectionsPlan, ConnectionsUsage};
pub use early::EarlyPlan;
pub use failover::{DETECTION, Detection};
pub use hot_keys::{Detect, HotKeys};
pub use leases::{Lease, LeasePlan};
pub use multi_get::{Arrival, Way};
pub use mutexes::{MutexPlan, Taken};

use clocks::Clocks;
use membership::Members;
pub use membership::{GUTTER, Gutter, MembershipPlan, Sent};
use node::Node;
pub use preset::{PRESETS, Preset};
pub use replication::{COPY_READS, Plan as ReplicationPlan, REPLICATION, Reads, ReadsRow};

pub use time_to_live::{Refreshers, TimeToLive};
pub use trip::{Leaving, Visiting};
pub use while_down::{WHILE_DOWN, WhileDown};
pub use write_buffer::Dirty;

/// A tier as checked: nothing in it can be invalid.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name that metrics and overrides use; unique in a scenario.
    pub name: String,
    /// Who shares a node.
    pub scope: Scope,
    /// Where a tier that everybody shares lives; `None` if it is equally near to all regions.
    pub home: Option<RegionId>,
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
    /// Bytes per second, at least 1, that a node sends and receives; `None` for values that take no
    /// time on their way.
    pub bandwidth_per_s: Option<u64>,
    /// Whether values are stored and sent in one piece.
    pub values: Values,
    /// What is done about hot keys; `None` for nothing.
    pub hot_keys: Option<HotKeys>,
    /// Requests that may wait at a node; more are refused. `None` for no limit.
    pub queue_limit: Option<u32>,
    /// Whom a node's queue serves next, if not the first who came.
    pub discipline: Option<Discipline>,
    /// The connections of each app instance to each node; `None` for as many as are wanted.
    pub connections: Option<ConnectionsPlan>,
    /// What stands between the app and the nodes.
    pub guards: Vec<guard::Plan>,
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
    /// How long "no such row" is stored; `None` if it is not.
    pub negative_ttl_ns: Option<Nanoseconds>,
    /// Share of the rows that the tier may keep at all; the others pass it by.
    pub cacheable: f64,
    /// Share of the rows that it keeps for each session apart.
    pub personalised: f64,
    /// After how many hits of an entry the tiers above keep it too; `None` for never.
    pub promote_after: Option<u16>,
    /// Whether it holds what the tier above has evicted and nothing else.
    pub is_exclusive: bool,
    /// What may change about the nodes.
    pub membership: MembershipPlan,
    /// How locks are kept in the nodes, if they are.
    pub mutexes: Option<MutexPlan>,
    /// By which dice fresh entries are taken for expired, if they are.
    pub early: Option<EarlyPlan>,
}

/// Whether values are stored and sent in one piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// They are.
    #[default]
    Whole,
    /// They are stored whole, and a read gets some of their fields.
    Fields(Fields),
    /// Large ones are stored as several entries.
    Chunks(Chunking),
}

/// Who shares a tier's nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Each client has nodes of its own: a browser.
    Client,
    /// Each app instance has: an in-process cache.
    Instance,
    /// Each region has: a point of presence of a CDN, a pool of sidecars.
    Region,
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
        name: "region",
        summary: "each region has nodes of its own: a CDN's point of presence, a pool of sidecars",
        scope: Scope::Region,
    },
    ScopeRow {
        name: "client",
        summary: "each session has nodes of its own: a browser's cache",
        scope: Scope::Client,
    },
];

/// A node that could not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Its queue was full.
    #[error("the queue of the node was full")]
    QueueFull,
    /// It has crashed.
    #[error("the node is down")]
    Down,
    /// None of the app's connections to it was free, and the queue for one was full.
    #[error("no connection to the node was free")]
    NoConnection,
    /// The message, or the answer, was lost on its way.
    #[error("there was no answer")]
    Lost,
    /// A guard refused to send it, or the node's queue turned it away.
    #[error("shed")]
    Shed,
}

impl From<Refused> for Unreachable {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::QueueFull,
            Refused::Late => Self::Shed,
        }
    }
}

/// What a lookup found.
#[derive(Clone, Debug)]
pub enum Found {
    /// An entry within its TTL.
    Fresh(Row),
    /// An entry within its TTL that this reader is to fetch anew all the same.
    Early(Row),
    /// An entry that is past its TTL and kept for the purposes of [`TimeToLive`].
    Stale(Stale),
    /// No entry.
    Nothing,
}

impl Found {
    /// The row of an entry within its TTL.
    #[must_use]
    pub fn fresh(self) -> Option<Row> {
        match self {
            Self::Fresh(row) | Self::Early(row) => Some(row),
            _ => None,
        }
    }
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
#[derive(Clone, Debug)]
#[must_use]
pub struct Visit {
    came: Came,
}

/// How a visit has come to its node. As small as can be, because every hit carries it.
#[derive(Clone, Debug)]
enum Came {
    Freely {
        node: u32,
        way_back_ns: Nanoseconds,
    },
    /// As `Freely`, and the answer gets lost on the way back.
    Lost {
        node: u32,
        way_back_ns: Nanoseconds,
    },
    /// Over a connection of the app's; shared where several came together.
    Connected {
        node: u32,
        back: Rc<Back>,
    },
}

/// A way back over a connection, which is free when it is over.
#[derive(Debug)]
struct Back {
    way_ns: Nanoseconds,
    /// Whether the answer gets lost on it.
    is_lost: bool,
    _connection: OwnedPermit,
}

impl Visit {
    /// The node that is being visited.
    #[must_use]
    #[inline]
    pub fn node(&self) -> usize {
        match self.came {
            Came::Freely { node, .. } | Came::Lost { node, .. } | Came::Connected { node, .. } => {
                node as usize
            }
        }
    }

    /// Whether the answer gets lost on the way back, so that nobody learns what has been done there.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match &self.came {
            Came::Freely { .. } => false,
            Came::Lost { .. } => true,
            Came::Connected { back, .. } => back.is_lost,
        }
    }

    /// The same, by a way back on which the answer gets lost; whoever waits for it does so for as long.
    fn without_answer(self, way_back_ns: Nanoseconds) -> Self {
        let node = self.node() as u32;
        let came = Came::Lost { node, way_back_ns };
        Self { came }
    }

    /// Without a connection of the app's.
    #[inline]
    fn free(node: usize, way_back_ns: Nanoseconds) -> Self {
        let came = Came::Freely {
            node: node as u32,
            way_back_ns,
        };
        Self { came }
    }

    /// The same, over a connection of the app's.
    fn over(self, connection: OwnedPermit) -> Self {
        let back = Rc::new(Back {
            way_ns: self.way_back_ns(),
            is_lost: self.is_lost(),
            _connection: connection,
        });
        let node = self.node() as u32;
        let came = Came::Connected { node, back };
        Self { came }
    }

    fn way_back_ns(&self) -> Nanoseconds {
        match &self.came {
            Came::Freely { way_back_ns, .. } | Came::Lost { way_back_ns, .. } => *way_back_ns,
            Came::Connected { back, .. } => back.way_ns,
        }
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
    /// Because the tier above has evicted it.
    Demoted,
    /// Because the copy that is there was asked about and is still true: no value is sent.
    Confirmed,
}

impl Filling {
    /// The same, if what was asked for turned out to be the copy that was `known`.
    #[must_use]
    pub fn given(self, row: &Row, known: Option<&Row>) -> Self {
        match known {
            Some(known) if known.version() == row.version() => Self::Confirmed,
            _ => self,
        }
    }
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
    guards: Option<Guards>,
    /// Boxed, because most tiers have none.
    connections: Option<Box<Connections>>,
    scheme: Box<dyn Scheme>,
    /// Who answers, where the placement alone does not say so.
    members: Option<Box<Members>>,
    geography: Rc<Geography>,
    /// Boxed, because most tiers have none.
    distance: Option<Box<Distance>>,
    disturbances: Disturbances,
    clocks: Clocks,
    /// Share of deletes that are lost at present.
    delete_failure: Cell<f64>,
    unlocked: Broadcast<()>,
    /// The tier that takes what this one evicts.
    victims: OnceCell<Rc<Tier>>,
    network_luck: Stream,
    service_luck: Stream,
    ttl_luck: Stream,
    delete_luck: Stream,
    early_luck: Stream,
    /// How long the fetches took whose rows are about to be stored, where that matters.
    measured: early::FetchTimes,
    /// Whether there is nothing more to a lookup than the cache itself says.
    finds_plainly: bool,
    hot_keys: Option<Box<hot_keys::Known>>,
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
    /// Look again, and take the lock of a key.
    TakeMutex,
    /// Give the lock of a key back.
    ReleaseMutex,
}

impl Exchange {
    /// The index of this exchange's draws within a stream.
    #[inline]
    fn index(self, request: &Request) -> u64 {
        request.index.wrapping_mul(16).wrapping_add(self as u64)
    }
}

/// What somebody goes to a node for: the exchange, the bytes of the value that it brings, and the index
/// of its draws.
#[derive(Clone, Copy, Debug)]
struct Errand {
    exchange: Exchange,
    bytes: u64,
    luck_index: u64,
}

impl Errand {
    #[inline]
    fn new(exchange: Exchange, request: &Request, bytes: u64) -> Self {
        Self {
            exchange,
            bytes,
            luck_index: exchange.index(request),
        }
    }

    /// The same once more, with luck of its own: `turn` tells several such from one another.
    fn again(self, turn: u64) -> Self {
        Self {
            luck_index: mix(self.luck_index ^ turn),
            ..self
        }
    }
}

impl Tier {
    /// An empty tier. `level` counts tiers from the client.
    #[must_use]
    pub fn new(
        plan: &Plan,
        level: usize,
        geography: &Rc<Geography>,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
        luck: Luck,
    ) -> Rc<Self> {
        let population = geography.population();
        let what = format!("tier.{}", plan.name);
        let distance = |home| Box::new(Distance::new(home, geography, &what, luck));
        let purpose = |what: &str| luck.stream(&format!("tier.{}.{what}", plan.name));
        let eviction_luck = purpose("eviction");
        let node = |number: u32| {
            let seed = eviction_luck.at(u64::from(number)).bits();
            Node::new(plan, seed, kernel)
        };
        Rc::new_cyclic(|tier| Self {
            level,
            members: plan.has_members().then(|| {
                let members = Members::new(plan, population, tier.clone(), kernel, luck);
                Box::new(members)
            }),
            kernel: kernel.clone(),
            meter: meter.clone(),
            nodes: (0..plan.nodes_in_all(population)).map(node).collect(),
            scheme: plan.placement.build(plan.nodes),
            guards: Guards::new(
                &plan.guards,
                Place::Tier(level),
                population.instances,
                kernel,
                meter,
            ),
            connections: Connections::new(plan, kernel),
            geography: geography.clone(),
            distance: plan.home.map(distance),
            disturbances: Disturbances::new(&what, luck),
            clocks: Clocks::default(),
            delete_failure: Cell::new(plan.delete_failure),
            unlocked: Broadcast::new(kernel.clone()),
            victims: OnceCell::new(),
            network_luck: purpose("network"),
            service_luck: purpose("service"),
            ttl_luck: purpose("ttl"),
            delete_luck: purpose("delete"),
            early_luck: purpose("early"),
            measured: early::FetchTimes::default(),
            finds_plainly: plan.early.is_none()
                && plan
                    .ttl
                    .is_none_or(|ttl| ttl.kept_ns() == 0 && !ttl.sliding),
            hot_keys: hot_keys::Known::new(plan, plan.nodes_in_all(population) as usize, luck),
            plan: plan.clone(),
        })
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
    pub fn set<'a>(
        &'a self,
        request: &'a Request,
        row: &'a Row,
        filling: Filling,
    ) -> impl Future<Output = Result<bool, Unreachable>> + 'a {
        let is_one_exchange = matches!(self.plan.values, Values::Whole)
            && self.hot_keys.is_none()
            && !self.are_everywhere();
        if is_one_exchange {
            OneOf::First(self.exchange_set(request, row, filling))
        } else {
            OneOf::<_, _>::Second(rarely(move || self.set_all(request, row, filling)))
        }
    }

    /// As [`Tier::set`], where a row may be several entries.
    async fn set_all(
        &self,
        request: &Request,
        row: &Row,
        filling: Filling,
    ) -> Result<bool, Unreachable> {
        if !matches!(self.plan.values, Values::Whole) && !self.scatter(request, row, filling).await
        {
            return Ok(false);
        }
        if filling == Filling::Written && !self.other_copies(request).is_empty() {
            self.set_copies(request, row).await;
        }
        self.set_one(request, row, filling).await
    }

    async fn set_one(
        &self,
        request: &Request,
        row: &Row,
        filling: Filling,
    ) -> Result<bool, Unreachable> {
        match &self.members {
            Some(members) if members.are_everywhere() => {
                let setting = rarely(move || members.set_everywhere(self, request, row, filling));
                setting.await
            }
            _ => self.exchange_set(request, row, filling).await,
        }
    }

    /// Stores a row in the node that holds the request's key.
    fn exchange_set(
        &self,
        request: &Request,
        row: &Row,
        filling: Filling,
    ) -> impl Future<Output = Result<bool, Unreachable>> {
        let bytes = self.received_bytes(row.bytes, filling);
        self.exchange(Exchange::Set, request, bytes, move |tier, node| {
            let stored = tier.store(node, request, row, filling);
            tier.trace_outcome(|| if stored { "stored" } else { "refused" });
            stored
        })
    }

    /// Whether every node holds every entry.
    fn are_everywhere(&self) -> bool {
        let members = self.members.as_ref();
        members.is_some_and(|members| members.are_everywhere())
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
        if self.hot_keys.is_some() {
            rarely(move || self.delete_copies(exchange, request, committed)).await;
        }
        self.delete_one(exchange, request, committed).await
    }

    async fn delete_one(
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
        let drop = |tier: &Self, node: usize| {
            let was_there = tier.drop_copy(node, request.key, committed);
            tier.trace_outcome(|| if was_there { "deleted" } else { "not_there" });
            was_there
        };
        let outcome = match &self.members {
            Some(members) if members.are_everywhere() => {
                let all = members.delete_everywhere(self, exchange, request, committed);
                all.await
            }
            _ => self.exchange(exchange, request, 0, drop).await,
        };
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
    pub fn visit<'a>(&'a self, exchange: Exchange, request: &'a Request) -> Visiting<'a> {
        Visiting::new(self, exchange, request, 0)
    }

    /// How long the way to a node and back takes.
    #[inline]
    fn round_trip_ns(
        &self,
        request: &Request,
        errand: &Errand,
        farther_ns: Nanoseconds,
    ) -> Nanoseconds {
        let mut luck = self.network_luck.at(errand.luck_index);
        let mut round_trip_ns = farther_ns + self.plan.network.sample_u64(&mut luck);
        if let Some(distance) = &self.distance {
            round_trip_ns += distance.round_trip_ns(request.region, errand.luck_index);
        }
        round_trip_ns
    }

    /// Whether a request that has met such a node fails, rather than going on to what lies below.
    #[must_use]
    pub fn is_fatal(&self, unreachable: Unreachable) -> bool {
        let is_silent = matches!(unreachable, Unreachable::Down | Unreachable::Lost);
        is_silent && self.plan.membership.while_down.is_fatal()
    }

    /// A round trip between two nodes of the tier.
    pub async fn hop(&self, exchange: Exchange, request: &Request) {
        let mut luck = self.network_luck.at(exchange.index(request));
        let round_trip_ns = self.plan.network.sample_u64(&mut luck);
        let _hop = self.meter.span(exchange.span_name());
        self.kernel.sleep(round_trip_ns).await;
    }

    /// Goes back from a node.
    #[inline]
    pub fn leave(&self, visit: Visit) -> Leaving<'_> {
        if let Some(tracer) = &self.meter.tracer {
            self.trace_way_back(tracer, visit.way_back_ns());
        }
        Leaving::new(&self.kernel, visit)
    }

    /// One round trip to the node that holds the key, with a value of so many bytes; `act` is what it
    /// does there, given its number.
    #[inline]
    fn exchange<T>(
        &self,
        exchange: Exchange,
        request: &Request,
        bytes: u64,
        act: impl FnOnce(&Self, usize) -> T,
    ) -> impl Future<Output = Result<T, Unreachable>> {
        async move {
            let visit = Visiting::new(self, exchange, request, bytes).await?;
            let outcome = act(self, visit.node());
            let is_safe = if self.waits_for_replicas() {
                let node = visit.node();
                rarely(move || self.replicated(node)).await
            } else {
                true
            };
            self.leave(visit).await;
            if is_safe {
                Ok(outcome)
            } else {
                Err(self.refuse(Unreachable::Down))
            }
        }
    }

    fn refuse(&self, unreachable: Unreachable) -> Unreachable {
        self.trace_refusal(unreachable);
        if self.meter.is_measuring() {
            let counts = self.counts();
            match unreachable {
                Unreachable::Shed => counts.guard.shed.increment(),
                Unreachable::NoConnection => counts.connections_refused.increment(),
                Unreachable::QueueFull | Unreachable::Down => counts.refused.increment(),
                Unreachable::Lost => counts.lost.increment(),
            }
        }
        unreachable
    }

    /// The node that holds the request's key, as far as the request can see.
    #[inline]
    pub fn node_of(&self, request: &Request) -> usize {
        if let Some(members) = &self.members {
            return members.node_in_group(self.group_of(request), request.key);
        }
        let within = if self.plan.nodes == 1 {
            0
        } else {
            self.scheme.node(request.key, placement::hash(request.key)) as usize
        };
        self.group_of(request) as usize * self.plan.nodes as usize + within
    }

    /// The request as a node works on it: where the tier lives, if it lives in one region.
    #[must_use]
    pub fn from_here(&self, request: &Request) -> Request {
        match self.plan.home {
            Some(region) => Request { region, ..*request },
            None => *request,
        }
    }

    /// Which of those who do not share nodes the request belongs to.
    #[inline]
    #[must_use]
    pub fn group_of(&self, request: &Request) -> u32 {
        match self.plan.scope {
            Scope::Global => 0,
            Scope::Instance => request.instance,
            Scope::Region => self.geography.region_of(request.instance).number() as u32,
            Scope::Client => request.session,
        }
    }

    /// Where those live who share the nodes of a group: app instances, or a region.
    #[must_use]
    pub fn home_of_group(&self, group: u32) -> Home {
        let (instance, region) = match self.plan.scope {
            Scope::Instance => (Some(group), self.geography.region_of(group)),
            Scope::Region => (None, RegionId(group as u16)),
            Scope::Global | Scope::Client => (None, RegionId::default()),
        };
        Home { instance, region }
    }

    /// Work that a node does by itself, on behalf of whom it belongs to. A tier that everybody shares
    /// and that has no home works in the first region.
    #[must_use]
    pub fn request_of(&self, node: usize, index: u64, key: Key) -> Request {
        let group = (node / self.plan.nodes_per_group() as usize) as u32;
        let (instance, session) = match self.plan.scope {
            Scope::Global => (0, 0),
            Scope::Instance => (group, 0),
            Scope::Region => (self.geography.first_instance_of(group), 0),
            Scope::Client => (self.geography.instances_for(group).start, group),
        };
        let region = self.geography.region_of(instance);
        Request {
            index,
            instance,
            session,
            key,
            issued_ns: self.kernel.now(),
            region: self.plan.home.unwrap_or(region),
            ..Request::default()
        }
    }

    /// How many there are of those who do not share nodes, each with nodes of its own.
    pub fn groups(&self) -> u32 {
        self.nodes.len() as u32 / self.plan.nodes_per_group()
    }

    /// The node that holds a copy of `key` for one of those who do not share.
    pub fn node_in_group(&self, group: u32, key: Key) -> usize {
        if let Some(members) = &self.members {
            return members.node_in_group(group, key);
        }
        let within = self.scheme.node(key, placement::hash(key)) as usize;
        group as usize * self.plan.nodes as usize + within
    }
}

fn drop_answer(_: bool) {}

impl Plan {
    /// A tier of one node that everybody shares, LRU, without TTL, reached and served in no time:
    /// what is not said of a tier.
    ///
    /// # Panics
    /// Never: constants are valid distributions.
    #[must_use]
    pub fn plain(name: &str, capacity: Capacity) -> Self {
        let at_once = || Distribution::constant(0.0).expect("a constant");
        Self {
            name: name.to_owned(),
            scope: Scope::Global,
            home: None,
            nodes: 1,
            capacity,
            entry_overhead_bytes: 0,
            eviction: PolicySpec::parse("lru").expect("a row of the table"),
            ttl: None,
            sweep: None,
            placement: placement::Plan::default(),
            network: at_once(),
            workers: 1,
            service_time: at_once(),
            bandwidth_per_s: None,
            values: Values::Whole,
            hot_keys: None,
            queue_limit: None,
            discipline: None,
            connections: None,
            guards: Vec::new(),
            delete_failure: 0.0,
            tombstone_ns: None,
            has_versioned_keys: false,
            leases: None,
            negative_ttl_ns: None,
            cacheable: 1.0,
            personalised: 0.0,
            promote_after: Some(0),
            is_exclusive: false,
            membership: MembershipPlan::default(),
            mutexes: None,
            early: None,
        }
    }

    /// How many nodes there are in all, with so many who may have nodes of their own.
    #[must_use]
    pub fn nodes_in_all(&self, population: Population) -> u32 {
        let groups = match self.scope {
            Scope::Global => 1,
            Scope::Instance => population.instances,
            Scope::Region => population.regions,
            Scope::Client => population.sessions,
        };
        groups.saturating_mul(self.nodes_per_group())
    }
}
