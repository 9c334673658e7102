//! From a scenario in which every value has the right shape to a plan in which everything fits
//! together: names become what they name, quantities become plain numbers.
//!
//! Not here: the shape of single values (`shape`, `format`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::invalidation;
use crate::pattern::{LayerPlan, Read};
use crate::trace::TraceError;
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::arrivals;
use crate::workload::distribution::{self, Distribution};
use crate::workload::from_trace;
use crate::workload::parameters::{Argument, Arguments, Kind, ParameterError, Row};
use crate::workload::popularity::{Component, Drift};
use crate::{client, database, fault, simulation, workload};

use super::empirical;
use super::problem::Problem;
use super::shape::Checked;
use super::source::{Sources, Span};
use super::unit::{Duration, Unit};

mod of_alerts;
mod of_app;
mod of_client;
mod of_database;
mod of_layers;
mod of_nodes;
mod of_regions;
mod of_tier;
mod of_workload;

use of_workload::length;

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
        let geography = self.geography(root, workload.as_ref());
        let mut tiers = self.tiers(root.at("tier"), &geography);
        let mut workload = workload;
        if let (Some(workload), Some(tiers)) = (&mut workload, &tiers) {
            self.count_hottest(root, workload, tiers);
        }
        // Which nodes there are depends on who joins when.
        if let Some(tiers) = &mut tiers {
            self.announce_resizes(root, tiers);
        }
        let promises = self.promises(root.at("app").at("promises"), workload.as_ref());
        let client = self.client(root.at("client"));
        let bloom_filter = self.bloom_filter(root.at("app"), workload.as_ref());
        let database = self.database(root.at("database"), workload.as_ref(), &geography);
        let events = match (tiers.as_deref(), database.as_ref()) {
            (Some(tiers), Some(database)) => {
                let places = fault::Places {
                    instances: root.at("app").at("instances").whole_u32(),
                    geography: &geography,
                    tiers,
                    database,
                };
                self.events(root, &places, workload.as_ref())
            }
            // Whether a target exists cannot be said.
            _ => None,
        };
        // Without tiers, the names of what can be watched are unknown.
        let alerts = tiers.as_deref().map(|tiers| self.alerts(root, tiers));
        if let (Some(workload), Some(tiers)) = (&workload, &tiers) {
            self.dependents_fit(root, workload, tiers);
            self.multi_get_fits(root, workload, tiers);
            self.layers_fit(root, workload, tiers);
        }
        let client = client?;
        if let Some(workload) = &workload {
            self.pages_fit(root, workload, &client);
        }
        if let (Some(workload), Some(tiers), Some(database)) = (&workload, &tiers, &database) {
            let patience_ns = client.patience_ns();
            self.effort(root, (duration_ns, patience_ns), workload, tiers, database);
        }
        Some(simulation::Plan {
            seed: root.at("seed").whole(),
            duration_ns,
            warmup_ns: warmup.whole(),
            drain: root.at("drain").flag(),
            workload: workload?,
            client,
            geography,
            instances: root.at("app").at("instances").whole_u32(),
            bloom_filter: bloom_filter?,
            promises: promises?,
            tiers: tiers?,
            database: database::Plan {
                outlives_callers: client.abandoned == client::Abandoned::Stop
                    || events.as_deref().is_some_and(fault::crash_instances),
                ..database?
            },
            events: events?,
            alerts: alerts?,
        })
    }

    /// Counts the keys of a trace, if a tier wants to know the most popular ones.
    fn count_hottest(
        &mut self,
        root: &Checked,
        workload: &mut workload::Plan,
        tiers: &[LayerPlan],
    ) {
        let wanted = tiers.iter().map(LayerPlan::popular_keys).max();
        let (Some(trace), Some(wanted)) = (&mut workload.trace, wanted) else {
            return;
        };
        // Other variants may want to know as well.
        let counted = match self.traces.get_mut(trace.path()) {
            Some(Ok(known)) => {
                let counted = known.count_hottest(wanted);
                trace.know_hottest_of(known, wanted);
                counted
            }
            _ => Ok(()),
        };
        if let Err(error) = counted {
            let span = root.at("workload").at("trace").span;
            self.problem(span, error.to_string(), "");
        }
    }

    /// Refuses what would run for ever, or for years: users who never wait for anything, and
    /// sweeps without a pause.
    fn effort(
        &mut self,
        root: &Checked,
        (duration_ns, patience_ns): (Nanoseconds, Option<Nanoseconds>),
        workload: &workload::Plan,
        tiers: &[LayerPlan],
        database: &database::Plan,
    ) {
        let duration_ns = duration_ns as f64;
        if let arrivals::Plan::Closed(closed) = &workload.arrivals {
            // The fastest answer is a hit in the first tier.
            let answer_ns = match tiers.first() {
                Some(layer) => layer.tier.network.mean() + layer.tier.service_time.mean(),
                None => database.network.mean() + database.service_time.mean(),
            };
            let answer_ns = patience_ns.map_or(answer_ns, |most| answer_ns.min(most as f64));
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

    /// Refuses exchanges of many keys for clients who do more than wait.
    fn pages_fit(&mut self, root: &Checked, workload: &workload::Plan, client: &client::Plan) {
        let Some(page) = &workload.page else { return };
        if page.multi_get.is_none() || client.is_plain() {
            return;
        }
        let message = "`workload.page.multi_get`: clients with a deadline, a timeout, retries or hedges ask for each key by itself";
        let help = "remove `multi_get`, or what `[client]` says";
        let place = root.at("workload").at("page").at("multi_get");
        self.problem(place.span, message, help);
    }

    /// Many keys are looked up with one exchange by an app that conducts, and under the keys of the
    /// rows.
    fn multi_get_fits(&mut self, root: &Checked, workload: &workload::Plan, tiers: &[LayerPlan]) {
        let Some(page) = &workload.page else { return };
        if page.multi_get.is_none() {
            return;
        }
        let (problem, help) = match tiers.first() {
            None => ("there is no tier", "remove it, or add a `[[tier]]`"),
            Some(first) if first.pattern.read != Read::Aside => (
                "the first tier is asked key by key where it loads by itself",
                "remove it, or give the first tier `read = \"aside\"`",
            ),
            Some(first) if first.tier.has_versioned_keys => (
                "the version of each key is asked for first",
                "remove it, or the \"versioned-keys\" of the first tier",
            ),
            Some(first) if first.tier.cacheable < 1.0 || first.tier.personalised > 0.0 => (
                "each key passes the first tier by, or belongs to a session, on its own account",
                "remove it, or `cacheable` and `personalised` of the first tier",
            ),
            Some(_) => return,
        };
        let place = root.at("workload").at("page").at("multi_get");
        self.problem(
            place.span,
            format!("`workload.page.multi_get`: {problem}"),
            help,
        );
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
                Kind::Word(_) => Argument::Word(value.text().to_owned()),
                Kind::Counts => {
                    let counts = value.list().iter().map(Checked::whole);
                    Argument::Counts(counts.collect())
                }
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

    fn line(&self, span: Span) -> usize {
        let text = &self.sources.get(span.source).text;
        text.bytes()
            .take(span.start)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
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
}

fn limit(checked: &Checked) -> Option<u32> {
    checked.amount().map(|_| checked.whole_u32())
}

fn row<T>(table: &'static [Row<T>], name: &str) -> Option<&'static Row<T>> {
    table.iter().find(|row| row.name == name)
}
