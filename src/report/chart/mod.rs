//! Charts: one file and one row of [`CHARTS`] for each, drawn once for SVG and PNG.
//!
//! A chart is first a [`figure::Figure`], plain data that says what is to be seen; [`plot`] lays it
//! out and draws it on a [`canvas::Canvas`]. Nothing depends on fonts of the machine: the font is
//! embedded, so the same results give the same bytes everywhere.

pub mod axis;
pub mod canvas;
pub mod cost_latency;
pub mod database_qps;
pub mod figure;
pub mod heat_map;
pub mod hit_ratio;
pub mod latency_distribution;
pub mod latency_p99;
pub mod marks;
pub mod miss_ratio_curve;
pub mod miss_ratio_over_time;
pub mod open_breakers;
pub mod over_time;
pub mod plot;
pub mod staleness;
pub mod style;
pub mod sweep;

pub use canvas::{png, svg};
pub use miss_ratio_curve::miss_ratio_curve;
pub use miss_ratio_over_time::miss_ratio_over_time;

use crate::experiment::Results;

use figure::Figure;

/// A chart of an experiment.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// The file's name without its extension.
    pub name: &'static str,
    /// What is to be seen, for a list of charts.
    pub summary: &'static str,
    /// The figure; its lines may turn out to be empty.
    pub figure: fn(&Results) -> Figure,
}

/// Every chart that `run` draws.
pub const CHARTS: &[Chart] = &[
    database_qps::CHART,
    latency_p99::CHART,
    hit_ratio::CHART,
    latency_distribution::CHART,
    staleness::CHART,
    open_breakers::CHART,
    cost_latency::CHART,
];

/// The figures that show anything; a chart of nothing would only be in the way.
pub fn figures(results: &Results) -> impl Iterator<Item = (&'static Chart, Figure)> {
    CHARTS
        .iter()
        .map(|chart| (chart, (chart.figure)(results)))
        .filter(|(_, figure)| figure.shows_anything())
}

#[cfg(test)]
mod tests;
