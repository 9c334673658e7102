//! Adaptive limit of calls under way, by the gradient of latency: while calls take about as long as
//! they did in the long run, an instance's limit grows by a small queue; when they take longer, it
//! shrinks by that much. No number has to be known beforehand.
//!
//! With each answer: gradient = clamp(`tolerance` x long-run latency / latency, 0.5, 1); the limit moves
//! a fifth of the way to limit x gradient + `queue`. The long-run latency is an exponential average over
//! about 600 answers; when it is twice the present one, it is pulled down. A failure counts as a gradient
//! of 0.5. Known weakness: what is slow for long becomes the long run.

use std::cell::RefCell;

use super::{Call, Ended, Guard, GuardRow, Plan};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: GuardRow = GuardRow {
    name: "gradient-limit",
    parameters: &[
        Parameter::optional(
            "tolerance",
            Kind::Number,
            "calls may take so many times as long as in the long run before the limit shrinks; 1.5 if nothing is said",
        ),
        Parameter::optional(
            "queue",
            Kind::Count,
            "calls that may wait behind the guard when all is well; 4 if nothing is said",
        ),
        Parameter::optional(
            "initial",
            Kind::Count,
            "the limit at first; 20 if nothing is said",
        ),
        Parameter::optional(
            "most",
            Kind::Count,
            "the limit never rises above; 1000 if nothing is said",
        ),
    ],
    meaning: "per app instance: a limit of calls under way that follows how their latency changes",
    source: "Gradient2Limit of Netflix concurrency-limits; after Brakmo and Peterson, TCP Vegas, IEEE JSAC 13(8), 1995",
    build: |arguments| {
        let tolerance = arguments.optional("tolerance")?.unwrap_or(1.5);
        if !(1.0..=1000.0).contains(&tolerance) {
            let problem = format!("must be between 1 and 1000, not {tolerance}");
            return Err(ParameterError::new("tolerance", problem));
        }
        let most = arguments.count_or("most", 1000)?;
        if most == 0 {
            return Err(ParameterError::new("most", "must be at least 1, not 0"));
        }
        let initial = arguments.count_or("initial", 20)?;
        Ok(Plan::GradientLimit(Settings {
            tolerance,
            queue: arguments.count_or("queue", 4)? as f64,
            initial: initial.clamp(1, most) as f64,
            most: most as f64,
        }))
    },
};

/// What was said of a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    tolerance: f64,
    queue: f64,
    initial: f64,
    most: f64,
}

/// Answers in the long-run average.
const LONG_RUN: f64 = 600.0;
/// How far the limit moves with each answer.
const SMOOTHING: f64 = 0.2;
/// The limit shrinks by no more than this at once.
const STEEPEST: f64 = 0.5;

/// The limit of one instance, and its calls under way.
#[derive(Clone, Copy, Debug)]
struct Limit {
    limit: f64,
    calls: u64,
    /// The long-run latency and the number of answers in it, up to [`LONG_RUN`].
    long_ns: f64,
    answers: f64,
}

impl Limit {
    fn gradient(&mut self, settings: &Settings, latency_ns: f64) -> f64 {
        self.answers = (self.answers + 1.0).min(LONG_RUN);
        self.long_ns += (latency_ns - self.long_ns) / self.answers;
        if self.long_ns > 2.0 * latency_ns {
            self.long_ns *= 0.95;
        }
        let latency_ns = latency_ns.max(1.0);
        (settings.tolerance * self.long_ns / latency_ns).clamp(STEEPEST, 1.0)
    }
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
            long_ns: 0.0,
            answers: 0.0,
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
        let gradient = match ended {
            Ended::NotMade => return,
            Ended::Failed => STEEPEST,
            Ended::Answered(latency_ns) => limit.gradient(settings, latency_ns as f64),
        };
        // Who does not use the limit learns nothing about it.
        if 2.0 * in_use < limit.limit && gradient == 1.0 {
            return;
        }
        let goal = limit.limit * gradient + settings.queue;
        let moved = limit.limit + SMOOTHING * (goal - limit.limit);
        limit.limit = moved.clamp(1.0, settings.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::GuardMeter;

    #[test]
    fn the_limit_grows_while_latency_is_steady_and_shrinks_when_it_rises() {
        let settings = Settings {
            tolerance: 1.5,
            queue: 4.0,
            initial: 20.0,
            most: 100.0,
        };
        let limits = Limits::new(settings, 1);
        let meter = GuardMeter::default();
        let call = Call {
            instance: 0,
            now_ns: 0,
            meter: &meter,
        };
        let round = |latency_ns| {
            let calls = (0..1000).filter(|_| limits.enter(call).is_some()).count();
            (0..calls).for_each(|_| limits.leave(call, 0, Ended::Answered(latency_ns)));
            calls
        };
        assert_eq!(round(1000), 20);
        let rounds: Vec<usize> = (0..20).map(|_| round(1000)).collect();
        assert!(rounds.is_sorted());
        assert_eq!(round(1000), 100);
        // Ten times as slow: down to where half of the limit and the queue of 4 meet.
        let rounds: Vec<usize> = (0..4).map(|_| round(10_000)).collect();
        assert!(rounds[3] < 20, "{rounds:?}");
    }
}
