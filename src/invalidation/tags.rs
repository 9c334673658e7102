//! Tags, or a graph of dependencies: each entry is tagged with the rows that its value was derived
//! from, and a write of one of them deletes them all.
//!
//! Which rows are derived from which is the workload's to say (`workload.dependents`); they change
//! when the row does, whether or not anybody tells the caches. The deletes are sent all at once, and
//! the writer does not wait for them.
//!
//! Known weakness: one write may delete very many entries, most of them perhaps not resident, and
//! what is asked for next misses.

use super::{InvalidationRow, Parts, Plan};
use crate::database::Row;
use crate::kernel::Label;
use crate::tier::Exchange;
use crate::workload::Request;

pub(super) const ROW: InvalidationRow = InvalidationRow {
    name: "tags",
    parameters: &[],
    meaning: "a write also deletes the entries of all rows that are derived from the written one, as `workload.dependents` says",
    source: "data update propagation, Challenger, Iyengar and Dantzig, INFOCOM 1999; surrogate keys of content delivery networks",
    build: |_| Ok(Plan::Tags),
};

/// Deletes what depends on what was written.
#[derive(Debug)]
pub(super) struct Tags(Parts);

impl Tags {
    pub(super) fn new(parts: &Parts) -> Self {
        Self(parts.clone())
    }

    /// The request has written its row: the entries of its dependents are deleted, and `tell` is
    /// told of each.
    pub(super) fn committed(&self, request: &Request, tell: impl Fn(&Request, &Row)) {
        let Parts {
            tier,
            database,
            kernel,
            ..
        } = &self.0;
        for key in database.dependents(request.key) {
            let request = request.about(key);
            let row = database.row(key);
            tell(&request, &row);
            let tier = tier.clone();
            let label = Label {
                kind: "delete of dependent",
                number: key,
            };
            kernel.spawn(label, async move {
                let _ = tier.delete(Exchange::Delete, &request, Some(&row)).await;
            });
        }
    }
}
