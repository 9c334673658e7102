//! `cachesim list`: what there is to choose from, read from the tables that define it.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::{Answer, Status};
use crate::report::terminal::wrap;
use crate::{
    client, defence, eviction, fault, guard, invalidation, metrics, pattern, placement, promise,
    report::metrics_reference,
    tier, trace,
    workload::{arrivals, distribution, popularity},
};

/// List patterns, policies, placements, defences, distributions, metrics, ...
///
/// One line each: the name as scenarios and options spell it, and what it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim list
  cachesim list policies --verbose
  cachesim list metrics | grep database")]
pub struct List {
    /// What to list (default: everything)
    #[arg(value_enum, value_name = "TOPIC")]
    topic: Option<Topic>,
    /// Of policies, admissions and presets, also say what may be set and where they come from
    #[arg(long, short)]
    verbose: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Topic {
    /// How caches are filled, and what a write does
    Patterns,
    /// Which entry leaves a full cache
    Policies,
    /// Which entries may enter a full cache; behind a policy, as in lru+bloom
    Admissions,
    /// Usual kinds of layers, with sensible numbers
    Presets,
    /// Which node holds a key
    Placements,
    /// What readers can be promised
    Promises,
    /// How copies are kept true
    Invalidations,
    /// What happens when many requests miss one key together
    Defences,
    /// What refuses calls to protect a tier or the database
    Guards,
    /// In which order a queue is served
    Disciplines,
    /// What chance does to the wait before a retry
    Jitters,
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

/// What more there is to say about a policy or an admission: its parameters and its source.
fn details(parameters: &[eviction::Parameter], source: &str) -> Vec<String> {
    let parameters = parameters.iter().map(|one| {
        format!(
            "{}={}: {} ({})",
            one.name,
            one.default,
            one.meaning,
            one.allowed()
        )
    });
    parameters.chain([format!("source: {source}")]).collect()
}

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
            Self::Admissions => eviction::admission::descriptions()
                .map(|one| row(&format!("+{}", one.name), one.summary))
                .collect(),
            Self::Presets => tier::PRESETS
                .iter()
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
                .map(|one| row(one.row.name, one.row.meaning))
                .collect(),
            Self::Defences => defence::DEFENCES
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Guards => guard::GUARDS
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Disciplines => guard::discipline::DISCIPLINES
                .iter()
                .map(|one| row(one.name, one.meaning))
                .collect(),
            Self::Jitters => client::backoff::JITTERS
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

    /// For each row, in the same order, what more there is to say; nothing for most topics.
    fn details(self) -> Vec<Vec<String>> {
        match self {
            Self::Policies => eviction::descriptions()
                .map(|one| details(one.parameters, one.source))
                .collect(),
            Self::Admissions => eviction::admission::descriptions()
                .map(|one| details(one.parameters, one.source))
                .collect(),
            Self::Presets => tier::PRESETS
                .iter()
                .map(|one| {
                    let values = one.values.iter();
                    let values = values.map(|(key, value)| format!("{key} = {value}"));
                    values.chain([format!("source: {}", one.source)]).collect()
                })
                .collect(),
            _ => Vec::new(),
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
        let details = |topic: Topic| match self.verbose {
            true => topic.details(),
            false => Vec::new(),
        };
        let text = match self.topic {
            Some(topic) => lines(&topic.rows(), &details(topic), ""),
            None => Topic::value_variants()
                .iter()
                .map(|topic| (topic, topic.rows()))
                .filter(|(_, rows)| !rows.is_empty())
                .map(|(topic, rows)| {
                    let rows = lines(&rows, &details(*topic), "  ");
                    format!("{}: {}\n{rows}", topic.name(), topic.help())
                })
                .collect::<Vec<_>>()
                .join("\n"),
        };
        super::print(&text)?;
        Ok(Status::Well)
    }
}

/// Lines are wrapped to this width, on terminals and elsewhere.
const COLUMNS: usize = 80;
/// A column that is narrower than this helps nobody, however long the names are.
const LEAST_COLUMNS: usize = 30;

/// One line for each row, what it is in a column of its own, and its details below it.
fn lines(rows: &[Row], details: &[Vec<String>], indent: &str) -> String {
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (number, (name, what)) in rows.iter().enumerate() {
        let mut column = |first: &str, offset: usize, what: &str| {
            let used = indent.len() + width + offset;
            let room = COLUMNS.saturating_sub(used).max(LEAST_COLUMNS);
            for (index, line) in wrap(what, room).iter().enumerate() {
                let first = if index == 0 { first } else { "" };
                let before = width + offset;
                text += format!("{indent}{first:before$}{line}").trim_end();
                text.push('\n');
            }
        };
        column(name, 2, what);
        for line in details.get(number).into_iter().flatten() {
            column("", 4, line);
        }
    }
    text
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
            let details = topic.details();
            assert!(
                details.is_empty() || details.len() == rows.len(),
                "{topic:?}"
            );
        }
    }

    #[test]
    fn rows_are_lined_up() {
        let rows =
            [("a", "first"), ("long", "second")].map(|(name, what)| (name.into(), what.into()));
        assert_eq!(lines(&rows, &[], "  "), "  a     first\n  long  second\n");
        let details = [vec!["n=1: more".to_owned()], vec![]];
        let verbose = "a     first\n        n=1: more\nlong  second\n";
        assert_eq!(lines(&rows, &details, ""), verbose);
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
