//! Text that goes into the page, and the few pieces that several parts of it share.

use crate::metrics;

use super::{
    super::chart::style::{self, Marker},
    chart::COLOURS,
};

/// Text as HTML has to have it, in elements as well as in quoted attributes. Control characters are
/// not allowed there and say nothing.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The anchor of the definition of a metric: that of its row in the catalogue.
pub(super) fn anchor(metric: &str) -> String {
    let name = metrics::find(metric).map_or(metric, |row| row.name);
    let plain = name.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    });
    format!("metric-{}", plain.collect::<String>())
}

/// The name of a metric, which leads to its definition.
pub(super) fn metric(name: &str) -> String {
    // A line may be broken after a dot.
    let spelled = escape(name).replace('.', ".<wbr>");
    match metrics::find(name) {
        Some(row) => format!(
            "<a class=\"metric\" href=\"#{}\" title=\"{}\">{spelled}</a>",
            anchor(name),
            escape(row.meaning)
        ),
        None => format!("<span class=\"metric\">{spelled}</span>"),
    }
}

/// The sign of line number `index` in charts: a piece of it with its marker. Takes its colour from
/// the class `c0`, `c1`, ... around it.
pub(super) fn key(index: usize) -> String {
    let look = style::of_line(index);
    format!(
        "<svg class=\"key\" viewBox=\"0 0 28 12\" aria-hidden=\"true\"><path class=\"line\"{} d=\"M0 6H28\"/><path class=\"marker\" d=\"{}\"/></svg>",
        dashes(look.dashes),
        marker(look.marker, 14.0, 6.0, 4.0)
    )
}

/// A variant's name with its sign.
pub(super) fn variant(index: usize, name: &str) -> String {
    format!(
        "<span class=\"variant c{}\">{}{}</span>",
        index % COLOURS,
        key(index),
        escape(name)
    )
}

pub(super) fn dashes(dashes: &[f64]) -> String {
    if dashes.is_empty() {
        return String::new();
    }
    let lengths: Vec<String> = dashes.iter().map(|one| number(one * 0.7)).collect();
    format!(" stroke-dasharray=\"{}\"", lengths.join(" "))
}

/// The outline of a marker around a point.
pub(super) fn marker(shape: Marker, x: f64, y: f64, radius: f64) -> String {
    let corners: &[(f64, f64)] = match shape {
        Marker::Circle => {
            let (left, radius) = (number(x - radius), number(radius));
            let width = number(2.0 * radius.parse::<f64>().unwrap_or(1.0));
            return format!(
                "M{left} {y}a{radius} {radius} 0 1 0 {width} 0a{radius} {radius} 0 1 0 -{width} 0z",
                y = number(y)
            );
        }
        Marker::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        Marker::Triangle => &[(0.0, -1.25), (1.15, 0.8), (-1.15, 0.8)],
        Marker::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        Marker::Wedge => &[(0.0, 1.25), (1.15, -0.8), (-1.15, -0.8)],
    };
    let points: Vec<String> = corners
        .iter()
        .map(|(dx, dy)| format!("{} {}", number(x + dx * radius), number(y + dy * radius)))
        .collect();
    format!("M{}z", points.join("L"))
}

/// A coordinate: a tenth of a pixel is finer than anybody sees.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_somebody_wrote_ends_an_element_or_an_attribute() {
        assert_eq!(
            escape("</script><b a=\"x\" c='y'>&\u{1b}[1m"),
            "&lt;/script&gt;&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;\u{fffd}[1m"
        );
    }

    #[test]
    fn a_metric_leads_to_the_row_of_the_catalogue() {
        assert_eq!(
            anchor("tier.redis.hit_ratio"),
            "metric-tier--tier--hit-ratio"
        );
        assert!(metric("tier.redis.hit_ratio").contains("href=\"#metric-tier--tier--hit-ratio\""));
        assert!(!metric("<none>").contains("<none>"));
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(
            [12.0, -0.04, 3.16, 100.06].map(number),
            ["12", "0", "3.2", "100.1"]
        );
    }
}
