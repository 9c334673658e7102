//! Sliding windows over what a signal counts: whole seconds come in at one end and leave at the other.
//!
//! Until as many seconds are over as the window is long, it is as long as what there is.

use std::collections::{BTreeMap, VecDeque};

use crate::units::{Key, Nanoseconds, SECOND_NS};

use super::signal::{Kind, Place, Signal};

/// A window over one signal.
#[derive(Debug)]
pub(super) struct Window {
    seconds: usize,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    /// The totals (part, whole) at the ends of the seconds, the one before the first of them included.
    Totals(VecDeque<(u128, u128)>),
    /// Durations by how often they were recorded.
    Durations {
        /// All until now, rising.
        total: Vec<(Nanoseconds, u64)>,
        window: Sums<Nanoseconds>,
    },
    /// Keys, each with its tier, by how often they were asked for.
    Keys(Sums<(usize, Key)>),
}

/// Counts of some kind of thing, and those of each second of the window.
#[derive(Debug)]
struct Sums<T> {
    sums: BTreeMap<T, u64>,
    of_seconds: VecDeque<Vec<(T, u64)>>,
}

impl<T: Ord + Copy> Sums<T> {
    fn new() -> Self {
        Self {
            sums: BTreeMap::new(),
            of_seconds: VecDeque::new(),
        }
    }

    fn slide(&mut self, second: Vec<(T, u64)>, seconds: usize) {
        for &(thing, count) in &second {
            *self.sums.entry(thing).or_default() += count;
        }
        self.of_seconds.push_back(second);
        if self.of_seconds.len() <= seconds {
            return;
        }
        for (thing, count) in self.of_seconds.pop_front().unwrap_or_default() {
            if let Some(sum) = self.sums.get_mut(&thing) {
                *sum -= count;
                if *sum == 0 {
                    self.sums.remove(&thing);
                }
            }
        }
    }
}

#[cfg(test)]
impl Default for Window {
    /// A window that nobody looks through.
    fn default() -> Self {
        Self {
            seconds: 1,
            contents: Contents::Totals(VecDeque::new()),
        }
    }
}

impl Window {
    /// An empty window of so many seconds, which begins at `place`.
    pub(super) fn new(signal: &Signal, seconds: u64, place: &Place<'_>) -> Self {
        let place = place.of(signal);
        let contents = match &signal.row.kind {
            Kind::Count(part) => Contents::Totals([(part(&place), 0)].into()),
            Kind::Share { part, whole, .. } => {
                Contents::Totals([(part(&place), whole(&place))].into())
            }
            Kind::Quantile(durations, _) => Contents::Durations {
                total: durations(&place),
                window: Sums::new(),
            },
            Kind::HottestKey => Contents::Keys(Sums::new()),
        };
        Self {
            seconds: seconds as usize,
            contents,
        }
    }

    /// A second more is over; the value of the signal in the window that ends here, NaN if there is none.
    pub(super) fn slide(&mut self, signal: &Signal, place: &Place<'_>) -> f64 {
        let place = place.of(signal);
        match (&mut self.contents, &signal.row.kind) {
            (Contents::Totals(totals), Kind::Count(part)) => {
                let (part, _) = push(totals, (part(&place), 0), self.seconds);
                part as f64
            }
            (
                Contents::Totals(totals),
                Kind::Share {
                    part,
                    whole,
                    factor,
                },
            ) => {
                let now = (part(&place), whole(&place));
                let (part, whole) = push(totals, now, self.seconds);
                // Zero of zero is NaN: there was nothing to measure.
                factor * part as f64 / whole as f64
            }
            (Contents::Durations { total, window }, Kind::Quantile(durations, quantile)) => {
                let now = durations(&place);
                window.slide(newcomers(total, &now), self.seconds);
                *total = now;
                at_quantile(&window.sums, *quantile)
            }
            (Contents::Keys(window), Kind::HottestKey) => {
                window.slide(place.recent_keys(signal), self.seconds);
                let seconds = window.of_seconds.len() as f64;
                let most = window.sums.values().max().copied().unwrap_or(0);
                place.sampled(most) / seconds
            }
            // A window is made for its signal.
            _ => f64::NAN,
        }
    }
}

/// Adds the totals at the end of a second; what came in within the window.
fn push(totals: &mut VecDeque<(u128, u128)>, now: (u128, u128), seconds: usize) -> (u128, u128) {
    totals.push_back(now);
    if totals.len() > seconds + 1 {
        totals.pop_front();
    }
    let first = totals.front().copied().unwrap_or(now);
    (now.0 - first.0, now.1 - first.1)
}

/// What is in `now` and was not in `before`; both rising.
fn newcomers(before: &[(Nanoseconds, u64)], now: &[(Nanoseconds, u64)]) -> Vec<(Nanoseconds, u64)> {
    let mut before = before.iter().peekable();
    let mut new = Vec::new();
    for &(duration_ns, count) in now {
        // Nothing that was recorded ever goes.
        let known = before.next_if(|known| known.0 == duration_ns);
        let more = count - known.map_or(0, |known| known.1);
        if more > 0 {
            new.push((duration_ns, more));
        }
    }
    new
}

/// The smallest duration, in seconds, that at least a share `quantile` of all does not exceed.
fn at_quantile(counts: &BTreeMap<Nanoseconds, u64>, quantile: f64) -> f64 {
    let all: u64 = counts.values().sum();
    let rank = ((quantile * all as f64).ceil() as u64).clamp(1, all.max(1));
    let mut seen = 0;
    for (&duration_ns, count) in counts {
        seen += count;
        if seen >= rank {
            return duration_ns as f64 / SECOND_NS as f64;
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_second_leaves_the_window_when_another_comes_in_at_its_end() {
        // Events of the seconds: 3, 0, 5, 1. Windows of two seconds.
        let mut totals = VecDeque::from([(0, 0)]);
        let sums: Vec<u128> = [3, 3, 8, 9]
            .map(|total| push(&mut totals, (total, 0), 2).0)
            .into();
        assert_eq!(sums, [3, 3, 5, 6]);
    }

    #[test]
    fn quantiles_of_a_window_are_ranks_of_what_is_in_it() {
        let counts = BTreeMap::from([(0, 90), (1_000_000_000, 9), (2_000_000_000, 1)]);
        assert_eq!(at_quantile(&counts, 0.9), 0.0);
        assert_eq!(at_quantile(&counts, 0.91), 1.0);
        assert_eq!(at_quantile(&counts, 1.0), 2.0);
        assert!(at_quantile(&BTreeMap::new(), 0.5).is_nan());
    }

    proptest! {
        #[test]
        fn a_window_has_just_what_its_seconds_had(
            seconds in prop::collection::vec(prop::collection::vec(0_u64..6, 0..20), 1..40),
            length in 1_usize..8,
        ) {
            let mut window = Sums::new();
            let mut total: Vec<(u64, u64)> = Vec::new();
            let count = |things: &[u64]| {
                let mut counts = BTreeMap::<u64, u64>::new();
                things.iter().for_each(|thing| *counts.entry(*thing).or_default() += 1);
                counts
            };
            for at in 0..seconds.len() {
                let now: Vec<(u64, u64)> = count(&seconds[..=at].concat()).into_iter().collect();
                window.slide(newcomers(&total, &now), length);
                total = now;
                let first = (at + 1).saturating_sub(length);
                prop_assert_eq!(&window.sums, &count(&seconds[first..=at].concat()));
            }
        }
    }
}
