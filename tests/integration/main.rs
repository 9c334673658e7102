//! Tests of the program as a whole, one file per behaviour.

mod replay;
mod run;
mod scenario_cli;
mod scenario_errors;
mod trace;
