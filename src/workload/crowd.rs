//! Requests beside the ordinary ones: of a surge, or of a flood of keys that do not exist.
//!
//! Their numbers are far above those of the ordinary requests, and all their luck depends on their
//! numbers, so the ordinary requests are the same with and without them.
//!
//! Not here: when they arrive (`arrivals`), and who starts them (`client`).

use super::popularity::Popularity;
use super::{Draw, Operation, Workload, absent_key};
use crate::units::{Key, Nanoseconds};

/// Ordinary requests have numbers below 2^40: there are never so many.
const FIRST: u32 = 40;

/// What the requests of a crowd ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What all others ask for, reads and writes alike.
    Everything,
    /// They read one row.
    Row(Key),
    /// They read rows that do not exist: any of so many, all equally often.
    Absent(u64),
}

/// The requests of one crowd.
#[derive(Debug)]
pub(super) struct Crowd {
    wanted: Wanted,
    /// Of its own, because some distributions remember how often they were asked.
    popularity: Popularity,
}

impl Workload {
    /// A crowd gathers; the answer is the number of its first request, the others follow.
    pub fn gather(&mut self, wanted: Wanted) -> u64 {
        self.crowds.push(Crowd {
            wanted,
            popularity: self.popularity.clone(),
        });
        (self.crowds.len() as u64) << FIRST
    }

    /// From now on the coldest `share` of the keys are the hottest, and all others come after them.
    pub fn shift_popularity(&mut self, share: f64) {
        self.popularity.shift(share);
        for crowd in &mut self.crowds {
            crowd.popularity.shift(share);
        }
    }

    /// Whether request `index` is of a crowd.
    #[inline]
    pub(super) fn is_of_crowd(index: u64) -> bool {
        index >> FIRST != 0
    }

    /// As [`Workload::draw`], for a request of a crowd.
    #[cold]
    pub(super) fn draw_for_crowd(&mut self, index: u64, now: Nanoseconds) -> Draw {
        let mut draws = self.requests.at(index);
        let operation = if draws.chance(self.read_share) {
            Operation::Read
        } else {
            Operation::Write
        };
        let crowd = &mut self.crowds[(index >> FIRST) as usize - 1];
        let (key, operation) = match crowd.wanted {
            Wanted::Everything => {
                let key = crowd.popularity.draw(&mut draws, operation, now);
                (key, operation)
            }
            Wanted::Row(key) => (key, Operation::Read),
            Wanted::Absent(many) => (absent_key(draws.below(many)), Operation::Read),
        };
        Draw {
            key,
            operation,
            session: self.session_of(index),
            must_be_fresh: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Luck;
    use crate::workload::distribution::Distribution;
    use crate::workload::popularity::Keys;
    use crate::workload::{Plan, arrivals};

    fn workload(keys: Keys) -> Workload {
        let arrivals = arrivals::Plan::Open(arrivals::Open::poisson(1000.0).unwrap());
        let size = Distribution::constant(100.0).unwrap();
        let plan = Plan::new(arrivals, keys, 0.8, size).unwrap();
        Workload::new(&plan, Luck::new(7, 1))
    }

    #[test]
    fn a_crowd_changes_no_other_request() {
        for keys in [
            Keys::zipf(1000, 1.0).unwrap(),
            Keys::sequential(1000).unwrap(),
            Keys::latest(1000, 1.0).unwrap(),
        ] {
            let mut alone = workload(keys.clone());
            let mut crowded = workload(keys);
            let first = crowded.gather(Wanted::Everything);
            for index in 0..1000 {
                crowded.draw(first + index, 0, None);
                assert_eq!(crowded.draw(index, 0, None), alone.draw(index, 0, None));
            }
        }
    }

    #[test]
    fn a_crowd_asks_for_what_it_wants() {
        let mut workload = workload(Keys::zipf(1000, 1.0).unwrap());
        let row = workload.gather(Wanted::Row(7));
        let absent = workload.gather(Wanted::Absent(10));
        for index in 0..1000 {
            let draw = workload.draw(row + index, 0, None);
            assert_eq!((draw.key, draw.operation), (7, Operation::Read));
            let draw = workload.draw(absent + index, 0, None);
            assert!(workload.value(draw.key, 0).is_absent);
        }
    }

    #[test]
    fn after_a_shift_the_coldest_keys_are_the_hottest() {
        let mut workload = workload(Keys::zipf(1000, 1.0).unwrap());
        let [hottest, coldest] = [1, 1000].map(|rank| workload.key_of_rank(rank, 0).unwrap());
        workload.shift_popularity(0.25);
        assert_eq!(workload.rank_of(hottest, 0), Some(251));
        assert_eq!(workload.rank_of(coldest, 0), Some(250));
        let mut counts = vec![0_u32; 1000];
        for index in 0..20_000 {
            counts[workload.draw(index, 0, None).key as usize] += 1;
        }
        let most_asked = (0..1000).max_by_key(|&key| counts[key]).unwrap();
        assert_eq!(workload.key_of_rank(1, 0), Some(most_asked as Key));
        // Three more of a quarter: all are where they were.
        (0..3).for_each(|_| workload.shift_popularity(0.25));
        assert_eq!(workload.rank_of(hottest, 0), Some(1));
    }
}
