//! Whole scenarios, from text to plan.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::defence;
use crate::tier::Capacity;
use crate::workload::arrivals;

/// The example of the design, without its timeline.
pub(super) const EXAMPLE: &str = r#"
# A hot key expires under 10 000 requests a second.
title    = "Stampede on a hot key"
seed     = 7
duration = "5m"
warmup   = "30s"

[workload]
arrivals   = { process = "poisson", rate = "10k/s" }
keys       = { distribution = "zipf", count = 1_000_000, exponent = 0.99 }
reads      = 0.95
value_size = { distribution = "lognormal", median = "1KiB", p99 = "20KiB" }

[app]
instances = 20

[[tier]]
name      = "redis"
pattern   = "aside"
nodes     = 3
capacity  = "100k entries"
eviction  = "lru"
ttl       = { base = "60s", jitter = 0.1 }
placement = { scheme = "ring", virtual_nodes = 150 }
network   = { distribution = "lognormal", median = "0.2ms", p99 = "1ms" }
service   = { workers = 1, time = "10us" }
defence   = "single-flight"

[database]
connections  = 100
service_time = { distribution = "lognormal", median = "5ms", p99 = "50ms" }

[[variant]]
name = "undefended"
set  = { "tier.redis.defence" = "none" }

[[expect]]
variant = "base"
metric  = "database.qps.max"
below   = 400
"#;

/// The least that is a scenario.
const LEAST: &str = r#"
duration = "1s"
[workload]
arrivals = "10/s"
keys = { distribution = "uniform", count = 10 }
[database]
service_time = "1ms"
"#;

fn load_with(text: &str, overrides: &Overrides) -> Result<Study, ScenarioErrors> {
    load_text(Path::new("question.toml"), text, overrides)
}

fn loaded(text: &str) -> Study {
    load_with(text, &Overrides::default()).unwrap_or_else(|errors| panic!("{}", errors.plain()))
}

fn setting(settings: &[&str]) -> Overrides {
    Overrides {
        set: settings.iter().map(|setting| (*setting).into()).collect(),
        ..Overrides::default()
    }
}

/// What is printed about a wrong scenario.
fn errors(text: &str) -> String {
    load_with(text, &Overrides::default()).unwrap_err().plain()
}

#[test]
fn the_example_of_the_design_becomes_its_plan() {
    let study = loaded(EXAMPLE);
    assert_eq!(study.name, "question");
    assert_eq!(study.title, "Stampede on a hot key");
    assert_eq!((study.seed, study.replications), (7, 1));
    let names: Vec<&str> = study
        .variants
        .iter()
        .map(|variant| variant.name.as_str())
        .collect();
    assert_eq!(names, ["base", "undefended"]);

    let plan = &study.variants[0].plan;
    assert_eq!((plan.seed, plan.instances, plan.drain), (7, 20, false));
    assert_eq!(
        (plan.duration_ns, plan.warmup_ns),
        (300_000_000_000, 30_000_000_000)
    );
    assert_eq!(plan.workload.read_share, 0.95);
    assert_eq!(plan.workload.keys.limit(), 1_000_000);
    assert!((plan.workload.value_size.quantile(0.5) - 1024.0).abs() < 1e-6);
    let arrivals::Plan::Open(open) = &plan.workload.arrivals else {
        panic!("not open")
    };
    assert_eq!(open.mean_rate_per_s(), 10_000.0);

    let layer = &plan.tiers[0];
    assert_eq!(
        (
            layer.tier.name.as_str(),
            layer.tier.nodes,
            layer.tier.workers
        ),
        ("redis", 3, 1)
    );
    assert_eq!(layer.tier.capacity, Capacity::Entries(100_000));
    assert_eq!(layer.tier.eviction.description().name, "lru");
    let ttl = layer.tier.ttl.unwrap();
    assert_eq!((ttl.base_ns, ttl.sliding), (60_000_000_000, false));
    assert_eq!((ttl.jitter_below, ttl.jitter_above), (0.1, 0.1));
    assert_eq!(
        (
            layer.tier.placement.scheme,
            layer.tier.placement.virtual_nodes
        ),
        ("ring", 150)
    );
    assert_eq!(layer.tier.service_time.as_constant(), Some(10_000.0));
    assert!((layer.tier.network.quantile(0.5) - 200_000.0).abs() < 1e-3);
    assert_eq!(layer.tier.queue_limit, None);
    assert_eq!(layer.defences, [defence::Plan::SingleFlight]);
    let undefended = &study.variants[1].plan.tiers[0];
    assert_eq!(undefended.defences, [defence::Plan::None]);

    assert_eq!(plan.database.connections, 100);
    assert!((plan.database.service_time.quantile(0.99) - 5e7).abs() < 1.0);
    assert_eq!(plan.database.network.as_constant(), Some(0.0));
    assert_eq!(plan.database.timeout_ns, None);

    let [expectation] = study.expectations.as_slice() else {
        panic!("one expectation")
    };
    assert_eq!(expectation.condition, Condition::Below(400.0));
    assert_eq!(expectation.line, 39);
}

/// Valid scenarios that together use every shape of the grammar.
fn valid() -> Vec<String> {
    let with = |arrivals: &str, keys: &str, rest: &str| {
        format!("duration = \"1m\"\n[workload]\narrivals = {arrivals}\nkeys = {keys}\n{rest}\n")
    };
    let database = "[database]\nservice_time = \"1ms\"";
    let uniform = "{ distribution = \"uniform\", count = \"1k\" }";
    vec![
        EXAMPLE.into(),
        LEAST.into(),
        with(
            r#"{ process = "on-off", rate = "1k/s", off_rate = "1/s", on = "1s", off = { distribution = "exponential", mean = "2s" }, even = true }"#,
            r#"{ distribution = "hotspot", count = 100, hot_keys = "20%", hot_requests = 0.8, drift = { period = "1h", share = 0.1 } }"#,
            database,
        ),
        with(
            r#"{ process = "mmpp", states = [["1k/s", "50s"], ["20k/s", "2s"]] }"#,
            r#"{ distribution = "latest", count = 10, exponent = 1 }"#,
            database,
        ),
        with(
            r#"{ process = "closed", users = "1k", think = { distribution = "gamma", shape = 2, mean = "1s" } }"#,
            r#"{ distribution = "sequential", count = 10 }"#,
            database,
        ),
        with(
            r#"{ process = "constant", rate = { curve = "ramps", points = [["0s", "0/s"], ["30s", "5k/s"]], repeat = "1m" } }"#,
            r#"{ distribution = "mix", components = [{ distribution = "uniform", count = 5, weight = 2 }, { distribution = "sequential", count = 5, first_key = 100 }] }"#,
            database,
        ),
        with(
            r#"{ process = "poisson", rate = { curve = "sine", period = "1d", low = "1k/s", high = "2k/s", phase = "25%" } }"#,
            uniform,
            r#"
            [[tier]]
            name = "browser"
            capacity = "unlimited"
            ttl = "never"
            placement = "modulo"
            pattern = { read = "aside" }
            [[tier]]
            name = "redis"
            capacity = "1.5GiB"
            entry_overhead = "56B"
            ttl = { base = "1h30m", sliding = true, jitter = "+0..20%" }
            sweep = { interval = "100ms", sample = 20 }
            network = { distribution = "uniform", low = "0.1ms", high = "0.3ms" }
            service = { workers = 4, time = { distribution = "pareto", minimum = "5us", exponent = 1.5 }, queue_limit = 1000 }
            defence = { kind = "single-flight" }
            [database]
            connections = "1k"
            queue_limit = 0
            timeout = "1s"
            slowdown = 0.5
            network = "0.5ms"
            service_time = { distribution = "lognormal", mean = "5ms", sigma = 1, shift = "1ms", cap = "1s" }
            write_service_time = { distribution = "empirical", quantiles = [[0.5, "5ms"], [1, "80ms"]] }
            [[variant]]
            name = "one"
            description = "one node"
            set = { "tier.redis.nodes" = 1, "tier.browser.ttl" = "5s" }
            [[variant]]
            name = "two"
            [[expect]]
            variant = "one"
            metric = "tier.redis.node.0.rate"
            between = ["0/s", 5000]
            [[expect]]
            metric = "latency.p99"
            below_variant = "two"
            factor = 2
            [[expect]]
            metric = "hit_ratio"
            equals = "95%"
            tolerance = 0.01
            "#,
        ),
    ]
}

#[test]
fn what_was_resolved_is_a_scenario_that_means_the_same() {
    for text in valid() {
        let study = loaded(&text);
        let again = load_with(
            &toml::to_string(&study.resolved).unwrap(),
            &Overrides::default(),
        )
        .unwrap_or_else(|errors| panic!("{}", errors.plain()));
        assert_eq!(study.resolved, again.resolved);
        for (variant, again) in study.variants.iter().zip(&again.variants) {
            assert_eq!(format!("{:?}", variant.plan), format!("{:?}", again.plan));
            let alone = loaded(&toml::to_string(&variant.resolved).unwrap());
            assert_eq!(
                format!("{:?}", variant.plan),
                format!("{:?}", alone.variants[0].plan)
            );
        }
    }
}

#[test]
fn the_schema_accepts_what_the_loader_accepts_written_or_resolved() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for text in valid() {
        let mut problems = Vec::new();
        let written = tree::parse_file(&text, 0, &mut problems).json();
        for json in [&written, &loaded(&text).resolved] {
            let errors: Vec<String> = validator
                .iter_errors(json)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{errors:#?}\n{text}");
        }
    }
}

#[test]
fn the_schema_refuses_unknown_keys_missing_keys_and_missing_units() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut problems = Vec::new();
    let mut is_valid =
        |text: &str| validator.is_valid(&tree::parse_file(text, 0, &mut problems).json());
    assert!(is_valid(LEAST));
    for (from, to) in [
        ("duration", "duratio"),
        ("\"1s\"", "1"),
        ("\"1s\"", "\"1 fortnight\""),
        ("\"10/s\"", "\"10\""),
        ("\"uniform\"", "\"uniformly\""),
        ("count = 10", "count = -10"),
        ("count = 10", "count = 10, colour = 3"),
        ("service_time", "service"),
        ("duration", "evnt = []\nduration"),
    ] {
        let wrong = LEAST.replacen(from, to, 1);
        assert_ne!(wrong, LEAST);
        assert!(!is_valid(&wrong), "{wrong}");
        assert!(load_with(&wrong, &Overrides::default()).is_err(), "{wrong}");
    }
}

#[test]
fn every_default_and_every_example_of_the_grammar_fits_its_own_key() {
    fn walk(grammar: &shape::Grammar, shape: &shape::Shape, count: &mut usize) {
        use shape::{Need, Shape};
        let table = |table: &shape::Table, count: &mut usize| {
            for field in &table.fields {
                assert!(
                    !field.meaning.is_empty() && !field.meaning.ends_with('.'),
                    "{}",
                    field.name
                );
                let default = match field.need {
                    Need::Default(text) => Some(text),
                    Need::Required | Need::Unless(_) | Need::Optional => None,
                };
                for text in default.into_iter().chain([field.example]) {
                    let node = tree::parse_value(text, 0, 0)
                        .unwrap_or_else(|_| panic!("{}: {text}", field.name));
                    let mut problems = Vec::new();
                    let checked = grammar.check_value(&field.shape, &node, &mut problems);
                    assert!(
                        checked.is_some() && problems.is_empty(),
                        "{}: {text}: {problems:?}",
                        field.name
                    );
                    *count += 1;
                }
                walk(grammar, &field.shape, count);
            }
        };
        match shape {
            Shape::Quantity(unit, range) => {
                let (low, high) = (
                    range.bound(*unit, range.low),
                    range.bound(*unit, range.high),
                );
                assert!(low < high, "{range:?}");
            }
            Shape::Table(fields) => table(fields, count),
            Shape::Choice(choice) => choice.rows.iter().for_each(|row| table(&row.table, count)),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| walk(grammar, shape, count)),
            Shape::Short(_, inner) | Shape::List(inner, _) | Shape::Map(inner) => {
                walk(grammar, inner, count)
            }
            Shape::Pair(first, second) => {
                walk(grammar, first, count);
                walk(grammar, second, count);
            }
            Shape::Named(name) => assert!(grammar.named.contains_key(name)),
            _ => {}
        }
    }
    let grammar = format::grammar();
    let mut count = 0;
    walk(
        grammar,
        &shape::Shape::Table(grammar.root.clone()),
        &mut count,
    );
    grammar
        .named
        .values()
        .for_each(|shape| walk(grammar, shape, &mut count));
    assert!(count > 150, "{count}");
}

#[test]
fn the_reference_in_the_repository_is_the_one_that_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, reference()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == reference(),
        "docs/scenario.md is out of date: cargo run -- schema --markdown > docs/scenario.md"
    );
}

#[test]
fn settings_reach_what_is_not_written_and_what_is_written_in_short() {
    let tier = "\n[[tier]]\nname = \"redis\"\ncapacity = \"5 entries\"\nttl = \"60s\"\n";
    let text = format!("{LEAST}{tier}");
    let plan = |settings: &[&str]| {
        load_with(&text, &setting(settings))
            .unwrap_or_else(|errors| panic!("{}", errors.plain()))
            .variants
            .remove(0)
            .plan
    };
    let changed = plan(&[
        "tier.redis.ttl.jitter=0.5",
        "tier.0.placement.virtual_nodes=7",
        "tier.redis.service.time=5us",
        "tier.redis.sweep.sample=9",
        "database.timeout = 2s",
        "workload.keys.count=77",
        "database.service_time={ distribution = \"exponential\", mean = \"3ms\" }",
        "drain=true",
    ]);
    let tier = &changed.tiers[0].tier;
    assert_eq!(
        (tier.ttl.unwrap().base_ns, tier.ttl.unwrap().jitter_above),
        (60_000_000_000, 0.5)
    );
    assert_eq!(
        (tier.placement.scheme, tier.placement.virtual_nodes),
        ("ring", 7)
    );
    assert_eq!(tier.service_time.as_constant(), Some(5_000.0));
    assert_eq!(
        (tier.sweep.unwrap().interval_ns, tier.sweep.unwrap().sample),
        (100_000_000, 9)
    );
    assert_eq!(changed.database.timeout_ns, Some(2_000_000_000));
    assert_eq!(changed.workload.keys.limit(), 77);
    assert_eq!(changed.database.service_time.mean(), 3e6);
    assert!(changed.drain);
    // A value without quotes is a text where TOML has no meaning for it; the last setting counts.
    assert!(
        plan(&["tier.redis.ttl=5s", "tier.redis.ttl=never"]).tiers[0]
            .tier
            .ttl
            .is_none()
    );
}

#[test]
fn the_command_line_changes_the_file_and_variants_still_differ() {
    let overrides = Overrides {
        seed: Some(u64::MAX),
        replications: Some(3),
        ..setting(&["tier.redis.defence=none", "database.connections=5"])
    };
    let text = EXAMPLE.replace("= \"none\" }", "= \"single-flight\" }");
    let study = load_with(&text, &overrides).unwrap();
    assert_eq!((study.seed, study.replications), (u64::MAX, 3));
    let defences: Vec<_> = study
        .variants
        .iter()
        .map(|it| it.plan.tiers[0].defences[0])
        .collect();
    assert_eq!(defences, [defence::Plan::None, defence::Plan::SingleFlight]);
    for variant in &study.variants {
        assert_eq!(
            (variant.plan.seed, variant.plan.database.connections),
            (u64::MAX, 5)
        );
    }
    assert_eq!(study.resolved["database"]["connections"], 5);
    assert_eq!(
        study.variants[1].resolved["tier"][0]["defence"]["kind"],
        "single-flight"
    );
}

#[test]
fn variants_that_are_not_asked_for_take_their_expectations_with_them() {
    let overrides = Overrides {
        variants: vec!["undefended".into()],
        ..Overrides::default()
    };
    let study = load_with(EXAMPLE, &overrides).unwrap();
    assert_eq!(study.variants.len(), 1);
    assert_eq!(study.variants[0].name, "undefended");
    assert!(study.expectations.is_empty());
    let overrides = Overrides {
        variants: vec!["undefnded".into()],
        ..Overrides::default()
    };
    let errors = load_with(EXAMPLE, &overrides).unwrap_err();
    assert_eq!(
        errors.errors[0].help.as_deref(),
        Some("did you mean `undefended`?")
    );
}

#[test]
fn conditions_are_in_base_units() {
    let conditions = |metric: &str, condition: &str| {
        let text = format!(
            "{LEAST}\n[[variant]]\nname = \"other\"\n[[expect]]\nmetric = \"{metric}\"\n{condition}\n"
        );
        loaded(&text).expectations.remove(0).condition
    };
    assert_eq!(
        conditions("latency.p99", "below = \"5ms\""),
        Condition::Below(0.005)
    );
    assert_eq!(
        conditions("latency.p99", "below = 5"),
        Condition::Below(5.0)
    );
    assert_eq!(
        conditions("database.qps.max", "above = \"24k/m\""),
        Condition::Above(400.0)
    );
    assert_eq!(
        conditions("hit_ratio", "between = [\"1%\", 0.5]"),
        Condition::Between(0.01, 0.5)
    );
    assert_eq!(
        conditions("requests.failed", "equals = \"1k\"\ntolerance = 2"),
        Condition::Equals {
            value: 1000.0,
            tolerance: 2.0
        }
    );
    assert_eq!(
        conditions("hit_ratio", "equals_variant = \"other\"\nfactor = 0.5"),
        Condition::EqualsVariant {
            variant: "other".into(),
            factor: 0.5,
            tolerance: 0.0,
            relative_tolerance: 0.0,
        }
    );
}

#[test]
fn a_mistake_of_the_file_is_reported_once_whatever_the_number_of_variants() {
    let text = EXAMPLE.replace("\"5m\"", "\"5 m 1 h\"");
    assert_eq!(
        load_with(&text, &Overrides::default())
            .unwrap_err()
            .errors
            .len(),
        1
    );
}

#[test]
fn a_thousand_mistakes_are_counted_and_fifty_are_shown() {
    let mut text = LEAST.to_owned();
    for index in 0..1000 {
        text.push_str(&format!("x{index} = 1\n"));
    }
    let errors = load_with(&text, &Overrides::default()).unwrap_err().errors;
    assert_eq!(errors.len(), 51);
    assert_eq!(errors[50].message, "and 950 more errors");
}

#[test]
fn monstrous_files_are_refused_in_a_few_words() {
    let long_line = format!("title = \"{}\"\nduration = 5\n", "x".repeat(10_000_000));
    let long_error = format!("duration = \"{}\"\n", "9".repeat(10_000_000));
    let deep = format!("title = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let deep_tables = format!("[{}a]\n", "a.".repeat(100_000));
    let huge = format!("duration = {}\n", "9".repeat(100_000));
    for text in [long_line, long_error, deep, deep_tables, huge] {
        let printed = errors(&text);
        assert!(printed.len() < 20_000, "{}", printed.len());
    }
}

#[test]
fn the_place_is_right_behind_wide_letters_and_carriage_returns() {
    let text = LEAST
        .replace("duration = \"1s\"", "title = \"ü\"; x\r\n")
        .replace('\n', "\r\n");
    let error = &load_with(&text, &Overrides::default()).unwrap_err().errors[0];
    assert_eq!((error.line, error.column), (2, 12));
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = load_with(&text, &Overrides::default()).map_err(|errors| errors.plain());
    }

    #[test]
    fn no_mutation_of_a_valid_scenario_panics(
        which in 0usize..7,
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), 0usize..6, "[ -~\n\u{e9}]{0,3}"), 1..6),
    ) {
        let mut text: Vec<char> = valid()[which].chars().collect();
        for (at, length, with) in edits {
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, with.chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(errors) = load_with(&text, &Overrides::default()) {
            prop_assert!(!errors.errors.is_empty());
            prop_assert!(!errors.plain().contains("Failed to read"));
        }
    }

    #[test]
    fn no_setting_panics(path in "[a-z_.0-9]{0,20}", value in "\\PC{0,20}") {
        let overrides = setting(&[&format!("{path}={value}")]);
        let _ = load_with(EXAMPLE, &overrides).map_err(|errors| errors.plain());
    }

    #[test]
    fn any_value_for_any_key_is_taken_or_refused_but_never_breaks(
        at in any::<proptest::sample::Index>(),
        value in prop_oneof![
            "[0-9a-zA-Z%/ .+-]{0,8}".prop_map(|text| format!("{text:?}")),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| format!("{number:?}")),
            Just("[]".to_owned()),
            Just("{}".to_owned()),
            Just("true".to_owned()),
            Just("1979-05-27".to_owned()),
        ],
    ) {
        let paths = ["seed", "duration", "warmup", "workload.arrivals", "workload.arrivals.rate", "workload.keys",
            "workload.keys.count", "workload.keys.exponent", "workload.reads", "workload.value_size",
            "app.instances", "tier", "tier.redis", "tier.redis.name", "tier.redis.ttl", "tier.redis.ttl.jitter",
            "tier.redis.capacity", "tier.redis.network.median", "tier.redis.service.time", "database.service_time.p99",
            "database.connections", "database.slowdown", "database.timeout", "variant", "expect", "title"];
        let path = paths[at.index(paths.len())];
        let _ = load_with(EXAMPLE, &setting(&[&format!("{path}={value}")])).map_err(|errors| errors.plain());
    }
}
