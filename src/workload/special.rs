//! Special functions that distributions need, through `libm` only, so that their bits are equal on
//! every platform.

use libm::{erfc, exp, lgamma, log};

/// The value that a standard normal variable exceeds with probability `1 - p`.
///
/// Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
/// Statistics 37 (1988): routine PPND16, relative error about 1e-16. `p` of 0 and 1 give
/// infinities.
#[inline]
pub(super) fn normal_quantile(p: f64) -> f64 {
    let from_middle = p - 0.5;
    if from_middle.abs() <= 0.425 {
        let r = 0.180_625 - from_middle * from_middle;
        return from_middle * ratio(&MIDDLE, r);
    }
    normal_tail(p, from_middle)
}

/// The 15 % of [`normal_quantile`] that need a logarithm.
fn normal_tail(p: f64, from_middle: f64) -> f64 {
    let tail = if from_middle < 0.0 { p } else { 1.0 - p };
    let size = if tail <= 0.0 {
        f64::INFINITY
    } else {
        let r = (-log(tail)).sqrt();
        if r <= 5.0 {
            ratio(&TAIL, r - 1.6)
        } else {
            ratio(&FAR_TAIL, r - 5.0)
        }
    };
    if from_middle < 0.0 { -size } else { size }
}

/// Numerator and denominator of a rational function, coefficients of rising powers.
type Ratio = ([f64; 8], [f64; 8]);

#[inline]
fn ratio((above, below): &Ratio, x: f64) -> f64 {
    polynomial(above, x) / polynomial(below, x)
}

/// Horner's rule; no fused multiply-add, which not every platform has.
#[inline]
fn polynomial(coefficients: &[f64; 8], x: f64) -> f64 {
    let [c0, c1, c2, c3, c4, c5, c6, c7] = *coefficients;
    ((((((c7 * x + c6) * x + c5) * x + c4) * x + c3) * x + c2) * x + c1) * x + c0
}

// The coefficients as the paper prints them.
#[allow(clippy::excessive_precision)]
const MIDDLE: Ratio = (
    [
        3.387_132_872_796_366_608,
        133.141_667_891_784_377_45,
        1_971.590_950_306_551_442_7,
        13_731.693_765_509_461_125,
        45_921.953_931_549_871_457,
        67_265.770_927_008_700_853,
        33_430.575_583_588_128_105,
        2_509.080_928_730_122_672_7,
    ],
    [
        1.0,
        42.313_330_701_600_911_252,
        687.187_007_492_057_908_3,
        5_394.196_021_424_751_107_7,
        21_213.794_301_586_595_867,
        39_307.895_800_092_710_61,
        28_729.085_735_721_942_674,
        5_226.495_278_852_854_561,
    ],
);

// The coefficients as the paper prints them.
#[allow(clippy::excessive_precision)]
const TAIL: Ratio = (
    [
        1.423_437_110_749_683_577_34,
        4.630_337_846_156_545_295_9,
        5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04,
        1.270_458_252_452_368_382_58,
        0.241_780_725_177_450_611_77,
        0.022_723_844_989_269_184_583_3,
        7.745_450_142_783_414_076_4e-4,
    ],
    [
        1.0,
        2.053_191_626_637_758_821_87,
        1.676_384_830_183_803_849_4,
        0.689_767_334_985_100_004_55,
        0.148_103_976_427_480_074_59,
        0.015_198_666_563_616_457_196_6,
        5.475_938_084_995_344_946e-4,
        1.050_750_071_644_416_843_24e-9,
    ],
);

// The coefficients as the paper prints them.
#[allow(clippy::excessive_precision)]
const FAR_TAIL: Ratio = (
    [
        6.657_904_643_501_103_777_2,
        5.463_784_911_164_114_369_9,
        1.784_826_539_917_291_335_8,
        0.296_560_571_828_504_891_23,
        0.026_532_189_526_576_123_093,
        1.242_660_947_388_078_438_6e-3,
        2.711_555_568_743_487_578_15e-5,
        2.010_334_399_292_288_132_65e-7,
    ],
    [
        1.0,
        0.599_832_206_555_887_937_69,
        0.136_929_880_922_735_805_31,
        0.014_875_361_290_850_614_852_5,
        7.868_691_311_456_132_591e-4,
        1.846_318_317_510_054_681_8e-5,
        1.421_511_758_316_445_888_7e-7,
        2.044_263_103_389_939_785_64e-15,
    ],
);

/// Probability that a standard normal variable is at most `z`.
pub(super) fn normal_probability(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The regularised lower incomplete gamma function P(shape, x): the probability that a gamma
/// variable of scale 1 is at most `x`.
///
/// The power series below shape + 1, the continued fraction (modified Lentz) above.
pub(super) fn gamma_probability(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x == f64::INFINITY {
        return 1.0;
    }
    let weight = exp(shape * log(x) - x - lgamma(shape));
    if x < shape + 1.0 {
        let (mut term, mut sum, mut step) = (1.0 / shape, 1.0 / shape, shape);
        while term > sum * 1e-17 {
            step += 1.0;
            term *= x / step;
            sum += term;
        }
        (weight * sum).min(1.0)
    } else {
        let mut b = x + 1.0 - shape;
        let mut c = 1e300;
        let mut d = 1.0 / b;
        let mut fraction = d;
        // The terms number about the square root of the shape; the limit is never met.
        for i in 1..1_000_000 {
            let i = f64::from(i);
            let a = i * (shape - i);
            b += 2.0;
            d = 1.0 / (a * d + b);
            c = b + a / c;
            let change = c * d;
            fraction *= change;
            if (change - 1.0).abs() < 1e-16 {
                break;
            }
        }
        (1.0 - weight * fraction).max(0.0)
    }
}

/// The value that a gamma variable of scale 1 exceeds with probability `1 - p`, by bisection: for
/// reports and checks, not for sampling.
pub(super) fn gamma_quantile(shape: f64, p: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    let (mut low, mut high) = (0.0, shape.max(1.0));
    while gamma_probability(shape, high) < p {
        (low, high) = (high, high * 2.0);
    }
    // Ends when the two are neighbours; small shapes have quantiles far below 1, hence the limit.
    for _ in 0..1200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if gamma_probability(shape, middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_quantile_meets_wichuras_own_test_values() {
        // Printed in the paper for PPND16.
        let values = [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_814),
            (1e-20, -9.262_340_089_798_408),
        ];
        for (p, z) in values {
            let got = normal_quantile(p);
            assert!((got - z).abs() < 2e-15 * z.abs(), "{p}: {got} for {z}");
        }
    }

    #[test]
    fn the_normal_quantile_inverts_the_error_function_in_all_three_regions() {
        for i in -80..=80 {
            let z = f64::from(i) / 10.0;
            let p = normal_probability(z.min(-z));
            let back = normal_quantile(p);
            assert!(
                (back + z.abs()).abs() < 4e-15 * z.abs().max(1.0),
                "{z}: {back}"
            );
            let upper = normal_quantile(1.0 - p);
            // 1 - p has an absolute error of 1e-16, which the density magnifies.
            let allowed = 1e-15 + 2e-16 / exp(-0.5 * z * z).max(1e-16);
            assert!(
                (upper - z.abs()).abs() < allowed * z.abs().max(1.0),
                "{z}: {upper}"
            );
        }
    }

    #[test]
    fn the_normal_quantile_is_odd_and_infinite_at_the_ends() {
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        for p in [0.0625, 0.25, 0.4375] {
            assert_eq!(normal_quantile(p), -normal_quantile(1.0 - p));
        }
    }

    #[test]
    fn the_incomplete_gamma_function_is_that_of_the_erlang_distribution() {
        // P(n, x) = 1 - e^-x sum_{k<n} x^k / k!
        for n in 1..30_u32 {
            for x in [0.1, 1.0, 5.0, 12.5, 40.0] {
                let (mut term, mut sum) = (1.0, 0.0);
                for k in 0..n {
                    sum += term;
                    term *= x / f64::from(k + 1);
                }
                let exact = 1.0 - exp(-x) * sum;
                let got = gamma_probability(f64::from(n), x);
                assert!((got - exact).abs() < 1e-13, "{n} {x}: {got} for {exact}");
            }
        }
    }

    #[test]
    fn the_gamma_quantile_inverts_the_incomplete_gamma_function() {
        for shape in [0.05, 0.5, 1.0, 2.5, 100.0, 1e5] {
            for p in [1e-6, 0.01, 0.5, 0.99, 0.999_999] {
                let x = gamma_quantile(shape, p);
                let back = gamma_probability(shape, x);
                assert!(
                    (back - p).abs() < 1e-9 * p.max(1e-3),
                    "{shape} {p}: {x} {back}"
                );
            }
        }
    }
}
