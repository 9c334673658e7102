//! Where numbers stand along an axis, and how they are spelled.

use super::figure::{Axis, Kind, Spacing};

/// Beyond this, values are drawn at the end of the axis: sums and differences must not overflow.
const HUGE: f64 = 1e290;

/// An axis that has been fitted to values: maps a value to 0..1 along it.
#[derive(Clone, Debug)]
pub struct Scale {
    low: f64,
    high: f64,
    spacing: Fitted,
    /// (value, text) from low to high.
    pub ticks: Vec<(f64, String)>,
    /// Values between the ticks at which a fine line helps.
    pub fine_ticks: Vec<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fitted {
    Linear,
    /// The share of the axis, at its low end, that is set apart for zero.
    Logarithmic {
        zero: f64,
    },
    Nines,
}

/// The share of a logarithmic axis that is set apart for zero when there are zeros.
const ZERO_SHARE: f64 = 0.07;

impl Scale {
    /// Fits `axis` to values. `about` is how many numbers there is space for. A tight axis ends at
    /// the outermost values, others at the next round numbers.
    #[must_use]
    pub fn fit(axis: &Axis, values: impl Iterator<Item = f64>, about: usize, tight: bool) -> Self {
        let mut values: Vec<f64> = values
            .filter(|value| value.is_finite())
            .map(|value| value.clamp(-HUGE, HUGE))
            .collect();
        values.sort_by(f64::total_cmp);
        if axis.kind == Kind::Nines {
            return Self::nines(&values);
        }
        let positive = values.iter().copied().find(|&value| value > 1e-290);
        let logarithmic = match (axis.spacing, positive) {
            (Spacing::Linear, _) | (_, None) => None,
            (Spacing::Logarithmic, Some(least)) => Some(least),
            (Spacing::Automatic, Some(least)) => {
                Some(least).filter(|least| values[values.len() - 1] / least > 100.0)
            }
        };
        match logarithmic {
            Some(least) => Self::logarithmic(axis.kind, &values, least, about, tight),
            None => Self::linear(axis.kind, &values, about, tight),
        }
    }

    fn linear(kind: Kind, values: &[f64], about: usize, tight: bool) -> Self {
        let (mut low, mut high) = match (values.first(), values.last()) {
            (Some(&low), Some(&high)) => (low, high),
            _ => (0.0, 1.0),
        };
        // Heights are compared with the eye, so an axis of amounts begins at zero. Shares near one
        // are the exception: 98 % and 99 % of hits are two different worlds.
        if kind == Kind::Share {
            if low <= 0.8 {
                low = low.min(0.0);
            }
            if low >= 0.0 && high <= 1.0 && (high > 0.8 || low > 0.0) {
                high = 1.0;
            }
        } else {
            low = low.min(0.0);
        }
        if high <= low {
            high = if low == 0.0 { 1.0 } else { low + low.abs() };
        }
        let step = round_step(kind, (high - low) / about.max(1) as f64);
        let (first, last) = if tight {
            (
                libm::ceil(low / step - 1e-9) as i64,
                libm::floor(high / step + 1e-9) as i64,
            )
        } else {
            (
                libm::floor(low / step + 1e-9) as i64,
                libm::ceil(high / step - 1e-9) as i64,
            )
        };
        let ticks: Vec<f64> = (first..=last).map(|tick| tick as f64 * step).collect();
        if !tight {
            low = ticks[0];
            high = ticks[ticks.len() - 1];
        }
        Self {
            ticks: ticks
                .iter()
                .map(|&tick| (tick, spell(kind, tick, step, high)))
                .collect(),
            fine_ticks: Vec::new(),
            low,
            high,
            spacing: Fitted::Linear,
        }
    }

    fn logarithmic(kind: Kind, values: &[f64], least: f64, about: usize, tight: bool) -> Self {
        let greatest = values[values.len() - 1];
        let has_zero = values[0] < least;
        let (base, factors): (f64, &[f64]) = if kind == Kind::Bytes {
            (1024.0, &[1.0, 4.0, 16.0, 64.0, 256.0])
        } else {
            (10.0, &[1.0, 2.0, 5.0])
        };
        // The ends are round numbers at or beyond the values.
        let rungs = rungs(base, factors, least, greatest);
        let low = rungs
            .iter()
            .rev()
            .copied()
            .find(|&rung| rung <= least * (1.0 + 1e-9))
            .unwrap_or(least);
        let mut high = rungs
            .iter()
            .copied()
            .find(|&rung| rung >= greatest * (1.0 - 1e-9) && rung > low)
            .unwrap_or(greatest);
        let mut low = low;
        if tight && least < greatest {
            (low, high) = (least, greatest);
        }
        // A tight axis of one value has it in the middle, with no numbers around it that nothing is at.
        let is_single = tight && least >= greatest && !has_zero;
        if is_single {
            (low, high) = (least / 2.0, least * 2.0);
        }
        if high <= low {
            high = 2.0 * low;
        }
        let inside = |value: f64| value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9);
        let powers: Vec<f64> = rungs
            .iter()
            .copied()
            .filter(|&rung| inside(rung) && is_power(rung, base))
            .collect();
        let all: Vec<f64> = rungs.iter().copied().filter(|&rung| inside(rung)).collect();
        let (named, fine) = if is_single {
            (vec![least], Vec::new())
        } else if all.len() <= about + 1 {
            (all, Vec::new())
        } else if powers.len() >= 2 {
            // Every power, or every second one, third one ... when there are too many.
            let every = powers.len().div_ceil(about + 1).max(1);
            let named: Vec<f64> = powers.iter().copied().step_by(every).collect();
            let fine = if powers.len() > 60 {
                Vec::new()
            } else if every == 1 && kind != Kind::Bytes {
                powers
                    .iter()
                    .chain(std::iter::once(&(powers[0] / base)))
                    .flat_map(|power| (2..10).map(move |factor| power * f64::from(factor)))
                    .filter(|&value| value > low && value < high)
                    .collect()
            } else {
                powers
            };
            (named, fine)
        } else {
            (all, Vec::new())
        };
        let mut ticks: Vec<(f64, String)> = named
            .into_iter()
            .map(|tick| (tick, spell(kind, tick, tick, tick)))
            .collect();
        let zero = if has_zero { ZERO_SHARE } else { 0.0 };
        if has_zero {
            ticks.insert(0, (0.0, spell(kind, 0.0, low, low)));
        }
        Self {
            low,
            high,
            spacing: Fitted::Logarithmic { zero },
            ticks,
            fine_ticks: fine,
        }
    }

    fn nines(values: &[f64]) -> Self {
        const MARKS: [(f64, &str); 9] = [
            (0.0, "0 %"),
            (0.5, "50 %"),
            (0.9, "90 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
            (0.9999, "99.99 %"),
            (0.99999, "99.999 %"),
            (0.999_999, "99.9999 %"),
            (0.999_999_9, "99.99999 %"),
        ];
        let greatest = values
            .iter()
            .copied()
            .filter(|&value| value < 1.0)
            .fold(0.9, f64::max)
            .min(MARKS[MARKS.len() - 1].0);
        let fine_ticks = (0..7)
            .flat_map(|nines| (2..10).map(move |k| (nines, f64::from(k))))
            .map(|(nines, k)| 1.0 - k * libm::pow(10.0, -f64::from(nines) - 1.0))
            .filter(|&value| value < greatest)
            .collect();
        Self {
            low: 0.0,
            high: greatest,
            spacing: Fitted::Nines,
            ticks: MARKS
                .iter()
                .filter(|(value, _)| *value <= greatest)
                .map(|&(value, text)| (value, text.to_owned()))
                .collect(),
            fine_ticks,
        }
    }

    /// Where `value` stands: 0 at the low end of the axis, 1 at its high end; never outside.
    #[must_use]
    pub fn place(&self, value: f64) -> f64 {
        let value = value.clamp(-1e300, 1e300);
        let place = match self.spacing {
            Fitted::Linear => (value - self.low) / (self.high - self.low),
            Fitted::Logarithmic { .. } if value <= 0.0 => 0.0,
            Fitted::Logarithmic { zero } => {
                // The quotients of the values themselves might overflow.
                let log = libm::log;
                let place = (log(value) - log(self.low)) / (log(self.high) - log(self.low));
                zero + (1.0 - zero) * place.max(0.0)
            }
            Fitted::Nines => {
                let nines = |value: f64| -libm::log10(1.0 - value);
                if value >= 1.0 {
                    1.0
                } else {
                    nines(value) / nines(self.high)
                }
            }
        };
        place.clamp(0.0, 1.0)
    }

    /// As [`Scale::place`], but a value beyond the ends of a linear axis is placed beyond 0..1.
    #[must_use]
    pub fn place_beyond(&self, value: f64) -> f64 {
        if self.spacing == Fitted::Linear {
            (value.clamp(-HUGE, HUGE) - self.low) / (self.high - self.low)
        } else {
            self.place(value)
        }
    }

    /// For a logarithmic axis with zeros: where its break is.
    #[must_use]
    pub fn break_at(&self) -> Option<f64> {
        match self.spacing {
            Fitted::Logarithmic { zero } if zero > 0.0 => Some(zero / 2.0),
            _ => None,
        }
    }
}

/// The round numbers around `least` and `greatest`: one power of `base` beyond both.
fn rungs(base: f64, factors: &[f64], least: f64, greatest: f64) -> Vec<f64> {
    let exponent = |value: f64| libm::floor(libm::log(value) / libm::log(base) + 1e-9) as i32;
    (exponent(least) - 1..=exponent(greatest) + 1)
        .flat_map(|power| {
            factors.iter().map(move |factor| {
                // Negative powers by division: 1 / 1000 is nearer to 0.001 than 10^-3 computed.
                let size = libm::pow(base, f64::from(power.abs()));
                if power < 0 {
                    factor / size
                } else {
                    factor * size
                }
            })
        })
        .filter(|rung| rung.is_finite() && *rung > 0.0)
        .collect()
}

fn is_power(value: f64, base: f64) -> bool {
    let exponent = libm::log(value) / libm::log(base);
    (exponent - libm::round(exponent)).abs() < 1e-9
}

/// The smallest round step that is at least `step`.
fn round_step(kind: Kind, step: f64) -> f64 {
    const CLOCK: [f64; 24] = [
        1.0,
        2.0,
        5.0,
        10.0,
        15.0,
        30.0,
        60.0,
        120.0,
        300.0,
        600.0,
        900.0,
        1800.0,
        3600.0,
        7200.0,
        10_800.0,
        21_600.0,
        43_200.0,
        86_400.0,
        172_800.0,
        345_600.0,
        604_800.0,
        1_209_600.0,
        2_592_000.0,
        7_776_000.0,
    ];
    if kind == Kind::Clock
        && step > 0.5
        && let Some(&round) = CLOCK.iter().find(|&&round| round >= step * (1.0 - 1e-9))
    {
        return round;
    }
    let base: f64 = if kind == Kind::Bytes && step >= 1.0 {
        2.0
    } else {
        10.0
    };
    let exponent = libm::floor(libm::log(step) / libm::log(base)) as i32;
    let factors: &[f64] = if base == 2.0 {
        &[1.0, 2.0]
    } else {
        &[1.0, 2.0, 5.0, 10.0]
    };
    let size = libm::pow(base, f64::from(exponent.abs()));
    factors
        .iter()
        .map(|factor| {
            if exponent < 0 {
                factor / size
            } else {
                factor * size
            }
        })
        .find(|&round| round >= step * (1.0 - 1e-9))
        .unwrap_or(step)
}

/// A number on an axis with steps of `step` up to `high`: all numbers of a linear axis have the
/// same unit and the same number of decimals.
fn spell(kind: Kind, value: f64, step: f64, high: f64) -> String {
    let (size, unit) = match kind {
        Kind::Number => *pick(
            high,
            &[
                (1e12, " T"),
                (1e9, " G"),
                (1e6, " M"),
                (1e3, " k"),
                (1.0, ""),
            ],
        ),
        Kind::Seconds => *pick(
            high,
            &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")],
        ),
        Kind::Bytes => *pick(
            high,
            &[
                (1_099_511_627_776.0, " TiB"),
                (1_073_741_824.0, " GiB"),
                (1_048_576.0, " MiB"),
                (1024.0, " KiB"),
                (1.0, " B"),
            ],
        ),
        Kind::Share | Kind::Nines => (0.01, " %"),
        Kind::Clock => return clock(value, step, high),
    };
    if value == 0.0 {
        // No unit is needed to say that there is nothing.
        return "0".to_owned() + if kind == Kind::Share { " %" } else { "" };
    }
    let (value, step) = (value / size, step / size);
    if value.abs() >= 1e6 || value.abs() < 1e-6 {
        return format!("{value:.0e}{unit}");
    }
    let decimals = (-libm::floor(libm::log10(step.abs()) + 1e-9)).max(0.0) as usize;
    // A step of 0.25 needs two decimals although its size suggests one.
    let decimals = (decimals..decimals + 2)
        .find(|&decimals| {
            let power = libm::pow(10.0, decimals as f64);
            (step * power - libm::round(step * power)).abs() < 1e-6
        })
        .unwrap_or(decimals);
    format!("{value:.decimals$}{unit}")
}

fn pick<'a>(value: f64, scales: &'a [(f64, &'static str)]) -> &'a (f64, &'static str) {
    scales
        .iter()
        .find(|(size, _)| value.abs() >= size * (1.0 - 1e-9))
        .unwrap_or(&scales[scales.len() - 1])
}

/// An instant of simulated time, for text: `2:05`, `12.50 s`, `12 s`.
#[must_use]
pub fn instant(seconds: f64) -> String {
    if (1.0..60.0).contains(&seconds) && seconds.fract() == 0.0 {
        return format!("{seconds} s");
    }
    if seconds < 60.0 || seconds.fract() != 0.0 && seconds < 600.0 {
        return crate::report::quantity::digits(seconds, crate::metrics::Unit::Seconds, 4);
    }
    clock(seconds, 1.0, f64::INFINITY)
}

/// Simulated time on an axis up to `high` as a clock shows it: `45 s`, `2:30`, `1:15:00`, `3 d`.
fn clock(value: f64, step: f64, high: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if step < 1.0 {
        // Shorter than a second: as a latency.
        return spell(Kind::Seconds, value, step, value.abs().max(step));
    }
    let seconds = libm::round(value) as i64;
    if step >= 86_400.0 {
        return format!("{} d", seconds / 86_400);
    }
    if step >= 3600.0 {
        return format!("{} h", seconds / 3600);
    }
    if seconds >= 3600 {
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        return if step >= 60.0 {
            format!("{hours}:{minutes:02} h")
        } else {
            format!("{hours}:{minutes:02}:{seconds:02}")
        };
    }
    if step >= 60.0 {
        return format!("{} min", seconds / 60);
    }
    // Up to two minutes people count in seconds.
    if seconds < 60 || high <= 120.0 {
        return format!("{seconds} s");
    }
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scale(kind: Kind, spacing: Spacing, values: &[f64]) -> Scale {
        let axis = Axis {
            label: String::new(),
            kind,
            spacing,
        };
        Scale::fit(&axis, values.iter().copied(), 6, kind == Kind::Clock)
    }

    fn ticks(kind: Kind, spacing: Spacing, values: &[f64]) -> String {
        let ticks: Vec<String> = scale(kind, spacing, values)
            .ticks
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        ticks.join(", ")
    }

    #[test]
    fn linear_axes_have_round_numbers_with_one_unit() {
        use Spacing::Linear;
        insta::assert_snapshot!(ticks(Kind::Seconds, Linear, &[0.001, 0.0123]), @"0, 5 ms, 10 ms, 15 ms");
        insta::assert_snapshot!(ticks(Kind::Number, Linear, &[120.0, 4321.0]), @"0, 1 k, 2 k, 3 k, 4 k, 5 k");
        insta::assert_snapshot!(ticks(Kind::Share, Linear, &[0.1, 0.7]), @"0 %, 20 %, 40 %, 60 %, 80 %");
        insta::assert_snapshot!(ticks(Kind::Share, Linear, &[0.93, 0.985]), @"92 %, 94 %, 96 %, 98 %, 100 %");
        insta::assert_snapshot!(ticks(Kind::Bytes, Linear, &[0.0, 700e6]), @"0, 128 MiB, 256 MiB, 384 MiB, 512 MiB, 640 MiB, 768 MiB");
        insta::assert_snapshot!(ticks(Kind::Number, Linear, &[]), @"0, 0.2, 0.4, 0.6, 0.8, 1.0");
        insta::assert_snapshot!(ticks(Kind::Number, Linear, &[5.0, 5.0]), @"0, 1, 2, 3, 4, 5");
    }

    #[test]
    fn clocks_tick_at_round_times() {
        use Spacing::Linear;
        insta::assert_snapshot!(ticks(Kind::Clock, Linear, &[0.0, 0.3]), @"0, 50 ms, 100 ms, 150 ms, 200 ms, 250 ms, 300 ms");
        insta::assert_snapshot!(ticks(Kind::Clock, Linear, &[0.0, 60.0]), @"0, 10 s, 20 s, 30 s, 40 s, 50 s, 60 s");
        insta::assert_snapshot!(ticks(Kind::Clock, Linear, &[0.0, 150.0]), @"0, 30 s, 1:00, 1:30, 2:00, 2:30");
        insta::assert_snapshot!(ticks(Kind::Clock, Linear, &[0.0, 300.0]), @"0, 1 min, 2 min, 3 min, 4 min, 5 min");
        insta::assert_snapshot!(ticks(Kind::Clock, Linear, &[0.0, 7200.0]), @"0, 30 min, 1:00 h, 1:30 h, 2:00 h");
        insta::assert_snapshot!(ticks(Kind::Clock, Linear, &[0.0, 86_400.0]), @"0, 6 h, 12 h, 18 h, 24 h");
        insta::assert_snapshot!(ticks(Kind::Clock, Linear, &[0.0, 864_000.0]), @"0, 2 d, 4 d, 6 d, 8 d, 10 d");
    }

    #[test]
    fn logarithmic_axes_have_powers_and_a_place_for_zero() {
        use Spacing::Automatic;
        insta::assert_snapshot!(ticks(Kind::Seconds, Automatic, &[0.0002, 3.0]), @"1 ms, 10 ms, 100 ms, 1 s");
        insta::assert_snapshot!(ticks(Kind::Number, Automatic, &[0.0, 3.0, 4000.0]), @"0, 10, 100, 1 k");
        insta::assert_snapshot!(ticks(Kind::Number, Automatic, &[1e-9, 1e12]), @"1e-9, 0.00001, 0.1, 1 k, 10 M, 100 G");
        insta::assert_snapshot!(ticks(Kind::Number, Spacing::Logarithmic, &[100.0, 700.0]), @"100, 200, 500, 1 k");
        insta::assert_snapshot!(ticks(Kind::Bytes, Spacing::Logarithmic, &[1e6, 5e9]), @"1 MiB, 1 GiB");
    }

    #[test]
    fn automatic_spacing_is_logarithmic_beyond_two_decades_only() {
        let linear = scale(Kind::Number, Spacing::Automatic, &[1.0, 100.0]);
        assert_eq!(linear.spacing, Fitted::Linear);
        let logarithmic = scale(Kind::Number, Spacing::Automatic, &[1.0, 101.0]);
        assert_eq!(logarithmic.spacing, Fitted::Logarithmic { zero: 0.0 });
    }

    #[test]
    fn nines_are_evenly_spaced() {
        let scale = scale(Kind::Nines, Spacing::Linear, &[0.5, 0.999, 1.0]);
        assert_eq!(
            scale
                .ticks
                .iter()
                .map(|tick| tick.1.as_str())
                .collect::<Vec<_>>(),
            ["0 %", "50 %", "90 %", "99 %", "99.9 %"]
        );
        let nine = scale.place(0.9);
        assert!((scale.place(0.99) - 2.0 * nine).abs() < 1e-9);
        assert!((nine - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(scale.place(1.0), 1.0);
    }

    proptest! {
        #[test]
        fn any_values_have_an_axis(bits in prop::collection::vec(any::<u64>(), 0..5), about in 2_usize..9) {
            let values: Vec<f64> = bits.into_iter().map(f64::from_bits).collect();
            for kind in [Kind::Number, Kind::Seconds, Kind::Clock, Kind::Share, Kind::Bytes, Kind::Nines] {
                for (spacing, tight) in [
                    (Spacing::Linear, false), (Spacing::Linear, true),
                    (Spacing::Logarithmic, false), (Spacing::Logarithmic, true),
                    (Spacing::Automatic, false),
                ] {
                    let axis = Axis { label: String::new(), kind, spacing };
                    let scale = Scale::fit(&axis, values.iter().copied(), about, tight);
                    prop_assert!(scale.ticks.len() <= 3 * about + 10, "{:?}", scale);
                    for value in values.iter().filter(|value| value.is_finite()) {
                        prop_assert!((0.0..=1.0).contains(&scale.place(*value)), "{:?}", scale);
                    }
                    for window in scale.ticks.windows(2) {
                        prop_assert!(scale.place(window[0].0) < scale.place(window[1].0), "{:?}", scale);
                    }
                }
            }
        }

        #[test]
        fn higher_values_stand_higher(a in 1e-6_f64..1e6, b in 1e-6_f64..1e6) {
            for spacing in [Spacing::Linear, Spacing::Logarithmic] {
                let scale = scale(Kind::Number, spacing, &[a, b]);
                prop_assert_eq!(scale.place(a) < scale.place(b), a < b);
            }
        }
    }
}
