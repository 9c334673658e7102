//! `cachesim trace info`: what a trace looks like, printed.
//!
//! Not here: what is measured (see [`crate::trace::statistics`]).

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};

use super::human::{bytes, duration, percent, significant, thousands};
use super::reading::ReadArguments;
use super::report;
use crate::cli::{Answer, Common, Format as Shape, Status, print};
use crate::trace::statistics::{Distribution, Statistics};
use crate::trace::{self, Input, Operation, TraceError};
use crate::units::{Nanoseconds, SECOND_NS};

/// Say what a trace looks like: counts, sizes, popularity, reuse
#[derive(Debug, Args)]
#[command(after_long_help = INFO_HELP)]
pub(super) struct Info {
    /// Trace to look at
    trace: PathBuf,
    /// How many of the most popular keys to list
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    top: usize,
    #[command(flatten)]
    read: ReadArguments,
    #[command(flatten)]
    common: Common,
}

const INFO_HELP: &str = "\
Examples:
  cachesim trace info traces/zipf-scan.oracleGeneral.zst
  cachesim trace info requests.csv --columns time=1,key=4,size=5 --format json
  cachesim trace info cluster52.sort.zst --limit 10M --sample 0.1

What the words mean:
  one-hit wonders  keys that are asked for only once: no cache can ever hit them
  requested bytes  of all requests; working set: of all distinct keys, once each
  Zipf exponent    by maximum likelihood over the keys with at least 10 requests; the
                   distance (Kolmogorov-Smirnov) is 0 for a perfect fit, and above 0.1
                   the popularity is not a power law
  reuse distance   distinct keys asked for between two requests for one key: an LRU
                   cache of more entries than that hits; exact up to 1 048 576 distinct
                   keys, from a sample of the keys above
Sizes, distances and TTLs are rounded to three digits.";

impl Info {
    pub(super) fn execute(self) -> Answer {
        let input = Input::open(&self.trace).map_err(report)?;
        let (compression, file) = (input.compression(), input.file().to_owned());
        let (format, mut reader) =
            trace::open_input(input, &self.read.options()).map_err(report)?;
        let statistics = Statistics::of_reader(reader.as_mut(), &self.read.selection(), self.top)
            .map_err(|error| report(named(error, &file)))?;
        let origin = Origin {
            file: &file,
            format: format.name,
            compression: compression.name(),
        };
        let text = match self.common.format {
            Shape::Table => table(&origin, &statistics),
            Shape::Json => format!("{:#}\n", as_json(&origin, &statistics)),
            Shape::Csv => flat(&as_json(&origin, &statistics), "metric,value\n", csv_row),
            Shape::Markdown => flat(
                &as_json(&origin, &statistics),
                "| metric | value |\n| :--- | ---: |\n",
                |name, value| format!("| {name} | {} |\n", value.replace('|', "\\|")),
            ),
        };
        print(&text)?;
        Ok(Status::Well)
    }
}

/// Errors of a whole trace that the reader's name is not known to.
fn named(mut error: TraceError, file: &str) -> TraceError {
    if error.place == trace::Place::File {
        file.clone_into(&mut error.file);
    }
    error
}

/// Which file it is about.
struct Origin<'a> {
    file: &'a str,
    format: &'static str,
    compression: &'static str,
}

/// A distribution, its name in the table, and how its values are written.
type Row = (&'static str, Option<Distribution>, fn(f64) -> String);

/// What of [`Statistics`] are distributions.
fn distributions(statistics: &Statistics) -> [Row; 3] {
    [
        ("size", statistics.sizes, bytes),
        ("reuse distance", statistics.reuse, |keys| {
            thousands(keys.round() as u64)
        }),
        ("TTL", statistics.ttls_ns, duration),
    ]
}

/// Whether any request says how large its object is: many a format has a place for the size and
/// nothing in it.
fn has_sizes(statistics: &Statistics) -> bool {
    statistics.fields.size && statistics.unknown_sizes < statistics.requests
}

const PERCENTILE_NAMES: [&str; 5] = ["p10", "p50", "p90", "p99", "max"];

fn table(origin: &Origin<'_>, statistics: &Statistics) -> String {
    let mut text = String::new();
    let share = |part: u64, whole: u64| percent(part as f64 / whole.max(1) as f64);
    let requests = statistics.requests;
    let compression = match origin.compression {
        "none" => String::new(),
        other => format!(", {other}"),
    };
    text.push_str(&format!(
        "{} ({}{compression})\n\n",
        origin.file, origin.format
    ));
    let mut row = |name: &str, value: String, note: String| {
        let line = format!("{name:<18}{value:>18}   {note}");
        text.push_str(line.trim_end());
        text.push('\n');
    };
    row("requests", thousands(requests), String::new());
    row(
        "distinct keys",
        thousands(statistics.distinct),
        format!("{} of the requests", share(statistics.distinct, requests)),
    );
    row(
        "one-hit wonders",
        thousands(statistics.one_hit_wonders),
        format!(
            "{} of the keys",
            share(statistics.one_hit_wonders, statistics.distinct)
        ),
    );
    if has_sizes(statistics) {
        row(
            "requested bytes",
            bytes(statistics.bytes as f64),
            format!("{} B", thousands(statistics.bytes)),
        );
        row(
            "working set",
            bytes(statistics.working_set_bytes as f64),
            format!("{} B", thousands(statistics.working_set_bytes)),
        );
        if statistics.unknown_sizes > 0 {
            let note = format!(
                "{} of the requests",
                share(statistics.unknown_sizes, requests)
            );
            row("unknown sizes", thousands(statistics.unknown_sizes), note);
        }
    } else {
        row("sizes", "-".to_owned(), "the trace has none".to_owned());
    }
    if statistics.fields.time {
        let seconds = statistics.duration_ns() as f64 / SECOND_NS as f64;
        let rate = match seconds > 0.0 {
            true => format!(
                "{} requests/s on average",
                significant(requests as f64 / seconds)
            ),
            false => String::new(),
        };
        row("duration", duration(statistics.duration_ns() as f64), rate);
        if statistics.backward_times > 0 {
            let note = "requests that are earlier than the one before".to_owned();
            row("backward times", thousands(statistics.backward_times), note);
        }
    }
    match &statistics.zipf {
        Some(fit) => row(
            "Zipf exponent",
            format!("{:.3}", fit.exponent),
            format!(
                "top {} keys, distance {:.3}",
                thousands(fit.ranks),
                fit.distance
            ),
        ),
        None => row(
            "Zipf exponent",
            "-".to_owned(),
            "too few frequent keys".to_owned(),
        ),
    }

    if statistics.fields.operation {
        text.push_str(&format!(
            "\n{:<18}{:>18}   {:>8}\n",
            "operation", "requests", "share"
        ));
        for (operation, &count) in Operation::ALL.iter().zip(&statistics.operations) {
            if count > 0 {
                text.push_str(&format!(
                    "{:<18}{:>18}   {:>8}\n",
                    operation.name(),
                    thousands(count),
                    share(count, requests)
                ));
            }
        }
    }

    if distributions(statistics)
        .iter()
        .any(|(_, found, _)| found.is_some())
    {
        text.push_str(&format!("\n{:<14}{:>11}", "", "mean"));
        for name in PERCENTILE_NAMES {
            text.push_str(&format!("{name:>11}"));
        }
        text.push('\n');
        for (name, found, unit) in distributions(statistics) {
            let Some(found) = found else { continue };
            text.push_str(&format!("{name:<14}{:>11}", unit(found.mean)));
            for value in found.percentiles {
                text.push_str(&format!("{:>11}", unit(value as f64)));
            }
            text.push('\n');
        }
        if statistics.reuse_rate < 1.0 {
            text.push_str(&format!(
                "(reuse distances from a sample of {} of the keys)\n",
                percent(statistics.reuse_rate)
            ));
        }
    }

    if !statistics.top.is_empty() {
        text.push_str(&format!(
            "\n{:>4}   {:>20}{:>18}   {:>8}\n",
            "rank", "key", "requests", "share"
        ));
        for (index, &(key, count)) in statistics.top.iter().enumerate() {
            text.push_str(&format!(
                "{:>4}   {key:>20}{:>18}   {:>8}\n",
                index + 1,
                thousands(count),
                share(count, requests)
            ));
        }
    }
    text
}

fn as_json(origin: &Origin<'_>, statistics: &Statistics) -> Value {
    let seconds = |time_ns: Nanoseconds| time_ns as f64 / SECOND_NS as f64;
    let of = |found: Option<Distribution>, unit: f64| {
        let Some(found) = found else {
            return Value::Null;
        };
        let mut object = Map::new();
        object.insert("count".to_owned(), json!(found.count));
        object.insert("mean".to_owned(), json!(found.mean / unit));
        for (name, value) in PERCENTILE_NAMES.iter().zip(found.percentiles) {
            let value = match unit == 1.0 {
                true => json!(value),
                false => json!(value as f64 / unit),
            };
            object.insert((*name).to_owned(), value);
        }
        Value::Object(object)
    };
    let operations: Map<String, Value> = Operation::ALL
        .iter()
        .zip(&statistics.operations)
        .filter(|&(_, &count)| count > 0)
        .map(|(operation, &count)| (operation.name().to_owned(), json!(count)))
        .collect();
    let present = |present: bool, value: Value| if present { value } else { Value::Null };
    let duration_s = seconds(statistics.duration_ns());
    let (fields, sizes) = (statistics.fields, has_sizes(statistics));
    json!({
        "file": origin.file,
        "trace_format": origin.format,
        "compression": origin.compression,
        "requests": statistics.requests,
        "distinct_keys": statistics.distinct,
        "one_hit_wonders": statistics.one_hit_wonders,
        "requested_bytes": present(sizes, json!(statistics.bytes)),
        "working_set_bytes": present(sizes, json!(statistics.working_set_bytes)),
        "unknown_sizes": present(fields.size, json!(statistics.unknown_sizes)),
        "operations": present(fields.operation, Value::Object(operations)),
        "duration": present(fields.time, json!(duration_s)),
        "rate": present(
            fields.time && duration_s > 0.0,
            json!(statistics.requests as f64 / duration_s),
        ),
        "backward_times": present(fields.time, json!(statistics.backward_times)),
        "zipf": statistics.zipf.map_or(Value::Null, |fit| json!({
            "exponent": fit.exponent,
            "ranks": fit.ranks,
            "distance": fit.distance,
        })),
        "size": of(statistics.sizes, 1.0),
        "reuse_distance": of(statistics.reuse, 1.0),
        "reuse_distance_sample": statistics.reuse_rate,
        "ttl": of(statistics.ttls_ns, SECOND_NS as f64),
        "top": statistics.top.iter().map(|&(key, count)| json!({
            "key": key,
            "requests": count,
            "share": count as f64 / statistics.requests.max(1) as f64,
        })).collect::<Vec<_>>(),
    })
}

/// A JSON document as rows of a dotted name and a value; what is null has no row.
fn flat(document: &Value, head: &str, row: impl Fn(&str, &str) -> String) -> String {
    fn walk(name: &str, value: &Value, rows: &mut Vec<(String, String)>) {
        let below = |part: &str| match name {
            "" => part.to_owned(),
            name => format!("{name}.{part}"),
        };
        match value {
            Value::Null => {}
            Value::Object(object) => {
                object
                    .iter()
                    .for_each(|(part, value)| walk(&below(part), value, rows));
            }
            Value::Array(values) => values
                .iter()
                .enumerate()
                .for_each(|(index, value)| walk(&below(&(index + 1).to_string()), value, rows)),
            Value::String(text) => rows.push((name.to_owned(), text.clone())),
            other => rows.push((name.to_owned(), other.to_string())),
        }
    }
    let mut rows = Vec::new();
    walk("", document, &mut rows);
    rows.iter().fold(head.to_owned(), |text, (name, value)| {
        text + &row(name, value)
    })
}

fn csv_row(name: &str, value: &str) -> String {
    if value.contains(['"', ',', '\n', '\r']) {
        return format!("{name},\"{}\"\n", value.replace('"', "\"\""));
    }
    format!("{name},{value}\n")
}
