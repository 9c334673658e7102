//! What each variant changes, in plain sentences: `12 % fewer database queries, 95 % interval 11 to
//! 13 %`, or `p99 latency: no difference shown`.
//!
//! Only of several replications: a single run shows no difference, it only has one.

use crate::{
    experiment::{Results, VariantResults, Verdict, interval::Interval},
    metrics::Unit,
};

use super::quantity;

/// A metric that gets a sentence, and its words.
struct Headline {
    metric: &'static str,
    /// What it is a number of, or what it is.
    noun: &'static str,
    less: &'static str,
    more: &'static str,
}

/// What people decide by, most important first.
const HEADLINES: [Headline; 5] = [
    headline("database.qps.mean", "database queries", "fewer", "more"),
    headline("hit_ratio", "hit ratio", "lower", "higher"),
    headline("latency.p99", "p99 latency", "lower", "higher"),
    headline("staleness.ratio", "stale answers", "fewer", "more"),
    headline("cost.monthly", "monthly cost", "lower", "higher"),
];

const fn headline(
    metric: &'static str,
    noun: &'static str,
    less: &'static str,
    more: &'static str,
) -> Headline {
    Headline {
        metric,
        noun,
        less,
        more,
    }
}

/// One sentence for each headline metric that `variant` and the variant that it is compared with
/// have both measured and of which at least one is not 0; none of single runs.
#[must_use]
pub fn sentences(results: &Results, variant: &VariantResults) -> Vec<String> {
    if results.replications < 2 {
        return Vec::new();
    }
    HEADLINES
        .iter()
        .filter_map(|headline| sentence(headline, results, variant))
        .collect()
}

fn sentence(headline: &Headline, results: &Results, variant: &VariantResults) -> Option<String> {
    let difference = variant.differences.get(headline.metric)?;
    let relative = variant.relative.get(headline.metric);
    let base = results.reference().metrics.get(headline.metric)?;
    if base.mean == 0.0 && difference.mean == 0.0 {
        return None;
    }
    let noun = headline.noun;
    // Shares are compared in percentage points; where there is no base to take a share of, in the
    // metric's own unit.
    let (shown, unit) = match relative {
        _ if base.unit == Unit::Ratio => (scaled(difference, 100.0), " pp".to_owned()),
        Some(relative) => (scaled(relative, 100.0), " %".to_owned()),
        None => (*difference, String::new()),
    };
    let relative = if base.unit == Unit::Ratio {
        None
    } else {
        relative
    };
    let ends = |negate: bool| {
        let sign = if negate { -1.0 } else { 1.0 };
        let (mut low, mut high) = (sign * shown.low, sign * shown.high);
        if negate {
            std::mem::swap(&mut low, &mut high);
        }
        let digits = digits_for(high - low);
        (number(low, digits), number(high, digits))
    };
    Some(
        match Verdict::of(difference, relative, results.replications) {
            Verdict::Same => format!("{noun}: the same"),
            Verdict::OneRun => return None,
            Verdict::NotShown => {
                let (low, high) = ends(false);
                let plus = if shown.high > 0.0 { "+" } else { "" };
                format!("{noun}: no difference shown, 95 % interval {low} to {plus}{high}{unit}")
            }
            verdict => {
                let is_less = verdict == Verdict::Less;
                let word = if is_less {
                    headline.less
                } else {
                    headline.more
                };
                let (low, high) = ends(is_less);
                let size = number(shown.mean.abs(), digits_for(shown.high - shown.low));
                let interval = if low == high {
                    String::new()
                } else {
                    format!(", 95 % interval {low} to {high}{unit}")
                };
                if word == "fewer" || word == "more" {
                    format!("{size}{unit} {word} {noun}{interval}")
                } else {
                    format!("{noun} {size}{unit} {word}{interval}")
                }
            }
        },
    )
}

fn scaled(interval: &Interval, factor: f64) -> Interval {
    Interval {
        mean: factor * interval.mean,
        low: factor * interval.low,
        high: factor * interval.high,
        unit: interval.unit,
    }
}

/// So many decimals that an interval of that width has two digits of width.
fn digits_for(width: f64) -> usize {
    if width <= 0.0 {
        return 1;
    }
    let magnitude = libm::floor(libm::log10(width)) as i64;
    usize::try_from(1 - magnitude).unwrap_or(0).min(4)
}

/// With so many decimals, and never as a negative zero.
fn number(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e6 {
        return quantity::significant(value, 3);
    }
    let text = format!("{value:.decimals$}");
    if text.trim_matches(['-', '0', '.']).is_empty() {
        "0".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::{experiment::combine, metrics::Outcome};

    fn results(base: &[f64], other: &[f64], metric: &str) -> Results {
        let runs = |values: &[f64]| {
            let run = |&value: &f64| Outcome {
                metrics: IndexMap::from([(metric.to_owned(), value)]),
                ..Outcome::default()
            };
            values.iter().map(run).collect::<Vec<_>>()
        };
        Results {
            replications: base.len() as u64,
            variants: combine(vec![
                ("base".to_owned(), 0.0, runs(base)),
                ("other".to_owned(), 0.0, runs(other)),
            ]),
            ..Results::default()
        }
    }

    fn said(base: &[f64], other: &[f64], metric: &str) -> Vec<String> {
        let results = results(base, other, metric);
        sentences(&results, &results.variants[1])
    }

    #[test]
    fn a_difference_is_a_size_a_direction_and_an_interval() {
        let fewer = said(
            &[100.0, 101.0, 99.0],
            &[88.0, 88.7, 87.4],
            "database.qps.mean",
        );
        insta::assert_debug_snapshot!(fewer, @r#"
        [
            "12.0 % fewer database queries, 95 % interval 11.4 to 12.5 %",
        ]
        "#);
        let higher = said(&[0.90, 0.91, 0.92], &[0.95, 0.96, 0.971], "hit_ratio");
        insta::assert_debug_snapshot!(higher, @r#"
        [
            "hit ratio 5.03 pp higher, 95 % interval 4.89 to 5.18 pp",
        ]
        "#);
        let lower = said(&[0.1, 0.2, 0.3], &[0.05, 0.1, 0.15], "latency.p99");
        insta::assert_debug_snapshot!(lower, @r#"
        [
            "p99 latency: no difference shown, 95 % interval -50.0 to -50.0 %",
        ]
        "#);
    }

    #[test]
    fn what_may_be_luck_is_said_to_be_no_difference() {
        let unsure = said(&[100.0, 101.0, 99.0], &[101.0, 99.0, 101.0], "latency.p99");
        insta::assert_debug_snapshot!(unsure, @r#"
        [
            "p99 latency: no difference shown, 95 % interval -5 to +6 %",
        ]
        "#);
        let same = said(&[0.9, 0.8], &[0.9, 0.8], "hit_ratio");
        insta::assert_debug_snapshot!(same, @r#"
        [
            "hit ratio: the same",
        ]
        "#);
    }

    #[test]
    fn one_run_and_nothing_at_all_say_nothing() {
        assert!(said(&[100.0], &[90.0], "database.qps.mean").is_empty());
        assert!(said(&[0.0, 0.0], &[0.0, 0.0], "staleness.ratio").is_empty());
    }
}
