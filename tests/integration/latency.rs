//! The latency that clients see: what it is made of, and from when it counts.

use cachesim::random::Luck;
use cachesim::workload::arrivals::{self, ClosedLoop};

use crate::world::{plan, run, run_plan};

/// A request every 100 ms for one key. A hit takes 2 + 1 ms; a miss takes that, 4 + 50 ms at the
/// database, and 2 + 1 ms for the set.
const STEADY: &str = r#"
duration = "10s"
[workload]
arrivals = { process = "constant", rate = "10/s" }
keys     = { distribution = "sequential", count = 1 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "2ms"
service  = { workers = 1, time = "1ms" }
[database]
connections  = 4
service_time = "50ms"
network      = "4ms"
"#;

/// The database alone with one connection: 100 ms a query.
const ONE_CONNECTION: &str = r#"
duration = "500ms"
[workload]
arrivals = { process = "constant", rate = "20/s" }
keys     = { distribution = "sequential", count = 1 }
[database]
connections  = 1
service_time = "100ms"
"#;

#[test]
fn constant_arrivals_and_constant_times_give_exactly_this_latency() {
    let run = run(STEADY, &[]);
    run.is("requests.arrived", 100.0)
        .is("requests.answered", 100.0)
        .is("requests.in_flight", 0.0)
        .is("requests.rate", 10.0)
        .is("goodput.rate", 10.0)
        .is("latency.mean", (60.0 + 99.0 * 3.0) / 100.0 / 1e3)
        .is_about("latency.p50", 3e-3)
        .is_about("latency.p99", 3e-3)
        .is("latency.max", 60e-3)
        .is("read.latency.max", 60e-3)
        .is("hit_ratio", 0.99);
    assert!(run.get("write.latency.mean").is_nan(), "nobody writes");
    run.is("tier.cache.rate", 10.1)
        .is("tier.cache.utilization", 101.0 * 1e-3 / 10.0)
        .is_about("tier.cache.latency.p99", 3e-3)
        .is("database.utilization", 50e-3 / 10.0 / 4.0)
        .is("database.wait.mean", 0.0)
        .is("database.qps.mean", 0.1)
        .is("requests.concurrency", (60.0 + 99.0 * 3.0) / 1e3 / 10.0);
}

#[test]
fn without_a_tier_latency_is_the_database_s() {
    let text = STEADY.split("[[tier]]").next().unwrap().to_owned()
        + "[database]\nservice_time = \"50ms\"\nnetwork = \"4ms\"\n";
    let run = run(&text, &[]);
    run.is("latency.mean", 54e-3)
        .is("latency.max", 54e-3)
        .is("hit_ratio", 0.0)
        .is("database.qps.mean", 10.0);
}

#[test]
fn open_loop_latency_counts_from_the_intended_arrival() {
    // Request k arrives at 50 k ms and is served from 100 k ms on: it waits 50 k ms.
    run(ONE_CONNECTION, &["drain=true"])
        .is("requests.answered", 10.0)
        .is("latency.mean", (100.0 + 50.0 * 4.5) / 1e3)
        .is("latency.max", 550e-3)
        .is("database.wait.mean", 50.0 * 4.5 / 1e3)
        .is("database.wait.ratio", 0.9)
        .is("database.inflight.max", 6.0)
        .is("database.queue.max", 5.0);
}

#[test]
fn draining_finishes_what_is_in_flight_and_nothing_else() {
    // At 500 ms, the end of arrivals, the answer of request 4 is due and does not count any more.
    run(ONE_CONNECTION, &[])
        .is("requests.arrived", 10.0)
        .is("requests.answered", 4.0)
        .is("requests.in_flight", 6.0);
    run(ONE_CONNECTION, &["drain=true"])
        .is("requests.arrived", 10.0)
        .is("requests.answered", 10.0)
        .is("requests.in_flight", 0.0)
        .is("database.utilization", 1.0);
}

#[test]
fn closed_loop_users_wait_for_the_answer_and_think() {
    // 50 ms for the answer and 100 ms of thought: a request every 150 ms.
    let text = ONE_CONNECTION.replace(
        r#"{ process = "constant", rate = "20/s" }"#,
        r#"{ process = "closed", users = 1, think = "100ms" }"#,
    );
    let settings = ["duration=1500ms", "database.service_time=50ms"];
    run(&text, &settings)
        .is("requests.arrived", 10.0)
        .is("requests.answered", 10.0)
        .is("latency.mean", 50e-3)
        .is("requests.concurrency", 1.0 / 3.0)
        .is("database.inflight.max", 1.0);
    // 10 users at one connection: each waits for the 9 others, except that they think meanwhile
    // (the response time law: N x S - Z).
    let settings = [
        "duration=20s",
        "warmup=5s",
        "workload.arrivals.users=10",
        "workload.arrivals.think=10ms",
    ];
    run(&text, &settings)
        .is("latency.mean", 10.0 * 100e-3 - 10e-3)
        .is("latency.max", 10.0 * 100e-3 - 10e-3)
        .is("requests.rate", 10.0)
        .is("database.utilization", 1.0);
}

#[test]
fn what_happens_before_the_end_of_warm_up_is_not_measured() {
    run(STEADY, &["warmup=1s"])
        .is("requests.arrived", 90.0)
        .is("requests.rate", 10.0)
        .is("hit_ratio", 1.0)
        .is("tier.cache.hit_ratio", 1.0)
        .is("latency.max", 3e-3)
        .is("tier.cache.rate", 10.0)
        .is("tier.cache.entries", 1.0)
        .is("tier.cache.utilization", 1e-3 * 10.0)
        .is("database.utilization", 0.0)
        .is("database.qps.mean", 0.0)
        .is("database.qps.max", 0.0)
        .is("database.inflight.max", 0.0);
}

#[test]
fn requests_are_a_cohort_but_the_database_is_measured_by_when_it_works() {
    // Request k is served from 100 k ms on. Those of 0 to 200 ms are no part of the cohort, but
    // three of them are still with the database when measuring starts.
    let run = run(ONE_CONNECTION, &["warmup=201ms", "drain=true"]);
    run.is("requests.arrived", 5.0)
        .is("latency.mean", (100.0 + 50.0 * 7.0) / 1e3)
        .is("database.utilization", 1.0);
    // In the system at 201 ms: requests 2, 3 and 4; then until 1 s one leaves every 100 ms.
    let cohort: f64 = (5..10).map(|k| 100.0 + 50.0 * f64::from(k)).sum();
    let earlier = (300.0 - 201.0) + (400.0 - 201.0) + (500.0 - 201.0);
    run.is(
        "requests.concurrency",
        (cohort + earlier) / (1000.0 - 201.0),
    );
}

#[test]
fn the_most_queries_in_a_second_are_counted_in_seconds_from_the_end_of_warm_up() {
    // Twenty requests between 0.9 and 1.1 s.
    let burst = r#"
duration = "2500ms"
[workload]
arrivals = { process = "constant", rate = { curve = "steps", points = [["0s", "0/s"], ["900ms", "100/s"], ["1100ms", "0/s"]] } }
keys     = { distribution = "sequential", count = 1 }
[database]
service_time = "1ms"
"#;
    run(burst, &[]).is("database.qps.max", 10.0);
    run(burst, &["warmup=500ms"]).is("database.qps.max", 20.0);
    run(burst, &["warmup=950ms"]).is("database.qps.max", 15.0);
}

#[test]
fn each_thought_of_a_user_is_a_draw_of_its_own() {
    // Nothing takes time but thinking, so the requests are those that the thoughts add up to.
    let text = ONE_CONNECTION.replace(
        r#"{ process = "constant", rate = "20/s" }"#,
        r#"{ process = "closed", users = 7, think = { distribution = "exponential", mean = "1s" } }"#,
    );
    let settings = ["duration=4s", "database.service_time=0s"];
    let plan = plan(&text, &settings);
    let arrivals::Plan::Closed(closed) = &plan.workload.arrivals else {
        panic!("a closed loop")
    };
    for replication in 0..20 {
        let users = ClosedLoop::new(closed, Luck::new(plan.seed, replication));
        let requests = |user: u32| {
            let mut next_ns = users.start_ns(user);
            let mut turns = 1..;
            std::iter::from_fn(|| {
                let this_ns = next_ns;
                next_ns += users.think_ns(user, turns.next()?);
                (this_ns < plan.duration_ns).then_some(())
            })
            .count()
        };
        let expected: usize = (0..7).map(requests).sum();
        let run = run_plan(&plan, replication);
        assert_eq!(run.get("requests.arrived"), expected as f64);
    }
}

#[test]
fn the_seconds_of_the_drain_are_counted_like_all_others() {
    // 20 lookups within half a second come back when arrivals are long over: after 4 s all within
    // one second, after 3.75 s half of them in one second and half in the next.
    let tier = r#"
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "4s"
service  = { workers = 1, time = "0s" }
[database]
"#;
    let text = ONE_CONNECTION.replace("[database]", tier);
    let settings = [
        "drain=true",
        "workload.arrivals.rate=40/s",
        "workload.keys.count=20",
    ];
    run(&text, &settings).is("database.qps.max", 20.0);
    let settings = [&settings[..], &["tier.cache.network=3750ms"]].concat();
    run(&text, &settings).is("database.qps.max", 10.0);
}
