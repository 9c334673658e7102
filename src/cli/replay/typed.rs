//! Numbers as they are typed on the command line, read as scenarios read them.

use crate::replay::Warmup;
use crate::scenario::unit::{Count, Misspelt, Share};

fn in_words(wrong: Misspelt) -> String {
    format!("{}; {}", wrong.message, wrong.help)
}

/// A number of things, at least one.
pub(in crate::cli) fn parse_count(text: &str) -> Result<u64, String> {
    match Count::parse(text).map_err(in_words)? {
        Count(0) => Err("at least 1 is wanted".to_owned()),
        Count(count) => Ok(count),
    }
}

/// A part of a whole, as a number or a percentage, from 0 to 1.
pub(in crate::cli) fn parse_share(text: &str) -> Result<f64, String> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        Ok(_) => Err("a share from 0 to 1 is wanted (0.05 or 5%)".to_owned()),
        Err(_) => Share::parse(text).map(|it| it.0).map_err(in_words),
    }
}

/// A share that is not nothing.
pub(in crate::cli) fn parse_rate(text: &str) -> Result<f64, String> {
    match parse_share(text)? {
        0.0 => Err("a share above 0 and up to 1 is wanted (0.01 or 1%)".to_owned()),
        rate => Ok(rate),
    }
}

/// A number of requests, or a share of them that leaves some.
pub(in crate::cli) fn parse_warmup(text: &str) -> Result<Warmup, String> {
    if text.trim_end().ends_with('%') {
        return match parse_share(text)? {
            1.0 => Err("a share below 100% is wanted, or nothing is left to count".to_owned()),
            share => Ok(Warmup::Share(share)),
        };
    }
    match Count::parse(text).map_err(in_words)? {
        Count(0) => Ok(Warmup::None),
        Count(requests) => Ok(Warmup::Requests(requests)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_is_a_number_or_a_share() {
        assert_eq!(parse_warmup("0"), Ok(Warmup::None));
        assert_eq!(parse_warmup("10k"), Ok(Warmup::Requests(10_000)));
        assert_eq!(parse_warmup("25%"), Ok(Warmup::Share(0.25)));
        for wrong in ["", "-1", "100%", "nan%", "x", "1.5"] {
            assert!(parse_warmup(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn shares_are_numbers_or_percentages() {
        assert_eq!(parse_share("5%"), Ok(0.05));
        assert_eq!(parse_share("0.05"), Ok(0.05));
        assert_eq!(parse_share("0"), Ok(0.0));
        for wrong in ["", "5", "-0.1", "nan", "inf", "101%", "5 percent"] {
            assert!(parse_share(wrong).is_err(), "{wrong}");
        }
        assert!(parse_rate("0%").is_err());
    }

    #[test]
    fn a_mistake_comes_with_what_is_allowed() {
        insta::assert_snapshot!(parse_count("-5").unwrap_err(), @r#"
        a whole number cannot be negative: `-5`; write a whole number, for example 100, 1_000_000, "10k" or "1.5M"
        "#);
        insta::assert_snapshot!(parse_count("ten").unwrap_err(), @r#"
        `ten` is not a whole number; write a whole number, for example 100, 1_000_000, "10k" or "1.5M"
        "#);
        insta::assert_snapshot!(parse_count("0").unwrap_err(), @"at least 1 is wanted");
        insta::assert_snapshot!(parse_share("5").unwrap_err(), @"a share from 0 to 1 is wanted (0.05 or 5%)");
    }
}
