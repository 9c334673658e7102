//! How far simulations have come, for somebody who waits at a terminal; and the end of waiting.
//!
//! Not here: anything that reaches a result.

use std::{
    io::IsTerminal as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt;
use crate::{
    experiment::Simulate,
    metrics::{Outcome, Unit},
    report::quantity,
    scenario::Study,
    simulation::{self, Plan, Progress, RunError},
    units::{Nanoseconds, SECOND_NS},
};

/// A progress bar over the simulated time of all runs.
pub(super) struct Bar {
    bar: ProgressBar,
    requests: AtomicU64,
    simulated_ns: AtomicU64,
}

impl Bar {
    /// A bar over every run of these studies, if anybody is there to look.
    pub(super) fn new(studies: &[Study], quiet: bool) -> Self {
        let total_ns = studies
            .iter()
            .flat_map(|study| {
                let cells = study.grid.as_ref().map_or(1, |grid| grid.cells() as u64);
                let runs = study.replications.saturating_mul(cells);
                let variants = study.variants.iter();
                variants.map(move |variant| variant.plan.duration_ns.saturating_mul(runs))
            })
            .fold(0, u64::saturating_add);
        let bar = if quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(total_ns)
        };
        bar.set_style(
            ProgressStyle::with_template("{percent:>3} % {wide_bar} {msg}, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━╸─"),
        );
        if !bar.is_hidden() {
            // So that the time left is counted down between two reports.
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self {
            bar,
            requests: AtomicU64::new(0),
            simulated_ns: AtomicU64::new(0),
        }
    }

    /// Takes the bar off the screen.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Bar {
    fn advance(&self, simulated_ns: Nanoseconds, requests: u64) {
        if self.bar.is_hidden() {
            return;
        }
        let requests = self.requests.fetch_add(requests, Ordering::Relaxed) + requests;
        let now_ns = self.simulated_ns.fetch_add(simulated_ns, Ordering::Relaxed) + simulated_ns;
        // Pilots and added replications were not reckoned with.
        let total_ns = self.bar.length().unwrap_or(0).max(now_ns);
        self.bar.set_length(total_ns);
        self.bar.set_message(format!(
            "simulated {} of {}, {} requests",
            simulated(now_ns),
            simulated(total_ns),
            quantity::quantity(requests as f64, Unit::Count)
        ));
        self.bar.inc(simulated_ns);
    }

    fn is_cancelled(&self) -> bool {
        interrupt::is_asked_for()
    }
}

impl Simulate for Bar {
    fn outcome(&self, plan: &Plan, replication: u64) -> Result<Outcome, RunError> {
        if self.is_cancelled() {
            return Err(RunError::Interrupted);
        }
        simulation::run(plan, replication, self)
    }
}

/// A length of simulated time, for people.
fn simulated(time_ns: Nanoseconds) -> String {
    let seconds = time_ns / SECOND_NS;
    match seconds {
        0..60 => quantity::quantity(time_ns as f64 / SECOND_NS as f64, Unit::Seconds),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_time_reads_as_a_clock() {
        for (seconds, text) in [
            (45, "45.0 s"),
            (60, "1:00 min"),
            (3599, "59:59 min"),
            (90_000, "25:00 h"),
        ] {
            assert_eq!(simulated(seconds * SECOND_NS), text);
        }
    }
}
