//! What a trace looks like: counts, sizes, popularity and reuse, in one pass.
//!
//! Memory grows with the distinct keys (about 60 bytes each), not with the requests. Not here: how
//! the numbers are printed (see `cli`).

use hdrhistogram::Histogram;

use super::{Fields, Interner, Operation, Reader, Request, Selection, TraceError, sampled};
use crate::random::mix;
use crate::units::{Key, Nanoseconds};

/// The percentiles that are kept of a quantity.
pub const PERCENTILES: [f64; 5] = [10.0, 50.0, 90.0, 99.0, 100.0];

/// A distribution, to three significant digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// How many values there were.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The values at [`PERCENTILES`].
    pub percentiles: [u64; 5],
}

/// A power law fitted to the popularity of keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZipfFit {
    /// The exponent.
    pub exponent: f64,
    /// How many of the most popular keys it was fitted to.
    pub ranks: u64,
    /// The largest distance between the shares of the first r keys as they are and as the fit has
    /// them, over all r (Kolmogorov and Smirnov): 0 is perfect, above 0.1 the trace is not Zipf.
    pub distance: f64,
}

/// What a trace looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// What the requests say beside their keys.
    pub fields: Fields,
    /// How many requests there are.
    pub requests: u64,
    /// How many distinct keys.
    pub distinct: u64,
    /// How many keys are asked for only once.
    pub one_hit_wonders: u64,
    /// Bytes of all requests; a request of unknown size counts with the last size of its key.
    pub bytes: u64,
    /// Bytes of all keys, each with its last known size.
    pub working_set_bytes: u64,
    /// How many requests do not say their size, in a trace that has sizes.
    pub unknown_sizes: u64,
    /// How many requests there are of each operation, in the order of [`Operation::ALL`].
    pub operations: [u64; Operation::ALL.len()],
    /// The earliest time.
    pub first_ns: Nanoseconds,
    /// The latest time.
    pub last_ns: Nanoseconds,
    /// How many requests are earlier than the one before.
    pub backward_times: u64,
    /// Known sizes of requests, in bytes.
    pub sizes: Option<Distribution>,
    /// TTLs of requests that have one, in nanoseconds.
    pub ttls_ns: Option<Distribution>,
    /// How many distinct keys are asked for between two requests for one key (0: it was the
    /// request before). First requests have no distance.
    pub reuse: Option<Distribution>,
    /// The share of keys from which [`Statistics::reuse`] was measured: 1 is exact.
    pub reuse_rate: f64,
    /// The power law of the popularity, where there are enough frequent keys.
    pub zipf: Option<ZipfFit>,
    /// The most popular keys and how often they are asked for; among equals the first come first.
    pub top: Vec<(Key, u64)>,
}

/// More distinct keys than this are sampled for the reuse distances.
const TRACKED_KEYS: usize = 1 << 20;

impl Statistics {
    /// Reads what `selection` asks for (its columns aside) and looks at it; keeps the `top` most
    /// popular keys.
    ///
    /// # Errors
    /// What the reader reports, and more than 2^32 - 1 distinct keys.
    pub fn of_reader(
        reader: &mut dyn Reader,
        selection: &Selection,
        top: usize,
    ) -> Result<Self, TraceError> {
        const BATCH: usize = 1024;
        let mut gathered = Gathered::new(reader.fields());
        let mut batch: Vec<Request> = Vec::with_capacity(BATCH);
        let mut left = selection.limit.unwrap_or(u64::MAX);
        while left > 0 {
            batch.clear();
            let wanted = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
            let taken = reader.fill(&mut batch, wanted)?;
            for request in &batch {
                if selection
                    .sample
                    .is_none_or(|rate| sampled(request.key, rate))
                    && !gathered.add(request)
                {
                    return Err(TraceError::of_file(
                        "trace",
                        "has more than 2^32 - 1 distinct keys; take a sample of it",
                    ));
                }
            }
            left -= taken as u64;
            if taken < wanted {
                break;
            }
        }
        if gathered.statistics.requests == 0 {
            let message = "has no requests: a trace has at least one";
            return Err(TraceError::of_file("trace", message));
        }
        Ok(gathered.finish(top))
    }

    /// From the earliest to the latest request.
    #[must_use]
    pub fn duration_ns(&self) -> Nanoseconds {
        self.last_ns - self.first_ns
    }
}

/// What is known of the requests so far.
struct Gathered {
    statistics: Statistics,
    interner: Interner,
    /// By key number: how often it was asked for, and its last known size.
    counts: Vec<u64>,
    last_sizes: Vec<u64>,
    sizes: Histogram<u64>,
    sum_of_sizes: u128,
    ttls_ns: Histogram<u64>,
    sum_of_ttls_ns: u128,
    reuse: ReuseDistances,
    previous_ns: Nanoseconds,
}

fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are within the limits")
}

fn record(histogram: &mut Histogram<u64>, value: u64, count: u64) {
    // The histogram grows by itself; below 2^63 it can hold any value.
    let _ = histogram.record_n(value.min(i64::MAX as u64), count);
}

impl Gathered {
    fn new(fields: Fields) -> Self {
        Self {
            statistics: Statistics {
                fields,
                requests: 0,
                distinct: 0,
                one_hit_wonders: 0,
                bytes: 0,
                working_set_bytes: 0,
                unknown_sizes: 0,
                operations: [0; Operation::ALL.len()],
                first_ns: Nanoseconds::MAX,
                last_ns: 0,
                backward_times: 0,
                sizes: None,
                ttls_ns: None,
                reuse: None,
                reuse_rate: 1.0,
                zipf: None,
                top: Vec::new(),
            },
            interner: Interner::new(),
            counts: Vec::new(),
            last_sizes: Vec::new(),
            sizes: histogram(),
            sum_of_sizes: 0,
            ttls_ns: histogram(),
            sum_of_ttls_ns: 0,
            reuse: ReuseDistances::new(TRACKED_KEYS),
            previous_ns: 0,
        }
    }

    /// False when the numbers of keys ran out.
    fn add(&mut self, request: &Request) -> bool {
        let Some(id) = self.interner.intern(request.key) else {
            return false;
        };
        let id = id as usize;
        if id == self.counts.len() {
            self.counts.push(0);
            self.last_sizes.push(0);
        }
        self.counts[id] += 1;
        let statistics = &mut self.statistics;
        statistics.requests += 1;
        statistics.operations[request.operation as usize] += 1;
        if statistics.fields.size {
            if request.size > 0 {
                self.last_sizes[id] = request.size;
                record(&mut self.sizes, request.size, 1);
                self.sum_of_sizes += u128::from(request.size);
            } else {
                statistics.unknown_sizes += 1;
            }
            statistics.bytes = statistics.bytes.saturating_add(self.last_sizes[id]);
        }
        if statistics.fields.time {
            statistics.first_ns = statistics.first_ns.min(request.time_ns);
            statistics.last_ns = statistics.last_ns.max(request.time_ns);
            statistics.backward_times += u64::from(request.time_ns < self.previous_ns);
            self.previous_ns = request.time_ns;
        }
        if let Some(ttl_ns) = request.ttl_ns {
            record(&mut self.ttls_ns, ttl_ns, 1);
            self.sum_of_ttls_ns += u128::from(ttl_ns);
        }
        self.reuse.access(id, request.key);
        true
    }

    fn finish(self, top: usize) -> Statistics {
        let mut statistics = self.statistics;
        statistics.distinct = self.counts.len() as u64;
        statistics.one_hit_wonders = self.counts.iter().filter(|&&count| count == 1).count() as u64;
        statistics.working_set_bytes = self
            .last_sizes
            .iter()
            .fold(0, |sum: u64, &size| sum.saturating_add(size));
        if statistics.first_ns > statistics.last_ns {
            statistics.first_ns = statistics.last_ns;
        }
        statistics.sizes = distribution(&self.sizes, self.sum_of_sizes);
        statistics.ttls_ns = distribution(&self.ttls_ns, self.sum_of_ttls_ns);
        statistics.reuse = self.reuse.distribution();
        statistics.reuse_rate = 1.0 / (1_u64 << self.reuse.halvings) as f64;

        let mut by_count: Vec<u32> = (0..self.counts.len() as u32).collect();
        by_count.sort_unstable_by_key(|&id| (std::cmp::Reverse(self.counts[id as usize]), id));
        statistics.top = by_count
            .iter()
            .take(top)
            .map(|&id| (self.interner.keys()[id as usize], self.counts[id as usize]))
            .collect();
        let ranked: Vec<u64> = by_count
            .iter()
            .map(|&id| self.counts[id as usize])
            .take_while(|&count| count >= FEWEST_OF_HEAD)
            .collect();
        statistics.zipf = fit_zipf(&ranked);
        statistics
    }
}

/// The distribution of all values in `histogram`. Its buckets round up, so that their mean can be above
/// the largest value: the mean is taken from the sum.
fn distribution(histogram: &Histogram<u64>, sum: u128) -> Option<Distribution> {
    let count = histogram.len();
    distribution_of(histogram, count).map(|found| Distribution {
        mean: sum as f64 / count as f64,
        ..found
    })
}

/// The distribution of `count` values of which `histogram` is a sample. Values that it lacks were
/// small ones, and so were those that it has too many: which frequent keys got into a spatial
/// sample makes most of its error (SHARDS-adj of Waldspurger et al.).
fn distribution_of(histogram: &Histogram<u64>, count: u64) -> Option<Distribution> {
    if histogram.is_empty() || count == 0 {
        return None;
    }
    let (found, wanted) = (histogram.len() as f64, count as f64);
    Some(Distribution {
        count,
        mean: histogram.mean() * found / wanted,
        percentiles: PERCENTILES.map(|percentile| {
            let above = (1.0 - percentile / 100.0) * wanted;
            let quantile = (1.0 - above / found).max(0.0);
            match quantile {
                0.0 => 0,
                // The lower end of the bucket: a size of 4096 is to read as 4096.
                _ => histogram.lowest_equivalent(histogram.value_at_quantile(quantile)),
            }
        }),
    })
}

/// Keys that are asked for less often do not belong to the head: their ranks are mostly luck.
const FEWEST_OF_HEAD: u64 = 10;

/// The exponent of the power law that makes these counts, in falling order, most likely, given
/// that only these ranks occur: the one under which the mean logarithm of the rank is the one that
/// was found. `None` for fewer than 10 ranks.
///
/// The ranks are those of the counts themselves, so a uniform trace gets an exponent a little above
/// 0 (luck looks like popularity).
#[must_use]
pub fn fit_zipf(counts: &[u64]) -> Option<ZipfFit> {
    if counts.len() < 10 {
        return None;
    }
    let logarithms: Vec<f64> = (1..=counts.len())
        .map(|rank| libm::log(rank as f64))
        .collect();
    let total: f64 = counts.iter().map(|&count| count as f64).sum();
    let wanted: f64 = counts
        .iter()
        .zip(&logarithms)
        .map(|(&count, log)| count as f64 * log)
        .sum::<f64>()
        / total;
    // The mean logarithm falls as the exponent grows: bisection.
    let mean_logarithm = |exponent: f64| {
        let (mut weights, mut sum) = (0.0, 0.0);
        for log in &logarithms {
            let weight = libm::exp(-exponent * log);
            weights += weight;
            sum += weight * log;
        }
        sum / weights
    };
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if mean_logarithm(middle) > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    let exponent = 0.5 * (low + high);
    let weights: f64 = logarithms
        .iter()
        .map(|log| libm::exp(-exponent * log))
        .sum();
    let (mut found, mut fitted, mut distance) = (0.0, 0.0, 0.0_f64);
    for (&count, log) in counts.iter().zip(&logarithms) {
        found += count as f64 / total;
        fitted += libm::exp(-exponent * log) / weights;
        distance = distance.max((found - fitted).abs());
    }
    // Six decimals: what lies below is rounding, not the trace.
    let rounded = |number: f64| (number * 1e6).round() / 1e6;
    Some(ZipfFit {
        exponent: rounded(exponent),
        ranks: counts.len() as u64,
        distance: rounded(distance),
    })
}

/// Reuse (stack) distances by a Fenwick tree over the order of last requests: Bennett and Kruskal,
/// "LRU stack processing", IBM Journal of R&D 19(4), 1975. Beyond a number of keys, keys are
/// sampled at half the rate, again and again, and distances scaled up, as in SHARDS with a fixed
/// size (Waldspurger et al., FAST 2015).
struct ReuseDistances {
    distances: Histogram<u64>,
    /// How many requests were not the first for their key, in the sample or not.
    reuses: u64,
    /// By key number: the position of its last request, or [`NOWHERE`].
    position_of: Vec<u32>,
    /// By position: the key number whose last request it is, or [`NOWHERE`].
    key_at: Vec<u32>,
    /// By key number: its place in the sample, the lower the longer it stays.
    sample_of: Vec<u32>,
    /// Fenwick tree: how many positions are taken.
    tree: Vec<u32>,
    next_position: usize,
    tracked: usize,
    most_tracked: usize,
    halvings: u32,
}

const NOWHERE: u32 = u32::MAX;

impl ReuseDistances {
    fn new(most_tracked: usize) -> Self {
        let positions = 1 << 12;
        Self {
            distances: histogram(),
            reuses: 0,
            position_of: Vec::new(),
            key_at: vec![NOWHERE; positions],
            sample_of: Vec::new(),
            tree: vec![0; positions + 1],
            next_position: 0,
            tracked: 0,
            most_tracked,
            halvings: 0,
        }
    }

    fn distribution(&self) -> Option<Distribution> {
        distribution_of(&self.distances, self.reuses)
    }

    fn in_sample(&self, id: usize) -> bool {
        self.halvings == 0 || self.sample_of[id] >> (32 - self.halvings) == 0
    }

    fn access(&mut self, id: usize, key: Key) {
        if id == self.position_of.len() {
            self.position_of.push(NOWHERE);
            self.sample_of
                .push((mix(key ^ 0x2545_f491_4f6c_dd1d) >> 32) as u32);
        } else {
            self.reuses += 1;
        }
        if !self.in_sample(id) {
            return;
        }
        if self.next_position == self.key_at.len() {
            self.compact();
        }
        let previous = self.position_of[id];
        if previous == NOWHERE {
            self.tracked += 1;
        } else {
            let before = self.taken_up_to(previous as usize);
            let distance = (self.tracked - before) as u64;
            record(
                &mut self.distances,
                distance << self.halvings,
                1 << self.halvings,
            );
            self.add(previous as usize, u32::MAX);
            self.key_at[previous as usize] = NOWHERE;
        }
        let position = self.next_position;
        self.next_position += 1;
        self.position_of[id] = position as u32;
        self.key_at[position] = id as u32;
        self.add(position, 1);
        if self.tracked > self.most_tracked {
            self.halvings += 1;
            self.compact();
        }
    }

    /// Adds `amount` (modulo 2^32) at `position`.
    fn add(&mut self, position: usize, amount: u32) {
        let mut at = position + 1;
        while at < self.tree.len() {
            self.tree[at] = self.tree[at].wrapping_add(amount);
            at += at & at.wrapping_neg();
        }
    }

    /// How many positions up to and with `position` are taken.
    fn taken_up_to(&self, position: usize) -> usize {
        let (mut at, mut sum) = (position + 1, 0);
        while at > 0 {
            sum += self.tree[at] as usize;
            at &= at - 1;
        }
        sum
    }

    /// Moves the taken positions together, drops what is in the sample no more, and makes as much
    /// room again.
    fn compact(&mut self) {
        let taken: Vec<u32> = self.key_at[..self.next_position]
            .iter()
            .copied()
            .filter(|&id| id != NOWHERE)
            .collect();
        let mut kept: Vec<u32> = Vec::with_capacity(taken.len());
        for id in taken {
            if self.in_sample(id as usize) {
                self.position_of[id as usize] = kept.len() as u32;
                kept.push(id);
            } else {
                self.position_of[id as usize] = NOWHERE;
            }
        }
        self.tracked = kept.len();
        self.next_position = kept.len();
        let positions = (2 * kept.len()).max(1 << 12);
        kept.resize(positions, NOWHERE);
        self.key_at = kept;
        self.tree.clear();
        self.tree.resize(positions + 1, 0);
        // Building in place: each node hands its sum on to the next that covers it.
        for position in 0..positions {
            let at = position + 1;
            self.tree[at] += u32::from(position < self.tracked);
            let next = at + (at & at.wrapping_neg());
            if next <= positions {
                self.tree[next] += self.tree[at];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::trace::format::by_name;
    use crate::trace::generate::{Pattern, Recipe};
    use crate::trace::{Input, ReadOptions};

    fn of_text(format: &str, text: &str) -> Statistics {
        let input = Input::from_bytes("test", text.as_bytes().to_vec()).unwrap();
        let format = by_name(format).unwrap();
        let mut reader = (format.read)(input, &ReadOptions::default()).unwrap();
        Statistics::of_reader(reader.as_mut(), &Selection::default(), 2).unwrap()
    }

    #[test]
    fn counts_bytes_and_times_are_those_of_the_requests() {
        let text =
            "time,key,size,op,ttl\n10,1,100,set,60\n12,2,50,get,\n11,1,,get,\n15,1,200,set,90\n";
        let found = of_text("csv", text);
        assert_eq!(
            (found.requests, found.distinct, found.one_hit_wonders),
            (4, 2, 1)
        );
        // The third request is of unknown size: 100, the last of its key.
        assert_eq!(found.bytes, 100 + 50 + 100 + 200);
        assert_eq!(found.working_set_bytes, 200 + 50);
        assert_eq!(found.unknown_sizes, 1);
        assert_eq!(found.operations[Operation::Get as usize], 2);
        assert_eq!(found.operations[Operation::Set as usize], 2);
        assert_eq!(
            (found.duration_ns(), found.backward_times),
            (5_000_000_000, 1)
        );
        assert_eq!(found.top, [(1, 3), (2, 1)]);
        assert_eq!(found.sizes.unwrap().percentiles, [50, 100, 200, 200, 200]);
        assert_eq!(found.ttls_ns.unwrap().count, 2);
        // 1 2 1 1: one other key in between, then none.
        let reuse = found.reuse.unwrap();
        assert_eq!((reuse.count, reuse.mean), (2, 0.5));
    }

    #[test]
    fn a_trace_without_times_and_sizes_has_none() {
        let found = of_text("key-per-line", "5\n6\n");
        assert_eq!(
            (found.bytes, found.duration_ns(), found.unknown_sizes),
            (0, 0, 0)
        );
        assert!(found.sizes.is_none() && found.reuse.is_none() && found.zipf.is_none());
    }

    #[test]
    fn the_exponent_of_a_zipf_trace_is_found() {
        for exponent in [0.6, 0.9, 1.2] {
            let recipe = Recipe {
                requests: 300_000,
                keys: 10_000,
                pattern: Pattern::Zipf { exponent },
                ..Recipe::default()
            };
            let mut gathered = Gathered::new(recipe.fields());
            assert!(recipe.generate().all(|request| gathered.add(&request)));
            let fit = gathered.finish(0).zipf.unwrap();
            assert!(
                (fit.exponent - exponent).abs() < 0.03,
                "{exponent}: {fit:?}"
            );
            // Sorting by counts sharpens the popularity where counts are close: not quite 0.
            assert!(fit.distance < 0.02, "{exponent}: {fit:?}");
        }
    }

    #[test]
    fn counts_that_are_a_power_law_fit_perfectly_and_steps_do_not() {
        let counts: Vec<u64> = (1..=1000)
            .map(|rank| (1e9 / f64::from(rank)) as u64)
            .collect();
        let fit = fit_zipf(&counts).unwrap();
        assert!(
            (fit.exponent - 1.0).abs() < 2e-6 && fit.distance < 2e-6,
            "{fit:?}"
        );
        let steps: Vec<u64> = [vec![1_000_000; 500], vec![10; 500]].concat();
        assert!(fit_zipf(&steps).unwrap().distance > 0.1);
        assert!(fit_zipf(&counts[..9]).is_none());
    }

    /// The distances as the definition has them.
    fn slow_distances(keys: &[usize]) -> Vec<u64> {
        let mut stack: Vec<usize> = Vec::new();
        let mut distances = Vec::new();
        for &key in keys {
            if let Some(place) = stack.iter().position(|&other| other == key) {
                distances.push(place as u64);
                stack.remove(place);
            }
            stack.insert(0, key);
        }
        distances
    }

    proptest! {
        #[test]
        fn reuse_distances_are_those_of_the_definition(
            keys in prop::collection::vec(0..300_usize, 0..6000)
        ) {
            let mut ids: Vec<usize> = Vec::new();
            let mut reuse = ReuseDistances::new(1000);
            let mut numbered = Vec::new();
            for &key in &keys {
                let id = ids.iter().position(|&other| other == key).unwrap_or(ids.len());
                if id == ids.len() {
                    ids.push(key);
                }
                numbered.push(id);
                reuse.access(id, key as u64);
            }
            let mut expected = histogram();
            for distance in slow_distances(&numbered) {
                expected.record(distance).unwrap();
            }
            prop_assert_eq!(reuse.distances, expected);
        }
    }

    #[test]
    fn sampled_distances_are_close_to_the_exact_ones() {
        let recipe = Recipe {
            requests: 400_000,
            keys: 40_000,
            ..Recipe::default()
        };
        let mut exact = ReuseDistances::new(usize::MAX);
        let mut sample = ReuseDistances::new(16_000);
        let mut interner = Interner::new();
        for request in recipe.generate() {
            let id = interner.intern(request.key).unwrap() as usize;
            exact.access(id, request.key);
            sample.access(id, request.key);
        }
        assert_eq!(sample.halvings, 2);
        let exact = exact.distribution().unwrap();
        let sample = sample.distribution().unwrap();
        assert_eq!(exact.count, sample.count);
        // From the 90th percentile on: at the median Zipf's few frequent keys decide, and
        // whether they are in the sample is luck. A distance of 1000 is 250 keys of the sample, with
        // a standard deviation of 16, or 6 %.
        for (exact, sample) in exact.percentiles.iter().zip(sample.percentiles).skip(2) {
            let ratio = sample as f64 / *exact as f64;
            assert!((ratio - 1.0).abs() < 0.1, "{exact} {sample}");
        }
    }
}
