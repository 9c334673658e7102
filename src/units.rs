//! Plain quantities that every module shares: keys, instants and amounts, without their spelling.
//!
//! How quantities are written in a scenario (`"60s"`, `"1GiB"`, `"10k/s"`) is in `scenario`.

/// The number of a row. Keys of traces are 64-bit too: numeric ones as they are, others hashed.
pub type Key = u64;

/// An instant or a duration of simulated time, in nanoseconds.
pub type Nanoseconds = u64;

/// One second in [`Nanoseconds`].
pub const SECOND_NS: Nanoseconds = 1_000_000_000;

/// An instant that never comes.
pub const NEVER: Nanoseconds = Nanoseconds::MAX;
