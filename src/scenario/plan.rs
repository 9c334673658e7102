//! From a scenario in which every value has the right shape to a plan in which everything fits
//! together: names become what they name, quantities become plain numbers.
//!
//! Not here: the shape of single values (`shape`, `format`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::fault;
use crate::invalidation::{self, INVALIDATIONS};
use crate::pattern::{self, LayerPlan, PAIRS, READS, REFRESH, WRITES};
use crate::promise::{self, PROMISES};
use crate::random::Luck;
use crate::trace::TraceError;
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::arrivals::{self, Open};
use crate::workload::distribution::{self, Distribution};
use crate::workload::from_trace;
use crate::workload::parameters::{Argument, Arguments, Kind, ParameterError, Row};
use crate::workload::popularity::{self, Component, Drift, Keys};
use crate::{database, defence, placement, simulation, tier, workload};

use super::empirical;
use super::format::{read_capacity, read_eviction, read_jitter, takes_curve};
use super::problem::Problem;
use super::shape::{Checked, Sound};
use super::source::{Sources, Span};
use super::unit::{Duration, Unit};

/// More requests than a run could serve in a year are a typing error.
const MOST_REQUESTS: f64 = 1e12;

/// As long as a duration may be that is written: ten years.
const LONGEST_NS: Nanoseconds = 3650 * 24 * 3600 * SECOND_NS;

/// Traces by their paths, each read once to its end.
pub(super) type Traces = BTreeMap<PathBuf, Result<from_trace::Plan, TraceError>>;

/// Makes the plan of a scenario; problems are added to `problems`, and then there is none.
pub(super) fn plan(
    root: &Checked,
    folder: &Path,
    sources: &Sources,
    traces: &mut Traces,
    problems: &mut Vec<Problem>,
) -> Option<simulation::Plan> {
    let mut planner = Planner {
        folder,
        sources,
        traces,
        problems,
    };
    let before = planner.problems.len();
    let plan = planner.scenario(root);
    if planner.problems.len() > before {
        None
    } else {
        plan
    }
}

struct Planner<'a> {
    /// Where the scenario lies, for the files that it names.
    folder: &'a Path,
    sources: &'a Sources,
    traces: &'a mut Traces,
    problems: &'a mut Vec<Problem>,
}

impl Planner<'_> {
    fn problem(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(span, message).help(help));
    }

    fn scenario(&mut self, root: &Checked) -> Option<simulation::Plan> {
        let written_ns = root.get("duration").map(Checked::whole);
        let warmup = root.at("warmup");
        let workload = self.workload(root.at("workload"), written_ns, warmup);
        let (workload, duration_ns) = match workload {
            Some((workload, duration_ns)) => (Some(workload), Some(duration_ns)),
            None => (None, written_ns),
        };
        if let Some(duration_ns) = duration_ns
            && warmup.whole() >= duration_ns
        {
            let message = if written_ns == Some(duration_ns) {
                format!(
                    "`warmup` must be less than `duration`: {} of {} leaves nothing to measure",
                    Duration(warmup.whole()),
                    Duration(duration_ns)
                )
            } else {
                format!(
                    "`warmup` must be less than the length of the trace: {} of {} leaves nothing to measure",
                    Duration(warmup.whole()),
                    length(duration_ns)
                )
            };
            self.problem(warmup.span, message, "lower `warmup` or raise `duration`");
        }
        let duration_ns = duration_ns.unwrap_or(0);
        let tiers = self.tiers(root.at("tier"));
        let events = self.events(root, tiers.as_deref());
        let promises = self.promises(root.at("app").at("promises"), workload.as_ref());
        let database = self.database(root.at("database"));
        if let (Some(workload), Some(tiers)) = (&workload, &tiers) {
            self.dependents_fit(root, workload, tiers);
        }
        if let (Some(workload), Some(tiers), Some(database)) = (&workload, &tiers, &database) {
            self.effort(root, duration_ns as f64, workload, tiers, database);
        }
        Some(simulation::Plan {
            seed: root.at("seed").whole(),
            duration_ns,
            warmup_ns: warmup.whole(),
            drain: root.at("drain").flag(),
            workload: workload?,
            instances: root.at("app").at("instances").whole_u32(),
            promises: promises?,
            tiers: tiers?,
            database: database?,
            events: events?,
        })
    }

    /// What readers are promised, each thing once.
    fn promises(
        &mut self,
        checked: &Checked,
        workload: Option<&workload::Plan>,
    ) -> Option<Vec<promise::Plan>> {
        let place = "app.promises";
        let mut promises: Vec<promise::Plan> = Vec::new();
        for made in checked.list() {
            let plan = self.chosen(place, "kind", PROMISES, made)?;
            if promises.iter().any(|other| other.name() == plan.name()) {
                let message = format!("`{place}` names `{}` twice", plan.name());
                self.problem(made.span, message, "remove one of the two");
                return None;
            }
            if plan.needs_sessions() && workload.is_some_and(|it| it.sessions.is_none()) {
                let message = format!(
                    "`{}` is promised to clients with an identity, and there are none",
                    plan.name()
                );
                let help = "add `sessions = { count = \"10k\" }` to `[workload]`";
                self.problem(made.span, message, help);
                return None;
            }
            promises.push(plan);
        }
        Some(promises)
    }

    /// Refuses what would run for ever, or for years: users who never wait for anything, and
    /// sweeps without a pause.
    fn effort(
        &mut self,
        root: &Checked,
        duration_ns: f64,
        workload: &workload::Plan,
        tiers: &[LayerPlan],
        database: &database::Plan,
    ) {
        if let arrivals::Plan::Closed(closed) = &workload.arrivals {
            // The fastest answer is a hit in the first tier.
            let answer_ns = match tiers.first() {
                Some(layer) => layer.tier.network.mean() + layer.tier.service_time.mean(),
                None => database.network.mean() + database.service_time.mean(),
            };
            let turn_ns = closed.think().mean() + answer_ns;
            let requests = f64::from(closed.users()) * duration_ns / turn_ns;
            // Where nothing takes any time, it is infinite.
            if requests > MOST_REQUESTS {
                let arrivals = root.at("workload").at("arrivals");
                let place = arrivals.get("think").unwrap_or(arrivals);
                let message = if turn_ns > 0.0 {
                    format!("{requests:.1e} requests are more than can be simulated")
                } else {
                    "users who do not think and are answered at once ask infinitely often".into()
                };
                let help = "give them some time to `think`, for example \"1s\"";
                self.problem(place.span, message, help);
            }
        }
        for (layer, checked) in tiers.iter().zip(root.at("tier").list()) {
            let Some(sweep) = layer.tier.sweep else {
                continue;
            };
            let sweeps = f64::from(layer.tier.nodes) * duration_ns / sweep.interval_ns as f64;
            if sweeps > MOST_REQUESTS {
                let interval = checked.at("sweep").at("interval");
                let message = format!("{sweeps:.1e} sweeps are more than can be simulated");
                self.problem(
                    interval.span,
                    message,
                    "raise `interval`, for example to \"100ms\"",
                );
            }
        }
    }

    /// What depends on what, and who deletes it: both or none, and not where what was acknowledged
    /// is not committed yet.
    fn dependents_fit(&mut self, root: &Checked, workload: &workload::Plan, tiers: &[LayerPlan]) {
        for (layer, checked) in tiers.iter().zip(root.at("tier").list()) {
            let name = &layer.tier.name;
            if layer.invalidations.contains(&invalidation::Plan::Tags)
                && workload.dependents.is_none()
            {
                let message = format!(
                    "`tier.{name}.invalidation`: tags have nothing to delete, because no row depends on another"
                );
                let help = "say how many do, for example `dependents = 5` in `[workload]`";
                self.problem(checked.at("invalidation").span, message, help);
            }
            if layer.pattern.write.is_behind() && workload.dependents.is_some() {
                let message = format!(
                    "`workload.dependents` change when the database commits, and the tier `{name}` acknowledges writes before that"
                );
                let help = "give the tier another `write`, or remove `dependents`";
                let dependents = root.at("workload").at("dependents");
                self.problem(dependents.span, message, help);
            }
        }
    }

    /// The workload, and how long requests arrive: `duration_ns` as written, or until a trace ends.
    fn workload(
        &mut self,
        checked: &Checked,
        duration_ns: Option<Nanoseconds>,
        warmup: &Checked,
    ) -> Option<(workload::Plan, Nanoseconds)> {
        let seconds = duration_ns.map_or(0.0, |duration_ns| duration_ns as f64 / 1e9);
        let arrivals = match checked.get("arrivals") {
            None => Some(None),
            Some(arrivals) => self.arrivals(arrivals, seconds).map(Some),
        };
        let keys = match checked.get("keys") {
            None => Some(None),
            Some(keys) => self.keys(keys).map(Some),
        };
        let write_keys = match checked.get("write_keys") {
            None => Some(None),
            Some(keys) => self.keys_of("workload.write_keys", keys).map(Some),
        };
        let size = self.distribution("workload.value_size", checked.at("value_size"));
        let dependents = self.dependents(checked);
        let reads = checked.at("reads");
        if let Some(trace) = checked.get("trace") {
            let arrivals = arrivals?;
            let (plan, duration_ns) = self.trace(trace, checked, arrivals.as_ref(), duration_ns)?;
            if let Some(arrivals::Plan::Open(open)) = &arrivals {
                self.outlasts_warmup(&plan, open, warmup);
            }
            if plan.fields().operation && reads.base() != 1.0 {
                let message = "`workload.reads` is of no use: the trace says itself which of its requests are reads";
                let help = "remove `reads`, or convert the trace to a format without operations, such as key-per-line";
                self.problem(reads.span, message, help);
            }
            let plan = workload::Plan::from_trace(plan, arrivals, reads.base(), size?);
            let plan = self.sound("workload", plan, reads)?;
            return Some((with_sessions(plan, checked), duration_ns));
        }
        if let Some(speed) = checked.get("speed") {
            let help = "remove it, or add `trace = \"FILE\"`";
            self.problem(
                speed.span,
                "`workload.speed` is of a trace, and there is none",
                help,
            );
        }
        // The grammar asks for all three where there is no trace.
        let (arrivals, keys, duration_ns) = (arrivals??, keys??, duration_ns?);
        let plan = workload::Plan::new(arrivals, keys, reads.base(), size?);
        let mut plan = self
            .sound("workload", plan, reads)?
            .with_write_keys(write_keys?);
        plan.dependents = dependents?;
        Some((with_sessions(plan, checked), duration_ns))
    }

    /// How many rows are derived from a row, if any are.
    fn dependents(&mut self, workload: &Checked) -> Option<Option<Distribution>> {
        let checked = workload.at("dependents");
        let dependents = self.distribution("workload.dependents", checked)?;
        if dependents.as_constant() == Some(0.0) {
            return Some(None);
        }
        if workload.get("trace").is_some() {
            let message = "`workload.dependents` are drawn from `keys`, and a trace has none";
            self.problem(checked.span, message, "remove one of the two");
            return None;
        }
        Some(Some(dependents))
    }

    /// Refuses a trace whose last request arrives in the first half of the warm-up. Nearer to its end
    /// luck decides; the report then says that nothing was measured.
    fn outlasts_warmup(
        &mut self,
        trace: &from_trace::Plan,
        arrivals: &arrivals::Open,
        warmup: &Checked,
    ) {
        let half_ns = warmup.whole() / 2;
        let mut instants = arrivals::Arrivals::new(arrivals, Luck::new(1, 0));
        let arrives_early = |_| instants.next().is_some_and(|at_ns| at_ns < half_ns);
        if half_ns > 0 && (0..trace.requests()).all(arrives_early) {
            let message = format!(
                "the trace has {} requests, and all of them arrive before the warm-up of {} is over",
                trace.requests(),
                Duration(warmup.whole())
            );
            self.problem(
                warmup.span,
                message,
                "lower `warmup`, or let the requests arrive more slowly",
            );
        }
    }

    /// The trace of a workload, and how long its requests arrive.
    fn trace(
        &mut self,
        trace: &Checked,
        workload: &Checked,
        arrivals: Option<&arrivals::Plan>,
        duration_ns: Option<Nanoseconds>,
    ) -> Option<(from_trace::Plan, Nanoseconds)> {
        if let Some(keys) = workload.get("keys") {
            let message = "`workload.keys` and `workload.trace` both say which keys are asked for";
            self.problem(keys.span, message, "remove one of the two");
        }
        if let Some(keys) = workload.get("write_keys") {
            let message =
                "`workload.write_keys` and `workload.trace` both say which keys are written";
            self.problem(keys.span, message, "remove one of the two");
        }
        let path = self.folder.join(trace.text());
        if !path.exists() {
            let message = format!("cannot read {}: there is no such file", path.display());
            let help = "the path is relative to the folder of the scenario";
            self.problem(trace.span, message, help);
            return None;
        }
        let scanned = self
            .traces
            .entry(path.clone())
            .or_insert_with(|| from_trace::Plan::scan(&path))
            .clone();
        let plan = match scanned {
            Ok(plan) => plan,
            Err(error) => {
                let message = error.to_string();
                // A scenario cannot name the format: what the reader advises is for `cachesim trace`.
                let (message, help) = match message
                    .split_once("; if you know it, name it with --from")
                {
                    Some((message, _)) => (
                        message,
                        "`cachesim trace convert FILE OUT --from FORMAT` writes it in a format that is recognised",
                    ),
                    None => (
                        message.as_str(),
                        "`cachesim trace info FILE` shows what can be read of a trace",
                    ),
                };
                self.problem(trace.span, message, help);
                return None;
            }
        };
        let speed = workload.get("speed");
        let Some(arrivals) = arrivals else {
            if !plan.fields().time {
                let message = format!("{} does not say when its requests came", path.display());
                let help = "add `arrivals`, for example `arrivals = \"1k/s\"`";
                self.problem(trace.span, message, help);
                return None;
            }
            if plan.is_one_instant() {
                let message = format!(
                    "all requests of {} come at one instant, which has no rate",
                    path.display()
                );
                let help = "add `arrivals`, for example `arrivals = \"1k/s\"`";
                self.problem(trace.span, message, help);
                return None;
            }
            let plan = plan.at_own_times(speed.map_or(1.0, Checked::base));
            // The last request arrives within the run.
            let length_ns = plan.last_arrival_ns().unwrap_or(0).saturating_add(1);
            if length_ns > LONGEST_NS {
                let message = format!(
                    "the trace is {} long, more than the {} that a run may take",
                    length(length_ns),
                    Duration(LONGEST_NS)
                );
                self.problem(trace.span, message, "raise `speed`, or give `arrivals`");
                return None;
            }
            return Some((plan, duration_ns.map_or(length_ns, |it| it.min(length_ns))));
        };
        if let Some(speed) = speed {
            let message = "`workload.speed` is of the trace's own times, but `arrivals` says when requests arrive";
            self.problem(speed.span, message, "remove one of the two");
        }
        let duration_ns = match (duration_ns, arrivals) {
            (Some(duration_ns), _) => duration_ns,
            (None, arrivals::Plan::Open(open)) => {
                // The end of a run is where its own last request is: this is only never too early.
                let mut instants = arrivals::Arrivals::new(open, Luck::new(1, 0));
                let last_ns = (0..plan.requests()).map_while(|_| instants.next()).last();
                last_ns
                    .unwrap_or(0)
                    .saturating_mul(2)
                    .clamp(SECOND_NS, LONGEST_NS)
            }
            (None, arrivals::Plan::Closed(_)) => {
                let span = workload.get("arrivals").map_or(trace.span, |it| it.span);
                let message = "how long users ask depends on the answers, so `duration` is needed";
                self.problem(
                    span,
                    message,
                    "add it to the top of the file: `duration = \"5m\"`",
                );
                return None;
            }
        };
        Some((plan, duration_ns))
    }

    /// Reports that a parameter makes no sense, where it is written.
    fn sound<T>(
        &mut self,
        place: &str,
        built: Result<T, ParameterError>,
        checked: &Checked,
    ) -> Option<T> {
        match built {
            Ok(value) => Some(value),
            Err(error) => {
                let span = checked
                    .get(error.parameter)
                    .map_or(checked.span, |parameter| parameter.span);
                self.problem(
                    span,
                    format!("`{place}.{}` {}", error.parameter, error.problem),
                    "",
                );
                None
            }
        }
    }

    fn arrivals(&mut self, checked: &Checked, seconds: f64) -> Option<arrivals::Plan> {
        let (plan, peak) = if checked.amount().is_some() {
            let open = self.sound("workload", Open::poisson(checked.base()), checked)?;
            (arrivals::Plan::Open(open), checked.base())
        } else {
            let process = checked.at("process").text().to_owned();
            let curve = checked
                .get("rate")
                .filter(|rate| takes_curve(&process) && rate.get("curve").is_some());
            if let Some(curve) = curve {
                let row = row(arrivals::CURVES, curve.at("curve").text())?;
                let arguments = self.arguments("workload.arrivals.rate", row, curve)?;
                let shape = self.sound("workload.arrivals.rate", (row.build)(&arguments), curve)?;
                // A curve gives rates outright, so the process under it has rate 1.
                let open = if process == "constant" {
                    Open::constant(1.0)
                } else {
                    Open::poisson(1.0)
                };
                let open = self
                    .sound("workload.arrivals", open, checked)?
                    .with_curve(shape);
                let points = curve.get("points").map_or(&[][..], Checked::list).iter();
                let highest = points
                    .filter_map(|pair| pair.list().get(1))
                    .map(Checked::base)
                    .fold(0.0, f64::max);
                let highest = curve.get("high").map_or(highest, Checked::base);
                if highest <= 0.0 {
                    self.problem(curve.span, "the rate is 0 all the time", "");
                    return None;
                }
                (arrivals::Plan::Open(open), highest)
            } else {
                let row = row(arrivals::TABLE, &process)?;
                let arguments = self.arguments("workload.arrivals", row, checked)?;
                let plan = self.sound("workload.arrivals", (row.build)(&arguments), checked)?;
                let peak = match &plan {
                    arrivals::Plan::Open(open) => open.mean_rate_per_s(),
                    arrivals::Plan::Closed(_) => 0.0,
                };
                (plan, peak)
            }
        };
        if peak * seconds > MOST_REQUESTS {
            let message = format!(
                "{:.1e} requests are more than can be simulated",
                peak * seconds
            );
            let help =
                format!("lower the rate or the duration: at most {MOST_REQUESTS:.0e} requests");
            self.problem(checked.span, message, help);
            return None;
        }
        Some(plan)
    }

    fn keys(&mut self, checked: &Checked) -> Option<Keys> {
        self.keys_of("workload.keys", checked)
    }

    fn keys_of(&mut self, place: &str, checked: &Checked) -> Option<Keys> {
        let row = row(popularity::TABLE, checked.at("distribution").text())?;
        let arguments = self.arguments(place, row, checked)?;
        self.sound(place, (row.build)(&arguments), checked)
    }

    /// A distribution of durations or sizes; `place` is its path, for messages.
    fn distribution(&mut self, place: &str, checked: &Checked) -> Option<Distribution> {
        if checked.amount().is_some() {
            return self.sound(place, Distribution::constant(checked.base()), checked);
        }
        let row = row(distribution::TABLE, checked.at("distribution").text())?;
        // Said here rather than by the constructors, because here the units are known.
        for (low, high, strictly) in [
            ("low", "high", false),
            ("median", "p99", true),
            ("shift", "cap", false),
        ] {
            let (Some(low_value), Some(high_value)) = (checked.get(low), checked.get(high)) else {
                continue;
            };
            let (Some(low_amount), Some(high_amount)) = (low_value.amount(), high_value.amount())
            else {
                continue;
            };
            if low_amount.base() > high_amount.base()
                || strictly && low_amount.base() == high_amount.base()
            {
                let message = format!(
                    "`{place}.{high}` must be {} `{low}`: {high_amount} is not {} {low_amount}",
                    if strictly { "above" } else { "at least" },
                    if strictly { "above" } else { "at least" },
                );
                self.problem(high_value.span, message, "");
                return None;
            }
        }
        let mut arguments = self.arguments(place, row, checked)?;
        if row.name == "empirical" {
            match (checked.get("quantiles"), checked.get("file")) {
                (Some(_), None) => {}
                (None, Some(file)) => {
                    let unit = if place.ends_with("size") {
                        Unit::Size
                    } else if place.ends_with("dependents") {
                        Unit::Count
                    } else {
                        Unit::Duration
                    };
                    match empirical::read(&self.folder.join(file.text()), unit) {
                        Ok(quantiles) => arguments.set("quantiles", Argument::Pairs(quantiles)),
                        Err(wrong) => {
                            self.problem(file.span, wrong.message, wrong.help);
                            return None;
                        }
                    }
                }
                (Some(_), Some(file)) => {
                    self.problem(
                        file.span,
                        "an empirical distribution has `quantiles` or a `file`, not both",
                        "remove one of the two",
                    );
                    return None;
                }
                (None, None) => {
                    let help = "add `quantiles = [[0.5, \"5ms\"], [1.0, \"80ms\"]]` or `file = \"latency.csv\"`";
                    self.problem(
                        checked.span,
                        "an empirical distribution needs `quantiles` or a `file`",
                        help,
                    );
                    return None;
                }
            }
        }
        let built = self.sound(place, (row.build)(&arguments), checked)?;
        // Bursts without a mean are self-similar traffic; work without one never ends.
        if !built.mean().is_finite() && !place.starts_with("workload.arrivals") {
            let help = "add a `cap`, or raise `exponent` above 1";
            self.problem(
                checked.span,
                format!("the mean of `{place}` is infinite"),
                help,
            );
            return None;
        }
        Some(built)
    }

    /// What `checked` says about the parameters of `row`, in base units.
    fn arguments<T>(&mut self, place: &str, row: &Row<T>, checked: &Checked) -> Option<Arguments> {
        let mut arguments = Arguments::new();
        for parameter in row.parameters {
            let Some(value) = checked.get(parameter.name) else {
                continue;
            };
            let argument = match parameter.kind {
                Kind::Quantity
                | Kind::Number
                | Kind::Share
                | Kind::Count
                | Kind::Duration
                | Kind::Rate => Argument::Number(value.base()),
                Kind::Switch => Argument::Switch(value.flag()),
                Kind::Quantiles | Kind::Instants | Kind::States => {
                    let pairs = value.list().iter().filter_map(|pair| match pair.list() {
                        [first, second] => Some((first.base(), second.base())),
                        _ => None,
                    });
                    Argument::Pairs(pairs.collect())
                }
                Kind::Durations => {
                    let place = format!("{place}.{}", parameter.name);
                    Argument::Distribution(self.distribution(&place, value)?)
                }
                Kind::Components => {
                    let mut components = Vec::new();
                    for part in value.list() {
                        components.push(Component {
                            weight: part.at("weight").base(),
                            first_key: part.at("first_key").whole(),
                            keys: self.keys(part)?,
                        });
                    }
                    Argument::Components(components)
                }
                Kind::Drift => {
                    let drift = Drift::new(value.at("period").base(), value.at("share").base());
                    Argument::Drift(self.sound(&format!("{place}.drift"), drift, value)?)
                }
            };
            arguments.set(parameter.name, argument);
        }
        Some(arguments)
    }

    fn tiers(&mut self, checked: &Checked) -> Option<Vec<LayerPlan>> {
        let mut layers: Vec<Option<LayerPlan>> = Vec::new();
        for (index, tier) in checked.list().iter().enumerate() {
            let name = tier.at("name");
            let first = checked.list()[..index]
                .iter()
                .find(|other| other.at("name").is(name.text()));
            if let Some(first) = first {
                let message = format!("two tiers are called `{}`", name.text());
                let help = format!(
                    "rename one of them; the first is on line {}",
                    self.line(first.at("name").span)
                );
                self.problem(name.span, message, help);
            }
            layers.push(self.tier(tier));
        }
        layers.into_iter().collect()
    }

    fn line(&self, span: Span) -> usize {
        let text = &self.sources.get(span.source).text;
        text.bytes()
            .take(span.start)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    }

    fn tier(&mut self, checked: &Checked) -> Option<LayerPlan> {
        let name = checked.at("name").text();
        let network = self.distribution(&format!("tier.{name}.network"), checked.at("network"));
        let service = checked.at("service");
        let service_time =
            self.distribution(&format!("tier.{name}.service.time"), service.at("time"));
        // These have been read once already, so they read again.
        let capacity = read_capacity(checked.at("capacity").text()).ok()?;
        let eviction = read_eviction(checked.at("eviction").text()).ok()?;
        let overhead = checked.at("entry_overhead");
        let sweep = checked.at("sweep");
        let ttl = checked.at("ttl");
        let ttl = ttl.get("base").map(|base| time_to_live(base, ttl));
        let pattern = self.pattern(name, checked.at("pattern"), ttl.as_ref());
        let defence = self.chosen(
            &format!("tier.{name}.defence"),
            "kind",
            defence::DEFENCES,
            checked.at("defence"),
        );
        let mut layer = LayerPlan {
            tier: tier::Plan {
                name: name.into(),
                scope: scope(checked.at("scope"))?,
                delete_failure: checked.at("delete_failure").base(),
                tombstone_ns: None,
                has_versioned_keys: false,
                leases: None,
                nodes: checked.at("nodes").whole_u32(),
                capacity,
                entry_overhead_bytes: overhead.whole(),
                eviction,
                ttl,
                sweep: sweep.get("interval").map(|interval| tier::Sweep {
                    interval_ns: interval.whole(),
                    sample: sweep.at("sample").whole_u32(),
                }),
                placement: self.placement(name, checked)?,
                network: network?,
                workers: service.at("workers").whole_u32(),
                service_time: service_time?,
                queue_limit: limit(service.at("queue_limit")),
            },
            pattern: pattern?,
            defence: defence?,
            invalidations: Vec::new(),
        };
        for mechanism in checked.at("invalidation").list() {
            let place = format!("tier.{name}.invalidation");
            let plan = self.chosen(&place, "kind", INVALIDATIONS, mechanism)?;
            let again = layer
                .invalidations
                .iter()
                .any(|other: &invalidation::Plan| other.name() == plan.name());
            if again {
                let message = format!("`{place}` names `{}` twice", plan.name());
                self.problem(mechanism.span, message, "remove one of the two");
                return None;
            }
            if let Some((message, help)) = misfit(&plan, &layer) {
                self.problem(mechanism.span, format!("`{place}`: {message}"), help);
                return None;
            }
            plan.prepare(&mut layer.tier);
            layer.invalidations.push(plan);
        }
        layer.defence.prepare(&mut layer.tier);
        if layer.tier.leases.is_some() && layer.pattern.read == pattern::Read::Through {
            let message = format!(
                "`tier.{name}.defence`: leases are given to those who fill the cache, and with `read = \"through\"` the tier does so itself"
            );
            let help = "use `defence = \"single-flight\"`, or `read = \"aside\"`";
            self.problem(checked.at("defence").span, message, help);
            return None;
        }
        Some(layer)
    }

    fn placement(&mut self, name: &str, tier: &Checked) -> Option<placement::Plan> {
        let checked = tier.at("placement");
        let plan = placement(checked)?;
        if let Err((setting, problem)) = plan.check(tier.at("nodes").whole_u32()) {
            let setting = setting_name(setting);
            let span = checked.get(setting).map_or(checked.span, |it| it.span);
            let message = format!("`tier.{name}.placement.{setting}` {problem}");
            self.problem(span, message, "");
            return None;
        }
        Some(plan)
    }

    /// What `checked` chooses from a table.
    fn chosen<T>(
        &mut self,
        place: &str,
        tag: &str,
        table: &'static [Row<T>],
        checked: &Checked,
    ) -> Option<T> {
        let row = row(table, checked.at(tag).text())?;
        let arguments = self.arguments(place, row, checked)?;
        self.sound(place, (row.build)(&arguments), checked)
    }

    fn pattern(
        &mut self,
        name: &str,
        checked: &Checked,
        ttl: Option<&tier::TimeToLive>,
    ) -> Option<pattern::Plan> {
        let place = format!("tier.{name}.pattern");
        let plan = if let Sound::Text(pair) = &checked.value {
            PAIRS.iter().find(|row| row.name == pair)?.plan()
        } else {
            let write = row(WRITES, checked.at("write").text())?;
            for other in WRITES.iter().filter(|other| other.name != write.name) {
                for parameter in other.parameters {
                    if let Some(value) = checked.get(parameter.name) {
                        let message = format!(
                            "`{place}.{}` is a setting of `write = \"{}\"`, not of `write = \"{}\"`",
                            parameter.name, other.name, write.name
                        );
                        self.problem(value.span, message, "remove it, or change `write`");
                        return None;
                    }
                }
            }
            let refresh = checked.at("refresh");
            let refresh = if matches!(refresh.value, Sound::Text(_)) {
                None
            } else {
                let place = format!("{place}.refresh");
                let arguments = self.arguments(&place, &REFRESH, refresh)?;
                Some(self.sound(&place, (REFRESH.build)(&arguments), refresh)?)
            };
            let arguments = self.arguments(&place, write, checked)?;
            pattern::Plan {
                read: self.chosen(&place, "read", READS, checked)?,
                write: self.sound(&place, (write.build)(&arguments), checked)?,
                refresh,
            }
        };
        if plan.refresh.is_some() && ttl.is_none_or(|ttl| ttl.sliding) {
            let message = if ttl.is_some() {
                "refresh-ahead has nothing to do where each hit starts the TTL anew"
            } else {
                "refresh-ahead has nothing to do where entries do not expire"
            };
            let help = format!("give the tier a TTL: `ttl = \"60s\"` in `tier.{name}`");
            self.problem(checked.span, message, help);
            return None;
        }
        Some(plan)
    }

    fn events(&mut self, root: &Checked, tiers: Option<&[LayerPlan]>) -> Option<Vec<fault::Event>> {
        let tiers = tiers?;
        let mut events = Vec::new();
        for checked in root.at("event").list() {
            let target = checked.at("target");
            let action = self.chosen("event", "action", fault::ACTIONS, checked)?;
            match fault::Target::find(target.text(), tiers) {
                Ok(target) => events.push(fault::Event {
                    at_ns: checked.at("at").whole(),
                    action,
                    target,
                }),
                Err(wrong) => self.problem(target.span, wrong.message, wrong.help),
            }
        }
        Some(events)
    }

    fn database(&mut self, checked: &Checked) -> Option<database::Plan> {
        let service_time = self.distribution("database.service_time", checked.at("service_time"));
        let write_service_time = match checked.get("write_service_time") {
            Some(write) => self.distribution("database.write_service_time", write),
            None => service_time.clone(),
        };
        let network = self.distribution("database.network", checked.at("network"));
        let timeout = checked.at("timeout");
        Some(database::Plan {
            connections: checked.at("connections").whole_u32(),
            queue_limit: limit(checked.at("queue_limit")),
            service_time: service_time?,
            write_service_time: write_service_time?,
            slowdown: checked.at("slowdown").base(),
            timeout_ns: timeout.amount().map(|_| timeout.whole()),
            network: network?,
        })
    }
}

/// Why a mechanism cannot work in such a tier, and what it would need.
fn misfit(
    mechanism: &invalidation::Plan,
    layer: &LayerPlan,
) -> Option<(&'static str, &'static str)> {
    use invalidation::Plan as Mechanism;
    use pattern::Read;
    let scope = layer.tier.scope;
    match mechanism {
        Mechanism::PubSub(_) if scope == tier::Scope::Global => Some((
            "a bus tells other copies of an entry, and a tier with `scope = \"global\"` has but one",
            "use it in a tier with `scope = \"instance\"`, or follow the database here: \"change-capture\"",
        )),
        Mechanism::PubSub(_) | Mechanism::ChangeCapture { .. } if scope == tier::Scope::Client => {
            Some((
                "nobody sends messages to the caches of clients",
                "give the entries a short `ttl` and use \"etag\", or use this in a tier with another `scope`",
            ))
        }
        Mechanism::VersionedKeys if scope != tier::Scope::Global => Some((
            "the version of a key must be read from where all who write it raise it",
            "use it in a tier with `scope = \"global\"`",
        )),
        Mechanism::VersionedKeys if layer.pattern.read != Read::Aside => Some((
            "the app asks for the version first, and with `read = \"through\"` it does not conduct the read",
            "use `read = \"aside\"`",
        )),
        Mechanism::VersionedKeys if !layer.pattern.write.deletes() => Some((
            "the version is raised by what deletes the entry, and this `write` deletes nothing",
            "use `write = \"invalidate\"`",
        )),
        Mechanism::Etag { .. } if layer.tier.ttl.is_none() => Some((
            "where entries do not expire there is nothing to confirm",
            "give the tier a TTL, for example `ttl = \"60s\"`",
        )),
        _ => None,
    }
}

fn time_to_live(base: &Checked, ttl: &Checked) -> tier::TimeToLive {
    let jitter = ttl.at("jitter");
    let (jitter_below, jitter_above) = match &jitter.value {
        Sound::Text(text) => (0.0, read_jitter(text).unwrap_or(0.0)),
        _ => (jitter.base(), jitter.base()),
    };
    tier::TimeToLive {
        base_ns: base.whole(),
        sliding: ttl.at("sliding").flag(),
        jitter_below,
        jitter_above,
        stale_while_revalidate_ns: ttl.at("stale_while_revalidate").whole(),
        stale_if_error_ns: ttl.at("stale_if_error").whole(),
        revalidate_ns: 0,
    }
}

fn scope(checked: &Checked) -> Option<tier::Scope> {
    let row = tier::SCOPES.iter().find(|row| checked.is(row.name));
    row.map(|row| row.scope)
}

/// Who the requests come from, and which of them insist on the truth.
fn with_sessions(plan: workload::Plan, checked: &Checked) -> workload::Plan {
    let sessions = match (checked.get("sessions"), &plan.arrivals) {
        (Some(sessions), _) => Some(workload::Sessions {
            count: sessions.at("count").whole_u32(),
            own_reads: sessions.at("own_reads").base(),
        }),
        (None, arrivals::Plan::Closed(closed)) => Some(workload::Sessions {
            count: closed.users(),
            own_reads: 0.0,
        }),
        (None, arrivals::Plan::Open(_)) => None,
    };
    plan.with_sessions(sessions, checked.at("fresh_reads").base())
}

fn limit(checked: &Checked) -> Option<u32> {
    checked.amount().map(|_| checked.whole_u32())
}

fn placement(checked: &Checked) -> Option<placement::Plan> {
    let name = checked.at("scheme").text();
    let row = placement::SCHEMES.iter().find(|row| row.name == name)?;
    let plan = placement::Plan::default();
    let whole = |name: &str, default| checked.get(name).map_or(default, Checked::whole_u32);
    let weights = checked.get("weights").map_or(&[][..], Checked::list);
    Some(placement::Plan {
        scheme: row.name,
        virtual_nodes: whole("virtual_nodes", plan.virtual_nodes),
        probes: whole("probes", plan.probes),
        table_size: whole("table_size", plan.table_size),
        keys_per_tag: checked.get("keys_per_tag").map_or(1, Checked::whole),
        weights: weights.iter().map(Checked::base).collect(),
    })
}

/// Where a setting of a scheme is written.
fn setting_name(setting: placement::Setting) -> &'static str {
    match setting {
        placement::Setting::VirtualNodes => "virtual_nodes",
        placement::Setting::Probes => "probes",
        placement::Setting::TableSize => "table_size",
        placement::Setting::KeysPerTag => "keys_per_tag",
        placement::Setting::Weights => "weights",
    }
}

fn row<T>(table: &'static [Row<T>], name: &str) -> Option<&'static Row<T>> {
    table.iter().find(|row| row.name == name)
}

/// The length of a trace, which hardly ever is a round number of anything.
fn length(length_ns: Nanoseconds) -> String {
    const MILLISECOND_NS: Nanoseconds = 1_000_000;
    if length_ns.is_multiple_of(MILLISECOND_NS) {
        Duration(length_ns).to_string()
    } else {
        format!("{:.3}s", length_ns as f64 / SECOND_NS as f64)
    }
}
