//! The timeline: what happens to the world at given instants. One file and one row of [`ACTIONS`]
//! per action; `target` says to whom it may happen.
//!
//! An action is a plain `async fn` on a [`Stage`]: it does what it does, and where it ends by itself it
//! sleeps until then and undoes it.
//!
//! Not here: load that always changes with time, as by day and night (see `workload::arrivals`).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::client::Crowds;
use crate::geography::Origin;
use crate::kernel::{Kernel, Label};
use crate::metrics::Meter;
use crate::pattern::System;
use crate::units::Nanoseconds;
use crate::workload;
use crate::workload::parameters::{self, Arguments, ParameterError};

mod bus_outage;
mod clock_skew;
mod crash;
mod deploy;
mod expire;
mod flood;
mod lose_connections;
mod lose_deletes;
mod lull;
mod network;
mod partition;
mod pause;
mod popularity_shift;
mod purge;
mod replica_lag;
mod resize;
mod restart;
mod slow;
mod surge;
pub mod target;

pub use resize::{NAME as RESIZE, NODES_MAX};
pub use target::{NoTarget, Places, Target};

/// Something that can happen, with its settings. Events are rare, so they are called through a table
/// of functions, and a file and a row make an action.
pub trait Act: fmt::Debug + Send + Sync {
    /// Lets it happen to the event's target, which is of a kind that the action's row names.
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a>;

    /// Why it cannot happen to such a workload, and what could be done about that.
    fn misfit(&self, _workload: &workload::Plan) -> Option<(String, &'static str)> {
        None
    }
}

/// [`Act::misfit`] of what changes a workload that is made up: a trace has its own keys and times.
fn misfit_of_trace(what: &str, workload: &workload::Plan) -> Option<(String, &'static str)> {
    workload.trace.as_ref()?;
    let message = format!("{what} needs keys that are made up, and a trace brings its own");
    Some((message, "give `workload.keys` in place of the trace"))
}

/// [`Act::misfit`] of what changes the rate of arrivals: not every workload has one that can do so.
fn misfit_of_rate(
    what: &str,
    change: &str,
    workload: &workload::Plan,
) -> Option<(String, &'static str)> {
    let of_trace = misfit_of_trace(what, workload);
    if of_trace.is_none() && matches!(workload.arrivals, workload::arrivals::Plan::Closed(_)) {
        let message = format!("users who wait for their answers have no rate that could {change}");
        return Some((message, "let requests arrive in an open loop"));
    }
    of_trace
}

/// An action with its settings.
pub type Action = Arc<dyn Act>;

/// What goes on from the instant of an event to the end of what it brought.
pub type Happening<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// One row of the table of actions.
#[derive(Debug)]
pub struct ActionRow {
    /// Its name, its settings and how it is made.
    pub row: parameters::Row<Action>,
    /// To whom it can happen; empty if it has no target, because it happens to the world.
    pub targets: &'static [&'static target::Kind],
    /// Of whom it may come, where that can be said; empty where it cannot.
    pub origins: &'static [&'static target::Kind],
}

/// All actions.
pub static ACTIONS: &[ActionRow] = &[
    crash::ROW,
    restart::ROW,
    surge::ROW,
    lull::ROW,
    flood::ROW,
    popularity_shift::ROW,
    resize::ROW,
    purge::ROW,
    expire::ROW,
    clock_skew::ROW,
    lose_deletes::ROW,
    bus_outage::ROW,
    network::ROW,
    partition::ROW,
    deploy::ROW,
    pause::ROW,
    slow::ROW,
    lose_connections::ROW,
    replica_lag::ROW,
];

/// The setting `factor` of an action, by which something is multiplied; 1 if nothing is said.
fn factor(arguments: &Arguments) -> Result<f64, ParameterError> {
    let factor = arguments.optional("factor")?.unwrap_or(1.0);
    if (0.0..=1e6).contains(&factor) {
        return Ok(factor);
    }
    let problem = format!("must be between 0 and 1000000, not {factor}");
    Err(ParameterError::new("factor", problem))
}

/// A duration that may be said of an action.
fn duration_ns(
    arguments: &Arguments,
    name: &'static str,
) -> Result<Option<Nanoseconds>, ParameterError> {
    let written = arguments.optional(name)?;
    Ok(written.map(|it| it.round() as Nanoseconds))
}

/// What actions work on.
#[derive(Debug)]
pub struct Stage {
    /// The clock.
    pub kernel: Rc<Kernel>,
    /// Tiers and database.
    pub system: Rc<System>,
    /// Who wants to know when it is over.
    pub meter: Rc<Meter>,
    /// Where further requests come from.
    pub crowds: Crowds,
}

/// Something that happens at an instant.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, counted from the start of the run.
    pub at_ns: Nanoseconds,
    /// What.
    pub action: Action,
    /// To whom.
    pub target: Target,
    /// What comes from whom, where that was said.
    pub from: Origin,
}

/// Whether app instances crash at some time.
#[must_use]
pub fn crash_instances(events: &[Event]) -> bool {
    let is_app = |event: &Event| matches!(event.target, Target::App | Target::Instance { .. });
    events.iter().any(is_app)
}

/// Lets all events happen in their time.
pub fn start(events: &[Event], stage: Stage) {
    let stage = Rc::new(stage);
    if events.iter().any(|event| event.target.server().is_some()) {
        stage.system.database.expect_faults();
    }
    for (number, event) in events.iter().enumerate() {
        let (event, stage) = (event.clone(), stage.clone());
        let label = Label {
            kind: "event",
            number: number as u64,
        };
        stage.clone().kernel.spawn(label, async move {
            stage.kernel.sleep_until(event.at_ns).await;
            event.action.happen(&event, &stage).await;
            stage.meter.end_event(stage.kernel.now());
        });
    }
}
