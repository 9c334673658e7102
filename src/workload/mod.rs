//! The workload: when requests arrive, what they ask for, and how large the rows are.

pub mod distribution;
