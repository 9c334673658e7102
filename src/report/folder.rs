//! The folder of results of one scenario: each file written whole or not at all.
//!
//! The folder is made, and shown to be writable, before anything is computed; nobody should wait
//! for an hour to learn that the results have no place to go.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::experiment::Results;

use super::{chart, csv, html, json};
use crate::whole_file::{WholeFile, readable};

/// The file that a person opens first.
pub const REPORT: &str = "report.html";

/// The requests that were traced, if any were to be: see [`perfetto`](super::perfetto).
pub const TRACE: &str = "trace.json";

/// A folder or a file of results that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to {}: {}", path.display(), readable(error))]
pub struct Unwritable {
    /// What could not be written.
    pub path: PathBuf,
    /// Why.
    pub error: std::io::Error,
}

/// Makes folders that are not there, and makes sure that files can be written into all of them.
///
/// # Errors
/// When a folder cannot be made or written to, or when something else than a file is where a file
/// of results will go. Folders that were made are then taken away again.
pub fn prepare(folders: &[PathBuf]) -> Result<(), Unwritable> {
    let mut made = Vec::new();
    let prepared = folders.iter().try_for_each(|folder| {
        // Each ancestor that is missing will be made too.
        made.extend(
            folder
                .ancestors()
                .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
                .map(Path::to_owned),
        );
        prepare_one(folder)
    });
    if prepared.is_err() {
        // The deepest first; whatever is not empty is somebody else's and stays.
        made.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        for path in made {
            let _ = std::fs::remove_dir(path);
        }
    }
    prepared
}

fn prepare_one(folder: &Path) -> Result<(), Unwritable> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |error| Unwritable { path, error }
    };
    std::fs::create_dir_all(folder).map_err(unwritable(folder))?;
    tempfile::Builder::new()
        .prefix(".cachesim-")
        .tempfile_in(folder)
        .and_then(|mut file| file.write_all(b"?"))
        .map_err(unwritable(folder))?;
    for path in files_of(folder) {
        if path.is_dir() {
            let error = std::io::Error::from(std::io::ErrorKind::IsADirectory);
            return Err(unwritable(&path)(error));
        }
    }
    Ok(())
}

/// The files that may be written into `folder`: by [`write()`], and [`TRACE`].
pub fn files_of(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let charts = chart::CHARTS
        .iter()
        .flat_map(|chart| ["svg", "png"].map(|kind| format!("{}.{kind}", chart.name)));
    let tables = [REPORT, "summary.json", "summary.csv", "series.csv", TRACE].map(str::to_owned);
    charts.chain(tables).map(|name| folder.join(name))
}

/// Writes all files of `results` into `folder`, and returns their names.
///
/// # Errors
/// When a file cannot be written; the ones before it are there and whole.
pub fn write(results: &Results, folder: &Path) -> Result<Vec<String>, Unwritable> {
    let mut files: Vec<(String, Vec<u8>)> = vec![
        (REPORT.to_owned(), html::render(results).into()),
        ("summary.json".to_owned(), json::summary(results).into()),
        ("summary.csv".to_owned(), csv::summary([results]).into()),
        ("series.csv".to_owned(), csv::series(results).into()),
    ];
    for (chart, figure) in chart::figures(results) {
        files.push((format!("{}.svg", chart.name), chart::svg(&figure).into()));
        files.push((format!("{}.png", chart.name), chart::png(&figure)));
    }
    for (name, bytes) in &files {
        write_whole(&folder.join(name), bytes)?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

/// Writes a file so that whoever looks sees the old one or the new one, never a part.
///
/// # Errors
/// When the file's folder is not writable or full.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Unwritable> {
    write_streamed(path, |file| file.write_all(bytes))
}

/// As [`write_whole`], of what `write` writes piece by piece.
///
/// # Errors
/// As [`write_whole`], and when `write` has one.
pub fn write_streamed(
    path: &Path,
    write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
) -> Result<(), Unwritable> {
    let written = WholeFile::create(path).and_then(|file| {
        let mut buffer = std::io::BufWriter::new(file);
        write(&mut buffer)?;
        buffer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?
            .finish()
    });
    written.map_err(|error| Unwritable {
        path: path.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn all_files_are_there_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        prepare(std::slice::from_ref(&folder)).unwrap();
        let mut names = write(&samples::stampede(2), &folder).unwrap();
        let mut found: Vec<String> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        found.sort();
        assert_eq!(found, names);
        insta::assert_snapshot!(names.join("\n"), @r#"
        cost-latency.png
        cost-latency.svg
        database-qps.png
        database-qps.svg
        hit-ratio.png
        hit-ratio.svg
        latency-distribution.png
        latency-distribution.svg
        latency-p99.png
        latency-p99.svg
        report.html
        series.csv
        staleness.png
        staleness.svg
        summary.csv
        summary.json
        "#);
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_found_before_computing() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("taken");
        std::fs::write(&folder, "mine").unwrap();
        let other = place.path().join("other/scenario");
        assert!(prepare(&[other.clone(), folder.clone()]).is_err());
        assert!(prepare(&[other, folder.join("deeper")]).is_err());
        assert_eq!(std::fs::read_to_string(&folder).unwrap(), "mine");
        // Nothing was computed, so nothing is left behind.
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_found_before_computing() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("summary.json")).unwrap();
        let unwritable = prepare(&[place.path().to_owned()]).unwrap_err();
        assert!(unwritable.path.ends_with("summary.json"));
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        write_whole(&path, b"a long first text").unwrap();
        write_whole(&path, b"short").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
