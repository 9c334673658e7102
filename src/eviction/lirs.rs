//! LIRS: keeps the entries whose last two accesses are closest together (low inter-reference
//! recency); only a small part of the cache is for the others.
//!
//! Source: S. Jiang, X. Zhang, "LIRS: an efficient low inter-reference recency set replacement policy
//! to improve buffer cache performance", SIGMETRICS 2002. Where the paper leaves a choice, and in one
//! place where it does not, this follows libCacheSim 0.3.5, so that counts are equal: a hit on a HIR
//! entry that is not in the stack moves the LIR entry at the bottom of the stack to Q, although the
//! entry that was hit stays HIR. The place that becomes free goes to the next newcomer, as LIR.
//!
//! With a HIR share of one entry (capacities below 200) that very hit pushes the entry out of Q. The
//! reference goes on serving it from the stack without counting it; so does this policy in replay (it
//! may hold an entry or two too many), while in a strict host such entries count and are the first to go.
//!
//! Known weakness: a new working set must be accessed twice while it is in the small part or
//! remembered by the stack, so it adapts slowly when popularity changes at once.
//! The small part is a fixed share. So an object that is too large for what is left of the other part
//! evicts from the small one, although the cache as a whole may have room.

use super::queue::{ABSENT, Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

/// Tags in the stack: a LIR entry; any other (flag).
const LIR: u32 = 0;
const HIR: u32 = 1;
/// Tags beside the stack: a resident HIR entry in Q; a ghost, which is in the stack only; a resident
/// that was pushed out of Q by its own hit, and is in the stack only.
const RESIDENT: u32 = 0;
const GHOST: u32 = 1;
const LOOSE: u32 = 2;

/// The stack S and the queue Q of the paper, and the ghosts in S in the order in which they became
/// that.
#[derive(Debug)]
pub struct Lirs<W> {
    /// Places in S.
    stacked: Ledger<W>,
    stack: Queue,
    lir_len: usize,
    lir_weight: u64,
    /// Places in Q, among the ghosts or the loose; a LIR entry has none.
    queued: Ledger<W>,
    queue: Queue,
    ghosts: Queue,
    loose: Queue,
    lir_capacity: u64,
    queue_capacity: u64,
    stack_capacity: u64,
    capacity: u64,
    strict: bool,
    /// A LIR entry was taken out of the stack, and what lies under the next has yet to be pruned.
    must_prune: bool,
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
                "share of the capacity for entries that are not LIR, at least one",
            ),
            Parameter::real(
                "stack",
                2.0,
                1.0,
                16.0,
                "most that the stack holds, ghosts included, as a multiple of the capacity",
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
            loose: Queue::new(LOOSE),
            lir_capacity: setup.capacity.saturating_sub(hir),
            queue_capacity: hir,
            stack_capacity: setup.share(setup.parameters.real("stack")),
            capacity: setup.capacity,
            strict: setup.strict,
            must_prune: false,
        }
    }
}

impl<W: Weights> Lirs<W> {
    /// "Stack pruning": what lies under the lowest LIR entry leaves S. (The top stays, even if
    /// there is no LIR entry at all.)
    #[inline]
    fn prune(&mut self, departures: &mut Departures) {
        while self.stack.len() > 1
            && let Some(bottom) = self.stack.oldest(&self.stacked)
            && self.stacked.tag(bottom) == HIR
        {
            self.leave_stack(bottom, departures);
        }
    }

    /// Prunes S if entries were taken out of it since the last access; `id`, which is being accessed
    /// and will be at its top, stays.
    #[inline]
    fn prune_if_due(&mut self, id: Id, departures: &mut Departures) {
        if self.must_prune {
            self.must_prune = false;
            if self.stacked.tag(id) == HIR {
                self.restack(id);
            }
            self.prune(departures);
        }
    }

    /// A HIR entry leaves S. If it was nowhere else, nothing is known of it any more.
    fn leave_stack(&mut self, id: Id, departures: &mut Departures) {
        self.stack.remove(&mut self.stacked, id);
        match self.queued.tag(id) {
            GHOST => {
                self.ghosts.remove(&mut self.queued, id);
                departures.forget(id);
            }
            LOOSE => {
                self.loose.remove(&mut self.queued, id);
                departures.evict_and_forget(id);
            }
            _ => {}
        }
    }

    /// A resident HIR entry, already out of Q, leaves the cache: a ghost if it is in S.
    fn leave_cache(&mut self, id: Id, departures: &mut Departures) {
        departures.evict(id);
        if self.stacked.is_present(id) {
            self.ghosts.push(&mut self.queued, id);
        } else {
            departures.forget(id);
        }
    }

    /// The front of Q leaves the cache.
    fn evict_from_queue(&mut self, departures: &mut Departures) -> bool {
        let victim = self.queue.pop(&mut self.queued);
        if let Some(victim) = victim {
            self.leave_cache(victim, departures);
        }
        victim.is_some()
    }

    /// LIR entries at the bottom of S move to the end of Q until `weight` more can be LIR. What Q then
    /// holds too much leaves at its front; if that is `hit`, it stays resident, but loose.
    fn make_room_for_lir(&mut self, weight: u64, hit: Option<Id>, departures: &mut Departures) {
        while self.lir_weight + weight > self.lir_capacity && self.lir_len > 0 {
            self.prune(departures);
            let Some(bottom) = self.stack.pop(&mut self.stacked) else {
                return;
            };
            let moved = self.stacked.weights.of(bottom);
            self.lir_len -= 1;
            self.lir_weight -= moved;
            while self.queue.weight() + moved > self.queue_capacity
                && let Some(front) = self.queue.pop(&mut self.queued)
            {
                if Some(front) == hit {
                    self.loose.push(&mut self.queued, front);
                } else {
                    self.leave_cache(front, departures);
                }
            }
            self.queue.push(&mut self.queued, bottom);
            self.prune(departures);
        }
    }

    /// `id` stands in S and nowhere else, at its top, and becomes LIR.
    fn become_lir(&mut self, id: Id) {
        self.stacked.retag(id, LIR);
        self.lir_len += 1;
        self.lir_weight += self.stacked.weights.of(id);
    }

    /// Ghosts leave S, the oldest first, while it is too large.
    #[inline]
    fn limit_stack(&mut self, departures: &mut Departures) {
        while self.stack.weight() > self.stack_capacity
            && let Some(oldest) = self.ghosts.oldest(&self.queued)
        {
            self.leave_stack(oldest, departures);
        }
    }

    /// `id` moves to the top of S and is HIR there.
    #[inline]
    fn restack(&mut self, id: Id) {
        self.stack.renew(&mut self.stacked, id);
        self.stacked.retag(id, HIR);
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
        self.stacked.tag(id) == LIR || matches!(self.queued.tag(id), RESIDENT | LOOSE)
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, departures: &mut Departures) {
        self.prune_if_due(id, departures);
        match self.stacked.tag(id) {
            LIR => {
                self.stack.renew(&mut self.stacked, id);
                self.prune(departures);
                return;
            }
            HIR => {
                let weight = self.stacked.weights.of(id);
                if weight > self.lir_capacity {
                    // It can never be LIR.
                    self.restack(id);
                    if self.queued.tag(id) == RESIDENT {
                        self.queue.renew(&mut self.queued, id);
                    }
                } else {
                    // A HIR entry in S becomes LIR.
                    self.restack(id);
                    if self.queued.tag(id) == RESIDENT {
                        self.queue.remove(&mut self.queued, id);
                    } else {
                        self.loose.remove(&mut self.queued, id);
                    }
                    self.make_room_for_lir(weight, None, departures);
                    self.become_lir(id);
                }
            }
            _ => {
                // A HIR entry that is not in S: to the end of Q and to the top of S.
                self.queue.renew(&mut self.queued, id);
                let weight = self.queued.weights.of(id);
                if weight <= self.lir_capacity {
                    self.make_room_for_lir(weight, Some(id), departures);
                }
                self.stack.push_flagged(&mut self.stacked, id, HIR);
            }
        }
        self.limit_stack(departures);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        self.prune_if_due(id, departures);
        let weight = W::measure(access.weight);
        let returns = self.queued.tag(id) == GHOST;
        if weight > self.capacity {
            if returns {
                self.leave_stack(id, departures);
            } else {
                departures.forget(id);
            }
            return false;
        }
        if returns {
            self.restack(id);
            self.ghosts.remove(&mut self.queued, id);
            // What it weighed as a ghost is of no meaning any more.
            self.stack.remove(&mut self.stacked, id);
        }
        debug_assert!(self.stacked.tag(id) == ABSENT && self.queued.tag(id) == ABSENT);
        self.stacked.weights.set(id, weight);
        self.queued.weights.set(id, weight);
        let may_be_lir = weight <= self.lir_capacity;
        let becomes_lir = may_be_lir && (returns || self.lir_weight + weight <= self.lir_capacity);
        if returns && may_be_lir {
            // It counts as the top of S while the bottom is pruned.
            self.stack.push_flagged(&mut self.stacked, id, HIR);
            self.make_room_for_lir(weight, None, departures);
            self.stack.remove(&mut self.stacked, id);
        }
        if !becomes_lir {
            while self.queue.weight() + weight > self.queue_capacity
                && self.evict_from_queue(departures)
            {}
        }
        // Otherwise there is room now, but for weights larger than Q and for loose entries.
        while self.counted_weight() > self.capacity - weight {
            if let Some(victim) = self.loose.pop(&mut self.queued) {
                self.leave_cache(victim, departures);
            } else if !self.evict_from_queue(departures) {
                // All that counts is LIR: at least one entry of it must go to Q.
                let one = self.lir_capacity - self.lir_weight + 1;
                self.make_room_for_lir(one, None, departures);
            }
        }
        self.stack.push_flagged(&mut self.stacked, id, HIR);
        if becomes_lir {
            self.become_lir(id);
        } else {
            self.queue.push(&mut self.queued, id);
        }
        self.limit_stack(departures);
        true
    }

    fn remove(&mut self, id: Id) {
        // S is pruned by the next access, whose departures can be reported.
        self.must_prune = true;
        if self.stacked.tag(id) == LIR {
            self.lir_len -= 1;
            self.lir_weight -= self.stacked.weights.of(id);
        }
        if self.stacked.is_present(id) {
            self.stack.remove(&mut self.stacked, id);
        }
        match self.queued.tag(id) {
            RESIDENT => self.queue.remove(&mut self.queued, id),
            LOOSE => self.loose.remove(&mut self.queued, id),
            _ => {}
        }
    }

    fn len(&self) -> usize {
        self.lir_len + self.queue.len() + self.loose.len()
    }

    fn weight(&self) -> u64 {
        self.lir_weight + self.queue.weight() + self.loose.weight()
    }
}

impl<W: Weights> Lirs<W> {
    /// The weight of the residents that count against the capacity.
    #[inline]
    fn counted_weight(&self) -> u64 {
        let loose = if self.strict { self.loose.weight() } else { 0 };
        self.lir_weight + self.queue.weight() + loose
    }
}
