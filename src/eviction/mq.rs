//! MQ (multi-queue): several LRU queues by the logarithm of the number of accesses; entries fall by
//! one queue when they have not been asked for during their lifetime, and the oldest of the lowest queue
//! leaves.
//!
//! Source: Y. Zhou, J. F. Philbin, K. Li, "The multi-queue replacement algorithm for second level
//! buffer caches", USENIX ATC 2001: 8 queues, and a history four times as large as the cache. Time is
//! counted in accesses.
//!
//! Known weakness: the lifetime should be the most frequent distance between two accesses to
//! a key, which the paper measures and which here is a parameter.

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

/// m of the paper: queues Q0 to Q7, whose tags are their numbers.
const QUEUES: usize = 8;
/// Tag of Q_out.
const HISTORY: u32 = 8;

/// The queues and the history Q_out.
#[derive(Debug)]
pub struct Mq<W> {
    ledger: Ledger<W>,
    queues: [Queue; QUEUES],
    history: Queue,
    /// Accesses of each resident and of each ghost.
    counts: Vec<u32>,
    /// When each resident falls by one queue.
    expirations: Vec<u64>,
    lifetime: f64,
    history_capacity: u64,
    clock: u64,
    len: usize,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for Mq<W> {
    const DESCRIPTION: Description = Description {
        name: "mq",
        summary: "LRU queues by the logarithm of the number of accesses, in which entries fall with time",
        source: "Zhou, Philbin, Li, \"The multi-queue replacement algorithm for second level buffer caches\", USENIX ATC 2001",
        parameters: &[
            Parameter::real(
                "lifetime",
                4.0,
                0.0,
                1e6,
                "accesses after which an entry falls by one queue, per resident",
            ),
            Parameter::real(
                "history",
                4.0,
                0.0,
                100.0,
                "how much evicted entries that are remembered weigh, as a multiple of the capacity",
            ),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            ledger: Ledger::default(),
            queues: std::array::from_fn(|number| Queue::new(number as u32)),
            history: Queue::new(HISTORY),
            counts: Vec::new(),
            expirations: Vec::new(),
            lifetime: setup.parameters.real("lifetime"),
            history_capacity: setup.share(setup.parameters.real("history")),
            clock: 0,
            len: 0,
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Mq<W> {
    /// "QueueNum(f)": the logarithm to the base 2.
    fn enqueue(&mut self, id: Id) {
        let number = self.counts[id as usize].max(1).ilog2() as usize;
        self.queues[number.min(QUEUES - 1)].push(&mut self.ledger, id);
        self.renew(id);
    }

    fn renew(&mut self, id: Id) {
        let lifetime = (self.lifetime * self.len as f64) as u64;
        self.expirations[id as usize] = self.clock + lifetime;
    }

    /// "Adjust()": the head of each queue falls if its time is up.
    fn adjust(&mut self) {
        for number in 1..QUEUES {
            if let Some(head) = self.queues[number].oldest(&self.ledger)
                && self.expirations[head as usize] < self.clock
            {
                self.queues[number].remove(&mut self.ledger, head);
                self.queues[number - 1].push(&mut self.ledger, head);
                self.renew(head);
            }
        }
    }

    /// "EvictBlock()": the head of the first queue that is not empty moves to Q_out.
    fn evict(&mut self, departures: &mut Departures) {
        let ledger = &mut self.ledger;
        let Some(victim) = self.queues.iter_mut().find_map(|queue| queue.pop(ledger)) else {
            return;
        };
        self.len -= 1;
        self.weight -= self.ledger.weights.of(victim);
        departures.evict(victim);
        self.history.push(&mut self.ledger, victim);
        while self.history.weight() > self.history_capacity
            && let Some(forgotten) = self.history.pop(&mut self.ledger)
        {
            departures.forget(forgotten);
        }
    }
}

impl<W: Weights> Policy for Mq<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
        if self.counts.len() < bound {
            self.counts.resize(bound, 0);
            self.expirations.resize(bound, 0);
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.tag(id) < HISTORY
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        self.clock += 1;
        let number = self.ledger.tag(id) as usize;
        self.queues[number].remove(&mut self.ledger, id);
        let count = &mut self.counts[id as usize];
        *count = count.saturating_add(1);
        self.enqueue(id);
        self.adjust();
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        self.clock += 1;
        let is_known = self.ledger.is_present(id);
        if is_known {
            self.history.remove(&mut self.ledger, id);
        }
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight {
            self.evict(departures);
        }
        let count = &mut self.counts[id as usize];
        *count = if is_known { count.saturating_add(1) } else { 1 };
        self.ledger.weights.set(id, weight);
        self.len += 1;
        self.weight += weight;
        self.enqueue(id);
        self.adjust();
        true
    }

    fn remove(&mut self, id: Id) {
        let number = self.ledger.tag(id) as usize;
        self.queues[number].remove(&mut self.ledger, id);
        self.len -= 1;
        self.weight -= self.ledger.weights.of(id);
    }

    fn victim(&mut self) -> Option<Id> {
        let ledger = &self.ledger;
        self.queues
            .iter_mut()
            .find_map(|queue| queue.oldest(ledger))
    }

    fn len(&self) -> usize {
        self.len
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;

    #[test]
    fn the_oldest_of_the_lowest_queue_leaves() {
        // 1 has 2 accesses and is in Q1; 2 and 3 are in Q0.
        let mut trial = Trial::new("mq:lifetime=1000", 3);
        trial.ask(&[1, 1, 2, 3, 4]);
        assert_eq!(trial.residents(), [1, 3, 4]);
    }

    #[test]
    fn an_entry_falls_when_its_lifetime_is_over() {
        // At lifetime 1 per resident 1 has fallen to Q0 when 5 comes, but behind those that came
        // since; then it is the oldest there.
        let mut trial = Trial::new("mq:lifetime=1", 2);
        trial.ask(&[1, 1, 2, 3, 4, 5, 6, 7]);
        assert!(!trial.residents().contains(&1));
        let mut patient = Trial::new("mq:lifetime=1000", 2);
        patient.ask(&[1, 1, 2, 3, 4, 5, 6, 7]);
        assert!(patient.residents().contains(&1));
    }

    #[test]
    fn the_count_survives_eviction() {
        // 1 returns with 2 accesses and enters Q1, so the newer 3 leaves before it.
        let mut trial = Trial::new("mq:lifetime=1000", 2);
        trial.ask(&[1, 2, 3, 1, 4, 5]);
        assert_eq!(trial.residents(), [1, 5]);
        let mut forgetful = Trial::new("mq:lifetime=1000:history=0", 2);
        forgetful.ask(&[1, 2, 3, 1, 4, 5]);
        assert_eq!(forgetful.residents(), [4, 5]);
    }
}
