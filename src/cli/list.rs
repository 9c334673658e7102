//! `cachesim list`: what there is to choose from, read from the tables that define it.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::{Answer, Status};
use crate::{
    defence, eviction, fault, invalidation, metrics, pattern, placement, promise,
    report::metrics_reference,
    trace,
    workload::{arrivals, distribution, popularity},
};

/// List patterns, policies, placements, defences, distributions, metrics, ...
///
/// One line each: the name as scenarios and options spell it, and what it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim list
  cachesim list policies
  cachesim list metrics | grep database")]
pub struct List {
    /// What to list (default: everything)
    #[arg(value_enum, value_name = "TOPIC")]
    topic: Option<Topic>,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Topic {
    /// How caches are filled, and what a write does
    Patterns,
    /// Which entry leaves a full cache
    Policies,
    /// Which node holds a key
    Placements,
    /// What readers can be promised
    Promises,
    /// How copies are kept true
    Invalidations,
    /// What happens when many requests miss one key together
    Defences,
    /// What can happen on the timeline
    Actions,
    /// Durations and sizes
    Distributions,
    /// Which keys are asked for, and how often
    Keys,
    /// When requests arrive
    Arrivals,
    /// Formats of traces
    Formats,
    /// What is measured
    Metrics,
    /// The scenarios in scenarios/
    Scenarios,
}

/// A name and what it is.
type Row = (String, String);

impl Topic {
    /// Everything that there is of this topic, in the order of its table.
    fn rows(self) -> Vec<Row> {
        let row = |name: &str, what: &str| (name.to_owned(), what.to_owned());
        match self {
            Self::Patterns => {
                let pairs = pattern::PAIRS.iter().map(|one| row(one.name, one.summary));
                let reads = pattern::READS
                    .iter()
                    .map(|one| row(&format!("read = {}", one.name), one.meaning));
                let writes = pattern::WRITES
                    .iter()
                    .map(|one| row(&format!("write = {}", one.name), one.meaning));
                pairs.chain(reads).chain(writes).collect()
            }
            Self::Policies => eviction::descriptions()
                .map(|one| row(one.name, one.summary))
                .collect(),
            Self::Placements => placement::SCHEMES
                .iter()
                .map(|one| row(one.name, one.summary))
                .collect(),
            Self::Promises => promise::PROMISES
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Invalidations => invalidation::INVALIDATIONS
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Actions => fault::ACTIONS
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Defences => defence::DEFENCES
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Distributions => distribution::TABLE
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Keys => popularity::TABLE
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Arrivals => arrivals::TABLE
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Formats => trace::format::FORMATS
                .iter()
                .map(|one| row(one.name, one.summary))
                .collect(),
            Self::Metrics => metrics::CATALOGUE
                .iter()
                .map(|one| {
                    let unit = metrics_reference::unit(one.unit);
                    row(one.name, &format!("{} ({unit})", one.meaning))
                })
                .collect(),
            Self::Scenarios => scenarios(Path::new("scenarios")),
        }
    }

    fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn help(self) -> String {
        self.to_possible_value()
            .and_then(|value| value.get_help().map(ToString::to_string))
            .unwrap_or_default()
    }
}

/// The scenario files of a folder, with their first line of comment.
fn scenarios(folder: &Path) -> Vec<Row> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut rows: Vec<Row> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let first = text
                .lines()
                .find_map(|line| line.strip_prefix('#'))
                .unwrap_or("");
            let first: String = first.chars().filter(|c| !c.is_control()).collect();
            (path.display().to_string(), first.trim().to_owned())
        })
        .collect();
    rows.sort();
    rows
}

impl List {
    /// Prints the list.
    ///
    /// # Errors
    /// When stdout cannot be written to.
    pub fn execute(&self) -> Answer {
        let text = match self.topic {
            Some(topic) => lines(&topic.rows(), ""),
            None => Topic::value_variants()
                .iter()
                .map(|topic| (topic, topic.rows()))
                .filter(|(_, rows)| !rows.is_empty())
                .map(|(topic, rows)| {
                    format!("{}: {}\n{}", topic.name(), topic.help(), lines(&rows, "  "))
                })
                .collect::<Vec<_>>()
                .join("\n"),
        };
        super::print(&text)?;
        Ok(Status::Well)
    }
}

/// One line for each row, what it is in a column of its own.
fn lines(rows: &[Row], indent: &str) -> String {
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|(name, what)| {
            format!("{indent}{name:width$}  {what}")
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_of_the_program_has_rows_with_unique_names() {
        for topic in Topic::value_variants() {
            let rows = topic.rows();
            // Scenarios are files, and tests are run where there may be none.
            assert!(!rows.is_empty() || *topic == Topic::Scenarios, "{topic:?}");
            let names: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.0).collect();
            assert_eq!(names.len(), rows.len(), "{topic:?}");
            assert!(!topic.help().is_empty());
        }
    }

    #[test]
    fn rows_are_lined_up() {
        let rows =
            [("a", "first"), ("long", "second")].map(|(name, what)| (name.into(), what.into()));
        assert_eq!(lines(&rows, "  "), "  a     first\n  long  second\n");
    }

    #[test]
    fn scenarios_are_sorted_and_carry_their_first_comment() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("b.toml"), "# Second.\n# More.\n").unwrap();
        std::fs::write(
            place.path().join("a.toml"),
            "title = 'x'\n#  First\u{1b}.\n",
        )
        .unwrap();
        std::fs::write(place.path().join("notes.md"), "# No.\n").unwrap();
        let found = scenarios(place.path());
        let what: Vec<&str> = found.iter().map(|row| row.1.as_str()).collect();
        assert_eq!(what, ["First.", "Second."]);
        assert!(scenarios(&place.path().join("absent")).is_empty());
    }
}
