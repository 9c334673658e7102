//! The untimed engine: a trace through a grid of policies and sizes, as fast as a loop can go.
//!
//! Keys are interned once and the stream is shared by all cells of the grid; a cell is one policy at one size,
//! a plain loop over arrays that is compiled for its policy. Cells run in parallel; nothing that
//! they count depends on how many threads there are.
//!
//! Not here: time, queues and latency (see `simulation`), reading traces (see `trace`), and how a
//! grid is printed (see `cli::replay` and `report`).

pub mod curve;
mod engine;
mod size;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use crate::eviction::{Id, Measure, PolicySpec};
use crate::trace::{Interned, Operation};
use crate::units::{Key, Nanoseconds};

pub use crate::trace::Writes;
pub use size::{Size, SizeError};

/// A trace as the engine wants it: arrays by request number and by id.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// For each request the id of its key.
    pub ids: Arc<Vec<Id>>,
    /// For each id its key.
    pub keys: Vec<Key>,
    /// For each request the bytes of its object; if none are known, all objects weigh 1.
    pub sizes: Option<Vec<u32>>,
    /// For each request what it does; if none, all are reads.
    pub operations: Option<Vec<Operation>>,
    /// When requests come and how long what they store lives; if none, nothing expires.
    pub expiry: Option<Expiry>,
    /// How many sizes were cut to 4 GiB - 1.
    pub oversized: u64,
}

/// What expiry needs to know of each request.
#[derive(Clone, Debug, Default)]
pub struct Expiry {
    /// When it comes.
    pub times_ns: Vec<Nanoseconds>,
    /// How long what it stores lives; [`crate::units::NEVER`] for ever.
    pub ttls_ns: Vec<Nanoseconds>,
}

impl Stream {
    /// The trace, with its writes read as `writes` says. TTLs are honoured if the trace was interned
    /// with times and TTLs.
    #[must_use]
    pub fn new(trace: Interned, writes: Writes) -> Self {
        let mut operations = trace.operations;
        if let Some(all) = &mut operations
            && writes == Writes::Access
        {
            for operation in all.iter_mut().filter(|it| !it.is_delete()) {
                *operation = Operation::Get;
            }
        }
        // A trace of reads alone takes the short way.
        operations = operations.filter(|all| all.iter().any(|it| !it.is_read()));
        Self {
            ids: Arc::new(trace.ids),
            keys: trace.keys,
            // A format may have room for sizes that a trace leaves empty: then each of them reads 1.
            sizes: trace.sizes.filter(|all| all.iter().any(|&size| size != 1)),
            operations,
            expiry: match (trace.times_ns, trace.ttls_ns) {
                (Some(times_ns), Some(ttls_ns)) => Some(Expiry { times_ns, ttls_ns }),
                _ => None,
            },
            oversized: trace.oversized,
        }
    }

    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// How many distinct keys there are.
    #[must_use]
    pub fn distinct(&self) -> usize {
        self.keys.len()
    }

    /// What all distinct objects weigh together, each as it was last asked for.
    #[must_use]
    pub fn footprint_bytes(&self) -> u64 {
        let Some(sizes) = &self.sizes else {
            return self.keys.len() as u64;
        };
        let mut last = vec![0; self.keys.len()];
        for (&id, &size) in self.ids.iter().zip(sizes) {
            last[id as usize] = size;
        }
        last.iter().map(|&size| u64::from(size)).sum()
    }

    /// For each request the number of the next one for the same key, `u32::MAX` if there is none.
    fn next_uses(&self) -> Vec<u32> {
        let mut next_of_id = vec![u32::MAX; self.keys.len()];
        let mut next_uses = vec![u32::MAX; self.ids.len()];
        for (number, &id) in self.ids.iter().enumerate().rev() {
            next_uses[number] = std::mem::replace(&mut next_of_id[id as usize], number as u32);
        }
        next_uses
    }
}

/// How much of the trace comes before anything is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Warmup {
    /// Nothing.
    #[default]
    None,
    /// So many requests.
    Requests(u64),
    /// This share of all requests, from 0 to 1.
    Share(f64),
}

/// What to replay.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The rows of the grid.
    pub policies: Vec<PolicySpec>,
    /// The columns of the grid, each with what it counts.
    pub sizes: Vec<(Size, Measure)>,
    /// What is not counted.
    pub warmup: Warmup,
    /// Miss ratio over time: requests per window.
    pub window: Option<u64>,
    /// Seed of policies that throw dice.
    pub seed: u64,
}

/// A trace or a plan that replay cannot do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A size that does not fit the trace.
    #[error(transparent)]
    Size(#[from] SizeError),
    /// Too many keys for the tables.
    #[error("the trace has {0} distinct keys, but replay can tell at most {max} apart; take a sample of it (--sample)", max = crate::eviction::MAX_IDS)]
    TooManyKeys(usize),
    /// Too many requests for the tables.
    #[error(
        "the trace has {0} requests, but policies that look into the future can number at most 4294967293; limit it (--limit)"
    )]
    TooManyRequests(usize),
    /// Nothing would be left to count.
    #[error(
        "the warm-up of {warmup} requests leaves nothing of the {requests} requests of the trace"
    )]
    AllWarmup {
        /// Requests of the warm-up.
        warmup: u64,
        /// Requests of the trace.
        requests: usize,
    },
    /// There is nothing to replay.
    #[error("the trace has no requests")]
    Empty,
}

/// A stretch of requests in which hits and misses were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The number of its first request, from 0.
    pub start: u64,
    /// Requests that were counted (reads, or all accesses).
    pub requests: u64,
    /// Those that missed.
    pub misses: u64,
}

impl Window {
    /// Misses over requests; 0 if there were no requests.
    #[must_use]
    pub fn miss_ratio(&self) -> f64 {
        ratio(self.misses, self.requests)
    }
}

/// The result of one policy at one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The policy, as typed.
    pub policy: String,
    /// The size, as typed.
    pub size_typed: String,
    /// The capacity in entries or bytes.
    pub size: u64,
    /// What the capacity counts.
    pub measure: Measure,
    /// Requests that were counted (reads, or all accesses).
    pub requests: u64,
    /// Those that missed.
    pub misses: u64,
    /// Bytes of the objects asked for; equal to `requests` if the trace has no sizes.
    pub bytes: u64,
    /// Bytes of the objects that missed.
    pub missed_bytes: u64,
    /// How long it took, by the clock on the wall: the only number here that is not reproducible.
    pub seconds: f64,
    /// Miss ratio over time, if it was asked for.
    pub windows: Vec<Window>,
}

impl Cell {
    /// Misses over requests; 0 if there were no requests.
    #[must_use]
    pub fn miss_ratio(&self) -> f64 {
        ratio(self.misses, self.requests)
    }

    /// Bytes missed over bytes asked for; 0 if there were none.
    #[must_use]
    pub fn byte_miss_ratio(&self) -> f64 {
        ratio(self.missed_bytes, self.bytes)
    }
}

/// All cells of a grid, by policy and then by size, in the order in which they were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Requests of the trace, counted or not.
    pub requests: u64,
    /// Distinct keys of the trace.
    pub distinct: u64,
    /// Bytes of all distinct objects, if the trace has sizes.
    pub footprint_bytes: Option<u64>,
    /// Sizes that were cut to 4 GiB - 1.
    pub oversized: u64,
    /// Requests at the start that were not counted.
    pub warmup: u64,
    /// Sizes per policy.
    pub columns: usize,
    /// The results.
    pub cells: Vec<Cell>,
}

impl Grid {
    /// Replays `stream` through every cell of `plan`, on the threads of the current rayon pool.
    /// `progress` is called whenever a cell is done.
    ///
    /// # Errors
    /// When the plan does not fit the trace; nothing has been computed then.
    pub fn run(
        stream: &Stream,
        plan: &Plan,
        progress: impl Fn() + Sync,
    ) -> Result<Self, ReplayError> {
        if stream.is_empty() {
            return Err(ReplayError::Empty);
        }
        if stream.distinct() > crate::eviction::MAX_IDS {
            return Err(ReplayError::TooManyKeys(stream.distinct()));
        }
        let needs_future = plan.policies.iter().any(|it| it.description().replay_only);
        if needs_future && stream.len() >= u32::MAX as usize - 1 {
            return Err(ReplayError::TooManyRequests(stream.len()));
        }
        let warmup = match plan.warmup {
            Warmup::None => 0,
            Warmup::Requests(requests) => requests,
            Warmup::Share(share) => (share * stream.len() as f64) as u64,
        };
        if warmup >= stream.len() as u64 {
            return Err(ReplayError::AllWarmup {
                warmup,
                requests: stream.len(),
            });
        }
        let footprint_bytes = stream.sizes.is_some().then(|| stream.footprint_bytes());
        let mut jobs = Vec::new();
        for policy in &plan.policies {
            for (size, measure) in &plan.sizes {
                let all = match (measure, footprint_bytes) {
                    (Measure::Entries, _) => stream.distinct() as u64,
                    (Measure::Bytes, Some(bytes)) => bytes,
                    (Measure::Bytes, None) => {
                        return Err(SizeError::NoSizes(size.typed.clone()).into());
                    }
                };
                jobs.push((policy, size, *measure, size.capacity(all)));
            }
        }
        let next_uses = needs_future.then(|| stream.next_uses());
        let stretches = stretches(stream.len(), warmup as usize, plan.window);
        let cells = jobs
            .into_par_iter()
            .with_max_len(1)
            .map(|(policy, size, measure, capacity)| {
                let started = Instant::now();
                let looks_ahead = policy.description().replay_only;
                let tallies = policy.visit(
                    measure,
                    capacity,
                    plan.seed,
                    looks_ahead.then(|| stream.ids.clone()),
                    engine::Cell {
                        stream,
                        stretches: &stretches,
                        measure,
                        next_uses: next_uses.as_deref().filter(|_| looks_ahead),
                    },
                );
                let counted = &tallies[usize::from(warmup > 0)..];
                let starts = stretches[usize::from(warmup > 0)..]
                    .iter()
                    .map(|it| it.start as u64);
                let windows = starts.zip(counted).map(|(start, tally)| Window {
                    start,
                    requests: tally.requests,
                    misses: tally.misses,
                });
                let sum = |part: fn(&engine::Tally) -> u64| counted.iter().map(part).sum();
                let cell = Cell {
                    policy: policy.typed().to_owned(),
                    size_typed: size.typed.clone(),
                    size: capacity,
                    measure,
                    requests: sum(|it| it.requests),
                    misses: sum(|it| it.misses),
                    bytes: sum(|it| it.bytes),
                    missed_bytes: sum(|it| it.missed_bytes),
                    windows: plan.window.map(|_| windows.collect()).unwrap_or_default(),
                    seconds: started.elapsed().as_secs_f64(),
                };
                progress();
                cell
            })
            .collect();
        Ok(Self {
            requests: stream.len() as u64,
            distinct: stream.distinct() as u64,
            footprint_bytes,
            oversized: stream.oversized,
            warmup,
            columns: plan.sizes.len(),
            cells,
        })
    }
}

/// The warm-up, if there is one, and then the windows.
fn stretches(requests: usize, warmup: usize, window: Option<u64>) -> Vec<Range<usize>> {
    let mut stretches = Vec::new();
    if warmup > 0 {
        stretches.push(0..warmup);
    }
    let step = window
        .map_or(requests, |it| usize::try_from(it).unwrap_or(requests))
        .max(1);
    let mut start = warmup;
    while start < requests {
        let end = start.saturating_add(step).min(requests);
        stretches.push(start..end);
        start = end;
    }
    stretches
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::NEVER;
    use proptest::prelude::*;

    fn plan(policies: &str, sizes: &str) -> Plan {
        let sizes = Size::parse_list(sizes).unwrap();
        Plan {
            policies: PolicySpec::parse_list(policies).unwrap(),
            sizes: sizes
                .into_iter()
                .map(|size| size.measure(None).map(|measure| (size, measure)).unwrap())
                .collect(),
            warmup: Warmup::None,
            window: None,
            seed: 1,
        }
    }

    fn run(stream: &Stream, plan: &Plan) -> Vec<Cell> {
        Grid::run(stream, plan, || {}).unwrap().cells
    }

    fn stream(keys: &[u64]) -> Stream {
        Stream::new(Interned::from_keys(keys.iter().copied()), Writes::Access)
    }

    fn with_operations(keys: &[u64], operations: &[Operation], writes: Writes) -> Stream {
        let trace = Interned {
            operations: Some(operations.to_vec()),
            ..Interned::from_keys(keys.iter().copied())
        };
        Stream::new(trace, writes)
    }

    #[test]
    fn a_loop_one_longer_than_the_cache_never_hits_in_lru_and_belady_keeps_most_of_it() {
        let stream = stream(&[1, 2, 3, 1, 2, 3, 1, 2, 3]);
        let cells = run(&stream, &plan("lru,belady,mru,nothing", "2"));
        let misses: Vec<_> = cells.iter().map(|cell| cell.misses).collect();
        // Belady: 1 2 3 miss (2 leaves: 1 is next), 1 hits, 2 misses (1 leaves), 3 hits, ...
        assert_eq!(misses, [9, 6, 6, 9]);
        assert_eq!(cells[1].requests, 9);
    }

    #[test]
    fn a_share_is_of_the_distinct_keys_and_the_policy_is_named_as_typed() {
        let keys: Vec<u64> = (0..50).collect();
        let grid = Grid::run(
            &stream(&keys),
            &plan("LRU, s3fifo:small=20%", "10%,7"),
            || {},
        )
        .unwrap();
        let named: Vec<_> = grid
            .cells
            .iter()
            .map(|it| (it.policy.as_str(), it.size))
            .collect();
        let expected = [
            ("LRU", 5),
            ("LRU", 7),
            ("s3fifo:small=20%", 5),
            ("s3fifo:small=20%", 7),
        ];
        assert_eq!(named, expected);
        assert_eq!((grid.requests, grid.distinct, grid.columns), (50, 50, 2));
    }

    #[test]
    fn warm_up_is_not_counted_and_windows_add_up() {
        let stream = stream(&[1, 2, 1, 2, 3, 1, 2, 3, 3, 3]);
        let mut plan = plan("lru", "3");
        plan.warmup = Warmup::Share(0.2);
        plan.window = Some(3);
        let cell = run(&stream, &plan).remove(0);
        assert_eq!((cell.requests, cell.misses), (8, 1));
        let windows: Vec<_> = cell
            .windows
            .iter()
            .map(|it| (it.start, it.requests, it.misses))
            .collect();
        assert_eq!(windows, [(2, 3, 1), (5, 3, 0), (8, 2, 0)]);
    }

    #[test]
    fn stores_fill_the_cache_uncounted_and_deletes_empty_it() {
        use Operation::{Add, Delete, Get, Replace, Set};
        let keys = [1, 1, 1, 1, 2, 2, 3, 3];
        let operations = [Set, Get, Delete, Get, Replace, Get, Add, Get];
        let stores = with_operations(&keys, &operations, Writes::Store);
        let cell = run(&stores, &plan("lru", "5")).remove(0);
        // Reads: 1 hits after the set, misses after the delete; 2 misses, since a replace finds
        // nothing to replace; 3 hits after the add.
        assert_eq!((cell.requests, cell.misses), (4, 2));
        let accesses = with_operations(&keys, &operations, Writes::Access);
        let cell = run(&accesses, &plan("lru", "5")).remove(0);
        // All but the delete count: 1 misses at first and after the delete, 2 and 3 miss once.
        assert_eq!((cell.requests, cell.misses), (7, 4));
    }

    #[test]
    fn a_store_of_another_size_changes_the_weight_of_the_entry() {
        use Operation::{Get, Set};
        let trace = Interned {
            operations: Some(vec![Set, Set, Set, Get, Get]),
            sizes: Some(vec![40, 40, 70, 40, 70]),
            ..Interned::from_keys([1, 2, 1, 2, 1])
        };
        let stream = Stream::new(trace, Writes::Store);
        // 40 + 40 fit into 100; 1 grows to 70, so 2 leaves and misses, and 1 leaves for it.
        let cell = run(&stream, &plan("lru", "100B")).remove(0);
        assert_eq!((cell.requests, cell.misses), (2, 2));
        assert_eq!((cell.bytes, cell.missed_bytes), (110, 110));
    }

    #[test]
    fn an_entry_expires_when_its_time_to_live_is_over() {
        let trace = Interned {
            times_ns: Some(vec![0, 9, 10, 15, 25]),
            ttls_ns: Some(vec![10, 10, 10, 10, NEVER]),
            ..Interned::from_keys([1, 1, 1, 1, 1])
        };
        // Stored at 0, expired at 10 (a hit at 9 does not restart the time), stored again at 10,
        // expired at 20.
        let cell = run(&Stream::new(trace, Writes::Access), &plan("lru", "5")).remove(0);
        assert_eq!((cell.requests, cell.misses), (5, 3));
    }

    #[test]
    fn bytes_are_counted_and_capacity_in_bytes_needs_sizes() {
        let trace = Interned {
            sizes: Some(vec![30, 60, 30, 60]),
            ..Interned::from_keys([1, 2, 1, 2])
        };
        let sized = Stream::new(trace, Writes::Access);
        let cells = run(&sized, &plan("lru", "2,80B"));
        assert_eq!(
            (cells[0].misses, cells[0].missed_bytes, cells[0].bytes),
            (2, 90, 180)
        );
        assert_eq!((cells[1].misses, cells[1].byte_miss_ratio()), (4, 1.0));
        let empty = Interned {
            sizes: Some(vec![1, 1]),
            ..Interned::from_keys([1, 2])
        };
        for unsized_trace in [stream(&[1]), Stream::new(empty, Writes::Access)] {
            let error = Grid::run(&unsized_trace, &plan("lru", "1KiB"), || {}).unwrap_err();
            assert!(matches!(error, ReplayError::Size(SizeError::NoSizes(_))));
        }
    }

    #[test]
    fn nothing_to_count_is_an_error() {
        let mut plan = plan("lru", "1");
        assert_eq!(
            Grid::run(&stream(&[]), &plan, || {}),
            Err(ReplayError::Empty)
        );
        plan.warmup = Warmup::Requests(2);
        let error = Grid::run(&stream(&[1, 2]), &plan, || {}).unwrap_err();
        assert_eq!(
            error,
            ReplayError::AllWarmup {
                warmup: 2,
                requests: 2
            }
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A trace with operations that are all reads, and TTLs that never end, takes the long way
        /// and must count what the short way counts.
        #[test]
        fn the_long_way_counts_what_the_short_way_counts(
            keys in prop::collection::vec(0u64..40, 1..400), size in 1u64..40,
        ) {
            let short = stream(&keys);
            let mut long = short.clone();
            long.expiry = Some(Expiry {
                times_ns: vec![0; keys.len()],
                ttls_ns: vec![NEVER; keys.len()],
            });
            let all: Vec<_> = PolicySpec::all().collect();
            let plan = Plan { policies: all, ..plan("lru", &size.to_string()) };
            let misses = |stream: &Stream| run(stream, &plan).iter().map(|it| it.misses).collect::<Vec<_>>();
            prop_assert_eq!(misses(&short), misses(&long));
        }

        /// No policy misses less than Belady, none more than all, and a key's first request misses.
        #[test]
        fn belady_is_the_bound(keys in prop::collection::vec(0u64..40, 1..400), size in 1u64..40) {
            let stream = stream(&keys);
            let all: Vec<_> = PolicySpec::all().filter(|it| it.typed() != "lirs").collect();
            let plan = Plan { policies: all, ..plan("lru", &size.to_string()) };
            let cells = run(&stream, &plan);
            let best = cells.iter().find(|it| it.policy == "belady").unwrap().misses;
            prop_assert!(best >= stream.distinct() as u64);
            for cell in &cells {
                prop_assert!(cell.misses <= keys.len() as u64);
                // A policy may refuse a newcomer, which Belady's must admit: one hit per refusal.
                let admits = !["w-tinylfu", "tinylfu", "gdsf", "volatile-ttl", "moka"].contains(&cell.policy.as_str());
                prop_assert!(!admits || cell.misses >= best, "{} {}", cell.policy, cell.misses);
            }
        }
    }
}
