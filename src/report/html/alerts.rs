//! Which alerts fired, when and how badly.

use crate::report::alerts::groups;

use super::{
    Page, Part,
    text::{escape, variant},
};

pub(super) const PART: Part = Part {
    id: "alerts",
    heading: "Alerts",
    body,
};

/// Rows, at most: what is left out is in `summary.json`.
const MOST_ROWS: usize = 200;

fn body(page: &Page<'_>) -> String {
    let mut rows = Vec::new();
    for group in groups(page.results) {
        for row in group.rows {
            let (class, word) = if row.fired {
                ("bad", "fired")
            } else {
                ("good", "quiet")
            };
            let index = row.variant;
            let cells = [&group.name, &group.condition, &row.often, &row.when].map(|it| escape(it));
            let [name, condition, often, when] = cells;
            rows.push(format!(
                "<tr class=\"v{index}\"><td><span class=\"pill {class}\">{word}</span></td><td>{name}</td><td>{condition}</td><td>{}</td><td>{often}</td><td>{when}</td><td class=\"number\">{}</td></tr>\n",
                variant(index, &page.results.variants[index].name),
                escape(&row.worst)
            ));
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    let more = match rows.len().saturating_sub(MOST_ROWS) {
        0 => String::new(),
        more => format!("<p class=\"note\">{more} more are in summary.json.</p>\n"),
    };
    rows.truncate(MOST_ROWS);
    let note = if page.results.replications > 1 {
        "<p class=\"note\">Instants and worst values are those of the first run.</p>\n"
    } else {
        ""
    };
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Alerts\"><table class=\"alerts\"><thead><tr><th scope=\"col\"></th><th scope=\"col\">alert</th><th scope=\"col\">condition</th><th scope=\"col\">variant</th><th scope=\"col\">fired</th><th scope=\"col\">from, to</th><th scope=\"col\" class=\"number\">worst</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n{note}{more}",
        rows.concat()
    )
}
