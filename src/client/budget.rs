//! Retry budget: retries are paid for. Each request puts a share of a retry aside, each retry takes a
//! whole one, so that in the long run retries add no more than that share to the load, whatever
//! fails.
//!
//! All clients share one budget. Known weakness: what was saved in good times is spent at once when
//! things go wrong, which is what `reserve` bounds.

use std::cell::Cell;

/// A budget as checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Retries that each request pays for, in 0..=1.
    pub ratio: f64,
    /// The most retries that are saved up, and what there is at first.
    pub reserve: u32,
}

/// What is left of a budget.
#[derive(Debug)]
pub struct Budget {
    plan: Plan,
    retries: Cell<f64>,
}

impl Budget {
    /// A full budget.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        Self {
            plan,
            retries: Cell::new(f64::from(plan.reserve)),
        }
    }

    /// A request comes.
    pub fn pay_in(&self) {
        let most = f64::from(self.plan.reserve).max(1.0);
        let saved = self.retries.get() + self.plan.ratio;
        self.retries.set(saved.min(most));
    }

    /// Takes a retry; whether there was one.
    #[must_use]
    pub fn take(&self) -> bool {
        let saved = self.retries.get();
        // Sums of a tenth are not exact.
        let enough = saved >= 1.0 - 1e-9;
        if enough {
            self.retries.set((saved - 1.0).max(0.0));
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_the_reserve_is_spent_ten_requests_pay_for_one_retry() {
        let budget = Budget::new(Plan {
            ratio: 0.1,
            reserve: 3,
        });
        let mut retries = 0;
        for _ in 0..1000 {
            budget.pay_in();
            retries += u32::from(budget.take());
        }
        // The first payment finds the reserve full.
        assert!((102..=103).contains(&retries), "{retries}");
    }

    #[test]
    fn no_more_is_saved_than_the_reserve() {
        let budget = Budget::new(Plan {
            ratio: 1.0,
            reserve: 5,
        });
        (0..100).for_each(|_| budget.pay_in());
        assert_eq!((0..100).filter(|_| budget.take()).count(), 5);
    }
}
