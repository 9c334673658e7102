//! Checked regions: their shares, the links between them, and what has its home in one.

use super::Planner;
use crate::geography::{LinkPlan, Plan, RegionPlan};
use crate::scenario::shape::{Checked, did_you_mean};
use crate::scenario::unit::quoted;
use crate::units::RegionId;
use crate::workload;

/// Shares that are written with a few digits add up to 1 as nearly as this.
const SUM_TOLERANCE: f64 = 1e-3;

impl Planner<'_> {
    /// The regions of a scenario, each of which has instances and sessions.
    pub(super) fn geography(&mut self, root: &Checked, workload: Option<&workload::Plan>) -> Plan {
        let mut plan = Plan {
            regions: self.regions(root.at("region")),
            links: Vec::new(),
        };
        for link in root.at("link").list() {
            let link = self.link(&plan, link);
            plan.links.extend(link);
        }
        let sessions = workload.and_then(|it| it.sessions).map(|it| it.count);
        let instances = root.at("app").at("instances").whole_u32();
        for (many, what, help) in [
            (Some(instances), "app instances", "raise `app.instances`"),
            (sessions, "sessions", "raise the `count` of the sessions"),
        ] {
            let spread = many.map(|many| (many, plan.spread(many)));
            let empty = spread
                .iter()
                .flat_map(|(_, spread)| spread)
                .position(|it| it.is_empty());
            if let (Some(region), Some(many)) = (empty, many) {
                let message = format!(
                    "the region `{}` gets none of the {many} {what}",
                    plan.regions[region].name
                );
                let help = format!("{help}, or the `share` of the region");
                self.problem(root.at("region").list()[region].span, message, help);
            }
        }
        plan
    }

    fn regions(&mut self, checked: &Checked) -> Vec<RegionPlan> {
        let list = checked.list();
        for (index, region) in list.iter().enumerate() {
            let name = region.at("name");
            if list[..index].iter().any(|it| it.at("name").is(name.text())) {
                let message = format!("two regions are called `{}`", name.text());
                self.problem(name.span, message, "rename one of them");
            }
        }
        let written: Vec<Option<f64>> = list
            .iter()
            .map(|region| region.get("share").map(Checked::base))
            .collect();
        let sum: f64 = written.iter().flatten().sum();
        let unsaid = written.iter().filter(|share| share.is_none()).count();
        let left = 1.0 - sum;
        let is_whole = if unsaid == 0 {
            left.abs() < SUM_TOLERANCE
        } else {
            left > 0.0
        };
        if let (false, Some(first)) = (is_whole, list.first()) {
            let message = if unsaid == 0 {
                format!("the shares of the regions add up to {sum}, not to 1")
            } else {
                format!("the shares of the regions add up to {sum}: nothing is left for the others")
            };
            let span = first.get("share").map_or(first.span, |share| share.span);
            self.problem(span, message, "");
        }
        let share = |share: Option<f64>| share.unwrap_or(left / unsaid as f64);
        let plan = |(region, written): (&Checked, Option<f64>)| RegionPlan {
            name: region.at("name").text().into(),
            share: share(written),
        };
        list.iter().zip(written).map(plan).collect()
    }

    fn link(&mut self, regions: &Plan, checked: &Checked) -> Option<LinkPlan> {
        let between = checked.at("between");
        let mut ends = Vec::new();
        for end in between.list() {
            ends.push(self.region(regions, end)?);
        }
        let &[one, other] = ends.as_slice() else {
            return None;
        };
        if one == other {
            let message =
                "a link is between two regions; within one there is the `network` of what is asked";
            self.problem(between.span, message, "name two regions");
            return None;
        }
        if regions.link(one, other).is_some() {
            let [one, other] = [one, other].map(|it| &regions.regions[it.number()].name);
            let message = format!("two links are between `{one}` and `{other}`");
            self.problem(between.span, message, "remove one of them");
            return None;
        }
        let place = "link.round_trip";
        let round_trip = self.distribution(place, checked.at("round_trip"))?;
        Some(LinkPlan {
            between: [one, other],
            round_trip,
        })
    }

    /// The region that is named there.
    fn region(&mut self, regions: &Plan, named: &Checked) -> Option<RegionId> {
        let name = named.text();
        let found = regions.find(name);
        if found.is_none() {
            let names = || regions.regions.iter().map(|it| it.name.as_str());
            let message = format!("there is no region {}", quoted(name));
            let help = if regions.regions.is_empty() {
                format!("add `[[region]]` with `name = \"{name}\"`")
            } else {
                did_you_mean(name, names(), "regions")
            };
            self.problem(named.span, message, help);
        }
        found
    }

    /// Where something lives that names its region there; it must be known how far that is from all
    /// others.
    pub(super) fn home(&mut self, regions: &Plan, named: &Checked) -> Option<RegionId> {
        let home = self.region(regions, named)?;
        let mut others = regions.ids().filter(|other| *other != home);
        let unlinked = others.find(|other| regions.link(home, *other).is_none());
        if let Some(other) = unlinked {
            let [one, other] = [home, other].map(|it| &regions.regions[it.number()].name);
            let message = format!("nobody says how far `{other}` is from `{one}`");
            let help = format!(
                "add `[[link]]` with `between = [\"{one}\", \"{other}\"]` and `round_trip = \"80ms\"`"
            );
            self.problem(named.span, message, help);
            return None;
        }
        Some(home)
    }
}
