//! A network that delays or loses messages between the app and the database.
//!
//! Who gets no answer waits for `timeout`, or for as long as the disturbance says where there is no
//! timeout. A write whose answer is lost has been committed all the same.

use super::{Database, Row};
use crate::geography::{Distance, Disturbance, Lost, Message};
use crate::metrics::Failure;
use crate::units::{Nanoseconds, RegionId};
use crate::workload::Request;

impl Database {
    /// From now on the way to it is disturbed, until [`Database::calm`] with the answer.
    pub fn disturb(&self, disturbance: Disturbance) -> u64 {
        self.disturbances.begin(disturbance)
    }

    /// Where each of its servers lives, if that was said: the one that was the primary at the start, then
    /// the replicas.
    pub fn homes(&self) -> impl Iterator<Item = Option<RegionId>> {
        self.distances
            .iter()
            .map(|it| it.as_ref().map(Distance::home))
    }

    /// Ends what [`Database::disturb`] began.
    pub fn calm(&self, number: u64) {
        self.disturbances.end(number);
    }

    /// How much longer the round trip of a query to a server takes that sets out now.
    #[cold]
    pub(super) fn set_out(&self, request: &Request, server: usize) -> Result<Nanoseconds, Lost> {
        self.disturbances.set_out(&self.message(request, server))
    }

    /// Whether an answer that a server sends now arrives.
    #[cold]
    pub(super) fn come_back(&self, request: &Request, server: usize) -> Result<(), Lost> {
        self.disturbances.come_back(&self.message(request, server))
    }

    fn message<'a>(&self, request: &'a Request, server: usize) -> Message<'a> {
        Message {
            request,
            with: server,
            index: request.index,
            sent_ns: self.kernel.now(),
        }
    }

    /// Waits for an answer that does not come; part of that has passed already.
    pub(super) async fn wait_in_vain(
        &self,
        lost: Lost,
        passed_ns: Nanoseconds,
        request: &Request,
    ) -> Result<Row, Failure> {
        self.forget(request);
        match self.plan.timeout_ns {
            // Whoever waits gives up by itself.
            Some(timeout_ns) => self.kernel.sleep(timeout_ns).await,
            None => {
                let left_ns = lost.notice_ns.saturating_sub(passed_ns);
                self.kernel.sleep(left_ns).await;
                if self.meter.is_measuring() {
                    self.meter.database.timed_out.increment();
                }
            }
        }
        Err(Failure::TimedOut)
    }
}
