//! The scenarios that come with the program: as shipped they keep what they promise, and they stop
//! doing so when the mechanism that they are about is taken out.

use std::path::PathBuf;

use cachesim::experiment;
use cachesim::scenario::{self, Overrides, Study};
use cachesim::simulation::NoProgress;

/// The scenario `name` with `replace.0` in its text replaced by `replace.1`, and with `settings`, as
/// `--set` takes them; with these of its variants, or with all if none is named.
#[track_caller]
fn study(name: &str, replace: (&str, &str), settings: &[&str], variants: &[&str]) -> Study {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"));
    let path = folder.join(name).with_extension("toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(
        text.contains(replace.0),
        "{name} does not say {}",
        replace.0
    );
    let text = text.replace(replace.0, replace.1);
    let overrides = Overrides {
        set: settings.iter().map(|it| (*it).to_owned()).collect(),
        variants: variants.iter().map(|it| (*it).to_owned()).collect(),
        ..Overrides::default()
    };
    match scenario::load_text(&path, &text, &overrides) {
        Ok(study) => study,
        Err(errors) => panic!("{name}: {}", errors.plain()),
    }
}

/// The expectations that are broken.
fn broken(study: Study) -> Vec<String> {
    let wanted = experiment::Wanted::default();
    let results = experiment::run(&[study], &wanted, &NoProgress);
    let results = results.unwrap_or_else(|error| panic!("{error}"));
    let judged = results[0].expectations.iter();
    judged
        .filter(|one| !one.held)
        .map(|one| format!("{one:?}"))
        .collect()
}

/// A scenario by name, text of it that is replaced, and settings: either takes the mechanism out.
type Case = (
    &'static str,
    (&'static str, &'static str),
    &'static [&'static str],
);

const AS_IS: (&str, &str) = ("", "");
const LEASE: (&str, &str) = ("{ kind = \"lease\", retry = \"10ms\" }", "\"none\"");
const BLOOM: (&str, &str) = ("{ false_positives = 0.01, rebuild = \"30s\" }", "\"none\"");
const SECOND: (&str, &str) = (
    "{ write = \"double-delete\", wait = \"300ms\" }",
    "\"aside\"",
);

const NOT_STALE: (&str, &str) = ("stale_if_error\" = \"5m\"", "stale_if_error\" = \"0s\"");

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("pubsub", AS_IS, &["tier.process.invalidation=[]"]),
    ("cdc", AS_IS, &["tier.redis.invalidation=[]"]),
    ("tags", AS_IS, &["tier.redis.invalidation=[]"]),
    ("versioned-keys", AS_IS, &["tier.redis.invalidation=[]"]),
    ("etag", AS_IS, &["tier.cdn.invalidation=[]"]),
    ("stale-fill", AS_IS, &["tier.redis.invalidation=[]"]),
    ("stale-fill", LEASE, &[]),
    ("stale-fill", SECOND, &[]),
    ("update-race", AS_IS, &["tier.redis.invalidation=[]"]),
    ("failed-delete", AS_IS, &["tier.redis.ttl=never"]),
    ("swr", AS_IS, &["tier.cdn.ttl=10s"]),
    ("patterns", AS_IS, &["workload.reads=1.0"]),
    ("counters", AS_IS, &["tier.counters.pattern=through"]),
    ("write-behind-crash", AS_IS, &["event=[]"]),
    ("audit-log", AS_IS, &["tier.cache.pattern=through"]),
    ("leaderboard", AS_IS, &["tier.boards.pattern=through"]),
    ("read-your-writes", AS_IS, &["app.promises=[]"]),
    ("bounded-staleness", AS_IS, &["app.promises=[]"]),
    ("session-tokens", AS_IS, &["app.promises=[]"]),
    ("penetration", AS_IS, &["workload.absent.share=0"]),
    ("penetration", AS_IS, &["event=[]"]),
    ("penetration", BLOOM, &[]),
    ("penetration", AS_IS, &["tier.redis.negative=30s"]),
    ("page-of-thirty", AS_IS, &["workload.page.keys=1"]),
    ("page-of-thirty", ("\"workload.page.multi_get\" = true", "\"workload.page.multi_get\" = false"), &[]),
    ("flash-crowd", AS_IS, &["event=[]"]),
    ("flash-crowd", AS_IS, &["tier.process.capacity=1 entries", "tier.process.ttl=1us"]),
    ("three-tiers", AS_IS, &["tier.process.capacity=1 entries"]),
    ("sidecar", AS_IS, &["tier.sidecar.capacity=1 entries"]),
    ("personalised", AS_IS, &["tier.cdn.personalised=0"]),
    ("cold-tier", AS_IS, &["tier.cold.fill=inclusive"]),
    ("write-heavy", AS_IS, &["workload.reads=0.99"]),
    ("unique-reads", AS_IS, &["workload.keys={ distribution = \"uniform\", count = 10_000 }"]),
    ("stampede", AS_IS, &["tier.redis.defence=single-flight"]),
    ("early-expiration", AS_IS, &["tier.redis.defence=none"]),
    ("early-expiration", ("[\"early-expiration\", \"lock\"]", "\"early-expiration\""), &[]),
    ("avalanche", ("{ kind = \"jitter\", share = 0.1 }", "\"single-flight\""), &[]),
    ("lock-holder-dies", ("}, { kind = \"serve-stale-if-locked\", keep = \"1m\" }", "}"), &[]),
    ("lock-holder-dies", ("restart_after = \"20ms\"", "restart_after = \"3s\""), &[]),
    ("lock-holder-dies", (", retries = 10,", ", retries = 1000,"), &[]),
    ("coalesce", AS_IS, &["tier.redis.defence=single-flight"]),
    ("cold-start", AS_IS, &["tier.redis.defence=single-flight"]),
    ("rolling-deploy", AS_IS, &["tier.process.defence=single-flight"]),
    ("rolling-deploy", AS_IS, &["event=[]"]),
    ("retry-storm", AS_IS, &["client.retries=3"]),
    ("metastable", AS_IS, &["event=[]"]),
    ("metastable", AS_IS, &["client.abandoned=finish"]),
    ("cache-down", AS_IS, &["database.guards=[]", "database.discipline=fifo"]),
    ("cache-down", AS_IS, &["tier.redis.guards=[]"]),
    ("feature-flags", AS_IS, &["tier.process.ttl.stale_if_error=0s"]),
    ("feature-flags", AS_IS, &["tier.process.invalidation=[{ kind = \"pub-sub\", loss = 1.0 }]"]),
    ("feature-flags", (", restart_after = \"2s\", warm = true", ", restart_after = \"2s\""), &[]),
    ("hedging", AS_IS, &["client.hedge=none"]),
    ("hot-key", AS_IS, &["tier.redis.hot_keys=none"]),
    ("big-key", AS_IS, &["tier.redis.chunking=none"]),
    ("virtual-nodes", AS_IS, &["tier.cache.placement.virtual_nodes=1"]),
    ("resize", AS_IS, &["tier.cache.placement=modulo"]),
    ("gutter", AS_IS, &["tier.memcached.gutter=none"]),
    ("slots", AS_IS, &["tier.redis-cluster.placement.client=dumb"]),
    ("failover", AS_IS, &["tier.redis.replication=none"]),
    ("flash-sale", AS_IS, &["tier.cache.pattern=around"]),
    ("fits-in-memory", AS_IS, &["database.buffer_pool.capacity=2MiB"]),
    ("fits-in-memory", AS_IS, &["database.buffer_pool.disk_time=0s"]),
    ("slow-database", AS_IS, &["event=[]"]),
    ("slow-database", NOT_STALE, &[]),
    ("cross-region", AS_IS, &["database.replicas.lag=1us"]),
    ("cross-region", AS_IS, &["database.replicas.reads=primary"]),
];

#[test]
fn scenarios_keep_their_promises_as_shipped() {
    let mut names: Vec<&str> = CASES.iter().map(|case| case.0).collect();
    names.dedup();
    for name in names {
        let broken = broken(study(name, AS_IS, &[], &[]));
        assert!(broken.is_empty(), "{name}: {broken:#?}");
    }
}

#[test]
fn scenarios_break_without_the_mechanism_that_they_are_about() {
    for (name, replace, settings) in CASES {
        // The base alone is run soonest, and is the one that breaks most often.
        let breaks =
            |variants: &[&str]| !broken(study(name, *replace, settings, variants)).is_empty();
        let breaks = breaks(&["base"]) || breaks(&[]);
        assert!(breaks, "{name} with {replace:?} {settings:?}");
    }
}
