//! Where something was written: files and command-line settings, and places in them.
//!
//! Not here: how an error about a place looks (`problem`).

use std::sync::Arc;

/// A text that values come from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The file's path as given, or what stands for it.
    pub(super) name: String,
    pub(super) text: Arc<str>,
}

/// The texts of one scenario; a [`Span`] points into one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    all: Vec<Source>,
}

/// A range of bytes of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Span {
    pub(super) source: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Sources {
    /// Adds a text and returns its number.
    pub(super) fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>) -> usize {
        self.all.push(Source {
            name: name.into(),
            text: text.into(),
        });
        self.all.len() - 1
    }

    pub(super) fn get(&self, number: usize) -> &Source {
        &self.all[number]
    }
}
