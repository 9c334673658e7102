//! `latest`: what is newest is asked for most, as in feeds and news. Popularity is Zipf over
//! recency, and every write inserts the next key.
//!
//! Reads go to the `count` newest keys: what is older is asked for no more, so the number of keys in
//! play stays what the scenario says while the keys themselves move on.
//!
//! A key counts as the newest from the moment when its write arrives, not when it is committed: the
//! requests must not depend on how fast the system is, or variants could not be compared. So a read
//! may ask for a row that is still on its way and get version 0; YCSB reads acknowledged keys only.

use super::zipf::{self, Zipf};
use super::{COUNT, Keys};
use crate::random::Draws;
use crate::workload::Operation;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

/// The newest key and the popularity of those before it.
#[derive(Clone, Debug)]
pub struct Latest {
    recency: Zipf,
    newest: u64,
}

impl Latest {
    /// At first keys `0..count` exist, and the last of them is the newest.
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50, or `exponent` is negative or above 100.
    pub fn new(count: u64, exponent: f64) -> Result<Self, ParameterError> {
        Ok(Self {
            recency: zipf::checked(count, exponent)?,
            newest: count - 1,
        })
    }

    /// How many keys are read at any time.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.recency.count()
    }

    /// The share of reads for `position`, 0 being the newest key.
    #[must_use]
    pub fn probability(&self, position: u64) -> f64 {
        self.recency.probability(position)
    }

    /// A key: for a write the next new one, which takes no draw.
    #[inline]
    pub fn draw(&mut self, draws: &mut Draws, operation: Operation) -> u64 {
        match operation {
            Operation::Write => {
                self.newest += 1;
                self.newest
            }
            Operation::Read => self.key_at(self.recency.draw(draws)),
        }
    }

    /// The key at `position` now.
    #[inline]
    #[must_use]
    pub fn key_at(&self, position: u64) -> u64 {
        self.newest - position
    }

    /// The position of `key` now, if it is read at all.
    #[must_use]
    pub fn position_of(&self, key: u64) -> Option<u64> {
        let position = self.newest.checked_sub(key)?;
        (position < self.count()).then_some(position)
    }
}

pub(super) const ROW: Row<Keys> = Row {
    name: "latest",
    parameters: &[
        COUNT,
        Parameter::required(
            "exponent",
            Kind::Number,
            "steepness of Zipf over recency, 0 or more",
        ),
    ],
    meaning: "Zipf over recency: the newest of `count` keys is the hottest, every write inserts a \
              newer one, hot from the write's arrival on",
    source: "Cooper et al., \"Benchmarking cloud serving systems with YCSB\", SoCC 2010",
    build: |arguments| Keys::latest(arguments.count("count")?, arguments.number("exponent")?),
};
