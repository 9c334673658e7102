//! What follows when a tier has nothing fresh: a stale copy if the tier may still serve it, else a
//! fetch from below under the tier's defence, and a stale copy again if that fails.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use hashbrown::HashSet;

use super::{Layer, Read, System, read};
use crate::database::Row;
use crate::defence::Answer;
use crate::metrics::{Failure, ReadOutcome};
use crate::tier::{Filling, Stale, TimeToLive};
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
        let known = stale.known(&ttl);
        revalidate(system, request, level, sharers, known);
        return Ok(servable(stale.clone()));
    }
    let known = stale.as_ref().and_then(|stale| stale.known(&ttl));
    let has_loaded = Cell::new(false);
    let loading = async {
        let answer = load(system, request, level, Filling::Asked, known).await;
        has_loaded.set(true);
        answer
    };
    let mut answer = layer
        .defence
        .fetch(&layer.tier, sharers, request, loading)
        .await;
    // What somebody else's fetch gave was had here, wherever that came from.
    if let Ok(answer) = &mut answer
        && !has_loaded.get()
    {
        answer.row.given_by = level as u16;
        answer.row.stays_below = false;
    }
    let answer = match answer {
        Ok(answer) if system.is_forbidden(request, &answer) => {
            load(system, request, level, Filling::Asked, None).await
        }
        answer => answer,
    };
    match (answer, stale) {
        (Err(_), Some(stale)) if stale.past_ns < ttl.stale_if_error_ns => Ok(servable(stale)),
        (answer, _) => answer,
    }
}

impl Stale {
    /// The copy, if it is kept for a conditional query to confirm it.
    fn known(&self, ttl: &TimeToLive) -> Option<Row> {
        (self.past_ns < ttl.revalidate_ns).then(|| self.row.clone())
    }
}

/// Fetches from below and stores, as the read pattern has it. With a `known` copy the fetch is a
/// conditional one.
pub(super) async fn load(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    filling: Filling,
    known: Option<Row>,
) -> Result<Answer, Failure> {
    match system.layers[level].pattern.read {
        Read::Aside | Read::Versioned | Read::Copied => {
            read::aside::load(system, request, level, filling, known).await
        }
        Read::Through => read::through::load(system, request, level, filling, known).await,
    }
}

/// Asks what lies below tier `level` for the row, or only whether it is still the `known` one.
pub(super) async fn ask_below(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    known: Option<&Row>,
) -> Result<Answer, Failure> {
    let Some(known) = known else {
        return system.read_below(request, level + 1).await;
    };
    let layer = &system.layers[level];
    let is_measuring = system.meter.is_measuring();
    if is_measuring {
        layer.tier.counts().revalidations_sent.increment();
    }
    let answer = if level + 1 < system.layers.len() {
        // A tier saves the bytes; whether it has to ask in its turn is its own business.
        system.read_below(request, level + 1).await?
    } else {
        let request = request.of_row();
        let service_time = layer.invalidator.not_modified_service_time();
        let (database, reach) = (&system.database, system.reach(&request));
        let row = database
            .read_unless(&request, reach, known.version(), service_time)
            .await?;
        let outcome = ReadOutcome::Miss;
        Answer { row, outcome }
    };
    if is_measuring && answer.row.version() == known.version() {
        let counts = layer.tier.counts();
        counts.not_modified.increment();
        counts.bytes_saved.add(u64::from(answer.row.bytes));
    }
    Ok(answer)
}

/// Fetches an entry anew in the background, unless the same sharers do so already.
fn revalidate(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    sharers: u32,
    known: Option<Row>,
) {
    let request = *request;
    let under_way = (sharers, request.key);
    let revalidations = &system.layers[level].revalidations.0;
    if revalidations.borrow().contains(&under_way) {
        return;
    }
    // Where fills are leased, somebody else may hold the token already.
    if !system.layers[level].tier.leases_ahead(&request) {
        return;
    }
    revalidations.borrow_mut().insert(under_way);
    system.spawn(
        "revalidation by request",
        request.index,
        async move |system| {
            // Should it fail, the next request tries again.
            let _ = load(&system, &request, level, Filling::Asked, known).await;
            let revalidations = &system.layers[level].revalidations.0;
            revalidations.borrow_mut().remove(&under_way);
        },
    );
}

impl Layer {
    /// Whether a row that was asked for is not to be kept here: because the tier that gave it has not
    /// promoted it yet, or because this one takes only what the tier above evicts.
    pub(super) fn leaves_below(&self, row: &Row, filling: Filling) -> bool {
        filling == Filling::Asked && (row.stays_below || self.tier.plan().is_exclusive)
    }

    /// The entry of the request's key was stored by this layer's pattern. That there is no row is
    /// not looked up ahead of time.
    pub(super) fn stored(&self, request: &Request, row: &Row) {
        if let Some(refresher) = &self.refresher
            && !row.is_absent()
        {
            refresher.stored(&self.tier, request);
        }
    }
}
