//! Markdown for a pull request: one table for each scenario, and a list of its expectations.

use crate::{
    experiment::Results,
    metrics::Unit,
};

use super::{expectation, key_metrics, quantity};

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
            if let (Some(paired), Some(base)) = (
                variant.differences.get(&name),
                reference.metrics.get(&name),
            ) && paired.mean != 0.0
            {
                let difference = quantity::difference_of_metric(
                    &name,
                    base.mean + paired.mean,
                    base.mean,
                    unit,
                );
                cell.push_str(&format!(" ({difference})"));
            }
            text.push_str(&format!(" {cell} |"));
        }
        text.push('\n');
    }
    if !results.expectations.is_empty() {
        text.push('\n');
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

/// What is printed for several scenarios.
#[must_use]
pub fn print(results: &[Results], all: bool) -> String {
    let reports: Vec<String> = results.iter().map(|one| render(one, all)).collect();
    reports.join("\n")
}

/// Names are the user's: what Markdown would take for its own signs is escaped.
fn escape(text: &str) -> String {
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
        insta::assert_snapshot!(render(&samples::stampede(2), false), @"");
    }

    #[test]
    fn names_cannot_break_the_table() {
        let mut results = samples::stampede(2);
        results.variants[1].name = "a|b\n*c*".to_owned();
        let text = render(&results, false);
        let header = text.lines().find(|line| line.starts_with("| metric")).unwrap();
        assert_eq!(header, r"| metric | base | a\|b \*c\* |");
    }
}
