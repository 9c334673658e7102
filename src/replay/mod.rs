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

pub use size::{Size, SizeError};

/// What writes of a trace mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// A write is an access like a read, counted as a hit or a miss: blocks of a disk.
    #[default]
    Access,
    /// A write stores a value and is not counted: look-aside key-value caches.
    Store,
}

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
            sizes: trace.sizes,
            operations,
            expiry: match (trace.times_ns, trace.ttls_ns) {
                (Some(times_ns), Some(ttls_ns)) => Some(Expiry { times_ns, ttls_ns }),
                _ => None,
            },
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
