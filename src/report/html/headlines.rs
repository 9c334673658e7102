//! The numbers that decide, as bars: one card for each, one bar for each variant.

use crate::{
    metrics::{self, Better, Unit},
    report::{
        compared::{Tone, compare},
        quantity,
    },
};

use super::{
    Page, Part,
    chart::COLOURS,
    text::{anchor, escape, number, variant},
};

pub(super) const PART: Part = Part {
    id: "numbers",
    heading: "Key numbers",
    body,
};

/// (metric, its name for people, whether it is left out where it is 0 everywhere)
const HEADLINES: &[(&str, &str, bool)] = &[
    ("hit_ratio", "Hit ratio", false),
    ("database.qps.mean", "Database queries", false),
    ("database.qps.max", "Database queries, worst second", false),
    ("latency.p99", "Latency, 99th percentile", false),
    ("latency.p999", "Latency, 99.9th percentile", false),
    ("requests.failed", "Failed requests", true),
    ("stampede.peak", "Most fetches of one key at once", true),
    ("staleness.ratio", "Stale answers", true),
    ("consistency.lost_writes", "Lost writes", true),
    ("cost.monthly", "Cost of a month", false),
];

/// More bars than this in a card are a thicket.
const MOST_BARS: usize = 16;

fn body(page: &Page<'_>) -> String {
    let cards: String = HEADLINES.iter().filter_map(|row| card(page, row)).collect();
    if cards.is_empty() {
        return cards;
    }
    format!("<div class=\"cards\">\n{cards}</div>\n")
}

fn card(page: &Page<'_>, &(name, title, unless_zero): &(&str, &str, bool)) -> Option<String> {
    let results = page.results;
    let mean = |index: usize| {
        let metric = results.variants[index].metrics.get(name);
        metric.map_or(f64::NAN, |one| one.mean)
    };
    let means: Vec<f64> = (0..results.variants.len().min(MOST_BARS))
        .map(mean)
        .collect();
    let measured = means.iter().copied().filter(|mean| mean.is_finite());
    let largest = measured.clone().fold(f64::NAN, f64::max);
    if largest.is_nan() || unless_zero && largest == 0.0 {
        return None;
    }
    let row = metrics::find(name)?;
    // A share has a whole; everything else is measured by the largest.
    let whole = if row.unit == Unit::Ratio && largest > 0.5 {
        1.0
    } else {
        largest
    };
    let bars: String = means
        .iter()
        .enumerate()
        .map(|(index, &mean)| {
            let one = &results.variants[index];
            let reference = (index > 0).then(|| results.reference());
            let cell = compare(name, one, reference, results);
            let share = if whole > 0.0 && mean.is_finite() {
                (100.0 * mean / whole).clamp(0.0, 100.0)
            } else {
                0.0
            };
            let tone = tone_class(cell.tone);
            let label = if results.variants.len() > 1 {
                format!("<span class=\"name\">{}</span>", variant(index, &one.name))
            } else {
                String::new()
            };
            format!(
                "<li class=\"v{index} c{}\">{label}<span class=\"value\">{}<small class=\"{tone}\">{}</small></span><span class=\"bar\"><i style=\"width:{}%\"></i></span></li>\n",
                index % COLOURS,
                escape(&quantity::of_metric(name, mean, row.unit, 3)),
                escape(&cell.difference),
                number(share)
            )
        })
        .collect();
    let hint = match row.better {
        Better::Lower => "less is better",
        Better::Higher => "more is better",
        Better::Neither => "",
    };
    let more = match results.variants.len().saturating_sub(MOST_BARS) {
        0 => String::new(),
        more => format!("<p class=\"note\">and {more} more, in the table below</p>"),
    };
    Some(format!(
        "<article class=\"card\"><h3><a href=\"#{}\">{title}</a></h3><p class=\"hint\">{hint}</p><ul>\n{bars}</ul>{more}</article>\n",
        anchor(name)
    ))
}

/// The class of a kind of news.
pub(super) fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain | Tone::Strong => "plain",
        Tone::Faint => "faint",
        Tone::Good => "better",
        Tone::Bad => "worse",
    }
}
