//! What would raise an alarm.

use super::Planner;
use crate::alert::{Rule, Signal};
use crate::metrics::AlertCondition;
use crate::pattern::LayerPlan;
use crate::scenario::expectation;
use crate::scenario::shape::Checked;
use crate::scenario::unit::{nearest, quoted};
use crate::units::SECOND_NS;

impl Planner<'_> {
    /// The rules, each under a name of its own.
    pub(super) fn alerts(&mut self, root: &Checked, tiers: &[LayerPlan]) -> Vec<Rule> {
        let tiers: Vec<&str> = tiers.iter().map(|layer| layer.tier.name.as_str()).collect();
        let mut rules: Vec<Rule> = Vec::new();
        for checked in root.at("alert").list() {
            let name = checked.at("name");
            if rules.iter().any(|rule| rule.name == name.text()) {
                let message = format!("two alerts are called {}", quoted(name.text()));
                self.problem(name.span, message, "rename one of them");
            }
            rules.extend(self.alert(checked, &tiers));
        }
        rules
    }

    fn alert(&mut self, checked: &Checked, tiers: &[&str]) -> Option<Rule> {
        let metric = checked.at("metric");
        let signal = self.signal(metric, tiers);
        let seconds = ["per", "for", "keep_firing_for"].map(|key| {
            let written = checked.at(key);
            let whole = written.whole();
            if !whole.is_multiple_of(SECOND_NS) {
                let message = format!(
                    "`alert.{key}` must be whole seconds, not {}",
                    written.amount()?
                );
                let help = "alerts are looked at once a second";
                self.problem(written.span, message, help);
                return None;
            }
            Some(whole / SECOND_NS)
        });
        let (side, limit) = match (checked.get("above"), checked.get("below")) {
            (Some(limit), None) => (AlertCondition::Above as fn(f64) -> _, limit),
            (None, Some(limit)) => (AlertCondition::Below as fn(f64) -> _, limit),
            (Some(_), Some(below)) => {
                let message = "an alert has one condition, not both `above` and `below`";
                self.problem(below.span, message, "write two [[alert]]");
                return None;
            }
            (None, None) => {
                let message = "the alert does not say when it is one";
                self.problem(checked.span, message, "add `above` or `below`");
                return None;
            }
        };
        let signal = signal?;
        let limit = match expectation::measured(limit, metric.text(), signal.unit()) {
            Ok(limit) => limit,
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        let [per_s, for_s, keep_firing_for_s] = seconds;
        Some(Rule {
            name: checked.at("name").text().into(),
            metric: metric.text().into(),
            signal,
            condition: side(limit),
            per_s: per_s?,
            for_s: for_s?,
            keep_firing_for_s: keep_firing_for_s?,
        })
    }

    fn signal(&mut self, metric: &Checked, tiers: &[&str]) -> Option<Signal> {
        let name = metric.text();
        match Signal::find(name, tiers) {
            Some(signal) if signal.needs_tiers() && tiers.is_empty() => {
                let message = format!("`{name}` is counted at tiers, and the scenario has none");
                self.problem(metric.span, message, "remove the alert, or add a [[tier]]");
                None
            }
            Some(signal) => Some(signal),
            None => {
                let message = format!("{} is nothing that an alert can watch", quoted(name));
                let known = Signal::names(tiers);
                let help = match nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`cachesim list alert-metrics` prints all that can be; for example `hit_ratio`, `database.qps`, `stampede.events`".into(),
                };
                self.problem(metric.span, message, help);
                None
            }
        }
    }
}
