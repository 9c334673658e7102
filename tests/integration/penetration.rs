//! Reads of rows that the database does not have, and what keeps them from it.

use crate::world::run;

/// A read every 100 ms of a row that there is not. Only a query takes time: 10 ms.
const NO_SUCH_ROW: &str = r#"
duration = "5s"
[workload]
arrivals = { process = "constant", rate = "10/s" }
keys     = { distribution = "sequential", count = 1 }
absent   = { share = 1.0, keys = 1 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "10ms"
"#;

#[test]
fn without_negative_caching_every_read_of_a_row_that_is_not_there_is_a_query() {
    run(NO_SUCH_ROW, &[])
        .is("requests.answered", 50.0)
        .is("requests.absent", 50.0)
        .is("hit_ratio", 0.0)
        .is("tier.cache.miss_ratio", 1.0)
        .is("tier.cache.entries", 0.0)
        .is("database.reads.rate", 10.0)
        .is("database.absent.rate", 10.0)
        // Nothing has changed, so nothing is stale.
        .is("staleness.ratio", 0.0);
}

#[test]
fn a_negative_entry_answers_until_its_own_ttl_ends() {
    // Stored at 10 ms, gone at 1010: the misses are those of 0, 1100, 2200, 3300 and 4400 ms.
    let negative = "tier.cache.negative=1s";
    for ttl in [
        "tier.cache.ttl=never",
        "tier.cache.ttl=10s",
        "tier.cache.ttl={ base = \"200ms\", sliding = true }",
        "tier.cache.ttl={ base = \"1s\", stale_while_revalidate = \"1s\" }",
    ] {
        run(NO_SUCH_ROW, &[negative, ttl])
            .is("tier.cache.negative_hit_ratio", 45.0 / 50.0)
            .is("tier.cache.miss_ratio", 5.0 / 50.0)
            .is("tier.cache.hit_ratio", 0.0)
            .is("hit_ratio", 45.0 / 50.0)
            .is("database.absent.rate", 1.0)
            .is("requests.absent", 50.0);
    }
}

#[test]
fn the_ttl_of_negative_entries_is_not_that_of_rows() {
    // Stored at 10 ms and gone at 1010, whatever the negative TTL is.
    run(
        NO_SUCH_ROW,
        &[
            "workload.absent.share=0",
            "tier.cache.ttl=1s",
            "tier.cache.negative=100ms",
        ],
    )
    .is("tier.cache.hit_ratio", 45.0 / 50.0)
    .is("tier.cache.negative_hit_ratio", 0.0)
    .is("requests.absent", 0.0);
}

#[test]
fn negative_entries_push_rows_out_of_a_full_node() {
    // One row and one negative entry: a node of two entries has room for both.
    let both = r#"
duration = "10s"
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "sequential", count = 1 }
absent   = { share = 0.5, keys = 1 }
[[tier]]
name     = "cache"
capacity = "2 entries"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "1ms"
"#;
    let negative = "tier.cache.negative=1h";
    let roomy = run(both, &[negative]);
    roomy.is("tier.cache.miss_ratio", 2.0 / 1000.0);
    roomy.is("tier.cache.evictions.rate", 0.0);
    let tight = run(both, &[negative, "tier.cache.capacity=1 entries"]);
    assert!(tight.get("tier.cache.miss_ratio") > 0.4);
    assert!(tight.get("tier.cache.evictions.rate") > 40.0);
}

/// Reads and writes of ten rows that did not exist at the start.
const CREATED: &str = r#"
duration = "10s"
drain    = true
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "uniform", count = 10 }
reads    = 0.95
absent   = { share = 1.0, keys = 10, creates = 1.0 }
[[tier]]
name     = "cache"
capacity = "unlimited"
negative = "1h"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "1ms"
"#;

#[test]
fn who_creates_a_row_takes_its_negative_entry_away() {
    let aside = run(CREATED, &[]);
    aside.is("staleness.ratio", 0.0);
    let updated = run(CREATED, &["tier.cache.pattern={ write = \"update\" }"]);
    updated.is("staleness.ratio", 0.0);
    // The same number of reads comes before the creation of its row.
    updated.is("requests.absent", aside.get("requests.absent"));
    // Without invalidation "no such row" is answered long after the row was created.
    let around = run(CREATED, &["tier.cache.pattern=around"]);
    assert!(around.get("staleness.ratio") > 0.5);
    assert!(around.get("requests.absent") > aside.get("requests.absent") + 100.0);
}

#[test]
fn a_deleted_row_is_not_there_for_any_reader() {
    // From the first write on each row is gone for good, and none was absent before.
    for pattern in ["aside", "through", "behind", "around"] {
        let deleted = run(
            CREATED,
            &[
                "workload.absent={}",
                "workload.deletes=1",
                &format!("tier.cache.pattern={pattern}"),
                "tier.cache.negative=none",
            ],
        );
        // A write that goes around the cache leaves the row in it, for every later reader.
        let is_around = pattern == "around";
        let absent = deleted.get("requests.absent") > 100.0;
        assert_eq!(absent, !is_around, "{pattern}");
        let stale = deleted.get("staleness.ratio");
        assert_eq!(stale > 0.0, is_around, "{pattern}: {stale}");
    }
}

#[test]
fn what_the_filter_denies_is_its_share_of_the_reads() {
    // Half of the reads are of rows that there are, which the tier answers but for the first.
    let run = run(
        NO_SUCH_ROW,
        &["workload.absent.share=0.5", "app.bloom_filter=0.001"],
    );
    run.keeps_the_laws();
    let absent = run.get("requests.absent") / 50.0;
    assert!(absent > 0.2, "{absent}");
    run.is("app.bloom_filter.share_of_reads", absent)
        .is("database.share_of_reads", 1.0 / 50.0);
}
