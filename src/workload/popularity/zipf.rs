//! `zipf`: rank r is asked for in proportion to r^-exponent.
//!
//! Not here: how ranks are drawn (see [`crate::random::zipf`]).

use super::{COUNT, DRIFT, Keys, SCATTER, count_of, finish};
pub use crate::random::zipf::Zipf;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

/// `count` ranks under `exponent`; 0 makes all equally popular.
///
/// # Errors
/// When `count` is not in 1..=2^50, or `exponent` is negative or above 100.
pub fn checked(count: u64, exponent: f64) -> Result<Zipf, ParameterError> {
    count_of(count)?;
    if !(0.0..=100.0).contains(&exponent) {
        return Err(ParameterError::new(
            "exponent",
            format!("must be between 0 and 100, not {exponent}"),
        ));
    }
    Ok(Zipf::new(count, exponent))
}

pub(super) const ROW: Row<Keys> = Row {
    name: "zipf",
    parameters: &[
        COUNT,
        Parameter::required(
            "exponent",
            Kind::Number,
            "steepness, 0 or more: 0 is uniform, most caches see 0.6 to 1.2",
        ),
        SCATTER,
        DRIFT,
    ],
    meaning: "rank r is asked for in proportion to r^-exponent",
    source: "Hoermann and Derflinger, ACM TOMACS 1996",
    build: |arguments| {
        let keys = Keys::zipf(arguments.count("count")?, arguments.number("exponent")?)?;
        finish(keys, arguments, true)
    },
};
