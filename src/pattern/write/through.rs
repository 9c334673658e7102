//! Write-through: the app hands the write to the tier, which writes to what lies below and to
//! itself before it answers. Both must succeed.
//!
//! The tier locks the key meanwhile: reads of it that come through the tier wait, and so do other
//! writes, so nobody sees the old row after the new one was committed.
//!
//! Known weakness: every write pays for the database, and rows that nobody reads fill the cache.

use std::rc::Rc;
use std::sync::Arc;

use super::super::{Boxed, PatternRow, System, Write, WritePattern};
use crate::database::Row;
use crate::metrics::Failure;
use crate::tier::{Exchange, Filling};
use crate::workload::Request;

pub(crate) const ROW: PatternRow<Write> = PatternRow {
    name: "through",
    parameters: &[],
    meaning: "the tier writes to what lies below and to itself, then answers: both must succeed",
    source: "JSR 107 (JCache), write-through caching",
    build: |_| Ok(Arc::new(Through)),
};

/// See the module's text.
#[derive(Debug)]
struct Through;

impl WritePattern for Through {
    fn write<'a>(
        &'a self,
        system: &'a Rc<System>,
        request: &'a Request,
        level: usize,
    ) -> Boxed<'a, Row> {
        Box::pin(write(system, request, level))
    }

    fn goes_through(&self) -> bool {
        true
    }
}

async fn write(system: &Rc<System>, request: &Request, level: usize) -> Result<Row, Failure> {
    let layer = &system.layers[level];
    let tier = &layer.tier;
    let Ok(visit) = tier.visit(Exchange::Write, request).await else {
        return Err(Failure::Unavailable);
    };
    let lock = tier.lock(visit.node(), request.key).await;
    let below = tier.from_here(request);
    let outcome = system.write_below(&below, level + 1).await;
    if let Ok(row) = &outcome {
        // Refused, the new row is not stored; the old one goes all the same.
        let _ = tier.receive(visit.node(), row, Filling::Written).await;
    }
    // A write that failed may have been committed all the same, so the entry is not to be trusted; but
    // not one that was refused, or refused writes would make loads begin anew for ever.
    if !outcome.as_ref().is_err_and(|failure| failure.is_refusal()) {
        tier.drop_copy(visit.node(), request.key, outcome.as_ref().ok());
    }
    if let Ok(row) = &outcome
        && tier.store(visit.node(), request, row, Filling::Written)
    {
        layer.stored(request, row);
    }
    drop(lock);
    // Whatever becomes of the node, the database has the row.
    let _ = tier.replicated(visit.node()).await;
    let is_lost = visit.is_lost();
    tier.leave(visit).await;
    if is_lost {
        return Err(Failure::Unavailable);
    }
    outcome
}
