//! Queries per second that reach the database, over time.

use super::{
    Chart,
    figure::{Axis, Kind, Spacing},
    over_time,
};

/// Row of the table of charts.
pub const CHART: Chart = Chart {
    name: "database-qps",
    summary: "queries per second that reach the database, over time",
    figure: |results| {
        let y = Axis {
            label: "queries per second".to_owned(),
            kind: Kind::Number,
            // Load is capacity used: twice the height has to be twice the load.
            spacing: Spacing::Linear,
        };
        over_time::figure(results, "database.qps", "Load on the database", y)
    },
};
