//! What a simulation holds in memory: with resident entries and requests in flight, never with
//! requests served.
//!
//! `cargo bench --bench memory` runs a plain scenario for some time and for ten times as long, and
//! prints the most bytes that were allocated at once. The caches are full and the hot rows have all
//! been written long before the shorter run ends, so the longer one has nothing more to keep. The
//! exit status is 1 if it needs over 5 % more all the same. It also prints what one more request
//! allocates when all requests hit: the difference between two runs of different length, in which
//! everything else cancels out. That should be nothing, and the exit status is 1 if it is not.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cachesim::scenario::{self, Overrides};
use cachesim::simulation::{self, NoProgress, Plan};

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

fn plan(text: &str, seconds: u64) -> Plan {
    let overrides = Overrides {
        set: vec![format!("duration={seconds}s")],
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
    if growth > GROWTH_MAX || allocations > 0 {
        std::process::exit(1);
    }
}
