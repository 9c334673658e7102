//! The segmented LRU of memcached: new entries are HOT; those asked for at least twice pass to WARM, the
//! others to COLD, and COLD is evicted from.
//!
//! Source: memcached since 1.5, `items.c` and `doc/new_lru.txt` (D. Rowland ("dormando"),
//! "Replacing the cache replacement algorithm in memcached", 2018), with its defaults: HOT at most 20 %
//! and WARM at most 40 % of what is stored.
//!
//! Known weakness: an entry must be asked for twice before it counts as active, so in a small
//! cache entries that are asked for at long intervals never do. The background thread that moves
//! entries between segments runs here at every insertion, so segments never lag.

use super::queue::{Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

/// Flags: asked for once since it came in; asked for again since it last moved.
const FETCHED: u32 = 0b0001;
const ACTIVE: u32 = 0b0010;
const FLAGS: u32 = FETCHED | ACTIVE;
/// Tags of the segments.
const HOT: u32 = 0b0000;
const WARM: u32 = 0b0100;
const COLD: u32 = 0b1000;

/// The three segments.
#[derive(Debug)]
pub struct MemcachedSlru<W> {
    ledger: Ledger<W>,
    hot: Queue,
    warm: Queue,
    cold: Queue,
    /// When each resident came in or was last found active in HOT or WARM.
    times: Vec<u64>,
    hot_share: f64,
    warm_share: f64,
    hot_age: f64,
    warm_age: f64,
    capacity: u64,
}

impl<W: Weights> Described for MemcachedSlru<W> {
    const DESCRIPTION: Description = Description {
        name: "memcached-slru",
        summary: "memcached's segmented LRU: hot, warm and cold entries",
        source: "memcached since 1.5, items.c and doc/new_lru.txt; Rowland, \"Replacing the cache replacement algorithm in memcached\", 2018",
        parameters: &[
            Parameter::real(
                "hot",
                0.2,
                0.0,
                1.0,
                "most that HOT may be of what is stored",
            ),
            Parameter::real(
                "warm",
                0.4,
                0.0,
                1.0,
                "most that WARM may be of what is stored",
            ),
            Parameter::real(
                "hot-age",
                0.2,
                0.0,
                1e9,
                "an entry is too old for HOT beyond this multiple of the age of COLD's tail",
            ),
            Parameter::real("warm-age", 2.0, 0.0, 1e9, "as hot-age, for WARM"),
        ],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            ledger: Ledger::default(),
            hot: Queue::with_flags(HOT, FLAGS),
            warm: Queue::with_flags(WARM, FLAGS),
            cold: Queue::with_flags(COLD, FLAGS),
            times: Vec::new(),
            hot_share: setup.parameters.real("hot"),
            warm_share: setup.parameters.real("warm"),
            hot_age: setup.parameters.real("hot-age"),
            warm_age: setup.parameters.real("warm-age"),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> MemcachedSlru<W> {
    fn is_active(&self, id: Id) -> bool {
        self.ledger.tag(id) & ACTIVE != 0
    }

    /// `id` moves to the head of WARM and must be asked for again to be active.
    fn warm_up(&mut self, id: Id) {
        let tag = self.ledger.tag(id);
        match tag & !FLAGS {
            HOT => self.hot.remove(&mut self.ledger, id),
            WARM => self.warm.remove(&mut self.ledger, id),
            _ => self.cold.remove(&mut self.ledger, id),
        }
        self.warm.push_flagged(&mut self.ledger, id, tag & FETCHED);
    }

    /// How old COLD's tail is.
    fn cold_age(&mut self, now: u64) -> f64 {
        let tail = self.cold.oldest(&self.ledger);
        tail.map_or(0.0, |id| now.saturating_sub(self.times[id as usize]) as f64)
    }

    /// `lru_pull_tail` for HOT and WARM: active tails pass to WARM, others to COLD while the segment is
    /// too large or its tail too old.
    fn juggle(&mut self, segment: u32, now: u64) {
        let cold_age = self.cold_age(now);
        let stored = self.weight() as f64;
        // It ends: each round takes an entry out of the segment or makes it inactive.
        loop {
            let (queue, share, age) = match segment {
                HOT => (&mut self.hot, self.hot_share, self.hot_age),
                _ => (&mut self.warm, self.warm_share, self.warm_age),
            };
            let Some(tail) = queue.oldest(&self.ledger) else {
                return;
            };
            let is_large = queue.weight() as f64 > stored * share;
            let is_old = self.times[tail as usize] < now
                && (now - self.times[tail as usize]) as f64 > cold_age * age;
            if !is_large && !is_old {
                return;
            }
            if self.ledger.tag(tail) & ACTIVE != 0 {
                self.warm_up(tail);
                continue;
            }
            let fetched = self.ledger.tag(tail) & FETCHED;
            queue.remove(&mut self.ledger, tail);
            self.cold.push_flagged(&mut self.ledger, tail, fetched);
        }
    }

    /// `do_item_alloc_pull`: the first tail of COLD that is not active leaves; if COLD is empty,
    /// tails of HOT or WARM do.
    fn evict(&mut self, departures: &mut Departures) {
        let victim = loop {
            match self.cold.oldest(&self.ledger) {
                Some(tail) if self.is_active(tail) => self.warm_up(tail),
                Some(tail) => break Some(tail),
                None => {
                    break match self.hot.oldest(&self.ledger) {
                        None => self.warm.oldest(&self.ledger),
                        tail => tail,
                    };
                }
            }
        };
        if let Some(victim) = victim {
            self.remove(victim);
            departures.evict_and_forget(victim);
        }
    }
}

impl<W: Weights> Policy for MemcachedSlru<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
        if self.times.len() < bound {
            self.times.resize(bound, 0);
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.is_present(id)
    }

    /// `do_item_bump`: the first fetch only marks; from the second on the entry is active. COLD
    /// entries that become active pass to WARM.
    #[inline]
    fn hit(&mut self, id: Id, access: &Access, _departures: &mut Departures) {
        let tag = self.ledger.tag(id);
        if tag & ACTIVE != 0 {
            return;
        }
        if tag & FETCHED == 0 {
            self.ledger.retag(id, tag | FETCHED);
            return;
        }
        self.times[id as usize] = access.now;
        if tag & !FLAGS == COLD {
            self.warm_up(id);
        } else {
            self.ledger.retag(id, tag | ACTIVE);
        }
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight() > self.capacity - weight {
            self.evict(departures);
        }
        self.ledger.weights.set(id, weight);
        self.times[id as usize] = access.now;
        self.hot.push(&mut self.ledger, id);
        // The background thread.
        self.juggle(HOT, access.now);
        self.juggle(WARM, access.now);
        true
    }

    fn remove(&mut self, id: Id) {
        match self.ledger.tag(id) & !FLAGS {
            HOT => self.hot.remove(&mut self.ledger, id),
            WARM => self.warm.remove(&mut self.ledger, id),
            _ => self.cold.remove(&mut self.ledger, id),
        }
    }

    fn len(&self) -> usize {
        self.hot.len() + self.warm.len() + self.cold.len()
    }

    fn weight(&self) -> u64 {
        self.hot.weight() + self.warm.weight() + self.cold.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;

    #[test]
    fn an_entry_fetched_twice_outlives_a_scan() {
        let mut trial = Trial::new("memcached-slru", 10);
        trial.ask(&(50..58).collect::<Vec<_>>());
        trial.ask(&[1, 1, 1, 2, 2]);
        trial.ask(&(10..24).collect::<Vec<_>>());
        assert_eq!(trial.ask(&[1, 2]), [true, false], "2 was fetched only once");
    }

    #[test]
    fn a_warm_entry_that_is_twice_as_old_as_the_tail_of_cold_cools_down() {
        let mut trial = Trial::new("memcached-slru", 10);
        trial.ask(&(50..58).collect::<Vec<_>>());
        trial.ask(&[1, 1, 1]);
        trial.ask(&(10..40).collect::<Vec<_>>());
        assert!(!trial.residents().contains(&1));
        let mut trial = Trial::new("memcached-slru:warm-age=1000", 10);
        trial.ask(&(50..58).collect::<Vec<_>>());
        trial.ask(&[1, 1, 1]);
        trial.ask(&(10..40).collect::<Vec<_>>());
        assert!(trial.residents().contains(&1));
    }

    #[test]
    fn in_a_scan_the_oldest_of_cold_leaves() {
        let mut trial = Trial::new("memcached-slru", 4);
        trial.ask(&[1, 2, 3, 4, 5]);
        assert_eq!(trial.residents(), [2, 3, 4, 5]);
    }
}
