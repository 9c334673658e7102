//! LIRS: keeps the entries whose last two accesses are closest together (low inter-reference
//! recency); only a small part of the cache is for the others.
//!
//! Source: S. Jiang, X. Zhang, "LIRS: an efficient low inter-reference recency set replacement policy
//! to improve buffer cache performance", SIGMETRICS 2002.
//!
//! Known weakness: a new working set must be accessed twice while it is in the small part or
//! remembered by the stack, so it adapts slowly when popularity changes at once.

use super::queue::{ABSENT, Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

/// Tags in the stack: a LIR entry; any other (flag).
const LIR: u32 = 0;
const HIR: u32 = 1;
/// Tags beside the stack: a resident HIR entry in Q; one that is not resident any more.
const RESIDENT: u32 = 0;
const GHOST: u32 = 1;

/// The stack S and the queue Q of the paper, and the ghosts in S in the order in which they stand
/// there. (That is the order in which they left Q: both S and Q are joined by the same accesses.)
#[derive(Debug)]
pub struct Lirs<W> {
    /// Places in S.
    stacked: Ledger<W>,
    stack: Queue,
    lir_len: usize,
    lir_weight: u64,
    /// Places in Q and among the ghosts; a LIR entry has none.
    queued: Ledger<W>,
    queue: Queue,
    ghosts: Queue,
    lir_capacity: u64,
    stack_capacity: u64,
    capacity: u64,
}

impl<W: Weights> Described for Lirs<W> {
    const DESCRIPTION: Description = Description {
        name: "lirs",
        summary: "keeps entries whose last two accesses are closest together",
        source: "Jiang, Zhang, \"LIRS: an efficient low inter-reference recency set replacement policy\", SIGMETRICS 2002",
        parameters: &[
            Parameter::real(
                "hir",
                0.01,
                0.0,
                1.0,
                "share of the capacity for entries that are not LIR",
            ),
            Parameter::real(
                "stack",
                2.0,
                1.0,
                16.0,
                "most that the stack holds, as a multiple of the capacity",
            ),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        let hir = setup.share(setup.parameters.real("hir")).max(1);
        Self {
            stacked: Ledger::default(),
            stack: Queue::with_flags(LIR, HIR),
            lir_len: 0,
            lir_weight: 0,
            queued: Ledger::default(),
            queue: Queue::new(RESIDENT),
            ghosts: Queue::new(GHOST),
            lir_capacity: setup.capacity.saturating_sub(hir),
            stack_capacity: setup.share(setup.parameters.real("stack")),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Lirs<W> {
    /// "Stack pruning": the bottom of S is always a LIR entry.
    #[inline]
    fn prune(&mut self, departures: &mut Departures) {
        while let Some(bottom) = self.stack.oldest(&self.stacked)
            && self.stacked.tag(bottom) == HIR
        {
            self.leave_stack(bottom, departures);
        }
    }

    /// A HIR entry leaves S; if it is not resident, nothing is known of it any more.
    fn leave_stack(&mut self, id: Id, departures: &mut Departures) {
        self.stack.remove(&mut self.stacked, id);
        if self.queued.tag(id) == GHOST {
            self.ghosts.remove(&mut self.queued, id);
            departures.forget(id);
        }
    }

    /// `id`, which stands neither in Q nor among the ghosts, becomes LIR, at the top of S; LIR entries
    /// at the bottom become HIR to make room.
    fn promote(&mut self, id: Id, departures: &mut Departures) {
        if self.stacked.tag(id) == HIR {
            self.stack.remove(&mut self.stacked, id);
        }
        self.stack.push(&mut self.stacked, id);
        self.lir_len += 1;
        self.lir_weight += self.stacked.weights.of(id);
        while self.lir_weight > self.lir_capacity {
            self.prune(departures);
            self.demote();
        }
        self.prune(departures);
    }

    /// The LIR entry at the bottom of S becomes HIR, at the end of Q.
    fn demote(&mut self) {
        if let Some(bottom) = self.stack.pop(&mut self.stacked) {
            self.lir_len -= 1;
            self.lir_weight -= self.stacked.weights.of(bottom);
            self.queue.push(&mut self.queued, bottom);
        }
    }

    /// The front of Q leaves the cache; it becomes a ghost if it is in S.
    fn evict(&mut self, departures: &mut Departures) {
        let Some(victim) = self.queue.pop(&mut self.queued) else {
            // Only weights can bring this about: all that is resident is LIR.
            self.prune(departures);
            self.demote();
            self.prune(departures);
            return;
        };
        departures.evict(victim);
        if self.stacked.is_present(victim) {
            self.ghosts.push(&mut self.queued, victim);
        } else {
            departures.forget(victim);
        }
    }

    /// `id`, a HIR entry, moves to the top of S.
    fn stack_as_hir(&mut self, id: Id, departures: &mut Departures) {
        self.stack.push_flagged(&mut self.stacked, id, HIR);
        while self.stack.weight() > self.stack_capacity
            && let Some(oldest) = self.ghosts.oldest(&self.queued)
        {
            self.leave_stack(oldest, departures);
        }
        // Without any LIR entry S is empty.
        self.prune(departures);
    }
}

impl<W: Weights> Policy for Lirs<W> {
    fn reserve(&mut self, bound: usize) {
        self.stacked.reserve(bound);
        self.queued.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.stacked.prefetch(id);
        self.queued.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.stacked.tag(id) == LIR || self.queued.tag(id) == RESIDENT
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, departures: &mut Departures) {
        match self.stacked.tag(id) {
            LIR => {
                self.stack.renew(&mut self.stacked, id);
                self.prune(departures);
            }
            ABSENT => {
                // A HIR entry that is not in S: to the top of S and to the end of Q.
                self.queue.renew(&mut self.queued, id);
                self.stack_as_hir(id, departures);
            }
            _ => {
                // A HIR entry in S: it becomes LIR.
                self.queue.remove(&mut self.queued, id);
                self.promote(id, departures);
            }
        }
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            if self.queued.tag(id) == GHOST {
                self.leave_stack(id, departures);
            } else {
                departures.forget(id);
            }
            return false;
        }
        while self.weight() > self.capacity - weight {
            self.evict(departures);
        }
        // Making room may have pruned the ghost out of S.
        let returns = self.queued.tag(id) == GHOST;
        if returns {
            self.ghosts.remove(&mut self.queued, id);
            self.stack.remove(&mut self.stacked, id);
        }
        self.stacked.weights.set(id, weight);
        self.queued.weights.set(id, weight);
        let room_for_lir = self.lir_weight + weight <= self.lir_capacity;
        if room_for_lir || (returns && weight <= self.lir_capacity) {
            self.promote(id, departures);
        } else {
            self.queue.push(&mut self.queued, id);
            self.stack_as_hir(id, departures);
        }
        true
    }

    fn remove(&mut self, id: Id) {
        // S is pruned by the next access, whose departures can be reported.
        match self.stacked.tag(id) {
            LIR => {
                self.stack.remove(&mut self.stacked, id);
                self.lir_len -= 1;
                self.lir_weight -= self.stacked.weights.of(id);
            }
            HIR => {
                self.queue.remove(&mut self.queued, id);
                self.stack.remove(&mut self.stacked, id);
            }
            _ => self.queue.remove(&mut self.queued, id),
        }
    }

    fn len(&self) -> usize {
        self.lir_len + self.queue.len()
    }

    fn weight(&self) -> u64 {
        self.lir_weight + self.queue.weight()
    }
}
