//! Read-through: the app asks the tier, and the tier loads what it does not have.
//!
//! One hop for the app. The tier knows of its own loads and writes, so a load that a write has
//! overtaken is not stored, and a read waits for the end of a write of its key.
//!
//! Known weakness: when the tier is down there is no way around it, and requests fail.

use std::rc::Rc;

use super::super::fetch::{ask_below, fetch, fetch_and_log};
use super::super::{PatternRow, Read, System};
use crate::database::Row;
use crate::defence::Answer;
use crate::kernel::rarely;
use crate::metrics::{Failure, ReadOutcome};
use crate::tier::{Exchange, Filling, Found, Unreachable};
use crate::workload::Request;

pub(crate) const ROW: PatternRow<Read> = PatternRow {
    name: "through",
    parameters: &[],
    meaning: "the app asks the tier, which loads from below what it does not have: one hop for the app",
    source: "JSR 107 (JCache), read-through caching",
    build: |_| Ok(Read::Through),
};

/// Reads from tier `level` on, from the app's side. A hit allocates nothing.
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
            Err(Unreachable::Shed) => return Err(Failure::Shed),
            Err(_) => return Err(Failure::Unavailable),
        };
        let found = if tier.is_locked(visit.node(), request.key) {
            None
        } else {
            Some(system.find(level, visit.node(), request))
        };
        let answer = match found {
            Some(Found::Fresh(row)) => {
                let outcome = row.outcome_of_hit();
                tier.note(outcome);
                Ok(Answer { row, outcome })
            }
            other => {
                let (kernel, node) = (&system.kernel, visit.node());
                kernel
                    .apart(move || go_on(system, request, level, node, other))
                    .await
            }
        };
        tier.leave(visit).await;
        tier.note_latency(issued_ns);
        answer
    }
}

/// Answers a request that has found nothing fresh in its node, or could not look because the key is
/// being written.
fn go_on(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    node: usize,
    found: Option<Found>,
) -> impl Future<Output = Result<Answer, Failure>> {
    async move {
        let tier = &system.layers[level].tier;
        // The lookup proper is over; the way back comes after what follows.
        tier.trace_end();
        let found = match found {
            Some(found) => found,
            None => {
                tier.wait_for_lock(node, request.key).await;
                system.find(level, node, request)
            }
        };
        if let Found::Fresh(row) = found {
            let outcome = ReadOutcome::DelayedHit;
            tier.note(outcome);
            return Ok(Answer { row, outcome });
        }
        // A fetch is shared by all who ask one node.
        let answer = if system.meter.miss_log.is_some() {
            rarely(move || fetch_and_log(system, request, level, node as u32, found)).await?
        } else {
            fetch(system, request, level, node as u32, found).await?
        };
        // A stale copy was sent as it was found.
        if answer.outcome != ReadOutcome::StaleHit && tier.send(node, &answer.row).await.is_err() {
            return Err(Failure::Unavailable);
        }
        Ok(answer)
    }
}

/// Loads from below tier `level` into the node that holds the key.
pub(crate) fn load(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    filling: Filling,
    known: Option<Row>,
) -> impl Future<Output = Result<Answer, Failure>> {
    async move {
        let layer = &system.layers[level];
        let node = layer.tier.node_of(request);
        let below = layer.tier.from_here(request);
        loop {
            let loading = layer.tier.begin_fill(node, request.key);
            let begun_ns = system.kernel.now();
            let mut answer = ask_below(system, &below, level, known.as_ref()).await?;
            let _measured = layer.tier.measured(request, system.kernel.now() - begun_ns);
            let filling = filling.given(&answer.row, known.as_ref());
            layer.tier.trace_filling(request, true);
            let has_come = layer.tier.receive(node, &answer.row, filling).await.is_ok();
            if loading.end() {
                if has_come
                    && !layer.leaves_below(&answer.row, filling)
                    && layer.tier.store(node, request, &answer.row, filling)
                {
                    layer.stored(request, &answer.row);
                }
                layer.tier.trace_filling(request, false);
                return Ok(answer);
            }
            layer.tier.trace_filling(request, false);
            // Where all writes go through the tier it knows that the row is an old one, and somebody who
            // came after the write may have joined this load.
            if !layer.pattern.write.goes_through() {
                return Ok(answer);
            }
            if let Some(row) = system.find(level, node, request).fresh() {
                answer.row = row;
                return Ok(answer);
            }
        }
    }
}
