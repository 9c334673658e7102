//! AdaptSize: a newcomer of size s is admitted with probability exp(-s / c); c is tuned now and then so
//! that a Markov model of the cache, fed with what was asked for lately, promises the most hits.
//!
//! The model: requests for each object come at random at its own rate r, the cache is LRU, and an entry
//! leaves when it has not been asked for during a time T, the same for all. Then an object of size s is
//! found in the cache with probability (e^(rT) - 1) / (e^(rT) - 1 + e^(s/c)): it is admitted at one in
//! e^(s/c) of its misses and then hit e^(rT) - 1 times before it leaves. T is what makes the expected bytes
//! in the cache equal to its capacity.
//!
//! Source: D. S. Berger, R. K. Sitaraman, M. Harchol-Balter, "AdaptSize: orchestrating the hot object
//! memory cache in a content delivery network", NSDI 2017.
//!
//! Known weakness: it maximises hits of objects, not of bytes; and where all objects have one size it can
//! only guess by how much to hold all of them off.

use std::collections::BTreeMap;

use super::{Admission, Described, Description, Surroundings};
use crate::eviction::queue::Weights as _;
use crate::eviction::{Access, Bytes, Entries, Measure, Parameter};
use crate::random::Draws;

/// How much of an older rate is kept when rates are measured anew.
const DECAY: f64 = 0.3;
/// Objects with less than this many decayed requests per window are dropped.
const LEAST_RATE: f64 = 0.05;
/// Steps of the searches: for T and for c.
const BISECTIONS: u32 = 40;
const COARSE_STEPS: u32 = 24;
const FINE_STEPS: u32 = 20;

/// What is known of an object.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    /// Requests in this window.
    requests: f64,
    /// Requests per window, as a moving mean.
    rate: f64,
    bytes: f64,
    /// Weight against the capacity.
    weight: f64,
}

/// The parameter c and the statistics by which it is tuned.
pub struct AdaptSize {
    /// Infinite before the first tuning: all are admitted.
    scale: f64,
    records: BTreeMap<u64, Record>,
    requests: u64,
    window: u64,
    capacity: u64,
    measure: fn(u64) -> u64,
    draws: Draws,
}

impl Described for AdaptSize {
    const DESCRIPTION: Description = Description {
        name: "adaptsize",
        summary: "a newcomer of size s is admitted with probability exp(-s/c), and c adapts",
        source: "Berger, Sitaraman, Harchol-Balter, \"AdaptSize: orchestrating the hot object memory cache in a content delivery network\", NSDI 2017",
        parameters: &[Parameter::integer(
            "window",
            250_000,
            100,
            1 << 32,
            "requests after which c is tuned anew",
        )],
        needs_victim: false,
        tuned_every: Some("window"),
    };

    fn new(surroundings: &Surroundings) -> Self {
        Self {
            scale: f64::INFINITY,
            records: BTreeMap::new(),
            requests: 0,
            window: surroundings.parameters.integer("window"),
            capacity: surroundings.capacity,
            measure: match surroundings.measure {
                Measure::Entries => Entries::measure,
                Measure::Bytes => Bytes::measure,
            },
            draws: Draws::from_seed(surroundings.seed),
        }
    }
}

/// Objects that the model need not tell apart.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    objects: f64,
    /// Means over its objects.
    rate: f64,
    bytes: f64,
    weight: f64,
}

/// Objects whose rates and sizes lie within a quarter of an octave form one group: a million objects
/// become a few hundred groups.
fn groups(records: impl Iterator<Item = Record>) -> Vec<Group> {
    let quarter_octave = |value: f64| libm::floor(4.0 * libm::log2(value)) as i32;
    let mut groups = BTreeMap::<(i32, i32), Group>::new();
    for record in records {
        let place = (quarter_octave(record.rate), quarter_octave(record.bytes));
        let group = groups.entry(place).or_default();
        group.objects += 1.0;
        group.rate += record.rate;
        group.bytes += record.bytes;
        group.weight += record.weight;
    }
    for group in groups.values_mut() {
        group.rate /= group.objects;
        group.bytes /= group.objects;
        group.weight /= group.objects;
    }
    groups.into_values().collect()
}

/// Expected hits per window, by the model, with admission exp(-bytes / `scale`).
fn hits(groups: &[Group], capacity: f64, scale: f64) -> f64 {
    let obstacles: Vec<f64> = groups
        .iter()
        .map(|it| libm::exp((it.bytes / scale).min(700.0)))
        .collect();
    let presence = |group: &Group, obstacle: f64, time: f64| {
        let runs = libm::expm1((group.rate * time).min(700.0));
        runs / (runs + obstacle)
    };
    let filling = |time: f64| -> f64 {
        groups
            .iter()
            .zip(&obstacles)
            .map(|(group, &obstacle)| {
                group.objects * group.weight * presence(group, obstacle, time)
            })
            .sum()
    };
    // T in windows: the filling rises with it.
    let (mut low, mut high) = (0.0, 1.0);
    let mut doublings = 0;
    while filling(high) < capacity && doublings < 60 {
        (low, high) = (high, high * 2.0);
        doublings += 1;
    }
    for _ in 0..BISECTIONS {
        let middle = (low + high) / 2.0;
        if filling(middle) < capacity {
            low = middle;
        } else {
            high = middle;
        }
    }
    groups
        .iter()
        .zip(&obstacles)
        .map(|(group, &obstacle)| group.objects * group.rate * presence(group, obstacle, low))
        .sum()
}

/// The scale that promises the most hits: a coarse search over powers of two, then golden sections
/// around the best.
fn best_scale(groups: &[Group], capacity: f64) -> f64 {
    let largest = groups.iter().map(|it| it.bytes).fold(1.0, f64::max);
    let value = |power: f64| hits(groups, capacity, libm::exp2(power));
    // Beyond a few times the largest object all are admitted.
    let top = libm::log2(largest) + 4.0;
    let step = top / f64::from(COARSE_STEPS);
    let mut best = (f64::MIN, top);
    for index in 0..=COARSE_STEPS {
        let power = top - step * f64::from(index);
        let promised = value(power);
        if promised > best.0 {
            best = (promised, power);
        }
    }
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (best.1 - step, best.1 + step);
    for _ in 0..FINE_STEPS {
        let left = high - golden * (high - low);
        let right = low + golden * (high - low);
        if value(left) >= value(right) {
            high = right;
        } else {
            low = left;
        }
    }
    let fine = (low + high) / 2.0;
    libm::exp2(if value(fine) >= best.0 { fine } else { best.1 })
}

impl AdaptSize {
    fn count(&mut self, key: u64, bytes: u64) {
        let record = self.records.entry(key).or_default();
        record.requests += 1.0;
        record.bytes = bytes.max(1) as f64;
        record.weight = (self.measure)(bytes) as f64;
        self.requests += 1;
        if self.requests == self.window {
            self.requests = 0;
            self.tune();
        }
    }

    #[cold]
    fn tune(&mut self) {
        for record in self.records.values_mut() {
            record.rate = if record.rate == 0.0 {
                record.requests
            } else {
                DECAY * record.rate + (1.0 - DECAY) * record.requests
            };
            record.requests = 0.0;
        }
        self.records.retain(|_, record| record.rate >= LEAST_RATE);
        let groups = groups(self.records.values().copied());
        self.scale = best_scale(&groups, self.capacity as f64);
    }
}

impl Admission for AdaptSize {
    fn hit(&mut self, access: &Access, weight: u64) {
        self.count(access.key, weight);
    }

    fn admits(&mut self, access: &Access, _victim: Option<u64>) -> bool {
        self.count(access.key, access.weight);
        let probability = libm::exp(-(access.weight.max(1) as f64) / self.scale);
        self.draws.chance(probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(objects: f64, rate: f64, bytes: f64) -> Group {
        Group {
            objects,
            rate,
            bytes,
            weight: bytes,
        }
    }

    #[test]
    fn objects_of_about_the_same_rate_and_size_form_a_group() {
        let record = |rate: f64, bytes: f64| Record {
            requests: 0.0,
            rate,
            bytes,
            weight: bytes,
        };
        let records = [record(8.0, 100.0), record(9.0, 104.0), record(16.0, 100.0)];
        let groups = groups(records.into_iter());
        assert_eq!(groups.len(), 2);
        assert_eq!(
            (groups[0].objects, groups[0].rate, groups[0].bytes),
            (2.0, 8.5, 102.0)
        );
    }

    #[test]
    fn the_model_is_exact_where_all_objects_are_alike() {
        // 100 objects of one byte in a cache of 25: each is present with probability 1/4, whatever
        // the admission, so of 1000 requests 250 hit.
        let groups = [alike(100.0, 10.0, 1.0)];
        for scale in [0.5, 2.0, 1e9] {
            assert!((hits(&groups, 25.0, scale) - 250.0).abs() < 1e-6, "{scale}");
        }
    }

    #[test]
    fn everything_hits_when_everything_fits() {
        let groups = [alike(10.0, 3.0, 1.0)];
        assert!((hits(&groups, 1000.0, 1e9) - 30.0).abs() < 1e-6);
    }

    #[test]
    fn large_objects_are_held_off_when_they_cost_more_hits_than_they_bring() {
        // 1000 small objects, asked for as often as 10 that are 1000 times as large, in a cache that
        // holds all small ones and one large one.
        let groups = [alike(1000.0, 5.0, 10.0), alike(10.0, 5.0, 10_000.0)];
        let scale = best_scale(&groups, 20_000.0);
        let admitted = |bytes: f64| libm::exp(-bytes / scale);
        assert!(admitted(10.0) > 0.9, "{scale}");
        assert!(admitted(10_000.0) < 0.1, "{scale}");
        assert!(hits(&groups, 20_000.0, scale) > 1.2 * hits(&groups, 20_000.0, 1e12));
    }
}
