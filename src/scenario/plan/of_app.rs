//! What the app promises, and the timeline.

use super::Planner;
use crate::fault;
use crate::fault::target::{ORIGINS, TARGETS};
use crate::pattern::{BloomPlan, LEARNS};
use crate::promise::{self, PROMISES};
use crate::scenario::shape::Checked;
use crate::workload;

impl Planner<'_> {
    /// What readers are promised, each thing once.
    pub(super) fn promises(
        &mut self,
        checked: &Checked,
        workload: Option<&workload::Plan>,
    ) -> Option<Vec<promise::Plan>> {
        let place = "app.promises";
        let mut promises: Vec<promise::Plan> = Vec::new();
        for made in checked.list() {
            let plan = self.chosen(place, "kind", PROMISES, made)?;
            if promises.iter().any(|other| other.name() == plan.name()) {
                let message = format!("`{place}` names `{}` twice", plan.name());
                self.problem(made.span, message, "remove one of the two");
                return None;
            }
            if plan.needs_sessions() && workload.is_some_and(|it| it.sessions.is_none()) {
                let message = format!(
                    "`{}` is promised to clients with an identity, and there are none",
                    plan.name()
                );
                let help = "add `sessions = { count = \"10k\" }` to `[workload]`";
                self.problem(made.span, message, help);
                return None;
            }
            promises.push(plan);
        }
        Some(promises)
    }

    /// The Bloom filter of each instance, if there is one: `Some(None)` for none.
    pub(super) fn bloom_filter(
        &mut self,
        app: &Checked,
        workload: Option<&workload::Plan>,
    ) -> Option<Option<BloomPlan>> {
        let checked = app.at("bloom_filter");
        let Some(false_positives) = checked.get("false_positives") else {
            return Some(None);
        };
        let workload = workload?;
        if workload.trace.is_some() {
            let message = "`app.bloom_filter`: every row that a trace asks for is taken to exist, so there is nothing to filter";
            self.problem(
                checked.span,
                message,
                "remove it, or give `keys` in place of the `trace`",
            );
            return None;
        }
        let learns = LEARNS
            .iter()
            .find(|row| checked.at("learns").is(row.name))?;
        let rebuild = checked.at("rebuild");
        Some(Some(BloomPlan {
            false_positives: false_positives.base(),
            rebuild_ns: rebuild.amount().map(|_| rebuild.whole()),
            learns: learns.learns,
            lag_ns: checked.at("lag").whole(),
            keys: workload.existing_keys(),
        }))
    }

    pub(super) fn events(
        &mut self,
        root: &Checked,
        places: &fault::Places<'_>,
        workload: Option<&workload::Plan>,
    ) -> Option<Vec<fault::Event>> {
        let mut events = Vec::new();
        for checked in root.at("event").list() {
            let name = checked.at("action").text();
            let action = fault::ACTIONS
                .iter()
                .find(|action| action.row.name == name)?;
            let arguments = self.arguments("event", &action.row, checked);
            let built = arguments.map(|arguments| (action.row.build)(&arguments));
            let Some(built) = built.and_then(|built| self.sound("event", built, checked)) else {
                continue;
            };
            if let Some((message, help)) = workload.and_then(|it| built.misfit(it)) {
                self.problem(checked.span, format!("`{name}`: {message}"), help);
                continue;
            }
            let target = match checked.get("target") {
                None => Ok(fault::Target::World),
                Some(target) => fault::Target::find(target.text(), TARGETS, action.targets, places),
            };
            let from = match checked.get("from") {
                None => Ok(fault::Target::World),
                Some(from) => fault::Target::find(from.text(), ORIGINS, action.origins, places),
            };
            for (place, found) in [("target", &target), ("from", &from)] {
                if let Err(wrong) = found {
                    let message = format!("`{name}`: {}", wrong.message);
                    self.problem(checked.at(place).span, message, wrong.help.clone());
                }
            }
            if let (Ok(target), Ok(from)) = (target, from) {
                events.push(fault::Event {
                    at_ns: checked.at("at").whole(),
                    action: built,
                    target,
                    from: from.origin(),
                });
            }
        }
        Some(events)
    }
}
