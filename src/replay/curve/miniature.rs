//! Miniature simulation: any policy on a sample of the keys, in a cache that is as much smaller.
//!
//! Source: C. Waldspurger, T. Saemundsson, I. Ahmad, N. Park, "Cache modeling and optimization using
//! miniature simulations", USENIX ATC 2017. The keys are sampled as in SHARDS (see `shards`) and the
//! estimate is adjusted in the same way: misses are scaled up by the rate and divided by the
//! requests that there really were.
//!
//! A cache of a few entries does not behave like a large one, so small sizes get larger samples:
//! no miniature cache has less than [`ENOUGH_KEYS`] entries, unless the real one has. At rate 1 this
//! is plain simulation.

use std::sync::OnceLock;

use super::{CurveError, ENOUGH_KEYS, luck_of_key, threshold};
use crate::eviction::{Id, Measure, PolicySpec};
use crate::replay::{Expiry, Grid, Plan, Size, Stream, Warmup};

/// Simulates at sizes of its own choice.
pub(super) struct Simulator<'a> {
    full: &'a Stream,
    warmup: usize,
    measure: Measure,
    seed: u64,
    /// Bytes of a mean object; 1 if entries are counted.
    mean_weight: f64,
    /// The rate of the smallest sample; each level has twice the rate of the one before, and the last
    /// is the whole trace.
    rate: f64,
    levels: Vec<OnceLock<Sample>>,
}

/// A sample of the trace, and how much of it is warm-up.
struct Sample {
    stream: Stream,
    warmup: usize,
}

impl<'a> Simulator<'a> {
    /// On samples of the share `rate` and more; exact at 1.
    pub(super) fn new(
        full: &'a Stream,
        measure: Measure,
        warmup: usize,
        seed: u64,
        rate: f64,
    ) -> Self {
        let mut levels = 0;
        while rate * f64::from(1_u32 << levels) < 1.0 && levels < 30 {
            levels += 1;
        }
        let mean_weight = match measure {
            Measure::Entries => 1.0,
            Measure::Bytes => full.footprint_bytes() as f64 / full.distinct().max(1) as f64,
        };
        Self {
            full,
            warmup,
            measure,
            seed,
            mean_weight,
            rate,
            levels: (0..levels).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The level for a cache of this capacity.
    fn level(&self, capacity: u64) -> usize {
        let entries = capacity as f64 / self.mean_weight;
        (0..self.levels.len())
            .find(|&level| entries * self.rate_of(level) >= ENOUGH_KEYS)
            .unwrap_or(self.levels.len())
    }

    fn rate_of(&self, level: usize) -> f64 {
        if level == self.levels.len() {
            1.0
        } else {
            self.rate * (1_u64 << level) as f64
        }
    }

    /// The share of the keys that a cache of this capacity is simulated with.
    pub(super) fn rate_at(&self, capacity: u64) -> f64 {
        self.rate_of(self.level(capacity))
    }

    /// The miss ratios of all `policies` at all `capacities`: a row for each policy.
    pub(super) fn miss_ratios(
        &self,
        policies: &[PolicySpec],
        capacities: &[u64],
        counted: u64,
        progress: &(impl Fn() + Sync),
    ) -> Result<Vec<Vec<f64>>, CurveError> {
        let mut answers = vec![vec![0.0; capacities.len()]; policies.len()];
        for level in 0..=self.levels.len() {
            let places: Vec<usize> = (0..capacities.len())
                .filter(|&place| self.level(capacities[place]) == level)
                .collect();
            if places.is_empty() {
                continue;
            }
            let rate = self.rate_of(level);
            let (stream, warmup) = match self.levels.get(level) {
                None => (self.full, self.warmup),
                Some(slot) => {
                    let sample = slot.get_or_init(|| self.sample(rate));
                    (&sample.stream, sample.warmup)
                }
            };
            if warmup >= stream.len() {
                return Err(CurveError::NothingSampled(rate));
            }
            let small = |place: &usize| {
                let capacity = (capacities[*place] as f64 * rate).round().max(1.0) as u64;
                // A bare number is a size of either kind.
                Size::parse(&capacity.to_string()).map(|size| (size, self.measure))
            };
            let plan = Plan {
                policies: policies.to_vec(),
                sizes: places
                    .iter()
                    .map(small)
                    .collect::<Result<_, _>>()
                    .map_err(crate::replay::ReplayError::from)?,
                warmup: Warmup::Requests(warmup as u64),
                window: None,
                seed: self.seed,
            };
            let grid = Grid::run(stream, &plan, progress)?;
            for (answers, cells) in answers.iter_mut().zip(grid.cells.chunks(places.len())) {
                for (&place, cell) in places.iter().zip(cells) {
                    let ratio = cell.misses as f64 / rate / counted.max(1) as f64;
                    answers[place] = ratio.min(1.0);
                }
            }
        }
        Ok(answers)
    }

    /// What of the trace a sample of the share `rate` of the keys has.
    fn sample(&self, rate: f64) -> Sample {
        let full = self.full;
        let threshold = threshold(rate);
        let mut number_of = vec![Id::MAX; full.distinct()];
        let mut keys = Vec::new();
        for (id, &key) in full.keys.iter().enumerate() {
            if luck_of_key(key, self.seed) <= threshold {
                number_of[id] = keys.len() as Id;
                keys.push(key);
            }
        }
        // Numbers are given by first appearance, in the sample as in the whole.
        let kept: Vec<usize> = (0..full.len())
            .filter(|&request| number_of[full.ids[request] as usize] != Id::MAX)
            .collect();
        fn pick<T: Copy>(column: &[T], kept: &[usize]) -> Vec<T> {
            kept.iter().map(|&request| column[request]).collect()
        }
        let ids = kept
            .iter()
            .map(|&request| number_of[full.ids[request] as usize])
            .collect();
        Sample {
            warmup: kept.partition_point(|&request| request < self.warmup),
            stream: Stream {
                ids: std::sync::Arc::new(ids),
                keys,
                sizes: full.sizes.as_ref().map(|it| pick(it, &kept)),
                operations: full.operations.as_ref().map(|it| pick(it, &kept)),
                expiry: full.expiry.as_ref().map(|it| Expiry {
                    times_ns: pick(&it.times_ns, &kept),
                    ttls_ns: pick(&it.ttls_ns, &kept),
                }),
                oversized: full.oversized,
            },
        }
    }
}
