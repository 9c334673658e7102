//! The checked clients, and the guards between an app and what it depends on.

use super::Planner;
use crate::client::backoff::{Backoff, JITTERS};
use crate::client::{self, ABANDONED, Retries, budget, hedge};
use crate::guard;
use crate::scenario::shape::Checked;
use crate::scenario::unit::Duration;
use crate::units::Nanoseconds;

impl Planner<'_> {
    pub(super) fn client(&mut self, checked: &Checked) -> Option<client::Plan> {
        let deadline_ns = patience(checked.at("deadline"));
        let timeout = checked.at("timeout");
        let timeout_ns = patience(timeout);
        if let (Some(deadline_ns), Some(timeout_ns)) = (deadline_ns, timeout_ns)
            && timeout_ns > deadline_ns
        {
            let message = format!(
                "no attempt can time out: `client.timeout` of {} is longer than `client.deadline` of {}",
                Duration(timeout_ns),
                Duration(deadline_ns)
            );
            self.problem(timeout.span, message, "lower `timeout` or raise `deadline`");
            return None;
        }
        let retries = checked.at("retries");
        let retries = match retries.get("count") {
            None => None,
            Some(count) => Some(Retries {
                count: count.whole_u32(),
                backoff: self.backoff(retries.at("backoff"))?,
                budget: budget(retries.at("budget")),
                writes: retries.at("writes").flag(),
            }),
        };
        let abandoned = checked.at("abandoned");
        Some(client::Plan {
            deadline_ns,
            timeout_ns,
            abandoned: ABANDONED
                .iter()
                .find(|row| abandoned.is(row.name))?
                .abandoned,
            retries,
            hedge: self.hedge(checked.at("hedge"))?,
        })
    }

    /// What stands before a tier or the database, each kind once.
    pub(super) fn guards(&mut self, place: &str, checked: &Checked) -> Option<Vec<guard::Plan>> {
        let mut guards: Vec<guard::Plan> = Vec::new();
        for one in checked.list() {
            let plan = self.chosen(place, "kind", guard::GUARDS, one)?;
            if guards.iter().any(|other| other.name() == plan.name()) {
                let message = format!("`{place}` names `{}` twice", plan.name());
                self.problem(one.span, message, "remove one of the two");
                return None;
            }
            guards.push(plan);
        }
        Some(guards)
    }

    fn backoff(&mut self, checked: &Checked) -> Option<Backoff> {
        let (base, cap, jitter) = (checked.at("base"), checked.at("cap"), checked.at("jitter"));
        if cap.whole() < base.whole() {
            let message = format!(
                "`client.retries.backoff.cap` must be at least `base`: {} is less than {}",
                Duration(cap.whole()),
                Duration(base.whole())
            );
            self.problem(cap.span, message, "raise `cap` or lower `base`");
            return None;
        }
        Some(Backoff {
            base_ns: base.whole(),
            factor: checked.at("factor").base(),
            cap_ns: cap.whole(),
            jitter: JITTERS.iter().find(|row| jitter.is(row.name))?,
        })
    }

    /// Nothing within nothing is a problem that was reported.
    fn hedge(&mut self, checked: &Checked) -> Option<Option<hedge::Plan>> {
        if checked.is("none") {
            return Some(None);
        }
        let plan = match (checked.get("after"), checked.get("quantile")) {
            (Some(after), None) => hedge::Plan::After(after.whole()),
            (None, Some(quantile)) => hedge::Plan::Quantile(quantile.base()),
            (Some(_), Some(quantile)) => {
                let message = "requests are hedged `after` a while or at a `quantile`, not both";
                self.problem(quantile.span, message, "remove one of the two");
                return None;
            }
            (None, None) => {
                let message = "`client.hedge` needs `after` or `quantile`";
                let help = "add `quantile = 0.95` or `after = \"20ms\"`";
                self.problem(checked.span, message, help);
                return None;
            }
        };
        Some(Some(plan))
    }
}

/// A duration, or `None` for never.
fn patience(checked: &Checked) -> Option<Nanoseconds> {
    checked.amount().map(|_| checked.whole())
}

fn budget(checked: &Checked) -> Option<budget::Plan> {
    let ratio = checked.get("ratio")?;
    Some(budget::Plan {
        ratio: ratio.base(),
        reserve: checked.at("reserve").whole_u32(),
    })
}
