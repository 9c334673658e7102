//! Tests of the program as a whole, one file per behaviour.

mod mrc;
mod run;
mod scenario_cli;
mod scenario_errors;
mod trace;
mod trace_workload;
