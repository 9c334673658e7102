//! Which alerts fired, when and how badly, as words that terminals, Markdown and the page share.
//!
//! Not here: watching (see `alert`).

use indexmap::IndexSet;

use crate::{
    experiment::{Results, VariantResults},
    metrics::{Alert, AlertCondition, Firing},
    scenario::unit::Duration,
    units::SECOND_NS,
};

use super::{chart::axis, quantity};

/// What one alert came to in one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The number of the variant.
    pub variant: usize,
    /// Whether it fired in any run.
    pub fired: bool,
    /// How often: `never`, `once`, `3 times`, `in 4 of 5 runs`.
    pub often: String,
    /// From when to when, of the first run in which it fired; empty if never.
    pub when: String,
    /// The worst value, of the same run; empty if never.
    pub worst: String,
}

/// An alert, and a row for each variant that has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What raises it: `stampede.events above 10 per 1m, for 30s`.
    pub condition: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// More firings than this are only counted.
const MOST_FIRINGS: usize = 3;

/// All alerts, in the order of the scenario. A variant may have set another limit: then it is another
/// group of the same name.
#[must_use]
pub fn groups(results: &Results) -> Vec<Group> {
    let variants = || results.variants.iter().enumerate();
    let all: IndexSet<(&str, String)> = variants()
        .flat_map(|(_, variant)| &variant.alerts)
        .map(|alert| (alert.name.as_str(), condition(alert)))
        .collect();
    let group = |(name, wanted): (&str, String)| {
        let rows = variants().filter_map(|(index, variant)| {
            let same = |alert: &&Alert| alert.name == name && condition(alert) == wanted;
            Some(row(index, variant, variant.alerts.iter().find(same)?))
        });
        Group {
            name: name.to_owned(),
            rows: rows.collect(),
            condition: wanted,
        }
    };
    all.into_iter().map(group).collect()
}

/// What raises an alert.
fn condition(alert: &Alert) -> String {
    let (word, limit) = match alert.condition {
        AlertCondition::Above(limit) => ("above", limit),
        AlertCondition::Below(limit) => ("below", limit),
    };
    let length = |seconds: f64| Duration((seconds * SECOND_NS as f64) as u64);
    let limit = quantity::quantity(limit, alert.unit);
    let per = length(alert.per_s);
    let mut text = format!("{} {word} {limit} per {per}", alert.metric);
    if alert.for_s > 0.0 {
        text.push_str(&format!(", for {}", length(alert.for_s)));
    }
    text
}

fn row(index: usize, variant: &VariantResults, alert: &Alert) -> Row {
    let samples = variant.samples.get(&format!("alert.{}.fired", alert.name));
    let samples = samples.map_or(&[][..], Vec::as_slice);
    let times = samples
        .iter()
        .find(|times| **times > 0.0)
        .or(samples.first())
        .map_or(alert.firings.len(), |times| *times as usize);
    let in_runs = samples.iter().filter(|times| **times > 0.0).count();
    let fired = times.max(in_runs) > 0;
    let often = match (samples.len(), times) {
        _ if !fired => "never".to_owned(),
        (2.., _) => format!("in {in_runs} of {} runs", samples.len()),
        (_, 1) => "once".to_owned(),
        (_, times) => format!("{times} times"),
    };
    let worst = alert.firings.iter().map(|firing| firing.worst);
    let worst = worst.reduce(|one, other| alert.condition.worse(one, other));
    Row {
        variant: index,
        fired,
        often,
        when: when(&alert.firings, times),
        worst: worst.map_or_else(String::new, |worst| quantity::quantity(worst, alert.unit)),
    }
}

/// The first of so many firings.
fn when(firings: &[Firing], times: usize) -> String {
    let one = |firing: &Firing| match firing.until_s {
        Some(until_s) => format!(
            "{} to {}",
            axis::instant(firing.from_s),
            axis::instant(until_s)
        ),
        None => format!("{} to the end", axis::instant(firing.from_s)),
    };
    let told: Vec<String> = firings.iter().take(MOST_FIRINGS).map(one).collect();
    let mut text = told.join(", ");
    let more = times.saturating_sub(told.len());
    if more > 0 {
        text.push_str(&format!(", and {more} more"));
    }
    text
}

impl Row {
    /// The row in a sentence without a subject.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.when.is_empty() {
            return self.often.clone();
        }
        let Self {
            often, when, worst, ..
        } = self;
        if often.starts_with("in ") {
            return format!("{often}; in the first {when}, at worst {worst}");
        }
        format!("{often}: {when}, at worst {worst}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn an_alert_is_told_with_its_rule_and_how_often_when_and_how_badly_it_fired() {
        let results = samples::with_alerts(2, 1);
        let groups = groups(&results);
        let conditions: Vec<&str> = groups.iter().map(|it| it.condition.as_str()).collect();
        assert_eq!(
            conditions,
            [
                "stampede.events above 10 per 1m, for 30s",
                "hit_ratio below 80.0 % per 1m"
            ]
        );
        let sentences: Vec<String> = groups
            .iter()
            .flat_map(|group| group.rows.iter().map(Row::sentence))
            .collect();
        assert_eq!(
            sentences,
            [
                "never",
                "5 times: 1:20 to 1:45, 2:20 to 2:45, 3:20 to 3:45, and 2 more, at worst 31",
                "never",
                "once: 2:02 to the end, at worst 63.0 %",
            ]
        );
    }

    #[test]
    fn of_several_runs_it_is_told_in_how_many_and_when_in_the_first() {
        let results = samples::with_alerts(2, 3);
        let row = &groups(&results)[1].rows[1];
        assert_eq!(
            row.sentence(),
            "in 3 of 3 runs; in the first 2:02 to the end, at worst 63.0 %"
        );
    }

    #[test]
    fn a_variant_with_another_limit_is_told_of_apart() {
        let mut results = samples::with_alerts(2, 1);
        results.variants[1].alerts[1].condition = AlertCondition::Below(0.9);
        let groups = groups(&results);
        let rows: Vec<usize> = groups.iter().map(|group| group.rows.len()).collect();
        assert_eq!(rows, [2, 1, 1]);
    }
}
