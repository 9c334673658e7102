//! Results of another time, read back from the `summary.json` that was written of them.
//!
//! What is read back is what was found, to the last digit, so that every report can be made anew.
//! What an older version did not write down yet is missing.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    experiment::{
        Comparison, Interval, Judgement, Results, Sureness, VariantResults, WarmUp,
        expectation::Limit,
    },
    metrics::{Alert, Series, TopKey, Unit},
    scenario::{Condition, Expectation},
};

#[derive(Deserialize)]
struct Document {
    version: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    command: String,
    title: String,
    seed: u64,
    replications: u64,
    scenario: Value,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    warmup: Option<WarmUp>,
    #[serde(default)]
    precision: Vec<Sureness>,
    variants: Vec<Variant>,
    #[serde(default)]
    expectations: Vec<Expected>,
    #[serde(default)]
    baseline: Option<Comparison>,
}

#[derive(Deserialize)]
struct Variant {
    name: String,
    #[serde(default)]
    warmup_s: f64,
    metrics: IndexMap<String, Metric>,
    #[serde(default)]
    differences: IndexMap<String, Interval>,
    #[serde(default)]
    relative_differences: IndexMap<String, Interval>,
    #[serde(default)]
    series: Vec<Series>,
    #[serde(default)]
    latency_quantiles: Vec<(f64, Option<f64>)>,
    #[serde(default)]
    staleness_quantiles: Vec<(f64, Option<f64>)>,
    #[serde(default)]
    top_keys: Vec<TopKey>,
    #[serde(default)]
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Metric {
    #[serde(flatten)]
    interval: Interval,
    #[serde(default)]
    samples: Vec<Option<f64>>,
}

/// An expectation and whether it held.
#[derive(Deserialize)]
pub(super) struct Expected {
    variant: String,
    metric: String,
    line: usize,
    /// Missing in what older versions wrote; then it is not known what was expected.
    condition: Option<Condition>,
    observed: Option<f64>,
    limit: Value,
    unit: Unit,
    held: bool,
}

/// Reads the results of one scenario.
///
/// # Errors
/// What is wrong and, where it is no JSON at all, in which line.
pub fn parse(text: &str) -> Result<Results, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if document.variants.is_empty() {
        return Err("it has no variants".to_owned());
    }
    let description = document.scenario["description"]
        .as_str()
        .unwrap_or("")
        .to_owned();
    Ok(Results {
        version: document.version,
        command: document.command,
        name: document.name,
        title: document.title,
        description,
        seed: document.seed,
        replications: document.replications,
        resolved: document.scenario,
        variants: document.variants.into_iter().map(variant).collect(),
        expectations: document
            .expectations
            .into_iter()
            .filter_map(Expected::judgement)
            .collect(),
        currency: document.currency,
        warmup: document.warmup,
        sureness: document.precision,
        comparison: document.baseline,
    })
}

fn variant(read: Variant) -> VariantResults {
    let quantiles = |read: Vec<(f64, Option<f64>)>| {
        let known = |(quantile, value): (f64, Option<f64>)| (quantile, value.unwrap_or(f64::NAN));
        read.into_iter().map(known).collect()
    };
    let samples = |metric: &Metric| match metric.samples.is_empty() {
        // One run is not written down twice.
        true => vec![metric.interval.mean],
        false => metric
            .samples
            .iter()
            .map(|one| one.unwrap_or(f64::NAN))
            .collect(),
    };
    VariantResults {
        name: read.name,
        warmup_s: read.warmup_s,
        samples: read
            .metrics
            .iter()
            .map(|(name, one)| (name.clone(), samples(one)))
            .collect(),
        metrics: read
            .metrics
            .into_iter()
            .map(|(name, one)| (name, one.interval))
            .collect(),
        differences: read.differences,
        relative: read.relative_differences,
        series: read.series,
        latency_quantiles: quantiles(read.latency_quantiles),
        staleness_quantiles: quantiles(read.staleness_quantiles),
        top_keys: read.top_keys,
        alerts: read.alerts,
    }
}

impl Expected {
    /// What was judged, if that is known.
    pub(super) fn judgement(self) -> Option<Judgement> {
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        Some(Judgement {
            expectation: Expectation {
                variant: self.variant,
                metric: self.metric,
                condition: self.condition?,
                line: self.line,
            },
            observed: self.observed.unwrap_or(f64::NAN),
            limit: match self.limit.as_array().map(Vec::as_slice) {
                Some([low, high]) => Limit::Range(number(low), number(high)),
                _ => Limit::Number(number(&self.limit)),
            },
            unit: self.unit,
            held: self.held,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{json, samples};

    #[test]
    fn what_was_written_is_read_back_to_the_last_digit() {
        for results in [samples::stampede(3), samples::replicated(2, 4)] {
            let written = json::summary(&results);
            let read = parse(&written).unwrap();
            assert_eq!(json::summary(&read), written);
            assert_eq!(
                read.variants[1].samples.len(),
                results.variants[1].samples.len()
            );
        }
    }

    #[test]
    fn what_is_no_summary_is_refused_with_the_reason() {
        for (text, reason) in [
            ("{", "EOF"),
            ("{}", "missing field `version`"),
            ("[]", "missing field"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.contains(reason) || error.contains("invalid"),
                "{error}"
            );
        }
    }
}
