//! TinyLFU: a newcomer is admitted if it was asked for more often lately than the entry that would leave
//! for it.
//!
//! How often is told by a sketch of four-bit counters that are halved now and then; a key's first
//! request only goes into a Bloom filter in front of it, the doorkeeper, so that keys asked for once
//! do not wear the sketch out.
//!
//! Source: G. Einziger, R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission policy", ACM
//! Transactions on Storage 13(4), 2017.
//!
//! Known weakness: a burst of new keys cannot get in (what the window of the policy `w-tinylfu` is for).

use super::filter::Filter;
use super::{Admission, Described, Description, Surroundings};
use crate::eviction::sketch::Sketch;
use crate::eviction::{Access, Parameter};

/// What is remembered, in accesses per entry of the cache (W / C of the paper).
const SAMPLE: u64 = 10;

/// The sketch and its doorkeeper.
pub struct TinyLfu {
    sketch: Sketch,
    doorkeeper: Filter,
    accesses: u64,
    sample: u64,
}

impl Described for TinyLfu {
    const DESCRIPTION: Description = Description {
        name: "tinylfu",
        summary: "a newcomer is admitted if it was asked for more often lately than what would leave for it",
        source: "Einziger, Friedman, Manes, \"TinyLFU: a highly efficient cache admission policy\", ACM TOS 2017",
        parameters: &[Parameter::integer(
            "entries",
            0,
            0,
            1 << 28,
            "entries that the sketch is made for; 0: as many as the cache holds, by its capacity",
        )],
        needs_victim: true,
        tuned_every: None,
    };

    fn new(surroundings: &Surroundings) -> Self {
        let entries = match surroundings.parameters.integer("entries") {
            0 => surroundings.entries().clamp(8, 1 << 28),
            entries => entries,
        };
        Self {
            sketch: Sketch::new(entries),
            doorkeeper: Filter::new(SAMPLE * entries),
            accesses: 0,
            sample: SAMPLE * entries,
        }
    }
}

impl TinyLfu {
    fn count(&mut self, key: u64) {
        self.accesses += 1;
        if self.accesses >= self.sample {
            // "Reset": the sketch halves itself at about the same time.
            self.doorkeeper.clear();
            self.accesses = 0;
        }
        if !self.doorkeeper.insert(key) {
            self.sketch.increment(key);
        }
    }

    fn estimate(&self, key: u64) -> u64 {
        self.sketch.estimate(key) + u64::from(self.doorkeeper.contains(key))
    }
}

impl Admission for TinyLfu {
    fn hit(&mut self, access: &Access, _weight: u64) {
        self.count(access.key);
    }

    fn admits(&mut self, access: &Access, victim: Option<u64>) -> bool {
        self.count(access.key);
        victim.is_none_or(|victim| self.estimate(access.key) > self.estimate(victim))
    }
}

#[cfg(test)]
mod tests {
    use crate::eviction::trial::Trial;

    #[test]
    fn a_newcomer_gets_in_when_it_was_asked_for_more_often_than_the_victim() {
        let mut trial = Trial::new("lru+tinylfu:entries=1000", 2);
        trial.ask(&[1, 1, 2, 2, 2]);
        trial.ask(&[3, 3]);
        assert_eq!(trial.residents(), [1, 2], "1 was asked for twice, too");
        trial.ask(&[3]);
        assert_eq!(trial.residents(), [2, 3]);
    }

    #[test]
    fn while_there_is_room_all_come_in() {
        let mut trial = Trial::new("fifo+tinylfu", 3);
        trial.ask(&[1, 2, 3, 4]);
        assert_eq!(trial.residents(), [1, 2, 3]);
    }
}
