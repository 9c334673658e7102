//! Quantities on the command line of `trace`: those of the scenario file, which
//! [`crate::scenario::unit`] reads, with the limits of this command. Not here: the units.

use crate::scenario::unit::{Count, Duration, Misspelt, Rate, Share, Size};
use crate::trace::format::{Format, Target, by_name};

/// A misspelt quantity in one sentence.
fn said(wrong: Misspelt) -> String {
    // Quotes are for files.
    let help = wrong.help.replace(", in quotes", "");
    format!("{}; {help}", wrong.message)
}

pub(super) fn count(written: &str) -> Result<u64, String> {
    Count::parse(written).map(|count| count.0).map_err(said)
}

/// `number`, unless it is nothing.
fn above_nothing(number: u64, least: &str) -> Result<u64, String> {
    match number {
        0 => Err(format!("must be at least {least}")),
        number => Ok(number),
    }
}

pub(super) fn positive(written: &str) -> Result<u64, String> {
    above_nothing(count(written)?, "1")
}

pub(super) fn size(written: &str) -> Result<u64, String> {
    let size = Size::parse(written).map_err(said)?;
    above_nothing(size.0, "1B")
}

/// As [`size`]. Blocks are counted in bytes wherever they are spoken of, so a bare number is one.
pub(super) fn size_of_block(written: &str) -> Result<u64, String> {
    match written.parse() {
        Ok(bytes) => above_nothing(bytes, "1B"),
        Err(_) => size(written),
    }
}

pub(super) fn duration(written: &str) -> Result<u64, String> {
    let duration = Duration::parse(written).map_err(said)?;
    above_nothing(duration.0, "1ns")
}

/// `low..high`, or one value for both.
fn range(written: &str, parse: impl Fn(&str) -> Result<u64, String>) -> Result<(u64, u64), String> {
    let (low, high) = written.split_once("..").unwrap_or((written, written));
    let (low, high) = (parse(low)?, parse(high)?);
    if low > high {
        return Err(format!("{written:?} starts above its end"));
    }
    Ok((low, high))
}

pub(super) fn sizes(written: &str) -> Result<(u64, u64), String> {
    range(written, size)
}

pub(super) fn durations(written: &str) -> Result<(u64, u64), String> {
    range(written, duration)
}

pub(super) fn rate(written: &str) -> Result<f64, String> {
    match Rate::parse(written).map_err(said)?.0 {
        rate if rate > 0.0 => Ok(rate),
        _ => Err("must be above 0/s".to_owned()),
    }
}

pub(super) fn exponent(written: &str) -> Result<f64, String> {
    match written.parse() {
        Ok(exponent) if (0.0..=10.0).contains(&exponent) => Ok(exponent),
        _ => Err(format!("{written:?} is not a number from 0 to 10")),
    }
}

/// A share as a number or a percentage; 0 is one.
pub(super) fn share_or_none(written: &str) -> Result<f64, String> {
    Share::typed(written).map(|share| share.0).map_err(said)
}

pub(super) fn share(written: &str) -> Result<f64, String> {
    match share_or_none(written)? {
        0.0 => Err("must be above 0".to_owned()),
        share => Ok(share),
    }
}

pub(super) fn format(written: &str) -> Result<&'static Format, String> {
    by_name(written)
}

pub(super) fn target(written: &str) -> Result<Target, String> {
    Target::parse(written)
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(written: &str, words: &[(&str, T)]) -> Result<T, String> {
    let found = words.iter().find(|(word, _)| *word == written);
    found.map(|&(_, value)| value).ok_or_else(|| {
        let words: Vec<&str> = words.iter().map(|&(word, _)| word).collect();
        format!("{written:?} is none of {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SECOND_NS;

    #[test]
    fn quantities_are_read_with_their_units() {
        assert_eq!(count("10k"), Ok(10_000));
        assert_eq!(count("2.5M"), Ok(2_500_000));
        assert_eq!(count("1_000"), Ok(1_000));
        assert_eq!(size("4KiB"), Ok(4096));
        assert_eq!(size("1.5 MB"), Ok(1_500_000));
        assert_eq!(size_of_block("512"), Ok(512));
        assert_eq!(duration("500ms"), Ok(500_000_000));
        assert_eq!(duration("1h30m"), Ok(5_400 * SECOND_NS));
        assert_eq!(sizes("200B..20KiB"), Ok((200, 20_480)));
        assert_eq!(durations("60s"), Ok((60 * SECOND_NS, 60 * SECOND_NS)));
        assert_eq!(rate("10k/s"), Ok(10_000.0));
        assert_eq!(share("10%"), Ok(0.1));
        assert_eq!(share("0.1"), Ok(0.1));
        assert_eq!(share_or_none("0"), Ok(0.0));
    }

    #[test]
    fn wrong_quantities_are_explained() {
        let wrong = |answer: Result<u64, String>| answer.unwrap_err();
        insta::assert_snapshot!(wrong(count("ten")), @r#"`ten` is not a whole number; write a whole number, for example 100, 1_000_000, "10k" or "1.5M""#);
        insta::assert_snapshot!(wrong(count("1.5")), @r#"`1.5` is not a whole number; write a whole number, for example 100, 1_000_000, "10k" or "1.5M""#);
        insta::assert_snapshot!(wrong(count("5x")), @r#"`x` after a number is neither k, M nor G; write a whole number, for example 100, 1_000_000, "10k" or "1.5M""#);
        insta::assert_snapshot!(wrong(size("100")), @r#"the size `100` has no unit; write "100B" or "100KiB" (units: B, KB, MB, GB, TB, KiB, MiB, GiB, TiB)"#);
        insta::assert_snapshot!(wrong(size("0B")), @"must be at least 1B");
        insta::assert_snapshot!(wrong(duration("5")), @r#"the duration `5` has no unit; write "5ms" or "5s" (units: ns, us, ms, s, m, h, d)"#);
        insta::assert_snapshot!(rate("10k").unwrap_err(), @r#"the rate `10k` does not say per what; did you mean "10k/s"? write a number, then /s, /m, /h or /d, for example "10k/s" or "600/m""#);
        insta::assert_snapshot!(share("10").unwrap_err(), @r#"`10` is not a share: it must be from 0 to 1; did you mean "10%"? write a number from 0 to 1, for example 0.95, or a percentage, for example "95%""#);
        assert!(sizes("2B..1B").is_err());
        for wrong in ["-0.1", "1.1", "101%", "nan", ""] {
            assert!(share_or_none(wrong).is_err(), "{wrong}");
        }
        assert!(share("0").is_err() && positive("0").is_err());
        for wrong in ["0/s", "-5/s", "inf", "/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
