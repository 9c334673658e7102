//! What the reader came for: did it come true, and what do the variants change?

use crate::{
    experiment::{Comparison, baseline::Standing},
    report::{baseline, expectation, verdict},
};

use super::{
    Page, Part,
    text::{escape, metric, variant},
};

pub(super) const PART: Part = Part {
    id: "verdict",
    heading: "Verdict",
    body,
};

fn body(page: &Page<'_>) -> String {
    let mut text = banner(page);
    text.push_str(&changes(page));
    text.push_str(&expectations(page));
    if let Some(comparison) = &page.results.comparison {
        text.push_str(&against_baseline(page, comparison));
    }
    text
}

/// How many of so many, with the right verb.
fn counted(broken: usize, all: usize, noun: &str, held: &str, failed: (&str, &str)) -> String {
    match (broken, all) {
        (0, 1) => format!("The {noun} {held}s"),
        (0, all) => format!("All {all} {noun}s {held}"),
        (1, 1) => format!("The {noun} {}", failed.0),
        (1, all) => format!("1 of {all} {noun}s {}", failed.0),
        (broken, all) => format!("{broken} of {all} {noun}s {}", failed.1),
    }
}

fn banner(page: &Page<'_>) -> String {
    let results = page.results;
    let expectations = &results.expectations;
    let broken = expectations.iter().filter(|one| !one.held).count();
    let limits = results
        .comparison
        .as_ref()
        .map_or(&[][..], |one| &one.limits[..]);
    let beyond = limits
        .iter()
        .filter(|one| one.standing == Standing::Broken)
        .count();
    let mut said = Vec::new();
    if !expectations.is_empty() {
        let failed = ("does not hold", "do not hold");
        said.push(counted(
            broken,
            expectations.len(),
            "expectation",
            "hold",
            failed,
        ));
    }
    if !limits.is_empty() {
        said.push(match beyond {
            0 => format!("all {} limits are kept", limits.len()),
            1 => format!("1 of {} limits is broken", limits.len()),
            beyond => format!("{beyond} of {} limits are broken", limits.len()),
        });
    }
    let (class, sign, sentence) = if said.is_empty() {
        (
            "neutral",
            "–",
            "Nothing was expected; this is what was measured".to_owned(),
        )
    } else if broken + beyond > 0 {
        ("bad", "✗", said.join(", and "))
    } else {
        ("good", "✓", said.join(", and "))
    };
    let luck = if results.replications < 2 { LUCK } else { "" };
    sentence_in_banner(class, sign, &sentence, luck)
}

/// What has to be known of a single run.
pub(super) const LUCK: &str = "<p>One run of each variant: a small difference may be luck. <code>--replications 5</code> tells.</p>";

/// The verdict in a sentence without its full stop, and what else is to be said, as HTML.
pub(super) fn sentence_in_banner(class: &str, sign: &str, sentence: &str, more: &str) -> String {
    format!(
        "<div class=\"banner {class}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span><div><p class=\"big\">{}.</p>{more}</div></div>\n",
        escape(sentence)
    )
}

/// What each variant changes, in sentences.
fn changes(page: &Page<'_>) -> String {
    let results = page.results;
    let mut text = String::new();
    for (index, one) in results.variants.iter().enumerate().skip(1) {
        let sentences = verdict::sentences(results, one);
        if sentences.is_empty() {
            continue;
        }
        let items: String = sentences
            .iter()
            .map(|sentence| format!("<li>{}</li>", escape(sentence)))
            .collect();
        text.push_str(&format!(
            "<div class=\"change v{index}\"><p>{} against {}</p><ul>{items}</ul></div>\n",
            variant(index, &one.name),
            variant(0, &results.reference().name)
        ));
    }
    if text.is_empty() {
        return text;
    }
    format!("<div class=\"changes\">\n{text}</div>\n")
}

fn expectations(page: &Page<'_>) -> String {
    let results = page.results;
    if results.expectations.is_empty() {
        return String::new();
    }
    let rows: String = results
        .expectations
        .iter()
        .map(|judgement| {
            let (class, word) = if judgement.held {
                ("good", "pass")
            } else {
                ("bad", "FAIL")
            };
            let name = &judgement.expectation.variant;
            let index = results.variants.iter().position(|one| one.name == *name);
            let name = index.map_or_else(|| escape(name), |index| variant(index, name));
            format!(
                "<tr><td><span class=\"pill {class}\">{word}</span></td><td>{name}</td><td>{}</td><td class=\"number\">{}</td><td>{}</td></tr>\n",
                metric(&judgement.expectation.metric),
                escape(&expectation::observed(judgement)),
                escape(&expectation::expected_apart(judgement))
            )
        })
        .collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Expectations\"><table class=\"expectations\"><thead><tr><th scope=\"col\"></th><th scope=\"col\">variant</th><th scope=\"col\">metric</th><th scope=\"col\" class=\"number\">observed</th><th scope=\"col\">expected</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn against_baseline(page: &Page<'_>, comparison: &Comparison) -> String {
    let mut text = String::new();
    if !comparison.limits.is_empty() {
        let items: String = comparison
            .limits
            .iter()
            .map(|judged| {
                let class = match judged.standing {
                    Standing::Kept => "good",
                    Standing::Unsure => "neutral",
                    Standing::Broken => "bad",
                };
                format!(
                    "<li><span class=\"pill {class}\">{}</span> {}</li>",
                    escape(baseline::word(judged.standing)),
                    escape(&baseline::sentence(judged))
                )
            })
            .collect();
        text.push_str(&format!(
            "<h3>Limits</h3>\n<ul class=\"limits\">{items}</ul>\n"
        ));
    }
    if comparison.version.is_empty() {
        return text;
    }
    let summary = escape(&baseline::summary(page.results, comparison));
    text.push_str(&format!(
        "<h3>Against the baseline</h3>\n<p>{summary}.</p>\n"
    ));
    let moved = baseline::moved(page.results, comparison, false);
    if moved.is_empty() {
        return text;
    }
    let rows: String = moved
        .iter()
        .map(|[variant, name, before, now, change]| {
            format!(
                "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
                escape(variant),
                metric(name),
                escape(before),
                escape(now),
                escape(change)
            )
        })
        .collect();
    text.push_str(&format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"What moved since the baseline\"><table><thead><tr><th scope=\"col\">variant</th><th scope=\"col\">metric</th><th scope=\"col\" class=\"number\">baseline</th><th scope=\"col\" class=\"number\">now</th><th scope=\"col\" class=\"number\">change</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    ));
    text
}
