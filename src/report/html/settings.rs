//! The settings that the numbers were found under, and how to find them again.

use serde_json::Value;

use crate::experiment::Results;

use super::{Page, Part, text::escape};

pub(super) const PART: Part = Part {
    id: "settings",
    heading: "Settings",
    body,
};

pub(super) const REPRODUCE: Part = Part {
    id: "reproduce",
    heading: "Run it again",
    body: reproduce,
};

/// Settings beyond so many bytes are in `summary.json` only.
const MOST_BYTES: usize = 200_000;

fn body(page: &Page<'_>) -> String {
    page.runs
        .iter()
        .map(|(label, run)| of_run(page, label, run))
        .collect()
}

fn of_run(page: &Page<'_>, label: &str, run: &Results) -> String {
    let mut text = String::new();
    if page.runs.len() > 1 {
        text.push_str(&format!("<h3>{}</h3>\n", escape(label)));
    }
    text.push_str(&variants(&run.resolved));
    text.push_str(&resolved(&run.resolved));
    text
}

/// Everything that was resolved, folded away.
pub(super) fn resolved(scenario: &Value) -> String {
    let settings = spelled(scenario);
    let settings = if settings.len() > MOST_BYTES {
        "They are in summary.json, under `scenario`.".to_owned()
    } else {
        settings
    };
    format!(
        "<details><summary>Everything that was resolved, defaults included</summary>\n<pre>{}</pre></details>\n",
        escape(&settings)
    )
}

/// What each variant changes, if there are variants.
pub(super) fn variants(scenario: &Value) -> String {
    let variants = scenario["variant"].as_array();
    let items: String = variants.into_iter().flatten().map(changed).collect();
    if items.is_empty() {
        return items;
    }
    format!("<dl class=\"changed\">\n{items}</dl>\n")
}

/// What a variant changes.
fn changed(variant: &Value) -> String {
    let name = variant["name"].as_str().unwrap_or_default();
    let description = variant["description"].as_str().unwrap_or_default();
    let settings = variant["set"].as_object();
    let settings: Vec<String> = settings
        .into_iter()
        .flatten()
        .map(|(path, value)| {
            format!(
                "<code>{} = {}</code>",
                escape(path),
                escape(&value.to_string())
            )
        })
        .collect();
    let description = if description.is_empty() {
        String::new()
    } else {
        format!("{}<br>", escape(description))
    };
    format!(
        "<div><dt>{}</dt><dd>{description}{}</dd></div>\n",
        escape(name),
        settings.join("<br>")
    )
}

/// The scenario as it could be written: TOML, or JSON where TOML has no word for something.
fn spelled(resolved: &Value) -> String {
    toml::to_string_pretty(resolved)
        .or_else(|_| serde_json::to_string_pretty(resolved))
        .unwrap_or_default()
}

fn reproduce(page: &Page<'_>) -> String {
    let commands: Vec<&str> = page
        .runs
        .iter()
        .map(|(_, run)| run.command.as_str())
        .filter(|command| !command.is_empty())
        .collect();
    if commands.is_empty() {
        return String::new();
    }
    let version = page
        .runs
        .first()
        .map_or("", |(_, run)| run.version.as_str());
    again(version, &commands.join("\n"))
}

/// How to find the same numbers again.
pub(super) fn again(version: &str, commands: &str) -> String {
    format!(
        "<p>cachesim {} gives the same numbers to the last digit, on any machine and with any number of threads:</p>\n<pre class=\"command\">{}</pre>\n",
        escape(version),
        escape(commands)
    )
}
