//! `cachesim run`: simulates scenarios, prints what was found and writes it to files.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use miette::{IntoDiagnostic as _, miette};

use super::{
    Answer, Common, Status, interrupt,
    kept::Kept,
    progress::Bar,
    recorded::{self, Recorder},
};
use crate::{
    experiment::{self, Baseline, Results, SweepResults, Wanted, sweep::SweepError},
    metrics::Traced,
    report::{csv, folder, json, junit, markdown, openmetrics, sweep, terminal},
    scenario::{self, Limit, Overrides, Study, unit::Share},
    whole_file::readable,
};

/// Simulate scenarios: print a table, write charts and data, judge expectations
///
/// Every variant of every scenario is run, so many times as the scenario asks for. The answer is
/// printed; report.html, charts (SVG and PNG), summary.json, summary.csv and series.csv are written to
/// results/<SCENARIO>/. A sweep writes report.html, sweep.csv, sweep.json and its own charts. Exit status 1
/// if an expectation or a limit is broken, 2 if nothing could be computed, 130 if it was interrupted: what
/// was finished is then kept, and the same command goes on from there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim run stampede.toml
  cachesim run scenarios/ --no-files
  cachesim run stampede.toml --set tier.redis.ttl=30s \\
      --set database.connections=50
  cachesim run stampede.toml --replications 10 --variant base --variant lock
  cachesim run stampede.toml --precision database.qps.mean=1%
  cachesim run stampede.toml --baseline old/summary.json \\
      --fail-if 'database.qps.mean > +5%'
  cachesim run baseline.toml --sweep tier.redis.capacity=10k,100k,1M
  cachesim run baseline.toml --sweep workload.arrivals.rate=1k/s..20k/s:5 \\
      --sweep tier.redis.nodes=1,3
  cachesim run stampede.toml --trace-requests slowest:100 --log-misses misses.jsonl
  cachesim run scenarios/ --no-files --format junit > expectations.xml
  cachesim run stampede.toml --format json --no-files \\
      | jq '.variants[].metrics.hit_ratio'")]
pub struct Run {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "FILE|FOLDER")]
    paths: Vec<PathBuf>,
    /// Run as if this were written in the scenario (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Run every combination of these values, in place of the scenario's own sweep (repeatable): a list
    /// PATH=A,B,C or a range PATH=FROM..TO:POINTS (FROM..TO:logPOINTS by equal factors); settings with
    /// `;` between them move together
    #[arg(long, value_name = "PATH=VALUES")]
    sweep: Vec<String>,
    /// Run the scenario as it stands, without its sweep
    #[arg(long, conflicts_with = "sweep")]
    no_sweep: bool,
    /// In tables and charts of a sweep, show this metric in place of the usual ones (repeatable)
    #[arg(long = "metric", value_name = "METRIC")]
    metrics: Vec<String>,
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
    /// Trace the first NUMBER requests after warm-up, or the slowest, in the first run of each variant: where
    /// their time went, as DIR/<SCENARIO>/trace.json, which ui.perfetto.dev opens
    #[arg(long, value_name = "NUMBER|slowest:NUMBER", value_parser = recorded::traced)]
    trace_requests: Option<Traced>,
    /// With --trace-requests: write the traces of all scenarios to FILE instead
    #[arg(long, value_name = "FILE", requires = "trace_requests")]
    trace_requests_file: Option<PathBuf>,
    /// Write a line of JSON for each miss after warm-up to FILE: when, which key and tier, what came of it
    #[arg(long, value_name = "FILE")]
    log_misses: Option<PathBuf>,
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
    common: Common<Format>,
}

/// What `run` can print on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// Comma-separated values with a header line.
    Csv,
    /// A Markdown table, for a pull request.
    Markdown,
    /// JUnit XML: each expectation and each limit is a test.
    Junit,
    /// OpenMetrics text with simulated timestamps, for Prometheus.
    #[value(name = "openmetrics")]
    OpenMetrics,
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
            sweep: self.sweep.clone(),
            no_sweep: self.no_sweep,
            ..Overrides::default()
        };
        let studies = scenario::load(&self.paths, &overrides)?;
        let wanted = self.wanted(&studies)?;
        let limits = self.limits(&studies)?;
        let baselines = self.baselines(&studies)?;
        if self.common.format == Format::OpenMetrics
            && let Some(study) = studies.iter().find(|study| study.grid.is_some())
        {
            return Err(miette!(
                help = "add --no-sweep, or take --format csv, which has a row for each cell and metric",
                "{} has a sweep, and OpenMetrics is about one run at a time",
                study.path.display()
            ));
        }
        let folders = self.folders(&studies)?;
        super::not_over_scenarios(&studies, &folders, &[UNFINISHED, CELLS])?;
        self.prepare_records(&studies)?;
        folder::prepare(&folders).map_err(|error| {
            miette!(
                help = "choose another folder with --out DIR, or --no-files",
                "{error}"
            )
        })?;
        interrupt::listen();
        let bar = Bar::new(&studies, self.common.quiet);
        let misses = self.log_misses.as_deref();
        let recorder = Recorder::new(&studies, &bar, self.trace_requests, misses);
        let found = self
            .common
            .on_threads(|| self.find(&studies, &folders, &wanted, &bar, recorder.as_ref()))?;
        bar.finish();
        let write_records = || match &recorder {
            None => Ok(()),
            Some(recorder) => {
                let file = self.trace_requests_file.as_deref();
                recorder.write(&folders, file, self.common.quiet)
            }
        };
        let Some(mut found) = found? else {
            write_records()?;
            return Ok(Status::Interrupted);
        };
        for (index, one) in found.iter_mut().enumerate() {
            let command = self.command(&studies[index].path);
            match one {
                Found::Plain(results) => results.command = command,
                Found::Sweep(results) => results.command = command,
            }
            let baseline = baselines[index].as_ref();
            if let Found::Plain(results) = one
                && (baseline.is_some() || !limits[index].is_empty())
            {
                let comparison = experiment::baseline::compare(results, baseline, &limits[index]);
                results.comparison = Some(comparison);
            }
        }
        // Printed first: what took long to compute must not be lost to a full disk.
        self.print(&found)?;
        let written = self
            .common
            .on_threads(|| self.write_all(&found, &folders))?
            .into_diagnostic()?;
        write_records()?;
        self.note(&studies, &found);
        if !self.common.quiet {
            for (folder, files) in folders.iter().zip(written) {
                super::note(format_args!("wrote {files} files to {}", folder.display()));
            }
        }
        if found.iter().all(Found::all_held) {
            Ok(Status::Well)
        } else {
            Ok(Status::Broken)
        }
    }

    /// The command that finds the same numbers again: what does not change them is left out.
    fn command(&self, path: &Path) -> String {
        let mut words = vec![
            "cachesim run".to_owned(),
            quoted(&path.display().to_string()),
        ];
        let mut option = |name: &str, value: &str| words.push(format!("{name} {}", quoted(value)));
        for set in &self.set {
            option("--set", set);
        }
        if let Some(seed) = self.common.seed {
            option("--seed", &seed.to_string());
        }
        if let Some(replications) = self.replications {
            option("--replications", &replications.to_string());
        }
        for (metric, share) in &self.precision {
            option("--precision", &format!("{metric}={}%", 100.0 * share));
        }
        if !self.precision.is_empty() {
            option("--max-replications", &self.max_replications.to_string());
        }
        for variant in &self.variants {
            option("--variant", variant);
        }
        for axis in &self.sweep {
            option("--sweep", axis);
        }
        if self.no_sweep {
            words.push("--no-sweep".to_owned());
        }
        words.join(" ")
    }

    /// Runs everything; nothing is returned if somebody has pressed Ctrl-C.
    fn find(
        &self,
        studies: &[Study],
        folders: &[PathBuf],
        wanted: &Wanted,
        bar: &Bar,
        recorder: Option<&Recorder<'_>>,
    ) -> Result<Option<Vec<Found>>, miette::Report> {
        let quiet = self.common.quiet;
        let plain: Vec<Study> = studies
            .iter()
            .filter(|study| study.grid.is_none())
            .cloned()
            .collect();
        let runs: u64 = plain
            .iter()
            .map(|study| study.variants.len() as u64 * study.replications)
            .sum();
        // Of a single run nothing is finished before all is. A run that was kept has no records.
        let is_long = runs > 1 || !wanted.precisions.is_empty();
        let can_be_resumed = !self.no_files && is_long && recorder.is_none();
        let log = self.out.join(UNFINISHED);
        let kept = Kept::open(can_be_resumed.then_some(&log), true, bar, quiet)?;
        let simulate = match recorder {
            Some(recorder) => recorder,
            None => kept.simulate(),
        };
        let mut results = match experiment::run_with(&plain, wanted, simulate) {
            Ok(results) => results.into_iter(),
            Err(failure) if failure.is_interruption() => {
                match recorder {
                    Some(recorder) => recorder.interrupted(),
                    None => kept.interrupted(),
                }
                return Ok(None);
            }
            Err(failure) => return Err(failure).into_diagnostic(),
        };
        let mut found = Vec::new();
        for (index, study) in studies.iter().enumerate() {
            if study.grid.is_none() {
                found.extend(results.next().map(|one| Found::Plain(Box::new(one))));
                continue;
            }
            let log = folders.get(index).map(|folder| folder.join(CELLS));
            let kept = Kept::open(log.as_ref(), false, bar, quiet)?;
            match experiment::sweep::run(study, wanted, kept.simulate()) {
                Ok(results) => found.push(Found::Sweep(Box::new(results))),
                Err(error) if error.is_interruption() => {
                    kept.interrupted();
                    return Ok(None);
                }
                Err(SweepError::Failed(failure)) => return Err(failure).into_diagnostic(),
                Err(SweepError::Scenario(errors)) => return Err(errors.into()),
            }
            kept.tidy();
        }
        kept.discard();
        Ok(Some(found))
    }

    fn print(&self, found: &[Found]) -> Result<(), miette::Report> {
        let look = super::look(self.all);
        let plain: Vec<&Results> = found.iter().filter_map(Found::plain).collect();
        let text = match self.common.format {
            Format::Json => json::print(
                &found
                    .iter()
                    .map(|one| match one {
                        Found::Plain(results) => json::value(results),
                        Found::Sweep(results) => sweep::json(results),
                    })
                    .collect::<Vec<_>>(),
            ),
            // Rows of sweeps have other columns, so they are a table of their own each.
            Format::Csv => {
                let sweeps = found.iter().filter_map(Found::sweep);
                let mut text = if plain.is_empty() {
                    String::new()
                } else {
                    csv::summary(plain.iter().copied())
                };
                for results in sweeps {
                    let mut bytes = Vec::new();
                    sweep::csv(results, &mut bytes).into_diagnostic()?;
                    if !text.is_empty() {
                        text.push('\n');
                    }
                    text.push_str(&String::from_utf8_lossy(&bytes));
                }
                text
            }
            Format::Markdown => join(found, "\n", |one| match one {
                Found::Plain(results) => markdown::render(results, self.all),
                Found::Sweep(results) => sweep::markdown(results, &self.metrics),
            }),
            Format::Junit => {
                let tested = found.iter().map(|one| match one {
                    Found::Plain(results) => junit::Tested::Plain(results),
                    Found::Sweep(results) => junit::Tested::Sweep(results),
                });
                junit::render(&tested.collect::<Vec<_>>())
            }
            Format::OpenMetrics => openmetrics::render(&plain),
            Format::Table => {
                let text = join(found, "\n\n", |one| match one {
                    Found::Plain(results) => terminal::render(results, look),
                    Found::Sweep(results) => sweep::terminal(results, &self.metrics, look),
                });
                terminal::as_shown(text, look)
            }
        };
        super::print(&text)
    }

    /// Writes every study's files, several studies at a time; returns how many files each has.
    fn write_all(
        &self,
        found: &[Found],
        folders: &[PathBuf],
    ) -> Result<Vec<usize>, folder::Unwritable> {
        use rayon::prelude::*;
        let written: Vec<_> = found
            .par_iter()
            .zip(folders)
            .map(|(one, folder): (&Found, &PathBuf)| match one {
                Found::Plain(results) => folder::write(results, folder),
                Found::Sweep(results) => sweep::write(results, &self.metrics, folder),
            })
            .map(|written| written.map(|files| files.len()))
            .collect();
        written.into_iter().collect()
    }

    /// Says what the answer does not.
    fn note(&self, studies: &[Study], found: &[Found]) {
        for (study, one) in studies.iter().zip(found) {
            let unjudged = study.expectations_left_out;
            if unjudged > 0 && !self.common.quiet {
                super::note(format_args!(
                    "{}: {unjudged} expectations not judged, because their variants were not run",
                    study.name
                ));
            }
            let mut told = std::collections::BTreeSet::new();
            let traces = study.variants.iter().flat_map(|it| &it.plan.workload.trace);
            for oddity in traces.flat_map(|trace| trace.oddities()) {
                if !self.common.quiet && told.insert(oddity.clone()) {
                    super::note(format_args!("note: {}: {oddity}", study.name));
                }
            }
            let Found::Plain(results) = one else {
                continue;
            };
            let idle = |variant: &experiment::VariantResults| {
                variant
                    .metrics
                    .get("requests.arrived")
                    .is_some_and(|count| count.mean == 0.0)
            };
            for variant in results.variants.iter().filter(|variant| idle(variant)) {
                super::note(format_args!(
                    "{}, {}: no request arrived after warm-up, so nothing was measured",
                    study.name, variant.name
                ));
            }
        }
    }

    /// How sure the answer shall be; every metric named exists in every study.
    fn wanted(&self, studies: &[Study]) -> Result<Wanted, miette::Report> {
        let precise = self
            .precision
            .iter()
            .map(|(metric, _)| ("--precision", metric));
        let shown = self.metrics.iter().map(|metric| ("--metric", metric));
        for (option, metric) in precise.chain(shown) {
            for study in studies {
                study
                    .metric(metric)
                    .map_err(|wrong| super::misspelt(option, &wrong))?;
            }
        }
        Ok(Wanted {
            precisions: self.precision.clone(),
            most_replications: self.max_replications,
        })
    }

    /// Makes sure that what is to be recorded has a place to go, and replaces nothing that is read.
    fn prepare_records(&self, studies: &[Study]) -> Result<(), miette::Report> {
        let options = [
            ("--log-misses", &self.log_misses),
            ("--trace-requests-file", &self.trace_requests_file),
        ];
        let files = options.map(|(option, path)| path.as_ref().map(|path| (option, path)));
        super::not_over_inputs(
            studies,
            files.iter().flatten().map(|(_, path)| path.to_path_buf()),
        )?;
        if self.log_misses.is_some() && self.log_misses == self.trace_requests_file {
            return Err(miette!(
                "--log-misses and --trace-requests-file cannot both be written to one file"
            ));
        }
        for (option, path) in files.into_iter().flatten() {
            recorded::prepare(option, path)?;
        }
        let wanted = self.trace_requests.map(|_| "--trace-requests");
        let Some(option) = wanted.or(self.log_misses.as_ref().map(|_| "--log-misses")) else {
            return Ok(());
        };
        if let Some(study) = studies.iter().find(|study| study.grid.is_some()) {
            return Err(miette!(
                help = "add --no-sweep to run the scenario as it stands",
                "{} has a sweep, and {option} is about a scenario without one",
                study.path.display()
            ));
        }
        if self.trace_requests.is_some() && self.no_files && self.trace_requests_file.is_none() {
            return Err(miette!(
                help = "add --trace-requests-file FILE, or leave out --no-files",
                "--trace-requests has nowhere to write to"
            ));
        }
        Ok(())
    }

    /// The limits of each study: its own, and those of the command line.
    fn limits(&self, studies: &[Study]) -> Result<Vec<Vec<Limit>>, miette::Report> {
        let mut all = Vec::new();
        for study in studies {
            if study.grid.is_some() && !self.fail_if.is_empty() {
                return Err(miette!(
                    help = "add --no-sweep, or an [[expect]], which is judged in every cell",
                    "{} has a sweep, and --fail-if is about a scenario without one",
                    study.path.display()
                ));
            }
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

    /// The baseline of each study that has one; none at all if none is asked for.
    fn baselines(&self, studies: &[Study]) -> Result<Vec<Option<Baseline>>, miette::Report> {
        let Some(path) = &self.baseline else {
            return Ok(vec![None; studies.len()]);
        };
        let can_be_compared = |study: &Study| study.grid.is_none();
        if !studies.iter().any(can_be_compared) {
            return Err(miette!(
                help = "add --no-sweep to compare the scenario as it stands",
                "{} has a sweep, and a baseline is compared with a scenario without one",
                studies[0].path.display()
            ));
        }
        if path.is_dir() {
            return self.baselines_in(path, studies);
        }
        let mut all = read_baseline(path)?;
        if let [study] = studies {
            // Of a list, the one that was made of the same scenario.
            if all.len() > 1 {
                all.retain(|baseline| baseline.title == study.title);
            }
            return only_one(path, all).map(|one| vec![Some(one)]);
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
        Ok(all.into_iter().map(Some).collect())
    }

    /// The baselines in a folder of results: a scenario that is not there is new.
    fn baselines_in(
        &self,
        folder: &Path,
        studies: &[Study],
    ) -> Result<Vec<Option<Baseline>>, miette::Report> {
        let mut found = Vec::new();
        for study in studies {
            let mut file = folder.join(&study.name).join("summary.json");
            // The folder of the only scenario itself.
            if studies.len() == 1 && !file.exists() {
                file = folder.join("summary.json");
            }
            found.push(if study.grid.is_none() && file.exists() {
                Some(only_one(&file, read_baseline(&file)?)?)
            } else {
                None
            });
        }
        if found.iter().all(Option::is_none) {
            let name = &studies[0].name;
            return Err(miette!(
                help = "a folder of baselines has SCENARIO/summary.json for each scenario, as `cachesim run --out DIR` writes it",
                "there is no baseline in {}: not even {name}/summary.json",
                folder.display()
            ));
        }
        if !self.common.quiet {
            for (study, _) in studies.iter().zip(&found).filter(|(_, one)| one.is_none()) {
                super::note(format_args!(
                    "{}: not in the baseline, so not compared",
                    study.name
                ));
            }
        }
        Ok(found)
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
}

/// Finished runs of scenarios without a sweep, until all are finished.
const UNFINISHED: &str = "unfinished.log";

/// Finished runs of a sweep, in its folder.
const CELLS: &str = "cells.log";

/// What was found about one study.
enum Found {
    Plain(Box<Results>),
    Sweep(Box<SweepResults>),
}

impl Found {
    fn plain(&self) -> Option<&Results> {
        match self {
            Self::Plain(results) => Some(results),
            Self::Sweep(_) => None,
        }
    }

    fn sweep(&self) -> Option<&SweepResults> {
        match self {
            Self::Sweep(results) => Some(results),
            Self::Plain(_) => None,
        }
    }

    fn all_held(&self) -> bool {
        match self {
            Self::Plain(results) => results.all_held(),
            Self::Sweep(results) => results.all_held(),
        }
    }
}

/// A word as a shell takes it for one word.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,%+@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn join(found: &[Found], between: &str, render: impl Fn(&Found) -> String) -> String {
    let texts: Vec<String> = found.iter().map(render).collect();
    texts.join(between)
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
        .map_err(|error| unreadable(&readable(&error)))?
        .len();
    if size > LARGEST_BASELINE {
        return Err(unreadable(&format!("it has {size} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&readable(&error)))?;
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
