//! Distributions of durations and sizes.
//!
//! A [`Distribution`] is checked when it is made and cheap to sample from. Values are in whatever
//! base unit the parameters were given in: nanoseconds or bytes. A sample is made from one uniform
//! draw by inversion wherever that is possible (all but gamma), so two variants with different
//! parameters that meet the same draw meet *corresponding* values: slow in the one is slow in the
//! other.
//!
//! Not here: units, and which draws are used for what.

use std::sync::Arc;

use libm::{exp, exp2, log, log1p};

use super::parameters::{
    Arguments, Kind, LARGEST, Parameter, ParameterError, Row, not_negative, positive,
};
use super::special::{gamma_probability, gamma_quantile, normal_probability, normal_quantile};
use crate::random::Draws;

/// The 99 % quantile of the standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// Beyond this a lognormal is a typing error: p99 is ten thousand million times the median.
const LARGEST_SIGMA: f64 = 10.0;

/// A distribution of durations in nanoseconds, or of sizes in bytes; never negative.
///
/// A sample is drawn from one of the shapes of [`TABLE`], then `shift` is added, then it is cut off
/// at `cap`.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    shape: Shape,
    shift: f64,
    cap: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Constant(f64),
    Uniform {
        low: f64,
        width: f64,
    },
    Exponential {
        mean: f64,
    },
    Lognormal {
        log_median: f64,
        sigma: f64,
    },
    Gamma(Gamma),
    Pareto {
        minimum: f64,
        exponent: f64,
        /// 1 / exponent: multiplications are faster.
        inverse: f64,
    },
    /// Pairs of a probability and a value, both rising.
    Empirical(Arc<[(f64, f64)]>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Gamma {
    shape: f64,
    scale: f64,
    /// Marsaglia and Tsang's d = shape - 1/3, of the boosted shape.
    d: f64,
    /// Their c = 1 / sqrt(9 d).
    c: f64,
    /// Shapes below 1 are sampled as shape + 1 and multiplied by u^boost, boost = 1 / shape; else 0.
    boost: f64,
}

impl Distribution {
    /// Always `value`.
    ///
    /// # Errors
    /// When `value` is negative, not finite or above 1e18, as for all parameters here.
    pub fn constant(value: f64) -> Result<Self, ParameterError> {
        Ok(Shape::Constant(not_negative("value", value)?).into())
    }

    /// Evenly between `low` and `high`.
    ///
    /// # Errors
    /// When `low` is negative or above `high`.
    pub fn uniform(low: f64, high: f64) -> Result<Self, ParameterError> {
        not_negative("low", low)?;
        not_negative("high", high)?;
        if low > high {
            return Err(ParameterError::new(
                "low",
                format!("must be at most `high`: {low} is above {high}"),
            ));
        }
        Ok(Shape::Uniform {
            low,
            width: high - low,
        }
        .into())
    }

    /// Without memory, as times between independent events are.
    ///
    /// # Errors
    /// When `mean` is not above 0.
    pub fn exponential(mean: f64) -> Result<Self, ParameterError> {
        Ok(Shape::Exponential {
            mean: positive("mean", mean)?,
        }
        .into())
    }

    /// Lognormal: half of the samples are below `median`, 99 % below `p99`.
    ///
    /// # Errors
    /// When `median` is not above 0, or `p99` not above `median` or absurdly far above it.
    pub fn lognormal(median: f64, p99: f64) -> Result<Self, ParameterError> {
        positive("median", median)?;
        positive("p99", p99)?;
        if p99 <= median {
            return Err(ParameterError::new(
                "p99",
                format!("must be above `median`: {p99} is not above {median}"),
            ));
        }
        let sigma = (log(p99) - log(median)) / NORMAL_P99;
        if sigma > LARGEST_SIGMA {
            return Err(ParameterError::new(
                "p99",
                format!(
                    "must be at most 1e10 times `median`, not {:e}",
                    p99 / median
                ),
            ));
        }
        Ok(Shape::Lognormal {
            log_median: log(median),
            sigma,
        }
        .into())
    }

    /// Lognormal with median `median` and standard deviation `sigma` of the logarithm.
    ///
    /// # Errors
    /// When `median` is not above 0, or `sigma` not in 0..=10.
    pub fn lognormal_from_median(median: f64, sigma: f64) -> Result<Self, ParameterError> {
        positive("median", median)?;
        Self::lognormal_from_log(log(median), sigma)
    }

    /// Lognormal with mean `mean` and standard deviation `sigma` of the logarithm.
    ///
    /// # Errors
    /// When `mean` is not above 0, or `sigma` not in 0..=10.
    pub fn lognormal_from_mean(mean: f64, sigma: f64) -> Result<Self, ParameterError> {
        positive("mean", mean)?;
        Self::lognormal_from_log(log(mean) - 0.5 * sigma * sigma, sigma)
    }

    fn lognormal_from_log(log_median: f64, sigma: f64) -> Result<Self, ParameterError> {
        if !(0.0..=LARGEST_SIGMA).contains(&sigma) {
            return Err(ParameterError::new(
                "sigma",
                format!("must be between 0 and {LARGEST_SIGMA}, not {sigma}"),
            ));
        }
        Ok(Shape::Lognormal { log_median, sigma }.into())
    }

    /// Gamma: the sum of `shape` exponential times if `shape` is whole (then it is also called
    /// Erlang); the larger `shape`, the more regular. The squared coefficient of variation is
    /// 1 / `shape`.
    ///
    /// # Errors
    /// When `shape` is not in 0.001..=1e9, or `mean` is not above 0.
    pub fn gamma(shape: f64, mean: f64) -> Result<Self, ParameterError> {
        if !(1e-3..=1e9).contains(&shape) {
            return Err(ParameterError::new(
                "shape",
                format!("must be between 0.001 and 1e9, not {shape}"),
            ));
        }
        positive("mean", mean)?;
        let (boosted, boost) = if shape < 1.0 {
            (shape + 1.0, 1.0 / shape)
        } else {
            (shape, 0.0)
        };
        let d = boosted - 1.0 / 3.0;
        Ok(Shape::Gamma(Gamma {
            shape,
            scale: mean / shape,
            d,
            c: 1.0 / (9.0 * d).sqrt(),
            boost,
        })
        .into())
    }

    /// Pareto: above `minimum`, and above x with probability (`minimum` / x)^`exponent`. The mean
    /// is infinite for exponents up to 1, the variance up to 2; give it a cap.
    ///
    /// # Errors
    /// When `minimum` is not above 0, or `exponent` below 0.1 (samples would not be finite).
    pub fn pareto(minimum: f64, exponent: f64) -> Result<Self, ParameterError> {
        positive("minimum", minimum)?;
        if !(0.1..=LARGEST).contains(&exponent) {
            return Err(ParameterError::new(
                "exponent",
                format!("must be between 0.1 and {LARGEST:e}, not {exponent}"),
            ));
        }
        Ok(Shape::Pareto {
            minimum,
            exponent,
            inverse: 1.0 / exponent,
        }
        .into())
    }

    /// As measured: pairs of a probability and the value below which that share of the samples is,
    /// with straight lines between them. Below the first probability the first value is taken,
    /// above the last one the last value; begin at 0 and end at 1 to avoid lumps there.
    ///
    /// # Errors
    /// When there is no pair, a probability is not in 0..=1 or does not rise, or a value falls.
    pub fn empirical(quantiles: &[(f64, f64)]) -> Result<Self, ParameterError> {
        let name = "quantiles";
        if quantiles.is_empty() {
            return Err(ParameterError::new(name, "must have at least one pair"));
        }
        let mut before: Option<(f64, f64)> = None;
        for &(probability, value) in quantiles {
            if !(0.0..=1.0).contains(&probability) {
                return Err(ParameterError::new(
                    name,
                    format!("must have probabilities between 0 and 1, not {probability}"),
                ));
            }
            not_negative(name, value)?;
            if let Some((lower, smaller)) = before {
                if probability <= lower {
                    return Err(ParameterError::new(
                        name,
                        format!("must have rising probabilities: {probability} follows {lower}"),
                    ));
                }
                if value < smaller {
                    return Err(ParameterError::new(
                        name,
                        format!("must have values that do not fall: {value} follows {smaller}"),
                    ));
                }
            }
            before = Some((probability, value));
        }
        Ok(Shape::Empirical(quantiles.into()).into())
    }

    /// The same, with `shift` added to every sample.
    ///
    /// # Errors
    /// When `shift` is negative.
    pub fn with_shift(self, shift: f64) -> Result<Self, ParameterError> {
        Ok(Self {
            shift: not_negative("shift", shift)?,
            ..self
        })
    }

    /// The same, with every sample, shift included, cut off at `cap`.
    ///
    /// # Errors
    /// When `cap` is negative, or below `shift` (so that nothing would be left to draw).
    pub fn with_cap(self, cap: f64) -> Result<Self, ParameterError> {
        not_negative("cap", cap)?;
        if cap < self.shift {
            return Err(ParameterError::new(
                "cap",
                format!("must be at least `shift`: {cap} is below {}", self.shift),
            ));
        }
        Ok(Self { cap, ..self })
    }

    /// One sample. Takes one draw (none for a constant; two or more for gamma).
    ///
    /// Small draws give large samples: floating-point numbers are densest near 0, and so the upper
    /// tail is the finer one.
    #[inline]
    #[must_use]
    pub fn sample(&self, draws: &mut Draws) -> f64 {
        let value = match &self.shape {
            Shape::Constant(value) => *value,
            Shape::Uniform { low, width } => low + width * (1.0 - draws.unit()),
            Shape::Exponential { mean } => -mean * log(draws.unit()),
            Shape::Lognormal { log_median, sigma } => {
                fast_exp(log_median - sigma * normal_quantile(draws.unit().min(LAST_BELOW_ONE)))
            }
            Shape::Gamma(gamma) => gamma.sample(draws),
            Shape::Pareto {
                minimum, inverse, ..
            } => minimum * fast_exp(-log(draws.unit()) * inverse),
            Shape::Empirical(quantiles) => interpolate(quantiles, 1.0 - draws.unit()),
        };
        (value + self.shift).min(self.cap)
    }

    /// One sample, rounded to a whole number; never negative, and at most `u64::MAX`.
    #[inline]
    #[must_use]
    pub fn sample_u64(&self, draws: &mut Draws) -> u64 {
        let rounded = self.sample(draws) + 0.5;
        // Casts saturate, and a sample is never NaN. The signed one is the cheaper by far.
        if rounded < i64::MAX as f64 {
            rounded as i64 as u64
        } else {
            rounded as u64
        }
    }

    /// The exact mean, cap and shift taken into account. Infinite for an uncapped Pareto with an
    /// exponent up to 1.
    #[must_use]
    pub fn mean(&self) -> f64 {
        // E[min(X + shift, cap)] = shift + E[min(X, cap - shift)]
        let cap = self.cap - self.shift;
        let mean = if cap <= self.shape.quantile(0.0) {
            cap
        } else if cap >= self.shape.quantile(1.0) {
            self.shape.mean()
        } else {
            self.shape.capped_mean(cap)
        };
        mean + self.shift
    }

    /// The value that a share `p` of the samples does not exceed; `p` is taken as 0 below 0 and as
    /// 1 above 1. Infinite for 1 where nothing limits the samples.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        (self.shape.quantile(p.clamp(0.0, 1.0)) + self.shift).min(self.cap)
    }

    /// Whether all samples are equal.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.as_constant().is_some()
    }

    /// The value of all samples, if they are equal.
    #[must_use]
    pub fn as_constant(&self) -> Option<f64> {
        let lowest = self.quantile(0.0);
        (lowest == self.quantile(1.0)).then_some(lowest)
    }

    /// The row of [`TABLE`] whose shape this is.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.shape {
            Shape::Constant(_) => "constant",
            Shape::Uniform { .. } => "uniform",
            Shape::Exponential { .. } => "exponential",
            Shape::Lognormal { .. } => "lognormal",
            Shape::Gamma(_) => "gamma",
            Shape::Pareto { .. } => "pareto",
            Shape::Empirical(_) => "empirical",
        }
    }
}

/// [`Draws::unit`] rounds to 1 once in 2^53 draws, where some quantiles are infinite.
const LAST_BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;

/// e^x by way of 2^x, which is twice as fast in `libm`; off by |x| units in the last place, which
/// no sample shows.
#[inline]
fn fast_exp(x: f64) -> f64 {
    exp2(x * std::f64::consts::LOG2_E)
}

impl From<Shape> for Distribution {
    fn from(shape: Shape) -> Self {
        Self {
            shape,
            shift: 0.0,
            cap: f64::INFINITY,
        }
    }
}

impl Shape {
    fn quantile(&self, p: f64) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Uniform { low, width } => low + width * p,
            Self::Exponential { mean } => -mean * log1p(-p),
            Self::Lognormal { log_median, sigma } if *sigma == 0.0 => exp(*log_median),
            Self::Lognormal { log_median, sigma } => exp(log_median + sigma * normal_quantile(p)),
            Self::Gamma(gamma) => gamma.scale * gamma_quantile(gamma.shape, p),
            Self::Pareto {
                minimum, exponent, ..
            } => minimum * exp(-log1p(-p) / exponent),
            Self::Empirical(quantiles) => interpolate(quantiles, p),
        }
    }

    fn mean(&self) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Uniform { low, width } => low + 0.5 * width,
            Self::Exponential { mean } => *mean,
            Self::Lognormal { log_median, sigma } => exp(log_median + 0.5 * sigma * sigma),
            Self::Gamma(gamma) => gamma.shape * gamma.scale,
            Self::Pareto { exponent, .. } if *exponent <= 1.0 => f64::INFINITY,
            Self::Pareto {
                minimum, exponent, ..
            } => minimum * exponent / (exponent - 1.0),
            Self::Empirical(_) => self.capped_mean(f64::INFINITY),
        }
    }

    /// E[min(X, cap)] for a cap strictly between the least and the largest value.
    fn capped_mean(&self, cap: f64) -> f64 {
        match self {
            Self::Constant(value) => value.min(cap),
            Self::Uniform { low, width } => cap - (cap - low) * (cap - low) / (2.0 * width),
            Self::Exponential { mean } => -mean * libm::expm1(-cap / mean),
            Self::Lognormal { log_median, sigma } => {
                let z = (log(cap) - log_median) / sigma;
                exp(log_median + 0.5 * sigma * sigma) * normal_probability(z - sigma)
                    + cap * normal_probability(-z)
            }
            Self::Gamma(gamma) => {
                let x = cap / gamma.scale;
                gamma.shape * gamma.scale * gamma_probability(gamma.shape + 1.0, x)
                    + cap * (1.0 - gamma_probability(gamma.shape, x))
            }
            Self::Pareto {
                minimum, exponent, ..
            } => {
                // The minimum, and beyond it the integral of (minimum / x)^exponent up to the cap;
                // through expm1 because exponent 1 is a removable singularity.
                let decades = log(cap / minimum);
                let a = 1.0 - exponent;
                let integral = if a == 0.0 {
                    decades
                } else {
                    libm::expm1(a * decades) / a
                };
                minimum * (1.0 + integral)
            }
            Self::Empirical(quantiles) => {
                let (mut mean, mut p0, mut v0) = (0.0, 0.0, quantiles[0].1);
                for &(p1, v1) in quantiles
                    .iter()
                    .chain([&(1.0, quantiles[quantiles.len() - 1].1)])
                {
                    let share = p1 - p0;
                    mean += if v1 <= cap {
                        share * 0.5 * (v0 + v1)
                    } else if v0 >= cap {
                        share * cap
                    } else {
                        let below = share * (cap - v0) / (v1 - v0);
                        below * 0.5 * (v0 + cap) + (share - below) * cap
                    };
                    (p0, v0) = (p1, v1);
                }
                mean
            }
        }
    }
}

impl Gamma {
    /// Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000).
    fn sample(&self, draws: &mut Draws) -> f64 {
        let boost = if self.boost > 0.0 {
            fast_exp(log(draws.unit()) * self.boost)
        } else {
            1.0
        };
        loop {
            let x = normal_quantile(draws.unit().min(LAST_BELOW_ONE));
            let root = 1.0 + self.c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            let u = draws.unit();
            // The squeeze spares the logarithms nearly always.
            if u < 1.0 - 0.0331 * (x * x) * (x * x)
                || log(u) < 0.5 * x * x + self.d * (1.0 - v + log(v))
            {
                return self.scale * self.d * v * boost;
            }
        }
    }
}

/// The value at probability `p` of a table of pairs, with straight lines between them.
fn interpolate(quantiles: &[(f64, f64)], p: f64) -> f64 {
    let after = quantiles.partition_point(|&(probability, _)| probability < p);
    if after == 0 {
        return quantiles[0].1;
    }
    let (p0, v0) = quantiles[after - 1];
    match quantiles.get(after) {
        None => v0,
        Some(&(p1, v1)) => v0 + (v1 - v0) * ((p - p0) / (p1 - p0)),
    }
}

const SHIFT: Parameter = Parameter::optional("shift", Kind::Quantity, "added to every sample (0)");
const CAP: Parameter = Parameter::optional(
    "cap",
    Kind::Quantity,
    "what is above it, shift included, is cut off to it (no cap)",
);

/// Adds what every shape can be given.
fn finish(shape: Distribution, arguments: &Arguments) -> Result<Distribution, ParameterError> {
    let mut distribution = shape;
    if let Some(shift) = arguments.optional("shift")? {
        distribution = distribution.with_shift(shift)?;
    }
    if let Some(cap) = arguments.optional("cap")? {
        distribution = distribution.with_cap(cap)?;
    }
    Ok(distribution)
}

/// Every shape that a distribution of durations or sizes can have.
pub static TABLE: &[Row<Distribution>] = &[
    Row {
        name: "constant",
        parameters: &[
            Parameter::required("value", Kind::Quantity, "the value of every sample"),
            SHIFT,
            CAP,
        ],
        meaning: "always the same value",
        source: "",
        build: |arguments| {
            finish(
                Distribution::constant(arguments.number("value")?)?,
                arguments,
            )
        },
    },
    Row {
        name: "uniform",
        parameters: &[
            Parameter::required("low", Kind::Quantity, "the least value"),
            Parameter::required("high", Kind::Quantity, "the largest value"),
            SHIFT,
            CAP,
        ],
        meaning: "every value between two limits is as likely as any other",
        source: "",
        build: |arguments| {
            let (low, high) = (arguments.number("low")?, arguments.number("high")?);
            finish(Distribution::uniform(low, high)?, arguments)
        },
    },
    Row {
        name: "exponential",
        parameters: &[
            Parameter::required("mean", Kind::Quantity, "the mean, before shift and cap"),
            SHIFT,
            CAP,
        ],
        meaning: "without memory: the standard assumption of queueing theory",
        source: "",
        build: |arguments| {
            finish(
                Distribution::exponential(arguments.number("mean")?)?,
                arguments,
            )
        },
    },
    Row {
        name: "lognormal",
        parameters: &[
            Parameter::optional("median", Kind::Quantity, "half of the samples are below it"),
            Parameter::optional("p99", Kind::Quantity, "99 % of the samples are below it"),
            Parameter::optional("mean", Kind::Quantity, "the mean, in place of the median"),
            Parameter::optional(
                "sigma",
                Kind::Number,
                "standard deviation of the natural logarithm, in place of p99",
            ),
            SHIFT,
            CAP,
        ],
        meaning: "the logarithm is normal: what latencies and sizes mostly look like; give median \
                  and p99, median and sigma, or mean and sigma",
        source: "normal quantile: Wichura, AS 241, Applied Statistics 1988",
        build: |arguments| finish(build_lognormal(arguments)?, arguments),
    },
    Row {
        name: "gamma",
        parameters: &[
            Parameter::required(
                "shape",
                Kind::Number,
                "1 is exponential, more is more regular",
            ),
            Parameter::required("mean", Kind::Quantity, "the mean, before shift and cap"),
            SHIFT,
            CAP,
        ],
        meaning: "several exponential stages in a row (Erlang, where the shape is whole)",
        source: "Marsaglia and Tsang, ACM TOMS 2000",
        build: |arguments| {
            let (shape, mean) = (arguments.number("shape")?, arguments.number("mean")?);
            finish(Distribution::gamma(shape, mean)?, arguments)
        },
    },
    Row {
        name: "pareto",
        parameters: &[
            Parameter::required("minimum", Kind::Quantity, "the least value, before shift"),
            Parameter::required(
                "exponent",
                Kind::Number,
                "of the tail: the mean is infinite up to 1, the variance up to 2",
            ),
            SHIFT,
            CAP,
        ],
        meaning: "a power-law tail: rare values of any size",
        source: "",
        build: |arguments| {
            let (minimum, exponent) = (arguments.number("minimum")?, arguments.number("exponent")?);
            finish(Distribution::pareto(minimum, exponent)?, arguments)
        },
    },
    Row {
        name: "empirical",
        parameters: &[
            Parameter::required(
                "quantiles",
                Kind::Quantiles,
                "pairs of a probability and the value below which that share is, both rising",
            ),
            SHIFT,
            CAP,
        ],
        meaning: "as measured: straight lines between the quantiles of a table",
        source: "",
        build: |arguments| {
            finish(
                Distribution::empirical(arguments.pairs("quantiles")?)?,
                arguments,
            )
        },
    },
];

fn build_lognormal(arguments: &Arguments) -> Result<Distribution, ParameterError> {
    let median = arguments.optional("median")?;
    let p99 = arguments.optional("p99")?;
    let mean = arguments.optional("mean")?;
    let sigma = arguments.optional("sigma")?;
    match (median, p99, mean, sigma) {
        (Some(median), Some(p99), None, None) => Distribution::lognormal(median, p99),
        (Some(median), None, None, Some(sigma)) => {
            Distribution::lognormal_from_median(median, sigma)
        }
        (None, None, Some(mean), Some(sigma)) => Distribution::lognormal_from_mean(mean, sigma),
        (Some(_), _, Some(_), _) => Err(ParameterError::new(
            "mean",
            "cannot be given together with `median`",
        )),
        (_, Some(_), _, Some(_)) => Err(ParameterError::new(
            "sigma",
            "cannot be given together with `p99`",
        )),
        (None, _, _, _) => Err(ParameterError::new(
            "median",
            "is missing: give `median` and `p99`, `median` and `sigma`, or `mean` and `sigma`",
        )),
        (Some(_), None, None, None) => Err(ParameterError::new(
            "p99",
            "is missing (or `sigma` in its place)",
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parameters::Argument;
    use super::*;

    fn draws(seed: u64) -> Draws {
        Draws::from_seed(seed)
    }

    /// One of each shape, of very different spreads.
    fn examples() -> Vec<Distribution> {
        vec![
            Distribution::constant(7.0).unwrap(),
            Distribution::uniform(2.0, 5.0).unwrap(),
            Distribution::exponential(10.0).unwrap(),
            Distribution::lognormal(5.0, 50.0).unwrap(),
            Distribution::lognormal_from_mean(10.0, 1.0).unwrap(),
            Distribution::lognormal_from_median(3.0, 0.25).unwrap(),
            Distribution::gamma(0.3, 4.0).unwrap(),
            Distribution::gamma(1.0, 4.0).unwrap(),
            Distribution::gamma(7.5, 4.0).unwrap(),
            Distribution::pareto(2.0, 3.5).unwrap(),
            Distribution::empirical(&[(0.0, 1.0), (0.5, 2.0), (0.9, 4.0), (1.0, 30.0)]).unwrap(),
            Distribution::empirical(&[(0.25, 1.0), (0.75, 3.0)]).unwrap(),
        ]
    }

    /// As they are, shifted, capped, and both.
    fn dressed() -> Vec<Distribution> {
        examples()
            .into_iter()
            .flat_map(|plain| {
                let cap = plain.quantile(0.8);
                [
                    plain.clone(),
                    plain.clone().with_shift(1.5).unwrap(),
                    plain.clone().with_cap(cap).unwrap(),
                    plain.with_shift(1.5).unwrap().with_cap(cap + 1.0).unwrap(),
                ]
            })
            .collect()
    }

    #[test]
    fn samples_have_the_analytic_mean() {
        for distribution in dressed() {
            let mut draws = draws(1);
            let count = 200_000;
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..count {
                let x = distribution.sample(&mut draws);
                assert!(x >= 0.0 && x.is_finite());
                sum += x;
                squares += x * x;
            }
            let mean = sum / f64::from(count);
            let error =
                ((squares / f64::from(count) - mean * mean).max(0.0) / f64::from(count)).sqrt();
            let off = (mean - distribution.mean()).abs();
            assert!(
                off <= 4.0 * error + 1e-9,
                "{distribution:?}: mean {mean}, expected {}, error {error}",
                distribution.mean()
            );
        }
    }

    #[test]
    fn samples_have_the_analytic_quantiles() {
        for distribution in dressed() {
            let mut draws = draws(2);
            let count = 100_000;
            let samples: Vec<f64> = (0..count)
                .map(|_| distribution.sample(&mut draws))
                .collect();
            for p in [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999] {
                let value = distribution.quantile(p);
                let n = f64::from(count);
                let error = 4.5 * (p * (1.0 - p) / n).sqrt();
                // Lumps (caps, constants, ends of tables) lie on both sides of p; and rounding
                // moves them a little.
                let below = samples.iter().filter(|&&x| x < value - 1e-9).count() as f64 / n;
                let up_to = samples.iter().filter(|&&x| x <= value + 1e-9).count() as f64 / n;
                assert!(
                    below <= p + error && up_to >= p - error,
                    "{distribution:?} at {p}: {below} to {up_to}"
                );
            }
        }
    }

    #[test]
    fn means_worked_by_hand() {
        let near = |distribution: &Distribution, mean: f64| {
            let got = distribution.mean();
            assert!((got - mean).abs() < 1e-12 * mean, "{got} for {mean}");
        };
        // A quarter of the samples is at 1, a quarter at 3, the rest evenly between.
        near(
            &Distribution::empirical(&[(0.25, 1.0), (0.75, 3.0)]).unwrap(),
            2.0,
        );
        // Half is below 1 (mean 0.5), half is cut off to 1.
        near(
            &Distribution::uniform(0.0, 2.0)
                .unwrap()
                .with_cap(1.0)
                .unwrap(),
            0.75,
        );
        // 2 x 3.5 / 2.5
        near(&Distribution::pareto(2.0, 3.5).unwrap(), 2.8);
        // 1 + ln 10: a Pareto without a mean has one when it is capped.
        let capped = Distribution::pareto(1.0, 1.0)
            .unwrap()
            .with_cap(10.0)
            .unwrap();
        near(&capped, 1.0 + log(10.0));
        near(&Distribution::lognormal_from_mean(10.0, 1.0).unwrap(), 10.0);
        near(&Distribution::gamma(0.3, 4.0).unwrap(), 4.0);
        assert_eq!(
            Distribution::pareto(1.0, 1.0).unwrap().mean(),
            f64::INFINITY
        );
    }

    #[test]
    fn a_lognormal_has_the_median_and_p99_it_was_made_from() {
        let distribution = Distribution::lognormal(5e6, 50e6).unwrap();
        assert!((distribution.quantile(0.5) / 5e6 - 1.0).abs() < 1e-14);
        assert!((distribution.quantile(0.99) / 50e6 - 1.0).abs() < 1e-13);
    }

    #[test]
    fn the_cap_is_applied_after_the_shift() {
        let distribution = Distribution::constant(3.0).unwrap();
        let both = distribution.with_shift(2.0).unwrap().with_cap(4.0).unwrap();
        assert_eq!(both.sample(&mut draws(0)), 4.0);
    }

    #[test]
    fn a_constant_takes_no_draw_and_the_others_take_one() {
        for distribution in examples() {
            let mut used = draws(5);
            let _ = distribution.sample(&mut used);
            let mut reference = draws(5);
            match distribution.name() {
                "constant" => {}
                "gamma" => continue,
                _ => {
                    reference.bits();
                }
            }
            assert_eq!(used.bits(), reference.bits(), "{}", distribution.name());
        }
    }

    #[test]
    fn slow_in_one_variant_is_slow_in_the_other() {
        let fast = Distribution::lognormal(1.0, 3.0).unwrap();
        for slow in dressed().iter().filter(|slow| slow.name() != "gamma") {
            let mut pairs: Vec<(f64, f64)> = (0..1000)
                .map(|seed| (fast.sample(&mut draws(seed)), slow.sample(&mut draws(seed))))
                .collect();
            pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(pairs.is_sorted_by(|a, b| a.1 <= b.1), "{slow:?}");
        }
    }

    #[test]
    fn whole_samples_are_rounded_and_saturate() {
        let whole = |value: f64| {
            Distribution::constant(value)
                .unwrap()
                .sample_u64(&mut draws(0))
        };
        assert_eq!(whole(0.0), 0);
        assert_eq!(whole(2.4), 2);
        assert_eq!(whole(2.5), 3);
        let huge = Distribution::pareto(1e18, 0.1).unwrap();
        let mut draws = draws(0);
        assert!((0..100).any(|_| huge.sample_u64(&mut draws) == u64::MAX));
    }

    #[test]
    fn constancy_is_seen_through_every_dress() {
        let constant = |distribution: Distribution| distribution.as_constant();
        assert_eq!(constant(Distribution::constant(4.0).unwrap()), Some(4.0));
        assert_eq!(
            constant(Distribution::uniform(4.0, 4.0).unwrap()),
            Some(4.0)
        );
        let cut = Distribution::pareto(4.0, 1.0)
            .unwrap()
            .with_cap(2.0)
            .unwrap();
        assert_eq!(constant(cut), Some(2.0));
        assert_eq!(constant(Distribution::exponential(4.0).unwrap()), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_the_parameter_and_the_rule() {
        let problem =
            |result: Result<Distribution, ParameterError>| result.unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                problem(Distribution::constant(-1.0)),
                problem(Distribution::constant(f64::NAN)),
                problem(Distribution::exponential(0.0)),
                problem(Distribution::exponential(f64::INFINITY)),
                problem(Distribution::uniform(5.0, 2.0)),
                problem(Distribution::lognormal(5.0, 5.0)),
                problem(Distribution::lognormal(1e-17, 1e17)),
                problem(Distribution::lognormal_from_mean(1.0, -0.5)),
                problem(Distribution::gamma(0.0, 1.0)),
                problem(Distribution::pareto(1.0, 0.01)),
                problem(Distribution::empirical(&[])),
                problem(Distribution::empirical(&[(0.5, 1.0), (0.5, 2.0)])),
                problem(Distribution::empirical(&[(0.5, 2.0), (0.7, 1.0)])),
                problem(Distribution::empirical(&[(50.0, 2.0)])),
                problem(Distribution::constant(1.0).unwrap().with_shift(-2.0)),
                problem(
                    Distribution::constant(1.0)
                        .unwrap()
                        .with_shift(2.0)
                        .unwrap()
                        .with_cap(1.0)
                ),
            ]
            .join("\n"),
            @"
        `value` must be between 0 and 1e18, not -1
        `value` must be between 0 and 1e18, not NaN
        `mean` must be above 0 and at most 1e18, not 0
        `mean` must be above 0 and at most 1e18, not inf
        `low` must be at most `high`: 5 is above 2
        `p99` must be above `median`: 5 is not above 5
        `p99` must be at most 1e10 times `median`, not 1e34
        `sigma` must be between 0 and 10, not -0.5
        `shape` must be between 0.001 and 1e9, not 0
        `exponent` must be between 0.1 and 1e18, not 0.01
        `quantiles` must have at least one pair
        `quantiles` must have rising probabilities: 0.5 follows 0.5
        `quantiles` must have values that do not fall: 1 follows 2
        `quantiles` must have probabilities between 0 and 1, not 50
        `shift` must be between 0 and 1e18, not -2
        `cap` must be at least `shift`: 1 is below 2
        "
        );
    }

    #[test]
    fn every_row_builds_its_own_shape_and_names_what_is_missing() {
        for row in TABLE {
            let required: Vec<&Parameter> = row.parameters.iter().filter(|p| p.required).collect();
            let mut arguments = Arguments::new();
            for parameter in &required {
                let error = (row.build)(&arguments).unwrap_err();
                assert_eq!(
                    (error.parameter, &*error.problem),
                    (parameter.name, "is missing")
                );
                let value = match parameter.kind {
                    Kind::Quantiles => Argument::Pairs(vec![(0.0, 1.0), (1.0, 5.0)]),
                    _ => Argument::Number(2.0),
                };
                arguments.set(parameter.name, value);
            }
            if row.name == "lognormal" {
                arguments.set("median", Argument::Number(2.0));
                arguments.set("p99", Argument::Number(4.0));
            }
            arguments.set("shift", Argument::Number(1.0));
            let distribution = (row.build)(&arguments).unwrap();
            assert_eq!(distribution.name(), row.name);
            assert_eq!(distribution.shift, 1.0);
            assert!(!row.meaning.is_empty());
        }
    }

    #[test]
    fn lognormal_takes_three_pairs_of_parameters_and_no_other() {
        let number = Argument::Number;
        let build = |names: &[&str]| {
            let mut arguments = Arguments::new();
            for (i, name) in names.iter().enumerate() {
                arguments.set(name, number(1.0 + i as f64));
            }
            build_lognormal(&arguments).map_err(|error| error.to_string())
        };
        assert!(build(&["median", "p99"]).is_ok());
        assert!(build(&["median", "sigma"]).is_ok());
        assert!(build(&["mean", "sigma"]).is_ok());
        for wrong in [
            &["median"][..],
            &["mean"],
            &["p99"],
            &["mean", "p99"],
            &["median", "mean"],
            &["median", "p99", "sigma"],
            &["median", "p99", "mean", "sigma"],
            &[],
        ] {
            assert!(build(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn constructors_accept_or_refuse_and_never_yield_a_negative_or_nan(
            a in prop_oneof![proptest::num::f64::ANY, 0.0..100.0],
            b in prop_oneof![proptest::num::f64::ANY, 0.0..100.0],
            seed: u64,
        ) {
            let made = [
                Distribution::constant(a),
                Distribution::uniform(a, b),
                Distribution::exponential(a),
                Distribution::lognormal(a, b),
                Distribution::lognormal_from_mean(a, b),
                Distribution::lognormal_from_median(a, b),
                Distribution::gamma(a, b),
                Distribution::pareto(a, b),
                Distribution::empirical(&[(0.0, a), (1.0, b)]),
            ];
            for distribution in made.into_iter().flatten() {
                let mut draws = draws(seed);
                for _ in 0..20 {
                    let x = distribution.sample(&mut draws);
                    prop_assert!(x >= 0.0 && x.is_finite(), "{distribution:?} gave {x}");
                }
            }
        }

        #[test]
        fn quantiles_rise_with_the_probability(p in 0.0..1.0, q in 0.0..1.0) {
            let (p, q) = if p < q { (p, q) } else { (q, p) };
            for distribution in dressed() {
                prop_assert!(distribution.quantile(p) <= distribution.quantile(q));
            }
        }
    }
}
