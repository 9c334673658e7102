//! Fetches that take time: one key under TTL, with and without a defence.

use super::{Check, Effort, Tolerance, metric, observation, theory};

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    vec![
        single_flight(effort, 100.0, 10.0, 0.2),
        single_flight(effort, 20.0, 2.0, 0.5),
        undefended(effort, 100.0, 10.0, 0.2),
        undefended(effort, 20.0, 2.0, 0.5),
        // TTLs that leave room for the gap and a few standard deviations of it.
        early_expiration(effort, 1.0, 12.0, 0.1),
        early_expiration(effort, 2.0, 30.0, 0.06),
        without_early_expiration(effort),
    ]
}

fn scenario(effort: Effort, rate: f64, ttl_s: f64, fetch_s: f64, defence: &str) -> String {
    // Expiries come almost like clockwork, so whole cycles are measured.
    let cycle = ttl_s + fetch_s + 1.0 / rate;
    let seconds = libm::ceil(effort.seconds(3_000_000.0 / rate / 10.0) / cycle) * cycle;
    let warmup_s = 10.0 * ttl_s;
    let defence = format!("\"{defence}\"");
    scenario_of(rate, ttl_s, fetch_s, &defence, warmup_s, seconds)
}

/// As [`scenario`], for so many seconds and with the defence as it is written.
fn scenario_of(
    rate: f64,
    ttl_s: f64,
    fetch_s: f64,
    defence: &str,
    warmup_s: f64,
    seconds: f64,
) -> String {
    format!(
        "duration = \"{:.3}s\"\nwarmup = \"{warmup_s}s\"\n\
         [workload]\narrivals = {{ process = \"poisson\", rate = \"{rate}/s\" }}\n\
         keys = {{ distribution = \"uniform\", count = 1 }}\nreads = 1.0\nvalue_size = \"100 B\"\n\
         [[tier]]\nname = \"cache\"\ncapacity = \"10 entries\"\nttl = \"{ttl_s}s\"\n\
         network = \"0s\"\nservice = {{ time = \"0s\" }}\ndefence = {defence}\n\
         [database]\nconnections = 1000\nservice_time = \"{}ms\"\n",
        seconds + warmup_s,
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

/// 100 requests a second for a key that takes a second to fetch.
const EARLY: (f64, f64) = (100.0, 1.0);

fn early_expiration(effort: Effort, beta: f64, ttl_s: f64, near: f64) -> Check {
    let (rate, fetch_s) = EARLY;
    let expected = theory::early_expiration(rate, fetch_s, beta);
    let defence = format!("{{ kind = \"early-expiration\", beta = {beta:.1} }}");
    // As many cycles as the tolerance needs: the recomputations of one vary about as much as their mean.
    let cycles = match effort {
        Effort::Full => 10_000.0,
        Effort::Quick => 6_000.0,
    };
    let replications = 10;
    let warmup_s = 10.0 * ttl_s;
    let seconds = cycles * (ttl_s - expected.mean_gap + fetch_s) / replications as f64;
    Check {
        model: format!(
            "early expiration, one key, {rate}/s, TTL {ttl_s} s, fetch {fetch_s} s, beta {beta}"
        ),
        scenario: scenario_of(rate, ttl_s, fetch_s, &defence, warmup_s, seconds),
        replications,
        comparisons: vec![
            observation(
                "recomputations per cycle",
                expected.recomputations,
                Tolerance::Absolute(near),
                |run| run["tier.cache.early.fetches"] / run["tier.cache.early.rounds"],
            ),
            metric(
                "gap before expiry, s",
                "tier.cache.early.lead.mean",
                expected.mean_gap,
                Tolerance::Relative(0.01),
            ),
        ],
    }
}

fn without_early_expiration(effort: Effort) -> Check {
    let (rate, fetch_s) = EARLY;
    let ttl_s = 12.0;
    Check {
        model: format!("no early expiration, one key, {rate}/s, TTL {ttl_s} s, fetch {fetch_s} s"),
        scenario: scenario(effort, rate, ttl_s, fetch_s, "none"),
        replications: 10,
        comparisons: vec![observation(
            "recomputations per cycle",
            theory::no_defence(rate, ttl_s, fetch_s).queries_per_expiry,
            Tolerance::Relative(0.015),
            |run| run["database.reads.rate"] / run["tier.cache.expirations.rate"],
        )],
    }
}
