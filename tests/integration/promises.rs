//! Promises to the reader are kept whatever the tiers hold, and broken ones are counted.

use proptest::prelude::*;

use crate::world::{Run, plan, run, run_plan, seed_of_operations};

/// A request for one row every 60 ms, all of one session. A read takes 100 ms in the database, a write
/// 10; tiers take no time.
const ONE_ROW: &str = r#"
duration = "1200ms"
[workload]
arrivals = { process = "constant", rate = { curve = "steps", points = [["0s", "1000/m"]] } }
keys     = { distribution = "sequential", count = 1 }
reads    = 0.9
sessions = 1
[[tier]]
name     = "cache"
capacity = "unlimited"
pattern  = "around"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time       = "100ms"
write_service_time = "10ms"
"#;

/// The run in which the 20 requests do what the letters say.
#[track_caller]
fn twenty(operations: &str, settings: &[&str]) -> Run {
    let mut plan = plan(ONE_ROW, settings);
    plan.seed = seed_of_operations(&plan, operations);
    let run = run_plan(&plan, 0);
    assert_eq!(run.0.requests, 20);
    run
}

/// Reads at 0 and 60 go to the database, and what they saw is stored at 100 and 160. Written at 180,
/// committed and answered at 190. The sixteen reads from 240 on find the old row.
const ONE_WRITE: &str = "RRRWRRRRRRRRRRRRRRRR";

const OWN: &str = "consistency.read_your_writes_violations";
const BACK: &str = "consistency.monotonic_read_violations";

#[test]
fn whoever_wrote_and_sees_the_old_row_is_counted_each_time() {
    twenty(ONE_WRITE, &[])
        .is(OWN, 16.0)
        .is(BACK, 0.0)
        .is("consistency.bypassing_reads", 0.0)
        .is("consistency.refused_copies", 0.0);
}

#[test]
fn without_sessions_nobody_notices() {
    let text = ONE_ROW.replace("sessions = 1\n", "");
    let run = run(&text, &[]);
    assert!(run.get(OWN).is_nan() && run.get(BACK).is_nan());
}

#[test]
fn a_bypass_takes_the_writer_to_the_database_for_its_window() {
    // The reads of 240, 300 and 360 bypass until 390; those after find the old row again, and go back
    // behind what the session saw, once the first bypass is answered at 340.
    let promise = "app.promises=[{ kind = \"bypass-after-write\", window = \"200ms\" }]";
    twenty(ONE_WRITE, &[promise])
        .is("consistency.bypassing_reads", 3.0)
        .is(OWN, 13.0)
        .is(BACK, 13.0);
}

#[test]
fn a_token_refuses_old_copies_until_the_new_row_is_stored() {
    // The reads of 240 and 300 refuse the old copy; the first of them has stored the new row at
    // 340, so that the read of 360 is a hit.
    twenty(ONE_WRITE, &["app.promises=[\"session-token\"]"])
        .is("consistency.refused_copies", 2.0)
        .is("database.reads.rate", (2.0 + 2.0) / 1.2)
        .is(OWN, 0.0)
        .is(BACK, 0.0);
}

#[test]
fn a_flight_that_began_before_the_write_does_not_answer_a_token() {
    // The read of 0 leads a flight until 250. Written at 60, answered at 70. The reads of 120, 180 and
    // 240 join the flight, refuse its answer at 250 and fetch for themselves.
    let settings = [
        "tier.cache.defence=single-flight",
        "database.service_time=250ms",
        "app.promises=[\"session-token\"]",
    ];
    twenty("RWRRRRRRRRRRRRRRRRRR", &settings)
        .is(OWN, 0.0)
        .is(BACK, 0.0);
    twenty("RWRRRRRRRRRRRRRRRRRR", &settings[..2]).is(OWN, 18.0);
}

#[test]
fn a_bound_fetches_anew_what_was_read_too_long_ago() {
    // As of 0, stored at 100; as of 60, stored at 160: good until 360. The read of 420 refuses it and
    // fetches until 520, as of 420; so does that of 480 (as of 480, good until 780). 540 to 780 hit.
    // Those of 840 and 900 fetch, 960 to 1140 hit.
    let promise = "app.promises=[{ kind = \"bounded-staleness\", max_staleness = \"300ms\" }]";
    twenty("RRRRRRRRRRRRRRRRRRRR", &[promise, "workload.reads=1.0"])
        .is("database.reads.rate", (2.0 + 2.0 + 2.0) / 1.2)
        .is("consistency.refused_copies", 4.0);
    // Committed at 190. The read of 360 is the last of the old copy.
    twenty(ONE_WRITE, &[promise]).is("staleness.max", 0.17);
}

#[test]
fn what_waits_for_its_flush_is_not_too_old() {
    let settings = [
        "tier.cache.pattern={ read = \"through\", write = \"behind\", flush = \"1h\" }",
        "app.promises=[\"session-token\", { kind = \"bounded-staleness\", max_staleness = \"100ms\" }]",
    ];
    twenty(ONE_WRITE, &settings)
        .is("staleness.max", 0.0)
        .is(OWN, 0.0);
}

prop_compose! {
    fn workloads()(
        seed in 0..1000u64,
        keys in 1..20u32,
        reads in 5..10u32,
        ttl in prop::sample::select(vec!["never", "30ms", "500ms"]),
        defence in prop::sample::select(vec!["none", "single-flight"]),
        read in prop::sample::select(vec!["aside", "through"]),
        (write, scope) in prop::sample::select(vec![
            ("invalidate", "instance"), ("update", "instance"), ("through", "instance"),
            ("around", "client"), ("double-delete", "instance"), ("around", "global"),
            ("invalidate", "global"), ("update", "global"), ("behind", "global"),
        ]),
        read_ms in 0..30u32,
    ) -> String {
        format!(
            "seed = {seed}\nduration = \"500ms\"\n[workload]\narrivals = \"1k/s\"\n\
             keys = {{ distribution = \"zipf\", count = {keys}, exponent = 1.0 }}\nreads = 0.{reads}\n\
             sessions = {{ count = 5, own_reads = 0.2 }}\n[app]\ninstances = 3\n\
             [[tier]]\nname = \"cache\"\nscope = \"{scope}\"\ncapacity = \"15 entries\"\n\
             ttl = \"{ttl}\"\ndefence = \"{defence}\"\n\
             pattern = {{ read = \"{read}\", write = \"{write}\" }}\n\
             [database]\nconnections = 50\n\
             service_time = {{ distribution = \"exponential\", mean = \"{read_ms}.1ms\" }}\n"
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_token_is_kept_under_every_pattern_and_scope(text in workloads()) {
        let run = run(&text, &["app.promises=[\"session-token\"]"]);
        prop_assert_eq!((run.get(OWN), run.get(BACK)), (0.0, 0.0));
    }

    #[test]
    fn a_bound_is_kept_under_every_pattern_and_scope(text in workloads(), max_ms in 1..200u32) {
        let promise = format!("app.promises=[{{ kind = \"bounded-staleness\", max_staleness = \"{max_ms}ms\" }}]");
        let staleness = run(&text, &[&promise]).get("staleness.max");
        prop_assert!(staleness <= f64::from(max_ms) / 1e3, "{}", staleness);
    }
}
