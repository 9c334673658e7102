//! `cachesim verify`: closed forms against the simulator.

use std::io::IsTerminal as _;

use clap::Args;
use miette::IntoDiagnostic as _;

use super::{Answer, Common, Format, Status};
use crate::verify::{self, Effort, Options, Verdict, short};

/// Compare the simulator with closed forms
///
/// Every check is an ordinary scenario whose outcome is known from theory: queues, caches under
/// independent references, TTLs, fetches that take time, and laws about all runs. Exit status 1 if
/// one of them fails.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cachesim verify                 all checks, a million requests or more each
  cachesim verify --quick         the same with less work, for CI
  cachesim verify --only M/M      those whose model contains \"M/M\"
  cachesim verify --format csv    for another program")]
pub struct Verify {
    /// Less work for each check; the tolerances stay
    #[arg(long)]
    quick: bool,
    /// Only checks whose model contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    #[command(flatten)]
    common: Common,
}

impl Verify {
    pub(super) fn execute(self) -> Answer {
        let options = Options {
            effort: if self.quick {
                Effort::Quick
            } else {
                Effort::Full
            },
            seed: self.common.seed.unwrap_or(1),
        };
        let shows_progress = std::io::stderr().is_terminal() && !self.common.quiet;
        let progress = if shows_progress {
            indicatif::ProgressBar::new_spinner()
        } else {
            indicatif::ProgressBar::hidden()
        };
        let finished = |verdict: &Verdict| {
            progress.inc(1);
            progress.set_message(verdict.model.clone());
        };
        let work = || verify::verify(options, &self.only, finished);
        let verdicts = self.common.on_threads(work)?.into_diagnostic()?;
        progress.finish_and_clear();
        if verdicts.is_empty() {
            return Err(miette::miette!(
                help = "run `cachesim verify --quick` to see the models",
                "no check's model contains \"{}\"",
                self.only
            ));
        }
        let text = match self.common.format {
            Format::Table => table(&verdicts),
            Format::Json => json(&verdicts)?,
            Format::Csv => csv(&verdicts)?,
            Format::Markdown => markdown(&verdicts),
        };
        super::print(&text)?;
        let all_passed = verdicts.iter().all(|verdict| verdict.passed);
        Ok(if all_passed {
            Status::Well
        } else {
            Status::Broken
        })
    }
}

/// What a verdict is called.
fn word(verdict: &Verdict) -> &'static str {
    if verdict.passed { "pass" } else { "FAIL" }
}

fn tally(verdicts: &[Verdict]) -> String {
    let passed = verdicts.iter().filter(|verdict| verdict.passed).count();
    format!("{passed} passed, {} failed", verdicts.len() - passed)
}

/// One block per model, 80 columns wide.
fn table(verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    let mut model = "";
    for verdict in verdicts {
        if verdict.model != model {
            model = &verdict.model;
            text.push_str(&format!("\n{model}\n"));
            text.push_str(&format!(
                "  {:<27} {:>10} {:>10}  {:<20}\n",
                "", "theory", "observed", "tolerance"
            ));
        }
        text.push_str(&format!(
            "  {:<27} {:>10} {:>10}  {:<20} {}\n",
            verdict.quantity,
            short(verdict.theory),
            short(verdict.observed),
            verdict.tolerance,
            word(verdict)
        ));
    }
    text.push_str(&format!("\n{}\n", tally(verdicts)));
    text.trim_start().to_owned()
}

fn markdown(verdicts: &[Verdict]) -> String {
    let mut text = "| model | quantity | theory | observed | tolerance | |\n".to_owned();
    text.push_str("|---|---|---:|---:|---|---|\n");
    for verdict in verdicts {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            verdict.model,
            verdict.quantity,
            short(verdict.theory),
            short(verdict.observed),
            verdict.tolerance,
            word(verdict)
        ));
    }
    text.push_str(&format!("\n{}\n", tally(verdicts)));
    text
}

fn json(verdicts: &[Verdict]) -> Result<String, miette::Report> {
    let mut text = serde_json::to_string_pretty(verdicts).into_diagnostic()?;
    text.push('\n');
    Ok(text)
}

fn csv(verdicts: &[Verdict]) -> Result<String, miette::Report> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for verdict in verdicts {
        writer.serialize(verdict).into_diagnostic()?;
    }
    let bytes = writer.into_inner().into_diagnostic()?;
    String::from_utf8(bytes).into_diagnostic()
}
