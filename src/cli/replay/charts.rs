//! The charts of a replayed grid, and the CSV files beside them.
//!
//! The best possible is shaded in every chart of sizes, whether or not it was asked for: Belady's
//! MIN where entries are counted, and where bytes are, a bound that no policy can beat.

use std::path::{Path, PathBuf};

use miette::miette;

use super::{Arguments, output};
use crate::cli::{Unwritten, existing, not_over_itself};
use crate::eviction::{Measure, PolicySpec};
use crate::replay::{Grid, Plan, Stream, Window, curve};
use crate::report::chart::figure::Figure;
use crate::report::chart::miss_ratio_curve::{BELADY_AREA, PFOO_AREA, PolicyLine, SizeUnit};
use crate::report::chart::{miss_ratio_curve, miss_ratio_over_time, png, svg};
use crate::report::folder;
use crate::report::quantity::grouped;

/// A path whose ending says how a chart is to be drawn.
pub(super) fn parse_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if is_png(&path) || path.extension().is_some_and(|it| it == "svg") {
        Ok(path)
    } else {
        Err("the name must end in .svg or .png".into())
    }
}

fn is_png(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "png")
}

/// Makes sure that there is a place for what will be drawn, before anything is computed.
pub(super) fn prepare(arguments: &Arguments, plan: &Plan) -> Result<(), miette::Report> {
    if let Some(path) = &arguments.chart {
        if plan.window.is_some() && plan.sizes.len() > 1 {
            return Err(miette!(
                help = "give one --size, or --out DIR for a chart of each",
                "--chart shows the miss ratio over the trace at one size, not at {}",
                plan.sizes.len()
            ));
        }
        let (_, first) = &plan.sizes[0];
        if plan.sizes.iter().any(|(_, measure)| measure != first) {
            return Err(miette!(
                help = "give sizes of one kind, or --out DIR for a chart of each",
                "--chart cannot show sizes in entries and in bytes along one axis"
            ));
        }
        has_folder("--chart", path)?;
    }
    if let Some(path) = &arguments.windows_out {
        has_folder("--windows-out", path)?;
    }
    let trace = arguments.reading.trace.as_path();
    let named = arguments.chart.iter().chain(&arguments.windows_out);
    not_over_itself(&[trace], named.cloned())?;
    if let Some(out) = &arguments.out {
        // What the sizes come to, and so the names of their charts, is not known yet.
        let ours = |name: &str| {
            name.starts_with("miss-ratio-") || name == "windows.csv" || name == "replay.csv"
        };
        not_over_itself(&[trace], existing(out, ours))?;
        folder::prepare(std::slice::from_ref(out)).map_err(|it| miette!("{it}"))?;
    }
    Ok(())
}

fn has_folder(option: &str, path: &Path) -> Result<(), miette::Report> {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    if path.is_dir() {
        return Err(miette!("{option}: {} is a folder", path.display()));
    }
    if !parent.is_dir() {
        return Err(miette!("{option}: there is no folder {}", parent.display()));
    }
    Ok(())
}

/// What was asked for, drawn but not yet written. `run` replays a further grid.
pub(super) fn draw(
    arguments: &Arguments,
    plan: &Plan,
    stream: &Stream,
    grid: &Grid,
    run: impl Fn(&Plan) -> Result<Grid, miette::Report>,
) -> Result<Vec<Unwritten>, miette::Report> {
    let mut files = Vec::new();
    if arguments.chart.is_none() && arguments.out.is_none() {
        return Ok(files);
    }
    let trace = &arguments.reading.trace;
    let subject = trace.file_name().unwrap_or(trace.as_os_str());
    let subject = subject.to_string_lossy();
    let over_time = |column: usize| {
        let size = size_of(grid, column);
        let lines: Vec<PolicyLine> = grid
            .cells
            .iter()
            .skip(column)
            .step_by(grid.columns)
            .map(|cell| PolicyLine {
                name: cell.policy.clone(),
                points: cell
                    .windows
                    .iter()
                    .map(|it| middle(it, plan, grid))
                    .collect(),
            })
            .collect();
        let window = plan.window.map_or_else(String::new, |window| {
            format!(", every {} requests", grouped(window))
        });
        miss_ratio_over_time(&format!("{subject}, {size}{window}"), &lines)
    };
    let wants_curves = arguments.out.is_some() || plan.window.is_none();
    let mut curves = Vec::new();
    for measure in [Measure::Entries, Measure::Bytes] {
        if wants_curves && plan.sizes.iter().any(|(_, it)| *it == measure) {
            let floor = floor(plan, stream, grid, measure, &run)?;
            let is_floor = |line: &PolicyLine| line.name == "belady" && measure == Measure::Entries;
            let mut lines = lines(grid, measure);
            lines.retain(|line| !is_floor(line));
            let unit = match measure {
                Measure::Entries => SizeUnit::Entries,
                Measure::Bytes => SizeUnit::Bytes,
            };
            curves.push(miss_ratio_curve(&subject, unit, &lines, floor.as_ref()));
        }
    }
    if let Some(path) = &arguments.chart {
        let figure = match plan.window {
            Some(_) => Some(over_time(0)),
            None => curves.first().cloned(),
        };
        if let Some(figure) = figure {
            let bytes = if is_png(path) {
                png(&figure)
            } else {
                svg(&figure).into()
            };
            files.push((path.clone(), bytes));
        }
    }
    let Some(out) = &arguments.out else {
        return Ok(files);
    };
    let mut both = |name: &str, figure: &Figure| {
        files.push((out.join(format!("{name}.svg")), svg(figure).into()));
        files.push((out.join(format!("{name}.png")), png(figure)));
    };
    for (figure, suffix) in curves.iter().zip(["", "-bytes"]) {
        both(&format!("miss-ratio-by-size{suffix}"), figure);
    }
    if plan.window.is_some() {
        for column in 0..grid.columns {
            let size = size_of(grid, column).replace(' ', "-");
            both(&format!("miss-ratio-over-trace-{size}"), &over_time(column));
        }
        files.push((out.join("windows.csv"), output::windows_csv(grid).into()));
    }
    files.push((out.join("replay.csv"), output::csv(grid).into()));
    Ok(files)
}

/// The size of a column, for a title and for a file's name.
fn size_of(grid: &Grid, column: usize) -> String {
    grid.cells.get(column).map_or_else(String::new, |cell| {
        let unit = match cell.measure {
            Measure::Entries => "entries",
            Measure::Bytes => "bytes",
        };
        format!("{} {unit}", cell.size)
    })
}

/// A window stands for all its requests: it is drawn in their middle.
fn middle(window: &Window, plan: &Plan, grid: &Grid) -> (f64, f64) {
    let length = plan.window.unwrap_or(grid.requests);
    let end = window.start.saturating_add(length).min(grid.requests);
    let ratio = if window.requests == 0 {
        f64::NAN
    } else {
        window.miss_ratio()
    };
    ((window.start + end) as f64 / 2.0, ratio)
}

/// A line for each policy over the sizes that count `measure`.
fn lines(grid: &Grid, measure: Measure) -> Vec<PolicyLine> {
    let rows = grid.cells.chunks(grid.columns);
    rows.map(|row| {
        let mut points: Vec<(f64, f64)> = row
            .iter()
            .filter(|cell| cell.measure == measure)
            .map(|cell| (cell.size as f64, cell.miss_ratio()))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        PolicyLine {
            name: row[0].policy.clone(),
            points,
        }
    })
    .collect()
}

/// What no policy can be below.
fn floor(
    plan: &Plan,
    stream: &Stream,
    grid: &Grid,
    measure: Measure,
    run: &impl Fn(&Plan) -> Result<Grid, miette::Report>,
) -> Result<Option<PolicyLine>, miette::Report> {
    let of = |name: &str, grid: &Grid| {
        let mut all = lines(grid, measure).into_iter();
        let found = all.find(|line| line.name == name)?;
        Some(PolicyLine {
            name: BELADY_AREA.to_owned(),
            ..found
        })
    };
    match measure {
        Measure::Entries => {
            if let Some(asked) = of("belady", grid) {
                return Ok(Some(asked));
            }
            let belady = Plan {
                policies: vec![PolicySpec::parse("belady").map_err(|it| miette!("{it}"))?],
                window: None,
                ..plan.clone()
            };
            Ok(of("belady", &run(&belady)?))
        }
        Measure::Bytes => {
            let columns = grid.cells.iter().take(grid.columns);
            let mut sizes: Vec<u64> = columns
                .filter(|cell| cell.measure == measure)
                .map(|cell| cell.size)
                .collect();
            sizes.sort_unstable();
            let ratios = curve::best_possible(stream, measure, grid.warmup, &sizes);
            let points = sizes.iter().map(|&size| size as f64).zip(ratios);
            Ok(Some(PolicyLine {
                name: PFOO_AREA.to_owned(),
                points: points.collect(),
            }))
        }
    }
}
