//! The 99th percentile of latency, over time.

use super::{
    Chart,
    figure::{Axis, Kind, Spacing},
    over_time,
};

/// Row of the table of charts.
pub const CHART: Chart = Chart {
    name: "latency-p99",
    summary: "99th percentile of the latency of answered requests, over time",
    figure: |results| {
        let y = Axis {
            label: "p99 latency of answered requests".to_owned(),
            kind: Kind::Seconds,
            spacing: Spacing::Automatic,
        };
        over_time::figure(results, "latency.p99", "Tail latency", y)
    },
};
