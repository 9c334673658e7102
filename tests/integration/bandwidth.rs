//! Bandwidth: what a value's way costs, and who waits meanwhile.

use crate::world::run;

/// Two keys of 1 MB in turn, every 500 ms, through a node that carries 10 MB/s: 100 ms a value.
const NODE: &str = r#"
duration = "5s"
[workload]
arrivals   = { process = "constant", rate = "2/s" }
keys       = { distribution = "sequential", count = 2 }
value_size = "1MB"
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "2ms"
service  = { workers = 1, time = "1ms", bandwidth = "10MB/s" }
[database]
service_time = "50ms"
"#;

#[test]
fn a_value_takes_its_bytes_over_the_bandwidth_on_each_way() {
    // Two misses: a lookup (2 + 1), a query (50), a set (2 + 1 + 100 ms); eight hits: 2 + 1 + 100 ms.
    run(NODE, &[])
        .is("latency.max", 156e-3)
        .is("latency.mean", (2.0 * 156.0 + 8.0 * 103.0) / 10.0 / 1e3)
        .is("tier.cache.network.bytes_in", 2e6 / 5.0)
        .is("tier.cache.network.bytes_out", 8e6 / 5.0)
        .is("tier.cache.node.0.network.bytes_out", 8e6 / 5.0)
        // Twelve exchanges of 1 ms and ten values of 100 ms in 5 s.
        .is("tier.cache.utilization", 1.012 / 5.0);
}

#[test]
fn without_a_bandwidth_values_are_counted_and_take_no_time() {
    run(NODE, &["tier.cache.service.bandwidth=unlimited"])
        .is("latency.max", 56e-3)
        .is("tier.cache.network.bytes_in", 2e6 / 5.0)
        .is("tier.cache.network.bytes_out", 8e6 / 5.0);
}

#[test]
fn a_read_of_some_fields_is_sent_only_those() {
    let fields = "tier.cache.fields={ count = 10, per_read = 2 }";
    run(NODE, &[fields])
        .is("latency.mean", (2.0 * 156.0 + 8.0 * 23.0) / 10.0 / 1e3)
        .is("tier.cache.network.bytes_in", 2e6 / 5.0)
        .is("tier.cache.network.bytes_out", 1.6e6 / 5.0);
}

#[test]
fn others_wait_for_a_worker_that_sends() {
    // The keys come 10 ms apart; each hit holds the only worker for 101 ms.
    let settings = [
        "duration=\"100ms\"",
        "drain=true",
        "workload.arrivals.rate=50/s",
        "workload.keys.count=1",
        "database.service_time=0s",
        "tier.cache.network=0s",
        "tier.cache.service.time=0s",
    ];
    // The first: looked up at once, set until 100 ms. Those of 20, 40, 60 and 80 ms wait for that,
    // find the row, and are sent it one after the other: at 200, 300, 400 and 500 ms.
    run(NODE, &settings).is("latency.max", 420e-3).is(
        "latency.mean",
        (100.0 + 180.0 + 260.0 + 340.0 + 420.0) / 5.0 / 1e3,
    );
}

#[test]
fn several_workers_share_the_link() {
    let settings = [
        "duration=\"100ms\"",
        "drain=true",
        "workload.arrivals.rate=20/s",
        "workload.keys.count=2",
        "database.service_time=0s",
        "tier.cache.network=0s",
        "tier.cache.service.time=0s",
        "tier.cache.service.workers=2",
    ];
    // Two sets of 100 ms begin 50 ms apart. Of the first, eight packets of 64 KiB are through before
    // the second has its turn, and 7.3 are left; with each goes one of the other's, eight in all. The
    // link is never idle, so the second ends at 200 ms.
    let first = 100e-3 + 8.0 * 65_536.0 / 10e6;
    run(NODE, &settings)
        .is("latency.max", first)
        .is("latency.mean", (first + 150e-3) / 2.0);
}

#[test]
fn a_node_that_loads_is_busy_with_what_comes_and_with_what_it_sends() {
    // A miss: 2 + 1 + 50, and 100 ms in and 100 ms out.
    run(NODE, &["tier.cache.pattern=through"])
        .is("latency.max", 253e-3)
        .is("tier.cache.network.bytes_in", 2e6 / 5.0)
        .is("tier.cache.network.bytes_out", 10e6 / 5.0);
}

#[test]
fn a_copy_that_is_still_true_is_not_sent_again() {
    // Each entry is asked for once a second and lives for less.
    let settings = [
        "tier.cache.ttl=\"700ms\"",
        "tier.cache.invalidation=[\"etag\"]",
    ];
    run(NODE, &settings)
        .is("tier.cache.revalidations.not_modified", 8.0)
        // It finds the expired copy, asks whether it is true, and tells the node so.
        .is("tier.cache.network.bytes_in", 2e6 / 5.0)
        .is("tier.cache.network.bytes_out", 8e6 / 5.0);
}
