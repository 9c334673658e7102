//! Whether layers go together: with the workload, and each with the one above it.

use super::Planner;
use crate::invalidation;
use crate::pattern::LayerPlan;
use crate::scenario::shape::Checked;
use crate::tier::Scope;
use crate::workload;

impl Planner<'_> {
    pub(super) fn layers_fit(
        &mut self,
        root: &Checked,
        workload: &workload::Plan,
        tiers: &[LayerPlan],
    ) {
        for (level, checked) in root.at("tier").list().iter().enumerate() {
            let layer = &tiers[level];
            let has_sessions = workload.sessions.is_some();
            if let Some((message, help)) = why_not_personalised(layer, has_sessions) {
                let message = format!("`tier.{}.personalised`: {message}", layer.tier.name);
                self.problem(checked.at("personalised").span, message, help);
            }
            let above = level.checked_sub(1).map(|above| &tiers[above]);
            if let Some((message, help)) = why_not_exclusive(layer, above) {
                let message = format!("`tier.{}.fill`: {message}", layer.tier.name);
                self.problem(checked.at("fill").span, message, help);
            }
        }
    }
}

fn why_not_personalised(
    layer: &LayerPlan,
    has_sessions: bool,
) -> Option<(&'static str, &'static str)> {
    use invalidation::Plan as Mechanism;
    if layer.tier.personalised == 0.0 {
        return None;
    }
    let names_rows = |it: &Mechanism| {
        matches!(
            it,
            Mechanism::ChangeCapture { .. } | Mechanism::Tags | Mechanism::VersionedKeys
        )
    };
    if !has_sessions {
        Some((
            "entries are kept for each session, and there are none",
            "add `sessions = { count = \"10k\" }` to `[workload]`",
        ))
    } else if layer.pattern.write.is_behind() {
        Some((
            "a write is acknowledged for its session alone, and others would never see it",
            "give the tier another `write`",
        ))
    } else if layer.invalidations.iter().any(names_rows) {
        Some((
            "this mechanism names rows, and cannot find the entries that each session has of them",
            "use a short `ttl`, or \"etag\"",
        ))
    } else {
        None
    }
}

fn why_not_exclusive(
    layer: &LayerPlan,
    above: Option<&LayerPlan>,
) -> Option<(&'static str, &'static str)> {
    if !layer.tier.is_exclusive {
        return None;
    }
    let Some(above) = above else {
        return Some((
            "an exclusive tier takes what the one above evicts, and there is none above",
            "use `fill = \"inclusive\"`, or put the tier below another",
        ));
    };
    let (scope, scope_above) = (layer.tier.scope, above.tier.scope);
    let keys_differ = |layer: &LayerPlan| {
        layer.tier.personalised > 0.0
            || layer.tier.has_versioned_keys
            || layer.tier.leases.is_some()
    };
    if scope != Scope::Global && scope != scope_above {
        Some((
            "what the tier above evicts belongs to others than those who share a node here",
            "give both tiers one `scope`, or this one `scope = \"global\"`",
        ))
    } else if keys_differ(layer) || keys_differ(above) {
        Some((
            "entries cannot move between tiers of which one has leases, versioned or personalised keys",
            "use `fill = \"inclusive\"`",
        ))
    } else if !layer.pattern.write.deletes() {
        Some((
            "what is written would be kept here as well, and an exclusive tier keeps what was evicted above",
            "use `write = \"invalidate\"`",
        ))
    } else {
        None
    }
}
