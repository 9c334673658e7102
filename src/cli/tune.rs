//! `cachesim tune`: the cheapest setting under which the expectations of a scenario hold.

use std::path::PathBuf;

use clap::Args;
use miette::{IntoDiagnostic as _, miette};

use super::{Answer, Common, Format, Status, interrupt, kept::Kept, progress::Bar};
use crate::{
    experiment::{
        SweepResults, Wanted,
        sweep::SweepError,
        tune::{self, Tuned},
    },
    report::{folder, json, sweep, terminal},
    scenario::{self, Grid, Overrides, Study},
};

/// Find the cheapest setting under which the expectations of a scenario hold
///
/// Quantities are listed from the cheapest to the dearest and searched by bisection, on the assumption
/// that what is enough stays enough; names are all tried, the better half with more replications. The
/// answer comes with everything that was tried. Cheapest is the least of --minimize, else of
/// cost.monthly where the scenario has prices, else the first in the list. Exit status 1 if the
/// expectations hold nowhere.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cachesim tune baseline.toml --axis tier.redis.capacity=10k..10M:log13
  cachesim tune baseline.toml --axis tier.redis.eviction=lru,sieve,s3-fifo \\
      --axis tier.redis.capacity=10k..1M:log9 --minimize database.qps.mean
  cachesim tune priced.toml --axis database.connections=10..200:20 \\
      --axis tier.redis.nodes=1..8:8")]
pub struct Tune {
    /// The scenario, with [[expect]]
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Values to choose from (repeatable; default: the scenario's [[sweep]]): a list PATH=A,B,C or a
    /// range PATH=FROM..TO:POINTS (FROM..TO:logPOINTS by equal factors), from the cheapest to the dearest
    #[arg(long = "axis", value_name = "PATH=VALUES")]
    axes: Vec<String>,
    /// The metric that is to be least, of the first variant
    #[arg(long, value_name = "METRIC")]
    minimize: Option<String>,
    /// Run as if this were written in the scenario (repeatable)
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Runs of each variant, each with other luck (default: the scenario's own, else 1)
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    replications: Option<u64>,
    /// Only this variant, and the expectations about it (repeatable; default: all)
    #[arg(long = "variant", value_name = "NAME")]
    variants: Vec<String>,
    /// Write what was tried to DIR/<SCENARIO>/tune.csv, and keep finished runs there
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Write no files
    #[arg(long, conflicts_with = "out")]
    no_files: bool,
    #[command(flatten)]
    common: Common,
}

/// What was written in `sweep.csv` by a sweep is not overwritten.
const FILE: &str = "tune.csv";

/// Finished runs of a search; those of a sweep are kept elsewhere, because each keeps only its own.
const LOG: &str = "tune.log";

impl Tune {
    /// Searches, and shows what was found.
    ///
    /// # Errors
    /// When the scenario is wrong, or does not say what to search for; then nothing was computed.
    pub fn execute(&self) -> Answer {
        let overrides = Overrides {
            set: self.set.clone(),
            seed: self.common.seed,
            replications: self.replications,
            variants: self.variants.clone(),
            sweep: self.axes.clone(),
            sweep_option: "--axis",
            ..Overrides::default()
        };
        let study = scenario::load(std::slice::from_ref(&self.path), &overrides)?;
        let [study] = &study[..] else {
            return Err(miette!(
                help = "give the path of one file",
                "{} holds {} scenarios, and one is tuned at a time",
                self.path.display(),
                study.len()
            ));
        };
        let Some(grid) = study.grid.clone() else {
            return Err(miette!(
                help =
                    "for example --axis tier.redis.capacity=10k..1M:log9, or [[sweep]] in the file",
                "there is nothing to choose from: no --axis, and no [[sweep]] in the scenario"
            ));
        };
        if study.expectations.is_empty() {
            return Err(miette!(
                help = "add an [[expect]] to the scenario, for example `metric = \"latency.p99\"` and `below = \"20ms\"`",
                "{} expects nothing, so every setting would do",
                self.path.display()
            ));
        }
        let objective = self.objective(study, &grid)?;
        let folder = (!self.no_files).then(|| self.out.join(&study.name));
        super::not_over_scenarios(std::slice::from_ref(study), folder.as_slice(), &[FILE, LOG])?;
        folder::prepare(folder.as_slice()).map_err(|error| {
            miette!(
                help = "choose another folder with --out DIR, or --no-files",
                "{error}"
            )
        })?;
        interrupt::listen();
        let bar = Bar::new(&[], self.common.quiet);
        let log = folder.as_ref().map(|folder| folder.join(LOG));
        let kept = Kept::open(log.as_ref(), false, &bar, self.common.quiet)?;
        let tuned = self.common.on_threads(|| {
            let objective = objective.as_deref();
            let wanted = Wanted::default();
            tune::tune(
                &grid,
                objective,
                study.replications,
                &wanted,
                kept.simulate(),
            )
        })?;
        bar.finish();
        let tuned = match tuned {
            Ok(tuned) => tuned,
            Err(error) if error.is_interruption() => {
                kept.interrupted();
                return Ok(Status::Interrupted);
            }
            Err(SweepError::Failed(failure)) => return Err(failure).into_diagnostic(),
            Err(SweepError::Scenario(errors)) => return Err(errors.into()),
        };
        kept.tidy();
        let tried = SweepResults {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: study.name.clone(),
            title: study.title.clone(),
            description: study.description.clone(),
            command: String::new(),
            seed: study.seed,
            resolved: study.resolved.clone(),
            axes: grid.axes.clone(),
            cells: tuned.tried.values().cloned().collect(),
        };
        self.print(&tuned, &tried, &grid, objective.as_deref())?;
        if let Some(folder) = folder {
            let path = folder.join(FILE);
            folder::write_streamed(&path, |file| sweep::csv(&tried, file)).into_diagnostic()?;
            if !self.common.quiet {
                super::note(format_args!("wrote {}", path.display()));
            }
        }
        Ok(if tuned.best.is_some() {
            Status::Well
        } else {
            Status::Broken
        })
    }

    /// The metric that is to be least; none if the only axis says by its order what is cheap.
    fn objective(&self, study: &Study, grid: &Grid) -> Result<Option<String>, miette::Report> {
        if let Some(metric) = &self.minimize {
            study
                .metric(metric)
                .map_err(|wrong| super::misspelt("--minimize", &wrong))?;
            return Ok(Some(metric.clone()));
        }
        if study
            .variants
            .iter()
            .any(|variant| variant.prices.is_some())
        {
            return Ok(Some("cost.monthly".to_owned()));
        }
        if grid.axes.len() > 1 {
            return Err(miette!(
                help = "add [prices] to the scenario, or --minimize METRIC",
                "of {} axes, which setting is the cheapest depends on what they cost",
                grid.axes.len()
            ));
        }
        Ok(None)
    }

    fn print(
        &self,
        tuned: &Tuned,
        tried: &SweepResults,
        grid: &Grid,
        objective: Option<&str>,
    ) -> Result<(), miette::Report> {
        let answer = answer(tuned, grid, objective);
        // What decides stands first among the metrics.
        let mut shown: Vec<String> = objective.map(str::to_owned).into_iter().collect();
        for metric in sweep::shown(tried, &[]) {
            if !shown.contains(&metric) {
                shown.push(metric);
            }
        }
        let text = match self.common.format {
            Format::Table => {
                let look = super::look(false);
                let mut text = sweep::terminal(tried, &shown, look);
                text.push('\n');
                for line in &answer {
                    text.push_str(&terminal::paragraph(line, true, look));
                }
                terminal::as_shown(text, look)
            }
            Format::Markdown => {
                let mut text = sweep::markdown(tried, &shown);
                text.push('\n');
                for line in &answer {
                    text.push_str(&format!("{line}\n\n"));
                }
                text
            }
            Format::Csv => {
                let mut bytes = Vec::new();
                sweep::csv(tried, &mut bytes).into_diagnostic()?;
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Format::Json => {
                let mut value = sweep::json(tried);
                if let Some(object) = value.as_object_mut() {
                    object.insert("objective".to_owned(), objective.into());
                    object.insert("best".to_owned(), best_json(tuned, grid));
                    object.insert(
                        "monotone".to_owned(),
                        tuned.contradictions.is_empty().into(),
                    );
                }
                json::print(&[value])
            }
        };
        super::print(&text)
    }
}

fn best_json(tuned: &Tuned, grid: &Grid) -> serde_json::Value {
    let Some(cell) = tuned.best else {
        return serde_json::Value::Null;
    };
    let settings = settings(grid, cell);
    settings
        .into_iter()
        .map(|(path, value)| (path, serde_json::Value::from(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// The settings of a cell: paths and values.
fn settings(grid: &Grid, cell: usize) -> Vec<(String, String)> {
    grid.axes
        .iter()
        .zip(grid.indexes(cell))
        .flat_map(|(axis, index)| {
            let settings = axis.settings.iter();
            settings.map(move |it| (it.path.clone(), it.values[index].clone()))
        })
        .collect()
}

fn spelled(grid: &Grid, cell: usize) -> String {
    let settings = settings(grid, cell).into_iter();
    let all: Vec<String> = settings
        .map(|(path, value)| format!("{path} = {value}"))
        .collect();
    all.join(", ")
}

/// What was found, in sentences.
fn answer(tuned: &Tuned, grid: &Grid, objective: Option<&str>) -> Vec<String> {
    let count = format!(
        "{} of {} settings were tried",
        tuned.tried.len(),
        grid.cells()
    );
    let mut lines = vec![match (tuned.best, objective) {
        (None, _) => format!("The expectations hold nowhere ({count})."),
        (Some(cell), Some(metric)) => {
            format!("Least {metric}: {} ({count}).", spelled(grid, cell))
        }
        (Some(cell), None) => format!("The first that holds: {} ({count}).", spelled(grid, cell)),
    }];
    if let Some(&(cheaper, dearer)) = tuned.contradictions.first() {
        lines.push(format!(
            "But the order is not what bisection takes it to be: the expectations hold with {}, and not with {}. `cachesim run --sweep` tries all.",
            spelled(grid, cheaper),
            spelled(grid, dearer)
        ));
    }
    lines
}
