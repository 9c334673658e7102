//! Who is in a tier: which node answers for a key while nodes come, go, fail and stand in for one
//! another. Only tiers in which something of that kind can happen have [`Members`]; the others know
//! their nodes from the placement alone.
//!
//! Nodes are numbered group by group (those who do not share nodes have a group each): first the
//! primaries of the shards, as many as there will ever be, then the second copies of all shards, the
//! third, and so on, and at last the gutter.
//!
//! Not here: what copies hold (`replication`), how failures are noticed (`failover`), how entries move
//! (`resize`).

use std::cell::{Cell, Ref, RefCell};
use std::pin::Pin;
use std::rc::{Rc, Weak};

use hashbrown::HashMap;

use super::failover::Detection;
use super::isolation::Isolation;
use super::replication::{self, Copy, Reads};
use super::while_down::WhileDown;
use super::{Errand, Exchange, Filling, Plan, Population, Tier, Unreachable, Visit};
use crate::database::Row;
use crate::kernel::{Broadcast, Kernel, Label};
use crate::metrics;
use crate::placement::{self, Copies, Scheme, Sight, SlotClient};
use crate::random::{Luck, Stream, mix};
use crate::units::{Key, KeyHash, Nanoseconds, SECOND_NS};
use crate::workload::Request;
use crate::workload::parameters::{self, Kind, Parameter, ParameterError};

/// What may change about the nodes of a tier, as checked. By default, nothing.
#[derive(Clone, Debug, Default)]
pub struct MembershipPlan {
    /// The numbers of shards that the timeline brings.
    pub sizes: Vec<u32>,
    /// Who answers in place of nodes that do not.
    pub gutter: Option<Gutter>,
    /// What a request does that meets a node that is down.
    pub while_down: WhileDown,
    /// How nodes notice that another is down.
    pub detection: Option<Detection>,
    /// The copies of each shard.
    pub replication: Option<replication::Plan>,
}

/// Nodes that stand in for failed ones, with a short TTL, because nobody invalidates what they hold
/// (Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gutter {
    /// How many, at least 1.
    pub nodes: u32,
    /// How long they keep an entry.
    pub ttl_ns: Nanoseconds,
}

/// How a gutter is written.
pub static GUTTER: parameters::Row<Gutter> = parameters::Row {
    name: "gutter",
    parameters: &[
        Parameter::optional(
            "nodes",
            Kind::Count,
            "how many nodes stand in; 1 if nothing is said",
        ),
        Parameter::optional(
            "ttl",
            Kind::Duration,
            "how long they keep an entry at most; 10s if nothing is said",
        ),
    ],
    meaning: "nodes that are asked in place of one that is down",
    source: "Nishtala et al., NSDI 2013, section 3.3",
    build: |arguments| {
        let nodes = arguments.count_or("nodes", 1)?;
        let Some(nodes) = u32::try_from(nodes)
            .ok()
            .filter(|it| (1..=1000).contains(it))
        else {
            let problem = format!("must be between 1 and 1000, not {nodes}");
            return Err(ParameterError::new("nodes", problem));
        };
        let ttl_ns = arguments.optional("ttl")?;
        let ttl_ns = ttl_ns.map_or(10 * SECOND_NS, |it| it.round() as u64);
        if ttl_ns == 0 {
            return Err(ParameterError::new("ttl", "must be above 0"));
        }
        Ok(Gutter { nodes, ttl_ns })
    },
};

impl Plan {
    /// The most shards that there will ever be.
    #[must_use]
    pub fn shards_max(&self) -> u32 {
        let sizes = self.membership.sizes.iter().copied();
        sizes.max().unwrap_or(0).max(self.nodes)
    }

    /// How many nodes there are for each of those who do not share: copies and gutter included, and
    /// those that join later.
    #[must_use]
    pub fn nodes_per_group(&self) -> u32 {
        let copies = (self.membership.replication.as_ref()).map_or(1, |it| it.factor);
        let gutter = self.membership.gutter.map_or(0, |gutter| gutter.nodes);
        self.shards_max() * copies + gutter
    }

    /// How long a request that has reached a node that is down goes on waiting.
    pub(super) fn gives_up_after_ns(&self, way_back_ns: Nanoseconds) -> Nanoseconds {
        // The way out was as long as the way back.
        let notice_ns = self.membership.while_down.notice_ns();
        notice_ns.saturating_sub(way_back_ns).max(way_back_ns)
    }

    /// Whether the placement alone does not say who answers.
    pub(super) fn has_members(&self) -> bool {
        let plan = &self.membership;
        let chooses = self.placement.copies() != Copies::One;
        let redirects = self.placement.client == SlotClient::Dumb;
        !plan.sizes.is_empty()
            || plan.gutter.is_some()
            || plan.while_down != WhileDown::default()
            || plan.detection.is_some()
            || plan.replication.is_some()
            || chooses
            || redirects
    }
}

/// Where an exchange goes first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    /// To a node, which is so much farther than the network says.
    Direct {
        node: usize,
        farther_ns: Nanoseconds,
    },
    /// There is more to do: see [`Members::go_round`].
    Roundabout,
}

/// What goes on beside a hit is boxed, so that the future of a hit stays small.
pub(super) type Going<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unreachable>> + 'a>>;

/// A slot whose entries are on their way to another shard.
#[derive(Clone, Copy, Debug)]
struct Migration {
    /// The shard that owns the slot until all of them have gone.
    from_shard: u32,
    /// How many have not.
    entries: u32,
}

/// Why a node sends an exchange elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It does not own the slot (MOVED): whoever asked gets a new map.
    Moved,
    /// It owns the slot, but the slot is moving and the key's entry is not here, or no more (ASK): the
    /// map stays as it is.
    Asked,
}

/// How often an exchange is sent on before it has to do with the node where it is.
pub(super) const REDIRECTS_MAX: u32 = 5;

/// The members of one tier.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) tier: Weak<Tier>,
    pub(super) stride: u32,
    pub(super) shards_max: u32,
    copies: Copies,
    has_slots: bool,
    client: SlotClient,
    /// How many shards there were and which scheme: at the start, and after each resize.
    history: RefCell<Vec<(u32, Rc<dyn Scheme>)>>,
    /// Which of `history` the app instances know of.
    maps: RefCell<Vec<u32>>,
    /// Entries that are still where they were before a resize, by group and key.
    pub(super) pending: RefCell<HashMap<(u32, Key), u32, KeyHash>>,
    /// The slots of which some entries are so, by group and slot.
    migrating: RefCell<HashMap<(u32, u32), Migration, KeyHash>>,
    /// The node that is the primary of each shard, group by group; within the group.
    pub(super) primaries: RefCell<Vec<u32>>,
    /// Nodes of which everybody knows that they are down.
    pub(super) known_down: Vec<Cell<bool>>,
    /// How each node is cut off from the others.
    pub(super) isolations: Vec<Isolation>,
    /// What each node has in hand, where loads are bounded.
    loads: Vec<Cell<u32>>,
    /// Writes on their way to each node, where there are copies.
    pub(super) links: Vec<Copy>,
    /// When as many replicas as must be waited for will have heard of what was told last.
    pub(super) acked_ns: Cell<Nanoseconds>,
    done: Broadcast<()>,
    choice_luck: Stream,
    pub(super) lag_luck: Stream,
    pub(super) heartbeat_luck: Stream,
    pub(super) promotion_luck: Stream,
}

impl Members {
    pub(super) fn new(
        plan: &Plan,
        population: Population,
        tier: Weak<Tier>,
        kernel: &Rc<Kernel>,
        luck: Luck,
    ) -> Self {
        let purpose = |what: &str| luck.stream(&format!("tier.{}.{what}", plan.name));
        let stride = plan.nodes_per_group();
        let nodes = plan.nodes_in_all(population) as usize;
        let groups = nodes / stride as usize;
        let shards_max = plan.shards_max();
        let primaries = (0..groups).flat_map(|_| 0..shards_max).collect();
        let has_copies = plan.membership.replication.is_some();
        let scheme = plan.placement.build(plan.nodes).into();
        Self {
            tier,
            stride,
            shards_max,
            copies: plan.placement.copies(),
            has_slots: plan.placement.has_slots(),
            client: plan.placement.client,
            history: RefCell::new(vec![(plan.nodes, scheme)]),
            maps: RefCell::new(vec![0; population.instances as usize]),
            pending: RefCell::default(),
            migrating: RefCell::default(),
            primaries: RefCell::new(primaries),
            known_down: vec![Cell::new(false); nodes],
            isolations: (0..nodes).map(|_| Isolation::default()).collect(),
            loads: vec![Cell::new(0); nodes],
            links: (0..if has_copies { nodes } else { 0 })
                .map(|_| Copy::default())
                .collect(),
            acked_ns: Cell::new(0),
            done: Broadcast::new(kernel.clone()),
            choice_luck: purpose("choice"),
            lag_luck: purpose("lag"),
            heartbeat_luck: purpose("heartbeat"),
            promotion_luck: purpose("promotion"),
        }
    }

    /// Shards at present.
    pub(super) fn shards(&self) -> u32 {
        self.now().0
    }

    /// How many shards there are, and the scheme.
    pub(super) fn now(&self) -> Ref<'_, (u32, Rc<dyn Scheme>)> {
        Ref::map(self.history.borrow(), |history| {
            history.last().expect("the start is in it")
        })
    }

    /// From now on there are so many shards, which the plan of the tier announced.
    pub(super) fn set_shards(&self, shards: u32, scheme: Rc<dyn Scheme>) {
        self.history.borrow_mut().push((shards, scheme));
    }

    /// Whether sets and deletes go to every node.
    #[inline]
    pub(super) fn are_everywhere(&self) -> bool {
        self.copies == Copies::All
    }

    /// Whether a key has one node.
    pub(super) fn has_one_node(&self) -> bool {
        self.copies == Copies::One
    }

    /// The shard of a key according to the present number of shards.
    pub(super) fn shard_of(&self, key: Key) -> u32 {
        self.now().1.node(key, placement::hash(key))
    }

    /// The shard that answers for a key: the one that had it, until its entry has moved.
    fn shard_now(&self, group: u32, key: Key) -> u32 {
        let pending = self.pending.borrow();
        if !pending.is_empty()
            && let Some(&shard) = pending.get(&(group, key))
        {
            return shard;
        }
        self.shard_of(key)
    }

    /// The primary of a shard.
    pub(super) fn primary(&self, group: u32, shard: u32) -> usize {
        let within = self.primaries.borrow()[(group * self.shards_max + shard) as usize];
        (group * self.stride + within) as usize
    }

    /// The node that holds a key for one of those who do not share.
    pub(super) fn node_in_group(&self, group: u32, key: Key) -> usize {
        self.primary(group, self.shard_now(group, key))
    }

    /// The shard that a node is a copy of; `None` for the gutter.
    pub(super) fn shard_of_node(&self, plan: &Plan, node: usize) -> Option<u32> {
        let within = node as u32 % self.stride;
        let copies = plan
            .membership
            .replication
            .as_ref()
            .map_or(1, |it| it.factor);
        (within < self.shards_max * copies).then_some(within % self.shards_max)
    }

    pub(super) fn group_of_node(&self, node: usize) -> u32 {
        node as u32 / self.stride
    }

    /// Whether a node stands in for others.
    pub(super) fn is_gutter(&self, plan: &Plan, node: usize) -> bool {
        self.shard_of_node(plan, node).is_none()
    }

    /// The copies of a shard, the one that was its primary at the start first.
    pub(super) fn copies_of(
        &self,
        plan: &Plan,
        group: u32,
        shard: u32,
    ) -> impl Iterator<Item = usize> + use<> {
        let copies = plan
            .membership
            .replication
            .as_ref()
            .map_or(1, |it| it.factor);
        let (first, shards_max) = (group * self.stride + shard, self.shards_max);
        (0..copies).map(move |copy| (first + copy * shards_max) as usize)
    }

    /// Where an exchange goes.
    #[inline]
    pub(super) fn route(&self, tier: &Tier, exchange: Exchange, request: &Request) -> Route {
        let plan = &tier.plan;
        let group = tier.group_of(request);
        let shard = match self.copies {
            Copies::One => self.shard_asked(group, exchange, request),
            Copies::Overflow => return Route::Roundabout,
            Copies::Any | Copies::All => {
                let sight = Sight {
                    loads: &[],
                    load: 0,
                    draw: self.choice_luck.at(request.index).bits(),
                };
                let hash = placement::hash(request.key);
                let chosen = self.now().1.choose(request.key, hash, &sight);
                self.first_up(group, chosen)
            }
        };
        let node = match &plan.membership.replication {
            None => self.primary(group, shard),
            Some(replication) => self.copy(tier, replication, group, shard, exchange, request),
        };
        if self.known_down[node].get() {
            return Route::Roundabout;
        }
        Route::Direct {
            node,
            farther_ns: self.farther_ns(plan, request, node),
        }
    }

    /// The shard that was chosen or, where any will do, the next one that is not known to be down.
    fn first_up(&self, group: u32, chosen: u32) -> u32 {
        let shards = self.shards();
        let mut in_turn = (0..shards).map(|step| (chosen + step) % shards);
        let is_up = |&shard: &u32| !self.known_down[self.primary(group, shard)].get();
        in_turn.find(is_up).unwrap_or(chosen)
    }

    /// Entries are about to move from where they are: their slots are theirs until they have gone.
    pub(super) fn begin_migrations(&self) {
        let mut migrating = self.migrating.borrow_mut();
        migrating.clear();
        let (_, scheme) = &*self.now();
        // Sums and minima, which do not depend on the order.
        for (&(group, key), &from_shard) in self.pending.borrow().iter() {
            let Some(slot) = scheme.slot(key) else { return };
            let migration = migrating.entry((group, slot)).or_insert(Migration {
                from_shard,
                entries: 0,
            });
            migration.from_shard = migration.from_shard.min(from_shard);
            migration.entries += 1;
        }
    }

    /// An entry has gone from where it was.
    pub(super) fn end_move(&self, group: u32, key: Key) {
        self.pending.borrow_mut().remove(&(group, key));
        let Some(slot) = self.now().1.slot(key) else {
            return;
        };
        let mut migrating = self.migrating.borrow_mut();
        if let Some(migration) = migrating.get_mut(&(group, slot)) {
            migration.entries -= 1;
            if migration.entries == 0 {
                migrating.remove(&(group, slot));
            }
        }
    }

    /// The shard that owns the slot of a key, although the slot is moving.
    fn migrates_from(&self, group: u32, key: Key) -> Option<u32> {
        let migrating = self.migrating.borrow();
        if migrating.is_empty() {
            return None;
        }
        let slot = self.now().1.slot(key)?;
        migrating.get(&(group, slot)).map(|it| it.from_shard)
    }

    /// The shard that is asked: by clients who do not know better, perhaps a wrong one.
    fn shard_asked(&self, group: u32, exchange: Exchange, request: &Request) -> u32 {
        if self.has_slots {
            if self.client == SlotClient::Dumb {
                let mut luck = self.choice_luck.at(exchange.index(request));
                return luck.below(u64::from(self.shards())) as u32;
            }
            let history = self.history.borrow();
            let known = self.maps.borrow()[request.instance as usize] as usize;
            if known + 1 < history.len() {
                let (_, scheme) = &history[known];
                return scheme.node(request.key, placement::hash(request.key));
            }
            // The newest map says of a slot that is moving that it is where it was.
            if let Some(from_shard) = self.migrates_from(group, request.key) {
                return from_shard;
            }
        }
        self.shard_now(group, request.key)
    }

    /// The copy of a shard that is asked: reads may go to any that is not known to be down.
    fn copy(
        &self,
        tier: &Tier,
        replication: &replication::Plan,
        group: u32,
        shard: u32,
        exchange: Exchange,
        request: &Request,
    ) -> usize {
        let primary = self.primary(group, shard);
        if !matches!(exchange, Exchange::LookUp | Exchange::Version) {
            return primary;
        }
        let copies = || self.copies_of(&tier.plan, group, shard);
        let is_up = |node: &usize| !self.known_down[*node].get();
        match replication.reads {
            Reads::Primary => primary,
            Reads::Any => {
                let alive = copies().filter(is_up).count() as u64;
                let chosen = self.choice_luck.at(request.index).below(alive) as usize;
                copies().filter(is_up).nth(chosen).unwrap_or(primary)
            }
            Reads::Nearest => {
                let near = |node: &usize| self.is_near(&tier.plan, request, *node);
                let nearest = copies().filter(is_up).find(near);
                nearest.unwrap_or(primary)
            }
        }
    }

    /// How much longer than the network says the round trip to a node takes.
    pub(super) fn farther_ns(&self, plan: &Plan, request: &Request, node: usize) -> Nanoseconds {
        match &plan.membership.replication {
            Some(replication)
                if replication.between_zones_ns > 0 && !self.is_near(plan, request, node) =>
            {
                replication.between_zones_ns
            }
            _ => 0,
        }
    }

    /// Whether a node is in the zone of whoever asks. There are as many zones as copies of a shard;
    /// instances are spread over them, and so are the copies of each shard and the primaries.
    fn is_near(&self, plan: &Plan, request: &Request, node: usize) -> bool {
        let copies = plan
            .membership
            .replication
            .as_ref()
            .map_or(1, |it| it.factor);
        let within = node as u32 % self.stride;
        let zone = (within % self.shards_max + within / self.shards_max) % copies;
        request.instance % copies == zone
    }

    /// The node to which the one that was asked sends an exchange, if it does: because it does not own
    /// the key's slot, or has given the entry away already.
    #[inline]
    pub(super) fn elsewhere(
        &self,
        tier: &Tier,
        node: usize,
        request: &Request,
    ) -> Option<(usize, Sent)> {
        if !self.has_slots {
            return None;
        }
        let group = tier.group_of(request);
        let shard = self.shard_now(group, request.key);
        let asked = self.shard_of_node(&tier.plan, node)?;
        if asked == shard {
            return None;
        }
        match self.migrates_from(group, request.key) {
            Some(owner) if owner == asked => Some((self.primary(group, shard), Sent::Asked)),
            Some(owner) => Some((self.primary(group, owner), Sent::Moved)),
            None => Some((self.primary(group, shard), Sent::Moved)),
        }
    }

    /// Counts an exchange that is sent elsewhere. Whoever is told that a slot has moved asks for the
    /// map.
    pub(super) fn note_sent_on(&self, tier: &Tier, sent: Sent) {
        if tier.meter.is_measuring() {
            let counts = tier.counts();
            match sent {
                Sent::Moved => counts.redirects.increment(),
                Sent::Asked => counts.asks.increment(),
            }
        }
    }

    /// The way back from a node that does not own the slot, and the way to the one that does.
    pub(super) fn redirect<'a>(
        &'a self,
        tier: &'a Tier,
        errand: Errand,
        request: &'a Request,
        mut visit: Visit,
        mut elsewhere: (usize, Sent),
    ) -> Going<'a, Visit> {
        Box::pin(async move {
            let mut errand = errand;
            for _ in 0..REDIRECTS_MAX {
                let (owner, sent) = elsewhere;
                self.note_sent_on(tier, sent);
                tier.bounce(visit).await;
                if sent == Sent::Moved {
                    self.learn_map(request);
                }
                errand = errand.again(1);
                let farther_ns = self.farther_ns(&tier.plan, request, owner);
                visit = match tier.travel(owner, request, errand, farther_ns).await {
                    Ok(visit) => visit,
                    Err((unreachable, way_back_ns)) => {
                        let giving_up =
                            self.give_up(tier, errand, request, unreachable, way_back_ns);
                        return giving_up.await;
                    }
                };
                // Who asks on somebody's word is served if the entry is not elsewhere.
                match self.elsewhere(tier, visit.node(), request) {
                    Some(next) if sent == Sent::Moved || next.1 == Sent::Moved => elsewhere = next,
                    _ => return Ok(visit),
                }
            }
            Ok(visit)
        })
    }

    /// Whoever is sent elsewhere asks for the map.
    pub(super) fn learn_map(&self, request: &Request) {
        let newest = self.history.borrow().len() as u32 - 1;
        self.maps.borrow_mut()[request.instance as usize] = newest;
    }

    /// What a request does that has met a node that did not serve it.
    pub(super) fn give_up<'a>(
        &'a self,
        tier: &'a Tier,
        errand: Errand,
        request: &'a Request,
        unreachable: Unreachable,
        way_back_ns: Nanoseconds,
    ) -> Going<'a, Visit> {
        Box::pin(async move {
            let waits_ns = match unreachable {
                Unreachable::Down => tier.plan.gives_up_after_ns(way_back_ns),
                Unreachable::Lost => way_back_ns,
                _ => {
                    tier.go_back(way_back_ns).await;
                    return Err(unreachable);
                }
            };
            tier.kernel.sleep(waits_ns).await;
            self.stand_in(tier, errand, request, unreachable).await
        })
    }

    /// The node that stands in for that of a key, if anybody does.
    pub(super) fn gutter_node(&self, plan: &Plan, group: u32, key: Key) -> Option<usize> {
        let gutter = plan.membership.gutter?;
        let first = (group + 1) * self.stride - gutter.nodes;
        let within = mix(placement::hash(key)) % u64::from(gutter.nodes);
        Some((first + within as u32) as usize)
    }

    /// The gutter's node in place of one that is `unreachable`, if there is one and it helps.
    async fn stand_in(
        &self,
        tier: &Tier,
        errand: Errand,
        request: &Request,
        unreachable: Unreachable,
    ) -> Result<Visit, Unreachable> {
        let is_of_a_read = matches!(
            errand.exchange,
            Exchange::LookUp | Exchange::Set | Exchange::Retry | Exchange::Version
        );
        let group = tier.group_of(request);
        let node = self.gutter_node(&tier.plan, group, request.key);
        let Some(node) = node.filter(|_| is_of_a_read) else {
            tier.trace_refusal(unreachable);
            tier.trace_end();
            return Err(unreachable);
        };
        if tier.meter.is_measuring() {
            tier.counts().gutter.increment();
        }
        let errand = errand.again(2);
        match tier.travel(node, request, errand, 0).await {
            Ok(visit) => Ok(visit),
            Err((unreachable, way_back_ns)) => {
                tier.go_back(way_back_ns).await;
                Err(unreachable)
            }
        }
    }

    /// An exchange that needs more than a node's number.
    pub(super) fn go_round<'a>(
        &'a self,
        tier: &'a Tier,
        errand: Errand,
        request: &'a Request,
    ) -> Going<'a, Visit> {
        Box::pin(async move {
            if !self.bounds_loads() {
                // Everybody knows that the node is down.
                let down = Unreachable::Down;
                return self.stand_in(tier, errand, request, down).await;
            }
            let group = tier.group_of(request);
            let (node, load) = self.take_up(tier, group, request.key);
            if self.known_down[node].get() {
                let down = Unreachable::Down;
                return self.stand_in(tier, errand, request, down).await;
            }
            let outcome = tier.travel(node, request, errand, 0).await;
            drop(load);
            match outcome {
                Ok(visit) => Ok(visit),
                Err((unreachable, way_back_ns)) => {
                    self.give_up(tier, errand, request, unreachable, way_back_ns)
                        .await
                }
            }
        })
    }

    /// The node for an exchange where loads are bounded, which has it in hand until the guard is
    /// dropped.
    pub(super) fn take_up(&self, tier: &Tier, group: u32, key: Key) -> (usize, InHand<'_>) {
        let first = (group * self.stride) as usize;
        let (shards, scheme) = &*self.now();
        let loads = &self.loads[first..first + *shards as usize];
        let sight = Sight {
            loads,
            load: loads.iter().map(Cell::get).sum(),
            draw: 0,
        };
        let hash = placement::hash(key);
        let chosen = scheme.choose(key, hash, &sight);
        if tier.meter.is_measuring() && chosen != scheme.node(key, hash) {
            tier.counts().overflows.increment();
        }
        let node = first + chosen as usize;
        (node, InHand::new(&self.loads[node]))
    }

    /// Whether keys overflow to other nodes than their own.
    pub(super) fn bounds_loads(&self) -> bool {
        self.copies == Copies::Overflow
    }

    /// One more exchange with a node, if that is counted.
    pub(super) fn in_hand(&self, node: usize) -> Option<InHand<'_>> {
        let load = self.bounds_loads().then(|| &self.loads[node]);
        load.map(InHand::new)
    }

    /// Sets a row on every node; whether the first that was asked took it.
    pub(super) fn set_everywhere<'a>(
        &'a self,
        tier: &'a Tier,
        request: &'a Request,
        row: &'a Row,
        filling: Filling,
    ) -> Going<'a, bool> {
        let copy = row.clone();
        let owned = *request;
        self.everywhere(
            tier,
            Exchange::Set,
            request,
            tier.received_bytes(row.bytes, filling),
            move |tier, node| tier.store(node, &owned, &copy, filling),
        )
    }

    /// Deletes an entry on every node; whether the first that was asked had it.
    pub(super) fn delete_everywhere<'a>(
        &'a self,
        tier: &'a Tier,
        exchange: Exchange,
        request: &'a Request,
        committed: Option<&Row>,
    ) -> Going<'a, bool> {
        let (key, committed) = (request.key, committed.cloned());
        self.everywhere(tier, exchange, request, 0, move |tier, node| {
            tier.drop_copy(node, key, committed.as_ref())
        })
    }

    /// One exchange with every node at once; done when all have answered.
    fn everywhere<'a>(
        &'a self,
        tier: &'a Tier,
        exchange: Exchange,
        request: &'a Request,
        bytes: u64,
        act: impl Fn(&Tier, usize) -> bool + 'static,
    ) -> Going<'a, bool> {
        let act = Rc::new(act);
        Box::pin(async move {
            let _all = tier.meter.span(exchange.span_name());
            let group = tier.group_of(request);
            let nodes = self.shards();
            let asked = self.choice_luck.at(request.index).bits() % u64::from(nodes);
            let channel = self.done.open();
            let done = self.done.receive(channel);
            let left = Rc::new(Cell::new(nodes));
            let first = Rc::new(Cell::new(Err(Unreachable::Down)));
            for turn in 0..nodes {
                let within = (asked as u32 + turn) % nodes;
                let node = (group * self.stride + within) as usize;
                let (act, left, first) = (act.clone(), left.clone(), first.clone());
                let shared = self.tier.upgrade().expect("who asks keeps it alive");
                // The first has the luck of a single exchange.
                let errand = Errand::new(exchange, request, bytes);
                let errand = if turn == 0 {
                    errand
                } else {
                    errand.again(u64::from(turn))
                };
                let request = *request;
                let label = Label {
                    kind: "exchange with every node, number",
                    number: u64::from(turn),
                };
                let fork = tier.meter.beside(exchange.span_name(), request.key);
                let one = async move {
                    let tier = &*shared;
                    let outcome = match tier.travel(node, &request, errand, 0).await {
                        Ok(visit) => {
                            let outcome = act(tier, node);
                            tier.leave(visit).await;
                            Ok(outcome)
                        }
                        Err((unreachable, way_back_ns)) => {
                            tier.kernel.sleep(way_back_ns).await;
                            Err(unreachable)
                        }
                    };
                    if turn == 0 {
                        first.set(outcome);
                    }
                    left.set(left.get() - 1);
                    if left.get() == 0
                        && let Some(members) = &tier.members
                    {
                        members.done.close(channel, Some(()));
                    }
                };
                tier.kernel.spawn(label, metrics::within(fork, one));
            }
            done.await;
            first.get()
        })
    }
}

/// One more exchange in a node's hand, until dropped.
pub(super) struct InHand<'a>(&'a Cell<u32>);

impl<'a> InHand<'a> {
    fn new(load: &'a Cell<u32>) -> Self {
        load.set(load.get() + 1);
        Self(load)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
