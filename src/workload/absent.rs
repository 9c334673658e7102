//! Rows that the database does not have: who asks for them, who creates them, and which writes
//! delete a row.
//!
//! Keys of rows that did not exist at the start of a run have the highest bit set, which no other
//! key of a made-up workload has. Their keys and the choice of the requests are drawn from streams
//! of their own, so that all other requests are the same with and without them.
//!
//! Not here: what the database answers (`database`), and who remembers the answer (`tier`,
//! `pattern`).

use std::ops::Range;

use super::parameters::{ParameterError, share};
use super::popularity::{Keys, Popularity};
use super::{Operation, Plan, Workload};
use crate::random::{Luck, Stream, mix};
use crate::units::{Key, Nanoseconds};

/// The bit that marks the keys of rows that did not exist at the start.
const MARK: Key = 1 << 63;

/// The key of a row that did not exist at the start, by its number (below 2^63).
#[inline]
#[must_use]
pub fn absent_key(number: u64) -> Key {
    MARK | number
}

/// Requests for rows that did not exist at the start, as checked.
#[derive(Clone, Debug)]
pub struct Absent {
    /// Share of the reads that ask for such a row, in 0..=1.
    pub share: f64,
    /// Which of those rows, and how often each: numbers for [`absent_key`].
    pub keys: Keys,
    /// Share of the writes that write such a row and so create it, in 0..=1.
    pub creates: f64,
}

impl Absent {
    /// Such requests.
    ///
    /// # Errors
    /// When one of the shares is not in 0..=1 (named `share` and `creates`, as in a scenario).
    pub fn new(reads: f64, keys: Keys, creates: f64) -> Result<Self, ParameterError> {
        share("share", reads)?;
        share("creates", creates)?;
        Ok(Self {
            share: reads,
            keys,
            creates,
        })
    }
}

/// What a version of a row is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Bytes; 0 where there is no row.
    pub bytes: u32,
    /// Whether there is no row: it was never created, or this version is its deletion.
    pub is_absent: bool,
}

impl From<u32> for Value {
    /// A row of so many bytes.
    fn from(bytes: u32) -> Self {
        Self {
            bytes,
            is_absent: false,
        }
    }
}

/// The requests of an [`Absent`] under one luck.
#[derive(Debug)]
pub(super) struct AbsentDraws {
    share: f64,
    creates: f64,
    popularity: Popularity,
    luck: Stream,
}

impl AbsentDraws {
    pub(super) fn new(plan: &Absent, luck: Luck) -> Self {
        Self {
            share: plan.share,
            creates: plan.creates,
            popularity: Popularity::new(&plan.keys, luck),
            luck: luck.stream("workload.absent"),
        }
    }

    /// The key of request `index` if it is about a row that did not exist at the start.
    pub(super) fn draw(
        &mut self,
        index: u64,
        operation: Operation,
        now: Nanoseconds,
    ) -> Option<Key> {
        let mut draws = self.luck.at(index);
        let share = match operation {
            Operation::Read => self.share,
            Operation::Write => self.creates,
        };
        draws.chance(share).then(|| {
            let number = self.popularity.draw(&mut draws, operation, now);
            absent_key(number)
        })
    }
}

/// Which versions of a row are its deletion.
#[derive(Debug)]
pub(super) struct Deletions {
    share: f64,
    luck: Stream,
    /// Keys of traces may have any bit set, and all their rows exist.
    has_marks: bool,
}

impl Deletions {
    pub(super) fn new(plan: &Plan, luck: Luck) -> Self {
        Self {
            share: plan.deletes,
            luck: luck.stream("workload.delete"),
            has_marks: plan.trace.is_none(),
        }
    }

    fn is_absent(&self, key: Key, version: u64) -> bool {
        if version == 0 {
            return self.has_marks && key & MARK != 0;
        }
        self.share > 0.0 && {
            let index = mix(key).wrapping_add(version);
            self.luck.at(index).chance(self.share)
        }
    }
}

impl Plan {
    /// The keys of the rows that exist at the start, in ranges that do not overlap.
    #[must_use]
    pub fn existing_keys(&self) -> Vec<Range<Key>> {
        let mut ranges = self.keys.ranges();
        ranges.extend(self.write_keys.iter().flat_map(Keys::ranges));
        if let Some(big) = &self.big_keys {
            let others = self.write_keys.as_ref().map_or(0, Keys::limit);
            let first = self.keys.limit().max(others);
            ranges.push(first..first + big.count);
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let mut apart: Vec<Range<Key>> = Vec::new();
        for range in ranges {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }
}

impl Workload {
    /// What version `version` of row `key` is made of: the same whenever it is asked for. Version 0
    /// is the row as it was at the start, and each later one is a deletion with the probability that
    /// the plan says.
    #[must_use]
    pub fn value(&self, key: Key, version: u64) -> Value {
        if self.deletions.is_absent(key, version) {
            return Value {
                bytes: 0,
                is_absent: true,
            };
        }
        self.value_bytes(key, version).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::distribution::Distribution;
    use crate::workload::{Draw, arrivals};

    fn plan(reads: f64, absent: Option<Absent>) -> Plan {
        let arrivals = arrivals::Plan::Open(arrivals::Open::poisson(1000.0).unwrap());
        let size = Distribution::constant(100.0).unwrap();
        let mut plan = Plan::new(arrivals, Keys::uniform(1000).unwrap(), reads, size).unwrap();
        plan.absent = absent;
        plan
    }

    fn draws(plan: &Plan) -> Vec<Draw> {
        let mut workload = Workload::new(plan, Luck::new(7, 1));
        (0..20_000)
            .map(|index| workload.draw(index, index, None))
            .collect()
    }

    #[test]
    fn reads_of_absent_rows_take_the_place_of_some_reads_and_change_no_other_request() {
        let absent = Absent::new(0.2, Keys::uniform(1_000_000).unwrap(), 0.0).unwrap();
        let without = draws(&plan(0.9, None));
        let with = draws(&plan(0.9, Some(absent)));
        let mut replaced = 0;
        for (with, without) in with.iter().zip(&without) {
            if with.key & MARK == 0 {
                assert_eq!(with, without);
            } else {
                assert_eq!(with.operation, Operation::Read);
                assert_eq!(without.operation, Operation::Read);
                replaced += 1;
            }
        }
        // 18 000 reads, of which a fifth.
        assert!(f64::abs(f64::from(replaced) - 3600.0) < 200.0, "{replaced}");
    }

    #[test]
    fn a_row_that_did_not_exist_exists_from_its_first_write_on() {
        let plan = plan(0.5, None);
        let workload = Workload::new(&plan, Luck::new(7, 1));
        assert!(workload.value(absent_key(3), 0).is_absent);
        assert_eq!(workload.value(absent_key(3), 1), Value::from(100));
        assert_eq!(workload.value(3, 0), Value::from(100));
    }

    #[test]
    fn a_share_of_the_versions_are_deletions() {
        let mut plan = plan(0.5, None);
        plan.deletes = 0.25;
        let workload = Workload::new(&plan, Luck::new(7, 1));
        let deletions = (0..10_000).filter(|&key| workload.value(key, 1).is_absent);
        assert!(deletions.count().abs_diff(2500) < 150);
        assert!((0..10_000).all(|key| !workload.value(key, 0).is_absent));
        let first = (0..10_000).find(|&key| workload.value(key, 1).is_absent);
        assert!(workload.value(first.unwrap(), 1).is_absent, "and stays one");
    }
}
