//! A network that delays or loses messages between the app and the nodes.
//!
//! Who gets no answer waits for `while_down.notice`, or for as long as the disturbance says where there
//! is no notice, and then does as with a node that is down. A set, a delete or a write whose answer is
//! lost has happened all the same; a lookup whose answer is lost changes nothing in the node.

use super::{Errand, Exchange, Tier, Unreachable, Visit};
use crate::geography::{Disturbance, Lost, Message};
use crate::units::Nanoseconds;
use crate::workload::Request;

impl Tier {
    /// From now on the way to nodes is disturbed, until [`Tier::calm`] with the answer.
    pub fn disturb(&self, disturbance: Disturbance) -> u64 {
        self.disturbances.begin(disturbance)
    }

    /// Ends what [`Tier::disturb`] began.
    pub fn calm(&self, number: u64) {
        self.disturbances.end(number);
    }

    /// How much longer the round trip to a node takes; if the message is lost, how long it is waited for.
    #[cold]
    pub(super) fn set_out(
        &self,
        request: &Request,
        node: usize,
        index: u64,
    ) -> Result<Nanoseconds, (Unreachable, Nanoseconds)> {
        let message = self.message(request, node, index);
        let later_ns = self.disturbances.set_out(&message);
        later_ns.map_err(|lost| (self.refuse(Unreachable::Lost), self.patience_ns(lost)))
    }

    /// The way back of a visit: longer than it would be if the answer is lost, and for nothing if the
    /// answer is all that was wanted.
    #[cold]
    pub(super) fn come_back(
        &self,
        request: &Request,
        errand: &Errand,
        visit: Visit,
    ) -> Result<Visit, (Unreachable, Nanoseconds)> {
        let message = self.message(request, visit.node(), errand.luck_index);
        let Err(lost) = self.disturbances.come_back(&message) else {
            return Ok(visit);
        };
        let unreachable = self.refuse(Unreachable::Lost);
        // The way out was as long as the way back.
        let waits_ns = self.patience_ns(lost).saturating_sub(visit.way_back_ns());
        match errand.exchange {
            Exchange::LookUp | Exchange::Version | Exchange::Retry | Exchange::TakeMutex => {
                Err((unreachable, waits_ns))
            }
            _ => Ok(visit.without_answer(waits_ns)),
        }
    }

    fn message<'a>(&self, request: &'a Request, with: usize, index: u64) -> Message<'a> {
        Message {
            request,
            with,
            index,
            sent_ns: self.kernel.now(),
        }
    }

    fn patience_ns(&self, lost: Lost) -> Nanoseconds {
        match self.plan.membership.while_down.notice_ns() {
            0 => lost.notice_ns,
            notice_ns => notice_ns,
        }
    }
}
