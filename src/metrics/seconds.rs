//! Goodput second by second: how many of the requests that arrived in each second of measured time
//! were answered in the end. What is worse than a limit is a bad second.
//!
//! A request counts for the second in which it arrived, however late its fate is known, so that a
//! backlog that is worked off does not make good for those who have given up, and chance does not
//! make a quiet second a bad one. Who waits without a deadline has not failed.

use crate::units::{Nanoseconds, SECOND_NS};

/// More seconds than this are told apart by twos, fours, ...: memory does not grow with time.
const WINDOWS_MAX: usize = 100_000;

/// One second, or as many as one window has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Window {
    arrived: u64,
    failed: u64,
    /// When the last of those that failed had arrived.
    last_failed_ns: Nanoseconds,
}

impl Window {
    /// The share of its requests that did not fail; 1 if there was none.
    fn answered_share(self) -> f64 {
        if self.arrived == 0 {
            return 1.0;
        }
        1.0 - self.failed as f64 / self.arrived as f64
    }
}

/// The books of all seconds since the end of warm-up.
#[derive(Clone, Debug)]
pub struct Seconds {
    start_ns: Nanoseconds,
    /// Seconds in one window.
    width: u64,
    windows: Vec<Window>,
    ended: u64,
    arrived_until_now: u64,
}

impl Default for Seconds {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Seconds {
    /// Nothing has happened, and measuring starts at `start_ns`.
    #[must_use]
    pub fn new(start_ns: Nanoseconds) -> Self {
        Self {
            start_ns,
            width: 1,
            windows: Vec::new(),
            ended: 0,
            arrived_until_now: 0,
        }
    }

    /// The next second is over; `arrived` requests have come since measuring started.
    pub fn end(&mut self, arrived: u64) {
        let newcomers = arrived - self.arrived_until_now;
        self.arrived_until_now = arrived;
        let second = self.ended;
        self.window(second).arrived += newcomers;
        self.ended += 1;
    }

    /// A request that arrived at `arrived_ns`, after the start, has failed.
    pub fn fail(&mut self, arrived_ns: Nanoseconds) {
        let second = (arrived_ns - self.start_ns) / SECOND_NS;
        let window = self.window(second);
        window.failed += 1;
        window.last_failed_ns = window.last_failed_ns.max(arrived_ns);
    }

    fn window(&mut self, second: u64) -> &mut Window {
        while second / self.width >= WINDOWS_MAX as u64 {
            self.width *= 2;
            let merged = self.windows.chunks(2).map(|pair| Window {
                arrived: pair.iter().map(|it| it.arrived).sum(),
                failed: pair.iter().map(|it| it.failed).sum(),
                last_failed_ns: pair.iter().map(|it| it.last_failed_ns).max().unwrap_or(0),
            });
            self.windows = merged.collect();
        }
        let index = (second / self.width) as usize;
        if self.windows.len() <= index {
            self.windows.resize(index + 1, Window::default());
        }
        &mut self.windows[index]
    }

    /// Seconds in which less than this share of the arrivals was answered.
    #[must_use]
    pub fn below(&self, share: f64) -> u64 {
        let bad = self.windows.iter().filter(|it| it.answered_share() < share);
        bad.count() as u64 * self.width
    }

    /// The least share of a second's arrivals that was answered; NaN without any.
    #[must_use]
    pub fn worst(&self) -> f64 {
        let with_arrivals = self.windows.iter().filter(|window| window.arrived > 0);
        let shares = with_arrivals.map(|window| window.answered_share());
        shares.fold(f64::NAN, f64::min)
    }

    /// When the last request arrived that failed in a second in which less than this share of the
    /// arrivals was answered.
    #[must_use]
    pub fn last_below_ns(&self, share: f64) -> Option<Nanoseconds> {
        let mut backwards = self.windows.iter().rev();
        let bad = backwards.find(|it| it.answered_share() < share);
        bad.map(|window| window.last_failed_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_for_the_second_in_which_it_arrived() {
        let mut seconds = Seconds::new(10 * SECOND_NS);
        seconds.end(100);
        // Ten of the first second's requests fail in the third.
        seconds.end(200);
        for _ in 0..10 {
            seconds.fail(10 * SECOND_NS + 900_000_000);
        }
        seconds.end(200);
        assert_eq!(seconds.below(0.95), 1);
        assert_eq!(seconds.below(0.9), 0);
        assert!((seconds.worst() - 0.9).abs() < 1e-12);
        assert_eq!(
            seconds.last_below_ns(0.95),
            Some(10 * SECOND_NS + 900_000_000)
        );
        assert_eq!(seconds.last_below_ns(0.5), None);
    }

    #[test]
    fn a_second_without_arrivals_is_not_a_bad_one() {
        let mut seconds = Seconds::new(0);
        seconds.end(0);
        assert_eq!(seconds.below(1.0), 0);
        assert!(seconds.worst().is_nan());
    }

    #[test]
    fn very_long_runs_are_told_in_wider_windows() {
        let mut seconds = Seconds::new(0);
        let all = 3 * WINDOWS_MAX as u64;
        for second in 1..=all {
            seconds.end(10 * second);
        }
        for _ in 0..10 {
            seconds.fail(0);
        }
        assert!(seconds.windows.len() <= WINDOWS_MAX);
        assert_eq!(seconds.width, 4);
        assert_eq!(seconds.below(0.95), 4);
        assert!((seconds.worst() - 0.75).abs() < 1e-12);
    }
}
