//! Cache-aside reads under versioned keys: the version first, then the entry of that version.

use std::rc::Rc;

use super::super::System;
use super::aside;
use crate::defence::Answer;
use crate::metrics::Failure;
use crate::tier::Exchange;
use crate::workload::Request;

/// Reads from tier `level` on, from the app's side.
pub(crate) async fn read(
    system: &Rc<System>,
    request: &Request,
    level: usize,
) -> Result<Answer, Failure> {
    let tier = &system.layers[level].tier;
    // Without a version nobody knows what to ask for, or to set.
    let visit = match tier.visit(Exchange::Version, request).await {
        Ok(visit) => visit,
        Err(unreachable) if tier.is_fatal(unreachable) => return Err(Failure::Unavailable),
        Err(_) => return system.read_below(request, level + 1).await,
    };
    let version = tier.version_of(visit.node(), request.key);
    tier.leave(visit).await;
    aside::read(system, &request.of_version(version), level).await
}
