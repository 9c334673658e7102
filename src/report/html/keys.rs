//! The keys that each tier was asked for most.

use crate::{metrics::Unit, report::quantity};

use super::{
    Page, Part,
    text::{escape, number, variant},
};

pub(super) const PART: Part = Part {
    id: "keys",
    heading: "Hottest keys",
    body,
};

/// Rows of one variant, at most.
const MOST_ROWS: usize = 30;

fn body(page: &Page<'_>) -> String {
    let results = page.results;
    let mut rows = String::new();
    for (index, one) in results.variants.iter().enumerate() {
        for top in one.top_keys.iter().take(MOST_ROWS) {
            rows.push_str(&format!(
                "<tr class=\"v{index}\"><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number share\">{}<span class=\"bar\"><i style=\"width:{}%\"></i></span></td></tr>\n",
                variant(index, &one.name),
                escape(&top.tier),
                top.key,
                escape(&quantity::quantity(top.rate, Unit::PerSecond)),
                escape(&quantity::quantity(top.share, Unit::Ratio)),
                number((100.0 * top.share).clamp(0.0, 100.0))
            ));
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<details><summary>The keys that each tier was asked for most</summary>\n<div class=\"scroll\"><table><thead><tr><th scope=\"col\">variant</th><th scope=\"col\">tier</th><th scope=\"col\" class=\"number\">key</th><th scope=\"col\" class=\"number\">rate</th><th scope=\"col\" class=\"number\">share of the tier's exchanges</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div></details>\n"
    )
}
