//! Experiments as a user runs them: precision, warm-up that is found, prices, the cheapest setting.

use std::path::Path;

use serde_json::Value;

use crate::program::{cachesim, text};

const SCENARIO: &str = r#"
title    = "A cache"
seed     = 3
duration = "6s"
[workload]
arrivals = { process = "poisson", rate = "500/s" }
keys     = { distribution = "zipf", count = 1000, exponent = 0.9 }
[[tier]]
name     = "redis"
capacity = "200 entries"
[database]
service_time = { distribution = "exponential", mean = "5ms" }
"#;

fn place(more: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("cache.toml"), format!("{SCENARIO}{more}")).unwrap();
    place
}

fn json(place: &Path, arguments: &[&str]) -> Value {
    let mut all = vec!["run", "cache.toml", "--no-files", "--format", "json"];
    all.extend(arguments);
    let output = cachesim(place, &all);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

#[test]
fn replications_are_added_until_the_metric_is_sure() {
    let place =
        place("[[variant]]\nname = \"tiny\"\nset = { \"tier.redis.capacity\" = \"10 entries\" }\n");
    let sure = json(place.path(), &["--precision", "database.qps.mean=1%"]);
    let replications = sure["replications"].as_u64().unwrap();
    assert!((6..200).contains(&replications), "{replications}");
    for variant in sure["variants"].as_array().unwrap() {
        let qps = &variant["metrics"]["database.qps.mean"];
        let number = |key: &str| qps[key].as_f64().unwrap();
        assert!(number("high") - number("low") <= 0.02 * number("mean"));
        assert_eq!(
            qps["samples"].as_array().unwrap().len() as u64,
            replications
        );
    }
    assert!(sure["precision"][0]["reached"].as_f64().unwrap() <= 0.01);
    // The first of them are the runs that there would have been without.
    let few = json(place.path(), &["--replications", "2"]);
    let samples = |json: &Value| json["variants"][0]["metrics"]["latency.p99"]["samples"].clone();
    assert_eq!(samples(&few)[1], samples(&sure)[1]);
}

#[test]
fn an_end_to_adding_is_said_plainly() {
    let place = place("");
    let output = cachesim(
        place.path(),
        &[
            "run",
            "cache.toml",
            "--no-files",
            "--precision",
            "0.01%",
            "--max-replications",
            "6",
        ],
    );
    assert_eq!(output.status.code(), Some(0));
    let table = text(&output.stdout);
    assert!(table.contains("means of 6 replications"), "{table}");
    assert!(table.contains("only, not to ±0.010 %"), "{table}");
    let wrong = cachesim(
        place.path(),
        &[
            "run",
            "cache.toml",
            "--no-files",
            "--precision",
            "latency.p9=1%",
        ],
    );
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("did you mean"));
}

#[test]
fn the_end_of_warm_up_is_found_and_is_one_for_all() {
    let place =
        place("[[variant]]\nname = \"tiny\"\nset = { \"tier.redis.capacity\" = \"10 entries\" }\n");
    let found = json(
        place.path(),
        &["--set", "warmup=auto", "--replications", "3"],
    );
    let cut = found["warmup"]["cut_s"].as_f64().unwrap();
    assert!(cut > 0.0 && cut <= 3.0, "{cut}");
    assert_eq!(found["warmup"]["pilots"], 3);
    // The same as if it had been written, but for what the scenario says.
    let warmup = format!("warmup={cut}s");
    let written = json(place.path(), &["--set", &warmup, "--replications", "3"]);
    assert_eq!(found["variants"], written["variants"]);
    assert_eq!(found["scenario"]["warmup"], "auto");
}

const PRICES: &str = r#"
[prices]
currency = "EUR"
memory_gb_month = 10.0
database_connection_month = 2.0
[[variant]]
name = "wide"
set = { "database.connections" = 300 }
"#;

#[test]
fn with_prices_each_variant_has_a_cost_and_there_is_a_chart_of_it() {
    let place = place(PRICES);
    let found = json(place.path(), &[]);
    let cost = |variant: usize| {
        found["variants"][variant]["metrics"]["cost.monthly"]["mean"]
            .as_f64()
            .unwrap()
    };
    // 200 connections more.
    assert!((cost(1) - cost(0) - 400.0).abs() < 1e-9);
    assert!(cost(0) > 200.0);
    let output = cachesim(place.path(), &["run", "cache.toml"]);
    let table = text(&output.stdout);
    assert!(table.contains("cost.monthly is in EUR"), "{table}");
    assert!(place.path().join("results/cache/cost-latency.svg").exists());
    assert!(json(self::place("").path(), &[])["variants"][0]["metrics"]["cost.monthly"].is_null());
}

const EXPECTATION: &str = "[[expect]]\nmetric = \"hit_ratio\"\nabove = 0.6\n";

#[test]
fn tune_finds_the_least_capacity_that_is_enough() {
    let place = place(EXPECTATION);
    let tune = |more: &[&str]| {
        let mut all = vec![
            "tune",
            "cache.toml",
            "--axis",
            "tier.redis.capacity=10..500:50",
        ];
        all.extend(more);
        cachesim(place.path(), &all)
    };
    let output = tune(&["--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let best = found["best"]["tier.redis.capacity"].as_str().unwrap();
    let capacity: u64 = best.parse().unwrap();
    assert_eq!(found["monotone"], true);
    assert!(found["cells"].as_array().unwrap().len() <= 8);
    // It holds there, and one step below it does not.
    let status = |capacity: u64| {
        let capacity = format!("tier.redis.capacity={capacity} entries");
        let arguments = ["run", "cache.toml", "--no-files", "--set", &capacity];
        cachesim(place.path(), &arguments).status.code()
    };
    assert_eq!(status(capacity), Some(0));
    assert_eq!(status(capacity - 10), Some(1));
    assert!(place.path().join("results/cache/tune.csv").exists());
    // Asked again, everything is known.
    let again = tune(&[]);
    let table = text(&again.stdout);
    assert!(
        table.contains(&format!("tier.redis.capacity = {best}")),
        "{table}"
    );
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert!(text(&again.stderr).contains("runs were kept from before"));
}

#[test]
fn tune_says_that_nothing_is_enough_and_what_it_needs_to_know() {
    let place = place(EXPECTATION);
    let tune = |arguments: &[&str]| {
        let mut all = vec!["tune", "cache.toml", "--no-files"];
        all.extend(arguments);
        let output = cachesim(place.path(), &all);
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (status, table, _) = tune(&["--axis", "tier.redis.capacity=1,2,3"]);
    assert_eq!(status, Some(1));
    assert!(table.contains("hold nowhere"), "{table}");
    let (status, _, error) = tune(&[]);
    assert_eq!(status, Some(2));
    assert!(error.contains("--axis"), "{error}");
    let two = [
        "--axis",
        "tier.redis.capacity=1,2",
        "--axis",
        "tier.redis.nodes=1,2",
    ];
    let (status, _, error) = tune(&two);
    assert_eq!(status, Some(2));
    assert!(error.contains("--minimize"), "{error}");
    let (status, _, error) = tune(&["--axis", "tier.redis.capacty=1,2"]);
    assert_eq!(status, Some(2));
    assert!(error.contains("tier.redis.capacity"), "{error}");
    let nothing = self::place("");
    let output = cachesim(
        nothing.path(),
        &["tune", "cache.toml", "--axis", "tier.redis.nodes=1,2"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("expects nothing"));
    assert!(!nothing.path().join("results").exists());
}

#[test]
fn tune_weighs_names_and_quantities_by_cost() {
    let place = place(&format!("{EXPECTATION}{PRICES}"));
    let output = cachesim(
        place.path(),
        &[
            "tune",
            "cache.toml",
            "--no-files",
            "--replications",
            "2",
            "--variant",
            "base",
            "--axis",
            "tier.redis.eviction=fifo,lru,sieve",
            "--axis",
            "tier.redis.capacity=20..300:15",
            "--format",
            "json",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["objective"], "cost.monthly");
    // Of these three, SIEVE needs the least memory for a given hit ratio under Zipf.
    assert_eq!(found["best"]["tier.redis.eviction"], "sieve");
}
