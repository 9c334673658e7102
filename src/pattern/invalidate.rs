//! Invalidate on write: the database first, then the entry is deleted from every tier.
//!
//! Known weakness: between commit and delete, and when a slow fill overtakes the delete, readers
//! see the old row until its TTL ends.

use super::System;
use crate::metrics::Failure;
use crate::workload::Request;

pub(super) async fn write(system: &System, request: &Request) -> Result<(), Failure> {
    system.database.write(request.index, request.key).await?;
    // From the database upwards, so that no tier can be filled again from an old one below it.
    for layer in system.layers.iter().rev() {
        // A delete that the node refuses is lost: the entry stays until its TTL.
        let _ = layer.tier.delete(request).await;
    }
    Ok(())
}
