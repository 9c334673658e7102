//! Refresh-ahead, on top of any pattern: an entry that was hit is fetched anew before it expires,
//! so that no reader waits for it.
//!
//! When so large a share of its TTL has passed, an entry is looked at; if it had enough hits since
//! it was stored, it is fetched and stored again in the background. A refreshed entry that is not
//! hit before it leaves or is refreshed again was fetched for nothing; those are counted.
//!
//! Known weakness: where most entries are read once, most refreshes are wasted.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

use super::{PatternRow, Refresh, System, fetch};
use crate::kernel::{Broadcast, BroadcastId, Kernel, Resource, race};
use crate::tier::{Filling, Tier};
use crate::units::{NEVER, Nanoseconds};
use crate::workload::Request;
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: PatternRow<Refresh> = PatternRow {
    name: "refresh",
    parameters: &[
        Parameter::optional(
            "factor",
            Kind::Share,
            "the share of its TTL after which an entry is looked at; 0.8 if nothing is said",
        ),
        Parameter::optional(
            "hits_min",
            Kind::Count,
            "hits since it was stored that an entry needs to be refreshed; 1 if nothing is said, 0 refreshes all entries",
        ),
    ],
    meaning: "entries are fetched anew before they expire",
    source: "Oracle Coherence, refresh-ahead caching",
    build: |arguments| {
        let factor = arguments.optional("factor")?.unwrap_or(0.8);
        if factor <= 0.0 || factor >= 1.0 {
            let problem = format!("must be between 0 and 1, both excluded, not {factor}");
            return Err(ParameterError::new("factor", problem));
        }
        let hits_min = arguments.count_or("hits_min", 1)?;
        let Ok(hits_min) = u16::try_from(hits_min) else {
            let problem = format!("must be at most {}, not {hits_min}", u16::MAX);
            return Err(ParameterError::new("hits_min", problem));
        };
        Ok(Refresh { factor, hits_min })
    },
};

/// An entry that is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Due {
    node: usize,
    /// Whose store it was; the refresh has this request's luck.
    request: Request,
    /// What tells the entry from a later one of the same key.
    fresh_until_ns: Nanoseconds,
}

/// When, then in which order it was scheduled, then which of `Refresher::due`.
type Scheduled = Reverse<(Nanoseconds, u64)>;

/// Which entries are fetched anew, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    /// How long before its expiry an entry is looked at.
    pub(super) lead_ns: Nanoseconds,
    /// It is fetched if it had so many hits since it was stored.
    pub(super) hits_min: u16,
    /// How many entries are fetched at a time; `None` for any number.
    pub(super) workers: Option<u32>,
}

/// The refreshes of one layer that are still to come.
pub(super) struct Refresher {
    plan: Ahead,
    workers: Option<Resource>,
    calendar: RefCell<BinaryHeap<(Scheduled, Entry)>>,
    sequence: Cell<u64>,
    /// Where the task that refreshes waits for the next entry, and until when.
    waiting: Cell<Option<(BroadcastId, Nanoseconds)>>,
    wake: Broadcast<()>,
}

/// Carried in the heap without having a say in its order.
#[derive(Clone, Copy)]
struct Entry(Due);

impl PartialEq for Entry {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Refresher {
    pub(super) fn new(plan: Ahead, kernel: &Rc<Kernel>) -> Self {
        let workers = plan.workers;
        Self {
            plan,
            workers: workers.map(|workers| Resource::new(kernel.clone(), workers, None)),
            calendar: RefCell::default(),
            sequence: Cell::new(0),
            waiting: Cell::new(None),
            wake: Broadcast::new(kernel.clone()),
        }
    }

    /// The entry of the request's key has just been stored in the node that the request sees.
    pub(super) fn stored(&self, tier: &Tier, request: &Request) {
        let node = tier.node_of(request);
        let Some((_, fresh_until_ns)) = tier.inspect(node, request.key) else {
            return;
        };
        let due = Due {
            node,
            request: *request,
            fresh_until_ns,
        };
        let at_ns = fresh_until_ns.saturating_sub(self.plan.lead_ns);
        let sequence = self.sequence.get();
        self.sequence.set(sequence + 1);
        let entry = (Reverse((at_ns, sequence)), Entry(due));
        self.calendar.borrow_mut().push(entry);
        // A jittered TTL may put it before all others.
        if let Some((channel, until_ns)) = self.waiting.get()
            && at_ns < until_ns
        {
            self.waiting.set(None);
            self.wake.close(channel, Some(()));
        }
    }

    /// Waits until an entry is to be looked at.
    async fn wait(&self, kernel: &Kernel) {
        loop {
            let next_ns = {
                let calendar = self.calendar.borrow();
                calendar
                    .peek()
                    .map_or(NEVER, |(Reverse((at_ns, _)), _)| *at_ns)
            };
            if next_ns <= kernel.now() {
                return;
            }
            let channel = self.wake.open();
            self.waiting.set(Some((channel, next_ns)));
            race(self.wake.receive(channel), kernel.sleep_until(next_ns)).await;
            if let Some((channel, _)) = self.waiting.take() {
                self.wake.close(channel, None);
            }
        }
    }

    fn take(&self) -> Option<Due> {
        self.calendar.borrow_mut().pop().map(|(_, entry)| entry.0)
    }
}

/// Refreshes the entries of tier `level` as they become due.
pub(super) async fn refresh_for_ever(system: &Rc<System>, level: usize) {
    let layer = &system.layers[level];
    let Some(refresher) = &layer.refresher else {
        return;
    };
    loop {
        refresher.wait(&system.kernel).await;
        let Some(due) = refresher.take() else {
            continue;
        };
        let is_hot =
            layer
                .tier
                .inspect(due.node, due.request.key)
                .is_some_and(|(hits, fresh_until_ns)| {
                    fresh_until_ns == due.fresh_until_ns && hits >= refresher.plan.hits_min
                });
        if is_hot {
            system.spawn("refresh of key", due.request.key, async move |system| {
                refresh(&system, level, due).await;
            });
        }
    }
}

/// Fetches an entry anew, as soon as somebody is free to.
async fn refresh(system: &Rc<System>, level: usize, due: Due) {
    let layer = &system.layers[level];
    let workers = layer.refresher.as_ref().and_then(|it| it.workers.as_ref());
    let _worker = match workers {
        None => None,
        Some(workers) => workers.acquire().await.ok(),
    };
    let tier = &layer.tier;
    let now_there = tier.inspect(due.node, due.request.key);
    // While it waited for a worker, it may have expired, and somebody else may have fetched it.
    if now_there.is_none_or(|(_, fresh_until_ns)| fresh_until_ns != due.fresh_until_ns) {
        return;
    }
    let request = due.request.derived(due.fresh_until_ns);
    if !tier.leases_ahead(&request) {
        return;
    }
    if system.meter.is_measuring() {
        tier.counts().refreshes_sent.increment();
    }
    // Should it fail, the entry expires and the next reader fetches it.
    let _ = fetch::load(system, &request, level, Filling::Ahead, None).await;
}
