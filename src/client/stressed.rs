//! Clients under stress: they have a deadline, ask again, ask twice, and give up.
//!
//! What a client does is one request in the books, however many *attempts* it makes: it has arrived
//! once, and is answered or has failed once. An attempt is work of its own for everybody below, with
//! luck of its own and, behind the load balancer, an app instance of its own. The first has the luck
//! of the request, so that a request that needs no other fares as one of a client without all this.
//!
//! What becomes of the work for a client that has given up is a choice ([`Abandoned`]), because real
//! apps differ in it and overload depends on it.
//!
//! Not here: what an app does to protect what it depends on (see `guard`).

use std::cell::Cell;
use std::rc::Rc;

use super::backoff::Backoff;
use super::budget::{self, Budget};
use super::hedge::{self, Hedge};
use super::{Arrival, Client, NO_INSTANCE, Reply, page};
use crate::defence::Answer;
use crate::kernel::{Apart, Broadcast, Either, Kernel, Label, join_all, race};
use crate::metrics::{Failure, InFlight, RequestMeter, within};
use crate::random::{Luck, Stream};
use crate::units::Nanoseconds;
use crate::workload::{Operation, PageMode, Request};

/// What clients do beside waiting, as checked.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// After so long from its arrival a request that was not answered has failed.
    pub deadline_ns: Option<Nanoseconds>,
    /// After so long the client gives an attempt up.
    pub timeout_ns: Option<Nanoseconds>,
    /// What becomes of the work for a client that has given up.
    pub abandoned: Abandoned,
    /// Whether and how failed attempts are repeated.
    pub retries: Option<Retries>,
    /// Whether and when reads are asked for once more before they have failed.
    pub hedge: Option<hedge::Plan>,
}

impl Plan {
    /// Clients who wait for as long as it takes and do not ask again: what is not said of clients.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            deadline_ns: None,
            timeout_ns: None,
            abandoned: Abandoned::Finish,
            retries: None,
            hedge: None,
        }
    }

    /// The shortest while after which a client gives up a request or an attempt, if it does so.
    #[must_use]
    pub fn patience_ns(&self) -> Option<Nanoseconds> {
        let patience = self.deadline_ns.into_iter().chain(self.timeout_ns);
        patience.min()
    }

    /// Whether there is anything to it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.deadline_ns.is_none()
            && self.timeout_ns.is_none()
            && self.retries.is_none()
            && self.hedge.is_none()
    }
}

/// How failed attempts are repeated.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// So many attempts more, at most.
    pub count: u32,
    /// How long the client waits before each.
    pub backoff: Backoff,
    /// How many there may be of all clients together.
    pub budget: Option<budget::Plan>,
    /// Whether writes are repeated as well.
    pub writes: bool,
}

/// What becomes of the work for a client that has given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Abandoned {
    /// The app does not notice: it finishes, and stores what it has fetched.
    #[default]
    Finish,
    /// The app stops; queries that are on their way to the database are carried out there.
    Stop,
    /// The app stops and takes its queries back.
    Cancel,
}

/// One row of the table of what becomes of abandoned work.
#[derive(Clone, Copy, Debug)]
pub struct AbandonedRow {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it means, in one line.
    pub meaning: &'static str,
    /// It.
    pub abandoned: Abandoned,
}

/// All that can become of it.
pub static ABANDONED: &[AbandonedRow] = &[
    AbandonedRow {
        name: "finish",
        meaning: "the app does not notice: it finishes, and stores what it has fetched",
        abandoned: Abandoned::Finish,
    },
    AbandonedRow {
        name: "stop",
        meaning: "the app stops and stores nothing; queries that it has sent are carried out by the database all the same",
        abandoned: Abandoned::Stop,
    },
    AbandonedRow {
        name: "cancel",
        meaning: "the app stops and takes its queries back: they leave the database's queue, or free its connection",
        abandoned: Abandoned::Cancel,
    },
];

/// What all clients of one run share.
#[derive(Debug)]
pub(super) struct Stress {
    plan: Plan,
    budget: Option<Budget>,
    hedge: Option<Hedge>,
    backoff_luck: Stream,
    replies: Broadcast<Result<Reply, Failure>>,
}

impl Stress {
    pub(super) fn new(plan: Plan, kernel: &Rc<Kernel>, luck: Luck) -> Self {
        let budget = plan.retries.and_then(|retries| retries.budget);
        // Whoever gives nothing up needs no task for what becomes of abandoned work.
        let abandoned = if plan.is_plain() {
            Abandoned::Stop
        } else {
            plan.abandoned
        };
        Self {
            plan: Plan { abandoned, ..plan },
            budget: budget.map(Budget::new),
            hedge: plan.hedge.map(Hedge::new),
            backoff_luck: luck.stream("client.backoff"),
            replies: Broadcast::new(kernel.clone()),
        }
    }
}

impl Stress {
    /// Whether clients only wait: they are here because instances may crash.
    pub(super) fn is_plain(&self) -> bool {
        self.plan.is_plain()
    }

    /// Does `work`, unless the deadline comes first.
    async fn before_deadline<T>(
        &self,
        client: &Client,
        work: Apart<'_, Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(deadline_ns) = self.plan.deadline_ns else {
            return work.await;
        };
        let within = client.kernel.timeout(deadline_ns, work).await;
        within.unwrap_or(Err(Failure::GaveUp))
    }
}

/// The attempts of one request, numbered from 0; their luck depends on the number.
struct Attempts<'a> {
    client: &'a Rc<Client>,
    stress: &'a Stress,
    request: &'a Request,
    operation: Operation,
    /// Whether the request is of the cohort that is measured.
    measured: bool,
}

/// Works on one request, attempt by attempt, until it is answered or has failed.
pub(super) async fn serve(client: Rc<Client>, arrival: Arrival) {
    let Some(stress) = &client.stress else { return };
    let in_flight = client.meter.arrive(arrival.arrived_ns);
    let (request, operation) = client.draw(arrival);
    let outcome = match &client.page {
        Some(page) if operation == Operation::Read => {
            let reading = client
                .kernel
                .apart(|| page::read(&client, page, &request, &in_flight));
            if stress.is_plain() {
                client.unless_it_crashes(&request, reading).await
            } else {
                // An attempt sees for itself whether its instance crashes.
                reading.await
            }
        }
        _ => one(&client, stress, &request, operation, &in_flight).await,
    };
    if let Err(failure) = outcome {
        in_flight.fail(client.kernel.now(), failure);
    }
    drop(in_flight);
    client.left();
}

/// Works on a request for one row, and reports its answer.
async fn one(
    client: &Rc<Client>,
    stress: &Stress,
    request: &Request,
    operation: Operation,
    in_flight: &InFlight<'_>,
) -> Result<(), Failure> {
    // What the session finds out only while it waits is nothing that it could miss.
    let known = client.system.promises.known(request);
    let attempts = Attempts {
        client,
        stress,
        request,
        operation,
        measured: in_flight.is_measured(),
    };
    let answering = client.kernel.apart(|| attempts.until_answered());
    match stress.before_deadline(client, answering).await? {
        Reply::Read(answer) => client.answer_read(in_flight, request, known, &answer),
        Reply::Written(version) => client.answer_write(in_flight, request, version),
    }
    Ok(())
}

/// Reads the rows of all `requests`, which are of one page: each with attempts of its own, all before the
/// deadline. The answers are in their order.
///
/// # Errors
/// The failure of the first key that failed. With [`PageMode::Sequence`] the keys after it are not asked for;
/// else all of them are waited for. [`Failure::GaveUp`] at the deadline.
pub(super) async fn read_page(
    client: &Rc<Client>,
    stress: &Stress,
    requests: &[Request],
    mode: PageMode,
    measured: bool,
) -> Result<Vec<Answer>, Failure> {
    let read = async |number: usize, request: &Request| {
        let issued_ns = client.kernel.now();
        if measured && number > 0 {
            client.meter.requests.further_keys.increment();
        }
        let attempts = Attempts {
            client,
            stress,
            request,
            operation: Operation::Read,
            measured,
        };
        let reply = attempts.until_answered().await;
        client.system.note_key(issued_ns);
        match reply? {
            Reply::Read(answer) => Ok(answer),
            Reply::Written(_) => unreachable!("a read is answered with a row"),
        }
    };
    let all = client.kernel.apart(|| async {
        if mode == PageMode::Sequence {
            let mut answers = Vec::with_capacity(requests.len());
            for (number, request) in requests.iter().enumerate() {
                answers.push(read(number, request).await?);
            }
            return Ok(answers);
        }
        // Within this task, so that all are dropped with whoever waits for them: what becomes of work for a
        // client that has given up is the attempts' business.
        let answers: Vec<Cell<Option<Result<Answer, Failure>>>> =
            requests.iter().map(|_| Cell::new(None)).collect();
        let parts = requests.iter().zip(&answers).enumerate();
        let reads = parts.map(|(number, (request, answer))| {
            let fork = client.meter.beside("key", request.key);
            let read = &read;
            within(fork, async move {
                answer.set(Some(read(number, request).await));
            })
        });
        join_all(reads).await;
        answers.into_iter().filter_map(Cell::into_inner).collect()
    });
    stress.before_deadline(client, all).await
}

impl Attempts<'_> {
    async fn until_answered(&self) -> Result<Reply, Failure> {
        let kernel = &self.client.kernel;
        if let Some(budget) = &self.stress.budget {
            budget.pay_in();
        }
        let (mut number, mut previous_ns) = (0, None);
        loop {
            let failure = match self.attempt(number).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            number += 1;
            let Some(retries) = self.may_retry(number) else {
                return Err(failure);
            };
            // The attempt's own luck, so that it does not matter who failed before.
            let mut luck = self.stress.backoff_luck.at(self.numbered(number).index);
            let wait_ns = retries.backoff.wait_ns(number, previous_ns, &mut luck);
            previous_ns = Some(wait_ns);
            let backoff = self.client.meter.span("backoff");
            kernel.sleep(wait_ns).await;
            drop(backoff);
            self.count(|requests| requests.retries.increment());
        }
    }

    /// How to go on to attempt `number`, if that is allowed.
    fn may_retry(&self, number: u32) -> Option<&Retries> {
        let retries = self.stress.plan.retries.as_ref()?;
        let repeats = self.operation == Operation::Read || retries.writes;
        if number > retries.count || !repeats {
            return None;
        }
        if let Some(budget) = &self.stress.budget
            && !budget.take()
        {
            self.count(|requests| requests.retries_refused.increment());
            return None;
        }
        Some(retries)
    }

    /// One attempt, hedged if clients do so, for as long as the client waits for one.
    async fn attempt(&self, number: u32) -> Result<Reply, Failure> {
        let kernel = &self.client.kernel;
        let asked_ns = kernel.now();
        let span = self.client.meter.span("attempt");
        let asking = kernel.apart(|| self.hedged(number));
        let outcome = match self.stress.plan.timeout_ns {
            None => asking.await,
            Some(timeout_ns) => {
                let within = kernel.timeout(timeout_ns, asking).await;
                within.unwrap_or(Err(Failure::GaveUp))
            }
        };
        if let (Ok(_), Some(hedge)) = (&outcome, &self.stress.hedge) {
            hedge.answered(kernel.now() - asked_ns);
        }
        if let Some(span) = span {
            span.note(match &outcome {
                Ok(_) => "answered",
                Err(failure) => failure.name(),
            });
        }
        outcome
    }

    async fn hedged(&self, number: u32) -> Result<Reply, Failure> {
        let first = self.ask(self.numbered(number));
        let hedge = self.stress.hedge.as_ref();
        let hedge = hedge.filter(|_| self.operation == Operation::Read);
        let Some(after_ns) = hedge.and_then(Hedge::after_ns) else {
            return first.await;
        };
        let mut first = Box::pin(first);
        let patience = self.client.kernel.sleep(after_ns);
        if let Either::Left(outcome) = race(first.as_mut(), patience).await {
            return outcome;
        }
        self.count(|requests| requests.hedges.increment());
        let hedge = self.elsewhere(self.numbered(number), HEDGE);
        let fork = self.client.meter.beside("hedge", hedge.key);
        let mut second = Box::pin(within(fork, self.ask(hedge)));
        // A failure is no answer while the other may still give one.
        match race(first.as_mut(), second.as_mut()).await {
            Either::Left(Err(_)) => second.await,
            Either::Left(outcome) => outcome,
            Either::Right(Err(_)) => first.await,
            Either::Right(outcome) => {
                self.count(|requests| requests.hedges_won.increment());
                outcome
            }
        }
    }

    /// Has the work done, in a way that fits what is to become of it when this is dropped.
    async fn ask(&self, request: Request) -> Result<Reply, Failure> {
        let operation = self.operation;
        if self.stress.plan.abandoned != Abandoned::Finish {
            return self.client.work(&request, operation).await;
        }
        let client = self.client.clone();
        let channel = self.stress.replies.open();
        let reply = self.stress.replies.receive(channel);
        let label = Label {
            kind: "attempt of request",
            number: self.request.index,
        };
        let fork = self.client.meter.attached();
        let attempt = async move {
            let outcome = client.work(&request, operation).await;
            let Some(stress) = &client.stress else { return };
            if stress.replies.receivers(channel) == 0 && outcome.is_ok() {
                client.meter.answer_nobody();
            }
            stress.replies.close(channel, Some(outcome));
        };
        match fork {
            None => self.client.kernel.spawn(label, attempt),
            Some(fork) => self.client.kernel.spawn(label, fork.run(attempt)),
        }
        // The task always closes its channel.
        reply.await.unwrap_or(Err(Failure::GaveUp))
    }

    /// The request as attempt `number` makes it.
    fn numbered(&self, number: u32) -> Request {
        if number == 0 {
            return *self.request;
        }
        self.elsewhere(*self.request, ATTEMPT + u64::from(number))
    }

    /// The request with luck of its own, from the load balancer on.
    fn elsewhere(&self, request: Request, reason: u64) -> Request {
        let again = request.derived(reason);
        let instance = self.client.instance_of(again.index, again.session);
        Request {
            instance: instance.unwrap_or(NO_INSTANCE),
            region: self.client.geography.region_of(instance.unwrap_or(0)),
            ..again
        }
    }

    fn count(&self, what: impl FnOnce(&RequestMeter)) {
        if self.measured {
            what(&self.client.meter.requests);
        }
    }
}

/// Reasons by which attempts and hedges derive their luck: apart from those of other work.
const ATTEMPT: u64 = 0xa77e_0000_0000;
const HEDGE: u64 = 0x4ed6_0000_0000;

#[cfg(test)]
mod tests {
    use super::*;

    fn future_bytes<F>(_: impl Fn(Rc<Client>, Arrival) -> F) -> usize {
        size_of::<F>()
    }

    fn attempts_bytes<'a, F>(_: impl Fn(&'a Attempts<'a>, u32) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_request_takes_little_however_many_stages_it_passes_through() {
        // An overloaded system has a hundred thousand of them in flight. What is passed on by value is
        // a part by itself, so that it is not stored once for each function that it passes through.
        let serving = future_bytes(serve);
        assert!(serving <= 640, "{serving} bytes");
        let answering = attempts_bytes(|attempts, _| attempts.until_answered());
        assert!(answering <= 424, "{answering} bytes");
        let asking = attempts_bytes(|attempts, number| attempts.hedged(number));
        assert!(asking <= 656, "{asking} bytes");
    }
}
