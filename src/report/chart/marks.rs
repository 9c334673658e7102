//! What stands above a plot: labels of events, in as few rows as keep them apart, and below them a lane
//! for each alert that fired.

/// Labels are in so many rows at most; where they are full, an event has its line alone.
pub const MOST_ROWS: usize = 3;

/// Something that happened at one place of the horizontal axis.
#[derive(Clone, Debug, Default)]
pub struct Mark {
    /// Where.
    pub at: f64,
    /// Where it ends, if it has an end.
    pub until: Option<f64>,
    /// What.
    pub label: String,
    /// The line that it is about, if it is about one.
    pub line: Option<usize>,
}

/// Something that went on and off along the horizontal axis.
#[derive(Clone, Debug, Default)]
pub struct Span {
    /// What.
    pub label: String,
    /// The same without the name of the line, for where there is little room.
    pub short: String,
    /// The line that it is about; none if it only says something.
    pub line: Option<usize>,
    /// When it was on, from left to right.
    pub stretches: Vec<(f64, f64)>,
}

/// Spans beyond so many are not drawn.
pub const MOST_SPANS: usize = 6;

/// Where the label of a span stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beside {
    /// Whether it is the short one.
    pub is_short: bool,
    /// Its left edge.
    pub left: f64,
    /// Whether it stands on the span itself, for want of room.
    pub covers: bool,
}

/// The place of a label, given where the stretches of its span are and how wide it is in full and in
/// short: beside them if there is room, else in the middle of the longest.
#[must_use]
pub fn beside(stretches: &[(f64, f64)], widths: [f64; 2], left: f64, right: f64) -> Beside {
    let pad = GAP / 2.0;
    let after = stretches.last().map_or(left, |last| last.1) + pad;
    let before = stretches.first().map_or(left, |first| first.0) - pad;
    for (is_short, width) in [(false, widths[0]), (true, widths[1])] {
        let gaps = stretches.windows(2).map(|pair| (pair[0].1, pair[1].0));
        let mut wide = gaps.filter(|(from, to)| to - from >= width + GAP);
        let place = if after + width <= right {
            Some(after)
        } else if before - width >= left {
            Some(before - width)
        } else {
            wide.next().map(|(from, _)| from + pad)
        };
        if let Some(left) = place {
            return Beside {
                is_short,
                left,
                covers: false,
            };
        }
    }
    let longer =
        |one: &(f64, f64), other: &(f64, f64)| (one.1 - one.0).total_cmp(&(other.1 - other.0));
    let longest = stretches.iter().copied().max_by(longer);
    let (from, to) = longest.unwrap_or((left, left));
    let middle = f64::midpoint(from, to) - widths[1] / 2.0;
    Beside {
        is_short: true,
        left: middle.min(right - widths[1]).max(left),
        covers: true,
    }
}

/// The place of a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The row, counted from the plot.
    pub number: usize,
    /// Its left edge.
    pub left: f64,
}

/// Space between two labels of one row.
const GAP: f64 = 10.0;

/// The place of each label, given (its event's place, its width) from left to right, between the
/// edges of the plot.
#[must_use]
pub fn rows(labels: &[(f64, f64)], left: f64, right: f64) -> Vec<Option<Place>> {
    let mut taken = [f64::NEG_INFINITY; MOST_ROWS];
    labels
        .iter()
        .map(|&(at, width)| {
            // To the right of its line, or as far to the left as the edge makes it.
            let edge = (at - 1.0).min(right - width).max(left);
            let number = (0..MOST_ROWS).find(|&row| edge >= taken[row] + GAP)?;
            taken[number] = edge + width;
            Some(Place { number, left: edge })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_touch_stand_in_different_rows_until_there_are_no_more() {
        let labels = [
            (0.0, 50.0),
            (20.0, 50.0),
            (30.0, 50.0),
            (40.0, 50.0),
            (90.0, 50.0),
        ];
        let rows: Vec<Option<usize>> = rows(&labels, -5.0, 500.0)
            .into_iter()
            .map(|place| place.map(|it| it.number))
            .collect();
        assert_eq!(rows, [Some(0), Some(1), Some(2), None, Some(0)]);
    }

    #[test]
    fn the_label_of_a_span_stands_where_the_span_is_not_if_there_is_room() {
        let place = |stretches: &[(f64, f64)]| {
            let beside = beside(stretches, [50.0, 30.0], 0.0, 100.0);
            (beside.left, beside.is_short, beside.covers)
        };
        assert_eq!(place(&[(10.0, 20.0)]), (25.0, false, false));
        assert_eq!(place(&[(70.0, 90.0)]), (15.0, false, false));
        assert_eq!(place(&[(5.0, 10.0), (80.0, 95.0)]), (15.0, false, false));
        assert_eq!(place(&[(5.0, 30.0), (75.0, 95.0)]), (35.0, true, false));
        // Both ends of it can still be seen.
        assert_eq!(place(&[(5.0, 95.0)]), (35.0, true, true));
        assert_eq!(place(&[]), (5.0, false, false));
    }

    #[test]
    fn a_label_at_the_right_edge_stays_inside() {
        assert_eq!(
            rows(&[(95.0, 50.0)], 0.0, 100.0)[0].as_ref().unwrap().left,
            50.0
        );
    }
}
