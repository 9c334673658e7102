//! `cachesim run --baseline`: what moved, which limits that breaks, and how it ends.

use std::path::Path;
use std::process::Output;

use crate::program::{cachesim, text};

const SCENARIO: &str = r#"
title    = "A cache"
seed     = 3
duration = "3s"
warmup   = "1s"
replications = 4
[workload]
arrivals = { process = "poisson", rate = "500/s" }
keys     = { distribution = "zipf", count = 1000, exponent = 0.9 }
[[tier]]
name     = "redis"
capacity = "100 entries"
eviction = "EVICTION"
[database]
service_time = { distribution = "exponential", mean = "5ms" }
[[variant]]
name = "tiny"
set  = { "tier.redis.capacity" = "10 entries" }
[baseline]
fail_if = ["base: hit_ratio < -1pp"]
"#;

/// A folder with the scenario under a good policy, and its results in `before`.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    write(place.path(), "sieve");
    let output = cachesim(
        place.path(),
        &["run", "cache.toml", "--out", "before", "--quiet"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    place
}

fn write(folder: &Path, eviction: &str) {
    let scenario = SCENARIO.replace("EVICTION", eviction);
    std::fs::write(folder.join("cache.toml"), scenario).unwrap();
}

fn compare(folder: &Path, more: &[&str]) -> Output {
    let mut arguments = vec!["run", "cache.toml", "--no-files", "--baseline", "before"];
    arguments.extend(more);
    cachesim(folder, &arguments)
}

#[test]
fn nothing_changed_means_nothing_moved() {
    let place = place();
    let limit = "database.qps.mean > +0%";
    let output = compare(place.path(), &["--fail-if", limit]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    assert!(table.contains("against the baseline: 0 of "), "{table}");
    assert!(table.contains("limits: 3 of 3 kept"), "{table}");
}

#[test]
fn a_worse_policy_fails_with_a_comment_that_names_the_metric() {
    let place = place();
    write(place.path(), "fifo");
    let limit = "database.qps.mean > +2%";
    let output = compare(place.path(), &["--fail-if", limit, "--format", "markdown"]);
    assert_eq!(output.status.code(), Some(1));
    let comment = text(&output.stdout);
    assert!(
        comment.contains("- **FAIL**: base: database.qps.mean moved by +"),
        "{comment}"
    );
    assert!(comment.contains("- **FAIL**: base: hit\\_ratio moved by -"));
    assert!(comment.contains("pair by pair"));
    assert!(comment.contains("| base | `database.qps.mean` |"));
}

#[test]
fn other_luck_is_noise_and_breaks_nothing() {
    let place = place();
    for seed in ["11", "12", "13"] {
        let output = compare(
            place.path(),
            &["--seed", seed, "--fail-if", "latency.p99 > +1%"],
        );
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    }
}

#[test]
fn json_has_every_change_and_every_limit() {
    let place = place();
    write(place.path(), "fifo");
    let output = compare(place.path(), &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let baseline = &json["baseline"];
    assert_eq!(baseline["paired"], true);
    assert_eq!(baseline["limits"][0]["standing"], "broken");
    assert_eq!(baseline["limits"].as_array().unwrap().len(), 1);
    let changes = baseline["changes"].as_array().unwrap();
    let hit_ratio = changes
        .iter()
        .find(|change| change["variant"] == "base" && change["metric"] == "hit_ratio")
        .unwrap();
    assert_eq!(hit_ratio["verdict"], "less");
    assert!(hit_ratio["difference"]["high"].as_f64().unwrap() < 0.0);
    // A summary of what was compared is itself a baseline.
    let file = place.path().join("again.json");
    std::fs::write(&file, &output.stdout).unwrap();
    let again = cachesim(
        place.path(),
        &[
            "run",
            "cache.toml",
            "--no-files",
            "--baseline",
            "again.json",
        ],
    );
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
}

#[test]
fn what_cannot_be_compared_is_said_before_anything_is_computed() {
    let place = place();
    std::fs::write(place.path().join("no.json"), "{\"version\": 1}").unwrap();
    let errors = |arguments: &[&str]| {
        let mut all = vec!["run", "cache.toml", "--out", "after"];
        all.extend(arguments);
        let output = cachesim(place.path(), &all);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert!(!place.path().join("after").exists());
        text(&output.stderr)
    };
    assert!(errors(&["--baseline", "no.json"]).contains("no.json"));
    assert!(errors(&["--baseline", "missing.json"]).contains("missing.json"));
    assert!(errors(&["--baseline", "."]).contains("there is no baseline"));
    let before = ["--baseline", "before", "--fail-if"];
    let limit = |limit: &str| errors(&[&before[..], &[limit]].concat());
    assert!(limit("database.qps.meen > +5%").contains("database.qps.mean"));
    assert!(limit("database.qps.mean").contains("neither"));
    assert!(limit("other: hit_ratio < -1pp").contains("there is no variant"));
    assert!(limit("latency.p99 > +1pp").contains("percentage points"));
    assert!(errors(&["--fail-if", "hit_ratio < -1pp"]).contains("there is no baseline"));
}

#[test]
fn a_bound_on_the_metric_itself_needs_no_baseline() {
    let place = place();
    let run = |limit: &str| {
        let output = cachesim(
            place.path(),
            &["run", "cache.toml", "--no-files", "--fail-if", limit],
        );
        output.status.code()
    };
    assert_eq!(run("hit_ratio < 1%"), Some(0));
    assert_eq!(run("hit_ratio > 1%"), Some(1));
}

#[test]
fn a_wrong_limit_in_the_file_points_at_it() {
    let place = tempfile::tempdir().unwrap();
    let scenario = SCENARIO
        .replace("EVICTION", "lru")
        .replace("hit_ratio < -1pp", "hit_rato < -1pp");
    std::fs::write(place.path().join("cache.toml"), scenario).unwrap();
    let output = cachesim(place.path(), &["check", "cache.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("cache.toml:20:12"), "{error}");
    assert!(error.contains("did you mean `hit_ratio`?"), "{error}");
}
