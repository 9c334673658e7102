//! The metrics of a run: which there are, in which order, and how they hang together.

use cachesim::metrics::CATALOGUE;

use crate::world::{Run, run};

/// Two tiers, writes, a full queue, timeouts, sweeps: a run in which everything happens.
pub const BUSY: &str = r#"
seed     = 5
duration = "4s"
warmup   = "1s"
[workload]
arrivals   = { process = "poisson", rate = "2000/s" }
keys       = { distribution = "zipf", count = 5000, exponent = 0.9 }
reads      = 0.9
value_size = { distribution = "lognormal", median = "1KiB", p99 = "20KiB" }
[app]
instances = 5
[[tier]]
name     = "near"
nodes    = 2
capacity = "100 entries"
ttl      = { base = "50ms", sliding = true }
network  = "20us"
defence  = "single-flight"
[[tier]]
name     = "far"
nodes    = 3
capacity = "256KiB"
eviction = "sieve"
entry_overhead = "56B"
ttl      = { base = "1s", jitter = 0.2 }
sweep    = { interval = "50ms", sample = 10 }
service  = { workers = 1, time = "1ms", queue_limit = 1 }
[database]
connections  = 10
queue_limit  = 30
timeout      = "60ms"
slowdown     = 0.5
service_time = { distribution = "exponential", mean = "10ms" }
"#;

/// The catalogue's names for these tiers: what is said of every tier comes tier by tier, and what
/// is said of every node of one node by node. What is said of memory and replicas of the database
/// is there with two replicas and a buffer pool.
fn expanded(tiers: &[(&str, u32)], has_servers: bool) -> Vec<String> {
    let mut names = Vec::new();
    // Money is no matter of a single run: an experiment adds it by the prices of its scenario.
    let of_servers = [
        "database.buffer_pool.",
        "database.failovers",
        "database.primary.",
        "database.replica.",
    ];
    let measured = |name: &&str| {
        // Nor is anything said of alerts, limited connections or a filter where there are none.
        let is_of_what_is_not_there =
            name.contains(".connections.") || *name == "app.bloom_filter.share_of_reads";
        *name != "cost.monthly"
            && !name.starts_with("alert.")
            && !is_of_what_is_not_there
            && (has_servers || !of_servers.iter().any(|first| name.starts_with(first)))
    };
    let mut rows = CATALOGUE
        .iter()
        .map(|row| row.name)
        .filter(measured)
        .peekable();
    while let Some(name) = rows.next() {
        if name.starts_with("database.replica.") {
            let mut of_a_replica = vec![name];
            while let Some(next) = rows.next_if(|next| next.starts_with("database.replica.")) {
                of_a_replica.push(next);
            }
            for replica in ["0", "1"] {
                names.extend(of_a_replica.iter().map(|it| it.replace("<i>", replica)));
            }
            continue;
        }
        if !name.contains("<tier>") {
            names.push(name.to_owned());
            continue;
        }
        let mut of_a_tier = vec![name];
        while let Some(next) = rows.next_if(|next| next.contains("<tier>")) {
            of_a_tier.push(next);
        }
        let (of_a_node, of_all): (Vec<&str>, Vec<&str>) =
            of_a_tier.iter().partition(|name| name.contains("<i>"));
        assert_eq!([of_all.clone(), of_a_node.clone()].concat(), of_a_tier);
        for (tier, nodes) in tiers {
            let named = |name: &&str| name.replace("<tier>", tier);
            names.extend(of_all.iter().map(named));
            for node in 0..*nodes {
                let named = |name: &&str| named(name).replace("<i>", &node.to_string());
                names.extend(of_a_node.iter().map(named));
            }
        }
    }
    names
}

#[test]
fn a_run_gives_the_metrics_of_the_catalogue_in_its_order_and_no_others() {
    let run = run(BUSY, &[]);
    let names: Vec<&String> = run.0.metrics.keys().collect();
    let expected = expanded(&[("near", 2), ("far", 3)], false);
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
    assert!(expected.contains(&"tier.far.node.2.entries".to_owned()));
    let alone = BUSY.split("[[tier]]").next().unwrap().to_owned();
    let alone = crate::world::run(&(alone + "[database]\nservice_time = \"5ms\""), &[]);
    let names: Vec<&String> = alone.0.metrics.keys().collect();
    assert_eq!(names, expanded(&[], false).iter().collect::<Vec<_>>());
    let servers = crate::world::run(
        BUSY,
        &[
            "database.buffer_pool={ capacity = '10 pages', disk_time = '1ms' }",
            "database.replicas={ count = 2, lag = '1ms', reads = 'any' }",
        ],
    );
    let names: Vec<&String> = servers.0.metrics.keys().collect();
    let expected = expanded(&[("near", 2), ("far", 3)], true);
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
}

#[test]
fn in_a_busy_run_every_metric_is_a_number_and_hardly_any_is_zero() {
    let run = run(BUSY, &[]);
    run.keeps_the_laws();
    let never_here = [
        ".stale_hit_ratio",
        ".negative_hit_ratio",
        "requests.absent",
        "database.absent.rate",
        "bloom_filter.rejected",
        "bloom_filter.wrong",
        "bloom_filter.bytes",
        "far.delayed_hit_ratio",
        "requests.unavailable",
        "deadline.missed",
        "retries.refused",
        "hedges.sent",
        "hedges.won",
        "requests.shed",
        ".shed",
        ".breaker.open_ratio",
        ".sets.refused",
        ".bypassed",
        ".demoted",
        ".locks.taken",
        ".locks.busy",
        ".locks.given_up",
        ".early.fetches",
        ".early.rounds",
        ".batches.rate",
        ".warmed",
        ".redirects",
        ".asks",
        ".overflows",
        ".gutter.rate",
        ".entries_moved",
        ".unavailable",
        ".failovers",
        ".replication.lost",
        ".hot_keys.detected",
        ".hot_keys.copy_reads",
        ".hot_keys.pinned_hits",
        ".invalidations.messages",
        ".revalidations.sent",
        ".revalidations.not_modified",
        ".revalidations.bytes_saved",
        ".leases.granted",
        ".leases.waits",
        ".refreshes.sent",
        ".refreshes.wasted",
        ".flushes.rate",
        ".dirty",
        ".dirty.max",
        "lost_rows",
        "lost_writes",
        "lost_writes.crash",
        "lost_writes.overwritten",
        "lost_writes.failover",
        "pending_writes",
        "bypassing_reads",
        "refused_copies",
    ];
    let other_tier = [
        "tier.near.refused",
        "tier.near.invalidations.lost",
        "tier.near.lost",
        "tier.far.lost",
    ];
    for (name, value) in &run.0.metrics {
        // Where nothing is flushed or changes there is nothing to divide by, and without sessions nobody notices.
        let is_of_sessions = name.ends_with("_violations");
        let is_of_pages = name.starts_with("page.") || name.ends_with("false_positive_ratio");
        let is_of_changes = [
            "keys_moved.ratio",
            "detection.mean",
            "promotion.mean",
            "early.lead.mean",
        ];
        let has_not_happened = is_of_changes.iter().any(|end| name.ends_with(end));
        // And without events there is nothing to recover from.
        let is_of_events = name == "recovery.time";
        if name.ends_with("flushes.coalescing")
            || is_of_sessions
            || is_of_pages
            || has_not_happened
            || is_of_events
        {
            assert!(value.is_nan());
            continue;
        }
        assert!(value.is_finite(), "{name} is {value}");
        let zero =
            never_here.iter().any(|end| name.ends_with(end)) || other_tier.contains(&name.as_str());
        assert_eq!(*value == 0.0, zero, "{name} is {value}");
    }
}

#[test]
fn totals_agree_with_their_parts() {
    let run = run(BUSY, &[]);
    let seconds = 3.0;
    let get = |name: &str| run.get(name);
    run.is("requests.rate", get("requests.arrived") / seconds)
        .is("goodput.rate", get("requests.answered") / seconds)
        .is(
            "database.qps.mean",
            get("database.reads.rate") + get("database.writes.rate"),
        );
    for (tier, nodes) in [("near", 2), ("far", 3)] {
        let sum = |what: &str| -> f64 {
            let of = |node| get(&format!("tier.{tier}.node.{node}.{what}"));
            (0..nodes).map(of).sum()
        };
        let close = |name: &str, expected: f64| {
            let value = get(&format!("tier.{tier}.{name}"));
            assert!((value / expected - 1.0).abs() < 1e-12, "{tier} {name}");
        };
        close("rate", sum("rate"));
        close("entries", sum("entries"));
        close("utilization", sum("utilization") / f64::from(nodes));
        assert!(get(&format!("tier.{tier}.imbalance")) >= 1.0);
    }
    assert!(get("database.qps.max") >= get("database.qps.mean"));
    assert!(get("database.inflight.max") <= 10.0 + 30.0);
    assert!(get("database.queue.max") <= 30.0);
    let means = [get("read.latency.mean"), get("write.latency.mean")];
    let mean = get("latency.mean");
    assert!(means[0] < mean && mean < means[1], "{means:?} and {mean}");
    for kind in ["", "read.", "write."] {
        let quantiles = ["p50", "p90", "p99", "p999", "max"];
        let quantiles = quantiles.map(|quantile| get(&format!("{kind}latency.{quantile}")));
        assert!(quantiles.is_sorted(), "{kind}: {quantiles:?}");
    }
}

#[test]
fn little_s_law_holds_of_a_run_that_was_drained() {
    let concurrency = |run: &Run| {
        let rate = run.get("goodput.rate");
        (
            rate * run.get("latency.mean"),
            run.get("requests.concurrency"),
        )
    };
    // Nothing fails and nothing is cut off, so the law is exact: both are sums of the same times.
    let settings = ["warmup=0s", "drain=true", "database.timeout=never"];
    let patient = [&settings[..], &["database.queue_limit=unlimited"]].concat();
    let (left, right) = concurrency(&run(BUSY, &patient));
    assert!((left / right - 1.0).abs() < 1e-12, "{left} and {right}");
}

#[test]
fn series_cover_the_run_in_at_most_300_steps_and_add_up_to_the_totals() {
    let run = run(BUSY, &["warmup=0s"]);
    let series = |name: &str| {
        let found = run.0.series.iter().find(|series| series.name == name);
        found.unwrap_or_else(|| panic!("there is no series {name}"))
    };
    for series in &run.0.series {
        assert!(series.values.len() <= 300, "{}", series.name);
        let covered = series.step_s * series.values.len() as f64;
        assert!((4.0..4.0 + series.step_s).contains(&(covered + 1e-9)));
    }
    let total = |name: &str| {
        let series = series(name);
        series.values.iter().sum::<f64>() * series.step_s
    };
    let close =
        |left: f64, right: f64| assert!((left / right - 1.0).abs() < 1e-9, "{left}, {right}");
    close(total("goodput"), run.get("requests.answered"));
    close(total("failures"), run.get("requests.failed"));
    close(total("database.qps"), run.get("database.qps.mean") * 4.0);
    let busy = run.get("database.utilization") * 10.0;
    close(total("database.in_use") / 4.0, busy);
}
