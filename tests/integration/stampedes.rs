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
        .is("stampede.rate", 5.0)
        .is("stampede.peak", 51.0)
        .is("stampede.duplicates", 50.0)
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
            .is("stampede.duplicates", instances - 1.0)
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

const LOCK: &str = "tier.cache.defence={ kind = \"lock\", retry = \"7ms\" }";

#[test]
fn a_lock_lets_one_fetch_across_instances_and_the_others_look_again() {
    // The request of 0 takes the lock and is back at 50.5 ms. The others look every 7 ms: that of 1 at
    // 1, 8, ... 50 and finds it at 57.
    run(HOT_KEY, &[LOCK])
        .is("stampede.events", 0.0)
        .is("stampede.peak", 1.0)
        .is("tier.cache.miss_ratio", 1.0 / 200.0)
        .is("tier.cache.delayed_hit_ratio", 50.0 / 200.0)
        .is("tier.cache.locks.taken", 1.0)
        // Those of 1 to 50 look until 50.5: (50 - t) / 7 + 1 times each.
        .is(
            "tier.cache.locks.busy",
            (1..=50).map(|t| f64::from((50 - t) / 7 + 1)).sum(),
        )
        .is("latency.max", 56e-3);
}

#[test]
fn taking_and_releasing_a_lock_are_exchanges_of_their_own() {
    // 4 ms to the tier and back: look up until 4, lock until 8, fetch until 58.5, set until 62.5, release
    // until 66.5.
    let settings = [LOCK, "tier.cache.network=4ms", "duration=1ms", "drain=true"];
    run(HOT_KEY, &settings)
        .is("latency.max", 66.5e-3)
        .is("requests.answered", 1.0);
}

#[test]
fn a_holder_that_dies_leaves_the_lock_until_it_expires() {
    let dies = "tier.cache.defence={ kind = \"lock\", retry = \"1ms\", ttl = \"20ms\", holder_dies = 1.0 }";
    // At 0, 20, 40, ... somebody takes the lock and dies; nobody is ever answered.
    run(HOT_KEY, &[dies, "duration=99ms"])
        .is("requests.unavailable", 5.0)
        .is("requests.answered", 0.0)
        .is("database.reads.rate", 0.0);
}

#[test]
fn who_has_looked_in_vain_fetches_or_fails_as_it_was_told() {
    let gives_up = |what: &str| {
        let defence = format!(
            "tier.cache.defence={{ kind = \"lock\", retry = \"5ms\", retries = 2, give_up = \"{what}\" }}"
        );
        let settings = [
            &defence,
            "tier.cache.ttl=10s",
            "duration=31ms",
            "drain=true",
        ];
        run(HOT_KEY, &settings)
    };
    // Those of 1 to 30 give up 10 ms later. A copy that is served at last would have to be there.
    for what in ["query", "serve-stale"] {
        gives_up(what)
            .is("stampede.peak", 31.0)
            .is("tier.cache.locks.given_up", 30.0)
            .is("requests.failed", 0.0);
    }
    gives_up("fail")
        .is("stampede.peak", 1.0)
        .is("requests.timed_out", 30.0);
}

/// An entry that is there from the start, and expires at 10 ms.
const WARM: [&str; 2] = ["tier.cache.ttl=10ms", "duration=80ms"];

/// `defence` beside a warm-up of the key.
fn warm(defence: &str) -> crate::world::Run {
    let warm_up = "{ kind = \"warm-up\", keys = 1, rate = \"1G/s\" }";
    let setting = format!("tier.cache.defence=[{warm_up}, {defence}]");
    run(HOT_KEY, &[&WARM[..], &[&setting]].concat())
}

#[test]
fn what_was_loaded_before_the_run_is_found_until_it_expires() {
    // It is as old as one key takes at that rate, a nanosecond: gone at 10 ms.
    let run = warm("\"single-flight\"");
    assert!(run.get("tier.cache.hit_ratio") * 80.0 >= 10.0);
    run.is("stampede.peak", 4.0);
}

#[test]
fn the_expired_copy_is_served_to_those_who_would_wait() {
    // One fetches from 10 ms until 60.5 and another from 71 on, and all the others are served what has
    // expired.
    warm("\"lock\", \"serve-stale-if-locked\"")
        .is("stampede.peak", 1.0)
        .is("tier.cache.delayed_hit_ratio", 0.0)
        .is("tier.cache.stale_hit_ratio", 58.0 / 80.0);
}

#[test]
fn one_or_each_instance_or_everybody_refreshes_what_is_stale() {
    let peak = |refreshers: &str| {
        let defence =
            format!("{{ kind = \"stale-while-revalidate\", refreshers = \"{refreshers}\" }}");
        let run = warm(&defence);
        // Nobody waits.
        run.is("latency.max", 0.0);
        run.get("stampede.peak")
    };
    assert_eq!(peak("one"), 1.0);
    assert_eq!(peak("instance"), 4.0);
    assert_eq!(peak("all"), 51.0);
}

#[test]
fn a_batch_is_one_exchange_and_waits_for_its_window() {
    // One instance, a request every millisecond, windows of 4 ms: five lookups in each batch, those of 0
    // to 4 go out at 4.
    let coalesce = "tier.cache.defence={ kind = \"coalesce\", window = \"4500us\" }";
    let settings = [
        coalesce,
        "app.instances=1",
        "database.service_time=0s",
        "duration=100ms",
        "drain=true",
    ];
    run(HOT_KEY, &settings)
        .is("tier.cache.batches.rate", 20.0 / 0.1)
        .is("latency.max", 4.5e-3)
        .is("latency.mean", 2.5e-3);
    // A full batch does not wait.
    let full = "tier.cache.defence={ kind = \"coalesce\", window = \"1s\", most = 2 }";
    run(HOT_KEY, &[&settings[1..], &[full]].concat())
        .is("tier.cache.batches.rate", 50.0 / 0.1)
        .is("latency.max", 1e-3);
}

#[test]
fn a_deploy_restarts_instances_one_after_the_other_and_empties_their_caches() {
    let deploy = "event=[{ at = \"50ms\", action = \"deploy\", restart = \"10ms\" }]";
    let own = "tier.cache.scope=instance";
    let settings = [own, "database.service_time=0s", "duration=200ms"];
    // Each instance fetches the key once, and again after it was restarted; no request is lost.
    run(HOT_KEY, &settings).is("database.reads.rate", 4.0 / 0.2);
    run(HOT_KEY, &[&settings[..], &[deploy]].concat())
        .is("database.reads.rate", 8.0 / 0.2)
        .is("requests.failed", 0.0);
    // Where all are restarted together there is nobody to answer for 10 ms.
    let together =
        "event=[{ at = \"49500us\", action = \"deploy\", restart = \"10ms\", at_a_time = 4 }]";
    run(HOT_KEY, &[&settings[..], &[together]].concat()).is("requests.unavailable", 10.0);
    // A warm-up fetches it instead.
    let warm = "tier.cache.defence={ kind = \"warm-up\", keys = 1 }";
    run(HOT_KEY, &[&settings[..], &[deploy, warm]].concat())
        .is("tier.cache.warmed", 4.0)
        .is("tier.cache.miss_ratio", 0.0);
}
