//! Locks that app instances take in a node of the tier: set-if-absent with an expiry, as with Redis
//! `SET key token NX PX ttl`, and a delete that only whoever holds the lock may do.
//!
//! A lock is known by the request that took it. Locks take no room in the cache and are not evicted;
//! a crash or a purge forgets them, so that two may then hold one.
//!
//! Not here: what those do who do not get it (see `defence`), and the keys that a write through the
//! tier locks in its node (see [`Tier::lock`]).

use super::leases::Fading;
use super::{Exchange, Tier};
use crate::database::Row;
use crate::units::{Key, Nanoseconds};
use crate::workload::Request;

/// How a node keeps locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MutexPlan {
    /// After so long a lock that nobody released is free again.
    pub ttl_ns: Nanoseconds,
    /// Whether a set by somebody who does not hold the lock of its key (any more) is refused.
    pub fencing: bool,
}

/// What a node says to a request that would have the lock of its key.
#[derive(Clone, Debug)]
pub enum Taken {
    /// It holds it now.
    Yes,
    /// Somebody else does.
    Busy {
        /// The index of the request that does.
        holder: u64,
    },
    /// The entry has come meanwhile, so that there is no need.
    Filled(Row),
}

/// The locks of one node: the request that holds that of a key.
#[derive(Debug, Default)]
pub(super) struct Mutexes(Fading<u64>);

impl Mutexes {
    fn take(&mut self, plan: &MutexPlan, key: Key, by: u64, now_ns: Nanoseconds) -> Taken {
        if let Some(&holder) = self.0.get(key, now_ns) {
            return Taken::Busy { holder };
        }
        let until_ns = now_ns.saturating_add(plan.ttl_ns);
        self.0.put(key, by, now_ns, until_ns);
        Taken::Yes
    }

    /// Whether `holder` has the lock of `key`.
    pub(super) fn is_held(&self, key: Key, holder: u64, now_ns: Nanoseconds) -> bool {
        self.0.get(key, now_ns) == Some(&holder)
    }

    fn release(&mut self, key: Key, holder: u64, now_ns: Nanoseconds) {
        if self.is_held(key, holder, now_ns) {
            self.0.remove(key);
        }
    }
}

impl Tier {
    /// One exchange with the node of the request's key: look again, and take the lock if there is
    /// still no fresh entry (or, to fetch `ahead` of its expiry, whatever is there). `attempt` counts
    /// from 0 and has luck of its own. An unreachable node gives everybody the lock.
    pub async fn take_mutex(&self, request: &Request, attempt: u64, ahead: bool) -> Taken {
        let Some(plan) = &self.plan.mutexes else {
            return Taken::Yes;
        };
        let again = if attempt == 0 {
            *request
        } else {
            request.derived(attempt)
        };
        let Ok(visit) = self.visit(Exchange::TakeMutex, &again).await else {
            return Taken::Yes;
        };
        let node = &self.nodes[visit.node()];
        let found = if ahead {
            None
        } else {
            self.find(visit.node(), request).fresh()
        };
        let taken = match found {
            Some(row) => Taken::Filled(row),
            None => {
                let mut mutexes = node.mutexes.borrow_mut();
                let now_ns = self.kernel.now();
                mutexes.take(plan, request.key, request.index, now_ns)
            }
        };
        self.trace_outcome(|| match taken {
            Taken::Yes => "taken",
            Taken::Busy { .. } => "busy",
            Taken::Filled(_) => "hit",
        });
        if self.meter.is_measuring() {
            match taken {
                Taken::Yes => self.counts().locks_taken.increment(),
                Taken::Busy { .. } => self.counts().locks_busy.increment(),
                Taken::Filled(_) => {}
            }
        }
        self.leave(visit).await;
        taken
    }

    /// Somebody who waited for a lock gives up.
    pub fn note_lock_given_up(&self) {
        if self.meter.is_measuring() {
            self.counts().locks_given_up.increment();
        }
    }

    /// One exchange with the node of the request's key: gives the lock back, if the request still has
    /// it.
    pub async fn release_mutex(&self, request: &Request) {
        let Ok(visit) = self.visit(Exchange::ReleaseMutex, request).await else {
            return;
        };
        let now_ns = self.kernel.now();
        self.nodes[visit.node()]
            .mutexes
            .borrow_mut()
            .release(request.key, request.index, now_ns);
        self.leave(visit).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: MutexPlan = MutexPlan {
        ttl_ns: 100,
        fencing: false,
    };

    /// Who holds the lock after `by` has tried to take it.
    fn holder(mutexes: &mut Mutexes, key: Key, by: u64, now_ns: Nanoseconds) -> u64 {
        match mutexes.take(&PLAN, key, by, now_ns) {
            Taken::Busy { holder } => holder,
            _ => by,
        }
    }

    #[test]
    fn a_lock_is_one_holders_until_it_is_released_or_expires() {
        let mut mutexes = Mutexes::default();
        assert_eq!(holder(&mut mutexes, 7, 1, 0), 1);
        assert_eq!(holder(&mut mutexes, 7, 2, 50), 1);
        assert_eq!(holder(&mut mutexes, 8, 2, 50), 2);
        mutexes.release(7, 1, 60);
        assert_eq!(holder(&mut mutexes, 7, 2, 70), 2);
        assert_eq!(holder(&mut mutexes, 7, 3, 169), 2);
        assert_eq!(holder(&mut mutexes, 7, 3, 170), 3);
    }

    #[test]
    fn a_late_holder_releases_nobody_elses_lock() {
        let mut mutexes = Mutexes::default();
        mutexes.take(&PLAN, 7, 1, 0);
        mutexes.take(&PLAN, 7, 2, 100);
        mutexes.release(7, 1, 110);
        assert!(mutexes.is_held(7, 2, 120));
        assert!(!mutexes.is_held(7, 1, 120));
    }
}
