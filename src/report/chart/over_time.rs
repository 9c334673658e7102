//! What all charts over simulated time have in common.

use crate::{experiment::Results, report::events};

use super::{
    figure::{Axis, Figure, Kind, Line, Spacing},
    marks::Mark,
};

/// A figure of one time series, with a line for each variant, warm-up shaded and events marked.
#[must_use]
pub fn figure(results: &Results, series: &str, title: &str, y: Axis) -> Figure {
    let all = results
        .variants
        .iter()
        .filter_map(|variant| variant.series.iter().find(|one| one.name == series));
    let end_s = all
        .map(|series| series.values.len() as f64 * series.step_s)
        .fold(0.0, f64::max);
    let lines = results
        .variants
        .iter()
        .filter_map(|variant| {
            let series = variant.series.iter().find(|one| one.name == series)?;
            let points = series.values.iter().enumerate().map(|(point, &value)| {
                // A point stands for its whole step: it is drawn in the middle.
                ((point as f64 + 0.5) * series.step_s, value)
            });
            Some(Line {
                name: variant.name.clone(),
                points: points.collect(),
            })
        })
        .collect();
    let warmup_s = results
        .variants
        .iter()
        .map(|variant| variant.warmup_s)
        .fold(0.0, f64::max);
    let marks = events::of(results)
        .into_iter()
        .filter(|event| event.at_s <= end_s);
    let marks = marks.map(|event| Mark {
        at: event.at_s,
        until: event.until_s.map(|until_s| until_s.min(end_s)),
        label: event.label,
    });
    Figure {
        title: title.to_owned(),
        subtitle: results.title.clone(),
        x: Axis {
            label: "simulated time".to_owned(),
            kind: Kind::Clock,
            spacing: Spacing::Linear,
        },
        y,
        lines,
        x_reaches: vec![0.0, end_s],
        marks: marks.collect(),
        shaded: (warmup_s > 0.0).then(|| (0.0, warmup_s, "warm-up".to_owned())),
        ..Figure::default()
    }
}
