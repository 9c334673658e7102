//! Guards: what stands between an app and something that it depends on, a tier or the database, and
//! refuses calls so that what is behind it, or the app itself, lives. One file and one row of
//! [`GUARDS`] per guard.
//!
//! A call passes all guards of its way in their order, or is *shed*: it fails at once, without having
//! been sent. Guards learn how each call ended. One that was dropped on its way, because nobody waits
//! for it any more, has failed as far as they can tell.
//!
//! Not here: what a client does when it was refused (see `client`), and in which order a queue is
//! served (see [`discipline`]).

use std::fmt;
use std::rc::Rc;

use crate::kernel::Kernel;
use crate::metrics::{GuardMeter, Meter};
use crate::units::Nanoseconds;
use crate::workload::parameters;

mod aimd_limit;
mod breaker;
mod bulkhead;
pub mod discipline;
mod gradient_limit;
mod limit;
mod rate_limit;

use limit::Limits;

/// A guard as checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// See `breaker`.
    Breaker(breaker::Settings),
    /// See `rate_limit`.
    RateLimit(rate_limit::Settings),
    /// See `bulkhead`.
    Bulkhead(bulkhead::Settings),
    /// See `aimd_limit`.
    AimdLimit(aimd_limit::Settings),
    /// See `gradient_limit`.
    GradientLimit(gradient_limit::Settings),
}

/// One row of the table of guards.
pub type GuardRow = parameters::Row<Plan>;

/// All guards.
pub static GUARDS: &[GuardRow] = &[
    breaker::ROW,
    rate_limit::ROW,
    bulkhead::ROW,
    aimd_limit::ROW,
    gradient_limit::ROW,
];

impl Plan {
    /// The guard's name in a scenario.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Breaker(_) => breaker::ROW.name,
            Self::RateLimit(_) => rate_limit::ROW.name,
            Self::Bulkhead(_) => bulkhead::ROW.name,
            Self::AimdLimit(_) => aimd_limit::ROW.name,
            Self::GradientLimit(_) => gradient_limit::ROW.name,
        }
    }

    fn build(self, instances: u32) -> Box<dyn Guard> {
        match self {
            Self::Breaker(settings) => Box::new(breaker::Breakers::new(settings, instances)),
            Self::RateLimit(settings) => Box::new(rate_limit::RateLimit::new(settings)),
            Self::Bulkhead(settings) => Box::new(Limits::new(settings, instances)),
            Self::AimdLimit(settings) => Box::new(Limits::new(settings, instances)),
            Self::GradientLimit(settings) => Box::new(Limits::new(settings, instances)),
        }
    }
}

/// A call as a guard sees it.
#[derive(Clone, Copy, Debug)]
struct Call<'a> {
    /// The app instance that makes it.
    instance: usize,
    now_ns: Nanoseconds,
    meter: &'a GuardMeter,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// With an answer, after so long.
    Answered(Nanoseconds),
    /// It failed, or nobody waited for it any more.
    Failed,
    /// It was not made: another guard refused it.
    NotMade,
}

/// Decides about calls.
trait Guard: fmt::Debug {
    /// Lets a call through, with a number that its end is to be told with, or refuses it.
    fn enter(&self, call: Call<'_>) -> Option<u64>;

    /// A call that was let through has ended.
    fn leave(&self, call: Call<'_>, number: u64, ended: Ended);
}

/// What is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The database.
    Database,
    /// A tier, counted from the client.
    Tier(usize),
}

/// The guards of one place.
#[derive(Debug)]
pub struct Guards {
    place: Place,
    guards: Vec<Box<dyn Guard>>,
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
}

/// A call was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("refused by a guard")]
pub struct Shed;

impl Guards {
    /// The guards of `place`, if it has any.
    #[must_use]
    pub fn new(
        plans: &[Plan],
        place: Place,
        instances: u32,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
    ) -> Option<Self> {
        let guards = plans.iter().map(|plan| plan.build(instances));
        (!plans.is_empty()).then(|| Self {
            place,
            guards: guards.collect(),
            kernel: kernel.clone(),
            meter: meter.clone(),
        })
    }

    fn counts(&self) -> &GuardMeter {
        match self.place {
            Place::Database => &self.meter.database.guard,
            Place::Tier(level) => &self.meter.tiers[level].guard,
        }
    }

    fn call(&self, instance: u32) -> Call<'_> {
        Call {
            instance: instance as usize,
            now_ns: self.kernel.now(),
            meter: self.counts(),
        }
    }

    /// Asks all guards whether an app instance may make a call.
    ///
    /// # Errors
    /// [`Shed`] if one of them refuses.
    pub fn enter(&self, instance: u32) -> Result<Pass<'_>, Shed> {
        let call = self.call(instance);
        let mut pass = Pass {
            guards: self,
            instance,
            entered_ns: call.now_ns,
            numbers: Vec::with_capacity(self.guards.len()),
            ended: Ended::NotMade,
        };
        for guard in &self.guards {
            let Some(number) = guard.enter(call) else {
                if self.meter.is_measuring() {
                    call.meter.shed.increment();
                }
                return Err(Shed);
            };
            pass.numbers.push(number);
        }
        pass.ended = Ended::Failed;
        Ok(pass)
    }
}

/// A call that was let through, until it ends.
#[derive(Debug)]
#[must_use = "a call that is dropped has failed"]
pub struct Pass<'a> {
    guards: &'a Guards,
    instance: u32,
    entered_ns: Nanoseconds,
    numbers: Vec<u64>,
    ended: Ended,
}

impl Pass<'_> {
    /// The call has ended, with an answer or without; `later_ns` of its way is still to come.
    pub fn end(mut self, answered: bool, later_ns: Nanoseconds) {
        if answered {
            let latency_ns = self.guards.kernel.now() - self.entered_ns + later_ns;
            self.ended = Ended::Answered(latency_ns);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let call = self.guards.call(self.instance);
        for (guard, number) in self.guards.guards.iter().zip(&self.numbers) {
            guard.leave(call, *number, self.ended);
        }
    }
}
