//! Limits on how far a metric may move away from a baseline: `database.qps.mean > +5%`.
//!
//! Not here: whether one is kept (`experiment`).

use serde::{Deserialize, Serialize};

use crate::metrics::{Metric, Unit};

use super::expectation::measure_text;
use super::unit::{Misspelt, quoted};

/// When a run fails: if a metric of a variant is certainly beyond this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// As it was written.
    pub text: String,
    /// The variant that it is about; every variant if none.
    pub variant: Option<String>,
    /// The metric's full name.
    pub metric: String,
    /// On which side of the bound it fails.
    pub side: Side,
    /// The bound.
    pub bound: Bound,
}

/// On which side of its bound a limit is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// When the metric is above.
    Above,
    /// When the metric is below.
    Below,
}

/// What a metric is held against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Its change since the baseline, as a share of what it was: 0.05 is 5 % more.
    RelativeChange(f64),
    /// Its change since the baseline, in its base unit.
    Change(f64),
    /// Itself, in its base unit; no baseline is needed.
    Value(f64),
}

impl Bound {
    /// Whether there must be a baseline to tell.
    #[must_use]
    pub fn needs_baseline(self) -> bool {
        !matches!(self, Self::Value(_))
    }
}

/// What to write.
pub(super) const HELP: &str = "write METRIC > CHANGE or METRIC < CHANGE, for example \"database.qps.mean > +5%\", \"hit_ratio < -1pp\", \"undefended: latency.p99 > +2ms\"";

/// The parts of a limit as text: variant, metric, side, bound.
pub(super) type Parts<'a> = (Option<&'a str>, &'a str, Side, &'a str);

/// Takes a limit apart.
pub(super) fn parts(text: &str) -> Result<Parts<'_>, Misspelt> {
    let wrong = |message: String| Misspelt {
        message,
        help: HELP.into(),
    };
    let at = text
        .find(['<', '>'])
        .ok_or_else(|| wrong(format!("{} has neither `>` nor `<`", quoted(text))))?;
    let side = if text[at..].starts_with('>') {
        Side::Above
    } else {
        Side::Below
    };
    let (left, bound) = (text[..at].trim(), text[at + 1..].trim());
    let (variant, metric) = match left.split_once(':') {
        Some((variant, metric)) => (Some(variant.trim()), metric.trim()),
        None => (None, left),
    };
    if metric.is_empty() || variant.is_some_and(str::is_empty) {
        return Err(wrong(format!("{} names no metric", quoted(text))));
    }
    if bound.is_empty() {
        return Err(wrong(format!("{} names no bound", quoted(text))));
    }
    Ok((variant, metric, side, bound))
}

/// Reads a limit on `metric`, the row of the metric that its parts name.
pub(super) fn read(text: &str, metric: &Metric) -> Result<Limit, Misspelt> {
    let (variant, name, side, bound) = parts(text)?;
    Ok(Limit {
        text: text.trim().into(),
        variant: variant.map(Into::into),
        metric: name.into(),
        side,
        bound: read_bound(bound, metric.unit)?,
    })
}

fn read_bound(text: &str, unit: Unit) -> Result<Bound, Misspelt> {
    let (sign, size) = match text.as_bytes().first() {
        Some(b'+') => (1.0, text[1..].trim()),
        Some(b'-') => (-1.0, text[1..].trim()),
        _ => return measure_text(text, unit).map(Bound::Value),
    };
    let number = |number: &str| match number.trim().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(sign * number / 100.0),
        _ => Err(Misspelt {
            message: format!("{} is no change", quoted(text)),
            help: HELP.into(),
        }),
    };
    if let Some(points) = size.strip_suffix("pp") {
        if unit != Unit::Ratio {
            return Err(Misspelt {
                message: "percentage points (pp) are for shares, and this metric is none".into(),
                help: "write a percentage, for example +5%".into(),
            });
        }
        return number(points).map(Bound::Change);
    }
    if let Some(percent) = size.strip_suffix('%') {
        return number(percent).map(Bound::RelativeChange);
    }
    measure_text(size, unit).map(|size| Bound::Change(sign * size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics;

    fn bound(text: &str) -> Result<Bound, Misspelt> {
        let (_, name, _, _) = parts(text)?;
        read(text, metrics::find(name).unwrap()).map(|limit| limit.bound)
    }

    #[test]
    fn changes_carry_a_sign_and_values_do_not() {
        for (text, expected) in [
            ("database.qps.mean > +5%", Bound::RelativeChange(0.05)),
            ("database.qps.mean<-5 %", Bound::RelativeChange(-0.05)),
            ("hit_ratio < -1pp", Bound::Change(-0.01)),
            ("latency.p99 > +2ms", Bound::Change(0.002)),
            ("base: latency.p99 > 20ms", Bound::Value(0.02)),
            ("hit_ratio < 95%", Bound::Value(0.95)),
            ("requests.failed > 0", Bound::Value(0.0)),
            ("database.qps.max > +100", Bound::Change(100.0)),
        ] {
            assert_eq!(bound(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_refused_with_an_example() {
        for text in [
            "database.qps.mean",
            "database.qps.mean >",
            "> +5%",
            ": hit_ratio < -1pp",
            "database.qps.mean > +5pp",
            "database.qps.mean > +x%",
            "database.qps.mean > +-5%",
            "database.qps.mean > +inf%",
            "latency.p99 > 5",
        ] {
            let answer = bound(text);
            // A bare number is in base units.
            if text.ends_with("> 5") {
                assert_eq!(answer, Ok(Bound::Value(5.0)));
            } else {
                assert!(!answer.unwrap_err().help.is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn the_variant_stands_before_a_colon() {
        let (variant, metric, side, bound) = parts("lock: hit_ratio < -1pp").unwrap();
        assert_eq!(
            (variant, metric, side, bound),
            (Some("lock"), "hit_ratio", Side::Below, "-1pp")
        );
    }
}
