//! `sequential`: key after key and again from the first, as a scan or a crawler does. An LRU cache
//! that is smaller than the scan never hits.

use super::{COUNT, Keys, count_of};
use crate::workload::parameters::{ParameterError, Row};

/// A cyclic scan over positions `0..count`.
#[derive(Clone, Debug)]
pub struct Sequential {
    count: u64,
    next: u64,
}

impl Sequential {
    /// `count` keys.
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50.
    pub fn new(count: u64) -> Result<Self, ParameterError> {
        Ok(Self {
            count: count_of(count)?,
            next: 0,
        })
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The share of requests for any position, over whole scans.
    #[must_use]
    pub fn probability(&self, _position: u64) -> f64 {
        1.0 / self.count as f64
    }

    /// The next position. Takes no draw. In a mix only the requests that come here move the scan
    /// on, so that it skips nothing.
    #[inline]
    pub fn draw(&mut self) -> u64 {
        let position = self.next;
        self.next += 1;
        if self.next == self.count {
            self.next = 0;
        }
        position
    }
}

pub(super) const ROW: Row<Keys> = Row {
    name: "sequential",
    parameters: &[COUNT],
    meaning: "key after key, and again from the first",
    source: "",
    build: |arguments| Keys::sequential(arguments.count("count")?),
};
