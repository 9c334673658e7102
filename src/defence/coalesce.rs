//! Coalesce: the lookups of one app instance that come within a short window, and that are for one
//! node, go out as one exchange.
//!
//! Divides the exchanges and adds up to the window to each lookup. The batch takes the network and
//! service time of one lookup; what each further key costs the node is not modelled.
//!
//! Known weakness: where few lookups come within the window, everybody waits for nobody.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::{DefenceRow, Plan};
use crate::kernel::{Broadcast, BroadcastId, Kernel, Label, race};
use crate::tier::{Exchange, Tier, Unreachable, Visit};
use crate::units::{KeyHash, Nanoseconds, SECOND_NS};
use crate::workload::Request;
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "coalesce",
    parameters: &[
        Parameter::optional(
            "window",
            Kind::Duration,
            "how long the first of a batch waits for others; 1ms if nothing is said",
        ),
        Parameter::optional(
            "most",
            Kind::Count,
            "lookups of one batch at most: a full one goes out at once; 100 if nothing is said",
        ),
    ],
    meaning: "the lookups of one app instance within a window go out to a node as one exchange",
    source: "the JavaScript library DataLoader",
    build: |arguments| {
        let most = arguments.count_or("most", 100)?;
        if !(2..=1_000_000).contains(&most) {
            let problem = format!("must be from 2 to 1M, not {most}");
            return Err(ParameterError::new("most", problem));
        }
        Ok(Plan::Coalesce {
            window_ns: arguments.duration_or("window", SECOND_NS / 1000, 1000)?,
            most: most as u32,
        })
    },
};

/// A batch that lookups can still join.
#[derive(Clone, Copy, Debug)]
struct Batch {
    lookups: u32,
    /// Where those who joined wait.
    visit: BroadcastId,
    /// Where the window's end waits for the batch to be full.
    full: BroadcastId,
}

/// Whose lookups go where: the app instance and the node.
type Way = (u32, u64);

/// The lookups of a tier that wait for others.
#[derive(Debug)]
pub struct Batches {
    kernel: Rc<Kernel>,
    window_ns: Nanoseconds,
    most: u32,
    open: RefCell<HashMap<Way, Batch, KeyHash>>,
    visits: Broadcast<Result<Visit, Unreachable>>,
    full: Broadcast<()>,
}

impl Batches {
    /// No lookup waits.
    #[must_use]
    pub fn new(kernel: Rc<Kernel>, window_ns: Nanoseconds, most: u32) -> Self {
        Self {
            window_ns,
            most,
            open: RefCell::default(),
            visits: Broadcast::new(kernel.clone()),
            full: Broadcast::new(kernel.clone()),
            kernel,
        }
    }

    /// As [`Tier::visit`], together with others.
    ///
    /// # Errors
    /// As [`Tier::visit`], for all of a batch.
    pub async fn visit(
        self: &Rc<Self>,
        tier: &Rc<Tier>,
        request: &Request,
    ) -> Result<Visit, Unreachable> {
        let batch = tier.trace_batch(request, tier.node_of(request));
        let visit = self.join(tier, request);
        let answer = self.visits.receive(visit).await;
        drop(batch);
        let answer = answer.expect("the batch's task always answers");
        if answer.is_err() {
            tier.trace_end();
        }
        answer
    }

    /// Joins the batch that is open, or opens one; where its answer is to be had.
    fn join(self: &Rc<Self>, tier: &Rc<Tier>, request: &Request) -> BroadcastId {
        let way = (request.instance, tier.node_of(request) as u64);
        let mut open = self.open.borrow_mut();
        if let Some(batch) = open.get_mut(&way) {
            batch.lookups += 1;
            let batch = *batch;
            if batch.lookups == self.most {
                open.remove(&way);
                self.full.close(batch.full, Some(()));
            }
            return batch.visit;
        }
        let batch = Batch {
            lookups: 1,
            visit: self.visits.open(),
            full: self.full.open(),
        };
        open.insert(way, batch);
        let (batches, tier, request) = (self.clone(), tier.clone(), *request);
        let label = Label {
            kind: "batch of request",
            number: request.index,
        };
        let full = batch.full;
        // A task of its own, so that it goes out even if whoever opened it is cancelled.
        self.kernel.spawn(label, async move {
            // A batch may be full at the instant at which it was opened.
            let is_open = |batches: &Self| {
                let open = batches.open.borrow();
                open.get(&way).is_some_and(|batch| batch.full == full)
            };
            if is_open(&batches) {
                let window = batches.kernel.sleep(batches.window_ns);
                race(batches.full.receive(full), window).await;
            }
            if is_open(&batches) {
                batches.open.borrow_mut().remove(&way);
                batches.full.close(full, None);
            }
            tier.note_batch();
            let outcome = tier.visit(Exchange::LookUp, &request).await;
            batches.visits.close(batch.visit, Some(outcome));
        });
        batch.visit
    }
}
