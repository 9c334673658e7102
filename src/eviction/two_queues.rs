//! 2Q (full version): newcomers wait in a FIFO; only what is asked for again after it left that FIFO
//! (its key is remembered for a while) enters the LRU queue of the proven.
//!
//! Source: T. Johnson, D. Shasha, "2Q: a low overhead high performance buffer management replacement
//! algorithm", VLDB 1994.
//!
//! Known weakness: the two sizes are fixed, and an early second access counts for nothing.

use super::queue::{ABSENT, Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

const IN: u32 = 0;
const MAIN: u32 = 1;
const OUT: u32 = 2;

/// `A1in`, `Am` and the ghosts `A1out` of the paper.
#[derive(Debug)]
pub struct TwoQueues<W> {
    ledger: Ledger<W>,
    newcomers: Queue,
    main: Queue,
    ghosts: Queue,
    newcomers_capacity: u64,
    main_capacity: u64,
    ghosts_capacity: u64,
    capacity: u64,
}

impl<W: Weights> Described for TwoQueues<W> {
    const DESCRIPTION: Description = Description {
        name: "2q",
        summary: "newcomers wait in a FIFO; what returns after leaving it enters an LRU queue",
        source: "Johnson, Shasha, \"2Q: a low overhead high performance buffer management replacement algorithm\", VLDB 1994",
        parameters: &[
            Parameter::real("in", 0.25, 0.0, 1.0, "share of the capacity for newcomers"),
            Parameter::real(
                "out",
                0.5,
                0.0,
                16.0,
                "remembered ghosts, as a share of the capacity",
            ),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        let newcomers_capacity = setup.share(setup.parameters.real("in"));
        Self {
            ledger: Ledger::default(),
            newcomers: Queue::new(IN),
            main: Queue::new(MAIN),
            ghosts: Queue::new(OUT),
            newcomers_capacity,
            main_capacity: setup.capacity - newcomers_capacity,
            ghosts_capacity: setup.share(setup.parameters.real("out")),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> TwoQueues<W> {
    /// `reclaimfor` of the paper.
    fn evict(&mut self, departures: &mut Departures) {
        if self.newcomers.weight() > self.newcomers_capacity || self.main.is_empty() {
            if let Some(victim) = self.newcomers.pop(&mut self.ledger) {
                self.remember(victim, departures);
            }
        } else if let Some(victim) = self.main.pop(&mut self.ledger) {
            // "It hasn't been accessed for a while": no ghost.
            departures.evict_and_forget(victim);
        }
    }

    fn remember(&mut self, victim: Id, departures: &mut Departures) {
        departures.evict(victim);
        let weight = self.ledger.weights.of(victim);
        if weight > self.ghosts_capacity {
            departures.forget(victim);
            return;
        }
        while self.ghosts.weight() > self.ghosts_capacity - weight
            && let Some(forgotten) = self.ghosts.pop(&mut self.ledger)
        {
            departures.forget(forgotten);
        }
        self.ghosts.push(&mut self.ledger, victim);
    }
}

impl<W: Weights> Policy for TwoQueues<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.tag(id) <= MAIN
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        if self.ledger.tag(id) == MAIN {
            self.main.renew(&mut self.ledger, id);
        }
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        // The ghost goes first, so that it cannot be pushed out by those who make room.
        let returns = self.ledger.tag(id) != ABSENT;
        if returns {
            self.ghosts.remove(&mut self.ledger, id);
        }
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight() > self.capacity - weight {
            self.evict(departures);
        }
        // The share of the newcomers is theirs even while they do not fill it. (Entries of one
        // weight do not get here: the newcomers fill their share before anything can return.)
        if returns && weight <= self.main_capacity {
            while self.main.weight() > self.main_capacity - weight
                && let Some(victim) = self.main.pop(&mut self.ledger)
            {
                departures.evict_and_forget(victim);
            }
        }
        self.ledger.weights.set(id, weight);
        let queue = if returns {
            &mut self.main
        } else {
            &mut self.newcomers
        };
        queue.push(&mut self.ledger, id);
        true
    }

    fn remove(&mut self, id: Id) {
        let queue = if self.ledger.tag(id) == MAIN {
            &mut self.main
        } else {
            &mut self.newcomers
        };
        queue.remove(&mut self.ledger, id);
    }

    fn len(&self) -> usize {
        self.newcomers.len() + self.main.len()
    }

    fn weight(&self) -> u64 {
        self.newcomers.weight() + self.main.weight()
    }
}
