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

#[test]
fn an_exchange_of_many_keys_carries_the_values_of_all() {
    // A megabyte takes 1 ms.
    let heavy = [
        "workload.value_size=1MB",
        "tier.cache.service.bandwidth=1GB/s",
        "workload.page.multi_get=true",
    ];
    run(CACHED, &heavy).is("latency.mean", 1.14e-3 + 3e-3);
}

#[test]
fn the_keys_of_a_node_that_is_down_are_asked_for_together_at_its_stand_in() {
    // The page of 3 s fills the stand-in. That of 4 s: a round trip to the node that is down, and one
    // to the stand-in with the service of three keys.
    let down = [
        "workload.page.multi_get=true",
        "tier.cache.gutter={ nodes = 1 }",
        "warmup=3500ms",
        "event=[{ at = \"2500ms\", action = \"crash\", target = \"tier.cache.node.0\" }]",
    ];
    run(CACHED, &down)
        .is("latency.mean", 1e-3 + 1.14e-3)
        .is("tier.cache.gutter.rate", 1.0 / 1.5)
        .is("tier.cache.hit_ratio", 1.0);
}

#[test]
fn keys_go_together_where_they_would_go_alone() {
    // The same copies of the same rows, and the same guesses of clients without a map.
    let nodes = "tier.cache.nodes=3";
    let ways: [&[&str]; 4] = [
        &["tier.cache.hot_keys={ copies = 3, top = 3 }"],
        &["tier.cache.placement={ scheme = \"slots\", client = \"dumb\" }"],
        &["tier.cache.replication={ factor = 3, reads = \"any\" }"],
        &["tier.cache.placement=replicated-all"],
    ];
    for way in ways {
        let settings = [way, &[nodes, "duration=60s"]].concat();
        let alone = run(CACHED, &settings);
        let together = run(
            CACHED,
            &[&settings[..], &["workload.page.multi_get=true"]].concat(),
        );
        together.keeps_the_laws();
        for metric in ["hot_keys.copy_reads", "hit_ratio"] {
            let metric = format!("tier.cache.{metric}");
            together.is(&metric, alone.get(&metric));
        }
        // Whom three keys of one node share an exchange with does not matter to where they go.
        assert!(together.get("tier.cache.rate") < alone.get("tier.cache.rate"));
        let redirects = |run: &crate::world::Run| run.get("tier.cache.redirects");
        assert!(redirects(&together) <= redirects(&alone));
    }
}

#[test]
fn values_in_chunks_are_put_together_after_the_exchange() {
    let chunks = [
        "workload.value_size=2500B",
        "tier.cache.chunking={ size = \"1KiB\", parallel = 3 }",
        "workload.page.multi_get=true",
    ];
    // Three manifests with one exchange, then three chunks of each: nine lookups of 100 us on one worker.
    run(CACHED, &chunks)
        .is("latency.mean", 1.14e-3 + 1e-3 + 0.9e-3)
        .is("tier.cache.hit_ratio", 1.0);
}

#[test]
fn the_misses_of_an_exchange_may_go_to_the_database_with_one_query() {
    // The first page: lookups 1.14 ms, one query of 10 ms and two fifths more for three rows, and three
    // sets that wait for one another.
    for mode in ["parallel", "sequence"] {
        let settings = [
            "workload.page.multi_get=true",
            "workload.page.batch_misses=true",
            &format!("workload.page.mode={mode}"),
            "duration=500ms",
            "warmup=0s",
        ];
        run(CACHED, &settings)
            .is("latency.max", 1.14e-3 + 14e-3 + 1.3e-3)
            .is("database.reads.rate", 1.0 / 0.5)
            .is("tier.cache.miss_ratio", 1.0)
            .is("hit_ratio", 0.0);
        let dear = [&settings[..], &["workload.page.batch_key_cost=1"]].concat();
        run(CACHED, &dear).is("latency.max", 1.14e-3 + 30e-3 + 1.3e-3);
    }
}

/// A page of two rows at 0 s, for clients who do more than wait. A query takes 10 ms.
const TWO_ROWS: &str = r#"
duration = "900ms"
drain    = true
[workload]
arrivals = { process = "constant", rate = "1/s" }
keys     = { distribution = "sequential", count = 2 }
page     = { keys = 2 }
[client]
deadline = "1s"
[database]
connections  = 1
service_time = "10ms"
"#;

#[test]
fn each_key_of_a_page_is_given_up_and_asked_for_again_by_itself() {
    // The second key waits for the first one's query: given up at 16 ms, when its query has begun at 10, and asked
    // for again behind that: from 20 to 30.
    let impatient = ["client.timeout=16ms", "client.retries=1"];
    run(TWO_ROWS, &impatient)
        .is("latency.max", 30e-3)
        .is("retries.attempts", 3.0)
        .is("retries.amplification", 1.5)
        .is("requests.answered", 1.0)
        .is("page.key_latency.max", 30e-3);
    // One after another, neither waits.
    let sequence = [
        "client.timeout=16ms",
        "client.retries=1",
        "workload.page.mode=sequence",
    ];
    run(TWO_ROWS, &sequence)
        .is("latency.max", 20e-3)
        .is("retries.amplification", 1.0);
    // Without a retry the page fails with the key.
    run(TWO_ROWS, &["client.timeout=16ms"])
        .is("requests.failed", 1.0)
        .is("requests.answered", 0.0);
}

#[test]
fn the_deadline_is_that_of_the_whole_page() {
    for mode in ["parallel", "sequence"] {
        let mode = format!("workload.page.mode={mode}");
        run(TWO_ROWS, &[&mode, "client.deadline=19ms"]).is("deadline.missed", 1.0);
        run(TWO_ROWS, &[&mode, "client.deadline=21ms"]).is("deadline.missed", 0.0);
    }
    // What becomes of the work is as for any other request: taken back, or done for nobody.
    let answers = |abandoned: &str| {
        let abandoned = format!("client.abandoned={abandoned}");
        let run = run(
            TWO_ROWS,
            &["client.deadline=5ms", "drain=false", &abandoned],
        );
        (run.get("throughput.rate") * 0.9).round()
    };
    assert_eq!((answers("finish"), answers("cancel")), (2.0, 0.0));
}

#[test]
fn a_hedge_is_of_one_key() {
    // Each key has a connection, and is hedged after 4 ms.
    let settings = ["client.hedge.after=4ms", "database.connections=4"];
    run(TWO_ROWS, &settings)
        .is("hedges.sent", 2.0)
        .is("latency.max", 10e-3)
        .is("database.qps.max", 4.0);
}

#[test]
fn clients_with_much_patience_see_pages_as_those_who_only_wait_do() {
    let busy = [
        "duration=5s",
        "workload.arrivals={ process = \"poisson\", rate = \"40/s\" }",
        "workload.keys.count=50",
        "workload.page.keys={ distribution = \"exponential\", mean = 4 }",
        "database={ connections = 3, service_time = { distribution = \"exponential\", mean = \"4ms\" } }",
    ];
    for mode in ["parallel", "sequence"] {
        let mode = format!("workload.page.mode={mode}");
        let with = |client: &str| run(TWO_ROWS, &[&busy[..], &[&mode, client]].concat());
        let (waiting, patient) = (with("client={}"), with("client.deadline=1h"));
        for metric in [
            "latency.mean",
            "latency.max",
            "page.key_latency.mean",
            "database.reads.rate",
        ] {
            patient.is(metric, waiting.get(metric));
        }
    }
}
