//! How old the answers are.

use crate::world::{Run, plan, run_plan, seed_of_operations};

/// A request every 60 ms for one row. A read of the database sees the row as it was when it began
/// and takes 100 ms; a write commits after 10 ms. Tiers take no time.
const ONE_ROW: &str = r#"
duration = "1200ms"
[workload]
arrivals = { process = "constant", rate = { curve = "steps", points = [["0s", "1000/m"]] } }
keys     = { distribution = "sequential", count = 1 }
reads    = 0.9
[[tier]]
name     = "cache"
capacity = "unlimited"
ttl      = "500ms"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time       = "100ms"
write_service_time = "10ms"
"#;

/// The run in which the 20 requests do what the letters say.
#[track_caller]
fn run(operations: &str, settings: &[&str]) -> Run {
    assert_eq!(operations.len(), 20);
    let mut plan = plan(ONE_ROW, settings);
    plan.seed = seed_of_operations(&plan, operations);
    let run = run_plan(&plan, 0);
    let writes = operations.bytes().filter(|letter| *letter == b'W').count();
    assert_eq!(run.0.requests, 20);
    run.is("database.writes.rate", writes as f64 / 1.2);
    run
}

#[test]
fn without_writes_nothing_is_ever_stale() {
    run("RRRRRRRRRRRRRRRRRRRR", &[])
        .is("staleness.ratio", 0.0)
        .is("staleness.mean", 0.0)
        .is("staleness.p99", 0.0)
        .is("staleness.max", 0.0);
}

#[test]
fn a_write_that_finds_no_fill_under_way_leaves_nothing_stale_behind() {
    // Filled at 40, hit at 60. Written at 120, committed and deleted at 130; the read of 180
    // fetches anew, and so does the one of 720, when that entry has expired.
    run("RRWRRRRRRRRRRRRRRRRR", &["database.service_time=40ms"])
        .is("staleness.ratio", 0.0)
        .is("database.reads.rate", 3.0 / 1.2);
}

#[test]
fn a_fill_that_arrives_after_an_invalidation_writes_an_old_row() {
    // The read of 0 sees the old row. The write of 60 commits at 70 and deletes what is not there
    // yet. The fill arrives at 100, to stay until 600: the reads of 120, 180 ... 540 hit an entry
    // that was out of date 50, 110 ... 470 ms before they were issued.
    let reads = 19.0;
    let ages = (0..8).map(|k| f64::from(50 + 60 * k) / 1e3);
    run("RWRRRRRRRRRRRRRRRRRR", &[])
        .is("staleness.ratio", 8.0 / reads)
        .is("staleness.mean", ages.sum::<f64>() / reads)
        .is("staleness.max", 470e-3);
}

/// Fetches take 250 ms and are shared; nothing is kept.
const SHARED_FETCHES: [&str; 3] = [
    "tier.cache.defence=single-flight",
    "database.service_time=250ms",
    "tier.cache.ttl=1ns",
];

#[test]
fn a_follower_of_a_flight_gets_the_row_that_the_leader_saw() {
    // The read of 0 leads until 250. The write of 60 commits at 70. The reads of 120, 180 and 240
    // follow, and get a row that was out of date 50, 110 and 170 ms before they were issued. Later
    // flights see the new row.
    run("RWRRRRRRRRRRRRRRRRRR", &SHARED_FETCHES)
        .is("requests.answered", 20.0)
        .is("staleness.max", 170e-3)
        .is("staleness.mean", (50.0 + 110.0 + 170.0) / 1e3 / 19.0)
        .is("staleness.ratio", 3.0 / 19.0);
}

#[test]
fn staleness_counts_from_the_first_newer_version() {
    // Commits at 70 and at 130. What the reads of 180 and 240 get was out of date from 70 on.
    run("RWWRRRRRRRRRRRRRRRRR", &SHARED_FETCHES)
        .is("staleness.max", 170e-3)
        .is("staleness.mean", (110.0 + 170.0) / 1e3 / 18.0)
        .is("staleness.ratio", 2.0 / 18.0);
}
