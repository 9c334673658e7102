//! Bandwidths as people write them: `"125MB/s"` or, as networks are sold, `"1Gbit/s"`.

use std::fmt;

use super::unit::{Misspelt, Plain, Size, Unit, quoted, shown};

/// Bits per second by name; all are whole numbers of bytes.
const BITS: &[(&str, u64)] = &[
    ("kbit", 125),
    ("Kbit", 125),
    ("Mbit", 125_000),
    ("Gbit", 125_000_000),
    ("Tbit", 125_000_000_000),
];

/// So many bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bandwidth(pub u64);

impl Bandwidth {
    /// Reads `text`.
    ///
    /// # Errors
    /// When it is not a bandwidth; see [`Misspelt`].
    pub fn parse(text: &str) -> Result<Self, Misspelt> {
        let text = text.trim();
        let Some((amount, per)) = text.split_once('/') else {
            let mut wrong = Unit::Bandwidth.misspelt(format!(
                "the bandwidth {} does not say per what",
                quoted(text)
            ));
            wrong.help = format!("did you mean \"{}/s\"? {}", short(text), wrong.help);
            return Err(wrong);
        };
        if per.trim() != "s" {
            return Err(Unit::Bandwidth
                .misspelt(format!("the bandwidth {} is not per second", quoted(text))));
        }
        let amount = amount.trim();
        let bits = BITS
            .iter()
            .find_map(|(name, bytes)| Some((amount.strip_suffix(name)?, *bytes)));
        let bytes = match bits {
            // A number of the bytes that one such unit is: exact, and refused as sizes are.
            Some((number, bytes)) => Size::parse(&format!("{}KB", number.trim()))
                .map(|Size(thousands)| thousands / 1000 * bytes + thousands % 1000 * bytes / 1000),
            None => Size::parse(amount).map(|Size(bytes)| bytes),
        };
        bytes
            .map(Self)
            .map_err(|_| Unit::Bandwidth.misspelt(format!("{} is not a bandwidth", quoted(text))))
    }

    pub(super) fn read(plain: Plain<'_>) -> Result<Self, Misspelt> {
        let number = match plain {
            Plain::Text(text) => return Self::parse(text),
            Plain::Integer(number) => number.to_string(),
            Plain::Float(number) => shown(number),
        };
        let mut wrong = Unit::Bandwidth.misspelt(format!("the bandwidth `{number}` has no unit"));
        wrong.help = format!("did you mean \"{number}MB/s\"? {}", wrong.help);
        Err(wrong)
    }
}

fn short(text: &str) -> String {
    text.chars().take(20).collect()
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Size(self.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bandwidths_are_bytes_per_second_whatever_they_are_written_in() {
        let cases = [
            ("125MB/s", 125_000_000),
            ("1 GiB / s", 1 << 30),
            ("1Gbit/s", 125_000_000),
            ("2.5 Gbit/s", 312_500_000),
            ("10Mbit/s", 1_250_000),
            ("100B/s", 100),
        ];
        for (text, bytes) in cases {
            assert_eq!(Bandwidth::parse(text), Ok(Bandwidth(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_bandwidth_says_why() {
        let cases = [
            ("125MB", "the bandwidth `125MB` does not say per what"),
            ("1Gbit/h", "the bandwidth `1Gbit/h` is not per second"),
            ("fast/s", "`fast/s` is not a bandwidth"),
            ("-1MB/s", "`-1MB/s` is not a bandwidth"),
        ];
        for (text, message) in cases {
            assert_eq!(Bandwidth::parse(text).unwrap_err().message, message);
        }
        let bare = Bandwidth::read(Plain::Integer(125)).unwrap_err();
        assert_eq!(bare.message, "the bandwidth `125` has no unit");
    }

    proptest! {
        #[test]
        fn canonical_bandwidths_read_back(bytes: u64) {
            let bandwidth = Bandwidth(bytes);
            prop_assert_eq!(Bandwidth::parse(&bandwidth.to_string()), Ok(bandwidth));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = Bandwidth::parse(&text);
        }
    }
}
