//! Rows and their versions: what a copy knows of its age.
//!
//! Every write makes a new version, and the old one notes when that happened. A copy holds on to
//! its version, so the first newer commit is found in one step however old the copy is; a version
//! of which no copy is left is freed. Rows that were never written need no memory at all.
//!
//! A write-behind cache acknowledges a version before the database has it: a *draft*. It is
//! committed as far as readers are concerned, since somebody was told so, and it supersedes what was
//! there before; the database learns of it when it is flushed, or never, if it is lost.

use std::cell::Cell;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::metrics::{GIVEN_BY_FILTER, ReadOutcome};
use crate::units::{Key, KeyHash, NEVER, Nanoseconds};
use crate::workload::Value;

/// One version of one row, shared by its copies.
#[derive(Debug)]
pub(super) struct Version {
    number: u64,
    superseded_ns: Cell<Nanoseconds>,
    /// How many client writes it stands for in the books of the database; [`DRAFT`] as long as it is
    /// still to come.
    writes: Cell<u64>,
}

/// Which version a copy is of, for caches that keep the parts of a row in their own way.
#[derive(Clone, Debug)]
pub struct Edition(Option<Rc<Version>>);

impl Edition {
    /// The version's number: see [`Row::version`].
    #[must_use]
    pub fn number(&self) -> u64 {
        self.0.as_ref().map_or(0, |version| version.number)
    }
}

/// In place of the number of writes: of whoever holds the version, and not of the database yet.
const DRAFT: u64 = u64::MAX;

/// A copy of a row, or of the knowledge that there is none: which version it is, how old the copy is,
/// and how many bytes.
#[derive(Clone, Debug)]
pub struct Row {
    /// `None` for version 0: the row as it was before anybody wrote it.
    version: Option<Rc<Version>>,
    /// When the copy was true for sure: when the database read it, or when it was written.
    pub as_of_ns: Nanoseconds,
    /// Bytes of the value.
    pub bytes: u32,
    is_absent: bool,
    /// Who gave the copy: a tier, counted from the client, or [`Row::DATABASE`].
    pub given_by: u16,
    /// Whether the tiers above the one that gave it are not to keep it.
    pub stays_below: bool,
}

impl Row {
    /// What [`Row::given_by`] says of copies that no tier gave.
    pub const DATABASE: u16 = u16::MAX;

    /// A copy of that version that was true at `as_of_ns`, on its way from nobody yet.
    #[inline]
    #[must_use]
    pub fn of(edition: Edition, as_of_ns: Nanoseconds, bytes: u32, is_absent: bool) -> Self {
        Self {
            version: edition.0,
            as_of_ns,
            bytes,
            is_absent,
            given_by: Self::DATABASE,
            stays_below: false,
        }
    }

    /// Which version this is a copy of.
    #[inline]
    #[must_use]
    pub fn edition(&self) -> Edition {
        Edition(self.version.clone())
    }

    /// The version's number: how many writes came before it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.as_ref().map_or(0, |version| version.number)
    }

    /// Whether this says that there is no such row.
    #[inline]
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.is_absent
    }

    /// What a lookup is that has found this copy, unexpired.
    #[inline]
    #[must_use]
    pub fn outcome_of_hit(&self) -> ReadOutcome {
        if self.is_absent {
            ReadOutcome::NegativeHit
        } else {
            ReadOutcome::Hit
        }
    }

    /// That there was no such row at `as_of_ns`, by somebody who knows of no version but the first.
    #[must_use]
    pub fn denied(as_of_ns: Nanoseconds) -> Self {
        Self {
            version: None,
            as_of_ns,
            bytes: 0,
            is_absent: true,
            given_by: GIVEN_BY_FILTER,
            stays_below: false,
        }
    }

    /// The database has it, and whoever made it knows: from now on it stands for so many writes.
    pub(super) fn settle(&self, writes: u64) {
        if let Some(version) = &self.version {
            version.writes.set(writes);
        }
    }

    /// The client writes that are lost with it; `None` if whoever made it still sees to it. It
    /// stands for none afterwards.
    pub(super) fn lose(&self) -> Option<u64> {
        let version = self.version.as_ref()?;
        match version.writes.get() {
            DRAFT => None,
            writes => {
                version.writes.set(0);
                Some(writes)
            }
        }
    }
}

/// A row that was written at least once.
#[derive(Debug)]
struct Written {
    /// How many versions there have been, lost ones included.
    versions: u64,
    /// When version 0 was superseded.
    first_commit_ns: Nanoseconds,
    /// The newest that anybody was told of; `None` for version 0.
    newest: Option<Rc<Version>>,
    /// What the database has.
    stored: Option<Rc<Version>>,
}

/// All rows that were ever written.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    written: HashMap<Key, Written, KeyHash>,
}

impl Rows {
    /// A copy of what the database has; `value` tells what a version is made of.
    pub(crate) fn read<V: Into<Value>>(
        &self,
        key: Key,
        now_ns: Nanoseconds,
        value: impl FnOnce(u64) -> V,
    ) -> Row {
        let version = self
            .written
            .get(&key)
            .and_then(|written| written.stored.clone());
        let number = version.as_ref().map_or(0, |version| version.number);
        let value = value(number).into();
        Row {
            version,
            as_of_ns: now_ns,
            bytes: value.bytes,
            is_absent: value.is_absent,
            given_by: Row::DATABASE,
            stays_below: false,
        }
    }

    /// The rows that the database has a version of which is not the first, with its number; in no
    /// particular order.
    pub(super) fn stored(&self) -> impl Iterator<Item = (Key, u64)> + '_ {
        self.written.iter().filter_map(|(&key, written)| {
            let version = written.stored.as_ref()?;
            Some((key, version.number))
        })
    }

    /// Commits a new version in the database and returns a copy of it.
    pub(crate) fn write<V: Into<Value>>(
        &mut self,
        key: Key,
        now_ns: Nanoseconds,
        value: impl FnOnce(u64) -> V,
    ) -> Row {
        let row = self.draft(key, now_ns, value);
        row.settle(0);
        self.store(key, &row, now_ns);
        row
    }

    /// Makes a new version that the database does not have yet.
    pub(crate) fn draft<V: Into<Value>>(
        &mut self,
        key: Key,
        now_ns: Nanoseconds,
        value: impl FnOnce(u64) -> V,
    ) -> Row {
        let written = self.written.entry(key).or_insert(Written {
            versions: 0,
            first_commit_ns: NEVER,
            newest: None,
            stored: None,
        });
        written.versions += 1;
        let version = Rc::new(Version {
            number: written.versions,
            superseded_ns: Cell::new(NEVER),
            writes: Cell::new(DRAFT),
        });
        match written.newest.replace(version.clone()) {
            Some(older) => older.superseded_ns.set(now_ns),
            None => written.first_commit_ns = now_ns,
        }
        let value = value(version.number).into();
        Row {
            as_of_ns: now_ns,
            bytes: value.bytes,
            given_by: Row::DATABASE,
            stays_below: false,
            version: Some(version),
            is_absent: value.is_absent,
        }
    }

    /// The database takes a draft in, unless it has a newer version already: then the draft comes
    /// to nothing (the last writer wins), and the answer is no.
    pub(crate) fn store(&mut self, key: Key, row: &Row, now_ns: Nanoseconds) -> bool {
        let Some(written) = self.written.get_mut(&key) else {
            return false;
        };
        let stored = written.stored.as_ref().map_or(0, |version| version.number);
        if row.version() <= stored {
            return false;
        }
        written.stored.clone_from(&row.version);
        let newest = written.newest.as_ref().map_or(0, |version| version.number);
        if row.version() > newest {
            // It is there again, after a failover that lost what had followed it.
            match &written.newest {
                Some(older) => older.superseded_ns.set(now_ns),
                None => written.first_commit_ns = now_ns,
            }
            written.newest.clone_from(&row.version);
            if let Some(version) = &row.version {
                version.superseded_ns.set(NEVER);
            }
        }
        true
    }

    /// Whether what the database has is `row` or newer.
    pub(crate) fn has(&self, key: Key, row: &Row) -> bool {
        let stored = self.written.get(&key).and_then(|it| it.stored.as_ref());
        stored.map_or(0, |version| version.number) >= row.version()
    }

    /// The database has only `kept` of the row, an older version than it had: a failover lost what
    /// came after it. Whether the newest version that anybody was told of is lost with that.
    pub(crate) fn revert(&mut self, key: Key, kept: &Row, now_ns: Nanoseconds) -> bool {
        let Some(written) = self.written.get_mut(&key) else {
            return false;
        };
        let lost = std::mem::replace(&mut written.stored, kept.version.clone());
        let newest = written.newest.as_ref().map_or(0, |version| version.number);
        let Some(lost) = lost.filter(|lost| lost.number == newest) else {
            // Something newer waits in a write-behind cache.
            return false;
        };
        if lost.writes.get() == DRAFT {
            return false;
        }
        // Copies of it are of a row that is not the truth any more.
        lost.superseded_ns.set(now_ns);
        match &written.stored {
            Some(version) => version.superseded_ns.set(NEVER),
            None => written.first_commit_ns = NEVER,
        }
        written.newest.clone_from(&written.stored);
        true
    }

    /// A draft is gone for good. If nothing newer is known, what the database has is the truth
    /// again.
    pub(crate) fn lose(&mut self, key: Key, row: &Row) {
        let Some(written) = self.written.get_mut(&key) else {
            return;
        };
        let newest = written.newest.as_ref().map_or(0, |version| version.number);
        let stored = written.stored.as_ref().map_or(0, |version| version.number);
        if newest > row.version() || stored >= row.version() {
            return;
        }
        match &written.stored {
            Some(version) => version.superseded_ns.set(NEVER),
            None => written.first_commit_ns = NEVER,
        }
        written.newest.clone_from(&written.stored);
    }

    /// When the first version newer than `row` was committed; [`NEVER`] if it is the newest.
    #[inline]
    pub(crate) fn superseded_ns(&self, key: Key, row: &Row) -> Nanoseconds {
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
        let original = rows.read(7, 0, |version| version as u32);
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
        assert_eq!(rows.superseded_ns(7, &rows.read(7, 400, |_| 0)), NEVER);
        assert_eq!(rows.superseded_ns(8, &rows.read(8, 400, |_| 0)), NEVER);
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

    #[test]
    fn a_draft_supersedes_at_once_and_the_database_has_it_when_it_is_stored() {
        let mut rows = Rows::default();
        let original = rows.read(7, 0, |_| 0);
        let draft = rows.draft(7, 100, |_| 0);
        assert_eq!(rows.superseded_ns(7, &original), 100);
        let read = rows.read(7, 150, |_| 0);
        assert_eq!((read.version(), read.as_of_ns), (0, 150));
        assert_eq!(rows.superseded_ns(7, &read), 100);
        assert!(rows.store(7, &draft, 180));
        assert_eq!(rows.read(7, 200, |_| 0).version(), 1);
        assert_eq!(rows.superseded_ns(7, &draft), NEVER);
    }

    #[test]
    fn the_truth_before_a_lost_draft_is_the_truth_again() {
        let mut rows = Rows::default();
        let first = rows.write(7, 100, |_| 0);
        let draft = rows.draft(7, 200, |_| 0);
        assert_eq!(rows.superseded_ns(7, &first), 200);
        rows.lose(7, &draft);
        assert_eq!(rows.superseded_ns(7, &first), NEVER);
        // The number is not used again.
        assert_eq!(rows.write(7, 300, |_| 0).version(), 3);
        assert_eq!(rows.superseded_ns(7, &first), 300);

        let original = rows.read(8, 0, |_| 0);
        let draft = rows.draft(8, 100, |_| 0);
        rows.lose(8, &draft);
        assert_eq!(rows.superseded_ns(8, &original), NEVER);
    }

    #[test]
    fn the_last_writer_wins_over_a_draft_that_comes_late() {
        let mut rows = Rows::default();
        let draft = rows.draft(7, 100, |_| 0);
        let written = rows.write(7, 200, |_| 0);
        assert!(!rows.store(7, &draft, 250));
        assert_eq!(rows.read(7, 300, |_| 0).version(), 2);
        rows.lose(7, &draft);
        assert_eq!(rows.superseded_ns(7, &written), NEVER);
        assert_eq!(rows.superseded_ns(7, &draft), 200);
    }

    #[test]
    fn after_a_failover_what_was_kept_is_the_truth_again_and_what_was_lost_is_not() {
        let mut rows = Rows::default();
        let kept = rows.write(7, 100, |_| 0);
        let lost = rows.write(7, 200, |_| 0);
        assert_eq!(rows.superseded_ns(7, &kept), 200);
        assert!(rows.revert(7, &kept, 500));
        assert_eq!(rows.read(7, 600, |_| 0).version(), 1);
        assert_eq!(rows.superseded_ns(7, &kept), NEVER);
        assert_eq!(rows.superseded_ns(7, &lost), 500);
        assert_eq!(rows.write(7, 700, |_| 0).version(), 3);
        assert_eq!(rows.superseded_ns(7, &kept), 700);
    }

    #[test]
    fn a_draft_that_nobody_has_settled_is_not_lost_by_a_failover() {
        let mut rows = Rows::default();
        let original = rows.read(7, 0, |_| 0);
        let draft = rows.draft(7, 100, |_| 0);
        assert!(rows.store(7, &draft, 200));
        assert!(!rows.revert(7, &original, 300));
        assert_eq!(draft.lose(), None);
        assert!(!rows.has(7, &draft));
        assert_eq!(rows.superseded_ns(7, &original), 100);
        assert!(rows.store(7, &draft, 400));
        assert!(rows.has(7, &draft));
        draft.settle(3);
        assert_eq!((draft.lose(), draft.lose()), (Some(3), Some(0)));
    }

    #[test]
    fn a_draft_that_comes_back_is_newer_than_what_a_failover_kept() {
        let mut rows = Rows::default();
        let kept = rows.write(7, 100, |_| 0);
        let draft = rows.draft(7, 200, |_| 0);
        rows.store(7, &draft, 210);
        rows.write(7, 300, |_| 0);
        rows.revert(7, &kept, 500);
        assert_eq!(rows.superseded_ns(7, &kept), NEVER);
        assert!(rows.store(7, &draft, 600));
        assert_eq!(rows.superseded_ns(7, &kept), 600);
        assert_eq!(rows.superseded_ns(7, &draft), NEVER);
    }
}
