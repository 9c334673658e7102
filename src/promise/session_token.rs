//! Session token: a session carries, for each row, the newest version that it has written or seen,
//! and a copy that is older counts as a miss. That is read-your-writes and monotonic reads, and only
//! those who would notice an old copy pay for a fetch.
//!
//! Known weakness: the token grows with what a session has met, and has to travel with it. If an
//! acknowledged write is lost, nothing satisfies its token any more: each read of that row by that
//! session goes to the database until somebody writes it again.

use super::{Known, Plan, PromiseRow};
use crate::database::Row;

pub(super) const ROW: PromiseRow = PromiseRow {
    name: "session-token",
    parameters: &[],
    meaning: "a copy that is older than what the session has written or seen of the row counts as a miss",
    source: "Terry et al., \"Session Guarantees for Weakly Consistent Replicated Data\", PDIS 1994, section 5",
    build: |_| Ok(Plan::SessionToken),
};

pub(super) fn accepts(known: Known, row: &Row) -> bool {
    row.version() >= known.written.max(known.seen)
}
