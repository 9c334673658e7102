//! Alerts: when rules over sliding windows fire, on examples worked by hand.

use std::path::Path;

use cachesim::metrics::{Alert, Firing};
use cachesim::scenario::{self, Overrides};

use crate::world::{Run, run};

/// A request every 10 ms, at 0 ms, 10 ms, ...; those from 1010 ms to 3000 ms fail.
const CRASH: &str = r#"
duration = "10s"
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "uniform", count = 1 }
[[tier]]
name     = "cache"
pattern  = "through"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "1us"
[[event]]
at            = "1005ms"
action        = "crash"
target        = "tier.cache"
restart_after = "2s"
"#;

/// The run with this rule.
#[track_caller]
fn watched(text: &str, rule: &str, settings: &[&str]) -> Run {
    run(
        &format!("{text}\n[[alert]]\nname = \"it\"\n{rule}"),
        settings,
    )
}

fn firings(rule: &str) -> Vec<Firing> {
    watched(CRASH, rule, &[]).0.alerts.remove(0).firings
}

fn firing(since_s: f64, from_s: f64, until_s: Option<f64>, worst: f64) -> Firing {
    Firing {
        since_s,
        from_s,
        until_s,
        worst,
    }
}

#[test]
fn a_count_is_of_the_seconds_that_the_window_holds() {
    // Failures of the seconds: 0, 99, 100, 1, 0, ...
    let rule = "metric = \"requests.failed\"\nabove = 98\nper = \"1s\"";
    assert_eq!(firings(rule), [firing(2.0, 2.0, Some(4.0), 100.0)]);
    // Sums of three of them: 0, 99, 199, 200, 101, 1.
    let rule = "metric = \"requests.failed\"\nabove = 150\nper = \"3s\"";
    assert_eq!(firings(rule), [firing(3.0, 3.0, Some(5.0), 200.0)]);
}

#[test]
fn an_alert_fires_when_its_condition_has_held_for_long_enough() {
    let rule = "metric = \"requests.failed\"\nabove = 150\nper = \"3s\"";
    let after = |wait: &str| firings(&format!("{rule}\nfor = \"{wait}\""));
    assert_eq!(after("1s"), [firing(3.0, 4.0, Some(5.0), 200.0)]);
    assert_eq!(after("2s"), []);
    let kept = firings(&format!("{rule}\nkeep_firing_for = \"90s\""));
    assert_eq!(kept, [firing(3.0, 3.0, None, 200.0)]);
}

#[test]
fn rates_and_ratios_are_of_the_window_and_of_what_there_is_until_it_is_full() {
    // 2 of 3 seconds without goodput: 101 answers in 3 s.
    let rule = "metric = \"goodput.rate\"\nbelow = \"50/s\"\nper = \"3s\"";
    let [only] = firings(rule)[..] else {
        panic!("once")
    };
    // At 3 s there were 101 answers in 3 s, at 4 s 99, at 5 s 199.
    assert_eq!((only.from_s, only.until_s), (3.0, Some(5.0)));
    assert!((only.worst - 33.3).abs() < 0.5, "{only:?}");
    let rule = "metric = \"goodput.ratio\"\nbelow = \"60%\"\nper = \"1m\"";
    let [only] = firings(rule)[..] else {
        panic!("once")
    };
    // 101 of 200, of 300, then 200 of 400, 300 of 500: over.
    assert_eq!((only.from_s, only.until_s), (2.0, Some(5.0)));
    assert!((only.worst - 1.0 / 3.0).abs() < 0.01);
}

#[test]
fn nothing_is_watched_before_the_end_of_warm_up_and_after_that_of_the_arrivals() {
    let rule = "metric = \"requests.arrived\"\nabove = 99\nper = \"1s\"";
    let settings = ["event=[]", "warmup=5s", "drain=true"];
    let run = watched(CRASH, rule, &settings);
    assert_eq!(run.0.alerts[0].firings, [firing(6.0, 6.0, None, 100.0)]);
    run.is("alert.it.fired", 1.0)
        .is("alert.it.first", 6.0)
        .is("alert.it.firing", 4.0);
    let never = watched(CRASH, &rule.replace("99", "100"), &settings);
    never.is("alert.it.fired", 0.0).is("alert.it.firing", 0.0);
    assert!(never.get("alert.it.first").is_nan());
}

#[test]
fn the_hottest_key_of_the_window_is_known_well_enough() {
    let settings = [
        "event=[]",
        "workload.arrivals.rate=10k/s",
        "workload.keys={ distribution = 'mix', components = [\
         { distribution = 'uniform', count = 1, weight = 0.5 },\
         { distribution = 'uniform', count = 1000, first_key = 1, weight = 0.5 }] }",
    ];
    // 5000/s of them, give or take what chance does to one in 16.
    let rate = |metric: &str, condition: &str| {
        let rule = format!("metric = \"{metric}\"\n{condition}\nper = \"5s\"");
        watched(CRASH, &rule, &settings).get("alert.it.fired")
    };
    for metric in ["key.rate", "tier.cache.key.rate"] {
        assert_eq!(rate(metric, "above = \"4500/s\""), 1.0);
        assert_eq!(rate(metric, "above = \"5500/s\""), 0.0);
    }
}

#[test]
fn how_busy_the_nodes_of_a_tier_are_can_be_watched() {
    // Each exchange takes 4 ms of the one worker: 0.4 of it. At 400/s it takes more than all, and 150
    // more are waiting after each second.
    let fired = |metric: &str, above: f64, rate: &str| {
        let rule = format!("metric = \"{metric}\"\nabove = {above}\nper = \"1s\"");
        let settings = [
            "event=[]",
            "tier.cache.service.time=4ms",
            &format!("workload.arrivals.rate={rate}"),
        ];
        watched(CRASH, &rule, &settings).get("alert.it.fired")
    };
    assert_eq!(fired("tier.cache.in_use", 0.39, "100/s"), 1.0);
    assert_eq!(fired("tier.cache.in_use", 0.41, "100/s"), 0.0);
    assert_eq!(fired("tier.cache.queue", 0.1, "100/s"), 0.0);
    assert_eq!(fired("tier.cache.queue", 100.0, "400/s"), 1.0);
}

#[test]
fn percentiles_are_those_of_the_window() {
    // The database takes 200 ms in the fourth second, and everything goes there.
    let settings = [
        "tier.cache.capacity='1 entries'",
        "tier.cache.ttl=1ns",
        "event=[{ at = \"3s\", action = \"slow\", target = \"database\", plus = \"200ms\", for = \"1s\" }]",
    ];
    let rule = "metric = \"latency.p99\"\nabove = \"100ms\"\nper = \"1s\"";
    let run = watched(CRASH, rule, &settings);
    let [
        Firing {
            from_s,
            until_s: Some(until_s),
            worst,
            ..
        },
    ] = run.0.alerts[0].firings[..]
    else {
        panic!("{:?}", run.0.alerts)
    };
    assert_eq!((from_s, until_s), (4.0, 6.0));
    assert!((worst - 0.2).abs() < 0.001);
}

#[test]
fn watching_changes_nothing() {
    let rules: String = [
        "hit_ratio",
        "latency.p99",
        "key.rate",
        "database.utilization",
        "tier.far.in_use",
    ]
    .iter()
    .map(|metric| {
        format!("[[alert]]\nname = \"{metric}\"\nmetric = \"{metric}\"\nabove = 0.5\n").replace(
            &format!("name = \"{metric}\""),
            &format!("name = \"{}\"", metric.replace('.', "-")),
        )
    })
    .collect();
    let busy = crate::metrics::BUSY;
    let (mut with, without) = (run(&format!("{busy}{rules}"), &[]), run(busy, &[]));
    assert_eq!(with.0.alerts.len(), 5);
    with.0.metrics.retain(|name, _| !name.starts_with("alert."));
    assert_eq!(with.digest(), without.digest());
}

#[test]
fn a_rule_is_told_with_what_it_is() {
    let rule = "metric = \"requests.failed\"\nabove = 98\nper = \"1s\"\nfor = \"2m\"";
    let Alert {
        name,
        metric,
        per_s,
        for_s,
        ..
    } = watched(CRASH, rule, &[]).0.alerts.remove(0);
    assert_eq!((name.as_str(), metric.as_str()), ("it", "requests.failed"));
    assert_eq!((per_s, for_s), (1.0, 120.0));
}

/// What is said of a file with these rules.
fn said(rules: &str) -> String {
    let text = format!("{CRASH}{rules}");
    match scenario::load_text(Path::new("test.toml"), &text, &Overrides::default()) {
        Ok(_) => String::new(),
        Err(errors) => errors.plain(),
    }
}

#[test]
fn what_is_wrong_with_a_rule_is_said_with_what_to_write() {
    let rule = |rest: &str| said(&format!("[[alert]]\nname = \"low hits\"\n{rest}"));
    for (rest, parts) in [
        (
            "metric = \"hit_ration\"\nbelow = 0.8",
            &[
                "`hit_ration` is nothing that an alert can watch",
                "did you mean `hit_ratio`?",
            ][..],
        ),
        (
            "metric = \"tier.cashe.hit_ratio\"\nbelow = 0.8",
            &["did you mean `tier.cache.hit_ratio`?"],
        ),
        (
            "metric = \"xyz\"\nbelow = 0.8",
            &["cachesim list alert-metrics"],
        ),
        ("metric = \"hit_ratio\"", &["add `above` or `below`"]),
        (
            "metric = \"hit_ratio\"\nbelow = 0.8\nabove = 0.9",
            &["not both `above` and `below`"],
        ),
        (
            "metric = \"hit_ratio\"\nbelow = 0.8\nper = \"1500ms\"",
            &["`alert.per` must be whole seconds, not 1500ms"],
        ),
        (
            "metric = \"hit_ratio\"\nbelow = \"10k/s\"",
            &["`hit_ratio` is a share"],
        ),
        (
            "metric = \"hit_ratio\"\nbelow = 0.8\nfo = \"1m\"",
            &["unknown key `fo`", "did you mean `for`?"],
        ),
        (
            "metric = \"hit_ratio\"\nbelow = 0.8\n[[alert]]\nname = \"low hits\"\nmetric = \"hit_ratio\"\nbelow = 0.7",
            &["two alerts are called `low hits`"],
        ),
        (
            "metric = \"hit_ratio\"\nbelow = 0.8\n[[expect]]\nmetric = \"alert.low hit.fired\"\nbelow = 1",
            &["there is no alert `low hit`", "did you mean `low hits`?"],
        ),
    ] {
        let said = rule(rest);
        for part in parts {
            assert!(said.contains(part), "{rest}\n{said}");
        }
    }
    let said = said("[[alert]]\nname = \"a.b\"\nmetric = \"hit_ratio\"\nbelow = 0.8");
    assert!(
        said.contains("cannot be a name") && said.contains("a-b"),
        "{said}"
    );
}

#[test]
fn an_expectation_may_be_about_an_alert_and_a_variant_may_set_its_limit() {
    let rules = "[[alert]]\nname = \"low hits\"\nmetric = \"hit_ratio\"\nbelow = 0.8\n\
        [[variant]]\nname = \"strict\"\nset = { \"alert.low hits.below\" = 0.9 }\n\
        [[expect]]\nmetric = \"alert.low hits.fired\"\nequals = 0\n\
        [[expect]]\nvariant = \"strict\"\nmetric = \"alert.low hits.first\"\nbelow = \"1m\"\n\
        [baseline]\nfail_if = [\"alert.low hits.fired > 0\"]";
    assert_eq!(said(rules), "");
}
