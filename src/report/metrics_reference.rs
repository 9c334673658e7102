//! `docs/metrics.md`: every metric with its unit and meaning, written from the catalogue.
//!
//! To write the file anew after a change of the catalogue: `UPDATE_DOCS=1 cargo test --lib
//! metrics_reference`.

use crate::metrics::{Better, CATALOGUE, Unit};

/// The whole page.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         <!-- Written from the catalogue in src/metrics by src/report/metrics_reference.rs. -->\n\n\
         What `cachesim run` measures, under the names that the JSON and CSV outputs, `[[expect]]` \
         and the tables use. All are over the time after warm-up. `<tier>` stands for a tier's name \
         and `<i>` for a node's number, counted from 0. Values are in base units: seconds, bytes, \
         per second, and shares between 0 and 1. A metric of which nothing could be measured (the \
         latency of writes when there are none) is `null` in JSON, empty in CSV and `-` in tables.\n\n\
         With several replications each value is the mean over them, with its 95 % confidence \
         interval (Student's t).\n\n\
         | metric | unit | better | meaning |\n|:--|:--|:--|:--|\n",
    );
    for metric in CATALOGUE {
        text.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            metric.name,
            unit(metric.unit),
            better(metric.better),
            metric.meaning.replace('|', "\\|")
        ));
    }
    text
}

/// A unit in words.
#[must_use]
pub fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "seconds",
        Unit::Bytes => "bytes",
        Unit::PerSecond => "per second",
        Unit::BytesPerSecond => "bytes per second",
        Unit::Ratio => "ratio",
        Unit::Money => "money",
        Unit::Count => "count",
    }
}

fn better(better: Better) -> &'static str {
    match better {
        Better::Lower => "lower",
        Better::Higher => "higher",
        Better::Neither => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
            std::fs::write(path, page()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == page(),
            "docs/metrics.md is out of date: UPDATE_DOCS=1 cargo test --lib metrics_reference"
        );
    }
}
