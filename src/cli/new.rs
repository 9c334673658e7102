//! `cachesim new`: a commented scenario to begin with.

use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::PossibleValue};
use miette::miette;

use super::{Answer, Status};

/// Write a commented scenario that runs, to be changed into the one you want
///
/// Nothing is written over.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim new
  cachesim new checkout.toml --template three-tiers
  cachesim new - --template stampede | less
  cachesim new && cachesim run minimal.toml")]
pub struct New {
    /// The file to write; `-` for stdout (default: the template's name with .toml)
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// What to begin with
    #[arg(long, value_enum, default_value_t, value_name = "TEMPLATE")]
    template: Template,
    /// No notes on stderr
    #[arg(long)]
    quiet: bool,
}

/// One row of the table of templates.
struct Row {
    name: &'static str,
    what: &'static str,
    text: &'static str,
}

/// All templates: the smallest, and some of the scenarios that are shipped and tested.
const TEMPLATES: &[Row] = &[
    Row {
        name: "minimal",
        what: "one cache in front of a database",
        text: include_str!("templates/minimal.toml"),
    },
    Row {
        name: "stampede",
        what: "a hot key expires, with and without a defence",
        text: include_str!("../../scenarios/stampede.toml"),
    },
    Row {
        name: "three-tiers",
        what: "several caches behind each other",
        text: include_str!("../../scenarios/three-tiers.toml"),
    },
    Row {
        name: "write-behind",
        what: "a cache that writes later crashes",
        text: include_str!("../../scenarios/write-behind-crash.toml"),
    },
    Row {
        name: "cache-down",
        what: "a cache cluster dies: guards, shedding, alerts",
        text: include_str!("../../scenarios/cache-down.toml"),
    },
    Row {
        name: "hot-key",
        what: "one key is asked for more than one node can bear",
        text: include_str!("../../scenarios/hot-key.toml"),
    },
];

/// A row of [`TEMPLATES`], by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Template(usize);

impl ValueEnum for Template {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Template; TEMPLATES.len()] = {
            let mut all = [Template(0); TEMPLATES.len()];
            let mut index = 0;
            while index < all.len() {
                all[index] = Template(index);
                index += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let row = &TEMPLATES[self.0];
        Some(PossibleValue::new(row.name).help(row.what))
    }
}

impl New {
    /// Writes the file.
    ///
    /// # Errors
    /// When it is there already, or cannot be written.
    pub fn execute(&self) -> Answer {
        let row = &TEMPLATES[self.template.0];
        let path = match &self.file {
            Some(path) if path.as_os_str() == "-" => {
                super::print(row.text)?;
                return Ok(Status::Well);
            }
            Some(path) => path.clone(),
            None => PathBuf::from(format!("{}.toml", row.name)),
        };
        if path.exists() {
            return Err(miette!(
                help = "name another file: cachesim new FILE",
                "{} is there already",
                path.display()
            ));
        }
        super::write_files(&[(path, row.text.as_bytes().to_vec())], self.quiet)?;
        Ok(Status::Well)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::{self, Overrides};

    #[test]
    fn every_template_is_a_scenario_with_comments() {
        for row in TEMPLATES {
            let study = scenario::load_text(Path::new(row.name), row.text, &Overrides::default());
            let study = study.unwrap_or_else(|errors| panic!("{}: {errors:?}", row.name));
            assert!(!study.title.is_empty());
            assert!(row.text.starts_with('#') && row.text.lines().count() > 10);
        }
    }
}
