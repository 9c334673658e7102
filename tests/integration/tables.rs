//! Walks the tables: whatever has a name in a scenario runs, keeps the laws, and gives the same
//! outcome twice. A new row is tested without anybody thinking of it; one that cannot do without
//! parameters needs an example here.

use cachesim::defence::DEFENCES;
use cachesim::eviction::PolicySpec;
use cachesim::guard::GUARDS;
use cachesim::guard::discipline::DISCIPLINES;
use cachesim::invalidation::INVALIDATIONS;
use cachesim::pattern::{PAIRS, READS, WRITES};
use cachesim::placement::SCHEMES;
use cachesim::promise::PROMISES;
use cachesim::workload::{arrivals, distribution, popularity};

use crate::world::{Run, run};

/// A cache that is much too small, short TTLs, writes, few connections.
const SHORT: &str = r#"
duration = "1s"
[workload]
arrivals   = "1k/s"
keys       = { distribution = "zipf", count = 500, exponent = 0.8 }
reads      = 0.9
value_size = { distribution = "uniform", low = "100B", high = "2KiB" }
[app]
instances = 3
[[tier]]
name     = "cache"
nodes    = 3
capacity = "20 entries"
ttl      = { base = "300ms", jitter = 0.1 }
network  = "100us"
[database]
connections  = 8
queue_limit  = 20
timeout      = "50ms"
service_time = { distribution = "exponential", mean = "5ms" }
"#;

/// Runs it twice; the runs keep the laws and are one and the same.
#[track_caller]
fn check(settings: &[&str]) -> Run {
    let first = run(SHORT, settings);
    first.keeps_the_laws();
    let answered = first.get("requests.answered");
    assert!(answered > 50.0, "{settings:?}: {answered} answered");
    let again = run(SHORT, settings).digest();
    assert!(
        first.digest() == again,
        "{settings:?}: differs when repeated"
    );
    first
}

#[test]
fn every_eviction_policy_that_needs_no_future_runs_in_a_tier() {
    let mut policies = 0;
    for policy in PolicySpec::all().filter(|policy| !policy.description().replay_only) {
        let eviction = format!("tier.cache.eviction={policy}");
        for capacity in ["20 entries", "20KiB"] {
            let capacity = format!("tier.cache.capacity={capacity}");
            let run = check(&[&eviction, &capacity]);
            let evictions = run.get("tier.cache.evictions.rate");
            // The null policy keeps nothing, so there is nothing to evict.
            let keeps = run.get("tier.cache.entries") > 0.0;
            assert!(!keeps || evictions > 50.0, "{policy}: {evictions}");
            assert!(run.get("tier.cache.entries") <= 60.0 || capacity.ends_with('B'));
            assert!(run.get("tier.cache.bytes") <= 60.0 * 2048.0);
        }
        policies += 1;
    }
    assert!(policies > 15, "{policies}");
}

#[test]
fn every_placement_scheme_spreads_the_keys() {
    for scheme in SCHEMES {
        for nodes in [1, 2, 5] {
            let placement = format!("tier.cache.placement={}", scheme.name);
            let nodes_setting = format!("tier.cache.nodes={nodes}");
            let run = check(&[&placement, &nodes_setting]);
            let rates = (0..nodes).map(|node| run.get(&format!("tier.cache.node.{node}.rate")));
            let rates: Vec<f64> = rates.collect();
            let least = rates.iter().copied().fold(f64::INFINITY, f64::min);
            let mean = rates.iter().sum::<f64>() / f64::from(nodes);
            assert!(least > mean / 3.0, "{}: {rates:?}", scheme.name);
        }
    }
}

#[test]
fn every_promise_is_kept_at_the_cost_of_more_queries() {
    // A cache for each instance, of which the others' writes delete nothing.
    let world = [
        "tier.cache.scope=instance",
        "tier.cache.nodes=1",
        "tier.cache.capacity=unlimited",
        "tier.cache.ttl=10s",
        "workload.sessions={ count = 20, own_reads = 0.2 }",
        "workload.keys.count=50",
        "database.queue_limit=unlimited",
        "database.timeout=never",
    ];
    let run = |promises: &str| {
        let promises = format!("app.promises={promises}");
        check(&[&world[..], &[&promises]].concat())
    };
    let without = run("[]");
    let own = "consistency.read_your_writes_violations";
    let back = "consistency.monotonic_read_violations";
    assert!(without.get(own) > 10.0 && without.get(back) > 10.0);
    assert!(without.get("staleness.max") > 0.5);
    for promise in PROMISES {
        let (settings, kept): (_, &[_]) = match promise.name {
            "bypass-after-write" => (", window = \"10s\"", &[(own, 0.0)]),
            "session-token" => ("", &[(own, 0.0), (back, 0.0)]),
            "bounded-staleness" => (", max_staleness = \"100ms\"", &[("staleness.max", 0.1)]),
            // Which server is asked, not which copy may be given: see `database_servers`.
            "pin-to-primary" => continue,
            other => panic!("what does `{other}` promise?"),
        };
        let with = run(&format!("[{{ kind = \"{}\"{settings} }}]", promise.name));
        for (metric, most) in kept {
            let value = with.get(metric);
            assert!(value <= *most, "{}: {metric} is {value}", promise.name);
        }
        let queries = "database.reads.rate";
        assert!(with.get(queries) > without.get(queries), "{}", promise.name);
    }
}

/// The settings that let a defence work: itself, and what it needs beside it.
fn with_defence(name: &str) -> Vec<String> {
    let defence = match name {
        "serve-stale-if-locked" => "[\"single-flight\", \"serve-stale-if-locked\"]".to_owned(),
        "buddy" => "{ kind = \"buddy\", ahead = \"10ms\" }".to_owned(),
        name => name.to_owned(),
    };
    let mut settings = vec![
        format!("tier.cache.defence={defence}"),
        "tier.cache.ttl.jitter=0.0".to_owned(),
    ];
    if name == "collapse" {
        settings.push("tier.cache.pattern=through".to_owned());
    }
    settings
}

#[test]
fn every_defence_answers_and_lets_no_more_than_the_undefended_through() {
    let hot = ["workload.keys.count=5", "tier.cache.ttl=50ms"];
    let queries = |defence: &str| {
        let mut settings: Vec<&str> = hot.to_vec();
        let defence = with_defence(defence);
        settings.extend(defence.iter().map(String::as_str));
        check(&settings).get("database.reads.rate")
    };
    let undefended = queries("none");
    assert!(undefended > 0.0);
    for defence in DEFENCES {
        let queries = queries(defence.name);
        // These move queries; on so small a scale they need not save any.
        let factor = match defence.name {
            "jitter" | "early-expiration" | "buddy" => 1.25,
            _ => 1.0,
        };
        let most = undefended * factor;
        assert!(
            queries <= most,
            "{}: {queries} of {undefended}",
            defence.name
        );
    }
}

#[test]
fn every_invalidation_runs_beside_every_defence_that_it_fits() {
    for (mechanism, defence) in INVALIDATIONS
        .iter()
        .flat_map(|mechanism| DEFENCES.iter().map(move |defence| (mechanism, defence)))
    {
        let invalidation = format!("tier.cache.invalidation=[\"{}\"]", mechanism.name);
        let name = defence.name;
        // What is taken in a node must be shared, and what loads by itself has no versioned keys.
        let fits = match mechanism.name {
            "pub-sub" => name != "lock",
            "versioned-keys" => !matches!(name, "collapse" | "warm-up"),
            _ => true,
        };
        if !fits {
            continue;
        }
        let defence = with_defence(name);
        let mut settings = vec![invalidation.as_str()];
        settings.extend(defence.iter().map(String::as_str));
        match mechanism.name {
            "pub-sub" => settings.push("tier.cache.scope=instance"),
            "tags" => settings.push("workload.dependents=3"),
            _ => {}
        }
        let run = check(&settings);
        assert!(run.get("hit_ratio") > 0.1, "{settings:?}");
    }
}

#[test]
fn every_guard_stands_before_the_database_and_before_a_tier() {
    for guard in GUARDS {
        let settings = match guard.name {
            "breaker" => ", failures = 0.2, window = \"200ms\", open_for = \"50ms\"",
            "rate-limit" => ", rate = \"200/s\", burst = 5",
            "bulkhead" => ", calls = 2",
            "aimd-limit" => ", latency = \"5ms\", initial = 2",
            "gradient-limit" => ", initial = 1, queue = 1",
            other => panic!("the guard {other} is new: give an example of it here"),
        };
        let guards = format!("[{{ kind = \"{}\"{settings} }}]", guard.name);
        for place in ["database", "tier.cache"] {
            let run = check(&[
                &format!("{place}.guards={guards}"),
                "workload.arrivals=3k/s",
            ]);
            let shed = run.get(&format!("{place}.shed"));
            // A tier that answers at once and never fails gives little cause.
            assert!(shed > 10.0 || place != "database", "{guards}: {shed}");
            assert!(run.get("requests.shed") <= shed);
            let open = run.get(&format!("{place}.breaker.open_ratio"));
            assert_eq!(open > 0.0, guard.name == "breaker" && shed > 0.0, "{place}");
        }
    }
}

#[test]
fn every_discipline_serves_the_database_and_the_nodes() {
    for discipline in DISCIPLINES {
        let patient = "database.timeout=never";
        let database = format!("database.discipline={}", discipline.name);
        let run = check(&[&database, patient, "workload.arrivals=3k/s"]);
        let shed = run.get("database.shed");
        assert_eq!(shed > 0.0, discipline.name.starts_with("codel"), "{shed}");
        let node = format!(
            "tier.cache.service={{ time = \"2ms\", discipline = \"{}\" }}",
            discipline.name
        );
        let run = check(&[&node, patient, "workload.arrivals=3k/s"]);
        let shed = run.get("tier.cache.shed");
        assert_eq!(shed > 0.0, discipline.name.starts_with("codel"), "{shed}");
    }
}

#[test]
fn every_pair_of_patterns_hits_and_writes() {
    let check = |pattern: String| {
        let run = check(&[&format!("tier.cache.pattern={pattern}")]);
        assert!(run.get("hit_ratio") > 0.1, "{pattern}");
        // What write-behind has acknowledged may still be on its way.
        let writes = run.get("database.writes.rate") + run.get("consistency.pending_writes");
        assert!(writes > 0.0, "{pattern}");
    };
    for pair in PAIRS {
        check(pair.name.to_owned());
    }
    for (read, write) in READS
        .iter()
        .flat_map(|read| WRITES.iter().map(move |w| (read, w)))
    {
        check(format!(
            "{{ read = \"{}\", write = \"{}\" }}",
            read.name, write.name
        ));
    }
}

/// A distribution by the name of its row, in the unit of `of` (`ms` or `B`), about 5 of it.
fn distributed(name: &str, unit: &str) -> String {
    let parameters = match name {
        "constant" => r#"value = "5u""#,
        "uniform" => r#"low = "1u", high = "9u""#,
        "exponential" => r#"mean = "5u""#,
        "lognormal" => r#"median = "4u", p99 = "20u""#,
        "gamma" => r#"shape = 2, mean = "5u""#,
        "pareto" => r#"minimum = "2u", exponent = 1.5, cap = "100u""#,
        "empirical" => r#"quantiles = [[0, "1u"], [0.5, "4u"], [1, "30u"]]"#,
        _ => panic!("the distribution {name} is new: give an example of it here"),
    };
    let parameters = parameters.replace("u\"", &format!("{unit}\""));
    format!("{{ distribution = \"{name}\", {parameters} }}")
}

#[test]
fn every_distribution_can_be_of_every_time_and_size() {
    for row in distribution::TABLE {
        let milliseconds = distributed(row.name, "ms");
        let kibibytes = distributed(row.name, "KiB");
        for path in [
            "tier.cache.network",
            "tier.cache.service.time",
            "database.service_time",
            "database.write_service_time",
            "database.network",
        ] {
            let run = check(&[&format!("{path}={milliseconds}")]);
            assert!(run.get("latency.max") >= 5e-3, "{}: {path}", row.name);
        }
        let size = format!("workload.value_size={kibibytes}");
        let run = check(&[&size, "tier.cache.capacity=100KiB"]);
        let [bytes, entries] = ["bytes", "entries"].map(|it| run.get(&format!("tier.cache.{it}")));
        assert!(
            bytes <= 300.0 * 1024.0 && bytes >= entries * 1024.0,
            "{}",
            row.name
        );
    }
}

#[test]
fn every_arrival_process_and_every_curve_brings_requests() {
    let constant = |curve: String| format!("{{ process = \"constant\", rate = {curve} }}");
    let poisson = |curve: String| format!("{{ process = \"poisson\", rate = {curve} }}");
    let mut all = vec!["\"500/s\"".to_owned()];
    for row in arrivals::TABLE {
        all.push(match row.name {
            "poisson" => poisson("\"1k/s\"".to_owned()),
            "constant" => constant("\"1k/s\"".to_owned()),
            "on-off" => r#"{ process = "on-off", rate = "2k/s", off_rate = "10/s", on = "100ms", off = { distribution = "exponential", mean = "50ms" }, even = true }"#.to_owned(),
            "mmpp" => r#"{ process = "mmpp", states = [["100/s", "100ms"], ["3k/s", "50ms"]] }"#.to_owned(),
            "closed" => r#"{ process = "closed", users = 20, think = { distribution = "exponential", mean = "20ms" } }"#.to_owned(),
            name => panic!("the arrival process {name} is new: give an example of it here"),
        });
    }
    for row in arrivals::CURVES {
        let curve = match row.name {
            // A rate that does not change is written as a rate.
            "constant" => continue,
            "steps" => {
                r#"{ curve = "steps", points = [["0s", "100/s"], ["300ms", "3k/s"]], repeat = "400ms" }"#
            }
            "ramps" => {
                r#"{ curve = "ramps", points = [["0s", "100/s"], ["500ms", "3k/s"]], repeat = "600ms" }"#
            }
            "sine" => {
                r#"{ curve = "sine", period = "300ms", low = "100/s", high = "2k/s", phase = 0.25 }"#
            }
            name => panic!("the curve {name} is new: give an example of it here"),
        };
        all.extend([constant(curve.to_owned()), poisson(curve.to_owned())]);
    }
    for arrivals in all {
        let run = check(&[&format!("workload.arrivals={arrivals}")]);
        assert!(run.0.requests > 100, "{arrivals}: {}", run.0.requests);
    }
}

#[test]
fn every_distribution_of_keys_is_asked_for() {
    for row in popularity::TABLE {
        let keys = match row.name {
            "zipf" => {
                r#"{ distribution = "zipf", count = 300, exponent = 1.1, drift = { period = "100ms", share = 0.1 } }"#
            }
            "uniform" => r#"{ distribution = "uniform", count = 300, scatter = false }"#,
            "hotspot" => {
                r#"{ distribution = "hotspot", count = 300, hot_keys = 0.1, hot_requests = 0.9 }"#
            }
            "latest" => r#"{ distribution = "latest", count = 300, exponent = 0.9 }"#,
            "sequential" => r#"{ distribution = "sequential", count = 100 }"#,
            "mix" => {
                r#"{ distribution = "mix", components = [{ distribution = "uniform", count = 1, weight = 0.5 }, { distribution = "zipf", count = 200, exponent = 0.9, first_key = 1, weight = 0.5 }] }"#
            }
            name => panic!("the distribution of keys {name} is new: give an example of it here"),
        };
        let keys = format!("workload.keys={keys}");
        let run = check(&[
            &keys,
            "tier.cache.capacity=100 entries",
            "tier.cache.ttl=never",
        ]);
        let hit_ratio = run.get("tier.cache.hit_ratio");
        assert!(
            hit_ratio > 0.1 && hit_ratio < 1.0,
            "{}: {hit_ratio}",
            row.name
        );
    }
}
