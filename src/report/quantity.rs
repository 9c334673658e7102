//! Quantities for people: three significant digits and a prefix, `12.3 ms`, `4.50 k/s`, `71.2 %`.
//!
//! Not for programs: JSON and CSV have base units and all digits.

use crate::metrics::Unit;

/// What stands where nothing was measured.
pub const UNMEASURED: &str = "-";

/// A value with its unit: `12.3 ms`, `4.50 k/s`, `3.20 GiB`, `71.2 %`, `1234`.
#[must_use]
pub fn quantity(value: f64, unit: Unit) -> String {
    digits(value, unit, 3)
}

/// The value of the metric `name`. Shares are percentages; `imbalance` is the one ratio that is not
/// a share of anything, and reads as a plain factor.
#[must_use]
pub fn of_metric(name: &str, value: f64, unit: Unit, digits: usize) -> String {
    if is_factor(name, unit) && value.is_finite() {
        return significant(value, digits);
    }
    self::digits(value, unit, digits)
}

/// The difference between two values of the metric `name`; see [`difference`].
#[must_use]
pub fn difference_of_metric(name: &str, value: f64, reference: f64, unit: Unit) -> String {
    let unit = if is_factor(name, unit) {
        Unit::Count
    } else {
        unit
    };
    difference(value, reference, unit)
}

fn is_factor(name: &str, unit: Unit) -> bool {
    unit == Unit::Ratio && name.ends_with("imbalance")
}

/// A whole number with its thousands set apart: `40,000`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// As [`quantity`], with another number of significant digits.
#[must_use]
pub fn digits(value: f64, unit: Unit, digits: usize) -> String {
    if value.is_nan() {
        return UNMEASURED.to_owned();
    }
    if value.is_infinite() {
        let sign = if value < 0.0 { "-" } else { "" };
        return format!("{sign}∞");
    }
    match unit {
        Unit::Ratio => percent(value, digits),
        Unit::Seconds => scaled(
            value,
            digits,
            &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")],
            " s",
        ),
        Unit::Bytes => scaled(
            value,
            digits,
            &[
                (1024.0 * 1024.0 * 1024.0 * 1024.0, " TiB"),
                (1024.0 * 1024.0 * 1024.0, " GiB"),
                (1024.0 * 1024.0, " MiB"),
                (1024.0, " KiB"),
                (1.0, " B"),
            ],
            " B",
        ),
        Unit::BytesPerSecond => format!("{}/s", self::digits(value, Unit::Bytes, digits)),
        Unit::PerSecond => scaled(
            value,
            digits,
            &[
                (1e12, " T/s"),
                (1e9, " G/s"),
                (1e6, " M/s"),
                (1e3, " k/s"),
                (1.0, " /s"),
            ],
            " /s",
        ),
        // Prices are read to the cent while that is worth anything.
        Unit::Money if value.abs() < 99.995 => format!("{value:.2}"),
        Unit::Money if value.abs() < 99_999.5 => format!("{value:.0}"),
        // Small numbers of things are exact.
        Unit::Count if value.fract() == 0.0 && value.abs() < 100_000.0 => format!("{value:.0}"),
        Unit::Count | Unit::Money => scaled(
            value,
            digits,
            &[
                (1e12, " T"),
                (1e9, " G"),
                (1e6, " M"),
                (1e3, " k"),
                (1.0, ""),
            ],
            "",
        ),
    }
}

/// A share as a percentage. Near 100 % it is the small rest that matters (99.9 % and 99.99 % of hits
/// are ten times apart for the database), so two digits of the rest are kept.
fn percent(value: f64, digits: usize) -> String {
    let percent = 100.0 * value;
    let rest = 100.0 - percent;
    if rest > 0.0 && rest < 1.0 {
        // 100 - 99.9 is a little less than 0.1.
        let decimals = decimals_for(rest * (1.0 + 1e-9), 2).clamp(1, 5);
        let text = format!("{percent:.decimals$}");
        // A rest that is too small to be seen.
        if text.starts_with("100") {
            return "100 %".to_owned();
        }
        return format!("{text} %");
    }
    format!("{} %", significant(percent, digits))
}

/// `value` in the largest unit of `scales` (largest first) that is not above it.
fn scaled(value: f64, digits: usize, scales: &[(f64, &str)], bare: &str) -> String {
    if value == 0.0 {
        return format!("0{bare}");
    }
    let last = scales.len() - 1;
    for (index, &(size, name)) in scales.iter().enumerate() {
        // Half a digit less than one of this unit would be printed as 1000 of the next one.
        let least = size * (1.0 - 0.5 / libm::pow(10.0, digits as f64));
        if value.abs() >= least || index == last {
            return format!("{}{name}", significant(value / size, digits));
        }
    }
    unreachable!("the last scale takes everything")
}

/// `value` with so many significant digits; what prefixes cannot reach is in exponential notation.
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.abs() >= 1e6 || value.abs() < 1e-5 {
        return format!("{value:.*e}", digits - 1);
    }
    let decimals = decimals_for(value, digits);
    let text = format!("{value:.decimals$}");
    // Rounding may have carried into one more digit: 9.996 is 10.0, not 10.00.
    let shorter = decimals_for(text.parse().unwrap_or(value), digits);
    if shorter < decimals {
        format!("{value:.shorter$}")
    } else {
        text
    }
}

/// Decimals after the point for so many significant digits.
fn decimals_for(value: f64, digits: usize) -> usize {
    if value == 0.0 {
        return 0;
    }
    let magnitude = libm::floor(libm::log10(value.abs())) as i64;
    usize::try_from(digits as i64 - 1 - magnitude).unwrap_or(0)
}

/// How far `value` is from `reference`, for people: `+12.3 %`; `+1.20 pp` (percentage points) between
/// shares, where a percentage of a percentage would be read wrongly; a factor where a percentage
/// would be too large to grasp (`×12.3`).
#[must_use]
pub fn difference(value: f64, reference: f64, unit: Unit) -> String {
    if value.is_nan() || reference.is_nan() {
        return UNMEASURED.to_owned();
    }
    let difference = value - reference;
    if difference == 0.0 {
        return "=".to_owned();
    }
    if unit == Unit::Ratio {
        return signed(100.0 * difference, "pp");
    }
    if reference == 0.0 {
        // No percentage of nothing; the two values stand side by side anyway.
        return "new".to_owned();
    }
    let factor = value / reference;
    if factor >= 10.0 {
        return format!("×{}", significant(factor, 3));
    }
    signed(100.0 * difference / reference.abs(), "%")
}

/// As [`difference_of_metric`], followed by half of the width of its interval: `+65.3 ±4.1 %`. The
/// two are in the metric's unit; `relative_half_width` is that of the difference as a share of
/// `reference`.
#[must_use]
pub fn difference_with_interval(
    name: &str,
    (value, reference): (f64, f64),
    (half_width, relative_half_width): (f64, f64),
    unit: Unit,
) -> String {
    let text = difference_of_metric(name, value, reference, unit);
    let is_points = unit == Unit::Ratio && !is_factor(name, unit);
    let width = 100.0
        * if is_points {
            half_width
        } else {
            relative_half_width
        };
    match text.rsplit_once(' ') {
        Some((number, sign)) if width.is_finite() => {
            format!("{number} ±{} {sign}", width_of(width))
        }
        None if text.starts_with('×') && width.is_finite() => {
            format!("{text} ±{}", width_of(width / 100.0))
        }
        _ => text,
    }
}

/// Half of the width of the interval of a mean: `±1.2 %` of it, or percentage points of a share.
#[must_use]
pub fn half_width_of_metric(name: &str, mean: f64, half_width: f64, unit: Unit) -> String {
    if !half_width.is_finite() || half_width == 0.0 || mean == 0.0 {
        return String::new();
    }
    if unit == Unit::Ratio && !is_factor(name, unit) {
        return format!("±{} pp", width_of(100.0 * half_width));
    }
    format!("±{} %", width_of(100.0 * half_width / mean.abs()))
}

/// Two digits: more would claim to know how unsure we are.
fn width_of(width: f64) -> String {
    match width {
        width if width >= 9.95 => format!("{width:.0}"),
        width if width >= 0.095 => format!("{width:.1}"),
        width if width >= 0.005 => format!("{width:.2}"),
        _ => "0".to_owned(),
    }
}

/// With its sign: one decimal, none for large numbers, two for small ones, `≈` for tiny ones.
fn signed(value: f64, unit: &str) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 0.095 => 1,
        size if size >= 0.005 => 2,
        _ => return "≈".to_owned(),
    };
    format!("{value:+.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_have_three_digits_and_a_prefix() {
        for (value, unit, text) in [
            (0.0123, Unit::Seconds, "12.3 ms"),
            (0.000_000_5, Unit::Seconds, "500 ns"),
            (0.000_012, Unit::Seconds, "12.0 µs"),
            (1.0, Unit::Seconds, "1.00 s"),
            (312.4, Unit::Seconds, "312 s"),
            (0.0, Unit::Seconds, "0 s"),
            (4500.0, Unit::PerSecond, "4.50 k/s"),
            (312.0, Unit::PerSecond, "312 /s"),
            (1_572_864.0, Unit::BytesPerSecond, "1.50 MiB/s"),
            (0.0012, Unit::PerSecond, "0.00120 /s"),
            (0.712, Unit::Ratio, "71.2 %"),
            (0.0, Unit::Ratio, "0 %"),
            (1.0, Unit::Ratio, "100 %"),
            (1.337, Unit::Ratio, "134 %"),
            (3.0 * 1024.0 * 1024.0 * 1024.0, Unit::Bytes, "3.00 GiB"),
            (1000.0, Unit::Bytes, "1000 B"),
            (1234.0, Unit::Count, "1234"),
            (12.4, Unit::Count, "12.4"),
            (1_234_567.0, Unit::Count, "1.23 M"),
            (f64::NAN, Unit::Count, "-"),
            (f64::INFINITY, Unit::Seconds, "∞"),
        ] {
            assert_eq!(quantity(value, unit), text);
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        let texts = [0, 12, 999, 1000, 40_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1,000", "40,000", "1,234,567"]);
    }

    #[test]
    fn rounding_up_to_the_next_prefix_takes_that_prefix() {
        assert_eq!(quantity(0.000_999_6, Unit::Seconds), "1.00 ms");
        assert_eq!(quantity(999.7, Unit::PerSecond), "1.00 k/s");
        assert_eq!(quantity(0.009_996, Unit::Seconds), "10.0 ms");
    }

    #[test]
    fn shares_near_one_keep_two_digits_of_the_rest() {
        for (value, text) in [
            (0.989, "98.9 %"),
            (0.9912, "99.12 %"),
            (0.999, "99.90 %"),
            (0.999_87, "99.987 %"),
            (0.999_999_999_9, "100 %"),
        ] {
            assert_eq!(quantity(value, Unit::Ratio), text);
        }
    }

    #[test]
    fn differences_carry_half_of_their_interval() {
        let qps = |value, width| {
            difference_with_interval(
                "database.qps.mean",
                (value, 100.0),
                (0.0, width),
                Unit::PerSecond,
            )
        };
        assert_eq!(qps(165.3, 0.041), "+65.3 ±4.1 %");
        assert_eq!(qps(1200.0, 0.31), "×12.0 ±0.3");
        assert_eq!(qps(100.0, 0.0), "=");
        assert_eq!(qps(88.0, 0.000_01), "-12.0 ±0 %");
        let share = difference_with_interval("hit_ratio", (0.75, 0.7), (0.004, 0.1), Unit::Ratio);
        assert_eq!(share, "+5.0 ±0.4 pp");
        assert_eq!(
            half_width_of_metric("latency.p99", 0.1, 0.002, Unit::Seconds),
            "±2.0 %"
        );
        assert_eq!(
            half_width_of_metric("hit_ratio", 0.9, 0.002, Unit::Ratio),
            "±0.2 pp"
        );
    }

    #[test]
    fn imbalance_is_a_factor_and_not_a_percentage() {
        let name = "tier.redis.imbalance";
        assert_eq!(of_metric(name, 1.337, Unit::Ratio, 3), "1.34");
        assert_eq!(of_metric(name, f64::NAN, Unit::Ratio, 3), "-");
        assert_eq!(difference_of_metric(name, 1.5, 1.2, Unit::Ratio), "+25.0 %");
    }

    #[test]
    fn differences_are_relative_but_between_shares_absolute() {
        for (value, reference, unit, text) in [
            (11.0, 10.0, Unit::Seconds, "+10.0 %"),
            (5.0, 10.0, Unit::Seconds, "-50.0 %"),
            (30.0, 10.0, Unit::PerSecond, "+200 %"),
            (123.0, 10.0, Unit::PerSecond, "×12.3"),
            (0.75, 0.7, Unit::Ratio, "+5.0 pp"),
            (0.9997, 0.9995, Unit::Ratio, "+0.02 pp"),
            (9995.4, 10_000.0, Unit::PerSecond, "-0.05 %"),
            (9999.9, 10_000.0, Unit::PerSecond, "≈"),
            (0.7, 0.7, Unit::Ratio, "="),
            (3.0, 0.0, Unit::Count, "new"),
            (f64::NAN, 1.0, Unit::Count, "-"),
            (1.0, f64::NAN, Unit::Count, "-"),
        ] {
            assert_eq!(difference(value, reference, unit), text);
        }
    }

    proptest! {
        #[test]
        fn every_number_has_a_short_spelling(bits: u64) {
            let value = f64::from_bits(bits);
            for unit in [Unit::Seconds, Unit::Bytes, Unit::BytesPerSecond, Unit::PerSecond, Unit::Ratio, Unit::Count, Unit::Money] {
                let text = quantity(value, unit);
                prop_assert!(!text.is_empty() && text.chars().count() <= 18, "{}", text);
                prop_assert!(!difference(value, 1.0, unit).is_empty());
            }
        }

        #[test]
        fn spelling_is_right_to_three_digits(value in 1e-9_f64..1e12) {
            let text = quantity(value, Unit::PerSecond);
            let (number, unit) = text.split_once(' ').unwrap();
            let size = match unit { "/s" => 1.0, "k/s" => 1e3, "M/s" => 1e6, "G/s" => 1e9, _ => 1e12 };
            let back = number.parse::<f64>().unwrap() * size;
            prop_assert!((back / value - 1.0).abs() < 0.0051, "{} {}", value, text);
        }
    }
}
