//! Reads the meter: time series while a run goes on, metrics and conservation laws at its end.

use indexmap::IndexMap;

use super::breakers::Breakers;
use super::nodes::{Nodes, put_connections, put_membership};
use super::{Plan, RunError};
use crate::alert::Watched;
use crate::database::Database;
use crate::kernel::{Kernel, Usage};
use crate::metrics::{
    Counter, GuardMeter, Histogram, LossCause, Meter, NODES_REPORTED_MAX, Outcome, ReadOutcome,
    Series, Step, TopKey, Unit,
};
use crate::pattern::System;
use crate::tier::Scope;
use crate::units::{Nanoseconds, SECOND_NS};

/// Less than this share of a second's requests answered makes it an unavailable one.
const UNAVAILABLE: f64 = 0.5;

/// Less than this, a degraded one.
const DEGRADED: f64 = 0.95;

/// Collects what is sampled while a run goes on.
pub(super) struct Recorder<'a> {
    plan: &'a Plan,
    step_s: f64,
    last_step_ns: Nanoseconds,
    steps: Vec<Step>,
    database_in_use: Vec<f64>,
    last_busy_area_ns: u128,
    breakers: Breakers,
    /// Pages in the memory of the database's servers, summed over the samples after warm-up.
    pages: u64,
    /// For each tier: entries of each node, and bytes, summed over the samples after warm-up.
    levels: Vec<Level>,
    samples: u64,
}

#[derive(Clone)]
struct Level {
    node_entries: Vec<u64>,
    node_bytes: Vec<u64>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(plan: &'a Plan, step_ns: Nanoseconds) -> Self {
        let population = plan.population();
        let level = |tier: &crate::tier::Plan| Level {
            node_entries: vec![0; tier.nodes_in_all(population) as usize],
            node_bytes: vec![0; tier.nodes_in_all(population) as usize],
        };
        Self {
            plan,
            step_s: step_ns as f64 / SECOND_NS as f64,
            last_step_ns: 0,
            steps: Vec::new(),
            database_in_use: Vec::new(),
            last_busy_area_ns: 0,
            breakers: Breakers::new(plan),
            pages: 0,
            levels: plan.tiers.iter().map(|layer| level(&layer.tier)).collect(),
            samples: 0,
        }
    }

    /// A step of the time series is over; the last one may be shorter than the others.
    pub(super) fn end_step(&mut self, meter: &Meter, system: &System, now_ns: Nanoseconds) {
        let elapsed_ns = now_ns - self.last_step_ns;
        let elapsed_s = elapsed_ns as f64 / SECOND_NS as f64;
        self.last_step_ns = now_ns;
        self.steps.push(meter.end_step(elapsed_s));
        let usages = system.database.usages();
        let area: u128 = usages.map(|usage| usage.busy_area_ns).sum();
        // The area starts anew when measuring does.
        let in_step = area.checked_sub(self.last_busy_area_ns).unwrap_or(area);
        self.last_busy_area_ns = area;
        self.database_in_use
            .push(in_step as f64 / SECOND_NS as f64 / elapsed_s);
        self.breakers.end_step(meter, now_ns, elapsed_ns);
        if meter.is_measuring() {
            self.samples += 1;
            self.pages += system.database.pages().unwrap_or(0);
            for (level, layer) in self.levels.iter_mut().zip(&system.layers) {
                for (sum, entries) in level.node_entries.iter_mut().zip(layer.tier.node_entries()) {
                    *sum += entries as u64;
                }
                for (sum, bytes) in level.node_bytes.iter_mut().zip(layer.tier.node_bytes()) {
                    *sum += bytes;
                }
            }
        }
    }

    /// The metrics of the run, once the conservation laws have been checked.
    pub(super) fn finish(
        mut self,
        meter: &Meter,
        system: &System,
        kernel: &Kernel,
        alerts: Vec<Watched>,
    ) -> Result<Outcome, RunError> {
        check_conservation(meter, system)?;
        let series = self.series();
        let latency = {
            let mut all = meter.requests.read_latency.borrow().clone();
            all.add(&meter.requests.write_latency.borrow());
            all
        };
        let mut metrics = self.metrics(meter, system, kernel.now(), &latency);
        for watched in &alerts {
            let mut put = |what: &str, value| {
                metrics.insert(format!("alert.{}.{what}", watched.alert.name), value);
            };
            put("fired", watched.fired as f64);
            put("firing", watched.firing_s);
            put("first", watched.first_s);
        }
        let staleness_quantiles = quantiles_to_the_ends(&meter.requests.staleness.borrow());
        Ok(Outcome {
            metrics,
            series,
            latency_quantiles: latency.quantiles(),
            staleness_quantiles,
            top_keys: top_keys(meter, system, kernel.now() - self.plan.warmup_ns),
            alerts: alerts.into_iter().map(|watched| watched.alert).collect(),
            requests: meter.total_arrived(),
            events: kernel.events(),
        })
    }

    fn series(&mut self) -> Vec<Series> {
        let steps = &self.steps;
        let step_s = self.step_s;
        let series = |name: &str, unit: Unit, value: &dyn Fn(&Step) -> f64| Series {
            name: name.to_owned(),
            unit,
            step_s,
            values: steps.iter().map(value).collect(),
        };
        let mut all = vec![
            series("goodput", Unit::PerSecond, &|step| step.answered_per_s),
            series("failures", Unit::PerSecond, &|step| step.failed_per_s),
            series("latency.mean", Unit::Seconds, &|step| step.latency_mean_s),
            series("latency.p50", Unit::Seconds, &|step| step.latency_p50_s),
            series("latency.p99", Unit::Seconds, &|step| step.latency_p99_s),
            series("hit_ratio", Unit::Ratio, &|step| step.hit_ratio),
            series("database.qps", Unit::PerSecond, &|step| step.queries_per_s),
        ];
        all.push(Series {
            name: "database.in_use".to_owned(),
            unit: Unit::Count,
            step_s,
            values: std::mem::take(&mut self.database_in_use),
        });
        for (level, layer) in self.plan.tiers.iter().enumerate() {
            let name = format!("tier.{}.hit_ratio", layer.tier.name);
            all.push(series(&name, Unit::Ratio, &|step| {
                step.tier_hit_ratios[level]
            }));
        }
        all.extend(self.breakers.series(step_s));
        all
    }

    fn metrics(
        &self,
        meter: &Meter,
        system: &System,
        now_ns: Nanoseconds,
        latency: &Histogram,
    ) -> IndexMap<String, f64> {
        let requests = &meter.requests;
        let measured_ns = now_ns - self.plan.warmup_ns;
        let measured_s = measured_ns as f64 / SECOND_NS as f64;
        let rate = |count: u64| count as f64 / measured_s;
        let mut metrics = Metrics::default();
        let failed = requests.failed();
        metrics.put("requests.arrived", requests.arrived.get() as f64);
        metrics.put("requests.answered", requests.answered.get() as f64);
        metrics.put("requests.failed", failed as f64);
        metrics.put("requests.rejected", requests.rejected.get() as f64);
        metrics.put("requests.timed_out", requests.timed_out.get() as f64);
        metrics.put("requests.unavailable", requests.unavailable.get() as f64);
        metrics.put("requests.shed", requests.shed.get() as f64);
        metrics.put("deadline.missed", requests.gave_up.get() as f64);
        metrics.put("requests.in_flight", meter.in_flight() as f64);
        metrics.put("requests.absent", requests.absent.get() as f64);
        metrics.put("requests.rate", rate(requests.arrived.get()));
        let in_system_area_ns = meter.in_system_area_ns(now_ns);
        metrics.put(
            "requests.concurrency",
            in_system_area_ns as f64 / measured_ns as f64,
        );
        self.goodput(&mut metrics, meter, measured_s);
        metrics.put_latency("latency", latency);
        metrics.put_latency("read.latency", &requests.read_latency.borrow());
        metrics.put_latency("write.latency", &requests.write_latency.borrow());
        let reads = requests.reads.total();
        let misses = requests.reads.get(ReadOutcome::Miss);
        metrics.put("hit_ratio", (reads - misses) as f64 / reads as f64);
        let (pages, keys) = (requests.pages.get(), requests.page_keys.get());
        metrics.put("page.keys.mean", keys as f64 / pages as f64);
        metrics.put_latency("page.key_latency", &requests.key_latency.borrow());
        self.bloom_metrics(&mut metrics, meter);
        for (level, layer) in system.layers.iter().enumerate() {
            self.tier_metrics(&mut metrics, meter, level, &layer.tier, measured_ns);
        }
        self.database_metrics(&mut metrics, meter, &system.database, measured_ns);
        let database = &meter.database;
        let stampedes = database.stampedes.get() as f64;
        metrics.put("stampede.events", stampedes);
        metrics.put("stampede.rate", stampedes / measured_s);
        metrics.put("stampede.peak", database.stampede_peak.get() as f64);
        metrics.put(
            "stampede.duplicates",
            database.duplicate_fetches.get() as f64,
        );
        let mut staleness = requests.staleness.borrow().clone();
        let stale = staleness.count();
        staleness.record_zeros(reads - stale);
        metrics.put("staleness.ratio", stale as f64 / reads as f64);
        metrics.put("staleness.mean", staleness.mean_s());
        metrics.put("staleness.p99", staleness.quantile_s(0.99));
        metrics.put("staleness.max", staleness.max_s());
        let writes = &meter.writes;
        let lost = LossCause::ALL.map(|(cause, name)| (name, writes.lost_to(cause)));
        let lost_writes: u64 = lost.iter().map(|(_, count)| count).sum();
        metrics.put("consistency.lost_writes", lost_writes as f64);
        for (cause, count) in lost {
            metrics.put(&format!("consistency.lost_writes.{cause}"), count as f64);
        }
        metrics.put("consistency.lost_rows", writes.lost_rows() as f64);
        metrics.put("consistency.accepted_writes", writes.accepted() as f64);
        metrics.put("consistency.stored_writes", writes.stored() as f64);
        metrics.put("consistency.pending_writes", system.pending_writes() as f64);
        // Who has no identity cannot notice.
        let noticed = |count: u64| match self.plan.workload.sessions {
            Some(_) => count as f64,
            None => f64::NAN,
        };
        metrics.put(
            "consistency.read_your_writes_violations",
            noticed(requests.read_your_writes_violations.get()),
        );
        metrics.put(
            "consistency.monotonic_read_violations",
            noticed(requests.monotonic_read_violations.get()),
        );
        metrics.put(
            "consistency.bypassing_reads",
            requests.bypassing.get() as f64,
        );
        metrics.put(
            "consistency.refused_copies",
            requests.refused_copies.get() as f64,
        );
        metrics.0
    }

    /// Share of the measured time that the breakers of all instances were open.
    fn open_ratio(&self, guard: &GuardMeter, measured_ns: Nanoseconds) -> f64 {
        let area_ns = guard
            .open_breakers
            .area_ns(self.plan.warmup_ns + measured_ns);
        area_ns as f64 / (f64::from(self.plan.instances) * measured_ns as f64)
    }

    /// How much of the work was of use, and when it was not.
    fn goodput(&self, metrics: &mut Metrics, meter: &Meter, measured_s: f64) {
        let requests = &meter.requests;
        let seconds = meter.seconds.borrow();
        let arrived = requests.arrived.get() as f64;
        let answered = requests.answered.get() as f64;
        let answers = answered + requests.useless_answers.get() as f64;
        let first_attempts = arrived + requests.further_keys.get() as f64;
        let attempts =
            first_attempts + requests.retries.get() as f64 + requests.hedges.get() as f64;
        metrics.put("goodput.rate", answered / measured_s);
        metrics.put("goodput.ratio", answered / arrived);
        metrics.put("goodput.worst_second", seconds.worst());
        metrics.put("throughput.rate", answers / measured_s);
        metrics.put("retries.attempts", attempts);
        metrics.put("retries.amplification", attempts / first_attempts);
        metrics.put("retries.refused", requests.retries_refused.get() as f64);
        metrics.put("hedges.sent", requests.hedges.get() as f64);
        metrics.put("hedges.won", requests.hedges_won.get() as f64);
        metrics.put("unavailable.seconds", seconds.below(UNAVAILABLE) as f64);
        metrics.put("degraded.seconds", seconds.below(DEGRADED) as f64);
        let recovery_s = meter.last_event_ended_ns.get().map_or(f64::NAN, |end_ns| {
            let last_bad_ns = seconds.last_below_ns(DEGRADED).unwrap_or(0);
            last_bad_ns.saturating_sub(end_ns) as f64 / SECOND_NS as f64
        });
        metrics.put("recovery.time", recovery_s);
    }

    fn bloom_metrics(&self, metrics: &mut Metrics, meter: &Meter) {
        let counts = &meter.bloom;
        let [rejected, passed, wrong] = [
            counts.rejected.get(),
            counts.false_positives.get(),
            counts.wrong.get(),
        ];
        let mut put = |what: &str, value| metrics.put(&format!("app.bloom_filter.{what}"), value);
        put("rejected", rejected as f64);
        put(
            "false_positive_ratio",
            passed as f64 / (passed + rejected) as f64,
        );
        put("wrong", wrong as f64);
        put("bytes", counts.bytes.get() as f64);
        if self.plan.bloom_filter.is_some() {
            let answered = meter.requests.answered_by_filter.get() as f64;
            put(
                "share_of_reads",
                answered / meter.requests.reads.total() as f64,
            );
        }
    }

    fn database_metrics(
        &self,
        metrics: &mut Metrics,
        meter: &Meter,
        database: &Database,
        measured_ns: Nanoseconds,
    ) {
        let plan = &self.plan.database;
        let counts = &meter.database;
        let rate = |count: u64| count as f64 * SECOND_NS as f64 / measured_ns as f64;
        let mut put = |what: &str, value| metrics.put(&format!("database.{what}"), value);
        put("qps.mean", rate(counts.reads.get() + counts.writes.get()));
        put("qps.max", counts.second_queries_max.get() as f64);
        put("reads.rate", rate(counts.reads.get()));
        put("absent.rate", rate(counts.absent.get()));
        put("writes.rate", rate(counts.writes.get()));
        let client_writes = meter.requests.write_latency.borrow().count();
        put(
            "writes.per_client_write",
            counts.writes.get() as f64 / client_writes as f64,
        );
        let answered = meter
            .requests
            .answered_by
            .last()
            .map_or(0, |count| count.get());
        let reads = meter.requests.reads.total() as f64;
        put("share_of_reads", answered as f64 / reads);
        let usages: Vec<Usage> = database.usages().collect();
        let busy_area_ns: u128 = usages.iter().map(|usage| usage.busy_area_ns).sum();
        let connections = plan.connections_in_all() as f64;
        put(
            "utilization",
            busy_area_ns as f64 / (connections * measured_ns as f64),
        );
        let wait = counts.wait.borrow();
        put("wait.mean", wait.mean_s());
        put("wait.p99", wait.quantile_s(0.99));
        let waited = wait.count_above_zero() as f64;
        put("wait.ratio", waited / wait.count() as f64);
        let most = |of: fn(&Usage) -> u64| usages.iter().map(of).max().unwrap_or(0) as f64;
        put("inflight.max", most(|usage| usage.inflight_max));
        put("queue.max", most(|usage| usage.queue_max));
        put("rejected", counts.rejected.get() as f64);
        put("timed_out", counts.timed_out.get() as f64);
        put("shed", counts.guard.shed.get() as f64);
        let open_ratio = self.open_ratio(&counts.guard, measured_ns);
        put("breaker.open_ratio", open_ratio);
        put("useless", counts.useless.get() as f64);
        if plan.buffer_pool.is_some() {
            let pool = &counts.buffer_pool;
            let (hits, accesses) = (pool.hits.get(), pool.accesses.get());
            put("buffer_pool.hit_ratio", hits as f64 / accesses as f64);
            put("buffer_pool.reads.rate", rate(pool.disk_reads.get()));
            put("buffer_pool.evictions.rate", rate(pool.evictions.get()));
            put("buffer_pool.pages", self.pages as f64 / self.samples as f64);
        }
        let Some(replicas) = &plan.replicas else {
            return;
        };
        put("failovers", counts.failovers.get() as f64);
        let lags = database.lags();
        for (number, (queries, usage)) in database.queries().zip(&usages).enumerate() {
            let (name, connections) = match number {
                0 => ("primary".to_owned(), plan.connections),
                _ => (format!("replica.{}", number - 1), replicas.connections),
            };
            put(&format!("{name}.rate"), rate(queries));
            let busy = utilization(usage, connections, measured_ns);
            put(&format!("{name}.utilization"), busy);
            if number > 0 {
                let lag = lags[number - 1];
                put(&format!("{name}.lag.mean"), lag.mean_s());
                put(&format!("{name}.lag.max"), lag.max_s());
            }
        }
    }

    fn tier_metrics(
        &self,
        metrics: &mut Metrics,
        meter: &Meter,
        level: usize,
        tier: &crate::tier::Tier,
        measured_ns: Nanoseconds,
    ) {
        let plan = tier.plan();
        let counts = &meter.tiers[level];
        let rate = |count: u64| count as f64 * SECOND_NS as f64 / measured_ns as f64;
        let now_ns = self.plan.warmup_ns + measured_ns;
        let mut put = |what: &str, value| metrics.put(&format!("tier.{}.{what}", plan.name), value);
        let lookups = counts.lookups.total() as f64;
        for outcome in ReadOutcome::ALL {
            put(
                outcome.ratio_name(),
                counts.lookups.get(outcome) as f64 / lookups,
            );
        }
        let reads = meter.requests.reads.total() as f64;
        let answered = meter.requests.answered_by[level].get() as f64;
        put("share_of_reads", answered / reads);
        put("bypassed", counts.bypassed.get() as f64);
        put("demoted", counts.demoted.get() as f64);
        let exchanges: Vec<u64> = counts
            .node_exchanges
            .iter()
            .map(|node| node.get())
            .collect();
        let total: u64 = exchanges.iter().sum();
        put("rate", rate(total));
        put("refused", counts.refused.get() as f64);
        put("lost", counts.lost.get() as f64);
        put("shed", counts.guard.shed.get() as f64);
        put(
            "breaker.open_ratio",
            self.open_ratio(&counts.guard, measured_ns),
        );
        put("evictions.rate", rate(counts.evictions.get()));
        put("expirations.rate", rate(counts.expirations.get()));
        let samples = self.samples as f64;
        let entries = &self.levels[level].node_entries;
        put("entries", entries.iter().sum::<u64>() as f64 / samples);
        let bytes = &self.levels[level].node_bytes;
        put("bytes", bytes.iter().sum::<u64>() as f64 / samples);
        put(
            "latency.p99",
            counts.lookup_latency.borrow().quantile_s(0.99),
        );
        let nodes = Nodes::of(tier, &exchanges, measured_ns);
        nodes.put_totals(&mut put);
        put_connections(&mut put, counts, tier, measured_ns);
        put_membership(&mut put, counts, now_ns, measured_ns);
        let detected = counts.hot_keys_detected.get();
        put("hot_keys.detected", detected as f64);
        put("hot_keys.copy_reads", counts.copy_reads.get() as f64);
        put("hot_keys.pinned_hits", counts.pinned_hits.get() as f64);
        let bytes_in = in_all(&counts.node_bytes_in);
        put("network.bytes_in", rate(bytes_in));
        let bytes_out = in_all(&counts.node_bytes_out);
        put("network.bytes_out", rate(bytes_out));
        put("invalidations.sent", counts.invalidations_sent.get() as f64);
        put("invalidations.lost", counts.invalidations_lost.get() as f64);
        put(
            "invalidations.useless",
            counts.invalidations_useless.get() as f64,
        );
        put(
            "invalidations.messages",
            counts.invalidation_messages.get() as f64,
        );
        put("revalidations.sent", counts.revalidations_sent.get() as f64);
        put(
            "revalidations.not_modified",
            counts.not_modified.get() as f64,
        );
        put("revalidations.bytes_saved", counts.bytes_saved.get() as f64);
        put("leases.granted", counts.leases_granted.get() as f64);
        put("leases.waits", counts.leases_waits.get() as f64);
        put("locks.taken", counts.locks_taken.get() as f64);
        put("locks.busy", counts.locks_busy.get() as f64);
        put("locks.given_up", counts.locks_given_up.get() as f64);
        let (rounds, lead_ns) = (counts.early_rounds.get(), counts.early_lead_ns.get());
        put("early.fetches", counts.early_fetches.get() as f64);
        put("early.rounds", rounds as f64);
        put("early.lead.mean", lead_ns as f64 / rounds as f64 / 1e9);
        put("batches.rate", rate(counts.batches.get()));
        put("warmed", counts.warmed.get() as f64);
        put("sets.refused", counts.sets_refused.get() as f64);
        put("refreshes.sent", counts.refreshes_sent.get() as f64);
        put("refreshes.wasted", counts.refreshes_wasted.get() as f64);
        put("flushes.rate", rate(counts.flushed.get()));
        put(
            "flushes.coalescing",
            counts.flushed_writes.get() as f64 / counts.flushed.get() as f64,
        );
        let dirty_area_ns = counts.dirty.area_ns(now_ns);
        put("dirty", dirty_area_ns as f64 / measured_ns as f64);
        put("dirty.max", counts.dirty_max.get() as f64);
        if plan.scope != Scope::Global {
            return;
        }
        for node in 0..exchanges.len().min(NODES_REPORTED_MAX as usize) {
            let mut put = |what: &str, value| put(&format!("node.{node}.{what}"), value);
            put("rate", rate(exchanges[node]));
            nodes.put_use(node, &mut put);
            put("entries", entries[node] as f64 / samples);
            put("bytes", bytes[node] as f64 / samples);
            put("network.bytes_in", rate(counts.node_bytes_in[node].get()));
            put("network.bytes_out", rate(counts.node_bytes_out[node].get()));
            put("evictions.rate", rate(nodes.evictions[node]));
            put("imbalance", nodes.imbalance(exchanges[node]));
        }
    }
}

/// As [`Histogram::quantiles`], from the least to the most.
fn quantiles_to_the_ends(histogram: &Histogram) -> Vec<(f64, f64)> {
    let inner = histogram.quantiles();
    if histogram.count() == 0 {
        return inner;
    }
    let at = |quantile: f64| (quantile, histogram.quantile_s(quantile));
    let first = [0.0, 0.05, 0.1, 0.15].map(at).into_iter();
    first.chain(inner).chain([at(1.0)]).collect()
}

/// Keys of each tier in the report.
const TOP_KEYS: usize = 10;

/// The keys that each tier was asked for most.
fn top_keys(meter: &Meter, system: &System, measured_ns: Nanoseconds) -> Vec<TopKey> {
    let measured_s = measured_ns as f64 / SECOND_NS as f64;
    let mut all = Vec::new();
    for (layer, counts) in system.layers.iter().zip(&meter.tiers) {
        let exchanges = in_all(&counts.node_exchanges) as f64;
        for (key, sampled) in counts.top_keys.borrow().top(TOP_KEYS) {
            let rate = layer.tier.sampled(sampled) / measured_s;
            all.push(TopKey {
                tier: layer.tier.plan().name.clone(),
                key,
                rate,
                share: rate * measured_s / exchanges,
            });
        }
    }
    all
}

fn in_all(counters: &[Counter]) -> u64 {
    counters.iter().map(Counter::get).sum()
}

/// Share of `servers` that were busy in `measured_ns`.
pub(super) fn utilization(usage: &Usage, servers: u32, measured_ns: Nanoseconds) -> f64 {
    usage.busy_area_ns as f64 / (f64::from(servers) * measured_ns as f64)
}

/// Metrics in the order of the catalogue.
#[derive(Default)]
struct Metrics(IndexMap<String, f64>);

impl Metrics {
    fn put(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    fn put_latency(&mut self, name: &str, latency: &Histogram) {
        self.put(&format!("{name}.mean"), latency.mean_s());
        for (suffix, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)] {
            self.put(&format!("{name}.{suffix}"), latency.quantile_s(quantile));
        }
        self.put(&format!("{name}.max"), latency.max_s());
    }
}

/// Nothing is lost between the lines: the three laws hold exactly at the end of every run.
fn check_conservation(meter: &Meter, system: &System) -> Result<(), RunError> {
    let requests = &meter.requests;
    let arrived = requests.arrived.get();
    let answered = requests.answered.get();
    let failed = requests.failed();
    let in_flight = meter.in_flight();
    if arrived != answered + failed + in_flight {
        return Err(RunError::Conservation(format!(
            "{arrived} arrived, but {answered} answered + {failed} failed + {in_flight} in flight"
        )));
    }
    let outcomes = requests.reads.total();
    // A page is one answered read, and each of its keys has an outcome.
    let (pages, page_keys) = (requests.pages.get(), requests.page_keys.get());
    let reads = requests.read_latency.borrow().count();
    let writes = requests.write_latency.borrow().count();
    if outcomes != reads - pages + page_keys || answered != reads + writes {
        return Err(RunError::Conservation(format!(
            "{answered} answered, of which {writes} writes and {reads} reads, {pages} of these pages of \
             {page_keys} keys, but {outcomes} hits, delayed hits, stale hits, negative hits and misses"
        )));
    }
    let givers: u64 = requests.answered_by.iter().map(|giver| giver.get()).sum();
    let filtered = requests.answered_by_filter.get();
    if givers + filtered != outcomes {
        return Err(RunError::Conservation(format!(
            "{outcomes} reads answered, but {givers} by tiers and the database, and {filtered} by the \
             app's filter"
        )));
    }
    let ledger = &meter.writes;
    let (accepted, stored, lost) = (ledger.accepted(), ledger.stored(), ledger.lost());
    let pending = system.pending_writes();
    if accepted != stored + pending + lost {
        return Err(RunError::Conservation(format!(
            "{accepted} writes accepted, but {stored} in the database + {pending} pending + {lost} \
             lost"
        )));
    }
    // A write may be accepted without its client hearing of it, but not the other way round. The
    // counts of writes answered are of the cohort, those of the ledger of the whole run.
    if writes > accepted {
        return Err(RunError::Conservation(format!(
            "{writes} writes acknowledged, but only {accepted} accepted"
        )));
    }
    Ok(())
}
