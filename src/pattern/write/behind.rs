//! Write-behind: the tier acknowledges a write at once and writes to the database later, many writes
//! of one key as one. Tiers in between are passed by, and what they hold of the key is deleted.
//!
//! Each node flushes what is dirty every so often, or when so many keys are. Dirty entries are kept
//! outside the cache proper, so eviction does not lose them; a crash of the node does, unless each
//! write is copied to a replicated log outside the tier before it is acknowledged. A flush that fails is tried
//! again with the next one. What is on its way to the database when a node crashes arrives there.
//!
//! Known weakness: what was acknowledged may be lost, and others who read the database see it late.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::super::{Boxed, PatternRow, System, Write, WritePattern};
use crate::database::Row;
use crate::kernel::{Broadcast, BroadcastId, Kernel, race};
use crate::metrics::{Failure, LossCause};
use crate::tier::{Dirty, Exchange, Filling};
use crate::units::{Nanoseconds, SECOND_NS};
use crate::workload::Request;
use crate::workload::parameters::{Kind, Parameter, ParameterError};

pub(crate) const ROW: PatternRow<Write> = PatternRow {
    name: "behind",
    parameters: &[
        Parameter::optional(
            "flush",
            Kind::Duration,
            "time between two flushes of a node; 1s if nothing is said",
        ),
        Parameter::optional(
            "batch",
            Kind::Count,
            "dirty keys in a node that start a flush ahead of time; no such limit if nothing is said",
        ),
        Parameter::optional(
            "writers",
            Kind::Count,
            "queries that a node's flush has in flight at a time; 16 if nothing is said",
        ),
        Parameter::optional(
            "log",
            Kind::Switch,
            "whether a write is copied to a replicated log outside the tier before it is acknowledged, at the cost of one more round trip, so that a crash loses nothing; false if nothing is said",
        ),
    ],
    meaning: "the tier acknowledges at once and writes to the database later, many writes of one key as one",
    source: "JSR 107 (JCache) and Oracle Coherence, write-behind caching",
    build: |arguments| {
        let flush_ns = arguments.optional("flush")?;
        let flush_ns = flush_ns.map_or(SECOND_NS, |flush_ns| flush_ns.round() as u64);
        if flush_ns < 1000 {
            return Err(ParameterError::new("flush", "must be at least 1us"));
        }
        let at_least_1 = |name, default| match arguments.count_or(name, default)? {
            0 => Err(ParameterError::new(name, "must be at least 1, not 0")),
            count => Ok(count),
        };
        let batch = at_least_1("batch", u64::MAX)?;
        Ok(Arc::new(Behind {
            flush_ns,
            batch: (batch < u64::MAX).then_some(batch),
            writers: at_least_1("writers", 16)?,
            is_logged: arguments.switch("log", false)?,
        }))
    },
};

/// See the module's text: how the writes get to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Behind {
    /// Time between two flushes of a node.
    flush_ns: Nanoseconds,
    /// So many dirty keys in a node start a flush ahead of time. `None` for no such limit.
    batch: Option<u64>,
    /// Queries of one node that a flush has in flight at a time, at least 1.
    writers: u64,
    /// Whether a write is copied to another node's log before it is acknowledged, so that a crash
    /// of the node loses nothing.
    is_logged: bool,
}

impl WritePattern for Behind {
    fn write<'a>(
        &'a self,
        system: &'a Rc<System>,
        request: &'a Request,
        level: usize,
    ) -> Boxed<'a, Row> {
        Box::pin(write(system, request, level, *self))
    }

    fn goes_through(&self) -> bool {
        true
    }

    fn is_behind(&self) -> bool {
        true
    }

    fn is_logged(&self) -> bool {
        self.is_logged
    }

    fn start(&self, system: &Rc<System>, level: usize) {
        start(system, level, *self);
    }
}

async fn write(
    system: &Rc<System>,
    request: &Request,
    level: usize,
    behind: Behind,
) -> Result<Row, Failure> {
    let layer = &system.layers[level];
    let tier = &layer.tier;
    let Ok(visit) = tier.visit(Exchange::Write, request).await else {
        return Err(Failure::Unavailable);
    };
    let node = visit.node();
    let row = system.database.draft(request.key);
    system.meter.writes.accept();
    // Loads that began before the write are overtaken.
    tier.drop_copy(node, request.key, Some(&row));
    tier.buffer(
        node,
        Dirty {
            key: request.key,
            row: row.clone(),
            writes: 1,
            index: request.index,
        },
    );
    if tier.store(node, request, &row, Filling::Written) {
        layer.stored(request, &row);
    }
    if let Some(batch) = behind.batch
        && tier.dirty_keys(node) as u64 >= batch
    {
        layer.flushes.hurry(node);
    }
    // What waits for its flush is the node's alone; copies are for readers.
    let _ = tier.replicated(node).await;
    // Refused or not, the node has the write.
    let _ = tier.receive(node, &row, Filling::Written).await;
    if behind.is_logged {
        // There and back again, to a node of the same tier.
        tier.hop(Exchange::Log, request).await;
    }
    let is_lost = visit.is_lost();
    tier.leave(visit).await;
    if is_lost {
        return Err(Failure::Unavailable);
    }
    Ok(row)
}

/// Flushes of one layer that are waited for; one channel a node.
#[derive(Debug)]
pub(crate) struct Flushes {
    wake: Broadcast<()>,
    waiting: RefCell<Vec<Option<BroadcastId>>>,
}

impl Flushes {
    pub(crate) fn new(nodes: usize, kernel: &Rc<Kernel>) -> Self {
        Self {
            wake: Broadcast::new(kernel.clone()),
            waiting: RefCell::new(vec![None; nodes]),
        }
    }

    /// The node's next flush begins now.
    fn hurry(&self, node: usize) {
        if let Some(channel) = self.waiting.borrow_mut()[node].take() {
            self.wake.close(channel, Some(()));
        }
    }

    /// Waits for the node's next flush, `interval_ns` at most.
    async fn wait(&self, system: &System, node: usize, interval_ns: u64) {
        let channel = self.wake.open();
        self.waiting.borrow_mut()[node] = Some(channel);
        race(self.wake.receive(channel), system.kernel.sleep(interval_ns)).await;
        let unused = self.waiting.borrow_mut()[node].take();
        if let Some(channel) = unused {
            self.wake.close(channel, None);
        }
    }
}

/// Starts the flushes of all nodes of tier `level`.
fn start(system: &Rc<System>, level: usize, behind: Behind) {
    for node in 0..system.layers[level].tier.nodes() {
        system.spawn("flushes of node", node as u64, async move |system| {
            let mut has_failed = false;
            loop {
                let layer = &system.layers[level];
                let is_full = behind
                    .batch
                    .is_some_and(|batch| layer.tier.dirty_keys(node) as u64 >= batch);
                if !is_full || has_failed {
                    layer.flushes.wait(&system, node, behind.flush_ns).await;
                }
                has_failed = !flush(&system, level, node, behind.writers).await;
            }
        });
    }
}

/// Writes as many keys to the database as are dirty in a node now, so many queries at a time.
/// Whether all of them got there.
async fn flush(system: &Rc<System>, level: usize, node: usize, writers: u64) -> bool {
    let keys = system.layers[level].tier.dirty_keys(node) as u64;
    let writers = writers.min(keys);
    if writers == 0 {
        return true;
    }
    let flush = Rc::new(Flush {
        keys_left: Cell::new(keys),
        writers_left: Cell::new(writers),
        is_well: Cell::new(true),
        done: Broadcast::new(system.kernel.clone()),
    });
    let channel = flush.done.open();
    let done = flush.done.receive(channel);
    for writer in 0..writers {
        let flush = flush.clone();
        system.spawn("flush by writer", writer, async move |system| {
            while flush.keys_left.get() > 0 {
                flush.keys_left.set(flush.keys_left.get() - 1);
                // Taken one by one, so that a crash meets what has not been sent yet.
                let Some(dirty) = system.layers[level].tier.begin_flush(node) else {
                    break;
                };
                if !store(&system, level, node, dirty).await {
                    flush.is_well.set(false);
                }
            }
            flush.writers_left.set(flush.writers_left.get() - 1);
            if flush.writers_left.get() == 0 {
                flush.done.close(channel, Some(()));
            }
        });
    }
    done.await;
    flush.is_well.get()
}

/// A flush that several writers work on.
struct Flush {
    keys_left: Cell<u64>,
    writers_left: Cell<u64>,
    is_well: Cell<bool>,
    done: Broadcast<()>,
}

/// Writes one key to the database, and settles what became of the writes that it stands for.
/// Whether the database answered.
async fn store(system: &Rc<System>, level: usize, node: usize, dirty: Dirty) -> bool {
    let database = &system.database;
    let tier = &system.layers[level].tier;
    let request = tier.request_of(node, dirty.index, dirty.key);
    let outcome = database.store(&request, &dirty.row, dirty.writes).await;
    tier.end_flush(node, dirty.key);
    match outcome {
        Ok(true) => {
            if system.meter.is_measuring() {
                tier.counts().flushed.increment();
                tier.counts().flushed_writes.add(dirty.writes);
            }
            delete_below(system, level, &request, &dirty.row).await;
            // Others who asked the database before would have got the old row again.
            system.committed(level, &request, &dirty.row);
            true
        }
        Ok(false) => {
            system
                .meter
                .lose_writes(LossCause::Overwritten, dirty.writes);
            database.lose(dirty.key, &dirty.row);
            true
        }
        Err(_) => {
            tier.buffer(node, dirty);
            false
        }
    }
}

/// Deletes what the tiers between the flushed one and the database hold of an old version.
async fn delete_below(system: &Rc<System>, level: usize, request: &Request, committed: &Row) {
    for layer in system.layers[level + 1..].iter().rev() {
        let _ = layer
            .tier
            .delete(Exchange::Delete, request, Some(committed))
            .await;
    }
}
