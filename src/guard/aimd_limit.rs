//! Adaptive limit of calls under way, by additive increase and multiplicative decrease, as TCP finds
//! its window: a call that is answered within `latency` raises an instance's limit by 1 / limit, one
//! that is late or fails multiplies it by `decrease`.
//!
//! The limit only grows while at least half of it is in use. Known weakness: `latency` is a number that
//! somebody has to know; and instances that came late take long to get their share.

use super::limit::Rule;
use super::{Ended, GuardRow, Plan};
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

impl Rule for Settings {
    type Memory = ();

    fn initial(&self) -> f64 {
        self.initial
    }

    fn moved(&self, (): &mut (), limit: f64, in_use: f64, ended: Ended) -> Option<f64> {
        let moved = match ended {
            Ended::Answered(latency_ns) if latency_ns <= self.latency_ns => {
                if 2.0 * in_use < limit {
                    return None;
                }
                limit + 1.0 / limit
            }
            _ => limit * self.decrease,
        };
        Some(moved.clamp(self.least, self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::super::limit::{Limits, tests::round};
    use super::*;

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
        let round = |ended| round(&limits, 100, ended);
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
