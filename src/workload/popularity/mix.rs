//! `mix`: several distributions at once, each with its share of the requests.
//!
//! A component's keys begin at its `first_key`, 0 unless said otherwise. So components *share* keys
//! unless they are put apart: a scan and a Zipf of the same `count` and the same first key run over
//! the same rows (and scattered ones have the same hot keys), while a scan of rows that nobody else
//! wants gets a first key beyond the others' count.

use super::Keys;
use crate::units::Key;
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row, not_negative};

/// One part of a mix.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its share of the requests, in proportion to the other weights.
    pub weight: f64,
    /// Its lowest key; its others follow.
    pub first_key: Key,
    /// How its keys are asked for.
    pub keys: Keys,
}

/// Checks the components of a mix.
pub(super) fn check(components: &[Component]) -> Result<(), ParameterError> {
    if components.is_empty() {
        return Err(ParameterError::new(
            "components",
            "must have at least one entry",
        ));
    }
    let mut total = 0.0;
    for component in components {
        total += not_negative("weight", component.weight)?;
        if component.keys.is_mix() {
            return Err(ParameterError::new(
                "components",
                "must not be mixes themselves: list their parts with their weights",
            ));
        }
        // Room for `latest` to insert as many keys as a run can write.
        if component.first_key > 1 << 62 {
            return Err(ParameterError::new(
                "first_key",
                format!("must be at most 2^62, not {}", component.first_key),
            ));
        }
    }
    if total <= 0.0 {
        return Err(ParameterError::new(
            "weight",
            "must be above 0 for at least one component",
        ));
    }
    Ok(())
}

pub(super) const ROW: Row<Keys> = Row {
    name: "mix",
    parameters: &[
        Parameter::required(
            "components",
            Kind::Components,
            "key distributions, each with a `weight` and, to put its keys apart, a `first_key` (0)",
        ),
        super::DRIFT,
    ],
    meaning: "each request goes to one of several distributions, in proportion to their weights",
    source: "",
    build: |arguments| {
        let keys = Keys::mix(arguments.components("components")?.to_vec())?;
        match arguments.drift("drift")? {
            Some(drift) => keys.drifting(drift),
            None => Ok(keys),
        }
    },
};
