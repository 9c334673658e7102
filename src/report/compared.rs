//! One cell of a table in which variants stand side by side: a value, how far it is from that of the
//! reference, and whether that is good news.

use crate::{
    experiment::{Results, VariantResults, Verdict, interval::Interval},
    metrics::{self, Better, Unit},
};

use super::quantity;

/// What kind of news a text is; said by colour besides its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// None.
    Plain,
    /// A heading.
    Strong,
    /// Something that need not be read.
    Faint,
    /// A change for the better.
    Good,
    /// A change for the worse.
    Bad,
}

/// What stands in one cell of a comparison.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The mean.
    pub value: String,
    /// How far it is from the reference, with half of its interval; of the reference itself, half of
    /// its own. May be empty.
    pub difference: String,
    /// What kind of news the difference is.
    pub tone: Tone,
}

/// The cell of the metric `name` of `variant`, compared with `reference` if it is not that itself.
#[must_use]
pub fn compare(
    name: &str,
    variant: &VariantResults,
    reference: Option<&VariantResults>,
    results: &Results,
) -> Compared {
    let unmeasured = Interval::of([], Unit::Count);
    let interval = variant.metrics.get(name).unwrap_or(&unmeasured);
    let value = quantity::of_metric(name, interval.mean, interval.unit, 3);
    let Some(reference) = reference else {
        let width = interval.half_width();
        let own = if results.replications > 1 {
            quantity::half_width_of_metric(name, interval.mean, width, interval.unit)
        } else {
            String::new()
        };
        return Compared {
            value,
            difference: own,
            tone: Tone::Faint,
        };
    };
    let base = reference.metrics.get(name).unwrap_or(&unmeasured);
    let Some(paired) = variant.differences.get(name) else {
        return Compared {
            value,
            difference: String::new(),
            tone: Tone::Plain,
        };
    };
    // The paired difference rather than that of the two means: they differ when a replication
    // measured only one of the two.
    let both = (base.mean + paired.mean, base.mean);
    let difference = if results.replications > 1 {
        let relative = variant.relative.get(name);
        let relative_width = relative.map_or(f64::NAN, Interval::half_width);
        let widths = (paired.half_width(), relative_width);
        quantity::difference_with_interval(name, both, widths, interval.unit)
    } else {
        quantity::difference_of_metric(name, both.0, both.1, interval.unit)
    };
    let relative = variant.relative.get(name);
    match Verdict::of(paired, relative, results.replications) {
        Verdict::Same => {
            return Compared {
                value,
                difference,
                tone: Tone::Faint,
            };
        }
        Verdict::NotShown => {
            return Compared {
                value,
                difference: format!("({difference})"),
                tone: Tone::Faint,
            };
        }
        Verdict::Less | Verdict::More | Verdict::OneRun => {}
    }
    let better = metrics::find(name).map_or(Better::Neither, |metric| metric.better);
    let tone = match better {
        Better::Neither => Tone::Plain,
        Better::Lower if paired.mean < 0.0 => Tone::Good,
        Better::Higher if paired.mean > 0.0 => Tone::Good,
        Better::Lower | Better::Higher => Tone::Bad,
    };
    Compared {
        value,
        difference,
        tone,
    }
}
