//! Leases: a node that has nothing gives the first who asks a token, and tells the others to come
//! back in a little while. Only who holds the token may set, and a delete voids it, so that a slow
//! fill cannot put an old row back: one mechanism against stampedes and against stale sets.
//!
//! Those who would wait may be offered the value that was deleted a short while ago instead. A fetch
//! that fails does not return its token, so the others wait until it is no longer valid.
//!
//! Known weakness: those who wait ask again and again, and a holder that dies makes everybody wait
//! for as long as its token is valid.

use std::rc::Rc;

use super::{Answer, Case, DefenceRow, Load, Plan};
use crate::kernel::Kernel;
use crate::metrics::{Failure, ReadOutcome};
use crate::tier::{Exchange, Lease, LeasePlan};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "lease",
    parameters: &[
        Parameter::optional(
            "token_ttl",
            Kind::Duration,
            "how long a token is valid; nobody else gets one for the key meanwhile; 10s if nothing is said",
        ),
        Parameter::optional(
            "retry",
            Kind::Duration,
            "how long those wait who got no token before they ask again; 10ms if nothing is said",
        ),
        Parameter::optional(
            "stale",
            Kind::Duration,
            "for so long a deleted value is offered to those who would have to wait; 0s if nothing is said: they wait",
        ),
    ],
    meaning: "of those who miss a key in its node one gets a token to fetch and set, which a delete voids; the others ask again",
    source: "Nishtala et al., NSDI 2013, section 3.2.1",
    build: |arguments| {
        Ok(Plan::Lease {
            retry_ns: arguments.duration_or("retry", SECOND_NS / 100, 1000)?,
            leases: LeasePlan {
                token_ttl_ns: arguments.duration_or("token_ttl", 10 * SECOND_NS, 1000)?,
                stale_ns: arguments.duration_or("stale", 0, 0)?,
            },
        })
    },
};

/// The side of those who ask; the tokens are the node's.
#[derive(Debug)]
pub struct Leasing {
    kernel: Rc<Kernel>,
    retry_ns: Nanoseconds,
}

impl Leasing {
    pub(super) fn new(kernel: Rc<Kernel>, retry_ns: Nanoseconds) -> Self {
        Self { kernel, retry_ns }
    }

    pub(super) async fn fetch(&self, case: &Case<'_>, load: Load<'_>) -> Result<Answer, Failure> {
        let Case { tier, request, .. } = *case;
        let mut attempt = 0;
        loop {
            let holder = match tier.ask_for_lease(request, case.is_early) {
                Lease::Granted => break,
                Lease::Stale(row) => return case.answer(row, ReadOutcome::StaleHit),
                Lease::Wait { holder } => holder,
            };
            if let Some(spare) = case.spare() {
                return Ok(spare);
            }
            if attempt == 0 {
                case.tier.trace_waiting(holder);
            }
            self.kernel.sleep(self.retry_ns).await;
            attempt += 1;
            let again = request.derived(attempt);
            // Without the node the app goes on by itself; its set will be refused.
            let Ok(visit) = tier.visit(Exchange::Retry, &again).await else {
                break;
            };
            let found = tier.find(visit.node(), &again);
            tier.leave(visit).await;
            if let Some(row) = found.fresh() {
                return case.answer(row, ReadOutcome::DelayedHit);
            }
        }
        case.decide(ReadOutcome::Miss);
        load.await
    }
}
