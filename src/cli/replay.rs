//! `cachesim replay`: a trace through a grid of policies and sizes, without time.

mod charts;
mod output;
mod typed;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use miette::miette;

use super::trace::ReadArguments;
use super::{Answer, Common, Format, Status, note, print};
use crate::eviction::{Measure, Parameter, PolicySpec, admission, descriptions};
use crate::metrics::Unit;
use crate::replay::{Grid, Plan, Size, Stream, Warmup, Writes};
use crate::report::quantity::{grouped, quantity};
use crate::trace::{self, Columns, Interned, Selection};
use crate::units::NEVER;

use output::{csv, json, markdown, table, windows_csv};
pub(super) use output::{csv_text, markdown_text, width};
pub(super) use typed::{parse_count, parse_rate, parse_share, parse_warmup};

/// Replay a trace through a grid of eviction policies and cache sizes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = long_help(), allow_negative_numbers = true)]
pub struct Arguments {
    #[command(flatten)]
    reading: Reading,
    /// Policies, separated by commas, with parameters after a colon (slru:segments=2) and an
    /// admission after a plus sign (lru+bloom); see `cachesim list policies` and `list admissions`
    #[arg(
        long,
        short,
        value_name = "LIST",
        default_value = "lru,s3-fifo,w-tinylfu,belady"
    )]
    policy: Vec<String>,
    /// Cache sizes, separated by commas: entries (1000), bytes (1GiB) or shares of the distinct
    /// keys (1%)
    #[arg(long, short, value_name = "LIST", default_value = "0.1%,1%,10%")]
    size: Vec<String>,
    /// What capacity counts (default: bytes for sizes written in bytes, else objects)
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<By>,
    /// Requests, or a share of them (10%), that fill the caches before anything is counted
    #[arg(long, value_name = "N|X%", value_parser = parse_warmup)]
    warmup: Option<Warmup>,
    /// Also report the miss ratio of every N requests: in the table, in JSON, and in files
    #[arg(long, value_name = "N", value_parser = parse_count)]
    window: Option<u64>,
    /// Write one line of CSV per policy, size and window to this file
    #[arg(long, value_name = "FILE", requires = "window")]
    windows_out: Option<PathBuf>,
    /// Write charts (SVG and PNG) and CSV to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write one chart: the miss ratio by size, or over the trace with --window and one size
    #[arg(long, value_name = "FILE.svg|png", value_parser = charts::parse_path)]
    chart: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// How the trace is read: what `replay` and `mrc` share.
#[derive(Debug, Args)]
pub(super) struct Reading {
    /// The trace, compressed or not; its format is recognised by its content
    #[arg(value_name = "TRACE")]
    pub(super) trace: PathBuf,
    /// Honour the trace's own times to live: an entry lives from when it was last stored
    #[arg(long)]
    ttl: bool,
    /// What the trace's writes (set, add, replace, ...) mean
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    writes: WritesAre,
    #[command(flatten)]
    read: ReadArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum By {
    /// Each object takes one place
    Objects,
    /// Each object takes its size
    Bytes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum WritesAre {
    /// Stores in traces of key-value caches, accesses in all others
    #[default]
    Auto,
    /// Accesses like reads, counted as hits or misses
    Accesses,
    /// Stores that are not counted; deletes are deletes either way
    Stores,
}

impl By {
    pub(super) fn measure(self) -> Measure {
        match self {
            Self::Objects => Measure::Entries,
            Self::Bytes => Measure::Bytes,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  cachesim replay traces/zipf-scan.oracleGeneral.zst
  cachesim replay trace.zst --policy lru,s3-fifo,arc --size 1%,20% --warmup 10%
  cachesim replay trace.csv --policy gdsf,lru+bloom --size 1GiB --format csv
  cachesim replay cluster.zst --ttl --window 1M --out results/cluster
  cachesim replay huge.zst --sample 1% --limit 100M --size 0.1%,1%

All policies and admissions with their parameters: --help, or
`cachesim list policies --verbose`.";

fn long_help() -> String {
    let short = "All policies";
    let examples = EXAMPLES.split(short).next().unwrap_or(EXAMPLES);
    let policies = descriptions().map(|it| (it.name, it.summary, it.parameters));
    let admissions = admission::descriptions().map(|it| (it.name, it.summary, it.parameters));
    format!(
        "{examples}Policies:\n{}\nAdmission, behind a plus sign (lru+bloom):\n{}",
        described(policies),
        described(admissions)
    )
}

/// A line for each name, with its parameters below it.
fn described<'a>(all: impl Iterator<Item = (&'a str, &'a str, &'a [Parameter])>) -> String {
    let (rows, details): (Vec<_>, Vec<_>) = all
        .map(|(name, summary, parameters)| {
            let row = (name.to_owned(), summary.to_owned());
            (row, super::list::parameters(parameters).collect::<Vec<_>>())
        })
        .unzip();
    super::list::lines(&rows, &details, "  ")
}

/// Does what the command line asks for.
///
/// # Errors
/// A list of policies or sizes that is wrong, or a trace that cannot be read or does not fit them.
pub fn execute(arguments: &Arguments) -> Answer {
    let policies = arguments.policy.join(",");
    let quiet = arguments.common.quiet;
    let mut policies = PolicySpec::parse_list(&policies).map_err(|it| miette!("{it}"))?;
    drop_repeated(&mut policies, |it| it.typed().to_owned(), quiet);
    let by = arguments.by.map(By::measure);
    let mut sizes: Vec<(Size, Measure)> = Size::parse_list(&arguments.size.join(","))
        .and_then(|sizes| {
            sizes
                .into_iter()
                .map(|size| size.measure(by).map(|measure| (size, measure)))
                .collect()
        })
        .map_err(|it| miette!("{it}"))?;
    drop_repeated(&mut sizes, |(size, _)| size.typed.clone(), quiet);
    let plan = Plan {
        policies,
        sizes,
        warmup: arguments.warmup.unwrap_or_default(),
        window: arguments.window,
        seed: arguments.common.seed.unwrap_or(1),
    };
    charts::prepare(arguments, &plan)?;
    let notes = !quiet && std::io::stderr().is_terminal();
    let stream = arguments.reading.read(quiet)?;
    if !quiet {
        let counts_entries = plan.sizes.iter().any(|(_, it)| *it == Measure::Entries);
        tell_limits(&plan.policies, &stream, counts_entries);
        tell_raised(plan.sizes.iter().map(|(size, measure)| {
            let all = match measure {
                Measure::Entries => stream.distinct() as u64,
                Measure::Bytes => stream.footprint_bytes(),
            };
            (size, all)
        }));
    }
    let bar = cells_bar(plan.policies.len() * plan.sizes.len(), notes)?;
    let run = |plan: &Plan| {
        arguments
            .common
            .on_threads(|| Grid::run(&stream, plan, || bar.inc(1)))?
            .map_err(|it| miette!("{}: {it}", arguments.reading.trace.display()))
    };
    let grid = run(&plan)?;
    let mut files = charts::draw(arguments, &plan, &stream, &grid, run)?;
    bar.finish_and_clear();
    if let Some(path) = &arguments.windows_out {
        files.push((path.clone(), windows_csv(&grid).into()));
    }
    let printed = match arguments.common.format {
        Format::Table => table(&grid, plan.window, width()),
        Format::Markdown => markdown(&grid),
        Format::Csv => csv(&grid),
        Format::Json => json(&grid),
    };
    print(&printed)?;
    let has_place = arguments.windows_out.is_some() || arguments.out.is_some();
    if arguments.common.format == Format::Csv
        && plan.window.is_some()
        && !has_place
        && !arguments.common.quiet
    {
        note(format_args!(
            "note: this CSV has one row per policy and size; --windows-out FILE writes the windows"
        ));
    }
    super::write_files(&files, arguments.common.quiet)?;
    Ok(Status::Well)
}

/// A progress bar over the cells of a grid; hidden unless `shown`.
pub(super) fn cells_bar(
    cells: usize,
    shown: bool,
) -> Result<indicatif::ProgressBar, miette::Report> {
    if !shown {
        return Ok(indicatif::ProgressBar::hidden());
    }
    let style = "{wide_bar} {pos} of {len} cells, {eta} left";
    let style = indicatif::ProgressStyle::with_template(style).map_err(|it| miette!("{it}"))?;
    Ok(indicatif::ProgressBar::new(cells as u64).with_style(style))
}

impl Reading {
    /// The trace in memory. Unless `quiet`, a spinner meanwhile, and notes on what is not as in the
    /// file.
    pub(super) fn read(&self, quiet: bool) -> Result<Stream, miette::Report> {
        let spinner = if !quiet && std::io::stderr().is_terminal() {
            let spinner = indicatif::ProgressBar::new_spinner().with_message("reading the trace");
            spinner.enable_steady_tick(std::time::Duration::from_millis(100));
            spinner
        } else {
            indicatif::ProgressBar::hidden()
        };
        let selection = Selection {
            columns: Columns {
                times: self.ttl,
                sizes: true,
                operations: true,
                ttls: self.ttl,
                clients: false,
            },
            ..self.read.selection()
        };
        let input = trace::Input::open(&self.trace).map_err(|it| miette!("{it}"))?;
        let (format, mut reader) =
            trace::open_input(input, &self.read.options()).map_err(|it| miette!("{it}"))?;
        let trace =
            Interned::from_reader(reader.as_mut(), &selection).map_err(|it| miette!("{it}"))?;
        if self.ttl && (trace.times_ns.is_none() || trace.ttls_ns.is_none()) {
            return Err(miette!(
                "{}: --ttl needs times and times to live, but the format {} has {}",
                self.trace.display(),
                format.name,
                if trace.times_ns.is_none() {
                    "no times here"
                } else {
                    "no times to live here"
                }
            ));
        }
        if trace.is_empty() {
            let what = match trace.read {
                0 => "the trace has no requests",
                _ => "the sample has no requests: take a larger one",
            };
            return Err(miette!("{}: {what}", self.trace.display()));
        }
        let no_ttl = |all: &Vec<u64>| all.iter().all(|&ttl_ns| ttl_ns == NEVER);
        if self.ttl && trace.ttls_ns.as_ref().is_some_and(no_ttl) {
            return Err(miette!(
                help = "leave --ttl out",
                "{}: --ttl honours times to live, and no request here has one",
                self.trace.display()
            ));
        }
        if let (Some(rate), false) = (self.read.selection().sample, quiet) {
            tell_sample(rate, &trace);
        }
        if trace.oversized > 0 && !quiet {
            note(format_args!(
                "note: {} sizes are above 4 GiB and were cut to 4 GiB - 1 byte",
                grouped(trace.oversized)
            ));
        }
        let writes = match self.writes {
            WritesAre::Accesses => Writes::Access,
            WritesAre::Stores => Writes::Store,
            WritesAre::Auto => format.writes_of(reader.as_ref()),
        };
        let stream = Stream::new(trace, writes);
        spinner.finish_and_clear();
        Ok(stream)
    }
}

/// Drops what is asked for a second time, which would only be computed and shown twice.
pub(super) fn drop_repeated<T>(list: &mut Vec<T>, typed: impl Fn(&T) -> String, quiet: bool) {
    let mut seen = std::collections::BTreeSet::new();
    list.retain(|one| {
        let typed = typed(one);
        let is_new = seen.insert(typed.clone());
        if !is_new && !quiet {
            note(format_args!(
                "note: {typed} is asked for twice, and shown once"
            ));
        }
        is_new
    });
}

/// Says how far a sample is from the share that it should be.
///
/// Which of the hottest keys are in it makes most of the error of a sample; their requests hit, so that
/// the correction of SHARDS-adj is to count the misses per request that the sample should have
/// (Waldspurger et al., "Efficient MRC construction with SHARDS", FAST 2015).
fn tell_sample(rate: f64, trace: &Interned) {
    if rate >= 1.0 || trace.read == 0 {
        return;
    }
    let share = trace.len() as f64 / trace.read as f64;
    let percent = |share: f64| quantity(share, Unit::Ratio);
    note(format_args!(
        "note: the sample has {} of the requests where {} of the keys were wanted, because of which \
         hot keys are in it; its miss ratios times {:.3} estimate those of the whole trace \
         (`cachesim mrc --method miniature` samples and corrects by itself)",
        percent(share),
        percent(rate),
        share / rate
    ));
}

/// Says which policies cannot do here what they are for.
pub(super) fn tell_limits(policies: &[PolicySpec], stream: &Stream, counts_entries: bool) {
    for policy in policies {
        if counts_entries && stream.sizes.is_some() && policy.ranks_by_size() {
            note(format_args!(
                "note: {} goes by size, and where entries are counted all have size 1; give sizes in \
                 bytes (64MiB) or --by bytes",
                policy.typed()
            ));
        }
        if let Some(requests) = policy.tuned_after()
            && requests > stream.len() as u64
        {
            note(format_args!(
                "note: the admission of {} admits all until it is tuned, first after {} requests, \
                 and there are only {}",
                policy.typed(),
                grouped(requests),
                grouped(stream.len() as u64)
            ));
        }
    }
}

/// Says which of these sizes are more than was asked for; each with the whole that it is a share of.
pub(super) fn tell_raised<'a>(sizes: impl Iterator<Item = (&'a Size, u64)>) {
    for (size, all) in sizes {
        if size.is_raised(all) {
            note(format_args!(
                "note: {} of {} is less than one, and 1 was taken",
                size.typed,
                grouped(all)
            ));
        }
    }
}
