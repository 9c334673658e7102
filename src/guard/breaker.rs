//! Circuit breaker: when too many of an instance's calls fail, it makes none for a while, then tries a
//! few, and goes on if those are answered.
//!
//! Closed, it counts the calls that ended within the last `window`: with `calls_min` of them or more,
//! `failures` of which failed or were `slow`, it opens. Open, it refuses everything for `open_for`.
//! Half-open, it lets `probes` calls through: the first that fails opens it again, and when all were
//! answered it closes. Calls that began in an earlier state do not count.
//!
//! Known weakness: it turns some failures into all failures. A dependency of which a tenth is broken
//! opens the breaker for the other nine; and all instances open, and probe, at about the same time.

use std::cell::RefCell;

use super::{Call, Ended, Guard, GuardRow, Plan};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: GuardRow = GuardRow {
    name: "breaker",
    parameters: &[
        Parameter::optional(
            "failures",
            Kind::Share,
            "the share of failed calls that opens it; 0.5 if nothing is said",
        ),
        Parameter::optional(
            "slow",
            Kind::Duration,
            "a call that takes longer counts as failed; none if nothing is said",
        ),
        Parameter::optional(
            "window",
            Kind::Duration,
            "the calls of so long are looked at; 10s if nothing is said",
        ),
        Parameter::optional(
            "calls_min",
            Kind::Count,
            "with fewer calls than this in the window it stays closed; 20 if nothing is said",
        ),
        Parameter::optional(
            "open_for",
            Kind::Duration,
            "so long it refuses everything; 5s if nothing is said",
        ),
        Parameter::optional(
            "probes",
            Kind::Count,
            "so many calls it lets through then, to see; 5 if nothing is said",
        ),
    ],
    meaning: "per app instance: when too many calls fail, none is made for a while, then a few to see whether they are answered",
    source: "Nygard, \"Release It!\", 2007; the states of resilience4j",
    build: |arguments| {
        let duration = |name, default_ns: Nanoseconds, least_ns: Nanoseconds| {
            let written = arguments.optional(name)?;
            let duration_ns = written.map_or(default_ns, |it| it.round() as u64);
            if duration_ns < least_ns {
                return Err(ParameterError::new(name, "must be at least 1us"));
            }
            Ok(duration_ns)
        };
        let count = |name, default| {
            let count = arguments.count_or(name, default)?;
            if count == 0 {
                return Err(ParameterError::new(name, "must be at least 1, not 0"));
            }
            Ok(count)
        };
        let failures = arguments.optional("failures")?.unwrap_or(0.5);
        if failures == 0.0 {
            let problem = "must be above 0: without a failure there is nothing to open for";
            return Err(ParameterError::new("failures", problem));
        }
        Ok(Plan::Breaker(Settings {
            failures,
            slow_ns: duration("slow", Nanoseconds::MAX, 1000)?,
            window_ns: duration("window", 10 * SECOND_NS, 1000)?,
            calls_min: count("calls_min", 20)?,
            open_for_ns: duration("open_for", 5 * SECOND_NS, 1000)?,
            probes: count("probes", 5)?,
        }))
    },
};

/// What was said of a breaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    failures: f64,
    slow_ns: Nanoseconds,
    window_ns: Nanoseconds,
    calls_min: u64,
    open_for_ns: Nanoseconds,
    probes: u64,
}

/// The window moves by tenths of itself.
const SLICES: usize = 10;

/// The calls of the last window.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    /// Calls, and failed calls, of each slice.
    slices: [(u64, u64); SLICES],
    /// The number of the newest slice since the start of the run.
    newest: u64,
}

impl Window {
    fn record(&mut self, settings: &Settings, now_ns: Nanoseconds, failed: bool) -> (u64, u64) {
        let slice = now_ns / (settings.window_ns / SLICES as u64);
        let forget = (slice - self.newest).min(SLICES as u64);
        for gone in 0..forget {
            self.slices[((slice - gone) % SLICES as u64) as usize] = (0, 0);
        }
        self.newest = slice;
        let newest = &mut self.slices[(slice % SLICES as u64) as usize];
        newest.0 += 1;
        newest.1 += u64::from(failed);
        let sum = |sum: (u64, u64), slice: &(u64, u64)| (sum.0 + slice.0, sum.1 + slice.1);
        self.slices.iter().fold((0, 0), sum)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until_ns: Nanoseconds },
    HalfOpen { sent: u64, answered: u64 },
}

/// The breaker of one instance.
#[derive(Clone, Debug)]
struct Breaker {
    state: State,
    /// Changes with the state: what began under another number does not count.
    number: u64,
    window: Window,
}

impl Breaker {
    fn turn(&mut self, state: State) {
        self.state = state;
        self.number += 1;
    }
}

/// The breakers of all instances.
#[derive(Debug)]
pub(super) struct Breakers {
    settings: Settings,
    breakers: RefCell<Vec<Breaker>>,
}

impl Breakers {
    pub(super) fn new(settings: Settings, instances: u32) -> Self {
        let closed = Breaker {
            state: State::Closed,
            number: 0,
            window: Window::default(),
        };
        Self {
            settings,
            breakers: RefCell::new(vec![closed; instances as usize]),
        }
    }

    fn open(&self, breaker: &mut Breaker, call: Call<'_>) {
        let until_ns = call.now_ns.saturating_add(self.settings.open_for_ns);
        breaker.turn(State::Open { until_ns });
        let open = &call.meter.open_breakers;
        open.set(call.now_ns, open.get() + 1);
    }
}

impl Guard for Breakers {
    fn enter(&self, call: Call<'_>) -> Option<u64> {
        let breaker = &mut self.breakers.borrow_mut()[call.instance];
        if let State::Open { until_ns } = breaker.state
            && call.now_ns >= until_ns
        {
            let (sent, answered) = (0, 0);
            breaker.turn(State::HalfOpen { sent, answered });
            let open = &call.meter.open_breakers;
            open.set(call.now_ns, open.get() - 1);
        }
        match &mut breaker.state {
            State::Closed => Some(breaker.number),
            State::HalfOpen { sent, .. } if *sent < self.settings.probes => {
                *sent += 1;
                Some(breaker.number)
            }
            State::HalfOpen { .. } | State::Open { .. } => None,
        }
    }

    fn leave(&self, call: Call<'_>, number: u64, ended: Ended) {
        let breaker = &mut self.breakers.borrow_mut()[call.instance];
        if breaker.number != number {
            return;
        }
        let failed = match ended {
            Ended::Answered(latency_ns) => latency_ns > self.settings.slow_ns,
            Ended::Failed => true,
            Ended::NotMade => {
                // Somebody else may probe in its place.
                if let State::HalfOpen { sent, .. } = &mut breaker.state {
                    *sent -= 1;
                }
                return;
            }
        };
        match &mut breaker.state {
            State::Open { .. } => {}
            State::Closed => {
                let (calls, failures) = breaker.window.record(&self.settings, call.now_ns, failed);
                let share = failures as f64 / calls as f64;
                if calls >= self.settings.calls_min && share >= self.settings.failures {
                    self.open(breaker, call);
                }
            }
            State::HalfOpen { .. } if failed => self.open(breaker, call),
            State::HalfOpen { answered, .. } => {
                *answered += 1;
                if *answered == self.settings.probes {
                    breaker.window = Window {
                        newest: breaker.window.newest,
                        ..Window::default()
                    };
                    breaker.turn(State::Closed);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::GuardMeter;

    struct World {
        breakers: Breakers,
        meter: GuardMeter,
    }

    /// Opens for 5 s at half of four calls or more within 10 s; two probes; slow above 100 ns.
    fn world() -> World {
        let settings = Settings {
            failures: 0.5,
            slow_ns: 100,
            window_ns: 10 * SECOND_NS,
            calls_min: 4,
            open_for_ns: 5 * SECOND_NS,
            probes: 2,
        };
        World {
            breakers: Breakers::new(settings, 2),
            meter: GuardMeter::default(),
        }
    }

    impl World {
        fn call(&self, at_s: u64) -> Call<'_> {
            Call {
                instance: 0,
                now_ns: at_s * SECOND_NS,
                meter: &self.meter,
            }
        }

        fn enter(&self, at_s: u64) -> Option<u64> {
            self.breakers.enter(self.call(at_s))
        }

        fn leave(&self, at_s: u64, number: u64, ended: Ended) {
            self.breakers.leave(self.call(at_s), number, ended);
        }

        /// A call that is made and ends at once.
        fn make(&self, at_s: u64, ended: Ended) -> bool {
            let number = self.enter(at_s);
            if let Some(number) = number {
                self.leave(at_s, number, ended);
            }
            number.is_some()
        }
    }

    const WELL: Ended = Ended::Answered(50);
    const SLOW: Ended = Ended::Answered(200);

    #[test]
    fn it_opens_at_the_failure_rate_once_there_are_enough_calls() {
        let world = world();
        assert!(world.make(0, Ended::Failed) && world.make(0, SLOW));
        // Two of two failed, but two are no sample.
        assert!(world.make(1, WELL));
        assert_eq!(world.meter.open_breakers.get(), 0);
        assert!(world.make(1, WELL));
        assert!(!world.make(1, WELL), "two of four");
        assert_eq!(world.meter.open_breakers.get(), 1);
    }

    #[test]
    fn failures_are_forgotten_when_the_window_has_passed() {
        let world = world();
        for _ in 0..3 {
            world.make(0, Ended::Failed);
        }
        for _ in 0..3 {
            assert!(world.make(11, WELL));
        }
        assert!(world.make(11, Ended::Failed));
        assert!(world.make(11, WELL), "one of four");
    }

    #[test]
    fn it_probes_and_closes_when_all_probes_are_answered() {
        let world = world();
        for _ in 0..4 {
            world.make(0, Ended::Failed);
        }
        assert!(!world.make(4, WELL));
        let probes = [world.enter(5), world.enter(5)].map(Option::unwrap);
        assert_eq!(world.enter(5), None, "two probes and no more");
        world.leave(6, probes[0], WELL);
        assert_eq!(world.enter(6), None);
        world.leave(6, probes[1], WELL);
        assert!(world.make(6, WELL));
        // What was before the opening is forgotten.
        assert!(world.make(6, Ended::Failed) && world.make(6, WELL));
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_old_calls_do_not_count() {
        let world = world();
        let old = world.enter(0).unwrap();
        for _ in 0..4 {
            world.make(0, Ended::Failed);
        }
        let probe = world.enter(5).unwrap();
        world.leave(5, old, Ended::Failed);
        assert!(world.enter(5).is_some(), "still half-open");
        world.leave(6, probe, Ended::Failed);
        assert!(!world.make(10, WELL));
        assert!(world.make(11, WELL));
    }

    #[test]
    fn a_probe_that_was_not_made_leaves_its_place_to_another() {
        let world = world();
        for _ in 0..4 {
            world.make(0, Ended::Failed);
        }
        assert!(world.make(5, Ended::NotMade));
        assert!(world.enter(5).is_some() && world.enter(5).is_some());
        assert!(world.enter(5).is_none());
    }
}
