//! What follows when a tier has nothing fresh: a stale copy if the tier may still serve it, else a
//! fetch from below under the tier's defence, and a stale copy again if that fails.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashSet;

use super::{Layer, Read, System, read};
use crate::defence::Answer;
use crate::metrics::{Failure, ReadOutcome};
use crate::tier::{Filling, Stale};
use crate::units::{Key, KeyHash};
use crate::workload::Request;

/// The entries that are being fetched anew in the background, by who fetches and key.
#[derive(Debug, Default)]
pub(super) struct Revalidations(RefCell<HashSet<(u32, Key), KeyHash>>);

/// Answers a request that found nothing fresh in tier `level`. A fetch is shared, if at all, by the
/// `sharers`: an app instance, or a node of a tier that loads by itself.
pub(super) async fn fetch(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    sharers: u32,
    stale: Option<Stale>,
) -> Result<Answer, Failure> {
    let layer = &system.layers[level];
    let ttl = layer.tier.plan().ttl.unwrap_or_default();
    let servable = |stale: Stale| Answer {
        row: stale.row,
        outcome: ReadOutcome::StaleHit,
    };
    if let Some(stale) = &stale
        && stale.past_ns < ttl.stale_while_revalidate_ns
    {
        layer.tier.note(ReadOutcome::StaleHit);
        revalidate(system, request, level, sharers);
        return Ok(servable(stale.clone()));
    }
    let loading = load(system, request, level, Filling::Asked);
    let answer = layer
        .defence
        .fetch(&layer.tier, sharers, request, loading)
        .await;
    let answer = match answer {
        Ok(answer) if system.is_forbidden(request, &answer) => {
            load(system, request, level, Filling::Asked).await
        }
        answer => answer,
    };
    match (answer, stale) {
        (Err(_), Some(stale)) if stale.past_ns < ttl.stale_if_error_ns => Ok(servable(stale)),
        (answer, _) => answer,
    }
}

/// Fetches from below and stores, as the read pattern has it.
pub(super) async fn load(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    filling: Filling,
) -> Result<Answer, Failure> {
    match system.layers[level].pattern.read {
        Read::Aside => read::aside::load(system, request, level, filling).await,
        Read::Through => read::through::load(system, request, level, filling).await,
    }
}

/// Fetches an entry anew in the background, unless the same sharers do so already.
fn revalidate(system: &Rc<System>, request: &Request, level: usize, sharers: u32) {
    let request = *request;
    let under_way = (sharers, request.key);
    let revalidations = &system.layers[level].revalidations.0;
    if !revalidations.borrow_mut().insert(under_way) {
        return;
    }
    system.spawn(
        "revalidation by request",
        request.index,
        async move |system| {
            // Should it fail, the next request tries again.
            let _ = load(&system, &request, level, Filling::Asked).await;
            let revalidations = &system.layers[level].revalidations.0;
            revalidations.borrow_mut().remove(&under_way);
        },
    );
}

impl Layer {
    /// The entry of the request's key was stored by this layer's pattern.
    pub(super) fn stored(&self, request: &Request) {
        if let Some(refresher) = &self.refresher {
            refresher.stored(&self.tier, request);
        }
    }
}
