//! A request on its way through the system.

use crate::units::{Key, Nanoseconds};

/// What every part of the system may know of the request that it works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The request's number: all its luck depends on it.
    pub index: u64,
    /// The app instance that works on it.
    pub instance: u32,
    /// The row that it is about.
    pub key: Key,
    /// When it was issued.
    pub issued_ns: Nanoseconds,
}
