//! Distributions of durations and sizes.
/// To be replaced.
#[derive(Clone, Debug)]
pub struct Distribution;
