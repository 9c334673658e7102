//! What a Bloom filter lets pass, and how long a page of many keys takes.

use super::{Check, Effort, Tolerance, metric, theory};

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    vec![
        bloom_filter(effort, 100_000, 0.01),
        bloom_filter(effort, 20_000, 0.1),
        page(effort, 30, "parallel"),
        page(effort, 100, "parallel"),
        page(effort, 30, "sequence"),
    ]
}

/// Reads of rows that do not exist, hardly any twice, in front of a filter of `keys` keys.
fn bloom_filter(effort: Effort, keys: u64, rate: f64) -> Check {
    let (bits, probes) = crate::eviction::admission::filter::size(keys, rate);
    Check {
        model: format!("Bloom filter, {keys} keys, {bits} bits, {probes} hashes"),
        scenario: format!(
            "duration = \"{:.1}s\"\n\
             [workload]\narrivals = \"10k/s\"\n\
             keys = {{ distribution = \"uniform\", count = {keys} }}\n\
             absent = {{ share = 1.0, keys = 1_000_000_000_000 }}\n\
             [app]\nbloom_filter = {rate}\n\
             [database]\nconnections = 1000\nservice_time = \"1ms\"\n",
            effort.seconds(100.0)
        ),
        replications: 4,
        comparisons: vec![metric(
            "false positives",
            "app.bloom_filter.false_positive_ratio",
            theory::bloom_false_positives(keys, bits, probes),
            Tolerance::Relative(0.03),
        )],
    }
}

/// Pages of `keys` keys, each an exponential query that never waits.
fn page(effort: Effort, keys: u32, mode: &str) -> Check {
    let fetch_s = 0.01;
    let mut comparisons = Vec::new();
    if mode == "parallel" {
        comparisons.push(metric(
            "mean, s",
            "latency.mean",
            theory::slowest_mean(keys) * fetch_s,
            Tolerance::Relative(0.01),
        ));
        comparisons.push(metric(
            "p99, s",
            "latency.p99",
            theory::slowest_quantile(keys, 0.99) * fetch_s,
            Tolerance::Relative(0.03),
        ));
    } else {
        comparisons.push(metric(
            "mean, s",
            "latency.mean",
            f64::from(keys) * fetch_s,
            Tolerance::Relative(0.01),
        ));
    }
    comparisons.push(metric(
        "p99 of one key, s",
        "page.key_latency.p99",
        -libm::log(0.01) * fetch_s,
        Tolerance::Relative(0.02),
    ));
    Check {
        model: format!("page of {keys} keys in {mode}, exponential queries"),
        scenario: format!(
            "duration = \"{:.1}s\"\ndrain = true\n\
             [workload]\narrivals = \"{}/s\"\n\
             keys = {{ distribution = \"uniform\", count = \"100M\" }}\n\
             page = {{ keys = {keys}, mode = \"{mode}\" }}\n\
             [database]\nconnections = 100_000\n\
             service_time = {{ distribution = \"exponential\", mean = \"10ms\" }}\n",
            // The 99th percentile of the slowest of many has a wide error: it needs many pages.
            effort.seconds(400.0),
            3000 / keys,
        ),
        replications: 4,
        comparisons,
    }
}
