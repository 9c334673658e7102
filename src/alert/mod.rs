//! Alerts as a monitoring system would have raised them: rules over sliding windows, looked at once in
//! each second of simulated time.
//!
//! The states of a rule are those of Prometheus. While its condition does not hold, it is inactive;
//! once it does, the rule is pending, and when it has held for as long as the rule says, it fires; it is
//! resolved as soon as the condition no longer holds, or so long after that as the rule says
//! (`keep_firing_for`). A window of which nothing can be said, such as a ratio of no reads, meets no
//! condition.
//!
//! Nothing is counted for alerts that is not counted anyway: a rule reads the totals of the meter once
//! a second and takes differences. So requests pay nothing for rules, and hardly anything but seconds
//! does. Only the hottest key of a window needs a sketch of its own, which is kept where a rule asks.
//!
//! Not here: how rules are written (`scenario`), and how it is told that they fired (`report`).

mod signal;
mod window;

pub use signal::{Row, SIGNALS, Signal};

use crate::metrics::{Alert, AlertCondition, Firing, Meter};
use crate::pattern::System;
use crate::units::{Nanoseconds, SECOND_NS};

use signal::Place;
use window::Window;

/// More firings of one rule than this are only counted: one that flaps says the same again and again.
const FIRINGS_MAX: usize = 1000;

/// A rule: when it is an alert.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it is called.
    pub name: String,
    /// What it watches, in full.
    pub metric: String,
    /// The same, resolved.
    pub signal: Signal,
    /// What must hold of it.
    pub condition: AlertCondition,
    /// The length of the window in seconds, at least 1.
    pub per_s: u64,
    /// For so many seconds the condition must hold before the rule fires.
    pub for_s: u64,
    /// For so many seconds it goes on firing when the condition no longer holds.
    pub keep_firing_for_s: u64,
}

/// One rule while it is watched.
#[derive(Debug)]
struct Watch {
    window: Window,
    state: State,
    firings: Vec<Firing>,
    fired: u64,
    firing_seconds: u64,
    first_s: Option<f64>,
}

/// All rules of a run while they are watched.
#[derive(Debug)]
pub struct Alerts<'a> {
    rules: &'a [Rule],
    watches: Vec<Watch>,
}

/// What one rule has come to.
#[derive(Clone, Debug)]
pub struct Watched {
    /// The rule, and its firings.
    pub alert: Alert,
    /// How often it fired.
    pub fired: u64,
    /// For how many seconds it was firing.
    pub firing_s: f64,
    /// When it fired first, in seconds from the start of the run; NaN if it never did.
    pub first_s: f64,
}

impl<'a> Alerts<'a> {
    /// Watches nothing yet; tells the meter what it has to keep for these rules.
    #[must_use]
    pub fn new(rules: &'a [Rule], meter: &Meter) -> Self {
        if rules.iter().any(|rule| rule.signal.needs_recent_keys()) {
            meter.keep_recent_keys();
        }
        Self {
            rules,
            watches: Vec::new(),
        }
    }

    /// Measuring starts, and with it the first window of each rule.
    pub fn start(&mut self, meter: &Meter, system: &System, now_ns: Nanoseconds) {
        let watch = |rule: &Rule| Watch {
            window: Window::new(&rule.signal, rule.per_s, &place(meter, system, now_ns)),
            state: State::default(),
            firings: Vec::new(),
            fired: 0,
            firing_seconds: 0,
            first_s: None,
        };
        self.watches = self.rules.iter().map(watch).collect();
    }

    /// A whole second is over.
    pub fn end_second(&mut self, meter: &Meter, system: &System, now_ns: Nanoseconds) {
        if self.watches.is_empty() {
            return;
        }
        let place = place(meter, system, now_ns);
        for (rule, watch) in self.rules.iter().zip(&mut self.watches) {
            let value = watch.window.slide(&rule.signal, &place);
            watch.look(rule, value, now_ns);
        }
        meter.forget_recent_keys();
    }

    /// What all rules have come to, in their order.
    #[must_use]
    pub fn finish(self) -> Vec<Watched> {
        let rules = self.rules.iter().zip(self.watches);
        rules.map(|(rule, watch)| watch.finish(rule)).collect()
    }
}

fn place<'a>(meter: &'a Meter, system: &'a System, now_ns: Nanoseconds) -> Place<'a> {
    Place {
        meter,
        system,
        now_ns,
        tier: 0,
    }
}

/// The state of a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct State {
    /// Since when the condition has held, in nanoseconds; while it fires, since when it held then.
    since_ns: Option<Nanoseconds>,
    /// Whether it fires.
    is_firing: bool,
    /// While it fires: since when the condition has not held.
    over_since_ns: Option<Nanoseconds>,
    /// The worst value since then.
    worst: f64,
}

/// What follows from a look at a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    Fires,
    Resolves,
}

impl State {
    /// At `now_ns`, `value` is what the window says.
    fn look(&mut self, rule: &Rule, value: f64, now_ns: Nanoseconds) -> Change {
        if rule.condition.holds(value) {
            let since_ns = match self.since_ns {
                Some(since_ns) => {
                    self.worst = rule.condition.worse(self.worst, value);
                    since_ns
                }
                None => {
                    self.worst = value;
                    *self.since_ns.insert(now_ns)
                }
            };
            self.over_since_ns = None;
            if !self.is_firing && now_ns - since_ns >= rule.for_s * SECOND_NS {
                self.is_firing = true;
                return Change::Fires;
            }
            return Change::Nothing;
        }
        if !self.is_firing {
            self.since_ns = None;
            return Change::Nothing;
        }
        let over_since_ns = *self.over_since_ns.get_or_insert(now_ns);
        if now_ns - over_since_ns >= rule.keep_firing_for_s * SECOND_NS {
            *self = Self::default();
            return Change::Resolves;
        }
        Change::Nothing
    }
}

impl Watch {
    fn look(&mut self, rule: &Rule, value: f64, now_ns: Nanoseconds) {
        let seconds = |ns: Nanoseconds| ns as f64 / SECOND_NS as f64;
        if self.state.is_firing {
            self.firing_seconds += 1;
        }
        let since_ns = self.state.since_ns;
        let change = self.state.look(rule, value, now_ns);
        let is_kept = self.fired <= FIRINGS_MAX as u64;
        match change {
            Change::Nothing => {}
            Change::Fires => {
                self.fired += 1;
                self.first_s.get_or_insert(seconds(now_ns));
                if self.firings.len() < FIRINGS_MAX {
                    self.firings.push(Firing {
                        since_s: seconds(since_ns.unwrap_or(now_ns)),
                        from_s: seconds(now_ns),
                        until_s: None,
                        worst: self.state.worst,
                    });
                }
            }
            Change::Resolves => {
                if let (true, Some(firing)) = (is_kept, self.firings.last_mut()) {
                    firing.until_s = Some(seconds(now_ns));
                }
            }
        }
        if let (true, true, Some(firing)) = (self.state.is_firing, is_kept, self.firings.last_mut())
        {
            firing.worst = self.state.worst;
        }
    }

    fn finish(self, rule: &Rule) -> Watched {
        Watched {
            alert: Alert {
                name: rule.name.clone(),
                metric: rule.metric.clone(),
                unit: rule.signal.unit(),
                condition: rule.condition,
                per_s: rule.per_s as f64,
                for_s: rule.for_s as f64,
                firings: self.firings,
            },
            fired: self.fired,
            firing_s: self.firing_seconds as f64,
            first_s: self.first_s.unwrap_or(f64::NAN),
        }
    }
}

#[cfg(test)]
mod tests;
