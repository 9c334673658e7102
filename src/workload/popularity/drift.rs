//! `drift`: the hot set moves in time, as news and campaigns make it.
//!
//! Every `period`, the coldest `share` of the keys come in on top and push all others down by as
//! many ranks: yesterday's hottest key is lukewarm today. It depends on the time alone, not on luck,
//! so every variant and every replication drifts alike.

use crate::units::Nanoseconds;
use crate::workload::parameters::{ParameterError, turn_ns};

/// How the hot set moves, as checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drift {
    period_ns: Nanoseconds,
    share: f64,
}

impl Drift {
    /// Every `period_ns`, a share `share` of the keys come in on top.
    ///
    /// # Errors
    /// When the period is below a microsecond, or the share not above 0 and below 1 (with 1, all
    /// would be where they were).
    pub fn new(period_ns: f64, share: f64) -> Result<Self, ParameterError> {
        turn_ns("period", period_ns)?;
        if !(share > 0.0 && share < 1.0) {
            return Err(ParameterError::new(
                "share",
                format!("must be above 0 and below 1, not {share}: 0.5 makes a new hot set"),
            ));
        }
        Ok(Self {
            period_ns: period_ns.round() as Nanoseconds,
            share,
        })
    }

    /// The drift of `count` positions: at least one comes in on top.
    pub(super) fn of(self, count: u64) -> Rotation {
        let step = ((self.share * count as f64).round() as u64).clamp(1, count);
        let mut rotation = Rotation {
            period_ns: self.period_ns,
            count,
            step,
            offset: 0,
            begins_ns: 0,
        };
        rotation.offset = rotation.offset_at(0);
        rotation
    }
}

/// How far positions have moved in the period of the latest draw.
#[derive(Clone, Debug)]
pub(super) struct Rotation {
    period_ns: Nanoseconds,
    count: u64,
    step: u64,
    /// What is subtracted from a position, modulo `count`, in the period that begins at `begins_ns`.
    offset: u64,
    begins_ns: Nanoseconds,
}

impl Rotation {
    fn offset_at(&self, now: Nanoseconds) -> u64 {
        let periods = u128::from(now / self.period_ns);
        (periods * u128::from(self.step) % u128::from(self.count)) as u64
    }

    /// Where `position` points at `now`. Remembers the period, since the next draw mostly falls into
    /// it as well and a division is dear.
    #[inline]
    pub(super) fn rotate(&mut self, position: u64, now: Nanoseconds) -> u64 {
        if now.wrapping_sub(self.begins_ns) >= self.period_ns {
            self.offset = self.offset_at(now);
            self.begins_ns = now - now % self.period_ns;
        }
        self.back(position, self.offset)
    }

    /// The same without remembering.
    pub(super) fn rotated(&self, position: u64, now: Nanoseconds) -> u64 {
        self.back(position, self.offset_at(now))
    }

    /// The inverse of [`Rotation::rotated`].
    pub(super) fn rotated_back(&self, position: u64, now: Nanoseconds) -> u64 {
        let offset = self.offset_at(now);
        self.back(position, if offset == 0 { 0 } else { self.count - offset })
    }

    #[inline]
    fn back(&self, position: u64, offset: u64) -> u64 {
        if position >= offset {
            position - offset
        } else {
            position + self.count - offset
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn remembering_the_period_changes_nothing(
            count in 1..50_u64,
            share in 0.001..0.999,
            times in proptest::collection::vec(0..1_000_000_u64, 1..50),
        ) {
            let drift = Drift::new(1234.0, share).unwrap();
            let mut rotation = drift.of(count);
            for now in times {
                for position in 0..count {
                    let moved = rotation.rotate(position, now);
                    prop_assert!(moved < count);
                    prop_assert_eq!(moved, rotation.rotated(position, now));
                    prop_assert_eq!(rotation.rotated_back(moved, now), position);
                }
            }
        }
    }
}
