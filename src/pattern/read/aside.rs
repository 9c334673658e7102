//! Cache-aside reads: the app conducts. Get, query and set are separate hops, so the races between
//! them are real: a set can put back a row that was deleted while the query was under way.

use std::rc::Rc;

use super::super::fetch::{ask_below, fetch, fetch_and_log};
use super::super::{PatternRow, Read, System};
use crate::database::Row;
use crate::defence::Answer;
use crate::kernel::rarely;
use crate::metrics::Failure;
use crate::tier::{Exchange, Filling, Found};
use crate::workload::Request;

pub(crate) const ROW: PatternRow<Read> = PatternRow {
    name: "aside",
    parameters: &[],
    meaning: "the app looks up, on a miss queries what lies below and sets the entry, each over the network",
    source: "look-aside, as in Nishtala et al., NSDI 2013, section 2",
    build: |_| Ok(Read::Aside),
};

/// Reads from tier `level` on, from the app's side. A hit allocates nothing; what follows a miss is
/// boxed, so that the future of a hit stays small.
pub(crate) fn read(
    system: &Rc<System>,
    request: &Request,
    level: usize,
) -> impl Future<Output = Result<Answer, Failure>> {
    async move {
        let tier = &system.layers[level].tier;
        let issued_ns = system.kernel.now();
        let visit = match &system.layers[level].batches {
            None => tier.visit(Exchange::LookUp, request).await,
            Some(batches) => rarely(move || batches.visit(tier, request)).await,
        };
        let visit = match visit {
            Ok(visit) => visit,
            Err(unreachable) if tier.is_fatal(unreachable) => return Err(Failure::Unavailable),
            Err(_) => return system.read_below(request, level + 1).await,
        };
        let mut found = system.find(level, visit.node(), request);
        tier.leave(visit).await;
        if tier.is_in_chunks(&found) {
            found = rarely(move || tier.gather(request, found)).await;
        }
        tier.note_latency(issued_ns);
        match found {
            Found::Fresh(row) => {
                let outcome = row.outcome_of_hit();
                tier.note(outcome);
                Ok(Answer { row, outcome })
            }
            other if system.meter.miss_log.is_some() => {
                rarely(move || fetch_and_log(system, request, level, request.instance, other)).await
            }
            other => {
                let kernel = &system.kernel;
                let fetching =
                    kernel.apart(move || fetch(system, request, level, request.instance, other));
                fetching.await
            }
        }
    }
}

/// Queries what lies below tier `level` and sets the entry.
pub(crate) fn load(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    filling: Filling,
    known: Option<Row>,
) -> impl Future<Output = Result<Answer, Failure>> {
    async move {
        let layer = &system.layers[level];
        let begun_ns = system.kernel.now();
        let answer = ask_below(system, request, level, known.as_ref()).await?;
        let _measured = layer.tier.measured(request, system.kernel.now() - begun_ns);
        let filling = filling.given(&answer.row, known.as_ref());
        if layer.leaves_below(&answer.row, filling) {
            return Ok(answer);
        }
        // A set that the node does not take is lost; the row is still an answer.
        if let Ok(true) = layer.tier.set(request, &answer.row, filling).await {
            layer.stored(request, &answer.row);
        }
        Ok(answer)
    }
}
