//! Patterns: how a cache is filled and what a write does. One file and one table row per pattern.
//!
//! The patterns are plain `async` text over the parts of a [`System`] and read like the textbook. (Those of reads are
//! blocks rather than `async fn`s, which would keep each argument twice in a future that every request carries.)
//! Each tier has a pattern of its own; what lies below a tier, be it another tier or the database,
//! is all the same to it (`System::read_below`, `System::write_below`).

use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::database::{Database, Reach, Row};
use crate::defence::{self, Answer, Batches, Defence, WarmUp};
use crate::geography::Geography;
use crate::guard::{Guards, Pass, Place};
use crate::invalidation::{self, Invalidator};
use crate::kernel::{Apart, Kernel, OneOf, rarely};
use crate::metrics::{Failure, Fork, LossCause, Meter, ReadOutcome};
use crate::promise::Promises;
use crate::random::Luck;
use crate::tier::{self, Found, Stale, Tier};
use crate::units::Nanoseconds;
use crate::workload::Request;
use crate::workload::parameters::{self, Arguments};

mod batch;
mod bloom;
mod fetch;
mod instances;
mod layer;
mod read;
mod refresh;
mod rotation;
mod warm_up;
mod write;

use bloom::Bloom;
pub use bloom::{BloomPlan, LEARNS, Learns, LearnsRow};
use layer::Selection;
use refresh::{Ahead, Refresher};
pub use rotation::Rotation;

/// A read pattern, a write pattern, and perhaps refresh-ahead on top, as checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How reads fill the cache.
    pub read: Read,
    /// What a write does.
    pub write: Write,
    /// Whether entries are fetched anew before they expire.
    pub refresh: Option<Refresh>,
}

/// Read patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The app conducts: get, query, set are separate hops.
    Aside,
    /// As aside, under versioned keys: the version of the key is asked for first.
    Versioned,
    /// As aside, of any copy of a row that is hot.
    Copied,
    /// The tier loads what it does not have: one hop for the app.
    Through,
}

/// A write pattern: what a write does to a tier. Writes are rarer than reads and wait for a database
/// anyway, so they are called through a table of functions, and a file and a row make a pattern.
pub trait WritePattern: fmt::Debug + Send + Sync {
    /// Writes to tier `level` and to what lies below it, and returns the new row.
    fn write<'a>(
        &'a self,
        system: &'a Rc<System>,
        request: &'a Request,
        level: usize,
    ) -> Boxed<'a, Row>;

    /// Starts what goes on by itself in tier `level`.
    fn start(&self, _system: &Rc<System>, _level: usize) {}

    /// Whether all writes go through the tier, so that it knows which of its loads are overtaken.
    fn goes_through(&self) -> bool {
        false
    }

    /// Whether the tier answers before what lies below it has the write.
    fn is_behind(&self) -> bool {
        false
    }

    /// Whether what the tier has answered for survives the crash of a node.
    fn is_logged(&self) -> bool {
        false
    }

    /// Whether a write deletes the entry.
    fn deletes(&self) -> bool {
        false
    }
}

/// A write pattern with its settings.
pub type Write = Arc<dyn WritePattern>;

/// When entries are fetched anew before they expire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Refresh {
    /// After this share of its TTL, in 0..1, an entry is looked at.
    pub factor: f64,
    /// It is refreshed if it had so many hits since it was stored; 0 refreshes all entries.
    pub hits_min: u16,
}

/// One row of a table of patterns.
pub type PatternRow<P> = parameters::Row<P>;

/// All read patterns.
pub static READS: &[PatternRow<Read>] = &[read::aside::ROW, read::through::ROW];

/// All write patterns.
pub static WRITES: &[PatternRow<Write>] = &[
    write::invalidate::ROW,
    write::update::ROW,
    write::through::ROW,
    write::behind::ROW,
    write::around::ROW,
    write::double_delete::ROW,
];

/// The parameters of refresh-ahead.
pub static REFRESH: PatternRow<Refresh> = refresh::ROW;

/// A short name for a usual pair.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Its read pattern, a row of [`READS`].
    pub read: &'static str,
    /// Its write pattern, a row of [`WRITES`].
    pub write: &'static str,
    /// Whether entries are refreshed ahead of their expiry.
    pub refresh: bool,
}

/// The short names of usual pairs.
pub static PAIRS: &[Pair] = &[
    Pair {
        name: "aside",
        summary: "cache-aside: the app reads and fills the cache; a write deletes the entry",
        read: "aside",
        write: "invalidate",
        refresh: false,
    },
    Pair {
        name: "through",
        summary: "read-through and write-through: the tier loads, and writes to the database before it answers",
        read: "through",
        write: "through",
        refresh: false,
    },
    Pair {
        name: "behind",
        summary: "read-through and write-behind: the tier loads, acknowledges writes at once and flushes later",
        read: "through",
        write: "behind",
        refresh: false,
    },
    Pair {
        name: "around",
        summary: "cache-aside reads; writes go to the database only, and entries stay stale until their TTL ends",
        read: "aside",
        write: "around",
        refresh: false,
    },
    Pair {
        name: "refresh-ahead",
        summary: "read-through and write-through, and entries with hits are fetched anew before they expire",
        read: "through",
        write: "through",
        refresh: true,
    },
];

impl Pair {
    /// The pair with the defaults of its patterns.
    ///
    /// # Panics
    /// If it names no patterns, or they have no defaults, which a test excludes.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan {
            read: with_defaults(READS, self.read),
            write: with_defaults(WRITES, self.write),
            refresh: self
                .refresh
                .then(|| with_defaults(std::slice::from_ref(&REFRESH), REFRESH.name)),
        }
    }
}

/// What the row of that name makes of nothing said.
fn with_defaults<T>(table: &[PatternRow<T>], name: &str) -> T {
    let row = table.iter().find(|row| row.name == name);
    (row.expect("a row of the table").build)(&Arguments::new()).expect("it has defaults")
}

impl Default for Plan {
    /// Cache-aside.
    fn default() -> Self {
        PAIRS[0].plan()
    }
}

/// One tier of a plan, with the pattern and the defence that go with it.
#[derive(Clone, Debug)]
pub struct LayerPlan {
    /// The tier itself.
    pub tier: tier::Plan,
    /// How it is filled and what a write does.
    pub pattern: Plan,
    /// What happens when many requests miss one key together.
    pub defences: Vec<defence::Plan>,
    /// What keeps copies true beside TTL and write pattern.
    pub invalidations: Vec<invalidation::Plan>,
}

impl LayerPlan {
    /// How many of the most popular keys the tier has to know from the start.
    #[must_use]
    pub fn popular_keys(&self) -> usize {
        let hot = self
            .tier
            .hot_keys
            .map_or(0, |hot_keys| hot_keys.top as usize);
        let warmed = self.defences.iter().map(|defence| match defence {
            defence::Plan::WarmUp(warm_up) => warm_up.keys,
            _ => 0,
        });
        warmed.fold(hot, usize::max)
    }

    /// When entries are fetched anew before they expire, if they are.
    fn ahead(&self) -> Option<Ahead> {
        let ttl_ns = self.tier.ttl?.base_ns;
        if let Some(refresh) = self.pattern.refresh {
            return Some(Ahead {
                lead_ns: ((1.0 - refresh.factor) * ttl_ns as f64).round() as Nanoseconds,
                hits_min: refresh.hits_min,
                workers: None,
            });
        }
        self.defences.iter().find_map(|defence| match *defence {
            defence::Plan::Buddy(buddy) => Some(Ahead {
                lead_ns: buddy.ahead_ns,
                hits_min: buddy.hits_min,
                workers: Some(buddy.workers),
            }),
            _ => None,
        })
    }

    /// How reads fill the cache, with what the mechanisms have to say about it.
    fn read(&self) -> Read {
        match self.pattern.read {
            Read::Aside if self.tier.has_versioned_keys => Read::Versioned,
            Read::Aside if self.tier.hot_keys.is_some_and(|it| it.copies > 1) => Read::Copied,
            read => read,
        }
    }
}

/// One tier with its pattern and its defence.
pub struct Layer {
    /// The tier itself.
    pub tier: Rc<Tier>,
    /// Its pattern.
    pub pattern: Plan,
    defence: Defence,
    refresher: Option<Refresher>,
    /// The lookups that wait for others, where they do.
    batches: Option<Rc<Batches>>,
    warm_up: Option<WarmUp>,
    revalidations: fetch::Revalidations,
    flushes: write::behind::Flushes,
    invalidator: Invalidator,
    /// Which rows it keeps, and for whom; `None` if all, for everybody.
    selection: Option<Selection>,
}

impl fmt::Debug for Layer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Layer");
        shown
            .field("tier", &self.tier)
            .field("pattern", &self.pattern)
            .finish_non_exhaustive()
    }
}

/// What stands behind the app: its tiers from the client to the database, and the database.
#[derive(Debug)]
pub struct System {
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
    /// From the client to the database.
    pub layers: Vec<Layer>,
    /// The database.
    pub database: Rc<Database>,
    /// What stands between the app and the database.
    guards: Option<Guards>,
    /// What readers were promised.
    pub promises: Promises,
    /// Which app instances get requests.
    pub rotation: Rotation,
    bloom: Option<Bloom>,
    batching: batch::Batching,
}

/// A read or a write that goes on below a tier. What every hit would have to carry is boxed.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'a>>;

impl System {
    /// Empty tiers in front of `database`, for readers who were given `promises`.
    #[must_use]
    pub fn new(
        plans: &[LayerPlan],
        geography: &Rc<Geography>,
        database: Rc<Database>,
        promises: Promises,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
        luck: Luck,
    ) -> Self {
        let layer = |(level, plan): (usize, &LayerPlan)| {
            let tier = Tier::new(&plan.tier, level, geography, kernel, meter, luck);
            Layer {
                invalidator: Invalidator::new(
                    &plan.invalidations,
                    &tier,
                    &database,
                    kernel,
                    meter,
                    luck,
                ),
                tier,
                pattern: Plan {
                    read: plan.read(),
                    ..plan.pattern.clone()
                },
                flushes: write::behind::Flushes::new(
                    plan.tier.nodes_in_all(geography.population()) as usize,
                    kernel,
                ),
                defence: Defence::new(&plan.defences, &plan.tier.name, kernel, luck),
                refresher: plan.ahead().map(|ahead| Refresher::new(ahead, kernel)),
                batches: plan.defences.iter().find_map(|defence| match *defence {
                    defence::Plan::Coalesce { window_ns, most } => {
                        Some(Rc::new(Batches::new(kernel.clone(), window_ns, most)))
                    }
                    _ => None,
                }),
                warm_up: plan.defences.iter().find_map(|defence| match *defence {
                    defence::Plan::WarmUp(warm_up) => Some(warm_up),
                    _ => None,
                }),
                revalidations: fetch::Revalidations::default(),
                selection: Selection::new(&plan.tier, luck),
            }
        };
        let layers: Vec<Layer> = plans.iter().enumerate().map(layer).collect();
        for pair in layers.windows(2) {
            if pair[1].tier.plan().is_exclusive {
                pair[0].tier.demote_to(&pair[1].tier);
            }
        }
        Self {
            kernel: kernel.clone(),
            meter: meter.clone(),
            layers,
            guards: Guards::new(
                &database.plan().guards,
                Place::Database,
                geography.population().instances,
                kernel,
                meter,
            ),
            database,
            promises,
            rotation: Rotation::new(geography.population().instances),
            bloom: None,
            batching: batch::Batching::new(kernel),
        }
    }

    /// The same for an app of so many instances with a Bloom filter each, if there is a plan.
    #[must_use]
    pub fn with_bloom_filter(mut self, plan: Option<&BloomPlan>, instances: u32) -> Self {
        self.bloom =
            plan.map(|plan| Bloom::new(plan, instances, &self.database, &self.kernel, &self.meter));
        self
    }

    /// Starts what goes on by itself: sweeps, flushes, refreshes.
    pub fn start(self: &Rc<Self>) {
        self.start_rebuilding();
        for (level, layer) in self.layers.iter().enumerate() {
            if layer.tier.plan().sweep.is_some() {
                self.spawn("sweep of tier", level as u64, async move |system| {
                    system.layers[level].tier.sweep_for_ever().await;
                });
            }
            self.warm_before_the_run(level);
            layer.pattern.write.start(self, level);
            if layer.refresher.is_some() {
                self.spawn("refreshes of tier", level as u64, async move |system| {
                    refresh::refresh_for_ever(&system, level).await;
                });
            }
        }
    }

    /// Starts a task that outlives whoever asked for it.
    fn spawn<F: Future<Output = ()> + 'static>(
        self: &Rc<Self>,
        kind: &'static str,
        number: u64,
        task: impl FnOnce(Rc<Self>) -> F,
    ) {
        let label = crate::kernel::Label { kind, number };
        self.kernel.spawn(label, task(self.clone()));
    }

    /// The same, for a request that may be traced: what it does there is in `fork`.
    fn spawn_in<F: Future<Output = ()> + 'static>(
        self: &Rc<Self>,
        fork: Option<Fork>,
        kind: &'static str,
        number: u64,
        task: impl FnOnce(Rc<Self>) -> F,
    ) {
        match fork {
            None => self.spawn(kind, number, task),
            Some(fork) => self.spawn(kind, number, |system| fork.run(task(system))),
        }
    }

    /// Reads the row of the request's key.
    ///
    /// # Errors
    /// The failure of the database query that the request depends on.
    #[inline]
    pub fn read<'a>(
        self: &'a Rc<Self>,
        request: &'a Request,
    ) -> impl Future<Output = Result<Answer, Failure>> + 'a {
        match self.plainly(request) {
            Some(Read::Aside) => OneOf::First(read::aside::read(self, request, 0)),
            Some(Read::Through) => OneOf::Second(read::through::read(self, request, 0)),
            // Apart, because a hit need not carry what a query does.
            _ => OneOf::Third(self.kernel.apart(move || self.read_with_care(request))),
        }
    }

    /// The pattern of the first tier, if nothing else has a say in how the read begins.
    #[inline]
    fn plainly(&self, request: &Request) -> Option<Read> {
        let first = self.layers.first()?;
        let is_plain = first.selection.is_none()
            && self.bloom.is_none()
            && !self.promises.are_made()
            && !request.must_be_fresh;
        is_plain.then_some(first.pattern.read)
    }

    async fn read_with_care(self: &Rc<Self>, request: &Request) -> Result<Answer, Failure> {
        let has_tiers = !self.layers.is_empty();
        let has_caches = has_tiers || self.bloom.is_some();
        let bypasses = has_caches && self.bypasses_caches(request);
        if self.bloom.is_some()
            && !bypasses
            && let Some(answer) = self.denied(request)
        {
            return Ok(answer);
        }
        if has_tiers && !bypasses {
            self.read_below(request, 0).await
        } else {
            self.query(request).await
        }
    }

    /// Writes the row of the request's key; the answer is the new version's number.
    ///
    /// # Errors
    /// The failure of the database query, or of a tier that the write depends on.
    #[inline]
    pub async fn write(self: &Rc<Self>, request: &Request) -> Result<u64, Failure> {
        let row = self.write_below(request, 0).await?;
        self.tell_filters(request, &row);
        Ok(row.version())
    }

    /// Whether the request, because it must not be stale or for a promise, asks the database itself.
    #[inline]
    fn bypasses_caches(&self, request: &Request) -> bool {
        let bypasses = self.must_bypass(request);
        if bypasses && self.meter.is_measuring() {
            self.meter.requests.bypassing.increment();
        }
        bypasses
    }

    #[inline]
    fn must_bypass(&self, request: &Request) -> bool {
        request.must_be_fresh || self.promises.bypass(request, self.kernel.now())
    }

    /// Looks up in a node of tier `level`. A copy that a promise forbids counts as none.
    #[inline]
    fn find(&self, level: usize, node: usize, request: &Request) -> Found {
        let mut found = self.layers[level].tier.find(node, request);
        if let Found::Fresh(row) | Found::Stale(Stale { row, .. }) = &mut found {
            row.given_by = level as u16;
        }
        if self.promises.are_made() {
            found = self.acceptable(level, node, request, found);
        }
        self.layers[level].tier.trace_outcome(|| found.name());
        found
    }

    fn acceptable(&self, level: usize, node: usize, request: &Request, found: Found) -> Found {
        let row = match &found {
            Found::Fresh(row) | Found::Early(row) => row,
            Found::Stale(stale) => &stale.row,
            // Whatever else is found is nobody's copy.
            _ => return found,
        };
        // What waits for its flush is the newest there is; the database could only give an older row.
        if self.promises.accept(request, row, self.kernel.now())
            || self.layers[level].tier.waits_for_flush(node, request.key)
        {
            return found;
        }
        self.count_refused_copy();
        let tier = &self.layers[level].tier;
        if tier.plan().leases.is_some() {
            // A node that holds an entry gives no token, and without one the new row could not be set.
            tier.drop_copy(node, request.key, None);
        }
        Found::Nothing
    }

    /// Whether an answer that somebody else's fetch or an entry gave is one that a promise forbids:
    /// a flight may have begun long before the request joined it.
    fn is_forbidden(&self, request: &Request, answer: &Answer) -> bool {
        let is_forbidden = self.promises.are_made()
            && answer.outcome != ReadOutcome::Miss
            && !self
                .promises
                .accept(request, &answer.row, self.kernel.now());
        if is_forbidden {
            self.count_refused_copy();
        }
        is_forbidden
    }

    fn count_refused_copy(&self) {
        if self.meter.is_measuring() {
            self.meter.requests.refused_copies.increment();
        }
    }

    /// Reads from tier `level` on down to the database.
    fn read_below<'a>(
        self: &'a Rc<Self>,
        request: &'a Request,
        level: usize,
    ) -> Apart<'a, Result<Answer, Failure>> {
        self.kernel.apart(move || async move {
            let (level, request) = &self.layer_for(request, level, true);
            let (level, request) = (*level, request);
            match self.layers.get(level).map(|layer| layer.pattern.read) {
                None => self.query(request).await,
                Some(Read::Aside) => read::aside::read(self, request, level).await,
                Some(Read::Versioned) => {
                    rarely(move || read::versioned::read(self, request, level)).await
                }
                Some(Read::Copied) => {
                    rarely(move || read::copied::read(self, request, level)).await
                }
                Some(Read::Through) => read::through::read(self, request, level).await,
            }
        })
    }

    /// Writes to tier `level` and to what lies below it, and returns the new row.
    fn write_below<'a>(
        self: &'a Rc<Self>,
        request: &'a Request,
        level: usize,
    ) -> Apart<'a, Result<Row, Failure>> {
        self.kernel.apart(move || async move {
            let (level, request) = &self.layer_for(request, level, false);
            let level = *level;
            let Some(layer) = self.layers.get(level) else {
                let pass = self.enter("write_source", request)?;
                return self.end(pass, self.database.write(request).await);
            };
            let write = &layer.pattern.write;
            let row = write.write(self, request, level).await?;
            // What is written behind is told to others when the database has it.
            if !write.is_behind() {
                self.committed(level, request, &row);
            }
            Ok(row)
        })
    }

    /// The request's row has been written, and the entry of tier `level` seen to: now for the copies
    /// and entries that the write pattern does not know of.
    fn committed(&self, level: usize, request: &Request, row: &Row) {
        self.layers[level].invalidator.committed(request, row);
    }

    /// Asks what stands before the database to let a query through; [`System::end`] says what became of
    /// it. `name` is what a trace of the request calls it.
    fn enter(&self, name: &'static str, request: &Request) -> Result<Option<Pass<'_>>, Failure> {
        if let Some(tracer) = &self.meter.tracer {
            tracer.begin_exchange(name, None, request.of_row().key);
        }
        let guards = self.guards.as_ref();
        let pass = guards.map(|guards| guards.enter(request.instance));
        let pass = pass.transpose();
        if pass.is_err()
            && let Some(tracer) = &self.meter.tracer
        {
            tracer.note(Failure::Shed.name());
            tracer.end_exchange(self.kernel.now());
        }
        pass.map_err(|_| Failure::Shed)
    }

    /// A query that was let through has ended so.
    fn end<T>(&self, pass: Option<Pass<'_>>, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if let Some(pass) = pass {
            pass.end(outcome.is_ok(), 0);
        }
        if let Some(tracer) = &self.meter.tracer {
            match &outcome {
                Ok(_) => tracer.note("answered"),
                Err(failure) => tracer.note(failure.name()),
            }
            tracer.end_exchange(self.kernel.now());
        }
        outcome
    }

    /// Who may answer the request if it reaches the database.
    fn reach(&self, request: &Request) -> Reach {
        let is_pinned = request.must_be_fresh || self.promises.pin(request, self.kernel.now());
        if is_pinned {
            Reach::Primary
        } else {
            Reach::Any
        }
    }

    fn query(&self, request: &Request) -> impl Future<Output = Result<Answer, Failure>> {
        async move {
            let reach = self.reach(request);
            let mut row = match self.batching.page_of(request) {
                None => {
                    let pass = self.enter("fetch_source", request)?;
                    // By itself, or the future would hold the system once more.
                    let outcome = self.database.read(request, reach).await;
                    self.end(pass, outcome)?
                }
                // Boxed, because few queries go together with others.
                Some(page) => rarely(move || self.query_together(page, request, reach)).await?,
            };
            if reach == Reach::Any
                && self.database.has_replicas()
                && !self.promises.accept(request, &row, self.kernel.now())
            {
                // The replica is too far behind for what the reader was promised.
                self.count_refused_copy();
                let pass = self.enter("fetch_source", request)?;
                let read = rarely(move || self.database.read(request, Reach::Primary));
                row = self.end(pass, read.await)?;
            }
            Ok(Answer {
                row,
                outcome: ReadOutcome::Miss,
            })
        }
    }

    /// Writes that were acknowledged and that the database does not have yet.
    pub fn pending_writes(&self) -> u64 {
        let of = |layer: &Layer| layer.tier.pending_writes();
        self.layers.iter().map(of).sum()
    }

    /// A node of a tier crashes; see [`Tier::crash`]. What waited there to be written is lost, unless
    /// there is a log.
    pub fn crash(&self, level: usize, node: usize, warm: bool) {
        let layer = &self.layers[level];
        for dirty in layer.tier.crash(node, warm) {
            // Whoever has the log goes on from it.
            if layer.pattern.write.is_logged() {
                layer.tier.buffer(node, dirty);
                continue;
            }
            self.meter.lose_writes(LossCause::Crash, dirty.writes);
            self.meter.lose_row();
            self.database.lose(dirty.key, &dirty.row);
        }
    }
}
