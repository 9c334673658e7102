//! Tests of the program as a whole, one file per behaviour.

mod baselines;
mod database;
mod experiments;
mod expiry;
mod invalidation;
mod latency;
mod layering;
mod luck;
mod metrics;
mod mrc;
mod patterns;
mod promises;
mod random_scenarios;
mod replay;
mod run;
mod scenario_cli;
mod scenario_errors;
mod scenarios;
mod staleness;
mod stampedes;
mod sweeps;
mod tables;
mod tiers;
mod trace;
mod trace_workload;
mod world;
