//! `uniform`: all keys are asked for equally often, the worst case for a cache.

use super::{COUNT, DRIFT, Keys, SCATTER, count_of, finish};
use crate::random::Draws;
use crate::workload::parameters::{ParameterError, Row};

/// A uniform distribution over positions `0..count`.
#[derive(Clone, Debug)]
pub struct Uniform {
    count: u64,
}

impl Uniform {
    /// `count` keys.
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50.
    pub fn new(count: u64) -> Result<Self, ParameterError> {
        Ok(Self {
            count: count_of(count)?,
        })
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The share of requests for any position.
    #[must_use]
    pub fn probability(&self, _position: u64) -> f64 {
        1.0 / self.count as f64
    }

    /// A position. Takes one draw.
    #[inline]
    pub fn draw(&self, draws: &mut Draws) -> u64 {
        draws.below(self.count)
    }
}

pub(super) const ROW: Row<Keys> = Row {
    name: "uniform",
    parameters: &[COUNT, SCATTER, DRIFT],
    meaning: "all keys are asked for equally often",
    source: "",
    build: |arguments| finish(Keys::uniform(arguments.count("count")?)?, arguments, false),
};
