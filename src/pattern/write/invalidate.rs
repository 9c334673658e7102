//! Invalidate on write: what lies below first, then the entry is deleted.
//!
//! Known weakness: between commit and delete, and when a slow fill overtakes the delete, readers
//! see the old row until its TTL ends.

use std::rc::Rc;
use std::sync::Arc;

use super::super::{Boxed, PatternRow, System, Write, WritePattern};
use crate::database::Row;
use crate::metrics::Failure;
use crate::tier::Exchange;
use crate::workload::Request;

pub(crate) const ROW: PatternRow<Write> = PatternRow {
    name: "invalidate",
    parameters: &[],
    meaning: "the app writes to what lies below, then deletes the entry",
    source: "Nishtala et al., NSDI 2013, section 2",
    build: |_| Ok(Arc::new(Invalidate)),
};

/// See the module's text.
#[derive(Debug)]
struct Invalidate;

impl WritePattern for Invalidate {
    fn write<'a>(
        &'a self,
        system: &'a Rc<System>,
        request: &'a Request,
        level: usize,
    ) -> Boxed<'a, Row> {
        Box::pin(write(system, request, level))
    }

    fn deletes(&self) -> bool {
        true
    }
}

async fn write(system: &Rc<System>, request: &Request, level: usize) -> Result<Row, Failure> {
    let row = system.write_below(request, level + 1).await?;
    // A delete that the node refuses is lost: the entry stays until its TTL.
    let tier = &system.layers[level].tier;
    let _ = tier.delete(Exchange::Delete, request, Some(&row)).await;
    Ok(row)
}
