//! Circuit breakers that are open, over time: those in front of the database, or else those in front of
//! the tier nearest to it that has any.

use super::{
    Chart,
    figure::{Axis, Figure, Kind, Line, Spacing},
    over_time,
};
use crate::experiment::Results;

const OPEN_RATIO: &str = ".breaker.open_ratio";

/// Row of the table of charts.
pub const CHART: Chart = Chart {
    name: "open-breakers",
    summary: "share of the app instances whose circuit breaker is open, over time",
    figure: |results| {
        let place = place(results).unwrap_or("database");
        let y = Axis {
            label: "share of the app instances".to_owned(),
            kind: Kind::Share,
            spacing: Spacing::Linear,
        };
        let series = format!("{place}{OPEN_RATIO}");
        let title = format!("Open circuit breakers, {place}");
        let figure = over_time::figure(results, &series, &title, y);
        Figure {
            lines: with_the_others(figure.lines, results),
            ..figure
        }
    },
};

/// The lines, and those of the variants without a breaker: none is open there. So each variant has the
/// colour that it has in all charts.
fn with_the_others(lines: Vec<Line>, results: &Results) -> Vec<Line> {
    let Some(first) = lines.first() else {
        return lines;
    };
    let line = |name: &String| {
        let none_open = first.points.iter().map(|&(at, _)| (at, 0.0));
        let line = lines.iter().find(|line| line.name == *name).cloned();
        line.unwrap_or_else(|| Line {
            name: name.clone(),
            points: none_open.collect(),
        })
    };
    let variants = results.variants.iter();
    variants.map(|variant| line(&variant.name)).collect()
}

/// What stands behind the breakers.
fn place(results: &Results) -> Option<&str> {
    let series = results.variants.iter().flat_map(|variant| &variant.series);
    let places = series.filter_map(|series| series.name.strip_suffix(OPEN_RATIO));
    places.reduce(
        |chosen, place| {
            if chosen == "database" { chosen } else { place }
        },
    )
}
