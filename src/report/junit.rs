//! JUnit XML: every expectation and every limit is a test, every scenario a suite, so that the tools
//! that show tests show what does not hold. In a sweep, each cell is a test.
//!
//! There is one schema of JUnit for each reader; what is written here is what all of them understand.

use crate::{
    experiment::{Results, SweepResults, baseline::Standing},
    report::{baseline, expectation},
};

/// What is to be told about one scenario.
pub enum Tested<'a> {
    /// A scenario without a sweep.
    Plain(&'a Results),
    /// A scenario with one.
    Sweep(&'a SweepResults),
}

/// A test and why it failed, if it did.
struct Case {
    name: String,
    failure: Option<String>,
}

/// The whole document.
#[must_use]
pub fn render(all: &[Tested<'_>]) -> String {
    let mut suites = String::new();
    let (mut tests, mut failures) = (0, 0);
    for one in all {
        let (name, cases) = match one {
            Tested::Plain(results) => (&results.name, plain(results)),
            Tested::Sweep(results) => (&results.name, cells(results)),
        };
        let failed = cases.iter().filter(|case| case.failure.is_some()).count();
        tests += cases.len();
        failures += failed;
        suites.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\">\n",
            escape(name),
            cases.len()
        ));
        for case in cases {
            let head = format!(
                "    <testcase classname=\"{}\" name=\"{}\"",
                escape(name),
                escape(&case.name)
            );
            suites.push_str(&match case.failure {
                None => format!("{head}/>\n"),
                Some(why) => format!(
                    "{head}>\n      <failure message=\"{}\"/>\n    </testcase>\n",
                    escape(&why)
                ),
            });
        }
        suites.push_str("  </testsuite>\n");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"cachesim\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\">\n{suites}</testsuites>\n"
    )
}

fn plain(results: &Results) -> Vec<Case> {
    let expected = results.expectations.iter().map(|judgement| {
        let expectation = &judgement.expectation;
        Case {
            // The line tells two expectations of one metric apart, and stays as values change.
            name: format!(
                "{}: {} (line {})",
                expectation.variant, expectation.metric, expectation.line
            ),
            failure: (!judgement.held).then(|| expectation::sentence(judgement)),
        }
    });
    let limits = results
        .comparison
        .iter()
        .flat_map(|comparison| &comparison.limits);
    let limits = limits.map(|judged| Case {
        name: format!("{}: limit {}", judged.variant, judged.limit.text),
        failure: (judged.standing == Standing::Broken).then(|| baseline::sentence(judged)),
    });
    expected.chain(limits).collect()
}

fn cells(results: &SweepResults) -> Vec<Case> {
    let case = |cell| {
        let settings = results.axes.iter().zip(results.values(cell));
        let settings = settings.map(|(axis, value)| format!("{}={value}", axis.name()));
        let (held, all) = cell.held;
        let first = cell.broken.as_ref().map(expectation::sentence);
        Case {
            name: settings.collect::<Vec<_>>().join(" "),
            failure: (held < all).then(|| {
                let broken = all - held;
                let first = first.unwrap_or_default();
                format!("{broken} of {all} expectations do not hold; the first: {first}")
            }),
        }
    };
    results.cells.iter().map(case).collect()
}

/// Text as XML has to have it in attributes; characters that XML 1.0 forbids are replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
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
    fn every_expectation_is_a_test() {
        insta::assert_snapshot!(render(&[Tested::Plain(&samples::stampede(2))]), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="cachesim" tests="2" failures="1" errors="0">
          <testsuite name="stampede" tests="2" failures="1" errors="0" skipped="0">
            <testcase classname="stampede" name="base: database.qps.max (line 31)">
              <failure message="base: database.qps.max is 849 /s, expected below 400 /s"/>
            </testcase>
            <testcase classname="stampede" name="undefended: latency.p99 (line 36)"/>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn names_cannot_end_an_attribute() {
        let mut results = samples::stampede(1);
        results.name = "a\"><b>&\u{1}".to_owned();
        let text = render(&[Tested::Plain(&results)]);
        assert!(text.contains("name=\"a&quot;&gt;&lt;b&gt;&amp;\u{fffd}\""));
    }
}
