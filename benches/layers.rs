//! What six layers in series cost, beside the bare floor of the same work.
//!
//! `cargo bench --bench layers` runs a request from a browser's cache by way of a content delivery
//! network, a gateway, a process and a sidecar to a cluster, and the floor: draw an arrival and a key,
//! touch as many LRUs as the request looked up, push and pop as many calendar events, record one
//! histogram value. It prints requests per second of both and their ratio.
//!
//! What a request costs is first of all how far down it goes. Two loads: one with the shares of
//! scenarios/three-tiers.toml, of which the first layer answers about seven tenths and the database one
//! twentieth; and one with a long tail, of which the first layer answers three tenths and the database
//! nearly one. The exit status is 1 if the first runs at less than 400 000 requests per second; the
//! second is there to be seen.

mod floor;

use std::path::Path;
use std::time::Instant;

use cachesim::cache::{Cache, Lookup};
use cachesim::eviction::{Measure, PolicySpec};
use cachesim::metrics::Histogram;
use cachesim::random::Luck;
use cachesim::scenario::{self, Overrides};
use cachesim::simulation::{self, NoProgress, Plan};
use cachesim::units::NEVER;
use cachesim::workload::Workload;
use cachesim::workload::arrivals::{self, Arrivals};

const ROUNDS: usize = 5;

/// Who asks for what, and how much of it a browser keeps.
struct Load {
    name: &'static str,
    keys: &'static str,
    browser_capacity: &'static str,
    /// Below so many requests per second it is too slow.
    bar_per_s: f64,
}

const LOADS: [Load; 2] = [
    Load {
        name: "hot, warm, cold",
        keys: r#"{ distribution = "mix", components = [
            { distribution = "uniform", count = 200, weight = 0.70 },
            { distribution = "uniform", count = 4_000, first_key = 200, weight = 0.25 },
            { distribution = "uniform", count = 1_000_000, first_key = 4_200, weight = 0.05 },
        ] }"#,
        browser_capacity: "400 entries",
        bar_per_s: 400_000.0,
    },
    Load {
        name: "a long tail",
        keys: r#"{ distribution = "zipf", count = "100k", exponent = 1.0 }"#,
        browser_capacity: "100 entries",
        bar_per_s: 0.0,
    },
];

const SIX_LAYERS: &str = r#"
duration = "20s"
warmup   = "1s"
[workload]
arrivals   = "50k/s"
keys       = KEYS
reads      = 0.99
value_size = "1KiB"
sessions   = { count = 100 }
[app]
instances = 20
[[tier]]
name     = "browser"
preset   = "browser"
capacity = "BROWSER"
[[tier]]
name     = "cdn"
preset   = "cdn"
capacity = "5k entries"
[[tier]]
name     = "gateway"
preset   = "gateway"
capacity = "5k entries"
[[tier]]
name     = "process"
preset   = "in-process"
[[tier]]
name     = "sidecar"
preset   = "sidecar"
[[tier]]
name     = "cluster"
preset   = "redis-cluster"
[database]
connections  = 200
service_time = { distribution = "exponential", mean = "5ms" }
"#;

fn six_layers(load: &Load) -> Plan {
    let path = Path::new("benches/layers.rs");
    let text = SIX_LAYERS.replace("KEYS", load.keys);
    let text = text.replace("BROWSER", load.browser_capacity);
    let study = scenario::load_text(path, &text, &Overrides::default());
    let mut study = study.expect("a valid scenario");
    study.variants.remove(0).plan
}

/// What one run did.
struct Work {
    requests: u64,
    events: u64,
    /// Lookups of all layers.
    lookups: u64,
    /// Of the reads, those that the first layer answered, and those that the database did.
    shares: [f64; 2],
    seconds: f64,
}

fn full(plan: &Plan) -> Work {
    let start = Instant::now();
    let outcome = simulation::run(plan, 0, &NoProgress).expect("it runs");
    let seconds = start.elapsed().as_secs_f64();
    // Whoever is answered by a layer has asked that one and all above.
    let mut left = 1.0;
    let mut depth = 0.0;
    for layer in &plan.tiers {
        depth += left;
        left -= outcome.metrics[&format!("tier.{}.share_of_reads", layer.tier.name)];
    }
    Work {
        requests: outcome.requests,
        events: outcome.events,
        lookups: (depth * outcome.requests as f64) as u64,
        shares: ["tier.browser.share_of_reads", "database.share_of_reads"]
            .map(|name| outcome.metrics[name]),
        seconds,
    }
}

/// Requests per second of the floor.
fn floor(plan: &Plan, work: &Work) -> f64 {
    let luck = Luck::new(plan.seed, 0);
    let arrivals::Plan::Open(open) = &plan.workload.arrivals else {
        unreachable!("an open loop")
    };
    let mut arrivals = Arrivals::new(open, luck);
    let mut draws = Workload::new(&plan.workload, luck);
    let policy = PolicySpec::parse("lru").expect("a policy");
    let mut cache: Cache<u32> = Cache::new(&policy, Measure::Entries, 10_000, 1);
    let mut calendar = floor::Calendar::default();
    let mut histogram = Histogram::default();
    let (mut pushed, mut looked_up, mut hits) = (0, 0, 0_u64);
    (0..100).for_each(|pending| calendar.push(pending, pending));
    let start = Instant::now();
    for index in 0..work.requests {
        let Some(arrived_ns) = arrivals.next() else {
            break;
        };
        let key = draws.draw(index, arrived_ns, None).key;
        while looked_up * work.requests < index * work.lookups {
            looked_up += 1;
            match cache.lookup(key, arrived_ns) {
                Lookup::Hit(_) => hits += 1,
                _ => {
                    cache.insert(key, 0, |_| 1, arrived_ns, NEVER);
                }
            }
        }
        while pushed * work.requests < index * work.events {
            pushed += 1;
            calendar.push(arrived_ns + (pushed & 7) * 100_000, pushed);
            calendar.pop();
        }
        histogram.record(arrived_ns & 0xf_ffff);
    }
    let seconds = start.elapsed().as_secs_f64();
    std::hint::black_box((hits, histogram.count(), calendar.pop()));
    work.requests as f64 / seconds
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let mut is_too_slow = false;
    for load in &LOADS {
        let plan = six_layers(load);
        let (mut fulls, mut floors) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let work = full(&plan);
            if round == 0 {
                let each = |count: u64| count as f64 / work.requests as f64;
                let [browser, database] = work.shares.map(|share| share * 100.0);
                println!(
                    "six layers, {}: {} requests, {:.2} lookups and {:.2} events each,",
                    load.name,
                    work.requests,
                    each(work.lookups),
                    each(work.events)
                );
                println!(
                    "of the reads {browser:.0} % in the browser and {database:.1} % in the database"
                );
            }
            fulls.push(work.requests as f64 / work.seconds);
            floors.push(floor(&plan, &work));
        }
        let (full, floor) = (median(fulls), median(floors));
        let bar = match load.bar_per_s {
            0.0 => String::new(),
            bar_per_s => format!("   (bar {:.1})", bar_per_s / 1e6),
        };
        println!("six layers  {:6.2} M requests/s{bar}", full / 1e6);
        println!("floor       {:6.2} M requests/s", floor / 1e6);
        println!("ratio       {:6.2}", full / floor);
        is_too_slow |= full < load.bar_per_s;
    }
    if is_too_slow {
        std::process::exit(1);
    }
}
