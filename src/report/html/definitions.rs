//! What each number means and how it is measured, from the catalogue.

use crate::{metrics, report::metrics_reference};

use super::{
    Page, Part,
    text::{anchor, escape},
};

pub(super) const PART: Part = Part {
    id: "definitions",
    heading: "What the numbers mean",
    body,
};

fn body(page: &Page<'_>) -> String {
    let used = |row: &&metrics::Metric| {
        let names = page
            .results
            .variants
            .iter()
            .flat_map(|one| one.metrics.keys());
        let mut rows = names.filter_map(|name| metrics::find(name));
        rows.any(|other| other.name == row.name)
    };
    let items: String = metrics::CATALOGUE
        .iter()
        .filter(used)
        .map(|row| {
            format!(
                "<div id=\"{}\"><dt>{}</dt><dd>{} <span class=\"unit\">({})</span></dd></div>\n",
                anchor(row.name),
                escape(row.name),
                escape(row.meaning),
                escape(metrics_reference::unit(row.unit))
            )
        })
        .collect();
    format!(
        "<details><summary>Definitions of all metrics on this page</summary>\n<dl class=\"definitions\">\n{items}</dl></details>\n"
    )
}
