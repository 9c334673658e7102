//! Copies of a shard: a primary, which takes all sets and deletes, and replicas that hear of them a
//! while later and in order. So a replica answers with what the primary held a while ago, and what it
//! had not heard of when its primary crashed is lost.
//!
//! What is on its way to a replica waits in its link and takes effect when the replica is next looked at:
//! nothing runs for it. A sliding TTL is extended on the copy that was hit and on no other.
//!
//! With `mode = "sync"` whoever has set or deleted something waits until so many replicas have heard of
//! it, so that what was acknowledged survives its primary. What is read is not waited for, and neither is
//! what a node loads by itself. Where fewer replicas are up, those are waited for.
//!
//! Not here: which copy is asked (`membership`), who takes over (`failover`).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::Tier;
use super::membership::Members;
use super::node::Resident;
use crate::database::Row;
use crate::random::mix;
use crate::units::{Key, Nanoseconds, SECOND_NS};
use crate::workload::distribution::Distribution;
use crate::workload::parameters::{self, Kind, Parameter, ParameterError};

/// The copies of each shard, as checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many copies there are of each shard, at least 2: the primary is one of them.
    pub factor: u32,
    /// Which copy a read asks.
    pub reads: Reads,
    /// How long after the primary a replica hears of a set or a delete, in nanoseconds.
    pub lag: Distribution,
    /// How many replicas must have heard of a set or a delete before it is answered; 0 for none.
    pub acks: u32,
    /// How long it takes from the detection of a failure to the promotion of a replica.
    pub promotion: Distribution,
    /// How much longer the round trip to a copy in another zone takes.
    pub between_zones_ns: Nanoseconds,
}

/// How replication is written, but for its `reads`.
pub static REPLICATION: parameters::Row<Plan> = parameters::Row {
    name: "replication",
    parameters: &[
        Parameter::optional(
            "factor",
            Kind::Count,
            "how many nodes hold each key, the primary included; 2 if nothing is said",
        ),
        Parameter::optional(
            "lag",
            Kind::Durations,
            "how long after the primary a replica hears of a set or a delete; 1ms if nothing is said",
        ),
        Parameter::optional(
            "mode",
            Kind::Word(&[
                ("async", "sets and deletes are answered at once"),
                (
                    "sync",
                    "they are answered when `acks` replicas have heard of them",
                ),
            ]),
            "whether sets and deletes wait for replicas; async if nothing is said",
        ),
        Parameter::optional(
            "acks",
            Kind::Count,
            "with `mode = \"sync\"`: how many replicas are waited for, as far as they are up and reachable; all of them if nothing is said",
        ),
        Parameter::optional(
            "promotion",
            Kind::Durations,
            "how long it takes from the detection of a primary's failure until a replica has taken over; uniform from 1s to 2s if nothing is said",
        ),
        Parameter::optional(
            "between_zones",
            Kind::Duration,
            "how much longer the round trip to a copy in another zone takes; app instances and the copies of each key are spread over as many zones as there are copies; 0s if nothing is said",
        ),
    ],
    meaning: "replicas of each node that follow it a little later and take over when it fails",
    source: "Redis cluster specification",
    build: |arguments| {
        let factor = arguments.count_or("factor", 2)?;
        if !(2..=10).contains(&factor) {
            let problem = format!("must be between 2 and 10, not {factor}");
            return Err(ParameterError::new("factor", problem));
        }
        let is_sync = arguments.word("mode", "async")? == "sync";
        let acks = match arguments.optional("acks")? {
            Some(_) if !is_sync => {
                let problem = "is of `mode = \"sync\"`";
                return Err(ParameterError::new("acks", problem));
            }
            _ if !is_sync => 0,
            _ => arguments.count_or("acks", factor - 1)?,
        };
        if is_sync && !(1..factor).contains(&acks) {
            let problem = format!(
                "must be from 1 to {}, the number of replicas, not {acks}",
                factor - 1
            );
            return Err(ParameterError::new("acks", problem));
        }
        let lag = arguments.optional_distribution("lag")?.cloned();
        let promotion = arguments.optional_distribution("promotion")?.cloned();
        let second = SECOND_NS as f64;
        let between_zones_ns = arguments.optional("between_zones")?;
        Ok(Plan {
            factor: factor as u32,
            reads: Reads::Primary,
            acks: acks as u32,
            lag: match lag {
                Some(lag) => lag,
                None => Distribution::constant(second / 1000.0)?,
            },
            promotion: match promotion {
                Some(promotion) => promotion,
                None => Distribution::uniform(second, 2.0 * second)?,
            },
            between_zones_ns: between_zones_ns.map_or(0, |it| it.round() as u64),
        })
    },
};

/// Which copy a read asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// The primary.
    #[default]
    Primary,
    /// Any of those that are not known to be down.
    Any,
    /// The one in the zone of the app instance.
    Nearest,
}

/// One row of the table of reads.
#[derive(Clone, Copy, Debug)]
pub struct ReadsRow {
    /// The name in a scenario.
    pub name: &'static str,
    /// Which copy is asked, in one line.
    pub summary: &'static str,
    /// The copy.
    pub reads: Reads,
}

/// All ways to choose a copy for a read.
pub static COPY_READS: &[ReadsRow] = &[
    ReadsRow {
        name: "primary",
        summary: "the primary is asked: no read is staler for the replication",
        reads: Reads::Primary,
    },
    ReadsRow {
        name: "any",
        summary: "any copy is asked, so that all share the reads; a replica may be behind",
        reads: Reads::Any,
    },
    ReadsRow {
        name: "nearest",
        summary: "the copy in the zone of the app instance is asked; it may be behind",
        reads: Reads::Nearest,
    },
];

/// What a primary tells its replicas.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// A row was stored under the key until an instant.
    Stored(Row, Nanoseconds),
    /// The entry was dropped, and what takes its place if that is known.
    Dropped(Option<Row>),
}

/// What a primary has told and a replica has not heard.
#[derive(Debug)]
struct OnItsWay {
    due_ns: Nanoseconds,
    key: Key,
    told: Told,
    /// When whoever wanted it done learns that it is.
    acked_ns: Nanoseconds,
}

/// What one replica is still to hear.
#[derive(Debug, Default)]
pub(super) struct Copy {
    link: RefCell<VecDeque<OnItsWay>>,
    last_due_ns: Cell<Nanoseconds>,
    /// How much it has heard.
    heard: Cell<u64>,
}

impl Copy {
    fn take_due(&self, now_ns: Nanoseconds) -> Option<(Key, Told)> {
        let mut link = self.link.borrow_mut();
        if link.front()?.due_ns > now_ns {
            return None;
        }
        let next = link.pop_front()?;
        Some((next.key, next.told))
    }
}

impl Members {
    /// A row is being stored in a node, to live until an instant: replicas hear of it, and a gutter
    /// keeps it for its own time. Until when it lives.
    pub(super) fn stored(
        &self,
        tier: &Tier,
        node: usize,
        key: Key,
        row: &Row,
        expires_ns: Nanoseconds,
    ) -> Nanoseconds {
        match tier.plan.membership.gutter {
            Some(gutter) if self.is_gutter(&tier.plan, node) => {
                expires_ns.min(tier.kernel.now() + gutter.ttl_ns)
            }
            _ => {
                if !self.links.is_empty() {
                    let told = Told::Stored(row.clone(), expires_ns);
                    self.tell(tier, node, key, &told);
                }
                expires_ns
            }
        }
    }

    /// The primary `node` tells its replicas.
    pub(super) fn tell(&self, tier: &Tier, node: usize, key: Key, told: &Told) {
        let Some(plan) = &tier.plan.membership.replication else {
            return;
        };
        let Some(shard) = self.shard_of_node(&tier.plan, node) else {
            return;
        };
        let group = self.group_of_node(node);
        if self.primary(group, shard) != node || self.is_isolated(node) {
            return;
        }
        let now_ns = tier.kernel.now();
        let is_told = |replica: &usize| *replica != node && !self.is_out(tier, *replica);
        let replicas = || self.copies_of(&tier.plan, group, shard).filter(is_told);
        let mut heard_ns = Vec::new();
        for replica in replicas() {
            self.catch_up(tier, replica);
            let link = &self.links[replica];
            // Addressed by what is told rather than by how much was told before.
            let index = mix(key ^ mix(now_ns ^ replica as u64));
            let lag_ns = plan.lag.sample_u64(&mut self.lag_luck.at(index));
            // One connection: nothing overtakes.
            let due_ns = (now_ns + lag_ns).max(link.last_due_ns.get());
            link.last_due_ns.set(due_ns);
            link.link.borrow_mut().push_back(OnItsWay {
                due_ns,
                key,
                told: told.clone(),
                acked_ns: now_ns,
            });
            if plan.acks > 0 {
                heard_ns.push(due_ns);
            }
        }
        if plan.acks == 0 {
            return;
        }
        heard_ns.sort_unstable();
        heard_ns.truncate(plan.acks as usize);
        let way_back_ns = self.way_back_ns(tier, plan);
        let acked_ns = heard_ns
            .last()
            .map_or(now_ns, |heard_ns| heard_ns + way_back_ns);
        self.acked_ns.set(acked_ns);
        for replica in replicas() {
            if let Some(last) = self.links[replica].link.borrow_mut().back_mut() {
                last.acked_ns = acked_ns;
            }
        }
    }

    /// How long it takes a replica to say that it has heard: half the round trip to it, which lives in
    /// another zone than the primary.
    fn way_back_ns(&self, tier: &Tier, plan: &Plan) -> Nanoseconds {
        let round_trip_ns = tier.plan.network.mean() + plan.between_zones_ns as f64;
        (round_trip_ns / 2.0).round() as Nanoseconds
    }

    /// What a node should have heard by now takes effect in it.
    #[inline]
    pub(super) fn catch_up(&self, tier: &Tier, node: usize) {
        if self.links.is_empty() || tier.nodes[node].is_down.get() {
            return;
        }
        let now_ns = tier.kernel.now();
        let link = &self.links[node];
        while let Some((key, told)) = link.take_due(now_ns) {
            link.heard.set(link.heard.get() + 1);
            match told {
                Told::Stored(row, expires_ns) => tier.copy_in(node, key, &row, expires_ns),
                Told::Dropped(committed) => {
                    tier.drop_here(node, key, committed.as_ref());
                }
            }
        }
    }

    /// What was on its way to a node never arrives. How much of that was acknowledged by `now_ns`.
    pub(super) fn cut(&self, node: usize, now_ns: Nanoseconds) -> u64 {
        let Some(link) = self.links.get(node) else {
            return 0;
        };
        let is_acknowledged = |it: &&OnItsWay| it.acked_ns <= now_ns;
        let lost = link.link.borrow().iter().filter(is_acknowledged).count();
        self.forget_told(node);
        lost as u64
    }

    /// What was on its way to a node never arrives.
    pub(super) fn forget_told(&self, node: usize) {
        if let Some(link) = self.links.get(node) {
            link.link.borrow_mut().clear();
            link.last_due_ns.set(0);
        }
    }

    /// How much a replica has heard of its primary.
    pub(super) fn heard(&self, node: usize) -> u64 {
        self.links.get(node).map_or(0, |link| link.heard.get())
    }

    /// A replica takes over all that its primary holds, in no time, and hears what comes after.
    pub(super) fn copy_all(&self, tier: &Tier, from: usize, to: usize) {
        self.forget_told(to);
        self.links[to].heard.set(self.heard(from));
        tier.nodes[to].clear(&tier.plan);
        let source = &tier.nodes[from];
        let entries: Vec<(Key, Row)> = {
            let cache = source.cache.borrow();
            let entries = cache.iter();
            entries.map(|(key, it)| (key, it.row())).collect()
        };
        for (key, row) in entries {
            let expires_ns = source.cache.borrow().expires_ns(key);
            if let Some(expires_ns) = expires_ns {
                tier.copy_in(to, key, &row, expires_ns);
            }
        }
        let versions = source.versions.borrow().clone();
        *tier.nodes[to].versions.borrow_mut() = versions;
    }
}

impl Tier {
    /// Whether sets and deletes wait for replicas.
    #[inline]
    pub(super) fn waits_for_replicas(&self) -> bool {
        let replication = self.plan.membership.replication.as_ref();
        replication.is_some_and(|plan| plan.acks > 0)
    }

    /// What a node has just told its replicas is waited for, if it has to be. Whether it is still up
    /// then: if not, nobody knows what became of it.
    pub async fn replicated(&self, node: usize) -> bool {
        let members = self.members.as_ref().filter(|_| self.waits_for_replicas());
        let Some(members) = members else { return true };
        let acked_ns = members.acked_ns.replace(0);
        if acked_ns <= self.kernel.now() {
            return true;
        }
        let crashes = self.crashes(node);
        self.kernel.sleep_until(acked_ns).await;
        self.crashes(node) == crashes
    }

    /// An entry comes into a node from another one, with the time that it has left.
    pub(super) fn copy_in(&self, number: usize, key: Key, row: &Row, expires_ns: Nanoseconds) {
        let node = &self.nodes[number];
        let now_ns = self.kernel.now();
        if node.is_down.get() || expires_ns <= now_ns {
            return;
        }
        self.put(node, key, Resident::new(row, false), expires_ns);
    }

    /// What has reached the replicas by now takes effect in them all.
    pub(super) fn settle_copies(&self) {
        if let Some(members) = &self.members {
            for node in 0..members.links.len() {
                members.catch_up(self, node);
            }
        }
    }
}
