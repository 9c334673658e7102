//! Lock: of the requests that miss one key in all app instances, one takes a lock in the cache tier
//! itself (set-if-absent with an expiry), fetches, sets and releases; the others look again every so
//! often.
//!
//! Taking and releasing are exchanges with the node of the key. Who takes the lock looks again in the
//! same exchange (a script, as with Redis), so that nobody fetches what has just come. Who holds it
//! waits for the release before it answers.
//!
//! Known weakness: a holder that dies makes everybody wait until its lock expires; and one that is
//! slower than that sets, without `fencing`, over what came after it.

use std::rc::Rc;

use super::{Answer, Case, DefenceRow, Load, Plan};
use crate::kernel::Kernel;
use crate::metrics::{Failure, ReadOutcome};
use crate::random::Stream;
use crate::tier::{self, MutexPlan, Taken};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "lock",
    parameters: &[
        Parameter::optional(
            "ttl",
            Kind::Duration,
            "after so long a lock that nobody released is free again; 10s if nothing is said",
        ),
        Parameter::optional(
            "retry",
            Kind::Duration,
            "how long those wait who did not get it before they look again; 20ms if nothing is said",
        ),
        Parameter::optional(
            "retries",
            Kind::Count,
            "how often they do so before they give up; 100 if nothing is said",
        ),
        Parameter::optional(
            "give_up",
            Kind::Word(&[
                ("query", "they fetch for themselves"),
                (
                    "serve-stale",
                    "they are served the expired copy, if it is still kept, and else fetch for themselves",
                ),
                ("fail", "they fail"),
            ]),
            "what those do who give up; \"query\" if nothing is said",
        ),
        Parameter::optional(
            "keep",
            Kind::Duration,
            "with `give_up = \"serve-stale\"`: for so long after its TTL an entry is kept for that; 60s if nothing is said",
        ),
        Parameter::optional(
            "fencing",
            Kind::Switch,
            "whether a node refuses the set of whoever does not hold the lock of the key any more",
        ),
        Parameter::optional(
            "holder_dies",
            Kind::Share,
            "probability that whoever takes a lock dies with it: its request fails, and the lock stays until it expires; 0 if nothing is said",
        ),
    ],
    meaning: "of the misses of one key in all app instances, one takes a lock in the tier to fetch and set; the others look again every so often",
    source: "Redis, SET with NX and PX",
    build: |arguments| {
        let give_up = match arguments.word("give_up", "query")? {
            "serve-stale" => GiveUp::ServeStale,
            "fail" => GiveUp::Fail,
            _ => GiveUp::Query,
        };
        let keep_ns = match give_up {
            GiveUp::ServeStale => arguments.duration_or("keep", 60 * SECOND_NS, 1000)?,
            _ if arguments.optional("keep")?.is_some() => {
                let problem = "is for those who give up and are served the expired copy: add `give_up = \"serve-stale\"`";
                return Err(ParameterError::new("keep", problem));
            }
            _ => 0,
        };
        Ok(Plan::Lock(Locking {
            mutexes: MutexPlan {
                ttl_ns: arguments.duration_or("ttl", 10 * SECOND_NS, 1000)?,
                fencing: arguments.switch("fencing", false)?,
            },
            retry_ns: arguments.duration_or("retry", SECOND_NS / 50, 1000)?,
            retries: arguments.count_or("retries", 100)?,
            give_up,
            keep_ns,
            holder_dies: arguments.optional("holder_dies")?.unwrap_or(0.0),
        }))
    },
};

/// How those lock who fetch, as checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Locking {
    /// What the nodes do.
    pub mutexes: MutexPlan,
    /// How long those wait who did not get the lock before they look again.
    pub retry_ns: Nanoseconds,
    /// How often they do so.
    pub retries: u64,
    /// What they do then.
    pub give_up: GiveUp,
    /// For so long after its TTL an entry is kept for those who give up.
    pub keep_ns: Nanoseconds,
    /// Probability that whoever takes a lock dies with it.
    pub holder_dies: f64,
}

/// What those do who have waited for a lock in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// They fetch for themselves.
    Query,
    /// They are served the expired copy, or fetch for themselves.
    ServeStale,
    /// They fail.
    Fail,
}

impl Locking {
    pub(super) fn prepare(&self, tier: &mut tier::Plan) {
        tier.mutexes = Some(self.mutexes);
        if let Some(ttl) = &mut tier.ttl {
            ttl.stale_at_last_ns = self.keep_ns;
        }
    }
}

/// The side of those who lock; the locks themselves are the nodes'.
#[derive(Debug)]
pub struct Locks {
    kernel: Rc<Kernel>,
    plan: Locking,
    /// Who dies.
    luck: Stream,
}

impl Locks {
    pub(super) fn new(kernel: Rc<Kernel>, plan: Locking, luck: Stream) -> Self {
        Self { kernel, plan, luck }
    }

    pub(super) async fn fetch(&self, case: &Case<'_>, load: Load<'_>) -> Result<Answer, Failure> {
        for attempt in 0..=self.plan.retries {
            if attempt > 0 {
                self.kernel.sleep(self.plan.retry_ns).await;
            }
            let taken = case.tier.take_mutex(case.request, attempt, case.is_early);
            let holder = match taken.await {
                Taken::Yes => return self.hold(case, load).await,
                Taken::Filled(row) => return case.answer(row, ReadOutcome::DelayedHit),
                Taken::Busy { holder } => holder,
            };
            if let Some(spare) = case.spare() {
                return Ok(spare);
            }
            if attempt == 0 {
                case.tier.trace_waiting(Some(holder));
            }
        }
        case.tier.note_lock_given_up();
        match (self.plan.give_up, &case.at_last) {
            (GiveUp::Fail, _) => {
                case.decide(ReadOutcome::DelayedHit);
                Err(Failure::TimedOut)
            }
            (GiveUp::ServeStale, Some(copy)) => case.answer(copy.row.clone(), copy.outcome),
            (GiveUp::Query | GiveUp::ServeStale, _) => {
                case.decide(ReadOutcome::Miss);
                load.await
            }
        }
    }

    async fn hold(&self, case: &Case<'_>, load: Load<'_>) -> Result<Answer, Failure> {
        case.decide(ReadOutcome::Miss);
        let mut luck = self.luck.at(case.request.index);
        if self.plan.holder_dies > 0.0 && luck.chance(self.plan.holder_dies) {
            return Err(Failure::Unavailable);
        }
        let outcome = load.await;
        case.tier.release_mutex(case.request).await;
        outcome
    }
}
