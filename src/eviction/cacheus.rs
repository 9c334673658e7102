//! CACHEUS: LeCaR with better experts and a learning rate that tunes itself. The experts are an LRU
//! that resists scans (SR-LRU) and an LFU that resists churn (CR-LFU).
//!
//! SR-LRU keeps what was asked for once apart (SR) from what was asked for again (R) and evicts from
//! SR. CR-LFU evicts, among the least frequent, the one asked for *last*, so that a loop over too
//! many keys leaves some of them in peace, and frequencies survive eviction for as long as SR-LRU remembers
//! the key in its history H.
//!
//! Source: L. V. Rodriguez, F. Yusuf, S. Lyons, E. Paz, R. Rangaswami, J. Liu, M. Zhao, G. Narasimhan,
//! "Learning cache replacement with CACHEUS", FAST 2021. By default it does as libCacheSim 0.3.5 does, whose
//! counts others compare with, and which differs from the paper in three points: SR evicts when it
//! exceeds its own size even if R leaves room; SR grows but never shrinks in favour of R; and the learning
//! rate hardly ever sees a hit ratio other than 0, so it only falls, and is never drawn anew. `cacheus:paper=on` does what the paper says.
//!
//! Known weakness: without reuse SR fills only its half of the cache (not with `paper=on`), and on
//! short traces what it does depends much on the learning rate that it happens to begin with.

use super::heap::RisingHeap;
use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};
use crate::random::Draws;

/// Tags in SR-LRU: SR, R, and the history H, whose keys are not resident.
const ONCE: u32 = 0;
const AGAIN: u32 = 1;
const HISTORY: u32 = 2;
/// Tags among the victims that an expert is blamed for.
const BY_LRU: u32 = 0;
const BY_LFU: u32 = 1;

/// Marks of SR-LRU: never asked for a second time; sent back from R to SR.
const NEW: u8 = 1;
const DEMOTED: u8 = 2;

const LEAST_RATE: f64 = 0.001;
const GREATEST_RATE: f64 = 1.0;
/// Where libCacheSim leaves a learning rate that has fallen below the least.
const STUCK_RATE: f64 = 0.0001;
/// After so many intervals without progress the learning rate is drawn anew.
const PATIENCE: u32 = 10;

/// Both experts' views of the residents, and what each is to be blamed for.
#[derive(Debug)]
pub struct Cacheus<W> {
    /// Places in SR-LRU.
    ledger: Ledger<W>,
    once: Queue,
    again: Queue,
    history: Queue,
    marks: Vec<u8>,
    /// How many in H are new, and how many residents are demoted.
    new_in_history: u64,
    demoted: u64,
    /// The weight that SR should have.
    once_capacity: f64,
    as_in_paper: bool,
    /// CR-LFU: (frequency, last access from the far end), so that the last asked for is least.
    frequencies: RisingHeap<(u64, u64)>,
    /// Frequencies of keys in H.
    remembered: Vec<u64>,
    /// Places among the victims of one expert alone.
    victims: Ledger<W>,
    victims_of_lru: Queue,
    victims_of_lfu: Queue,
    lru_weight: f64,
    rate: Rate,
    clock: u64,
    hits: u64,
    next_interval: u64,
    draws: Draws,
    capacity: u64,
}

/// The learning rate and how it came about.
#[derive(Debug)]
struct Rate {
    now: f64,
    before: f64,
    hit_ratio_before: f64,
    without_progress: u32,
}

impl Rate {
    fn draw(draws: &mut Draws) -> f64 {
        LEAST_RATE + draws.unit() * (GREATEST_RATE - LEAST_RATE)
    }

    /// "Adaptive learning rate": it goes on in the direction that raised the hit ratio, and jumps if
    /// nothing helps, if it `jumps` at all.
    fn update(&mut self, hit_ratio: f64, jumps: bool, draws: &mut Draws) {
        let progress = hit_ratio - self.hit_ratio_before;
        let change = self.now - self.before;
        (self.before, self.hit_ratio_before) = (self.now, hit_ratio);
        if change != 0.0 {
            let step = (self.now * change).abs();
            let signed = if progress / change > 0.0 { step } else { -step };
            self.now = (self.now + signed).min(GREATEST_RATE);
            if self.now <= LEAST_RATE {
                self.now = if jumps { LEAST_RATE } else { STUCK_RATE };
            }
            self.without_progress = 0;
        } else if hit_ratio == 0.0 || progress <= 0.0 {
            self.without_progress += 1;
            if jumps && self.without_progress >= PATIENCE {
                self.without_progress = 0;
                self.now = Self::draw(draws);
            }
        }
    }
}

impl<W: Weights> Described for Cacheus<W> {
    const DESCRIPTION: Description = Description {
        name: "cacheus",
        summary: "LeCaR with a scan-resistant LRU, a churn-resistant LFU and a learning rate that adapts",
        source: "Rodriguez et al., \"Learning cache replacement with CACHEUS\", FAST 2021",
        parameters: &[Parameter::switch(
            "paper",
            false,
            "do what the paper says where libCacheSim differs",
        )],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        let mut draws = Draws::from_seed(setup.seed);
        Self {
            ledger: Ledger::default(),
            once: Queue::new(ONCE),
            again: Queue::new(AGAIN),
            history: Queue::new(HISTORY),
            marks: Vec::new(),
            new_in_history: 0,
            demoted: 0,
            once_capacity: (setup.capacity / 2) as f64,
            as_in_paper: setup.parameters.switch("paper"),
            frequencies: RisingHeap::default(),
            remembered: Vec::new(),
            victims: Ledger::default(),
            victims_of_lru: Queue::new(BY_LRU),
            victims_of_lfu: Queue::new(BY_LFU),
            lru_weight: 0.5,
            rate: Rate {
                now: Rate::draw(&mut draws),
                before: 0.0,
                hit_ratio_before: 0.0,
                without_progress: 0,
            },
            clock: 0,
            hits: 0,
            next_interval: setup.capacity.max(1),
            draws,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Cacheus<W> {
    /// The weight that R may have.
    fn again_capacity(&self) -> f64 {
        self.capacity as f64 - self.once_capacity
    }

    fn key(&self, frequency: u64) -> (u64, u64) {
        (frequency, u64::MAX - self.clock)
    }

    /// One access more; every N of them the learning rate is looked at.
    fn tick(&mut self) {
        self.clock += 1;
        if self.clock == self.next_interval {
            // N is a number of entries.
            let entries = if W::measure(2) == 1 {
                self.capacity
            } else {
                self.len() as u64
            };
            let interval = entries.max(1);
            let hit_ratio = if self.as_in_paper {
                self.hits as f64 / interval as f64
            } else {
                // libCacheSim divides integers.
                (self.hits / interval) as f64
            };
            self.rate
                .update(hit_ratio, self.as_in_paper, &mut self.draws);
            self.hits = 0;
            self.next_interval += interval;
        }
    }

    /// The MRU end of R takes `id`, and R's LRU end makes room in SR.
    fn enter_again(&mut self, id: Id) {
        self.again.push(&mut self.ledger, id);
        while self.again.weight() as f64 > self.again_capacity() && self.again.len() > 1 {
            let Some(demoted) = self.again.pop(&mut self.ledger) else {
                break;
            };
            self.once.push(&mut self.ledger, demoted);
            let marks = &mut self.marks[demoted as usize];
            if *marks & DEMOTED == 0 {
                *marks |= DEMOTED;
                self.demoted += 1;
            }
        }
    }

    /// SR was too small or too large: its size changes by how much rarer the one kind of evidence is than
    /// the other.
    fn resize_once(&mut self, grow: bool, weight: u64) {
        let (these, others) = if grow {
            (self.new_in_history, self.demoted)
        } else {
            (self.demoted, self.new_in_history)
        };
        let step = (others as f64 / these.max(1) as f64).round().max(1.0) * weight as f64;
        let wanted = self.once_capacity + if grow { step } else { -step };
        self.once_capacity = wanted.clamp(1.0, (self.capacity as f64 - 1.0).max(1.0));
    }

    /// A resident leaves both experts; H remembers it.
    fn leave(&mut self, id: Id, departures: &mut Departures) {
        let queue = if self.ledger.tag(id) == ONCE {
            &mut self.once
        } else {
            &mut self.again
        };
        queue.remove(&mut self.ledger, id);
        self.remembered[id as usize] = self.frequencies.key(id).0;
        self.frequencies.remove(id);
        let marks = &mut self.marks[id as usize];
        if *marks & DEMOTED != 0 {
            *marks &= !DEMOTED;
            self.demoted -= 1;
        }
        if *marks & NEW != 0 {
            self.new_in_history += 1;
        }
        self.history.push(&mut self.ledger, id);
        departures.evict(id);
    }

    /// H holds less than the cache.
    fn trim_history(&mut self, departures: &mut Departures) {
        while self.history.weight() >= self.capacity.max(1)
            && let Some(oldest) = self.history.pop(&mut self.ledger)
        {
            if self.marks[oldest as usize] & NEW != 0 {
                self.new_in_history -= 1;
            }
            self.marks[oldest as usize] = 0;
            if !self.victims.is_present(oldest) {
                departures.forget(oldest);
            }
        }
    }

    /// `id` is remembered as the victim of one expert alone. Each list is half as long as the cache.
    fn blame(&mut self, id: Id, is_lru: bool, departures: &mut Departures) {
        self.victims.weights.set(id, self.ledger.weights.of(id));
        let queue = if is_lru {
            &mut self.victims_of_lru
        } else {
            &mut self.victims_of_lfu
        };
        queue.push(&mut self.victims, id);
        while queue.weight() > self.capacity / 2
            && let Some(oldest) = queue.pop(&mut self.victims)
        {
            if !self.ledger.is_present(oldest) {
                departures.forget(oldest);
            }
        }
    }

    /// "Evict" of the paper: the experts vote; only where they differ is anybody to blame.
    fn evict(&mut self, departures: &mut Departures) {
        let choice_of_lru = match self.once.oldest(&self.ledger) {
            None => self.again.oldest(&self.ledger),
            choice => choice,
        };
        let choice_of_lfu = self.frequencies.first().map(|(id, _)| id);
        let (Some(choice_of_lru), Some(choice_of_lfu)) = (choice_of_lru, choice_of_lfu) else {
            return;
        };
        let is_lru = self.draws.chance(self.lru_weight);
        let victim = if is_lru { choice_of_lru } else { choice_of_lfu };
        self.leave(victim, departures);
        if choice_of_lru != choice_of_lfu {
            self.blame(victim, is_lru, departures);
        }
        self.trim_history(departures);
    }

    /// "UpdateWeights", on a miss of a victim; it is then forgotten as a victim.
    fn learn(&mut self, id: Id) {
        let (mut lru, mut lfu) = (self.lru_weight, 1.0 - self.lru_weight);
        let penalty = libm::exp(-self.rate.now);
        match self.victims.tag(id) {
            BY_LRU => {
                lru *= penalty;
                self.victims_of_lru.remove(&mut self.victims, id);
            }
            BY_LFU => {
                lfu *= penalty;
                self.victims_of_lfu.remove(&mut self.victims, id);
            }
            _ => return,
        }
        self.lru_weight = lru / (lru + lfu);
    }
}

impl<W: Weights> Policy for Cacheus<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
        self.victims.reserve(bound);
        self.frequencies.reserve(bound);
        if self.marks.len() < bound {
            self.marks.resize(bound, 0);
            self.remembered.resize(bound, 0);
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
        self.frequencies.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.tag(id) < HISTORY
    }

    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        self.hits += 1;
        let (frequency, _) = self.frequencies.key(id);
        self.frequencies.raise(id, self.key(frequency + 1));
        self.marks[id as usize] &= !NEW;
        if self.ledger.tag(id) == AGAIN {
            self.again.renew(&mut self.ledger, id);
        } else {
            // A hit in SR moves to R.
            self.once.remove(&mut self.ledger, id);
            if self.marks[id as usize] & DEMOTED != 0 {
                if self.as_in_paper {
                    self.resize_once(false, self.ledger.weights.of(id));
                }
                self.marks[id as usize] &= !DEMOTED;
                self.demoted -= 1;
            }
            self.enter_again(id);
        }
        self.tick();
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        self.learn(id);
        let in_history = self.ledger.tag(id) == HISTORY;
        let was_new = self.marks[id as usize] & NEW != 0;
        if in_history {
            self.history.remove(&mut self.ledger, id);
        }
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            if was_new {
                self.new_in_history -= 1;
            }
            self.marks[id as usize] = 0;
            departures.forget(id);
            return false;
        }
        while self.weight() > self.capacity - weight {
            self.evict(departures);
        }
        self.ledger.weights.set(id, weight);
        let mut frequency = 1;
        if in_history {
            // CR-LFU goes on counting; SR-LRU takes it into R.
            frequency += self.remembered[id as usize];
            if was_new {
                self.resize_once(true, weight);
                self.new_in_history -= 1;
            }
            self.marks[id as usize] = 0;
            self.enter_again(id);
        } else {
            self.marks[id as usize] = NEW;
            self.once.push(&mut self.ledger, id);
        }
        self.frequencies.insert(id, self.key(frequency));
        // In libCacheSim SR keeps to its size even when R leaves room.
        while !self.as_in_paper
            && self.once.weight() as f64 > self.once_capacity
            && self.once.len() > 1
            && let Some(oldest) = self.once.oldest(&self.ledger)
        {
            self.leave(oldest, departures);
        }
        self.trim_history(departures);
        self.tick();
        true
    }

    fn remove(&mut self, id: Id) {
        let queue = if self.ledger.tag(id) == ONCE {
            &mut self.once
        } else {
            &mut self.again
        };
        queue.remove(&mut self.ledger, id);
        self.frequencies.remove(id);
        if std::mem::take(&mut self.marks[id as usize]) & DEMOTED != 0 {
            self.demoted -= 1;
        }
    }

    fn len(&self) -> usize {
        self.once.len() + self.again.len()
    }

    fn weight(&self) -> u64 {
        self.once.weight() + self.again.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;
    use super::*;

    #[test]
    fn a_scan_does_not_touch_what_was_asked_for_twice() {
        // R is 1 and 2; SR takes the scan, whichever expert is drawn.
        let mut trial = Trial::new("cacheus", 4);
        trial.ask(&[1, 1, 2, 2, 10, 11, 12, 13, 14, 15]);
        assert!(trial.ask(&[1, 2]).iter().all(|hit| *hit));
    }

    #[test]
    fn a_key_that_comes_back_from_history_is_not_new() {
        // SR holds 2: 3 pushes 1 out into H, from where 1 comes back into R; the scan stays in SR.
        let mut trial = Trial::new("cacheus", 4);
        trial.ask(&[1, 2, 3, 1, 10, 11, 12]);
        assert!(trial.residents().contains(&1));
    }

    #[test]
    fn without_reuse_the_paper_fills_the_cache_and_libcachesim_half_of_it() {
        let scan: Vec<u32> = (0..20).collect();
        for (spec, len) in [("cacheus", 5), ("cacheus:paper=on", 10)] {
            let mut trial = Trial::new(spec, 10);
            trial.ask(&scan);
            assert_eq!(trial.residents().len(), len, "{spec}");
        }
    }

    #[test]
    fn the_learning_rate_goes_on_in_the_direction_that_helped() {
        let mut draws = Draws::from_seed(1);
        let mut rate = Rate {
            now: 0.5,
            before: 0.4,
            hit_ratio_before: 0.2,
            without_progress: 0,
        };
        rate.update(0.3, true, &mut draws);
        assert!((rate.now - 0.55).abs() < 1e-12, "0.5 + 0.5 * 0.1");
        rate.update(0.2, true, &mut draws);
        assert!((rate.now - (0.55 - 0.55 * 0.05)).abs() < 1e-12, "it fell");
    }
}
