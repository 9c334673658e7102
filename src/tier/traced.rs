//! What a tier tells the tracer of the requests that are traced: each exchange is a span, with the network,
//! the queue of the node and its service inside.

use super::trip::Leaving;
use super::{Exchange, Found, Tier, Unreachable, Visit};
use crate::kernel::Sleep;
use crate::metrics::{OpenSpan, Tracer};
use crate::units::Nanoseconds;
use crate::workload::Request;

/// What the span of a delayed hit is called.
const WAITING: &str = "wait_for_fetch";

impl Exchange {
    /// What its span is called.
    pub(super) fn span_name(self) -> &'static str {
        match self {
            Self::LookUp | Self::Retry => "check_cache",
            Self::Set => "populate_cache",
            Self::Delete | Self::DeleteBefore | Self::Feed => "invalidate_cache",
            Self::Write => "write_cache",
            Self::Log => "write_log",
            Self::Version => "check_version",
            Self::TakeMutex => "take_lock",
            Self::ReleaseMutex => "release_lock",
        }
    }
}

impl Unreachable {
    fn name(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Lost => "lost",
            Self::NoConnection => "no_connection",
            Self::Down => "down",
            Self::Shed => "shed",
        }
    }
}

impl Found {
    /// What a lookup that found this is called in a request trace.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fresh(row) if row.is_absent() => "negative_hit",
            Self::Fresh(_) => "hit",
            Self::Early(_) => "early",
            Self::Stale(_) => "stale",
            Self::Nothing => "miss",
        }
    }
}

impl Tier {
    /// Somebody sets out for a node of the tier.
    #[cold]
    pub(super) fn trace_beginning(&self, tracer: &Tracer, exchange: Exchange, request: &Request) {
        tracer.begin_exchange(exchange.span_name(), Some(self.level), request.of_row().key);
    }

    /// The exchange that is under way is with that node, which is so far away.
    #[cold]
    pub(super) fn trace_way(&self, tracer: &Tracer, node: usize, way_out_ns: Nanoseconds) {
        let now_ns = self.kernel.now();
        tracer.at_node(node);
        tracer.span("network", now_ns, now_ns + way_out_ns);
    }

    /// A worker of the node begins with it.
    #[cold]
    pub(super) fn trace_service(&self, tracer: &Tracer, service_ns: Nanoseconds) {
        let now_ns = self.kernel.now();
        tracer.since_then("queue");
        tracer.span("service", now_ns, now_ns + service_ns);
    }

    /// The way back from a node.
    #[inline]
    pub(super) fn go_back(&self, way_back_ns: Nanoseconds) -> Sleep<'_> {
        if let Some(tracer) = &self.meter.tracer {
            self.trace_way_back(tracer, way_back_ns);
        }
        self.kernel.sleep(way_back_ns)
    }

    #[cold]
    pub(super) fn trace_way_back(&self, tracer: &Tracer, way_back_ns: Nanoseconds) {
        let now_ns = self.kernel.now();
        let arrival_ns = now_ns.saturating_add(way_back_ns);
        tracer.span("network", now_ns, arrival_ns);
        tracer.end_exchange(arrival_ns);
    }

    /// The way back from a node that has sent whoever asked elsewhere: the exchange goes on.
    pub(super) fn bounce(&self, visit: Visit) -> Leaving<'_> {
        if let Some(tracer) = &self.meter.tracer {
            let now_ns = self.kernel.now();
            let arrival_ns = now_ns.saturating_add(visit.way_back_ns());
            tracer.span("network", now_ns, arrival_ns);
        }
        Leaving::new(&self.kernel, visit)
    }

    /// The exchange that is under way has come to nothing.
    pub(super) fn trace_refusal(&self, unreachable: Unreachable) {
        if let Some(tracer) = &self.meter.tracer {
            tracer.note(unreachable.name());
        }
    }

    /// A request begins to wait for somebody else's fetch: what the request of that index fetches, if
    /// that is known.
    pub fn trace_waiting(&self, for_index: Option<u64>) {
        if let Some(tracer) = &self.meter.tracer {
            // Who asks again and again waits once.
            tracer.end(WAITING);
            tracer.begin(WAITING);
            if let Some(index) = for_index {
                tracer.waits_for(index);
            }
        }
    }

    /// A request has done with waiting for somebody else's fetch, if it did.
    pub fn trace_waited(&self) {
        if let Some(tracer) = &self.meter.tracer {
            tracer.end(WAITING);
        }
    }

    /// A node begins to take in what it has loaded, or has done with it.
    pub fn trace_filling(&self, request: &Request, begins: bool) {
        if let Some(tracer) = &self.meter.tracer {
            match begins {
                true => self.trace_beginning(tracer, Exchange::Set, request),
                false => self.trace_end(),
            }
        }
    }

    /// A worker has begun with something after having been waited for, or has sent or taken in a value.
    pub(super) fn trace_since(&self, name: &'static str) {
        if let Some(tracer) = &self.meter.tracer {
            tracer.since_then(name);
        }
    }

    /// Somebody joins others on their way to that node, until what is returned is dropped.
    pub fn trace_batch(&self, request: &Request, node: usize) -> Option<OpenSpan> {
        let tracer = self.meter.tracer.as_ref()?;
        self.trace_beginning(tracer, Exchange::LookUp, request);
        tracer.at_node(node);
        tracer.open("batch")
    }

    /// What came of the exchange that is under way.
    #[inline]
    pub fn trace_outcome(&self, outcome: impl FnOnce() -> &'static str) {
        if let Some(tracer) = &self.meter.tracer {
            tracer.note(outcome());
        }
    }

    /// The exchange that is under way ends here, whatever way is still to go.
    pub fn trace_end(&self) {
        if let Some(tracer) = &self.meter.tracer {
            tracer.end_exchange(self.kernel.now());
        }
    }
}
