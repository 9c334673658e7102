//! The timeline: what happens to the world at given instants. One file and one row of [`ACTIONS`]
//! per action.
//!
//! Not here: load that changes with time (see `workload::arrivals`).

use std::rc::Rc;

use crate::kernel::{Kernel, Label};
use crate::pattern::{LayerPlan, System};
use crate::units::Nanoseconds;
use crate::workload::parameters;

mod crash;
mod lose_deletes;
mod purge;
mod restart;

/// What can happen, as checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Nodes lose their memory and answer no more.
    Crash {
        /// When they answer again, if they do by themselves.
        restart_after_ns: Option<Nanoseconds>,
    },
    /// Nodes that crashed answer again.
    Restart,
    /// All entries of a tier are forgotten.
    Purge,
    /// Deletes are lost on their way to a tier.
    LoseDeletes {
        /// The share of them.
        share: f64,
        /// For how long, if it ends by itself.
        for_ns: Option<Nanoseconds>,
    },
}

/// One row of the table of actions.
pub type ActionRow = parameters::Row<Action>;

/// All actions.
pub static ACTIONS: &[ActionRow] = &[crash::ROW, restart::ROW, purge::ROW, lose_deletes::ROW];

/// To whom something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// All nodes of a tier.
    Tier {
        /// Counted from the client.
        level: usize,
    },
    /// One node of a tier.
    Node {
        /// The tier, counted from the client.
        level: usize,
        /// The node, counted from 0.
        node: usize,
    },
}

/// A target that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTarget {
    /// What is wrong.
    pub message: String,
    /// What could be written instead.
    pub help: String,
}

impl Target {
    /// The target that a scenario names: `tier.NAME` or `tier.NAME.node.NUMBER`.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn find(text: &str, tiers: &[LayerPlan]) -> Result<Self, NoTarget> {
        let names = || {
            let names: Vec<String> = tiers
                .iter()
                .map(|layer| format!("`tier.{}`", layer.tier.name))
                .collect();
            if names.is_empty() {
                "the scenario has no tier".to_owned()
            } else {
                format!(
                    "targets are {}, or a node of it: `tier.NAME.node.0`",
                    names.join(", ")
                )
            }
        };
        let wrong = |message: String| {
            Err(NoTarget {
                message,
                help: names(),
            })
        };
        let parts: Vec<&str> = text.split('.').collect();
        let (name, node) = match parts[..] {
            ["tier", name] => (name, None),
            ["tier", name, "node", node] => (name, Some(node)),
            _ => return wrong(format!("`{text}` is not a target")),
        };
        let Some(level) = tiers.iter().position(|layer| layer.tier.name == name) else {
            return wrong(format!("there is no tier `{name}`"));
        };
        let Some(node) = node else {
            return Ok(Self::Tier { level });
        };
        let nodes = tiers[level].tier.nodes;
        match node.parse::<usize>() {
            Ok(node) if node < nodes as usize => Ok(Self::Node { level, node }),
            _ => Err(NoTarget {
                message: format!("the tier `{name}` has no node `{node}`"),
                help: format!("its nodes are 0 to {}", nodes - 1),
            }),
        }
    }

    /// The tier, counted from the client.
    fn level(self) -> usize {
        match self {
            Self::Tier { level } | Self::Node { level, .. } => level,
        }
    }

    /// The nodes, by number.
    fn nodes(self, system: &System) -> std::ops::Range<usize> {
        match self {
            Self::Tier { level } => 0..system.layers[level].tier.nodes(),
            Self::Node { node, .. } => node..node + 1,
        }
    }
}

/// Something that happens at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, counted from the start of the run.
    pub at_ns: Nanoseconds,
    /// What.
    pub action: Action,
    /// To whom.
    pub target: Target,
}

impl Event {
    /// When it is over: when it happens, for those that have no duration.
    #[must_use]
    pub fn end_ns(&self) -> Nanoseconds {
        let for_ns = match self.action {
            Action::Crash { restart_after_ns } => restart_after_ns,
            Action::LoseDeletes { for_ns, .. } => for_ns,
            Action::Restart | Action::Purge => None,
        };
        self.at_ns.saturating_add(for_ns.unwrap_or(0))
    }
}

/// Lets all events happen in their time.
pub fn start(events: &[Event], system: &Rc<System>, kernel: &Rc<Kernel>) {
    for (number, event) in events.iter().enumerate() {
        let (event, system, kernel) = (event.clone(), system.clone(), kernel.clone());
        let label = Label {
            kind: "event",
            number: number as u64,
        };
        kernel.clone().spawn(label, async move {
            kernel.sleep_until(event.at_ns).await;
            happen(&event, &system, &kernel).await;
        });
    }
}

async fn happen(event: &Event, system: &Rc<System>, kernel: &Kernel) {
    let target = event.target;
    match event.action {
        Action::Crash { restart_after_ns } => {
            let crashed = crash::happen(target, system);
            if let Some(restart_after_ns) = restart_after_ns {
                kernel.sleep(restart_after_ns).await;
                restart::recover(target, system, &crashed);
            }
        }
        Action::Restart => restart::happen(target, system),
        Action::Purge => purge::happen(target, system),
        Action::LoseDeletes { share, for_ns } => {
            lose_deletes::happen(target, system, Some(share));
            if let Some(for_ns) = for_ns {
                kernel.sleep(for_ns).await;
                lose_deletes::happen(target, system, None);
            }
        }
    }
}
