//! Queries for many keys: the misses of a page that come to the database at one instant go there as
//! one query.
//!
//! A page says which requests are its own ([`System::together_in_batches`]); the first of them that comes
//! to the database waits until all others of that instant have come, asks for all of them, and hands
//! their rows out. What each key met on its way down, a flight to join or a lower tier, is its own
//! business, so keys that come later have a query later.
//!
//! Not here: what such a query costs (see `database`).

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::System;
use crate::database::{Reach, Row};
use crate::kernel::{Broadcast, BroadcastId, Kernel, Label, together};
use crate::metrics::Failure;
use crate::units::KeyHash;
use crate::workload::Request;

/// A query that others can still join.
#[derive(Debug)]
struct Open {
    requests: Vec<Request>,
    /// Where those who joined wait.
    rows: BroadcastId,
}

/// The rows of a query, in the order of its requests.
type Rows = Result<Rc<[Row]>, Failure>;

/// The batches of one run.
#[derive(Debug)]
pub(super) struct Batching {
    /// The pages of requests that may be asked for together, and what each further key of a query
    /// costs.
    pages: RefCell<HashMap<u64, (u64, f64), KeyHash>>,
    /// By page, and whether the primary is asked.
    open: RefCell<HashMap<(u64, u32), Open, KeyHash>>,
    replies: Broadcast<Rows>,
}

impl Batching {
    pub(super) fn new(kernel: &Rc<Kernel>) -> Self {
        Self {
            pages: RefCell::default(),
            open: RefCell::default(),
            replies: Broadcast::new(kernel.clone()),
        }
    }

    /// The page of a request, and what each further key costs, if it may be asked for with others.
    #[inline]
    pub(super) fn page_of(&self, request: &Request) -> Option<(u64, f64)> {
        let pages = self.pages.borrow();
        if pages.is_empty() {
            return None;
        }
        pages.get(&request.index).copied()
    }
}

/// Requests that may be asked for together, until this is dropped.
#[derive(Debug)]
pub(super) struct Together<'a> {
    batching: &'a Batching,
    requests: Vec<u64>,
}

impl Drop for Together<'_> {
    fn drop(&mut self) {
        let mut pages = self.batching.pages.borrow_mut();
        for index in &self.requests {
            pages.remove(index);
        }
    }
}

/// A query that is about to go out; if it does not, nobody waits for it.
struct Leading<'a> {
    batching: &'a Batching,
    of: (u64, u32),
    rows: BroadcastId,
    outcome: Option<Rows>,
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        let mut open = self.batching.open.borrow_mut();
        if open.get(&self.of).is_some_and(|it| it.rows == self.rows) {
            open.remove(&self.of);
        }
        drop(open);
        let replies = &self.batching.replies;
        replies.close(self.rows, self.outcome.take());
    }
}

impl System {
    /// From now on the requests of one page go to the database together where they come there at one
    /// instant, until the guard is dropped. Each further key of a query costs a share of the first.
    pub(super) fn together_in_batches(&self, requests: &[Request], key_cost: f64) -> Together<'_> {
        let page = requests.first().map_or(0, |first| first.index);
        let mut pages = self.batching.pages.borrow_mut();
        for request in requests {
            pages.insert(request.index, (page, key_cost));
        }
        Together {
            batching: &self.batching,
            requests: requests.iter().map(|request| request.index).collect(),
        }
    }

    /// The row of a request, from a query for all of its page that come at this instant; each further
    /// key of it costs a share of the first.
    pub(super) async fn query_together(
        &self,
        (page, key_cost): (u64, f64),
        request: &Request,
        reach: Reach,
    ) -> Result<Row, Failure> {
        let batching = &self.batching;
        let of = (page, u32::from(reach == Reach::Primary));
        let joined = {
            let mut open = batching.open.borrow_mut();
            open.get_mut(&of).map(|query| {
                query.requests.push(*request);
                (query.rows, query.requests.len() - 1)
            })
        };
        if let Some((rows, place)) = joined {
            return match batching.replies.receive(rows).await {
                Some(rows) => Ok(rows?[place].clone()),
                // Whoever was to ask is gone.
                None => {
                    let pass = self.enter("fetch_source", request)?;
                    self.end(pass, self.database.read(request, reach).await)
                }
            };
        }
        let rows = batching.replies.open();
        let query = Open {
            requests: vec![*request],
            rows,
        };
        batching.open.borrow_mut().insert(of, query);
        let mut leading = Leading {
            batching,
            of,
            rows,
            outcome: None,
        };
        // All that come at this instant have been scheduled, and come before this.
        let label = Label {
            kind: "query for many keys of request",
            number: request.index,
        };
        together(&self.kernel, label, vec![async {}]).await;
        let query = batching.open.borrow_mut().remove(&of);
        let requests = query.map_or_else(|| vec![*request], |query| query.requests);
        let outcome = match self.enter("fetch_source", request) {
            Ok(pass) => {
                let read = self.database.read_many(&requests, reach, key_cost);
                self.end(pass, read.await)
            }
            Err(failure) => Err(failure),
        };
        let first = outcome.as_ref().map(|rows| rows[0].clone());
        let first = first.map_err(|failure| *failure);
        leading.outcome = Some(outcome);
        first
    }
}
