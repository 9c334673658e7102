//! A request on its way through the system.

use crate::random::mix;
use crate::units::{Key, Nanoseconds};

/// What every part of the system may know of the request that it works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The request's number: all its luck depends on it.
    pub index: u64,
    /// The app instance that works on it.
    pub instance: u32,
    /// The client that made it, who is to see its own writes; 0 where clients have no identity.
    pub session: u32,
    /// The row that it is about.
    pub key: Key,
    /// When it was issued.
    pub issued_ns: Nanoseconds,
    /// Whether the answer must not be stale.
    pub must_be_fresh: bool,
}

impl Request {
    /// Work that follows from this request, with luck of its own: `reason` tells several such from
    /// one another.
    #[must_use]
    pub fn derived(&self, reason: u64) -> Self {
        // Far above the numbers of requests proper.
        let index = 1 << 63 | mix(self.index.wrapping_add(mix(reason))) >> 1;
        Self { index, ..*self }
    }

    /// As [`Request::derived`], about another row.
    #[must_use]
    pub fn about(&self, key: Key) -> Self {
        Self {
            key,
            ..self.derived(key)
        }
    }
}
