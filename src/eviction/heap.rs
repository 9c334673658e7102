//! A priority queue for keys that only ever rise, as counts and dynamic-aging priorities do.
//!
//! A hit only notes the new key; the heap keeps the old one, which is a lower bound. When such a
//! stale item comes up as the least, it is sunk to where its real key belongs. So a hit costs one
//! memory access, and the logarithm is paid only by entries that come near eviction. Newcomers whose
//! keys arrive in rising order (nearly all of them do) wait in a plain queue beside the heap and
//! never enter it if they leave without a hit.
//!
//! Not here: what the keys mean.

use std::collections::VecDeque;

use super::Id;
use crate::prefetch::prefetch;

/// Children per node: four neighbours share a cache line, and the tree is half as high as a binary
/// one.
const ARITY: usize = 4;

/// Ids by key, least first. No two ids may have equal keys, and no key may be the default one,
/// which stands for "not here".
#[derive(Debug)]
pub struct RisingHeap<K> {
    current: Vec<K>,
    newcomers: VecDeque<(K, Id)>,
    heap: Vec<(K, Id)>,
    len: usize,
}

impl<K> Default for RisingHeap<K> {
    fn default() -> Self {
        Self {
            current: Vec::new(),
            newcomers: VecDeque::new(),
            heap: Vec::new(),
            len: 0,
        }
    }
}

impl<K: Copy + Ord + Default> RisingHeap<K> {
    /// Ids below `bound` will be used from now on.
    pub fn reserve(&mut self, bound: usize) {
        if self.current.len() < bound {
            self.current.resize(bound, K::default());
        }
    }

    /// See [`super::Policy::prefetch`].
    #[inline]
    pub fn prefetch(&self, id: Id) {
        prefetch(&self.current, id as usize);
    }

    /// How many ids are here.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether `id` is here.
    #[inline]
    pub fn contains(&self, id: Id) -> bool {
        self.key(id) != K::default()
    }

    /// The key of `id`, or the default one if it is not here.
    #[inline]
    pub fn key(&self, id: Id) -> K {
        self.current[id as usize]
    }

    /// `id`, which is not here, comes in.
    #[inline]
    pub fn insert(&mut self, id: Id, key: K) {
        self.current[id as usize] = key;
        self.len += 1;
        match self.newcomers.back() {
            Some((last, _)) if *last > key => self.push(key, id),
            _ => self.newcomers.push_back((key, id)),
        }
    }

    /// The key of `id`, which is here, rises.
    #[inline]
    pub fn raise(&mut self, id: Id, key: K) {
        debug_assert!(key >= self.current[id as usize]);
        self.current[id as usize] = key;
    }

    /// Takes `id`, which is here, out.
    pub fn remove(&mut self, id: Id) {
        self.current[id as usize] = K::default();
        self.len -= 1;
        // Its item stays behind; too many of those are swept out.
        if self.heap.len() + self.newcomers.len() > 2 * self.len + 64 {
            self.rebuild(|_| {});
        }
    }

    /// Takes the id with the least key out.
    #[inline]
    pub fn pop(&mut self) -> Option<(Id, K)> {
        loop {
            let from_newcomers = match (self.newcomers.front(), self.heap.first()) {
                (Some((new, _)), Some((old, _))) => new < old,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => return None,
            };
            if from_newcomers {
                let (key, id) = self.newcomers.pop_front()?;
                let current = self.current[id as usize];
                if current == key {
                    return Some(self.take(id, key));
                }
                if current > key {
                    self.push(current, id);
                }
            } else {
                let (key, id) = self.heap[0];
                let current = self.current[id as usize];
                if current > key {
                    self.heap[0].0 = current;
                    self.sink(0);
                    continue;
                }
                let last = self.heap.len() - 1;
                self.heap.swap_remove(0);
                if last > 0 {
                    self.sink(0);
                }
                if current == key {
                    return Some(self.take(id, key));
                }
            }
        }
    }

    /// The id with the least key, which stays.
    pub fn first(&mut self) -> Option<(Id, K)> {
        let (id, key) = self.pop()?;
        self.current[id as usize] = key;
        self.len += 1;
        // Less than all others, so the newcomers stay in order.
        self.newcomers.push_front((key, id));
        Some((id, key))
    }

    /// Lets `change` assign new keys to all ids, given in rising order of their keys; it must leave
    /// the order as it is.
    #[cold]
    pub fn rebuild(&mut self, change: impl FnOnce(&mut [(K, Id)])) {
        let mut items: Vec<(K, Id)> = self
            .newcomers
            .drain(..)
            .chain(self.heap.drain(..))
            .map(|(_, id)| (self.current[id as usize], id))
            .filter(|(key, _)| *key != K::default())
            .collect();
        items.sort_unstable();
        items.dedup();
        change(&mut items);
        for &(key, id) in &items {
            self.current[id as usize] = key;
        }
        // A sorted array is a heap.
        self.heap = items;
    }

    #[inline]
    fn take(&mut self, id: Id, key: K) -> (Id, K) {
        self.current[id as usize] = K::default();
        self.len -= 1;
        (id, key)
    }

    fn push(&mut self, key: K, id: Id) {
        let mut hole = self.heap.len();
        self.heap.push((key, id));
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.heap[parent] <= (key, id) {
                break;
            }
            self.heap[hole] = self.heap[parent];
            hole = parent;
        }
        self.heap[hole] = (key, id);
    }

    fn sink(&mut self, mut hole: usize) {
        let item = self.heap[hole];
        loop {
            let first = hole * ARITY + 1;
            let end = (first + ARITY).min(self.heap.len());
            let Some(least) = (first..end).min_by_key(|&child| self.heap[child]) else {
                break;
            };
            if item <= self.heap[least] {
                break;
            }
            self.heap[hole] = self.heap[least];
            hole = least;
        }
        self.heap[hole] = item;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_yields_what_a_sorted_map_yields(steps in prop::collection::vec((0u8..6, 0u32..12, 0u64..9), 0..400)) {
            let mut heap = RisingHeap::<(u64, u64)>::default();
            heap.reserve(12);
            let mut model = BTreeMap::<Id, (u64, u64)>::new();
            for (time, (step, id, amount)) in (1u64..).zip(steps) {
                match step {
                    0 | 1 => match model.get(&id).copied() {
                        Some((old, _)) => {
                            heap.raise(id, (old + amount, time));
                            model.insert(id, (old + amount, time));
                        }
                        None => {
                            heap.insert(id, (amount, time));
                            model.insert(id, (amount, time));
                        }
                    },
                    2 if model.remove(&id).is_some() => heap.remove(id),
                    3 => {
                        let least = model.iter().map(|(id, key)| (*key, *id)).min();
                        prop_assert_eq!(heap.first().map(|(id, key)| (key, id)), least);
                    }
                    4 => {
                        let least = model.iter().map(|(id, key)| (*key, *id)).min();
                        prop_assert_eq!(heap.pop().map(|(id, key)| (key, id)), least);
                        if let Some((_, id)) = least {
                            model.remove(&id);
                        }
                    }
                    _ => {}
                }
                prop_assert_eq!(heap.len(), model.len());
                prop_assert_eq!(heap.contains(id), model.contains_key(&id));
            }
        }
    }
}
