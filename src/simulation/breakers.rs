//! The states of circuit breakers, over the steps of the time series.

use super::Plan;
use crate::guard;
use crate::metrics::{GuardMeter, Meter, Series, Unit};
use crate::units::Nanoseconds;

/// The breakers in front of one place.
struct Place {
    /// The tier; `None` for the database.
    level: Option<usize>,
    name: String,
    area_ns: u128,
    /// For each step, the share of the breakers that was open.
    open: Vec<f64>,
}

/// The breakers of one run, if there are any.
pub(super) struct Breakers {
    places: Vec<Place>,
    instances: u32,
}

impl Breakers {
    pub(super) fn new(plan: &Plan) -> Self {
        let has_breaker = |guards: &[guard::Plan]| {
            let mut guards = guards.iter();
            guards.any(|guard| matches!(guard, guard::Plan::Breaker(_)))
        };
        let place = |level, name: &str| Place {
            level,
            name: format!("{name}.breaker.open_ratio"),
            area_ns: 0,
            open: Vec::new(),
        };
        let tiers = plan.tiers.iter().enumerate();
        let tiers = tiers.filter(|(_, layer)| has_breaker(&layer.tier.guards));
        let tiers = tiers.map(|(level, layer)| {
            let name = format!("tier.{}", layer.tier.name);
            place(Some(level), &name)
        });
        let database = has_breaker(&plan.database.guards).then(|| place(None, "database"));
        Self {
            places: tiers.chain(database).collect(),
            instances: plan.instances,
        }
    }

    /// A step of the time series is over that took so long.
    pub(super) fn end_step(&mut self, meter: &Meter, now_ns: Nanoseconds, elapsed_ns: Nanoseconds) {
        for place in &mut self.places {
            let guard: &GuardMeter = match place.level {
                Some(level) => &meter.tiers[level].guard,
                None => &meter.database.guard,
            };
            let area_ns = guard.open_breakers.area_ns(now_ns);
            // It starts anew when measuring does.
            let in_step = area_ns.checked_sub(place.area_ns).unwrap_or(area_ns);
            place.area_ns = area_ns;
            let whole = elapsed_ns as f64 * f64::from(self.instances);
            place.open.push(in_step as f64 / whole);
        }
    }

    pub(super) fn series(&mut self, step_s: f64) -> Vec<Series> {
        let places = self.places.drain(..);
        let series = places.map(|place| Series {
            name: place.name,
            unit: Unit::Ratio,
            step_s,
            values: place.open,
        });
        series.collect()
    }
}
