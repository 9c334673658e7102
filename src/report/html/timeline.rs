//! What happens to the world while it is watched: the events that are marked on the charts.

use crate::report::{chart::axis, events};

use super::{Page, Part, text::escape};

pub(super) const PART: Part = Part {
    id: "timeline",
    heading: "Timeline",
    body,
};

/// More events than this are in the settings only.
const MOST_EVENTS: usize = 100;

fn body(page: &Page<'_>) -> String {
    let [(_, only)] = page.runs else {
        return String::new();
    };
    let marks = events::of(only);
    if marks.is_empty() {
        return String::new();
    }
    let rows: String = marks
        .iter()
        .take(MOST_EVENTS)
        .map(|mark| {
            format!(
                "<li><span class=\"when\">{}</span> <strong>{}</strong> {}{}</li>\n",
                escape(&axis::instant(mark.at_s)),
                escape(&mark.label),
                escape(&mark.details),
                escape(&mark.whose(only))
            )
        })
        .collect();
    let more = match marks.len().saturating_sub(MOST_EVENTS) {
        0 => String::new(),
        more => format!("<p class=\"note\">{more} more are in the settings.</p>\n"),
    };
    format!("<ol class=\"timeline\">\n{rows}</ol>\n{more}")
}
