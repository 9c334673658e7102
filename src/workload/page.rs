//! Pages: read requests that need the rows of many keys.
//!
//! The first key of a page is the one that the request would ask for anyway; how many there are and
//! which the others are is drawn from streams of their own, so that a page of one key is a plain
//! request. All keys of a page are different ones, as far as there are so many.
//!
//! Not here: how the keys are asked for (`client`, `pattern`).

use super::distribution::Distribution;
use super::{Operation, Workload};
use crate::random::{Luck, Stream};
use crate::units::{Key, Nanoseconds};

/// Pages as checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// How many keys a page needs; one at least.
    pub keys: Distribution,
    /// Whether they are asked for at once.
    pub mode: PageMode,
    /// How the keys of one node of the first tier are asked for together, if they are.
    pub multi_get: Option<MultiGet>,
}

/// The order in which the keys of a page are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PageMode {
    /// All at once: the page takes as long as its slowest key.
    #[default]
    Parallel,
    /// One after another: the page takes as long as all of them together.
    Sequence,
}

/// One row of the table of modes.
#[derive(Clone, Copy, Debug)]
pub struct PageModeRow {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// The mode.
    pub mode: PageMode,
}

/// All modes.
pub static PAGE_MODES: &[PageModeRow] = &[
    PageModeRow {
        name: "parallel",
        summary: "all keys at once: the page takes as long as the slowest of them",
        mode: PageMode::Parallel,
    },
    PageModeRow {
        name: "sequence",
        summary: "one key after another: the page takes as long as all of them together",
        mode: PageMode::Sequence,
    },
];

/// One exchange for all keys of a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MultiGet {
    /// What each key after the first adds to the service time of the exchange, as a share of that of
    /// a lookup of its own, in 0..=1.
    pub key_cost: f64,
    /// If the misses of an exchange go to the database with one query: what each key after the first
    /// adds to its service time, as a share of that of a query of its own, in 0..=1.
    pub batch_key_cost: Option<f64>,
}

/// More are drawn for each further key before a page does without it.
const ATTEMPTS: usize = 8;

/// The keys of pages under one luck.
#[derive(Debug)]
pub(super) struct PageDraws {
    keys: Distribution,
    luck: Stream,
}

impl PageDraws {
    pub(super) fn new(plan: &Page, luck: Luck) -> Self {
        Self {
            keys: plan.keys.clone(),
            luck: luck.stream("workload.page"),
        }
    }
}

impl Workload {
    /// The keys of the page that request `index`, issued at `now`, asks for; `first` is the one that
    /// was drawn for the request itself.
    #[must_use]
    pub fn page_keys(&mut self, index: u64, now: Nanoseconds, first: Key) -> Vec<Key> {
        let Some(page) = &self.page else {
            return vec![first];
        };
        let mut draws = page.luck.at(index);
        let many = page.keys.sample_u64(&mut draws).max(1) as usize;
        let mut keys = Vec::with_capacity(many);
        keys.push(first);
        // Keys of long pages are looked for in order, those of short ones one by one.
        let mut known = hashbrown::HashSet::with_capacity_and_hasher(many, crate::units::KeyHash);
        known.insert(first);
        for _ in 1..many {
            for _ in 0..ATTEMPTS {
                // Each attempt is drawn as a request of its own would be.
                let number = draws.bits();
                let plain = self.popularity.draw(&mut draws, Operation::Read, now);
                let absent = self
                    .absent
                    .as_mut()
                    .and_then(|absent| absent.draw(number, Operation::Read, now));
                let plain = match &self.big_keys {
                    Some(big) => big.draw(number, plain),
                    None => plain,
                };
                let key = absent.unwrap_or(plain);
                if known.insert(key) {
                    keys.push(key);
                    break;
                }
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::popularity::Keys;
    use crate::workload::{Plan, arrivals};

    fn workload(keys: Keys, many: f64) -> Workload {
        let arrivals = arrivals::Plan::Open(arrivals::Open::poisson(1000.0).unwrap());
        let size = Distribution::constant(100.0).unwrap();
        let mut plan = Plan::new(arrivals, keys, 1.0, size).unwrap();
        plan.page = Some(Page {
            keys: Distribution::constant(many).unwrap(),
            mode: PageMode::Parallel,
            multi_get: None,
        });
        Workload::new(&plan, Luck::new(7, 1))
    }

    #[test]
    fn the_keys_of_a_page_differ_and_the_first_is_that_of_the_request() {
        let mut workload = workload(Keys::zipf(100, 1.0).unwrap(), 30.0);
        for index in 0..100 {
            let first = workload.draw(index, 0, None).key;
            let keys = workload.page_keys(index, 0, first);
            assert_eq!(keys[0], first);
            let mut different = keys.clone();
            different.sort_unstable();
            different.dedup();
            assert_eq!(different.len(), keys.len());
            assert!(keys.len() > 25 && keys.len() <= 30, "{}", keys.len());
        }
    }

    #[test]
    fn a_page_has_no_more_keys_than_there_are() {
        let mut workload = workload(Keys::uniform(3).unwrap(), 30.0);
        assert_eq!(workload.page_keys(0, 0, 1).len(), 3);
    }
}
