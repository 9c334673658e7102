//! OpenMetrics text (the format that Prometheus reads), with timestamps: simulated time, counted from
//! the epoch, so that the beginning of a run is 1970-01-01 00:00:00 UTC.
//!
//! A metric is a gauge at the end of the run, with its mean and, of several replications, the ends of
//! its interval; a time series is a gauge whose name begins with `cachesim_over_time`. What is part
//! of a name in the scenario, a tier or a node, is a label here. `promtool tsdb create-blocks-from
//! openmetrics` makes a database of it.

use std::collections::BTreeMap;

use crate::{
    experiment::Results,
    metrics::{self, Unit},
};

/// The samples of one metric, under its name.
struct Family {
    unit: &'static str,
    help: String,
    samples: Vec<String>,
}

/// The whole exposition.
#[must_use]
pub fn render(all: &[&Results]) -> String {
    // A family stands together, whichever scenario its samples are from.
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for results in all {
        for variant in &results.variants {
            let of_series = |series: &metrics::Series| series.values.len() as f64 * series.step_s;
            let end_s = variant.series.iter().map(of_series).fold(0.0, f64::max);
            for (name, interval) in &variant.metrics {
                let mut parts = vec![("mean", interval.mean)];
                if results.replications > 1 {
                    parts.extend([("low", interval.low), ("high", interval.high)]);
                }
                let (family, labels) = family(&mut families, "cachesim", name, interval.unit);
                for (statistic, value) in parts.into_iter().filter(|(_, value)| !value.is_nan()) {
                    let labels = format!(
                        "{},{labels}statistic=\"{statistic}\"",
                        origin(results, &variant.name)
                    );
                    family.samples.push(format!(
                        "{{{labels}}} {} {}",
                        number(value),
                        number(end_s)
                    ));
                }
            }
            for series in &variant.series {
                let prefix = "cachesim_over_time";
                let (family, labels) = family(&mut families, prefix, &series.name, series.unit);
                let labels = format!("{},{labels}", origin(results, &variant.name));
                let labels = labels.trim_end_matches(',');
                for (point, &value) in series.values.iter().enumerate() {
                    if !value.is_nan() {
                        // A point is known when its step is over.
                        let at_s = (point + 1) as f64 * series.step_s;
                        let sample = format!("{{{labels}}} {} {}", number(value), number(at_s));
                        family.samples.push(sample);
                    }
                }
            }
        }
    }
    let mut text = String::new();
    for (name, family) in families
        .iter()
        .filter(|(_, family)| !family.samples.is_empty())
    {
        text.push_str(&format!("# TYPE {name} gauge\n"));
        if !family.unit.is_empty() {
            text.push_str(&format!("# UNIT {name} {}\n", family.unit));
        }
        text.push_str(&format!("# HELP {name} {}\n", escape(&family.help)));
        for sample in &family.samples {
            text.push_str(&format!("{name}{sample}\n"));
        }
    }
    text.push_str("# EOF\n");
    text
}

/// The family of the metric `name`, and the labels that its name holds, each with a comma.
fn family<'a>(
    families: &'a mut BTreeMap<String, Family>,
    prefix: &str,
    name: &str,
    unit: Unit,
) -> (&'a mut Family, String) {
    let row = metrics::find(name);
    let pattern = row.map_or(name, |row| row.name);
    let mut labels = String::new();
    let mut words = vec![prefix.to_owned()];
    for (word, part) in pattern.split('.').zip(name.split('.')) {
        match word
            .strip_prefix('<')
            .and_then(|word| word.strip_suffix('>'))
        {
            // `tier.<tier>`, `node.<i>`: the word before says what it is.
            Some(_) => {
                let what = words.last().cloned().unwrap_or_default();
                labels.push_str(&format!("{what}=\"{}\",", escape(part)));
            }
            None => words.push(word.replace(|c: char| !c.is_ascii_alphanumeric(), "_")),
        }
    }
    let unit = match unit {
        Unit::Seconds => "seconds",
        Unit::Bytes => "bytes",
        Unit::Ratio => "ratio",
        Unit::PerSecond => "per_second",
        Unit::BytesPerSecond => "bytes_per_second",
        Unit::Count | Unit::Money => "",
    };
    let mut full = words.join("_");
    if !unit.is_empty() && !full.ends_with(&format!("_{unit}")) {
        full.push('_');
        full.push_str(unit);
    }
    let help = row.map_or_else(
        || format!("{name}, over simulated time"),
        |row| row.meaning.to_owned(),
    );
    let family = families.entry(full).or_insert_with(|| Family {
        unit,
        help,
        samples: Vec::new(),
    });
    (family, labels)
}

fn origin(results: &Results, variant: &str) -> String {
    format!(
        "scenario=\"{}\",variant=\"{}\"",
        escape(&results.name),
        escape(variant)
    )
}

/// As OpenMetrics has text in labels and help.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// The shortest spelling that reads back as the same number.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // As JSON spells it.
    serde_json::Number::from_f64(value).map_or_else(|| "NaN".to_owned(), |one| one.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn names_become_labels_and_units_end_names() {
        let mut results = samples::stampede(1);
        for variant in &mut results.variants {
            variant.metrics.retain(|name, _| {
                ["latency.p99", "tier.redis.node.1.rate", "staleness.max"].contains(&name.as_str())
            });
            variant.series.truncate(1);
            variant.series[0].values.truncate(3);
            variant.series[0].values[1] = f64::NAN;
            variant.name = "a \"b\"".to_owned();
        }
        insta::assert_snapshot!(render(&[&results]), @r#"
        # TYPE cachesim_latency_p99_seconds gauge
        # UNIT cachesim_latency_p99_seconds seconds
        # HELP cachesim_latency_p99_seconds from the intended arrival to the answer, 99th percentile of answered requests
        cachesim_latency_p99_seconds{scenario="stampede",variant="a \"b\"",statistic="mean"} 0.0010046868993378924 3.0
        # TYPE cachesim_over_time_database_qps_per_second gauge
        # UNIT cachesim_over_time_database_qps_per_second per_second
        # HELP cachesim_over_time_database_qps_per_second database.qps, over simulated time
        cachesim_over_time_database_qps_per_second{scenario="stampede",variant="a \"b\""} 10694.000807454626 1.0
        cachesim_over_time_database_qps_per_second{scenario="stampede",variant="a \"b\""} 6430.523348162539 3.0
        # TYPE cachesim_tier_node_rate_per_second gauge
        # UNIT cachesim_tier_node_rate_per_second per_second
        # HELP cachesim_tier_node_rate_per_second exchanges that reached the node, per second; of a tier with more than 100 nodes, the first 100 are reported
        cachesim_tier_node_rate_per_second{scenario="stampede",variant="a \"b\"",tier="redis",node="1",statistic="mean"} 208.74894356195912 3.0
        # EOF
        "#);
    }

    #[test]
    fn families_of_several_scenarios_stand_together() {
        let results = samples::stampede(2);
        let text = render(&[&results, &results]);
        assert_eq!(text.matches("# TYPE cachesim_hit_ratio gauge").count(), 1);
        assert!(text.ends_with("\n# EOF\n"));
    }
}
