//! Single-flight: of the requests that miss one key in one app instance (or in one node of a tier
//! that loads by itself), the first fetches and the others wait for its answer, be it a row or a
//! failure.
//!
//! Known weakness: n instances still send n fetches, and a slow fetch makes everybody wait.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::{Answer, Case, DefenceRow, Plan};
use crate::kernel::{Broadcast, BroadcastId, Kernel};
use crate::metrics::{Failure, ReadOutcome};
use crate::units::{Key, KeyHash};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "single-flight",
    parameters: &[],
    meaning: "of the misses of one key in one app instance, one fetches and the others wait",
    source: "the Go package golang.org/x/sync/singleflight",
    build: |_| Ok(Plan::SingleFlight),
};

type Flight = (u32, Key);

/// Who fetches, and where its answer will be heard.
#[derive(Clone, Copy, Debug)]
struct UnderWay {
    index: u64,
    channel: BroadcastId,
}

/// The fetches in flight of all who share them.
#[derive(Debug)]
pub struct SingleFlight {
    flights: RefCell<HashMap<Flight, UnderWay, KeyHash>>,
    answers: Broadcast<Result<Answer, Failure>>,
}

impl SingleFlight {
    pub(super) fn new(kernel: Rc<Kernel>) -> Self {
        Self {
            flights: RefCell::default(),
            answers: Broadcast::new(kernel),
        }
    }

    pub(super) fn fetch(
        &self,
        case: &Case<'_>,
        load: impl Future<Output = Result<Answer, Failure>>,
    ) -> impl Future<Output = Result<Answer, Failure>> {
        async move {
            let flight = (case.sharers, case.request.key);
            let under_way = self.flights.borrow().get(&flight).copied();
            if let Some(UnderWay { index, channel }) = under_way {
                if let Some(spare) = case.spare() {
                    return Ok(spare);
                }
                case.decide(ReadOutcome::DelayedHit);
                case.tier.trace_waiting(Some(index));
                let answer = self.answers.receive(channel).await;
                case.tier.trace_waited();
                return match answer {
                    Some(Ok(Answer { row, .. })) => Ok(Answer {
                        row,
                        outcome: ReadOutcome::DelayedHit,
                    }),
                    Some(Err(failure)) => Err(failure),
                    // Whoever fetched was cancelled. Then the app gives up as well.
                    None => Err(Failure::TimedOut),
                };
            }
            let channel = self.answers.open();
            let index = case.request.index;
            self.flights
                .borrow_mut()
                .insert(flight, UnderWay { index, channel });
            let mut landing = Landing {
                defence: self,
                flight,
                channel,
                outcome: None,
            };
            let outcome = load.await;
            landing.outcome = Some(outcome.clone());
            outcome
        }
    }
}

/// Ends a flight when dropped, even if the fetch itself was cancelled: nobody waits for ever.
struct Landing<'a> {
    defence: &'a SingleFlight,
    flight: Flight,
    channel: BroadcastId,
    outcome: Option<Result<Answer, Failure>>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.defence.flights.borrow_mut().remove(&self.flight);
        self.defence
            .answers
            .close(self.channel, self.outcome.take());
    }
}
