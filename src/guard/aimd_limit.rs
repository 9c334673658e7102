//! Adaptive limit of calls under way, by additive increase and multiplicative decrease, as TCP finds
//! its window: a call that is answered within `latency` raises an instance's limit by 1 / limit, one
//! that is late or fails multiplies it by `decrease`.
//!
//! The limit only grows while at least half of it is in use. Known weakness: `latency` is a number that
//! somebody has to know; and instances that came late take long to get their share.

use std::cell::RefCell;

use super::{Call, Ended, Guard, GuardRow, Plan};
use crate::units::Nanoseconds;
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: GuardRow = GuardRow {
    name: "aimd-limit",
    parameters: &[
        Parameter::required(
            "latency",
            Kind::Duration,
            "a call that takes longer is a sign of overload",
        ),
        Parameter::optional(
            "decrease",
            Kind::Share,
            "what the limit is multiplied by on such a sign; 0.9 if nothing is said",
        ),
        Parameter::optional(
            "initial",
            Kind::Count,
            "the limit at first; 20 if nothing is said",
        ),
        Parameter::optional(
            "least",
            Kind::Count,
            "the limit never falls below; 1 if nothing is said",
        ),
        Parameter::optional(
            "most",
            Kind::Count,
            "the limit never rises above; 1000 if nothing is said",
        ),
    ],
    meaning: "per app instance: a limit of calls under way that grows while they are fast and shrinks when one is late or fails",
    source: "Chiu and Jain, Computer Networks 17, 1989; AIMDLimit of Netflix concurrency-limits",
    build: |arguments| {
        let least = arguments.count_or("least", 1)?;
        let most = arguments.count_or("most", 1000)?;
        if least == 0 || most < least {
            let problem =
                format!("must be at least `least`, which must be at least 1: {least} and {most}");
            return Err(ParameterError::new("most", problem));
        }
        let decrease = arguments.optional("decrease")?.unwrap_or(0.9);
        if decrease == 0.0 || decrease == 1.0 {
            return Err(ParameterError::new("decrease", "must be between 0 and 1"));
        }
        let initial = arguments.count_or("initial", 20)?;
        Ok(Plan::AimdLimit(Settings {
            latency_ns: arguments.number("latency")?.round() as Nanoseconds,
            decrease,
            initial: initial.clamp(least, most) as f64,
            least: least as f64,
            most: most as f64,
        }))
    },
};

/// What was said of a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    latency_ns: Nanoseconds,
    decrease: f64,
    initial: f64,
    least: f64,
    most: f64,
}

/// The limit of one instance, and its calls under way.
#[derive(Clone, Copy, Debug)]
struct Limit {
    limit: f64,
    calls: u64,
}

/// The limits of all instances.
#[derive(Debug)]
pub(super) struct Limits {
    settings: Settings,
    limits: RefCell<Vec<Limit>>,
}

impl Limits {
    pub(super) fn new(settings: Settings, instances: u32) -> Self {
        let limit = Limit {
            limit: settings.initial,
            calls: 0,
        };
        Self {
            settings,
            limits: RefCell::new(vec![limit; instances as usize]),
        }
    }
}

impl Guard for Limits {
    fn enter(&self, call: Call<'_>) -> Option<u64> {
        let limit = &mut self.limits.borrow_mut()[call.instance];
        let has_room = (limit.calls + 1) as f64 <= limit.limit;
        limit.calls += u64::from(has_room);
        has_room.then_some(0)
    }

    fn leave(&self, call: Call<'_>, _: u64, ended: Ended) {
        let settings = &self.settings;
        let limit = &mut self.limits.borrow_mut()[call.instance];
        let in_use = limit.calls as f64;
        limit.calls -= 1;
        let moved = match ended {
            Ended::NotMade => return,
            Ended::Answered(latency_ns) if latency_ns <= settings.latency_ns => {
                if 2.0 * in_use < limit.limit {
                    return;
                }
                limit.limit + 1.0 / limit.limit
            }
            Ended::Answered(_) | Ended::Failed => limit.limit * settings.decrease,
        };
        limit.limit = moved.clamp(settings.least, settings.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::GuardMeter;

    #[test]
    fn the_limit_grows_by_about_one_a_round_and_shrinks_by_a_tenth() {
        let settings = Settings {
            latency_ns: 100,
            decrease: 0.9,
            initial: 10.0,
            least: 2.0,
            most: 12.0,
        };
        let limits = Limits::new(settings, 1);
        let meter = GuardMeter::default();
        let call = Call {
            instance: 0,
            now_ns: 0,
            meter: &meter,
        };
        // As many calls as there may be; all of them end alike.
        let round = |ended| {
            let calls = (0..100).filter(|_| limits.enter(call).is_some()).count();
            (0..calls).for_each(|_| limits.leave(call, 0, ended));
            calls
        };
        // The last few of a round find less than half of the limit in use and do not raise it.
        let rounds: Vec<usize> = (0..12).map(|_| round(Ended::Answered(100))).collect();
        assert_eq!((rounds[0], rounds[11]), (10, 12), "{rounds:?}");
        assert!(rounds.is_sorted());
        assert_eq!(round(Ended::Answered(101)), 12);
        assert_eq!(round(Ended::Failed), 3, "twelve times a tenth less");
        assert_eq!(round(Ended::Failed), 2);
        assert_eq!(round(Ended::NotMade), 2);
    }
}
