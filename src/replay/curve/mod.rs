//! Miss-ratio curves: how the miss ratio falls as a cache grows, and how large a cache must be.
//!
//! LRU needs one pass over the trace for all sizes at once, exactly or from a sample of the keys
//! (SHARDS); any other policy is simulated at each size, in full or in miniature. Where the exact
//! curve is known as well, the error of the estimate is stated.
//!
//! Not here: how curves are printed and drawn (see `cli::mrc` and `report`).

mod bound;
mod miniature;
mod one_pass;
mod recency;
mod shards;

use rayon::prelude::*;

use super::{ReplayError, Stream};
use crate::eviction::{Measure, PolicySpec};
use crate::random::mix;
use crate::trace::Operation;
use crate::units::Key;

pub use bound::best_possible;
use miniature::Simulator;
use one_pass::OnePass;
use shards::{Amount, Shards};

/// How a curve is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// Exactly: LRU by one pass where that is possible, others by simulation of each size.
    Exact,
    /// SHARDS with a share of the keys; LRU only.
    Shards {
        /// The share, above 0 and up to 1.
        rate: f64,
    },
    /// SHARDS with at most so many keys at a time; LRU only.
    ShardsFixedSize {
        /// How many, at least 1.
        keys: usize,
    },
    /// Miniature simulation with a share of the keys, more for small sizes.
    Miniature {
        /// The share, above 0 and up to 1.
        rate: f64,
    },
}

impl Method {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Shards { .. } => "shards",
            Self::ShardsFixedSize { .. } => "shards-fixed-size",
            Self::Miniature { .. } => "miniature",
        }
    }

    /// Whether it can tell something about policies other than LRU.
    #[must_use]
    pub fn serves_all(self) -> bool {
        matches!(self, Self::Exact | Self::Miniature { .. })
    }
}

/// The share of `distinct` keys that miniature simulation and SHARDS take if nobody says
/// otherwise: enough for about 20 000 keys, and a hundredth at least.
#[must_use]
pub fn usual_rate(distinct: usize) -> f64 {
    (20_000.0 / distinct.max(1) as f64).clamp(0.01, 1.0)
}

/// What to find out.
#[derive(Clone, Debug)]
pub struct CurvePlan {
    /// The curves, each with its method.
    pub curves: Vec<(PolicySpec, Method)>,
    /// Capacities, in entries or bytes; ascending, at least 1.
    pub sizes: Vec<u64>,
    /// What capacity counts.
    pub measure: Measure,
    /// Requests at the start that fill the caches and are not counted.
    pub warmup: u64,
    /// Whether exact curves are to be found beside the estimates, whatever that costs. For LRU
    /// they are as long as one pass can.
    pub exact: bool,
    /// Miss ratios for which the smallest sufficient cache is wanted, each in 0..=1.
    pub targets: Vec<f64>,
    /// Seed of the samples and of policies that throw dice.
    pub seed: u64,
}

/// A curve that cannot be found.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// The trace or the plan does not suit replay.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// SHARDS for another policy.
    #[error(
        "{method} measures reuse distances, which tell what LRU misses and nothing about `{policy}`; use --method miniature or exact"
    )]
    LruOnly {
        /// The method.
        method: &'static str,
        /// The policy.
        policy: String,
    },
    /// SHARDS where entries expire.
    #[error("{0} cannot honour times to live; use --method miniature or exact")]
    NoExpiry(&'static str),
    /// A sample without requests that count.
    #[error(
        "the sample of {0} of the keys has no requests after the warm-up; take a larger one (--rate)"
    )]
    NothingSampled(f64),
}

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Capacity in entries or bytes.
    pub size: u64,
    /// Misses over requests: exact or an estimate, as the method has it.
    pub miss_ratio: f64,
    /// The exact miss ratio, where the method is an estimate and the exact one is known.
    pub exact: Option<f64>,
    /// Whether fewer than [`ENOUGH_KEYS`] keys of the sample stand for a full cache.
    pub rough: bool,
}

/// Of how many sampled keys a cache must be full for an estimate that is more than rough.
pub const ENOUGH_KEYS: f64 = 100.0;

/// How far an estimate is from the truth, over the points of its curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EstimateError {
    /// Mean absolute error of the miss ratio.
    pub mean: f64,
    /// Largest absolute error of the miss ratio.
    pub max: f64,
}

/// How large a cache must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The miss ratio that was asked for.
    pub target: f64,
    /// The smallest capacity that has it, to 1 % (exactly for LRU by one pass); `None` if no cache
    /// is large enough.
    pub size: Option<u64>,
    /// The miss ratio of a cache that holds everything: first requests miss in any.
    pub lowest: f64,
    /// Whether the size is right to the entry or byte: LRU by one pass.
    pub exact: bool,
}

/// The curve of one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The policy, as typed.
    pub policy: String,
    /// How it was found.
    pub method: Method,
    /// The share of the keys that was looked at: 1 if exact, that at the end for SHARDS with a
    /// fixed size, the smallest for miniature simulation.
    pub rate: f64,
    /// Its points, by size.
    pub points: Vec<Point>,
    /// The error of the estimate, where the exact curve is known.
    pub error: Option<EstimateError>,
    /// How large a cache must be, for each target.
    pub answers: Vec<Answer>,
}

impl CurvePlan {
    /// How often `progress` is called by [`curves`]: about once for each point of a curve that is
    /// simulated.
    #[must_use]
    pub fn cells(&self) -> usize {
        let simulated = |(policy, method): &(PolicySpec, Method)| {
            let estimate = matches!(method, Method::Miniature { .. });
            let lru = is_lru(policy);
            usize::from(estimate || !lru) + usize::from(estimate && self.exact && !lru)
        };
        self.sizes.len() * self.curves.iter().map(simulated).sum::<usize>()
    }
}

/// So many sizes from a thousandth of `all` to `all`, evenly spaced by their logarithms.
#[must_use]
pub fn spaced_sizes(all: u64, points: usize) -> Vec<u64> {
    let (all, least) = (all.max(1), (all / 1000).max(1));
    let logarithm = libm::log(all as f64 / least as f64);
    let steps = points.saturating_sub(1).max(1) as f64;
    let mut sizes: Vec<u64> = (0..points)
        .map(|point| {
            let share = (points - 1 - point) as f64 / steps;
            (all as f64 * libm::exp(-logarithm * share)).round() as u64
        })
        .collect();
    sizes.dedup();
    sizes
}

/// Finds all curves of `plan`, in its order, on the threads of the current rayon pool. `progress` is
/// called whenever a point was simulated.
///
/// # Errors
/// When a method does not suit its policy, or the plan does not suit the trace.
pub fn curves(
    stream: &Stream,
    plan: &CurvePlan,
    progress: impl Fn() + Sync,
) -> Result<Vec<Curve>, CurveError> {
    if stream.is_empty() {
        return Err(ReplayError::Empty.into());
    }
    if plan.warmup >= stream.len() as u64 {
        return Err(ReplayError::AllWarmup {
            warmup: plan.warmup,
            requests: stream.len(),
        }
        .into());
    }
    for (policy, method) in &plan.curves {
        if !method.serves_all() && !is_lru(policy) {
            return Err(CurveError::LruOnly {
                method: method.name(),
                policy: policy.typed().to_owned(),
            });
        }
        if !method.serves_all() && stream.expiry.is_some() {
            return Err(CurveError::NoExpiry(method.name()));
        }
    }
    let warmup = plan.warmup as usize;
    let has_lru = plan.curves.iter().any(|(policy, _)| is_lru(policy));
    let job = Job {
        stream,
        plan,
        warmup,
        counted: acts(stream)
            .skip(warmup)
            .filter(|(.., act)| *act == Act::Read)
            .count() as u64,
        all: match plan.measure {
            Measure::Entries => stream.distinct() as u64,
            Measure::Bytes => stream.footprint_bytes(),
        },
        full: Simulator::new(stream, plan.measure, warmup, plan.seed, 1.0),
        // Where one pass is possible it costs next to nothing, so the errors of estimates are known.
        one_pass: (has_lru && one_pass::obstacle(stream, plan.measure).is_none())
            .then(|| OnePass::new(stream, plan.measure, warmup)),
    };
    plan.curves
        .par_iter()
        .map(|(policy, method)| job.curve(policy, *method, &progress))
        .collect()
}

/// Whether a policy is plain LRU.
fn is_lru(policy: &PolicySpec) -> bool {
    policy.description().name == "lru"
}

/// The miss ratios of one policy at any capacities.
type MissRatios<'a> = dyn Fn(&[u64]) -> Result<Vec<f64>, CurveError> + 'a;

/// What all curves of one trace share.
struct Job<'a> {
    stream: &'a Stream,
    plan: &'a CurvePlan,
    warmup: usize,
    /// Reads after the warm-up.
    counted: u64,
    /// A capacity that holds all distinct objects.
    all: u64,
    full: Simulator<'a>,
    one_pass: Option<OnePass>,
}

impl Job<'_> {
    fn curve(
        &self,
        policy: &PolicySpec,
        method: Method,
        progress: &(impl Fn() + Sync),
    ) -> Result<Curve, CurveError> {
        let sizes = &self.plan.sizes;
        let policies = std::slice::from_ref(policy);
        let simulate = |simulator: &Simulator<'_>, sizes: &[u64]| {
            let rows = simulator.miss_ratios(policies, sizes, self.counted, progress)?;
            Ok::<_, CurveError>(rows.into_iter().flatten().collect::<Vec<f64>>())
        };
        let one_pass = self.one_pass.as_ref().filter(|_| is_lru(policy));
        let exact = |sizes: &[u64]| match one_pass {
            None => simulate(&self.full, sizes),
            Some(one_pass) => {
                let is_small = |size: &u64| *size < one_pass.smallest;
                let small: Vec<u64> = sizes.iter().copied().filter(is_small).collect();
                let mut small = simulate(&self.full, &small)?.into_iter();
                let each = sizes.iter().map(|size| {
                    let simulated = if is_small(size) { small.next() } else { None };
                    simulated.unwrap_or_else(|| one_pass.miss_ratio(*size))
                });
                Ok(each.collect())
            }
        };
        let wants_exact = one_pass.is_some() || self.plan.exact;
        let mut curve = Curve {
            policy: policy.typed().to_owned(),
            method,
            rate: 1.0,
            points: Vec::new(),
            error: None,
            answers: Vec::new(),
        };
        let estimates = match method {
            Method::Exact => {
                let ratios = exact(sizes)?;
                curve.answers = self.answers(&exact, one_pass.is_some(), one_pass.is_some())?;
                return Ok(Curve {
                    points: points(sizes, &ratios, None),
                    ..curve
                });
            }
            Method::Shards { .. } | Method::ShardsFixedSize { .. } => {
                let amount = match method {
                    Method::ShardsFixedSize { keys } => Amount::Keys(keys),
                    Method::Shards { rate } => Amount::Rate(rate),
                    Method::Exact | Method::Miniature { .. } => Amount::Rate(1.0),
                };
                let (measure, seed) = (self.plan.measure, self.plan.seed);
                let shards = Shards::new(self.stream, measure, self.warmup, amount, seed);
                curve.rate = shards.rate;
                let estimate = |sizes: &[u64]| {
                    let each = sizes.iter().map(|size| shards.miss_ratio(*size));
                    Ok(each.collect())
                };
                curve.answers = self.answers(&estimate, true, false)?;
                estimate(sizes)?
            }
            Method::Miniature { rate } => {
                let (measure, seed) = (self.plan.measure, self.plan.seed);
                let simulator = Simulator::new(self.stream, measure, self.warmup, seed, rate);
                curve.rate = sizes
                    .iter()
                    .map(|size| simulator.rate_at(*size))
                    .fold(1.0, f64::min);
                curve.answers =
                    self.answers(&|sizes: &[u64]| simulate(&simulator, sizes), false, false)?;
                simulate(&simulator, sizes)?
            }
        };
        let exact = wants_exact.then(|| exact(sizes)).transpose()?;
        curve.error = exact.as_deref().map(|exact| {
            let errors = estimates.iter().zip(exact).map(|(a, b)| (a - b).abs());
            EstimateError {
                mean: errors.clone().sum::<f64>() / sizes.len().max(1) as f64,
                max: errors.fold(0.0, f64::max),
            }
        });
        curve.points = points(sizes, &estimates, exact.as_deref());
        if !method.serves_all() {
            let per_key = match self.plan.measure {
                Measure::Entries => 1.0,
                Measure::Bytes => self.all as f64 / self.stream.distinct().max(1) as f64,
            };
            for point in &mut curve.points {
                let keys = point.size as f64 / per_key * curve.rate;
                point.rough = curve.rate < 1.0 && keys < ENOUGH_KEYS;
            }
        }
        Ok(curve)
    }

    /// How large a cache must be for each target: by bisection, to one entry or byte if `sharp`, else
    /// to 1 %. `exact` says whether `miss_ratios` are.
    fn answers(
        &self,
        miss_ratios: &MissRatios<'_>,
        sharp: bool,
        exact: bool,
    ) -> Result<Vec<Answer>, CurveError> {
        let targets = &self.plan.targets;
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let at =
            |size: u64| Ok::<_, CurveError>(miss_ratios(&[size])?.first().copied().unwrap_or(1.0));
        // A policy may need a little more than all objects: its segments are rounded down.
        let most = self.all.saturating_mul(2);
        let lowest = at(most)?;
        let answer = |&target: &f64| {
            let mut size = None;
            if lowest <= target {
                let (mut misses_more, mut suffices) = (0, most);
                let resolution = |size: u64| if sharp { 1 } else { (size / 100).max(1) };
                while suffices - misses_more > resolution(suffices) {
                    let middle = if sharp || misses_more == 0 {
                        misses_more + (suffices - misses_more) / 2
                    } else {
                        // Halves the ratio of the two, not their difference.
                        let geometric = (misses_more as f64 * suffices as f64).sqrt() as u64;
                        geometric.clamp(misses_more + 1, suffices - 1)
                    };
                    if at(middle)? <= target {
                        suffices = middle;
                    } else {
                        misses_more = middle;
                    }
                }
                size = Some(suffices);
            }
            Ok(Answer {
                target,
                size,
                lowest,
                exact,
            })
        };
        targets.iter().map(answer).collect()
    }
}

fn points(sizes: &[u64], ratios: &[f64], exact: Option<&[f64]>) -> Vec<Point> {
    let each = sizes.iter().zip(ratios).enumerate();
    each.map(|(index, (&size, &miss_ratio))| Point {
        size,
        miss_ratio,
        exact: exact.map(|exact| exact[index]),
        rough: false,
    })
    .collect()
}

/// What a request does to a cache, as far as LRU is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Looks, and fetches what is missing. Counted.
    Read,
    /// Stores. Not counted.
    Store,
    /// Takes out.
    Delete,
}

/// Number, id and act of each request.
fn acts(stream: &Stream) -> impl Iterator<Item = (usize, usize, Act)> + '_ {
    let operations = stream.operations.as_deref();
    stream.ids.iter().enumerate().map(move |(number, &id)| {
        let operation = operations.map_or(Operation::Get, |it| it[number]);
        let act = if operation.is_read() {
            Act::Read
        } else if operation.is_delete() {
            Act::Delete
        } else {
            Act::Store
        };
        (number, id as usize, act)
    })
}

/// 64 uniform bits that belong to `key`: the same keys are in all samples of one seed.
#[inline]
fn luck_of_key(key: Key, seed: u64) -> u64 {
    mix(key ^ mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

/// The largest luck that is in a sample of the share `rate` of all keys.
fn threshold(rate: f64) -> u64 {
    // From a float to an integer the conversion saturates, so 1 gives all.
    (rate * 18_446_744_073_709_551_616.0) as u64
}

#[cfg(test)]
mod tests;
