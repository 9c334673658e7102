//! Rate limit: a token bucket in front of what is guarded, shared by all app instances, as a proxy in
//! front of a database has it. Tokens come at `rate`, at most `burst` are kept, a call takes one and is
//! refused if there is none.
//!
//! Known weakness: the right rate is a number that somebody has to know, and that changes with the
//! database.

use std::cell::Cell;

use super::{Call, Ended, Guard, GuardRow, Plan};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: GuardRow = GuardRow {
    name: "rate-limit",
    parameters: &[
        Parameter::required("rate", Kind::Rate, "calls that may be made in the long run"),
        Parameter::optional(
            "burst",
            Kind::Count,
            "calls that may be made at once after a quiet while; those of 100 ms if nothing is said",
        ),
    ],
    meaning: "for all app instances together: a token bucket",
    source: "Turner, IEEE Communications Magazine 24(10), 1986 (the leaky bucket as a meter)",
    build: |arguments| {
        let rate_per_s = arguments.number("rate")?;
        if rate_per_s <= 0.0 {
            return Err(ParameterError::new("rate", "must be above 0"));
        }
        let burst = match arguments.optional("burst")? {
            Some(_) => arguments.count("burst")? as f64,
            None => rate_per_s / 10.0,
        };
        Ok(Plan::RateLimit(Settings {
            rate_per_s,
            burst: burst.max(1.0),
        }))
    },
};

/// What was said of a rate limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    rate_per_s: f64,
    burst: f64,
}

/// The bucket.
#[derive(Debug)]
pub(super) struct RateLimit {
    settings: Settings,
    /// Tokens, and when they were counted.
    tokens: Cell<(f64, Nanoseconds)>,
}

impl RateLimit {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            tokens: Cell::new((settings.burst, 0)),
        }
    }
}

impl Guard for RateLimit {
    fn enter(&self, call: Call<'_>) -> Option<u64> {
        let (tokens, counted_ns) = self.tokens.get();
        let elapsed_s = (call.now_ns - counted_ns) as f64 / SECOND_NS as f64;
        let tokens = (tokens + elapsed_s * self.settings.rate_per_s).min(self.settings.burst);
        // Sums of small parts are not exact.
        let enough = tokens >= 1.0 - 1e-9;
        let left = if enough {
            (tokens - 1.0).max(0.0)
        } else {
            tokens
        };
        self.tokens.set((left, call.now_ns));
        enough.then_some(0)
    }

    fn leave(&self, _: Call<'_>, _: u64, _: Ended) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::GuardMeter;

    #[test]
    fn after_a_burst_calls_pass_at_the_rate() {
        let settings = Settings {
            rate_per_s: 10.0,
            burst: 5.0,
        };
        let limit = RateLimit::new(settings);
        let meter = GuardMeter::default();
        let passes = |at_ms: u64| {
            let call = Call {
                instance: 0,
                now_ns: at_ms * 1_000_000,
                meter: &meter,
            };
            limit.enter(call).is_some()
        };
        assert_eq!((0..20).filter(|_| passes(0)).count(), 5);
        // A call each millisecond for two seconds.
        assert_eq!((1..=2000).filter(|at_ms| passes(*at_ms)).count(), 20);
        // A long rest fills the bucket and no more.
        assert_eq!((0..20).filter(|_| passes(100_000)).count(), 5);
    }
}
