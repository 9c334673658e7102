//! The layers between a client and the database, and the share of reads that each of them answers.

use crate::{
    metrics::Unit,
    report::{layers::chain, quantity},
};

use super::{
    Page, Part,
    text::{escape, number, variant},
};

pub(super) const PART: Part = Part {
    id: "layers",
    heading: "Layers",
    body,
};

fn body(page: &Page<'_>) -> String {
    let results = page.results;
    let mut text = String::new();
    for (index, one) in results.variants.iter().enumerate() {
        let layers = chain(one);
        if layers.is_empty() {
            continue;
        }
        let steps: String = layers
            .iter()
            .map(|layer| {
                let share = |share| escape(&quantity::quantity(share, Unit::Ratio));
                format!(
                    "<li><span class=\"layer\">{}</span><span class=\"absorbed\"><i style=\"width:{}%\"></i></span><span class=\"value\">{}</span><small>{} of what came as far as this</small></li>\n",
                    escape(&layer.name),
                    number((100.0 * layer.share).clamp(0.0, 100.0)),
                    share(layer.share),
                    share(layer.of_what_came)
                )
            })
            .collect();
        let name = if results.variants.len() > 1 {
            format!("<p>{}</p>", variant(index, &one.name))
        } else {
            String::new()
        };
        text.push_str(&format!(
            "<div class=\"chain v{index}\">{name}<ol>\n{steps}</ol></div>\n"
        ));
    }
    if text.is_empty() {
        return text;
    }
    format!(
        "<p class=\"note\">The share of the reads that each layer answers, from the client to the database.</p>\n<div class=\"chains\">\n{text}</div>\n"
    )
}
