//! Popularity: which key a request asks for.
//!
//! [`Keys`] is what a scenario says, checked; [`Popularity`] draws from it. A distribution gives a
//! *position*: 0 for its hottest key, 1 for the next, and so on (the rank is the position plus 1).
//! From the position to the key it goes through [`drift`], which moves the hot set in time, and
//! [`scatter`], which spreads hot positions over all keys so that they are not neighbours.
//!
//! One file per distribution, one row of [`TABLE`] each.
//!
//! Not here: which node a key lives on (`placement`), and traces (`trace`), which bring their keys.

use std::ops::Range;

use super::Operation;
use super::parameters::{Arguments, Kind, Parameter, ParameterError, Row};
use crate::random::{Draws, Luck};
use crate::units::{Key, Nanoseconds};

pub mod drift;
pub mod hotspot;
pub mod latest;
pub mod mix;
pub mod scatter;
pub mod sequential;
pub mod uniform;
pub mod zipf;

pub use drift::Drift;
pub use mix::Component;

use hotspot::Hotspot;
use latest::Latest;
use scatter::Permutation;
use sequential::Sequential;
use uniform::Uniform;
use zipf::Zipf;

/// The most keys that one distribution may have: as many as fit a floating-point number with room
/// for halves.
pub const LARGEST_COUNT: u64 = 1 << 50;

/// Which keys are asked for, and how often, as checked.
#[derive(Clone, Debug)]
pub struct Keys {
    choice: Choice,
}

#[derive(Clone, Debug)]
enum Choice {
    One(One),
    Mix(Vec<Component>),
}

/// A distribution that is not a mix.
#[derive(Clone, Debug)]
struct One {
    shape: Shape,
    scatter: bool,
    drift: Option<Drift>,
}

#[derive(Clone, Debug)]
enum Shape {
    Zipf(Zipf),
    Uniform(Uniform),
    Hotspot(Hotspot),
    Latest(Latest),
    Sequential(Sequential),
}

impl Keys {
    fn one(shape: Shape, scatter: bool) -> Self {
        Self {
            choice: Choice::One(One {
                shape,
                scatter,
                drift: None,
            }),
        }
    }

    /// Rank r is asked for in proportion to r^-`exponent`; scattered. See [`zipf`].
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50, or `exponent` is negative or above 100.
    pub fn zipf(count: u64, exponent: f64) -> Result<Self, ParameterError> {
        Ok(Self::one(
            Shape::Zipf(zipf::checked(count, exponent)?),
            true,
        ))
    }

    /// All keys are asked for equally often.
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50.
    pub fn uniform(count: u64) -> Result<Self, ParameterError> {
        Ok(Self::one(Shape::Uniform(Uniform::new(count)?), false))
    }

    /// A share `hot_requests` of the requests goes to a share `hot_keys` of the keys; scattered. See
    /// [`hotspot`].
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50, `hot_keys` not above 0 and at most 1, or `hot_requests` not
    /// in 0..=1.
    pub fn hotspot(count: u64, hot_keys: f64, hot_requests: f64) -> Result<Self, ParameterError> {
        let hotspot = Hotspot::new(count, hot_keys, hot_requests)?;
        Ok(Self::one(Shape::Hotspot(hotspot), true))
    }

    /// The newest of `count` keys is the hottest, and every write inserts a newer one. See
    /// [`latest`].
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50, or `exponent` is negative or above 100.
    pub fn latest(count: u64, exponent: f64) -> Result<Self, ParameterError> {
        Ok(Self::one(
            Shape::Latest(Latest::new(count, exponent)?),
            false,
        ))
    }

    /// Key after key, and again from the first. See [`sequential`].
    ///
    /// # Errors
    /// When `count` is not in 1..=2^50.
    pub fn sequential(count: u64) -> Result<Self, ParameterError> {
        Ok(Self::one(Shape::Sequential(Sequential::new(count)?), false))
    }

    /// Each request goes to one of the components, in proportion to their weights. See [`mix`].
    ///
    /// # Errors
    /// When there is no component, one of them is a mix itself, or all weights are 0.
    pub fn mix(components: Vec<Component>) -> Result<Self, ParameterError> {
        mix::check(&components)?;
        Ok(Self {
            choice: Choice::Mix(components),
        })
    }

    /// The same, with hot keys spread over the whole range (`true`), or with key = rank - 1
    /// (`false`). In a mix it applies to every component. `latest` and `sequential` are made of
    /// neighbours and are never scattered; for `uniform` it makes no difference but in the order.
    #[must_use]
    pub fn scattered(mut self, scatter: bool) -> Self {
        match &mut self.choice {
            Choice::One(one) => {
                one.scatter =
                    scatter && !matches!(one.shape, Shape::Latest(_) | Shape::Sequential(_));
            }
            Choice::Mix(components) => {
                for component in components {
                    component.keys = component.keys.clone().scattered(scatter);
                }
            }
        }
        self
    }

    /// The same, with a hot set that moves. In a mix it applies to every component that can drift
    /// and does not yet.
    ///
    /// # Errors
    /// When these keys are `latest`, which drift by themselves.
    pub fn drifting(mut self, drift: Drift) -> Result<Self, ParameterError> {
        match &mut self.choice {
            Choice::One(One {
                shape: Shape::Latest(_),
                ..
            }) => {
                return Err(ParameterError::new(
                    "drift",
                    "cannot be given to `latest`, whose hot set moves with every write",
                ));
            }
            Choice::One(one) => one.drift = Some(drift),
            Choice::Mix(components) => {
                for component in components {
                    if let Choice::One(one) = &mut component.keys.choice
                        && one.drift.is_none()
                        && !matches!(one.shape, Shape::Latest(_))
                    {
                        one.drift = Some(drift);
                    }
                }
            }
        }
        Ok(self)
    }

    /// One more than the highest key that is asked for (at first; `latest` goes beyond it with
    /// every write).
    #[must_use]
    pub fn limit(&self) -> u64 {
        match &self.choice {
            Choice::One(one) => one.shape.count(),
            Choice::Mix(components) => components
                .iter()
                .map(|component| component.first_key + component.keys.limit())
                .max()
                .unwrap_or(0),
        }
    }

    /// The keys that are asked for (at first; `latest` goes beyond them with every write). Ranges of
    /// a mix may overlap.
    #[must_use]
    pub fn ranges(&self) -> Vec<Range<Key>> {
        match &self.choice {
            Choice::One(one) => std::iter::once(0..one.shape.count()).collect(),
            Choice::Mix(components) => components
                .iter()
                .map(|part| part.first_key..part.first_key + part.keys.limit())
                .collect(),
        }
    }

    fn is_mix(&self) -> bool {
        matches!(self.choice, Choice::Mix(_))
    }

    /// The row of [`TABLE`] that this is.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.choice {
            Choice::One(one) => match one.shape {
                Shape::Zipf(_) => "zipf",
                Shape::Uniform(_) => "uniform",
                Shape::Hotspot(_) => "hotspot",
                Shape::Latest(_) => "latest",
                Shape::Sequential(_) => "sequential",
            },
            Choice::Mix(_) => "mix",
        }
    }
}

impl Shape {
    fn count(&self) -> u64 {
        match self {
            Self::Zipf(zipf) => zipf.count(),
            Self::Uniform(uniform) => uniform.count(),
            Self::Hotspot(hotspot) => hotspot.count(),
            Self::Latest(latest) => latest.count(),
            Self::Sequential(sequential) => sequential.count(),
        }
    }

    /// The share of requests that go to `position`, in the long run.
    fn probability(&self, position: u64) -> f64 {
        if position >= self.count() {
            return 0.0;
        }
        match self {
            Self::Zipf(zipf) => zipf.probability(position),
            Self::Uniform(uniform) => uniform.probability(position),
            Self::Hotspot(hotspot) => hotspot.probability(position),
            Self::Latest(latest) => latest.probability(position),
            Self::Sequential(sequential) => sequential.probability(position),
        }
    }
}

/// A source of keys: [`Keys`] under one luck.
#[derive(Clone, Debug)]
pub struct Popularity {
    source: Sources,
}

// The large variant is the common one, and there is one of it in a run: no indirection.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug)]
enum Sources {
    One(Source),
    Mix(Box<[Source]>),
}

/// One distribution in use.
#[derive(Clone, Debug)]
struct Source {
    shape: Shape,
    permutation: Option<Permutation>,
    drift: Option<drift::Rotation>,
    /// What is subtracted from a position, modulo the number of keys, since the latest shift.
    shifted: u64,
    /// Added to every key.
    first_key: Key,
    /// The share of requests that come here.
    weight: f64,
    /// The share that comes here or to a source before this one.
    weight_up_to: f64,
}

impl Popularity {
    /// Keys under `luck`, which decides how they are scattered.
    #[must_use]
    pub fn new(keys: &Keys, luck: Luck) -> Self {
        let scatter = luck.stream("workload.scatter");
        let source = match &keys.choice {
            Choice::One(one) => Sources::One(Source::new(one, &mut scatter.at(0), 0, 1.0, 1.0)),
            Choice::Mix(components) => {
                let total: f64 = components.iter().map(|component| component.weight).sum();
                let mut up_to = 0.0;
                let mut sources = Vec::with_capacity(components.len());
                for component in components {
                    let Choice::One(one) = &component.keys.choice else {
                        continue; // refused by `Keys::mix`
                    };
                    let weight = component.weight / total;
                    up_to += weight;
                    // Sources over the same range of keys scatter alike, so their hot keys are the
                    // same ones.
                    let draws = &mut scatter.at(component.first_key);
                    sources.push(Source::new(one, draws, component.first_key, weight, up_to));
                }
                Sources::Mix(sources.into())
            }
        };
        Self { source }
    }

    /// The next key, by `draws`. Drifting keys depend on `now` as well; `latest` and `sequential` on
    /// how often they were asked.
    #[inline]
    pub fn draw(&mut self, draws: &mut Draws, operation: Operation, now: Nanoseconds) -> Key {
        match &mut self.source {
            Sources::One(source) => source.draw(draws, operation, now),
            Sources::Mix(sources) => {
                let u = draws.unit();
                let last = sources.len() - 1;
                let chosen = sources[..last]
                    .iter()
                    .position(|source| u < source.weight_up_to)
                    .unwrap_or(last);
                sources[chosen].draw(draws, operation, now)
            }
        }
    }

    /// From now on the coldest `share` of the keys come in on top and push all others down; a negative
    /// share takes that back. Keys of `latest` move by themselves and stay as they are.
    pub fn shift(&mut self, share: f64) {
        let sources = match &mut self.source {
            Sources::One(source) => std::slice::from_mut(source),
            Sources::Mix(sources) => sources,
        };
        for source in sources {
            let count = source.shape.count();
            let step = ((share.abs() * count as f64).round() as u64).clamp(1, count) % count;
            let step = if share < 0.0 {
                (count - step) % count
            } else {
                step
            };
            source.shifted = (source.shifted + step) % count;
        }
    }

    /// The share of requests that ask for `key` at `now`, in the long run.
    #[must_use]
    pub fn probability(&self, key: Key, now: Nanoseconds) -> f64 {
        self.sources()
            .iter()
            .map(|source| match source.position_of(key, now) {
                Some(position) => source.weight * source.shape.probability(position),
                None => 0.0,
            })
            .sum()
    }

    /// The `how_many` hottest keys at `now` with the share of requests that ask for each, hottest
    /// first; equally hot keys in no particular order.
    ///
    /// In a mix whose components share keys, a key that is not among the first `how_many` + 1000
    /// of any component is overlooked.
    #[must_use]
    pub fn hottest(&self, how_many: usize, now: Nanoseconds) -> Vec<(Key, f64)> {
        let margin = if self.sources().len() > 1 { 1000 } else { 0 };
        let mut keys: Vec<Key> = Vec::new();
        for source in self.sources() {
            let depth = source.shape.count().min((how_many + margin) as u64);
            keys.extend((0..depth).map(|position| source.key_at(position, now)));
        }
        if margin == 0 {
            return keys
                .into_iter()
                .map(|key| (key, self.probability(key, now)))
                .collect();
        }
        keys.sort_unstable();
        keys.dedup();
        let mut hottest: Vec<(Key, f64)> = keys
            .into_iter()
            .map(|key| (key, self.probability(key, now)))
            .collect();
        hottest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        hottest.truncate(how_many);
        hottest
    }

    /// The key of rank `rank` at `now`; rank 1 is the hottest. `None` for rank 0 and beyond the
    /// last key. In a mix it takes time in proportion to the rank, see [`Popularity::hottest`].
    #[must_use]
    pub fn key_of_rank(&self, rank: u64, now: Nanoseconds) -> Option<Key> {
        let position = rank.checked_sub(1)?;
        match &self.source {
            Sources::One(source) => {
                (position < source.shape.count()).then(|| source.key_at(position, now))
            }
            Sources::Mix(_) => {
                let position = usize::try_from(position).ok()?;
                let hottest = self.hottest(position.checked_add(1)?, now);
                hottest.get(position).map(|&(key, _)| key)
            }
        }
    }

    /// The rank of `key` at `now`, 1 being the hottest. `None` for a key that is never asked for. A
    /// mix knows only its first 1000 ranks, and says `None` for the others.
    #[must_use]
    pub fn rank_of(&self, key: Key, now: Nanoseconds) -> Option<u64> {
        match &self.source {
            Sources::One(source) => source.position_of(key, now).map(|position| position + 1),
            Sources::Mix(_) => self
                .hottest(1000, now)
                .iter()
                .position(|&(hot, _)| hot == key)
                .map(|position| position as u64 + 1),
        }
    }

    fn sources(&self) -> &[Source] {
        match &self.source {
            Sources::One(source) => std::slice::from_ref(source),
            Sources::Mix(sources) => sources,
        }
    }
}

impl Source {
    fn new(one: &One, draws: &mut Draws, first_key: Key, weight: f64, weight_up_to: f64) -> Self {
        let count = one.shape.count();
        Self {
            shape: one.shape.clone(),
            permutation: one.scatter.then(|| Permutation::new(count, draws)),
            drift: one.drift.map(|drift| drift.of(count)),
            shifted: 0,
            first_key,
            weight,
            weight_up_to,
        }
    }

    #[inline]
    fn draw(&mut self, draws: &mut Draws, operation: Operation, now: Nanoseconds) -> Key {
        let mut position = match &mut self.shape {
            Shape::Zipf(zipf) => zipf.draw(draws),
            Shape::Uniform(uniform) => uniform.draw(draws),
            Shape::Hotspot(hotspot) => hotspot.draw(draws),
            Shape::Latest(latest) => return self.first_key + latest.draw(draws, operation),
            Shape::Sequential(sequential) => sequential.draw(),
        };
        if let Some(drift) = &mut self.drift {
            position = drift.rotate(position, now);
        }
        position = self.shift(position, self.shifted);
        if let Some(permutation) = &self.permutation {
            position = permutation.apply(position);
        }
        self.first_key + position
    }

    /// A position less `by`, modulo the number of keys.
    #[inline]
    fn shift(&self, position: u64, by: u64) -> u64 {
        if by == 0 {
            return position;
        }
        if position >= by {
            position - by
        } else {
            position + self.shape.count() - by
        }
    }

    fn key_at(&self, position: u64, now: Nanoseconds) -> Key {
        if let Shape::Latest(latest) = &self.shape {
            return self.first_key + latest.key_at(position);
        }
        let mut position = position;
        if let Some(drift) = &self.drift {
            position = drift.rotated(position, now);
        }
        position = self.shift(position, self.shifted);
        if let Some(permutation) = &self.permutation {
            position = permutation.apply(position);
        }
        self.first_key + position
    }

    fn position_of(&self, key: Key, now: Nanoseconds) -> Option<u64> {
        let mut position = key.checked_sub(self.first_key)?;
        if let Shape::Latest(latest) = &self.shape {
            return latest.position_of(position);
        }
        if position >= self.shape.count() {
            return None;
        }
        if let Some(permutation) = &self.permutation {
            position = permutation.invert(position);
        }
        position = self.shift(
            position,
            (self.shape.count() - self.shifted) % self.shape.count(),
        );
        if let Some(drift) = &self.drift {
            position = drift.rotated_back(position, now);
        }
        Some(position)
    }
}

/// Checks a number of keys.
fn count_of(count: u64) -> Result<u64, ParameterError> {
    if (1..=LARGEST_COUNT).contains(&count) {
        Ok(count)
    } else {
        Err(ParameterError::new(
            "count",
            format!("must be between 1 and 2^50, not {count}"),
        ))
    }
}

const COUNT: Parameter = Parameter::required("count", Kind::Count, "how many keys there are");
const SCATTER: Parameter = Parameter::optional(
    "scatter",
    Kind::Switch,
    "whether hot keys are spread over all keys (true), or key = rank - 1 (false)",
);
const DRIFT: Parameter = Parameter::optional(
    "drift",
    Kind::Drift,
    "how the hot set moves: every `period`, `share` of the keys come in on top (no drift)",
);

/// Applies what most distributions can be given.
fn finish(keys: Keys, arguments: &Arguments, scatter: bool) -> Result<Keys, ParameterError> {
    let keys = keys.scattered(arguments.switch("scatter", scatter)?);
    match arguments.drift("drift")? {
        Some(drift) => keys.drifting(drift),
        None => Ok(keys),
    }
}

/// Every distribution of requests over keys.
pub static TABLE: &[Row<Keys>] = &[
    zipf::ROW,
    uniform::ROW,
    hotspot::ROW,
    latest::ROW,
    sequential::ROW,
    mix::ROW,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn popularity(keys: &Keys) -> Popularity {
        Popularity::new(keys, Luck::new(7, 0))
    }

    fn draw_many(popularity: &mut Popularity, many: u64, now: Nanoseconds) -> Vec<Key> {
        let stream = Luck::new(7, 0).stream("test");
        (0..many)
            .map(|index| popularity.draw(&mut stream.at(index), Operation::Read, now))
            .collect()
    }

    /// One of each, small, in several dresses.
    fn examples() -> Vec<Keys> {
        let drift = Drift::new(1000.0, 0.3).unwrap();
        let component = |weight, first_key, keys: &Keys| Component {
            weight,
            first_key,
            keys: keys.clone(),
        };
        let zipf = Keys::zipf(50, 0.9).unwrap();
        let hotspot = Keys::hotspot(40, 0.1, 0.8).unwrap();
        let uniform = Keys::uniform(30).unwrap();
        vec![
            zipf.clone(),
            zipf.clone().scattered(false),
            zipf.clone().drifting(drift).unwrap(),
            hotspot.clone(),
            hotspot.clone().drifting(drift).unwrap().scattered(false),
            uniform.clone(),
            Keys::sequential(25).unwrap(),
            Keys::latest(20, 1.2).unwrap(),
            Keys::mix(vec![component(3.0, 0, &zipf), component(1.0, 20, &uniform)]).unwrap(),
            Keys::mix(vec![
                component(1.0, 0, &hotspot),
                component(2.0, 100, &zipf),
            ])
            .unwrap()
            .drifting(drift)
            .unwrap(),
        ]
    }

    #[test]
    fn keys_are_asked_for_as_often_as_their_probability_says() {
        for keys in examples() {
            for now in [0, 500, 1000, 123_456] {
                let mut popularity = popularity(&keys);
                let limit = keys.limit();
                let expected: Vec<f64> = (0..limit)
                    .map(|key| popularity.probability(key, now))
                    .collect();
                assert!(
                    (expected.iter().sum::<f64>() - 1.0).abs() < 1e-12,
                    "{keys:?}"
                );
                let many = 100_000;
                let mut counts = vec![0_u64; limit as usize];
                for key in draw_many(&mut popularity, many, now) {
                    counts[key as usize] += 1;
                }
                for (key, (&count, &p)) in counts.iter().zip(&expected).enumerate() {
                    let mean = p * many as f64;
                    let allowed = 4.5 * (mean * (1.0 - p)).sqrt() + 1.0;
                    assert!(
                        (count as f64 - mean).abs() <= allowed,
                        "{keys:?}: key {key} at {now}: {count} for {mean}"
                    );
                }
            }
        }
    }

    #[test]
    fn ranks_and_keys_are_each_others_inverse_and_probabilities_fall_with_the_rank() {
        for keys in examples() {
            let popularity = popularity(&keys);
            for now in [0, 1000, 98_765] {
                let mut before = f64::INFINITY;
                let mut rank = 1;
                while let Some(key) = popularity.key_of_rank(rank, now) {
                    assert_eq!(popularity.rank_of(key, now), Some(rank), "{keys:?}");
                    let p = popularity.probability(key, now);
                    assert!(p <= before, "{keys:?} at rank {rank}");
                    before = p;
                    rank += 1;
                }
                assert!(rank > 20);
                assert_eq!(popularity.key_of_rank(0, now), None);
                assert_eq!(popularity.rank_of(1_000_000, now), None);
                let hottest = popularity.hottest(5, now);
                let ranked: Vec<Key> = (1..=5)
                    .map(|rank| popularity.key_of_rank(rank, now).unwrap())
                    .collect();
                assert_eq!(
                    hottest.iter().map(|&(key, _)| key).collect::<Vec<_>>(),
                    ranked
                );
            }
        }
    }

    #[test]
    fn unscattered_keys_are_ranks_and_scattered_ones_are_the_same_keys_elsewhere() {
        let zipf = Keys::zipf(1000, 1.0).unwrap();
        let plain = draw_many(&mut popularity(&zipf.clone().scattered(false)), 1000, 0);
        let mut scattered = popularity(&zipf);
        let hot = scattered.key_of_rank(1, 0).unwrap();
        let elsewhere = draw_many(&mut scattered, 1000, 0);
        for (&position, &key) in plain.iter().zip(&elsewhere) {
            assert_eq!(scattered.rank_of(key, 0), Some(position + 1));
            assert_eq!(position == 0, key == hot);
        }
    }

    #[test]
    fn another_exponent_is_asked_with_the_same_luck() {
        // Common random numbers: when popularity gets steeper, no request gets a colder key.
        let flat = draw_many(
            &mut popularity(&Keys::zipf(1000, 0.8).unwrap().scattered(false)),
            2000,
            0,
        );
        let steep = draw_many(
            &mut popularity(&Keys::zipf(1000, 1.2).unwrap().scattered(false)),
            2000,
            0,
        );
        let colder = flat.iter().zip(&steep).filter(|(f, s)| s > f).count();
        assert!(colder < 20, "{colder}"); // rejections, not the rule
    }

    #[test]
    fn a_drift_brings_cold_keys_in_on_top_and_pushes_the_others_down() {
        let drift = Drift::new(1e3, 0.25).unwrap();
        let keys = Keys::zipf(8, 1.0)
            .unwrap()
            .scattered(false)
            .drifting(drift)
            .unwrap();
        let popularity = popularity(&keys);
        let order = |now| -> Vec<Key> {
            (1..=8)
                .map(|rank| popularity.key_of_rank(rank, now).unwrap())
                .collect()
        };
        assert_eq!(order(999), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(order(1000), [6, 7, 0, 1, 2, 3, 4, 5]);
        assert_eq!(order(2500), [4, 5, 6, 7, 0, 1, 2, 3]);
        assert_eq!(order(4000), order(0));
    }

    #[test]
    fn every_write_to_latest_is_of_a_new_key_that_is_then_the_hottest() {
        let mut popularity = popularity(&Keys::latest(10, 3.0).unwrap());
        let mut draws = Draws::from_seed(1);
        assert_eq!(popularity.key_of_rank(1, 0), Some(9));
        assert_eq!(popularity.draw(&mut draws, Operation::Write, 0), 10);
        assert_eq!(popularity.draw(&mut draws, Operation::Write, 0), 11);
        assert_eq!(popularity.key_of_rank(1, 0), Some(11));
        assert_eq!(popularity.rank_of(2, 0), Some(10));
        assert_eq!(popularity.rank_of(1, 0), None);
    }

    #[test]
    fn a_scan_goes_through_all_keys_in_order_and_begins_again() {
        let mut popularity = popularity(&Keys::sequential(3).unwrap());
        assert_eq!(draw_many(&mut popularity, 7, 0), [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_parameter_and_the_rule() {
        let problem = |result: Result<Keys, ParameterError>| result.unwrap_err().to_string();
        let uniform = Keys::uniform(2).unwrap();
        let nested = Keys::mix(vec![Component {
            weight: 1.0,
            first_key: 0,
            keys: uniform.clone(),
        }])
        .unwrap();
        let component = |weight, first_key, keys: &Keys| {
            Keys::mix(vec![Component {
                weight,
                first_key,
                keys: keys.clone(),
            }])
        };
        insta::assert_snapshot!(
            [
                problem(Keys::uniform(0)),
                problem(Keys::sequential(u64::MAX)),
                problem(Keys::zipf(10, -0.5)),
                problem(Keys::zipf(10, f64::NAN)),
                problem(Keys::hotspot(10, 0.0, 0.5)),
                problem(Keys::hotspot(10, 0.5, 1.5)),
                problem(Keys::mix(vec![])),
                problem(component(0.0, 0, &uniform)),
                problem(component(-1.0, 0, &uniform)),
                problem(component(1.0, u64::MAX, &uniform)),
                problem(component(1.0, 0, &nested)),
                problem(Keys::latest(5, 1.0).unwrap().drifting(Drift::new(1e9, 0.5).unwrap())),
                Drift::new(0.0, 0.5).unwrap_err().to_string(),
                Drift::new(1e9, 1.0).unwrap_err().to_string(),
            ]
            .join("\n"),
            @"
        `count` must be between 1 and 2^50, not 0
        `count` must be between 1 and 2^50, not 18446744073709551615
        `exponent` must be between 0 and 100, not -0.5
        `exponent` must be between 0 and 100, not NaN
        `hot_keys` must be above 0
        `hot_requests` must be between 0 and 1, not 1.5
        `components` must have at least one entry
        `weight` must be above 0 for at least one component
        `weight` must be between 0 and 1e18, not -1
        `first_key` must be at most 2^62, not 18446744073709551615
        `components` must not be mixes themselves: list their parts with their weights
        `drift` cannot be given to `latest`, whose hot set moves with every write
        `period` must be at least 1 us, not 0 ns
        `share` must be above 0 and below 1, not 1: 0.5 makes a new hot set
        "
        );
    }

    #[test]
    fn every_row_builds_its_own_distribution_and_names_what_is_missing() {
        use super::super::parameters::Argument;
        for row in TABLE {
            let mut arguments = Arguments::new();
            for parameter in row.parameters.iter().filter(|parameter| parameter.required) {
                let error = (row.build)(&arguments).unwrap_err();
                assert_eq!(
                    (error.parameter, &*error.problem),
                    (parameter.name, "is missing")
                );
                let value = match parameter.kind {
                    Kind::Count => Argument::Number(20.0),
                    Kind::Components => Argument::Components(vec![Component {
                        weight: 1.0,
                        first_key: 0,
                        keys: Keys::uniform(20).unwrap(),
                    }]),
                    _ => Argument::Number(0.5),
                };
                arguments.set(parameter.name, value);
            }
            let keys = (row.build)(&arguments).unwrap();
            assert_eq!(keys.name(), row.name);
            assert_eq!(keys.limit(), 20);
            assert!(!row.meaning.is_empty());
        }
    }
}
