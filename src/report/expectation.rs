//! One line for each expectation: which metric, what was observed, what the limit is.

use crate::{
    experiment::expectation::{Judgement, Limit},
    metrics::Unit,
    scenario::Condition,
};

use super::quantity::{self, UNMEASURED};

/// What was expected, in words: `below 400 /s`, `below 0.5 × base (150 /s)`.
#[must_use]
pub fn expected(judgement: &Judgement) -> String {
    spelled(judgement, 3)
}

fn spelled(judgement: &Judgement, digits: usize) -> String {
    let metric = &judgement.expectation.metric;
    let number = |value: f64| quantity::of_metric(metric, value, judgement.unit, digits);
    let limit = match judgement.limit {
        Limit::Number(limit) => number(limit),
        Limit::Range(low, high) => format!("{} and {}", number(low), number(high)),
    };
    let other = |variant: &str, factor: f64| {
        let limit = if limit == UNMEASURED {
            "not measured"
        } else {
            &limit
        };
        if factor == 1.0 {
            format!("{variant} ({limit})")
        } else {
            format!("{factor} × {variant} ({limit})")
        }
    };
    match &judgement.expectation.condition {
        Condition::Below(_) => format!("below {limit}"),
        Condition::Above(_) => format!("above {limit}"),
        Condition::Between(..) => format!("between {limit}"),
        Condition::Equals { tolerance, .. } => {
            format!("equal to {limit} ± {}", number(*tolerance))
        }
        Condition::BelowVariant { variant, factor } => {
            format!("below {}", other(variant, *factor))
        }
        Condition::AboveVariant { variant, factor } => {
            format!("above {}", other(variant, *factor))
        }
        Condition::EqualsVariant {
            variant,
            factor,
            tolerance,
            relative_tolerance,
        } => {
            let tolerance = if *relative_tolerance > 0.0 {
                format!("{} %", quantity::significant(100.0 * relative_tolerance, 3))
            } else {
                number(*tolerance)
            };
            format!("equal to {} ± {tolerance}", other(variant, *factor))
        }
    }
}

/// The whole finding in one sentence:
/// `undefended: database.qps.max is 4.21 k/s, expected below 400 /s`.
#[must_use]
pub fn sentence(judgement: &Judgement) -> String {
    let expectation = &judgement.expectation;
    let head = format!("{}: {}", expectation.variant, expectation.metric);
    if judgement.observed.is_nan() {
        return format!("{head} was not measured, expected {}", expected(judgement));
    }
    format!(
        "{head} is {}, expected {}",
        observed(judgement),
        spelled(judgement, digits_that_tell(judgement))
    )
}

/// "400 /s, expected below 400 /s" would be a riddle: as many digits as tell the two apart.
fn digits_that_tell(judgement: &Judgement) -> usize {
    let same = |limit: f64, digits| {
        let metric = &judgement.expectation.metric;
        let spell = |value| quantity::of_metric(metric, value, judgement.unit, digits);
        limit != judgement.observed && spell(limit) == spell(judgement.observed)
    };
    (3..15)
        .find(|&digits| match judgement.limit {
            Limit::Number(limit) => !same(limit, digits),
            Limit::Range(low, high) => !same(low, digits) && !same(high, digits),
        })
        .unwrap_or(3)
}

/// As [`expected`], with as many digits as tell the limit from what was observed.
#[must_use]
pub fn expected_apart(judgement: &Judgement) -> String {
    spelled(judgement, digits_that_tell(judgement))
}

/// What was observed, with as many digits as tell it from its limit.
#[must_use]
pub fn observed(judgement: &Judgement) -> String {
    quantity::of_metric(
        &judgement.expectation.metric,
        judgement.observed,
        judgement.unit,
        digits_that_tell(judgement),
    )
}

/// The limit of a judgement in its base unit, for programs.
#[must_use]
pub fn limit_json(limit: Limit) -> serde_json::Value {
    match limit {
        Limit::Number(limit) => serde_json::json!(limit),
        Limit::Range(low, high) => serde_json::json!([low, high]),
    }
}

/// The unit of a judgement as JSON spells it.
#[must_use]
pub fn unit_json(unit: Unit) -> serde_json::Value {
    serde_json::to_value(unit).unwrap_or(serde_json::Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Expectation;

    fn judgement(observed: f64, condition: Condition, limit: Limit) -> Judgement {
        Judgement {
            expectation: Expectation {
                variant: "base".to_owned(),
                metric: "latency.p99".to_owned(),
                condition,
                line: 7,
            },
            observed,
            limit,
            unit: Unit::Seconds,
            held: false,
        }
    }

    #[test]
    fn sentences_name_metric_observed_value_and_limit() {
        let below = |factor: f64, limit: f64| {
            let condition = Condition::BelowVariant {
                variant: "lock".to_owned(),
                factor,
            };
            judgement(0.0123, condition, Limit::Number(limit))
        };
        let sentences = [
            judgement(0.0123, Condition::Below(0.01), Limit::Number(0.01)),
            judgement(
                0.0123,
                Condition::Between(0.01, 0.012),
                Limit::Range(0.01, 0.012),
            ),
            judgement(
                0.0123,
                Condition::Equals {
                    value: 0.01,
                    tolerance: 0.001,
                },
                Limit::Number(0.01),
            ),
            below(0.5, 0.01),
            below(1.0, 0.01),
            below(1.0, f64::NAN),
            judgement(f64::NAN, Condition::Above(1.0), Limit::Number(1.0)),
        ]
        .map(|judgement| sentence(&judgement))
        .join("\n");
        insta::assert_snapshot!(sentences, @r"
        base: latency.p99 is 12.3 ms, expected below 10.0 ms
        base: latency.p99 is 12.3 ms, expected between 10.0 ms and 12.0 ms
        base: latency.p99 is 12.3 ms, expected equal to 10.0 ms ± 1.00 ms
        base: latency.p99 is 12.3 ms, expected below 0.5 × lock (10.0 ms)
        base: latency.p99 is 12.3 ms, expected below lock (10.0 ms)
        base: latency.p99 is 12.3 ms, expected below lock (not measured)
        base: latency.p99 was not measured, expected above 1.00 s
        ");
    }

    #[test]
    fn as_many_digits_as_tell_the_value_from_its_limit() {
        let close = judgement(0.400_02, Condition::Below(0.4), Limit::Number(0.4));
        insta::assert_snapshot!(sentence(&close), @"base: latency.p99 is 400.02 ms, expected below 400.00 ms");
    }
}
