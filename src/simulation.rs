//! Wires one checked plan into a world, runs it, and reads the meter.

use std::rc::Rc;

use crate::alert;
use crate::client::{self, Client};
use crate::database::{self, Database};
use crate::fault;
use crate::geography::{self, Geography, Population};
use crate::kernel::{Deadlock, Executor, Kernel, Label, Spawner};
use crate::metrics::{Meter, Miss, MissLog, Outcome, Traced, TracedRequest, Tracer};
use crate::pattern::{BloomPlan, LayerPlan, System};
use crate::promise::{self, Promises};
use crate::random::Luck;
use crate::units::{NEVER, Nanoseconds, SECOND_NS};
use crate::workload::{self, Workload};

mod breakers;
mod nodes;
mod outcome;

/// One variant as checked: nothing in it can be invalid, names are resolved and units are gone.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seed of all randomness.
    pub seed: u64,
    /// When arrivals stop and, unless `drain` is set, the run ends.
    pub duration_ns: Nanoseconds,
    /// What happens before is simulated but not measured; less than `duration_ns`.
    pub warmup_ns: Nanoseconds,
    /// Whether requests in flight when arrivals stop are still finished and measured.
    pub drain: bool,
    /// When requests arrive and what they ask for.
    pub workload: workload::Plan,
    /// What clients do beside waiting.
    pub client: client::Plan,
    /// App instances, at least 1: processes that share nothing but the tiers below them.
    pub instances: u32,
    /// The Bloom filter of each app instance, if they have one.
    pub bloom_filter: Option<BloomPlan>,
    /// Where instances live, and how far that is from elsewhere.
    pub geography: geography::Plan,
    /// What the app promises to its readers.
    pub promises: Vec<promise::Plan>,
    /// Tiers from the client to the database; may be empty.
    pub tiers: Vec<LayerPlan>,
    /// The database.
    pub database: database::Plan,
    /// What happens when.
    pub events: Vec<fault::Event>,
    /// What would raise an alarm.
    pub alerts: Vec<alert::Rule>,
}

impl Plan {
    /// How many there are of those who may have nodes of their own.
    #[must_use]
    pub fn population(&self) -> Population {
        self.geography().population()
    }

    /// Who lives where.
    #[must_use]
    pub fn geography(&self) -> Geography {
        let sessions = self.workload.sessions.map(|sessions| sessions.count);
        Geography::new(&self.geography, self.instances, sessions)
    }
}

/// How far runs have come; shared by all threads, so its numbers must never reach a result.
pub trait Progress: Sync {
    /// `simulated_ns` more of simulated time have passed, with `requests` more arrivals.
    fn advance(&self, simulated_ns: Nanoseconds, requests: u64);

    /// Whether nobody wants the result any more: the run then ends with [`RunError::Interrupted`].
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Nobody is watching.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn advance(&self, _: Nanoseconds, _: u64) {}
}

/// A run that could not be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Requests are waiting for something that nobody will do.
    #[error("deadlock: {0}")]
    Deadlock(#[from] Deadlock),
    /// The trace of the workload could not be read to its end, although it could when it was checked.
    #[error("the trace has changed while it was replayed: {0}")]
    Trace(Box<crate::trace::TraceError>),
    /// Nobody wanted the result any more.
    #[error("interrupted")]
    Interrupted,
    /// A conservation law does not hold: a defect of the simulator.
    #[error("conservation law broken: {0}")]
    Conservation(String),
}

/// The most points of a time series.
const SERIES_POINTS_MAX: u64 = 300;

/// The width of one point of the time series: the smallest of 1, 2, 5 x 10^k nanoseconds, a
/// millisecond at least, that needs no more than [`SERIES_POINTS_MAX`] points.
fn step_ns(duration_ns: Nanoseconds) -> Nanoseconds {
    let mut decade = SECOND_NS / 1000;
    loop {
        for factor in [1, 2, 5] {
            if duration_ns.div_ceil(decade * factor) <= SERIES_POINTS_MAX {
                return decade * factor;
            }
        }
        decade *= 10;
    }
}

/// The parts of one run.
struct World {
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
    workload: Rc<std::cell::RefCell<Workload>>,
    system: Rc<System>,
    client: Rc<Client>,
    spawner: Rc<Spawner<client::Arrival>>,
}

impl World {
    fn new(plan: &Plan, replication: u64, recording: Recording) -> Self {
        let luck = Luck::new(plan.seed, replication);
        let kernel = Rc::new(Kernel::new());
        let geography = Rc::new(plan.geography());
        let population = geography.population();
        let nodes: Vec<u32> = plan
            .tiers
            .iter()
            .map(|layer| layer.tier.nodes_in_all(population))
            .collect();
        let tracer = recording.requests.map(|traced| {
            let kernel = kernel.clone();
            Rc::new(Tracer::new(traced, kernel.carried(), move || kernel.now()))
        });
        let mut meter = Meter::new(plan.warmup_ns, &nodes);
        meter.tracer = tracer;
        meter.miss_log = recording.misses.map(MissLog::new);
        let meter = Rc::new(meter);
        let workload = Rc::new(std::cell::RefCell::new(Workload::new(&plan.workload, luck)));
        let database = Rc::new(Database::new(
            &plan.database,
            &kernel,
            &meter,
            &workload,
            &geography,
            luck,
        ));
        let promises = Promises::new(&plan.promises, plan.workload.sessions.is_some());
        let system = System::new(
            &plan.tiers,
            &geography,
            database,
            promises,
            &kernel,
            &meter,
            luck,
        );
        let system = system.with_bloom_filter(plan.bloom_filter.as_ref(), plan.instances);
        for layer in &system.layers {
            let workload = workload.borrow();
            layer.tier.know_hot_keys(|top| workload.hottest(top, 0));
        }
        if fault::crash_instances(&plan.events) {
            system.rotation.expect_crashes(&kernel);
        }
        let system = Rc::new(system);
        let client = Client::new(
            &plan.client,
            &geography,
            &kernel,
            &meter,
            &workload,
            &system,
            luck,
        );
        let client = client.with_pages(plan.workload.page.as_ref());
        let spawner = Rc::new(Spawner::default());
        Self {
            kernel,
            meter,
            workload,
            system,
            client: Rc::new(client),
            spawner,
        }
    }

    /// Starts what goes on by itself: arrivals, what tiers do unasked, and the timeline.
    fn start(&self, plan: &Plan, replication: u64) {
        let luck = Luck::new(plan.seed, replication);
        client::start(
            &self.client,
            &self.spawner,
            &plan.workload,
            plan.duration_ns,
            luck,
        );
        self.system.start();
        let stage = fault::Stage {
            kernel: self.kernel.clone(),
            system: self.system.clone(),
            meter: self.meter.clone(),
            crowds: client::Crowds::new(
                &self.client,
                &self.spawner,
                &plan.workload,
                plan.duration_ns,
                luck,
            ),
        };
        fault::start(&plan.events, stage);
    }

    fn check_trace(&self) -> Result<(), RunError> {
        match self.workload.borrow().failure() {
            None => Ok(()),
            Some(error) => Err(RunError::Trace(Box::new(error.clone()))),
        }
    }

    fn start_measuring(&self) {
        self.meter.start_measuring(self.kernel.now());
        self.system.database.reset_usage();
        self.system
            .layers
            .iter()
            .for_each(|layer| layer.tier.reset_usage());
    }
}

/// Runs replication `replication` of `plan`.
///
/// # Errors
/// See [`RunError`]: defects of the simulator rather than of the plan, but for a trace that changes
/// under our eyes.
pub fn run(plan: &Plan, replication: u64, progress: &dyn Progress) -> Result<Outcome, RunError> {
    let recording = Recording::default();
    run_recorded(plan, replication, progress, recording).map(|(outcome, _)| outcome)
}

/// What is to be recorded of a run beside its metrics. It changes nothing about the run.
#[derive(Default)]
pub struct Recording {
    /// Which requests are traced.
    pub requests: Option<Traced>,
    /// Who is told of each miss after warm-up, when it has come to its end.
    pub misses: Option<Box<dyn FnMut(Miss)>>,
}

/// As [`run`], with the requests that were traced.
///
/// # Errors
/// As [`run`].
pub fn run_recorded(
    plan: &Plan,
    replication: u64,
    progress: &dyn Progress,
    recording: Recording,
) -> Result<(Outcome, Vec<TracedRequest>), RunError> {
    match last_arrival_ns(plan, replication) {
        // The run ends with the trace, if that ends before the duration.
        Some(last_ns) if last_ns < plan.duration_ns - 1 => {
            let plan = Plan {
                duration_ns: (last_ns + 1).max(plan.warmup_ns + 1),
                ..plan.clone()
            };
            run_for_duration(&plan, replication, progress, recording)
        }
        _ => run_for_duration(plan, replication, progress, recording),
    }
}

/// When the last request of a trace arrives; `None` without a trace, and where it depends on the
/// answers.
fn last_arrival_ns(plan: &Plan, replication: u64) -> Option<Nanoseconds> {
    let trace = plan.workload.trace.as_ref()?;
    if trace.has_own_times() {
        return trace.last_arrival_ns();
    }
    let workload::arrivals::Plan::Open(open) = &plan.workload.arrivals else {
        return None;
    };
    let mut arrivals = workload::arrivals::Arrivals::new(open, Luck::new(plan.seed, replication));
    let mut last_ns = None;
    for _ in 0..trace.requests() {
        last_ns = arrivals.next();
        // What comes after the end of the run does not matter.
        if last_ns.is_none_or(|last_ns| last_ns >= plan.duration_ns) {
            return None;
        }
    }
    last_ns
}

fn run_for_duration(
    plan: &Plan,
    replication: u64,
    progress: &dyn Progress,
    recording: Recording,
) -> Result<(Outcome, Vec<TracedRequest>), RunError> {
    let world = World::new(plan, replication, recording);
    world.start(plan, replication);
    let client = world.client.clone();
    let mut executor = Executor::new(move |arrival: client::Arrival| {
        let label = Label {
            kind: "request",
            number: arrival.index,
        };
        (label, client::serve(client.clone(), arrival))
    });
    let step_ns = step_ns(plan.duration_ns);
    let mut recorder = outcome::Recorder::new(plan, step_ns);
    let mut alerts = alert::Alerts::new(&plan.alerts, &world.meter);
    let (mut next_step_ns, mut next_second_ns) = (step_ns, NEVER);
    let mut reported = (0, 0);
    if plan.warmup_ns == 0 {
        world.start_measuring();
        alerts.start(&world.meter, &world.system, 0);
        next_second_ns = SECOND_NS;
    }
    let mut now_ns = 0;
    // Simulated time is cut where something is to be read off; between two cuts nothing is sampled.
    while now_ns < plan.duration_ns {
        let warmup_ns = if world.meter.is_measuring() {
            NEVER
        } else {
            plan.warmup_ns
        };
        let until_ns = next_step_ns
            .min(next_second_ns)
            .min(warmup_ns)
            .min(plan.duration_ns);
        executor.run_until(&world.kernel, &world.spawner, until_ns)?;
        world.check_trace()?;
        now_ns = until_ns;
        if now_ns == warmup_ns {
            world.start_measuring();
            alerts.start(&world.meter, &world.system, now_ns);
            next_second_ns = now_ns + SECOND_NS;
        }
        if now_ns == next_second_ns {
            world.meter.end_second();
            alerts.end_second(&world.meter, &world.system, now_ns);
            next_second_ns += SECOND_NS;
        }
        if now_ns == next_step_ns || now_ns == plan.duration_ns {
            recorder.end_step(&world.meter, &world.system, now_ns);
            next_step_ns = now_ns + step_ns;
            let arrived = world.meter.total_arrived();
            progress.advance(now_ns - reported.0, arrived - reported.1);
            reported = (now_ns, arrived);
            if progress.is_cancelled() {
                return Err(RunError::Interrupted);
            }
        }
    }
    if plan.drain && world.meter.in_system() > 0 {
        world.client.stop_when_idle();
        while executor.run_until(&world.kernel, &world.spawner, next_second_ns)? {
            world.meter.end_second();
            next_second_ns += SECOND_NS;
        }
    }
    // The last second is rarely a whole one.
    world.meter.end_second();
    let outcome = recorder.finish(&world.meter, &world.system, &world.kernel, alerts.finish())?;
    let tracer = world.meter.tracer.as_ref();
    Ok((
        outcome,
        tracer.map_or_else(Vec::new, |tracer| tracer.finish()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_round_number_and_there_are_at_most_300() {
        assert_eq!(step_ns(1), 1_000_000);
        assert_eq!(step_ns(300 * SECOND_NS), SECOND_NS);
        assert_eq!(step_ns(301 * SECOND_NS), 2 * SECOND_NS);
        assert_eq!(step_ns(86_400 * SECOND_NS), 500 * SECOND_NS);
    }
}
