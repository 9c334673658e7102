//! Cache-aside reads where hot keys have copies: any copy of the row, filled by its own miss.

use std::rc::Rc;

use super::super::System;
use super::aside;
use crate::defence::Answer;
use crate::metrics::Failure;
use crate::workload::Request;

/// Reads from tier `level` on, from the app's side.
pub(crate) async fn read(
    system: &Rc<System>,
    request: &Request,
    level: usize,
) -> Result<Answer, Failure> {
    let tier = &system.layers[level].tier;
    let request = tier.to_any_copy(request);
    tier.note_copy_read(&request);
    aside::read(system, &request, level).await
}
