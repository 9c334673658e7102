//! The servers of the database: their memory, replicas that lag, and what the timeline does to them.
//! Examples worked by hand.

use crate::world::{Run, run};

/// A query every 100 ms, of 50 ms, through one connection.
const ALONE: &str = r#"
duration = "1s"
drain    = true
[workload]
arrivals = { process = "constant", rate = "10/s" }
keys     = { distribution = "sequential", count = 1 }
reads    = 1.0
[database]
connections  = 1
service_time = "50ms"
"#;

fn with_event(event: &str) -> Run {
    run(ALONE, &[&format!("event=[{event}]")])
}

#[test]
fn a_pause_stands_still_what_is_in_service_and_what_comes() {
    // The query of 200 ms has 30 ms of work left at 220 ms, and ends at 550 ms. Those that follow wait
    // 250, 200, ... 0 ms for it.
    let run = with_event("{ at = '220ms', action = 'pause', target = 'database', for = '300ms' }");
    let latencies = [50, 50, 350, 300, 250, 200, 150, 100, 50, 50];
    let sum: i32 = latencies.iter().sum();
    run.is("requests.answered", 10.0)
        .is("latency.mean", f64::from(sum) / 1e4);
}

#[test]
fn queries_that_begin_while_the_database_is_slow_take_longer() {
    // The query of 300 ms takes 150 ms and the one of 400 ms waits 50 ms for it.
    let slow = "{ at = '250ms', action = 'slow', target = 'database', for = '190ms'";
    let mean = f64::from(8 * 50 + 150 + 100) / 1e4;
    with_event(&format!("{slow}, factor = 3.0 }}")).is("latency.mean", mean);
    with_event(&format!("{slow}, plus = '100ms' }}")).is("latency.mean", mean);
}

#[test]
fn lost_connections_fail_what_is_in_flight_and_the_next_query_waits_for_a_new_one() {
    let run = with_event(
        "{ at = '220ms', action = 'lose-connections', target = 'database', reconnect = '100ms' }",
    );
    run.is("requests.unavailable", 1.0)
        .is("requests.answered", 9.0)
        .is("latency.mean", f64::from(8 * 50 + 70) / 9e3);
}

#[test]
fn a_database_that_is_down_answers_nobody_until_its_restart() {
    let crash = "{ at = '220ms', action = 'crash', target = 'database'";
    let run = with_event(&format!("{crash}, restart_after = '200ms' }}"));
    run.is("requests.unavailable", 3.0)
        .is("requests.answered", 7.0);
    with_event(&format!(
        "{crash} }}, {{ at = '520ms', action = 'restart', target = 'database' }}"
    ))
    .is("requests.unavailable", 4.0);
    with_event(&format!("{crash} }}")).is("requests.unavailable", 8.0);
}

/// Four rows in turn, a page each, ten times in a second.
fn with_pool(capacity: &str) -> Run {
    run(
        ALONE,
        &[
            "workload.keys.count=4",
            "database.service_time=1ms",
            &format!(
                "database.buffer_pool={{ capacity = '{capacity}', rows_per_page = 1, rows = 'in-key-order', disk_time = '10ms' }}"
            ),
        ],
    )
}

#[test]
fn a_page_that_is_in_memory_costs_no_read_of_the_disk() {
    with_pool("4 pages")
        .is("database.buffer_pool.hit_ratio", 0.6)
        .is("database.buffer_pool.reads.rate", 4.0)
        .is("database.buffer_pool.evictions.rate", 0.0)
        .is("latency.mean", f64::from(4 * 11 + 6) / 1e4);
    // Three pages for four rows in turn: the one that is needed next has always left.
    with_pool("24KiB")
        .is("database.buffer_pool.hit_ratio", 0.0)
        .is("database.buffer_pool.evictions.rate", 7.0)
        .is("latency.mean", 11e-3);
}

#[test]
fn a_restart_begins_with_an_empty_buffer_pool() {
    let run = run(
        ALONE,
        &[
            "database.service_time=1ms",
            "database.buffer_pool={ capacity = '4 pages', disk_time = '10ms' }",
            "event=[{ at = '450ms', action = 'crash', target = 'database', restart_after = '1ms' }]",
        ],
    );
    run.is("database.buffer_pool.reads.rate", 2.0);
}

/// A write every 100 ms, committed 1 ms later, and a replica that is 250 ms behind.
const WRITES: &str = r#"
duration = "2s"
[workload]
arrivals = { process = "constant", rate = "10/s" }
keys     = { distribution = "sequential", count = 1 }
reads    = 0.0
[database]
connections  = 1
service_time = "1ms"
replicas     = { count = 1, lag = "250ms", failover = { detection = "100ms", promotion = "100ms" } }
"#;

#[test]
fn a_failover_loses_what_the_replica_did_not_have_when_the_primary_went_down() {
    // Down from 1005 to 1205 ms: two writes fail. Of those committed before, the ones of 801, 901
    // and 1001 ms are still on their way.
    let crash = "event=[{ at = '1005ms', action = 'crash', target = 'database' }]";
    run(WRITES, &[crash])
        .is("requests.unavailable", 2.0)
        .is("requests.answered", 18.0)
        .is("database.failovers", 1.0)
        .is("consistency.lost_writes.failover", 3.0)
        .is("consistency.lost_writes", 3.0)
        .is("consistency.lost_rows", 1.0)
        .is("consistency.accepted_writes", 18.0)
        .is("consistency.stored_writes", 15.0);
    run(WRITES, &[crash, "database.replicas.failover=none"])
        .is("requests.unavailable", 9.0)
        .is("consistency.lost_writes", 0.0);
}

#[test]
fn a_primary_that_is_back_before_the_failover_loses_nothing() {
    let crash =
        "event=[{ at = '1005ms', action = 'crash', target = 'database', restart_after = '150ms' }]";
    run(WRITES, &[crash])
        .is("requests.unavailable", 1.0)
        .is("database.failovers", 0.0)
        .is("consistency.lost_writes", 0.0)
        .is("consistency.stored_writes", 19.0);
}

#[test]
fn the_old_primary_comes_back_as_a_replica_and_can_take_its_place_again() {
    let events = "event=[\
        { at = '505ms', action = 'crash', target = 'database', restart_after = '300ms' },\
        { at = '1505ms', action = 'crash', target = 'database' }]";
    // Each outage takes two writes and loses the three last.
    run(WRITES, &[events])
        .is("database.failovers", 2.0)
        .is("requests.unavailable", 4.0)
        .is("consistency.lost_writes.failover", 6.0)
        .is("consistency.stored_writes", 10.0);
}

#[test]
fn a_primary_that_nobody_reaches_is_replaced_and_what_was_on_its_way_arrives() {
    // The commits of 801 and 901 ms arrive by 1151 ms; that of 1001 ms would at 1251 ms, and a replica
    // is the primary from 1205 ms on.
    let cut = "event=[{ at = '1005ms', action = 'partition', target = 'database', for = '400ms', notice = '90ms' }]";
    run(WRITES, &[cut])
        .is("requests.timed_out", 2.0)
        .is("database.failovers", 1.0)
        .is("consistency.lost_writes.failover", 1.0)
        .is("consistency.stored_writes", 17.0);
    let short = "event=[{ at = '1005ms', action = 'partition', target = 'database', for = '150ms', notice = '90ms' }]";
    run(WRITES, &[short])
        .is("requests.timed_out", 1.0)
        .is("database.failovers", 0.0)
        .is("consistency.lost_writes", 0.0);
}

#[test]
fn what_is_committed_on_one_side_of_a_cut_border_is_seen_on_the_other_when_it_is_whole_again() {
    let world = [
        "region=[{ name = 'eu', share = 0.5 }, { name = 'us', share = 0.5 }]",
        "link=[{ between = ['eu', 'us'], round_trip = '80ms' }]",
        "app.instances=2",
        "database.region=eu",
        "database.replicas={ count = 1, regions = ['us'], lag = '250ms' }",
    ];
    let with = |event: &str| run(WRITES, &[&world[..], &[event]].concat());
    let lag = "database.replica.0.lag.max";
    with("event=[]").is(lag, 0.29);
    for (from, target) in [("", "us"), ("", "eu"), ("from = 'region.eu',", "us")] {
        let cut = format!(
            "event=[{{ at = '505ms', action = 'partition', {from} target = 'region.{target}', for = '1s' }}]"
        );
        let run = with(&cut);
        run.is("database.failovers", 0.0);
        // Of the instance that lives where the primary does.
        let first_ms = 1505.0 - run.get(lag) * 1e3;
        assert!((501.0..1000.0).contains(&first_ms), "{first_ms}");
    }
    let all_but_all = "event=[{ at = '505ms', action = 'network', target = 'region.us', loss = 0.99, for = '1s' }]";
    with(all_but_all).is(lag, 0.29);
}

/// Reads and writes of one row by one client.
const MIXED: &str = r#"
duration = "20s"
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "uniform", count = 1 }
reads    = 0.5
sessions = { count = 1 }
[database]
connections  = 10
service_time = "1ms"
replicas     = { count = 2, lag = "1s", reads = "replicas" }
"#;

#[test]
fn replicas_show_a_commit_after_their_lag() {
    let run = run(MIXED, &[]);
    assert!(run.get("staleness.ratio") > 0.95);
    assert!(run.get("staleness.max") <= 1.0);
    assert!(run.get("consistency.read_your_writes_violations") > 900.0);
    for replica in 0..2 {
        run.is(&format!("database.replica.{replica}.lag.max"), 1.0);
        assert!(run.get(&format!("database.replica.{replica}.rate")) > 20.0);
    }
    // All the writes, and no read.
    run.is("database.primary.rate", run.get("database.writes.rate"));
}

#[test]
fn the_primary_is_never_stale() {
    for settings in [
        &["database.replicas.reads=primary"][..],
        &["database.replicas.lag=0s"],
        &["workload.fresh_reads=1.0"],
        &["app.promises=[{ kind = 'pin-to-primary', window = '1h' }]"],
        &["app.promises=[{ kind = 'bypass-after-write', window = '1h' }]"],
        &["app.promises=['session-token']"],
    ] {
        run(MIXED, settings)
            .is("staleness.ratio", 0.0)
            .is("consistency.read_your_writes_violations", 0.0);
    }
}

#[test]
fn a_bound_on_staleness_sends_the_reader_of_a_late_replica_to_the_primary() {
    let bound = "app.promises=[{ kind = 'bounded-staleness', max_staleness = '300ms' }]";
    let run = run(MIXED, &[bound]);
    assert!(run.get("staleness.max") <= 0.3);
    assert!(run.get("consistency.refused_copies") > 900.0);
}

#[test]
fn reads_go_elsewhere_while_a_replica_is_down() {
    let crash = "event=[{ at = '10s', action = 'crash', target = 'database.replica.0' }]";
    let run = run(MIXED, &[crash]);
    // Half of its reads were before; at most one was in service when it went down.
    let (down, other) = (
        run.get("database.replica.0.rate"),
        run.get("database.replica.1.rate"),
    );
    assert!(down > 8.0 && other > 2.5 * down, "{down} and {other}");
    assert!(run.get("requests.unavailable") <= 1.0);
}

#[test]
fn a_replica_whose_lag_is_raised_for_a_while_catches_up_afterwards() {
    let quick = "database.replicas.lag=1ms";
    let lag = "event=[{ at = '5s', action = 'replica-lag', target = 'database', lag = '1h', for = '5s' }]";
    let run = run(MIXED, &[quick, lag]);
    // A quarter of the time, and all of what was read then.
    let stale = run.get("staleness.ratio");
    assert!((0.22..0.30).contains(&stale), "{stale}");
    assert!(run.get("staleness.max") <= 5.0);
}

/// Two regions 80 ms apart with a replica in the second; every instance has its region.
const REGIONS: &str = r#"
duration = "20s"
region   = [{ name = "eu", share = 0.5 }, { name = "us", share = 0.5 }]
link     = [{ between = ["eu", "us"], round_trip = "80ms" }]
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "uniform", count = 10 }
reads    = 1.0
[app]
instances = 2
[database]
connections  = 10
service_time = "1ms"
region       = "eu"
replicas     = { count = 1, lag = "10ms", reads = "nearest", regions = ["us"] }
"#;

#[test]
fn the_nearest_replica_answers_without_the_link_and_lags_by_half_of_it_more() {
    run(REGIONS, &[]).is_about("read.latency.max", 1e-3);
    run(REGIONS, &["workload.reads=0.0"])
        .is("database.replica.0.lag.mean", 50e-3)
        .is_about("write.latency.max", 81e-3);
    let far = run(REGIONS, &["database.replicas.reads=primary"]);
    far.is_about("read.latency.max", 81e-3);
}

#[test]
fn what_a_synchronous_replica_has_not_confirmed_was_not_acknowledged_and_is_not_lost() {
    let sync = ["database.connections=10", "database.replicas.mode=sync"];
    // A commit after 1 ms, and the replica has it 250 ms later; the connection is held so long.
    run(
        WRITES,
        &[&sync[..], &["duration=1s", "drain=true"]].concat(),
    )
    .is("latency.mean", 251e-3)
    .is("database.inflight.max", 3.0);
    // The writes of 800, 900 and 1000 ms were waiting when the primary went down, and two more came
    // before there was another. That one has no replica to wait for.
    let crash = "event=[{ at = '1005ms', action = 'crash', target = 'database' }]";
    run(WRITES, &[&sync[..], &[crash]].concat())
        .is("requests.unavailable", 5.0)
        .is("requests.answered", 15.0)
        .is("consistency.lost_writes", 0.0)
        .is("consistency.accepted_writes", 15.0)
        .is("consistency.stored_writes", 15.0);
}
