//! Resize: the number of a tier's nodes changes, and with it which node holds which key.

use super::{Action, ActionRow, Target};
use crate::pattern::System;
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(super) const ROW: ActionRow = ActionRow {
    name: "resize",
    parameters: &[
        Parameter::required(
            "nodes",
            Kind::Count,
            "how many nodes the tier has from now on",
        ),
        Parameter::optional(
            "move",
            Kind::Switch,
            "whether the entries of keys that belong to another node now are moved there, over the network; false if nothing is said: they stay behind, unreachable",
        ),
        Parameter::optional(
            "rate",
            Kind::Rate,
            "with `move`, how many entries a second are moved at most; 10k/s if nothing is said",
        ),
    ],
    meaning: "the number of a tier's nodes changes: nodes join empty, or the last ones leave",
    source: "",
    build: |arguments| {
        let nodes = arguments.count("nodes")?;
        let Some(nodes) = u32::try_from(nodes)
            .ok()
            .filter(|it| (1..=10_000).contains(it))
        else {
            let problem = format!("must be between 1 and 10000, not {nodes}");
            return Err(ParameterError::new("nodes", problem));
        };
        let moves = arguments.switch("move", false)?;
        let rate = arguments.optional("rate")?;
        if rate.is_some() && !moves {
            return Err(ParameterError::new("rate", "needs `move = true`"));
        }
        if rate.is_some_and(|rate| rate < 0.001) {
            return Err(ParameterError::new("rate", "must be at least 0.001/s"));
        }
        Ok(Action::Resize {
            nodes,
            rate_per_s: moves.then(|| rate.unwrap_or(10_000.0)),
        })
    },
};

pub(super) fn happen(target: Target, system: &System, nodes: u32, rate_per_s: Option<f64>) {
    system.layers[target.level()].tier.resize(nodes, rate_per_s);
}
