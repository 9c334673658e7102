//! The log of misses: somebody who is told of each lookup in a tier that found nothing to answer it.

use std::cell::RefCell;
use std::fmt;

use crate::units::{Key, Nanoseconds};

/// A lookup that found nothing that would have answered it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miss {
    /// When the lookup had found nothing.
    pub at_ns: Nanoseconds,
    /// The tier, counted from the client.
    pub tier: usize,
    /// The key that was looked up.
    pub key: Key,
    /// What came of it: what the lookup counts as, or why it failed.
    pub outcome: &'static str,
    /// Who gave the answer, if there was one: a tier, or what lies below all of them.
    pub answered_by: Option<usize>,
    /// How long it took until there was an answer or none was to be had.
    pub fetch_ns: Nanoseconds,
}

/// Who is told of misses.
pub struct MissLog(RefCell<Box<dyn FnMut(Miss)>>);

impl MissLog {
    /// A log that `tell` is told by.
    #[must_use]
    pub fn new(tell: Box<dyn FnMut(Miss)>) -> Self {
        Self(RefCell::new(tell))
    }

    /// A lookup that had found nothing has come to its end.
    pub fn tell(&self, miss: Miss) {
        (self.0.borrow_mut())(miss);
    }
}

impl fmt::Debug for MissLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MissLog").finish_non_exhaustive()
    }
}
