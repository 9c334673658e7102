//! Whole scenarios, from text to plan.

use std::path::Path;

use proptest::prelude::*;

use super::*;
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
    assert_eq!(layer.defence.name(), "single-flight");
    assert_eq!(study.variants[1].plan.tiers[0].defence.name(), "none");

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
