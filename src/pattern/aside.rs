//! Cache-aside reads: the app conducts. Get, query and set are separate hops, so the races between
//! them are real: a set can put back a row that was deleted while the query was under way.

use std::pin::Pin;

use super::System;
use crate::defence::Answer;
use crate::metrics::{Failure, ReadOutcome};
use crate::workload::Request;

/// Reads through all tiers, from the client's side. A hit in the first tier allocates nothing; what
/// follows a miss is boxed, so that the future of a hit stays small.
pub(super) async fn read(system: &System, request: &Request) -> Result<Answer, Failure> {
    let layer = &system.layers[0];
    match layer.tier.look_up(request).await {
        Ok(Some(row)) => Ok(Answer {
            row,
            outcome: ReadOutcome::Hit,
        }),
        Ok(None) => fill(system, request, 0).await,
        Err(_refused) => go_on(system, request, 1).await,
    }
}

type Boxed<'a> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 'a>>;

/// Answers a miss of tier `level`: fetches from below and sets, under the tier's defence.
fn fill<'a>(system: &'a System, request: &'a Request, level: usize) -> Boxed<'a> {
    Box::pin(async move {
        let layer = &system.layers[level];
        let load = async {
            let answer = if level + 1 == system.layers.len() {
                system.query(request).await?
            } else {
                go_on(system, request, level + 1).await?
            };
            // A set that the node refuses is lost; the row is still an answer.
            let _ = layer.tier.set(request, &answer.row).await;
            Ok(answer)
        };
        layer.defence.fetch(&layer.tier, request, load).await
    })
}

/// Reads from tier `level` on down to the database.
fn go_on<'a>(system: &'a System, request: &'a Request, level: usize) -> Boxed<'a> {
    Box::pin(async move {
        let Some(layer) = system.layers.get(level) else {
            return system.query(request).await;
        };
        match layer.tier.look_up(request).await {
            Ok(Some(row)) => Ok(Answer {
                row,
                outcome: ReadOutcome::Hit,
            }),
            Ok(None) => fill(system, request, level).await,
            Err(_refused) => go_on(system, request, level + 1).await,
        }
    })
}
