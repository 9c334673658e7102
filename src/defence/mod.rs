//! Stampede defences: what happens when many requests miss one key together. One file and one row
//! of [`DEFENCES`] per defence.
//!
//! They act at different places, so that a tier may have several (see [`composition`]):
//!
//! - who of one process fetches (`single-flight`, `collapse`), and who of all processes (`lease`,
//!   `lock`): these stand between a miss and the fetch that would answer it, and say how the lookup
//!   counts, because only they know;
//! - what those are given who would have to wait (`serve-stale-if-locked`, `stale-while-revalidate`);
//! - when entries are fetched anew (`early-expiration`, `buddy`, `warm-up`) and when they expire
//!   (`jitter`): these are settings of the tier, which they [prepare](Plan::prepare);
//! - how lookups reach the tier (`coalesce`).

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;

use crate::database::Row;
use crate::kernel::{Kernel, OneOf, Rare, rarely};
use crate::metrics::{Failure, ReadOutcome};
use crate::random::Luck;
use crate::tier::{self, EarlyPlan, LeasePlan, Refreshers, Tier};
use crate::units::Nanoseconds;
use crate::workload::Request;
use crate::workload::parameters;

mod buddy;
mod coalesce;
mod collapse;
pub mod composition;
mod early_expiration;
mod jitter;
mod lease;
mod lock;
mod none;
mod serve_stale_if_locked;
mod single_flight;
mod stale_while_revalidate;
mod warm_up;

pub use buddy::Buddy;
pub use coalesce::Batches;
pub use lock::{GiveUp, Locking};
pub use warm_up::WarmUp;

/// What a read gives: the row and how it was come by.
#[derive(Clone, Debug)]
pub struct Answer {
    /// A copy of the row.
    pub row: Row,
    /// How it was come by.
    pub outcome: ReadOutcome,
}

/// A defence as checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// Every miss fetches for itself.
    None,
    /// Of the misses of one key in one app instance, one fetches and the others wait for it.
    SingleFlight,
    /// As single-flight, in a node of a tier that loads by itself: a sidecar or a gateway.
    Collapse,
    /// Of the misses of one key in one node, one gets a token to fetch and set.
    Lease {
        /// How long the others wait before they ask again.
        retry_ns: Nanoseconds,
        /// What the nodes do.
        leases: LeasePlan,
    },
    /// Of the misses of one key in all app instances, one gets a lock to fetch and set.
    Lock(Locking),
    /// Who would have to wait for somebody else's fetch is served the expired copy.
    ServeStaleIfLocked {
        /// For so long after its TTL.
        keep_ns: Nanoseconds,
    },
    /// Expired copies are served while a new one is fetched in the background.
    StaleWhileRevalidate {
        /// For so long after its TTL.
        window_ns: Nanoseconds,
        /// Who fetches.
        refreshers: Refreshers,
    },
    /// Readers of fresh entries take some of them for expired.
    EarlyExpiration {
        /// By which dice.
        early: EarlyRule,
        /// Whether whoever fetches early is served the copy meanwhile.
        background: bool,
    },
    /// A process of its own fetches hot entries anew before they expire.
    Buddy(Buddy),
    /// The most popular keys are loaded before traffic comes.
    WarmUp(WarmUp),
    /// The lookups of one app instance within a window go out to a node as one exchange.
    Coalesce {
        /// How long the first of a batch waits for others.
        window_ns: Nanoseconds,
        /// Lookups of one batch at most, at least 2.
        most: u32,
    },
    /// The TTL of each entry is multiplied by a uniform draw.
    Jitter {
        /// From 1 less this ...
        below: f64,
        /// ... to 1 and this.
        above: f64,
    },
}

/// The dice of early expiration, before the TTL of the tier is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EarlyRule {
    /// See [`EarlyPlan::Measured`].
    Measured {
        /// Above 1 fetches earlier, below 1 later.
        beta: f64,
    },
    /// See [`EarlyPlan::Linear`].
    Linear {
        /// How large a part of the TTL, from its end.
        share: f64,
    },
    /// See [`EarlyPlan::Exponential`].
    Exponential {
        /// What share of the TTL makes the probability e times as high.
        share: f64,
    },
}

/// One row of the table of defences.
pub type DefenceRow = parameters::Row<Plan>;

/// All defences.
pub static DEFENCES: &[DefenceRow] = &[
    none::ROW,
    single_flight::ROW,
    collapse::ROW,
    lease::ROW,
    lock::ROW,
    serve_stale_if_locked::ROW,
    stale_while_revalidate::ROW,
    early_expiration::ROW,
    buddy::ROW,
    warm_up::ROW,
    coalesce::ROW,
    jitter::ROW,
];

impl Plan {
    /// What the nodes of a tier must do differently, and when its entries expire.
    pub fn prepare(&self, tier: &mut tier::Plan) {
        let ttl_ns = tier.ttl.map_or(0, |ttl| ttl.base_ns) as f64;
        match self {
            Self::None
            | Self::SingleFlight
            | Self::Collapse
            | Self::Buddy(_)
            | Self::WarmUp(_)
            | Self::Coalesce { .. } => {}
            Self::Lease { leases, .. } => tier.leases = Some(*leases),
            Self::Lock(locking) => locking.prepare(tier),
            Self::EarlyExpiration { early, .. } => {
                tier.early = Some(match *early {
                    EarlyRule::Measured { beta } => EarlyPlan::Measured { beta },
                    EarlyRule::Linear { share } => EarlyPlan::Linear {
                        part_ns: share * ttl_ns,
                    },
                    EarlyRule::Exponential { share } => EarlyPlan::Exponential {
                        scale_ns: share * ttl_ns,
                    },
                });
            }
            Self::ServeStaleIfLocked { keep_ns } => {
                if let Some(ttl) = &mut tier.ttl {
                    ttl.stale_if_locked_ns = *keep_ns;
                }
            }
            Self::StaleWhileRevalidate {
                window_ns,
                refreshers,
            } => {
                if let Some(ttl) = &mut tier.ttl {
                    ttl.stale_while_revalidate_ns = *window_ns;
                    ttl.refreshers = *refreshers;
                }
            }
            Self::Jitter { below, above } => {
                if let Some(ttl) = &mut tier.ttl {
                    (ttl.jitter_below, ttl.jitter_above) = (*below, *above);
                }
            }
        }
    }
}

/// A lookup that has found nothing that would answer it, and that stands before the defence.
#[derive(Debug)]
pub struct Case<'a> {
    /// The tier.
    pub tier: &'a Tier,
    /// Who shares a fetch, if it is shared within a process: an app instance, or a node that loads by
    /// itself.
    pub sharers: u32,
    /// The request.
    pub request: &'a Request,
    /// A copy to be served rather than wait for somebody else's fetch.
    pub spare: Option<Answer>,
    /// A copy to be served rather than have waited in vain.
    pub at_last: Option<Answer>,
    /// Whether the copy that is there is still fresh.
    pub is_early: bool,
    /// How the lookup is decided.
    pub verdict: Verdict<'a>,
}

/// How a lookup is decided that stands before a defence.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// By the defence, which says so at once.
    Now,
    /// By the defence, but whoever made the case may still come to another one.
    Late(Late<'a>),
    /// It was decided before.
    Past,
}

/// The last of several decisions is the one that counts, when this is dropped: also that of a fetch that is
/// cancelled.
#[derive(Debug)]
pub struct Late<'a> {
    tier: &'a Tier,
    outcome: Cell<Option<ReadOutcome>>,
}

impl<'a> Late<'a> {
    /// Nothing is decided yet.
    pub fn new(tier: &'a Tier) -> Self {
        Self {
            tier,
            outcome: Cell::new(None),
        }
    }

    /// The lookup is decided, until it is again.
    pub fn decide(&self, outcome: ReadOutcome) {
        self.outcome.set(Some(outcome));
    }
}

impl Drop for Late<'_> {
    fn drop(&mut self) {
        if let Some(outcome) = self.outcome.get() {
            self.tier.note(outcome);
        }
    }
}

/// A fetch that has not begun. Pinned by whoever made it, so that no defence holds a copy of it.
pub type Load<'a> = Pin<&'a mut (dyn Future<Output = Result<Answer, Failure>> + 'a)>;

impl Case<'_> {
    /// The lookup is decided.
    fn decide(&self, outcome: ReadOutcome) {
        self.tier.trace_waited();
        match &self.verdict {
            Verdict::Now => self.tier.note(outcome),
            Verdict::Late(late) => late.decide(outcome),
            Verdict::Past => {}
        }
    }

    /// The lookup is decided: the answer is `row`.
    fn answer(&self, row: Row, outcome: ReadOutcome) -> Result<Answer, Failure> {
        self.decide(outcome);
        Ok(Answer { row, outcome })
    }

    /// The copy to be served rather than wait; the lookup is then decided.
    fn spare(&self) -> Option<Answer> {
        let spare = self.spare.clone()?;
        self.decide(spare.outcome);
        Some(spare)
    }
}

/// The defences of one tier that say who fetches, with what they must remember.
#[derive(Debug)]
pub struct Defence {
    /// Within a process.
    flights: Option<single_flight::SingleFlight>,
    /// Across processes.
    turns: Option<Turns>,
    /// Whether whoever fetches early is served the copy meanwhile.
    is_early_in_background: bool,
}

/// Of several processes that miss one key, who fetches.
#[derive(Debug)]
enum Turns {
    Leases(lease::Leasing),
    Locks(lock::Locks),
}

impl Defence {
    /// The defence of the tier called `tier` at the start of a run.
    #[must_use]
    pub fn new(plans: &[Plan], tier: &str, kernel: &Rc<Kernel>, luck: Luck) -> Self {
        let mut defence = Self {
            flights: None,
            turns: None,
            is_early_in_background: false,
        };
        for plan in plans {
            match *plan {
                Plan::SingleFlight | Plan::Collapse => {
                    let flights = single_flight::SingleFlight::new(kernel.clone());
                    defence.flights = Some(flights);
                }
                Plan::Lease { retry_ns, .. } => {
                    let leasing = lease::Leasing::new(kernel.clone(), retry_ns);
                    defence.turns = Some(Turns::Leases(leasing));
                }
                Plan::Lock(locking) => {
                    let luck = luck.stream(&format!("tier.{tier}.lock"));
                    let locks = lock::Locks::new(kernel.clone(), locking, luck);
                    defence.turns = Some(Turns::Locks(locks));
                }
                Plan::EarlyExpiration { background, .. } => {
                    defence.is_early_in_background = background;
                }
                Plan::None
                | Plan::ServeStaleIfLocked { .. }
                | Plan::StaleWhileRevalidate { .. }
                | Plan::Buddy(_)
                | Plan::WarmUp(_)
                | Plan::Coalesce { .. }
                | Plan::Jitter { .. } => {}
            }
        }
        defence
    }

    /// Whether whoever fetches an entry before it expires is served the copy meanwhile.
    pub fn is_early_in_background(&self) -> bool {
        self.is_early_in_background
    }

    /// Answers a request, by `load` or by what somebody else has loaded.
    ///
    /// # Errors
    /// The failure of whichever fetch the request depends on.
    pub fn fetch<'a>(
        &'a self,
        case: &'a Case<'_>,
        load: Load<'a>,
    ) -> impl Future<Output = Result<Answer, Failure>> + 'a {
        match (&self.flights, &self.turns) {
            (None, None) => OneOf::First(none::fetch(case, load)),
            (Some(flights), None) => OneOf::Second(flights.fetch(case, none::fetch(case, load))),
            // Boxed, because fetches without turns need not carry what these do.
            (None, Some(turns)) => OneOf::Third(turns.fetch(case, load)),
            (Some(flights), Some(turns)) => {
                let load = turns.fetch(case, load);
                OneOf::Third(rarely(move || flights.fetch(case, load)))
            }
        }
    }
}

impl Turns {
    fn fetch<'a>(
        &'a self,
        case: &'a Case<'_>,
        load: Load<'a>,
    ) -> Rare<'a, Result<Answer, Failure>> {
        match self {
            Self::Leases(leasing) => rarely(move || leasing.fetch(case, load)),
            Self::Locks(locks) => rarely(move || locks.fetch(case, load)),
        }
    }
}
