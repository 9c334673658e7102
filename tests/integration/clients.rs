//! Clients under stress: deadlines, attempts, hedges, and what becomes of work that nobody waits for.

use crate::world::run;

/// Ten requests, one every 100 ms, each of another row, which takes the database 150 ms.
const SLOW: &str = r#"
duration = "1s"
drain    = true
[workload]
arrivals = { process = "constant", rate = "10/s" }
keys     = { distribution = "sequential", count = 1000 }
[database]
service_time = "150ms"
"#;

/// A request every 50 ms for a database that can answer one in 100 ms.
const OVERLOAD: &str = r#"
duration = "2s"
[workload]
arrivals = { process = "constant", rate = "20/s" }
keys     = { distribution = "sequential", count = 1 }
[[tier]]
name     = "cache"
capacity = "10 entries"
network  = "0s"
service  = { time = "0s" }
[database]
connections  = 1
service_time = "100ms"
"#;

#[test]
fn a_client_whose_deadline_is_missed_has_failed_and_the_work_goes_on() {
    let run = run(SLOW, &["client.deadline=100ms"]);
    run.keeps_the_laws();
    run.is("requests.arrived", 10.0)
        .is("deadline.missed", 10.0)
        .is("requests.answered", 0.0)
        .is("goodput.ratio", 0.0)
        .is("unavailable.seconds", 1.0)
        // The last client gives up at 1 s. The nine before have their answers, 50 ms too late.
        .is("throughput.rate", 9.0);
}

#[test]
fn a_deadline_that_is_met_changes_nothing() {
    let plain = run(SLOW, &[]);
    for abandoned in ["finish", "stop", "cancel"] {
        let abandoned = format!("client.abandoned={abandoned}");
        let patient = run(SLOW, &["client.deadline=1h", &abandoned]);
        for (name, value) in &plain.0.metrics {
            let same = patient.get(name);
            assert!(same == *value || same.is_nan() && value.is_nan(), "{name}");
        }
    }
}

#[test]
fn attempts_are_one_request_and_latency_counts_from_its_arrival() {
    // Attempts at 0, 150 and 350 ms (waits of 50 and 100 ms) are given up after 100 ms each.
    let backoff = "client.retries={ count = 2, backoff = { base = \"50ms\", jitter = \"none\" } }";
    let all_fail = run(SLOW, &["client.timeout=100ms", backoff]);
    all_fail.keeps_the_laws();
    all_fail
        .is("requests.arrived", 10.0)
        .is("deadline.missed", 10.0)
        .is("retries.attempts", 30.0)
        .is("retries.amplification", 3.0)
        .is("requests.concurrency", 10.0 * 0.45 / 1.35);
    // With a deadline in the middle of the second attempt there is no third.
    let deadline = run(
        SLOW,
        &["client.timeout=100ms", backoff, "client.deadline=200ms"],
    );
    deadline
        .is("retries.attempts", 20.0)
        .is("requests.concurrency", 10.0 * 0.2 / 1.1);
}

#[test]
fn a_retry_answers_what_was_refused() {
    // Every other request finds the connection taken; 10 ms later it is free for 10 ms.
    let world = [
        "workload.arrivals.rate=100/s",
        "database.connections=1",
        "database.queue_limit=0",
        "database.service_time=15ms",
    ];
    let without = run(SLOW, &world);
    without
        .is("requests.rejected", 50.0)
        .is("goodput.ratio", 0.5);
    let retries = "client.retries={ count = 3, backoff = { base = \"10ms\", factor = 1 } }";
    let with = run(SLOW, &[&world[..], &[retries]].concat());
    with.keeps_the_laws();
    assert!(with.get("goodput.ratio") > 0.55);
    assert!(with.get("retries.attempts") > 120.0);
}

#[test]
fn a_budget_bounds_the_retries() {
    let retries = |budget: &str| {
        let retries = format!("client.retries={{ count = 5, budget = {budget} }}");
        let run = run(
            SLOW,
            &[
                "workload.arrivals.rate=1k/s",
                "client.timeout=1ms",
                &retries,
            ],
        );
        run.keeps_the_laws();
        run
    };
    retries("\"none\"").is("retries.amplification", 6.0);
    let bounded = retries("{ ratio = 0.1, reserve = 5 }");
    let amplification = bounded.get("retries.amplification");
    assert!((1.1..=1.105).contains(&amplification), "{amplification}");
    // Nearly every request makes retries until one is refused.
    assert!(bounded.get("retries.refused") > 0.99 * bounded.get("requests.arrived"));
}

#[test]
fn writes_are_only_repeated_if_clients_do_so() {
    let attempts = |writes: bool| {
        let retries = format!("client.retries={{ count = 1, writes = {writes} }}");
        run(
            SLOW,
            &["workload.reads=0.0", "client.timeout=100ms", &retries],
        )
    };
    let repeated = attempts(true);
    repeated.keeps_the_laws();
    repeated.is("retries.attempts", 20.0);
    attempts(false).is("retries.attempts", 10.0);
}

#[test]
fn abandoned_work_is_finished_or_stopped_or_cancelled() {
    let [finish, stop, cancel] = ["finish", "stop", "cancel"].map(|abandoned| {
        let abandoned = format!("client.abandoned={abandoned}");
        let run = run(OVERLOAD, &["client.deadline=50ms", &abandoned]);
        run.keeps_the_laws();
        run
    });
    // The first query is answered at 100 ms, for nobody; finished, it is stored and all is well from
    // the third request on.
    finish
        .is("deadline.missed", 2.0)
        .is("database.useless", 0.0);
    assert!(finish.get("hit_ratio") == 1.0);
    // Stopped, nothing is ever stored, and the database works for nobody.
    stop.is("requests.answered", 0.0);
    assert!(stop.get("database.useless") >= 18.0);
    assert!(stop.get("database.queue.max") >= 18.0);
    // Cancelled, the connection is free for the next, which has no more luck.
    cancel
        .is("requests.answered", 0.0)
        .is("database.useless", 0.0);
    assert!(cancel.get("database.queue.max") <= 1.0);
}

#[test]
fn hedged_reads_cut_the_tail_for_a_little_more_work() {
    let tail = "database.service_time={ distribution = \"empirical\", quantiles = [[0, \"5ms\"], [0.95, \"6ms\"], [0.951, \"300ms\"], [1, \"301ms\"]] }";
    let world = [
        "workload.arrivals.rate=1k/s",
        "duration=4s",
        "warmup=2s",
        tail,
    ];
    let plain = run(SLOW, &world);
    assert!(plain.get("latency.p99") > 0.29);
    for hedge in ["{ after = \"8ms\" }", "{ quantile = 0.9 }"] {
        for abandoned in ["finish", "stop", "cancel"] {
            let hedge = format!("client.hedge={hedge}");
            let abandoned = format!("client.abandoned={abandoned}");
            let settings = [&world[..], &[&hedge, &abandoned]].concat();
            let hedged = run(SLOW, &settings);
            hedged.keeps_the_laws();
            let share = hedged.get("hedges.sent") / hedged.get("requests.arrived");
            assert!((0.02..0.15).contains(&share), "{settings:?}: {share}");
            assert!(hedged.get("hedges.won") > 0.2 * hedged.get("hedges.sent"));
            let p99 = hedged.get("latency.p99");
            assert!(p99 < 0.02, "{settings:?}: {p99}");
        }
    }
}

#[test]
fn recovery_counts_from_the_end_of_the_last_event() {
    let through = |event: &str| {
        let events = format!("event=[{event}]");
        run(
            OVERLOAD,
            &[
                "tier.cache.pattern=through",
                "workload.arrivals.rate=100/s",
                "database.service_time=1ms",
                "duration=10s",
                &events,
            ],
        )
    };
    let crash =
        "{ at = \"2500ms\", action = \"crash\", target = \"tier.cache\", restart_after = \"1s\" }";
    through(crash)
        .is("degraded.seconds", 2.0)
        // Half of both seconds failed, and half is not less than half.
        .is("unavailable.seconds", 0.0)
        .is("goodput.worst_second", 0.5)
        .is("recovery.time", 0.0);
    // Nothing ends it.
    let for_ever = "{ at = \"2s\", action = \"crash\", target = \"tier.cache\" }";
    through(for_ever)
        .is("unavailable.seconds", 8.0)
        .is("recovery.time", 7.99);
    assert!(through("").get("recovery.time").is_nan());
}

/// A database that answers in 10 ms, asked once a millisecond from one instance.
const BUSY: &str = r#"
duration = "2s"
[workload]
arrivals = { process = "constant", rate = "1k/s" }
keys     = { distribution = "sequential", count = 100000 }
[client]
deadline = "100ms"
abandoned = "stop"
[database]
connections  = 5
service_time = "10ms"
"#;

#[test]
fn a_bulkhead_bounds_what_is_under_way() {
    let run = run(
        BUSY,
        &["database.guards=[{ kind = \"bulkhead\", calls = 3 }]"],
    );
    run.keeps_the_laws();
    run.is("database.inflight.max", 3.0)
        .is("deadline.missed", 0.0);
    // Three are let in at a time, for 10 ms each.
    let goodput = run.get("goodput.rate");
    assert!((270.0..=300.0).contains(&goodput), "{goodput}");
    run.is("requests.shed", run.get("database.shed"));
}

#[test]
fn a_rate_limit_lets_the_rate_through_and_the_database_keeps_up() {
    let limit = "database.guards=[{ kind = \"rate-limit\", rate = \"400/s\", burst = 10 }]";
    let limited = run(BUSY, &[limit]);
    limited.keeps_the_laws();
    let goodput = limited.get("goodput.rate");
    assert!((395.0..=405.0).contains(&goodput), "{goodput}");
    // Without it, twice as much as the database can do comes, and hardly anybody is answered in time.
    let goodput = run(BUSY, &[]).get("goodput.rate");
    assert!(goodput < 100.0, "{goodput}");
}

#[test]
fn adaptive_limits_find_what_the_database_can_do() {
    for limit in [
        "{ kind = \"aimd-limit\", latency = \"20ms\", initial = 500 }",
        "{ kind = \"gradient-limit\", initial = 500, queue = 1 }",
    ] {
        let guards = format!("database.guards=[{limit}]");
        let run = run(BUSY, &[&guards, "duration=10s", "warmup=5s"]);
        run.keeps_the_laws();
        let goodput = run.get("goodput.rate");
        assert!(goodput > 450.0, "{limit}: {goodput}");
    }
}

#[test]
fn an_open_breaker_answers_at_once_and_stale_copies_stand_in() {
    // From 1 s on the entry is stale, and the database has become too slow for the breaker.
    let world = [
        "workload.keys.count=1",
        "client.abandoned=finish",
        "database.service_time=60ms",
        "database.guards=[{ kind = \"breaker\", slow = \"50ms\", calls_min = 1, open_for = \"1m\" }]",
    ];
    let tier = BUSY.replace(
        "[database]",
        "[[tier]]\nname = \"cache\"\ncapacity = \"10 entries\"\nttl = { base = \"1s\", stale_if_error = \"0s\" }\nnetwork = \"0s\"\nservice = { time = \"0s\" }\ndefence = \"single-flight\"\n[database]",
    );
    let without = run(&tier, &world);
    without.keeps_the_laws();
    // 1060 to 1999 ms are refused.
    without.is("requests.shed", 940.0);
    assert!(without.get("database.breaker.open_ratio") > 0.9);
    let mut series = without.0.series.iter();
    let open = series.find(|series| series.name == "database.breaker.open_ratio");
    let open = &open.expect("there is a breaker").values;
    assert_eq!((open.first(), open.last()), (Some(&0.0), Some(&1.0)));
    let alert = "alert=[{ name = \"open\", metric = \"database.breaker.open_ratio\", above = \"50%\", per = \"1s\" }]";
    run(&tier, &[&world[..], &[alert]].concat()).is("alert.open.fired", 1.0);
    let stale = [&world[..], &["tier.cache.ttl.stale_if_error=1h"]].concat();
    run(&tier, &stale)
        .is("requests.shed", 0.0)
        .is("goodput.ratio", 1.0)
        .is("database.shed", 940.0);
}

#[test]
fn last_come_first_served_answers_some_where_first_come_answers_nobody() {
    let goodput = |discipline: &str| {
        let discipline = format!("database.discipline={discipline}");
        let run = run(BUSY, &[&discipline, "warmup=1s"]);
        run.keeps_the_laws();
        run.get("goodput.rate")
    };
    assert!(goodput("fifo") < 10.0);
    assert!(goodput("lifo") > 450.0);
    assert!(goodput("codel") > 450.0);
    assert!(goodput("codel-lifo") > 450.0);
}
