//! `sweep.json`: what the page of a sweep says, so that it can be made anew.
//!
//! It has the metrics that the page shows and no others, so that ten thousand cells are a few megabytes:
//! `sweep.csv` has them all.

use std::io::{self, Write};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{json, reading::Expected};
use crate::experiment::{
    Interval,
    sweep::{CellResults, CellVariant, SweepResults},
};
use crate::scenario::Axis;

/// The file.
pub const FILE: &str = "sweep.json";

#[derive(Serialize)]
struct Document<'a> {
    version: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    command: &'a str,
    title: &'a str,
    seed: u64,
    scenario: &'a Value,
    metrics: &'a [String],
    axes: &'a [Axis],
    cells: Vec<Cell<'a>>,
}

#[derive(Serialize)]
struct Cell<'a> {
    indexes: &'a [usize],
    replications: u64,
    held: (usize, usize),
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<json::Expectation<'a>>,
    variants: Vec<Variant<'a>>,
}

#[derive(Serialize)]
struct Variant<'a> {
    name: &'a str,
    metrics: IndexMap<&'a str, Interval>,
}

/// Writes it, with the metrics that are `shown`.
///
/// # Errors
/// When it cannot be written.
pub fn write(results: &SweepResults, shown: &[String], mut to: impl Write) -> io::Result<()> {
    let document = Document {
        version: &results.version,
        name: &results.name,
        command: &results.command,
        title: &results.title,
        seed: results.seed,
        scenario: &results.resolved,
        metrics: shown,
        axes: &results.axes,
        cells: results.cells.iter().map(|it| cell(it, shown)).collect(),
    };
    serde_json::to_writer(&mut to, &document)?;
    to.write_all(b"\n")
}

fn cell<'a>(cell: &'a CellResults, shown: &'a [String]) -> Cell<'a> {
    let variant = |variant: &'a CellVariant| Variant {
        name: &variant.name,
        metrics: shown
            .iter()
            .filter_map(|name| Some((name.as_str(), *variant.metrics.get(name.as_str())?)))
            .collect(),
    };
    Cell {
        indexes: &cell.indexes,
        replications: cell.replications,
        held: cell.held,
        broken: cell.broken.as_ref().map(json::Expectation::of),
        variants: cell.variants.iter().map(variant).collect(),
    }
}

#[derive(Deserialize)]
struct ReadDocument {
    version: String,
    name: String,
    #[serde(default)]
    command: String,
    title: String,
    seed: u64,
    scenario: Value,
    metrics: Vec<String>,
    axes: Vec<Axis>,
    cells: Vec<ReadCell>,
}

#[derive(Deserialize)]
struct ReadCell {
    indexes: Vec<usize>,
    replications: u64,
    held: (usize, usize),
    #[serde(default)]
    broken: Option<Expected>,
    variants: Vec<ReadVariant>,
}

#[derive(Deserialize)]
struct ReadVariant {
    name: String,
    metrics: IndexMap<String, Interval>,
}

impl ReadCell {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(|it| it.name.as_str())
    }
}

/// Reads what [`write()`] has written: the results, and the metrics that are shown.
///
/// # Errors
/// What is wrong and, where it is no JSON at all, in which line.
pub fn parse(text: &str) -> Result<(SweepResults, Vec<String>), String> {
    let read: ReadDocument = serde_json::from_str(text).map_err(|error| error.to_string())?;
    check(&read)?;
    let description = read.scenario["description"].as_str().unwrap_or("");
    let variant = |variant: ReadVariant| CellVariant {
        name: variant.name.into(),
        metrics: variant
            .metrics
            .into_iter()
            .map(|(name, interval)| (name.into(), interval))
            .collect(),
    };
    let cell = |cell: ReadCell| CellResults {
        indexes: cell.indexes,
        replications: cell.replications,
        variants: cell.variants.into_iter().map(variant).collect(),
        held: cell.held,
        broken: cell.broken.and_then(Expected::judgement),
    };
    let results = SweepResults {
        version: read.version,
        name: read.name,
        title: read.title,
        description: description.to_owned(),
        command: read.command,
        seed: read.seed,
        resolved: read.scenario,
        axes: read.axes,
        cells: read.cells.into_iter().map(cell).collect(),
    };
    Ok((results, read.metrics))
}

/// Whether cells and axes fit together, as they do in what was written.
fn check(read: &ReadDocument) -> Result<(), String> {
    for axis in &read.axes {
        let many = axis.len();
        if many == 0 || axis.settings.iter().any(|it| it.values.len() != many) {
            return Err("the settings of an axis do not have the same number of values".to_owned());
        }
    }
    let Some(first) = read.cells.first() else {
        return Err("it has no cells".to_owned());
    };
    for (number, cell) in read.cells.iter().enumerate() {
        let mut pairs = cell.indexes.iter().zip(&read.axes);
        let is_in_grid =
            cell.indexes.len() == read.axes.len() && pairs.all(|(&index, axis)| index < axis.len());
        if !is_in_grid {
            return Err(format!("cell {} is not in its grid", number + 1));
        }
        if cell.variants.is_empty() || !cell.names().eq(first.names()) {
            return Err(format!(
                "cell {} has not the variants of the others",
                number + 1
            ));
        }
        if cell.held.0 > cell.held.1 {
            return Err(format!("cell {} has more held than there are", number + 1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{html, samples, sweep};

    fn written(results: &SweepResults) -> String {
        let mut bytes = Vec::new();
        write(results, &sweep::shown(results, &[]), &mut bytes).expect("memory can be written to");
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    #[test]
    fn the_page_of_what_was_read_back_is_the_page_of_what_was_written() {
        for mut results in [samples::sweep(1), samples::sweep(2)] {
            results.resolved["description"] = results.description.clone().into();
            // The version that has measured it, whichever one makes the page.
            results.version = "0.0.7-other".to_owned();
            let (read, shown) = parse(&written(&results)).unwrap();
            assert_eq!(read.version, results.version);
            assert!(html::of_sweep(&read, &shown) == html::of_sweep(&results, &[]));
        }
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_the_reason() {
        let whole = written(&samples::sweep(1));
        for (from, to, reason) in [
            ("{\"version\"", "{\"other\"", "missing field `version`"),
            (
                "\"indexes\":[0",
                "\"indexes\":[99",
                "cell 1 is not in its grid",
            ),
            (
                "\"indexes\":[0",
                "\"indexes\":[0,0,0",
                "cell 1 is not in its grid",
            ),
            (
                "\"values\":[\"1k entries\",",
                "\"values\":[",
                "cell 4 is not in its grid",
            ),
            ("\"held\":[0,", "\"held\":[9,", "more held"),
        ] {
            let text = whole.replacen(from, to, 1);
            assert_ne!(text, whole, "{from}");
            let error = parse(&text).unwrap_err();
            assert!(error.contains(reason), "{from}: {error}");
        }
        for cut in 0..whole.len().min(2000) {
            assert!(!whole.is_char_boundary(cut) || parse(&whole[..cut]).is_err());
        }
    }
}
