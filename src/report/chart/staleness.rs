//! How stale the answers were: for each age, the share of answered reads that were at least so
//! stale. A line that begins low is rarely stale; one that ends far to the right is so for long.

use super::{
    Chart,
    figure::{Axis, Figure, Kind, Line, Spacing},
};
use crate::experiment::VariantResults;

/// Row of the table of charts.
pub const CHART: Chart = Chart {
    name: "staleness",
    summary: "share of answered reads that were at least so stale",
    figure: |results| Figure {
        title: "Staleness of the answers".to_owned(),
        subtitle: results.title.clone(),
        x: Axis {
            label: "staleness".to_owned(),
            kind: Kind::Seconds,
            spacing: Spacing::Automatic,
        },
        y: Axis {
            label: "share of answered reads that were at least so stale".to_owned(),
            kind: Kind::Share,
            spacing: Spacing::Automatic,
        },
        lines: results
            .variants
            .iter()
            .map(|variant| Line {
                name: variant.name.clone(),
                points: points(variant),
            })
            .collect(),
        ..Figure::default()
    },
};

/// From quantiles of the stale reads to shares of all of them.
fn points(variant: &VariantResults) -> Vec<(f64, f64)> {
    let stale = variant.metrics.get("staleness.ratio");
    let stale = stale.map_or(f64::NAN, |ratio| ratio.mean);
    let mut least = stale;
    let point = |&(quantile, seconds): &(f64, f64)| {
        // At the stalest read of all the share would come to nothing.
        if quantile < 1.0 {
            least = stale * (1.0 - quantile);
        }
        (seconds, least)
    };
    variant.staleness_quantiles.iter().map(point).collect()
}
