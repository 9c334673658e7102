//! What keeps copies true, mechanism by mechanism, on examples worked by hand.

use crate::world::{Run, plan, run as run_text, run_plan, seed_of_operations};

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
    run_plan(&plan, 0)
}

const READS: f64 = 19.0;

// Compare-and-set.

#[test]
fn a_set_of_an_older_version_than_a_delete_has_named_is_refused() {
    // The read of 0 sees version 0. The write of 60 commits version 1 at 70, and its delete says so.
    // The fill of 100 is refused; the reads of 120 and 180 fetch, until 220 and 280.
    run(
        "RWRRRRRRRRRRRRRRRRRR",
        &["tier.cache.invalidation=[\"compare-and-set\"]"],
    )
    .is("tier.cache.sets.refused", 1.0)
    .is("staleness.ratio", 0.0);
}

#[test]
fn a_tombstone_that_is_forgotten_before_the_fill_comes_closes_nothing() {
    // Forgotten at 90, before the fill of 100: the reads of 120 to 540 are stale.
    let short = "tier.cache.invalidation=[{ kind = \"compare-and-set\", tombstone = \"20ms\" }]";
    run("RWRRRRRRRRRRRRRRRRRR", &[short])
        .is("tier.cache.sets.refused", 0.0)
        .is("staleness.ratio", 8.0 / READS);
}

// Leases.

const LEASE: &str = "tier.cache.defence={ kind = \"lease\", retry = \"15ms\" }";

#[test]
fn a_delete_voids_the_token_of_a_fill_under_way() {
    // The read of 0 gets the token and fetches the old row until 100. The delete of 70 voids it, so
    // its set is refused. The read of 120 gets a new token and fetches until 220. The one of 180 is
    // told to wait then, at 195 and at 210, and finds the entry at 225. It expires at 720; the read
    // of 720 fetches until 820, and the one of 780 waits until 825.
    run("RWRRRRRRRRRRRRRRRRRR", &[LEASE])
        .is("tier.cache.leases.granted", 3.0)
        .is("tier.cache.leases.waits", 6.0)
        .is("tier.cache.sets.refused", 1.0)
        .is("tier.cache.miss_ratio", 3.0 / READS)
        .is("tier.cache.delayed_hit_ratio", 2.0 / READS)
        .is("database.reads.rate", 3.0 / 1.2)
        .is(
            "read.latency.mean",
            (3.0 * 100.0 + 2.0 * 45.0) / READS / 1e3,
        )
        .is("staleness.ratio", 0.0);
}

#[test]
fn who_would_wait_is_offered_the_value_that_was_deleted() {
    // Filled at 100; the read of 60 waits until 105. The write of 180 commits and deletes at 190. The
    // read of 240 fetches until 340, and the one of 300 gets the old row, out of date for 110 ms.
    // The entry of 340 expires at 840: the read of 840 fetches, the one of 900 waits. Nothing was
    // deleted then.
    let offers = "tier.cache.defence={ kind = \"lease\", retry = \"15ms\", stale = \"1s\" }";
    run("RRRWRRRRRRRRRRRRRRRR", &[offers])
        .is("tier.cache.stale_hit_ratio", 1.0 / READS)
        .is("tier.cache.delayed_hit_ratio", 2.0 / READS)
        .is("staleness.ratio", 1.0 / READS)
        .is("staleness.max", 110e-3);
}

#[test]
fn a_token_that_is_not_returned_is_given_anew_when_it_is_no_longer_valid() {
    // Every query is given up on after 50 ms. The token of 0 is valid until 200: the reads of 60,
    // 120 and 180 wait, and one of them gets the next one. Nothing is ever set.
    let settings = [
        "tier.cache.defence={ kind = \"lease\", retry = \"15ms\", token_ttl = \"200ms\" }",
        "database.timeout=50ms",
    ];
    let run = run("RRRRRRRRRRRRRRRRRRRR", &settings);
    // At 0, 210, 420, ...: as soon as one of those who wait asks after the end of the last.
    run.is("database.reads.rate", 6.0 / 1.2)
        .is("requests.answered", 0.0)
        .is("tier.cache.leases.granted", 6.0);
}

// Versioned keys.

#[test]
fn a_slow_fill_sets_under_the_version_that_its_reader_saw() {
    // The read of 0 asks for version 0 and sets under it at 100, but since 70 the version is 1: the
    // reads of 120 and 180 find nothing under it, and fetch the new row.
    run(
        "RWRRRRRRRRRRRRRRRRRR",
        &["tier.cache.invalidation=[\"versioned-keys\"]"],
    )
    .is("staleness.ratio", 0.0)
    .is("tier.cache.sets.refused", 0.0)
    // 0, 120, 180; that of 280 expires at 780, so again 780 and 840.
    .is("database.reads.rate", 5.0 / 1.2)
    // A version and a lookup for each read, the sets, and what raises the version.
    .is("tier.cache.rate", (2.0 * READS + 5.0 + 1.0) / 1.2);
}

#[test]
fn entries_of_old_versions_stay_until_they_expire() {
    let never = [
        "tier.cache.invalidation=[\"versioned-keys\"]",
        "tier.cache.ttl=never",
    ];
    // One entry a version: from 100 on that of version 0, from 220 on that of version 1 as well.
    // Sampled every 5 ms.
    let run = run("RWRRRRRRRRRRRRRRRRRR", &never);
    let entries = run.get("tier.cache.entries");
    let expected = (2.0 * 1200.0 - 100.0 - 220.0) / 1200.0;
    assert!((entries - expected).abs() < 0.02, "{entries}");
}

// Change capture.

#[test]
fn what_is_committed_is_deleted_after_the_lag_whoever_forgot_it() {
    // Filled at 40. The write of 120 commits at 130 and forgets about the cache; at 230 the log
    // does not. The read of 180 is stale by 50 ms, and the one of 240 fetches the new row.
    let settings = [
        "tier.cache.pattern=around",
        "tier.cache.invalidation=[{ kind = \"change-capture\", lag = \"100ms\" }]",
        "database.service_time=40ms",
    ];
    run("RRWRRRRRRRRRRRRRRRRR", &settings)
        .is("staleness.ratio", 1.0 / READS)
        .is("staleness.max", 50e-3)
        .is("tier.cache.invalidations.sent", 1.0)
        .is("tier.cache.invalidations.messages", 1.0)
        .is("tier.cache.invalidations.useless", 0.0);
}

#[test]
fn the_log_knows_of_writes_that_their_clients_gave_up_on() {
    // The write of 120 is given up on at 125 and commits at 130: no delete by the app, which is not
    // told. The lag is 20 ms.
    let settings = [
        "database.service_time=4ms",
        "database.timeout=5ms",
        "tier.cache.invalidation=[{ kind = \"change-capture\", lag = \"20ms\" }]",
    ];
    let followed = run("RRWRRRRRRRRRRRRRRRRR", &settings);
    followed
        .is("requests.timed_out", 1.0)
        .is("staleness.ratio", 0.0);
    let forgotten = run("RRWRRRRRRRRRRRRRRRRR", &settings[..2]);
    // Filled at 4, to stay until 504: the reads of 180 to 480.
    forgotten.is("staleness.ratio", 6.0 / READS);
}

// Entity tags.

/// Entries live for 100 ms, and fetches take 40, or 10 if nothing has changed.
const TAGGED: [&str; 4] = [
    "database.service_time=40ms",
    "tier.cache.ttl=100ms",
    "tier.cache.pattern=around",
    "tier.cache.invalidation=[{ kind = \"etag\", service_time = \"10ms\" }]",
];

#[test]
fn an_expired_entry_that_is_still_true_is_confirmed() {
    // Stored at 40, expired at 140. The read of 180 has it confirmed at 190, so it lives until 290;
    // then the ones of 300, 420, ... 1140.
    run("RRRRRRRRRRRRRRRRRRRR", &TAGGED)
        .is("tier.cache.revalidations.sent", 9.0)
        .is("tier.cache.revalidations.not_modified", 9.0)
        .is("tier.cache.revalidations.bytes_saved", 9.0 * 1024.0)
        .is("tier.cache.miss_ratio", 10.0 / 20.0)
        .is("latency.mean", (40.0 + 9.0 * 10.0) / 20.0 / 1e3)
        .is("database.reads.rate", 10.0 / 1.2);
}

#[test]
fn an_expired_entry_that_has_changed_is_fetched() {
    // Written at 120: the read of 180 takes 40 ms, and the entry lives from 220 to 320. Then 360
    // (confirmed at 370), 480, ... 1080.
    run("RRWRRRRRRRRRRRRRRRRR", &TAGGED)
        .is("tier.cache.revalidations.sent", 8.0)
        .is("tier.cache.revalidations.not_modified", 7.0)
        .is(
            "read.latency.mean",
            (40.0 + 40.0 + 7.0 * 10.0) / READS / 1e3,
        );
}

#[test]
fn an_entry_that_is_kept_too_short_is_fetched_anew() {
    // Kept until 170: nothing is left at 180.
    let short = "tier.cache.invalidation=[{ kind = \"etag\", keep = \"30ms\" }]";
    run("RRRRRRRRRRRRRRRRRRRR", &[&TAGGED[..3], &[short]].concat())
        .is("tier.cache.revalidations.sent", 0.0);
}

// Tags.

/// Two rows asked for in turn; each is derived from the other.
const TWO_ROWS: [&str; 3] = [
    "workload.keys.count=2",
    "workload.dependents=1",
    "database.service_time=40ms",
];

#[test]
fn a_write_makes_what_depends_on_it_stale() {
    // Row 0 is filled at 40, row 1 at 100. The write of 120 changes both at 130, and deletes row 0.
    // Row 1 stays until 600: the reads of 180, 300, 420 and 540 are stale.
    run("RRWRRRRRRRRRRRRRRRRR", &TWO_ROWS)
        .is("staleness.ratio", 4.0 / READS)
        .is("staleness.max", 410e-3)
        .is("tier.cache.invalidations.sent", 1.0);
}

#[test]
fn tags_delete_what_depends_on_what_was_written() {
    let tags = ["tier.cache.invalidation=[\"tags\"]"];
    run("RRWRRRRRRRRRRRRRRRRR", &[&TWO_ROWS[..], &tags].concat())
        .is("staleness.ratio", 0.0)
        .is("tier.cache.invalidations.sent", 2.0)
        .is("tier.cache.invalidations.useless", 0.0);
}

// The windows in which an entry is served past its TTL.

#[test]
fn while_one_refresh_is_under_way_everybody_is_served_the_old_entry() {
    // Stored at 100, so the read of 60 fetches as well: stored again at 160, fresh until 260. The
    // read of 300 is served, stale by its TTL, and starts a refresh that ends at 400; so is the one
    // of 360. Fresh until 500: the read of 540, of 600; until 740: 780, 840; until 980: 1020, 1080.
    let window = "tier.cache.ttl={ base = \"100ms\", stale_while_revalidate = \"200ms\" }";
    run("RRRRRRRRRRRRRRRRRRRR", &[window])
        .is("tier.cache.miss_ratio", 2.0 / 20.0)
        .is("tier.cache.stale_hit_ratio", 8.0 / 20.0)
        .is("database.reads.rate", 6.0 / 1.2)
        .is("latency.mean", 2.0 * 100.0 / 20.0 / 1e3);
}

#[test]
fn when_the_fetch_fails_the_old_entry_is_served_for_the_window() {
    // One connection and no queue. Stored at 10 and, after the read of 120, at 130: fresh until 230.
    // The write of 240 holds the connection until 440, so the queries of 300, 360 and 420 are
    // rejected.
    let busy = [
        "database.connections=1",
        "database.queue_limit=0",
        "database.service_time=10ms",
        "database.write_service_time=200ms",
    ];
    let served = "tier.cache.ttl={ base = \"100ms\", stale_if_error = \"10s\" }";
    run("RRRRWRRRRRRRRRRRRRRR", &[&busy[..], &[served]].concat())
        .is("database.rejected", 3.0)
        .is("requests.failed", 0.0)
        // A lookup whose fetch failed is what its answer was, and not the miss that it began as.
        .is("tier.cache.stale_hit_ratio", 3.0 / 19.0);
    let short = "tier.cache.ttl={ base = \"100ms\", stale_if_error = \"100ms\" }";
    // 70 and 130 ms past their TTL, and nothing is left for the last one.
    run("RRRRWRRRRRRRRRRRRRRR", &[&busy[..], &[short]].concat())
        .is("database.rejected", 3.0)
        .is("requests.rejected", 2.0)
        .is("tier.cache.stale_hit_ratio", 1.0 / 19.0);
    run(
        "RRRRWRRRRRRRRRRRRRRR",
        &[&busy[..], &["tier.cache.ttl=100ms"]].concat(),
    )
    .is("requests.rejected", 3.0);
}

#[test]
fn a_sliding_ttl_does_not_bring_a_stale_entry_back_to_life() {
    // One request a second; fresh for half of one.
    let rare = ONE_ROW.replace("1000/m", "60/m").replace("1200ms", "10s");
    let window =
        "tier.cache.ttl={ base = \"500ms\", sliding = true, stale_while_revalidate = \"1h\" }";
    run_text(&rare, &["workload.reads=1.0", window])
        .is("tier.cache.hit_ratio", 0.0)
        .is("tier.cache.stale_hit_ratio", 9.0 / 10.0);
}

// The bus.

/// Three processes, each with its own copies of ten rows that do not expire.
const PROCESSES: &str = r#"
duration = "20s"
warmup   = "1s"
[workload]
arrivals = { process = "constant", rate = "500/s" }
keys     = { distribution = "uniform", count = 10 }
reads    = 0.98
[app]
instances = 3
[[tier]]
name     = "process"
scope    = "instance"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "0s"
"#;

fn bus(parameters: &str) -> Run {
    let bus = format!("tier.process.invalidation=[{{ kind = \"pub-sub\"{parameters} }}]");
    run_text(PROCESSES, &[&bus])
}

#[test]
fn a_copy_is_stale_until_the_message_arrives_and_no_longer() {
    let run = bus(", delay = \"30ms\"");
    let oldest = run.get("staleness.max");
    assert!(oldest > 20e-3 && oldest < 30e-3, "{oldest}");
    // Each write deletes one copy and tells two others.
    let writes = run.get("database.writes.rate") * 19.0;
    run.is("tier.process.invalidations.sent", 3.0 * writes)
        .is("tier.process.invalidations.messages", 2.0 * writes)
        .is("tier.process.invalidations.lost", 0.0);
}

#[test]
fn a_bus_that_loses_everything_is_no_bus() {
    let none = run_text(PROCESSES, &[]);
    let deaf = bus(", loss = 1.0");
    assert!(none.get("staleness.max") > 1.0);
    for name in ["staleness.max", "staleness.ratio", "hit_ratio"] {
        deaf.is(name, none.get(name));
    }
    let lost = deaf.get("tier.process.invalidations.lost");
    deaf.is("tier.process.invalidations.messages", lost);
}

#[test]
fn a_message_that_comes_twice_is_useless_the_second_time() {
    let once = bus(", delay = \"30ms\"");
    let twice = bus(", delay = \"30ms\", duplicates = 1.0");
    for name in ["staleness.max", "staleness.ratio", "hit_ratio"] {
        twice.is(name, once.get(name));
    }
    let messages = |run: &Run| run.get("tier.process.invalidations.messages");
    assert_eq!(messages(&twice), 2.0 * messages(&once));
    let useless = |run: &Run| run.get("tier.process.invalidations.useless");
    assert!(useless(&twice) >= useless(&once) + messages(&once));
}

#[test]
fn a_batch_is_one_message_and_late_by_the_time_of_collecting() {
    let single = bus(", delay = \"30ms\"");
    let batched = bus(", delay = \"30ms\", batch = \"1s\"");
    let messages = |run: &Run| run.get("tier.process.invalidations.messages");
    assert!(messages(&batched) < messages(&single) / 2.0);
    let oldest = batched.get("staleness.max");
    assert!(oldest > 0.9 && oldest < 1.03, "{oldest}");
}
