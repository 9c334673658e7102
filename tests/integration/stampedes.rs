//! What happens when many requests miss one key together, with and without a defence.

use crate::world::run;

/// A request every millisecond for one key, whose fetch takes 50.5 ms. Tiers take no time.
const HOT_KEY: &str = r#"
duration = "200ms"
[workload]
arrivals = { process = "constant", rate = "1k/s" }
keys     = { distribution = "sequential", count = 1 }
[app]
instances = 4
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "50500us"
"#;

const SINGLE_FLIGHT: &str = "tier.cache.defence=single-flight";

#[test]
fn undefended_everybody_fetches_who_comes_before_the_first_fetch_is_over() {
    // The requests of 0 to 50 ms.
    run(HOT_KEY, &[])
        .is("stampede.events", 1.0)
        .is("stampede.peak", 51.0)
        .is("database.inflight.max", 51.0)
        .is("database.qps.max", 51.0)
        .is("tier.cache.miss_ratio", 51.0 / 200.0)
        .is("tier.cache.hit_ratio", 149.0 / 200.0)
        .is("hit_ratio", 149.0 / 200.0);
}

#[test]
fn single_flight_is_per_instance() {
    for instances in [1, 2, 4, 8] {
        let instances = f64::from(instances);
        let setting = format!("app.instances={instances}");
        let run = run(HOT_KEY, &[SINGLE_FLIGHT, &setting]);
        run.is("stampede.peak", instances)
            .is("stampede.events", if instances == 1.0 { 0.0 } else { 1.0 })
            .is("database.reads.rate", instances / 0.2)
            .is("tier.cache.miss_ratio", instances / 200.0);
        let waited = run.get("tier.cache.delayed_hit_ratio") * 200.0;
        // Until the first of the flights has landed everybody but the leaders waits; an instance
        // that took off later does not call its followers back.
        assert!(waited >= 51.0 - instances, "{waited} waited");
        assert!(waited < 51.0 + instances, "{waited} waited");
    }
}

#[test]
fn a_delayed_hit_takes_the_rest_of_the_fetch() {
    // The leader comes at 0 and is answered at 100 ms; those of 30, 60 and 90 wait 70, 40 and 10;
    // the one of 120 hits.
    let settings = [
        SINGLE_FLIGHT,
        "app.instances=1",
        "duration=150ms",
        // Every 30 ms: 33 1/3 a second is 2000 a minute.
        "workload.arrivals={ process = \"constant\", rate = { curve = \"steps\", points = [[\"0s\", \"2k/m\"]] } }",
        "database.service_time=100ms",
    ];
    run(HOT_KEY, &settings)
        .is("requests.answered", 5.0)
        .is(
            "latency.mean",
            (100.0 + 70.0 + 40.0 + 10.0 + 0.0) / 5.0 / 1e3,
        )
        .is("latency.max", 100e-3)
        .is("tier.cache.delayed_hit_ratio", 3.0 / 5.0)
        .is("tier.cache.miss_ratio", 1.0 / 5.0)
        .is("tier.cache.hit_ratio", 1.0 / 5.0)
        .is("hit_ratio", 4.0 / 5.0);
    // With 4 ms to the tier and back the leader looks up until 4, fetches until 104 and sets until
    // 108; the followers look up as well before they wait for it. The one of 120 takes 4 ms.
    run(
        HOT_KEY,
        &[&settings[..], &["tier.cache.network=4ms"]].concat(),
    )
    .is("requests.answered", 5.0)
    .is(
        "latency.mean",
        (108.0 + 78.0 + 48.0 + 18.0 + 4.0) / 5.0 / 1e3,
    );
}

#[test]
fn a_failure_of_the_leader_reaches_its_followers() {
    // The app gives up after 50 ms: the leader of 0 fails at 50, and with it those of 20 and 40;
    // the one of 60 leads again. (Nothing is stored: the query's answer has nobody to bring it.)
    let settings = [
        SINGLE_FLIGHT,
        "app.instances=1",
        "duration=600ms",
        "workload.arrivals.rate=50/s",
        "database.service_time=100ms",
        "database.timeout=50ms",
    ];
    run(HOT_KEY, &settings)
        .is("requests.arrived", 30.0)
        .is("requests.timed_out", 30.0)
        .is("database.timed_out", 10.0)
        .is("database.reads.rate", 10.0 / 0.6)
        .is("tier.cache.delayed_hit_ratio", 20.0 / 30.0)
        .is("tier.cache.miss_ratio", 10.0 / 30.0)
        .is("requests.concurrency", 10.0 * (50.0 + 30.0 + 10.0) / 600.0)
        .is("tier.cache.entries", 0.0)
        // The abandoned query of one flight is still running when the next takes off.
        .is("stampede.peak", 2.0);
}

#[test]
fn a_rejection_of_the_leader_reaches_its_followers() {
    // The first key's leader has the only connection, so those of the second key are rejected: at
    // once, before anybody could follow. Each of its requests leads and is rejected.
    let settings = [
        SINGLE_FLIGHT,
        "app.instances=1",
        "duration=40ms",
        "workload.keys.count=2",
        "database.connections=1",
        "database.queue_limit=0",
        "drain=true",
    ];
    run(HOT_KEY, &settings)
        .is("requests.arrived", 40.0)
        .is("requests.rejected", 20.0)
        .is("requests.answered", 20.0)
        .is("tier.cache.delayed_hit_ratio", 19.0 / 40.0)
        .is("latency.max", 50.5e-3);
    // With 4 ms to the database and back the rejection takes 4 ms to arrive, and reaches the one
    // who came after 2 ms as well.
    let network = "database.network=4ms";
    run(HOT_KEY, &[&settings[..], &[network]].concat())
        .is("requests.rejected", 20.0)
        .is("requests.answered", 20.0)
        .is("database.rejected", 10.0)
        .is("tier.cache.delayed_hit_ratio", (19.0 + 10.0) / 40.0);
}

#[test]
fn a_hot_key_that_expires_calls_one_stampede_each_time() {
    // Stored at 50.5 by the first fetch, and again by each of the 50 others, the last at 100.5; gone
    // at 110.5. Everybody from 111 on fetches, and the first of those is back at 161.5.
    let run = run(HOT_KEY, &["tier.cache.ttl=10ms", "duration=170ms"]);
    run.is("stampede.events", 2.0)
        .is("stampede.peak", 51.0)
        .is("database.qps.max", 102.0)
        .is("tier.cache.expirations.rate", 1.0 / 0.17);
}
