//! When entries expire, and what becomes of them then.

use crate::world::run;

/// A request every 50 ms for one key; a fetch takes 40 ms and nothing else takes any time. So the
/// value is stored 40 ms after the request that missed.
const ONE_KEY: &str = r#"
duration = "4200ms"
[workload]
arrivals = { process = "constant", rate = "20/s" }
keys     = { distribution = "sequential", count = 1 }
[[tier]]
name     = "cache"
capacity = "unlimited"
ttl      = "260ms"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "40ms"
"#;

/// Each of some keys once in the first second, and then nothing for a long time.
const ONCE: &str = r#"
duration = "10s"
[workload]
arrivals   = { process = "constant", rate = { curve = "steps", points = [["0s", "20/s"], ["1s", "0/s"]] } }
keys       = { distribution = "sequential", count = 20 }
value_size = "100B"
[[tier]]
name     = "cache"
capacity = "unlimited"
ttl      = "2s"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "10ms"
"#;

#[test]
fn a_ttl_counts_from_the_moment_of_storing_and_the_entry_is_gone_at_exactly_that_instant() {
    // Stored at 40, gone at 300: five hits (50 to 250), and a miss at 300 exactly.
    run(ONE_KEY, &[])
        .is("requests.arrived", 84.0)
        .is("tier.cache.miss_ratio", 1.0 / 6.0)
        .is("tier.cache.expirations.rate", 13.0 / 4.2);
    // A nanosecond longer: six hits, for the one at 300 finds it.
    run(ONE_KEY, &["tier.cache.ttl=260ms1ns"])
        .is("tier.cache.miss_ratio", 1.0 / 7.0)
        .is("tier.cache.expirations.rate", 11.0 / 4.2);
}

#[test]
fn a_sliding_ttl_is_started_anew_by_each_hit() {
    // Stored at 40, to expire at 100: unless it slides, the request at 100 comes too late.
    let fixed = run(ONE_KEY, &["tier.cache.ttl=60ms"]);
    fixed.is("tier.cache.miss_ratio", 1.0 / 2.0);
    let sliding = run(
        ONE_KEY,
        &["tier.cache.ttl={ base = \"60ms\", sliding = true }"],
    );
    sliding.is("tier.cache.miss_ratio", 1.0 / 84.0);
    // Slid by the hit at 50, gone at 50 + 50 exactly.
    let just_too_short = run(
        ONE_KEY,
        &["tier.cache.ttl={ base = \"50ms\", sliding = true }"],
    );
    just_too_short.is("tier.cache.miss_ratio", 1.0 / 2.0);
}

/// Keys in a circle, so that each is looked up again after `period_ms`, just once.
fn hit_ratio_of_the_second_round(ttl: &str, period_ms: u64) -> f64 {
    let keys = format!("workload.keys.count={period_ms}");
    let duration = format!("duration={}ms", 2 * period_ms);
    let settings = [
        keys.as_str(),
        &duration,
        &format!("tier.cache.ttl={ttl}"),
        "workload.arrivals.rate=1000/s",
        "database.service_time=1us",
    ];
    2.0 * run(ONE_KEY, &settings).get("tier.cache.hit_ratio")
}

#[test]
fn jitter_is_drawn_from_its_bounds_and_nowhere_else() {
    let symmetric = r#"{ base = "500ms", jitter = 0.2 }"#;
    assert_eq!(hit_ratio_of_the_second_round(symmetric, 400), 1.0);
    let middle = hit_ratio_of_the_second_round(symmetric, 500);
    assert!((0.4..0.6).contains(&middle), "{middle}");
    let ends = [420, 580].map(|period| hit_ratio_of_the_second_round(symmetric, period));
    assert!(ends[0] > 0.85 && ends[0] < 1.0, "{ends:?}");
    assert!(ends[1] > 0.0 && ends[1] < 0.15, "{ends:?}");
    assert_eq!(hit_ratio_of_the_second_round(symmetric, 601), 0.0);
    let one_sided = r#"{ base = "500ms", jitter = "+0..0.2" }"#;
    assert_eq!(hit_ratio_of_the_second_round(one_sided, 500), 1.0);
    let middle = hit_ratio_of_the_second_round(one_sided, 550);
    assert!((0.4..0.6).contains(&middle), "{middle}");
    assert_eq!(hit_ratio_of_the_second_round(one_sided, 601), 0.0);
}

#[test]
fn an_expired_entry_that_nobody_touches_stays() {
    run(ONCE, &["warmup=5s"])
        .is("tier.cache.entries", 20.0)
        .is("tier.cache.bytes", 2000.0);
    run(ONCE, &[]).is("tier.cache.expirations.rate", 0.0);
}

#[test]
fn an_active_sweep_takes_expired_entries_out() {
    let sweep = "tier.cache.sweep={ interval = \"100ms\", sample = 4 }";
    run(ONCE, &[sweep, "warmup=5s"])
        .is("tier.cache.entries", 0.0)
        .is("tier.cache.bytes", 0.0);
    run(ONCE, &[sweep]).is("tier.cache.expirations.rate", 20.0 / 10.0);
    // It does not touch what is still good.
    let settings = [sweep, "tier.cache.ttl=1h", "warmup=5s"];
    run(ONCE, &settings).is("tier.cache.entries", 20.0);
}

#[test]
fn a_lookup_takes_the_expired_entry_out_that_it_touches() {
    // All 20 have expired by then. One is asked for at 6 s, and its fetch ends after the run.
    let settings = [
        "workload.arrivals.rate.points=[[\"0s\", \"20/s\"], [\"1s\", \"0/s\"], [\"6s\", \"20/s\"], [\"6020ms\", \"0/s\"]]",
        "database.service_time=4500ms",
        "tier.cache.ttl=100ms",
        "warmup=7s",
    ];
    let run = run(ONCE, &settings);
    run.is("tier.cache.entries", 19.0)
        .is("tier.cache.bytes", 1900.0)
        .is("tier.cache.expirations.rate", 0.0);
}

#[test]
fn an_expired_entry_occupies_space_until_it_is_evicted() {
    // Each entry has expired long before the next but nine comes, and still the node is full.
    let settings = ["tier.cache.ttl=10ms", "tier.cache.capacity=10 entries"];
    let run = run(ONCE, &settings);
    run.is("tier.cache.evictions.rate", 10.0 / 10.0)
        .is("tier.cache.expirations.rate", 0.0);
    let warm = [&settings[..], &["warmup=5s"]].concat();
    crate::world::run(ONCE, &warm).is("tier.cache.entries", 10.0);
}

#[test]
fn capacity_in_bytes_counts_values_and_the_overhead_of_entries() {
    let bytes = ["tier.cache.capacity=1000B", "tier.cache.ttl=never"];
    let run = |overhead: &str| {
        let overhead = format!("tier.cache.entry_overhead={overhead}");
        crate::world::run(ONCE, &[&bytes[..], &[&overhead, "warmup=5s"]].concat())
    };
    run("0B")
        .is("tier.cache.entries", 10.0)
        .is("tier.cache.bytes", 1000.0);
    run("25B")
        .is("tier.cache.entries", 8.0)
        .is("tier.cache.bytes", 800.0);
    run("901B")
        .is("tier.cache.entries", 0.0)
        .is("tier.cache.bytes", 0.0);
}

#[test]
fn an_evicted_entry_is_fetched_again() {
    // 20 keys in a circle are more than 19 entries: the next key to come is always the one that
    // has just left. With 20 entries every key is fetched once.
    let circle = |capacity: &str| {
        let settings = [
            "workload.arrivals.rate=1000/s",
            "tier.cache.ttl=never",
            "database.service_time=100us",
            capacity,
        ];
        run(ONCE, &settings)
    };
    circle("tier.cache.capacity=19 entries").is("hit_ratio", 0.0);
    circle("tier.cache.capacity=20 entries").is("hit_ratio", 1.0 - 20.0 / 10_000.0);
}
