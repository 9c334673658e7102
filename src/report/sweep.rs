//! Reports of a sweep: a table of cells, long-form CSV with every metric, JSON, and a folder of files.
//!
//! The table has a row for each variant of each cell; past a screenful it says where the rest is. CSV
//! and JSON have all of them, and are written as they are made, so that ten thousand cells need no
//! more memory than their numbers.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::{
    chart::sweep::charts,
    csv::number,
    expectation,
    folder::{self, Unwritable},
    html, quantity, sweep_summary,
    terminal::{self, Look},
};
use crate::experiment::sweep::{CellResults, CellVariant, SweepResults};

/// What a table and the charts of a sweep show where nobody asks for other metrics.
const SHOWN: [&str; 4] = [
    "hit_ratio",
    "database.qps.mean",
    "latency.p99",
    "cost.monthly",
];

/// More rows than this are in the files only.
const MOST_ROWS: usize = 60;

/// The metrics to show: those that were asked for, or the usual ones as far as they were measured.
#[must_use]
pub fn shown(results: &SweepResults, asked_for: &[String]) -> Vec<String> {
    if !asked_for.is_empty() {
        return asked_for.to_vec();
    }
    let is_measured = |metric: &&str| {
        results
            .cells
            .iter()
            .flat_map(|cell| &cell.variants)
            .any(|variant| {
                let interval = variant.metrics.get(*metric);
                interval.is_some_and(crate::experiment::Interval::is_measured)
            })
    };
    let shown = SHOWN.iter().filter(|metric| is_measured(metric));
    shown.map(|metric| (*metric).to_owned()).collect()
}

/// Header and rows of the table.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Rows that are left out.
    more: usize,
    /// How many of the first columns are names rather than numbers.
    names: usize,
}

fn table(results: &SweepResults, metrics: &[String]) -> Table {
    let has_variants = results.cells.iter().any(|cell| cell.variants.len() > 1);
    let has_expectations = results.cells.iter().any(|cell| cell.held.1 > 0);
    let mut header: Vec<String> = results.axes.iter().map(|axis| axis.name()).collect();
    if has_variants {
        header.push("variant".to_owned());
    }
    let names = header.len();
    header.extend(metrics.iter().cloned());
    if has_expectations {
        header.push("expectations".to_owned());
    }
    let all: usize = results.cells.iter().map(|cell| cell.variants.len()).sum();
    let rows = results
        .cells
        .iter()
        .flat_map(|cell| cell.variants.iter().map(move |variant| (cell, variant)))
        .take(MOST_ROWS)
        .map(|(cell, variant)| {
            let mut row: Vec<String> = results.values(cell).collect();
            if has_variants {
                row.push(variant.name.to_string());
            }
            row.extend(metrics.iter().map(|metric| spelled(cell, variant, metric)));
            if has_expectations {
                let (held, count) = cell.held;
                row.push(if held == count {
                    "hold".to_owned()
                } else {
                    format!("{} of {count} FAIL", count - held)
                });
            }
            row
        })
        .collect();
    Table {
        header,
        rows,
        more: all.saturating_sub(MOST_ROWS),
        names,
    }
}

/// A mean with half of its interval.
pub(super) fn spelled(cell: &CellResults, variant: &CellVariant, metric: &str) -> String {
    let Some(interval) = variant.metrics.get(metric) else {
        return quantity::UNMEASURED.to_owned();
    };
    let (mean, unit) = (interval.mean, interval.unit);
    let text = quantity::of_metric(metric, mean, unit, 3);
    if cell.replications < 2 || !interval.is_measured() {
        return text;
    }
    let width = quantity::half_width_of_metric(metric, mean, interval.half_width(), unit);
    format!("{text} {width}").trim_end().to_owned()
}

fn heading(results: &SweepResults) -> String {
    let (least, most) = replications(results);
    let runs = match (least, most) {
        (1, 1) => "1 run of each".to_owned(),
        (least, most) if least == most => format!("means of {most} replications"),
        (least, most) => format!("means of {least} to {most} replications"),
    };
    format!(
        "{}, seed {}, {} cells, {runs}",
        results.name,
        results.seed,
        results.cells.len()
    )
}

/// The fewest and the most replications of a cell.
pub(super) fn replications(results: &SweepResults) -> (u64, u64) {
    let counts = || results.cells.iter().map(|cell| cell.replications);
    (counts().min().unwrap_or(1), counts().max().unwrap_or(1))
}

/// What the table cannot say.
fn remarks(results: &SweepResults, table: &Table) -> Vec<String> {
    let mut remarks = Vec::new();
    if table.more > 0 {
        remarks.push(format!(
            "{} more rows: all are in the CSV file and in --format csv",
            table.more
        ));
    }
    if replications(results).1 > 1 {
        remarks.push("±: half of the 95 % interval".to_owned());
    }
    let broken = results.cells.iter().filter(|cell| !cell.all_held()).count();
    let judged = results.cells.iter().any(|cell| cell.held.1 > 0);
    if judged {
        remarks.push(match broken {
            0 => "every expectation holds in every cell".to_owned(),
            _ => format!(
                "expectations are broken in {broken} of {} cells",
                results.cells.len()
            ),
        });
    }
    if let Some((cell, judgement)) = results
        .cells
        .iter()
        .find_map(|cell| Some((cell, cell.broken.as_ref()?)))
    {
        let values: Vec<String> = results.values(cell).collect();
        let sentence = expectation::sentence(judgement);
        remarks.push(format!("the first, at {}: {sentence}", values.join(", ")));
    }
    remarks
}

/// For a terminal.
#[must_use]
pub fn terminal(results: &SweepResults, asked_for: &[String], look: Look) -> String {
    let shown = shown(results, asked_for);
    let mut text = terminal::paragraph(&results.title, true, look);
    text.push_str(&terminal::paragraph(&heading(results), false, look));
    text.push('\n');
    // Metrics from the right give way until the rest fits.
    let mut metrics = &shown[..];
    let mut table = table(results, metrics);
    while terminal::width_of(&table.header, &table.rows) > look.width && metrics.len() > 1 {
        metrics = &metrics[..metrics.len() - 1];
        table = self::table(results, metrics);
    }
    text.push_str(&terminal::plain_table(
        &table.header,
        &table.rows,
        table.names,
        look,
    ));
    let mut remarks = remarks(results, &table);
    if metrics.len() < shown.len() {
        let left_out = shown[metrics.len()..].join(", ");
        remarks.push(format!(
            "no room for {left_out}: the CSV file and --format csv have all"
        ));
    }
    if !remarks.is_empty() {
        text.push('\n');
    }
    for remark in remarks {
        text.push_str(&terminal::paragraph(&remark, false, look));
    }
    text
}

/// For a pull request.
#[must_use]
pub fn markdown(results: &SweepResults, asked_for: &[String]) -> String {
    let table = table(results, &shown(results, asked_for));
    let escape = super::markdown::escape;
    let mut text = format!(
        "## {}\n\n{}\n\n",
        escape(&results.title),
        escape(&heading(results))
    );
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    text.push_str(&row(&table.header));
    text.push('|');
    for column in 0..table.header.len() {
        text.push_str(if column < table.names { ":--|" } else { "--:|" });
    }
    text.push('\n');
    for cells in &table.rows {
        text.push_str(&row(cells));
    }
    let remarks = remarks(results, &table);
    if !remarks.is_empty() {
        text.push('\n');
    }
    for remark in remarks {
        text.push_str(&format!("- {}\n", escape(&remark)));
    }
    text
}

/// One row for each metric of each variant of each cell: the values of the axes, `variant`,
/// `metric`, `unit`, `mean`, `low`, `high`, `replications`.
///
/// # Errors
/// When it cannot be written.
pub fn csv(results: &SweepResults, to: impl Write) -> io::Result<()> {
    let mut writer = ::csv::Writer::from_writer(to);
    let settings = || results.axes.iter().flat_map(|axis| &axis.settings);
    let columns = [
        "variant",
        "metric",
        "unit",
        "mean",
        "low",
        "high",
        "replications",
    ];
    let mut row: Vec<String> = settings().map(|setting| setting.path.clone()).collect();
    row.extend(columns.map(str::to_owned));
    writer.write_record(&row)?;
    for cell in &results.cells {
        let values: Vec<String> = results
            .axes
            .iter()
            .zip(&cell.indexes)
            .flat_map(|(axis, &index)| axis.settings.iter().map(move |it| it.values[index].clone()))
            .collect();
        for variant in &cell.variants {
            for (metric, interval) in &variant.metrics {
                row.clear();
                row.extend(values.iter().cloned());
                let unit = expectation::unit_json(interval.unit);
                row.extend([
                    variant.name.to_string(),
                    metric.to_string(),
                    unit.as_str().unwrap_or("").to_owned(),
                    number(interval.mean),
                    number(interval.low),
                    number(interval.high),
                    cell.replications.to_string(),
                ]);
                writer.write_record(&row)?;
            }
        }
    }
    writer.flush()
}

/// As a JSON value.
#[must_use]
pub fn json(results: &SweepResults) -> Value {
    let cells: Vec<Value> = results
        .cells
        .iter()
        .map(|cell| {
            let settings: serde_json::Map<String, Value> = results
                .axes
                .iter()
                .zip(&cell.indexes)
                .flat_map(|(axis, &index)| {
                    let settings = axis.settings.iter();
                    settings.map(move |it| (it.path.clone(), it.values[index].clone().into()))
                })
                .collect();
            let variants: Vec<Value> = cell
                .variants
                .iter()
                .map(|variant| {
                    let metrics: serde_json::Map<String, Value> = variant
                        .metrics
                        .iter()
                        .map(|(name, interval)| (name.to_string(), json!(interval)))
                        .collect();
                    json!({ "name": &*variant.name, "metrics": metrics })
                })
                .collect();
            json!({
                "settings": settings,
                "replications": cell.replications,
                "expectations": { "hold": cell.held.0, "count": cell.held.1 },
                "variants": variants,
            })
        })
        .collect();
    json!({
        "version": results.version,
        "title": results.title,
        "seed": results.seed,
        "scenario": results.resolved,
        "axes": results.axes,
        "cells": cells,
    })
}

/// Writes `sweep.csv`, `sweep.json`, the page and the charts, and returns their names.
///
/// # Errors
/// When a file cannot be written; the ones before it are there and whole.
pub fn write(
    results: &SweepResults,
    asked_for: &[String],
    folder: &Path,
) -> Result<Vec<String>, Unwritable> {
    let shown = shown(results, asked_for);
    let mut names = ["sweep.csv", sweep_summary::FILE, folder::REPORT]
        .map(str::to_owned)
        .to_vec();
    folder::write_streamed(&folder.join("sweep.csv"), |file| csv(results, file))?;
    folder::write_streamed(&folder.join(sweep_summary::FILE), |file| {
        sweep_summary::write(results, &shown, file)
    })?;
    let page = html::of_sweep(results, &shown);
    folder::write_whole(&folder.join(folder::REPORT), page.as_bytes())?;
    for chart in charts(results, &shown) {
        for (ending, bytes) in [("svg", chart.svg().into_bytes()), ("png", chart.png())] {
            let name = format!("{}.{ending}", chart.name);
            folder::write_whole(&folder.join(&name), &bytes)?;
            names.push(name);
        }
    }
    Ok(names)
}
