//! Update on write: what lies below first, then the new row is set in the cache.
//!
//! Known weakness: two writers can set in the other order than the database committed, and then
//! the older row stays until its TTL; sets that carry their version close this race.

use std::rc::Rc;
use std::sync::Arc;

use super::super::{Boxed, PatternRow, System, Write, WritePattern};
use crate::database::Row;
use crate::metrics::Failure;
use crate::tier::Filling;
use crate::workload::Request;

pub(crate) const ROW: PatternRow<Write> = PatternRow {
    name: "update",
    parameters: &[],
    meaning: "the app writes to what lies below, then sets the new row in the cache",
    source: "why Nishtala et al., NSDI 2013, section 2, delete instead",
    build: |_| Ok(Arc::new(Update)),
};

/// See the module's text.
#[derive(Debug)]
struct Update;

impl WritePattern for Update {
    fn write<'a>(
        &'a self,
        system: &'a Rc<System>,
        request: &'a Request,
        level: usize,
    ) -> Boxed<'a, Row> {
        Box::pin(write(system, request, level))
    }
}

async fn write(system: &Rc<System>, request: &Request, level: usize) -> Result<Row, Failure> {
    let row = system.write_below(request, level + 1).await?;
    let layer = &system.layers[level];
    // A set that the node refuses is lost: the entry stays as it was until its TTL.
    if let Ok(true) = layer.tier.set(request, &row, Filling::Written).await {
        layer.stored(request, &row);
    }
    Ok(row)
}
