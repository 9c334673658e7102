//! What `run` records of single requests and misses, beside metrics: run by run while they are made, and
//! written when all are finished, in the order of the runs, whichever was finished first.
//!
//! Not here: the format of request traces (see `report::perfetto`).

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Seek as _, Write as _},
    path::{Path, PathBuf},
    rc::Rc,
    sync::{Mutex, MutexGuard, PoisonError},
};

use miette::miette;
use serde_json::json;

use super::{note, progress::Bar};
use crate::{
    experiment::{Place, Simulate},
    metrics::{Miss, Outcome, Traced, TracedRequest},
    report::{
        folder,
        perfetto::{self, TracedVariant},
    },
    scenario::Study,
    simulation::{self, Plan, Progress as _, Recording, RunError},
    units::SECOND_NS,
    whole_file::{readable, scratch_for},
};

/// More are no help to people, and a file that no viewer opens.
const MOST_REQUESTS: u64 = 100_000;

/// Which requests are meant: `100` or `slowest:100`.
pub(super) fn traced(text: &str) -> Result<Traced, String> {
    let (of, number): (fn(u64) -> Traced, &str) = match text.split_once(':') {
        None => (Traced::First, text),
        Some(("slowest", number)) => (Traced::Slowest, number),
        Some(("first", number)) => (Traced::First, number),
        Some((other, _)) => {
            return Err(format!("there is no {other:?}: write 100 or slowest:100"));
        }
    };
    match number.parse() {
        Ok(number @ 1..=MOST_REQUESTS) => Ok(of(number)),
        Ok(_) => Err(format!("a number from 1 to {MOST_REQUESTS} is needed")),
        Err(_) => Err(format!(
            "{number:?} is no number of requests: write 100 or slowest:100"
        )),
    }
}

/// What is recorded, and what was so far.
pub(super) struct Recorder<'a> {
    studies: &'a [Study],
    bar: &'a Bar,
    requests: Option<Traced>,
    misses: Option<&'a Path>,
    finished: Mutex<BTreeMap<Place, Recorded>>,
}

/// What one run has given.
struct Recorded {
    requests: Vec<TracedRequest>,
    misses: Option<io::Result<File>>,
}

/// Where the misses of one run go until all runs are finished.
type Part = Rc<RefCell<Option<io::Result<BufWriter<File>>>>>;

impl<'a> Recorder<'a> {
    /// Nothing was recorded yet; `None` if nothing is to be. The studies have no sweep.
    pub(super) fn new(
        studies: &'a [Study],
        bar: &'a Bar,
        requests: Option<Traced>,
        misses: Option<&'a Path>,
    ) -> Option<Self> {
        (requests.is_some() || misses.is_some()).then(|| Self {
            studies,
            bar,
            requests,
            misses,
            finished: Mutex::default(),
        })
    }

    fn finished(&self) -> MutexGuard<'_, BTreeMap<Place, Recorded>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be known to write about the misses of that run.
    fn lines(&self, place: Place) -> Lines {
        let study = &self.studies[place.study];
        let variant = &study.variants[place.variant];
        let tiers = variant.plan.tiers.iter();
        Lines {
            run: format!(
                "\"scenario\":{},\"variant\":{},\"replication\":{}",
                json!(study.name),
                json!(variant.name),
                place.replication
            ),
            tiers: tiers.map(|it| json!(it.tier.name).to_string()).collect(),
        }
    }

    /// Writes what the runs have given that are finished: the requests into the folders of results or into
    /// one file, the misses into theirs. Each file is written whole or not at all.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub(super) fn write(
        &self,
        folders: &[PathBuf],
        file: Option<&Path>,
        quiet: bool,
    ) -> Result<(), miette::Report> {
        let finished = std::mem::take(&mut *self.finished());
        let mut variants: Vec<Vec<TracedVariant>> = vec![Vec::new(); self.studies.len()];
        let mut parts = Vec::new();
        for (place, recorded) in finished {
            let study = &self.studies[place.study];
            let variant = &study.variants[place.variant];
            let tiers = variant.plan.tiers.iter();
            if place.replication == 0 {
                variants[place.study].push(TracedVariant {
                    name: variant.name.clone(),
                    tiers: tiers.map(|layer| layer.tier.name.clone()).collect(),
                    requests: recorded.requests,
                });
            }
            parts.extend(recorded.misses);
        }
        if self.requests.is_some() {
            for (path, variants) in self.traces(variants, folders, file) {
                write(&path, |to| perfetto::write(&variants, to))?;
                if !quiet {
                    let requests: usize = variants.iter().map(|it| it.requests.len()).sum();
                    note(format_args!(
                        "wrote traces of {requests} requests to {}; ui.perfetto.dev opens it",
                        path.display()
                    ));
                }
            }
        }
        if let Some(path) = self.misses {
            let runs = parts.len();
            write(path, |to| {
                for part in parts {
                    let mut part = part?;
                    part.rewind()?;
                    io::copy(&mut part, to)?;
                }
                Ok(())
            })?;
            if !quiet {
                note(format_args!(
                    "wrote the misses of {runs} runs to {}",
                    path.display()
                ));
            }
        }
        Ok(())
    }

    /// Says what is written after an interruption.
    pub(super) fn interrupted(&self) {
        note(format_args!(
            "interrupted: what was recorded of the {} finished runs is written; the same command starts anew",
            self.finished().len()
        ));
    }

    /// What goes into which file: that of each study, or one for all.
    fn traces(
        &self,
        variants: Vec<Vec<TracedVariant>>,
        folders: &[PathBuf],
        file: Option<&Path>,
    ) -> Vec<(PathBuf, Vec<TracedVariant>)> {
        let Some(file) = file else {
            let files = folders.iter().map(|folder| folder.join(folder::TRACE));
            return files.zip(variants).collect();
        };
        let is_alone = self.studies.len() == 1;
        let named = self.studies.iter().zip(variants).flat_map(|(study, them)| {
            them.into_iter().map(move |variant| TracedVariant {
                name: match is_alone {
                    true => variant.name,
                    false => format!("{}: {}", study.name, variant.name),
                },
                ..variant
            })
        });
        vec![(file.to_owned(), named.collect())]
    }
}

fn write(
    path: &Path,
    what: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<(), miette::Report> {
    folder::write_streamed(path, what).map_err(|error| miette!("{error}"))
}

/// Makes sure that a file can be written there, before anything is computed.
///
/// # Errors
/// When its folder is not there or cannot be written to, or the path is a folder.
pub(super) fn prepare(option: &str, path: &Path) -> Result<(), miette::Report> {
    let tried = if path.is_dir() {
        Err(io::ErrorKind::IsADirectory.into())
    } else {
        scratch_for(path).map(drop)
    };
    tried.map_err(|error| {
        miette!(
            "{option}: cannot write to {}: {}",
            path.display(),
            readable(&error)
        )
    })
}

impl Simulate for Recorder<'_> {
    fn outcome(&self, plan: &Plan, replication: u64) -> Result<Outcome, RunError> {
        self.bar.outcome(plan, replication)
    }

    fn outcome_at(&self, plan: &Plan, place: Place) -> Result<Outcome, RunError> {
        if self.bar.is_cancelled() {
            return Err(RunError::Interrupted);
        }
        let part: Option<Part> = self.misses.map(|path| {
            let part = scratch_for(path).map(BufWriter::new);
            Rc::new(RefCell::new(Some(part)))
        });
        let recording = Recording {
            requests: self.requests.filter(|_| place.replication == 0),
            misses: part.clone().map(|part| self.lines(place).into(part)),
        };
        let run = simulation::run_recorded(plan, place.replication, self.bar, recording);
        let (outcome, requests) = run?;
        let part = part.and_then(|part| part.take());
        let finish =
            |part: BufWriter<File>| part.into_inner().map_err(io::IntoInnerError::into_error);
        let recorded = Recorded {
            requests,
            misses: part.map(|part| part.and_then(finish)),
        };
        self.finished().insert(place, recorded);
        Ok(outcome)
    }
}

/// What the lines about the misses of one run have in common.
struct Lines {
    /// The first fields of each.
    run: String,
    /// The names of the tiers, as JSON.
    tiers: Vec<String>,
}

impl Lines {
    fn line(&self, miss: &Miss) -> String {
        let name = |tier: usize| self.tiers.get(tier).map_or("\"database\"", String::as_str);
        // Seconds with all their nanoseconds.
        let seconds = |time_ns: u64| format!("{}.{:09}", time_ns / SECOND_NS, time_ns % SECOND_NS);
        format!(
            "{{{},\"time_s\":{},\"key\":{},\"tier\":{},\"outcome\":\"{}\",\"answered_by\":{},\"fetch_time_s\":{}}}\n",
            self.run,
            seconds(miss.at_ns),
            miss.key,
            name(miss.tier),
            miss.outcome,
            miss.answered_by.map_or("null", name),
            seconds(miss.fetch_ns),
        )
    }

    /// Writes a line about each miss into `part`, until that fails.
    fn into(self, part: Part) -> Box<dyn FnMut(Miss)> {
        Box::new(move |miss| {
            let mut part = part.borrow_mut();
            if let Some(Ok(file)) = &mut *part
                && let Err(error) = file.write_all(self.line(&miss).as_bytes())
            {
                *part = Some(Err(error));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_requests_are_traced_is_a_number_or_the_slowest() {
        assert_eq!(traced("100"), Ok(Traced::First(100)));
        assert_eq!(traced("first:100"), Ok(Traced::First(100)));
        assert_eq!(traced("slowest:7"), Ok(Traced::Slowest(7)));
        for wrong in [
            "0",
            "slowest:0",
            "fastest:3",
            "slowest",
            "1e3",
            "-1",
            "1000000",
            "",
        ] {
            assert!(traced(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_is_json_with_every_nanosecond() {
        let lines = Lines {
            run: "\"variant\":\"base\"".to_owned(),
            tiers: vec!["\"redis\"".to_owned()],
        };
        let line = lines.line(&Miss {
            at_ns: 61_000_000_007,
            tier: 0,
            key: 9,
            outcome: "miss",
            answered_by: Some(65535),
            fetch_ns: 5,
        });
        assert_eq!(
            line,
            "{\"variant\":\"base\",\"time_s\":61.000000007,\"key\":9,\"tier\":\"redis\",\"outcome\":\"miss\",\"answered_by\":\"database\",\"fetch_time_s\":0.000000005}\n"
        );
    }
}
