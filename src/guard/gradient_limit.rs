//! Adaptive limit of calls under way, by the gradient of latency: while calls take about as long as
//! they did in the long run, an instance's limit grows by a small queue; when they take longer, it
//! shrinks by that much. No number has to be known beforehand.
//!
//! With each answer: gradient = clamp(`tolerance` x long-run latency / latency, 0.5, 1); the limit moves
//! a fifth of the way to limit x gradient + `queue`. The long-run latency is an exponential average over
//! about 600 answers; when it is twice the present one, it is pulled down. A failure counts as a gradient
//! of 0.5. Known weakness: what is slow for long becomes the long run.

use super::limit::Rule;
use super::{Ended, GuardRow, Plan};
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

/// How long calls take in the long run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LongRun {
    latency_ns: f64,
    /// The number of answers in it, up to [`LONG_RUN`].
    answers: f64,
}

impl LongRun {
    fn gradient(&mut self, settings: &Settings, latency_ns: f64) -> f64 {
        self.answers = (self.answers + 1.0).min(LONG_RUN);
        self.latency_ns += (latency_ns - self.latency_ns) / self.answers;
        if self.latency_ns > 2.0 * latency_ns {
            self.latency_ns *= 0.95;
        }
        let latency_ns = latency_ns.max(1.0);
        (settings.tolerance * self.latency_ns / latency_ns).clamp(STEEPEST, 1.0)
    }
}

impl Rule for Settings {
    type Memory = LongRun;

    fn initial(&self) -> f64 {
        self.initial
    }

    fn moved(&self, long_run: &mut LongRun, limit: f64, in_use: f64, ended: Ended) -> Option<f64> {
        let gradient = match ended {
            Ended::Answered(latency_ns) => long_run.gradient(self, latency_ns as f64),
            _ => STEEPEST,
        };
        // Who does not use the limit learns nothing about it.
        if 2.0 * in_use < limit && gradient == 1.0 {
            return None;
        }
        let goal = limit * gradient + self.queue;
        let moved = limit + SMOOTHING * (goal - limit);
        Some(moved.clamp(1.0, self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::super::limit::{Limits, tests::round};
    use super::*;

    #[test]
    fn the_limit_grows_while_latency_is_steady_and_shrinks_when_it_rises() {
        let settings = Settings {
            tolerance: 1.5,
            queue: 4.0,
            initial: 20.0,
            most: 100.0,
        };
        let limits = Limits::new(settings, 1);
        let round = |latency_ns| round(&limits, 1000, Ended::Answered(latency_ns));
        assert_eq!(round(1000), 20);
        let rounds: Vec<usize> = (0..20).map(|_| round(1000)).collect();
        assert!(rounds.is_sorted());
        assert_eq!(round(1000), 100);
        // Ten times as slow: down to where half of the limit and the queue of 4 meet.
        let rounds: Vec<usize> = (0..4).map(|_| round(10_000)).collect();
        assert!(rounds[3] < 20, "{rounds:?}");
    }
}
