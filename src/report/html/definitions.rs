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
    let variants = page.results.variants.iter();
    let names: Vec<&str> = variants
        .flat_map(|one| one.metrics.keys().map(String::as_str))
        .collect();
    of(&names)
}

/// The definitions of these metrics, in the order of the catalogue, folded away.
pub(super) fn of(names: &[&str]) -> String {
    let used: std::collections::HashSet<&str> = names
        .iter()
        .filter_map(|name| Some(metrics::find(name)?.name))
        .collect();
    let items: String = metrics::CATALOGUE
        .iter()
        .filter(|row| used.contains(row.name))
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
