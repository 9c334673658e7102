//! Quantities as people write them: `"60s"`, `"1GiB"`, `"10k/s"`, `1_000_000`, `"95%"`.
//!
//! Each is a newtype that reads its spelling and writes it back in one canonical way, so that what was
//! resolved can be read again; `Unit` says which of them is meant and describes it for the JSON
//! Schema. A bare number is refused wherever it would leave the reader guessing what it counts. Not
//! here: which values make sense for a key; that is said beside the key, in `format`.

use std::fmt;

use serde_json::{Value as Json, json};

use super::bandwidth::Bandwidth;
use crate::units::Nanoseconds;

/// What a quantity measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Duration,
    Size,
    Rate,
    Bandwidth,
    Count,
    Share,
    Number,
}

/// Why a spelling was refused, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misspelt {
    /// What is wrong.
    pub message: String,
    /// What is allowed.
    pub help: String,
}

/// A value before its unit is known: what TOML, JSON and the command line have in common.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plain<'a> {
    Text(&'a str),
    Integer(i128),
    Float(f64),
}

impl Unit {
    /// Every unit.
    pub(super) const ALL: [Self; 7] = [
        Self::Duration,
        Self::Size,
        Self::Rate,
        Self::Bandwidth,
        Self::Count,
        Self::Share,
        Self::Number,
    ];

    /// Its name in the schema and in the reference.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Size => "size",
            Self::Rate => "rate",
            Self::Bandwidth => "bandwidth",
            Self::Count => "count",
            Self::Share => "share",
            Self::Number => "number",
        }
    }

    /// "a duration such as "5ms""
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Duration => "a duration such as \"5ms\"",
            Self::Size => "a size such as \"1KiB\"",
            Self::Rate => "a rate such as \"10k/s\"",
            Self::Bandwidth => "a bandwidth such as \"125MB/s\"",
            Self::Count => "a whole number such as 100 or \"10k\"",
            Self::Share => "a share such as 0.95 or \"95%\"",
            Self::Number => "a number such as 0.99",
        }
    }

    fn allowed(self) -> String {
        match self {
            Self::Duration => "write a number and a unit (ns, us, ms, s, m, h or d), for example \"200us\", \"0.2ms\" or \"1h30m\"".into(),
            Self::Size => "write a number and a unit (B, KB, MB, GB, TB of 1000, or KiB, MiB, GiB, TiB of 1024), for example \"1KiB\"".into(),
            Self::Rate => "write a number, then /s, /m, /h or /d, for example \"10k/s\" or \"600/m\"".into(),
            Self::Bandwidth => "write a size per second, or kbit, Mbit, Gbit per second, for example \"125MB/s\" or \"1Gbit/s\"".into(),
            Self::Count => "write a whole number, for example 100, 1_000_000, \"10k\" or \"1.5M\"".into(),
            Self::Share => "write a number from 0 to 1, for example 0.95, or a percentage, for example \"95%\"".into(),
            Self::Number => "write a plain number, for example 0.99".into(),
        }
    }

    fn units(self) -> &'static str {
        match self {
            Self::Duration => "ns, us, ms, s, m, h, d",
            Self::Size => "B, KB, MB, GB, TB, KiB, MiB, GiB, TiB",
            Self::Rate => "/s, /m, /h, /d",
            Self::Bandwidth => "B/s, KB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s, kbit/s, Mbit/s, Gbit/s",
            Self::Count | Self::Share | Self::Number => "",
        }
    }

    /// Whether a number without quotes is one of these.
    pub(super) fn takes_numbers(self) -> bool {
        matches!(self, Self::Count | Self::Share | Self::Number)
    }

    /// Reads a quantity of this unit.
    pub(super) fn read(self, plain: Plain<'_>) -> Result<Amount, Misspelt> {
        Ok(match self {
            Self::Duration => Amount::Duration(Duration::read(plain)?),
            Self::Size => Amount::Size(Size::read(plain)?),
            Self::Rate => Amount::Rate(Rate::read(plain)?),
            Self::Bandwidth => Amount::Bandwidth(Bandwidth::read(plain)?),
            Self::Count => Amount::Count(Count::read(plain)?),
            Self::Share => Amount::Share(Share::read(plain)?),
            Self::Number => Amount::Number(Number::read(plain)?),
        })
    }

    /// How it is written, as JSON Schema.
    pub(super) fn schema(self) -> Json {
        let decimal = r"\s*\d[\d_]*(\.\d[\d_]*)?\s*";
        let time = "(ns|us|µs|μs|ms|s|m|h|d)";
        match self {
            Self::Duration => json!({
                "description": "A duration: a number and a unit (ns, us, ms, s, m, h, d), or several of them in falling order.",
                "type": "string",
                "pattern": format!("^({decimal}{time})+\\s*$"),
                "examples": ["200us", "0.2ms", "5m", "1h30m"]
            }),
            Self::Size => json!({
                "description": "An amount of memory: a number and a unit (B; KB, MB, GB, TB of 1000; KiB, MiB, GiB, TiB of 1024).",
                "type": "string",
                "pattern": format!("^{decimal}(B|[kKMGT]B|[KMGT]iB)\\s*$"),
                "examples": ["100B", "1KiB", "1.5GiB"]
            }),
            Self::Rate => json!({
                "description": "A rate: a number, which k, M and G multiply, per unit of time.",
                "type": "string",
                "pattern": format!("^{decimal}[kKMG]?\\s*/\\s*{time}\\s*$"),
                "examples": ["10k/s", "600/m"]
            }),
            Self::Bandwidth => json!({
                "description": "A bandwidth: an amount of memory, or kbit, Mbit, Gbit, per second.",
                "type": "string",
                "pattern": format!("^{decimal}(B|[kKMGT]B|[KMGT]iB|[kKMGT]bit)\\s*/\\s*s\\s*$"),
                "examples": ["125MB/s", "1Gbit/s"]
            }),
            Self::Count => json!({
                "description": "A whole number; in quotes, k, M and G multiply it.",
                "anyOf": [
                    { "type": "integer", "minimum": 0 },
                    { "type": "string", "pattern": format!("^{decimal}[kKMG]?\\s*$") }
                ],
                "examples": [100, "10k", "1.5M"]
            }),
            Self::Share => json!({
                "description": "A part of a whole: a number from 0 to 1, or a percentage.",
                "anyOf": [
                    { "type": "number", "minimum": 0, "maximum": 1 },
                    { "type": "string", "pattern": format!("^{decimal}%\\s*$") }
                ],
                "examples": [0.95, "95%"]
            }),
            Self::Number => json!({
                "description": "A plain number.",
                "type": "number",
                "examples": [0.99]
            }),
        }
    }

    pub(super) fn misspelt(self, message: String) -> Misspelt {
        Misspelt {
            message,
            help: self.allowed(),
        }
    }
}

/// A quantity that has been read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    Duration(Duration),
    Size(Size),
    Rate(Rate),
    Bandwidth(Bandwidth),
    Count(Count),
    Share(Share),
    Number(Number),
}

impl Amount {
    /// In base units: nanoseconds, bytes, events and bytes per second, counts, shares.
    pub(super) fn base(self) -> f64 {
        match self {
            Self::Duration(duration) => duration.0 as f64,
            Self::Size(size) => size.0 as f64,
            Self::Rate(rate) => rate.0,
            Self::Bandwidth(bandwidth) => bandwidth.0 as f64,
            Self::Count(count) => count.0 as f64,
            Self::Share(share) => share.0,
            Self::Number(number) => number.0,
        }
    }

    /// In base units, for those that are whole numbers; others are cut off.
    pub(super) fn whole(self) -> u64 {
        match self {
            Self::Duration(duration) => duration.0,
            Self::Size(size) => size.0,
            Self::Bandwidth(bandwidth) => bandwidth.0,
            Self::Count(count) => count.0,
            Self::Rate(_) | Self::Share(_) | Self::Number(_) => self.base() as u64,
        }
    }

    /// In its canonical spelling.
    pub(super) fn json(self) -> Json {
        match self {
            Self::Duration(duration) => duration.to_string().into(),
            Self::Size(size) => size.to_string().into(),
            Self::Rate(rate) => rate.to_string().into(),
            Self::Bandwidth(bandwidth) => bandwidth.to_string().into(),
            Self::Count(count) => count.0.into(),
            Self::Share(share) => share.0.into(),
            Self::Number(number) => number.0.into(),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(duration) => duration.fmt(f),
            Self::Size(size) => size.fmt(f),
            Self::Rate(rate) => rate.fmt(f),
            Self::Bandwidth(bandwidth) => bandwidth.fmt(f),
            Self::Count(count) => count.fmt(f),
            Self::Share(share) => share.0.fmt(f),
            Self::Number(number) => number.0.fmt(f),
        }
    }
}

/// A decimal number without a sign, exactly as written.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u128,
    places: u32,
}

impl Decimal {
    /// `self` x `factor` rounded to a whole number, halves upwards; `None` beyond 2^64 - 1.
    fn times(self, factor: u64) -> Option<u64> {
        let product = self.digits.checked_mul(u128::from(factor))?;
        let divisor = 10u128.checked_pow(self.places)?;
        u64::try_from((product + divisor / 2) / divisor).ok()
    }

    fn is_whole_times(self, factor: u64) -> bool {
        let divisor = 10u128.checked_pow(self.places);
        let product = self.digits.checked_mul(u128::from(factor));
        matches!((product, divisor), (Some(p), Some(d)) if p % d == 0)
    }
}

/// Splits `text` into the number it begins with and the rest. `None` if it begins with no number or
/// one of more than 30 digits.
fn leading_number(text: &str) -> Option<(Decimal, f64, &str)> {
    let bytes = text.as_bytes();
    let mut number = Decimal {
        digits: 0,
        places: 0,
    };
    let mut seen_point = false;
    let mut count = 0;
    let mut end = 0;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                count += 1;
                if count > 30 {
                    return None;
                }
                number.digits = number.digits * 10 + u128::from(byte - b'0');
                number.places += u32::from(seen_point);
            }
            // Underscores group digits, as TOML has it: only between two of them.
            b'_' if index > 0
                && bytes[index - 1].is_ascii_digit()
                && bytes.get(index + 1).is_some_and(u8::is_ascii_digit) => {}
            b'.' if !seen_point
                && count > 0
                && bytes.get(index + 1).is_some_and(u8::is_ascii_digit) =>
            {
                seen_point = true;
            }
            _ => break,
        }
        end = index + 1;
    }
    if count == 0 {
        return None;
    }
    let float = text[..end].replace('_', "").parse().ok()?;
    Some((number, float, &text[end..]))
}

/// What to say of a text that does not begin with a plain number.
fn no_number(unit: Unit, what: &str, text: &str) -> Misspelt {
    let message = if text.is_empty() {
        format!("{what} is empty")
    } else if text.starts_with('-') {
        format!("{what} cannot be negative: {}", quoted(text))
    } else {
        format!("{} is not {what}", quoted(text))
    };
    unit.misspelt(message)
}

/// `text` between quotes and cut short, so that an error fits a line whatever was written.
pub(super) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let dots = if short.len() < text.len() { "..." } else { "" };
    format!("`{}{dots}`", short.escape_debug())
}

/// The word of `allowed` that is most like `written`, if any is like it at all.
pub(crate) fn nearest<'a>(
    written: &str,
    allowed: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Long texts are no misspelling of anything, and comparing them costs their product.
    if written.len() > 100 {
        return None;
    }
    let lower = written.to_lowercase();
    // `zipfian` is far from `zipf` in letters and not in meaning.
    let extends = |name: &str| {
        let shorter = name.len().min(lower.len());
        shorter >= 3 && (name.starts_with(&lower) || lower.starts_with(name))
    };
    allowed
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, name), name))
        .filter(|(distance, name)| {
            let shorter = name.chars().count().min(lower.chars().count());
            *distance < name.chars().count() && *distance <= 1 + shorter / 3 || extends(name)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

const DURATIONS: [(&str, u64); 9] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ns", 1),
];

/// Spellings that people try, and the one that is meant.
const DURATION_ALIASES: [(&str, &str); 16] = [
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("hr", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("msec", "ms"),
    ("usec", "us"),
    ("nsec", "ns"),
];

const SIZES: [(&str, u64); 10] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("kB", 1_000),
    ("B", 1),
];

const MULTIPLES: [(&str, u64); 5] = [
    ("", 1),
    ("k", 1_000),
    ("K", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
];

/// A span of time, in nanoseconds. Written as a number and a unit: `"200us"`, `"0.2ms"`, `"1h30m"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(pub Nanoseconds);

impl Duration {
    /// Reads `text`.
    ///
    /// # Errors
    /// When it is not a duration; see [`Misspelt`].
    pub fn parse(text: &str) -> Result<Self, Misspelt> {
        let unit = Unit::Duration;
        let mut rest = text.trim();
        let mut total = 0u64;
        let mut smallest = u64::MAX;
        loop {
            let Some((number, _, after)) = leading_number(rest) else {
                return Err(no_number(unit, "a duration", rest));
            };
            let after = after.trim_start();
            let end = after
                .find(|c: char| c.is_ascii_digit() || c.is_whitespace())
                .unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() {
                return Err(unitless(unit, text.trim(), "ms", "s"));
            }
            let Some(&(_, factor)) = DURATIONS.iter().find(|(known, _)| *known == name) else {
                let lower = name.to_lowercase();
                let meant = DURATION_ALIASES
                    .iter()
                    .find(|(alias, _)| *alias == lower)
                    .map(|(_, meant)| *meant)
                    .or_else(|| {
                        DURATIONS
                            .iter()
                            .map(|(known, _)| *known)
                            .find(|known| *known == lower)
                    });
                let help = match meant {
                    Some(meant) => format!("did you mean `{meant}`? {}", unit.allowed()),
                    None => unit.allowed(),
                };
                return Err(Misspelt {
                    message: format!("{} is no unit of time", quoted(name)),
                    help,
                });
            };
            if factor >= smallest {
                return Err(unit.misspelt(format!(
                    "the parts of {} are not in falling order",
                    quoted(text)
                )));
            }
            smallest = factor;
            total = number
                .times(factor)
                .and_then(|part| total.checked_add(part))
                .ok_or_else(|| unit.misspelt(format!("{} is too long", quoted(text))))?;
            if number.digits > 0 && number.times(factor) == Some(0) {
                return Err(unit.misspelt(format!(
                    "{} is less than one nanosecond, the smallest step of the clock",
                    quoted(text)
                )));
            }
            rest = after[end..].trim_start();
            if rest.is_empty() {
                return Ok(Self(total));
            }
        }
    }

    pub(super) fn read(plain: Plain<'_>) -> Result<Self, Misspelt> {
        match plain {
            Plain::Text(text) => Self::parse(text),
            Plain::Integer(number) => Err(unitless(Unit::Duration, &number.to_string(), "ms", "s")),
            Plain::Float(number) => Err(unitless(Unit::Duration, &shown(number), "ms", "s")),
        }
    }
}

/// What to say of a bare number where a unit is needed.
fn unitless(unit: Unit, number: &str, one: &str, other: &str) -> Misspelt {
    // Nobody means that many digits; repeating them helps nobody.
    let help = if number.len() > 15 || number.contains(['e', 'N', 'i']) {
        unit.allowed()
    } else {
        format!(
            "write \"{number}{one}\" or \"{number}{other}\", in quotes (units: {})",
            unit.units()
        )
    };
    Misspelt {
        message: format!("the {} {} has no unit", unit.name(), quoted(number)),
        help,
    }
}

/// A number as people read it: without a long row of digits.
pub(super) fn shown(number: f64) -> String {
    if number.abs() < 1e15 {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (name, factor) = DURATIONS
            .iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor))
            .unwrap_or(&("ns", 1));
        write!(f, "{}{name}", self.0 / factor)
    }
}

/// An amount of memory, in bytes. Written as a number and a unit: `"1KiB"`, `"1.5MB"`, `"100 B"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// Reads `text`.
    ///
    /// # Errors
    /// When it is not a size; see [`Misspelt`].
    pub fn parse(text: &str) -> Result<Self, Misspelt> {
        let unit = Unit::Size;
        let text = text.trim();
        let Some((number, _, rest)) = leading_number(text) else {
            return Err(no_number(unit, "a size", text));
        };
        let name = rest.trim();
        let Some(&(_, factor)) = SIZES.iter().find(|(known, _)| *known == name) else {
            if name.is_empty() {
                return Err(unitless(unit, text, "B", "KiB"));
            }
            let lower = name.to_lowercase();
            let meant = SIZES.iter().map(|(known, _)| *known).find(|known| {
                let known = known.to_lowercase();
                known == lower
                    || known.trim_end_matches("ib") == lower
                    || lower == format!("{known}ytes")
            });
            let help = match meant {
                Some(meant) => format!("did you mean `{meant}`? {}", unit.allowed()),
                None => unit.allowed(),
            };
            return Err(Misspelt {
                message: format!("{} is no unit of memory", quoted(name)),
                help,
            });
        };
        let too_large = || unit.misspelt(format!("{} is too large", quoted(text)));
        if !number.is_whole_times(factor) && factor == 1 {
            return Err(unit.misspelt(format!("{} is not a whole number of bytes", quoted(text))));
        }
        number.times(factor).map(Self).ok_or_else(too_large)
    }

    pub(super) fn read(plain: Plain<'_>) -> Result<Self, Misspelt> {
        match plain {
            Plain::Text(text) => Self::parse(text),
            Plain::Integer(number) => Err(unitless(Unit::Size, &number.to_string(), "B", "KiB")),
            Plain::Float(number) => Err(unitless(Unit::Size, &shown(number), "B", "KiB")),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0B");
        }
        let (name, factor) = SIZES
            .iter()
            .find(|(_, factor)| self.0.is_multiple_of(*factor))
            .unwrap_or(&("B", 1));
        write!(f, "{}{name}", self.0 / factor)
    }
}

/// How often, per second. Written as a number (with k, M or G) per unit of time: `"10k/s"`,
/// `"600/m"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

impl Rate {
    /// Reads `text`.
    ///
    /// # Errors
    /// When it is not a rate; see [`Misspelt`].
    pub fn parse(text: &str) -> Result<Self, Misspelt> {
        let unit = Unit::Rate;
        let text = text.trim();
        let Some((_, number, rest)) = leading_number(text) else {
            return Err(no_number(unit, "a rate", text));
        };
        let Some((multiple, per)) = rest.split_once('/') else {
            let help = if matches!(
                rest.trim().to_lowercase().as_str(),
                "rps" | "qps" | "hz" | "req/s"
            ) {
                format!("did you mean \"{number}/s\"? {}", unit.allowed())
            } else {
                format!(
                    "did you mean \"{}/s\"? {}",
                    text.chars().take(20).collect::<String>(),
                    unit.allowed()
                )
            };
            return Err(Misspelt {
                message: format!("the rate {} does not say per what", quoted(text)),
                help,
            });
        };
        let multiple = multiple.trim();
        let Some((_, factor)) = MULTIPLES.iter().find(|(known, _)| *known == multiple) else {
            return Err(unit.misspelt(format!(
                "{} in the rate {} is neither k, M nor G",
                quoted(multiple),
                quoted(text)
            )));
        };
        let per = per.trim();
        let Some((_, nanoseconds)) = DURATIONS.iter().find(|(known, _)| *known == per) else {
            return Err(unit.misspelt(format!(
                "{} in the rate {} is no unit of time",
                quoted(per),
                quoted(text)
            )));
        };
        let rate = number * *factor as f64 * (1e9 / *nanoseconds as f64);
        // A rate per minute must give the same number however it is written: divide, as people do.
        let rate = if *nanoseconds > 1_000_000_000 {
            number * *factor as f64 / (*nanoseconds as f64 / 1e9)
        } else {
            rate
        };
        Ok(Self(rate))
    }

    pub(super) fn read(plain: Plain<'_>) -> Result<Self, Misspelt> {
        match plain {
            Plain::Text(text) => Self::parse(text),
            Plain::Integer(number) => Err(unitless(Unit::Rate, &number.to_string(), "/s", "/m")),
            Plain::Float(number) => Err(unitless(Unit::Rate, &shown(number), "/s", "/m")),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `{}` prints the shortest text that reads back as the same number, without an exponent.
        write!(f, "{}/s", self.0)
    }
}

/// A whole number. Written as it is, or with k, M or G: `100`, `1_000_000`, `"10k"`, `"1.5M"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl Count {
    /// Reads `text`.
    ///
    /// # Errors
    /// When it is not a whole number; see [`Misspelt`].
    pub fn parse(text: &str) -> Result<Self, Misspelt> {
        let unit = Unit::Count;
        let text = text.trim();
        let Some((number, _, rest)) = leading_number(text) else {
            return Err(no_number(unit, "a whole number", text));
        };
        let multiple = rest.trim();
        let Some(&(_, factor)) = MULTIPLES.iter().find(|(known, _)| *known == multiple) else {
            return Err(unit.misspelt(format!(
                "{} after a number is neither k, M nor G",
                quoted(multiple)
            )));
        };
        if !number.is_whole_times(factor) {
            return Err(unit.misspelt(format!("{} is not a whole number", quoted(text))));
        }
        number
            .times(factor)
            .map(Self)
            .ok_or_else(|| unit.misspelt(format!("{} is too large", quoted(text))))
    }

    pub(super) fn read(plain: Plain<'_>) -> Result<Self, Misspelt> {
        let unit = Unit::Count;
        match plain {
            Plain::Text(text) => Self::parse(text),
            Plain::Integer(number) if number < 0 => {
                Err(unit.misspelt(format!("a count cannot be negative: `{number}`")))
            }
            Plain::Integer(number) => u64::try_from(number)
                .map(Self)
                .map_err(|_| unit.misspelt(format!("`{number}` is too large"))),
            // 1e6 is a float to TOML, and a whole number to everybody else.
            Plain::Float(number) if number.fract() == 0.0 && (0.0..=9e15).contains(&number) => {
                Ok(Self(number as u64))
            }
            Plain::Float(number) => {
                Err(unit.misspelt(format!("`{}` is not a whole number", shown(number))))
            }
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A part of a whole, from 0 to 1. Written as a number or a percentage: `0.95`, `"95%"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(pub f64);

impl Share {
    /// Reads `text`, a percentage.
    ///
    /// # Errors
    /// When it is not a percentage from 0 to 100; see [`Misspelt`].
    pub fn parse(text: &str) -> Result<Self, Misspelt> {
        let unit = Unit::Share;
        let text = text.trim();
        let Some((_, number, rest)) = leading_number(text) else {
            return Err(no_number(unit, "a share", text));
        };
        if rest.trim() != "%" {
            return Err(unit.misspelt(format!(
                "the share {} is neither a number nor a percentage",
                quoted(text)
            )));
        }
        Self::read(Plain::Float(number / 100.0))
            .map_err(|_| unit.misspelt(format!("{} is more than the whole", quoted(text))))
    }

    /// Reads `text` as it is typed where nothing is in quotes: `0.95` or `95%`.
    ///
    /// # Errors
    /// When it is not a share; see [`Misspelt`].
    pub fn typed(text: &str) -> Result<Self, Misspelt> {
        match leading_number(text.trim()) {
            Some((_, number, rest)) if rest.trim().is_empty() => Self::read(Plain::Float(number)),
            _ => Self::parse(text),
        }
    }

    pub(super) fn read(plain: Plain<'_>) -> Result<Self, Misspelt> {
        let number = match plain {
            Plain::Text(text) => return Self::parse(text),
            Plain::Integer(number) => number as f64,
            Plain::Float(number) => number,
        };
        if (0.0..=1.0).contains(&number) {
            Ok(Self(number))
        } else {
            let message = format!("`{}` is not a share: it must be from 0 to 1", shown(number));
            let mut wrong = Unit::Share.misspelt(message);
            if (1.0..=100.0).contains(&number) {
                wrong.help = format!("did you mean \"{number}%\"? {}", wrong.help);
            }
            Err(wrong)
        }
    }
}

/// A plain finite number.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Number(pub f64);

impl Number {
    pub(super) fn read(plain: Plain<'_>) -> Result<Self, Misspelt> {
        match plain {
            Plain::Text(text) => Err(Misspelt {
                message: format!(
                    "a number is written without quotes, not as the text {}",
                    quoted(text)
                ),
                help: Unit::Number.allowed(),
            }),
            Plain::Integer(number) => Ok(Self(number as f64)),
            Plain::Float(number) if number.is_finite() => Ok(Self(number)),
            Plain::Float(number) => {
                Err(Unit::Number.misspelt(format!("`{number}` is not a finite number")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_exact_in_every_unit() {
        let cases = [
            ("0s", 0),
            ("1ns", 1),
            ("200us", 200_000),
            ("200µs", 200_000),
            ("0.2ms", 200_000),
            ("1.5 s", 1_500_000_000),
            ("1_000ms", 1_000_000_000),
            ("5m", 300_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1h 30m", 5_400_000_000_000),
            ("1d", 86_400_000_000_000),
            ("0.1s", 100_000_000),
        ];
        for (text, nanoseconds) in cases {
            assert_eq!(Duration::parse(text), Ok(Duration(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        let cases = [
            ("", "a duration is empty"),
            ("5", "the duration `5` has no unit"),
            ("-5s", "a duration cannot be negative: `-5s`"),
            ("fast", "`fast` is not a duration"),
            ("5sec", "`sec` is no unit of time"),
            ("5 m 1 h", "the parts of `5 m 1 h` are not in falling order"),
            ("600000d", "`600000d` is too long"),
            (
                "0.2ns",
                "`0.2ns` is less than one nanosecond, the smallest step of the clock",
            ),
            ("1.s", "`.s` is no unit of time"),
        ];
        for (text, message) in cases {
            assert_eq!(Duration::parse(text).unwrap_err().message, message);
        }
        assert!(
            Duration::parse("5sec")
                .unwrap_err()
                .help
                .starts_with("did you mean `s`?")
        );
        assert!(
            Duration::parse("5MS")
                .unwrap_err()
                .help
                .starts_with("did you mean `ms`?")
        );
    }

    #[test]
    fn sizes_know_thousands_from_kibi() {
        let cases = [
            ("100 B", 100),
            ("1KB", 1_000),
            ("1kB", 1_000),
            ("1KiB", 1_024),
            ("1.5MB", 1_500_000),
            ("2GiB", 2 << 30),
        ];
        for (text, bytes) in cases {
            assert_eq!(Size::parse(text), Ok(Size(bytes)), "{text}");
        }
        assert!(Size::parse("1.5B").is_err());
        assert!(Size::parse("99999999TiB").is_err());
        assert!(
            Size::parse("1G")
                .unwrap_err()
                .help
                .starts_with("did you mean `GiB`?")
        );
        assert!(Size::parse("1024").unwrap_err().message.contains("no unit"));
    }

    #[test]
    fn rates_are_per_second_whatever_they_are_written_in() {
        let cases = [
            ("10k/s", 10_000.0),
            ("600/m", 10.0),
            ("1.5M/s", 1_500_000.0),
            ("2/ms", 2_000.0),
            ("86400/d", 1.0),
        ];
        for (text, rate) in cases {
            assert_eq!(Rate::parse(text), Ok(Rate(rate)), "{text}");
        }
        assert!(
            Rate::parse("10k")
                .unwrap_err()
                .help
                .starts_with("did you mean \"10k/s\"?")
        );
        assert!(Rate::parse("10x/s").is_err());
        assert!(Rate::parse("10/fortnight").is_err());
    }

    #[test]
    fn counts_and_shares_take_numbers_and_suffixes() {
        assert_eq!(Count::parse("1.5M"), Ok(Count(1_500_000)));
        assert_eq!(Count::parse("10k"), Ok(Count(10_000)));
        assert!(Count::parse("1.0005k").is_err());
        assert_eq!(Count::read(Plain::Float(1e6)), Ok(Count(1_000_000)));
        assert!(Count::read(Plain::Float(0.5)).is_err());
        assert!(Count::read(Plain::Integer(-1)).is_err());
        assert_eq!(Share::parse("95%"), Ok(Share(0.95)));
        assert!(Share::parse("101%").is_err());
        assert!(Share::read(Plain::Float(f64::NAN)).is_err());
        assert!(
            Share::read(Plain::Integer(95))
                .unwrap_err()
                .help
                .starts_with("did you mean \"95%\"?")
        );
    }

    #[test]
    fn the_nearest_word_is_near() {
        let words = ["lru", "fifo", "single-flight"];
        assert_eq!(nearest("lur", words), Some("lru"));
        assert_eq!(nearest("singleflight", words), Some("single-flight"));
        assert_eq!(nearest("LRU", words), Some("lru"));
        assert_eq!(nearest("something", words), None);
    }

    proptest! {
        #[test]
        fn canonical_durations_read_back(nanoseconds: u64) {
            let duration = Duration(nanoseconds);
            prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        }

        #[test]
        fn canonical_sizes_read_back(bytes: u64) {
            let size = Size(bytes);
            prop_assert_eq!(Size::parse(&size.to_string()), Ok(size));
        }

        #[test]
        fn canonical_rates_read_back(rate in 1e-9..1e12) {
            let rate = Rate(rate);
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = (Duration::parse(&text), Size::parse(&text), Rate::parse(&text));
            let _ = (Count::parse(&text), Share::parse(&text));
        }
    }
}
