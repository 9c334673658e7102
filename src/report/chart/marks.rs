//! Where the labels of events stand above a plot: in as few rows as keep them apart.

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
    fn a_label_at_the_right_edge_stays_inside() {
        assert_eq!(
            rows(&[(95.0, 50.0)], 0.0, 100.0)[0].as_ref().unwrap().left,
            50.0
        );
    }
}
