//! JSON for programs: base units, every digit, the same bytes for the same scenario, seed and
//! version. What was not measured is `null`.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::{
    experiment::{Comparison, Judgement, Results, Sureness, WarmUp, interval::Interval},
    metrics::{Alert, Series, TopKey},
    scenario::Condition,
};

use super::expectation;

#[derive(Serialize)]
struct Document<'a> {
    version: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    command: &'a str,
    title: &'a str,
    seed: u64,
    replications: u64,
    scenario: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup: Option<WarmUp>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    precision: &'a [Sureness],
    variants: Vec<Variant<'a>>,
    expectations: Vec<Expectation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<&'a Comparison>,
}

#[derive(Serialize)]
struct Variant<'a> {
    name: &'a str,
    warmup_s: f64,
    metrics: IndexMap<&'a str, Metric<'a>>,
    #[serde(skip_serializing_if = "is_empty")]
    differences: &'a IndexMap<String, Interval>,
    #[serde(skip_serializing_if = "is_empty")]
    relative_differences: &'a IndexMap<String, Interval>,
    series: &'a [Series],
    /// (quantile in 0..1, seconds)
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    latency_quantiles: &'a [(f64, f64)],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    staleness_quantiles: &'a [(f64, f64)],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    top_keys: &'a [TopKey],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    alerts: &'a [Alert],
}

fn is_empty(map: &&IndexMap<String, Interval>) -> bool {
    map.is_empty()
}

#[derive(Serialize)]
struct Metric<'a> {
    #[serde(flatten)]
    interval: &'a Interval,
    /// What each replication measured: with them, a later run can be compared pair by pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<&'a [f64]>,
}

/// An expectation and whether it holds.
#[derive(Serialize)]
pub(super) struct Expectation<'a> {
    variant: &'a str,
    metric: &'a str,
    line: usize,
    condition: &'a Condition,
    expected: String,
    observed: f64,
    limit: Value,
    unit: Value,
    held: bool,
    text: String,
}

impl<'a> Expectation<'a> {
    pub(super) fn of(judgement: &'a Judgement) -> Self {
        Self {
            variant: &judgement.expectation.variant,
            metric: &judgement.expectation.metric,
            line: judgement.expectation.line,
            condition: &judgement.expectation.condition,
            expected: expectation::expected(judgement),
            observed: judgement.observed,
            limit: expectation::limit_json(judgement.limit),
            unit: expectation::unit_json(judgement.unit),
            held: judgement.held,
            text: expectation::sentence(judgement),
        }
    }
}

fn document(results: &Results) -> Document<'_> {
    Document {
        version: &results.version,
        name: &results.name,
        command: &results.command,
        title: &results.title,
        seed: results.seed,
        replications: results.replications,
        scenario: &results.resolved,
        currency: results.currency.as_deref(),
        warmup: results.warmup,
        precision: &results.sureness,
        variants: results
            .variants
            .iter()
            .map(|variant| Variant {
                name: &variant.name,
                warmup_s: variant.warmup_s,
                metrics: variant
                    .metrics
                    .iter()
                    .map(|(name, interval)| {
                        let samples = variant.samples.get(name).map(Vec::as_slice);
                        let samples = samples.filter(|samples| samples.len() > 1);
                        (name.as_str(), Metric { interval, samples })
                    })
                    .collect(),
                differences: &variant.differences,
                relative_differences: &variant.relative,
                series: &variant.series,
                latency_quantiles: &variant.latency_quantiles,
                staleness_quantiles: &variant.staleness_quantiles,
                top_keys: &variant.top_keys,
                alerts: &variant.alerts,
            })
            .collect(),
        expectations: results.expectations.iter().map(Expectation::of).collect(),
        baseline: results.comparison.as_ref(),
    }
}

/// One scenario's results as a JSON object with a newline at its end.
///
/// # Panics
/// Never: all keys are strings, and what is written to is memory.
#[must_use]
pub fn summary(results: &Results) -> String {
    let mut text = serde_json::to_string_pretty(&document(results))
        .expect("string keys and plain numbers are always JSON");
    text.push('\n');
    text
}

/// What is printed: an object for one scenario, a list of them for several.
///
/// # Panics
/// Never: as [`summary`].
#[must_use]
pub fn print(documents: &[Value]) -> String {
    let text = match documents {
        [one] => serde_json::to_string_pretty(one),
        several => serde_json::to_string_pretty(several),
    };
    let mut text = text.expect("string keys and plain numbers are always JSON");
    text.push('\n');
    text
}

/// One scenario's results as a JSON value, to be put beside others.
#[must_use]
pub fn value(results: &Results) -> Value {
    serde_json::to_value(document(results)).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_shape_is_the_contract() {
        let mut results = samples::stampede(1);
        for variant in &mut results.variants {
            variant
                .metrics
                .retain(|name, _| ["latency.p99", "staleness.max"].contains(&name.as_str()));
            variant.series.truncate(1);
            variant.series[0].values.truncate(3);
            variant.series[0].values[1] = f64::NAN;
            variant.latency_quantiles.truncate(1);
            variant.staleness_quantiles.clear();
        }
        results.variants.truncate(1);
        results.expectations.truncate(1);
        insta::assert_snapshot!(summary(&results), @r#"
        {
          "version": "0.1.0",
          "name": "stampede",
          "command": "cachesim run stampede.toml",
          "title": "Stampede on a hot key",
          "seed": 7,
          "replications": 1,
          "scenario": {
            "title": "Stampede on a hot key",
            "seed": 7
          },
          "variants": [
            {
              "name": "base",
              "warmup_s": 30.0,
              "metrics": {
                "latency.p99": {
                  "mean": 0.0010046868993378924,
                  "low": 0.0010046868993378924,
                  "high": 0.0010046868993378924,
                  "unit": "seconds"
                },
                "staleness.max": {
                  "mean": null,
                  "low": null,
                  "high": null,
                  "unit": "seconds"
                }
              },
              "series": [
                {
                  "name": "database.qps",
                  "unit": "per_second",
                  "step_s": 1.0,
                  "values": [
                    10694.000807454626,
                    null,
                    6430.523348162539
                  ]
                }
              ],
              "latency_quantiles": [
                [
                  0.0,
                  0.00025
                ]
              ]
            }
          ],
          "expectations": [
            {
              "variant": "base",
              "metric": "database.qps.max",
              "line": 31,
              "condition": {
                "below": 400.0
              },
              "expected": "below 400 /s",
              "observed": 849.3932873879462,
              "limit": 400.0,
              "unit": "per_second",
              "held": false,
              "text": "base: database.qps.max is 849 /s, expected below 400 /s"
            }
          ]
        }
        "#);
    }

    #[test]
    fn one_scenario_is_an_object_and_several_are_a_list() {
        let results = samples::stampede(1);
        let one: Value = serde_json::from_str(&print(&[value(&results)])).unwrap();
        let two: Value = serde_json::from_str(&print(&[value(&results), value(&results)])).unwrap();
        assert!(one.is_object());
        assert_eq!(two, serde_json::json!([one, one]));
    }

    #[test]
    fn numbers_survive_the_way_there_and_back() {
        let mut results = samples::stampede(1);
        for value in [0.1, 1.0 / 3.0, 5e-324, 1.797_693_134_862_315_7e308] {
            results.variants[0].metrics["latency.p99"].mean = value;
            let back: Value = serde_json::from_str(&summary(&results)).unwrap();
            let back = &back["variants"][0]["metrics"]["latency.p99"]["mean"];
            assert_eq!(back.as_f64().map(f64::to_bits), Some(value.to_bits()));
        }
    }
}
