//! Every variant side by side, with differences to the first; the key metrics, and the others behind
//! a switch.

use std::collections::HashSet;

use crate::report::{compared::compare, key_metrics};

use super::{
    Page, Part,
    headlines::tone_class,
    text::{escape, metric, variant},
};

pub(super) const PART: Part = Part {
    id: "table",
    heading: "Side by side",
    body,
};

/// More rows than this are in `summary.csv` only: those of single nodes are many.
const MOST_ROWS: usize = 400;

fn body(page: &Page<'_>) -> String {
    let results = page.results;
    let key: HashSet<String> = key_metrics::groups(results, false)
        .into_iter()
        .flatten()
        .collect();
    let heads: String = results
        .variants
        .iter()
        .enumerate()
        .map(|(index, one)| {
            format!(
                "<th scope=\"col\" class=\"number v{index}\">{}</th>",
                variant(index, &one.name)
            )
        })
        .collect();
    let mut rows = String::new();
    let (mut count, mut left_out, mut others) = (0, 0, 0);
    for group in key_metrics::groups(results, true) {
        // A line between groups stands above the first row of each that is seen.
        let mut first = (true, true);
        for name in &group {
            let is_key = key.contains(name);
            if !is_key && count >= MOST_ROWS {
                left_out += 1;
                continue;
            }
            count += 1;
            others += usize::from(!is_key);
            let mut class = String::new();
            if is_key {
                class.push_str(if first.0 { "first" } else { "" });
                first.0 = false;
            } else {
                class.push_str("other");
            }
            class.push_str(if first.1 { " first-of-all" } else { "" });
            first.1 = false;
            rows.push_str(&row(page, name, class.trim()));
        }
    }
    let switch = if others > 0 {
        format!(
            "<label class=\"switch\" hidden><input type=\"checkbox\" id=\"all-metrics\"> Show {others} more metrics</label>"
        )
    } else {
        String::new()
    };
    let mut notes = vec![];
    if results.variants.len() > 1 {
        notes.push(format!(
            "Differences are against {}; pp: percentage points, ×: so many times as much.",
            escape(&results.reference().name)
        ));
        notes.push(if results.replications > 1 {
            "±: half of the 95 % interval; in parentheses: may be luck.".to_owned()
        } else {
            "Of one run, any difference may be luck.".to_owned()
        });
    }
    if left_out > 0 {
        notes.push(format!("{left_out} more metrics are in summary.csv."));
    }
    format!(
        "{switch}<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Metrics side by side\"><table class=\"metrics\"><thead><tr><th scope=\"col\">metric</th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n<p class=\"note\">{}</p>\n",
        notes.join(" ")
    )
}

fn row(page: &Page<'_>, name: &str, class: &str) -> String {
    let results = page.results;
    let cells: String = results
        .variants
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let reference = (index > 0).then(|| results.reference());
            let cell = compare(name, one, reference, results);
            let difference = if cell.difference.is_empty() {
                String::new()
            } else {
                format!(
                    " <small class=\"{}\">{}</small>",
                    tone_class(cell.tone),
                    escape(&cell.difference)
                )
            };
            format!(
                "<td class=\"number v{index}\">{}{difference}</td>",
                escape(&cell.value)
            )
        })
        .collect();
    format!(
        "<tr class=\"{class}\"><th scope=\"row\">{}</th>{cells}</tr>\n",
        metric(name)
    )
}
