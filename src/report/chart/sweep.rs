//! Charts of a sweep: lines over one axis of quantities, heat maps over two axes, and cost against
//! tail latency.

use super::{
    canvas::{self, Picture},
    figure::{Axis as FigureAxis, Figure, Kind, Line, Spacing},
    heat_map::{HeatMap, Spell},
};
use crate::experiment::sweep::{CellResults, SweepResults};
use crate::metrics::{self, Unit};
use crate::scenario::{Axis, ValueUnit};

/// A chart of a sweep.
#[derive(Clone, Debug)]
pub struct SweepChart {
    /// The file's name without its extension.
    pub name: String,
    /// The number of the variant that it is about, if it is about one of several.
    pub variant: Option<usize>,
    /// What it shows.
    pub picture: SweepPicture,
}

/// What a [`SweepChart`] shows.
#[derive(Clone, Debug)]
pub enum SweepPicture {
    /// Lines over an axis.
    Lines(Figure),
    /// Colours over two axes.
    Map(HeatMap),
}

impl SweepChart {
    /// As an SVG document.
    #[must_use]
    pub fn svg(&self) -> String {
        match &self.picture {
            SweepPicture::Lines(figure) => canvas::svg(figure),
            SweepPicture::Map(map) => canvas::svg(map),
        }
    }

    /// As a PNG file.
    #[must_use]
    pub fn png(&self) -> Vec<u8> {
        match &self.picture {
            SweepPicture::Lines(figure) => canvas::png(figure),
            SweepPicture::Map(map) => canvas::png(map),
        }
    }

    /// What is to be seen.
    #[must_use]
    pub fn title(&self) -> &str {
        match &self.picture {
            SweepPicture::Lines(figure) => figure.titles().0,
            SweepPicture::Map(map) => map.titles().0,
        }
    }
}

/// More lines in one picture than this cannot be told apart, and more heat maps nobody looks at.
const MOST_VARIANTS: usize = 12;

/// The charts of these metrics: for one axis of quantities a picture with a line for each variant; for
/// one of names a map of variants by names; for two axes a map for each variant. Three axes or more do
/// not fit on paper: there are none then.
#[must_use]
pub fn charts(results: &SweepResults, shown: &[String]) -> Vec<SweepChart> {
    let variants = variants(results);
    let mut charts = Vec::new();
    for metric in shown {
        let file = format!("sweep-{}", file_name(metric));
        match &results.axes[..] {
            [axis] => match axis.numbers() {
                Some((unit, numbers)) if numbers.len() > 1 => charts.push(SweepChart {
                    name: file,
                    variant: None,
                    picture: SweepPicture::Lines(lines(results, axis, unit, &numbers, metric)),
                }),
                _ => charts.push(SweepChart {
                    name: file,
                    variant: None,
                    picture: SweepPicture::Map(by_variant(results, axis, metric)),
                }),
            },
            [rows, columns] => {
                for (number, variant) in variants.iter().enumerate() {
                    let name = if variants.len() == 1 {
                        file.clone()
                    } else {
                        format!("{file}-{}", file_name(variant))
                    };
                    let of_variant = (variants.len() > 1).then_some(variant.as_str());
                    let map = map(results, (rows, columns), metric, number, of_variant);
                    charts.push(SweepChart {
                        name,
                        variant: (variants.len() > 1).then_some(number),
                        picture: SweepPicture::Map(map),
                    });
                }
            }
            _ => {}
        }
    }
    charts
}

fn variants(results: &SweepResults) -> Vec<String> {
    let first = results.cells.first();
    first.map_or_else(Vec::new, |cell| {
        let names = cell.variants.iter().map(|variant| variant.name.to_string());
        names.take(MOST_VARIANTS).collect()
    })
}

/// Names of metrics and variants have no other signs than these.
fn file_name(name: &str) -> String {
    let keep = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    name.chars()
        .map(|c| if keep(c) { c } else { '-' })
        .collect()
}

fn mean(cell: &CellResults, variant: usize, metric: &str) -> f64 {
    cell.variants
        .get(variant)
        .and_then(|variant| variant.metrics.get(metric))
        .map_or(f64::NAN, |interval| interval.mean)
}

fn unit_of(metric: &str) -> Unit {
    metrics::find(metric).map_or(Unit::Count, |metric| metric.unit)
}

fn kind_of(metric: &str) -> Kind {
    match unit_of(metric) {
        Unit::Seconds => Kind::Seconds,
        Unit::Bytes | Unit::BytesPerSecond => Kind::Bytes,
        Unit::Ratio if !metric.ends_with("imbalance") => Kind::Share,
        _ => Kind::Number,
    }
}

/// What stands at an axis, with its unit where the numbers do not carry it.
fn axis_label(metric: &str) -> String {
    match unit_of(metric) {
        Unit::PerSecond | Unit::BytesPerSecond => format!("{metric}, per second"),
        _ => metric.to_owned(),
    }
}

fn lines(
    results: &SweepResults,
    axis: &Axis,
    unit: ValueUnit,
    numbers: &[f64],
    metric: &str,
) -> Figure {
    let (kind, label) = match unit {
        ValueUnit::Number => (Kind::Number, axis.name()),
        ValueUnit::Entries => (Kind::Number, format!("{}, entries", axis.name())),
        ValueUnit::Bytes => (Kind::Bytes, axis.name()),
        ValueUnit::Seconds => (Kind::Seconds, axis.name()),
        ValueUnit::BytesPerSecond => (Kind::Bytes, format!("{}, per second", axis.name())),
        ValueUnit::PerSecond => (Kind::Number, format!("{}, per second", axis.name())),
        ValueUnit::Share => (Kind::Share, axis.name()),
    };
    let lines = variants(results)
        .into_iter()
        .enumerate()
        .map(|(variant, name)| {
            let mut points: Vec<(f64, f64)> = results
                .cells
                .iter()
                .map(|cell| (numbers[cell.indexes[0]], mean(cell, variant, metric)))
                .collect();
            // Values may be listed in any order.
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Line { name, points }
        })
        .collect();
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(0.0, f64::max);
    Figure {
        title: format!("{metric} by {}", axis.name()),
        subtitle: results.title.clone(),
        x: FigureAxis {
            label,
            kind,
            // A few doublings are spaced evenly already by their factors.
            spacing: if least > 0.0 && most / least >= 20.0 {
                Spacing::Logarithmic
            } else {
                Spacing::Linear
            },
        },
        y: FigureAxis {
            label: axis_label(metric),
            kind: kind_of(metric),
            spacing: Spacing::Automatic,
        },
        lines,
        ..Figure::default()
    }
}

/// Names along the columns, variants along the rows, the first on top.
fn by_variant(results: &SweepResults, axis: &Axis, metric: &str) -> HeatMap {
    let variants = variants(results);
    let row = |variant: usize| {
        let cells = results.cells.iter();
        cells.map(|cell| mean(cell, variant, metric)).collect()
    };
    HeatMap {
        title: format!("{metric} by {}", axis.name()),
        subtitle: results.title.clone(),
        x: axis.name(),
        y: "variant".to_owned(),
        columns: (0..axis.len()).map(|index| axis.value(index)).collect(),
        compared: Vec::new(),
        values: (0..variants.len()).rev().map(row).collect(),
        rows: variants.into_iter().rev().collect(),
        spell: spell(metric),
    }
}

fn spell(metric: &str) -> Spell {
    Spell {
        metric: metric.to_owned(),
        unit: Some(unit_of(metric)),
    }
}

fn map(
    results: &SweepResults,
    (rows, columns): (&Axis, &Axis),
    metric: &str,
    variant: usize,
    name: Option<&str>,
) -> HeatMap {
    let mut values = vec![vec![f64::NAN; columns.len()]; rows.len()];
    for cell in &results.cells {
        values[cell.indexes[0]][cell.indexes[1]] = mean(cell, variant, metric);
    }
    let subtitle = match name {
        Some(name) => format!("{}, variant {name}", results.title),
        None => results.title.clone(),
    };
    let others = results.cells.iter().flat_map(|cell| {
        let variants = 0..cell.variants.len();
        variants.map(move |other| mean(cell, other, metric))
    });
    HeatMap {
        title: format!("{metric} by {} and {}", rows.name(), columns.name()),
        subtitle,
        x: columns.name(),
        y: rows.name(),
        columns: (0..columns.len())
            .map(|index| columns.value(index))
            .collect(),
        rows: (0..rows.len()).map(|index| rows.value(index)).collect(),
        values,
        // One value has one colour in all variants.
        compared: others.collect(),
        spell: spell(metric),
    }
}
