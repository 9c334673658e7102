//! SHARDS: the miss-ratio curve of LRU from a sample of the keys.
//!
//! Source: C. Waldspurger, N. Park, A. Garthwaite, I. Ahmad, "Efficient MRC construction with
//! SHARDS", FAST 2015. A key is in the sample if its hash is below a threshold, so all its requests
//! are or none; distances within the sample are scaled up by the rate. With a fixed size the
//! threshold falls as keys come in: the key with the largest hash leaves. The estimator is the
//! adjusted one (SHARDS-adj): by how much the sample's requests, scaled up, miss the number of
//! requests that there were is credited to the smallest distance, since that is hot keys which the
//! sample has too many or too few of. Sizes of less than some hundred sampled keys are therefore rough.
//!
//! Other than in the paper, a distance of d in the sample is not taken for d / rate sharp but for
//! anything from there to (d + 1) / rate: all of these look the same.

use std::collections::BinaryHeap;

use super::recency::Recency;
use super::{Act, acts, luck_of_key, threshold};
use crate::eviction::{Id, Measure};
use crate::replay::Stream;

/// What is sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// This share of the keys.
    Rate(f64),
    /// So many keys at a time, at most.
    Keys(usize),
}

/// An estimate for all sizes.
pub(super) struct Shards {
    /// Requests that were counted, sampled or not.
    counted: f64,
    /// The same, as the sample has it.
    expected: f64,
    hits: Spread,
    /// The rate at the end.
    pub rate: f64,
}

/// The keys that are in the sample.
struct Sample {
    threshold: u64,
    rate: f64,
    seed: u64,
    /// One bit per id.
    members: Vec<u64>,
    /// Ids that were seen: they come in order.
    seen: usize,
    /// With a fixed size: members by their luck.
    by_luck: Option<(usize, BinaryHeap<(u64, Id)>)>,
}

impl Sample {
    fn new(amount: Amount, seed: u64, distinct: usize) -> Self {
        let rate = match amount {
            Amount::Rate(rate) => rate,
            Amount::Keys(_) => 1.0,
        };
        Self {
            threshold: threshold(rate),
            rate,
            seed,
            members: vec![0; distinct.div_ceil(64)],
            seen: 0,
            by_luck: match amount {
                Amount::Rate(_) => None,
                Amount::Keys(most) => Some((most, BinaryHeap::new())),
            },
        }
    }

    /// Whether `id` is in the sample; `left` is told of those that have to leave for it.
    #[inline]
    fn contains(&mut self, id: usize, key: u64, left: impl FnMut(Id)) -> bool {
        if id >= self.seen {
            self.seen = id + 1;
            let luck = luck_of_key(key, self.seed);
            if luck <= self.threshold {
                self.members[id / 64] |= 1 << (id % 64);
                self.shrink(luck, id as Id, left);
            }
        }
        self.members[id / 64] >> (id % 64) & 1 == 1
    }

    fn shrink(&mut self, luck: u64, id: Id, mut left: impl FnMut(Id)) {
        let Some((most, by_luck)) = &mut self.by_luck else {
            return;
        };
        by_luck.push((luck, id));
        if by_luck.len() <= *most {
            return;
        }
        // The largest luck leaves, and nobody of that luck or more comes in any more.
        if let Some(&(largest, _)) = by_luck.peek() {
            self.threshold = largest.saturating_sub(1);
            self.rate = largest as f64 / TWO_TO_64;
        }
        while let Some(&(luck, id)) = by_luck.peek()
            && luck > self.threshold
        {
            by_luck.pop();
            self.members[id as usize / 64] &= !(1 << (id % 64));
            left(id);
        }
    }
}

const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;

impl Shards {
    /// Goes through the trace; the first `warmup` requests are not counted.
    pub(super) fn new(
        stream: &Stream,
        measure: Measure,
        warmup: usize,
        amount: Amount,
        seed: u64,
    ) -> Self {
        let sizes = match measure {
            Measure::Entries => None,
            Measure::Bytes => stream.sizes.as_deref(),
        };
        let mut recency = Recency::new(sizes.is_some());
        let mut sample = Sample::new(amount, seed, stream.distinct());
        let mut hits = Spread::default();
        let (mut counted, mut expected) = (0_u64, 0.0);
        for (number, id, act) in acts(stream) {
            let counts = act == Act::Read && number >= warmup;
            counted += u64::from(counts);
            let key = stream.keys[id];
            if !sample.contains(id, key, |left| recency.forget(left as usize)) {
                continue;
            }
            if act == Act::Delete {
                match measure {
                    Measure::Entries => recency.delete(id),
                    // What a hole of so many bytes is filled with depends on the cache's size.
                    Measure::Bytes => recency.forget(id),
                }
                continue;
            }
            let size = sizes.map_or(1, |sizes| sizes[number]).max(1);
            let depth = recency.touch(id, size);
            if !counts {
                continue;
            }
            let rate = sample.rate;
            // One request of the sample stands for so many.
            expected += 1.0 / rate;
            if let Some(depth) = depth {
                let (others, own) = (depth.others as f64, depth.own as f64);
                hits.add(others / rate + own, (others + own) / rate, 1.0 / rate);
            }
        }
        Self {
            counted: counted as f64,
            expected,
            hits,
            rate: sample.rate,
        }
    }

    /// The miss ratio of a cache of this capacity, as estimated.
    pub(super) fn miss_ratio(&self, capacity: u64) -> f64 {
        if self.counted == 0.0 {
            return 0.0;
        }
        let adjustment = self.counted - self.expected;
        let hits = self.hits.up_to(capacity as f64) + adjustment;
        (1.0 - hits / self.counted).clamp(0.0, 1.0)
    }
}

/// Weights, each spread evenly over an interval: the sum up to any point, in memory that does not
/// grow with their number. Each interval is a slope that begins and one that ends; places are kept
/// to one part in 256.
#[derive(Default)]
struct Spread {
    /// For each bucket of places: the change of slope, and that times its place.
    changes: Vec<(f64, f64)>,
}

/// The bucket of a place from 1/2 on: its exponent and 8 bits of its fraction.
fn bucket(place: f64) -> usize {
    ((place.max(0.5).to_bits() >> 44) - (0.5_f64.to_bits() >> 44)) as usize
}

impl Spread {
    fn add(&mut self, from: f64, to: f64, weight: f64) {
        let from = from.min(to - 0.5);
        let slope = weight / (to - from);
        self.change(from, slope);
        self.change(to, -slope);
    }

    fn change(&mut self, place: f64, slope: f64) {
        let bucket = bucket(place);
        if bucket >= self.changes.len() {
            self.changes.resize(bucket + 1, (0.0, 0.0));
        }
        self.changes[bucket].0 += slope;
        self.changes[bucket].1 += slope * place;
    }

    fn up_to(&self, place: f64) -> f64 {
        let last = (bucket(place) + 1).min(self.changes.len());
        let sum = |changes: &[(f64, f64)]| {
            changes
                .iter()
                .map(|(slope, moment)| slope * place - moment)
                .sum::<f64>()
        };
        sum(&self.changes[..last])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Writes;
    use crate::trace::Interned;

    #[test]
    fn weights_are_summed_up_to_any_place() {
        let mut spread = Spread::default();
        spread.add(10.0, 20.0, 100.0);
        spread.add(3.0, 3.0, 7.0);
        for (place, sum) in [
            (1.0, 0.0),
            (3.0, 7.0),
            (10.0, 7.0),
            (15.0, 57.0),
            (1e6, 107.0),
        ] {
            assert!((spread.up_to(place) - sum).abs() < 1e-6, "{place}");
        }
    }

    #[test]
    fn a_sample_of_a_fixed_size_holds_the_keys_of_least_luck() {
        let keys = 0..1000_u64;
        let stream = Stream::new(Interned::from_keys(keys.clone()), Writes::Access);
        let mut sample = Sample::new(Amount::Keys(10), 1, 1000);
        let mut members = std::collections::BTreeSet::new();
        for (id, &key) in stream.keys.iter().enumerate() {
            let mut left = Vec::new();
            if sample.contains(id, key, |id| left.push(id)) {
                members.insert(id as Id);
            }
            for id in left {
                members.remove(&id);
            }
        }
        let mut by_luck: Vec<_> = keys.map(|key| (luck_of_key(key, 1), key as Id)).collect();
        by_luck.sort_unstable();
        let wanted: std::collections::BTreeSet<Id> =
            by_luck[..10].iter().map(|&(_, id)| id).collect();
        assert_eq!(members, wanted);
        // The rate is where the eleventh would have come in.
        assert_eq!(sample.rate, by_luck[10].0 as f64 / TWO_TO_64);
    }

    #[test]
    fn a_sample_of_everything_is_exact() {
        let mut draws = crate::random::Draws::from_seed(7);
        let keys = (0..20_000).map(|_| draws.below(40) * draws.below(40));
        let stream = Stream::new(Interned::from_keys(keys), Writes::Access);
        let exact = super::super::one_pass::OnePass::new(&stream, Measure::Entries, 0);
        for amount in [Amount::Rate(1.0), Amount::Keys(100_000)] {
            let shards = Shards::new(&stream, Measure::Entries, 0, amount, 1);
            for capacity in [1, 2, 10, 77, 200, 1000] {
                let (one, other) = (exact.miss_ratio(capacity), shards.miss_ratio(capacity));
                assert!((one - other).abs() < 1e-9, "{capacity}: {one} {other}");
            }
        }
    }
}
