//! Belady's MIN: the entry whose next use is farthest in the future leaves. With entries of equal
//! weight no policy that admits everything misses less: the bound for all others. Of those that are
//! never used again the one that was used last goes first; which one matters only for sizes.
//!
//! Source: L. A. Belady, "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 5(2), 1966.
//!
//! Known weakness: it needs to know the future, so it exists in replay only; and it is not the best
//! where sizes differ.

use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};
use crate::prefetch::prefetch;

/// Next uses, as the number of the request.
const ABSENT: u32 = u32::MAX;
const NEVER: u32 = u32::MAX - 1;

/// The next uses of all residents as a set of request numbers: each request asks for one key, so
/// no two residents share one, and the request says which resident it is.
#[derive(Debug)]
pub struct Belady<W> {
    next_uses: Vec<u32>,
    agenda: NumberSet,
    /// Residents that are not used again; some may have left since.
    unused: Vec<Id>,
    future: std::sync::Arc<Vec<Id>>,
    len: usize,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for Belady<W> {
    const DESCRIPTION: Description = Description {
        name: "belady",
        summary: "the entry whose next use is farthest in the future leaves (replay only)",
        source: "Belady, \"A study of replacement algorithms for a virtual-storage computer\", IBM Systems Journal 1966",
        parameters: &[],
        replay_only: true,
    };

    fn new(setup: &Setup) -> Self {
        let future = setup.future.clone().unwrap_or_default();
        Self {
            next_uses: Vec::new(),
            agenda: NumberSet::below(future.len()),
            unused: Vec::new(),
            future,
            len: 0,
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Belady<W> {
    #[inline]
    fn schedule(&mut self, id: Id, access: &Access) {
        if access.next_use < self.future.len() as u64 {
            self.next_uses[id as usize] = access.next_use as u32;
            self.agenda.insert(access.next_use as usize);
        } else {
            self.next_uses[id as usize] = NEVER;
            self.unused.push(id);
        }
    }

    #[inline]
    fn farthest(&mut self) -> Option<Id> {
        while let Some(id) = self.unused.pop() {
            if self.next_uses[id as usize] == NEVER {
                return Some(id);
            }
        }
        self.agenda.last().map(|number| self.future[number])
    }
}

impl<W: Weights> Policy for Belady<W> {
    fn reserve(&mut self, bound: usize) {
        self.weights.reserve(bound);
        if self.next_uses.len() < bound {
            self.next_uses.resize(bound, ABSENT);
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        prefetch(&self.next_uses, id as usize);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.next_uses[id as usize] != ABSENT
    }

    #[inline]
    fn hit(&mut self, id: Id, access: &Access, _departures: &mut Departures) {
        let number = self.next_uses[id as usize];
        if number != NEVER {
            self.agenda.remove(number as usize);
        }
        self.schedule(id, access);
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight
            && let Some(victim) = self.farthest()
        {
            self.remove(victim);
            departures.evict_and_forget(victim);
        }
        self.len += 1;
        self.weight += weight;
        self.weights.set(id, weight);
        self.schedule(id, access);
        true
    }

    #[inline]
    fn remove(&mut self, id: Id) {
        let number = std::mem::replace(&mut self.next_uses[id as usize], ABSENT);
        if number != NEVER {
            self.agenda.remove(number as usize);
        }
        self.len -= 1;
        self.weight -= self.weights.of(id);
    }

    fn len(&self) -> usize {
        self.len
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

/// A set of small numbers that knows its greatest: bits, with bits over them that say which words are
/// not zero, and so on up to one word.
#[derive(Debug)]
struct NumberSet {
    levels: Vec<Vec<u64>>,
}

impl NumberSet {
    fn below(bound: usize) -> Self {
        let mut levels = Vec::new();
        let mut words = bound;
        loop {
            words = words.div_ceil(64).max(1);
            levels.push(vec![0; words]);
            if words == 1 {
                return Self { levels };
            }
        }
    }

    #[inline]
    fn insert(&mut self, mut number: usize) {
        for level in &mut self.levels {
            let word = &mut level[number / 64];
            let was_empty = *word == 0;
            *word |= 1 << (number % 64);
            if !was_empty {
                return;
            }
            number /= 64;
        }
    }

    #[inline]
    fn remove(&mut self, mut number: usize) {
        for level in &mut self.levels {
            let word = &mut level[number / 64];
            *word &= !(1 << (number % 64));
            if *word != 0 {
                return;
            }
            number /= 64;
        }
    }

    #[inline]
    fn last(&self) -> Option<usize> {
        let mut number = 0;
        for level in self.levels.iter().rev() {
            let word = level[number];
            if word == 0 {
                return None;
            }
            number = number * 64 + 63 - word.leading_zeros() as usize;
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Draws;
    use std::collections::BTreeSet;

    #[test]
    fn a_number_set_knows_its_greatest() {
        for bound in [1, 64, 65, 4096, 4097, 300_000] {
            let mut set = NumberSet::below(bound);
            let mut model = BTreeSet::new();
            let mut draws = Draws::from_seed(bound as u64);
            for _ in 0..2000 {
                let number = draws.below(bound as u64) as usize;
                if draws.below(2) == 0 {
                    set.insert(number);
                    model.insert(number);
                } else if let Some(last) = set.last() {
                    set.remove(last);
                    assert!(model.remove(&last));
                }
                assert_eq!(set.last(), model.last().copied());
            }
        }
    }
}
