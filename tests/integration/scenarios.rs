//! The scenarios of `scenarios/`: what they say holds as they are shipped, and does not without the
//! mechanism that they are about.

use std::path::Path;

use cachesim::experiment::{self, Wanted};
use cachesim::scenario::{self, Overrides, Study};
use cachesim::simulation::NoProgress;

/// A scenario, and settings that take its mechanism out of it.
struct Shipped(&'static str, &'static [&'static str]);

const SHIPPED: &[Shipped] = &[
    Shipped("patterns.toml", &["workload.reads=1.0"]),
    Shipped("counters.toml", &["tier.counters.pattern=through"]),
    Shipped("write-behind-crash.toml", &["event=[]"]),
    Shipped("audit-log.toml", &["tier.cache.pattern=through"]),
    Shipped("leaderboard.toml", &["tier.boards.pattern=through"]),
    Shipped("read-your-writes.toml", &["app.promises=[]"]),
    Shipped("bounded-staleness.toml", &["app.promises=[]"]),
    Shipped("session-tokens.toml", &["app.promises=[]"]),
    Shipped("flash-sale.toml", &["tier.cache.pattern=around"]),
];

fn load(file: &str, settings: &[&str]) -> Study {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios")
        .join(file);
    let overrides = Overrides {
        set: settings.iter().map(|it| (*it).to_owned()).collect(),
        ..Overrides::default()
    };
    let mut studies =
        scenario::load(&[path], &overrides).unwrap_or_else(|errors| panic!("{}", errors.plain()));
    studies.remove(0)
}

/// Which expectations are broken, of all that there are.
fn broken(file: &str, settings: &[&str]) -> (Vec<String>, usize) {
    let study = load(file, settings);
    let results = experiment::run(&[study], &Wanted::default(), &NoProgress).expect("it runs");
    let judged = &results[0].expectations;
    let broken = judged.iter().filter(|it| !it.held);
    let broken = broken.map(|it| format!("{}: {it:?}", it.expectation.metric));
    (broken.collect(), judged.len())
}

#[test]
fn what_a_scenario_expects_holds_as_it_is_shipped() {
    for Shipped(file, _) in SHIPPED {
        let (broken, of) = broken(file, &[]);
        assert!(of > 0, "{file} expects nothing");
        assert!(broken.is_empty(), "{file}: {broken:#?}");
    }
}

#[test]
fn what_a_scenario_expects_is_broken_without_its_mechanism() {
    for Shipped(file, without) in SHIPPED {
        let (broken, _) = broken(file, without);
        assert!(
            !broken.is_empty(),
            "{file} expects nothing that {without:?} would break"
        );
    }
}
