//! What the timed simulation costs, beside the bare floor of the same work.
//!
//! `cargo bench --bench timed` runs a plain scenario (Poisson, Zipf over a million keys, a ring of
//! three nodes, LRU, TTL, single-flight, every metric on) on one thread, and the floor: draw an
//! arrival and a key, touch an LRU, push and pop as many calendar events, record one histogram
//! value. It prints requests per second of both and their ratio, the median of several rounds. The
//! ratio says more than either rate: the two run in turns on one machine. The exit status is 1 when
//! the ratio is below the bar.

mod floor;

use std::time::Instant;

use cachesim::cache::{Cache, Lookup};
use cachesim::client;
use cachesim::database;
use cachesim::defence;
use cachesim::eviction::{Measure, PolicySpec};
use cachesim::metrics::Histogram;
use cachesim::pattern::{self, LayerPlan};
use cachesim::random::Luck;
use cachesim::simulation::{self, NoProgress, Plan};
use cachesim::tier::{self, Capacity, TimeToLive};
use cachesim::units::{NEVER, SECOND_NS};
use cachesim::workload::arrivals::{self, Arrivals, Open};
use cachesim::workload::distribution::Distribution;
use cachesim::workload::popularity::Keys;
use cachesim::workload::{self, Workload};

/// Below this the simulation is too slow.
const BAR: f64 = 0.4;
const ROUNDS: usize = 7;
const RATE_PER_S: f64 = 100_000.0;
const DURATION_S: u64 = 30;
const KEYS: u64 = 1_000_000;
const NODES: u32 = 3;
const ENTRIES_PER_NODE: u64 = 100_000;
const TTL_S: u64 = 60;

fn constant(nanoseconds: f64) -> Distribution {
    Distribution::constant(nanoseconds).expect("a valid constant")
}

fn workload() -> workload::Plan {
    let arrivals = arrivals::Plan::Open(Open::poisson(RATE_PER_S).expect("a valid rate"));
    let keys = Keys::zipf(KEYS, 0.99).expect("valid keys");
    workload::Plan::new(arrivals, keys, 0.95, constant(1000.0)).expect("a valid workload")
}

fn plain_scenario() -> Plan {
    let layer = LayerPlan {
        tier: tier::Plan {
            nodes: NODES,
            ttl: Some(TimeToLive {
                base_ns: TTL_S * SECOND_NS,
                ..TimeToLive::default()
            }),
            network: constant(200_000.0),
            workers: 4,
            service_time: constant(10_000.0),
            ..tier::Plan::plain("cache", Capacity::Entries(ENTRIES_PER_NODE))
        },
        pattern: pattern::Plan::default(),
        defences: vec![defence::Plan::SingleFlight],
        invalidations: Vec::new(),
    };
    Plan {
        seed: 1,
        duration_ns: DURATION_S * SECOND_NS,
        warmup_ns: SECOND_NS,
        drain: false,
        workload: workload(),
        client: client::Plan::plain(),
        instances: 20,
        geography: cachesim::geography::Plan::default(),
        promises: Vec::new(),
        bloom_filter: None,
        tiers: vec![layer],
        events: Vec::new(),
        alerts: Vec::new(),
        database: database::Plan::plain(
            1000,
            Distribution::exponential(5_000_000.0).expect("a valid mean"),
        ),
    }
}

/// Requests per second of the full simulation, and what the floor has to match.
fn full() -> (f64, Work) {
    let plan = plain_scenario();
    let start = Instant::now();
    let outcome = simulation::run(&plan, 0, &NoProgress).expect("the plain scenario runs");
    let seconds = start.elapsed().as_secs_f64();
    let work = Work {
        requests: outcome.requests,
        events: outcome.events,
        pending: outcome.metrics["requests.concurrency"] as u64,
    };
    (outcome.requests as f64 / seconds, work)
}

/// What one run of the plain scenario did.
#[derive(Clone, Copy)]
struct Work {
    requests: u64,
    events: u64,
    /// Timers that are pending at a time.
    pending: u64,
}

fn floor(work: Work) -> f64 {
    let luck = Luck::new(1, 0);
    let plan = workload();
    let arrivals::Plan::Open(open) = &plan.arrivals else {
        unreachable!("an open loop")
    };
    let mut arrivals = Arrivals::new(open, luck);
    let mut draws = Workload::new(&plan, luck);
    let policy = PolicySpec::parse("lru").expect("a policy");
    let mut cache: Cache<u32> = Cache::new(
        &policy,
        Measure::Entries,
        u64::from(NODES) * ENTRIES_PER_NODE,
        1,
    );
    let mut calendar = floor::Calendar::default();
    let mut histogram = Histogram::default();
    let (mut sequence, mut hits) = (0, 0u64);
    for pending in 0..work.pending {
        calendar.push(pending, pending);
    }
    let start = Instant::now();
    for index in 0..work.requests {
        let Some(arrived_ns) = arrivals.next() else {
            break;
        };
        let key = draws.draw(index, arrived_ns, None).key;
        match cache.lookup(key, arrived_ns) {
            Lookup::Hit(_) => hits += 1,
            _ => {
                cache.insert(key, 0, |_| 1, arrived_ns, NEVER);
            }
        }
        // As many events as the simulation had, spread evenly over the requests.
        while sequence * work.requests < index * work.events {
            sequence += 1;
            calendar.push(arrived_ns + (sequence & 7) * 100_000, sequence);
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
    let (mut fulls, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (_, work) = full();
    println!(
        "plain scenario: {} requests, {:.2} events each, {} requests in flight",
        work.requests,
        work.events as f64 / work.requests as f64,
        work.pending
    );
    for _ in 0..ROUNDS {
        let (full, work) = full();
        let floor = floor(work);
        fulls.push(full);
        floors.push(floor);
        ratios.push(full / floor);
    }
    let ratio = median(ratios);
    println!("full simulation  {:6.2} M requests/s", median(fulls) / 1e6);
    println!("floor            {:6.2} M requests/s", median(floors) / 1e6);
    println!("ratio            {ratio:6.2}   (bar {BAR}, goal 0.5)");
    if ratio < BAR {
        std::process::exit(1);
    }
}
