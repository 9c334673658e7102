//! Write-around: what lies below only. The cache learns of nothing, so rows that nobody reads do
//! not fill it; an entry that is there stays as it was until its TTL ends, or is deleted without
//! the writer waiting for it.
//!
//! Known weakness: an entry is stale for what is left of its TTL.

use std::rc::Rc;
use std::sync::Arc;

use super::super::{Boxed, PatternRow, System, Write, WritePattern};
use crate::database::Row;
use crate::metrics::Failure;
use crate::tier::Exchange;
use crate::workload::Request;
use crate::workload::parameters::{Kind, Parameter};

pub(crate) const ROW: PatternRow<Write> = PatternRow {
    name: "around",
    parameters: &[Parameter::optional(
        "delete",
        Kind::Switch,
        "whether the entry is deleted, without the writer waiting for that; false if nothing is said: it stays until its TTL ends",
    )],
    meaning: "the app writes to what lies below only",
    source: "write-around, as opposed to write-allocate: Jouppi, ISCA 1993, section 3",
    build: |arguments| {
        Ok(Arc::new(Around {
            delete: arguments.switch("delete", false)?,
        }))
    },
};

/// See the module's text.
#[derive(Debug)]
struct Around {
    /// Whether the entry is deleted without waiting for it.
    delete: bool,
}

impl WritePattern for Around {
    fn write<'a>(
        &'a self,
        system: &'a Rc<System>,
        request: &'a Request,
        level: usize,
    ) -> Boxed<'a, Row> {
        Box::pin(write(system, request, level, self.delete))
    }

    fn deletes(&self) -> bool {
        self.delete
    }
}

async fn write(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    delete: bool,
) -> Result<Row, Failure> {
    let row = system.write_below(request, level + 1).await?;
    if delete {
        let request = *request;
        let committed = row.clone();
        let fork = system.meter.beside("delete", request.key);
        system.spawn_in_instance(
            fork,
            "delete by request",
            &request,
            async move |system: Rc<System>| {
                let tier = &system.layers[level].tier;
                let _ = tier
                    .delete(Exchange::Delete, &request, Some(&committed))
                    .await;
            },
        );
    }
    Ok(row)
}
