//! S3-FIFO: a small FIFO that filters what is asked for only once, a main FIFO with two-bit counters,
//! and a FIFO of ghosts.
//!
//! Source: J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, "FIFO queues are all you need for cache
//! eviction", SOSP 2023.
//!
//! Known weakness: a key whose second access comes just after the small queue let it go pays a miss;
//! the size of the small queue is fixed.

use super::queue::{ABSENT, Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

/// Tags: the queue in the upper bits, the count of hits (at most 3) in the lower two.
const COUNT: u32 = 0b0011;
const SMALL: u32 = 0b0000;
const MAIN: u32 = 0b0100;
const GHOST: u32 = 0b1000;

/// As its authors' simulator has it today: while nothing has been evicted yet, newcomers fill the main
/// queue once the small one is full.
pub type S3Fifo<W> = Queues<W, true>;

/// As in the paper: newcomers always go to the small queue.
pub type S3FifoV0<W> = Queues<W, false>;

/// The small and the main queue and the ghosts.
#[derive(Debug)]
pub struct Queues<W, const FILL_MAIN: bool> {
    ledger: Ledger<W>,
    small: Queue,
    main: Queue,
    ghosts: Queue,
    small_capacity: u64,
    main_capacity: u64,
    ghosts_capacity: u64,
    threshold: u32,
    has_evicted: bool,
    capacity: u64,
}

const PARAMETERS: &[Parameter] = &[
    Parameter::real(
        "small",
        0.1,
        0.0,
        1.0,
        "share of the capacity for the small queue",
    ),
    Parameter::real(
        "ghost",
        0.9,
        0.0,
        16.0,
        "remembered ghosts, as a share of the capacity",
    ),
    Parameter::integer(
        "threshold",
        2,
        1,
        3,
        "hits in the small queue that lead to the main queue",
    ),
];

impl<W: Weights> Described for S3Fifo<W> {
    const DESCRIPTION: Description = Description {
        name: "s3-fifo",
        summary: "a small FIFO filters one-hit wonders, a main FIFO has counters, ghosts come back to main",
        source: "Yang, Zhang, Qiu, Yue, Rashmi, \"FIFO queues are all you need for cache eviction\", SOSP 2023",
        parameters: PARAMETERS,
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self::empty(setup)
    }
}

impl<W: Weights> Described for S3FifoV0<W> {
    const DESCRIPTION: Description = Description {
        name: "s3-fifo-v0",
        summary: "S3-FIFO in which newcomers go to the small queue even while the cache fills up",
        source: "Yang, Zhang, Qiu, Yue, Rashmi, \"FIFO queues are all you need for cache eviction\", SOSP 2023",
        parameters: PARAMETERS,
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self::empty(setup)
    }
}

impl<W: Weights, const FILL_MAIN: bool> Queues<W, FILL_MAIN> {
    fn empty(setup: &Setup) -> Self {
        let small_capacity = setup.share(setup.parameters.real("small"));
        Self {
            ledger: Ledger::default(),
            small: Queue::with_flags(SMALL, COUNT),
            main: Queue::with_flags(MAIN, COUNT),
            ghosts: Queue::new(GHOST),
            small_capacity,
            main_capacity: setup.capacity - small_capacity,
            ghosts_capacity: setup.share(setup.parameters.real("ghost")),
            threshold: setup.parameters.integer("threshold") as u32,
            has_evicted: false,
            capacity: setup.capacity,
        }
    }

    /// EVICTS of the paper: what was hit often enough moves to main; the first that was not leaves.
    fn evict_from_small(&mut self, departures: &mut Departures) {
        while let Some(oldest) = self.small.oldest(&self.ledger) {
            let count = self.ledger.tag(oldest) & COUNT;
            self.small.remove(&mut self.ledger, oldest);
            if count >= self.threshold {
                self.main.push(&mut self.ledger, oldest);
            } else {
                self.remember(oldest, departures);
                return;
            }
        }
    }

    /// EVICTM of the paper: what was hit gets another round, with one count less.
    fn evict_from_main(&mut self, departures: &mut Departures) {
        while let Some(oldest) = self.main.oldest(&self.ledger) {
            let count = self.ledger.tag(oldest) & COUNT;
            self.main.remove(&mut self.ledger, oldest);
            if count >= 1 {
                self.main.push_flagged(&mut self.ledger, oldest, count - 1);
            } else {
                departures.evict_and_forget(oldest);
                return;
            }
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

impl<W: Weights, const FILL_MAIN: bool> Policy for Queues<W, FILL_MAIN> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.tag(id) < GHOST
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        let tag = self.ledger.tag(id);
        if tag & COUNT < COUNT {
            self.ledger.retag(id, tag + 1);
        }
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
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
            self.has_evicted = true;
            if self.main.weight() > self.main_capacity || self.small.is_empty() {
                self.evict_from_main(departures);
            } else {
                self.evict_from_small(departures);
            }
        }
        self.ledger.weights.set(id, weight);
        let small_is_full = self.small.weight() >= self.small_capacity;
        if returns || (FILL_MAIN && !self.has_evicted && small_is_full) {
            self.main.push(&mut self.ledger, id);
        } else {
            self.small.push(&mut self.ledger, id);
        }
        true
    }

    fn remove(&mut self, id: Id) {
        let queue = if self.ledger.tag(id) & !COUNT == MAIN {
            &mut self.main
        } else {
            &mut self.small
        };
        queue.remove(&mut self.ledger, id);
    }

    fn len(&self) -> usize {
        self.small.len() + self.main.len()
    }

    fn weight(&self) -> u64 {
        self.small.weight() + self.main.weight()
    }
}
