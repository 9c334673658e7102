//! What each pattern costs and does, worked by hand: hops, latencies, queries and what others see.

use cachesim::pattern::{READS, WRITES};
use proptest::prelude::*;

use crate::world::{Run, plan, run, run_plan, seed_of_operations};

/// A request for one row at 0, 250, 500 and 750 ms. An exchange with the cache takes 3 ms: 1 out, 1 of
/// service, 1 back. A read of the database takes 14 ms and a write 24: 2 out, 10 or 20 of service, 2
/// back.
const ONE_ROW: &str = r#"
duration = "1s"
[workload]
arrivals = { process = "constant", rate = "4/s" }
keys     = { distribution = "sequential", count = 1 }
reads    = 0.5
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "2ms"
service  = { time = "1ms" }
[database]
network            = "4ms"
service_time       = "10ms"
write_service_time = "20ms"
"#;

/// The run in which the four requests do what the letters say.
#[track_caller]
fn four(operations: &str, settings: &[&str]) -> Run {
    let mut plan = plan(ONE_ROW, settings);
    plan.seed = seed_of_operations(&plan, operations);
    let run = run_plan(&plan, 0);
    assert_eq!(run.0.requests, 4);
    run.keeps_the_laws();
    run
}

/// What a write does, as far as the hands that worked it out know.
struct Write {
    name: &'static str,
    settings: &'static str,
    /// Milliseconds until it is answered.
    latency_ms: f64,
    /// Exchanges with the cache.
    exchanges: f64,
    /// Whether the entry is there for the next read.
    stays: bool,
    /// How stale the two reads that follow are, in milliseconds.
    staleness_ms: [f64; 2],
}

const fn write(name: &'static str, latency_ms: f64, exchanges: f64, stays: bool) -> Write {
    Write {
        name,
        settings: "",
        latency_ms,
        exchanges,
        stays,
        staleness_ms: [0.0, 0.0],
    }
}

const WRITTEN: &[Write] = &[
    // The database, then a delete.
    write("invalidate", 24.0 + 3.0, 1.0, false),
    // The database, then a set.
    write("update", 24.0 + 3.0, 1.0, true),
    // To the cache, from there to the database, and back.
    write("through", 3.0 + 24.0, 1.0, true),
    // To the cache and back.
    Write {
        settings: ", flush = \"100ms\"",
        ..write("behind", 3.0, 1.0, true)
    },
    // To the cache, a round trip to another node, and back.
    Write {
        settings: ", flush = \"100ms\", log = true",
        ..write("behind", 3.0 + 2.0, 1.0, true)
    },
    // The database only. Committed at 250 + 2 + 20.
    Write {
        staleness_ms: [500.0 - 272.0, 750.0 - 272.0],
        ..write("around", 24.0, 0.0, true)
    },
    // The same, and a delete that nobody waits for.
    Write {
        settings: ", delete = true",
        ..write("around", 24.0, 1.0, false)
    },
    // A delete, the database, and 100 ms later another delete.
    Write {
        settings: ", wait = \"100ms\"",
        ..write("double-delete", 3.0 + 24.0, 2.0, false)
    },
];

#[test]
fn each_pair_of_patterns_takes_as_many_hops_and_as_long_as_the_textbook_says() {
    for read in READS {
        // How long a read takes that misses, and how many exchanges with the cache.
        let (miss_ms, miss_exchanges) = match read.name {
            // Look up, query, set.
            "aside" => (3.0 + 14.0 + 3.0, 2.0),
            // To the cache, from there to the database, and back.
            "through" => (3.0 + 14.0, 1.0),
            other => panic!("what does a miss of `{other}` take?"),
        };
        for write in WRITTEN {
            let pattern = format!(
                "tier.cache.pattern={{ read = \"{}\", write = \"{}\"{} }}",
                read.name, write.name, write.settings
            );
            // A miss, a write, a read that meets what the write left, and a hit.
            let run = four("RWRR", &[&pattern]);
            let (second_ms, second_exchanges, misses) = if write.stays {
                (3.0, 1.0, 1.0)
            } else {
                (miss_ms, miss_exchanges, 2.0)
            };
            let stale: f64 = write.staleness_ms.iter().sum();
            println!("{pattern}");
            run.is("requests.answered", 4.0)
                .is("read.latency.max", miss_ms / 1e3)
                .is("read.latency.mean", (miss_ms + second_ms + 3.0) / 3e3)
                .is("write.latency.max", write.latency_ms / 1e3)
                .is("database.reads.rate", misses)
                .is("database.writes.rate", 1.0)
                .is(
                    "tier.cache.rate",
                    miss_exchanges + write.exchanges + second_exchanges + 1.0,
                )
                .is("staleness.max", write.staleness_ms[1] / 1e3)
                .is("staleness.mean", stale / 3e3)
                .is("consistency.accepted_writes", 1.0)
                .is("consistency.stored_writes", 1.0);
        }
    }
    let known = |name: &str| WRITTEN.iter().any(|write| write.name == name);
    assert!(WRITES.iter().all(|row| known(row.name)));
}

#[test]
fn a_read_through_the_tier_waits_for_the_write_of_its_row() {
    // The write takes from 250 to 550: it has the key from 252 on, and lets go at 549 after the commit
    // at 547. The read of 500 gets to the node at 502, waits, and is back at 550.
    let settings = [
        "tier.cache.pattern=through",
        "database.write_service_time=293ms",
    ];
    let run = four("RWRR", &settings);
    run.is("read.latency.max", 50e-3)
        .is("staleness.max", 0.0)
        .is("tier.cache.delayed_hit_ratio", 1.0 / 3.0);
}

#[test]
fn a_load_that_a_write_has_overtaken_gives_nobody_the_old_row() {
    // The read of 0 sees the old row and is under way until 602. The write of 250 commits at 274. The
    // read of 500, after it, finds the new row although the load goes on.
    let settings = [
        "tier.cache.pattern=through",
        "tier.cache.defence=single-flight",
        "database.service_time=600ms",
    ];
    four("RWRR", &settings).is("staleness.max", 0.0);
    // Where the new row is gone again at once, the read of 500 joins the load of the old one. The tier knows that it is old, and loads again.
    let nothing_stays = ["tier.cache.eviction=nothing", "drain=true"];
    let settings = [&settings[..], &nothing_stays].concat();
    four("RWRR", &settings)
        .is("requests.answered", 4.0)
        .is("staleness.max", 0.0);
}

#[test]
fn behind_makes_one_query_of_many_writes_of_a_row() {
    let settings = [
        "tier.cache.pattern={ read = \"through\", write = \"behind\", flush = \"900ms\" }",
        "drain=true",
    ];
    four("WWWR", &settings)
        .is("write.latency.max", 3e-3)
        .is("consistency.accepted_writes", 3.0)
        .is("consistency.stored_writes", 3.0)
        .is("tier.cache.flushes.coalescing", 3.0)
        .is("database.writes.per_client_write", 1.0 / 3.0)
        .is("staleness.max", 0.0);
}

#[test]
fn dirty_keys_are_averaged_over_time() {
    // Dirty from 2 ms, when the first write is in the node, until the flush of 900 ms begins.
    let pattern =
        "tier.cache.pattern={ read = \"through\", write = \"behind\", flush = \"900ms\" }";
    four("WWRR", &[pattern])
        .is("tier.cache.dirty", 0.898)
        .is("tier.cache.dirty.max", 1.0);
}

#[test]
fn a_full_batch_is_flushed_ahead_of_time() {
    let pattern =
        "tier.cache.pattern={ read = \"through\", write = \"behind\", flush = \"1h\", batch = 1 }";
    four("WWWR", &[pattern])
        .is("consistency.stored_writes", 3.0)
        .is("tier.cache.flushes.coalescing", 1.0)
        .is("consistency.pending_writes", 0.0);
}

#[test]
fn flushes_of_a_row_reach_the_database_in_the_order_of_its_writes() {
    // The first write is flushed from 10 to 314 ms, in the database at 312. The second, of 252, waits
    // for that: it is flushed from 324 on and in the database at 626.
    let settings = [
        "tier.cache.pattern={ read = \"through\", write = \"behind\", flush = \"10ms\" }",
        "database.write_service_time=300ms",
        // These go to the database: the one of 500 gets there before the second flush ends.
        "workload.fresh_reads=1.0",
    ];
    four("WWRR", &settings)
        .is("consistency.lost_writes.overwritten", 0.0)
        .is("consistency.stored_writes", 2.0)
        .is("staleness.max", 0.5 - 0.252)
        .is("staleness.ratio", 0.5);
}

const CRASH: &str = "event=[{ at = \"700ms\", action = \"crash\", target = \"tier.cache\" }]";

#[test]
fn a_crash_takes_what_was_acknowledged_and_not_flushed() {
    let pattern = "tier.cache.pattern={ read = \"through\", write = \"behind\", flush = \"1h\" }";
    four("WWWR", &[pattern, CRASH])
        .is("consistency.lost_writes", 3.0)
        .is("consistency.lost_writes.crash", 3.0)
        // All three were of one row.
        .is("consistency.lost_rows", 1.0)
        .is("consistency.pending_writes", 0.0);
}

#[test]
fn a_logged_write_survives_the_crash_of_its_node() {
    let pattern = "tier.cache.pattern={ read = \"through\", write = \"behind\", flush = \"900ms\", log = true }";
    four("WWWR", &[pattern, CRASH])
        .is("consistency.lost_writes", 0.0)
        .is("consistency.lost_rows", 0.0)
        .is("consistency.stored_writes", 3.0);
}

#[test]
fn through_a_tier_that_is_down_requests_fail_and_aside_they_go_on() {
    let crash = "event=[{ at = \"100ms\", action = \"crash\", target = \"tier.cache\" }]";
    four("RWRR", &[crash, "tier.cache.pattern=through"])
        .is("requests.unavailable", 3.0)
        .is("consistency.accepted_writes", 0.0);
    four("RWRR", &[crash, "tier.cache.pattern=aside"])
        .is("requests.failed", 0.0)
        .is("database.reads.rate", 3.0);
}

#[test]
fn a_stale_entry_is_served_if_the_fetch_of_a_new_one_fails() {
    // Behind the cache stands a tier that loads by itself, until it crashes.
    let tiers = |ttl: &str| {
        format!(
            "tier=[{{ name = \"cache\", capacity = \"unlimited\", ttl = {ttl} }}, {{ name = \"store\", capacity = \"unlimited\", pattern = \"through\" }}]"
        )
    };
    let crash = "event=[{ at = \"200ms\", action = \"crash\", target = \"tier.store\" }]";
    four("RRRR", &[&tiers("\"100ms\""), crash]).is("requests.unavailable", 3.0);
    let ttl = "{ base = \"100ms\", stale_if_error = \"500ms\" }";
    // At 750 ms the entry has been stale for too long as well.
    four("RRRR", &[&tiers(ttl), crash]).is("requests.unavailable", 1.0);
}

/// One read at 0. The entry is stored at 16 ms, to be fresh until 56.
const REFRESHED: [&str; 3] = [
    "duration=230ms",
    "tier.cache.ttl=40ms",
    "workload.reads=1.0",
];

#[track_caller]
fn refreshed(hits_min: u16) -> Run {
    let refresh = format!(
        "tier.cache.pattern={{ read = \"through\", write = \"through\", refresh = {{ factor = 0.5, hits_min = {hits_min} }} }}"
    );
    run(ONE_ROW, &[&REFRESHED[..], &[&refresh]].concat())
}

#[test]
fn refreshes_that_nobody_reads_are_counted_as_wasted() {
    // Looked at after half of its TTL, at 36, and fetched until 50; and so on at 70, 104, 138, 172 and
    // 206. Each replaces one that nobody has read, but for the first, which was asked for.
    refreshed(0)
        .is("tier.cache.refreshes.sent", 6.0)
        .is("tier.cache.refreshes.wasted", 5.0);
    refreshed(1)
        .is("tier.cache.refreshes.sent", 0.0)
        .is("tier.cache.refreshes.wasted", 0.0);
}

#[test]
fn what_is_refreshed_ahead_of_its_expiry_is_never_missed_again() {
    let settings = |pattern| {
        [
            pattern,
            "tier.cache.ttl=600ms",
            "workload.arrivals.rate=20/s",
            "workload.reads=1.0",
            "duration=10s",
        ]
    };
    run(ONE_ROW, &settings("tier.cache.pattern=refresh-ahead"))
        .is("database.reads.rate", (1.0 + 20.0) / 10.0)
        .is("tier.cache.miss_ratio", 1.0 / 200.0)
        .is("tier.cache.refreshes.wasted", 0.0);
    let plain = run(ONE_ROW, &settings("tier.cache.pattern=through"));
    assert!(plain.get("tier.cache.miss_ratio") > 10.0 / 200.0);
}

prop_compose! {
    fn workloads()(
        seed in 0..1000u64,
        keys in 1..30u32,
        reads in 1..10u32,
        capacity in 1..30u32,
        ttl in prop::sample::select(vec!["never", "30ms", "500ms"]),
        defence in prop::sample::select(vec!["none", "single-flight"]),
        read_ms in 0..40u32,
        write_ms in 0..40u32,
        queue in prop::sample::select(vec!["0", "5", "unlimited"]),
    ) -> String {
        format!(
            "seed = {seed}\nduration = \"500ms\"\n[workload]\narrivals = \"1k/s\"\n\
             keys = {{ distribution = \"zipf\", count = {keys}, exponent = 1.0 }}\nreads = 0.{reads}\n\
             sessions = {{ count = 5, own_reads = 0.2 }}\n\
             [app]\ninstances = 3\n\
             [[tier]]\nname = \"cache\"\nnodes = 2\ncapacity = \"{capacity} entries\"\n\
             ttl = \"{ttl}\"\ndefence = \"{defence}\"\n\
             [database]\nconnections = 5\nqueue_limit = {}\nservice_time = {{ distribution = \"exponential\", mean = \"{read_ms}.1ms\" }}\n\
             write_service_time = {{ distribution = \"exponential\", mean = \"{write_ms}.1ms\" }}\n",
            if queue == "unlimited" { "\"unlimited\"" } else { queue },
        )
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn through_a_tier_that_takes_all_writes_no_reader_ever_sees_an_old_row(
        text in workloads(),
        write in prop::sample::select(vec!["through", "behind"]),
        flush_ms in 1..200u32,
    ) {
        let flush = format!("tier.cache.pattern.flush={flush_ms}ms");
        let pattern = format!("tier.cache.pattern={{ read = \"through\", write = \"{write}\" }}");
        let settings = [pattern.as_str(), &flush];
        let run = run(&text, if write == "behind" { &settings } else { &settings[..1] });
        run.keeps_the_laws();
        let stale = run.get("staleness.ratio");
        // A database that rejects nearly everything may answer no read, and of none there is no ratio.
        let is_answered = !run.get("hit_ratio").is_nan();
        prop_assert!(stale == 0.0 || stale.is_nan() && !is_answered, "{stale}");
        prop_assert_eq!(run.get("consistency.lost_writes"), 0.0);
    }
}
