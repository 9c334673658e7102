//! What moved since the baseline and which limits that broke, in words and as rows.

use crate::{
    experiment::{
        Results, Verdict,
        baseline::{Change, Comparison, LimitJudgement, Standing},
        interval::Interval,
    },
    metrics::Unit,
    scenario::{Bound, Side},
};

use super::{key_metrics, quantity};

/// A metric that moved, spelled: variant, metric, before, now, change.
pub type Row = [String; 5];

/// What moved: all metrics, or the key metrics and those under a limit. A difference that luck could
/// have made is no move.
#[must_use]
pub fn moved(results: &Results, comparison: &Comparison, all: bool) -> Vec<Row> {
    let shown = key_metrics::groups(results, all).concat();
    comparison
        .changes
        .iter()
        .filter(|change| has_moved(change))
        .filter(|change| {
            let limited = |judged: &LimitJudgement| judged.limit.metric == change.metric;
            shown.contains(&change.metric) || comparison.limits.iter().any(limited)
        })
        .map(|change| {
            let spell = |value| quantity::of_metric(&change.metric, value, change.unit, 3);
            let relative = change.relative.as_ref();
            let widths = (
                change.difference.half_width(),
                relative.map_or(f64::NAN, Interval::half_width),
            );
            let values = (change.now, change.before);
            let difference = if change.verdict == Verdict::OneRun {
                quantity::difference_of_metric(&change.metric, values.0, values.1, change.unit)
            } else {
                quantity::difference_with_interval(&change.metric, values, widths, change.unit)
            };
            [
                change.variant.clone(),
                change.metric.clone(),
                spell(change.before),
                spell(change.now),
                difference,
            ]
        })
        .collect()
}

fn has_moved(change: &Change) -> bool {
    !matches!(change.verdict, Verdict::Same | Verdict::NotShown)
}

/// How the comparison was made, and how much moved.
#[must_use]
pub fn summary(results: &Results, comparison: &Comparison) -> String {
    let changes = &comparison.changes;
    let moved = changes.iter().filter(|change| has_moved(change)).count();
    let how = if comparison.paired {
        format!(
            "replications compared pair by pair, {} then and {} now",
            comparison.replications, results.replications
        )
    } else if comparison.replications > 1 && results.replications > 1 {
        format!(
            "means of {} replications then and {} now, of different luck",
            comparison.replications, results.replications
        )
    } else {
        "a single run, so there are no intervals: --replications 5 for both tells luck from change"
            .to_owned()
    };
    let mut text = format!("{moved} of {} metrics moved ({how})", changes.len());
    for (names, what) in [
        (&comparison.new_variants, "not in the baseline"),
        (&comparison.gone_variants, "only in the baseline"),
    ] {
        if !names.is_empty() {
            text.push_str(&format!("; {what}: {}", names.join(", ")));
        }
    }
    text
}

/// How a limit stands, in one sentence:
/// `base: database.qps.mean is up 6.2 %, 95 % interval 5.8 to 6.6 %; limit +5 %`.
#[must_use]
pub fn sentence(judged: &LimitJudgement) -> String {
    let metric = &judged.limit.metric;
    let head = format!("{}: {metric}", judged.variant);
    let limit = bound(judged);
    let observed = &judged.observed;
    if !observed.is_measured() {
        return format!("{head} was not measured both then and now; {limit}");
    }
    // As many digits as tell the value from its bound.
    let number = match judged.limit.bound {
        Bound::Value(number) | Bound::Change(number) | Bound::RelativeChange(number) => number,
    };
    let digits = (3..12).find(|&digits| {
        [observed.mean, observed.low, observed.high]
            .into_iter()
            .all(|value| {
                value == number || spell(judged, value, digits) != spell(judged, number, digits)
            })
    });
    let digits = digits.unwrap_or(3);
    let spell = |value: f64| spell(judged, value, digits);
    let verb = match judged.limit.bound {
        Bound::Value(_) => "is",
        _ if observed.mean == 0.0 => "has not moved:",
        _ => "moved by",
    };
    let mut text = format!("{head} {verb} {}", spell(observed.mean));
    if observed.half_width() > 0.0 {
        text.push_str(&format!(
            ", 95 % interval {} to {}",
            spell(observed.low),
            spell(observed.high)
        ));
    }
    text.push_str(&format!("; {limit}"));
    if judged.standing == Standing::Unsure {
        text.push_str("; more replications would tell");
    }
    text
}

fn bound(judged: &LimitJudgement) -> String {
    let side = match judged.limit.side {
        Side::Above => "above",
        Side::Below => "below",
    };
    let (Bound::Value(number) | Bound::Change(number) | Bound::RelativeChange(number)) =
        judged.limit.bound;
    format!("fails {side} {}", spell(judged, number, 3))
}

/// A value of the kind that the limit is about.
fn spell(judged: &LimitJudgement, value: f64, digits: usize) -> String {
    let metric = &judged.limit.metric;
    let sign = if value > 0.0 { "+" } else { "" };
    match judged.limit.bound {
        Bound::Value(_) => quantity::of_metric(metric, value, judged.unit, digits),
        Bound::Change(_) if judged.unit == Unit::Ratio => {
            format!("{sign}{} pp", quantity::significant(100.0 * value, digits))
        }
        Bound::Change(_) => {
            format!(
                "{sign}{}",
                quantity::of_metric(metric, value, judged.unit, digits)
            )
        }
        Bound::RelativeChange(_) if value.is_infinite() => format!("{sign}{value} %"),
        Bound::RelativeChange(_) => {
            format!("{sign}{} %", quantity::significant(100.0 * value, digits))
        }
    }
}

/// The word before the sentence.
#[must_use]
pub fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Kept => "pass",
        Standing::Unsure => "pass?",
        Standing::Broken => "FAIL",
    }
}
