//! `cachesim run`: simulates scenarios, prints what was found and writes it to files.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic as _, miette};

use super::{Answer, Common, Format, Status};
use crate::{
    experiment::{self, Baseline, Results, Wanted},
    metrics::Unit,
    report::{csv, folder, json, markdown, quantity, terminal},
    scenario::{self, Limit, Overrides, Study, unit::Share},
    simulation::Progress,
    units::{Nanoseconds, SECOND_NS},
};

/// Simulate scenarios: print a table, write charts and data, judge expectations
///
/// Every variant of every scenario is run, so many times as the scenario asks for. The answer is
/// printed; charts (SVG and PNG), summary.json, summary.csv and series.csv are written to
/// results/<SCENARIO>/. Exit status 1 if an expectation of a scenario does not hold, 2 if nothing
/// could be computed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim run stampede.toml
  cachesim run scenarios/ --no-files
  cachesim run stampede.toml --set tier.redis.ttl=30s --set database.connections=50
  cachesim run stampede.toml --replications 10 --variant base --variant lock
  cachesim run stampede.toml --precision database.qps.mean=1%
  cachesim run stampede.toml --baseline old/summary.json --fail-if 'database.qps.mean > +5%'
  cachesim run stampede.toml --format json --no-files | jq '.variants[].metrics.hit_ratio'")]
pub struct Run {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Run as if this were written in the scenario (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Runs of each variant, each with other luck (default: the scenario's own, else 1)
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    replications: Option<u64>,
    /// Add replications until half of the 95 % interval of METRIC is at most so large a share of its
    /// mean, in every variant (repeatable; latency.mean if no metric is named)
    #[arg(long, value_name = "[METRIC=]SHARE", value_parser = precision)]
    precision: Vec<(String, f64)>,
    /// With --precision: no more replications than this
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, requires = "precision", value_parser = clap::value_parser!(u64).range(2..=10_000))]
    max_replications: u64,
    /// Only this variant (repeatable; default: all)
    #[arg(long = "variant", value_name = "NAME")]
    variants: Vec<String>,
    /// Compare with the results of another time: a summary.json, or a folder in which each scenario
    /// has one (DIR/<SCENARIO>/summary.json)
    #[arg(long, value_name = "FILE|DIR")]
    baseline: Option<PathBuf>,
    /// Exit status 1 if METRIC is certainly beyond this (repeatable; besides those of the scenario):
    /// +5% or -1pp of change since the baseline, or a value without a sign
    #[arg(long = "fail-if", value_name = "METRIC > CHANGE")]
    fail_if: Vec<String>,
    /// Write to DIR/<SCENARIO>/
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Write no files
    #[arg(long, conflicts_with = "out")]
    no_files: bool,
    /// Show every metric in tables, not only the key metrics
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    common: Common,
}

impl Run {
    /// Runs everything and reports on it.
    ///
    /// # Errors
    /// When a scenario is wrong or a folder of results cannot be written; then nothing was
    /// computed.
    pub fn execute(&self) -> Answer {
        let overrides = Overrides {
            set: self.set.clone(),
            seed: self.common.seed,
            replications: self.replications,
            variants: self.variants.clone(),
        };
        let studies = scenario::load(&self.paths, &overrides)?;
        let wanted = self.wanted(&studies)?;
        let limits = self.limits(&studies)?;
        let baselines = self.baselines(&studies)?;
        let folders = self.folders(&studies)?;
        folder::prepare(&folders).map_err(|error| {
            miette!(
                help = "choose another folder with --out DIR, or --no-files",
                "{error}"
            )
        })?;
        let bar = Bar::new(&studies, self.common.quiet);
        let results = self
            .common
            .on_threads(|| experiment::run(&studies, &wanted, &bar))?
            .into_diagnostic();
        bar.bar.finish_and_clear();
        let mut results = results?;
        for (index, one) in results.iter_mut().enumerate() {
            let baseline = baselines.get(index);
            if baseline.is_some() || !limits[index].is_empty() {
                let comparison = experiment::baseline::compare(one, baseline, &limits[index]);
                one.comparison = Some(comparison);
            }
        }
        // Printed first: what took long to compute must not be lost to a full disk.
        super::print(&self.answer(&results))?;
        let written = self
            .common
            .on_threads(|| write_all(&results, &folders))?
            .into_diagnostic()?;
        for (study, result) in studies.iter().zip(&results) {
            let unjudged = study.expectations_left_out;
            if unjudged > 0 && !self.common.quiet {
                super::note(format_args!(
                    "{}: {unjudged} expectations not judged, because their variants were not run",
                    study.name
                ));
            }
            let idle = |variant: &experiment::VariantResults| {
                variant
                    .metrics
                    .get("requests.arrived")
                    .is_some_and(|count| count.mean == 0.0)
            };
            for variant in result.variants.iter().filter(|variant| idle(variant)) {
                super::note(format_args!(
                    "{}, {}: no request arrived after warm-up, so nothing was measured",
                    study.name, variant.name
                ));
            }
        }
        if !self.common.quiet {
            for (folder, files) in folders.iter().zip(written) {
                super::note(format_args!("wrote {files} files to {}", folder.display()));
            }
        }
        if results.iter().all(Results::all_held) {
            Ok(Status::Well)
        } else {
            Ok(Status::Broken)
        }
    }

    /// How sure the answer shall be; every metric named exists in every study.
    fn wanted(&self, studies: &[Study]) -> Result<Wanted, miette::Report> {
        for (metric, _) in &self.precision {
            for study in studies {
                study
                    .metric(metric)
                    .map_err(|wrong| super::misspelt("--precision", &wrong))?;
            }
        }
        Ok(Wanted {
            precisions: self.precision.clone(),
            most_replications: self.max_replications,
        })
    }

    /// The limits of each study: its own, and those of the command line.
    fn limits(&self, studies: &[Study]) -> Result<Vec<Vec<Limit>>, miette::Report> {
        let mut all = Vec::new();
        for study in studies {
            // Those of the file are about a baseline; without one they are not asked for.
            let mut limits = if self.baseline.is_some() {
                study.limits.clone()
            } else {
                Vec::new()
            };
            for text in &self.fail_if {
                let limit = study
                    .limit(text)
                    .map_err(|wrong| super::misspelt("--fail-if", &wrong))?;
                if limit.bound.needs_baseline() && self.baseline.is_none() {
                    return Err(miette!(
                        help = "add --baseline FILE, or write a value without a sign",
                        "--fail-if \"{text}\" is about a change, and there is no baseline"
                    ));
                }
                limits.push(limit);
            }
            all.push(limits);
        }
        Ok(all)
    }

    /// The baseline of each study; none at all if none is asked for.
    fn baselines(&self, studies: &[Study]) -> Result<Vec<Baseline>, miette::Report> {
        let Some(path) = &self.baseline else {
            return Ok(Vec::new());
        };
        if path.is_dir() {
            let of_study = |study: &Study| {
                let direct = path.join("summary.json");
                let file = path.join(&study.name).join("summary.json");
                let file = if studies.len() == 1 && !file.exists() {
                    direct
                } else {
                    file
                };
                read_baseline(&file).and_then(|all| only_one(&file, all))
            };
            return studies.iter().map(of_study).collect();
        }
        let all = read_baseline(path)?;
        if let [study] = studies {
            // Of a list, the one that was made of the same scenario.
            let mut all = all;
            if all.len() > 1 {
                all.retain(|baseline| baseline.title == study.title);
            }
            return only_one(path, all).map(|one| vec![one]);
        }
        if all.len() != studies.len() {
            return Err(miette!(
                help = "give a folder in which each scenario has a summary.json of its own",
                "{} holds results of {} scenarios, but {} are run",
                path.display(),
                all.len(),
                studies.len()
            ));
        }
        Ok(all)
    }

    /// The folder of each study's results; none if no files are wanted.
    fn folders(&self, studies: &[Study]) -> Result<Vec<PathBuf>, miette::Report> {
        if self.no_files {
            return Ok(Vec::new());
        }
        for (index, study) in studies.iter().enumerate() {
            if let Some(other) = studies[..index].iter().find(|one| one.name == study.name) {
                return Err(miette!(
                    help = "run them one after the other with different --out, or with --no-files",
                    "{} and {} would both write to {}",
                    other.path.display(),
                    study.path.display(),
                    self.out.join(&study.name).display()
                ));
            }
        }
        Ok(studies
            .iter()
            .map(|study| self.out.join(&study.name))
            .collect())
    }

    fn answer(&self, results: &[Results]) -> String {
        match self.common.format {
            Format::Json => json::print(results),
            Format::Csv => csv::summary(results),
            Format::Markdown => markdown::print(results, self.all),
            Format::Table => {
                let look = terminal::Look {
                    width: super::terminal_width().unwrap_or(80).min(160),
                    colours: super::colours(),
                    all: self.all,
                };
                let tables: Vec<String> = results
                    .iter()
                    .map(|one| terminal::render(one, look))
                    .collect();
                tables.join("\n\n")
            }
        }
    }
}

/// More than this is no summary.
const LARGEST_BASELINE: u64 = 1 << 30;

fn read_baseline(path: &Path) -> Result<Vec<Baseline>, miette::Report> {
    let unreadable = |error: &dyn std::fmt::Display| {
        miette!(
            help = "a baseline is the summary.json that `cachesim run` writes, or what `--format json` prints",
            "cannot read the baseline {}: {error}",
            path.display()
        )
    };
    let size = std::fs::metadata(path)
        .map_err(|error| unreadable(&error))?
        .len();
    if size > LARGEST_BASELINE {
        return Err(unreadable(&format!("it has {size} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    experiment::baseline::parse(&text).map_err(|error| unreadable(&error))
}

fn only_one(path: &Path, mut all: Vec<Baseline>) -> Result<Baseline, miette::Report> {
    match (all.pop(), all.len()) {
        (Some(one), 0) => Ok(one),
        (last, others) => Err(miette!(
            help = "give the summary.json of the scenario that is run",
            "{} holds the results of {} such scenarios",
            path.display(),
            others + usize::from(last.is_some())
        )),
    }
}

/// `database.qps.mean=1%`, or `1%` alone.
fn precision(text: &str) -> Result<(String, f64), String> {
    let (metric, share) = text.rsplit_once('=').unwrap_or(("latency.mean", text));
    let share =
        Share::parse(share.trim()).map_err(|wrong| format!("{}; {}", wrong.message, wrong.help))?;
    if share.0 <= 0.0 {
        return Err("no number of replications is enough for 0".to_owned());
    }
    Ok((metric.trim().to_owned(), share.0))
}

/// Writes every study's files, several studies at a time; returns how many files each has.
fn write_all(results: &[Results], folders: &[PathBuf]) -> Result<Vec<usize>, folder::Unwritable> {
    use rayon::prelude::*;
    let written: Vec<_> = results
        .par_iter()
        .zip(folders)
        .map(|(one, folder): (&Results, &PathBuf)| write(one, folder))
        .collect();
    written.into_iter().collect()
}

fn write(results: &Results, folder: &Path) -> Result<usize, folder::Unwritable> {
    folder::write(results, folder).map(|files| files.len())
}

/// A progress bar over the simulated time of all runs.
struct Bar {
    bar: ProgressBar,
    requests: AtomicU64,
    simulated_ns: AtomicU64,
    total: String,
}

impl Bar {
    fn new(studies: &[Study], quiet: bool) -> Self {
        let total_ns = studies
            .iter()
            .flat_map(|study| {
                study
                    .variants
                    .iter()
                    .map(|variant| variant.plan.duration_ns.saturating_mul(study.replications))
            })
            .fold(0, u64::saturating_add);
        let bar = if quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(total_ns)
        };
        bar.set_style(
            ProgressStyle::with_template("{percent:>3} % {wide_bar} {msg}, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━╸─"),
        );
        if !bar.is_hidden() {
            // So that the time left is counted down between two reports.
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self {
            bar,
            requests: AtomicU64::new(0),
            simulated_ns: AtomicU64::new(0),
            total: simulated(total_ns),
        }
    }
}

impl Progress for Bar {
    fn advance(&self, simulated_ns: Nanoseconds, requests: u64) {
        if self.bar.is_hidden() {
            return;
        }
        let requests = self.requests.fetch_add(requests, Ordering::Relaxed) + requests;
        let now_ns = self.simulated_ns.fetch_add(simulated_ns, Ordering::Relaxed) + simulated_ns;
        self.bar.set_message(format!(
            "simulated {} of {}, {} requests",
            simulated(now_ns),
            self.total,
            quantity::quantity(requests as f64, Unit::Count)
        ));
        self.bar.inc(simulated_ns);
    }
}

/// A length of simulated time, for people.
fn simulated(time_ns: Nanoseconds) -> String {
    let seconds = time_ns / SECOND_NS;
    match seconds {
        0..60 => quantity::quantity(time_ns as f64 / SECOND_NS as f64, Unit::Seconds),
        60..3600 => format!("{}:{:02} min", seconds / 60, seconds % 60),
        _ => format!("{}:{:02} h", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_time_reads_as_a_clock() {
        for (seconds, text) in [
            (45, "45.0 s"),
            (60, "1:00 min"),
            (3599, "59:59 min"),
            (90_000, "25:00 h"),
        ] {
            assert_eq!(simulated(seconds * SECOND_NS), text);
        }
    }
}
