//! Double delete: delete, write to what lies below, wait, delete again.
//!
//! The second delete takes out what a fill that was under way put back after the first; the wait
//! must be longer than such a fill takes. The writer does not wait for it.
//!
//! Known weakness: it is a bet on the wait, and until the second delete readers may see the old row.

use std::rc::Rc;
use std::sync::Arc;

use super::super::{Boxed, PatternRow, System, Write, WritePattern};
use crate::database::Row;
use crate::metrics::Failure;
use crate::tier::Exchange;
use crate::units::SECOND_NS;
use crate::workload::Request;
use crate::workload::parameters::{Kind, Parameter};

pub(crate) const ROW: PatternRow<Write> = PatternRow {
    name: "double-delete",
    parameters: &[Parameter::optional(
        "wait",
        Kind::Duration,
        "time between the write and the second delete; 1s if nothing is said",
    )],
    meaning: "the app deletes the entry, writes to what lies below, waits, and deletes again",
    source: "common practice (\"delayed double delete\")",
    build: |arguments| {
        let wait = arguments.optional("wait")?;
        Ok(Arc::new(DoubleDelete {
            wait_ns: wait.map_or(SECOND_NS, |wait_ns| wait_ns.round() as u64),
        }))
    },
};

/// See the module's text.
#[derive(Debug)]
struct DoubleDelete {
    /// How long after the write the second delete is sent.
    wait_ns: u64,
}

impl WritePattern for DoubleDelete {
    fn write<'a>(
        &'a self,
        system: &'a Rc<System>,
        request: &'a Request,
        level: usize,
    ) -> Boxed<'a, Row> {
        Box::pin(write(system, request, level, self.wait_ns))
    }

    fn deletes(&self) -> bool {
        true
    }
}

async fn write(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    wait_ns: u64,
) -> Result<Row, Failure> {
    let tier = &system.layers[level].tier;
    let _ = tier.delete(Exchange::DeleteBefore, request, None).await;
    let row = system.write_below(request, level + 1).await?;
    let request = *request;
    let committed = row.clone();
    let fork = system.meter.beside("second_delete", request.key);
    system.spawn_in_instance(
        fork,
        "second delete by request",
        &request,
        async move |system: Rc<System>| {
            system.kernel.sleep(wait_ns).await;
            let tier = &system.layers[level].tier;
            let _ = tier
                .delete(Exchange::Delete, &request, Some(&committed))
                .await;
        },
    );
    Ok(row)
}
