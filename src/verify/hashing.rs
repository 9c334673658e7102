//! Hashing: published values of single keys, shares of the nodes, keys that move when a node joins or
//! leaves, bounded loads. What a run can show is run; the rest is asked of the very schemes that a run
//! builds.

use std::cell::Cell;

use super::whole::Law;
use super::{Options, Verdict, plan, replicate, short, theory};
use crate::placement::{Plan, SCHEMES, Scheme, Sight, hash};
use crate::random::Luck;
use crate::simulation::RunError;

pub(super) const LAWS: &[Law] = &[
    Law {
        model: PUBLISHED,
        judge: published,
    },
    Law {
        model: MOVED,
        judge: moved,
    },
    Law {
        model: BETWEEN_OLD,
        judge: between_old,
    },
    Law {
        model: SHARES,
        judge: shares,
    },
    Law {
        model: MAGLEV,
        judge: maglev,
    },
    Law {
        model: BOUNDED,
        judge: bounded,
    },
    Law {
        model: BOUNDED_RUN,
        judge: bounded_run,
    },
];

const PUBLISHED: &str = "hashing, published values";
const MOVED: &str = "hashing, keys moved by a resize";
const BETWEEN_OLD: &str = "hashing, keys moved between old nodes, 9 to 10";
const SHARES: &str = "hashing, shares on a ring of 10 nodes";
const MAGLEV: &str = "hashing, maglev, table of 65 537";
const BOUNDED: &str = "hashing, bounded load, 10 000 keys on 10 nodes";
const BOUNDED_RUN: &str = "hashing, bounded load, 2000 requests in flight on 10 nodes";

/// The scheme of that name with its defaults, for so many nodes.
fn scheme(name: &str, nodes: u32) -> Box<dyn Scheme> {
    with(name, Plan::default()).build(nodes)
}

fn with(name: &str, plan: Plan) -> Plan {
    let row = SCHEMES.iter().find(|row| row.name == name);
    Plan {
        scheme: row.expect("a row of the table").name,
        ..plan
    }
}

/// A verdict on something that has to be within `tolerance` of the theory.
fn near(model: &str, quantity: String, theory: f64, observed: f64, tolerance: f64) -> Verdict {
    Verdict {
        model: model.to_owned(),
        quantity,
        theory,
        observed,
        tolerance: format!("±{}", short(tolerance)),
        passed: (observed - theory).abs() <= tolerance,
    }
}

/// A verdict on something that has to be at most the theory.
fn at_most(model: &str, quantity: String, theory: f64, observed: f64) -> Verdict {
    Verdict {
        model: model.to_owned(),
        quantity,
        theory,
        observed,
        tolerance: "at most".to_owned(),
        passed: observed <= theory,
    }
}

fn published(_: Options) -> Result<Vec<Verdict>, RunError> {
    // Jump takes the hash as it is, and slots the key; with as many nodes as slots each has one.
    let bucket = scheme("jump", 1024).node(0, 256);
    let slot = scheme("slots", 16_384).node(123_456_789, 0);
    let exactly = |quantity: &str, theory, observed: u32| {
        near(PUBLISHED, quantity.to_owned(), theory, observed.into(), 0.0)
    };
    Ok(vec![
        exactly("jump: bucket of key 256 of 1024", 520.0, bucket),
        exactly("slots: slot of \"123456789\"", 12_739.0, slot),
    ])
}

/// A cache that holds all 100 000 keys is resized, and the run counts what moved.
fn moved(options: Options) -> Result<Vec<Verdict>, RunError> {
    const KEYS: f64 = 100_000.0;
    let mut verdicts = Vec::new();
    for (name, nodes) in [
        ("modulo", 4_u32),
        ("modulo", 9),
        ("ring", 4),
        ("ring", 9),
        ("jump", 4),
        ("jump", 9),
        ("rendezvous", 4),
        ("rendezvous", 9),
    ] {
        let text = format!(
            "duration = \"3s\"\n[workload]\narrivals = {{ process = \"constant\", rate = \"50k/s\" }}\n\
             keys = {{ distribution = \"sequential\", count = 100_000 }}\nreads = 1.0\n\
             [[tier]]\nname = \"cache\"\nnodes = {nodes}\ncapacity = \"unlimited\"\n\
             placement = \"{name}\"\nnetwork = \"0s\"\nservice = {{ time = \"0s\" }}\n\
             [database]\nconnections = 10\nservice_time = \"0s\"\n\
             [[event]]\nat = \"2500ms\"\naction = \"resize\"\ntarget = \"tier.cache\"\nnodes = {}\n",
            nodes + 1
        );
        let run = &replicate(&plan(&text, options.seed), 0..1)?[0];
        let (theory, deviation) = match name {
            "modulo" => (theory::moved_by_modulo(nodes, nodes + 1), 0.0),
            // The share of the new node on this one ring.
            "ring" => {
                let theory = theory::moved_at_least(nodes, nodes + 1);
                (
                    theory,
                    theory * theory::ring_share_variation(nodes + 1, 150),
                )
            }
            _ => (theory::moved_at_least(nodes, nodes + 1), 0.0),
        };
        // Four standard deviations: of the keys that were thrown, and of the ring.
        let of_keys = (theory * (1.0 - theory) / KEYS).sqrt();
        let tolerance = 4.0 * of_keys.hypot(deviation);
        let quantity = format!("{name}, {nodes} to {} nodes", nodes + 1);
        let observed = run["tier.cache.keys_moved.ratio"];
        verdicts.push(near(MOVED, quantity, theory, observed, tolerance));
    }
    Ok(verdicts)
}

fn between_old(_: Options) -> Result<Vec<Verdict>, RunError> {
    let verdict = |name: &str| {
        let (before, after) = (scheme(name, 9), scheme(name, 10));
        let is_between = |&key: &u64| {
            let node = after.node(key, hash(key));
            node != 9 && node != before.node(key, hash(key))
        };
        let between = (0..200_000).filter(is_between).count();
        near(BETWEEN_OLD, name.to_owned(), 0.0, between as f64, 0.0)
    };
    Ok(["ring", "jump", "rendezvous"].map(verdict).into())
}

/// The share of each of so many nodes, from places that are evenly spaced over all hashes.
fn shares_of(scheme: &dyn Scheme, nodes: u32, places: u64) -> Vec<f64> {
    let mut shares = vec![0.0; nodes as usize];
    let step = u64::MAX / places;
    for place in 0..places {
        shares[scheme.node(0, place * step) as usize] += 1.0 / places as f64;
    }
    shares
}

/// The coefficient of variation is about all rings that chance might throw, so many are thrown.
fn shares(options: Options) -> Result<Vec<Verdict>, RunError> {
    const NODES: u32 = 10;
    const RINGS: u64 = 400;
    let rings = Luck::new(options.seed, 0).stream("verify.rings");
    let verdict = |virtual_nodes: u32| {
        let square = |ring: u64| {
            let plan = with(
                "ring",
                Plan {
                    virtual_nodes,
                    ring: rings.at(ring).bits(),
                    ..Plan::default()
                },
            );
            let shares = shares_of(&*plan.build(NODES), NODES, 50_000);
            let deviations = shares.iter().map(|share| share * f64::from(NODES) - 1.0);
            deviations.map(|it| it * it).sum::<f64>() / f64::from(NODES)
        };
        let observed = ((0..RINGS).map(square).sum::<f64>() / RINGS as f64).sqrt();
        let theory = theory::ring_share_variation(NODES, virtual_nodes);
        // The mean of 400 squares, each as uncertain as those of 9 independent deviations and at one
        // point a node somewhat more: ±1.2 to 2 %.
        let quantity = format!("coefficient of variation, {virtual_nodes} points a node");
        near(SHARES, quantity, theory, observed, 0.05 * theory)
    };
    Ok([1, 100, 1000].map(verdict).into())
}

fn maglev(_: Options) -> Result<Vec<Verdict>, RunError> {
    const SIZE: u64 = 65_537;
    let (before, after) = (scheme("maglev", 10), scheme("maglev", 9));
    let mut entries = [0_u32; 10];
    let mut moved = 0;
    // A hash below the table's size is the number of an entry.
    for entry in 0..SIZE {
        let node = before.node(0, entry);
        entries[node as usize] += 1;
        moved += u64::from(node != after.node(0, entry));
    }
    let most = entries.iter().max().unwrap_or(&0);
    let least = entries.iter().min().unwrap_or(&0);
    let difference = f64::from(most - least);
    let share = moved as f64 / SIZE as f64;
    Ok(vec![
        at_most(MAGLEV, "difference of shares".to_owned(), 1.0, difference),
        // A tenth must move; which few others do depends on the permutations.
        near(
            MAGLEV,
            "keys moved, 10 to 9 nodes".to_owned(),
            0.103,
            share,
            0.005,
        ),
    ])
}

fn bounded(_: Options) -> Result<Vec<Verdict>, RunError> {
    const NODES: u32 = 10;
    const KEYS: u32 = 10_000;
    let verdict = |epsilon: f64| {
        let plan = Plan {
            epsilon,
            ..Plan::default()
        };
        let scheme = with("bounded-load", plan).build(NODES);
        let loads = vec![Cell::new(0); NODES as usize];
        for load in 0..KEYS {
            let sight = Sight {
                loads: &loads,
                load,
                draw: 0,
            };
            let key = u64::from(load);
            let node = scheme.choose(key, hash(key), &sight) as usize;
            loads[node].set(loads[node].get() + 1);
        }
        let most = loads.iter().map(Cell::get).max().unwrap_or(0);
        let theory = theory::bounded_load(KEYS.into(), NODES, epsilon) as f64;
        let quantity = format!("keys of the fullest node, ε {epsilon}");
        at_most(BOUNDED, quantity, theory, f64::from(most))
    };
    // On the ring itself the fullest has about 1120.
    Ok([0.01, 0.05, 0.25].map(verdict).into())
}

/// Requests for a few hot keys arrive faster than any is served, so that all are in flight.
fn bounded_run(options: Options) -> Result<Vec<Verdict>, RunError> {
    let run = |placement: &str| {
        let text = format!(
            "duration = \"2ms\"\n[workload]\narrivals = {{ process = \"constant\", rate = \"1M/s\" }}\n\
             keys = {{ distribution = \"zipf\", count = 1000, exponent = 1.2 }}\nreads = 1.0\n\
             [[tier]]\nname = \"cache\"\nnodes = 10\ncapacity = \"unlimited\"\n\
             placement = {placement}\nnetwork = \"0s\"\n\
             service = {{ workers = 1000, time = \"1s\" }}\n\
             [database]\nconnections = 10\nservice_time = \"0s\"\n"
        );
        let run = replicate(&plan(&text, options.seed), 0..1)?.swap_remove(0);
        let requests = |node| run[format!("tier.cache.node.{node}.rate").as_str()] * 2e-3;
        let most = (0..10).map(requests).fold(0.0, f64::max);
        Ok::<_, RunError>(most.round())
    };
    let mut verdicts = Vec::new();
    for epsilon in [0.1, 0.25] {
        let placement = format!("{{ scheme = \"bounded-load\", epsilon = {epsilon} }}");
        let theory = theory::bounded_load(2000, 10, epsilon) as f64;
        let quantity = format!("requests at the busiest node, ε {epsilon}");
        verdicts.push(at_most(BOUNDED_RUN, quantity, theory, run(&placement)?));
    }
    Ok(verdicts)
}
