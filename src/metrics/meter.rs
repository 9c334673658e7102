//! The meter of one run: what happens is counted here as it happens.
//!
//! Requests are measured as a cohort: those that arrived at or after the end of warm-up. Lookups in
//! tiers and queries at the database are measured by when they happen: at or after the end of
//! warm-up. Beside the totals there are counts for the present step of the time series; they are
//! taken and cleared at the end of each step, so memory does not grow with time.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::heavy_hitters::HeavyHitters;
use super::histogram::Histogram;
use super::misses::MissLog;
use super::seconds::Seconds;
use super::tracer::{Fork, OpenSpan, Tracer};
use crate::units::{Key, Nanoseconds};

/// Who gave an answer, where it is no tier and not the database but the app's Bloom filter.
pub const GIVEN_BY_FILTER: u16 = u16::MAX - 1;

/// How a read was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// By an unexpired resident entry.
    Hit,
    /// By a fetch of somebody else, for which it waited.
    DelayedHit,
    /// By an entry past its soft TTL.
    StaleHit,
    /// By a cached "no such row".
    NegativeHit,
    /// By going further down itself.
    Miss,
}

impl ReadOutcome {
    /// All outcomes, in the order in which they are counted.
    pub const ALL: [Self; 5] = [
        Self::Hit,
        Self::DelayedHit,
        Self::StaleHit,
        Self::NegativeHit,
        Self::Miss,
    ];

    /// What it is called, for example in a request trace.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::DelayedHit => "delayed_hit",
            Self::StaleHit => "stale_hit",
            Self::NegativeHit => "negative_hit",
            Self::Miss => "miss",
        }
    }

    /// What the share of lookups that ended so is called in the contract.
    #[must_use]
    pub fn ratio_name(self) -> &'static str {
        match self {
            Self::Hit => "hit_ratio",
            Self::DelayedHit => "delayed_hit_ratio",
            Self::StaleHit => "stale_hit_ratio",
            Self::NegativeHit => "negative_hit_ratio",
            Self::Miss => "miss_ratio",
        }
    }
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The database's queue was full.
    Rejected,
    /// The app gave up waiting for the database.
    TimedOut,
    /// A tier that the request depended on did not serve it.
    Unavailable,
    /// A guard or a queue refused to let it through, to protect what is behind.
    Shed,
    /// The client gave up: at its deadline, or at the timeout of its last attempt.
    GaveUp,
}

impl Failure {
    /// Whether nothing was done at all for whoever failed so.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Rejected | Self::Shed)
    }

    /// What it is called, for example in a request trace.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::TimedOut => "timed_out",
            Self::Unavailable => "unavailable",
            Self::Shed => "shed",
            Self::GaveUp => "gave_up",
        }
    }
}

/// Why a write that was acknowledged never came to be in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossCause {
    /// It was in the memory of a node that crashed.
    Crash,
    /// The database had a newer version when it came.
    Overwritten,
    /// The replica that took the place of a database's primary did not have it yet.
    Failover,
}

impl LossCause {
    /// All causes, with what their count is called in reports.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Crash, "crash"),
        (Self::Overwritten, "overwritten"),
        (Self::Failover, "failover"),
    ];
}

/// The books of all writes since the start of the run: what was accepted is in the database, still
/// to come, or lost.
#[derive(Debug, Default)]
pub struct WriteLedger {
    accepted: Counter,
    stored: Counter,
    /// Of those stored, the ones that a failover has lost.
    reverted: Counter,
    lost: Counter,
    /// Writes lost after warm-up, by [`LossCause`].
    lost_by_cause: [Counter; 3],
    /// Rows whose newest version was lost by a crash after warm-up.
    lost_rows: Counter,
}

impl WriteLedger {
    /// A write was committed, or accepted by somebody who promised to see to that.
    pub fn accept(&self) {
        self.accepted.increment();
    }

    /// So many accepted writes have their effect in the database.
    pub fn store(&self, writes: u64) {
        self.stored.add(writes);
    }

    /// So many writes that had their effect in the database have it no more.
    pub fn revert(&self, writes: u64) {
        self.reverted.add(writes);
    }

    /// Writes that were accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted.get()
    }

    /// Writes that have their effect in the database.
    pub fn stored(&self) -> u64 {
        self.stored.get() - self.reverted.get()
    }

    /// Writes that were accepted and are lost.
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// Rows whose newest version was lost by a crash after warm-up, each time that this happened.
    pub fn lost_rows(&self) -> u64 {
        self.lost_rows.get()
    }

    /// Writes that were lost after warm-up for one cause.
    pub fn lost_to(&self, cause: LossCause) -> u64 {
        self.lost_by_cause[cause as usize].get()
    }
}

/// A plain counter.
#[derive(Debug, Default)]
pub struct Counter(Cell<u64>);

impl Counter {
    /// Counts one more.
    #[inline]
    pub fn increment(&self) {
        self.0.set(self.0.get() + 1);
    }

    /// Counts `count` more.
    #[inline]
    pub fn add(&self, count: u64) {
        self.0.set(self.0.get() + count);
    }

    /// The count.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.get()
    }

    /// The count, which starts from 0 again.
    #[inline]
    pub fn take(&self) -> u64 {
        self.0.replace(0)
    }
}

/// How often each [`ReadOutcome`] happened.
#[derive(Debug, Default)]
pub struct OutcomeCounters([Counter; 5]);

impl OutcomeCounters {
    /// Counts one.
    #[inline]
    pub fn increment(&self, outcome: ReadOutcome) {
        self.0[outcome as usize].increment();
    }

    /// The count of one outcome.
    pub fn get(&self, outcome: ReadOutcome) -> u64 {
        self.0[outcome as usize].get()
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.0.iter().map(Counter::get).sum()
    }
}

/// Requests, as the client sees them.
#[derive(Debug, Default)]
pub struct RequestMeter {
    /// Requests of the cohort that arrived.
    pub arrived: Counter,
    /// Requests of the cohort that were answered.
    pub answered: Counter,
    /// Requests of the cohort that failed because the database rejected their query.
    pub rejected: Counter,
    /// Requests of the cohort that failed because the app gave up on their query.
    pub timed_out: Counter,
    /// Requests of the cohort that failed because a tier did not serve them.
    pub unavailable: Counter,
    /// Requests of the cohort that were shed.
    pub shed: Counter,
    /// Requests of the cohort whose client gave up.
    pub gave_up: Counter,
    /// Keys of pages of the cohort, but for the first of each, that clients asked for by themselves.
    pub further_keys: Counter,
    /// Attempts of requests of the cohort that repeated one that had failed.
    pub retries: Counter,
    /// Retries that the budget forbade.
    pub retries_refused: Counter,
    /// Attempts that were asked for while another one was under way.
    pub hedges: Counter,
    /// Of those, the ones that answered first.
    pub hedges_won: Counter,
    /// Answers, after warm-up, that nobody waited for any more.
    pub useless_answers: Counter,
    /// Requests of the cohort that are still being worked on.
    in_flight: Cell<u64>,
    /// Requests of any time that are being worked on, integrated over the measured time.
    in_system: Gauge,
    /// How the answered reads were answered.
    pub reads: OutcomeCounters,
    /// Answered reads that were pages.
    pub pages: Counter,
    /// Keys of those.
    pub page_keys: Counter,
    /// Latency of the single keys of pages.
    pub key_latency: RefCell<Histogram>,
    /// Who gave the answers to reads: the tiers, and last the database.
    pub answered_by: Vec<Counter>,
    /// Answered reads that the app's Bloom filter answered.
    pub answered_by_filter: Counter,
    /// Latency of answered reads.
    pub read_latency: RefCell<Histogram>,
    /// Latency of answered writes.
    pub write_latency: RefCell<Histogram>,
    /// Staleness of those answered reads that were stale.
    pub staleness: RefCell<Histogram>,
    /// Answered reads that gave an older version than the session had written.
    pub read_your_writes_violations: Counter,
    /// Answered reads that gave an older version than the session had seen.
    pub monotonic_read_violations: Counter,
    /// Answered reads of rows that there are not.
    pub absent: Counter,
    /// Reads that went around all caches.
    pub bypassing: Counter,
    /// Copies that a promise to the reader forbade to give.
    pub refused_copies: Counter,
}

impl RequestMeter {
    /// Requests of the cohort that failed, for whatever reason.
    pub fn failed(&self) -> u64 {
        let by_the_app = self.rejected.get() + self.timed_out.get() + self.unavailable.get();
        by_the_app + self.shed.get() + self.gave_up.get()
    }
}

/// A number that changes with time, and its integral over the measured time.
#[derive(Debug, Default)]
pub struct Gauge(Cell<GaugeState>);

#[derive(Clone, Copy, Debug, Default)]
struct GaugeState {
    now: u64,
    area_ns: u128,
    accounted_until_ns: Nanoseconds,
}

impl Gauge {
    /// The number at present.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.get().now
    }

    /// From `now_ns` on the number is `value`.
    #[inline]
    pub fn set(&self, now_ns: Nanoseconds, value: u64) {
        self.account(now_ns, |state| state.now = value);
    }

    /// The integral so far, in units times nanoseconds.
    pub fn area_ns(&self, now_ns: Nanoseconds) -> u128 {
        self.account(now_ns, |_| ());
        self.0.get().area_ns
    }

    /// The integral starts from 0 again.
    fn reset(&self, now_ns: Nanoseconds) {
        self.account(now_ns, |state| state.area_ns = 0);
    }

    #[inline]
    fn account(&self, now_ns: Nanoseconds, change: impl FnOnce(&mut GaugeState)) {
        let mut state = self.0.get();
        let elapsed = u128::from(now_ns - state.accounted_until_ns);
        state.area_ns += elapsed * u128::from(state.now);
        state.accounted_until_ns = now_ns;
        change(&mut state);
        self.0.set(state);
    }
}

/// What is counted of the guards of one place, and of its queues.
#[derive(Debug, Default)]
pub struct GuardMeter {
    /// Calls that a guard refused, or that a queue turned away because they had waited for too long.
    pub shed: Counter,
    /// Circuit breakers that are open.
    pub open_breakers: Gauge,
}

/// Lookups and other exchanges of one tier.
#[derive(Debug, Default)]
pub struct TierMeter {
    /// Its guards.
    pub guard: GuardMeter,
    /// Lookups that were decided, by outcome.
    pub lookups: OutcomeCounters,
    /// Reads that passed it by, because their row is not for it.
    pub bypassed: Counter,
    /// Entries that were evicted and handed to the tier below.
    pub demoted: Counter,
    /// Exchanges that reached each node.
    pub node_exchanges: Vec<Counter>,
    /// Bytes of values that were sent to each node.
    pub node_bytes_in: Vec<Counter>,
    /// Bytes of values that each node sent.
    pub node_bytes_out: Vec<Counter>,
    /// The keys of a sample of the exchanges.
    pub top_keys: RefCell<HeavyHitters>,
    /// The same of the present second, where somebody wants to know.
    pub recent_keys: RefCell<Option<HeavyHitters>>,
    /// Keys that a node found hot, each time that it had not been before.
    pub hot_keys_detected: Counter,
    /// Reads of hot keys that went to a copy under another key.
    pub copy_reads: Counter,
    /// Lookups that were answered from what is pinned.
    pub pinned_hits: Counter,
    /// Exchanges that a node refused: its queue was full, or it was down.
    pub refused: Counter,
    /// Exchanges to which no answer came: they, or the answers, were lost on their way.
    pub lost: Counter,
    /// Exchanges that were refused because the queue for a connection was full.
    pub connections_refused: Counter,
    /// Time that each exchange waited for a connection, where those are limited.
    pub connection_waits: RefCell<Histogram>,
    /// Exchanges that a node sent to another, which owns the slot of the key.
    pub redirects: Counter,
    /// Exchanges that a node sent to another because the slot of the key was moving there.
    pub asks: Counter,
    /// Exchanges with the gutter, in place of a node that was down.
    pub gutter: Counter,
    /// Exchanges with another node than the key's own, because that had too much in hand.
    pub overflows: Counter,
    /// Shards whose primary is down.
    pub down_shards: Gauge,
    /// From the crash of a node until it was known.
    pub detections: RefCell<Histogram>,
    /// From there to the promotion of a replica.
    pub promotions: RefCell<Histogram>,
    /// Replicas that took the place of their primary.
    pub failovers: Counter,
    /// Sets and deletes that a replica had not heard of when its primary crashed.
    pub replication_lost: Counter,
    /// Entries that could be found just before a resize.
    pub entries_at_resize: Counter,
    /// Of those, the ones whose key then belonged to another node.
    pub keys_moved: Counter,
    /// Entries that were moved to the node that their key belongs to.
    pub entries_moved: Counter,
    /// Entries that were evicted.
    pub evictions: Counter,
    /// Entries that expired and were found so by a lookup or a sweep.
    pub expirations: Counter,
    /// Round trip of lookups as the app sees it, queueing included.
    pub lookup_latency: RefCell<Histogram>,
    /// Deletes that were sent.
    pub invalidations_sent: Counter,
    /// Deletes that did not arrive.
    pub invalidations_lost: Counter,
    /// Deletes that found nothing to delete.
    pub invalidations_useless: Counter,
    /// Messages of a bus or a change feed that carried invalidations.
    pub invalidation_messages: Counter,
    /// Conditional queries that were sent for entries past their TTL.
    pub revalidations_sent: Counter,
    /// Of those, the ones that confirmed the entry.
    pub not_modified: Counter,
    /// Bytes of values that were not sent because of that.
    pub bytes_saved: Counter,
    /// Tokens that were given to those who missed.
    pub leases_granted: Counter,
    /// Times that somebody was told to wait for the holder of a token.
    pub leases_waits: Counter,
    /// Locks that were taken in the nodes.
    pub locks_taken: Counter,
    /// Times that somebody found the lock of a key taken.
    pub locks_busy: Counter,
    /// Times that somebody who waited for a lock gave up.
    pub locks_given_up: Counter,
    /// Fetches that readers began although the entry was fresh.
    pub early_fetches: Counter,
    /// Entries that were fetched so: of several who fetch one at a time the first is counted.
    pub early_rounds: Counter,
    /// How long before the expiry those began, in nanoseconds, all together.
    pub early_lead_ns: Counter,
    /// Exchanges that carried the lookups of several requests.
    pub batches: Counter,
    /// Entries that were fetched before traffic came.
    pub warmed: Counter,
    /// Sets that a node refused: it knew of a newer version, or they came without a valid token.
    pub sets_refused: Counter,
    /// Entries that were fetched anew ahead of their expiry.
    pub refreshes_sent: Counter,
    /// Entries so fetched that left, or were replaced, without a hit.
    pub refreshes_wasted: Counter,
    /// Queries by which a write-behind pattern stored its writes.
    pub flushed: Counter,
    /// The client writes that those stood for.
    pub flushed_writes: Counter,
    /// Keys of all nodes that wait for their flush.
    pub dirty: Gauge,
    /// The most dirty keys in one node.
    pub dirty_max: Cell<u64>,
    step_lookups: Counter,
    step_hits: Counter,
}

/// Accesses to pages in the memory of the database's servers.
#[derive(Debug, Default)]
pub struct PoolMeter {
    /// Accesses to pages.
    pub accesses: Counter,
    /// Of those, the ones that found their page in memory, whole.
    pub hits: Counter,
    /// Reads of the disk.
    pub disk_reads: Counter,
    /// Pages that were evicted.
    pub evictions: Counter,
}

/// Queries at the database.
#[derive(Debug, Default)]
pub struct DatabaseMeter {
    /// Its guards.
    pub guard: GuardMeter,
    /// Read queries that reached the database.
    pub reads: Counter,
    /// Write queries that reached the database.
    pub writes: Counter,
    /// Read queries that found no row.
    pub absent: Counter,
    /// Queries that found the queue full.
    pub rejected: Counter,
    /// Queries that the app gave up on.
    pub timed_out: Counter,
    /// Queries that were carried out when whoever asked had gone.
    pub useless: Counter,
    /// Time in the queue of every query that was served.
    pub wait: RefCell<Histogram>,
    /// Pages in the memory of the servers.
    pub buffer_pool: PoolMeter,
    /// Times that a replica took the place of the primary.
    pub failovers: Counter,
    /// Times that a key went from one fetch in flight to two.
    pub stampedes: Counter,
    /// The most fetches of one key in flight at once.
    pub stampede_peak: Cell<u64>,
    /// Fetches that began while another one of the same key was in flight.
    pub duplicate_fetches: Counter,
    step_queries: Counter,
    second_queries: Counter,
    /// The most queries in one second.
    pub second_queries_max: Cell<u64>,
}

/// What the app's Bloom filter made of reads.
#[derive(Debug, Default)]
pub struct BloomMeter {
    /// Reads of rows that there are not, which it stopped.
    pub rejected: Counter,
    /// Reads of rows that there are not, which it let pass.
    pub false_positives: Counter,
    /// Reads of rows that there are, which it took for others.
    pub wrong: Counter,
    /// Memory of the filter of one instance, as it was last built.
    pub bytes: Cell<u64>,
}

/// The meter of one run.
#[derive(Debug, Default)]
pub struct Meter {
    /// When warm-up ends.
    warmup_ns: Nanoseconds,
    /// Whether warm-up is over at present.
    measuring: Cell<bool>,
    /// What single requests do, where some are traced.
    pub tracer: Option<Rc<Tracer>>,
    /// Who is told of each miss, if anybody is.
    pub miss_log: Option<MissLog>,
    /// Requests, as the client sees them.
    pub requests: RequestMeter,
    /// One for each tier, in the scenario's order.
    pub tiers: Vec<TierMeter>,
    /// The database.
    pub database: DatabaseMeter,
    /// The app's Bloom filter.
    pub bloom: BloomMeter,
    /// All writes since the start of the run.
    pub writes: WriteLedger,
    /// When the last of the timeline's events that have ended did so.
    pub last_event_ended_ns: Cell<Option<Nanoseconds>>,
    /// How many of the requests of each second failed.
    pub seconds: RefCell<Seconds>,
    total_arrived: Counter,
    step_latency: RefCell<Histogram>,
    step_reads: Counter,
    step_read_hits: Counter,
    step_failed: Counter,
}

fn counters(many: u32) -> Vec<Counter> {
    (0..many).map(|_| Counter::default()).collect()
}

/// What happened in one step of the time series, as rates and shares.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Requests answered per second.
    pub answered_per_s: f64,
    /// Requests failed per second.
    pub failed_per_s: f64,
    /// Queries per second at the database.
    pub queries_per_s: f64,
    /// Share of answered reads that needed no query of their own; NaN without reads.
    pub hit_ratio: f64,
    /// Mean latency of answered requests in seconds; NaN without any.
    pub latency_mean_s: f64,
    /// Median latency of answered requests in seconds; NaN without any.
    pub latency_p50_s: f64,
    /// 99th percentile of latency of answered requests in seconds; NaN without any.
    pub latency_p99_s: f64,
    /// For each tier, the share of lookups that were fresh hits; NaN without lookups.
    pub tier_hit_ratios: Vec<f64>,
}

impl Meter {
    /// A meter for tiers with so many nodes each, which measures from `warmup_ns` on.
    #[must_use]
    pub fn new(warmup_ns: Nanoseconds, nodes_of_tiers: &[u32]) -> Self {
        let tier = |&nodes: &u32| TierMeter {
            node_exchanges: counters(nodes),
            node_bytes_in: counters(nodes),
            node_bytes_out: counters(nodes),
            ..TierMeter::default()
        };
        Self {
            warmup_ns,
            tiers: nodes_of_tiers.iter().map(tier).collect(),
            requests: RequestMeter {
                answered_by: (0..=nodes_of_tiers.len())
                    .map(|_| Counter::default())
                    .collect(),
                ..RequestMeter::default()
            },
            seconds: RefCell::new(Seconds::new(warmup_ns)),
            step_latency: RefCell::new(Histogram::with_digits(2)),
            ..Self::default()
        }
    }

    /// Warm-up is over.
    pub fn start_measuring(&self, now_ns: Nanoseconds) {
        self.measuring.set(true);
        self.requests.in_system.reset(now_ns);
        self.database.guard.open_breakers.reset(now_ns);
        for tier in &self.tiers {
            tier.dirty.reset(now_ns);
            tier.down_shards.reset(now_ns);
            tier.guard.open_breakers.reset(now_ns);
        }
    }

    /// A span of whatever request is being worked on, until what is returned is dropped; `None` if it is
    /// not traced.
    pub fn span(&self, name: &'static str) -> Option<OpenSpan> {
        self.tracer.as_ref()?.open(name)
    }

    /// Work beside what the request that is being worked on does at present, in a lane of its own, to be
    /// done [within](super::within) this; `None` if it is not traced.
    pub fn beside(&self, name: &'static str, key: Key) -> Option<Fork> {
        self.tracer.as_ref()?.beside(name, key)
    }

    /// Work of another task for the request that is being worked on, likewise.
    pub fn attached(&self) -> Option<Fork> {
        self.tracer.as_ref()?.attached()
    }

    /// Whether warm-up is over at present.
    #[inline]
    pub fn is_measuring(&self) -> bool {
        self.measuring.get()
    }

    /// Whether a request that arrives then is of the cohort that is measured.
    #[inline]
    pub fn measures(&self, arrived_ns: Nanoseconds) -> bool {
        arrived_ns >= self.warmup_ns
    }

    /// Requests that have arrived since the start of the run, warm-up included.
    pub fn total_arrived(&self) -> u64 {
        self.total_arrived.get()
    }

    /// Requests in the system, integrated over the measured time: request-nanoseconds.
    pub fn in_system_area_ns(&self, now_ns: Nanoseconds) -> u128 {
        self.requests.in_system.area_ns(now_ns)
    }

    /// Requests of any time that are being worked on at present.
    pub fn in_system(&self) -> u64 {
        self.requests.in_system.get()
    }

    /// Requests of the cohort that are still being worked on.
    pub fn in_flight(&self) -> u64 {
        self.requests.in_flight.get()
    }

    /// A request arrives. The guard lives as long as it is being worked on.
    #[inline]
    pub fn arrive(&self, arrived_ns: Nanoseconds) -> InFlight<'_> {
        self.total_arrived.increment();
        let in_system = &self.requests.in_system;
        in_system.set(arrived_ns, in_system.get() + 1);
        let measured = self.measures(arrived_ns);
        if measured {
            self.requests.arrived.increment();
            self.requests
                .in_flight
                .set(self.requests.in_flight.get() + 1);
        }
        InFlight {
            meter: self,
            arrived_ns,
            left_ns: Cell::new(None),
            measured,
        }
    }

    /// A lookup in tier `tier` is decided.
    #[inline]
    pub fn look_up(&self, tier: usize, outcome: ReadOutcome) {
        let meter = &self.tiers[tier];
        if self.measuring.get() {
            meter.lookups.increment(outcome);
        }
        meter.step_lookups.increment();
        if outcome == ReadOutcome::Hit {
            meter.step_hits.increment();
        }
    }

    /// A query reaches the database.
    #[inline]
    pub fn query(&self, is_write: bool) {
        let meter = &self.database;
        if self.measuring.get() {
            let counter = if is_write {
                &meter.writes
            } else {
                &meter.reads
            };
            counter.increment();
            meter.second_queries.increment();
        }
        meter.step_queries.increment();
    }

    /// An event of the timeline has happened, and what it brought has ended.
    pub fn end_event(&self, now_ns: Nanoseconds) {
        self.last_event_ended_ns.set(Some(now_ns));
    }

    /// An answer that nobody waits for any more.
    pub fn answer_nobody(&self) {
        if self.is_measuring() {
            self.requests.useless_answers.increment();
        }
    }

    /// A read query found no row.
    pub fn query_found_nothing(&self) {
        if self.is_measuring() {
            self.database.absent.increment();
        }
    }

    /// So many writes that were accepted will never be in the database.
    pub fn lose_writes(&self, cause: LossCause, writes: u64) {
        self.writes.lost.add(writes);
        if self.is_measuring() {
            self.writes.lost_by_cause[cause as usize].add(writes);
        }
    }

    /// The newest version of a row is lost by a crash.
    pub fn lose_row(&self) {
        if self.is_measuring() {
            self.writes.lost_rows.increment();
        }
    }

    /// From now on the keys of each second are known too.
    pub fn keep_recent_keys(&self) {
        for tier in &self.tiers {
            *tier.recent_keys.borrow_mut() = Some(HeavyHitters::default());
        }
    }

    /// Somebody has looked at the keys of a second; the next one starts without any.
    pub fn forget_recent_keys(&self) {
        for tier in &self.tiers {
            if let Some(keys) = &mut *tier.recent_keys.borrow_mut() {
                keys.clear();
            }
        }
    }

    /// A second of measured time is over.
    pub fn end_second(&self) {
        let queries = self.database.second_queries.take();
        let max = &self.database.second_queries_max;
        max.set(max.get().max(queries));
        let arrived = self.requests.arrived.get();
        self.seconds.borrow_mut().end(arrived);
    }

    /// A step of the time series is over: what happened in its `step_s` seconds.
    pub fn end_step(&self, step_s: f64) -> Step {
        let ratio = |part: u64, whole: u64| part as f64 / whole as f64;
        let mut latency = self.step_latency.borrow_mut();
        let step = Step {
            answered_per_s: latency.count() as f64 / step_s,
            failed_per_s: self.step_failed.take() as f64 / step_s,
            queries_per_s: self.database.step_queries.take() as f64 / step_s,
            hit_ratio: ratio(self.step_read_hits.take(), self.step_reads.take()),
            latency_mean_s: latency.mean_s(),
            latency_p50_s: latency.quantile_s(0.5),
            latency_p99_s: latency.quantile_s(0.99),
            tier_hit_ratios: self
                .tiers
                .iter()
                .map(|tier| ratio(tier.step_hits.take(), tier.step_lookups.take()))
                .collect(),
        };
        latency.clear();
        step
    }
}

/// A request that is being worked on.
#[derive(Debug)]
pub struct InFlight<'a> {
    meter: &'a Meter,
    arrived_ns: Nanoseconds,
    left_ns: Cell<Option<Nanoseconds>>,
    measured: bool,
}

impl InFlight<'_> {
    /// What has become of the request, if it is traced.
    #[inline]
    fn trace(&self, outcome: &'static str) {
        if let Some(tracer) = &self.meter.tracer {
            tracer.answered(outcome);
        }
    }

    #[cold]
    fn note_filtered(&self) {
        if self.measured {
            self.meter.requests.answered_by_filter.increment();
        }
    }

    /// The read was answered by a tier, counted from the client; any other number is the database.
    #[inline]
    pub fn note_giver(&self, giver: u16) {
        let givers = &self.meter.requests.answered_by;
        if giver == GIVEN_BY_FILTER {
            return self.note_filtered();
        }
        if self.measured {
            givers[usize::from(giver).min(givers.len() - 1)].increment();
        }
    }

    /// Whether the request is of the cohort that is measured.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.measured
    }

    /// A read was answered, `staleness_ns` after the first newer version had been committed (0 if
    /// there was none).
    #[inline]
    pub fn answer_read(
        &self,
        now_ns: Nanoseconds,
        outcome: ReadOutcome,
        staleness_ns: Nanoseconds,
    ) {
        let meter = self.meter;
        self.trace(outcome.name());
        let latency_ns = now_ns - self.arrived_ns;
        meter.step_latency.borrow_mut().record(latency_ns);
        meter.step_reads.increment();
        if outcome != ReadOutcome::Miss {
            meter.step_read_hits.increment();
        }
        if self.measured {
            meter.requests.answered.increment();
            meter.requests.reads.increment(outcome);
            meter.requests.read_latency.borrow_mut().record(latency_ns);
            if staleness_ns > 0 {
                meter.requests.staleness.borrow_mut().record(staleness_ns);
            }
        }
        self.left_ns.set(Some(now_ns));
    }

    /// A page was answered: each of its keys with its outcome and staleness, as in
    /// [`InFlight::answer_read`].
    pub fn answer_page(
        &self,
        now_ns: Nanoseconds,
        keys: impl Iterator<Item = (ReadOutcome, Nanoseconds)>,
    ) {
        let meter = self.meter;
        self.trace("answered");
        let latency_ns = now_ns - self.arrived_ns;
        meter.step_latency.borrow_mut().record(latency_ns);
        if self.measured {
            meter.requests.answered.increment();
            meter.requests.pages.increment();
            meter.requests.read_latency.borrow_mut().record(latency_ns);
        }
        for (outcome, staleness_ns) in keys {
            meter.step_reads.increment();
            if outcome != ReadOutcome::Miss {
                meter.step_read_hits.increment();
            }
            if self.measured {
                meter.requests.page_keys.increment();
                meter.requests.reads.increment(outcome);
                if staleness_ns > 0 {
                    meter.requests.staleness.borrow_mut().record(staleness_ns);
                }
            }
        }
        self.left_ns.set(Some(now_ns));
    }

    /// A read that was answered gave an older version than its session had written, or seen.
    #[inline]
    pub fn note_inconsistency(&self, misses_own_write: bool, goes_back: bool) {
        if self.measured {
            let requests = &self.meter.requests;
            requests
                .read_your_writes_violations
                .add(u64::from(misses_own_write));
            requests.monotonic_read_violations.add(u64::from(goes_back));
        }
    }

    /// A read was answered with "no such row".
    pub fn note_absence(&self) {
        if self.measured {
            self.meter.requests.absent.increment();
        }
    }

    /// A write was answered.
    #[inline]
    pub fn answer_write(&self, now_ns: Nanoseconds) {
        let meter = self.meter;
        self.trace("written");
        let latency_ns = now_ns - self.arrived_ns;
        meter.step_latency.borrow_mut().record(latency_ns);
        if self.measured {
            meter.requests.answered.increment();
            meter.requests.write_latency.borrow_mut().record(latency_ns);
        }
        self.left_ns.set(Some(now_ns));
    }

    /// The request failed.
    pub fn fail(&self, now_ns: Nanoseconds, failure: Failure) {
        self.trace(failure.name());
        self.meter.step_failed.increment();
        if self.measured {
            match failure {
                Failure::Rejected => self.meter.requests.rejected.increment(),
                Failure::TimedOut => self.meter.requests.timed_out.increment(),
                Failure::Unavailable => self.meter.requests.unavailable.increment(),
                Failure::Shed => self.meter.requests.shed.increment(),
                Failure::GaveUp => self.meter.requests.gave_up.increment(),
            }
            self.meter.seconds.borrow_mut().fail(self.arrived_ns);
        }
        self.left_ns.set(Some(now_ns));
    }
}

impl Drop for InFlight<'_> {
    #[inline]
    fn drop(&mut self) {
        // Without an answer or a failure the request was still in flight when the run ended.
        let Some(now_ns) = self.left_ns.get() else {
            return;
        };
        let in_system = &self.meter.requests.in_system;
        in_system.set(now_ns, in_system.get() - 1);
        if self.measured {
            let in_flight = &self.meter.requests.in_flight;
            in_flight.set(in_flight.get() - 1);
        }
    }
}
