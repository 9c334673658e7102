//! The app's Bloom filter: each instance keeps a set of the keys that exist, and answers a read of
//! any other key by itself, without asking a tier or the database.
//!
//! The filter is a real bit array (see `eviction::admission::filter`), sized by its rate of false
//! positives and the number of keys that exist when it is built, at the start of the run and every
//! so often: a job reads all keys and hands the result to all instances at once. A key that it takes
//! for a member by mistake is asked for as if there were no filter.
//!
//! Two traps are real. Keys cannot be taken out, so rows that were deleted pass until the next
//! build. And a row that was created after the build is *denied although it exists* by whoever has
//! not learnt of it: see [`Learns`]. What is denied counts as a negative hit of the request; no tier
//! is looked up.
//!
//! Not here: negative entries in tiers (`tier`), which forget by their TTL.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use super::System;
use crate::database::{Database, Row};
use crate::defence::Answer;
use crate::eviction::admission::filter::Filter;
use crate::kernel::Kernel;
use crate::metrics::{Meter, ReadOutcome};
use crate::units::{Key, Nanoseconds};
use crate::workload::Request;

/// Who puts a row that is created after the build into its filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Learns {
    /// Nobody: created rows are denied until the next build.
    None,
    /// The instance that created it, when that is acknowledged; the others deny the row.
    Own,
    /// The same, and all others after the lag of whatever tells them.
    #[default]
    All,
}

/// One row of the table of [`Learns`].
#[derive(Clone, Copy, Debug)]
pub struct LearnsRow {
    /// The name in a scenario.
    pub name: &'static str,
    /// Who learns, in one line.
    pub summary: &'static str,
    /// The value.
    pub learns: Learns,
}

/// All of [`Learns`].
pub static LEARNS: &[LearnsRow] = &[
    LearnsRow {
        name: "all",
        summary: "every instance: the writer at once, the others after `lag`",
        learns: Learns::All,
    },
    LearnsRow {
        name: "own",
        summary: "the instance that wrote it; the others deny the row until the next build",
        learns: Learns::Own,
    },
    LearnsRow {
        name: "none",
        summary: "nobody: all deny the row until the next build",
        learns: Learns::None,
    },
];

/// A Bloom filter as checked.
#[derive(Clone, Debug, PartialEq)]
pub struct BloomPlan {
    /// Share of the keys that do not exist which it takes for members, above 0 and below 1, while it
    /// holds as many keys as when it was built.
    pub false_positives: f64,
    /// Time between two builds, at least a microsecond; `None` for the one at the start.
    pub rebuild_ns: Option<Nanoseconds>,
    /// Who learns of created rows.
    pub learns: Learns,
    /// How long it takes the other instances to learn of one.
    pub lag_ns: Nanoseconds,
    /// The keys that exist at the start, in ranges that do not overlap.
    pub keys: Vec<Range<Key>>,
}

/// The filters of all instances.
pub(super) struct Bloom {
    plan: BloomPlan,
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
    database: Rc<Database>,
    /// By instance; one bit array for all of them until one learns something.
    filters: RefCell<Vec<Rc<Filter>>>,
    built_ns: Cell<Nanoseconds>,
}

impl fmt::Debug for Bloom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Bloom");
        shown.field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Bloom {
    pub(super) fn new(
        plan: &BloomPlan,
        instances: u32,
        database: &Rc<Database>,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
    ) -> Self {
        let bloom = Self {
            plan: plan.clone(),
            kernel: kernel.clone(),
            meter: meter.clone(),
            database: database.clone(),
            filters: RefCell::new(Vec::new()),
            built_ns: Cell::new(0),
        };
        bloom.build(instances as usize);
        bloom
    }

    /// Builds the filter from the keys that the database has now, and gives it to all instances.
    fn build(&self, instances: usize) {
        let mut created: Vec<Key> = Vec::new();
        let mut deleted: Vec<Key> = Vec::new();
        let is_there_at_the_start =
            |key: Key| self.plan.keys.iter().any(|range| range.contains(&key));
        self.database.for_each_written(|key, is_absent| {
            match (is_there_at_the_start(key), is_absent) {
                (true, true) => deleted.push(key),
                (false, false) => created.push(key),
                _ => {}
            }
        });
        deleted.sort_unstable();
        let at_the_start: u64 = self.plan.keys.iter().map(|it| it.end - it.start).sum();
        let many = at_the_start + created.len() as u64 - deleted.len() as u64;
        let mut filter = Filter::sized(many, self.plan.false_positives);
        for key in self.plan.keys.iter().cloned().flatten().chain(created) {
            if deleted.is_empty() || deleted.binary_search(&key).is_err() {
                filter.insert(key);
            }
        }
        self.built_ns.set(self.kernel.now());
        self.meter.bloom.bytes.set(filter.bytes());
        let filter = Rc::new(filter);
        *self.filters.borrow_mut() = vec![filter; instances];
    }

    /// "No such row", if the request's instance takes that for certain.
    fn deny(&self, request: &Request) -> Option<Row> {
        let passes = self.filters.borrow()[request.instance as usize].contains(request.key);
        let exists = self.database.exists(request.key);
        if self.meter.is_measuring() {
            let counts = &self.meter.bloom;
            match (passes, exists) {
                (true, true) => {}
                (true, false) => counts.false_positives.increment(),
                (false, true) => counts.wrong.increment(),
                (false, false) => counts.rejected.increment(),
            }
        }
        if passes {
            return None;
        }
        // What the filter does not hold was true when it last heard of the database.
        let true_ns = match self.plan.learns {
            Learns::All => self.kernel.now().saturating_sub(self.plan.lag_ns),
            Learns::Own | Learns::None => self.built_ns.get(),
        };
        Some(Row::denied(true_ns.max(self.built_ns.get())))
    }

    fn learn(&self, instance: usize, key: Key) {
        let filters = &mut self.filters.borrow_mut();
        if !filters[instance].contains(key) {
            Rc::make_mut(&mut filters[instance]).insert(key);
        }
    }

    fn learn_all(&self, key: Key) {
        let instances = self.filters.borrow().len();
        (0..instances).for_each(|instance| self.learn(instance, key));
    }
}

impl System {
    /// The answer of the app's Bloom filter, if it has one that knows the answer and no promise
    /// forbids it.
    pub(super) fn denied(&self, request: &Request) -> Option<Answer> {
        let row = self.bloom.as_ref()?.deny(request)?;
        let answer = Answer {
            row,
            outcome: ReadOutcome::NegativeHit,
        };
        (!self.is_forbidden(request, &answer)).then_some(answer)
    }

    /// The request has written its row: whoever is to learn that it exists, does.
    pub(super) fn tell_filters(self: &Rc<Self>, request: &Request, row: &Row) {
        let Some(bloom) = &self.bloom else { return };
        if row.is_absent() {
            // Nothing can be taken out.
            return;
        }
        let key = request.key;
        match bloom.plan.learns {
            Learns::None => return,
            Learns::Own => {}
            Learns::All if bloom.plan.lag_ns == 0 => return bloom.learn_all(key),
            Learns::All => {
                let lag_ns = bloom.plan.lag_ns;
                self.spawn("filters learn of key", key, async move |system| {
                    system.kernel.sleep(lag_ns).await;
                    if let Some(bloom) = &system.bloom {
                        bloom.learn_all(key);
                    }
                });
            }
        }
        bloom.learn(request.instance as usize, key);
    }

    /// Lets the filter be built anew every so often.
    pub(super) fn start_rebuilding(self: &Rc<Self>) {
        let rebuild_ns = self.bloom.as_ref().and_then(|bloom| bloom.plan.rebuild_ns);
        let Some(rebuild_ns) = rebuild_ns else { return };
        self.spawn("builds of the filter", 0, async move |system| {
            loop {
                system.kernel.sleep(rebuild_ns).await;
                if let Some(bloom) = &system.bloom {
                    let instances = bloom.filters.borrow().len();
                    bloom.build(instances);
                }
            }
        });
    }
}
