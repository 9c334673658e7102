//! ARC: two LRU queues, for keys seen once and keys seen again, with a ghost queue behind each; a hit
//! in a ghost queue moves the target size towards the queue that would have kept the key.
//!
//! Source: N. Megiddo, D. S. Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003.
//!
//! Known weakness: any two accesses, however close, make a key "frequent", so correlated references
//! fill T2; and a loop over more keys than the cache holds never hits. The paper knows entries of one
//! weight only: where weights are bytes, the steps of p are bytes, too, and p hardly moves.

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

const RECENT: u32 = 0;
const FREQUENT: u32 = 1;
const RECENT_GHOST: u32 = 2;
const FREQUENT_GHOST: u32 = 3;

/// T1, T2, B1, B2 and the target p of the paper.
#[derive(Debug)]
pub struct Arc<W> {
    ledger: Ledger<W>,
    recent: Queue,
    frequent: Queue,
    recent_ghosts: Queue,
    frequent_ghosts: Queue,
    /// p: the weight that `recent` should have.
    target: f64,
    capacity: u64,
}

impl<W: Weights> Described for Arc<W> {
    const DESCRIPTION: Description = Description {
        name: "arc",
        summary: "adaptive replacement: ghosts decide how much room keys seen once and seen again get",
        source: "Megiddo, Modha, \"ARC: a self-tuning, low overhead replacement cache\", FAST 2003",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            ledger: Ledger::default(),
            recent: Queue::new(RECENT),
            frequent: Queue::new(FREQUENT),
            recent_ghosts: Queue::new(RECENT_GHOST),
            frequent_ghosts: Queue::new(FREQUENT_GHOST),
            target: 0.0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Arc<W> {
    /// REPLACE of the paper: one resident becomes a ghost.
    fn replace(&mut self, in_frequent_ghosts: bool, departures: &mut Departures) {
        let recent = self.recent.weight() as f64;
        let from_recent = recent > self.target
            || (in_frequent_ghosts && recent == self.target)
            || self.frequent.is_empty();
        if from_recent && let Some(victim) = self.recent.pop(&mut self.ledger) {
            self.recent_ghosts.push(&mut self.ledger, victim);
            departures.evict(victim);
        } else if let Some(victim) = self.frequent.pop(&mut self.ledger) {
            self.frequent_ghosts.push(&mut self.ledger, victim);
            departures.evict(victim);
        }
    }

    /// Makes room for a key that no queue knows: case IV of the paper.
    fn replace_for_newcomer(&mut self, weight: u64, departures: &mut Departures) {
        // Case A: L1 = T1 + B1 is full.
        if self.recent.weight() + self.recent_ghosts.weight() + weight > self.capacity {
            if let Some(forgotten) = self.recent_ghosts.pop(&mut self.ledger) {
                departures.forget(forgotten);
                self.replace(false, departures);
            } else if let Some(victim) = self.recent.pop(&mut self.ledger) {
                // T1 fills L1 alone: its oldest goes without a ghost.
                departures.evict_and_forget(victim);
            } else {
                self.replace(false, departures);
            }
        } else {
            // Case B: the ghosts of L2 make room if both lists together are full.
            let all = self.weight() + self.recent_ghosts.weight() + self.frequent_ghosts.weight();
            if all >= 2 * self.capacity
                && let Some(forgotten) = self.frequent_ghosts.pop(&mut self.ledger)
            {
                departures.forget(forgotten);
            }
            self.replace(false, departures);
        }
    }
}

impl<W: Weights> Policy for Arc<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.tag(id) <= FREQUENT
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        // Case I: to the newest end of T2.
        if self.ledger.tag(id) == FREQUENT {
            self.frequent.renew(&mut self.ledger, id);
        } else {
            self.recent.remove(&mut self.ledger, id);
            self.frequent.push(&mut self.ledger, id);
        }
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        let (recent_ghosts, frequent_ghosts) = (
            self.recent_ghosts.weight() as f64,
            self.frequent_ghosts.weight() as f64,
        );
        let ghost = self.ledger.tag(id);
        // The steps of cases II and III, with ratios from before the ghost is removed.
        match ghost {
            RECENT_GHOST => {
                let step = (frequent_ghosts / recent_ghosts).max(1.0);
                self.target = (self.target + step).min(self.capacity as f64);
                self.recent_ghosts.remove(&mut self.ledger, id);
            }
            FREQUENT_GHOST => {
                let step = (recent_ghosts / frequent_ghosts).max(1.0);
                self.target = (self.target - step).max(0.0);
                self.frequent_ghosts.remove(&mut self.ledger, id);
            }
            _ => {}
        }
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        let returns = matches!(ghost, RECENT_GHOST | FREQUENT_GHOST);
        while self.weight() > self.capacity - weight {
            if returns {
                self.replace(ghost == FREQUENT_GHOST, departures);
            } else {
                self.replace_for_newcomer(weight, departures);
            }
        }
        self.ledger.weights.set(id, weight);
        let queue = if returns {
            &mut self.frequent
        } else {
            &mut self.recent
        };
        queue.push(&mut self.ledger, id);
        true
    }

    fn remove(&mut self, id: Id) {
        let queue = if self.ledger.tag(id) == FREQUENT {
            &mut self.frequent
        } else {
            &mut self.recent
        };
        queue.remove(&mut self.ledger, id);
    }

    fn len(&self) -> usize {
        self.recent.len() + self.frequent.len()
    }

    fn weight(&self) -> u64 {
        self.recent.weight() + self.frequent.weight()
    }
}
