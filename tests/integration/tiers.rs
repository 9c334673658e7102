//! Tiers: their nodes, and several of them in series.

use crate::world::{IN_SERIES, ONE_KEY, run};

/// A request every 500 ms for one key, which lives for 800 ms in the near tier.
const ONE_FOR_A_WHILE: [&str; 4] = [
    ONE_KEY,
    "duration=5s",
    "tier.near.capacity=unlimited",
    "tier.near.ttl=800ms",
];

/// 1000 keys, each asked for once, on three nodes.
const THREE_NODES: &str = r#"
duration = "10s"
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "sequential", count = 1000 }
[[tier]]
name     = "cache"
nodes    = 3
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "1ms" }
[database]
service_time = "2ms"
"#;

#[test]
fn the_lower_tier_answers_what_the_upper_has_lost_and_fills_it_again() {
    // The first: 1 + 10 + 100, and the sets 10 + 1. It is stored near at 121.5, gone at 921.5; so
    // every second request finds it near (1 ms), and the others far (1 + 10 + 1 ms).
    run(IN_SERIES, &ONE_FOR_A_WHILE)
        .is("requests.answered", 10.0)
        .is("latency.max", 122e-3)
        .is(
            "latency.mean",
            (122.0 + 5.0 * 1.0 + 4.0 * 12.0) / 10.0 / 1e3,
        )
        .is("tier.near.hit_ratio", 5.0 / 10.0)
        .is("tier.near.miss_ratio", 5.0 / 10.0)
        .is("tier.far.hit_ratio", 4.0 / 5.0)
        .is("tier.far.miss_ratio", 1.0 / 5.0)
        // Lookups and sets: 10 + 5 near, 5 + 1 far.
        .is("tier.near.rate", 15.0 / 5.0)
        .is("tier.far.rate", 6.0 / 5.0)
        .is("database.reads.rate", 1.0 / 5.0)
        // Nine of ten needed no query of their own, wherever they were answered.
        .is("hit_ratio", 9.0 / 10.0);
}

#[test]
fn a_write_deletes_from_every_tier() {
    // A write: 100 ms at the database, 10 + 1 ms for the deletes.
    run(
        IN_SERIES,
        &[&ONE_FOR_A_WHILE[..], &["workload.reads=0"]].concat(),
    )
    .is("write.latency.mean", 111e-3)
    .is("latency.max", 111e-3)
    .is("tier.near.rate", 2.0)
    .is("tier.far.rate", 2.0)
    .is("tier.near.entries", 0.0);
}

#[test]
fn a_refused_lookup_goes_on_to_the_database_and_stores_nothing() {
    // The node is busy with the lookup of 0 until 99 ms and, after a fetch, with its set until
    // 198.5 ms, and has no room to wait. The request of 50 ms goes to the database at once, and is
    // answered half a millisecond later without a set.
    let busy = r#"
duration = "100ms"
drain    = true
[workload]
arrivals = { process = "constant", rate = "20/s" }
keys     = { distribution = "sequential", count = 2 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "99ms", queue_limit = 0 }
[database]
service_time = "500us"
"#;
    run(busy, &[])
        .is("requests.answered", 2.0)
        .is("latency.mean", (198.5 + 0.5) / 2.0 / 1e3)
        .is("tier.cache.refused", 1.0)
        .is("tier.cache.miss_ratio", 1.0)
        .is("hit_ratio", 0.0);
    // So do those of 100 and 150. Four lookups and one set have reached the node.
    run(busy, &["duration=200ms"])
        .is("requests.answered", 4.0)
        .is("latency.mean", (198.5 + 3.0 * 0.5) / 4.0 / 1e3)
        .is("tier.cache.refused", 3.0)
        .is("tier.cache.rate", 5.0 / 0.2);
}

#[test]
fn a_refused_set_is_lost_but_the_row_is_an_answer() {
    // The lookup of 0 ends at 100 and its fetch at 160; meanwhile the lookup of 150 has come and is
    // served until 250. So the set of 160 is refused, and the first is answered at 160.
    let busy = r#"
duration = "300ms"
drain    = true
[workload]
arrivals = { process = "constant", rate = { curve = "steps", points = [["0s", "400/m"]] } }
keys     = { distribution = "sequential", count = 1 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "100ms", queue_limit = 0 }
[database]
service_time = "60ms"
"#;
    // The second looks up in vain, fetches until 310 and sets until 410.
    run(busy, &[])
        .is("requests.answered", 2.0)
        .is("tier.cache.refused", 1.0)
        .is("tier.cache.miss_ratio", 1.0)
        .is("latency.mean", (160.0 + 260.0) / 2.0 / 1e3);
}

#[test]
fn requests_queue_for_a_node_s_workers() {
    // 4 requests within 4 ms for a worker that takes 10 ms for each exchange.
    let text = r#"
duration = "4ms"
drain    = true
[workload]
arrivals = { process = "constant", rate = "1k/s" }
keys     = { distribution = "sequential", count = 4 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "10ms" }
[database]
service_time = "100ms"
"#;
    // Lookups end at 10, 20, 30 and 40, fetches at 110 ... 140, sets at 120 ... 150.
    run(text, &[])
        .is("latency.mean", (120.0 + 129.0 + 138.0 + 147.0) / 4.0 / 1e3)
        .is("tier.cache.utilization", 80.0 / 150.0);
    // Two workers: lookups end at 10, 11, 20, 21, sets at 120, 121, 130, 131.
    run(text, &["tier.cache.service.workers=2"])
        .is("latency.mean", (120.0 + 120.0 + 128.0 + 128.0) / 4.0 / 1e3)
        .is("tier.cache.utilization", 80.0 / 131.0 / 2.0);
}

#[test]
fn what_nodes_do_adds_up_to_what_the_tier_does() {
    for scheme in ["ring", "modulo"] {
        let run = run(THREE_NODES, &[&format!("tier.cache.placement={scheme}")]);
        let nodes = |what: &str| [0, 1, 2].map(|i| run.get(&format!("tier.cache.node.{i}.{what}")));
        let rates = nodes("rate");
        let rate: f64 = rates.iter().sum();
        run.is("tier.cache.rate", rate).is("tier.cache.rate", 200.0);
        run.is("tier.cache.entries", nodes("entries").iter().sum());
        let utilization = nodes("utilization").iter().sum::<f64>() / 3.0;
        run.is("tier.cache.utilization", utilization);
        let busiest = rates.into_iter().fold(0.0, f64::max);
        run.is("tier.cache.imbalance", busiest / (rate / 3.0));
        for node in 0..3 {
            // Each exchange keeps the one worker busy for 1 ms.
            let share = run.get(&format!("tier.cache.node.{node}.utilization"));
            assert!((share - rates[node] * 1e-3).abs() < 2e-4, "{share}");
            assert!(rates[node] > 50.0, "{scheme}: {rates:?}");
        }
    }
}

#[test]
fn one_key_is_on_one_node_and_the_others_are_idle() {
    let run = run(THREE_NODES, &["workload.keys.count=1"]);
    run.is("tier.cache.imbalance", 3.0);
    let rates = [0, 1, 2].map(|i| run.get(&format!("tier.cache.node.{i}.rate")));
    assert_eq!(rates.iter().filter(|rate| **rate == 0.0).count(), 2);
    run.is("tier.cache.rate", 100.1);
}
