//! Which rows exist at present, for whoever wants to know without a query.

use super::{Database, Rows};
use crate::units::Key;

impl Database {
    /// Whether the database has a row of `key` at present.
    #[must_use]
    pub fn exists(&self, key: Key) -> bool {
        !self.row(key).is_absent()
    }

    /// Tells `visit` of each row that was ever written and is in the database, and whether what is
    /// there now is its deletion; in no particular order.
    pub fn for_each_written(&self, mut visit: impl FnMut(Key, bool)) {
        let workload = self.workload.borrow();
        for (key, version) in Rows::stored(&self.rows.borrow()) {
            visit(key, workload.value(key, version).is_absent);
        }
    }
}
