//! What a comparison of two variants says, plainly: less, more, or nothing that luck could not do.

use serde::{Deserialize, Serialize};

use super::interval::Interval;

/// What a paired difference shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The two are the same in every replication.
    Same,
    /// The whole interval lies below zero.
    Less,
    /// The whole interval lies above zero.
    More,
    /// The interval includes zero, so luck alone could make such a difference.
    #[serde(rename = "no_difference_shown")]
    NotShown,
    /// One run of each: there is a difference, and no telling whether luck made it.
    OneRun,
}

impl Verdict {
    /// The verdict on a difference over so many replications. `relative`, the same difference as a
    /// share, has an interval of its own; what is said must be true of both.
    #[must_use]
    pub fn of(difference: &Interval, relative: Option<&Interval>, replications: u64) -> Self {
        if difference.mean == 0.0 && difference.half_width() == 0.0 {
            return Self::Same;
        }
        if replications < 2 {
            return Self::OneRun;
        }
        if difference.includes_zero() || relative.is_some_and(Interval::includes_zero) {
            return Self::NotShown;
        }
        if difference.mean < 0.0 {
            Self::Less
        } else {
            Self::More
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Unit;

    fn verdict(differences: &[f64]) -> Verdict {
        let interval = Interval::of(differences.iter().copied(), Unit::Count);
        Verdict::of(&interval, None, differences.len() as u64)
    }

    #[test]
    fn only_a_whole_interval_on_one_side_of_zero_shows_a_difference() {
        assert_eq!(verdict(&[1.0, 1.1, 0.9]), Verdict::More);
        assert_eq!(verdict(&[-1.0, -1.1, -0.9]), Verdict::Less);
        assert_eq!(verdict(&[1.0, 2.0, -1.0]), Verdict::NotShown);
        assert_eq!(verdict(&[0.0, 0.0]), Verdict::Same);
        assert_eq!(verdict(&[3.0]), Verdict::OneRun);
        // The same in every replication, so the interval is a point.
        assert_eq!(verdict(&[3.0, 3.0]), Verdict::More);
    }

    #[test]
    fn the_relative_difference_has_a_say_too() {
        let difference = Interval::of([1.0, 1.1, 0.9], Unit::Count);
        let unsure = Interval::of([0.1, -0.1], Unit::Ratio);
        assert_eq!(
            Verdict::of(&difference, Some(&unsure), 3),
            Verdict::NotShown
        );
    }
}
