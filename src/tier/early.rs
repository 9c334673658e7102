//! Early expiration: a reader of a fresh entry may take it for expired, so that one of many fetches it
//! anew before it expires for all. Each reader throws dice of its own, and nobody has to agree with
//! anybody.
//!
//! What is said of an entry past its TTL is not said here, and neither is who fetches (see `defence`).

use std::cell::RefCell;

use hashbrown::HashMap;

use super::Tier;
use super::node::Resident;
use crate::cache::Cache;
use crate::random::Draws;
use crate::units::{Key, KeyHash, NEVER, Nanoseconds};
use crate::workload::Request;

/// By which dice a fresh entry is taken for expired.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EarlyPlan {
    /// `XFetch`: now - delta x beta x ln(u) reaches the expiry, with u uniform and delta the time that
    /// the entry's fetch took.
    Measured {
        /// Above 1 fetches earlier, below 1 later.
        beta: f64,
    },
    /// The probability rises from 0 to 1 over the last part of the TTL.
    Linear {
        /// How long before the expiry it begins to.
        part_ns: f64,
    },
    /// The probability falls e-fold with each such time that remains.
    Exponential {
        /// The time.
        scale_ns: f64,
    },
}

impl EarlyPlan {
    /// Whether a reader with these dice takes an entry for expired that has `remaining_ns` to live and
    /// took `fetch_ns` to fetch.
    pub(super) fn expires(self, remaining_ns: f64, fetch_ns: f64, luck: &mut Draws) -> bool {
        // All of them are asked with one draw, so that variants differ by the rule alone.
        let unit = luck.unit();
        match self {
            Self::Measured { beta } => -fetch_ns * beta * libm::log(unit) >= remaining_ns,
            Self::Linear { part_ns } => unit * part_ns >= remaining_ns,
            Self::Exponential { scale_ns } => -scale_ns * libm::log(unit) >= remaining_ns,
        }
    }
}

/// By request and key.
pub(super) type FetchTimes = RefCell<HashMap<(u64, Key), f32, KeyHash>>;

/// How long a fetch took, for as long as its row is about to be stored.
#[derive(Debug)]
pub struct Measured<'a> {
    times: &'a FetchTimes,
    of: (u64, Key),
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        self.times.borrow_mut().remove(&self.of);
    }
}

impl Tier {
    /// The request's fetch took so long. Stores that come before the guard is dropped are of its row.
    ///
    /// Kept here because every future between the fetch and the node would hold a copy of it.
    pub fn measured(&self, request: &Request, fetch_ns: Nanoseconds) -> Option<Measured<'_>> {
        self.plan.early?;
        let of = (request.index, request.key);
        self.measured.borrow_mut().insert(of, fetch_ns as f32);
        let times = &self.measured;
        Some(Measured { times, of })
    }

    /// How long the fetch of what the request stores took. A write does not say, so that it is the
    /// time of the fetch before.
    pub(super) fn fetch_ns(&self, request: &Request, cache: &Cache<Resident>) -> f32 {
        if self.plan.early.is_none() {
            return 0.0;
        }
        let of = (request.index, request.key);
        let measured = self.measured.borrow().get(&of).copied();
        measured.unwrap_or_else(|| cache.note(request.key))
    }

    /// Somebody begins to fetch the entry of `key` although it is still fresh. Of several who do so at
    /// a time the first counts as one round.
    pub fn begin_early(&self, node: usize, key: Key) {
        let kept_ns = self.plan.ttl.map_or(0, |ttl| ttl.kept_ns());
        let mut cache = self.nodes[node].cache.borrow_mut();
        let expires_ns: Nanoseconds = cache.expires_ns(key).unwrap_or(NEVER);
        let is_first = cache.peek_mut(key).is_some_and(Resident::begin_renewal);
        drop(cache);
        if self.meter.is_measuring() {
            let counts = self.counts();
            counts.early_fetches.increment();
            if is_first {
                let fresh_until_ns = expires_ns.saturating_sub(kept_ns);
                let lead_ns = fresh_until_ns.saturating_sub(self.kernel.now());
                counts.early_rounds.increment();
                counts.early_lead_ns.add(lead_ns);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Luck;

    /// The share of readers who take an entry for expired that has so long to live.
    fn share(plan: EarlyPlan, remaining_ns: f64) -> f64 {
        let stream = Luck::new(1, 0).stream("early");
        let early = (0..20_000).filter(|&i| plan.expires(remaining_ns, 1000.0, &mut stream.at(i)));
        early.count() as f64 / 20_000.0
    }

    #[test]
    fn each_rule_has_the_probability_that_its_name_says() {
        let close = |plan, remaining_ns, expected: f64| {
            let share = share(plan, remaining_ns);
            assert!((share - expected).abs() < 0.015, "{plan:?}: {share}");
        };
        // e^(-remaining / (beta x delta)).
        close(EarlyPlan::Measured { beta: 2.0 }, 2000.0, libm::exp(-1.0));
        close(EarlyPlan::Measured { beta: 1.0 }, 2000.0, libm::exp(-2.0));
        close(EarlyPlan::Linear { part_ns: 400.0 }, 100.0, 0.75);
        close(EarlyPlan::Linear { part_ns: 400.0 }, 500.0, 0.0);
        let exponential = EarlyPlan::Exponential { scale_ns: 300.0 };
        close(exponential, 300.0, libm::exp(-1.0));
    }
}
