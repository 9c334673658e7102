//! Miss ratio against cache size: a line for each policy, and what no policy can reach shaded.

use super::figure::{Axis, Figure, Kind, Line, Spacing};

/// One policy's results, as plain data.
#[derive(Clone, Debug, Default)]
pub struct PolicyLine {
    /// The policy's name.
    pub name: String,
    /// (size, miss ratio) or (time, miss ratio), from left to right.
    pub points: Vec<(f64, f64)>,
}

impl PolicyLine {
    pub(super) fn line(&self) -> Line {
        Line {
            name: self.name.clone(),
            points: self.points.clone(),
        }
    }
}

/// The area under Belady's curve, in a legend. A policy that refuses newcomers may get into it, as MIN
/// admits everything.
pub const BELADY_AREA: &str = "below Belady's MIN";

/// The area under the bound for objects of different sizes (PFOO-L), in a legend.
pub const PFOO_AREA: &str = "out of reach of any policy (PFOO bound)";

/// What sizes are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeUnit {
    /// Entries.
    Entries,
    /// Bytes.
    Bytes,
}

/// The figure. `subject` says what was replayed, usually the trace's name; `floor` is the line below
/// which an area is shaded, if there is one, and its name says what that area is.
///
/// Sizes are spaced by their logarithms, because what doubles a cache matters alike at every size;
/// miss ratios begin at zero, so that heights can be compared.
#[must_use]
pub fn miss_ratio_curve(
    subject: &str,
    unit: SizeUnit,
    policies: &[PolicyLine],
    floor: Option<&PolicyLine>,
) -> Figure {
    let (label, kind) = match unit {
        SizeUnit::Entries => ("cache size in entries", Kind::Number),
        SizeUnit::Bytes => ("cache size", Kind::Bytes),
    };
    Figure {
        title: "Miss ratio by cache size".to_owned(),
        subtitle: subject.to_owned(),
        x: Axis {
            label: label.to_owned(),
            kind,
            spacing: Spacing::Logarithmic,
        },
        y: Axis {
            label: "miss ratio".to_owned(),
            kind: Kind::Share,
            spacing: Spacing::Linear,
        },
        lines: policies.iter().map(PolicyLine::line).collect(),
        floor: floor.map(PolicyLine::line),
        ..Figure::default()
    }
}
