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
}

/// The timeline of the scenario as it stands, in the order of time. What only a variant does is not
/// in it.
#[must_use]
pub fn of(results: &Results) -> Vec<Mark> {
    let events = results.resolved["event"].as_array();
    let mut marks: Vec<Mark> = events.into_iter().flatten().filter_map(mark).collect();
    marks.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    marks
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_in_the_order_of_time_and_say_what_happens_to_whom() {
        let results = Results {
            resolved: serde_json::json!({ "event": [
                { "action": "purge", "at": "2m", "target": "tier.redis" },
                { "action": "lose-deletes", "at": "20s", "target": "tier.redis", "for": "10s", "share": 0.5 },
                { "action": "restart", "at": "nonsense" },
            ] }),
            ..Results::default()
        };
        let marks = of(&results);
        assert_eq!(marks.len(), 2);
        assert_eq!(marks[0].label, "lose-deletes redis");
        assert_eq!((marks[0].at_s, marks[0].until_s), (20.0, Some(30.0)));
        assert_eq!(marks[0].details, "for 10s, share 0.5");
        assert_eq!((marks[1].at_s, marks[1].until_s), (120.0, None));
        assert!(of(&Results::default()).is_empty());
    }
}
