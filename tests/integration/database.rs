//! The limits of the database: connections, the queue for them, patience, and load.

use crate::world::run;

/// The database alone with one connection: 100 ms a query.
const ALONE: &str = r#"
duration = "800ms"
[workload]
arrivals = { process = "constant", rate = "12.5/s" }
keys     = { distribution = "sequential", count = 1 }
[database]
connections  = 1
service_time = "100ms"
"#;

#[test]
fn a_query_that_the_app_gave_up_on_goes_on_and_holds_its_connection() {
    // Request k arrives at 80 k ms and is given up 50 ms later. Its query begins at 100 k ms all the
    // same, so the eight that begin have waited 20 k ms and the connection is never idle.
    run(ALONE, &["database.timeout=50ms"])
        .is("requests.arrived", 10.0)
        .is("requests.failed", 10.0)
        .is("requests.timed_out", 10.0)
        .is("requests.answered", 0.0)
        .is("database.timed_out", 10.0)
        .is("database.utilization", 1.0)
        .is("database.wait.mean", 20.0 * 3.5 / 1e3)
        .is("requests.concurrency", 10.0 * 50e-3 / 0.8);
}

#[test]
fn patience_that_is_long_enough_changes_nothing_that_is_measured() {
    let patient = run(ALONE, &["database.timeout=1h", "drain=true"]);
    let endless = run(ALONE, &["drain=true"]);
    for (name, value) in &endless.0.metrics {
        let same = value.to_bits() == patient.get(name).to_bits();
        assert!(same, "{name}: {value} and {}", patient.get(name));
    }
    endless.is("latency.mean", (100.0 + 20.0 * 4.5) / 1e3);
}

#[test]
fn a_full_queue_rejects_at_once() {
    // At 0 one is served, at 25 one waits, at 50 and 75 there is no room.
    let settings = [
        "workload.arrivals.rate=40/s",
        "duration=100ms",
        "database.queue_limit=1",
    ];
    let run = |more: &[&str]| run(ALONE, &[&settings[..], more].concat());
    run(&[])
        .is("requests.arrived", 4.0)
        .is("requests.rejected", 2.0)
        .is("requests.failed", 2.0)
        .is("requests.answered", 0.0)
        .is("requests.in_flight", 2.0)
        .is("database.rejected", 2.0)
        .is("database.qps.mean", 40.0)
        .is("database.queue.max", 1.0)
        .is("database.inflight.max", 2.0);
    run(&["drain=true"])
        .is("requests.answered", 2.0)
        .is("requests.rejected", 2.0)
        .is("latency.mean", (100.0 + 175.0) / 2.0 / 1e3);
    // Without any room to wait only the first is served.
    run(&["drain=true", "database.queue_limit=0"])
        .is("requests.answered", 1.0)
        .is("requests.rejected", 3.0)
        .is("latency.max", 100e-3);
}

#[test]
fn service_times_double_with_all_connections_busy_when_the_slowdown_is_1() {
    let together = |connections: u32, slowdown: &str| {
        let settings = [
            "workload.arrivals.rate=100/s",
            "duration=50ms",
            "drain=true",
            &format!("database.connections={connections}"),
            &format!("database.slowdown={slowdown}"),
        ];
        run(ALONE, &settings)
    };
    // Five requests within 50 ms. The first meets no other: 100 ms. With 5 connections request k
    // meets k others of at most 4: 100 x (1 + k / 4).
    together(5, "0").is("latency.mean", 100e-3);
    together(5, "1")
        .is("latency.max", 200e-3)
        .is("latency.mean", 150e-3);
    together(5, "3")
        .is("latency.max", 400e-3)
        .is("latency.mean", 250e-3);
    together(9, "1")
        .is("latency.max", 150e-3)
        .is("latency.mean", 125e-3);
    // One connection cannot be busier than busy.
    together(1, "1")
        .is("database.utilization", 1.0)
        .is("latency.mean", (100.0 * 3.0 - 10.0 * 2.0) / 1e3);
}

#[test]
fn writes_take_their_own_time_and_are_counted_apart() {
    let settings = [
        "workload.reads=0",
        "database.write_service_time=30ms",
        "database.network=4ms",
    ];
    let run = run(ALONE, &settings);
    run.is("write.latency.mean", 34e-3)
        .is("latency.mean", 34e-3)
        .is("database.writes.rate", 12.5)
        .is("database.reads.rate", 0.0)
        .is("database.utilization", 10.0 * 30e-3 / 0.8);
    assert!(run.get("read.latency.mean").is_nan());
    assert!(run.get("hit_ratio").is_nan(), "of no reads at all");
}
