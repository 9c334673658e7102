//! Distributions measured elsewhere: CSV files of quantiles or of samples.
//!
//! Two columns are a probability and a value, one column is samples. A value carries its unit
//! (`5ms`), or the header does for the whole column (`latency_ms`, `size_bytes`): bare numbers would
//! leave the reader guessing.

use std::path::Path;

use super::unit::{Duration, Misspelt, Plain, Size, Unit, quoted};

/// Samples are boiled down to so many quantiles, which is finer than any sample tells.
const QUANTILES: usize = 1000;

/// Reads the file at `path` as pairs of a probability and a value in base units.
pub(super) fn read(path: &Path, unit: Unit) -> Result<Vec<(f64, f64)>, Misspelt> {
    let name = path.display();
    let wrong = |message: String, help: &str| Misspelt {
        message,
        help: help.into(),
    };
    let content = std::fs::read(path).map_err(|error| {
        wrong(
            format!("cannot read {name}: {}", super::reason(&error)),
            "the path is relative to the folder of the scenario",
        )
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(content.as_slice());
    let mut column_unit: Option<String> = None;
    let mut width = None;
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record
            .map_err(|error| wrong(format!("{name}: {error}"), "the file must be CSV in UTF-8"))?;
        let line = record
            .position()
            .map_or(index as u64 + 1, csv::Position::line);
        let columns = record.len();
        if !(1..=2).contains(&columns) || width.is_some_and(|width| width != columns) {
            return Err(wrong(
                format!("{name}:{line}: a row of {columns} columns"),
                "write rows of a probability and a value, or of one sample each",
            ));
        }
        width = Some(columns);
        let cell = record.get(columns - 1).unwrap_or("");
        if index == 0 && !cell.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') {
            column_unit = unit_of_header(cell);
            continue;
        }
        let value = value(cell, unit, column_unit.as_deref()).map_err(|misspelt| {
            wrong(
                format!("{name}:{line}: {}", misspelt.message),
                &misspelt.help,
            )
        })?;
        let probability = match record.get(0) {
            Some(first) if columns == 2 => first.parse().unwrap_or(f64::NAN),
            _ => 0.0,
        };
        if !(0.0..=1.0).contains(&probability) {
            return Err(wrong(
                format!("{name}:{line}: the first column must be a probability from 0 to 1"),
                "",
            ));
        }
        rows.push((probability, value));
    }
    if rows.is_empty() {
        return Err(wrong(
            format!("{name} has no rows"),
            "write rows of a probability and a value, or of one sample each",
        ));
    }
    if width == Some(2) {
        return Ok(rows);
    }
    let mut samples: Vec<f64> = rows.into_iter().map(|(_, value)| value).collect();
    samples.sort_by(f64::total_cmp);
    Ok(quantiles_of(&samples))
}

/// Quantiles of sorted samples: the least one has probability 0, the largest one 1.
fn quantiles_of(samples: &[f64]) -> Vec<(f64, f64)> {
    let last = samples.len() - 1;
    if last == 0 {
        return vec![(1.0, samples[0])];
    }
    let steps = last.min(QUANTILES);
    (0..=steps)
        .map(|step| {
            let index = step * last / steps;
            (index as f64 / last as f64, samples[index])
        })
        .collect()
}

/// What follows the last underscore of a header, or the whole header.
fn unit_of_header(header: &str) -> Option<String> {
    let tail = header.rsplit(['_', ' ', '(']).next()?.trim_end_matches(')');
    let unit = match tail {
        "bytes" => "B",
        "seconds" => "s",
        other => other,
    };
    let known =
        Duration::parse(&format!("1{unit}")).is_ok() || Size::parse(&format!("1{unit}")).is_ok();
    known.then(|| unit.to_owned())
}

fn value(cell: &str, unit: Unit, column_unit: Option<&str>) -> Result<f64, Misspelt> {
    let bare = cell.parse::<f64>().is_ok();
    let text = match column_unit {
        Some(column_unit) if bare => format!("{cell}{column_unit}"),
        None if bare => {
            return Err(Misspelt {
                message: format!("the value {} has no unit", quoted(cell)),
                help: "write units (5ms, 1KiB), or name them in a header (latency_ms, size_bytes)"
                    .into(),
            });
        }
        _ => cell.to_owned(),
    };
    unit.read(Plain::Text(&text)).map(|amount| amount.base())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str, unit: Unit) -> Result<Vec<(f64, f64)>, Misspelt> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        std::fs::write(&path, text).unwrap();
        read(&path, unit)
    }

    #[test]
    fn two_columns_are_quantiles_with_the_unit_of_the_cell_or_of_the_header() {
        let expected = vec![(0.5, 5e6), (1.0, 8e7)];
        assert_eq!(
            read_text("0.5,5ms\n1.0,80ms\n", Unit::Duration),
            Ok(expected.clone())
        );
        assert_eq!(
            read_text("p,latency_ms\n0.5,5\n1.0,80\n", Unit::Duration),
            Ok(expected)
        );
        assert_eq!(
            read_text("p,size_bytes\n1,100\n", Unit::Size),
            Ok(vec![(1.0, 100.0)])
        );
    }

    #[test]
    fn one_column_is_samples_whose_least_and_largest_are_kept() {
        let quantiles = read_text("latency_us\n30\n10\n20\n", Unit::Duration).unwrap();
        assert_eq!(quantiles, [(0.0, 1e4), (0.5, 2e4), (1.0, 3e4)]);
        let many: String = (0..5000).map(|i| format!("{}us\n", i + 1)).collect();
        let quantiles = read_text(&many, Unit::Duration).unwrap();
        assert_eq!(quantiles.len(), QUANTILES + 1);
        assert_eq!(quantiles[0], (0.0, 1e3));
        assert_eq!(quantiles[QUANTILES], (1.0, 5e6));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let message = |text| read_text(text, Unit::Duration).unwrap_err().message;
        assert!(message("").ends_with("has no rows"));
        assert!(message("0.5,5\n").ends_with(":1: the value `5` has no unit"));
        assert!(
            message("0.5,5ms\n2.0,6ms\n")
                .ends_with(":2: the first column must be a probability from 0 to 1")
        );
        assert!(message("1,2,3\n").ends_with(":1: a row of 3 columns"));
        assert!(message("x_ms\n\u{0}\n").contains(":2: "));
    }
}
