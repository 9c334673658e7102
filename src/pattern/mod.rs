//! Patterns: how a cache is filled and what a write does.

/// A pair of a read pattern and a write pattern, as checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How reads fill the cache.
    pub read: Read,
    /// What a write does.
    pub write: Write,
}

/// Read patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The app conducts: get, query, set.
    Aside,
}

/// Write patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Database first, then delete from the cache.
    Invalidate,
}
