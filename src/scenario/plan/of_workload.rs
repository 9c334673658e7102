//! The checked workload: what is asked, how often, from a trace or made up.

use super::{LONGEST_NS, MOST_REQUESTS, Planner, row};
use crate::random::Luck;
use crate::scenario::format::takes_curve;
use crate::scenario::shape::Checked;
use crate::scenario::unit::Duration;
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::arrivals::{self, Open};
use crate::workload::distribution::Distribution;
use crate::workload::from_trace;
use crate::workload::popularity::{self, Keys};
use crate::workload::{self, Absent, MultiGet, PAGE_MODES, Page};

impl Planner<'_> {
    /// The workload, and how long requests arrive: `duration_ns` as written, or until a trace ends.
    pub(super) fn workload(
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
        let absent = self.absent(checked);
        let page = self.page(checked);
        let deletes = checked.at("deletes").base();
        let big_keys = self.big_keys(checked);
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
            let mut plan = self.sound("workload", plan, reads)?;
            plan.deletes = deletes;
            absent?;
            page?;
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
        plan.absent = absent?;
        plan.page = page?;
        plan.deletes = deletes;
        plan.big_keys = big_keys?;
        Some((with_sessions(plan, checked), duration_ns))
    }

    /// How many keys reads need, if they need many.
    fn page(&mut self, workload: &Checked) -> Option<Option<Page>> {
        let Some(checked) = workload.get("page") else {
            return Some(None);
        };
        if workload.get("trace").is_some() {
            let message = "`workload.page` draws further keys for each read, and the requests of a trace have one";
            self.problem(checked.span, message, "remove one of the two");
            return None;
        }
        let keys = self.distribution("workload.page.keys", checked.at("keys"))?;
        let mode = PAGE_MODES
            .iter()
            .find(|row| checked.at("mode").is(row.name))?;
        let multi_get = checked.at("multi_get").flag().then(|| MultiGet {
            key_cost: checked.at("key_cost").base(),
            batch_key_cost: checked
                .at("batch_misses")
                .flag()
                .then(|| checked.at("batch_key_cost").base()),
        });
        if multi_get.is_none() && checked.at("batch_misses").flag() {
            let message =
                "`workload.page.batch_misses`: without `multi_get` each key is missed on its own";
            let help = "add `multi_get = true`";
            self.problem(checked.at("batch_misses").span, message, help);
            return None;
        }
        Some(Some(Page {
            keys,
            mode: mode.mode,
            multi_get,
        }))
    }

    /// Requests for rows that did not exist at the start, if there are such.
    fn absent(&mut self, workload: &Checked) -> Option<Option<Absent>> {
        let Some(checked) = workload.get("absent") else {
            return Some(None);
        };
        if workload.get("trace").is_some() {
            let message = "`workload.absent` has keys of its own, and a trace says itself which rows are asked for";
            self.problem(checked.span, message, "remove one of the two");
            return None;
        }
        let place = "workload.absent";
        let keys = checked.at("keys");
        let keys = if keys.amount().is_some() {
            self.sound(place, Keys::uniform(keys.whole()), keys)?
        } else {
            self.keys_of("workload.absent.keys", keys)?
        };
        let [share, creates] = ["share", "creates"].map(|name| checked.at(name).base());
        let absent = self.sound(place, Absent::new(share, keys, creates), checked)?;
        Some((share > 0.0 || creates > 0.0).then_some(absent))
    }

    /// The rows with values of a size of their own, if there are such.
    fn big_keys(&mut self, workload: &Checked) -> Option<Option<workload::BigKeys>> {
        let Some(checked) = workload.get("big_keys") else {
            return Some(None);
        };
        if workload.get("trace").is_some() {
            let message = "`workload.big_keys` come beside `keys`, and a trace has none";
            self.problem(checked.span, message, "remove one of the two");
            return None;
        }
        Some(Some(workload::BigKeys {
            count: checked.at("count").whole(),
            value_size: self.distribution("workload.big_keys.size", checked.at("size"))?,
            share: checked.at("share").base(),
        }))
    }

    /// How many rows are derived from a row, if any are.
    pub(super) fn dependents(&mut self, workload: &Checked) -> Option<Option<Distribution>> {
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
    pub(super) fn outlasts_warmup(
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
    pub(super) fn trace(
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

    pub(super) fn arrivals(&mut self, checked: &Checked, seconds: f64) -> Option<arrivals::Plan> {
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

    pub(super) fn keys(&mut self, checked: &Checked) -> Option<Keys> {
        self.keys_of("workload.keys", checked)
    }

    pub(super) fn keys_of(&mut self, place: &str, checked: &Checked) -> Option<Keys> {
        let row = row(popularity::TABLE, checked.at("distribution").text())?;
        let arguments = self.arguments(place, row, checked)?;
        self.sound(place, (row.build)(&arguments), checked)
    }
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

/// The length of a trace, which hardly ever is a round number of anything.
pub(super) fn length(length_ns: Nanoseconds) -> String {
    const MILLISECOND_NS: Nanoseconds = 1_000_000;
    if length_ns.is_multiple_of(MILLISECOND_NS) {
        Duration(length_ns).to_string()
    } else {
        format!("{:.3}s", length_ns as f64 / SECOND_NS as f64)
    }
}
