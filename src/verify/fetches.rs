//! Fetches that take time: one key under TTL, with and without a defence.

use super::{Check, Effort, Tolerance, metric, theory};

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    vec![
        single_flight(effort, 100.0, 10.0, 0.2),
        single_flight(effort, 20.0, 2.0, 0.5),
        undefended(effort, 100.0, 10.0, 0.2),
        undefended(effort, 20.0, 2.0, 0.5),
    ]
}

fn scenario(effort: Effort, rate: f64, ttl_s: f64, fetch_s: f64, defence: &str) -> String {
    // Expiries come almost like clockwork, so whole cycles are measured.
    let cycle = ttl_s + fetch_s + 1.0 / rate;
    let seconds = libm::ceil(effort.seconds(3_000_000.0 / rate / 10.0) / cycle) * cycle;
    let warmup = 10.0 * ttl_s;
    format!(
        "duration = \"{:.3}s\"\nwarmup = \"{warmup}s\"\n\
         [workload]\narrivals = {{ process = \"poisson\", rate = \"{rate}/s\" }}\n\
         keys = {{ distribution = \"uniform\", count = 1 }}\nreads = 1.0\nvalue_size = \"100 B\"\n\
         [[tier]]\nname = \"cache\"\ncapacity = \"10 entries\"\nttl = \"{ttl_s}s\"\n\
         network = \"0s\"\nservice = {{ time = \"0s\" }}\ndefence = \"{defence}\"\n\
         [database]\nconnections = 1000\nservice_time = \"{}ms\"\n",
        seconds + warmup,
        fetch_s * 1000.0
    )
}

fn single_flight(effort: Effort, rate: f64, ttl_s: f64, fetch_s: f64) -> Check {
    let expected = theory::single_flight(rate, ttl_s, fetch_s);
    let near = Tolerance::Absolute(0.0005);
    let relative = Tolerance::Relative(0.015);
    Check {
        model: format!("single-flight, one key, {rate}/s, TTL {ttl_s} s, fetch {fetch_s} s"),
        scenario: scenario(effort, rate, ttl_s, fetch_s, "single-flight"),
        replications: 10,
        comparisons: vec![
            metric("hits", "tier.cache.hit_ratio", expected.hit, near),
            metric(
                "delayed hits",
                "tier.cache.delayed_hit_ratio",
                expected.delayed_hit,
                near,
            ),
            metric(
                "queries per s",
                "database.qps.mean",
                expected.queries,
                relative,
            ),
            metric(
                "mean latency, s",
                "latency.mean",
                expected.mean_latency,
                relative,
            ),
        ],
    }
}

fn undefended(effort: Effort, rate: f64, ttl_s: f64, fetch_s: f64) -> Check {
    let expected = theory::no_defence(rate, ttl_s, fetch_s);
    Check {
        model: format!("no defence, one key, {rate}/s, TTL {ttl_s} s, fetch {fetch_s} s"),
        scenario: scenario(effort, rate, ttl_s, fetch_s, "none"),
        replications: 10,
        comparisons: vec![
            metric(
                "hits",
                "tier.cache.hit_ratio",
                expected.hit,
                Tolerance::Absolute(0.0005),
            ),
            metric(
                "queries per s",
                "database.qps.mean",
                expected.queries,
                Tolerance::Relative(0.015),
            ),
        ],
    }
}
