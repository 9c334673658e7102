//! `cachesim trace`: look at traces, convert them, make them up. One file per subcommand.
//!
//! Not here: what is known of a trace and how it is read and written (see [`crate::trace`]).

use clap::{Args, Subcommand};

use super::Answer;
use crate::trace::TraceError;
use crate::trace::format::FORMATS;

mod convert;
mod generate;
mod human;
mod import;
mod info;
mod reading;
mod typed;
mod writing;

pub use reading::ReadArguments;

/// Look at traces of requests, convert them, make them up
#[derive(Debug, Args)]
#[command(after_help = formats_help(), arg_required_else_help = true)]
pub struct Trace {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Info(info::Info),
    Convert(convert::Convert),
    Import(import::Import),
    Generate(generate::Generate),
}

impl Trace {
    /// Does what the subcommand asks for.
    ///
    /// # Errors
    /// When the command line or a trace is wrong.
    pub fn execute(self) -> Answer {
        match self.command {
            Command::Info(info) => info.execute(),
            Command::Convert(convert) => convert.execute(),
            Command::Import(import) => import.execute(),
            Command::Generate(generate) => generate.execute(),
        }
    }
}

/// The table of formats, for help texts.
fn formats_help() -> String {
    let rows = FORMATS
        .iter()
        .map(|it| (it.name.to_owned(), it.summary.to_owned()));
    let rows = super::list::lines(&rows.collect::<Vec<_>>(), &[], "  ");
    format!(
        "Formats, for reading and writing:\n{rows}\n\
         A format is recognised by its content unless --from names it, and so is the\n\
         compression (gz, zst, xz). A trace called - is standard input or output.\n\n\
         Examples:\n  \
         cachesim trace info traces/zipf-scan.oracleGeneral.zst\n  \
         cachesim trace convert requests.csv requests.oracleGeneral.zst\n  \
         cachesim trace generate zipf.csv --exponent 0.9"
    )
}

fn report(error: TraceError) -> miette::Report {
    miette::miette!("{error}")
}
