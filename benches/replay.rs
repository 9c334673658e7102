//! What a cell of replay costs: every policy over ten million Zipf requests for a million keys, at a
//! tenth of the keys, on one thread.
//!
//! `cargo bench --bench replay [-- POLICY,...]` prints requests per second and the ratio to LRU. A
//! whole grid beside another simulator: `versus_libcachesim.py`.

use std::time::Instant;

use cachesim::cache::Cache;
use cachesim::eviction::{Measure, PolicySpec};
use cachesim::random::Draws;
use cachesim::replay::{Grid, Plan, Size, Stream, Warmup, Writes};
use cachesim::trace::Interned;
use cachesim::units::NEVER;

const KEYS: usize = 1_000_000;
const REQUESTS: usize = 10_000_000;

/// Zipf with exponent 1 by inversion of the exact distribution function.
fn zipf_keys() -> impl Iterator<Item = u64> {
    let mut sum = 0.0;
    let cumulative: Vec<f64> = (1..=KEYS)
        .map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        })
        .collect();
    let mut draws = Draws::from_seed(42);
    (0..REQUESTS).map(move |_| {
        let point = draws.unit() * sum;
        let rank = cumulative.partition_point(|&it| it < point) as u64;
        // Popular keys are not neighbours.
        cachesim::random::mix(rank)
    })
}

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| !it.starts_with("--"))
        .flat_map(|it| it.split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let keys: Vec<u64> = zipf_keys().collect();
    let started = Instant::now();
    let trace = Interned::from_keys(keys.iter().copied());
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "interning      {:8.1} M requests/s",
        REQUESTS as f64 / seconds / 1e6
    );
    let stream = Stream::new(trace, Writes::Access);
    let one_thread = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("one thread");
    let run = |policies: Vec<PolicySpec>, sizes: &str| {
        let sizes = Size::parse_list(sizes).expect("valid sizes");
        let plan = Plan {
            policies,
            sizes: sizes
                .into_iter()
                .map(|size| (size, Measure::Entries))
                .collect(),
            warmup: Warmup::None,
            window: None,
            seed: 1,
        };
        one_thread
            .install(|| Grid::run(&stream, &plan, || {}))
            .expect("a plan that fits")
    };
    let mut lru_seconds = None;
    for spec in PolicySpec::all() {
        let name = spec.description().name;
        let is_lru = name == "lru";
        if !is_lru && !wanted.is_empty() && !wanted.iter().any(|it| it == name) {
            continue;
        }
        let best = (0..3)
            .map(|_| run(vec![spec.clone()], "10%").cells.remove(0))
            .min_by(|a, b| a.seconds.total_cmp(&b.seconds))
            .expect("three runs");
        let lru_seconds = *lru_seconds.get_or_insert(best.seconds);
        println!(
            "{name:<14} {:8.1} M requests/s   {:5.2} x LRU's time   miss ratio {:.4}",
            REQUESTS as f64 / best.seconds / 1e6,
            best.seconds / lru_seconds,
            best.miss_ratio(),
        );
    }
    timed_cache(&keys);
}

/// The cache of one node in the timed simulation, under the same requests: a lookup, and on a miss an
/// insertion.
fn timed_cache(keys: &[u64]) {
    for name in ["lru", "s3-fifo"] {
        let spec = PolicySpec::parse(name).expect("a policy of the table");
        let mut cache = Cache::<u64>::new(&spec, Measure::Entries, KEYS as u64 / 10, 1);
        let mut misses = 0;
        let started = Instant::now();
        for (now, &key) in keys.iter().enumerate() {
            let now = now as u64;
            if cache.lookup(key, now).hit().is_none() {
                misses += 1;
                cache.insert(key, now, |_| 1, now, NEVER);
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "node of a tier, {name:<8} {:6.1} M requests/s   miss ratio {:.4}",
            keys.len() as f64 / seconds / 1e6,
            misses as f64 / keys.len() as f64,
        );
    }
}
