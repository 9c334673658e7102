//! `cachesim replay`: a trace through a grid of policies and sizes, without time.

mod charts;

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use miette::miette;

use super::trace::ReadArguments;
use super::{Answer, Common, Format, Status, print};
use crate::eviction::{Measure, Parameter, PolicySpec, admission, descriptions};
use crate::replay::{Grid, Plan, Size, Stream, Warmup, Writes};
use crate::trace::{self, Columns, Interned, Selection};

/// Replay a trace through a grid of eviction policies and cache sizes
#[derive(Debug, Args)]
#[command(after_help = policies_help())]
pub struct Arguments {
    #[command(flatten)]
    reading: Reading,
    /// Policies, separated by commas, with parameters after a colon: lru,slru:segments=2
    #[arg(
        long,
        short,
        value_name = "LIST",
        default_value = "lru,s3-fifo,w-tinylfu,belady"
    )]
    policy: String,
    /// Cache sizes, separated by commas: entries (1000), bytes (1GiB) or shares of the distinct
    /// keys (1%)
    #[arg(long, short, value_name = "LIST", default_value = "0.1%,1%,10%")]
    size: String,
    /// What capacity counts (default: bytes for sizes written in bytes, else objects)
    #[arg(long, value_enum, value_name = "WHAT")]
    by: Option<By>,
    /// Requests, or a share of them (10%), that fill the caches before anything is counted
    #[arg(long, value_name = "N|X%", value_parser = parse_warmup)]
    warmup: Option<Warmup>,
    /// Also report the miss ratio of every N requests
    #[arg(long, value_name = "N", value_parser = parse_count)]
    window: Option<u64>,
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
    /// Honour the trace's own times to live
    #[arg(long)]
    ttl: bool,
    /// What the trace's writes mean
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

/// Formats of key-value caches, whose clients look first and store what they missed.
const KEY_VALUE_FORMATS: &[&str] = &["twitter", "kvcache", "redis-monitor"];

fn policies_help() -> String {
    let mut help = String::from("Policies:\n");
    for policy in descriptions() {
        describe(&mut help, policy.name, policy.summary, policy.parameters);
    }
    help.push_str("\nAdmission, behind a plus sign (lru+bloom):\n");
    for admission in admission::descriptions() {
        describe(
            &mut help,
            admission.name,
            admission.summary,
            admission.parameters,
        );
    }
    help
}

fn describe(help: &mut String, name: &str, summary: &str, parameters: &[Parameter]) {
    let _ = writeln!(help, "  {name:<14} {summary}");
    for parameter in parameters {
        let _ = writeln!(
            help,
            "  {:<14}   {}={}: {} ({})",
            "",
            parameter.name,
            parameter.default,
            parameter.meaning,
            parameter.allowed()
        );
    }
}

pub(super) fn parse_count(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "").to_lowercase();
    let (digits, scale) = match plain.strip_suffix(['k', 'm', 'g']) {
        Some(digits) if plain.ends_with('k') => (digits, 1_000),
        Some(digits) if plain.ends_with('m') => (digits, 1_000_000),
        Some(digits) => (digits, 1_000_000_000),
        None => (plain.as_str(), 1),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(scale))
        .filter(|number| *number > 0)
        .ok_or_else(|| "a whole number from 1 is wanted (10000, 10k, 2M)".into())
}

pub(super) fn parse_share(text: &str) -> Option<f64> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.parse::<f64>().ok()?,
    };
    share.is_finite().then_some(share)
}

pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    parse_share(text)
        .filter(|rate| *rate > 0.0 && *rate <= 1.0)
        .ok_or_else(|| "a share above 0 and up to 1 is wanted (0.01 or 1%)".into())
}

pub(super) fn parse_warmup(text: &str) -> Result<Warmup, String> {
    if text.trim() == "0" {
        return Ok(Warmup::None);
    }
    if text.ends_with('%') {
        return parse_share(text)
            .filter(|share| (0.0..1.0).contains(share))
            .map(Warmup::Share)
            .ok_or_else(|| "a share from 0% to below 100% is wanted".into());
    }
    parse_count(text)
        .map(Warmup::Requests)
        .map_err(|_| "a number of requests (10k) or a share of them (10%) is wanted".into())
}

/// Does what the command line asks for.
///
/// # Errors
/// A list of policies or sizes that is wrong, or a trace that cannot be read or does not fit them.
pub fn execute(arguments: &Arguments) -> Answer {
    let policies = PolicySpec::parse_list(&arguments.policy).map_err(|it| miette!("{it}"))?;
    let by = arguments.by.map(By::measure);
    let sizes = Size::parse_list(&arguments.size)
        .and_then(|sizes| {
            sizes
                .into_iter()
                .map(|size| size.measure(by).map(|measure| (size, measure)))
                .collect()
        })
        .map_err(|it| miette!("{it}"))?;
    let plan = Plan {
        policies,
        sizes,
        warmup: arguments.warmup.unwrap_or_default(),
        window: arguments.window,
        seed: arguments.common.seed.unwrap_or(1),
    };
    charts::prepare(arguments, &plan)?;
    let notes = !arguments.common.quiet && std::io::stderr().is_terminal();
    let stream = arguments.reading.read(notes)?;
    let bar = cells_bar(plan.policies.len() * plan.sizes.len(), notes)?;
    let run = |plan: &Plan| {
        arguments
            .common
            .on_threads(|| Grid::run(&stream, plan, || bar.inc(1)))?
            .map_err(|it| miette!("{}: {it}", arguments.reading.trace.display()))
    };
    let grid = run(&plan)?;
    let charts = charts::draw(arguments, &plan, &stream, &grid, run)?;
    bar.finish_and_clear();
    let printed = match arguments.common.format {
        Format::Table => table(&grid),
        Format::Markdown => markdown(&grid),
        Format::Csv => csv(&grid),
        Format::Json => json(&grid),
    };
    print(&printed)?;
    super::write_files(&charts, arguments.common.quiet)?;
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
    /// The trace in memory; a spinner if `notes` are wanted.
    pub(super) fn read(&self, notes: bool) -> Result<Stream, miette::Report> {
        let spinner = if notes {
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
        let writes = match self.writes {
            WritesAre::Accesses => Writes::Access,
            WritesAre::Stores => Writes::Store,
            WritesAre::Auto if KEY_VALUE_FORMATS.contains(&format.name) => Writes::Store,
            WritesAre::Auto => Writes::Access,
        };
        let stream = Stream::new(trace, writes);
        spinner.finish_and_clear();
        Ok(stream)
    }
}

const COLUMNS: [&str; 7] = [
    "policy",
    "size",
    "requests",
    "misses",
    "miss_ratio",
    "byte_miss_ratio",
    "seconds",
];
const WINDOW_COLUMNS: [&str; 6] = [
    "policy",
    "size",
    "first_request",
    "requests",
    "misses",
    "miss_ratio",
];

/// One row per cell; with `--window`, one per cell and window.
fn rows(grid: &Grid) -> (Vec<&'static str>, Vec<Vec<String>>) {
    if grid.cells.iter().any(|cell| !cell.windows.is_empty()) {
        window_rows(grid)
    } else {
        cell_rows(grid)
    }
}

fn window_rows(grid: &Grid) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let rows = grid.cells.iter().flat_map(|cell| {
        cell.windows.iter().map(|window| {
            vec![
                cell.policy.clone(),
                cell.size.to_string(),
                window.start.to_string(),
                window.requests.to_string(),
                window.misses.to_string(),
                format!("{:.6}", window.miss_ratio()),
            ]
        })
    });
    (WINDOW_COLUMNS.to_vec(), rows.collect())
}

fn cell_rows(grid: &Grid) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let rows = grid.cells.iter().map(|cell| {
        vec![
            cell.policy.clone(),
            cell.size.to_string(),
            cell.requests.to_string(),
            cell.misses.to_string(),
            format!("{:.6}", cell.miss_ratio()),
            format!("{:.6}", cell.byte_miss_ratio()),
            format!("{:.3}", cell.seconds),
        ]
    });
    (COLUMNS.to_vec(), rows.collect())
}

fn csv(grid: &Grid) -> String {
    let (columns, rows) = rows(grid);
    csv_text(&columns, &rows)
}

/// Comma-separated values with a header line.
pub(super) fn csv_text(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(columns);
    for row in rows {
        let _ = writer.write_record(row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn markdown(grid: &Grid) -> String {
    let (columns, rows) = rows(grid);
    markdown_text(&columns, &rows)
}

/// A Markdown table; the first column is text, the others are numbers.
pub(super) fn markdown_text(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n", columns.join(" | "));
    let _ = writeln!(text, "|:---|{}", "---:|".repeat(columns.len() - 1));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

fn json(grid: &Grid) -> String {
    let cells: Vec<_> = grid
        .cells
        .iter()
        .map(|cell| {
            let mut object = serde_json::json!({
                "policy": cell.policy,
                "size": cell.size,
                "unit": match cell.measure {
                    Measure::Entries => "entries",
                    Measure::Bytes => "bytes",
                },
                "requests": cell.requests,
                "misses": cell.misses,
                "miss_ratio": cell.miss_ratio(),
                "byte_miss_ratio": cell.byte_miss_ratio(),
                "seconds": cell.seconds,
            });
            if !cell.windows.is_empty() {
                object["windows"] = cell
                    .windows
                    .iter()
                    .map(|window| {
                        serde_json::json!({
                            "first_request": window.start,
                            "requests": window.requests,
                            "misses": window.misses,
                            "miss_ratio": window.miss_ratio(),
                        })
                    })
                    .collect();
            }
            object
        })
        .collect();
    format!("{:#}\n", serde_json::Value::Array(cells))
}

/// For people: the miss ratio of each policy (down) at each size (across), the best of each size
/// marked; with windows, all rows.
fn table(grid: &Grid) -> String {
    let has_windows = grid.cells.iter().any(|cell| !cell.windows.is_empty());
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_HORIZONTAL_ONLY);
    if has_windows {
        let (columns, rows) = rows(grid);
        table.set_header(columns);
        table.add_rows(rows);
    } else {
        let sizes = grid.columns;
        let mut header = vec!["miss ratio".to_owned()];
        header.extend(grid.cells.iter().take(sizes).map(|cell| {
            let unit = match cell.measure {
                Measure::Entries => "",
                Measure::Bytes => " B",
            };
            match cell.size_typed.ends_with('%') {
                true => format!("{} = {}{unit}", cell.size_typed, cell.size),
                false => format!("{}{unit}", cell.size),
            }
        }));
        table.set_header(header);
        let best: Vec<u64> = (0..sizes)
            .map(|column| {
                grid.cells
                    .iter()
                    .skip(column)
                    .step_by(sizes)
                    .map(|it| it.misses)
                    .min()
                    .unwrap_or(0)
            })
            .collect();
        for row in grid.cells.chunks(sizes) {
            let mut cells = vec![row[0].policy.clone()];
            cells.extend(row.iter().zip(&best).map(|(cell, best)| {
                let mark = if cell.misses == *best { "*" } else { " " };
                format!("{:.4}{mark}", cell.miss_ratio())
            }));
            table.add_row(cells);
        }
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    let mut text = format!("{table}\n");
    let _ = write!(
        text,
        "{} requests, {} distinct keys",
        grid.requests, grid.distinct
    );
    if let Some(bytes) = grid.footprint_bytes {
        let _ = write!(text, " of {bytes} bytes");
    }
    if grid.warmup > 0 {
        let _ = write!(text, "; the first {} are not counted", grid.warmup);
    }
    text.push_str(if has_windows {
        "\n"
    } else {
        "; * the fewest misses at its size\n"
    });
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{Cell, Window};

    fn grid(windows: bool) -> Grid {
        let cell = |policy: &str, size: u64, misses| Cell {
            policy: policy.into(),
            size_typed: if size == 10 {
                "1%".into()
            } else {
                size.to_string()
            },
            size,
            measure: Measure::Entries,
            requests: 2000,
            misses,
            bytes: 4000,
            missed_bytes: misses,
            seconds: 0.25,
            windows: match windows {
                true => vec![Window {
                    start: 500,
                    requests: 2000,
                    misses,
                }],
                false => Vec::new(),
            },
        };
        Grid {
            requests: 2500,
            distinct: 1000,
            footprint_bytes: Some(4096),
            warmup: 500,
            columns: 2,
            cells: vec![
                cell("lru", 10, 1200),
                cell("lru", 200, 700),
                cell("slru:segments=2", 10, 1100),
                cell("slru:segments=2", 200, 750),
            ],
        }
    }

    #[test]
    fn the_table_has_a_row_per_policy_and_marks_the_best_of_each_size() {
        insta::assert_snapshot!(table(&grid(false)), @r#"
        ─────────────────────────────────────
         miss ratio        1% = 10       200 
        ═════════════════════════════════════
         lru               0.6000    0.3500* 
        ─────────────────────────────────────
         slru:segments=2   0.5500*   0.3750  
        ─────────────────────────────────────
        2500 requests, 1000 distinct keys of 4096 bytes; the first 500 are not counted; * the fewest misses at its size
        "#);
    }

    #[test]
    fn csv_has_the_columns_of_the_contract() {
        insta::assert_snapshot!(csv(&grid(false)), @r#"
        policy,size,requests,misses,miss_ratio,byte_miss_ratio,seconds
        lru,10,2000,1200,0.600000,0.300000,0.250
        lru,200,2000,700,0.350000,0.175000,0.250
        slru:segments=2,10,2000,1100,0.550000,0.275000,0.250
        slru:segments=2,200,2000,750,0.375000,0.187500,0.250
        "#);
        insta::assert_snapshot!(csv(&grid(true)), @r#"
        policy,size,first_request,requests,misses,miss_ratio
        lru,10,500,2000,1200,0.600000
        lru,200,500,2000,700,0.350000
        slru:segments=2,10,500,2000,1100,0.550000
        slru:segments=2,200,500,2000,750,0.375000
        "#);
    }

    #[test]
    fn markdown_is_a_table_for_a_pull_request() {
        insta::assert_snapshot!(markdown(&grid(false)), @r#"
        | policy | size | requests | misses | miss_ratio | byte_miss_ratio | seconds |
        |:---|---:|---:|---:|---:|---:|---:|
        | lru | 10 | 2000 | 1200 | 0.600000 | 0.300000 | 0.250 |
        | lru | 200 | 2000 | 700 | 0.350000 | 0.175000 | 0.250 |
        | slru:segments=2 | 10 | 2000 | 1100 | 0.550000 | 0.275000 | 0.250 |
        | slru:segments=2 | 200 | 2000 | 750 | 0.375000 | 0.187500 | 0.250 |
        "#);
    }

    #[test]
    fn json_is_a_list_of_cells() {
        let mut grid = grid(true);
        grid.cells.truncate(1);
        insta::assert_snapshot!(json(&grid), @r#"
        [
          {
            "policy": "lru",
            "size": 10,
            "unit": "entries",
            "requests": 2000,
            "misses": 1200,
            "miss_ratio": 0.6,
            "byte_miss_ratio": 0.3,
            "seconds": 0.25,
            "windows": [
              {
                "first_request": 500,
                "requests": 2000,
                "misses": 1200,
                "miss_ratio": 0.6
              }
            ]
          }
        ]
        "#);
    }

    #[test]
    fn warm_up_is_a_number_or_a_share() {
        assert_eq!(parse_warmup("0"), Ok(Warmup::None));
        assert_eq!(parse_warmup("10k"), Ok(Warmup::Requests(10_000)));
        assert_eq!(parse_warmup("25%"), Ok(Warmup::Share(0.25)));
        for wrong in ["", "-1", "100%", "nan%", "x", "1.5"] {
            assert!(parse_warmup(wrong).is_err(), "{wrong}");
        }
    }
}
