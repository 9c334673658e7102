//! Caches under independent references: hit ratios that follow from popularity and capacity alone.

use super::{Check, Effort, Tolerance, metric, theory};

/// One cache without TTL in front of a database that answers at once: a sequence of requests.
fn scenario(requests: f64, warmup: f64, keys: &str, capacity: u64, eviction: &str) -> String {
    // A thousand requests a second.
    let (seconds, warmup) = (requests / 1000.0, warmup / 1000.0);
    format!(
        "duration = \"{}s\"\nwarmup = \"{warmup}s\"\n\
         [workload]\narrivals = {{ process = \"poisson\", rate = \"1000/s\" }}\n\
         keys = {keys}\nreads = 1.0\nvalue_size = \"100 B\"\n\
         [[tier]]\nname = \"cache\"\ncapacity = \"{capacity} entries\"\neviction = \"{eviction}\"\n\
         network = \"0s\"\nservice = {{ time = \"0s\" }}\ndefence = \"none\"\n\
         [database]\nconnections = 10\nservice_time = \"0s\"\n",
        seconds + warmup
    )
}

fn zipf(count: u64, exponent: f64) -> String {
    format!("{{ distribution = \"zipf\", count = {count}, exponent = {exponent:?} }}")
}

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    let mut checks = Vec::new();
    let four = [0.4, 0.3, 0.2, 0.1];
    let single = |weight: &f64| {
        let first_key = (10.0 * weight) as u32;
        format!(
            "{{ distribution = \"uniform\", count = 1, weight = {weight}, first_key = {first_key} }}"
        )
    };
    let four_keys = format!(
        "{{ distribution = \"mix\", components = [{}] }}",
        four.iter().map(single).collect::<Vec<_>>().join(", ")
    );
    for (eviction, hit_ratio) in [
        ("lru", theory::lru_exact(&four, 2)),
        ("fifo", theory::fifo_exact(&four, 2)),
        ("random", theory::fifo_exact(&four, 2)),
    ] {
        checks.push(exact(
            effort,
            eviction,
            "p .4 .3 .2 .1",
            &four_keys,
            2,
            hit_ratio,
        ));
    }
    let ten = theory::zipf(10, 1.0);
    for (eviction, hit_ratio) in [
        ("lru", theory::lru_exact(&ten, 3)),
        ("fifo", theory::fifo_exact(&ten, 3)),
        ("random", theory::fifo_exact(&ten, 3)),
    ] {
        checks.push(exact(
            effort,
            eviction,
            "Zipf(1), N 10",
            &zipf(10, 1.0),
            3,
            hit_ratio,
        ));
    }
    for (exponent, capacity) in [(1.0, 1000), (0.8, 1000), (1.0, 100)] {
        let probabilities = theory::zipf(10_000, exponent);
        let hit_ratio = |replacement| {
            theory::hit_ratio_by_characteristic_time(&probabilities, capacity as f64, replacement)
        };
        let lru = hit_ratio(theory::Replacement::Lru);
        let fifo = hit_ratio(theory::Replacement::FifoOrRandom);
        for (eviction, hit_ratio) in [("lru", lru), ("fifo", fifo), ("random", fifo)] {
            checks.push(large(effort, eviction, exponent, capacity, hit_ratio));
        }
    }
    checks
}

fn exact(
    effort: Effort,
    eviction: &str,
    popularity: &str,
    keys: &str,
    capacity: u64,
    hit_ratio: f64,
) -> Check {
    Check {
        model: format!("{eviction}, {popularity}, C {capacity} (exact)"),
        scenario: scenario(effort.seconds(800_000.0), 1000.0, keys, capacity, eviction),
        replications: 10,
        comparisons: vec![metric(
            "hit ratio",
            "hit_ratio",
            hit_ratio,
            Tolerance::Absolute(0.0015),
        )],
    }
}

fn large(effort: Effort, eviction: &str, exponent: f64, capacity: u64, hit_ratio: f64) -> Check {
    let keys = zipf(10_000, exponent);
    let warmup = 200_000.0;
    Check {
        model: format!("{eviction}, Zipf({exponent}), N 10 000, C {capacity} (Che)"),
        scenario: scenario(effort.seconds(300_000.0), warmup, &keys, capacity, eviction),
        replications: 10,
        comparisons: vec![metric(
            "hit ratio",
            "hit_ratio",
            hit_ratio,
            Tolerance::Absolute(0.002),
        )],
    }
}
