//! Clients: they issue requests, wait for the answers, and time them.
//!
//! In an open loop requests arrive whether or not earlier ones were answered; in a closed loop each
//! user waits for an answer and thinks before asking again. Latency counts from the intended
//! arrival, so nothing hides behind a slow answer (no coordinated omission).
//!
//! Not here: when requests arrive and what they ask for (see `workload`), and what the app does
//! about them (see `pattern`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::defence::Answer;
use crate::geography::Geography;
use crate::kernel::{Kernel, Spawner, rarely};
use crate::metrics::{Failure, InFlight, Meter};
use crate::pattern::System;
use crate::promise::Known;
use crate::random::{Luck, Stream};
use crate::units::Nanoseconds;
use crate::workload::{self, Operation, Page, Request, Workload, arrivals};

pub mod backoff;
pub mod budget;
mod closed_loop;
mod crowd;
mod from_trace;
pub mod hedge;
mod lull;
mod open_loop;
mod page;
mod stressed;
mod traced;

pub use crowd::Crowds;
pub use stressed::{ABANDONED, Abandoned, AbandonedRow, Plan, Retries};

/// Where a request is worked on that no instance can take: nowhere.
const NO_INSTANCE: u32 = u32::MAX;

/// A request that has just arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number: all its luck depends on it.
    pub index: u64,
    /// When it was meant to arrive.
    pub arrived_ns: Nanoseconds,
    /// The user who makes it, in a closed loop.
    pub user: Option<u32>,
}

/// The clients of one run, and the app instances that they talk to.
#[derive(Debug)]
pub struct Client {
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
    workload: Rc<RefCell<Workload>>,
    system: Rc<System>,
    geography: Rc<Geography>,
    instance_luck: Stream,
    /// If each read is of many keys. Boxed, because most clients have none.
    page: Option<Box<Page>>,
    stop_when_idle: Cell<bool>,
    lulls: lull::Lulls,
    /// `None` for clients who only wait, for instances that do not crash.
    stress: Option<Box<stressed::Stress>>,
}

/// What a request is answered with.
#[derive(Clone, Debug)]
enum Reply {
    Read(Answer),
    /// The new version.
    Written(u64),
}

impl Client {
    /// Clients as planned of an app whose instances live there.
    #[must_use]
    pub fn new(
        plan: &Plan,
        geography: &Rc<Geography>,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
        workload: &Rc<RefCell<Workload>>,
        system: &Rc<System>,
        luck: Luck,
    ) -> Self {
        Self {
            kernel: kernel.clone(),
            meter: meter.clone(),
            workload: workload.clone(),
            system: system.clone(),
            geography: geography.clone(),
            instance_luck: luck.stream("app.instance"),
            page: None,
            stop_when_idle: Cell::new(false),
            lulls: lull::Lulls::new(luck),
            stress: (!plan.is_plain() || system.rotation.expects_crashes())
                .then(|| Box::new(stressed::Stress::new(*plan, kernel, luck))),
        }
    }

    /// The same clients, whose reads are pages if there is a plan.
    #[must_use]
    pub fn with_pages(self, plan: Option<&Page>) -> Self {
        Self {
            page: plan.cloned().map(Box::new),
            ..self
        }
    }

    /// Ends the run as soon as no request is being worked on.
    pub fn stop_when_idle(&self) {
        self.stop_when_idle.set(true);
    }

    /// The instance that gets request `index`: any, as behind a load balancer, of the region where
    /// the session lives; any other where those are being restarted, and none if all are.
    #[inline]
    fn instance_of(&self, index: u64, session: u32) -> Option<u32> {
        let candidates = self.geography.instances_for(session);
        let many = candidates.end - candidates.start;
        let mut luck = self.instance_luck.at(index);
        let instance = if many == 1 {
            candidates.start
        } else {
            candidates.start + luck.below(u64::from(many)) as u32
        };
        let rotation = &self.system.rotation;
        if rotation.is_whole() {
            return Some(instance);
        }
        rotation.instead_of(instance, candidates, &mut luck)
    }

    /// What a request that has just arrived asks for.
    #[inline]
    fn draw(&self, arrival: Arrival) -> (Request, Operation) {
        let mut workload = self.workload.borrow_mut();
        let draw = workload.draw(arrival.index, arrival.arrived_ns, arrival.user);
        let instance = self.instance_of(arrival.index, draw.session);
        let request = Request {
            index: arrival.index,
            instance: instance.unwrap_or(NO_INSTANCE),
            session: draw.session,
            key: draw.key,
            issued_ns: arrival.arrived_ns,
            must_be_fresh: draw.must_be_fresh,
            region: self.geography.region_of(instance.unwrap_or(0)),
            generation: 0,
            is_personal: false,
        };
        if let Some(tracer) = &self.meter.tracer {
            tracer.asks(draw.key);
        }
        (request, draw.operation)
    }

    /// Has the app work on a request.
    async fn work(&self, request: &Request, operation: Operation) -> Result<Reply, Failure> {
        // It is passed on by value, and would be stored once for each function that it passes through.
        let work = self.kernel.apart(move || async move {
            match operation {
                Operation::Read => self.system.read(request).await.map(Reply::Read),
                Operation::Write => self.system.write(request).await.map(Reply::Written),
            }
        });
        self.unless_it_crashes(request, work).await
    }

    /// What the instance of the request makes of it; a failure if there is none, or it crashes meanwhile.
    async fn unless_it_crashes<T>(
        &self,
        request: &Request,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if request.instance == NO_INSTANCE {
            return Err(Failure::Unavailable);
        }
        let rotation = &self.system.rotation;
        let outcome = rotation.unless_it_crashes(request.instance, work).await;
        outcome.unwrap_or(Err(Failure::Unavailable))
    }

    /// How long ago a newer version than `row` had been committed when the request was issued.
    #[inline]
    fn staleness_ns(&self, request: &Request, row: &crate::database::Row) -> Nanoseconds {
        let superseded_ns = self.system.database.superseded_ns(request.key, row);
        request.issued_ns.saturating_sub(superseded_ns)
    }

    /// A read was answered, whose session had `known` of the row when it was issued.
    #[inline]
    fn answer_read(
        &self,
        in_flight: &InFlight<'_>,
        request: &Request,
        known: Known,
        answer: &Answer,
    ) {
        let staleness_ns = self.staleness_ns(request, &answer.row);
        in_flight.answer_read(self.kernel.now(), answer.outcome, staleness_ns);
        if answer.row.is_absent() {
            in_flight.note_absence();
        }
        in_flight.note_giver(answer.row.given_by);
        let version = answer.row.version();
        in_flight.note_inconsistency(version < known.written, version < known.seen);
        self.system.promises.has_read(request, version);
    }

    /// A write was answered with the new version.
    fn answer_write(&self, in_flight: &InFlight<'_>, request: &Request, version: u64) {
        let now_ns = self.kernel.now();
        in_flight.answer_write(now_ns);
        let promises = &self.system.promises;
        promises.has_written(request, version, now_ns);
    }

    /// A request has left the system.
    #[inline]
    fn left(&self) {
        if self.stop_when_idle.get() && self.meter.in_system() == 0 {
            self.kernel.stop();
        }
    }
}

/// Starts the clients: they issue requests until `until_ns`.
pub fn start(
    client: &Rc<Client>,
    spawner: &Rc<Spawner<Arrival>>,
    plan: &workload::Plan,
    until_ns: Nanoseconds,
    luck: Luck,
) {
    if plan
        .trace
        .as_ref()
        .is_some_and(|trace| trace.has_own_times())
    {
        return from_trace::start(client, spawner, until_ns);
    }
    match &plan.arrivals {
        arrivals::Plan::Open(open) => open_loop::start(client, spawner, open, until_ns, luck),
        arrivals::Plan::Closed(closed) => closed_loop::start(client, closed, until_ns, luck),
    }
}

/// Works on one request until it is answered or has failed.
pub async fn serve(client: Rc<Client>, arrival: Arrival) {
    if let Some(tracer) = &client.meter.tracer
        && !tracer.is_at_work()
    {
        return traced::serve(&client, tracer, arrival).await;
    }
    if client.stress.is_some() {
        // Boxed, because clients who only wait need not carry what the others do.
        return rarely(move || stressed::serve(client, arrival)).await;
    }
    let client = &client;
    let in_flight = client.meter.arrive(arrival.arrived_ns);
    let (request, operation) = client.draw(arrival);
    let outcome: Result<(), Failure> = match operation {
        _ if request.instance == NO_INSTANCE => Err(Failure::Unavailable),
        Operation::Read if let Some(page) = &client.page => {
            rarely(|| page::read(client, page, &request, &in_flight)).await
        }
        Operation::Read => {
            // What the session finds out only while it waits is nothing that it could miss.
            let known = client.system.promises.known(&request);
            client.system.read(&request).await.map(|answer| {
                client.answer_read(&in_flight, &request, known, &answer);
            })
        }
        Operation::Write => client.system.write(&request).await.map(|version| {
            client.answer_write(&in_flight, &request, version);
        }),
    };
    if let Err(failure) = outcome {
        in_flight.fail(client.kernel.now(), failure);
    }
    drop(in_flight);
    client.left();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of the future that `serve` returns.
    fn future_bytes<F>(_: impl Fn(Rc<Client>, Arrival) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_future_of_a_request_stays_small() {
        // Each request in flight takes so much, and a large future is moved and cleared slowly. A
        // value that is held across an await is part of it, once for each function it was passed to
        // by value; what only a miss needs is boxed.
        let bytes = future_bytes(serve);
        assert!(bytes <= 384, "{bytes} bytes");
    }
}
