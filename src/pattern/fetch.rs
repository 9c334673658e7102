//! What follows when a tier has nothing fresh: a stale copy if the tier may still serve it, else a
//! fetch from below under the tier's defence, and a stale copy again if that fails.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

use hashbrown::HashSet;

use super::{Layer, Read, System, read};
use crate::database::Row;
use crate::defence::{Answer, Case, Late, Verdict};
use crate::kernel::{Apart, OneOf, rarely};
use crate::metrics::{Failure, Miss, ReadOutcome};
use crate::tier::{Filling, Found, Refreshers, Stale, TimeToLive};
use crate::units::{Key, KeyHash, Nanoseconds};
use crate::workload::Request;

/// The entries that are being fetched anew in the background, by who fetches and key.
#[derive(Debug, Default)]
pub(super) struct Revalidations(RefCell<HashSet<(u32, Key), KeyHash>>);

/// Answers a request that found in tier `level` nothing that would do. A fetch is shared, if at all, by
/// the `sharers`: an app instance, or a node of a tier that loads by itself.
pub(super) fn fetch(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    sharers: u32,
    found: Found,
) -> impl Future<Output = Result<Answer, Failure>> {
    async move {
        let layer = &system.layers[level];
        let mut case = Case {
            tier: &layer.tier,
            sharers,
            request,
            spare: None,
            at_last: None,
            is_early: false,
            verdict: Verdict::Now,
        };
        let Copies {
            known,
            stale,
            for_errors_ns,
        } = match look_at(system, request, level, found, &mut case) {
            Ok(copies) => copies,
            Err(served) => return Ok(served),
        };
        let stale = stale.filter(|stale| stale.past_ns < for_errors_ns);
        if stale.is_some() {
            case.verdict = Verdict::Late(Late::new(&layer.tier));
        }
        let has_loaded = Cell::new(false);
        let loading = pin!(async {
            begin(system, request, level, case.is_early);
            let answer = load(system, request, level, Filling::Asked, known).await;
            has_loaded.set(true);
            answer
        });
        let mut answer = layer.defence.fetch(&case, loading).await;
        // What somebody else's fetch gave was had here, wherever that came from.
        if let Ok(answer) = &mut answer
            && !has_loaded.get()
        {
            answer.row.given_by = level as u16;
            answer.row.stays_below = false;
        }
        let answer = match answer {
            Ok(answer) if system.is_forbidden(request, &answer) => {
                // Boxed, because it is rare that a fetch does not do.
                rarely(move || load(system, request, level, Filling::Asked, None)).await
            }
            answer => answer,
        };
        if answer.is_err()
            && stale.is_some()
            && let Verdict::Late(late) = &case.verdict
        {
            late.decide(ReadOutcome::StaleHit);
        }
        match (answer, stale) {
            (Err(_), Some(stale)) => Ok(Answer {
                row: stale.row,
                outcome: ReadOutcome::StaleHit,
            }),
            // Whoever fetched early still has the copy.
            (Err(failure), _) if case.is_early => case.spare.ok_or(failure),
            (answer, _) => answer,
        }
    }
}

/// The copies that a fetch may fall back on.
struct Copies {
    /// What a conditional query may confirm.
    known: Option<Row>,
    stale: Option<Stale>,
    /// Until how long past its TTL the stale copy is served if the fetch fails.
    for_errors_ns: Nanoseconds,
}

/// Sees what the copy that was found is good for, and notes in the `case` what the defence may serve. The
/// copy itself, as an error, if it is served now and fetched anew in the background.
fn look_at(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    found: Found,
    case: &mut Case<'_>,
) -> Result<Copies, Answer> {
    let layer = &system.layers[level];
    let ttl = layer.tier.plan().ttl.unwrap_or_default();
    let mut stale = None;
    match found {
        Found::Fresh(row) | Found::Early(row) => {
            let outcome = ReadOutcome::Hit;
            let spare = Answer { row, outcome };
            if layer.defence.is_early_in_background() {
                layer.tier.note(outcome);
                renew(system, request, level, case.sharers, Renewal::early(&spare));
                return Err(spare);
            }
            case.is_early = true;
            case.spare = Some(spare);
        }
        Found::Stale(copy) => {
            let outcome = ReadOutcome::StaleHit;
            let row = copy.row.clone();
            let servable = Answer { row, outcome };
            if copy.past_ns < ttl.stale_while_revalidate_ns {
                layer.tier.note(outcome);
                let renewal = Renewal {
                    known: copy.known(&ttl),
                    ..Renewal::stale(&servable)
                };
                revalidate(
                    system,
                    request,
                    level,
                    case.sharers,
                    ttl.refreshers,
                    renewal,
                );
                return Err(servable);
            }
            let within = |limit_ns| (copy.past_ns < limit_ns).then(|| servable.clone());
            case.spare = within(ttl.stale_if_locked_ns);
            case.at_last = within(ttl.stale_at_last_ns);
            stale = Some(copy);
        }
        Found::Nothing => {}
    }
    Ok(Copies {
        known: stale.as_ref().and_then(|stale| stale.known(&ttl)),
        stale,
        for_errors_ns: ttl.stale_if_error_ns,
    })
}

/// A fetch begins because somebody asked, perhaps although the copy that is there is fresh.
fn begin(system: &System, request: &Request, level: usize, is_early: bool) {
    if is_early {
        let tier = &system.layers[level].tier;
        tier.begin_early(tier.node_of(request), request.key);
    }
}

/// As [`fetch`], and tells the log of misses. For those who would else call that, if there is a log.
pub(super) async fn fetch_and_log(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    sharers: u32,
    found: Found,
) -> Result<Answer, Failure> {
    let at_ns = system.kernel.now();
    let was_fresh = matches!(found, Found::Fresh(_) | Found::Early(_));
    let answer = fetch(system, request, level, sharers, found).await;
    let fetch_ns = system.kernel.now() - at_ns;
    let is_stale_hit = matches!(&answer, Ok(it) if it.outcome == ReadOutcome::StaleHit);
    // What was answered at once with the copy that was there is no miss.
    if was_fresh || (is_stale_hit && fetch_ns == 0) || !system.meter.measures(at_ns) {
        return answer;
    }
    let answered_by = answer.as_ref().ok();
    let answered_by = answered_by.map(|it| usize::from(it.row.given_by));
    if let Some(log) = &system.meter.miss_log {
        log.tell(Miss {
            at_ns,
            tier: level,
            key: request.of_row().key,
            outcome: match &answer {
                // Whoever went further down has it from there.
                Ok(_) if answered_by != Some(level) => ReadOutcome::Miss.name(),
                Ok(answer) => answer.outcome.name(),
                Err(failure) => failure.name(),
            },
            answered_by,
            fetch_ns,
        });
    }
    answer
}

impl Stale {
    /// The copy, if it is kept for a conditional query to confirm it.
    fn known(&self, ttl: &TimeToLive) -> Option<Row> {
        (self.past_ns < ttl.revalidate_ns).then(|| self.row.clone())
    }
}

/// Fetches from below and stores, as the read pattern has it. With a `known` copy the fetch is a
/// conditional one.
pub(super) fn load(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    filling: Filling,
    known: Option<Row>,
) -> impl Future<Output = Result<Answer, Failure>> {
    match system.layers[level].pattern.read {
        Read::Aside | Read::Versioned | Read::Copied => {
            OneOf::First(read::aside::load(system, request, level, filling, known))
        }
        Read::Through => {
            OneOf::<_, _>::Second(read::through::load(system, request, level, filling, known))
        }
    }
}

/// Asks what lies below tier `level` for the row, or only whether it is still the `known` one.
pub(super) fn ask_below<'a>(
    system: &'a Rc<System>,
    request: &'a Request,
    level: usize,
    known: Option<&'a Row>,
) -> Apart<'a, Result<Answer, Failure>> {
    match known {
        None => system.read_below(request, level + 1),
        Some(known) => {
            let kernel = &system.kernel;
            kernel.apart(move || confirm(system, request, level, known))
        }
    }
}

/// Asks what lies below tier `level` whether the row is still the `known` one.
async fn confirm(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    known: &Row,
) -> Result<Answer, Failure> {
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
        let version = known.version();
        let pass = system.enter("fetch_source", &request)?;
        let read = rarely(|| database.read_unless(&request, reach, version, service_time));
        let row = system.end(pass, read.await)?;
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

/// An entry that is to be fetched anew in the background.
struct Renewal {
    /// The copy that is served meanwhile.
    spare: Answer,
    /// Whether that is fresh.
    is_early: bool,
    /// What a conditional query may confirm.
    known: Option<Row>,
}

impl Renewal {
    fn early(spare: &Answer) -> Self {
        Self {
            is_early: true,
            ..Self::stale(spare)
        }
    }

    fn stale(spare: &Answer) -> Self {
        Self {
            spare: spare.clone(),
            is_early: false,
            known: None,
        }
    }
}

/// Fetches a stale entry anew in the background, unless those who are to have one fetch do so already.
fn revalidate(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    sharers: u32,
    refreshers: Refreshers,
    renewal: Renewal,
) {
    let under_way = match refreshers {
        Refreshers::One => (u32::MAX, request.key),
        Refreshers::Instance => (sharers, request.key),
        Refreshers::All => return renew(system, request, level, sharers, renewal),
    };
    let revalidations = &system.layers[level].revalidations;
    if !revalidations.0.borrow_mut().insert(under_way) {
        return;
    }
    let ended = move |system: &System| {
        let revalidations = &system.layers[level].revalidations;
        revalidations.0.borrow_mut().remove(&under_way);
    };
    renew_and(system, request, level, sharers, renewal, ended);
}

/// Fetches an entry anew in the background, if the defence lets it.
fn renew(system: &Rc<System>, request: &Request, level: usize, sharers: u32, renewal: Renewal) {
    renew_and(system, request, level, sharers, renewal, |_| ());
}

fn renew_and(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    sharers: u32,
    renewal: Renewal,
    ended: impl FnOnce(&System) + 'static,
) {
    let request = *request;
    let fork = system.meter.beside("revalidate", request.key);
    system.spawn_in(
        fork,
        "revalidation by request",
        request.index,
        async move |system| {
            let layer = &system.layers[level];
            let case = Case {
                tier: &layer.tier,
                sharers,
                request: &request,
                spare: Some(renewal.spare),
                at_last: None,
                is_early: renewal.is_early,
                verdict: Verdict::Past,
            };
            let loading = pin!(async {
                begin(&system, &request, level, case.is_early);
                load(&system, &request, level, Filling::Asked, renewal.known).await
            });
            let fetching = layer.defence.fetch(&case, loading);
            // Should it fail, the next request tries again.
            let _ = match layer.pattern.read {
                // Nodes that load by themselves do so whatever becomes of the instance.
                Read::Through => Some(fetching.await),
                _ => {
                    let rotation = &system.rotation;
                    rotation.unless_it_crashes(request.instance, fetching).await
                }
            };
            ended(&system);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the future that `fetch` returns.
    fn future_bytes<'a, F>(
        _: impl Fn(&'a Rc<System>, &'a Request, usize, u32, Found) -> F,
    ) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_future_of_a_miss_stays_small() {
        // Each miss allocates one, and those in flight compete with the caches' entries for the
        // processor's.
        let bytes = future_bytes(fetch);
        assert!(bytes <= 856, "{bytes} bytes");
    }
}
