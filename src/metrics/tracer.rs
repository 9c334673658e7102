//! The tracer of one run: what single requests do and when, as spans, for people who want to see where
//! the time of a slow request went.
//!
//! A request is followed by a [`Ticket`] that is at hand while its task is polled ([`Fork::run`]) and at no
//! other time; so nothing of this is in the future of a request, and whoever has something to tell need
//! not know whom it is about. Where no request is traced there is no tracer, and all that is left of it
//! is the question whether there is one.
//!
//! Spans of one *lane* are properly nested: a span that ends ends what was still open in it. Work beside
//! the request (a second attempt, one of several keys, a refresh in the background) has lanes of its own.
//!
//! Memory is bounded by the requests that are kept and, of the slowest, those that are in flight.
//!
//! Not here: what spans are called (see where they are opened), and how they are written (see `report`).

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::units::{Key, KeyHash, NEVER, Nanoseconds};

/// Which requests of a run are traced, of those that arrive after warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traced {
    /// The first so many.
    First(u64),
    /// So many that took longest, of those that were answered or failed.
    Slowest(u64),
}

/// Something that took time, or an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// What went on.
    pub name: &'static str,
    /// When it began.
    pub begin_ns: Nanoseconds,
    /// When it ended.
    pub end_ns: Nanoseconds,
    /// The span of the same lane within which it lies, by its place in the list.
    pub parent: Option<usize>,
    /// The lane that it is in, by its place in [`TracedRequest::lanes`].
    pub lane: usize,
    /// The tier that it was about, counted from the client.
    pub tier: Option<usize>,
    /// The node of the tier, or the server of the database.
    pub node: Option<usize>,
    /// The key that it was about.
    pub key: Option<Key>,
    /// What came of it.
    pub outcome: Option<&'static str>,
    /// The index of the request whose fetch was waited for.
    pub waits_for: Option<u64>,
    is_open: bool,
    is_exchange: bool,
    branch: usize,
}

/// A row of spans, each of which lies within another or beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What goes on in it.
    pub name: &'static str,
    /// Which one of its kind.
    pub number: u64,
}

/// What one request has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedRequest {
    /// The request's number.
    pub index: u64,
    /// The first is the request's own, the others beside it.
    pub lanes: Vec<Lane>,
    /// Parents come before their children. The first is the request itself.
    pub spans: Vec<Span>,
}

impl TracedRequest {
    /// How long it took until it was answered or failed, or so far.
    #[must_use]
    pub fn latency_ns(&self) -> Nanoseconds {
        self.spans[0].end_ns - self.spans[0].begin_ns
    }
}

/// Where the [`Ticket`] that is at hand is left, in two words, for whoever polls tasks to carry along.
pub type Carried = Rc<Cell<Option<[u64; 2]>>>;

/// Whom work is for: see the module's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    record: u64,
    branch: usize,
}

impl Ticket {
    /// Of requests that are not traced.
    const NOBODY: Self = Self {
        record: u64::MAX,
        branch: 0,
    };

    fn words(self) -> Option<[u64; 2]> {
        Some([self.record, self.branch as u64])
    }

    fn of_words([record, branch]: [u64; 2]) -> Self {
        Self {
            record,
            branch: branch as usize,
        }
    }
}

/// A place at which one activity is: the innermost span that it has open, and its lane.
#[derive(Clone, Copy, Debug)]
struct Branch {
    innermost: Option<usize>,
    lane: usize,
}

/// A request that is being traced.
#[derive(Debug)]
struct Record {
    request: TracedRequest,
    branches: Vec<Branch>,
}

impl Record {
    fn lane(&mut self, name: &'static str) -> usize {
        let lanes = &mut self.request.lanes;
        let number = lanes.iter().filter(|lane| lane.name == name).count();
        lanes.push(Lane {
            name,
            number: number as u64,
        });
        lanes.len() - 1
    }

    /// A span within the innermost one that is open.
    fn open(&mut self, branch: usize, name: &'static str, begin_ns: Nanoseconds) -> usize {
        let Branch { innermost, lane } = self.branches[branch];
        if innermost.is_some_and(|span| !self.request.spans[span].is_open) {
            // Whoever this was done for waits for it no more: it goes on beside the request.
            let lane = self.lane("late");
            self.branches[branch] = Branch {
                innermost: None,
                lane,
            };
            return self.open(branch, name, begin_ns);
        }
        let span = self.request.spans.len();
        self.request.spans.push(Span {
            name,
            begin_ns,
            end_ns: NEVER,
            parent: innermost,
            lane,
            tier: None,
            node: None,
            key: None,
            outcome: None,
            waits_for: None,
            is_open: true,
            is_exchange: false,
            branch,
        });
        self.branches[branch].innermost = Some(span);
        span
    }

    /// Ends a span, and what is still open within it, at `end_ns`.
    fn close(&mut self, span: usize, end_ns: Nanoseconds) {
        let spans = &mut self.request.spans;
        if !spans[span].is_open {
            return;
        }
        let Span { parent, branch, .. } = spans[span];
        self.branches[branch].innermost = parent;
        for inner in span..spans.len() {
            let is_within = inner == span || {
                let mut outer = spans[inner].parent;
                while outer.is_some_and(|it| it > span) {
                    outer = outer.and_then(|it| spans[it].parent);
                }
                outer == Some(span)
            };
            if is_within {
                let one = &mut spans[inner];
                if one.is_open && inner != span {
                    one.outcome = one.outcome.or(Some("abandoned"));
                }
                one.is_open = false;
                // What was said ahead of time may have been cut short.
                one.end_ns = one.end_ns.min(end_ns).max(one.begin_ns);
            }
        }
    }

    /// When the last thing within the innermost open span ended, or that began.
    fn since_ns(&self, branch: usize) -> Option<Nanoseconds> {
        let innermost = self.branches[branch].innermost?;
        let spans = &self.request.spans;
        let mut inner = spans[innermost..].iter();
        let last = inner.rfind(|span| span.parent == Some(innermost) && !span.is_open);
        Some(last.map_or(spans[innermost].begin_ns, |span| span.end_ns))
    }

    /// The innermost open span that is one of those.
    fn innermost(&self, branch: usize, is_one: impl Fn(&Span) -> bool) -> Option<usize> {
        let spans = &self.request.spans;
        let mut at = self.branches[branch].innermost;
        while let Some(span) = at
            && !is_one(&spans[span])
        {
            at = spans[span].parent;
        }
        at.filter(|&span| spans[span].is_open)
    }
}

#[derive(Debug, Default)]
struct State {
    records: HashMap<u64, Record, KeyHash>,
    /// Records that were begun.
    begun: u64,
    /// Of the slowest: how long the requests took that are kept, the fastest first.
    kept: BinaryHeap<Reverse<(Nanoseconds, Reverse<u64>)>>,
}

/// The tracer of one run. See the module's text.
pub struct Tracer {
    traced: Traced,
    /// What the time is.
    clock: Box<dyn Fn() -> Nanoseconds>,
    /// Whom what is going on at present is for: a [`Ticket`].
    carried: Carried,
    state: RefCell<State>,
}

impl fmt::Debug for Tracer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Tracer");
        shown.field("traced", &self.traced).finish_non_exhaustive()
    }
}

impl Tracer {
    /// A tracer that has seen nothing yet. Its tickets are carried along by the kernel.
    #[must_use]
    pub fn new(
        traced: Traced,
        carried: Carried,
        clock: impl Fn() -> Nanoseconds + 'static,
    ) -> Self {
        Self {
            traced,
            clock: Box::new(clock),
            carried,
            state: RefCell::default(),
        }
    }

    /// Whether what is going on at present is for some request, traced or not.
    pub fn is_at_work(&self) -> bool {
        self.carried.get().is_some()
    }

    /// Request `index` arrives, after warm-up or not. The request ends with the fork.
    pub fn arrive(self: &Rc<Self>, index: u64, arrived_ns: Nanoseconds, measured: bool) -> Fork {
        let mut state = self.state.borrow_mut();
        let is_wanted = match self.traced {
            Traced::First(most) => state.begun < most,
            Traced::Slowest(most) => most > 0,
        };
        let mut ticket = Ticket::NOBODY;
        if measured && is_wanted {
            let mut record = Record {
                request: TracedRequest {
                    index,
                    lanes: Vec::new(),
                    spans: Vec::new(),
                },
                branches: vec![Branch {
                    innermost: None,
                    lane: 0,
                }],
            };
            record.lane("request");
            record.open(0, "request", arrived_ns);
            ticket.record = state.begun;
            state.begun += 1;
            state.records.insert(ticket.record, record);
        }
        Fork {
            tracer: self.clone(),
            ticket,
            span: 0,
        }
    }

    fn current(&self) -> Option<Ticket> {
        self.carried.get().map(Ticket::of_words)
    }

    /// The record of whom what goes on is for, and where in it that is.
    fn at<T>(&self, what: impl FnOnce(&mut Record, usize) -> T) -> Option<T> {
        let Ticket { record, branch } = self.current()?;
        let mut state = self.state.borrow_mut();
        Some(what(state.records.get_mut(&record)?, branch))
    }

    fn close(&self, record: u64, span: usize) {
        let mut state = self.state.borrow_mut();
        let Some(record) = state.records.get_mut(&record) else {
            return;
        };
        record.close(span, (self.clock)());
    }

    /// A span from now until [`Tracer::end`] with its name, or until what it is in ends.
    pub fn begin(&self, name: &'static str) {
        let now_ns = (self.clock)();
        self.at(|record, branch| {
            record.open(branch, name, now_ns);
        });
    }

    /// The innermost open span of that name ends, if there is one.
    pub fn end(&self, name: &'static str) {
        let now_ns = (self.clock)();
        self.at(|record, branch| {
            if let Some(span) = record.innermost(branch, |span| span.name == name) {
                record.close(span, now_ns);
            }
        });
    }

    /// A span from now until what is returned is dropped.
    pub fn open(self: &Rc<Self>, name: &'static str) -> Option<OpenSpan> {
        let now_ns = (self.clock)();
        let span = self.at(|record, branch| record.open(branch, name, now_ns))?;
        let record = self.current()?.record;
        Some(OpenSpan {
            tracer: self.clone(),
            record,
            span,
        })
    }

    /// A span within the innermost open one, of which the ends are known already.
    pub fn span(&self, name: &'static str, begin_ns: Nanoseconds, end_ns: Nanoseconds) {
        if begin_ns < end_ns {
            self.at(|record, branch| {
                let span = record.open(branch, name, begin_ns);
                record.close(span, end_ns);
            });
        }
    }

    /// A span from the end of what was last within the innermost open one until now.
    pub fn since_then(&self, name: &'static str) {
        let begin_ns = self.at(|record, branch| record.since_ns(branch));
        if let Some(begin_ns) = begin_ns.flatten() {
            self.span(name, begin_ns, (self.clock)());
        }
    }

    /// An exchange with a node of a tier begins, or with the database.
    pub fn begin_exchange(&self, name: &'static str, tier: Option<usize>, key: Key) {
        let now_ns = (self.clock)();
        self.at(|record, branch| {
            let span = record.open(branch, name, now_ns);
            let exchange = &mut record.request.spans[span];
            exchange.is_exchange = true;
            exchange.tier = tier;
            exchange.key = Some(key);
        });
    }

    /// The exchange that is under way ends at `end_ns`.
    pub fn end_exchange(&self, end_ns: Nanoseconds) {
        self.at(|record, branch| {
            if let Some(span) = record.innermost(branch, |span| span.is_exchange) {
                record.close(span, end_ns);
            }
        });
    }

    /// The innermost open span is about that node, or that server of the database.
    pub fn at_node(&self, node: usize) {
        self.note_with(|span| span.node = Some(node));
    }

    /// What came of the innermost open span.
    pub fn note(&self, outcome: &'static str) {
        self.note_with(|span| span.outcome = Some(outcome));
    }

    /// The innermost span that is open waits for what the request of that index fetches.
    pub fn waits_for(&self, index: u64) {
        self.note_with(|span| span.waits_for = Some(index));
    }

    fn note_with(&self, note: impl FnOnce(&mut Span)) {
        self.at(|record, branch| {
            // What comes of it after its end is no news.
            if let Some(span) = record.branches[branch].innermost
                && record.request.spans[span].is_open
            {
                note(&mut record.request.spans[span]);
            }
        });
    }

    /// The request is about that key, and this came of it.
    pub fn answered(&self, outcome: &'static str) {
        self.at(|record, _| record.request.spans[0].outcome = Some(outcome));
    }

    /// What the request asks for.
    pub fn asks(&self, key: Key) {
        self.at(|record, _| record.request.spans[0].key = Some(key));
    }

    /// Work of another task on behalf of the innermost open span: it ends with that or goes on beside
    /// the request.
    pub fn attached(self: &Rc<Self>) -> Option<Fork> {
        let record = self.current()?.record;
        self.at(|request, branch| {
            request.branches.push(request.branches[branch]);
            Fork {
                tracer: self.clone(),
                ticket: Ticket {
                    record,
                    branch: request.branches.len() - 1,
                },
                span: usize::MAX,
            }
        })
    }

    /// Work beside what the request does at present, in a lane of its own.
    pub fn beside(self: &Rc<Self>, name: &'static str, key: Key) -> Option<Fork> {
        let record = self.current()?.record;
        let now_ns = (self.clock)();
        self.at(|request, _| {
            let lane = request.lane(name);
            let branch = request.branches.len();
            request.branches.push(Branch {
                innermost: None,
                lane,
            });
            let span = request.open(branch, name, now_ns);
            request.request.spans[span].key = Some(key);
            Fork {
                tracer: self.clone(),
                ticket: Ticket { record, branch },
                span,
            }
        })
    }

    /// The request has come to its end.
    fn end_request(&self, number: u64) {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let Some(record) = state.records.get_mut(&number) else {
            return;
        };
        record.close(0, (self.clock)());
        let Traced::Slowest(most) = self.traced else {
            return;
        };
        // Of two that took as long, the one that came first is kept.
        let latency_ns = record.request.latency_ns();
        state.kept.push(Reverse((latency_ns, Reverse(number))));
        if state.kept.len() as u64 > most
            && let Some(Reverse((_, Reverse(fastest)))) = state.kept.pop()
        {
            state.records.remove(&fastest);
        }
    }

    /// What has become of the requests that were to be traced: the first in the order in which they
    /// came, or the slowest, the slowest of all first. What is still going on ends now.
    pub fn finish(&self) -> Vec<TracedRequest> {
        let now_ns = (self.clock)();
        let state = std::mem::take(&mut *self.state.borrow_mut());
        let mut records: Vec<(u64, Record)> = state.records.into_iter().collect();
        if matches!(self.traced, Traced::Slowest(_)) {
            // One that has not come to its end is none of those that took longest.
            records.retain(|(_, record)| !record.request.spans[0].is_open);
            records.sort_by_key(|(number, record)| (Reverse(record.request.latency_ns()), *number));
        } else {
            records.sort_by_key(|(number, _)| *number);
        }
        let finish = |(_, mut record): (u64, Record)| {
            let spans = &mut record.request.spans;
            if spans[0].is_open {
                spans[0].outcome = Some("in_flight");
            }
            for span in spans {
                span.is_open = false;
                span.end_ns = span.end_ns.min(now_ns).max(span.begin_ns);
            }
            record.request
        };
        records.into_iter().map(finish).collect()
    }
}

/// A span that is open until this is dropped.
#[derive(Debug)]
pub struct OpenSpan {
    tracer: Rc<Tracer>,
    record: u64,
    span: usize,
}

impl OpenSpan {
    /// What came of it.
    pub fn note(&self, outcome: &'static str) {
        let mut state = self.tracer.state.borrow_mut();
        if let Some(record) = state.records.get_mut(&self.record)
            && let span = &mut record.request.spans[self.span]
            // What comes of it after its end is no news.
            && span.is_open
        {
            span.outcome = Some(outcome);
        }
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        self.tracer.close(self.record, self.span);
    }
}

/// Work that is for a request: its own, or some beside it. What it has opened ends when it is dropped.
#[derive(Debug)]
pub struct Fork {
    tracer: Rc<Tracer>,
    ticket: Ticket,
    /// The span that ends with it.
    span: usize,
}

impl Fork {
    /// Does the work.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let before = self.tracer.carried.replace(self.ticket.words());
            let progress = work.as_mut().poll(context);
            self.tracer.carried.set(before);
            progress
        })
        .await
    }
}

impl Drop for Fork {
    fn drop(&mut self) {
        let Ticket { record, branch } = self.ticket;
        if branch == 0 {
            self.tracer.end_request(record);
        } else if self.span != usize::MAX {
            self.tracer.close(record, self.span);
        }
    }
}

/// Does `work`, as part of `fork` where there is one.
pub async fn within<F: Future>(fork: Option<Fork>, work: F) -> F::Output {
    match fork {
        None => work.await,
        Some(fork) => fork.run(work).await,
    }
}
