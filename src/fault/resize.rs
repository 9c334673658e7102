//! Resize: the number of a tier's nodes changes, and with it which node holds which key.

use std::sync::Arc;

use super::target::TIER;
use super::{Act, ActionRow, Event, Happening, Stage, Target};
use crate::workload::parameters::{Kind, Parameter, ParameterError, Row};

/// What the action is called.
pub const NAME: &str = "resize";

/// The most nodes that a tier may have.
pub const NODES_MAX: u64 = 10_000;

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER],
    origins: &[],
    row: Row {
        name: NAME,
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
            if !(1..=NODES_MAX).contains(&nodes) {
                let problem = format!("must be between 1 and {NODES_MAX}, not {nodes}");
                return Err(ParameterError::new("nodes", problem));
            }
            let moves = arguments.switch("move", false)?;
            let rate = arguments.optional("rate")?;
            if rate.is_some() && !moves {
                return Err(ParameterError::new("rate", "needs `move = true`"));
            }
            if rate.is_some_and(|rate| rate < 0.001) {
                return Err(ParameterError::new("rate", "must be at least 0.001/s"));
            }
            Ok(Arc::new(Resize {
                nodes: nodes as u32,
                rate_per_s: moves.then(|| rate.unwrap_or(10_000.0)),
            }))
        },
    },
};

#[derive(Debug)]
struct Resize {
    /// How many nodes there are from now on.
    nodes: u32,
    /// How many entries a second are moved at most; `None` if they stay where they are.
    rate_per_s: Option<f64>,
}

impl Act for Resize {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            if let Target::Tier { level } = event.target {
                let tier = &stage.system.layers[level].tier;
                tier.resize(self.nodes, self.rate_per_s);
            }
        })
    }
}
