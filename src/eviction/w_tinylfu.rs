//! W-TinyLFU: a small LRU window for newcomers in front of a segmented LRU; what leaves the window
//! must have been asked for more often lately than what it would push out. A hill climber moves
//! the border between window and main part towards the better hit ratio.
//!
//! Source: G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission policy",
//! ACM Transactions on Storage 13(4), 2017; G. Einziger, O. Eytan, R. Friedman, B. Manes, "Adaptive
//! software cache management", Middleware 2018. Constants and order of steps are those of Caffeine
//! 3.2.3.
//!
//! The sketch is as large as the capacity from the start; where capacity counts bytes, nobody knows how
//! many entries there will be, and it grows with them.
//!
//! Known weakness: the climber needs many requests (10 per entry and step) to find its way, and
//! admission knows nothing of sizes.

use super::queue::{Ledger, Queue, Weights};
use super::sketch::{Hashed, Sketch};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};
use crate::prefetch::prefetch;
use crate::random::Draws;

const WINDOW: u32 = 0;
const PROBATION: u32 = 1;
const PROTECTED: u32 = 2;

/// A candidate that was asked for at least so often may get in by luck, against attackers who know
/// the hash function.
const LUCKY_ESTIMATE: u64 = 6;
/// The first step of the climber, as a share of the capacity.
const STEP: f64 = 0.0625;
/// A change of the hit ratio by so much begins the climb anew.
const RESTART: f64 = 0.05;
const DECAY: f64 = 0.98;
/// The most entries that change sides in one request.
const TRANSFER: usize = 1000;

/// Window, probation and protected queue, the sketch and the climber.
#[derive(Debug)]
pub struct WTinyLfu<W> {
    ledger: Ledger<W>,
    window: Queue,
    probation: Queue,
    protected: Queue,
    window_capacity: u64,
    protected_capacity: u64,
    capacity: u64,
    sketch: Sketch,
    /// The keys of residents: the sketch counts keys, not ids, which are handed out again.
    keys: Vec<Hashed>,
    draws: Draws,
    climber: Option<Climber>,
}

#[derive(Debug)]
struct Climber {
    sample: u64,
    restart_step: f64,
    step: f64,
    previous_hit_ratio: f64,
    hits: u64,
    misses: u64,
    /// By how much the window has still to grow (or, if negative, to shrink).
    adjustment: i64,
}

impl Climber {
    fn new(capacity: u64, sample: u64) -> Self {
        let restart_step = STEP * capacity as f64;
        Self {
            sample,
            restart_step,
            step: -restart_step,
            previous_hit_ratio: 0.0,
            hits: 0,
            misses: 0,
            adjustment: 0,
        }
    }

    /// At the end of a sample: goes on in the same direction if the hit ratio did not fall, else
    /// turns round.
    #[inline]
    fn determine_adjustment(&mut self) {
        let requests = self.hits + self.misses;
        if requests < self.sample {
            return;
        }
        let hit_ratio = self.hits as f64 / requests as f64;
        let change = hit_ratio - self.previous_hit_ratio;
        let amount = if change >= 0.0 { self.step } else { -self.step };
        self.step = if change.abs() >= RESTART {
            if amount >= 0.0 {
                self.restart_step
            } else {
                -self.restart_step
            }
        } else {
            DECAY * amount
        };
        self.previous_hit_ratio = hit_ratio;
        self.adjustment = amount as i64;
        self.hits = 0;
        self.misses = 0;
    }
}

impl<W: Weights> Described for WTinyLfu<W> {
    const DESCRIPTION: Description = Description {
        name: "w-tinylfu",
        summary: "an LRU window, then admission by estimated frequency to a segmented LRU; adaptive",
        source: "Einziger, Friedman, Manes, \"TinyLFU: a highly efficient cache admission policy\", ACM ToS 2017; as Caffeine 3.2.3",
        parameters: &[
            Parameter::real(
                "window",
                0.01,
                0.0,
                1.0,
                "share of the capacity for the window, to begin with",
            ),
            Parameter::real(
                "protected",
                0.8,
                0.0,
                1.0,
                "share of the main part for what was hit in it",
            ),
            Parameter::switch("climb", true, "whether the window's share adapts"),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        let capacity = setup.capacity;
        let window = capacity - setup.share(1.0 - setup.parameters.real("window"));
        let protected = ((capacity - window) as f64 * setup.parameters.real("protected")) as u64;
        // A capacity in bytes says nothing of how many entries there will be: then the sketch grows.
        let entries = if W::measure(2) == 1 { capacity } else { 0 };
        let climb = setup.parameters.switch("climb");
        Self {
            ledger: Ledger::default(),
            window: Queue::new(WINDOW),
            probation: Queue::new(PROBATION),
            protected: Queue::new(PROTECTED),
            window_capacity: window,
            protected_capacity: protected,
            capacity,
            sketch: Sketch::new(entries),
            keys: Vec::new(),
            draws: Draws::from_seed(setup.seed),
            climber: climb.then(|| Climber::new(capacity, entries.max(1).saturating_mul(10))),
        }
    }
}

impl<W: Weights> WTinyLfu<W> {
    /// Where weights are bytes: the sketch keeps up with the number of entries, the newcomer
    /// included. A new table starts from zero, as in Caffeine.
    #[inline]
    fn keep_sketch_large_enough(&mut self) {
        if W::measure(2) != 1 && self.len() >= self.sketch.words() {
            let entries = self.len() as u64 + 1;
            self.sketch = Sketch::new(entries);
            if let Some(climber) = &mut self.climber {
                climber.sample = entries * 10;
            }
        }
    }

    /// What overflows the window goes to probation; the first to do so is the candidate.
    #[inline]
    fn evict_from_window(&mut self) -> Option<Id> {
        let mut first = None;
        while self.window.weight() > self.window_capacity
            && let Some(oldest) = self.window.pop(&mut self.ledger)
        {
            self.probation.push(&mut self.ledger, oldest);
            first = first.or(Some(oldest));
        }
        first
    }

    /// Candidate against victim, until the capacity is kept.
    #[inline]
    fn evict_from_main(
        &mut self,
        newcomer: Id,
        mut candidate: Option<Id>,
        departures: &mut Departures,
    ) {
        let mut searched_window = false;
        while self.weight() > self.capacity {
            if candidate.is_none() && !searched_window {
                candidate = self.window.oldest(&self.ledger);
                searched_window = true;
            }
            let victim = match self.probation.oldest(&self.ledger) {
                // Probation is empty: the candidate alone goes, if there is one.
                None if candidate.is_some() => None,
                None => self
                    .protected
                    .oldest(&self.ledger)
                    .or_else(|| self.window.oldest(&self.ledger)),
                some => some,
            };
            match (candidate, victim) {
                (Some(loser), None) => {
                    candidate = self.next_candidate(loser);
                    self.evict(loser, newcomer, departures);
                }
                (None, Some(loser)) => self.evict(loser, newcomer, departures),
                (Some(contender), Some(victim)) if contender == victim => {
                    candidate = None;
                    self.evict(victim, newcomer, departures);
                }
                (Some(contender), Some(victim)) => {
                    candidate = self.next_candidate(contender);
                    let loser = if self.admits(contender, victim) {
                        victim
                    } else {
                        contender
                    };
                    self.evict(loser, newcomer, departures);
                }
                (None, None) => return,
            }
        }
    }

    /// The next newer entry of the queue in which `candidate` is.
    #[inline]
    fn next_candidate(&self, candidate: Id) -> Option<Id> {
        if self.ledger.tag(candidate) == WINDOW {
            self.window.newer(&self.ledger, candidate)
        } else {
            self.probation.newer(&self.ledger, candidate)
        }
    }

    #[inline]
    fn admits(&mut self, candidate: Id, victim: Id) -> bool {
        // The next rivals are cold: without this each costs two waits for memory, in a row.
        for queue in [&self.window, &self.probation] {
            if let Some(later) = queue.upcoming(6) {
                self.ledger.prefetch(later);
                prefetch(&self.keys, later as usize);
            }
            if let Some(next) = queue.upcoming(2) {
                self.sketch.prefetch(self.keys[next as usize]);
            }
        }
        let candidate = self.sketch.estimate(self.keys[candidate as usize]);
        let victim = self.sketch.estimate(self.keys[victim as usize]);
        candidate > victim || (candidate >= LUCKY_ESTIMATE && self.draws.below(128) == 0)
    }

    #[inline]
    fn evict(&mut self, id: Id, newcomer: Id, departures: &mut Departures) {
        self.remove(id);
        if id == newcomer {
            departures.forget(id);
        } else {
            departures.evict_and_forget(id);
        }
    }

    /// The maintenance after each access.
    #[inline]
    fn climb(&mut self) {
        let Some(climber) = &mut self.climber else {
            self.demote();
            return;
        };
        climber.determine_adjustment();
        let adjustment = climber.adjustment;
        self.demote();
        if adjustment > 0 {
            self.grow_window(adjustment as u64);
        } else if adjustment < 0 {
            self.shrink_window(adjustment.unsigned_abs());
        }
    }

    /// What overflows the protected part goes back to probation.
    #[inline]
    fn demote(&mut self) {
        for _ in 0..TRANSFER {
            if self.protected.weight() <= self.protected_capacity {
                return;
            }
            let Some(demoted) = self.protected.pop(&mut self.ledger) else {
                return;
            };
            self.probation.push(&mut self.ledger, demoted);
        }
    }

    #[cold]
    fn grow_window(&mut self, adjustment: u64) {
        if self.protected_capacity == 0 {
            return;
        }
        let mut quota = adjustment.min(self.protected_capacity);
        self.protected_capacity -= quota;
        self.window_capacity += quota;
        self.demote();
        for _ in 0..TRANSFER {
            let fits = |it: &Id| self.ledger.weights.of(*it) <= quota;
            let (moved, source) = match self.probation.oldest(&self.ledger).filter(fits) {
                Some(oldest) => (oldest, &mut self.probation),
                None => match self.protected.oldest(&self.ledger).filter(fits) {
                    Some(oldest) => (oldest, &mut self.protected),
                    None => break,
                },
            };
            source.remove(&mut self.ledger, moved);
            self.window.push(&mut self.ledger, moved);
            quota -= self.ledger.weights.of(moved);
        }
        // What could not be moved now is tried again after the next access.
        self.protected_capacity += quota;
        self.window_capacity -= quota;
        if let Some(climber) = &mut self.climber {
            climber.adjustment = quota as i64;
        }
    }

    #[cold]
    fn shrink_window(&mut self, adjustment: u64) {
        if self.window_capacity <= 1 {
            return;
        }
        let mut quota = adjustment.min(self.window_capacity - 1);
        self.protected_capacity += quota;
        self.window_capacity -= quota;
        for _ in 0..TRANSFER {
            let Some(oldest) = self.window.oldest(&self.ledger) else {
                break;
            };
            let weight = self.ledger.weights.of(oldest);
            if weight > quota {
                break;
            }
            self.window.remove(&mut self.ledger, oldest);
            self.probation.push(&mut self.ledger, oldest);
            quota -= weight;
        }
        self.protected_capacity -= quota;
        self.window_capacity += quota;
        if let Some(climber) = &mut self.climber {
            climber.adjustment = -(quota as i64);
        }
    }
}

impl<W: Weights> Policy for WTinyLfu<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
        if self.keys.len() < bound {
            self.keys.resize(bound, Hashed::default());
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, key: u64) {
        self.ledger.prefetch(id);
        prefetch(&self.keys, id as usize);
        self.sketch.prefetch(key);
    }

    #[inline]
    fn prefetch_reads_key(&self) -> bool {
        true
    }

    #[inline]
    fn upcoming(&self) -> Option<Id> {
        self.probation.upcoming(0)
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.is_present(id)
    }

    #[inline]
    fn hit(&mut self, id: Id, access: &Access, _departures: &mut Departures) {
        if let Some(climber) = &mut self.climber {
            climber.hits += 1;
        }
        self.sketch.increment(access.key);
        match self.ledger.tag(id) {
            WINDOW => self.window.renew(&mut self.ledger, id),
            PROTECTED => self.protected.renew(&mut self.ledger, id),
            _ if self.ledger.weights.of(id) > self.protected_capacity => {
                self.probation.renew(&mut self.ledger, id);
            }
            _ => {
                self.probation.remove(&mut self.ledger, id);
                self.protected.push(&mut self.ledger, id);
            }
        }
        self.climb();
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        if let Some(climber) = &mut self.climber {
            climber.misses += 1;
        }
        self.keep_sketch_large_enough();
        self.sketch.increment(access.key);
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            self.climb();
            return false;
        }
        self.ledger.weights.set(id, weight);
        self.keys[id as usize] = access.key.into();
        // What the window cannot hold takes its oldest place, so it is the first to leave for
        // probation, and drives nobody out on its way.
        let passes_by = weight > self.window_capacity;
        let queue = match passes_by {
            true => &mut self.probation,
            false => &mut self.window,
        };
        queue.push(&mut self.ledger, id);
        let left_window = self.evict_from_window();
        let candidate = if passes_by { Some(id) } else { left_window };
        self.evict_from_main(id, candidate, departures);
        self.climb();
        self.contains(id)
    }

    #[inline]
    fn remove(&mut self, id: Id) {
        let queue = match self.ledger.tag(id) {
            WINDOW => &mut self.window,
            PROTECTED => &mut self.protected,
            _ => &mut self.probation,
        };
        queue.remove(&mut self.ledger, id);
    }

    fn len(&self) -> usize {
        self.window.len() + self.probation.len() + self.protected.len()
    }

    fn weight(&self) -> u64 {
        self.window.weight() + self.probation.weight() + self.protected.weight()
    }
}
