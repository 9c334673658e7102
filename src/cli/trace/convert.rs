//! `cachesim trace convert`: a trace in another format or compression.
//!
//! Not here: the formats (see [`crate::trace::format`]).

use std::path::{Path, PathBuf};

use clap::Args;

use super::reading::ReadArguments;
use super::typed::target;
use super::writing::{WriteArguments, copy};
use crate::cli::Answer;
use crate::trace::format::FORMATS;
use crate::trace::{Compression, Target};

/// Write a trace in another format or compression
#[derive(Debug, Args)]
#[command(after_long_help = CONVERT_HELP)]
pub(super) struct Convert {
    /// Trace to read
    input: PathBuf,
    /// File to write
    output: PathBuf,
    /// Format to write, perhaps with its version: csv, lcs:5 [default: by the name of the output]
    #[arg(long, value_name = "FORMAT", value_parser = target)]
    to: Option<Target>,
    #[command(flatten)]
    write: WriteArguments,
    #[command(flatten)]
    read: ReadArguments,
}

const CONVERT_HELP: &str = "\
Examples:
  cachesim trace convert requests.csv requests.oracleGeneral.zst
  cachesim trace convert w106.oracleGeneral.zst - --to key-per-line | head
  cachesim trace convert cluster10.zst sample.lcs --to lcs:5 --sample 0.01

Without --to, names that end in .compact, .oracleGeneral, .lcs, .vscsi or .csv (and
perhaps .gz, .zst or .xz) say which format is meant. Versions may be named: lcs has 1 to
8, vscsi 1 and 2; else the one that holds all fields is taken.

Next uses are computed anew. Fields that the format does not hold are left out, and
times are cut to what it holds; a note on stderr says so. For a trace to keep, use
`cachesim trace import`, which loses nothing.";

impl Convert {
    pub(super) fn execute(self) -> Answer {
        let target = match self.to.or_else(|| Target::of_name(&self.output)) {
            Some(target) => target,
            None => return Err(which_format(&self.output)),
        };
        copy(
            &self.input,
            &self.read,
            target,
            &self.output,
            &self.write,
            Compression::Plain,
        )
    }
}

/// What to say when neither `--to` nor the name of the output names a format.
pub(super) fn which_format(output: &Path) -> miette::Report {
    let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    miette::miette!(
        help = format!("add --to and one of {}", names.join(", ")),
        "the name {} does not say which format is to be written",
        output.display()
    )
}
