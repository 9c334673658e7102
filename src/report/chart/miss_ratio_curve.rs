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

/// What sizes are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeUnit {
    /// Entries.
    Entries,
    /// Bytes.
    Bytes,
}

/// The figure. `subject` says what was replayed, usually the trace's name; `best_possible` is the
/// policy that knows the future (Belady), if it was replayed.
#[must_use]
pub fn miss_ratio_curve(
    subject: &str,
    unit: SizeUnit,
    policies: &[PolicyLine],
    best_possible: Option<&PolicyLine>,
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
        floor: best_possible.map(|policy| Line {
            name: format!("below {}, which admits everything", policy.name),
            ..policy.line()
        }),
        ..Figure::default()
    }
}
