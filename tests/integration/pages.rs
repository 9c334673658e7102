//! Requests of many keys: how long a page takes, and what is counted of it.

use crate::world::run;

/// A page of all three rows every second, and a query takes 10 ms.
const THREE_ROWS: &str = r#"
duration = "5s"
[workload]
arrivals = { process = "constant", rate = "1/s" }
keys     = { distribution = "sequential", count = 3 }
page     = { keys = 3 }
[database]
connections  = 10
service_time = "10ms"
"#;

/// The same through one node, an exchange with which takes 1 ms and 100 us of its only worker. At
/// 2, 3 and 4 seconds all rows are there.
const CACHED: &str = r#"
duration = "5s"
warmup   = "1500ms"
[workload]
arrivals = { process = "constant", rate = "1/s" }
keys     = { distribution = "sequential", count = 3 }
page     = { keys = 3 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "1ms"
service  = { workers = 1, time = "100us" }
[database]
connections  = 10
service_time = "10ms"
"#;

#[test]
fn a_page_takes_as_long_as_its_slowest_key_or_as_all_of_them() {
    run(THREE_ROWS, &[])
        .is("latency.max", 10e-3)
        .is("requests.answered", 5.0)
        .is("page.keys.mean", 3.0)
        .is("hit_ratio", 0.0)
        .is("database.reads.rate", 3.0);
    run(THREE_ROWS, &["workload.page.mode=sequence"])
        .is("latency.mean", 30e-3)
        .is("page.key_latency.mean", 10e-3);
    // One connection: the keys wait for one another.
    run(THREE_ROWS, &["database.connections=1"])
        .is("latency.mean", 30e-3)
        .is("page.key_latency.mean", 20e-3);
}

#[test]
fn the_keys_of_one_node_travel_together() {
    let measured_s = 3.5;
    run(CACHED, &[])
        // The third lookup waits for the two before it.
        .is("latency.mean", 1.3e-3)
        .is("tier.cache.rate", 9.0 / measured_s)
        .is("tier.cache.hit_ratio", 1.0)
        .is("hit_ratio", 1.0)
        .is("requests.answered", 3.0);
    run(CACHED, &["workload.page.multi_get=true"])
        // Two fifths of a lookup more than for one key.
        .is("latency.mean", 1.14e-3)
        .is("tier.cache.rate", 3.0 / measured_s)
        .is("tier.cache.hit_ratio", 1.0)
        .is("page.key_latency.max", 1.14e-3);
    let dear = ["workload.page.multi_get=true", "workload.page.key_cost=1"];
    run(CACHED, &dear).is("latency.mean", 1.3e-3);
    run(CACHED, &["workload.page.mode=sequence"]).is("latency.mean", 3.3e-3);
}

#[test]
fn what_multi_get_does_not_find_is_fetched_key_by_key() {
    // The first page: lookups 1.14 ms, queries 10 ms, and the three sets wait for one another.
    for mode in ["parallel", "sequence"] {
        let first = run(
            CACHED,
            &[
                "workload.page.multi_get=true",
                &format!("workload.page.mode={mode}"),
                "duration=500ms",
                "warmup=0s",
            ],
        );
        let sets_and_queries = match mode {
            "parallel" => 10e-3 + 1.3e-3,
            _ => 3.0 * (10e-3 + 1.1e-3),
        };
        first.is("latency.max", 1.14e-3 + sets_and_queries);
        first.is("tier.cache.miss_ratio", 1.0);
        first.is("requests.answered", 1.0);
    }
}

#[test]
fn a_page_fails_with_one_of_its_keys() {
    // Two of three find no room at the database.
    let settings = ["database.connections=1", "database.queue_limit=0"];
    run(THREE_ROWS, &settings)
        .is("requests.rejected", 5.0)
        .is("requests.answered", 0.0);
    // One after another there is room for each.
    let settings = [settings[0], settings[1], "workload.page.mode=sequence"];
    run(THREE_ROWS, &settings).is("requests.answered", 5.0);
}

#[test]
fn a_page_of_one_key_is_a_plain_request() {
    let plain = run(CACHED, &["workload.page.keys=1"]);
    for (name, value) in &run(&CACHED.replace("page     = { keys = 3 }", ""), &[])
        .0
        .metrics
    {
        if !name.starts_with("page.") {
            let of_page = plain.get(name);
            assert!(
                of_page == *value || value.is_nan(),
                "{name}: {of_page}, {value}"
            );
        }
    }
}
