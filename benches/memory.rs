//! What a simulation holds in memory: with resident entries and requests in flight, never with
//! requests served.
//!
//! `cargo bench --bench memory` runs a plain scenario for some time and for ten times as long, and
//! prints the most bytes that were allocated at once. The caches are full and the hot rows have all
//! been written long before the shorter run ends, so the longer one has nothing more to keep. The
//! exit status is 1 if it needs over 5 % more all the same. It also prints what one more request
//! allocates when all requests hit: the difference between two runs of different length, in which
//! everything else cancels out. That should be nothing, and the exit status is 1 if it is not.
//! At last it prints what one more resident entry takes, with what the policy notes of it and without:
//! the difference between two runs that begin with caches of different size. Without the policy it should
//! be less than `cache::ENTRY_BYTES_MAX`, else the exit status is 1 too.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cachesim::cache::ENTRY_BYTES_MAX;
use cachesim::eviction::{Measure, PolicySpec};
use cachesim::scenario::{self, Overrides};
use cachesim::simulation::{self, NoProgress, Plan, Progress};

/// Growth beyond this is a leak.
const GROWTH_MAX: f64 = 1.05;

/// The system's allocator, with what went through it counted.
struct Counting;

static LIVE_BYTES: AtomicU64 = AtomicU64::new(0);
static PEAK_BYTES: AtomicU64 = AtomicU64::new(0);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

fn count_in(bytes: usize) {
    ALLOCATIONS.fetch_add(1, Relaxed);
    let live = LIVE_BYTES.fetch_add(bytes as u64, Relaxed) + bytes as u64;
    PEAK_BYTES.fetch_max(live, Relaxed);
}

fn count_out(bytes: usize) {
    LIVE_BYTES.fetch_sub(bytes as u64, Relaxed);
}

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract of
// `GlobalAlloc`; beside that only atomic counters are touched, which neither allocate nor panic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_in(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_in(layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count_out(layout.size());
        count_in(bytes);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, bytes) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count_out(layout.size());
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Reads, writes, expiry, eviction, single-flight. All rows have been written after some seconds: what
/// the database knows of a row that was written is part of the world and not of the requests, so no
/// cold row may be left for the longer run only.
const PLAIN: &str = r#"
duration = "20s"
[workload]
arrivals = { process = "poisson", rate = "100k/s" }
keys     = { distribution = "mix", components = [
    { distribution = "zipf", count = 3000, exponent = 0.99, weight = 0.5 },
    { distribution = "uniform", count = 3000, weight = 0.5 },
] }
reads    = 0.95
[app]
instances = 20
[[tier]]
name     = "cache"
nodes    = 3
capacity = "500 entries"
ttl      = { base = "5s", jitter = 0.1 }
network  = { distribution = "lognormal", median = "0.2ms", p99 = "1ms" }
service  = { workers = 4, time = "10us" }
defence  = "single-flight"
[database]
connections  = 1000
service_time = { distribution = "exponential", mean = "5ms" }
"#;

/// 1000 rows that are all in the cache after a moment, and stay there.
const HITS: &str = r#"
duration = "20s"
[workload]
arrivals = { process = "constant", rate = "100k/s" }
keys     = { distribution = "zipf", count = 1000, exponent = 0.9 }
[[tier]]
name     = "cache"
nodes    = 3
capacity = "unlimited"
network  = "200us"
service  = { workers = 4, time = "10us" }
[database]
service_time = "5ms"
"#;

/// A cache that is full of the most popular keys from the start.
const RESIDENTS: &str = r#"
duration = "100ms"
[workload]
arrivals = { process = "constant", rate = "10/s" }
keys     = { distribution = "uniform", count = 1_000_000 }
[[tier]]
name     = "cache"
capacity = "unlimited"
defence  = { kind = "warm-up", keys = 1, rate = "1M/s" }
[database]
service_time = "5ms"
"#;

/// How many entries the larger of the two caches has; the tables of the cache are then as full as they
/// happen to be, and as empty as they may be where the unit test of `tier/node.rs` looks.
const RESIDENTS_MOST: u64 = 1_000_000;

fn plan(text: &str, seconds: u64) -> Plan {
    plan_with(text, format!("duration={seconds}s"))
}

fn plan_with(text: &str, setting: String) -> Plan {
    let overrides = Overrides {
        set: vec![setting],
        ..Overrides::default()
    };
    let study = scenario::load_text(Path::new("memory.toml"), text, &overrides);
    study.expect("a valid scenario").variants.remove(0).plan
}

/// What one run needed.
struct Need {
    requests: u64,
    peak_bytes: u64,
    allocations: u64,
}

fn measure(plan: &Plan) -> Need {
    let live_before = LIVE_BYTES.load(Relaxed);
    let allocations_before = ALLOCATIONS.load(Relaxed);
    PEAK_BYTES.store(live_before, Relaxed);
    let outcome = simulation::run(plan, 0, &NoProgress).expect("it runs");
    Need {
        requests: outcome.requests,
        peak_bytes: PEAK_BYTES.load(Relaxed) - live_before,
        allocations: ALLOCATIONS.load(Relaxed) - allocations_before,
    }
}

/// What is allocated when a run ends.
#[derive(Default)]
struct AtTheEnd(AtomicU64);

impl Progress for AtTheEnd {
    fn advance(&self, _: u64, _: u64) {
        self.0.store(LIVE_BYTES.load(Relaxed), Relaxed);
    }
}

/// Bytes that a simulation holds with so many resident entries.
fn held_bytes(residents: u64) -> u64 {
    let setting = format!("tier.cache.defence.keys={residents}");
    let plan = plan_with(RESIDENTS, setting);
    let live_before = LIVE_BYTES.load(Relaxed);
    let at_the_end = AtTheEnd::default();
    simulation::run(&plan, 0, &at_the_end).expect("it runs");
    at_the_end.0.load(Relaxed) - live_before
}

/// Bytes that LRU holds of so many entries, as a node's cache has it.
fn policy_bytes(residents: u64) -> u64 {
    let live_before = LIVE_BYTES.load(Relaxed);
    let spec = PolicySpec::parse("lru").expect("a row of the table");
    let capacity = u64::from(u32::MAX);
    let mut cache = cachesim::cache::Cache::new(&spec, Measure::Entries, capacity, 0);
    for key in 0..residents {
        cache.insert(key, (), |()| 1, 0, 1);
    }
    LIVE_BYTES.load(Relaxed) - live_before - cache.bytes() as u64
}

fn main() {
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let [short, long] = [20, 200].map(|seconds| measure(&plan(PLAIN, seconds)));
    let growth = long.peak_bytes as f64 / short.peak_bytes as f64;
    for need in [&short, &long] {
        println!(
            "plain scenario  {:6.2} M requests  {:7.3} MiB at most",
            need.requests as f64 / 1e6,
            mebibytes(need.peak_bytes)
        );
    }
    println!("ratio           {growth:6.3}   (at most {GROWTH_MAX})");

    // As many steps of the time series in both: each of them allocates a little.
    let [short, long] = [2, 20].map(|seconds| measure(&plan(HITS, seconds)));
    let allocations = long.allocations.saturating_sub(short.allocations);
    let requests = long.requests - short.requests;
    println!(
        "hits only       {allocations} allocations more for {:.2} M requests more",
        requests as f64 / 1e6
    );

    let more = (RESIDENTS_MOST - 1) as f64;
    let with_policy = (held_bytes(RESIDENTS_MOST) - held_bytes(1)) as f64 / more;
    let of_policy = (policy_bytes(RESIDENTS_MOST) - policy_bytes(1)) as f64 / more;
    let entry_bytes = with_policy - of_policy;
    println!(
        "resident entry  {entry_bytes:.1} bytes (below {ENTRY_BYTES_MAX}), and {of_policy:.1} of LRU's"
    );
    if growth > GROWTH_MAX || allocations > 0 || entry_bytes >= ENTRY_BYTES_MAX as f64 {
        std::process::exit(1);
    }
}
