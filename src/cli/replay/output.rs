//! A replayed grid, printed: for people, for programs and for pull requests.
//!
//! Not here: charts (see `charts`).

use std::fmt::Write as _;

use crate::eviction::Measure;
use crate::metrics::Unit;
use crate::replay::{Cell, Grid, Window};
use crate::report::blocks::Blocks;
use crate::report::quantity::{UNMEASURED, grouped, quantity};
use crate::report::terminal::wrap;

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

/// One row per cell and window.
fn window_rows(grid: &Grid) -> Vec<Vec<String>> {
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
    rows.collect()
}

/// One row per cell.
fn cell_rows(grid: &Grid) -> Vec<Vec<String>> {
    let rows = grid.cells.iter().map(|cell| {
        vec![
            cell.policy.clone(),
            cell.size.to_string(),
            cell.requests.to_string(),
            cell.misses.to_string(),
            format!("{:.6}", cell.miss_ratio()),
            format!("{:.6}", cell.byte_miss_ratio()),
            format!("{:.6}", cell.seconds),
        ]
    });
    rows.collect()
}

/// One row per policy and size, whatever else was asked for: scripts read it.
pub(super) fn csv(grid: &Grid) -> String {
    csv_text(&COLUMNS, &cell_rows(grid))
}

/// One row per policy, size and window.
pub(super) fn windows_csv(grid: &Grid) -> String {
    csv_text(&WINDOW_COLUMNS, &window_rows(grid))
}

/// Comma-separated values with a header line.
pub(in crate::cli) fn csv_text(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(columns);
    for row in rows {
        let _ = writer.write_record(row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// The rows of the CSV, and with windows those as well.
pub(super) fn markdown(grid: &Grid) -> String {
    let mut text = markdown_text(&COLUMNS, &cell_rows(grid));
    let windows = window_rows(grid);
    if !windows.is_empty() {
        text.push('\n');
        text += &markdown_text(&WINDOW_COLUMNS, &windows);
    }
    text
}

/// A Markdown table; the first column is text, the others are numbers.
pub(in crate::cli) fn markdown_text(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n", columns.join(" | "));
    let _ = writeln!(text, "|:---|{}", "---:|".repeat(columns.len() - 1));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// A list of cells, each with its windows if there are any.
pub(super) fn json(grid: &Grid) -> String {
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
                "sizes_cut": grid.oversized,
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

/// How wide what is printed for people may be.
pub(in crate::cli) fn width() -> usize {
    crate::cli::terminal_width().unwrap_or(80).max(60)
}

/// A size as a heading: as it was typed and, for a share, what it comes to.
fn size_heading(typed: &str, size: u64, measure: Measure) -> (String, String) {
    let spelled = match measure {
        Measure::Entries => grouped(size),
        Measure::Bytes => quantity(size as f64, Unit::Bytes),
    };
    match (typed.ends_with('%'), typed.ends_with(['B', 'b'])) {
        (true, _) => (typed.to_owned(), spelled),
        // Rounding would hide what was asked for.
        (_, true) => (String::new(), typed.to_owned()),
        (_, false) if measure == Measure::Bytes => (String::new(), format!("{} B", grouped(size))),
        _ => (String::new(), spelled),
    }
}

/// For people: the miss ratio of each policy (down) at each size (across), the best of each size
/// marked; with windows of so many requests, a table over the trace for each size as well.
pub(super) fn table(grid: &Grid, window: Option<u64>, width: usize) -> String {
    let sizes = grid.columns;
    let headings: Vec<(String, String)> = grid
        .cells
        .iter()
        .take(sizes)
        .map(|cell| size_heading(&cell.size_typed, cell.size, cell.measure))
        .collect();
    let mut header = vec!["miss ratio".to_owned()];
    // The blank stands above the mark.
    header.extend(headings.iter().map(|(typed, size)| match typed.as_str() {
        "" => format!("{size} "),
        typed => format!("{typed} \n{size} "),
    }));
    let best: Vec<u64> = (0..sizes)
        .map(|column| {
            let cells = grid.cells.iter().skip(column).step_by(sizes);
            cells.map(|it| it.misses).min().unwrap_or(0)
        })
        .collect();
    let rows = grid.cells.chunks(sizes).map(|row| {
        let cells = row.iter().zip(&best).map(|(cell, best)| {
            let mark = if cell.misses == *best { "*" } else { " " };
            format!("{:.4}{mark}", cell.miss_ratio())
        });
        std::iter::once(row[0].policy.clone())
            .chain(cells)
            .collect()
    });
    let totals = Blocks {
        header,
        rows: rows.collect(),
        leading: 1,
        flush_left: 1,
    };
    let mut text = totals.text(width);
    text.push('\n');
    let mut about = format!(
        "{} requests, {} distinct keys",
        grouped(grid.requests),
        grouped(grid.distinct)
    );
    if let Some(bytes) = grid.footprint_bytes {
        let _ = write!(about, " of {}", quantity(bytes as f64, Unit::Bytes));
    }
    if grid.warmup > 0 {
        let _ = write!(
            about,
            "; the first {} are not counted",
            grouped(grid.warmup)
        );
    }
    about.push_str("; * the fewest misses at its size");
    for line in wrap(&about, width) {
        text.push_str(&line);
        text.push('\n');
    }
    if let Some(window) = window {
        for (column, (typed, size)) in headings.iter().enumerate() {
            text.push('\n');
            let size = match typed.as_str() {
                "" => size.clone(),
                typed => format!("{typed} = {size}"),
            };
            text += &over_trace(grid, column, window, &size, width);
        }
    }
    text
}

/// The miss ratio of each window (down) under each policy (across) at the size of one column.
fn over_trace(grid: &Grid, column: usize, window: u64, size: &str, width: usize) -> String {
    let cells: Vec<&Cell> = grid
        .cells
        .iter()
        .skip(column)
        .step_by(grid.columns)
        .collect();
    let unit = match cells.first().map(|cell| cell.measure) {
        Some(Measure::Entries) => " entries",
        _ => "",
    };
    let title = format!(
        "miss ratio of each {} requests at {}{unit}",
        grouped(window),
        size,
    );
    let starts = cells.first().map(|cell| cell.windows.iter());
    let rows = starts
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(row, first)| {
            let ratios = cells.iter().map(|cell| match cell.windows[row] {
                Window { requests: 0, .. } => UNMEASURED.to_owned(),
                window => format!("{:.4}", window.miss_ratio()),
            });
            std::iter::once(grouped(first.start))
                .chain(ratios)
                .collect()
        });
    let names = cells.iter().map(|cell| cell.policy.clone());
    let table = Blocks {
        header: std::iter::once("from request".to_owned())
            .chain(names)
            .collect(),
        rows: rows.collect(),
        leading: 1,
        flush_left: 0,
    };
    format!("{title}\n\n{}", table.text(width))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            oversized: 0,
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
        insta::assert_snapshot!(table(&grid(false), None, 80), @r"
                             1%
        miss ratio           10      200
        ─────────────────────────────────
        lru              0.6000   0.3500*
        slru:segments=2  0.5500*  0.3750

        2,500 requests, 1,000 distinct keys of 4.00 KiB; the first 500 are not counted;
        * the fewest misses at its size
        ");
    }

    #[test]
    fn windows_come_in_a_table_of_their_own_for_each_size() {
        insta::assert_snapshot!(table(&grid(true), Some(2000), 80), @r"
                             1%
        miss ratio           10      200
        ─────────────────────────────────
        lru              0.6000   0.3500*
        slru:segments=2  0.5500*  0.3750

        2,500 requests, 1,000 distinct keys of 4.00 KiB; the first 500 are not counted;
        * the fewest misses at its size

        miss ratio of each 2,000 requests at 1% = 10 entries

        from request     lru  slru:segments=2
        ─────────────────────────────────────
                 500  0.6000           0.5500

        miss ratio of each 2,000 requests at 200 entries

        from request     lru  slru:segments=2
        ─────────────────────────────────────
                 500  0.3500           0.3750
        ");
    }

    #[test]
    fn csv_has_the_columns_of_the_contract_with_or_without_windows() {
        let totals = csv(&grid(false));
        insta::assert_snapshot!(totals, @r"
        policy,size,requests,misses,miss_ratio,byte_miss_ratio,seconds
        lru,10,2000,1200,0.600000,0.300000,0.250000
        lru,200,2000,700,0.350000,0.175000,0.250000
        slru:segments=2,10,2000,1100,0.550000,0.275000,0.250000
        slru:segments=2,200,2000,750,0.375000,0.187500,0.250000
        ");
        assert_eq!(csv(&grid(true)), totals);
        insta::assert_snapshot!(windows_csv(&grid(true)), @r"
        policy,size,first_request,requests,misses,miss_ratio
        lru,10,500,2000,1200,0.600000
        lru,200,500,2000,700,0.350000
        slru:segments=2,10,500,2000,1100,0.550000
        slru:segments=2,200,500,2000,750,0.375000
        ");
    }

    #[test]
    fn sizes_are_headed_as_they_were_typed_and_with_what_they_come_to() {
        let heading = |typed: &str, size, measure| {
            let (typed, size) = size_heading(typed, size, measure);
            format!("{typed}|{size}")
        };
        assert_eq!(heading("1%", 12_345, Measure::Entries), "1%|12,345");
        assert_eq!(heading("10k", 10_000, Measure::Entries), "|10,000");
        assert_eq!(heading("1%", 2048, Measure::Bytes), "1%|2.00 KiB");
        assert_eq!(heading("1GiB", 1 << 30, Measure::Bytes), "|1GiB");
        assert_eq!(heading("4096", 4096, Measure::Bytes), "|4,096 B");
    }

    #[test]
    fn markdown_is_a_table_for_a_pull_request() {
        insta::assert_snapshot!(markdown(&grid(false)), @r"
        | policy | size | requests | misses | miss_ratio | byte_miss_ratio | seconds |
        |:---|---:|---:|---:|---:|---:|---:|
        | lru | 10 | 2000 | 1200 | 0.600000 | 0.300000 | 0.250000 |
        | lru | 200 | 2000 | 700 | 0.350000 | 0.175000 | 0.250000 |
        | slru:segments=2 | 10 | 2000 | 1100 | 0.550000 | 0.275000 | 0.250000 |
        | slru:segments=2 | 200 | 2000 | 750 | 0.375000 | 0.187500 | 0.250000 |
        ");
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
            "sizes_cut": 0,
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
}
