//! What happens on a scenario's timeline, for the marks on charts and for lists of it.
//!
//! Read from the scenario as it was resolved, so that a report which is made anew has the same marks.
//! Not here: letting it happen (see `fault`).

use serde_json::Value;

use crate::{experiment::Results, scenario::unit::Duration, units::SECOND_NS};

/// Something that happens at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// When, in seconds of simulated time.
    pub at_s: f64,
    /// When it ends, if it says for how long it lasts.
    pub until_s: Option<f64>,
    /// What, in few words: `crash redis.node.0`.
    pub label: String,
    /// What else it says, as it would be written.
    pub details: String,
    /// The numbers of the variants in which it happens; none if it happens in all of them.
    pub variants: Vec<usize>,
}

impl Mark {
    /// In which variants it happens, in parentheses and after a blank; nothing if in all.
    #[must_use]
    pub fn whose(&self, results: &Results) -> String {
        match self.variants[..] {
            [] => String::new(),
            [one] => format!(" ({})", results.variants[one].name),
            [one, other] => {
                let name = |index: usize| &results.variants[index].name;
                format!(" ({}, {})", name(one), name(other))
            }
            ref several => format!(" ({} variants)", several.len()),
        }
    }
}

/// The timeline, in the order of time: what happens in the scenario as it stands, and what happens in
/// variants only.
#[must_use]
pub fn of(results: &Results) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for (index, variant) in results.variants.iter().enumerate() {
        for event in of_variant(&results.resolved, &variant.name) {
            let Some(own) = mark(&event) else { continue };
            let is_same = |known: &&mut Mark| {
                let known_to_it = known.variants.contains(&index);
                let variants = known.variants.clone();
                !known_to_it
                    && **known
                        == Mark {
                            variants,
                            ..own.clone()
                        }
            };
            match marks.iter_mut().find(is_same) {
                Some(known) => known.variants.push(index),
                None => marks.push(Mark {
                    variants: vec![index],
                    ..own
                }),
            }
        }
    }
    for mark in &mut marks {
        if mark.variants.len() == results.variants.len() {
            mark.variants.clear();
        }
    }
    marks.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    marks
}

/// The events of a variant, as they are written: those of the file with what the variant sets.
fn of_variant(resolved: &Value, name: &str) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut events = list(&resolved["event"]);
    let variants = resolved["variant"].as_array().into_iter().flatten();
    let own = variants.filter(|variant| variant["name"] == name);
    let settings = own
        .filter_map(|variant| variant["set"].as_object())
        .flatten();
    for (path, value) in settings {
        match path.split('.').collect::<Vec<_>>()[..] {
            ["event"] => events = list(value),
            ["event", number, key] => {
                let number = number.parse::<usize>().ok();
                let event = number.and_then(|number| events.get_mut(number));
                if let Some(Value::Object(event)) = event {
                    event.insert(key.to_owned(), value.clone());
                }
            }
            ["event", number] => {
                let number = number.parse::<usize>().ok();
                if let Some(event) = number.and_then(|number| events.get_mut(number)) {
                    *event = value.clone();
                }
            }
            _ => {}
        }
    }
    events
}

fn mark(event: &Value) -> Option<Mark> {
    let seconds = |name: &str| {
        let duration = Duration::parse(event[name].as_str()?).ok()?;
        Some(duration.0 as f64 / SECOND_NS as f64)
    };
    let at_s = seconds("at")?;
    let mut label = event["action"].as_str()?.to_owned();
    if let Some(target) = event["target"].as_str() {
        label.push(' ');
        label.push_str(target.strip_prefix("tier.").unwrap_or(target));
    }
    let others = event.as_object()?.iter();
    let others = others.filter(|(name, _)| !["at", "action", "target"].contains(&name.as_str()));
    let details = others.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name} {text}"),
        None => format!("{name} {value}"),
    });
    Some(Mark {
        at_s,
        until_s: seconds("for").map(|length| at_s + length),
        label,
        details: details.collect::<Vec<_>>().join(", "),
        variants: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::VariantResults;

    fn variants(names: &[&str]) -> Vec<VariantResults> {
        let variant = |name: &&str| VariantResults {
            name: (*name).to_owned(),
            ..VariantResults::default()
        };
        names.iter().map(variant).collect()
    }

    #[test]
    fn what_only_some_variants_do_is_told_with_their_names() {
        let results = Results {
            resolved: serde_json::json!({
                "event": [{ "action": "purge", "at": "2m", "target": "tier.redis" }],
                "variant": [
                    { "name": "later", "set": { "event.0.at": "3m" } },
                    { "name": "calm", "set": { "event": [] } },
                    { "name": "same", "set": { "tier.redis.ttl": "1s" } },
                    { "name": "worse", "set": { "event": [
                        { "action": "purge", "at": "2m", "target": "tier.redis" },
                        { "action": "crash", "at": "1m", "target": "tier.redis.node.0" },
                    ] } },
                ],
            }),
            variants: variants(&["base", "later", "calm", "same", "worse"]),
            ..Results::default()
        };
        let told: Vec<String> = of(&results)
            .iter()
            .map(|mark| format!("{} {}{}", mark.at_s, mark.label, mark.whose(&results)))
            .collect();
        assert_eq!(
            told,
            [
                "60 crash redis.node.0 (worse)",
                "120 purge redis (3 variants)",
                "180 purge redis (later)",
            ]
        );
    }

    #[test]
    fn marks_are_in_the_order_of_time_and_say_what_happens_to_whom() {
        let results = Results {
            resolved: serde_json::json!({ "event": [
                { "action": "purge", "at": "2m", "target": "tier.redis" },
                { "action": "lose-deletes", "at": "20s", "target": "tier.redis", "for": "10s", "share": 0.5 },
                { "action": "restart", "at": "nonsense" },
            ] }),
            variants: variants(&["base"]),
            ..Results::default()
        };
        let marks = of(&results);
        assert!(marks.iter().all(|mark| mark.variants.is_empty()));
        assert_eq!(marks.len(), 2);
        assert_eq!(marks[0].label, "lose-deletes redis");
        assert_eq!((marks[0].at_s, marks[0].until_s), (20.0, Some(30.0)));
        assert_eq!(marks[0].details, "for 10s, share 0.5");
        assert_eq!((marks[1].at_s, marks[1].until_s), (120.0, None));
        assert!(of(&Results::default()).is_empty());
    }
}
