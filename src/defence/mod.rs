//! Stampede defences: what happens when many requests miss one key together.

/// A defence as checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Every miss fetches for itself.
    None,
    /// Of the misses of one key in one app instance, one fetches and the others wait for it.
    SingleFlight,
}
