//! Open loops: a process by which requests arrive, a curve and surges that its rate is multiplied by.
//!
//! Not here: the instants themselves (see `rescaling`).

use super::curve::Curve;
use super::{any_rate, some_rate};
use crate::units::Nanoseconds;
use crate::workload::distribution::Distribution;
use crate::workload::parameters::{LARGEST, ParameterError, turn_ns};

/// An open loop: a process, a curve and surges.
#[derive(Clone, Debug)]
pub struct Open {
    pub(super) process: Process,
    /// Whether points are a constant distance apart; else it is exponential.
    pub(super) even: bool,
    pub(super) curve: Curve,
    /// Instants from which a factor holds, rising, the first at 0.
    pub(super) surges: Vec<(f64, f64)>,
}

#[derive(Clone, Debug)]
pub(super) enum Process {
    Steady {
        rate: f64,
    },
    OnOff {
        on_rate: f64,
        off_rate: f64,
        on: Distribution,
        off: Distribution,
    },
    Modulated {
        /// Pairs of a rate per second and a mean duration in nanoseconds.
        states: Vec<(f64, f64)>,
    },
}

impl Open {
    fn new(process: Process, even: bool) -> Self {
        Self {
            process,
            even,
            curve: Curve::constant(),
            surges: vec![(0.0, 1.0)],
        }
    }

    /// A Poisson process: very many users who know nothing of each other.
    ///
    /// # Errors
    /// When the rate is not above 0 and at most 1e12 per second.
    pub fn poisson(rate_per_s: f64) -> Result<Self, ParameterError> {
        Ok(Self::new(
            Process::Steady {
                rate: some_rate("rate", rate_per_s)?,
            },
            false,
        ))
    }

    /// Requests a constant time apart, the first at instant 0: a load generator.
    ///
    /// # Errors
    /// When the rate is not above 0 and at most 1e12 per second.
    pub fn constant(rate_per_s: f64) -> Result<Self, ParameterError> {
        Ok(Self::new(
            Process::Steady {
                rate: some_rate("rate", rate_per_s)?,
            },
            true,
        ))
    }

    /// Bursts: `rate_per_s` while on, `off_rate_per_s` while off, durations in nanoseconds. Begins
    /// with an on-time. Poisson within both, unless made [`Open::even`].
    ///
    /// # Errors
    /// When the rate while on is not above 0, or the mean of a duration is below a microsecond.
    pub fn on_off(
        rate_per_s: f64,
        off_rate_per_s: f64,
        on: Distribution,
        off: Distribution,
    ) -> Result<Self, ParameterError> {
        let on_rate = some_rate("rate", rate_per_s)?;
        let off_rate = any_rate("off_rate", off_rate_per_s)?;
        // A Pareto time without a mean is welcome: such bursts are self-similar.
        turn_ns("on", on.mean().min(LARGEST))?;
        turn_ns("off", off.mean().min(LARGEST))?;
        Ok(Self::new(
            Process::OnOff {
                on_rate,
                off_rate,
                on,
                off,
            },
            false,
        ))
    }

    /// A Markov-modulated Poisson process: in each state, Poisson with a rate of its own for an
    /// exponential time; then one of the other states, all equally likely. `states` are pairs of a
    /// rate per second and a mean duration in nanoseconds. The first state is drawn as if the
    /// process had been running for ever, so the mean rate holds from the start.
    ///
    /// # Errors
    /// When there is no state, no rate is above 0, or a mean duration is below a microsecond.
    pub fn mmpp(states: &[(f64, f64)]) -> Result<Self, ParameterError> {
        let name = "states";
        for &(rate, duration_ns) in states {
            let rate = any_rate("rate", rate).and(turn_ns("duration", duration_ns));
            rate.map_err(|error| ParameterError::new(name, format!("has one whose {error}")))?;
        }
        if !states.iter().any(|&(rate, _)| rate > 0.0) {
            return Err(ParameterError::new(
                name,
                "must have one with a rate above 0",
            ));
        }
        let states = states.to_vec();
        Ok(Self::new(Process::Modulated { states }, false))
    }

    /// The same, with requests evenly spaced instead of Poisson: within a burst they are a constant
    /// time apart, and on a ramp that time shrinks smoothly.
    #[must_use]
    pub fn even(mut self, even: bool) -> Self {
        self.even = even;
        self
    }

    /// The same, with the rate multiplied by `curve`. (To give rates over time outright, let the
    /// process have rate 1.)
    #[must_use]
    pub fn with_curve(mut self, curve: Curve) -> Self {
        self.curve = curve;
        self
    }

    /// The same, with the rate multiplied by `factor` from one instant up to another, both in
    /// nanoseconds. Surges that overlap multiply.
    ///
    /// # Errors
    /// When the surge does not end after it begins, or the factor is negative.
    pub fn with_surge(
        mut self,
        from_ns: Nanoseconds,
        to_ns: Nanoseconds,
        factor: f64,
    ) -> Result<Self, ParameterError> {
        if from_ns >= to_ns {
            return Err(ParameterError::new(
                "to",
                "must be later than the beginning",
            ));
        }
        if !(0.0..=1e9).contains(&factor) {
            return Err(ParameterError::new(
                "factor",
                format!("must be between 0 and 1e9, not {factor}"),
            ));
        }
        let (from, to) = (from_ns as f64, to_ns as f64);
        for edge in [from, to] {
            let after = self.surges.partition_point(|&(begins, _)| begins <= edge);
            let (begins, before) = self.surges[after - 1];
            if begins < edge {
                self.surges.insert(after, (edge, before));
            }
        }
        for (begins, product) in &mut self.surges {
            if (from..to).contains(begins) {
                *product *= factor;
            }
        }
        Ok(self)
    }

    /// The same, with the rate multiplied by `factor` from one instant to another, both in
    /// nanoseconds, and no requests before and after.
    #[must_use]
    pub fn only_within(mut self, from_ns: Nanoseconds, to_ns: Nanoseconds, factor: f64) -> Self {
        let (from, to) = (from_ns as f64, to_ns as f64);
        self.surges = [(0.0, 0.0), (from, factor), (to, 0.0)]
            .into_iter()
            // At 0 nothing comes before.
            .filter(|&(begins, of)| begins > 0.0 || of > 0.0 || from > 0.0)
            .collect();
        self
    }

    /// The rate of the process in the long run, per second, before curve and surges; NaN where a
    /// duration has no mean.
    #[must_use]
    pub fn mean_rate_per_s(&self) -> f64 {
        match &self.process {
            Process::Steady { rate } => *rate,
            Process::OnOff {
                on_rate,
                off_rate,
                on,
                off,
            } => {
                let (on, off) = (on.mean(), off.mean());
                (on_rate * on + off_rate * off) / (on + off)
            }
            Process::Modulated { states } => {
                let total: f64 = states.iter().map(|&(_, duration)| duration).sum();
                states
                    .iter()
                    .map(|&(rate, duration)| rate * duration / total)
                    .sum()
            }
        }
    }
}
