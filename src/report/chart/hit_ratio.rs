//! The hit ratio, over time.

use super::{
    Chart,
    figure::{Axis, Figure, Kind, Spacing},
    over_time,
};

/// Row of the table of charts.
pub const CHART: Chart = Chart {
    name: "hit-ratio",
    summary: "share of answered reads that needed no database query of their own, over time",
    figure: |results| {
        let y = Axis {
            label: "share of reads answered without a database query of their own".to_owned(),
            kind: Kind::Share,
            spacing: Spacing::Linear,
        };
        let figure = over_time::figure(results, "hit_ratio", "Hit ratio", y);
        // A cold cache starts at zero; fitted to that, the axis would hide what comes after.
        let warm = figure.shaded.as_ref().map_or(0.0, |&(_, to, _)| to);
        Figure {
            fit_y_from: warm,
            ..figure
        }
    },
};
