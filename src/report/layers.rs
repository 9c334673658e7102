//! The chain of layers: which share of the reads each of them answers, from the client to the database.
//!
//! A small structure that every output draws in its own way, and the line of text that terminals and
//! Markdown share.

use crate::experiment::{Results, VariantResults};

use super::quantity;

/// What metrics call the app's Bloom filter, which stands before the first tier.
const FILTER: &str = "app.bloom_filter";

/// One layer of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The tier's name, `filter` for the app's Bloom filter, or `database`.
    pub name: String,
    /// Share of all answered reads that it answered, 0 to 1.
    pub share: f64,
    /// Share of the reads that came as far as this which it answered.
    pub of_what_came: f64,
}

/// The layers of a variant from the client to the database; empty where no read was answered, or
/// there is no tier.
#[must_use]
pub fn chain(variant: &VariantResults) -> Vec<Layer> {
    let share_of = |(name, interval): (&String, &crate::experiment::Interval)| {
        let layer = name.strip_suffix(".share_of_reads")?;
        let layer = match layer {
            FILTER => "filter",
            _ => layer.strip_prefix("tier.").unwrap_or(layer),
        };
        Some((layer.to_owned(), interval.mean))
    };
    let shares: Vec<(String, f64)> = variant.metrics.iter().filter_map(share_of).collect();
    if shares.len() < 2 || shares.iter().any(|(_, share)| !share.is_finite()) {
        return Vec::new();
    }
    let mut left: f64 = shares.iter().map(|(_, share)| share).sum();
    let layer = |(name, share): (String, f64)| {
        let of_what_came = if left > 0.0 {
            (share / left).min(1.0)
        } else {
            0.0
        };
        left -= share;
        Layer {
            name,
            share,
            of_what_came,
        }
    };
    shares.into_iter().map(layer).collect()
}

/// A chain in one line: `clients -> browser 40 % -> redis 55 % -> database 5 %`.
#[must_use]
pub fn line(chain: &[Layer]) -> String {
    let mut text = "clients".to_owned();
    for layer in chain {
        let percent = quantity::significant(100.0 * layer.share, 3);
        text.push_str(&format!(" -> {}\u{a0}{percent}\u{a0}%", layer.name));
    }
    text
}

/// The chains of all variants with more than one tier, in their order: the variant's name and its line.
#[must_use]
pub fn lines(results: &Results) -> Vec<(&str, String)> {
    let chains = results.variants.iter().map(|it| (&it.name, chain(it)));
    chains
        .filter(|(_, chain)| chain.len() > 2)
        .map(|(name, chain)| (name.as_str(), line(&chain)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_read_from_the_client_to_the_database() {
        let layer = |name: &str, share, of_what_came| Layer {
            name: name.to_owned(),
            share,
            of_what_came,
        };
        let chain = [layer("browser", 0.4, 0.4), layer("database", 0.6, 1.0)];
        let line = line(&chain).replace('\u{a0}', " ");
        assert_eq!(line, "clients -> browser 40.0 % -> database 60.0 %");
    }
}
