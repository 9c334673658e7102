//! The layers between a client and the database, and the share of reads that each of them absorbs.

use indexmap::IndexSet;

use crate::{experiment::VariantResults, metrics::Unit, report::quantity};

use super::{
    Page, Part,
    text::{escape, number, variant},
};

pub(super) const PART: Part = Part {
    id: "layers",
    heading: "Layers",
    body,
};

/// One layer of one variant.
struct Layer {
    name: String,
    /// Reads per second that reach it.
    rate: f64,
    /// The share of the reads that reach the first layer which end here.
    absorbed: f64,
}

fn layers(one: &VariantResults) -> Vec<Layer> {
    let mean = |name: String| one.metrics.get(&name).map_or(f64::NAN, |it| it.mean);
    let tiers: IndexSet<&str> = one
        .metrics
        .keys()
        .filter_map(|name| name.strip_prefix("tier.")?.split('.').next())
        .collect();
    let first = tiers
        .first()
        .map_or(f64::NAN, |name| mean(format!("tier.{name}.rate")));
    let mut layers: Vec<Layer> = tiers
        .iter()
        .map(|name| {
            let rate = mean(format!("tier.{name}.rate"));
            let missed = mean(format!("tier.{name}.miss_ratio"));
            Layer {
                name: (*name).to_owned(),
                rate,
                absorbed: rate * (1.0 - missed) / first,
            }
        })
        .collect();
    let rest = 1.0 - layers.iter().map(|one| one.absorbed).sum::<f64>();
    layers.push(Layer {
        name: "database".to_owned(),
        rate: mean("database.reads.rate".to_owned()),
        absorbed: rest.max(0.0),
    });
    layers
}

fn body(page: &Page<'_>) -> String {
    let results = page.results;
    let mut text = String::new();
    for (index, one) in results.variants.iter().enumerate() {
        let layers = layers(one);
        if layers.len() < 2 || layers.iter().any(|layer| !layer.absorbed.is_finite()) {
            continue;
        }
        let steps: String = layers
            .iter()
            .map(|layer| {
                let share = 100.0 * layer.absorbed;
                format!(
                    "<li><span class=\"layer\">{}</span><span class=\"absorbed\"><i style=\"width:{}%\"></i></span><span class=\"value\">{}</span><small>{} reach it</small></li>\n",
                    escape(&layer.name),
                    number(share.clamp(0.0, 100.0)),
                    escape(&quantity::quantity(layer.absorbed, Unit::Ratio)),
                    escape(&quantity::quantity(layer.rate, Unit::PerSecond))
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
