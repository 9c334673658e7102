//! The requests of a workload as a trace, without simulating anything.

use hashbrown::HashMap;

use super::arrivals::{self, Arrivals};
use super::{Operation, Plan, Workload};
use crate::random::Luck;
use crate::trace::{self, Fields};
use crate::units::{Key, KeyHash, Nanoseconds};

/// The requests of one replication, in order; see [`Requests::new`].
#[derive(Debug)]
pub struct Requests {
    workload: Workload,
    /// `None` if a trace's own times are taken.
    arrivals: Option<Arrivals>,
    until_ns: Nanoseconds,
    next: u64,
    /// How often each key was written, if it ever was.
    versions: HashMap<Key, u64, KeyHash>,
    fields: Fields,
}

impl Requests {
    /// The requests that arrive before `until_ns`, as a simulation of `plan` under `luck` would issue
    /// them. `None` for a closed loop, in which the arrivals depend on the answers. The size of a
    /// request is that of its row, as if each write were committed at once.
    #[must_use]
    pub fn new(plan: &Plan, luck: Luck, until_ns: Nanoseconds) -> Option<Self> {
        let own_times = plan.trace.as_ref().is_some_and(|it| it.has_own_times());
        let arrivals = match &plan.arrivals {
            _ if own_times => None,
            arrivals::Plan::Open(open) => Some(Arrivals::new(open, luck)),
            arrivals::Plan::Closed(_) => return None,
        };
        let knows_operations = plan.trace.as_ref().is_some_and(|it| it.fields().operation);
        Some(Self {
            workload: Workload::new(plan, luck),
            arrivals,
            until_ns,
            next: 0,
            versions: HashMap::default(),
            fields: Fields {
                time: true,
                size: true,
                operation: knows_operations || plan.read_share < 1.0,
                ..Fields::default()
            },
        })
    }

    /// What the requests say beside their keys.
    #[must_use]
    pub fn fields(&self) -> Fields {
        self.fields
    }
}

impl Iterator for Requests {
    type Item = trace::Request;

    fn next(&mut self) -> Option<trace::Request> {
        if self.next >= self.workload.most_requests() {
            return None;
        }
        let arrived_ns = match &mut self.arrivals {
            Some(arrivals) => arrivals.next(),
            None => self.workload.next_arrival_ns(),
        };
        let time_ns = arrived_ns.filter(|arrived_ns| *arrived_ns < self.until_ns)?;
        let draw = self.workload.draw(self.next, time_ns, None);
        self.next += 1;
        let operation = match draw.operation {
            Operation::Read => trace::Operation::Get,
            Operation::Write => {
                *self.versions.entry(draw.key).or_insert(0) += 1;
                trace::Operation::Set
            }
        };
        let version = self.versions.get(&draw.key).copied().unwrap_or(0);
        Some(trace::Request {
            time_ns,
            key: draw.key,
            size: u64::from(self.workload.value_bytes(draw.key, version)),
            operation,
            ..trace::Request::default()
        })
    }
}
