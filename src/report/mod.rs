//! Reports: what an experiment has found, as text for people and for programs, and as charts.
//!
//! One file per output. Each is a pure function from [`crate::experiment::Results`] to text or
//! bytes; [`folder`] alone touches the file system.

pub mod blocks;
pub mod chart;
pub mod csv;
pub mod expectation;
pub mod folder;
pub mod json;
pub mod key_metrics;
pub mod markdown;
pub mod metrics_reference;
pub mod quantity;
pub mod terminal;

#[cfg(test)]
mod samples;
