//! Change data capture: somebody follows the database's log of commits, in order, and deletes what it
//! names from the tier.
//!
//! So nothing that is committed is forgotten: neither the write of a client that gave up waiting, nor
//! one whose delete was lost. In order means that a commit that is late holds up all behind it. In a
//! tier whose nodes are not shared every process follows the log for itself. A node that has no room
//! for the delete, or does not answer, is asked again; one that is down has nothing to delete.
//!
//! Known weakness: copies are stale for the lag, and whoever has just written may read the old row.

use std::cell::Cell;
use std::rc::Rc;

use super::{InvalidationRow, Parts, Plan};
use crate::database::Row;
use crate::kernel::Label;
use crate::random::{Luck, Stream, mix};
use crate::tier::{Exchange, Scope, Unreachable};
use crate::units::{Key, Nanoseconds, SECOND_NS};
use crate::workload::Request;
use crate::workload::distribution::Distribution;
use crate::workload::parameters::{Kind, Parameter};

pub(super) const ROW: InvalidationRow = InvalidationRow {
    name: "change-capture",
    parameters: &[Parameter::optional(
        "lag",
        Kind::Durations,
        "from the commit until its delete is sent; later if an earlier commit is; 100ms if nothing is said",
    )],
    meaning: "the database's log of commits is followed in order, and what it names is deleted from the tier",
    source: "mcsqueal, Nishtala et al., NSDI 2013, section 4.1; Debezium",
    build: |arguments| {
        Ok(Plan::ChangeCapture {
            lag: match arguments.optional_distribution("lag")? {
                Some(lag) => lag.clone(),
                None => Distribution::constant(1e8)?,
            },
        })
    },
};

/// How long to wait with a node that has no room for a delete.
const RETRY_NS: Nanoseconds = SECOND_NS / 10;

/// What tells the luck of these exchanges from others of the same write.
const FEED: u64 = 0xfeed;

#[derive(Debug)]
struct Follower {
    parts: Parts,
    lag: Distribution,
    follows_tags: bool,
    luck: Stream,
    /// When each of those who follow sent its last delete.
    last_ns: Vec<Cell<Nanoseconds>>,
}

/// Follows the log of commits on behalf of a tier. With `follows_tags` what depends on a row is
/// deleted with it.
pub(super) fn follow(lag: &Distribution, parts: &Parts, follows_tags: bool, luck: Luck) {
    let follower = Rc::new(Follower {
        parts: parts.clone(),
        lag: lag.clone(),
        follows_tags,
        luck: luck.stream(&format!("tier.{}.feed", parts.tier.plan().name)),
        last_ns: vec![Cell::new(0); parts.tier.groups() as usize],
    });
    parts
        .database
        .on_commit(move |index, key, row| follower.committed(index, key, row));
}

impl Follower {
    fn committed(self: &Rc<Self>, index: u64, key: Key, row: &Row) {
        let Parts {
            tier,
            database,
            kernel,
            ..
        } = &self.parts;
        let mut changed = vec![(key, row.clone())];
        if self.follows_tags {
            let dependents = database.dependents(key).into_iter();
            changed.extend(dependents.map(|key| (key, database.row(key))));
        }
        let changed = Rc::new(changed);
        for group in 0..tier.groups() {
            let address = mix(index).wrapping_add(u64::from(group));
            let lag_ns = self.lag.sample_u64(&mut self.luck.at(address));
            let last_ns = &self.last_ns[group as usize];
            let at_ns = kernel.now().saturating_add(lag_ns).max(last_ns.get());
            last_ns.set(at_ns);
            let (follower, changed) = (self.clone(), changed.clone());
            let label = Label {
                kind: "change feed of commit",
                number: index,
            };
            kernel.spawn(label, async move {
                follower.parts.kernel.sleep_until(at_ns).await;
                follower.deliver(group, index, &changed).await;
            });
        }
    }

    async fn deliver(&self, group: u32, index: u64, changed: &[(Key, Row)]) {
        let Parts { tier, meter, .. } = &self.parts;
        if meter.is_measuring() {
            let counts = tier.counts();
            counts.invalidation_messages.increment();
            counts.invalidations_sent.add(changed.len() as u64);
        }
        for (key, row) in changed {
            if tier.plan().scope == Scope::Global {
                self.delete(index, *key, row).await;
            } else {
                // Each process follows the log for itself.
                tier.invalidate(tier.node_in_group(group, *key), *key, row);
            }
        }
    }

    /// Deletes over the network, until it is done.
    async fn delete(&self, index: u64, key: Key, row: &Row) {
        let Parts {
            tier,
            kernel,
            meter,
            ..
        } = &self.parts;
        let commit = Request {
            index,
            key,
            issued_ns: kernel.now(),
            ..Request::default()
        };
        // The feed is read where the tier lives; the way there is part of its lag.
        let request = tier.from_here(&commit.derived(FEED ^ key));
        loop {
            match tier.visit(Exchange::Feed, &request).await {
                Ok(visit) => {
                    tier.invalidate(visit.node(), key, row);
                    return tier.leave(visit).await;
                }
                Err(
                    Unreachable::QueueFull
                    | Unreachable::NoConnection
                    | Unreachable::Shed
                    | Unreachable::Lost,
                ) => {
                    kernel.sleep(RETRY_NS).await;
                }
                Err(Unreachable::Down) => {
                    if meter.is_measuring() {
                        tier.counts().invalidations_lost.increment();
                    }
                    return;
                }
            }
        }
    }
}
