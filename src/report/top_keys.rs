//! The keys that each tier was asked for most, as rows of a table for people.
//!
//! Not here: how they are found (`metrics::HeavyHitters`).

use crate::experiment::Results;
use crate::metrics::{TopKey, Unit};

use super::quantity;

/// A key with so large a share of a tier's exchanges is worth telling without being asked for.
const NOTABLE: f64 = 0.05;

/// The headings of [`rows`].
pub const HEADER: [&str; 5] = ["tier", "key", "variant", "rate", "share"];

/// A row for each key: all ten of each tier and variant, or only those with a share that nobody would
/// overlook.
#[must_use]
pub fn rows(results: &Results, all: bool) -> Vec<Vec<String>> {
    let of = |variant: &str, top: &TopKey| {
        vec![
            top.tier.clone(),
            top.key.to_string(),
            variant.to_owned(),
            quantity::quantity(top.rate, Unit::PerSecond),
            quantity::quantity(top.share, Unit::Ratio),
        ]
    };
    let variants = results.variants.iter();
    variants
        .flat_map(|variant| variant.top_keys.iter().map(move |top| (&variant.name, top)))
        .filter(|(_, top)| all || top.share >= NOTABLE)
        .map(|(variant, top)| of(variant, top))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn only_hot_keys_are_told_unless_all_are_asked_for() {
        let mut results = samples::stampede(1);
        results.variants.truncate(1);
        let top = |key, share| TopKey {
            tier: "redis".into(),
            key,
            rate: 10_000.0 * share,
            share,
        };
        results.variants[0].top_keys = vec![top(17, 0.5), top(4, 0.01)];
        let hot = ["redis", "17", "base", "5.00 k/s", "50.0 %"].map(str::to_owned);
        assert_eq!(rows(&results, false), [hot]);
        assert_eq!(rows(&results, true).len(), 2);
    }
}
