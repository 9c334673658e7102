//! Failover: the nodes of a tier watch one another, notice that one is down, and make a replica the new
//! primary of its shard.
//!
//! Each node sends a heartbeat to each other one at an interval, from an instant of its own on. Who gets
//! no answer within a timeout suspects the node, and says so with its next heartbeats; who has heard
//! of enough suspicions tells everybody. (Redis cluster specification, "Failure detection": PFAIL and
//! FAIL.) As long as all is well heartbeats change nothing, so only those are reckoned with that come
//! after a crash, each at the very instant at which it would be sent.
//!
//! Not here: what is lost (`replication`), what requests do meanwhile (`membership`).

use crate::kernel::Label;
use crate::random::mix;
use crate::units::{NEVER, Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

use super::Tier;
use super::membership::Members;

/// How nodes notice that another is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    /// Time between two heartbeats from one node to another, at least 1.
    pub interval_ns: Nanoseconds,
    /// How long a heartbeat's answer is waited for.
    pub timeout_ns: Nanoseconds,
    /// How many nodes must suspect one before it is held to be down; `None` for the majority of all.
    pub quorum: Option<u32>,
}

/// How detection is written.
pub static DETECTION: Row<Detection> = Row {
    name: "detection",
    parameters: &[
        Parameter::optional(
            "interval",
            Kind::Duration,
            "time between two heartbeats from one node to another; 100ms if nothing is said",
        ),
        Parameter::optional(
            "timeout",
            Kind::Duration,
            "how long a node waits for the answer to a heartbeat before it suspects the other; 400ms if nothing is said",
        ),
        Parameter::optional(
            "quorum",
            Kind::Count,
            "how many nodes must suspect one before it is held to be down; the majority of all, replicas included, if nothing is said",
        ),
    ],
    meaning: "nodes watch one another by heartbeats and tell each other whom they suspect",
    source: "Redis cluster specification, failure detection",
    build: |arguments| {
        let duration = |name, default_ns| {
            let duration_ns = arguments.optional(name)?;
            let duration_ns = duration_ns.map_or(default_ns, |it| it.round() as u64);
            if duration_ns < SECOND_NS / 1000 {
                return Err(ParameterError::new(name, "must be at least 1ms"));
            }
            Ok(duration_ns)
        };
        let quorum = arguments.count_or("quorum", 0)?;
        Ok(Detection {
            interval_ns: duration("interval", SECOND_NS / 10)?,
            timeout_ns: duration("timeout", 4 * SECOND_NS / 10)?,
            quorum: (quorum > 0).then_some(quorum.min(1 << 30) as u32),
        })
    },
};

impl Members {
    /// When the next heartbeat from one node to another is sent, at `from_ns` or after.
    fn heartbeat_ns(
        &self,
        plan: &Detection,
        from: usize,
        to: usize,
        from_ns: Nanoseconds,
    ) -> Nanoseconds {
        let pair = (from as u64) << 32 | to as u64;
        let phase_ns = self.heartbeat_luck.at(pair).below(plan.interval_ns);
        let after_ns = from_ns.saturating_sub(phase_ns);
        phase_ns + after_ns.div_ceil(plan.interval_ns) * plan.interval_ns
    }

    /// When the first of the `observers` has heard of enough suspicions of a node that is down since
    /// `since_ns`; [`NEVER`] if there are too few of them.
    fn detected_ns(
        &self,
        plan: &Detection,
        observers: &[usize],
        quorum: usize,
        node: usize,
        since_ns: Nanoseconds,
        one_way_ns: Nanoseconds,
    ) -> Nanoseconds {
        if quorum == 0 || observers.len() < quorum {
            return NEVER;
        }
        // A heartbeat that was under way when the node went down is not answered either.
        let first_ns = since_ns.saturating_sub(one_way_ns);
        let suspects_ns =
            |&observer: &usize| self.heartbeat_ns(plan, observer, node, first_ns) + plan.timeout_ns;
        let suspicions: Vec<Nanoseconds> = observers.iter().map(suspects_ns).collect();
        let hears_enough_ns = |listener: usize| {
            let hears_ns = |(speaker, &suspicion_ns): (usize, &Nanoseconds)| {
                if speaker == listener {
                    return suspicion_ns;
                }
                let (from, to) = (observers[speaker], observers[listener]);
                self.heartbeat_ns(plan, from, to, suspicion_ns) + one_way_ns
            };
            let mut heard: Vec<Nanoseconds> = suspicions.iter().enumerate().map(hears_ns).collect();
            let (_, enough_ns, _) = heard.select_nth_unstable(quorum - 1);
            *enough_ns
        };
        let first = (0..observers.len()).map(hears_enough_ns).min();
        first.unwrap_or(NEVER)
    }

    /// A node has gone down: from now on the others may notice.
    pub(super) fn watch(&self, tier: &Tier, node: usize) {
        let Some(plan) = tier.plan.membership.detection else {
            return;
        };
        let Some(shared) = self.tier.upgrade() else {
            return;
        };
        let outage = self.outages(tier, node);
        let label = Label {
            kind: "watch over node",
            number: node as u64,
        };
        tier.kernel.spawn(label, async move {
            let Some(members) = &shared.members else {
                return;
            };
            if members
                .wait_for_detection(&shared, &plan, node, outage)
                .await
            {
                members.promote(&shared, node, outage).await;
            }
        });
    }

    /// Waits until it is known that a node is down. No if it came back before.
    async fn wait_for_detection(
        &self,
        tier: &Tier,
        plan: &Detection,
        node: usize,
        outage: u64,
    ) -> bool {
        let since_ns = tier.kernel.now();
        let group = self.group_of_node(node);
        let one_way_ns = (tier.plan.network.mean() / 2.0).round() as Nanoseconds;
        loop {
            let in_group = self.in_use(tier, group);
            let all = in_group.len();
            let quorum = plan.quorum.map_or(all / 2 + 1, |quorum| quorum as usize);
            let is_up = |&other: &usize| other != node && !self.is_out(tier, other);
            let observers: Vec<usize> = in_group.into_iter().filter(is_up).collect();
            let at_ns = self.detected_ns(plan, &observers, quorum, node, since_ns, one_way_ns);
            // Nodes come and go, so look again; more rarely the more there are to look at.
            let pause_ns = plan.timeout_ns.saturating_mul(1 + all as u64 / 8);
            let look_ns = tier.kernel.now().saturating_add(pause_ns);
            tier.kernel.sleep_until(at_ns.min(look_ns)).await;
            if !self.is_out(tier, node) || self.outages(tier, node) != outage {
                return false;
            }
            let still_there = |&other: &usize| !self.is_out(tier, other);
            if tier.kernel.now() >= at_ns && observers.iter().all(still_there) {
                break;
            }
        }
        self.known_down[node].set(true);
        if tier.meter.is_measuring() {
            let counts = tier.counts();
            let took_ns = tier.kernel.now() - since_ns;
            counts.detections.borrow_mut().record(took_ns);
        }
        true
    }

    /// The nodes of a group that hold shards at present, copies included.
    pub(super) fn in_use(&self, tier: &Tier, group: u32) -> Vec<usize> {
        let shards = 0..self.shards();
        let copies = shards.flat_map(|shard| self.copies_of(&tier.plan, group, shard));
        copies.collect()
    }

    /// If the node was a primary, its most recent replica takes its place after a while.
    async fn promote(&self, tier: &Tier, node: usize, outage: u64) {
        let Some(plan) = &tier.plan.membership.replication else {
            return;
        };
        let Some(shard) = self.shard_of_node(&tier.plan, node) else {
            return;
        };
        let group = self.group_of_node(node);
        let detected_ns = tier.kernel.now();
        let index = mix((node as u64) << 32 | outage);
        let delay_ns = plan
            .promotion
            .sample_u64(&mut self.promotion_luck.at(index));
        tier.kernel.sleep(delay_ns).await;
        if self.primary(group, shard) != node || !self.is_out(tier, node) {
            return;
        }
        let is_up = |&replica: &usize| !self.is_out(tier, replica);
        let alive = self.copies_of(&tier.plan, group, shard).filter(is_up);
        // Of several that have heard as much, the first.
        let Some(best) = alive.max_by_key(|&it| (self.heard(it), std::cmp::Reverse(it))) else {
            return;
        };
        self.catch_up(tier, best);
        // A primary that was cut off may have told it something since, which is still on its way.
        self.lose_untold(tier, group, shard);
        let within = best as u32 % self.stride;
        self.primaries.borrow_mut()[(group * self.shards_max + shard) as usize] = within;
        for replica in self.copies_of(&tier.plan, group, shard) {
            if replica != best && is_up(&replica) {
                self.copy_all(tier, best, replica);
            }
        }
        tier.note_down_shards();
        if tier.meter.is_measuring() {
            tier.counts().failovers.increment();
            let took_ns = tier.kernel.now() - detected_ns;
            tier.counts().promotions.borrow_mut().record(took_ns);
        }
    }

    /// A node has crashed.
    pub(super) fn crashed(&self, tier: &Tier, node: usize) {
        // What had not arrived there never does.
        self.forget_told(node);
        if let Some(shard) = self.shard_of_node(&tier.plan, node) {
            let group = self.group_of_node(node);
            if self.primary(group, shard) == node {
                self.lose_untold(tier, group, shard);
            }
            let mut pending = self.pending.borrow_mut();
            pending.retain(|&(of, _), from| of != group || *from != shard);
            drop(pending);
            self.begin_migrations();
        }
        self.watch(tier, node);
    }

    /// What the primary of a shard has told and no replica has heard by now is lost.
    fn lose_untold(&self, tier: &Tier, group: u32, shard: u32) {
        let primary = self.primary(group, shard);
        let replicas = self.copies_of(&tier.plan, group, shard);
        let unheard = replicas
            .filter(|&replica| replica != primary && !self.is_out(tier, replica))
            .map(|replica| {
                self.catch_up(tier, replica);
                self.cut(replica, tier.kernel.now())
            });
        let lost = unheard.min().unwrap_or(0);
        if tier.meter.is_measuring() {
            tier.counts().replication_lost.add(lost);
        }
    }

    /// A node has been purged; its replicas hear of that at once.
    pub(super) fn purged(&self, tier: &Tier, node: usize) {
        self.forget_told(node);
        let group = self.group_of_node(node);
        if let Some(shard) = self.shard_of_node(&tier.plan, node)
            && self.primary(group, shard) == node
        {
            for replica in self.copies_of(&tier.plan, group, shard) {
                self.forget_told(replica);
                tier.nodes[replica].clear(&tier.plan);
            }
        }
    }

    /// A node is up again: as the primary that it was, or as a replica of who took over.
    pub(super) fn restarted(&self, tier: &Tier, node: usize) {
        if self.is_isolated(node) {
            return;
        }
        self.known_down[node].set(false);
        if self.links.is_empty() {
            return;
        }
        let Some(shard) = self.shard_of_node(&tier.plan, node) else {
            return;
        };
        let group = self.group_of_node(node);
        let primary = self.primary(group, shard);
        for replica in self.copies_of(&tier.plan, group, shard) {
            let is_concerned = replica == node || primary == node;
            let are_up = !self.is_out(tier, replica) && !self.is_out(tier, primary);
            if replica != primary && is_concerned && are_up {
                self.copy_all(tier, primary, replica);
            }
        }
    }
}

impl Tier {
    /// The number of shards whose primary is down may have changed.
    pub(super) fn note_down_shards(&self) {
        let Some(members) = &self.members else { return };
        let groups = self.nodes.len() as u32 / members.stride;
        let primaries = (0..groups).flat_map(|group| {
            (0..members.shards()).map(move |shard| members.primary(group, shard))
        });
        let down = primaries.filter(|&node| members.is_out(self, node));
        let down = down.count();
        self.counts()
            .down_shards
            .set(self.kernel.now(), down as u64);
    }
}
