//! What each variant costs against how long its slowest requests take: down and to the left is better.

use super::{
    Chart,
    figure::{Axis, Figure, Kind, Line, Spacing},
};
use crate::experiment::Results;

/// Row of the table of charts.
pub const CHART: Chart = Chart {
    name: "cost-latency",
    summary: "monthly cost against the 99th percentile of latency, a point for each variant",
    figure,
};

fn figure(results: &Results) -> Figure {
    let point = |metrics: &indexmap::IndexMap<String, crate::experiment::Interval>| {
        let mean = |name: &str| metrics.get(name).map_or(f64::NAN, |one| one.mean);
        (mean("cost.monthly"), mean("latency.p99"))
    };
    let dearest = results
        .variants
        .iter()
        .map(|variant| point(&variant.metrics).0)
        .fold(0.0, f64::max);
    let lines = results.variants.iter().map(|variant| Line {
        name: variant.name.clone(),
        points: vec![point(&variant.metrics)],
    });
    Figure {
        title: "Cost and tail latency".to_owned(),
        subtitle: results.title.clone(),
        x: Axis {
            label: match &results.currency {
                Some(currency) => format!("cost of a month, {currency}"),
                None => "cost of a month".to_owned(),
            },
            kind: Kind::Number,
            spacing: Spacing::Linear,
        },
        y: Axis {
            label: "latency, 99th percentile".to_owned(),
            kind: Kind::Seconds,
            spacing: Spacing::Automatic,
        },
        // One point alone is compared with nothing.
        lines: if results.variants.len() > 1 {
            lines.collect()
        } else {
            Vec::new()
        },
        // A little further, so that no point stands on the edge.
        x_reaches: vec![1.05 * dearest],
        ..Figure::default()
    }
}
