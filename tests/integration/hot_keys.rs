//! Hot keys: found by nodes, spread over copies, pinned in the process.

use crate::world::run;

/// One row, read 1000 times a second for five seconds, in a tier of four nodes.
const ONE_KEY: &str = r#"
duration = "5s"
[workload]
arrivals = { process = "constant", rate = "1k/s" }
keys     = { distribution = "sequential", count = 1 }
[[tier]]
name     = "cache"
nodes    = 4
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "100us" }
[database]
service_time = "0s"
"#;

const COPIES: &str = "tier.cache.hot_keys={ copies = 10, top = 1 }";

#[test]
fn each_copy_is_filled_by_its_own_miss_and_all_nodes_are_asked() {
    let one = run(ONE_KEY, &[]);
    one.is("tier.cache.imbalance", 4.0)
        .is("database.reads.rate", 1.0 / 5.0)
        .is("tier.cache.entries", 1.0)
        .is("tier.cache.utilization.max", 0.1 + 1.0 / 50_000.0)
        .is("tier.cache.hot_keys.copy_reads", 0.0);
    let ten = run(ONE_KEY, &[COPIES]);
    ten.is("database.reads.rate", 10.0 / 5.0)
        .is("tier.cache.miss_ratio", 10.0 / 5000.0);
    assert!(ten.get("tier.cache.imbalance") < 3.0);
    // Nine reads of ten are of another copy; 5 standard deviations of 5000 draws.
    let others = ten.get("tier.cache.hot_keys.copy_reads") / 5000.0;
    assert!((others - 0.9).abs() < 0.022, "{others}");
}

#[test]
fn a_write_deletes_every_copy() {
    // One of ten requests writes, so that every copy is filled again in between.
    let settings = ["workload.reads=0.9", COPIES];
    let run = run(ONE_KEY, &settings);
    let writes = run.get("database.writes.rate") * 5.0;
    run.is("tier.cache.invalidations.sent", 10.0 * writes);
    // A delete takes 100 us, and nobody reads an older row for longer than that after a write.
    assert!(run.get("staleness.max") < 2e-3);
    assert!(run.get("tier.cache.invalidations.useless") < 9.0 * writes);
}

#[test]
fn an_update_sets_every_copy() {
    let pattern = "tier.cache.pattern={ read = \"aside\", write = \"update\" }";
    let run = run(ONE_KEY, &["workload.reads=0.9", COPIES, pattern]);
    let writes = run.get("database.writes.rate") * 5.0;
    let sets = 10.0 * writes + 10.0;
    let reads = 5000.0 - writes;
    // Some copies may have been set by a write before they were ever missed.
    let exchanges = run.get("tier.cache.rate") * 5.0;
    assert!((exchanges - reads - sets).abs() <= 10.0, "{exchanges}");
    assert!(run.get("tier.cache.miss_ratio") <= 10.0 / reads);
}

#[test]
fn a_node_finds_a_key_that_comes_often_enough_and_no_other() {
    let detect = |threshold: &str| {
        format!("tier.cache.hot_keys={{ copies = 10, detect = {{ threshold = \"{threshold}\" }} }}")
    };
    // The 500th request of the first second makes it hot.
    let hot = run(ONE_KEY, &[&detect("500/s")]);
    hot.is("tier.cache.hot_keys.detected", 1.0);
    let others = hot.get("tier.cache.hot_keys.copy_reads");
    assert!((others / 4500.0 - 0.9).abs() < 0.023, "{others}");
    // What a node sees of ten copies it takes for all of them, so the key stays hot.
    let cold = run(ONE_KEY, &[&detect("1.1k/s")]);
    cold.is("tier.cache.hot_keys.detected", 0.0)
        .is("tier.cache.hot_keys.copy_reads", 0.0)
        .is("tier.cache.imbalance", 4.0);
}

#[test]
fn a_pinned_row_is_not_evicted() {
    // One entry of room, two keys in turn: each evicts the other, unless it is pinned.
    let one = r#"
duration = "5s"
[workload]
arrivals = { process = "constant", rate = "1k/s" }
keys     = { distribution = "sequential", count = 2 }
[[tier]]
name     = "process"
scope    = "instance"
capacity = "1 entries"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "0s"
"#;
    run(one, &[])
        .is("tier.process.miss_ratio", 1.0)
        .is("tier.process.hot_keys.pinned_hits", 0.0);
    let pin = "tier.process.hot_keys={ pin = \"1s\", detect = { threshold = \"100/s\" } }";
    let pinned = run(one, &[pin]);
    // Each is found hot by its 100th request. That of the first is still a miss; what it brings is
    // pinned and evicts nothing, so that of the second finds its row. After that only the end of each
    // pin is a miss, four times for each.
    pinned
        .is("tier.process.hot_keys.detected", 2.0)
        .is(
            "tier.process.hot_keys.pinned_hits",
            5000.0 - 200.0 - 2.0 * 4.0,
        )
        .is(
            "tier.process.hit_ratio",
            (5000.0 - 199.0 - 2.0 * 4.0) / 5000.0,
        );
}

#[test]
fn an_invalidation_takes_a_pinned_row_too() {
    let pin = r#"
duration = "5s"
[workload]
arrivals = { process = "constant", rate = "1k/s" }
keys     = { distribution = "sequential", count = 1 }
reads    = 0.99
[[tier]]
name     = "process"
scope    = "instance"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "0s" }
hot_keys = { pin = "1h", top = 1 }
[database]
service_time = "0s"
"#;
    let run = run(pin, &[]);
    run.is("staleness.ratio", 0.0);
    assert!(run.get("tier.process.hot_keys.pinned_hits") > 4000.0);
}

#[test]
fn the_top_keys_are_told_with_their_rates() {
    let settings = [
        "workload.keys={ distribution = \"mix\", components = [\
            { distribution = \"uniform\", count = 1, first_key = 7, weight = 1.0 },\
            { distribution = \"uniform\", count = 1000, first_key = 1000, weight = 1.0 }] }",
        "workload.arrivals.rate=20k/s",
    ];
    let run = run(ONE_KEY, &settings);
    let top = &run.0.top_keys;
    assert_eq!((top[0].tier.as_str(), top[0].key), ("cache", 7));
    // A sixteenth of 50 000 requests is 3125; five standard deviations of that are 280.
    assert!((top[0].rate - 10_000.0).abs() < 900.0, "{:?}", top[0]);
    assert!(top.len() <= 10);
    assert!(top.windows(2).all(|pair| pair[0].rate >= pair[1].rate));
}

#[test]
fn a_key_is_found_hot_on_a_node_that_joined_later() {
    let run = run(
        r#"
duration = "600ms"
[workload]
arrivals = "5k/s"
keys     = { distribution = "zipf", count = 20, exponent = 1.2 }
[app]
instances = 3
[[tier]]
name     = "process"
scope    = "instance"
nodes    = 2
capacity = "5 entries"
ttl      = "50ms"
hot_keys = { pin = "30ms", detect = { threshold = "50/s", cool_down = "50ms" } }
[database]
service_time = "1ms"
[[event]]
at     = "100ms"
action = "resize"
nodes  = 3
target = "tier.process"
"#,
        &[],
    );
    run.keeps_the_laws();
    assert!(run.get("tier.process.hot_keys.pinned_hits") > 0.0);
}
