//! Layers in series: which rows each keeps, for whom, and what moves between them.

use cachesim::tier::PRESETS;

use crate::world::{IN_SERIES, ONE_KEY, plan, run, study};

#[test]
fn what_may_not_be_kept_passes_by_and_is_no_lookup() {
    let run = run(
        IN_SERIES,
        &["tier.near.cacheable=0", "tier.far.cacheable=0"],
    );
    run.is("latency.max", 100e-3)
        .is("tier.near.bypassed", 20.0)
        .is("tier.far.rate", 0.0)
        .is("database.share_of_reads", 1.0);
    assert!(run.get("tier.near.hit_ratio").is_nan());
}

#[test]
fn a_layer_that_is_passed_by_leaves_the_others_as_they_are() {
    // The far tier answers all but the first of each key.
    run(IN_SERIES, &["tier.near.cacheable=0"])
        .is("tier.far.share_of_reads", 18.0 / 20.0)
        .is("database.share_of_reads", 2.0 / 20.0)
        .is("latency.max", 120e-3);
}

#[test]
fn writes_of_what_a_layer_may_not_keep_pass_it_by() {
    run(IN_SERIES, &["workload.reads=0", "tier.near.cacheable=0"])
        .is("tier.near.rate", 0.0)
        .is("tier.far.rate", 2.0)
        .is("write.latency.mean", 110e-3);
}

#[test]
fn a_larger_share_keeps_the_rows_of_a_smaller_one_and_others() {
    // Every row is asked for once; what may be kept is then there.
    let many = [
        "workload.arrivals=1k/s",
        "workload.keys={ distribution = \"sequential\", count = 10_000 }",
        "tier.near.capacity=unlimited",
    ];
    let kept = |share: &str| {
        let share = format!("tier.near.cacheable={share}");
        let settings = [&many[..], &[&share]].concat();
        10_000.0 - run(IN_SERIES, &settings).get("tier.near.bypassed")
    };
    let [half, more] = [kept("0.5"), kept("0.6")];
    assert!((4800.0..5200.0).contains(&half), "{half}");
    assert!((5800.0..6200.0).contains(&more), "{more}");
}

#[test]
fn a_personalised_row_has_an_entry_for_each_session() {
    let settings = [
        ONE_KEY,
        "workload.sessions={ count = 4 }",
        "workload.arrivals=100/s",
        "tier.near.capacity=unlimited",
        "warmup=5s",
    ];
    run(IN_SERIES, &settings).is("tier.near.entries", 1.0);
    let personal = [&settings[..], &["tier.near.personalised=1"]].concat();
    // The tier below knows nothing of it.
    run(IN_SERIES, &personal)
        .is("tier.near.entries", 4.0)
        .is("tier.far.entries", 1.0);
}

#[test]
fn a_write_deletes_its_own_sessions_entry_only() {
    let settings = [
        ONE_KEY,
        "workload.sessions={ count = 4 }",
        "workload.arrivals=100/s",
        "workload.reads=0.99",
        "duration=60s",
        "tier.near.capacity=unlimited",
    ];
    let shared = run(IN_SERIES, &settings).get("staleness.ratio");
    let personal = [&settings[..], &["tier.near.personalised=1"]].concat();
    let personal = run(IN_SERIES, &personal).get("staleness.ratio");
    assert!(personal > 0.5 && shared < 0.3, "{personal}, {shared}");
}

#[test]
fn an_exclusive_tier_keeps_what_the_one_above_evicts_and_nothing_else() {
    let settings = ["tier.far.fill=exclusive", "warmup=5s"];
    run(IN_SERIES, &settings)
        .is("tier.far.share_of_reads", 1.0)
        .is("database.reads.rate", 0.0)
        .is("tier.near.entries", 1.0)
        .is("tier.far.entries", 1.0)
        // Each hit there moves up and evicts the other one.
        .is("tier.near.demoted", 10.0);
    run(IN_SERIES, &settings[1..]).is("tier.far.entries", 2.0);
    // Two that fit one above the other into two entries.
    let small = [&settings[..], &["tier.far.capacity=1 entries"]].concat();
    run(IN_SERIES, &small).is("database.reads.rate", 0.0);
    run(IN_SERIES, &[&small[1..]].concat()).is("database.reads.rate", 2.0);
}

#[test]
fn what_would_have_expired_is_not_handed_down() {
    // The other one comes a second after the fetch, when the entry has been expired for 200 ms.
    let settings = ["tier.far.fill=exclusive", "tier.near.ttl=300ms"];
    run(IN_SERIES, &settings)
        .is("tier.near.demoted", 0.0)
        .is("database.reads.rate", 2.0);
}

#[test]
fn a_hit_fills_the_tiers_above_always_never_or_after_so_many() {
    let of = |promote: &str| {
        let promote = format!("tier.far.promote={promote}");
        let settings = [ONE_KEY, "tier.near.ttl=600ms", &promote];
        run(IN_SERIES, &settings).get("tier.near.share_of_reads")
    };
    // Fetched by the first, found near by the second; from then on every other one is, if hits fill.
    assert_eq!(of("always"), 10.0 / 20.0);
    assert_eq!(of("never"), 1.0 / 20.0);
    // Fetched, near, far, far and fills; from then on as ever.
    assert_eq!(of("2"), 9.0 / 20.0);
}

#[test]
fn a_read_that_waited_counts_where_it_waited() {
    // All requests come while the first fetch is under way.
    let settings = [
        ONE_KEY,
        "workload.arrivals={ process = \"constant\", rate = \"1k/s\" }",
        "duration=50ms",
        "drain=true",
        "tier.near.defence=single-flight",
    ];
    run(IN_SERIES, &settings)
        .is("tier.near.share_of_reads", 49.0 / 50.0)
        .is("database.share_of_reads", 1.0 / 50.0);
}

#[test]
fn what_a_tier_says_itself_counts_instead_of_its_preset() {
    let settings = ["tier.near.preset=redis-cluster", "tier.far.preset=redis"];
    let plan = plan(IN_SERIES, &settings);
    let [near, far] = [0, 1].map(|level| &plan.tiers[level].tier);
    assert_eq!((near.nodes, far.nodes), (3, 1));
    assert_eq!(near.network.mean(), 1e6);
    assert!(near.eviction.to_string().starts_with("redis-lru"));
    let part = ["tier.near.preset=memcached", "tier.near.ttl.jitter=0.2"];
    let resolved = study(IN_SERIES, &part).resolved;
    assert_eq!(resolved["tier"][0]["ttl"]["base"], "5m");
    assert_eq!(resolved["tier"][0]["nodes"], 3);
}

#[test]
fn every_preset_runs_and_is_documented() {
    let guide = include_str!("../../docs/topology.md");
    for preset in PRESETS {
        assert!(
            guide.contains(&format!("`{}`", preset.name)),
            "{}",
            preset.name
        );
        assert!(preset.value("capacity").is_some(), "{}", preset.name);
        let alone = format!(
            "duration = \"5s\"\n[workload]\narrivals = \"200/s\"\n\
             keys = {{ distribution = \"zipf\", count = 50, exponent = 1.0 }}\nsessions = {{ count = 5 }}\n\
             [[tier]]\nname = \"it\"\npreset = \"{}\"\n\
             [database]\nservice_time = \"5ms\"\n",
            preset.name
        );
        let run = run(&alone, &[]);
        run.keeps_the_laws();
        assert!(run.get("tier.it.hit_ratio") > 0.3, "{}", preset.name);
    }
}
