//! What a scenario expects of its results: which metric of which variant, compared with what.
//!
//! Not here: whether an expectation holds (`experiment`).

use serde::{Deserialize, Serialize};

use crate::metrics::{CATALOGUE, Metric, NODES_REPORTED_MAX, Unit};
use crate::simulation;

use super::bandwidth::Bandwidth;
use super::problem::Problem;
use super::shape::{Checked, Sound, did_you_mean};
use super::unit::{Amount, Count, Duration, Misspelt, Rate, Size, nearest, quoted};

/// Something that must hold of the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// The variant that it is about.
    pub variant: String,
    /// The metric's full name.
    pub metric: String,
    /// What must hold of it.
    pub condition: Condition,
    /// The line of the file where it is written, from 1.
    pub line: usize,
}

/// What must hold of a metric; amounts are in the metric's base unit (seconds, bytes, per second,
/// shares, counts).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Less than this.
    Below(f64),
    /// More than this.
    Above(f64),
    /// From the first to the second, both included.
    Between(f64, f64),
    /// This, give or take `tolerance`.
    Equals {
        /// What it must be.
        value: f64,
        /// By how much it may differ.
        tolerance: f64,
    },
    /// Less than `factor` times what it is in another variant.
    BelowVariant {
        /// The other variant.
        variant: String,
        /// What its value is multiplied by.
        factor: f64,
    },
    /// More than `factor` times what it is in another variant.
    AboveVariant {
        /// The other variant.
        variant: String,
        /// What its value is multiplied by.
        factor: f64,
    },
    /// `factor` times what it is in another variant, give or take `tolerance`.
    EqualsVariant {
        /// The other variant.
        variant: String,
        /// What its value is multiplied by.
        factor: f64,
        /// By how much it may differ, in the metric's unit.
        tolerance: f64,
        /// By how much it may differ besides, as a share of what it must be.
        relative_tolerance: f64,
    },
}

impl Condition {
    /// The other variant that it speaks of, if it does.
    #[must_use]
    pub fn other_variant(&self) -> Option<&str> {
        match self {
            Self::BelowVariant { variant, .. }
            | Self::AboveVariant { variant, .. }
            | Self::EqualsVariant { variant, .. } => Some(variant),
            _ => None,
        }
    }
}

/// The ways to say a condition, of which an expectation has exactly one.
const CONDITIONS: [&str; 7] = [
    "below",
    "above",
    "between",
    "equals",
    "below_variant",
    "above_variant",
    "equals_variant",
];

/// What the expectations of a scenario may refer to: its variants, and the plan of each that could
/// be made.
pub(super) type Variants<'a> = [(&'a str, Option<&'a simulation::Plan>)];

/// Reads one `[[expect]]`; `line` is where it stands.
pub(super) fn read(
    checked: &Checked,
    variants: &Variants<'_>,
    line: usize,
    problems: &mut Vec<Problem>,
) -> Option<Expectation> {
    let before = problems.len();
    let variant = checked.at("variant");
    let plan = match find_variant(variant, variants) {
        Ok(plan) => plan,
        Err(problem) => {
            problems.push(problem);
            None
        }
    };
    let written = checked.at("metric");
    let metric = match plan {
        Some(plan) => match find_metric(written.text(), plan) {
            Ok(metric) => Some(metric),
            Err((message, help)) => {
                problems.push(Problem::new(written.span, message).help(help));
                None
            }
        },
        // Without a plan the names of tiers are unknown; the reason has been reported.
        None => None,
    };
    let given: Vec<&str> = CONDITIONS
        .into_iter()
        .filter(|name| checked.get(name).is_some())
        .collect();
    let condition = match given.as_slice() {
        [] => {
            let help = "add one of `below`, `above`, `between`, `equals`, `below_variant`, `above_variant`, `equals_variant`";
            problems.push(
                Problem::new(checked.span, "the expectation does not say what to expect")
                    .help(help),
            );
            None
        }
        [name] => condition(checked, name, variant.text(), variants, metric, problems),
        [_, second, ..] => {
            let span = checked.at(second).span;
            let message = format!(
                "an expectation has one condition, not both `{}` and `{second}`",
                given[0]
            );
            let help = "write `between = [low, high]`, or two [[expect]]";
            problems.push(Problem::new(span, message).help(help));
            None
        }
    };
    if problems.len() > before {
        return None;
    }
    Some(Expectation {
        variant: variant.text().into(),
        metric: written.text().into(),
        condition: condition?,
        line,
    })
}

fn find_variant<'a>(
    written: &Checked,
    variants: &Variants<'a>,
) -> Result<Option<&'a simulation::Plan>, Problem> {
    let names = || variants.iter().map(|(name, _)| *name);
    match variants.iter().find(|(name, _)| *name == written.text()) {
        Some((_, plan)) => Ok(*plan),
        None => {
            let message = format!("there is no variant {}", quoted(written.text()));
            let help = did_you_mean(written.text(), names(), "variants");
            Err(Problem::new(written.span, message).help(help))
        }
    }
}

/// The row of the catalogue for a full name, or why there is none and what to write instead.
pub(super) fn find_metric(
    written: &str,
    plan: &simulation::Plan,
) -> Result<&'static Metric, (String, String)> {
    let segments: Vec<&str> = written.split('.').collect();
    let tiers = || plan.tiers.iter().map(|layer| layer.tier.name.as_str());
    let alerts = || plan.alerts.iter().map(|rule| rule.name.as_str());
    let found = CATALOGUE.iter().find(|row| {
        let pattern: Vec<&str> = row.name.split('.').collect();
        pattern.len() == segments.len()
            && pattern
                .iter()
                .zip(&segments)
                .all(|(pattern, segment)| match *pattern {
                    "<tier>" | "<alert>" => true,
                    "<i>" => segment.parse::<u32>().is_ok(),
                    known => known == *segment,
                })
    });
    let Some(row) = found else {
        let mut known = Vec::new();
        for row in CATALOGUE {
            if row.name.contains("<tier>") {
                known.extend(
                    tiers().map(|tier| row.name.replace("<tier>", tier).replace("<i>", "0")),
                );
            } else if row.name.contains("<alert>") {
                known.extend(alerts().map(|alert| row.name.replace("<alert>", alert)));
            } else {
                known.push(row.name.to_owned());
            }
        }
        let help = match nearest(written, known.iter().map(String::as_str)) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "`cachesim list metrics` prints all of them; for example `database.qps.max`, `hit_ratio`, `latency.p99`".into(),
        };
        return Err((format!("there is no metric {}", quoted(written)), help));
    };
    let pattern = row.name.split('.');
    let mut tier = None;
    for (pattern, segment) in pattern.zip(segments) {
        if pattern == "<alert>" && !alerts().any(|alert| alert == segment) {
            let help = if plan.alerts.is_empty() {
                "the scenario has no [[alert]]".into()
            } else {
                did_you_mean(segment, alerts(), "alerts")
            };
            return Err((format!("there is no alert {}", quoted(segment)), help));
        }
        if pattern == "<tier>" {
            tier = plan.tiers.iter().find(|layer| layer.tier.name == segment);
            if tier.is_none() {
                let help = if plan.tiers.is_empty() {
                    "the scenario has no tiers".into()
                } else {
                    did_you_mean(segment, tiers(), "tiers")
                };
                return Err((format!("there is no tier {}", quoted(segment)), help));
            }
        } else if pattern == "<i>"
            && let (Some(layer), Ok(node)) = (tier, segment.parse::<u32>())
            && let nodes = layer.tier.nodes_per_group()
            && node >= nodes.min(NODES_REPORTED_MAX)
        {
            let (name, last) = (&layer.tier.name, nodes - 1);
            return Err(if node < nodes {
                (
                    format!("node {node} of tier `{name}` is not reported"),
                    format!("of its {nodes} nodes the first {NODES_REPORTED_MAX} are"),
                )
            } else {
                (
                    format!("tier `{name}` has no node {node}"),
                    format!("its nodes have the numbers 0 to {last}"),
                )
            });
        }
    }
    Ok(row)
}

fn condition(
    checked: &Checked,
    name: &str,
    variant: &str,
    variants: &Variants<'_>,
    metric: Option<&'static Metric>,
    problems: &mut Vec<Problem>,
) -> Option<Condition> {
    let compares = name.ends_with("_variant");
    for (key, allowed, with) in [
        ("factor", compares, "a comparison with another variant"),
        (
            "tolerance",
            name.starts_with("equals"),
            "`equals` and `equals_variant`",
        ),
    ] {
        if let (Some(extra), false) = (checked.get(key), allowed) {
            let message = format!("`{key}` means nothing beside `{name}`");
            problems.push(
                Problem::new(extra.span, message).help(format!("it belongs to {with}; remove it")),
            );
        }
    }
    let value = checked.at(name);
    if compares {
        if let Err(problem) = find_variant(value, variants) {
            problems.push(problem);
            return None;
        }
        if value.text() == variant {
            let message = format!("variant `{variant}` is compared with itself");
            let help = "`variant` says whose metric it is (`base` if nothing is said), this key with whose it is compared";
            problems.push(Problem::new(value.span, message).help(help));
            return None;
        }
    }
    let unit = metric?.unit;
    let mut measured = |checked: &Checked| {
        let value = measured(checked, metric.map_or("", |m| m.name), unit);
        value.map_err(|problem| problems.push(problem)).ok()
    };
    // A percentage is of what the metric must be, but for shares, whose unit it is.
    let percentage = |checked: &Checked| {
        let percent = checked.text().trim().strip_suffix('%')?;
        let percent = percent.trim().parse::<f64>().ok()?;
        (unit != Unit::Ratio && percent >= 0.0 && percent.is_finite()).then_some(percent / 100.0)
    };
    let (tolerance, relative_tolerance) = match checked.get("tolerance") {
        None => (0.0, 0.0),
        Some(tolerance) => match percentage(tolerance) {
            Some(share) => (0.0, share),
            None => (measured(tolerance)?, 0.0),
        },
    };
    let other = value.text().to_owned();
    let factor = checked.get("factor").map_or(1.0, Checked::base);
    Some(match name {
        "below" => Condition::Below(measured(value)?),
        "above" => Condition::Above(measured(value)?),
        "equals" => {
            let value = measured(value)?;
            Condition::Equals {
                value,
                tolerance: tolerance + relative_tolerance * value,
            }
        }
        "between" => {
            let [low, high] = value.list() else {
                return None;
            };
            let (low, high) = (measured(low)?, measured(high)?);
            if low > high {
                let message = format!("nothing is between {low} and {high}");
                problems.push(Problem::new(value.span, message).help("write the lower one first"));
                return None;
            }
            Condition::Between(low, high)
        }
        "below_variant" => Condition::BelowVariant {
            variant: other,
            factor,
        },
        "above_variant" => Condition::AboveVariant {
            variant: other,
            factor,
        },
        _ => Condition::EqualsVariant {
            variant: other,
            factor,
            tolerance,
            relative_tolerance,
        },
    })
}

fn described(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "a duration",
        Unit::Bytes => "an amount of memory",
        Unit::PerSecond => "a rate",
        Unit::BytesPerSecond => "a bandwidth",
        Unit::Ratio => "a share",
        Unit::Count => "a count",
        Unit::Money => "an amount of money",
    }
}

/// The value of a metric of that name and unit, or the problem with it.
pub(super) fn measured(checked: &Checked, name: &str, unit: Unit) -> Result<f64, Problem> {
    measure(checked, unit).map_err(|wrong| {
        let message = format!("`{name}` is {}: {}", described(unit), wrong.message);
        Problem::new(checked.span, message).help(wrong.help)
    })
}

/// The value of a metric of that unit: a bare number is in base units.
fn measure(checked: &Checked, unit: Unit) -> Result<f64, Misspelt> {
    match &checked.value {
        Sound::Amount(Amount::Number(number)) => not_negative(number.0),
        Sound::Text(text) => measure_text(text, unit),
        _ => Ok(0.0),
    }
}

/// As [`measure`], of a text.
pub(super) fn measure_text(text: &str, unit: Unit) -> Result<f64, Misspelt> {
    if let Ok(number) = text.trim().parse::<f64>()
        && number.is_finite()
    {
        return not_negative(number);
    }
    let percentage = || {
        let number = text.trim().strip_suffix('%')?.trim();
        number
            .parse::<f64>()
            .ok()
            .filter(|percent| percent.is_finite())
    };
    not_negative(match unit {
        Unit::Seconds => Duration::parse(text)?.0 as f64 / 1e9,
        Unit::Bytes => Size::parse(text)?.0 as f64,
        Unit::PerSecond => Rate::parse(text)?.0,
        Unit::BytesPerSecond => Bandwidth::parse(text)?.0 as f64,
        Unit::Count | Unit::Money => Count::parse(text)?.0 as f64,
        Unit::Ratio => match percentage() {
            Some(percent) => percent / 100.0,
            None => {
                return Err(Misspelt {
                    message: format!("{} is not a percentage", quoted(text)),
                    help: "write a number, for example 0.95, or a percentage, for example \"95%\""
                        .into(),
                });
            }
        },
    })
}

fn not_negative(value: f64) -> Result<f64, Misspelt> {
    if value < 0.0 {
        return Err(Misspelt {
            message: format!("it is never negative, so never {value}"),
            help: String::new(),
        });
    }
    Ok(value)
}
