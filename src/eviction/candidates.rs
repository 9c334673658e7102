//! The pool of candidates for eviction that Redis keeps between evictions, and its clock.
//!
//! Not here: what makes an entry a good candidate, which is what `redis-lru` and `redis-lfu` differ
//! in.

use super::{Id, Setup};

/// Redis: `EVPOOL_SIZE`.
const MOST: usize = 16;

/// Up to 16 candidates by score, the best last.
#[derive(Debug, Default)]
pub struct Candidates {
    entries: Vec<(u64, Id)>,
}

impl Candidates {
    /// `id` has been sampled and would be evicted with this score: it enters if there is room or if it
    /// is better than the worst. An entry may be here more than once, with older scores.
    pub fn offer(&mut self, id: Id, score: u64) {
        let place = self.entries.partition_point(|(other, _)| *other < score);
        if self.entries.len() < MOST {
            self.entries.insert(place, (score, id));
        } else if place > 0 {
            self.entries.remove(0);
            self.entries.insert(place - 1, (score, id));
        }
    }

    /// The best candidate, which is no candidate any more.
    pub fn take_best(&mut self) -> Option<Id> {
        self.entries.pop().map(|(_, id)| id)
    }

    /// `id` is not resident any more.
    pub fn remove(&mut self, id: Id) {
        self.entries.retain(|(_, other)| *other != id);
    }
}

/// Units of `Access::now` per second, as the parameter `tick` says.
pub fn second_of(setup: &Setup) -> u64 {
    match setup.parameters.integer("tick") {
        0 => setup.second.max(1),
        tick => tick,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pool_takes_only_what_is_better_than_its_worst() {
        let mut candidates = Candidates::default();
        for id in 0..16 {
            candidates.offer(id, u64::from(10 + id));
        }
        candidates.offer(20, 10);
        candidates.offer(21, 11);
        assert_eq!(
            candidates.entries[0],
            (11, 21),
            "10 was pushed out, 20 was not taken"
        );
        candidates.remove(15);
        assert_eq!(candidates.take_best(), Some(14));
        assert_eq!(candidates.entries.len(), 14);
    }
}
