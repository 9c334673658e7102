//! Many variants in little room: a row for each, with the few metrics that tell most about them.
//!
//! These are the metrics that the scenario expects something of in several variants, those named most often
//! first, and then the usual ones, as far as they differ and the width goes.

use unicode_width::UnicodeWidthStr as _;

use super::{
    quantity,
    terminal::{GAP, Look, shorten, table, wrap},
};
use crate::experiment::Results;

/// More variants than this are rows of one table rather than columns of several.
const MOST_SIDE_BY_SIDE: usize = 8;

/// Names of variants are cut to this width.
pub const NAME_WIDTH: usize = 24;

/// Names of metrics are wrapped to it.
const HEAD_WIDTH: usize = 10;

/// What is usually asked of variants, the most telling first. A `*` stands for the name of a tier.
const USUAL: &[&str] = &[
    "latency.p99",
    "database.qps.max",
    "requests.failed",
    "staleness.mean",
    "hit_ratio",
    "stampede.peak",
    "cost.monthly",
    "latency.mean",
    "database.qps.mean",
    "tier.*.rate",
    "tier.*.hit_ratio",
];

/// Whether there are so many variants that they are shown like this.
#[must_use]
pub fn is_for(results: &Results) -> bool {
    results.variants.len() > MOST_SIDE_BY_SIDE
}

/// The table, and a sentence about what is not in it.
#[must_use]
pub fn terminal(results: &Results, look: Look) -> String {
    let mut metrics: Vec<String> = Vec::new();
    for metric in candidates(results) {
        metrics.push(metric);
        if width(results, &metrics) > look.width && metrics.len() > 1 {
            metrics.pop();
            break;
        }
    }
    let (mut header, rows) = columns(results, &metrics);
    for name in &mut header {
        *name = wrap(name, HEAD_WIDTH).join("\n");
    }
    let mut text = table(&header, vec![rows], look);
    text.push_str("\n--all shows every metric, and how variants differ.\n");
    text
}

/// The width of the table.
fn width(results: &Results, metrics: &[String]) -> usize {
    let (header, rows) = columns(results, metrics);
    let columns = header.iter().enumerate().map(|(column, name)| {
        let head = wrap(name, HEAD_WIDTH).into_iter();
        let cells = rows.iter().map(|row| row[column].clone());
        head.chain(cells).map(|it| it.width()).max().unwrap_or(0)
    });
    columns.sum::<usize>() + GAP * metrics.len()
}

fn columns(results: &Results, metrics: &[String]) -> (Vec<String>, Vec<Vec<String>>) {
    let mut header = vec!["variant".to_owned()];
    header.extend(metrics.iter().cloned());
    let rows = results.variants.iter().map(|variant| {
        let mut row = vec![shorten(&variant.name, NAME_WIDTH)];
        row.extend(metrics.iter().map(|name| match variant.metrics.get(name) {
            Some(it) if it.is_measured() => quantity::of_metric(name, it.mean, it.unit, 3),
            _ => quantity::UNMEASURED.to_owned(),
        }));
        row
    });
    (header, rows.collect())
}

/// Metrics that are worth a column, the best first.
fn candidates(results: &Results) -> Vec<String> {
    let mut named: Vec<(&str, Vec<&str>)> = Vec::new();
    for judged in &results.expectations {
        let expectation = &judged.expectation;
        let (metric, variant) = (expectation.metric.as_str(), expectation.variant.as_str());
        let index = named.iter().position(|(name, _)| *name == metric);
        let index = index.unwrap_or_else(|| {
            named.push((metric, Vec::new()));
            named.len() - 1
        });
        if !named[index].1.contains(&variant) {
            named[index].1.push(variant);
        }
    }
    named.retain(|(_, variants)| variants.len() > 1);
    named.sort_by_key(|(_, variants)| std::cmp::Reverse(variants.len()));
    let expected = named.into_iter().map(|(name, _)| name.to_owned());
    let all = results.reference().metrics.keys();
    let usual = USUAL.iter().flat_map(|usual| {
        let matching = all.clone().filter(move |name| fits(usual, name));
        matching.cloned()
    });
    let mut chosen: Vec<String> = Vec::new();
    for name in expected.chain(usual) {
        // Most requests are reads: one of the two is enough.
        let alike = |other: &String| whole(other) == whole(&name);
        if differs(results, &name) && !chosen.iter().any(alike) {
            chosen.push(name);
        }
    }
    chosen
}

/// The name of the metric of all requests, of which this may be that of the reads.
fn whole(name: &str) -> &str {
    name.strip_prefix("read.").unwrap_or(name)
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|tier| !tier.contains('.')),
    }
}

/// Whether a metric tells two variants apart.
fn differs(results: &Results, name: &str) -> bool {
    let spelled = results.variants.iter().map(|variant| {
        let it = variant.metrics.get(name)?;
        it.is_measured().then(|| it.mean.to_bits())
    });
    let mut spelled: Vec<Option<u64>> = spelled.collect();
    spelled.dedup();
    spelled.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    /// Twelve variants, of which each is one of six under another name.
    fn many() -> Results {
        let mut results = samples::stampede(6);
        let mut more = results.variants.clone();
        more.iter_mut().for_each(|it| it.name.push_str("-2"));
        results.variants.extend(more);
        results
    }

    #[test]
    fn many_variants_are_rows_that_fit() {
        assert!(!is_for(&samples::stampede(6)) && is_for(&many()));
        let look = Look {
            width: 80,
            colours: false,
            all: false,
            ascii: false,
        };
        let text = terminal(&many(), look);
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
        for variant in &many().variants {
            let rows = text.lines().filter(|line| line.starts_with(&variant.name));
            // Names that are cut still begin as they did.
            assert!(
                rows.count() >= 1 || variant.name.len() > NAME_WIDTH,
                "{text}"
            );
        }
        // Variants as rows, metrics as columns: the usual ones, as far as they tell variants apart.
        let metrics = candidates(&many());
        assert!(
            metrics.iter().any(|name| name == "database.qps.max"),
            "{metrics:?}"
        );
        assert!(
            !metrics.iter().any(|name| name == "read.latency.p99"),
            "{metrics:?}"
        );
    }

    #[test]
    fn a_tier_is_named_without_dots() {
        assert!(fits("tier.*.rate", "tier.redis.rate"));
        assert!(!fits("tier.*.rate", "tier.redis.evictions.rate"));
        assert!(!fits("latency.p99", "read.latency.p99"));
    }
}
