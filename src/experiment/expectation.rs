//! Whether what the scenario expects has come true.
//!
//! Judged on means over replications. What was not measured never holds: a pass that nobody
//! measured would be worse than a failure.

use indexmap::IndexMap;

use crate::{
    metrics::Unit,
    scenario::{Condition, Expectation},
};

use super::{VariantResults, interval::Interval};

/// An expectation with what was observed.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// What was expected.
    pub expectation: Expectation,
    /// The mean observed; NaN if the metric was not measured.
    pub observed: f64,
    /// The number or numbers that `observed` was compared with.
    pub limit: Limit,
    /// Unit of both.
    pub unit: Unit,
    /// Whether it came true.
    pub held: bool,
}

/// What a metric was compared with, in its base unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// One number; NaN if the other variant's metric was not measured.
    Number(f64),
    /// From, to.
    Range(f64, f64),
}

/// Judges those expectations whose variants have all been run; the others are left out.
#[must_use]
pub fn judge(expectations: &[Expectation], variants: &[VariantResults]) -> Vec<Judgement> {
    let metrics_of = |name: &str| {
        variants
            .iter()
            .find(|variant| variant.name == name)
            .map(|variant| &variant.metrics)
    };
    expectations
        .iter()
        .filter_map(|expectation| {
            let metrics = metrics_of(&expectation.variant)?;
            let observed = mean(metrics, &expectation.metric);
            let other = |name: &str, factor: f64| {
                Some(factor * mean(metrics_of(name)?, &expectation.metric))
            };
            // Comparisons with NaN are false, which is what is wanted here.
            let (limit, held) = match &expectation.condition {
                Condition::Below(limit) => (Limit::Number(*limit), observed < *limit),
                Condition::Above(limit) => (Limit::Number(*limit), observed > *limit),
                Condition::Between(low, high) => (
                    Limit::Range(*low, *high),
                    observed >= *low && observed <= *high,
                ),
                Condition::Equals { value, tolerance } => (
                    Limit::Number(*value),
                    (observed - value).abs() <= *tolerance,
                ),
                Condition::BelowVariant { variant, factor } => {
                    let limit = other(variant, *factor)?;
                    (Limit::Number(limit), observed < limit)
                }
                Condition::AboveVariant { variant, factor } => {
                    let limit = other(variant, *factor)?;
                    (Limit::Number(limit), observed > limit)
                }
                Condition::EqualsVariant {
                    variant,
                    factor,
                    tolerance,
                    relative_tolerance,
                } => {
                    let limit = other(variant, *factor)?;
                    let tolerance = tolerance + relative_tolerance * limit.abs();
                    (Limit::Number(limit), (observed - limit).abs() <= tolerance)
                }
            };
            Some(Judgement {
                expectation: expectation.clone(),
                observed,
                limit,
                unit: metrics
                    .get(&expectation.metric)
                    .map_or(Unit::Count, |interval| interval.unit),
                held,
            })
        })
        .collect()
}

fn mean(metrics: &IndexMap<String, Interval>, name: &str) -> f64 {
    metrics.get(name).map_or(f64::NAN, |interval| interval.mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variants() -> Vec<VariantResults> {
        [("base", 100.0), ("other", 300.0)]
            .into_iter()
            .map(|(name, qps)| VariantResults {
                name: name.to_owned(),
                metrics: IndexMap::from([
                    (
                        "database.qps.max".to_owned(),
                        Interval::of([qps], Unit::PerSecond),
                    ),
                    (
                        "staleness.max".to_owned(),
                        Interval::of([f64::NAN], Unit::Seconds),
                    ),
                ]),
                ..VariantResults::default()
            })
            .collect()
    }

    fn held(variant: &str, metric: &str, condition: Condition) -> Option<bool> {
        let expectation = Expectation {
            variant: variant.to_owned(),
            metric: metric.to_owned(),
            condition,
            line: 1,
        };
        judge(&[expectation], &variants())
            .first()
            .map(|judgement| judgement.held)
    }

    #[test]
    fn limits_of_below_and_above_are_themselves_outside() {
        let qps = "database.qps.max";
        assert_eq!(held("base", qps, Condition::Below(100.5)), Some(true));
        assert_eq!(held("base", qps, Condition::Below(100.0)), Some(false));
        assert_eq!(held("base", qps, Condition::Above(99.5)), Some(true));
        assert_eq!(held("base", qps, Condition::Above(100.0)), Some(false));
    }

    #[test]
    fn ends_of_between_and_equals_are_themselves_inside() {
        let qps = "database.qps.max";
        assert_eq!(
            held("base", qps, Condition::Between(100.0, 100.0)),
            Some(true)
        );
        assert_eq!(
            held("base", qps, Condition::Between(100.1, 200.0)),
            Some(false)
        );
        let near = |value| Condition::Equals {
            value,
            tolerance: 2.0,
        };
        assert_eq!(held("base", qps, near(102.0)), Some(true));
        assert_eq!(held("base", qps, near(97.9)), Some(false));
    }

    #[test]
    fn variants_are_compared_with_one_another_times_a_factor() {
        let qps = "database.qps.max";
        let below = |factor| Condition::BelowVariant {
            variant: "other".to_owned(),
            factor,
        };
        assert_eq!(held("base", qps, below(1.0)), Some(true));
        assert_eq!(held("base", qps, below(0.25)), Some(false));
        let above = Condition::AboveVariant {
            variant: "base".to_owned(),
            factor: 2.0,
        };
        assert_eq!(held("other", qps, above), Some(true));
        let equal = |tolerance| Condition::EqualsVariant {
            variant: "base".to_owned(),
            factor: 2.9,
            tolerance,
            relative_tolerance: 0.0,
        };
        assert_eq!(held("other", qps, equal(11.0)), Some(true));
        assert_eq!(held("other", qps, equal(9.0)), Some(false));
        // 300 against 2.9 x 100: 3.4 % apart.
        let nearly = |relative_tolerance| Condition::EqualsVariant {
            variant: "base".to_owned(),
            factor: 2.9,
            tolerance: 0.0,
            relative_tolerance,
        };
        assert_eq!(held("other", qps, nearly(0.035)), Some(true));
        assert_eq!(held("other", qps, nearly(0.034)), Some(false));
    }

    #[test]
    fn what_was_not_measured_never_holds() {
        for metric in ["staleness.max", "no.such.metric"] {
            for condition in [
                Condition::Below(1e300),
                Condition::Above(-1e300),
                Condition::Between(-1e300, 1e300),
                Condition::Equals {
                    value: 0.0,
                    tolerance: f64::INFINITY,
                },
                Condition::BelowVariant {
                    variant: "other".to_owned(),
                    factor: 1.0,
                },
            ] {
                assert_eq!(held("base", metric, condition), Some(false));
            }
        }
    }

    #[test]
    fn expectations_on_variants_that_were_not_run_are_left_out() {
        let qps = "database.qps.max";
        assert_eq!(held("absent", qps, Condition::Below(1.0)), None);
        let below = Condition::BelowVariant {
            variant: "absent".to_owned(),
            factor: 1.0,
        };
        assert_eq!(held("base", qps, below), None);
    }
}
