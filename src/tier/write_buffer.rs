//! What a write-behind node has acknowledged and the database does not have yet.
//!
//! Entries of the buffer are outside the cache proper, so eviction cannot lose them. Writes of one
//! key coalesce: what is flushed is the newest version, and it stands for all of them.
//!
//! Not here: when a buffer is flushed (see `pattern`).

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::database::Row;
use crate::units::{Key, KeyHash};

/// Writes of one key that wait for their flush.
#[derive(Clone, Debug)]
pub struct Dirty {
    /// The key.
    pub key: Key,
    /// The newest version.
    pub row: Row,
    /// How many client writes it stands for, at least 1.
    pub writes: u64,
    /// The request that made the newest version: its luck is the flush's.
    pub index: u64,
}

/// The buffer of one node.
#[derive(Debug, Default)]
pub(super) struct WriteBuffer {
    /// Waiting, or taken for a flush that is still under way.
    dirty: HashMap<Key, Dirty, KeyHash>,
    /// Keys in the order in which they became dirty.
    order: VecDeque<Key>,
    /// Taken, and not yet in the database.
    in_flight: HashMap<Key, Dirty, KeyHash>,
}

impl WriteBuffer {
    /// Adds one write or, after a flush that failed, all that one stands for. Something newer that
    /// waits already stays the newest.
    pub(super) fn add(&mut self, dirty: Dirty) {
        match self.dirty.get_mut(&dirty.key) {
            Some(waiting) => {
                waiting.writes += dirty.writes;
                if dirty.row.version() > waiting.row.version() {
                    waiting.row = dirty.row;
                    waiting.index = dirty.index;
                }
            }
            None => {
                self.order.push_back(dirty.key);
                self.dirty.insert(dirty.key, dirty);
            }
        }
    }

    /// The newest version of `key` that the database may not have yet.
    pub(super) fn row(&self, key: Key) -> Option<&Row> {
        let waiting = self.dirty.get(&key);
        let dirty = waiting.or_else(|| self.in_flight.get(&key))?;
        Some(&dirty.row)
    }

    /// Keys that wait for a flush.
    pub(super) fn len(&self) -> usize {
        self.dirty.len()
    }

    /// Client writes that the database does not have yet.
    pub(super) fn writes(&self) -> u64 {
        let of = |buffer: &HashMap<Key, Dirty, KeyHash>| -> u64 {
            buffer.values().map(|dirty| dirty.writes).sum()
        };
        of(&self.dirty) + of(&self.in_flight)
    }

    /// Takes the key that has been dirty for longest, for a flush that must be ended by
    /// [`WriteBuffer::flushed`]. A key whose last flush is still under way waits for its end, so
    /// that versions reach the database in order.
    pub(super) fn take(&mut self) -> Option<Dirty> {
        let ready = |key: &Key| !self.in_flight.contains_key(key);
        let position = self.order.iter().position(ready)?;
        let key = self.order.remove(position)?;
        let dirty = self.dirty.remove(&key)?;
        self.in_flight.insert(key, dirty.clone());
        Some(dirty)
    }

    /// A flush has ended, well or not. What it was about; nothing if a crash took it away.
    pub(super) fn flushed(&mut self, key: Key) -> Option<Dirty> {
        self.in_flight.remove(&key)
    }

    /// Takes out all that waits, in the order in which it became dirty. What is on its way to the
    /// database stays.
    pub(super) fn drain(&mut self) -> Vec<Dirty> {
        let order = std::mem::take(&mut self.order);
        let mut dirty = std::mem::take(&mut self.dirty);
        order.iter().filter_map(|key| dirty.remove(key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> impl FnMut(Key) -> Row {
        let mut rows = crate::database::Rows::default();
        move |key| rows.draft(key, 0, |_| 10)
    }

    fn dirty(key: Key, row: Row) -> Dirty {
        Dirty {
            key,
            row,
            writes: 1,
            index: 0,
        }
    }

    #[test]
    fn writes_of_one_key_coalesce_into_the_newest() {
        let mut draft = rows();
        let mut buffer = WriteBuffer::default();
        buffer.add(dirty(1, draft(1)));
        buffer.add(dirty(2, draft(2)));
        buffer.add(dirty(1, draft(1)));
        assert_eq!((buffer.len(), buffer.writes()), (2, 3));
        let first = buffer.take().unwrap();
        assert_eq!((first.key, first.row.version(), first.writes), (1, 2, 2));
        // Until the database has it, the buffer knows it.
        assert_eq!(buffer.row(1).unwrap().version(), 2);
        assert_eq!((buffer.len(), buffer.writes()), (1, 3));
        buffer.flushed(1);
        assert!(buffer.row(1).is_none());
        assert_eq!(buffer.writes(), 1);
    }

    #[test]
    fn versions_of_one_key_are_flushed_one_after_the_other() {
        let mut draft = rows();
        let mut buffer = WriteBuffer::default();
        buffer.add(dirty(1, draft(1)));
        assert_eq!(buffer.take().unwrap().row.version(), 1);
        buffer.add(dirty(1, draft(1)));
        assert!(buffer.take().is_none());
        assert_eq!(buffer.row(1).unwrap().version(), 2);
        buffer.flushed(1);
        assert_eq!(buffer.take().unwrap().row.version(), 2);
    }

    #[test]
    fn a_flush_that_failed_comes_back_without_hiding_what_is_newer() {
        let mut draft = rows();
        let mut buffer = WriteBuffer::default();
        buffer.add(dirty(1, draft(1)));
        buffer.take();
        buffer.add(dirty(1, draft(1)));
        let failed = buffer.flushed(1).unwrap();
        buffer.add(failed);
        assert_eq!(buffer.writes(), 2);
        let again = buffer.take().unwrap();
        assert_eq!((again.row.version(), again.writes), (2, 2));
    }

    #[test]
    fn a_crash_takes_what_waits_and_leaves_what_is_on_its_way() {
        let mut draft = rows();
        let mut buffer = WriteBuffer::default();
        buffer.add(dirty(1, draft(1)));
        buffer.take();
        buffer.add(dirty(3, draft(3)));
        buffer.add(dirty(2, draft(2)));
        let lost: Vec<Key> = buffer.drain().iter().map(|dirty| dirty.key).collect();
        assert_eq!(lost, [3, 2]);
        assert_eq!(buffer.writes(), 1);
        assert!(buffer.flushed(1).is_some());
    }
}
