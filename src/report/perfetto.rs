//! Request traces in the Trace Event Format, which ui.perfetto.dev and chrome://tracing open: each variant is
//! a process, each lane of a request a thread of it, each span a complete event (`"ph":"X"`).
//!
//! Times are microseconds of simulated time, with three decimals: whole nanoseconds.
//!
//! Not here: what the spans are (see `metrics::Tracer`).

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::quantity;
use crate::metrics::{Lane, Span, TracedRequest, Unit};
use crate::units::{Nanoseconds, SECOND_NS};

/// The requests of one variant that were traced.
#[derive(Clone, Debug, Default)]
pub struct TracedVariant {
    /// The variant's name.
    pub name: String,
    /// The names of its tiers, from the client to the database.
    pub tiers: Vec<String>,
    /// What was traced, in the order in which it is shown.
    pub requests: Vec<TracedRequest>,
}

/// Writes a whole file.
///
/// # Errors
/// Those of `to`.
pub fn write(variants: &[TracedVariant], to: &mut dyn Write) -> io::Result<()> {
    to.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    let mut events = Events { to, count: 0 };
    // Threads have numbers of their own in the whole file, as they have in an operating system.
    let mut thread = 0;
    for (index, variant) in variants.iter().enumerate() {
        let process = index + 1;
        let name = json!({ "name": variant.name });
        events.describe("process_name", process, None, name)?;
        events.describe(
            "process_sort_index",
            process,
            None,
            json!({ "sort_index": process }),
        )?;
        for request in &variant.requests {
            for (number, lane) in request.lanes.iter().enumerate() {
                thread += 1;
                let place = (process, thread);
                let name = json!({ "name": thread_name(request, number, *lane) });
                events.describe("thread_name", process, Some(thread), name)?;
                let order = json!({ "sort_index": thread });
                events.describe("thread_sort_index", process, Some(thread), order)?;
                for (span_number, span) in request.spans.iter().enumerate() {
                    if span.lane == number {
                        let mut args = args(span, &variant.tiers);
                        if span_number == 0 {
                            args.insert("request".to_owned(), request.index.into());
                        }
                        events.span(place, span, args)?;
                    }
                }
            }
        }
    }
    events.to.write_all(b"\n]}\n")
}

struct Events<'a> {
    to: &'a mut dyn Write,
    count: u64,
}

impl Events<'_> {
    /// Goes to the place of the next event.
    fn next(&mut self) -> io::Result<()> {
        self.count += 1;
        let separator: &[u8] = if self.count == 1 { b"\n" } else { b",\n" };
        self.to.write_all(separator)
    }

    /// An event that says something about a process or a thread.
    fn describe(
        &mut self,
        what: &str,
        process: usize,
        thread: Option<usize>,
        args: Value,
    ) -> io::Result<()> {
        self.next()?;
        let mut event = json!({ "ph": "M", "name": what, "pid": process, "args": args });
        if let Some(thread) = thread {
            event["tid"] = thread.into();
        }
        write!(self.to, "{event}")
    }

    fn span(
        &mut self,
        (process, thread): (usize, usize),
        span: &Span,
        args: Map<String, Value>,
    ) -> io::Result<()> {
        self.next()?;
        // By hand, because a JSON number of a library may have lost its last nanosecond.
        write!(
            self.to,
            "{{\"ph\":\"X\",\"name\":\"{}\",\"cat\":\"cachesim\",\"pid\":{process},\"tid\":{thread},\"ts\":{},\"dur\":{},\"args\":{}}}",
            span.name,
            microseconds(span.begin_ns),
            microseconds(span.end_ns - span.begin_ns),
            Value::Object(args)
        )
    }
}

fn microseconds(time_ns: Nanoseconds) -> String {
    format!("{}.{:03}", time_ns / 1000, time_ns % 1000)
}

fn thread_name(request: &TracedRequest, number: usize, lane: Lane) -> String {
    let index = request.index;
    if number > 0 {
        return format!("request {index}: {} {}", lane.name, lane.number);
    }
    let latency_s = request.latency_ns() as f64 / SECOND_NS as f64;
    let latency = quantity::quantity(latency_s, Unit::Seconds);
    format!("request {index}, {latency}")
}

fn args(span: &Span, tiers: &[String]) -> Map<String, Value> {
    let mut args = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            args.insert(name.to_owned(), value);
        }
    };
    let tier = span.tier.and_then(|tier| tiers.get(tier));
    put("tier", tier.map(|name| name.as_str().into()));
    put("node", span.node.map(Into::into));
    put("key", span.key.map(Into::into));
    put("outcome", span.outcome.map(Into::into));
    put("waits_for_request", span.waits_for.map(Into::into));
    args
}
