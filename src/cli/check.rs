//! `cachesim check`: whether scenarios are well, and everything that is wrong with those that are
//! not.
//!
//! Not here: the checks themselves (`scenario`).

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Answer, Status};
use crate::scenario::{self, Overrides, ScenarioErrors, Study};

/// Check scenarios without running them
///
/// Prints one line for each scenario that is well, and everything that is wrong with the others,
/// with its place and what to do about it. Exit status 2 if anything is wrong.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cachesim check scenarios/
  cachesim check stampede.toml --set tier.redis.ttl=30s
  cachesim check stampede.toml --format json | jq '.[].errors[]'")]
pub struct Check {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Check as if this were written in the scenario (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: CheckFormat,
}

/// The shape of what `check` prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum CheckFormat {
    /// A line for each good scenario; errors go to stderr.
    #[default]
    Table,
    /// One JSON document with the errors of every file, for editors.
    Json,
}

impl Check {
    /// Checks every file and reports on all of them.
    ///
    /// # Errors
    /// Everything that is wrong with any of the files.
    pub fn execute(&self) -> Answer {
        let overrides = Overrides {
            set: self.set.clone(),
            ..Overrides::default()
        };
        let mut errors = Vec::new();
        let mut good = String::new();
        let mut files = Vec::new();
        for found in scenario::files(&self.paths) {
            let path = found.as_ref().ok().cloned();
            match found.and_then(|path| scenario::load_file(&path, &overrides)) {
                Ok(study) => {
                    good.push_str(&summary(&study));
                    files.push(json!({ "file": study.path, "title": study.title, "errors": [] }));
                }
                Err(wrong) => {
                    let file = path.map_or_else(
                        || wrong.first().map(|error| error.file.clone()),
                        |path| Some(path.display().to_string()),
                    );
                    files.push(json!({ "file": file, "errors": wrong }));
                    // A mistake on the command line is one mistake, however many files it meets.
                    let new: Vec<_> = wrong
                        .into_iter()
                        .filter(|error| !errors.contains(error))
                        .collect();
                    errors.extend(new);
                }
            }
        }
        match self.format {
            CheckFormat::Table => super::print(&good)?,
            CheckFormat::Json => super::print(&format!("{:#}\n", json!(files)))?,
        }
        if errors.is_empty() {
            Ok(Status::Well)
        } else {
            Err(ScenarioErrors { errors }.into())
        }
    }
}

/// One line about a scenario that is well.
fn summary(study: &Study) -> String {
    let count = |number: usize, what: &str| {
        format!("{number} {what}{}", if number == 1 { "" } else { "s" })
    };
    let cells = study.grid.as_ref().map_or_else(String::new, |grid| {
        format!(", {}", count(grid.cells(), "cell"))
    });
    format!(
        "{}: ok, {}, {}{cells}\n",
        study.path.display(),
        count(study.variants.len(), "variant"),
        count(study.expectations.len(), "expectation"),
    )
}
