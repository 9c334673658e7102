//! What a chart shows, as plain data: no pixels, no colours.

use super::marks::{Mark, Span};

/// A chart.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// What is to be seen.
    pub title: String,
    /// Of what: usually the scenario's title.
    pub subtitle: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Each point has a marker, or none has one: where points stand for equal stretches, some markers
    /// would seem to be events.
    pub marks_all_or_none: bool,
    /// One line for each variant or policy, in the order of the legend.
    pub lines: Vec<Line>,
    /// A part of the horizontal axis that is shaded: (from, to, label).
    pub shaded: Option<(f64, f64, String)>,
    /// What happened along the horizontal axis, from left to right.
    pub marks: Vec<Mark>,
    /// What went on and off along it, each in a lane above the plot.
    pub spans: Vec<Span>,
    /// A line below which nothing can come; the area below it is shaded.
    pub floor: Option<Line>,
    /// Values that the horizontal axis reaches even where there are no points.
    pub x_reaches: Vec<f64>,
    /// The vertical axis is fitted to points from here on; lines are cut where they leave it.
    pub fit_y_from: f64,
}

/// An axis.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// What is measured along it, with the unit where the numbers do not carry it.
    pub label: String,
    /// How its numbers are spelled and where they stand.
    pub kind: Kind,
    /// Whether it is logarithmic.
    pub spacing: Spacing,
}

/// What kind of numbers stand on an axis. Decides on round numbers and their spelling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// Plain numbers: `20 k`.
    #[default]
    Number,
    /// Latencies in seconds: `10 ms`.
    Seconds,
    /// Simulated time in seconds, from 0: `2:30`.
    Clock,
    /// Shares: `80 %`.
    Share,
    /// Bytes: `64 MiB`.
    Bytes,
    /// Quantiles in 0..1, spaced by the number of nines: `99.9 %`.
    Nines,
}

/// How values are spaced along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// Evenly.
    #[default]
    Linear,
    /// By their logarithm; what is not positive stands below a break.
    Logarithmic,
    /// Logarithmic if the positive values span more than two decades, else linear.
    Automatic,
}

/// One line of a chart.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The name in the legend.
    pub name: String,
    /// Its points, from left to right. A point that is not finite breaks the line.
    pub points: Vec<(f64, f64)>,
}

impl Figure {
    /// Whether there is at least one point to be drawn.
    #[must_use]
    pub fn shows_anything(&self) -> bool {
        self.all_points().next().is_some()
    }

    /// All points that can be drawn, those of the floor included.
    pub fn all_points(&self) -> impl Iterator<Item = (f64, f64)> {
        self.lines
            .iter()
            .chain(&self.floor)
            .flat_map(|line| &line.points)
            .copied()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
    }
}
