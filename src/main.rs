//! The `cachesim` binary: parse, dispatch, exit code.
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::SUCCESS
}
