//! `report.html` of a sweep: the verdict over all cells, a chart for each metric that is shown, the cells in
//! a table, and how to find them again.

use crate::{
    experiment::{SweepResults, sweep::CellResults},
    metrics::{self, Better},
    report::{
        chart::{
            heat_map::{DARK, HeatMap, Ramp, colour},
            sweep::{SweepChart, SweepPicture, charts},
        },
        expectation, sweep,
    },
};

use super::{
    Document, Written, chart, definitions, lead, list_of_facts, settings,
    text::{escape, metric, number, variant},
    verdict::{LUCK, sentence_in_banner},
};

/// More charts than this are in files only.
const MOST_CHARTS: usize = 24;
/// A map of more cells than this is in files only.
const MOST_CELLS: usize = 2500;
/// More rows than this are in `sweep.csv` only.
const MOST_ROWS: usize = 400;
/// More values of an axis than this are in the settings only.
const MOST_VALUES: usize = 30;

/// The page about a sweep, with these metrics or the usual ones.
#[must_use]
pub fn of_sweep(results: &SweepResults, asked_for: &[String]) -> String {
    let shown = sweep::shown(results, asked_for);
    let part = |id, heading, body| Written { id, heading, body };
    let names: Vec<&str> = shown.iter().map(String::as_str).collect();
    let variants = variants(results);
    let version = &*results.version;
    let parts = vec![
        part(
            "verdict",
            "Verdict",
            verdict(results) + &best(results, &shown),
        ),
        part("charts", "Charts", all_charts(results, &shown)),
        part("cells", "Cells", cells(results, &shown)),
        part(
            "definitions",
            "What the numbers mean",
            definitions::of(&names),
        ),
        part("settings", "Settings", axes(results)),
        part("reproduce", "Run it again", again(results, version)),
    ];
    Document {
        title: &results.title,
        version,
        opening: lead(&results.description) + &facts(results),
        parts,
        variants: &variants,
    }
    .text()
}

fn variants(results: &SweepResults) -> Vec<&str> {
    let first = results.cells.first();
    let variants = first.map_or(&[][..], |cell| &cell.variants[..]);
    variants.iter().map(|variant| &*variant.name).collect()
}

fn facts(results: &SweepResults) -> String {
    let (least, most) = sweep::replications(results);
    let mut facts = vec![("scenario", results.name.clone())];
    for (key, label) in [("duration", "duration"), ("warmup", "warm-up")] {
        if let Some(text) = results.resolved[key].as_str() {
            facts.push((label, text.to_owned()));
        }
    }
    facts.push(("seed", results.seed.to_string()));
    facts.push(("cells", results.cells.len().to_string()));
    facts.push((
        "replications",
        match least == most {
            true => most.to_string(),
            false => format!("{least} to {most}"),
        },
    ));
    facts.push(("version", results.version.clone()));
    list_of_facts(&facts)
}

fn verdict(results: &SweepResults) -> String {
    let broken = results.cells.iter().filter(|cell| !cell.all_held()).count();
    let all = results.cells.len();
    let is_judged = results.cells.iter().any(|cell| cell.held.1 > 0);
    let (class, sign, sentence) = match broken {
        _ if !is_judged => (
            "neutral",
            "–",
            "Nothing was expected; this is what was measured".to_owned(),
        ),
        0 => (
            "good",
            "✓",
            "Every expectation holds in every cell".to_owned(),
        ),
        _ => (
            "bad",
            "✗",
            format!("Expectations do not hold in {broken} of {all} cells"),
        ),
    };
    let mut more = String::new();
    let first = |cell: &CellResults| {
        let judgement = cell.broken.as_ref()?;
        let values: Vec<String> = results.values(cell).collect();
        Some((values.join(", "), expectation::sentence(judgement)))
    };
    if let Some((values, sentence)) = results.cells.iter().find_map(first) {
        more = format!(
            "<p>The first, at {}: {}</p>",
            escape(&values),
            escape(&sentence)
        );
    }
    if sweep::replications(results).0 < 2 {
        more.push_str(LUCK);
    }
    sentence_in_banner(class, sign, &sentence, &more)
}

/// Of each metric that is shown, the best cell among those in which every expectation holds.
fn best(results: &SweepResults, shown: &[String]) -> String {
    let has_variants = variants(results).len() > 1;
    let item = |name: &String| {
        let better = metrics::find(name)?.better;
        let (word, sign) = match better {
            Better::Higher => ("highest", 1.0),
            Better::Lower => ("lowest", -1.0),
            Better::Neither => return None,
        };
        let held = results.cells.iter().filter(|cell| cell.all_held());
        let all = held.flat_map(|cell| cell.variants.iter().map(move |one| (cell, one)));
        let measured = all.filter_map(|(cell, one)| {
            let mean = one.metrics.get(name.as_str())?.mean;
            mean.is_finite().then_some((sign * mean, cell, one))
        });
        // Of several, the first: the order of the axes is the reader's own.
        let (_, cell, one) =
            measured.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        let mut place: Vec<String> = results.values(cell).collect();
        if has_variants {
            place.push(one.name.to_string());
        }
        Some(format!(
            "<li>{} is {word} at {}: {}</li>",
            metric(name),
            escape(&place.join(", ")),
            escape(&sweep::spelled(cell, one, name))
        ))
    };
    let items: String = shown.iter().filter_map(item).collect();
    if items.is_empty() {
        return items;
    }
    let among = if results.cells.iter().any(|cell| cell.held.1 > 0) {
        "Among the cells in which every expectation holds"
    } else {
        "Among all cells"
    };
    format!(
        "<div class=\"changes\">\n<div class=\"change\"><p>{among}</p><ul>{items}</ul></div>\n</div>\n"
    )
}

fn all_charts(results: &SweepResults, shown: &[String]) -> String {
    let all = charts(results, shown);
    if all.is_empty() {
        return "<p class=\"note\">Of three axes and more there is no chart: the numbers are below, and all of them in sweep.csv.</p>\n".to_owned();
    }
    let drawn: String = all.iter().take(MOST_CHARTS).map(one_chart).collect();
    let more = match all.len().saturating_sub(MOST_CHARTS) {
        0 => String::new(),
        more => format!("<p class=\"note\">{more} more charts are in files of their own.</p>\n"),
    };
    format!("<div class=\"charts\">\n{drawn}</div>\n{more}")
}

fn one_chart(chart: &SweepChart) -> String {
    match &chart.picture {
        SweepPicture::Lines(figure) => chart::article(&chart.name, chart.title(), figure),
        SweepPicture::Map(map) => heat_map(&chart.name, chart.variant, map),
    }
}

/// A map as a table of coloured cells.
fn heat_map(name: &str, variant: Option<usize>, map: &HeatMap) -> String {
    let ramp = Ramp::of(map);
    let is_small = map.rows.len() * map.columns.len() <= MOST_CELLS;
    let body = match ramp {
        None => "<p class=\"note\">Nothing was measured.</p>".to_owned(),
        Some(_) if !is_small => {
            format!("<p class=\"note\">It has too many cells for this page: see {name}.svg.</p>")
        }
        Some(ramp) => cells_of_map(map, ramp),
    };
    format!(
        "<figure class=\"chart{}\" id=\"chart-{name}\"><figcaption><h3>{}</h3><p>{}</p></figcaption>\n{body}</figure>\n",
        variant.map_or_else(String::new, |index| format!(" v{index}")),
        escape(&map.title),
        escape(&map.subtitle),
    )
}

fn cells_of_map(map: &HeatMap, ramp: Ramp) -> String {
    let heads: String = map
        .columns
        .iter()
        .map(|name| format!("<th scope=\"col\">{}</th>", escape(name)))
        .collect();
    let style = |place: f64| {
        let (red, green, blue) = colour(place);
        let ink = if place > DARK { "#fff" } else { "#222" };
        format!("background:#{red:02x}{green:02x}{blue:02x};color:{ink}")
    };
    // Rows are named from the bottom up.
    let rows: String = map
        .rows
        .iter()
        .zip(&map.values)
        .rev()
        .map(|(name, values)| {
            let cells: String = values
                .iter()
                .map(|&value| {
                    let style = if value.is_finite() {
                        style(ramp.place(value))
                    } else {
                        String::new()
                    };
                    format!(
                        "<td style=\"{style}\">{}</td>",
                        escape(&map.spell.text(value))
                    )
                })
                .collect();
            format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(name))
        })
        .collect();
    let steps: Vec<String> = (0..=10_u32)
        .map(|step| {
            let (red, green, blue) = colour(f64::from(step) / 10.0);
            format!("#{red:02x}{green:02x}{blue:02x}")
        })
        .collect();
    format!(
        "<p class=\"ramp\"><span>{}</span><i style=\"background:linear-gradient(90deg,{})\"></i><span>{}{}</span></p>\n\
         <p class=\"note\">rows: {}</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table class=\"heat\"><thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n<p class=\"note\">columns: {}</p>\n",
        escape(&map.spell.text(ramp.low)),
        steps.join(","),
        escape(&map.spell.text(ramp.high)),
        if ramp.logarithmic {
            " (by factors)"
        } else {
            ""
        },
        escape(&map.y),
        escape(&map.title),
        escape(&map.x),
    )
}

fn cells(results: &SweepResults, shown: &[String]) -> String {
    let has_variants = variants(results).len() > 1;
    let has_expectations = results.cells.iter().any(|cell| cell.held.1 > 0);
    let mut heads: String = results
        .axes
        .iter()
        .map(|axis| format!("<th scope=\"col\">{}</th>", escape(&axis.name())))
        .collect();
    if has_variants {
        heads.push_str("<th scope=\"col\">variant</th>");
    }
    for name in shown {
        heads.push_str(&format!(
            "<th scope=\"col\" class=\"number\">{}</th>",
            metric(name)
        ));
    }
    if has_expectations {
        heads.push_str("<th scope=\"col\">expectations</th>");
    }
    let row = |(cell, index): (&CellResults, usize)| {
        let mut row: String = results
            .values(cell)
            .map(|value| format!("<th scope=\"row\">{}</th>", escape(&value)))
            .collect();
        let one = &cell.variants[index];
        if has_variants {
            row.push_str(&format!("<td>{}</td>", variant(index, &one.name)));
        }
        for name in shown {
            let text = escape(&sweep::spelled(cell, one, name));
            row.push_str(&format!("<td class=\"number\">{text}</td>"));
        }
        if has_expectations {
            let (held, count) = cell.held;
            row.push_str(&if held == count {
                "<td><span class=\"pill good\">hold</span></td>".to_owned()
            } else {
                let broken = count - held;
                format!("<td><span class=\"pill bad\">FAIL</span> {broken} of {count}</td>")
            });
        }
        format!("<tr class=\"v{index}\">{row}</tr>\n")
    };
    let all = || {
        let cells = results.cells.iter();
        cells.flat_map(|cell| (0..cell.variants.len()).map(move |index| (cell, index)))
    };
    let rows: String = all().take(MOST_ROWS).map(row).collect();
    let mut notes = Vec::new();
    let more = all().count().saturating_sub(MOST_ROWS);
    if more > 0 {
        notes.push(format!("{more} more rows are in sweep.csv."));
    }
    if sweep::replications(results).1 > 1 {
        notes.push("±: half of the 95 % interval.".to_owned());
    }
    notes.push("Every other metric of every cell is in sweep.csv.".to_owned());
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Cells\"><table class=\"cells\"><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n<p class=\"note\">{}</p>\n",
        notes.join(" ")
    )
}

/// The axes with their values, what variants change, and everything else.
fn axes(results: &SweepResults) -> String {
    let item = |axis: &crate::scenario::Axis| {
        let values: Vec<String> = (0..axis.len().min(MOST_VALUES))
            .map(|index| format!("<code>{}</code>", escape(&axis.value(index))))
            .collect();
        let more = match axis.len().saturating_sub(MOST_VALUES) {
            0 => String::new(),
            more => format!(", and {} more", number(more as f64)),
        };
        let name = escape(&axis.name());
        format!(
            "<div><dt>{name}</dt><dd>{}{more}</dd></div>\n",
            values.join(", ")
        )
    };
    let items: String = results.axes.iter().map(item).collect();
    format!(
        "<dl class=\"changed\">\n{items}</dl>\n{}{}",
        settings::variants(&results.resolved),
        settings::resolved(&results.resolved)
    )
}

fn again(results: &SweepResults, version: &str) -> String {
    if results.command.is_empty() {
        return String::new();
    }
    settings::again(version, &results.command)
}
