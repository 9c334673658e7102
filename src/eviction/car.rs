//! CAR: ARC with two clocks in place of its LRU queues, so that a hit only sets a bit.
//!
//! Source: S. Bansal, D. S. Modha, "CAR: clock with adaptive replacement", FAST 2004.
//!
//! Known weakness: as ARC, any two accesses make a key "frequent" (its variant CART asks for more).

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// Tags; in the clocks the lowest bit is the page reference bit.
const REFERENCED: u32 = 0b001;
const RECENT: u32 = 0b000;
const FREQUENT: u32 = 0b010;
const RECENT_GHOST: u32 = 0b100;
const FREQUENT_GHOST: u32 = 0b110;

/// The clocks T1 and T2, the ghost queues B1 and B2 and the target p of the paper.
#[derive(Debug)]
pub struct Car<W> {
    ledger: Ledger<W>,
    recent: Queue,
    frequent: Queue,
    recent_ghosts: Queue,
    frequent_ghosts: Queue,
    /// p: the weight that `recent` should have.
    target: f64,
    capacity: u64,
}

impl<W: Weights> Described for Car<W> {
    const DESCRIPTION: Description = Description {
        name: "car",
        summary: "ARC with clocks in place of LRU queues: a hit only sets a bit",
        source: "Bansal, Modha, \"CAR: clock with adaptive replacement\", FAST 2004",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            ledger: Ledger::default(),
            recent: Queue::with_flags(RECENT, REFERENCED),
            frequent: Queue::with_flags(FREQUENT, REFERENCED),
            recent_ghosts: Queue::new(RECENT_GHOST),
            frequent_ghosts: Queue::new(FREQUENT_GHOST),
            target: 0.0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Car<W> {
    /// `replace()` of the paper, lines 22 to 39: one resident becomes a ghost.
    fn replace(&mut self, departures: &mut Departures) {
        loop {
            let from_recent =
                self.recent.weight() as f64 >= self.target.max(1.0) || self.frequent.is_empty();
            if from_recent && let Some(candidate) = self.recent.oldest(&self.ledger) {
                let referenced = self.ledger.tag(candidate) & REFERENCED != 0;
                self.recent.remove(&mut self.ledger, candidate);
                if referenced {
                    // Lines 29, 30: to the tail of T2, with the bit cleared.
                    self.frequent.push(&mut self.ledger, candidate);
                } else {
                    self.recent_ghosts.push(&mut self.ledger, candidate);
                    departures.evict(candidate);
                    return;
                }
            } else if let Some(candidate) = self.frequent.oldest(&self.ledger) {
                if self.ledger.tag(candidate) & REFERENCED != 0 {
                    // Lines 36, 37: another round, with the bit cleared.
                    self.frequent.renew(&mut self.ledger, candidate);
                } else {
                    self.frequent.remove(&mut self.ledger, candidate);
                    self.frequent_ghosts.push(&mut self.ledger, candidate);
                    departures.evict(candidate);
                    return;
                }
            } else {
                return;
            }
        }
    }

    fn forget_oldest(
        queue: &mut Queue,
        ledger: &mut Ledger<W>,
        departures: &mut Departures,
    ) -> bool {
        let forgotten = queue.pop(ledger);
        if let Some(forgotten) = forgotten {
            departures.forget(forgotten);
        }
        forgotten.is_some()
    }
}

impl<W: Weights> Policy for Car<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.tag(id) < RECENT_GHOST
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        self.ledger.retag(id, self.ledger.tag(id) | REFERENCED);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        let ghost = self.ledger.tag(id);
        let returns = matches!(ghost, RECENT_GHOST | FREQUENT_GHOST);
        if weight > self.capacity {
            match ghost {
                RECENT_GHOST => self.recent_ghosts.remove(&mut self.ledger, id),
                FREQUENT_GHOST => self.frequent_ghosts.remove(&mut self.ledger, id),
                _ => {}
            }
            departures.forget(id);
            return false;
        }
        let full = |it: &Self| it.weight() > it.capacity - weight;
        if full(self) {
            while full(self) {
                self.replace(departures);
            }
            if !returns {
                // Lines 7 to 10: "cache directory replacement".
                while self.recent.weight() + self.recent_ghosts.weight() + weight > self.capacity
                    && Self::forget_oldest(&mut self.recent_ghosts, &mut self.ledger, departures)
                {
                }
                while self.weight()
                    + self.recent_ghosts.weight()
                    + self.frequent_ghosts.weight()
                    + weight
                    > 2 * self.capacity
                    && Self::forget_oldest(&mut self.frequent_ghosts, &mut self.ledger, departures)
                {
                }
            }
        }
        let (recent_ghosts, frequent_ghosts) = (
            self.recent_ghosts.weight() as f64,
            self.frequent_ghosts.weight() as f64,
        );
        match ghost {
            RECENT_GHOST => {
                // Line 14.
                let step = (frequent_ghosts / recent_ghosts).max(1.0);
                self.target = (self.target + step).min(self.capacity as f64);
                self.recent_ghosts.remove(&mut self.ledger, id);
            }
            FREQUENT_GHOST => {
                // Line 17.
                let step = (recent_ghosts / frequent_ghosts).max(1.0);
                self.target = (self.target - step).max(0.0);
                self.frequent_ghosts.remove(&mut self.ledger, id);
            }
            _ => {}
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
        let is_frequent = self.ledger.tag(id) & FREQUENT != 0;
        let queue = if is_frequent {
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
