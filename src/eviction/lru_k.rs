//! LRU-K: the entry whose K-th last access is oldest leaves; entries asked for fewer than K times go
//! first, by plain LRU among themselves.
//!
//! Source: E. J. O'Neil, P. E. O'Neil, G. Weikum, "The LRU-K page replacement algorithm for database
//! disk buffering", SIGMOD 1993. Time is counted in accesses. The paper retains the history of an
//! evicted page for a period of time; here that of the last evicted ones, whatever their age.
//!
//! Known weakness: a key must come back K times within the memory of its history before it counts;
//! and each eviction costs a logarithm.

use super::heap::RisingHeap;
use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

/// The ghosts, whose history is retained.
const GHOST: u32 = 0;

/// Residents by (K-th last access, last access), and the history of residents and ghosts.
#[derive(Debug)]
pub struct LruK<W> {
    heap: RisingHeap<(u64, u64)>,
    /// HIST: for each id the times of its last K uncorrelated accesses, the last one first; 0: none.
    times: Vec<u64>,
    /// LAST: the time of its last access, correlated or not.
    last: Vec<u64>,
    k: usize,
    /// Accesses at most this far apart count as one.
    correlated: u64,
    ledger: Ledger<W>,
    ghosts: Queue,
    ghost_capacity: u64,
    clock: u64,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for LruK<W> {
    const DESCRIPTION: Description = Description {
        name: "lru-k",
        summary: "the entry whose K-th last access is oldest leaves",
        source: "O'Neil, O'Neil, Weikum, \"The LRU-K page replacement algorithm for database disk buffering\", SIGMOD 1993",
        parameters: &[
            Parameter::integer("k", 2, 1, 16, "which access counts, from the last one on"),
            Parameter::integer(
                "correlated",
                0,
                0,
                u64::MAX,
                "accesses to one key that are at most so many accesses apart count as one",
            ),
            Parameter::real(
                "history",
                1.0,
                0.0,
                100.0,
                "how much evicted entries whose history is retained weigh, as a multiple of the capacity",
            ),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            heap: RisingHeap::default(),
            times: Vec::new(),
            last: Vec::new(),
            k: setup.parameters.integer("k") as usize,
            correlated: setup.parameters.integer("correlated"),
            ledger: Ledger::default(),
            ghosts: Queue::new(GHOST),
            ghost_capacity: setup.share(setup.parameters.real("history")),
            clock: 0,
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> LruK<W> {
    fn history(&mut self, id: Id) -> &mut [u64] {
        let start = id as usize * self.k;
        &mut self.times[start..start + self.k]
    }

    /// The priority of `id`: its backward K-distance, and recency among those that have none.
    fn key(&self, id: Id) -> (u64, u64) {
        (
            self.times[(id as usize + 1) * self.k - 1],
            self.last[id as usize],
        )
    }

    /// Line by line the figure 2.1 of the paper: an access to a key whose history is known.
    fn touch(&mut self, id: Id) {
        let (now, last) = (self.clock, self.last[id as usize]);
        if now - last > self.correlated {
            // "A new, uncorrelated reference." The correlated period that it closes takes no time.
            let history = self.history(id);
            let period = last - history[0];
            for k in (1..history.len()).rev() {
                if history[k - 1] != 0 {
                    history[k] = history[k - 1] + period;
                }
            }
            history[0] = now;
        }
        self.last[id as usize] = now;
    }

    fn evict(&mut self, departures: &mut Departures) {
        // "Eligible for replacement" are those outside of their correlated period.
        let mut spared = Vec::new();
        let victim = loop {
            let Some((id, key)) = self.heap.pop() else {
                // All are within it: the first choice goes.
                break (!spared.is_empty()).then(|| spared.remove(0));
            };
            if self.correlated == 0 || self.clock - self.last[id as usize] > self.correlated {
                break Some((id, key));
            }
            spared.push((id, key));
        };
        for (id, key) in spared {
            self.heap.insert(id, key);
        }
        let Some((victim, _)) = victim else { return };
        self.weight -= self.ledger.weights.of(victim);
        departures.evict(victim);
        self.ghosts.push(&mut self.ledger, victim);
        while self.ghosts.weight() > self.ghost_capacity
            && let Some(forgotten) = self.ghosts.pop(&mut self.ledger)
        {
            departures.forget(forgotten);
        }
    }
}

impl<W: Weights> Policy for LruK<W> {
    fn reserve(&mut self, bound: usize) {
        self.heap.reserve(bound);
        self.ledger.reserve(bound);
        if self.last.len() < bound {
            self.last.resize(bound, 0);
            self.times.resize(bound * self.k, 0);
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.heap.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.heap.contains(id)
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        self.clock += 1;
        self.touch(id);
        let key = self.key(id);
        self.heap.raise(id, key);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        self.clock += 1;
        let is_known = self.ledger.is_present(id);
        if is_known {
            self.ghosts.remove(&mut self.ledger, id);
        }
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight {
            self.evict(departures);
        }
        if is_known {
            self.touch(id);
        } else {
            let now = self.clock;
            let history = self.history(id);
            history.fill(0);
            history[0] = now;
            self.last[id as usize] = now;
        }
        self.ledger.weights.set(id, weight);
        self.weight += weight;
        let key = self.key(id);
        self.heap.insert(id, key);
        true
    }

    fn remove(&mut self, id: Id) {
        self.heap.remove(id);
        self.weight -= self.ledger.weights.of(id);
    }

    fn victim(&mut self) -> Option<Id> {
        self.heap.first().map(|(id, _)| id)
    }

    fn len(&self) -> usize {
        self.heap.len()
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;

    #[test]
    fn the_entry_whose_second_last_access_is_oldest_leaves() {
        // Times: 1 at 1, 6; 2 at 2, 3; 3 at 4, 5. Second last: 1, 2, 4.
        let mut trial = Trial::new("lru-k", 3);
        trial.ask(&[1, 2, 2, 3, 3, 1, 4]);
        assert_eq!(trial.residents(), [2, 3, 4], "LRU would have kept 1");
        trial.ask(&[5]);
        assert_eq!(trial.residents(), [2, 3, 5], "4 was asked for only once");
    }

    #[test]
    fn what_was_evicted_is_remembered() {
        // 1 leaves with one access at 1; on its return at 4 it has two, so 3 must go.
        let mut trial = Trial::new("lru-k", 2);
        trial.ask(&[1, 2, 3, 1, 4]);
        assert_eq!(trial.residents(), [1, 4]);
        let mut forgetful = Trial::new("lru-k:history=0", 2);
        forgetful.ask(&[1, 2, 3, 1, 4]);
        assert_eq!(forgetful.residents(), [1, 4], "by LRU: 3 before 1");
        assert_eq!(forgetful.ask(&[5, 1]), [false, false]);
        assert_eq!(trial.ask(&[5, 1]), [false, true]);
    }

    #[test]
    fn accesses_close_together_count_as_one() {
        // 1 is asked for twice in a burst, 2 twice apart.
        let mut trial = Trial::new("lru-k:correlated=1", 2);
        trial.ask(&[2, 1, 1, 2, 9]);
        assert_eq!(trial.residents(), [2, 9]);
        let mut trial = Trial::new("lru-k", 2);
        trial.ask(&[2, 1, 1, 2, 9]);
        assert_eq!(trial.residents(), [1, 9]);
    }

    #[test]
    fn with_k_of_one_it_is_lru() {
        let ids: Vec<u32> = (0..200).map(|step| (step * step + step / 3) % 11).collect();
        assert_eq!(
            Trial::new("lru-k:k=1", 4).ask(&ids),
            Trial::new("lru", 4).ask(&ids)
        );
    }
}
