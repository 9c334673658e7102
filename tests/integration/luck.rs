//! Luck: the same for the same seed, and the same for all variants.

use std::process::Command;

use crate::metrics::BUSY;
use crate::world::{Run, plan, run, run_plan, study};

/// Every request reads a row of its own and nothing ever waits, so a read's time is that of two
/// lookups, a query and two sets, whatever happens to others.
const INDEPENDENT: &str = r#"
duration = "2s"
drain    = true
[workload]
arrivals = { process = "poisson", rate = "1000/s" }
keys     = { distribution = "sequential", count = 1_000_000 }
[[tier]]
name     = "near"
capacity = "unlimited"
network  = { distribution = "exponential", mean = "1ms" }
service  = { workers = 10000, time = { distribution = "exponential", mean = "1ms" } }
[[tier]]
name     = "far"
capacity = "unlimited"
network  = { distribution = "exponential", mean = "2ms" }
service  = { workers = 10000, time = { distribution = "exponential", mean = "2ms" } }
[database]
connections  = 10000
service_time = { distribution = "exponential", mean = "8ms" }
network      = { distribution = "exponential", mean = "4ms" }
"#;

/// Keys are asked for until 3 s, and what has been stored by 5 s stays.
const DISTINCT_KEYS: &str = r#"
duration = "6s"
warmup   = "5s"
[workload]
arrivals   = { process = "poisson", rate = { curve = "steps", points = [["0s", "1k/s"], ["3s", "0/s"]] } }
keys       = { distribution = "zipf", count = 3000, exponent = 0.9 }
value_size = { distribution = "lognormal", median = "1KiB", p99 = "20KiB" }
[app]
instances = 10
[[tier]]
name     = "cache"
nodes    = 3
capacity = "unlimited"
[database]
connections  = 100
service_time = { distribution = "lognormal", median = "5ms", p99 = "50ms" }
"#;

#[test]
fn the_same_seed_gives_the_same_outcome_to_the_last_bit() {
    let twice = [run(BUSY, &[]), run(BUSY, &[])].map(|run| run.digest());
    assert_eq!(twice[0], twice[1]);
    assert_ne!(twice[0], run(BUSY, &["seed=6"]).digest());
}

#[test]
fn each_replication_has_luck_of_its_own() {
    let plan = plan(BUSY, &[]);
    let digests = [0, 1, 2].map(|replication| run_plan(&plan, replication).digest());
    assert_ne!(digests[0], digests[1]);
    assert_ne!(digests[1], digests[2]);
    assert_eq!(digests[1], run_plan(&plan, 1).digest());
}

#[test]
fn json_is_the_same_bytes_from_one_thread_and_from_eight() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let variant =
        "[[variant]]\nname = \"undefended\"\nset = { \"tier.near.defence\" = \"none\" }\n";
    let text = format!("{}{variant}", BUSY.replace("\"4s\"", "\"2s\""));
    std::fs::write(place.path().join("busy.toml"), text).expect("a file in it");
    let json = |threads: &str| {
        let arguments = "run busy.toml --no-files --format json --replications 8 --threads";
        let output = Command::new(env!("CARGO_BIN_EXE_cachesim"))
            .args(arguments.split(' ').chain([threads]))
            .current_dir(place.path())
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        output.stdout
    };
    let one = json("1");
    assert!(one.len() > 10_000, "{}", one.len());
    assert!(one == json("8"), "results depend on the number of threads");
}

/// Mean latency with some times multiplied: (none, one tier's, ...).
fn mean_latency(settings: &[&str]) -> f64 {
    run(INDEPENDENT, settings).get("latency.mean")
}

#[test]
fn changing_a_time_moves_no_other_draw() {
    // Exponential times are proportional to their mean. So if a second mean on top adds as much as
    // a third does, every other draw, and each of its own, has stayed what it was.
    let base = mean_latency(&[]);
    for (path, mean_ms) in [
        ("tier.near.network", 1),
        ("tier.near.service.time", 1),
        ("tier.far.network", 2),
        ("tier.far.service.time", 2),
        ("database.service_time", 8),
        ("database.network", 4),
    ] {
        let with = |mean_ms: i32| {
            let value = format!("{{ distribution = \"exponential\", mean = \"{mean_ms}ms\" }}");
            mean_latency(&[&format!("{path}={value}")])
        };
        let (twice, thrice) = (with(2 * mean_ms), with(3 * mean_ms));
        let (second, third) = (twice - base, thrice - twice);
        // Each draw is rounded to a nanosecond.
        assert!(
            (second - third).abs() < 4e-9,
            "{path}: {second} and {third}"
        );
        assert!(second > 0.8e-3 * f64::from(mean_ms), "{path}: {second}");
    }
}

#[test]
fn each_time_is_drawn_apart_from_every_other() {
    // Lookup, set and query have luck of their own: were the draws of two of them one, removing
    // both would differ from removing each.
    let near = "tier.near.network=0s";
    let far = "tier.far.network=0s";
    let base = mean_latency(&[]);
    let both = base - mean_latency(&[near, far]);
    let each = [near, far].map(|path| base - mean_latency(&[path]));
    assert!((both - each[0] - each[1]).abs() < 4e-9);
    assert!(
        (each[1] / each[0] - 2.0).abs() > 1e-6,
        "one stream for two tiers: {each:?}"
    );
}

#[test]
fn variants_meet_the_same_arrivals_keys_and_sizes() {
    let variants = r#"
[[variant]]
name = "slow-database"
set  = { "database.service_time" = "40ms" }
[[variant]]
name = "one-connection-less"
set  = { "database.connections" = 99, "database.slowdown" = 1.0 }
[[variant]]
name = "single-flight"
set  = { "tier.cache.defence" = "single-flight", "app.instances" = 3 }
[[variant]]
name = "one-node"
set  = { "tier.cache.nodes" = 1, "tier.cache.network" = "2ms", "tier.cache.service.workers" = 9 }
[[variant]]
name = "policy"
set  = { "tier.cache.eviction" = "s3-fifo", "tier.cache.placement" = "modulo" }
"#;
    let study = study(&format!("{DISTINCT_KEYS}{variants}"), &[]);
    let runs: Vec<Run> = study
        .variants
        .iter()
        .map(|it| run_plan(&it.plan, 0))
        .collect();
    assert_eq!(runs.len(), 6);
    let base = &runs[0];
    assert!(base.get("tier.cache.entries") > 1000.0);
    for (run, variant) in runs.iter().zip(&study.variants) {
        assert_eq!(run.0.requests, base.0.requests, "{}", variant.name);
        // The rows that were asked for at least once, and their sizes.
        for name in ["tier.cache.entries", "tier.cache.bytes"] {
            assert_eq!(run.get(name), base.get(name), "{name} in {}", variant.name);
        }
    }
    assert_ne!(runs[1].digest(), base.digest());
}

#[test]
fn the_share_of_reads_does_not_change_who_is_asked_for() {
    // Of 20 000 rows in a circle with few writes, the resident ones after one round are those that
    // were read last; a write takes its row out, a read puts it in.
    let text = DISTINCT_KEYS.replace(
        r#"{ distribution = "zipf", count = 3000, exponent = 0.9 }"#,
        r#"{ distribution = "uniform", count = 1_000_000 }"#,
    );
    let entries = |reads: &str| run(&text, &[reads]).get("tier.cache.entries");
    let all = entries("workload.reads=1");
    let few = entries("workload.reads=0.5");
    let fewer = entries("workload.reads=0.1");
    assert!(all > few && few > fewer, "{all}, {few}, {fewer}");
    assert!((few / all - 0.5).abs() < 0.05 && (fewer / all - 0.1).abs() < 0.05);
    let requests = |reads: &str| run(&text, &[reads]).0.requests;
    assert_eq!(requests("workload.reads=1"), requests("workload.reads=0.1"));
}

#[test]
fn a_query_takes_as_long_in_every_variant() {
    // No tier and no queue: a different number of connections changes nothing but utilization.
    let text = INDEPENDENT.split("[[tier]]").next().unwrap().to_owned()
        + "[database]\nconnections = 5000\nservice_time = { distribution = \"lognormal\", median = \"5ms\", p99 = \"50ms\" }\n";
    let base = run(&text, &[]);
    let more = run(&text, &["database.connections=10000"]);
    for (name, value) in &base.0.metrics {
        let factor = if name == "database.utilization" {
            2.0
        } else {
            1.0
        };
        let other = more.get(name) * factor;
        assert!(
            *value == other || value.is_nan() && other.is_nan(),
            "{name}"
        );
    }
}
