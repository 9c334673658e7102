//! Ranks under Zipf's law: rank r comes up in proportion to r^-exponent. For workloads and for
//! traces that are made up. Not here: which key has which rank.
//!
//! Rejection-inversion: W. Hoermann and G. Derflinger, "Rejection-inversion to generate variates
//! from monotone discrete distributions", ACM TOMACS 6 (1996). Exact, constant time and a few words
//! of memory for any number of keys, and seldom more than one draw. Their method is for exponents
//! above 1; written with expm1 and log1p it goes through 1 smoothly, and works for exponents down to
//! 0 because the keys are finite in number.

use libm::{exp, exp2, expm1, log, log1p, pow};

use super::Draws;

/// A Zipf distribution over positions `0..count`.
#[derive(Clone, Debug)]
pub struct Zipf {
    count: u64,
    exponent: f64,
    hat: Hat,
    /// Where the area under the hat begins and how wide it is, as values of [`Hat::area`].
    begin: f64,
    width: f64,
    /// Up to here it is rank 1.
    first_ends: f64,
    /// A rank that is no further than this above the drawn point is accepted unseen.
    near: f64,
    /// One over the sum of r^-exponent over all ranks.
    scale: f64,
}

/// The hat function x^-exponent and its integral from 1.
#[derive(Clone, Copy, Debug)]
struct Hat {
    exponent: f64,
    /// a = 1 - exponent.
    a: f64,
    /// 1 / a; unused where a is 0.
    inverse_a: f64,
}

impl Hat {
    fn new(exponent: f64) -> Self {
        let a = 1.0 - exponent;
        Self {
            exponent,
            a,
            inverse_a: 1.0 / a,
        }
    }

    fn height(&self, x: f64) -> f64 {
        exp(-self.exponent * log(x))
    }

    /// The integral of the hat from 1 to `x`: (x^a - 1) / a, and ln x in the limit of a = 0.
    #[inline]
    fn area(&self, x: f64) -> f64 {
        if self.a == 0.0 {
            log(x)
        } else {
            expm1(self.a * log(x)) * self.inverse_a
        }
    }

    /// The `x` with that area.
    #[inline]
    fn point(&self, area: f64) -> f64 {
        let logarithm = if self.a == 0.0 {
            area
        } else {
            // Rounding may take the product a hair below -1, in a tail of no probability.
            let grown = (self.a * area).max(-1.0);
            // The plain logarithm is faster, and good to 1e-13 where the exponent is not too near 1.
            let logarithm = if self.a.abs() > 1e-3 {
                log(1.0 + grown)
            } else {
                log1p(grown)
            };
            logarithm * self.inverse_a
        };
        // 2^x is twice as fast in `libm` as e^x.
        exp2(logarithm * std::f64::consts::LOG2_E)
    }
}

impl Zipf {
    /// `count` ranks, from 1 to 2^62 (what is outside counts as the nearer of these), under
    /// `exponent`, which is 0 or more; 0 makes all equally popular.
    #[must_use]
    pub fn new(count: u64, exponent: f64) -> Self {
        let count = count.clamp(1, 1 << 62);
        let hat = Hat::new(exponent);
        // The bar of rank 1 is 1 wide and 1 high whatever the hat is there.
        let begin = hat.area(1.5) - 1.0;
        Self {
            count,
            exponent,
            hat,
            begin,
            width: hat.area(count as f64 + 0.5) - begin,
            first_ends: hat.area(1.5),
            near: 2.0 - hat.point(hat.area(2.5) - hat.height(2.0)),
            scale: 1.0 / power_sum(count, exponent),
        }
    }

    /// How many ranks there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The share of requests for `position` (rank - 1), which is below `count`.
    #[must_use]
    pub fn probability(&self, position: u64) -> f64 {
        pow(position as f64 + 1.0, -self.exponent) * self.scale
    }

    /// A position. Small draws give hot positions.
    #[inline]
    pub fn draw(&self, draws: &mut Draws) -> u64 {
        if self.exponent == 0.0 {
            return draws.below(self.count);
        }
        self.draw_by(|| draws.unit())
    }

    /// A position from numbers between 0 and 1, of which small ones give hot positions.
    #[inline]
    pub fn draw_by(&self, mut unit: impl FnMut() -> f64) -> u64 {
        loop {
            let area = self.begin + unit() * self.width;
            if area <= self.first_ends {
                return 0;
            }
            let x = self.hat.point(area);
            // Casts saturate; the signed one is cheap, and spares a call of `floor`.
            let rank = ((x + 0.5) as i64).clamp(1, self.count as i64);
            let whole = rank as f64;
            // The bar of a rank, as wide as 1 and with its right edge half above the rank, fills
            // the upper part of the hat's area there; most points can be seen to lie in it
            // without computing that area.
            if whole - x <= self.near || area >= self.hat.area(whole + 0.5) - self.hat.height(whole)
            {
                return rank as u64 - 1;
            }
        }
    }
}

/// The sum of r^-exponent over ranks 1 to `count` (a generalised harmonic number), to about 15
/// digits: term by term up to a thousand, then by the Euler-Maclaurin formula.
#[must_use]
pub fn power_sum(count: u64, exponent: f64) -> f64 {
    let direct = count.min(1000);
    // From the small terms to the large ones, so that none is rounded away.
    let head: f64 = (1..=direct)
        .rev()
        .map(|rank| pow(rank as f64, -exponent))
        .sum();
    if count == direct {
        return head;
    }
    let (from, to) = ((direct + 1) as f64, count as f64);
    let hat = Hat::new(exponent);
    let height = |x: f64| pow(x, -exponent);
    let slope = |x: f64| -exponent * height(x) / x;
    let third = |x: f64| -exponent * (exponent + 1.0) * (exponent + 2.0) * height(x) / (x * x * x);
    // The integral from `from` to `to`, by way of their ratio: the difference of two areas would
    // cancel for large exponents.
    let integral = height(from) * from * hat.area(to / from);
    let tail = integral + 0.5 * (height(from) + height(to)) + (slope(to) - slope(from)) / 12.0
        - (third(to) - third(from)) / 720.0;
    head + tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Luck;

    const EXPONENTS: [f64; 12] = [
        0.0,
        0.1,
        0.5,
        0.8,
        0.99,
        1.0,
        1.0 + 1e-9,
        1.01,
        1.2,
        2.0,
        3.0,
        20.0,
    ];

    fn slow_power_sum(count: u64, exponent: f64) -> f64 {
        (1..=count)
            .rev()
            .map(|rank| pow(rank as f64, -exponent))
            .sum()
    }

    #[test]
    fn power_sums_are_those_of_adding_up() {
        for exponent in EXPONENTS {
            for count in [1, 10, 999, 1000, 1001, 5000, 300_000] {
                let exact = slow_power_sum(count, exponent);
                let got = power_sum(count, exponent);
                assert!(
                    (got / exact - 1.0).abs() < 1e-13,
                    "{count} {exponent}: {got} {exact}"
                );
            }
        }
        // zeta(2), less its tail of 1/n - 1/2n^2.
        let zeta = std::f64::consts::PI.powi(2) / 6.0 - 1e-8 + 0.5e-16;
        assert!((power_sum(100_000_000, 2.0) - zeta).abs() < 1e-15);
    }

    #[test]
    fn area_and_point_are_each_others_inverse_also_around_exponent_one() {
        for exponent in [
            0.3,
            0.999_999,
            1.0 - 1e-12,
            1.0,
            1.0 + 1e-15,
            1.000_001,
            1.7,
        ] {
            let hat = Hat::new(exponent);
            for x in [0.5, 1.0, 1.5, 10.5, 1e4, 1e8] {
                let back = hat.point(hat.area(x));
                // The area of a steep hat saturates; its inverse loses what the area lost.
                let allowed = if exponent > 1.5 { 1e-9 } else { 1e-13 };
                assert!((back / x - 1.0).abs() < allowed, "{exponent} {x}: {back}");
            }
        }
    }

    #[test]
    fn the_hat_goes_smoothly_through_exponent_one() {
        for x in [1.5, 100.0, 1e8] {
            let at_one = Hat::new(1.0).area(x);
            for off in [1e-10, -1e-10, 1e-14, -1e-14] {
                let near = Hat::new(1.0 + off).area(x);
                // d(area)/d(exponent) = -ln^2(x) / 2
                assert!(
                    (near - at_one + off * at_one * at_one / 2.0).abs() < 1e-12,
                    "{x} {off}"
                );
            }
        }
    }

    #[test]
    fn what_is_accepted_unseen_would_be_accepted() {
        // The quick test is right if no rank's bar begins nearer to it than `near`.
        for exponent in EXPONENTS {
            let zipf = Zipf::new(1_000_000, exponent);
            for rank in (2..2000).chain([10_000, 100_000]) {
                let rank = f64::from(rank);
                if exponent > 3.0 && rank > 4.0 {
                    continue; // the area no longer tells such ranks apart
                }
                let begins = zipf
                    .hat
                    .point(zipf.hat.area(rank + 0.5) - zipf.hat.height(rank));
                assert!(
                    rank - begins >= zipf.near - 1e-7,
                    "{exponent} {rank}: {begins}"
                );
            }
        }
    }

    /// Upper 1e-4 point of chi-square with `freedom` degrees (Wilson and Hilferty).
    fn chi_square_limit(freedom: f64) -> f64 {
        let h = 2.0 / (9.0 * freedom);
        freedom * (1.0 - h + 3.719 * h.sqrt()).powi(3)
    }

    #[test]
    fn ranks_come_up_with_their_exact_probabilities() {
        for (number, exponent) in EXPONENTS.into_iter().enumerate() {
            for count in [1, 2, 3, 10, 1000] {
                let zipf = Zipf::new(count, exponent);
                let stream = Luck::new(number as u64, count).stream("zipf");
                let many = 100_000;
                let mut seen = vec![0_u64; count as usize];
                for index in 0..many {
                    seen[zipf.draw(&mut stream.at(index)) as usize] += 1;
                }
                // Ranks from the cold end are pooled until at least 10 are expected.
                let (mut chi_square, mut classes) = (0.0, 0.0);
                let (mut expected, mut observed) = (0.0, 0.0);
                for position in (0..count).rev() {
                    expected += zipf.probability(position) * many as f64;
                    observed += seen[position as usize] as f64;
                    if expected >= 10.0 || position == 0 {
                        chi_square += (observed - expected).powi(2) / expected;
                        classes += 1.0;
                        (expected, observed) = (0.0, 0.0);
                    }
                }
                let limit = if classes > 1.0 {
                    chi_square_limit(classes - 1.0)
                } else {
                    1e-9
                };
                assert!(
                    chi_square <= limit,
                    "{exponent} {count}: {chi_square} > {limit}"
                );
            }
        }
    }

    #[test]
    fn a_hundred_million_keys_have_the_right_shares_and_moments() {
        let count = 100_000_000;
        for (number, exponent) in [0.0, 0.5, 0.8, 0.99, 1.0, 1.2, 2.0, 3.0]
            .into_iter()
            .enumerate()
        {
            let zipf = Zipf::new(count, exponent);
            let stream = Luck::new(9, number as u64).stream("zipf");
            let many = 100_000;
            let limits = [1, 2, 10, 100, 10_000, 1_000_000, 50_000_000];
            let mut up_to = [0_u64; 7];
            let (mut sum, mut squares) = (0.0, 0.0);
            for index in 0..many {
                let position = zipf.draw(&mut stream.at(index));
                assert!(position < count);
                for (limit, seen) in limits.iter().zip(&mut up_to) {
                    *seen += u64::from(position < *limit);
                }
                let rank = position as f64 + 1.0;
                sum += rank.recip();
                squares += rank.recip() * rank.recip();
            }
            for (limit, seen) in limits.into_iter().zip(up_to) {
                let p = power_sum(limit, exponent) * zipf.scale;
                let allowed = 4.5 * (many as f64 * p * (1.0 - p)).max(0.0).sqrt() + 1.0;
                let off = seen as f64 - many as f64 * p;
                assert!(off.abs() <= allowed, "{exponent}: {off} at rank {limit}");
            }
            // E[1/rank] = H(s + 1) / H(s), and its square with s + 2.
            let mean = power_sum(count, exponent + 1.0) * zipf.scale;
            let square = power_sum(count, exponent + 2.0) * zipf.scale;
            let allowed = 4.5 * ((square - mean * mean) / many as f64).sqrt();
            assert!((sum / many as f64 - mean).abs() <= allowed, "{exponent}");
            // Its fourth moment is below its second: a bound on the error of the square.
            let allowed = 4.5 * (square / many as f64).sqrt();
            assert!(
                (squares / many as f64 - square).abs() <= allowed,
                "{exponent}"
            );
        }
    }

    #[test]
    fn most_requests_need_one_draw() {
        for exponent in EXPONENTS {
            let zipf = Zipf::new(1_000_000, exponent);
            let mut more = 0;
            for seed in 0..10_000 {
                let mut draws = Draws::from_seed(seed);
                let _ = zipf.draw(&mut draws);
                let mut one = Draws::from_seed(seed);
                one.bits();
                more += u64::from(draws.bits() != one.bits());
            }
            assert!(more < 1000, "{exponent}: {more}");
        }
    }

    #[test]
    fn counts_that_no_list_could_have_are_no_special_case() {
        let mut draws = Draws::from_seed(1);
        for count in [1 << 52, 1 << 62, u64::MAX] {
            let zipf = Zipf::new(count, 0.5);
            assert!((0..1000).all(|_| zipf.draw_by(|| draws.unit()) < 1 << 62));
            assert!(zipf.draw_by(|| 1.0) < 1 << 62 && zipf.draw_by(|| 0.0) == 0);
        }
        assert_eq!(Zipf::new(0, 1.0).draw(&mut draws), 0);
    }

    #[test]
    fn a_single_key_is_always_drawn() {
        for exponent in EXPONENTS {
            let zipf = Zipf::new(1, exponent);
            assert!((0..100).all(|seed| zipf.draw(&mut Draws::from_seed(seed)) == 0));
            assert!((zipf.probability(0) - 1.0).abs() < 1e-15);
        }
    }
}
