//! `hotspot`: so many percent of the requests on so many percent of the keys, uniform within each
//! part.

use super::{COUNT, DRIFT, Keys, SCATTER, count_of, finish};
use crate::random::Draws;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row, share};

/// A hot set at positions `0..hot` and a cold one up to `count`.
#[derive(Clone, Debug)]
pub struct Hotspot {
    count: u64,
    hot: u64,
    hot_requests: f64,
}

impl Hotspot {
    /// Of `count` keys a share `hot_keys`, at least one key, gets a share `hot_requests` of the
    /// requests. Without cold keys the hot ones get all.
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50, `hot_keys` not above 0 and at most 1, or `hot_requests` not
    /// in 0..=1.
    pub fn new(count: u64, hot_keys: f64, hot_requests: f64) -> Result<Self, ParameterError> {
        count_of(count)?;
        share("hot_keys", hot_keys)?;
        if hot_keys == 0.0 {
            return Err(ParameterError::new("hot_keys", "must be above 0"));
        }
        share("hot_requests", hot_requests)?;
        let hot = ((hot_keys * count as f64).round() as u64).clamp(1, count);
        Ok(Self {
            count,
            hot,
            hot_requests: if hot == count { 1.0 } else { hot_requests },
        })
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The share of requests for `position`.
    #[must_use]
    pub fn probability(&self, position: u64) -> f64 {
        if position < self.hot {
            self.hot_requests / self.hot as f64
        } else {
            (1.0 - self.hot_requests) / (self.count - self.hot) as f64
        }
    }

    /// A position. Takes two draws.
    #[inline]
    pub fn draw(&self, draws: &mut Draws) -> u64 {
        // `unit` may round to 1, and then a share of 1 must still be hot.
        if draws.chance(self.hot_requests) || self.hot == self.count {
            draws.below(self.hot)
        } else {
            self.hot + draws.below(self.count - self.hot)
        }
    }
}

pub(super) const ROW: Row<Keys> = Row {
    name: "hotspot",
    parameters: &[
        COUNT,
        Parameter::required("hot_keys", Kind::Share, "share of the keys that are hot"),
        Parameter::required(
            "hot_requests",
            Kind::Share,
            "share of the requests for hot keys",
        ),
        SCATTER,
        DRIFT,
    ],
    meaning: "a share of the requests goes to a share of the keys, uniform within each part",
    source: "",
    build: |arguments| {
        let keys = Keys::hotspot(
            arguments.count("count")?,
            arguments.number("hot_keys")?,
            arguments.number("hot_requests")?,
        )?;
        finish(keys, arguments, true)
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_set_is_never_empty_and_may_be_everything() {
        assert_eq!(Hotspot::new(10, 0.001, 0.5).unwrap().hot, 1);
        let all = Hotspot::new(10, 1.0, 0.5).unwrap();
        assert!((all.probability(9) - 0.1).abs() < 1e-15);
    }

    #[test]
    fn shares_may_be_none_or_all() {
        let none = Hotspot::new(10, 0.2, 0.0).unwrap();
        let all = Hotspot::new(10, 0.2, 1.0).unwrap();
        for seed in 0..1000 {
            assert!(none.draw(&mut Draws::from_seed(seed)) >= 2);
            assert!(all.draw(&mut Draws::from_seed(seed)) < 2);
        }
    }
}
