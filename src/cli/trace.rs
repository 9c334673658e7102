//! `cachesim trace`: look at traces, convert them, make them up.
//!
//! Not here: what is known of a trace and how it is read and written (see [`crate::trace`]).

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{Answer, Common, Format as Shape, Status};
use crate::random::Luck;
use crate::scenario::{self, BASE, Overrides};
use crate::trace::format::csv::{self, Choice, Column};
use crate::trace::format::{self, PREFERRED, by_name, written_names};
use crate::trace::generate::{Pattern, Recipe, Scan, Shift};
use crate::trace::statistics::{Distribution, Statistics};
use crate::trace::{
    self, Compression, Format, Input, Operation, Output, ReadOptions, Selection, TraceError,
};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::into_trace;

/// Look at traces of requests, convert them, make them up
#[derive(Debug, Args)]
#[command(after_help = formats_help(), arg_required_else_help = true)]
pub struct Trace {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Info(Info),
    Convert(Convert),
    Import(Import),
    Generate(Generate),
}

impl Trace {
    /// Does what the subcommand asks for.
    ///
    /// # Errors
    /// When the command line or a trace is wrong.
    pub fn execute(self) -> Answer {
        match self.command {
            Command::Info(info) => info.execute(),
            Command::Convert(convert) => convert.execute(),
            Command::Import(import) => import.execute(),
            Command::Generate(generate) => generate.execute(),
        }
    }
}

/// The table of formats, for help texts.
fn formats_help() -> String {
    let mut help = "Formats (* can be written):\n".to_owned();
    for format in format::FORMATS {
        let mark = if format.write.is_some() { '*' } else { ' ' };
        help.push_str(&format!("  {:<15}{mark} {}\n", format.name, format.summary));
    }
    help.push_str(
        "\nA format is recognised by its content unless --from names it, and so is the compression\n\
         (gz, zst, xz). A trace called - is standard input or output.",
    );
    help
}

/// How a trace is to be read.
#[derive(Clone, Debug, Args)]
pub struct ReadArguments {
    /// Format of the trace, if its content does not show it
    #[arg(long, value_name = "FORMAT", value_parser = parse_format, help_heading = "Reading")]
    from: Option<&'static Format>,
    /// CSV: which column is what, by number or header name: time=2,key=5,size=4,op=3,ttl=6
    #[arg(long, value_name = "LIST", value_parser = parse_columns, help_heading = "Reading")]
    columns: Option<ColumnList>,
    /// CSV: character between columns ("tab" for a tab) [default: recognised]
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter, help_heading = "Reading")]
    delimiter: Option<u8>,
    /// CSV: whether the first line is a header [default: recognised]
    #[arg(long, value_name = "YES|NO", value_parser = parse_yes_no, help_heading = "Reading")]
    header: Option<bool>,
    /// CSV, kvcache: unit of times and TTLs: s, ms, us or ns
    #[arg(long, value_name = "UNIT", default_value = "s", value_parser = parse_time_unit,
          help_heading = "Reading")]
    time_unit: u64,
    /// MSR, vscsi: cut requests into blocks of this size
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes, help_heading = "Reading")]
    block_size: Option<u64>,
    /// Only the first so many requests
    #[arg(long, value_name = "NUMBER", value_parser = parse_count, help_heading = "Reading")]
    limit: Option<u64>,
    /// Only this share of the keys, with all their requests (after --limit)
    #[arg(long, value_name = "SHARE", value_parser = parse_share, help_heading = "Reading")]
    sample: Option<f64>,
}

/// The columns of a CSV, wrapped so that clap takes them for one value.
#[derive(Clone, Debug)]
struct ColumnList(Vec<(Column, Choice)>);

impl ReadArguments {
    /// The options for [`trace::open`].
    #[must_use]
    pub fn options(&self) -> ReadOptions {
        let csv_wanted =
            self.columns.is_some() || self.delimiter.is_some() || self.header.is_some();
        ReadOptions {
            // Whoever speaks of columns means CSV.
            format: self.from.or_else(|| csv_wanted.then_some(&csv::FORMAT)),
            columns: self.columns.clone().map(|list| list.0).unwrap_or_default(),
            delimiter: self.delimiter,
            header: self.header,
            time_unit_ns: self.time_unit,
            block_bytes: self.block_size,
        }
    }

    /// The part of the trace that was asked for, without columns.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection {
            limit: self.limit,
            sample: self.sample,
            ..Selection::default()
        }
    }
}

/// Say what a trace looks like: counts, sizes, popularity, reuse
#[derive(Debug, Args)]
#[command(after_long_help = INFO_HELP)]
struct Info {
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
  cachesim trace info traces/zipf-scan.zst
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
    fn execute(self) -> Answer {
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
        print(&match self.common.format {
            Shape::Table => table(&origin, &statistics),
            Shape::Json => format!("{:#}\n", as_json(&origin, &statistics)),
            Shape::Csv => flat(&as_json(&origin, &statistics), "metric,value\n", csv_row),
            Shape::Markdown => flat(
                &as_json(&origin, &statistics),
                "| metric | value |\n| :--- | ---: |\n",
                |name, value| format!("| {name} | {} |\n", value.replace('|', "\\|")),
            ),
        })
    }
}

/// Errors of a whole trace that the reader's name is not known to.
fn named(mut error: TraceError, file: &str) -> TraceError {
    if error.place == trace::Place::File {
        file.clone_into(&mut error.file);
    }
    error
}

/// Write a trace in another format or compression
#[derive(Debug, Args)]
#[command(after_long_help = CONVERT_HELP)]
struct Convert {
    /// Trace to read
    input: PathBuf,
    /// File to write
    output: PathBuf,
    /// Format to write
    #[arg(long, value_name = "FORMAT", value_parser = parse_written_format)]
    to: &'static Format,
    #[command(flatten)]
    write: WriteArguments,
    #[command(flatten)]
    read: ReadArguments,
}

const CONVERT_HELP: &str = "\
Examples:
  cachesim trace convert requests.csv requests.oracleGeneral.zst --to oracle-general
  cachesim trace convert w106.oracleGeneral.zst - --to key-per-line | head
  cachesim trace convert cluster10.zst sample.lcs --to lcs --sample 0.01

Next uses are computed anew. Fields that the format does not hold are left out, and
times are cut to what it holds; a note on stderr says so. For a trace to keep, use
`cachesim trace import`, which loses nothing.";

impl Convert {
    fn execute(self) -> Answer {
        copy(
            &self.input,
            &self.read,
            self.to,
            &self.output,
            &self.write,
            None,
        )
    }
}

/// Bring a foreign trace into cachesim's own compact format
#[derive(Debug, Args)]
#[command(after_long_help = IMPORT_HELP)]
struct Import {
    /// Trace to read
    input: PathBuf,
    /// File to write [default: the name of the trace, with .compact.zst]
    output: Option<PathBuf>,
    #[command(flatten)]
    write: WriteArguments,
    #[command(flatten)]
    read: ReadArguments,
}

const IMPORT_HELP: &str = "\
Examples:
  cachesim trace import requests.csv --columns time=1,key=4,size=5 --time-unit ms
  cachesim trace import monitor.log redis.zst
  cachesim trace import hm_0.csv.gz hm_0.zst --block-size 4KiB

`convert` writes whatever format another tool wants, with whatever that format loses.
`import` always writes the compact format, compressed with zstd unless told otherwise:
times to the nanosecond, operations, clients and TTLs all kept, one number instead of a
key after its first request; options such as --columns need to be given only once.";

impl Import {
    fn execute(self) -> Answer {
        let output = match self.output {
            Some(output) => output,
            None => default_output(&self.input)?,
        };
        let preferred = Some(Compression::Zstandard);
        copy(
            &self.input,
            &self.read,
            PREFERRED,
            &output,
            &self.write,
            preferred,
        )
    }
}

/// `requests.csv.gz` becomes `requests.compact.zst`, in the folder that we are in.
fn default_output(input: &Path) -> Result<PathBuf, miette::Report> {
    let name = input
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| *name != "-");
    let Some(name) = name else {
        return Err(miette::miette!(
            "say which file to write: {} has no name",
            input.display()
        ));
    };
    let mut stem = name;
    for _ in 0..2 {
        stem = match stem.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && extension.len() <= 13 => stem,
            _ => break,
        };
    }
    Ok(PathBuf::from(format!("{stem}.compact.zst")))
}

/// How a trace is to be written.
#[derive(Debug, Args)]
struct WriteArguments {
    /// Compression: none, gz, zst or xz [default: by the name of the output]
    #[arg(long, value_name = "KIND", value_parser = parse_compression)]
    compress: Option<Compression>,
    /// No notes on stderr
    #[arg(long)]
    quiet: bool,
}

impl WriteArguments {
    /// What was asked for, else what the name says, else `default`.
    fn compression(&self, output: &Path, default: Option<Compression>) -> Compression {
        self.compress
            .unwrap_or_else(|| match (Compression::of_name(output), default) {
                (Compression::Plain, Some(default)) => default,
                (of_name, _) => of_name,
            })
    }

    fn note(&self, message: &str) {
        if !self.quiet {
            super::note(format_args!("{message}"));
        }
    }
}

fn copy(
    input: &Path,
    read: &ReadArguments,
    format: &'static Format,
    output: &Path,
    write: &WriteArguments,
    compression: Option<Compression>,
) -> Answer {
    let source = Input::open(input).map_err(report)?;
    let file = source.file().to_owned();
    let (source_format, mut reader) = trace::open_input(source, &read.options()).map_err(report)?;
    let compression = write.compression(output, compression);
    let fields = reader.fields();
    let target = Output::new(output, compression);
    let copied = match trace::copy(reader.as_mut(), &read.selection(), format, target) {
        Err(error) if error.is_output_closed() => return Ok(Status::Well),
        copied => copied.map_err(report)?,
    };

    if let Some(writing) = &format.write {
        let mut lost = fields.beyond(writing.fields);
        // The next use can be computed again from any trace.
        lost.retain(|name| *name != "next use");
        if !lost.is_empty() {
            write.note(&format!(
                "note: {} does not hold: {}",
                format.name,
                lost.join(", ")
            ));
        }
    }
    if copied.cut_times > 0 {
        write.note(&format!(
            "note: {} holds whole seconds: {} times were cut",
            format.name,
            thousands(copied.cut_times)
        ));
    }
    write.note(&written(
        output,
        format,
        compression,
        copied.requests,
        Some((&file, source_format)),
    ));
    Ok(Status::Well)
}

/// The sentence that ends a command that has written a trace.
fn written(
    output: &Path,
    format: &Format,
    compression: Compression,
    requests: u64,
    source: Option<(&str, &Format)>,
) -> String {
    let source = source.map_or_else(String::new, |(file, format)| {
        format!(" from {file} ({})", format.name)
    });
    let compression = match compression {
        Compression::Plain => String::new(),
        other => format!(", {}", other.name()),
    };
    format!(
        "{} requests{source} written to {} ({}{compression})",
        thousands(requests),
        output.display(),
        format.name,
    )
}

/// Make up a trace: Zipf, uniform or a loop, with scans, shifts, sizes, TTLs and writes
#[derive(Debug, Args)]
#[command(after_long_help = GENERATE_HELP)]
struct Generate {
    /// File to write
    output: PathBuf,
    /// Write the requests of this scenario instead: as many as arrive in its duration, warm-up
    /// included, under the luck of its first replication
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "keys", "exponent", "in_a_loop", "scan_every", "scan_length", "shift_every", "shift_by",
        "rate", "size", "ttl", "write_share", "delete_share", "clients",
    ])]
    scenario: Option<PathBuf>,
    /// The variant of the scenario [default: base]
    #[arg(long, value_name = "NAME", requires = "scenario")]
    variant: Option<String>,
    /// How many requests, at most with --scenario [default: 1M]
    #[arg(long, value_name = "NUMBER", value_parser = parse_count)]
    requests: Option<u64>,
    /// How many distinct keys, beside those of scans
    #[arg(long, value_name = "NUMBER", default_value = "100k", value_parser = parse_positive)]
    keys: u64,
    /// Zipf exponent of the popularity; 0 is uniform
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, value_parser = parse_exponent,
          conflicts_with = "in_a_loop")]
    exponent: f64,
    /// Ask for the keys one after the other, again and again
    #[arg(long = "loop")]
    in_a_loop: bool,
    /// Start a scan of never repeated keys at every so many requests ...
    #[arg(long, value_name = "NUMBER", requires = "scan_length", value_parser = parse_positive)]
    scan_every: Option<u64>,
    /// ... and make it so many requests long
    #[arg(long, value_name = "NUMBER", requires = "scan_every", value_parser = parse_positive)]
    scan_length: Option<u64>,
    /// Move the ranking on at every so many requests ...
    #[arg(long, value_name = "NUMBER", requires = "shift_by", value_parser = parse_positive)]
    shift_every: Option<u64>,
    /// ... by so many keys
    #[arg(long, value_name = "NUMBER", requires = "shift_every", value_parser = parse_positive)]
    shift_by: Option<u64>,
    /// Mean requests per second, in a Poisson process: 500, 10k/s
    #[arg(long, value_name = "RATE", default_value = "1k/s", value_parser = parse_rate)]
    rate: f64,
    /// Size of each key's value, or a range of which each key has its own: 4KiB, 100B..64KiB
    #[arg(long, value_name = "BYTES", value_parser = parse_byte_range)]
    size: Option<(u64, u64)>,
    /// TTL of writes, or a range of which each key has its own: 60s, 10s..1h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration_range)]
    ttl: Option<(u64, u64)>,
    /// Share of requests that write
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = parse_share_or_none)]
    write_share: f64,
    /// Share of requests that delete
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = parse_share_or_none)]
    delete_share: f64,
    /// How many clients ask, each as often as the others
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    clients: u32,
    /// Seed of all randomness [default: the scenario's own, else 1]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Format to write
    #[arg(long, value_name = "FORMAT", default_value = PREFERRED.name,
          value_parser = parse_written_format)]
    to: &'static Format,
    #[command(flatten)]
    write: WriteArguments,
}

const GENERATE_HELP: &str = "\
Examples:
  cachesim trace generate zipf.oracleGeneral.zst --to oracle-general --exponent 0.9
  cachesim trace generate loop.txt --to key-per-line --loop --keys 1000 --requests 20k
  cachesim trace generate sessions.zst --keys 50k --size 200B..20KiB --write-share 0.1 \\
      --ttl 30s..10m --shift-every 100k --shift-by 500
  cachesim trace generate stampede.zst --scenario scenarios/stampede.toml

Key k has rank k: 0 is the most popular (until the ranking is shifted). The keys of scans
lie above all others. A longer trace starts with the shorter one of the same seed.";

impl Generate {
    fn recipe(&self) -> Result<Recipe, miette::Report> {
        if self.write_share + self.delete_share > 1.0 {
            return Err(miette::miette!(
                "--write-share {} and --delete-share {} are more than 1 together",
                self.write_share,
                self.delete_share
            ));
        }
        let scan = self.scan_every.zip(self.scan_length);
        if let Some((every, length)) = scan.filter(|(every, length)| every <= length) {
            return Err(miette::miette!(
                "--scan-length {length} leaves nothing between scans: --scan-every is {every}"
            ));
        }
        Ok(Recipe {
            requests: self.requests.unwrap_or(1_000_000),
            keys: self.keys,
            pattern: match self.in_a_loop {
                true => Pattern::Loop,
                false => Pattern::Zipf {
                    exponent: self.exponent,
                },
            },
            scan: scan.map(|(every, length)| Scan { every, length }),
            shift: self
                .shift_every
                .zip(self.shift_by)
                .map(|(every, by)| Shift { every, by }),
            rate: self.rate,
            size: self.size,
            ttl_ns: self.ttl,
            write_share: self.write_share,
            delete_share: self.delete_share,
            clients: self.clients,
            seed: self.seed.unwrap_or(1),
        })
    }

    /// The requests of a variant of the scenario at `path`.
    fn of_scenario(&self, path: &Path) -> Result<into_trace::Requests, miette::Report> {
        let overrides = Overrides {
            seed: self.seed,
            variants: vec![self.variant.clone().unwrap_or_else(|| BASE.to_owned())],
            ..Overrides::default()
        };
        let mut studies = scenario::load(&[path.to_owned()], &overrides)?;
        if studies.len() > 1 {
            return Err(miette::miette!(
                "--scenario takes one file, not {}",
                studies.len()
            ));
        }
        let variant = studies.pop().and_then(|mut study| study.variants.pop());
        let Some(variant) = variant else {
            return Err(miette::miette!(
                "there is no scenario in {}",
                path.display()
            ));
        };
        let plan = variant.plan;
        let luck = Luck::new(plan.seed, 0);
        into_trace::Requests::new(&plan.workload, luck, plan.duration_ns).ok_or_else(|| {
            miette::miette!(
                "when the users of a closed loop ask depends on the answers, so {} has no trace of \
                 its own",
                path.display()
            )
        })
    }

    fn execute(self) -> Answer {
        let compression = self.write.compression(&self.output, None);
        let target = Output::new(&self.output, compression);
        let outcome = match &self.scenario {
            None => {
                let recipe = self.recipe()?;
                trace::write_all(recipe.generate(), recipe.fields(), self.to, target)
            }
            Some(path) => {
                let requests = self.of_scenario(path)?;
                let fields = requests.fields();
                let most = self.requests.unwrap_or(u64::MAX);
                let most = usize::try_from(most).unwrap_or(usize::MAX);
                trace::write_all(requests.take(most), fields, self.to, target)
            }
        };
        let requests = match outcome {
            Err(error) if error.is_output_closed() => return Ok(Status::Well),
            requests => requests.map_err(report)?,
        };
        self.write
            .note(&written(&self.output, self.to, compression, requests, None));
        Ok(Status::Well)
    }
}

fn report(error: TraceError) -> miette::Report {
    miette::miette!("{error}")
}

/// Prints an answer. A reader that hangs up early (`| head`) is no error.
fn print(text: &str) -> Answer {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(miette::miette!("cannot print: {error}"))
        }
        _ => Ok(Status::Well),
    }
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
    if statistics.fields.size {
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
    let fields = statistics.fields;
    json!({
        "file": origin.file,
        "trace_format": origin.format,
        "compression": origin.compression,
        "requests": statistics.requests,
        "distinct_keys": statistics.distinct,
        "one_hit_wonders": statistics.one_hit_wonders,
        "requested_bytes": present(fields.size, json!(statistics.bytes)),
        "working_set_bytes": present(fields.size, json!(statistics.working_set_bytes)),
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

/// A number with commas between thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// About three digits, with commas.
fn significant(number: f64) -> String {
    match number {
        number if number >= 100.0 => thousands(number.round() as u64),
        number if number >= 10.0 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        share if share >= 10.0 || share == 0.0 => format!("{share:.1} %"),
        share if share >= 0.1 => format!("{share:.2} %"),
        share => format!("{share:.3} %"),
    }
}

fn bytes(number: f64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut number, mut unit) = (number, 0);
    while number >= 1023.5 && unit + 1 < UNITS.len() {
        number /= 1024.0;
        unit += 1;
    }
    format!("{} {}", short(number), UNITS[unit])
}

fn duration(nanoseconds: f64) -> String {
    let (unit, name) = match nanoseconds {
        number if number >= 48.0 * 3600e9 => (86_400e9, "d"),
        number if number >= 2.0 * 3600e9 => (3600e9, "h"),
        number if number >= 120e9 => (60e9, "min"),
        number if number >= 1e9 || number == 0.0 => (1e9, "s"),
        number if number >= 1e6 => (1e6, "ms"),
        number if number >= 1e3 => (1e3, "us"),
        _ => (1.0, "ns"),
    };
    format!("{} {name}", short(nanoseconds / unit))
}

/// Up to two decimals, none that say nothing.
fn short(number: f64) -> String {
    if number >= 1000.0 {
        return thousands(number.round() as u64);
    }
    let text = if number >= 100.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.2}")
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn parse_format(name: &str) -> Result<&'static Format, String> {
    by_name(name)
}

fn parse_written_format(name: &str) -> Result<&'static Format, String> {
    let format = by_name(name)?;
    match &format.write {
        Some(_) => Ok(format),
        None => Err(format!(
            "{} can be read but not written; formats to write are {}",
            format.name,
            written_names().join(", ")
        )),
    }
}

fn parse_columns(written: &str) -> Result<ColumnList, String> {
    csv::parse_columns(written).map(ColumnList)
}

fn parse_delimiter(written: &str) -> Result<u8, String> {
    match written.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        b"space" => Ok(b' '),
        b"\"" | b"\n" | b"\r" => Err("a quote or a line end cannot be between columns".to_owned()),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err(format!(
            "{written:?} is not one ASCII character, \"tab\" or \"space\""
        )),
    }
}

fn parse_yes_no(written: &str) -> Result<bool, String> {
    match written {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{written:?} is neither yes nor no")),
    }
}

fn parse_time_unit(written: &str) -> Result<u64, String> {
    match written {
        "s" => Ok(SECOND_NS),
        "ms" => Ok(1_000_000),
        "us" | "µs" => Ok(1_000),
        "ns" => Ok(1),
        _ => Err(format!("{written:?} is none of s, ms, us and ns")),
    }
}

fn parse_compression(written: &str) -> Result<Compression, String> {
    Compression::ALL
        .into_iter()
        .find(|compression| compression.name() == written)
        .ok_or_else(|| {
            let names = Compression::ALL.map(Compression::name).join(", ");
            format!("no compression is called {written:?}; known are {names}")
        })
}

/// A number and what follows it; `_` may stand between digits.
fn number_and_unit(written: &str) -> Result<(f64, &str), String> {
    let written = written.trim();
    let end = written
        .find(|character: char| !(character.is_ascii_digit() || matches!(character, '.' | '_')))
        .unwrap_or(written.len());
    let number = written[..end].replace('_', "");
    let number = number
        .parse()
        .map_err(|_| format!("{written:?} does not start with a number"))?;
    Ok((number, written[end..].trim()))
}

/// `number` with the unit that `written` has, among `units`.
fn in_units(written: &str, units: &[(&str, f64)], example: &str) -> Result<f64, String> {
    let (number, unit) = number_and_unit(written)?;
    let factor = units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| factor);
    let factor =
        factor.ok_or_else(|| format!("unknown unit {unit:?}; write for example {example}"))?;
    Ok(number * factor)
}

fn whole(number: f64, written: &str) -> Result<u64, String> {
    if number.fract() != 0.0 || number > 1e18 {
        return Err(format!("{written:?} is not a whole number below 10^18"));
    }
    Ok(number as u64)
}

fn parse_count(written: &str) -> Result<u64, String> {
    let units = [("", 1.0), ("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9)];
    whole(in_units(written, &units, "1000, 10k or 2.5M")?, written)
}

fn parse_positive(written: &str) -> Result<u64, String> {
    match parse_count(written)? {
        0 => Err("must be at least 1".to_owned()),
        count => Ok(count),
    }
}

fn parse_bytes(written: &str) -> Result<u64, String> {
    let units = [
        ("", 1.0),
        ("B", 1.0),
        ("kB", 1e3),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("KiB", 1024.0),
        ("MiB", 1024.0 * 1024.0),
        ("GiB", 1024.0 * 1024.0 * 1024.0),
    ];
    match whole(in_units(written, &units, "512, 4KiB or 1MB")?, written)? {
        0 => Err("must be at least 1 byte".to_owned()),
        bytes => Ok(bytes),
    }
}

fn parse_duration(written: &str) -> Result<u64, String> {
    let units = [
        ("ns", 1.0),
        ("us", 1e3),
        ("ms", 1e6),
        ("s", 1e9),
        ("m", 60e9),
        ("min", 60e9),
        ("h", 3600e9),
        ("d", 86_400e9),
    ];
    match whole(in_units(written, &units, "500ms, 60s or 1h")?, written)? {
        0 => Err("must be longer than nothing".to_owned()),
        duration_ns => Ok(duration_ns),
    }
}

/// `low..high`, or one value for both.
fn range(written: &str, parse: impl Fn(&str) -> Result<u64, String>) -> Result<(u64, u64), String> {
    let (low, high) = written.split_once("..").unwrap_or((written, written));
    let (low, high) = (parse(low)?, parse(high)?);
    if low > high {
        return Err(format!("{written:?} starts above its end"));
    }
    Ok((low, high))
}

fn parse_byte_range(written: &str) -> Result<(u64, u64), String> {
    range(written, parse_bytes)
}

fn parse_duration_range(written: &str) -> Result<(u64, u64), String> {
    range(written, parse_duration)
}

fn parse_rate(written: &str) -> Result<f64, String> {
    let units = [("", 1.0), ("k", 1e3), ("M", 1e6)];
    let rate = in_units(
        written.strip_suffix("/s").unwrap_or(written),
        &units,
        "500 or 10k/s",
    )?;
    if !(rate > 0.0 && rate.is_finite()) {
        return Err("must be above 0".to_owned());
    }
    Ok(rate)
}

fn parse_exponent(written: &str) -> Result<f64, String> {
    match written.parse() {
        Ok(exponent) if (0.0..=10.0).contains(&exponent) => Ok(exponent),
        _ => Err(format!("{written:?} is not a number from 0 to 10")),
    }
}

/// A share as a number or a percentage.
fn parse_share_or_none(written: &str) -> Result<f64, String> {
    let share = match written.strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|percent: f64| percent / 100.0),
        None => written.parse(),
    };
    match share {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!(
            "{written:?} is not a share: a number from 0 to 1, or a percentage"
        )),
    }
}

fn parse_share(written: &str) -> Result<f64, String> {
    match parse_share_or_none(written)? {
        0.0 => Err("must be above 0".to_owned()),
        share => Ok(share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_with_their_units() {
        assert_eq!(parse_count("10k"), Ok(10_000));
        assert_eq!(parse_count("2.5M"), Ok(2_500_000));
        assert_eq!(parse_count("1_000"), Ok(1_000));
        assert_eq!(parse_bytes("4KiB"), Ok(4096));
        assert_eq!(parse_bytes("1.5 MB"), Ok(1_500_000));
        assert_eq!(parse_duration("500ms"), Ok(500_000_000));
        assert_eq!(parse_duration("1.5h"), Ok(5_400 * SECOND_NS));
        assert_eq!(parse_byte_range("200B..20KiB"), Ok((200, 20_480)));
        assert_eq!(
            parse_duration_range("60s"),
            Ok((60 * SECOND_NS, 60 * SECOND_NS))
        );
        assert_eq!(parse_rate("10k/s"), Ok(10_000.0));
        assert_eq!(parse_share("10%"), Ok(0.1));
        assert_eq!(parse_delimiter("tab"), Ok(b'\t'));
    }

    #[test]
    fn wrong_quantities_are_explained() {
        let wrong = |answer: Result<u64, String>| answer.unwrap_err();
        insta::assert_snapshot!(wrong(parse_count("ten")), @r#""ten" does not start with a number"#);
        insta::assert_snapshot!(wrong(parse_count("1.5")), @r#""1.5" is not a whole number below 10^18"#);
        insta::assert_snapshot!(wrong(parse_count("5x")), @r#"unknown unit "x"; write for example 1000, 10k or 2.5M"#);
        insta::assert_snapshot!(wrong(parse_bytes("0")), @"must be at least 1 byte");
        insta::assert_snapshot!(wrong(parse_duration("5")), @r#"unknown unit ""; write for example 500ms, 60s or 1h"#);
        assert!(parse_byte_range("2..1").is_err());
        for share in ["-0.1", "1.1", "101%", "nan", ""] {
            assert!(parse_share_or_none(share).is_err(), "{share}");
        }
        assert!(parse_share("0").is_err());
        for rate in ["0", "-5", "inf", "/s"] {
            assert!(parse_rate(rate).is_err(), "{rate}");
        }
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000), "1,000");
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(4096.0), "4 KiB");
        assert_eq!(bytes(1_048_575.0), "1 MiB");
        assert_eq!(duration(0.0), "0 s");
        assert_eq!(duration(1_500_000.0), "1.5 ms");
        assert_eq!(duration(7_200e9), "2 h");
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(0.12345), "12.3 %");
        assert_eq!(percent(0.0012), "0.12 %");
    }

    #[test]
    fn an_import_is_named_after_its_trace() {
        let name = |input: &str| {
            default_output(Path::new(input))
                .unwrap()
                .display()
                .to_string()
        };
        assert_eq!(name("a/requests.csv.gz"), "requests.compact.zst");
        assert_eq!(name("hm_0"), "hm_0.compact.zst");
        assert_eq!(name("w106.oracleGeneral.zst"), "w106.compact.zst");
        assert!(default_output(Path::new("-")).is_err());
    }
}
