//! Big keys: how often they are asked for, and what chunks change.

use crate::world::run;

/// Ten small rows and a big one of 4 MB, in chunks of 1 MB: 1 s a value, 250 ms a chunk.
const CHUNKS: &str = r#"
duration = "10s"
drain    = true
[workload]
arrivals   = { process = "constant", rate = "1/s" }
keys       = { distribution = "sequential", count = 10 }
value_size = "0B"
big_keys   = { size = "4MB", share = 1.0 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "0s", bandwidth = "16MB/s" }
chunking = { size = "1MB", parallel = 1 }
[database]
service_time = "0s"
"#;

#[test]
fn a_value_in_chunks_is_as_long_on_its_way_and_takes_as_much_room() {
    // A lookup of the manifest and of four chunks of 62.5 ms.
    run(CHUNKS, &[])
        .is("latency.mean", 0.25)
        .is("tier.cache.network.bytes_in", 4e6 / 10.0)
        .is("tier.cache.network.bytes_out", 9.0 * 4e6 / 10.0)
        .is("tier.cache.hit_ratio", 0.9)
        // A manifest and four chunks, from 250 ms on; samples are taken every 50 ms, at the end.
        .is("tier.cache.rate", (1.0 + 5.0 + 9.0 * 5.0) / 10.0);
    run(CHUNKS, &["tier.cache.chunking=none"])
        .is("latency.mean", 0.25)
        .is("tier.cache.rate", (2.0 + 9.0) / 10.0);
}

#[test]
fn chunks_lie_on_all_nodes() {
    // A hundred chunks on four nodes: none of them has all.
    let settings = ["tier.cache.nodes=4", "tier.cache.chunking.size=40KB"];
    let run = run(CHUNKS, &settings);
    assert!(run.get("tier.cache.imbalance") < 2.0);
    run.is("tier.cache.rate", (1.0 + 101.0 + 9.0 * 101.0) / 10.0);
}

#[test]
fn a_value_of_which_a_chunk_is_gone_is_fetched_again() {
    // There is room for three of the four chunks.
    let run = run(CHUNKS, &["tier.cache.capacity=3MB"]);
    run.is("tier.cache.miss_ratio", 1.0)
        .is("requests.answered", 10.0)
        .is("database.reads.rate", 1.0);
}

#[test]
fn a_new_version_has_chunks_of_its_own() {
    let settings = ["workload.reads=0.5", "duration=\"40s\""];
    let run = run(CHUNKS, &settings);
    run.is("staleness.ratio", 0.0);
    let writes = run.get("database.writes.rate") * 40.0;
    // Only the manifest is deleted; the old chunks stay where nothing evicts or expires them.
    run.is("tier.cache.invalidations.sent", writes);
    run.keeps_the_laws();
}

#[test]
fn others_get_in_between_chunks() {
    // Every millisecond a small row; the big one now and then. A chunk of 62.5 KB takes 3.9 ms.
    let settings = [
        "duration=\"4s\"",
        "workload.arrivals.rate=500/s",
        "workload.big_keys.share=0.001",
        "tier.cache.chunking.size=62500B",
    ];
    let chunked = run(CHUNKS, &settings);
    let whole = run(
        CHUNKS,
        &[&settings[..3], &["tier.cache.chunking=none"]].concat(),
    );
    assert!(whole.get("latency.p90") > 20.0 * chunked.get("latency.p50"));
    assert!(whole.get("read.latency.max") >= 0.25);
    assert!(chunked.get("tier.cache.latency.p99") < whole.get("tier.cache.latency.p99"));
}

#[test]
fn big_keys_have_their_share_and_change_nothing_else() {
    let share = |share: f64| {
        let share = format!("workload.big_keys.share={share:.1}");
        let settings = [
            "workload.arrivals.rate=100/s",
            "tier.cache.chunking=none",
            "tier.cache.service.bandwidth=unlimited",
            &share,
        ];
        run(CHUNKS, &settings)
    };
    share(0.0)
        .is("database.reads.rate", 1.0)
        .is("tier.cache.network.bytes_out", 0.0);
    let big = share(0.1).get("tier.cache.network.bytes_out") * 10.0 / 4e6;
    // 100 of 1000 requests, but for five standard deviations and the misses.
    assert!((big - 100.0).abs() < 55.0, "{big}");
}
