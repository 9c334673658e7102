//! `cachesim report`: makes the page about results anew, of one folder or of several side by side.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::miette;

use super::{Answer, Status};
use crate::{
    experiment::Results,
    report::{folder, html, reading, sweep_summary},
    whole_file::readable,
};

/// Make report.html anew from folders of results, or one page of several runs side by side
///
/// A folder of results is one that `cachesim run` has written; its summary.json is read, or the sweep.json of
/// a sweep. Of one folder, the page is written into it; of several, the page shows all their variants side
/// by side, compared with the first one of the first folder. Runs under one seed are compared replication
/// by replication. Nothing is simulated.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim report results/stampede
  cachesim report before/stampede after/stampede --out comparison.html
  cachesim report results/* --out all.html")]
pub struct Report {
    /// Folders of results, or their summary.json or sweep.json
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Write the page to FILE (default: report.html in the folder, or here if there are several)
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// No notes on stderr
    #[arg(long)]
    quiet: bool,
}

impl Report {
    /// Writes the page.
    ///
    /// # Errors
    /// When a folder has no results, or the page cannot be written.
    pub fn execute(&self) -> Answer {
        let files: Vec<PathBuf> = self
            .folders
            .iter()
            .map(|path| file_of(path))
            .collect::<Result<_, _>>()?;
        let sweep = files.iter().find(|file| is_of_sweep(file));
        let page = match (&files[..], sweep) {
            ([only], Some(_)) => {
                let (results, shown) = read(only, sweep_summary::parse)?;
                html::of_sweep(&results, &shown)
            }
            (_, Some(sweep)) => {
                return Err(miette!(
                    help = "give it alone, and it gets a page of its own",
                    "{} is of a sweep, which has no place beside other results",
                    sweep.display()
                ));
            }
            _ => self.page_of_runs(&files)?,
        };
        let path = match (&self.out, &files[..]) {
            (Some(path), _) => path.clone(),
            (None, [only]) => only.with_file_name(folder::REPORT),
            (None, _) => PathBuf::from(folder::REPORT),
        };
        let inputs: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        super::not_over_itself(&inputs, [path.clone()])?;
        super::write_files(&[(path, page.into_bytes())], self.quiet)?;
        Ok(Status::Well)
    }

    fn page_of_runs(&self, files: &[PathBuf]) -> Result<String, miette::Report> {
        let runs: Vec<Results> = files
            .iter()
            .map(|file| read(file, reading::parse))
            .collect::<Result<_, _>>()?;
        let labelled: Vec<(String, Results)> =
            labels(&self.folders, &runs).into_iter().zip(runs).collect();
        Ok(match &labelled[..] {
            [(_, only)] => html::render(only),
            several => html::of_runs(several),
        })
    }
}

/// The file with the numbers: `path` itself, or that in the folder.
fn file_of(path: &Path) -> Result<PathBuf, miette::Report> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let (summary, sweep) = (path.join("summary.json"), path.join(sweep_summary::FILE));
    match (summary.exists(), sweep.exists()) {
        (true, true) => Err(miette!(
            help = "name the one that the page is to be about",
            "{} has the results of a run and of a sweep: {} and {}",
            path.display(),
            summary.display(),
            sweep.display()
        )),
        (false, true) => Ok(sweep),
        _ => Ok(summary),
    }
}

fn is_of_sweep(file: &Path) -> bool {
    file.file_name()
        .is_some_and(|name| name == sweep_summary::FILE)
}

/// More than this is no summary.
const LARGEST: u64 = 1 << 30;

fn read<T>(
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, miette::Report> {
    let unreadable = |error: &dyn std::fmt::Display| {
        miette!(
            help = "a folder of results has the summary.json that `cachesim run` writes, or the sweep.json of a sweep",
            "cannot read results from {}: {error}",
            path.display()
        )
    };
    let size = std::fs::metadata(path)
        .map_err(|error| unreadable(&readable(&error)))?
        .len();
    if size > LARGEST {
        return Err(unreadable(&format!("it has {size} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&readable(&error)))?;
    parse(&text).map_err(|error| unreadable(&error))
}

/// What tells the runs apart: the last part of their folders that differs, else their number.
fn labels(folders: &[PathBuf], runs: &[Results]) -> Vec<String> {
    let differ = |labels: &[String]| {
        let unique: std::collections::BTreeSet<&String> = labels.iter().collect();
        unique.len() == labels.len()
    };
    let parts = |path: &Path| -> Vec<String> {
        let names = path.components().filter_map(|part| match part {
            std::path::Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        });
        names.filter(|name| name != "summary.json").collect()
    };
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    if differ(&names) && names.iter().all(|name| !name.is_empty()) {
        return names;
    }
    let all: Vec<Vec<String>> = folders.iter().map(|path| parts(path)).collect();
    let deepest = all.iter().map(Vec::len).max().unwrap_or(0);
    for from_the_end in 1..=deepest {
        let labels: Vec<String> = all
            .iter()
            .map(|parts| {
                let at = parts.len().saturating_sub(from_the_end);
                parts.get(at).cloned().unwrap_or_default()
            })
            .collect();
        if differ(&labels) {
            return labels;
        }
    }
    let numbered = folders.iter().enumerate();
    numbered
        .map(|(index, path)| format!("{}: {}", index + 1, path.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_called_by_what_tells_them_apart() {
        let labels = |folders: &[&str], names: &[&str]| {
            let folders: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
            let run = |name: &&str| Results {
                name: (*name).to_owned(),
                ..Results::default()
            };
            super::labels(&folders, &names.iter().map(run).collect::<Vec<_>>())
        };
        assert_eq!(labels(&["r/a", "r/b"], &["a", "b"]), ["a", "b"]);
        assert_eq!(labels(&["old/a", "new/a"], &["a", "a"]), ["old", "new"]);
        assert_eq!(
            labels(&["x/old/a/summary.json", "x/new/a"], &["a", "a"]),
            ["old", "new"]
        );
        assert_eq!(labels(&["a", "a"], &["a", "a"]), ["1: a", "2: a"]);
    }
}
