//! Nodes that nobody reaches: cut off from the app instances and from the other nodes of the tier.
//!
//! Such a node keeps what it holds, but the others notice that it does not answer, as with one that is
//! down, and a replica takes its place. What had been sent to its replicas before arrives. Once it is
//! back it is a replica, and copies all that the primary holds; or, if it is the primary still, its
//! replicas do.
//!
//! Not here: what happens to the exchanges of requests meanwhile (see `disturbed`); nodes that reach some
//! of the others.

use std::cell::Cell;

use super::Tier;
use super::membership::Members;

/// How a node is cut off from the others.
#[derive(Debug, Default)]
pub(super) struct Isolation {
    /// By how many partitions it is at present.
    present: Cell<u32>,
    /// How often that has begun.
    begun: Cell<u64>,
}

impl Tier {
    /// From now on nobody reaches a node, until [`Tier::rejoin`] was called as often.
    pub fn isolate(&self, number: usize) {
        let Some(members) = &self.members else { return };
        let Isolation { present, begun } = &members.isolations[number];
        present.set(present.get() + 1);
        if present.get() > 1 {
            return;
        }
        begun.set(begun.get() + 1);
        self.note_down_shards();
        if !self.nodes[number].is_down.get() {
            members.watch(self, number);
        }
    }

    /// Ends what [`Tier::isolate`] began.
    pub fn rejoin(&self, number: usize) {
        let Some(members) = &self.members else { return };
        let present = &members.isolations[number].present;
        present.set(present.get().saturating_sub(1));
        if present.get() == 0 && !self.nodes[number].is_down.get() {
            members.restarted(self, number);
            self.note_down_shards();
        }
    }
}

impl Members {
    /// Whether a node is cut off from all others.
    pub(super) fn is_isolated(&self, node: usize) -> bool {
        self.isolations[node].present.get() > 0
    }

    /// Whether no other node hears of this one: it is down, or cut off.
    pub(super) fn is_out(&self, tier: &Tier, node: usize) -> bool {
        tier.nodes[node].is_down.get() || self.is_isolated(node)
    }

    /// How often a node has gone out; one that does twice at a time does so anew.
    pub(super) fn outages(&self, tier: &Tier, node: usize) -> u64 {
        tier.crashes(node) + self.isolations[node].begun.get()
    }
}
