//! Rows and their versions: what a copy knows of its age.
//!
//! Every write makes a new version, and the old one notes when that happened. A copy holds on to
//! its version, so the first newer commit is found in one step however old the copy is; a version
//! of which no copy is left is freed. Rows that were never written need no memory at all.

use std::cell::Cell;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::units::{Key, KeyHash, NEVER, Nanoseconds};

/// One version of one row, shared by its copies.
#[derive(Debug)]
pub(super) struct Version {
    number: u64,
    superseded_ns: Cell<Nanoseconds>,
}

/// A copy of a row: which version it is, and how many bytes.
#[derive(Clone, Debug)]
pub struct Row {
    /// `None` for version 0: the row as it was before anybody wrote it.
    version: Option<Rc<Version>>,
    /// Bytes of the value.
    pub bytes: u32,
}

impl Row {
    /// The version's number: how many writes came before it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.as_ref().map_or(0, |version| version.number)
    }
}

/// A row that was written at least once.
#[derive(Debug)]
struct Written {
    first_commit_ns: Nanoseconds,
    newest: Rc<Version>,
}

/// All rows that were ever written.
#[derive(Debug, Default)]
pub(super) struct Rows {
    written: HashMap<Key, Written, KeyHash>,
}

impl Rows {
    /// A copy of the newest version; `bytes` tells the size of a version's value.
    pub(super) fn read(&self, key: Key, bytes: impl FnOnce(u64) -> u32) -> Row {
        let version = self.written.get(&key).map(|written| written.newest.clone());
        let number = version.as_ref().map_or(0, |version| version.number);
        Row {
            version,
            bytes: bytes(number),
        }
    }

    /// Commits a new version and returns a copy of it.
    pub(super) fn write(
        &mut self,
        key: Key,
        now_ns: Nanoseconds,
        bytes: impl FnOnce(u64) -> u32,
    ) -> Row {
        let fresh = |number| {
            Rc::new(Version {
                number,
                superseded_ns: Cell::new(NEVER),
            })
        };
        let written = self
            .written
            .entry(key)
            .and_modify(|written| {
                written.newest.superseded_ns.set(now_ns);
                written.newest = fresh(written.newest.number + 1);
            })
            .or_insert_with(|| Written {
                first_commit_ns: now_ns,
                newest: fresh(1),
            });
        let version = written.newest.clone();
        let bytes = bytes(version.number);
        Row {
            version: Some(version),
            bytes,
        }
    }

    /// When the first version newer than `row` was committed; [`NEVER`] if it is the newest.
    #[inline]
    pub(super) fn superseded_ns(&self, key: Key, row: &Row) -> Nanoseconds {
        match &row.version {
            Some(version) => version.superseded_ns.get(),
            None if self.written.is_empty() => NEVER,
            None => self
                .written
                .get(&key)
                .map_or(NEVER, |written| written.first_commit_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_knows_its_first_newer_commit_however_many_follow() {
        let mut rows = Rows::default();
        let original = rows.read(7, |version| version as u32);
        assert_eq!(rows.superseded_ns(7, &original), NEVER);
        let first = rows.write(7, 100, |version| version as u32);
        let second = rows.write(7, 250, |version| version as u32);
        rows.write(7, 300, |version| version as u32);
        assert_eq!(
            (original.version(), first.version(), second.version()),
            (0, 1, 2)
        );
        assert_eq!((original.bytes, first.bytes, second.bytes), (0, 1, 2));
        assert_eq!(rows.superseded_ns(7, &original), 100);
        assert_eq!(rows.superseded_ns(7, &first), 250);
        assert_eq!(rows.superseded_ns(7, &second), 300);
        assert_eq!(rows.superseded_ns(7, &rows.read(7, |_| 0)), NEVER);
        assert_eq!(rows.superseded_ns(8, &rows.read(8, |_| 0)), NEVER);
    }

    #[test]
    fn a_version_without_copies_is_freed() {
        let mut rows = Rows::default();
        let first = rows.write(7, 100, |_| 0);
        let kept = Rc::downgrade(first.version.as_ref().unwrap());
        rows.write(7, 200, |_| 0);
        assert!(kept.upgrade().is_some());
        drop(first);
        assert!(kept.upgrade().is_none());
    }
}
