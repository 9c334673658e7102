//! Miss ratio over the length of a trace: a line for each policy.

use super::{
    figure::{Axis, Figure, Kind, Spacing},
    miss_ratio_curve::PolicyLine,
};

/// The figure. Points are (number of the request, miss ratio around it); `subject` says what was
/// replayed at which size.
#[must_use]
pub fn miss_ratio_over_time(subject: &str, policies: &[PolicyLine]) -> Figure {
    Figure {
        title: "Miss ratio over the trace".to_owned(),
        subtitle: subject.to_owned(),
        x: Axis {
            label: "requests".to_owned(),
            kind: Kind::Number,
            spacing: Spacing::Linear,
        },
        y: Axis {
            label: "miss ratio".to_owned(),
            kind: Kind::Share,
            spacing: Spacing::Linear,
        },
        marks_all_or_none: true,
        lines: policies.iter().map(PolicyLine::line).collect(),
        ..Figure::default()
    }
}
