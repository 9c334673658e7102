//! `cachesim list`: what there is to choose from, read from the tables that define it.

use std::path::Path;

use clap::{Args, ValueEnum};

use super::{Answer, Status};
use crate::report::terminal::wrap;
use crate::{
    alert, client, defence, eviction, fault, guard, invalidation, metrics, pattern, placement,
    promise,
    report::metrics_reference,
    tier, trace,
    workload::{arrivals, distribution, parameters, popularity},
};

/// List what there is to choose from: patterns, policies, defences, metrics, ...
///
/// One line each: the name as scenarios and options spell it, and what it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim list
  cachesim list policies --verbose
  cachesim list guards --verbose
  cachesim list metrics | grep database")]
pub struct List {
    /// What to list (default: everything)
    #[arg(value_enum, value_name = "TOPIC")]
    topic: Option<Topic>,
    /// Also say what may be set, and where it comes from
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
    /// Which entries may enter a full cache: lru+bloom
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
    /// What an alert can watch
    AlertMetrics,
    /// The scenarios in scenarios/
    Scenarios,
}

/// A name and what it is.
pub(super) type Row = (String, String);

/// The parameters of a policy or an admission, a line each.
pub(super) fn parameters(all: &[eviction::Parameter]) -> impl Iterator<Item = String> + '_ {
    all.iter().map(|one| {
        format!(
            "{}={}: {} ({})",
            one.name,
            one.default,
            one.meaning,
            one.allowed()
        )
    })
}

/// What more there is to say about one: its parameters and its source.
fn details(all: &[eviction::Parameter], source: &str) -> Vec<String> {
    parameters(all)
        .chain([format!("source: {source}")])
        .collect()
}

/// The same of a row of the scenario's tables.
fn row_details<T>(row: &parameters::Row<T>) -> Vec<String> {
    let parameters = row.parameters.iter().map(|one| {
        let must = if one.required { " (required)" } else { "" };
        format!("{}: {}{must}", one.name, one.meaning)
    });
    let source = (!row.source.is_empty()).then(|| format!("source: {}", row.source));
    parameters.chain(source).collect()
}

/// A row of any topic, with all that is known of it.
pub(super) struct Entry {
    /// The name of the topic.
    pub topic: String,
    /// The name as lists show it.
    pub name: String,
    /// What it is.
    pub what: String,
    /// Its settings and its source, a line each.
    pub details: Vec<String>,
}

impl Entry {
    /// The name as scenarios spell it: lists show `read = aside` and `+bloom`.
    pub fn word(&self) -> &str {
        let word = self.name.rsplit(" = ").next().unwrap_or(&self.name);
        word.strip_prefix('+').unwrap_or(word)
    }
}

/// Everything that has a name, in the order of topics; scenarios are files, and not among it.
pub(super) fn everything() -> Vec<Entry> {
    let topics = Topic::value_variants().iter();
    topics
        .filter(|topic| **topic != Topic::Scenarios)
        .flat_map(|topic| {
            let mut details = topic.details().into_iter();
            topic.rows().into_iter().map(move |(name, what)| Entry {
                topic: topic.name(),
                name,
                what,
                details: details.next().unwrap_or_default(),
            })
        })
        // Most of what an alert can watch is a metric, and is explained as that.
        .filter(|one| {
            one.topic != Topic::AlertMetrics.name()
                || metrics::CATALOGUE.iter().all(|row| row.name != one.name)
        })
        .collect()
}

/// All there is of the topic of that name, `guards` or `guard`; nothing if there is no such topic.
pub(super) fn topic(name: &str) -> Option<String> {
    let mut topics = Topic::value_variants().iter();
    let is_it = |topic: &&Topic| {
        let known = topic.name();
        known == name || known.strip_suffix('s') == Some(name)
    };
    topics.find(is_it).map(|topic| topic.text(false))
}

impl Topic {
    /// A heading, and a line for each row; with `verbose`, also what may be set.
    fn text(self, verbose: bool) -> String {
        let details = if verbose { self.details() } else { Vec::new() };
        let rows = lines(&self.rows(), &details, "  ");
        format!("{}: {}\n{rows}", self.name(), self.help())
    }

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
            Self::AlertMetrics => alert::SIGNALS
                .iter()
                .map(|one| {
                    let unit = metrics_reference::unit(one.unit);
                    row(one.name, &format!("{} ({unit})", one.meaning()))
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
            Self::Patterns => {
                let pairs = pattern::PAIRS
                    .iter()
                    .map(|one| vec![format!("read = {}, write = {}", one.read, one.write)]);
                let reads = pattern::READS.iter().map(row_details);
                let writes = pattern::WRITES.iter().map(row_details);
                pairs.chain(reads).chain(writes).collect()
            }
            Self::Placements => placement::SCHEMES
                .iter()
                .map(|one| vec![format!("source: {}", one.source)])
                .collect(),
            Self::Jitters => client::backoff::JITTERS
                .iter()
                .map(|one| match one.source {
                    "" => Vec::new(),
                    source => vec![format!("source: {source}")],
                })
                .collect(),
            Self::Promises => promise::PROMISES.iter().map(row_details).collect(),
            Self::Invalidations => invalidation::INVALIDATIONS
                .iter()
                .map(row_details)
                .collect(),
            Self::Actions => fault::ACTIONS
                .iter()
                .map(|one| row_details(&one.row))
                .collect(),
            Self::Defences => defence::DEFENCES.iter().map(row_details).collect(),
            Self::Guards => guard::GUARDS.iter().map(row_details).collect(),
            Self::Disciplines => guard::discipline::DISCIPLINES
                .iter()
                .map(row_details)
                .collect(),
            Self::Distributions => distribution::TABLE.iter().map(row_details).collect(),
            Self::Keys => popularity::TABLE.iter().map(row_details).collect(),
            Self::Arrivals => arrivals::TABLE.iter().map(row_details).collect(),
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
        let text = match self.topic {
            Some(topic) => {
                let details = match self.verbose {
                    true => topic.details(),
                    false => Vec::new(),
                };
                lines(&topic.rows(), &details, "")
            }
            None => Topic::value_variants()
                .iter()
                .filter(|topic| !topic.rows().is_empty())
                .map(|topic| topic.text(self.verbose))
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
pub(super) fn lines(rows: &[Row], details: &[Vec<String>], indent: &str) -> String {
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
    fn nothing_that_is_listed_is_wider_than_80_columns() {
        for topic in Topic::value_variants() {
            for line in topic.text(true).lines() {
                // A path is as long as it is.
                let is_scenario = *topic == Topic::Scenarios;
                assert!(is_scenario || line.chars().count() <= COLUMNS, "{line}");
            }
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
