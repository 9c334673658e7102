//! Connections between the app and the nodes of a tier: who waits for one, and for how long.

use crate::world::run;

/// A page of all three rows every second; an exchange takes 10 ms of the network, and so does a query.
/// At 2, 3 and 4 seconds all rows are there.
const THREE_AT_ONCE: &str = r#"
duration = "5s"
warmup   = "1500ms"
[workload]
arrivals = { process = "constant", rate = "1/s" }
keys     = { distribution = "sequential", count = 3 }
page     = { keys = 3 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "10ms"
service  = { workers = 10, time = "0s" }
[database]
connections  = 10
service_time = "10ms"
"#;

const MEASURED_S: f64 = 3.5;

#[test]
fn exchanges_of_one_instance_with_one_node_take_turns_on_its_connections() {
    let free = run(THREE_AT_ONCE, &[]);
    free.is("latency.mean", 10e-3);
    assert!(!free.0.metrics.contains_key("tier.cache.connections.max"));
    run(THREE_AT_ONCE, &["tier.cache.connections=2"])
        .is("latency.mean", 20e-3)
        .is("tier.cache.connections.max", 2.0)
        .is("tier.cache.connections.in_use", 9.0 * 10e-3 / MEASURED_S)
        .is_about("tier.cache.connections.wait.p99", 10e-3);
    run(THREE_AT_ONCE, &["tier.cache.connections=1"])
        .is("latency.mean", 30e-3)
        .is("tier.cache.connections.max", 1.0)
        .is("tier.cache.connections.in_use", 9.0 * 10e-3 / MEASURED_S)
        .is("tier.cache.connections.refused", 0.0)
        .is_about("tier.cache.connections.wait.p99", 20e-3);
    // As many as are needed cost nothing.
    run(THREE_AT_ONCE, &["tier.cache.connections=3"])
        .is("latency.mean", 10e-3)
        .is("tier.cache.connections.max", 3.0)
        .is("tier.cache.connections.wait.p99", 0.0);
}

#[test]
fn each_node_has_a_pool_of_its_own_and_keys_of_one_exchange_share_a_connection() {
    let apart = ["tier.cache.connections=1", "tier.cache.placement=random"];
    let three_nodes = [&apart[..], &["tier.cache.nodes=1000"]].concat();
    // Chance finds three different nodes of so many.
    run(THREE_AT_ONCE, &three_nodes).is("tier.cache.connections.wait.p99", 0.0);
    let together = ["tier.cache.connections=1", "workload.page.multi_get=true"];
    run(THREE_AT_ONCE, &together)
        .is("latency.mean", 10e-3)
        .is("tier.cache.connections.wait.p99", 0.0)
        .is("tier.cache.connections.in_use", 3.0 * 10e-3 / MEASURED_S);
}

#[test]
fn who_finds_no_room_to_wait_goes_around_the_tier() {
    // Of the three keys of the first page one gets the connection: 10 ms for the lookup, 10 ms for the
    // query, 10 ms for the set. The others query at once, and store nothing.
    let settings = [
        "tier.cache.connections={ most = 1, queue_limit = 0 }",
        "warmup=0s",
        "duration=500ms",
    ];
    run(THREE_AT_ONCE, &settings)
        .is("latency.max", 30e-3)
        .is("tier.cache.connections.refused", 2.0)
        .is("tier.cache.refused", 0.0)
        .is("tier.cache.miss_ratio", 1.0)
        .is("database.reads.rate", 3.0 / 0.5);
}

#[test]
fn a_connection_is_held_until_the_node_has_loaded() {
    // A read through one connection: 10 ms of the network and 10 ms of the query for each key.
    let settings = [
        "tier.cache.connections=1",
        "tier.cache.pattern=through",
        "warmup=0s",
        "duration=500ms",
    ];
    run(THREE_AT_ONCE, &settings)
        .is("latency.max", 60e-3)
        .is("tier.cache.connections.in_use", 60e-3 / 0.5);
}

#[test]
fn who_gives_up_gives_the_connection_back() {
    // Each request has it for 5 ms, and the next one finds it free.
    let settings = [
        "tier.cache.connections=1",
        "client.timeout=5ms",
        "client.abandoned=stop",
        "warmup=0s",
    ];
    let lonely = THREE_AT_ONCE.replace("page     = { keys = 3 }", "");
    let run = run(&lonely, &settings);
    let requests = run.get("requests.arrived");
    run.is("requests.failed", requests)
        .is("tier.cache.connections.wait.p99", 0.0)
        .is("tier.cache.connections.in_use", requests * 5e-3 / 5.0);
}
