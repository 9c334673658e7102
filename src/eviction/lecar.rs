//! LeCaR: the victim is LRU's or LFU's, by lot; each time a key is missed that one of the two threw
//! out not long ago, that one loses weight.
//!
//! Source: G. Vietri, L. V. Rodriguez, W. A. Martinez, S. Lyons, J. Liu, R. Rangaswami, M. Zhao, G.
//! Narasimhan, "Driving cache replacement with ML-based LeCaR", HotStorage 2018.
//!
//! Known weakness: its learning rate is fixed, and neither of its two experts survives a scan
//! (Cacheus is the answer of the same group).

use super::heap::RisingHeap;
use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};
use crate::random::Draws;

/// Tags: a resident; the ghost of one that LRU threw out; of one that LFU threw out.
const RESIDENT: u32 = 0;
const LRU_GHOST: u32 = 1;
const LFU_GHOST: u32 = 2;
const GHOST_FLAGS: u32 = 3;

/// No expert's weight falls below this, so that it can come back.
const LEAST_WEIGHT: f64 = 1e-10;

/// Residents by recency and by frequency, and one history of both experts' victims.
#[derive(Debug)]
pub struct LeCar<W> {
    ledger: Ledger<W>,
    /// LRU's view of the residents.
    residents: Queue,
    /// LFU's view: (accesses, last access).
    frequencies: RisingHeap<(u64, u64)>,
    /// H_LRU and H_LFU in one queue; the tag tells whose victim a ghost was.
    history: Queue,
    /// When each ghost was evicted.
    evicted_at: Vec<u64>,
    lru_weight: f64,
    learning_rate: f64,
    discount: f64,
    clock: u64,
    draws: Draws,
    capacity: u64,
}

impl<W: Weights> Described for LeCar<W> {
    const DESCRIPTION: Description = Description {
        name: "lecar",
        summary: "evicts as LRU or as LFU, by lot, and learns from regret which of them to trust",
        source: "Vietri et al., \"Driving cache replacement with ML-based LeCaR\", HotStorage 2018",
        parameters: &[
            Parameter::real(
                "rate",
                0.45,
                0.0,
                1.0,
                "learning rate: how much weight one regret costs",
            ),
            Parameter::real(
                "discount",
                0.005,
                0.0,
                1.0,
                "what is left of a regret that is as old as the cache is large, in accesses",
            ),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            ledger: Ledger::default(),
            residents: Queue::new(RESIDENT),
            frequencies: RisingHeap::default(),
            history: Queue::with_flags(0b100, GHOST_FLAGS),
            evicted_at: Vec::new(),
            lru_weight: 0.5,
            learning_rate: setup.parameters.real("rate"),
            discount: setup.parameters.real("discount"),
            clock: 0,
            draws: Draws::from_seed(setup.seed),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> LeCar<W> {
    /// "UPDATEWEIGHT": the expert that threw out what is missed now loses the more weight the
    /// shorter ago that was.
    fn regret(&mut self, is_lru: bool, since: u64) {
        // d = discount^(1/N) to the power of the time since, with N the number of entries.
        let entries = self.residents.len().max(1) as f64;
        let age = (self.clock - since) as f64;
        let regret = libm::pow(self.discount, age / entries);
        let penalty = libm::exp(-self.learning_rate * regret);
        let (mut lru, mut lfu) = (self.lru_weight, 1.0 - self.lru_weight);
        let loser = if is_lru { &mut lru } else { &mut lfu };
        *loser *= penalty;
        self.lru_weight = (lru / (lru + lfu)).clamp(LEAST_WEIGHT, 1.0 - LEAST_WEIGHT);
    }

    fn evict(&mut self, departures: &mut Departures) {
        // A lot of a hundred tickets, as in libCacheSim: LRU always has one of them.
        let is_lru = (self.draws.below(100) as f64) < 100.0 * self.lru_weight;
        let choice_of_lru = self.residents.oldest(&self.ledger);
        let choice_of_lfu = self.frequencies.first().map(|(id, _)| id);
        let choice = if is_lru { choice_of_lru } else { choice_of_lfu };
        let Some(victim) = choice else { return };
        self.residents.remove(&mut self.ledger, victim);
        self.frequencies.remove(victim);
        if choice_of_lru == choice_of_lfu {
            // "No need to store in history if both experts agree."
            departures.evict_and_forget(victim);
            return;
        }
        let whose = if is_lru { LRU_GHOST } else { LFU_GHOST };
        self.history.push_flagged(&mut self.ledger, victim, whose);
        self.evicted_at[victim as usize] = self.clock;
        departures.evict(victim);
        // The history weighs as much as the cache.
        while self.history.weight() > self.capacity
            && let Some(forgotten) = self.history.pop(&mut self.ledger)
        {
            departures.forget(forgotten);
        }
    }
}

impl<W: Weights> Policy for LeCar<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
        self.frequencies.reserve(bound);
        if self.evicted_at.len() < bound {
            self.evicted_at.resize(bound, 0);
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
        self.frequencies.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.tag(id) == RESIDENT
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        self.clock += 1;
        self.residents.renew(&mut self.ledger, id);
        let (count, _) = self.frequencies.key(id);
        self.frequencies.raise(id, (count + 1, self.clock));
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        self.clock += 1;
        if self.ledger.is_present(id) {
            let is_lru = self.ledger.tag(id) & GHOST_FLAGS == LRU_GHOST;
            self.history.remove(&mut self.ledger, id);
            self.regret(is_lru, self.evicted_at[id as usize]);
        }
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.residents.weight() > self.capacity - weight {
            self.evict(departures);
        }
        self.ledger.weights.set(id, weight);
        self.residents.push(&mut self.ledger, id);
        self.frequencies.insert(id, (1, self.clock));
        true
    }

    fn remove(&mut self, id: Id) {
        self.residents.remove(&mut self.ledger, id);
        self.frequencies.remove(id);
    }

    fn len(&self) -> usize {
        self.residents.len()
    }

    fn weight(&self) -> u64 {
        self.residents.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entries, PolicySpec};
    use super::*;

    fn lecar(spec: &str) -> LeCar<Entries> {
        let mut policy = LeCar::new(&Setup {
            capacity: 2,
            seed: 1,
            parameters: PolicySpec::parse(spec).unwrap().parameters,
            strict: true,
            future: None,
            second: 1,
        });
        policy.reserve(8);
        policy
    }

    /// Fills it with 0, asked for twice, and then 1; has 2 push one of them out (0 if LRU is drawn, 1
    /// if LFU is) and asks for that one again. Returns whether LRU is to blame.
    fn miss_what_was_thrown_out(policy: &mut LeCar<Entries>) -> bool {
        let (access, mut departures) = (Access::default(), Departures::ignored());
        policy.insert(0, &access, &mut departures);
        policy.hit(0, &access, &mut departures);
        policy.insert(1, &access, &mut departures);
        policy.insert(2, &access, &mut departures);
        let is_lru = !policy.contains(0);
        policy.insert(if is_lru { 0 } else { 1 }, &access, &mut departures);
        is_lru
    }

    #[test]
    fn nobody_is_to_blame_for_what_both_threw_out() {
        let mut policy = lecar("lecar");
        for id in [0, 1, 2, 0] {
            policy.insert(id, &Access::default(), &mut Departures::ignored());
        }
        assert_eq!(policy.lru_weight, 0.5);
    }

    #[test]
    fn an_expert_that_threw_out_what_is_missed_loses_weight() {
        let mut policy = lecar("lecar");
        let is_lru = miss_what_was_thrown_out(&mut policy);
        // One access after the eviction, two entries: w <- w exp(-0.45 * 0.005^(1/2)), and then both
        // weights are scaled to a sum of 1.
        let factor = (-0.45 * 0.005_f64.sqrt()).exp();
        let loser = factor / (factor + 1.0);
        let lru = if is_lru { loser } else { 1.0 - loser };
        assert!((policy.lru_weight - lru).abs() < 1e-12);
    }

    #[test]
    fn at_a_learning_rate_of_zero_nothing_is_learned() {
        let mut policy = lecar("lecar:rate=0");
        miss_what_was_thrown_out(&mut policy);
        assert_eq!(policy.lru_weight, 0.5);
    }
}
