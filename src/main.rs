//! The `cachesim` binary: parse, dispatch, exit code.
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cachesim::cli::Cli::parse().execute()
}
