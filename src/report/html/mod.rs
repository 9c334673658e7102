//! `report.html`: one file that holds all that there is to say about results, for people.
//!
//! It needs no network and no other file, follows the reader's choice of light or dark, and fits a
//! telephone and paper. The verdict comes first, then the numbers it rests on, then how they were
//! found. Every text that somebody else wrote is escaped in one place, `text::escape`; scripts and
//! styles are part of the program, and the page's own policy forbids it to load anything.
//!
//! A part of the page about a run is a file and a row of `PARTS`; the page about a sweep (`sweep`) is made
//! from the same pieces. Its size is bounded: so many variants, so many
//! rows of a chart's table; what is left out is said, with the file that has it.

mod alerts;
mod chart;
mod definitions;
mod headlines;
mod keys;
mod layers;
mod settings;
mod sweep;
mod table;
mod text;
mod timeline;
mod verdict;

use crate::experiment::{Results, beside};

pub use sweep::of_sweep;

use text::{escape, key};

/// More variants than this are in the other files only.
const MOST_VARIANTS: usize = 24;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What every part of the page is made from.
struct Page<'a> {
    /// What is shown: one run, or several side by side.
    results: &'a Results,
    /// The runs, each with its label.
    runs: &'a [(String, Results)],
    /// Variants that are left out.
    left_out: usize,
}

/// A part of the page.
struct Part {
    /// Its name in links.
    id: &'static str,
    /// Its heading.
    heading: &'static str,
    /// What is in it; empty if there is nothing to say.
    body: fn(&Page<'_>) -> String,
}

/// The parts, in their order.
const PARTS: &[Part] = &[
    verdict::PART,
    headlines::PART,
    table::PART,
    chart::PART,
    alerts::PART,
    layers::PART,
    keys::PART,
    timeline::PART,
    definitions::PART,
    settings::PART,
    settings::REPRODUCE,
];

/// The page about one run.
#[must_use]
pub fn render(results: &Results) -> String {
    of_runs(&[(results.name.clone(), results.clone())])
}

/// The page about several runs side by side, each with the label that tells it from the others.
#[must_use]
pub fn of_runs(runs: &[(String, Results)]) -> String {
    let mut all = beside::side_by_side(runs);
    let left_out = all.variants.len().saturating_sub(MOST_VARIANTS);
    all.variants.truncate(MOST_VARIANTS);
    let page = Page {
        results: &all,
        runs,
        left_out,
    };
    let parts: Vec<Written> = PARTS
        .iter()
        .map(|part| Written {
            id: part.id,
            heading: part.heading,
            body: (part.body)(&page),
        })
        .collect();
    let names: Vec<&str> = all.variants.iter().map(|one| one.name.as_str()).collect();
    Document {
        title: &all.title,
        version: &all.version,
        opening: description(&all) + &facts(&page),
        parts,
        variants: &names,
    }
    .text()
}

/// A part with what is in it.
struct Written {
    id: &'static str,
    heading: &'static str,
    body: String,
}

/// A page, whatever it is about.
struct Document<'a> {
    title: &'a str,
    version: &'a str,
    /// What stands below the title, as HTML.
    opening: String,
    /// Those of which the body is empty are left out.
    parts: Vec<Written>,
    /// The names that can be shown and hidden.
    variants: &'a [&'a str],
}

impl Document<'_> {
    fn text(&self) -> String {
        let parts = || self.parts.iter().filter(|part| !part.body.is_empty());
        let links: String = parts()
            .map(|part| format!("<a href=\"#{}\">{}</a>", part.id, part.heading))
            .collect();
        let bodies: String = parts()
            .map(|Written { id, heading, body }| {
                format!("<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n<h2 id=\"{id}-heading\">{heading}</h2>\n{body}</section>\n")
            })
            .collect();
        let title = escape(self.title);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <meta name=\"generator\" content=\"cachesim {version}\">\n\
             <link rel=\"icon\" href=\"data:,\">\n\
             <title>{title}</title>\n<style>\n{STYLE}{hiding}</style>\n</head>\n<body>\n\
             <header class=\"top\">\n<p class=\"brand\">cachesim</p>\n<nav aria-label=\"Parts of this report\">{links}</nav>\n\
             <button type=\"button\" id=\"theme\" title=\"Light or dark\" hidden>Dark</button>\n</header>\n\
             <main>\n<div class=\"question\">\n<h1>{title}</h1>\n{opening}</div>\n{bodies}</main>\n\
             {toolbar}<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            version = escape(self.version),
            hiding = hiding(self.variants.len()),
            opening = self.opening,
            toolbar = toolbar(self.variants),
        )
    }
}

/// Rules that hide what belongs to a variant whose name was switched off.
fn hiding(variants: usize) -> String {
    (0..variants)
        .map(|index| format!(".hide-v{index} .v{index}{{display:none}}\n"))
        .collect()
}

fn description(results: &Results) -> String {
    lead(&results.description)
}

/// The question, if there is one.
fn lead(description: &str) -> String {
    let description = description.trim();
    if description.is_empty() {
        return String::new();
    }
    format!("<p class=\"lead\">{}</p>\n", escape(description))
}

/// What has to be known about how the numbers came about, in one line.
fn list_of_facts(facts: &[(&str, String)]) -> String {
    let items: String = facts
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(value)))
        .collect();
    format!("<dl class=\"facts\">{items}</dl>\n")
}

/// What has to be known about how the numbers came about, in one line, and then what is special.
fn facts(page: &Page<'_>) -> String {
    let results = page.results;
    let mut facts: Vec<(&str, String)> = Vec::new();
    if let [(_, only)] = page.runs {
        if !only.name.is_empty() {
            facts.push(("scenario", only.name.clone()));
        }
        for name in ["duration", "warmup"] {
            if let Some(text) = only.resolved[name].as_str() {
                let label = if name == "warmup" { "warm-up" } else { name };
                facts.push((label, text.to_owned()));
            }
        }
    } else {
        facts.push(("runs", page.runs.len().to_string()));
    }
    let mut seeds: Vec<String> = page
        .runs
        .iter()
        .map(|(_, run)| run.seed.to_string())
        .collect();
    seeds.dedup();
    facts.push(("seed", seeds.join(", ")));
    facts.push(("replications", results.replications.to_string()));
    let mut versions: Vec<&str> = page
        .runs
        .iter()
        .map(|(_, run)| run.version.as_str())
        .collect();
    versions.dedup();
    facts.push(("version", versions.join(", ")));
    let mut text = list_of_facts(&facts);
    let mut remarks = super::remarks(results);
    if page.left_out > 0 {
        remarks.push(format!(
            "{} more variants are not on this page, but in summary.csv",
            page.left_out
        ));
    }
    for remark in remarks {
        text.push_str(&format!("<p class=\"remark\">{}</p>\n", escape(&remark)));
    }
    text
}

/// Switches by which variants are shown and hidden, in reach wherever the reader is.
fn toolbar(variants: &[&str]) -> String {
    if variants.len() < 2 {
        return String::new();
    }
    let switches: String = variants
        .iter()
        .enumerate()
        .map(|(index, name)| {
            format!(
                "<label class=\"chip c{}\"><input type=\"checkbox\" checked data-variant=\"{index}\">{}<span>{}</span></label>",
                index % chart::COLOURS,
                key(index),
                escape(name)
            )
        })
        .collect();
    format!(
        "<div class=\"toolbar\" role=\"group\" aria-label=\"Variants shown\" hidden><span class=\"what\">Show</span>{switches}</div>\n"
    )
}

#[cfg(test)]
mod tests;
