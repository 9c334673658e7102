//! Cache sizes as people write them: entries, bytes, or a share of what the trace has.

use crate::eviction::Measure;

/// A cache size as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Size {
    /// As it was written, without surrounding blanks.
    pub typed: String,
    amount: Amount,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Amount {
    /// A bare number: of entries, unless capacity is said to count bytes.
    Number(u64),
    Bytes(u64),
    /// Of all distinct keys, or of the bytes of all distinct objects.
    Share(f64),
}

/// What is wrong with a size as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// It is no size at all.
    #[error(
        "`{0}` is not a cache size: write a number of entries (1000), bytes (64MiB, 1GB) or a share \
         of the distinct keys (1%)"
    )]
    Malformed(String),
    /// A cache of nothing, or a share above 100 %.
    #[error(
        "the cache size `{0}` is out of range: allowed is from 1 entry or byte, and above 0% to 100%"
    )]
    OutOfRange(String),
    /// Bytes, where capacity is said to count entries.
    #[error("the cache size `{0}` is in bytes, but capacity is to count objects (--by objects)")]
    BytesByObjects(String),
    /// Bytes, for a trace without sizes.
    #[error(
        "the cache size `{0}` is in bytes, but the trace does not say how large its objects are"
    )]
    NoSizes(String),
}

const UNITS: &[(&str, u64)] = &[
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// Decimal multiples of entries.
const MULTIPLES: &[(&str, u64)] = &[("k", 1_000), ("m", 1_000_000), ("g", 1_000_000_000)];

impl Size {
    /// Reads one size.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SizeError> {
        let typed = text.trim();
        let malformed = || SizeError::Malformed(typed.into());
        let end = typed
            .find(|letter: char| !matches!(letter, '0'..='9' | '.' | '_'))
            .unwrap_or(typed.len());
        let (number, unit) = typed.split_at(end);
        let number = number.replace('_', "");
        let unit = unit.trim().to_lowercase();
        let value: f64 = number.parse().map_err(|_| malformed())?;
        let times = |units: &[(&str, u64)]| {
            let (_, scale) = units.iter().find(|(name, _)| *name == unit)?;
            match number.parse::<u64>() {
                Ok(whole) => whole.checked_mul(*scale),
                // A fraction is fine if it comes out whole or nearly so: 1.5GiB, 2.5k.
                Err(_) => Some((value * *scale as f64) as u64),
            }
        };
        let amount = if unit.is_empty() {
            Amount::Number(number.parse().map_err(|_| malformed())?)
        } else if unit == "%" {
            Amount::Share(value / 100.0)
        } else if let Some(entries) = times(MULTIPLES) {
            Amount::Number(entries)
        } else {
            Amount::Bytes(times(UNITS).ok_or_else(malformed)?)
        };
        let in_range = match amount {
            Amount::Number(number) | Amount::Bytes(number) => number >= 1,
            Amount::Share(share) => share > 0.0 && share <= 1.0,
        };
        if !in_range {
            return Err(SizeError::OutOfRange(typed.into()));
        }
        Ok(Self {
            typed: typed.into(),
            amount,
        })
    }

    /// Reads sizes separated by commas.
    ///
    /// # Errors
    /// As [`Size::parse`], of the first that is wrong.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, SizeError> {
        text.split(',').map(Self::parse).collect()
    }

    /// What a cache of this size counts, where `by` is what the user said, if anything.
    ///
    /// # Errors
    /// If the size is spelled in bytes and `by` says entries.
    pub fn measure(&self, by: Option<Measure>) -> Result<Measure, SizeError> {
        match (self.amount, by) {
            (Amount::Bytes(_), Some(Measure::Entries)) => {
                Err(SizeError::BytesByObjects(self.typed.clone()))
            }
            (Amount::Bytes(_), _) => Ok(Measure::Bytes),
            (_, by) => Ok(by.unwrap_or_default()),
        }
    }

    /// Whether it is a share that comes to less than one entry or byte of `all`, so that
    /// [`Size::capacity`] is more than was asked for.
    #[must_use]
    pub fn is_raised(&self, all: u64) -> bool {
        matches!(self.amount, Amount::Share(share) if share * (all as f64) + 1e-9 < 1.0)
    }

    /// The capacity, for a trace whose distinct objects are `all` entries or bytes: a share is
    /// rounded down, but at least 1.
    #[must_use]
    pub fn capacity(&self, all: u64) -> u64 {
        match self.amount {
            Amount::Number(number) | Amount::Bytes(number) => number,
            // The nudge keeps 0.29 % of 10 000 at 29 although 0.29 has no exact binary form.
            Amount::Share(share) => ((share * all as f64 + 1e-9) as u64).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capacity(text: &str, all: u64) -> u64 {
        Size::parse(text).unwrap().capacity(all)
    }

    #[test]
    fn shares_are_rounded_down_to_at_least_one() {
        assert_eq!(capacity("1%", 250), 2);
        assert_eq!(capacity("0.29%", 10_000), 29);
        assert_eq!(capacity("0.1%", 10), 1);
        assert_eq!(capacity("100%", 10), 10);
        let raised = |text: &str, all| Size::parse(text).unwrap().is_raised(all);
        assert!(raised("0.1%", 10) && !raised("10%", 10) && !raised("1", 0));
    }

    #[test]
    fn bytes_have_binary_and_decimal_units() {
        assert_eq!(capacity("1GiB", 0), 1 << 30);
        assert_eq!(capacity("1.5 KiB", 0), 1536);
        assert_eq!(capacity("2MB", 0), 2_000_000);
        assert_eq!(
            Size::parse("2MB").unwrap().measure(None),
            Ok(Measure::Bytes)
        );
    }

    #[test]
    fn bare_numbers_are_entries_unless_said_otherwise() {
        let size = Size::parse("10_000").unwrap();
        assert_eq!(size.capacity(5), 10_000);
        assert_eq!(size.measure(None), Ok(Measure::Entries));
        assert_eq!(size.measure(Some(Measure::Bytes)), Ok(Measure::Bytes));
        assert_eq!(capacity("2.5k", 5), 2500);
    }

    #[test]
    fn nonsense_is_refused_with_what_is_allowed() {
        for text in [
            "",
            "x",
            "-1",
            "1e3",
            "1 GiBs",
            "1.5",
            "99999999999999999999",
            "1..2%",
        ] {
            assert!(
                matches!(Size::parse(text), Err(SizeError::Malformed(_))),
                "{text}"
            );
        }
        for text in ["0", "0%", "101%", "0GiB"] {
            assert!(
                matches!(Size::parse(text), Err(SizeError::OutOfRange(_))),
                "{text}"
            );
        }
        let bytes = Size::parse("1GiB").unwrap();
        assert!(bytes.measure(Some(Measure::Entries)).is_err());
    }
}
