//! Runs that are kept from one call of the program to the next, so that what was interrupted goes on
//! where it was.
//!
//! Not here: how they are kept (`experiment::store`).

use std::path::Path;

use miette::miette;

use super::{note, progress::Bar};
use crate::experiment::{Simulate, store::Store};
use crate::whole_file::readable;

/// A store of runs, or none where no files are wanted.
pub(super) struct Kept<'a> {
    store: Option<Store<'a>>,
    bar: &'a Bar,
    quiet: bool,
    path: Option<&'a Path>,
}

impl<'a> Kept<'a> {
    /// Opens the store at `path`, and warns of what is damaged in it.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(super) fn open(
        path: Option<&'a std::path::PathBuf>,
        whole: bool,
        bar: &'a Bar,
        quiet: bool,
    ) -> Result<Self, miette::Report> {
        let path = path.map(std::path::PathBuf::as_path);
        let store = match path {
            None => None,
            Some(path) => {
                let (store, damaged) = Store::open(path, whole, bar).map_err(|error| {
                    miette!(
                        help = "choose another folder with --out DIR, or --no-files",
                        "cannot keep finished runs in {}: {}",
                        path.display(),
                        readable(&error)
                    )
                })?;
                if damaged > 0 {
                    note(format_args!(
                        "warning: {damaged} of the runs kept in {} are damaged and will be made again",
                        path.display()
                    ));
                }
                Some(store)
            }
        };
        Ok(Self {
            store,
            bar,
            quiet,
            path,
        })
    }

    /// How runs are had.
    pub(super) fn simulate(&self) -> &dyn Simulate {
        match &self.store {
            Some(store) => store,
            None => self.bar,
        }
    }

    /// Says what is kept after an interruption.
    pub(super) fn interrupted(&self) {
        match (&self.store, self.path) {
            (Some(store), Some(path)) => {
                let runs = store.kept();
                note(format_args!(
                    "interrupted: {runs} finished runs are kept in {}; the same command goes on from there",
                    path.display()
                ));
            }
            _ => note(format_args!("interrupted: without files nothing is kept")),
        }
    }

    fn say_what_was_found(&self) {
        let Some(store) = &self.store else {
            return;
        };
        if let Some(error) = store.unwritable() {
            note(format_args!(
                "warning: finished runs could not all be kept: {error}"
            ));
        }
        let (found, asked) = store.found();
        if found > 0 && !self.quiet {
            let path = self.path.unwrap_or(Path::new(""));
            note(format_args!(
                "{found} of {asked} runs were kept from before in {}",
                path.display()
            ));
        }
    }

    /// All is finished: what is kept serves the same sweep if it is asked for again.
    pub(super) fn tidy(self) {
        self.say_what_was_found();
        if let Some(store) = &self.store
            && let Err(error) = store.tidy()
        {
            note(format_args!(
                "warning: finished runs could not be kept: {}",
                readable(&error)
            ));
        }
    }

    /// All is finished, and nothing needs to be kept.
    pub(super) fn discard(self) {
        self.say_what_was_found();
        if let Some(store) = self.store {
            store.discard();
        }
    }
}
