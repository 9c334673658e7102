//! The command line: one file per subcommand, and what they share.
//!
//! Answers go to stdout; progress, warnings and errors go to stderr. The exit status is 0 when all
//! is well, 1 when an expectation, a baseline limit or a check was broken, and 2 when the command
//! line, a scenario or a trace is wrong (then nothing was computed and nothing was written); and 130
//! when it was interrupted with Ctrl-C, with what was finished kept where there is a place for it.
//!
//! Not here: anything that computes.

use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::{folder, sweep_summary};
use crate::scenario::Study;
use crate::whole_file::{self, readable};
use crate::workload::from_trace;

mod check;
mod completions;
mod explain;
mod interrupt;
mod kept;
mod list;
mod man;
mod mrc;
mod new;
mod progress;
mod recorded;
mod replay;
mod report;
mod run;
mod schema;
mod trace;
mod tune;
mod verify;

/// Simulate cache systems, and compare cache policies on traces.
#[derive(Debug, Parser)]
#[command(
    name = "cachesim",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    // A terminal may be wider; lines that long are hard to read, and logs and manuals are not.
    max_term_width = 80
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Tune(tune::Tune),
    Report(report::Report),
    Replay(replay::Arguments),
    Mrc(mrc::Arguments),
    Trace(trace::Trace),
    Verify(verify::Verify),
    Check(check::Check),
    New(new::New),
    List(list::List),
    Explain(explain::Explain),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
}

/// How a command that could do its work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is well: exit status 0.
    Well,
    /// An expectation, a limit or a check was broken: exit status 1.
    Broken,
    /// Somebody pressed Ctrl-C: exit status 130.
    Interrupted,
}

/// What a subcommand returns. An error is the user's to mend: exit status 2.
pub type Answer = Result<Status, miette::Report>;

/// The shape of what is printed to stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// Comma-separated values with a header line.
    Csv,
    /// A Markdown table, for a pull request.
    Markdown,
}

/// Options of every command that computes. `F` is what it can print.
#[derive(Clone, Debug, Args)]
pub struct Common<F = Format>
where
    F: ValueEnum + Default + Send + Sync + 'static,
{
    /// What to print on stdout
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: F,
    /// Seed of all randomness (default: the scenario's own; 1 where there is none)
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Worker threads (default: all cores); results do not depend on it
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// No progress and no notes on stderr
    #[arg(long)]
    pub quiet: bool,
}

impl<F> Common<F>
where
    F: ValueEnum + Default + Send + Sync + 'static,
{
    /// Runs `work` on a pool of as many threads as were asked for.
    ///
    /// # Errors
    /// When the operating system refuses the threads.
    pub fn on_threads<T: Send>(
        &self,
        work: impl FnOnce() -> T + Send,
    ) -> Result<T, miette::Report> {
        let mut builder = rayon::ThreadPoolBuilder::new();
        if let Some(threads) = self.threads {
            builder = builder.num_threads(usize::from(threads));
        }
        let pool = builder
            .build()
            .map_err(|error| miette::miette!("cannot start worker threads: {error}"))?;
        Ok(pool.install(work))
    }
}

/// Draws errors with plain characters and a fixed width where nobody looks at a terminal, so that
/// logs and scripts see the same everywhere. On a terminal, miette obeys its width and `NO_COLOR`.
fn plain_errors_in_files() {
    if io::stderr().is_terminal() {
        return;
    }
    // Fails only where a hook is already installed, which then decides.
    let _ = miette::set_hook(Box::new(|_| {
        let plain = miette::GraphicalReportHandler::new_themed(miette::GraphicalTheme::none());
        Box::new(plain.with_width(100).with_links(false))
    }));
}

/// Prints `text`, an answer, on stdout. A reader who has gone away (`| head`) has seen enough.
fn print(text: &str) -> Result<(), miette::Report> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(miette::miette!(
            "cannot write to stdout: {}",
            readable(&error)
        )),
        _ => Ok(()),
    }
}

/// Says something on stderr. A reader that has gone away is no error.
fn note(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The error about a name or a quantity that was written wrongly after `option`.
fn misspelt(option: &str, wrong: &crate::scenario::Misspelt) -> miette::Report {
    if wrong.help.is_empty() {
        miette::miette!("{option}: {}", wrong.message)
    } else {
        miette::miette!(help = wrong.help.clone(), "{option}: {}", wrong.message)
    }
}

/// Refuses an output that is one of `inputs` itself: what was read would be gone.
fn not_over_itself(
    inputs: &[&Path],
    outputs: impl IntoIterator<Item = PathBuf>,
) -> Result<(), miette::Report> {
    for output in outputs {
        for input in inputs {
            if output != Path::new("-") && whole_file::is_same(input, &output) {
                return Err(miette::miette!(
                    "{} would be written over {}, which it is made from: name another file",
                    output.display(),
                    input.display()
                ));
            }
        }
    }
    Ok(())
}

/// As [`not_over_itself`], of what is written about `studies` into `folders`: the scenarios, and the
/// traces that they read. `others` are names of files beside those of a plain run.
fn not_over_scenarios(
    studies: &[Study],
    folders: &[PathBuf],
    others: &[&str],
) -> Result<(), miette::Report> {
    for folder in folders {
        let named = others.iter().chain(&["sweep.csv", sweep_summary::FILE]);
        let named = named.map(|name| folder.join(name));
        let charts = existing(folder, |name| {
            name.ends_with(".svg") || name.ends_with(".png")
        });
        let beside = folder.parent().unwrap_or(folder);
        let beside = others.iter().map(|name| beside.join(name));
        let all = folder::files_of(folder).chain(named).chain(charts);
        not_over_inputs(studies, all.chain(beside))?;
    }
    Ok(())
}

/// Refuses an output that is a scenario, or a trace that one reads.
fn not_over_inputs(
    studies: &[Study],
    outputs: impl IntoIterator<Item = PathBuf>,
) -> Result<(), miette::Report> {
    let mut inputs: Vec<&Path> = Vec::new();
    for study in studies {
        inputs.push(&study.path);
        let traces = study.variants.iter().flat_map(|it| &it.plan.workload.trace);
        inputs.extend(traces.map(from_trace::Plan::path));
    }
    not_over_itself(&inputs, outputs)
}

/// The files that there are in `folder` under names that are `wanted`.
fn existing(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| {
            let name = path.file_name().and_then(std::ffi::OsStr::to_str);
            name.is_some_and(&wanted)
        })
        .collect()
}

/// A file that is still to be written, and what goes into it.
type Unwritten = (PathBuf, Vec<u8>);

/// Writes each file whole, and says on stderr how many they were.
fn write_files(files: &[Unwritten], quiet: bool) -> Result<(), miette::Report> {
    for (path, bytes) in files {
        folder::write_whole(path, bytes).map_err(|error| miette::miette!("{error}"))?;
    }
    match files {
        [] => {}
        _ if quiet => {}
        [(path, _)] => note(format_args!("wrote {}", path.display())),
        [(path, _), ..] => {
            let folder = path.parent().unwrap_or(path);
            note(format_args!(
                "wrote {} files to {}",
                files.len(),
                folder.display()
            ));
        }
    }
    Ok(())
}

/// Whether stdout takes colours: a terminal, and nobody has said no (see no-color.org).
fn colours() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    io::stdout().is_terminal() && !forbidden && !dumb
}

/// How many columns stdout has, if it is a terminal.
fn terminal_width() -> Option<usize> {
    comfy_table::Table::new().width().map(usize::from)
}

/// How tables of experiments look: as wide as the terminal, and the same everywhere where nobody looks at
/// one.
fn look(all: bool) -> crate::report::terminal::Look {
    crate::report::terminal::Look {
        width: terminal_width().unwrap_or(80),
        colours: colours(),
        all,
        ascii: io::stdout().is_terminal() && !speaks_utf8(|name| std::env::var(name).ok()),
    }
}

/// Whether the locale says that a terminal takes UTF-8, as POSIX has it: the first of these that is set
/// decides. Where none is, as on Windows, it does.
fn speaks_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let mut set = names
        .iter()
        .filter_map(|name| variable(name).filter(|it| !it.is_empty()));
    set.next().is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

impl Cli {
    /// Does what the command line asks for, and says how it went.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        plain_errors_in_files();
        let answer = match self.command {
            Command::Run(command) => command.execute(),
            Command::Tune(command) => command.execute(),
            Command::Report(command) => command.execute(),
            Command::Replay(arguments) => replay::execute(&arguments),
            Command::Mrc(arguments) => mrc::execute(&arguments),
            Command::Trace(command) => command.execute(),
            Command::Verify(command) => command.execute(),
            Command::Check(command) => command.execute(),
            Command::New(command) => command.execute(),
            Command::List(command) => command.execute(),
            Command::Explain(command) => command.execute(),
            Command::Schema(command) => command.execute(),
            Command::Completions(command) => command.execute(),
            Command::Man(command) => command.execute(),
        };
        match answer {
            Ok(Status::Well) => ExitCode::SUCCESS,
            Ok(Status::Broken) => ExitCode::from(1),
            Ok(Status::Interrupted) => ExitCode::from(interrupt::STATUS),
            Err(report) => {
                note(format_args!("{report:?}"));
                ExitCode::from(2)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// The lines of the help of a command and of all below it that are wider than 80 columns.
    fn too_wide(command: &mut clap::Command) -> Vec<String> {
        let help = command.render_long_help().to_string();
        let wide = help.lines().filter(|line| line.chars().count() > 80);
        let name = command.get_name().to_owned();
        let mut found: Vec<String> = wide.map(|line| format!("{name}: {line}")).collect();
        for below in command.get_subcommands_mut() {
            found.extend(too_wide(below));
        }
        found
    }

    #[test]
    fn no_help_is_wider_than_80_columns() {
        let mut command = Cli::command();
        command.build();
        assert_eq!(too_wide(&mut command), Vec::<String>::new());
    }

    #[test]
    fn the_first_variable_of_the_locale_that_is_set_decides_on_utf8() {
        let speaks = |set: &[(&str, &str)]| {
            let value = |name: &str| set.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
            speaks_utf8(value)
        };
        assert!(speaks(&[]));
        assert!(speaks(&[("LANG", "de_DE.UTF-8")]) && speaks(&[("LC_CTYPE", "C.utf8")]));
        assert!(!speaks(&[("LANG", "C")]));
        assert!(!speaks(&[("LC_ALL", "POSIX"), ("LANG", "en_US.UTF-8")]));
        assert!(speaks(&[("LC_ALL", ""), ("LANG", "en_US.UTF-8")]));
    }
}
