//! `cachesim mrc`: miss-ratio curves, and how large a cache must be.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use miette::miette;

use super::replay::{
    By, Reading, cells_bar, csv_text, drop_repeated, markdown_text, parse_count, parse_rate,
    parse_share, parse_warmup, tell_limits, tell_raised, width,
};
use super::{Answer, Common, Format, Status, Unwritten, existing, not_over_itself, print};
use crate::eviction::{Measure, PolicySpec};
use crate::metrics::Unit;
use crate::replay::curve::{
    Curve, CurvePlan, ENOUGH_KEYS, Method, Point, curves, spaced_sizes, usual_rate,
};
use crate::replay::{Size, Stream, Warmup};
use crate::report::blocks::Blocks;
use crate::report::chart::figure::Figure;
use crate::report::chart::miss_ratio_curve::{BELADY_AREA, PolicyLine, SizeUnit};
use crate::report::chart::{miss_ratio_curve, png, svg};
use crate::report::terminal::wrap;
use crate::report::{folder, quantity};

/// Find miss-ratio curves, and how large a cache must be
///
/// LRU's curve is exact for all sizes after one pass over the trace. Other policies are simulated
/// in miniature: on a sample of the keys, in caches that are as much smaller.
#[derive(Debug, Args)]
#[command(
    allow_negative_numbers = true,
    after_help = "\
Examples:
  cachesim mrc traces/zipf-scan.oracleGeneral.zst
  cachesim mrc trace.zst --policy lru,s3-fifo,belady --out curves
  cachesim mrc trace.zst --policy lru,arc --target 5%,1%
  cachesim mrc trace.zst --method shards --rate 1% --points 50 --format csv
  cachesim mrc trace.zst --policy sieve --method miniature --rate 0.1 --exact
  cachesim mrc trace.zst --by bytes --sizes 64MiB,256MiB,1GiB

Methods:
  exact              LRU by one pass, others by simulating each size in full; usual
                     for LRU, and for others where the sample would be all keys
  shards             LRU from a share of the keys (--rate); rough below 100 sampled keys
  shards-fixed-size  LRU from at most --samples keys at a time; rough likewise
  miniature          any policy on a share of the keys (--rate), larger samples for
                     small sizes: no miniature cache has fewer than 100 entries

The error of an estimate is stated where the exact curve is known: for LRU wherever one
pass can find it, for other policies with --exact. The size for a --target is exact for
LRU by one pass, searched to 1 % for other policies, and as good as the curve where that
is an estimate. In the chart, sizes are spaced by their logarithms and miss ratios begin
at zero."
)]
pub struct Arguments {
    #[command(flatten)]
    reading: Reading,
    /// Policies, separated by commas, with parameters after a colon (slru:segments=2) and an
    /// admission after a plus sign (lru+bloom); see `cachesim list policies` and `list admissions`
    #[arg(long, short, value_name = "LIST", default_value = "lru")]
    policy: Vec<String>,
    /// How the curves are found [default: exact for lru, miniature for others]
    #[arg(long, short, value_enum, value_name = "METHOD")]
    method: Option<MethodName>,
    /// Share of the keys in a sample (0.01 or 1%) [default: about 20 000 keys, at least 1%]
    #[arg(long, value_name = "SHARE", value_parser = parse_rate)]
    rate: Option<f64>,
    /// Keys in the sample of shards-fixed-size [default: 8192]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    samples: Option<u64>,
    /// Cache sizes, separated by commas: entries (1000), bytes (1GiB) or shares of the distinct
    /// keys (1%)
    #[arg(
        long,
        short,
        visible_alias = "size",
        value_name = "LIST",
        conflicts_with = "points"
    )]
    sizes: Vec<String>,
    /// How many sizes, spaced evenly by their logarithms from 0.1 % to 100 % of the distinct keys
    #[arg(long, value_name = "N", default_value_t = 16,
          value_parser = clap::value_parser!(u16).range(1..=10_000))]
    points: u16,
    /// What capacity counts [default: bytes for sizes written in bytes, else objects]
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<By>,
    /// Requests, or a share of them (10%), that fill the caches before anything is counted
    #[arg(long, value_name = "N|X%", value_parser = parse_warmup)]
    warmup: Option<Warmup>,
    /// Miss ratios, separated by commas: say how large a cache must be for each (CSV: only that)
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = parse_share)]
    target: Vec<f64>,
    /// Find the exact curves, too, whatever that costs, and state the errors
    #[arg(long)]
    exact: bool,
    /// Write the chart (SVG and PNG) and the curves (CSV) to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MethodName {
    Exact,
    Shards,
    ShardsFixedSize,
    Miniature,
}

const USUAL_SAMPLES: u64 = 8192;

impl Arguments {
    /// The method for each of `policies`, on a trace of so many distinct keys.
    fn methods(
        &self,
        policies: Vec<PolicySpec>,
        distinct: usize,
    ) -> Result<Vec<(PolicySpec, Method)>, miette::Report> {
        use MethodName::{Exact, Miniature, Shards, ShardsFixedSize};
        let rate = self.rate.unwrap_or_else(|| usual_rate(distinct));
        let keys = self.samples.unwrap_or(USUAL_SAMPLES);
        if self.rate.is_some() && matches!(self.method, Some(Exact | ShardsFixedSize)) {
            return Err(miette!(
                "--rate belongs to --method shards and miniature, which look at a share of the keys"
            ));
        }
        if self.samples.is_some() && self.method.is_some_and(|it| it != ShardsFixedSize) {
            return Err(miette!("--samples belongs to --method shards-fixed-size"));
        }
        if self.rate.is_some() && self.samples.is_some() {
            return Err(miette!("give --rate or --samples, not both"));
        }
        let method = |policy: &PolicySpec| {
            let lru = policy.description().name == "lru";
            let name = self.method.unwrap_or(match (self.rate, self.samples) {
                // A sample of everything is no sample.
                _ if !lru && rate < 1.0 => Miniature,
                _ if !lru => Exact,
                (Some(_), _) => Shards,
                (_, Some(_)) => ShardsFixedSize,
                _ => Exact,
            });
            match name {
                Exact => Method::Exact,
                Shards => Method::Shards { rate },
                ShardsFixedSize => Method::ShardsFixedSize {
                    keys: usize::try_from(keys).unwrap_or(usize::MAX),
                },
                Miniature => Method::Miniature { rate },
            }
        };
        Ok(policies
            .into_iter()
            .map(|policy| {
                let method = method(&policy);
                (policy, method)
            })
            .collect())
    }

    /// The sizes as written, and what they count.
    fn sizes(&self) -> Result<(Option<Vec<Size>>, Measure), miette::Report> {
        let by = self.by.map(By::measure);
        if self.sizes.is_empty() {
            return Ok((None, by.unwrap_or_default()));
        }
        let sizes = Size::parse_list(&self.sizes.join(",")).map_err(|it| miette!("{it}"))?;
        let measures = sizes.iter().map(|size| size.measure(by));
        let measures: Vec<Measure> = measures
            .collect::<Result<_, _>>()
            .map_err(|it| miette!("{it}"))?;
        let measure = measures.first().copied().unwrap_or_default();
        if measures.iter().any(|it| *it != measure) {
            return Err(miette!(
                "--sizes mixes entries and bytes, which do not stand on one axis; with --by bytes \
                 bare numbers are bytes"
            ));
        }
        Ok((Some(sizes), measure))
    }
}

/// Does what the command line asks for.
///
/// # Errors
/// Policies, sizes or a method that are wrong, a trace that cannot be read or does not fit them, or
/// a folder that cannot be written to.
pub fn execute(arguments: &Arguments) -> Answer {
    let policies = arguments.policy.join(",");
    let mut policies = PolicySpec::parse_list(&policies).map_err(|it| miette!("{it}"))?;
    drop_repeated(
        &mut policies,
        |it| it.typed().to_owned(),
        arguments.common.quiet,
    );
    let (sizes, measure) = arguments.sizes()?;
    let methods = arguments.methods(policies, 1)?;
    if let Some(out) = &arguments.out {
        let ours = |name: &str| name.starts_with("miss-ratio-curve.") || name == "targets.csv";
        not_over_itself(&[&arguments.reading.trace], existing(out, ours))?;
        folder::prepare(std::slice::from_ref(out)).map_err(|it| miette!("{it}"))?;
    }
    let quiet = arguments.common.quiet;
    let notes = !quiet && std::io::stderr().is_terminal();
    let stream = arguments.reading.read(quiet)?;
    let named =
        |error: &dyn std::fmt::Display| miette!("{}: {error}", arguments.reading.trace.display());
    if measure == Measure::Bytes && stream.sizes.is_none() {
        return Err(named(
            &"the trace does not say how large its objects are, so capacity cannot count bytes",
        ));
    }
    let all = match measure {
        Measure::Entries => stream.distinct() as u64,
        Measure::Bytes => stream.footprint_bytes(),
    };
    let mut capacities = match &sizes {
        Some(sizes) => sizes.iter().map(|size| size.capacity(all)).collect(),
        None => spaced_sizes(all, usize::from(arguments.points)),
    };
    capacities.sort_unstable();
    capacities.dedup();
    let policies: Vec<PolicySpec> = methods.into_iter().map(|(policy, _)| policy).collect();
    if !quiet {
        tell_limits(&policies, &stream, measure == Measure::Entries);
        tell_raised(sizes.iter().flatten().map(|size| (size, all)));
    }
    let plan = CurvePlan {
        curves: arguments.methods(policies, stream.distinct())?,
        sizes: capacities,
        measure,
        warmup: match arguments.warmup.unwrap_or_default() {
            Warmup::None => 0,
            Warmup::Requests(requests) => requests,
            Warmup::Share(share) => (share * stream.len() as f64) as u64,
        },
        exact: arguments.exact,
        targets: arguments.target.clone(),
        seed: arguments.common.seed.unwrap_or(1),
    };
    let bar = cells_bar(plan.cells(), notes)?;
    let found = arguments
        .common
        .on_threads(|| curves(&stream, &plan, || bar.inc(1)))?
        .map_err(|error| named(&error))?;
    bar.finish_and_clear();
    let trace = &arguments.reading.trace;
    let subject = trace.file_name().unwrap_or(trace.as_os_str());
    let view = View {
        subject: subject.to_string_lossy().into_owned(),
        stream: &stream,
        measure,
        all,
        plan: &plan,
        curves: &found,
    };
    let printed = match arguments.common.format {
        Format::Table => view.table(width()),
        Format::Markdown => view.markdown(),
        Format::Csv if plan.targets.is_empty() => view.csv(),
        Format::Csv => view.answers_csv(),
        Format::Json => view.json(),
    };
    print(&printed)?;
    if let Some(out) = &arguments.out {
        super::write_files(&view.files(out), arguments.common.quiet)?;
    }
    Ok(Status::Well)
}

/// What was found, to be shown.
struct View<'a> {
    subject: String,
    stream: &'a Stream,
    measure: Measure,
    /// The capacity that holds all distinct objects.
    all: u64,
    plan: &'a CurvePlan,
    curves: &'a [Curve],
}

const COLUMNS: [&str; 7] = [
    "policy",
    "method",
    "rate",
    "size",
    "miss_ratio",
    "exact_miss_ratio",
    "rough",
];
const ANSWER_COLUMNS: [&str; 7] = [
    "policy", "method", "rate", "target", "size", "lowest", "exact",
];
/// Stands before a miss ratio that too small a sample stands behind.
const ROUGH: &str = "~";

impl View<'_> {
    fn size(&self, size: u64) -> String {
        match self.measure {
            Measure::Entries => quantity::grouped(size),
            Measure::Bytes => quantity::quantity(size as f64, Unit::Bytes),
        }
    }

    fn unit(&self) -> &'static str {
        match self.measure {
            Measure::Entries => "entries",
            Measure::Bytes => "bytes",
        }
    }

    /// For people: sizes down, policies across.
    fn grid(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let share = match self.measure {
            Measure::Entries => "of keys",
            Measure::Bytes => "of bytes",
        };
        let mut header = vec!["size".to_owned(), share.to_owned()];
        header.extend(self.curves.iter().map(|curve| curve.policy.clone()));
        let rows = self.plan.sizes.iter().enumerate().map(|(row, &size)| {
            let share = size as f64 / self.all.max(1) as f64;
            let mut cells = vec![self.size(size), percent(share)];
            cells.extend(self.curves.iter().map(|curve| {
                let point = curve.points[row];
                let mark = if point.rough { ROUGH } else { "" };
                format!("{mark}{:.4}", point.miss_ratio)
            }));
            cells
        });
        (header, rows.collect())
    }

    /// One line about how each curve was found, and one for each answer.
    fn sentences(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for curve in self.curves {
            let how = match curve.method {
                Method::Exact => "exact".to_owned(),
                Method::Shards { .. } | Method::ShardsFixedSize { .. } => {
                    format!(
                        "{}, {} of the keys",
                        curve.method.name(),
                        percent(curve.rate)
                    )
                }
                Method::Miniature { .. } if curve.rate < 1.0 => {
                    format!("miniature, {} of the keys and more", percent(curve.rate))
                }
                Method::Miniature { .. } => "miniature, all keys".to_owned(),
            };
            let error = curve.error.map_or_else(String::new, |error| {
                format!(
                    "; off by {:.4} on average, {:.4} at most",
                    error.mean, error.max
                )
            });
            lines.push(format!("{}: {how}{error}", curve.policy));
        }
        if self
            .curves
            .iter()
            .any(|it| it.points.iter().any(|it| it.rough))
        {
            lines.push(format!(
                "{ROUGH} rough: fewer than {ENOUGH_KEYS:.0} sampled keys would fill that cache"
            ));
        }
        for curve in self.curves {
            for answer in &curve.answers {
                let target = percent(answer.target);
                lines.push(match answer.size {
                    Some(size) => {
                        let unit = match self.measure {
                            Measure::Entries => " entries",
                            Measure::Bytes => "",
                        };
                        let (about, how) = match (answer.exact, curve.method) {
                            (true, _) => ("", ""),
                            (_, Method::Exact) => ("about ", " (searched to 1 %)"),
                            _ => ("about ", " (an estimate)"),
                        };
                        format!(
                            "{}: a miss ratio of {target} needs {about}{}{unit}{how}",
                            curve.policy,
                            self.size(size)
                        )
                    }
                    None => format!(
                        "{}: no cache is large enough for a miss ratio of {target}; one that holds \
                         everything misses {}",
                        curve.policy,
                        percent(answer.lowest)
                    ),
                });
            }
        }
        lines
    }

    fn table(&self, width: usize) -> String {
        let (header, rows) = self.grid();
        let table = Blocks {
            header,
            rows,
            leading: 2,
            flush_left: 0,
        };
        let mut text = table.text(width);
        let mut about = format!(
            "{} requests, {} distinct keys",
            quantity::grouped(self.stream.len() as u64),
            quantity::grouped(self.stream.distinct() as u64)
        );
        if self.measure == Measure::Bytes {
            let _ = write!(about, " of {}", self.size(self.all));
        }
        if self.plan.warmup > 0 {
            let warmup = quantity::grouped(self.plan.warmup);
            let _ = write!(about, "; the first {warmup} are not counted");
        }
        text.push('\n');
        for sentence in std::iter::once(about).chain(self.sentences()) {
            // What runs on is indented.
            for (index, line) in wrap(&sentence, width - 2).iter().enumerate() {
                let indent = if index == 0 { "" } else { "  " };
                let _ = writeln!(text, "{indent}{line}");
            }
        }
        text
    }

    fn markdown(&self) -> String {
        let (header, rows) = self.grid();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut text = markdown_text(&header, &rows);
        text.push('\n');
        for line in self.sentences() {
            let _ = writeln!(text, "- {line}");
        }
        text
    }

    fn csv(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .curves
            .iter()
            .flat_map(|curve| {
                curve.points.iter().map(|point| {
                    let exact = exact_miss_ratio(curve, point);
                    vec![
                        curve.policy.clone(),
                        curve.method.name().to_owned(),
                        format!("{:.6}", curve.rate),
                        point.size.to_string(),
                        format!("{:.6}", point.miss_ratio),
                        exact.map_or_else(String::new, |exact| format!("{exact:.6}")),
                        point.rough.to_string(),
                    ]
                })
            })
            .collect();
        csv_text(&COLUMNS, &rows)
    }

    fn answers_csv(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .curves
            .iter()
            .flat_map(|curve| {
                curve.answers.iter().map(|answer| {
                    vec![
                        curve.policy.clone(),
                        curve.method.name().to_owned(),
                        format!("{:.6}", curve.rate),
                        answer.target.to_string(),
                        answer
                            .size
                            .map_or_else(String::new, |size| size.to_string()),
                        format!("{:.6}", answer.lowest),
                        answer.exact.to_string(),
                    ]
                })
            })
            .collect();
        csv_text(&ANSWER_COLUMNS, &rows)
    }

    fn json(&self) -> String {
        let curves: Vec<_> = self
            .curves
            .iter()
            .map(|curve| {
                let points = curve.points.iter().map(|point| {
                    serde_json::json!({
                        "size": point.size,
                        "miss_ratio": point.miss_ratio,
                        "exact_miss_ratio": exact_miss_ratio(curve, point),
                        "rough": point.rough,
                    })
                });
                let answers = curve.answers.iter().map(|answer| {
                    serde_json::json!({
                        "target": answer.target,
                        "size": answer.size,
                        "lowest": answer.lowest,
                        "exact": answer.exact,
                    })
                });
                serde_json::json!({
                    "policy": curve.policy,
                    "method": curve.method.name(),
                    "rate": curve.rate,
                    "points": points.collect::<Vec<_>>(),
                    "error": curve.error.map(|error| serde_json::json!({
                        "mean": error.mean,
                        "max": error.max,
                    })),
                    "targets": answers.collect::<Vec<_>>(),
                })
            })
            .collect();
        let document = serde_json::json!({
            "trace": self.subject,
            "requests": self.stream.len(),
            "distinct": self.stream.distinct(),
            "warmup": self.plan.warmup,
            "sizes_cut": self.stream.oversized,
            "unit": self.unit(),
            "all": self.all,
            "curves": curves,
        });
        format!("{document:#}\n")
    }

    fn figure(&self) -> Figure {
        let lines = self.curves.iter().map(|curve| {
            let points = curve.points.iter();
            PolicyLine {
                name: curve.policy.clone(),
                points: points.map(|it| (it.size as f64, it.miss_ratio)).collect(),
            }
        });
        let (unit, knows_best) = match self.measure {
            Measure::Entries => (SizeUnit::Entries, true),
            // Where sizes differ, Belady is one policy among others.
            Measure::Bytes => (SizeUnit::Bytes, false),
        };
        let (mut best, lines): (Vec<_>, Vec<_>) =
            lines.partition(|line| knows_best && line.name == "belady");
        for line in &mut best {
            line.name = BELADY_AREA.to_owned();
        }
        miss_ratio_curve(&self.subject, unit, &lines, best.first())
    }

    fn files(&self, out: &std::path::Path) -> Vec<Unwritten> {
        let figure = self.figure();
        let mut files = vec![
            (out.join("miss-ratio-curve.svg"), svg(&figure).into_bytes()),
            (out.join("miss-ratio-curve.png"), png(&figure)),
            (out.join("miss-ratio-curve.csv"), self.csv().into_bytes()),
        ];
        if !self.plan.targets.is_empty() {
            files.push((out.join("targets.csv"), self.answers_csv().into_bytes()));
        }
        files
    }
}

/// The exact miss ratio of a point, where it is known.
fn exact_miss_ratio(curve: &Curve, point: &Point) -> Option<f64> {
    match curve.method {
        Method::Exact => Some(point.miss_ratio),
        _ => point.exact,
    }
}

/// A share with three digits or so: `12.3 %`.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if percent == 0.0 || percent >= 99.95 => format!("{percent:.0} %"),
        _ if percent >= 10.0 => format!("{percent:.1} %"),
        _ if percent >= 1.0 => format!("{percent:.2} %"),
        _ => format!("{percent:.3} %"),
    }
}
