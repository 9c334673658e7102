//! Hedged requests: who has no answer after a while asks once more, somebody else, and takes the
//! answer that comes first (Dean and Barroso, "The Tail at Scale", Communications of the ACM 56(2),
//! 2013).
//!
//! Known weakness: it is more work, and when everything is slow everybody hedges. That is why the
//! while is better a quantile of the latencies that were seen: then only so many are hedged at first,
//! and when all becomes slower the quantile follows.

use std::cell::{Cell, RefCell};

use crate::metrics::Histogram;
use crate::units::{Nanoseconds, SECOND_NS};

/// Hedging as checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// After so long.
    After(Nanoseconds),
    /// After as long as this share of the answers took, in 0..1.
    Quantile(f64),
}

/// So many answers make a quantile; it is that of the last so many that are complete.
const ANSWERS: u64 = 1000;

/// When to hedge.
#[derive(Debug)]
pub struct Hedge {
    plan: Plan,
    latencies: RefCell<Histogram>,
    /// Of the last [`ANSWERS`] answers.
    quantile_ns: Cell<Option<Nanoseconds>>,
}

impl Hedge {
    /// Nothing measured yet.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            latencies: RefCell::new(Histogram::with_digits(2)),
            quantile_ns: Cell::new(None),
        }
    }

    /// After how long to ask once more; `None` while it is not known.
    #[must_use]
    pub fn after_ns(&self) -> Option<Nanoseconds> {
        match self.plan {
            Plan::After(after_ns) => Some(after_ns),
            Plan::Quantile(_) => self.quantile_ns.get(),
        }
    }

    /// An answer took so long.
    pub fn answered(&self, latency_ns: Nanoseconds) {
        let Plan::Quantile(quantile) = self.plan else {
            return;
        };
        let mut latencies = self.latencies.borrow_mut();
        latencies.record(latency_ns);
        if latencies.count() == ANSWERS {
            let quantile_s = latencies.quantile_s(quantile);
            let quantile_ns = (quantile_s * SECOND_NS as f64).round() as Nanoseconds;
            self.quantile_ns.set(Some(quantile_ns));
            latencies.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_known_after_a_thousand_answers_and_follows_them() {
        let hedge = Hedge::new(Plan::Quantile(0.95));
        for latency_ms in 1..=1000 {
            assert_eq!(hedge.after_ns(), None);
            hedge.answered(latency_ms * 1_000_000);
        }
        let near = |expected_ms: f64| {
            let after_ms = hedge.after_ns().unwrap() as f64 / 1e6;
            assert!(
                (after_ms - expected_ms).abs() < 0.02 * expected_ms,
                "{after_ms}"
            );
        };
        near(950.0);
        for latency_ms in 2001..=3000 {
            hedge.answered(latency_ms * 1_000_000);
        }
        near(2950.0);
    }
}
