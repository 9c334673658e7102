//! What six layers in series cost, beside the bare floor of the same work.
//!
//! `cargo bench --bench layers` runs a request from a browser's cache by way of a content delivery
//! network, a gateway, a process and a sidecar to a cluster, and the floor: draw an arrival and a key,
//! touch as many LRUs as the request looked up, push and pop as many calendar events, record one
//! histogram value. It prints requests per second of both and their ratio. The exit status is 1 below
//! 400 000 requests per second.

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

/// Below this the simulation is too slow.
const BAR_PER_S: f64 = 400_000.0;
const ROUNDS: usize = 5;

const SIX_LAYERS: &str = r#"
duration = "20s"
warmup   = "1s"
[workload]
arrivals   = "50k/s"
keys       = { distribution = "zipf", count = "100k", exponent = 1.0 }
reads      = 0.99
value_size = "1KiB"
sessions   = { count = 100 }
[app]
instances = 20
[[tier]]
name     = "browser"
preset   = "browser"
capacity = "100 entries"
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

fn six_layers() -> Plan {
    let path = Path::new("benches/layers.rs");
    let study = scenario::load_text(path, SIX_LAYERS, &Overrides::default());
    let mut study = study.expect("a valid scenario");
    study.variants.remove(0).plan
}

/// What one run did.
struct Work {
    requests: u64,
    events: u64,
    /// Lookups of all layers.
    lookups: u64,
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
    let plan = six_layers();
    let (mut fulls, mut floors) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let work = full(&plan);
        if round == 0 {
            let each = |count: u64| count as f64 / work.requests as f64;
            println!(
                "six layers: {} requests, {:.2} lookups and {:.2} events each",
                work.requests,
                each(work.lookups),
                each(work.events)
            );
        }
        fulls.push(work.requests as f64 / work.seconds);
        floors.push(floor(&plan, &work));
    }
    let (full, floor) = (median(fulls), median(floors));
    println!(
        "six layers  {:6.2} M requests/s   (bar {:.1})",
        full / 1e6,
        BAR_PER_S / 1e6
    );
    println!("floor       {:6.2} M requests/s", floor / 1e6);
    println!("ratio       {:6.2}", full / floor);
    if full < BAR_PER_S {
        std::process::exit(1);
    }
}
