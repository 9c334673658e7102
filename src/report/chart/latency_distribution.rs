//! The distribution of latency as a percentile plot: each further nine takes the same width, so the
//! tail is as legible as the median (the plot that HdrHistogram made common).

use super::{
    Chart,
    figure::{Axis, Figure, Kind, Line, Spacing},
};

/// Row of the table of charts.
pub const CHART: Chart = Chart {
    name: "latency-distribution",
    summary: "latency of answered requests at each percentile",
    figure: |results| Figure {
        title: "Distribution of latency".to_owned(),
        subtitle: results.title.clone(),
        x: Axis {
            label: "share of answered requests that were at least as fast".to_owned(),
            kind: Kind::Nines,
            spacing: Spacing::Linear,
        },
        y: Axis {
            label: "latency".to_owned(),
            kind: Kind::Seconds,
            spacing: Spacing::Automatic,
        },
        lines: results
            .variants
            .iter()
            .map(|variant| Line {
                name: variant.name.clone(),
                // The slowest request of all has no place on this axis: it would be infinitely far
                // to the right.
                points: variant
                    .latency_quantiles
                    .iter()
                    .copied()
                    .filter(|(quantile, _)| *quantile < 1.0)
                    .collect(),
            })
            .collect(),
        ..Figure::default()
    },
};
