//! What happens among the nodes of a tier, as far as it fits together.

use super::Planner;
use super::of_tier::setting_name;
use crate::defence;
use crate::fault;
use crate::pattern::{self, LayerPlan};
use crate::placement::Copies;
use crate::scenario::shape::{Checked, Sound};
use crate::tier::{self, Scope};
use crate::workload::parameters::Row;

impl Planner<'_> {
    /// What may change about the nodes of a tier, but for resizes: those are on the timeline.
    pub(super) fn membership(
        &mut self,
        name: &str,
        checked: &Checked,
    ) -> Option<tier::MembershipPlan> {
        let replication = self.unless_none(name, checked, &tier::REPLICATION)?;
        let reads = || {
            let reads = checked.at("replication").get("reads")?;
            tier::COPY_READS.iter().find(|row| reads.is(row.name))
        };
        Some(tier::MembershipPlan {
            sizes: Vec::new(),
            gutter: self.unless_none(name, checked, &tier::GUTTER)?,
            while_down: self.chosen(
                &format!("tier.{name}.while_down"),
                "kind",
                tier::WHILE_DOWN,
                checked.at("while_down"),
            )?,
            detection: self.unless_none(name, checked, &tier::DETECTION)?,
            replication: replication.map(|plan| tier::ReplicationPlan {
                reads: reads().map_or(tier::Reads::Primary, |row| row.reads),
                ..plan
            }),
        })
    }

    /// What is written under the name of a row, unless that is "none".
    fn unless_none<T>(
        &mut self,
        name: &str,
        checked: &Checked,
        row: &'static Row<T>,
    ) -> Option<Option<T>> {
        let written = checked.at(row.name);
        if matches!(written.value, Sound::Text(_)) {
            return Some(None);
        }
        let place = format!("tier.{name}.{}", row.name);
        let arguments = self.arguments(&place, row, written)?;
        self.sound(&place, (row.build)(&arguments), written)
            .map(Some)
    }

    /// Refuses what cannot work among the nodes of such a tier.
    pub(super) fn members_fit(&mut self, layer: &LayerPlan, checked: &Checked) -> Option<()> {
        let name = &layer.tier.name;
        let plan = &layer.tier.membership;
        let is_private = matches!(layer.tier.scope, Scope::Instance | Scope::Client);
        let of_many = [
            ("replication", plan.replication.is_some()),
            ("detection", plan.detection.is_some()),
            ("gutter", plan.gutter.is_some()),
        ];
        for (key, is_said) in of_many {
            if is_said && is_private {
                let message = format!(
                    "`tier.{name}.{key}`: nodes that are not shared have nobody to stand in for them"
                );
                let help = "use it in a tier with `scope = \"global\"`";
                self.problem(checked.at(key).span, message, help);
                return None;
            }
        }
        let scheme = layer.tier.placement.scheme;
        if layer.tier.placement.copies() != Copies::One
            && let Some((problem, help)) = without_a_node(layer, is_private)
        {
            let message = format!("`tier.{name}.placement`: with `{scheme}` {problem}");
            self.problem(checked.at("placement").span, message, help);
            return None;
        }
        if let Some(detection) = plan.detection {
            let factor = plan.replication.as_ref().map_or(1, |it| it.factor);
            let nodes = layer.tier.nodes * factor;
            let quorum = detection.quorum.unwrap_or(nodes / 2 + 1);
            if quorum >= nodes {
                let message = format!(
                    "`tier.{name}.detection`: of {nodes} nodes {} can suspect one of them, and the quorum is {quorum}",
                    nodes - 1
                );
                let help = if nodes > 1 {
                    "lower `quorum`, or add nodes"
                } else {
                    "a node alone is watched by nobody: add nodes or replicas"
                };
                self.problem(checked.at("detection").span, message, help);
                return None;
            }
        }
        Some(())
    }

    /// Tells the tiers which numbers of nodes the timeline brings. What is wrong with the events
    /// themselves is said where they are read.
    pub(super) fn announce_resizes(&mut self, root: &Checked, tiers: &mut [LayerPlan]) {
        for checked in root.at("event").list() {
            if !checked.at("action").is(fault::RESIZE) {
                continue;
            }
            let (target, nodes) = (checked.at("target"), checked.at("nodes"));
            let name = target.text().strip_prefix("tier.");
            let layer = tiers
                .iter_mut()
                .find(|layer| Some(&*layer.tier.name) == name);
            let Some(layer) = layer.filter(|_| (1..=fault::NODES_MAX).contains(&nodes.whole()))
            else {
                continue;
            };
            let tier = &mut layer.tier;
            if let Err((setting, problem)) = tier.placement.check(nodes.whole_u32()) {
                let setting = setting_name(setting);
                let message = format!(
                    "the tier `{}` cannot have so many nodes: `placement.{setting}` {problem}",
                    tier.name
                );
                self.problem(nodes.span, message, "");
                continue;
            }
            tier.membership.sizes.push(nodes.whole_u32());
        }
    }
}

/// Why a tier cannot do without a node of its own for each key, and what helps.
fn without_a_node(layer: &LayerPlan, is_private: bool) -> Option<(&'static str, &'static str)> {
    let needs = "use `ring` or another scheme that gives each key a node";
    if is_private {
        return Some((
            "several nodes hold a key, which is of no use where nodes are not shared",
            needs,
        ));
    }
    if layer.pattern.read == pattern::Read::Through || layer.pattern.write.goes_through() {
        return Some((
            "a key has no node of its own that could load and write it",
            "use `pattern = \"aside\"`, or a scheme that gives each key a node",
        ));
    }
    let has_buddy = |it: &defence::Plan| matches!(it, defence::Plan::Buddy(_));
    if layer.pattern.refresh.is_some() || layer.defences.iter().any(has_buddy) {
        return Some(("a key has no node of its own that could refresh it", needs));
    }
    if layer.tier.leases.is_some() {
        return Some((
            "a key has no node of its own that could give its token",
            "use `defence = \"single-flight\"`, or a scheme that gives each key a node",
        ));
    }
    if layer.tier.mutexes.is_some() {
        return Some((
            "a key has no node of its own that could keep its lock",
            "use `defence = \"single-flight\"`, or a scheme that gives each key a node",
        ));
    }
    if layer.tier.has_versioned_keys {
        return Some(("a key has no node of its own that knows its version", needs));
    }
    if layer.tier.membership.replication.is_some() {
        return Some(("a key has no primary that replicas could follow", needs));
    }
    None
}
