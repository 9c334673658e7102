//! Markdown for a pull request: one table for each scenario, and a list of its expectations.

use crate::{
    experiment::{Comparison, Interval, Results, Verdict, baseline::Standing},
    metrics::Unit,
};

use super::{alerts, baseline, expectation, key_metrics, layers, quantity, verdict};

/// The report of one scenario; ends with a newline.
#[must_use]
pub fn render(results: &Results, all: bool) -> String {
    let reference = results.reference();
    let mut text = format!("## {}\n\n", escape(&results.title));
    let runs = match results.replications {
        1 => "1 run of each variant".to_owned(),
        runs => format!("means of {runs} replications"),
    };
    text.push_str(&format!(
        "`{}`, seed {}, {runs}\n\n",
        results.name, results.seed
    ));
    // What a reviewer has to know comes first.
    if let Some(comparison) = &results.comparison {
        text.push_str(&compared(results, comparison, all));
    }
    for remark in super::remarks(results) {
        text.push_str(&format!("{}\n\n", escape(&remark)));
    }
    text.push_str("| metric |");
    for variant in &results.variants {
        text.push_str(&format!(" {} |", escape(&variant.name)));
    }
    text.push_str("\n|:--|");
    text.push_str(&"--:|".repeat(results.variants.len()));
    text.push('\n');
    for name in key_metrics::groups(results, all).concat() {
        text.push_str(&format!("| `{name}` |"));
        for variant in &results.variants {
            let (mean, unit) = variant
                .metrics
                .get(&name)
                .map_or((f64::NAN, Unit::Count), |interval| {
                    (interval.mean, interval.unit)
                });
            let mut cell = quantity::of_metric(&name, mean, unit, 3);
            if let (Some(paired), Some(base)) =
                (variant.differences.get(&name), reference.metrics.get(&name))
                && paired.mean != 0.0
            {
                let both = (base.mean + paired.mean, base.mean);
                let relative = variant.relative.get(&name);
                let difference = if results.replications > 1 {
                    let relative_width = relative.map_or(f64::NAN, Interval::half_width);
                    let widths = (paired.half_width(), relative_width);
                    quantity::difference_with_interval(&name, both, widths, unit)
                } else {
                    quantity::difference_of_metric(&name, both.0, both.1, unit)
                };
                let may_be_luck =
                    Verdict::of(paired, relative, results.replications) == Verdict::NotShown;
                let difference = if may_be_luck {
                    format!("{difference}, may be luck")
                } else {
                    difference
                };
                cell.push_str(&format!(" ({difference})"));
            }
            text.push_str(&format!(" {cell} |"));
        }
        text.push('\n');
    }
    let chains = layers::lines(results);
    if !chains.is_empty() {
        text.push_str("\nShare of the reads that each layer answers:\n\n");
    }
    for (variant, line) in chains {
        let line = line.replace('\u{a0}', " ").replace("->", "→");
        text.push_str(&format!("- {}: {}\n", escape(variant), escape(&line)));
    }
    for variant in results.variants.iter().skip(1) {
        let sentences = verdict::sentences(results, variant);
        if sentences.is_empty() {
            continue;
        }
        let (name, base) = (escape(&variant.name), escape(&reference.name));
        text.push_str(&format!("\n{name} against {base}:\n\n"));
        for sentence in sentences {
            text.push_str(&format!("- {}\n", escape(&sentence)));
        }
    }
    text.push_str(&alerts(results));
    if !results.expectations.is_empty() {
        text.push_str("\nExpectations:\n\n");
        for judgement in &results.expectations {
            let word = if judgement.held { "pass" } else { "**FAIL**" };
            text.push_str(&format!(
                "- {word}: {}\n",
                escape(&expectation::sentence(judgement))
            ));
        }
    }
    text
}

/// Which alerts fired in which variant.
fn alerts(results: &Results) -> String {
    let mut text = String::new();
    for group in alerts::groups(results) {
        let (name, condition) = (escape(&group.name), escape(&group.condition));
        for row in group.rows {
            let variant = escape(&results.variants[row.variant].name);
            text.push_str(&format!(
                "| {name} | {condition} | {variant} | {} | {} | {} |\n",
                row.often, row.when, row.worst
            ));
        }
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "\n| alert | rule | variant | fired | from, to | worst |\n|:--|:--|:--|:--|:--|--:|\n{text}"
    )
}

/// The limits, and what moved since the baseline.
fn compared(results: &Results, comparison: &Comparison, all: bool) -> String {
    let mut text = String::new();
    let limits = &comparison.limits;
    let count = |standing: Standing| {
        limits
            .iter()
            .filter(|judged| judged.standing == standing)
            .count()
    };
    let (broken, unsure) = (count(Standing::Broken), count(Standing::Unsure));
    if !limits.is_empty() {
        text.push_str(&match broken {
            0 if unsure > 0 => format!(
                "**All {} limits are kept, {unsure} of them not for sure.**\n\n",
                limits.len()
            ),
            0 => format!("**All {} limits are kept.**\n\n", limits.len()),
            _ => format!("**{broken} of {} limits broken.**\n\n", limits.len()),
        });
        for judged in limits {
            let word = match judged.standing {
                Standing::Broken => "**FAIL**",
                kept => baseline::word(kept),
            };
            let sentence = escape(&baseline::sentence(judged));
            text.push_str(&format!("- {word}: {sentence}\n"));
        }
        text.push('\n');
    }
    if comparison.version.is_empty() {
        return text;
    }
    text.push_str(&format!(
        "Against the baseline, {}.\n\n",
        escape(&baseline::summary(results, comparison))
    ));
    let moved = baseline::moved(results, comparison, all);
    if !moved.is_empty() {
        text.push_str("| variant | metric | baseline | now | change |\n|:--|:--|--:|--:|--:|\n");
        for [variant, metric, before, now, change] in moved {
            let variant = escape(&variant);
            text.push_str(&format!(
                "| {variant} | `{metric}` | {before} | {now} | {change} |\n"
            ));
        }
        text.push('\n');
    }
    text
}

/// Names are the user's: what Markdown would take for its own signs is escaped.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '|' | '*' | '_' | '`' | '<' | '[' | ']' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_report_is_a_table_and_a_list() {
        insta::assert_snapshot!(render(&samples::stampede(2), false), @r"
        ## Stampede on a hot key

        `stampede`, seed 7, 1 run of each variant

        | metric | base | undefended |
        |:--|--:|--:|
        | `requests.rate` | 10.0 k/s | 10.0 k/s |
        | `goodput.rate` | 10.0 k/s | 10.0 k/s (-0.05 %) |
        | `requests.failed` | 0 | 1234 (new) |
        | `deadline.missed` | 7 | 85 (×12.1) |
        | `retries.amplification` | 3.05 % | 36.8 % (+33.8 pp) |
        | `hedges.sent` | 7 | 85 (×12.1) |
        | `degraded.seconds` | 975 µs | 11.8 ms (×12.1) |
        | `unavailable.seconds` | 982 µs | 11.8 ms (×12.0) |
        | `recovery.time` | 1.01 ms | 12.1 ms (×11.9) |
        | `latency.mean` | 1.03 ms | 12.3 ms (×12.0) |
        | `latency.p50` | 1.01 ms | 12.2 ms (×12.0) |
        | `latency.p99` | 1.00 ms | 12.1 ms (×12.0) |
        | `latency.p999` | 983 µs | 11.8 ms (×12.0) |
        | `latency.max` | 3.95 ms | 47.5 ms (×12.0) |
        | `hit_ratio` | 97.9 % | 74.4 % (-23.5 pp) |
        | `tier.redis.hit_ratio` | 96.9 % | 85.9 % (-11.0 pp) |
        | `tier.redis.delayed_hit_ratio` | 0.430 % | 5.16 % (+4.7 pp) |
        | `tier.redis.stale_hit_ratio` | 2.97 % | 35.8 % (+32.8 pp) |
        | `tier.redis.negative_hit_ratio` | 3.06 % | 36.5 % (+33.4 pp) |
        | `tier.redis.miss_ratio` | 2.27 % | 8.54 % (+6.3 pp) |
        | `tier.redis.bypassed` | 6 | 82 (×13.7) |
        | `tier.redis.evictions.rate` | 210 /s | 2.53 k/s (×12.0) |
        | `tier.redis.utilization` | 2.94 % | 35.1 % (+32.2 pp) |
        | `tier.redis.imbalance` | 1.34 | 1.34 |
        | `database.qps.mean` | 215 /s | 2.59 k/s (×12.0) |
        | `database.qps.max` | 849 /s | 10.2 k/s (×12.0) |
        | `database.utilization` | 3.04 % | 36.4 % (+33.3 pp) |
        | `database.wait.p99` | 998 µs | 12.0 ms (×12.1) |
        | `database.queue.max` | 28 | 337 (×12.0) |
        | `database.rejected` | 6 | 82 (×13.7) |
        | `stampede.events` | 0 | 17 (new) |
        | `stampede.peak` | 7 | 84 (×12.0) |
        | `staleness.ratio` | 2.94 % | 35.3 % (+32.3 pp) |
        | `staleness.p99` | 998 µs | 12.0 ms (×12.1) |
        | `cost.monthly` | 1010 | 1120 (+10.9 %) |

        Expectations:

        - **FAIL**: base: database.qps.max is 849 /s, expected below 400 /s
        - pass: undefended: latency.p99 is 12.1 ms, expected below 50.0 ms
        ");
    }

    #[test]
    fn names_cannot_break_the_table() {
        let mut results = samples::stampede(2);
        results.variants[1].name = "a|b\n*c*".to_owned();
        let text = render(&results, false);
        let header = text
            .lines()
            .find(|line| line.starts_with("| metric"))
            .unwrap();
        assert_eq!(header, r"| metric | base | a\|b \*c\* |");
    }
}
