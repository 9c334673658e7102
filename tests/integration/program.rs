//! What the tests of the program share: it is run as a user runs it, and what it prints is read.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program with these arguments in a folder, with nobody at a terminal.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cachesim"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "80")
        .stdin(Stdio::null());
    command
}

/// What the program does with these arguments in a folder.
pub fn cachesim(folder: &Path, arguments: &[&str]) -> Output {
    let output = command(folder, arguments).output();
    output.expect("the program starts")
}

/// What was printed, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The answers of a run.
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("answers are text")
}

/// What a run said beside its answers.
pub fn stderr(output: &Output) -> String {
    text(&output.stderr)
}
