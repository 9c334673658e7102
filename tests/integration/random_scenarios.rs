//! Whatever a valid scenario says: it runs without a panic, keeps the laws, and does so twice.

use std::fmt::Write;
use std::path::Path;

use cachesim::eviction::PolicySpec;
use cachesim::pattern::{READS, WRITES};
use cachesim::scenario::{self, Overrides};
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::run;

/// A time as a scenario has it: none, fixed, or of a distribution, up to `most_us` or so.
fn time(most_us: u32) -> impl Strategy<Value = String> {
    let fixed = (1..=most_us).prop_map(|us| format!("\"{us}us\""));
    let exponential = (1..=most_us)
        .prop_map(|us| format!("{{ distribution = \"exponential\", mean = \"{us}us\" }}"));
    let lognormal = (1..=most_us, 2..30u32).prop_map(|(us, factor)| {
        let p99 = us * factor;
        format!("{{ distribution = \"lognormal\", median = \"{us}us\", p99 = \"{p99}us\" }}")
    });
    prop_oneof![Just("\"0s\"".to_owned()), fixed, exponential, lognormal]
}

fn arrivals() -> impl Strategy<Value = String> {
    let open = (select(vec!["poisson", "constant"]), 1..3000u32)
        .prop_map(|(process, rate)| format!("{{ process = \"{process}\", rate = \"{rate}/s\" }}"));
    let closed = (1..30u32, 1..20_000u32).prop_map(|(users, us)| {
        format!("{{ process = \"closed\", users = {users}, think = \"{us}us\" }}")
    });
    let bursts = (1..5000u32, 1..50u32).prop_map(|(rate, on_ms)| {
        let off = "{ distribution = \"exponential\", mean = \"20ms\" }";
        format!("{{ process = \"on-off\", rate = \"{rate}/s\", on = \"{on_ms}ms\", off = {off} }}")
    });
    prop_oneof![4 => open, 1 => closed, 1 => bursts]
}

fn keys() -> impl Strategy<Value = String> {
    let zipf = (1..500u32, 0..20u32).prop_map(|(count, exponent)| {
        let exponent = f64::from(exponent) / 10.0;
        format!("{{ distribution = \"zipf\", count = {count}, exponent = {exponent} }}")
    });
    let other = (select(vec!["uniform", "sequential"]), 1..500u32)
        .prop_map(|(name, count)| format!("{{ distribution = \"{name}\", count = {count} }}"));
    let latest = (1..500u32).prop_map(|count| {
        format!("{{ distribution = \"latest\", count = {count}, exponent = 1 }}")
    });
    prop_oneof![zipf, other, latest]
}

fn limit(most: u32) -> impl Strategy<Value = String> {
    let some = (0..most).prop_map(|limit| limit.to_string());
    prop_oneof![Just("\"unlimited\"".to_owned()), some]
}

fn policies() -> Vec<String> {
    let in_tiers = PolicySpec::all().filter(|policy| !policy.description().replay_only);
    in_tiers.map(|policy| policy.to_string()).collect()
}

prop_compose! {
    fn capacity()(unit in select(vec![" entries", "KiB"]), many in 1..100u32) -> String {
        format!("\"{many}{unit}\"")
    }
}

prop_compose! {
    fn ttl()(
        base_ms in 1..500u32,
        sliding: bool,
        jitter in select(vec!["0", "0.3", "0.99", "\"+0..0.5\""]),
        never in prop::bool::weighted(0.2),
    ) -> String {
        if never {
            "\"never\"".to_owned()
        } else {
            format!("{{ base = \"{base_ms}ms\", sliding = {sliding}, jitter = {jitter} }}")
        }
    }
}

fn pattern() -> impl Strategy<Value = String> {
    let read = select(READS.iter().map(|row| row.name).collect::<Vec<_>>());
    let write = select(WRITES.iter().map(|row| row.name).collect::<Vec<_>>());
    (read, write).prop_map(|(read, write)| {
        let settings = match write {
            "behind" => ", flush = \"20ms\", writers = 2",
            "double-delete" => ", wait = \"10ms\"",
            _ => "",
        };
        format!("{{ read = \"{read}\", write = \"{write}\"{settings} }}")
    })
}

/// Promises to sessions, of which there are always some here.
fn promises() -> impl Strategy<Value = String> {
    let all = vec![
        "\"session-token\"",
        "{ kind = \"bypass-after-write\", window = \"30ms\" }",
        "{ kind = \"bounded-staleness\", max_staleness = \"50ms\" }",
    ];
    prop::sample::subsequence(all, 0..=3).prop_map(|some| format!("[{}]", some.join(", ")))
}

/// Crashes of the first tier, if there is one.
fn crashes() -> impl Strategy<Value = Vec<u32>> {
    prop::collection::vec(1..600u32, 0..3)
}

prop_compose! {
    fn tier()(
        nodes in 1..5u32,
        capacity in capacity(),
        eviction in select(policies()),
        ttl in ttl(),
        sweep in select(vec!["\"none\"", "{}", "{ interval = \"5ms\", sample = 3 }"]),
        scheme in select(vec!["ring", "modulo"]),
        network in time(2000),
        workers in 1..4u32,
        service in time(2000),
        queue_limit in limit(20),
        defence in select(vec!["none", "single-flight"]),
        pattern in pattern(),
        scope in select(vec!["global", "instance", "client"]),
    ) -> String {
        format!(
            "nodes = {nodes}\ncapacity = {capacity}\neviction = \"{eviction}\"\nttl = {ttl}\n\
             sweep = {sweep}\nplacement = \"{scheme}\"\nnetwork = {network}\n\
             service = {{ workers = {workers}, time = {service}, queue_limit = {queue_limit} }}\n\
             defence = \"{defence}\"\npattern = {pattern}\nscope = \"{scope}\"\n"
        )
    }
}

prop_compose! {
    fn database()(
        connections in 1..50u32,
        queue_limit in limit(50),
        service in time(20_000),
        write_service in time(20_000),
        slowdown in 0..4u32,
        timeout in select(vec!["never", "1ns", "5ms", "50ms"]),
        network in time(2000),
    ) -> String {
        format!(
            "connections = {connections}\nqueue_limit = {queue_limit}\nservice_time = {service}\n\
             write_service_time = {write_service}\nslowdown = {slowdown}\n\
             timeout = \"{timeout}\"\nnetwork = {network}\n"
        )
    }
}

prop_compose! {
    fn scenarios()(
        seed: u64,
        duration_ms in 1..600u32,
        warm_up_share in 0..10u32,
        drain: bool,
        arrivals in arrivals(),
        keys in keys(),
        reads in 0..=4u32,
        size in select(vec!["\"0B\"", "\"1KiB\"", "{ distribution = \"exponential\", mean = \"2KiB\" }"]),
        instances in 1..5u32,
        promises in promises(),
        crashes in crashes(),
        tiers in prop::collection::vec(tier(), 0..4),
        database in database(),
    ) -> String {
        let warmup_us = duration_ms * 100 * warm_up_share;
        let mut text = format!(
            "seed = {seed}\nduration = \"{duration_ms}ms\"\nwarmup = \"{warmup_us}us\"\n\
             drain = {drain}\n[workload]\narrivals = {arrivals}\nkeys = {keys}\n\
             reads = {}\nvalue_size = {size}\nsessions = {{ count = 20, own_reads = 0.2 }}\n\
             [app]\ninstances = {instances}\npromises = {promises}\n",
            f64::from(reads) / 4.0,
        );
        for (number, tier) in tiers.iter().enumerate() {
            write!(text, "[[tier]]\nname = \"tier-{number}\"\n{tier}").expect("a text grows");
        }
        for at_ms in crashes.iter().filter(|_| !tiers.is_empty()) {
            write!(
                text,
                "[[event]]\nat = \"{at_ms}ms\"\naction = \"crash\"\n\
                 target = \"tier.tier-0\"\nrestart_after = \"20ms\"\n"
            )
            .expect("a text grows");
        }
        text + "[database]\n" + &database
    }
}

proptest! {
    #[test]
    fn any_valid_scenario_runs_keeps_the_laws_and_does_so_twice(text in scenarios()) {
        let first = run(&text, &[]);
        first.keeps_the_laws();
        prop_assert_eq!(first.digest(), run(&text, &[]).digest());
        let drained = text.contains("drain = true");
        prop_assert!(!drained || first.get("requests.in_flight") == 0.0);
    }

    #[test]
    fn the_resolved_scenario_gives_the_same_outcome(text in scenarios()) {
        let study = crate::world::study(&text, &[]);
        let resolved = toml::to_string(&study.resolved).expect("it can be written as TOML");
        let again = scenario::load_text(Path::new("again.toml"), &resolved, &Overrides::default());
        let again = again.unwrap_or_else(|errors| panic!("{resolved}\n{errors:?}"));
        let runs = [&study, &again].map(|study| crate::world::run_plan(&study.variants[0].plan, 0));
        prop_assert_eq!(runs[0].digest(), runs[1].digest());
    }
}
