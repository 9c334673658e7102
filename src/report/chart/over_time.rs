//! What all charts over simulated time have in common.

use crate::{experiment::Results, report::events};

use super::{
    figure::{Axis, Figure, Kind, Line, Spacing},
    marks::{MOST_SPANS, Mark, Span},
};

/// A figure of one time series, with a line for each variant, warm-up shaded, events and alerts marked.
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
        line: match event.variants[..] {
            [one] => Some(one),
            _ => None,
        },
        label: format!("{}{}", event.label, event.whose(results)),
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
        spans: spans(results, end_s),
        shaded: (warmup_s > 0.0).then(|| (0.0, warmup_s, "warm-up".to_owned())),
        ..Figure::default()
    }
}

/// A span for each alert of each variant that fired, in the first run.
fn spans(results: &Results, end_s: f64) -> Vec<Span> {
    // What is nearer than this cannot be told apart.
    let least_s = end_s / 500.0;
    let mut spans = Vec::new();
    for (index, variant) in results.variants.iter().enumerate() {
        for alert in variant.alerts.iter().filter(|it| !it.firings.is_empty()) {
            let mut stretches: Vec<(f64, f64)> = Vec::new();
            for firing in &alert.firings {
                let until_s = firing.until_s.map_or(end_s, |until_s| until_s.min(end_s));
                match stretches.last_mut() {
                    Some(last) if firing.from_s - last.1 < least_s => last.1 = until_s,
                    _ => stretches.push((firing.from_s, until_s)),
                }
            }
            let short = format!("alert {}", alert.name);
            let mut label = short.clone();
            if results.variants.len() > 1 {
                label.push_str(&format!(" ({})", variant.name));
            }
            if results.replications > 1 {
                label.push_str(", first run");
            }
            spans.push(Span {
                label,
                short,
                line: Some(index),
                stretches,
            });
        }
    }
    let more = spans.len().saturating_sub(MOST_SPANS);
    if more > 0 {
        let kept = MOST_SPANS - 1;
        spans.truncate(kept);
        let label = format!("{} more alerts fired", more + 1);
        spans.push(Span {
            short: label.clone(),
            label,
            ..Span::default()
        });
    }
    spans
}
