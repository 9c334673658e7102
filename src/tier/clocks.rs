//! Clocks that differ between who stores an entry and the node that is to forget it.
//!
//! Matters where an entry carries the time at which it expires, rather than how long it lives: the
//! storer's clock makes it and the node's clock reads it. When a node's clock jumps, whatever lies in the
//! node expires earlier or later by as much, until it jumps back; the clock of a storer matters for what
//! it stores meanwhile.

use super::Tier;
use crate::geography::Origin;
use crate::kernel::Ongoing;
use crate::units::{NEVER, Nanoseconds};
use crate::workload::Request;

/// By how much the clocks of some nodes differ from those of some storers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// Whose clocks are wrong: the nodes' if they differ from everybody's, and else the storers'.
    pub from: Origin,
    /// In which node; `None` for all.
    pub node: Option<usize>,
    /// By so much the node's clock is ahead, so that entries expire too early; below 0 it is behind.
    pub ahead_ns: i64,
}

/// The clocks of one tier.
pub(super) type Clocks = Ongoing<Skew>;

impl Tier {
    /// From now on entries expire too early or too late, until [`Tier::set_clocks_right`] with the
    /// answer.
    pub fn skew_clocks(&self, skew: Skew) -> u64 {
        self.jump(&skew, skew.ahead_ns);
        self.clocks.begin(skew)
    }

    /// Ends what [`Tier::skew_clocks`] began.
    pub fn set_clocks_right(&self, number: u64) {
        let ended = self.clocks.end(number);
        if let Some(skew) = ended {
            self.jump(&skew, skew.ahead_ns.saturating_neg());
        }
    }

    /// The clocks of the nodes go on from another time than they showed, if it is theirs that are wrong.
    fn jump(&self, skew: &Skew, ahead_ns: i64) {
        if skew.from != Origin::Everywhere {
            return;
        }
        for (number, node) in self.nodes.iter().enumerate() {
            if skew.node.is_none_or(|only| only == number) {
                node.cache.borrow_mut().shift_expiries(ahead_ns);
            }
        }
    }

    /// When an entry really expires that the request stores in a node, and that was to at `expires_ns`.
    #[cold]
    pub(super) fn by_the_nodes_clock(
        &self,
        node: usize,
        request: &Request,
        expires_ns: Nanoseconds,
    ) -> Nanoseconds {
        if expires_ns == NEVER {
            return NEVER;
        }
        let skews = self.clocks.things();
        let concerns =
            |skew: &Skew| skew.from.has(request) && skew.node.is_none_or(|only| only == node);
        let all = skews.iter().map(|(_, skew)| skew);
        let ahead_ns = all
            .filter(|skew| concerns(skew))
            .fold(0_i64, |sum, skew| sum.saturating_add(skew.ahead_ns));
        expires_ns.saturating_add_signed(ahead_ns.saturating_neg())
    }
}
