//! The recency stack of LRU, on which the depth of any key is found in logarithmic time.
//!
//! Each request takes the next position of a line, and a key stands where it was last asked for. How
//! deep a key stands is how many positions behind its own are taken: Bennett and Kruskal, "LRU stack
//! processing", IBM Journal of Research and Development 19(4), 1975. Positions are single bits with
//! a Fenwick tree over blocks of them, so the tree of a million keys fits the nearest cache of the
//! processor; when the line is full, what is taken moves together.
//!
//! Deleting leaves a *hole*: a cache large enough to hold the key has a free place now, a smaller
//! one has not. The next entry that comes from behind a hole (or from nowhere) fills it, and where
//! it stood there is a hole then: exactly what caches of every size do.

use std::collections::BTreeSet;

const WORD: usize = 64;
/// Bits per block of the tree: few enough to be counted at once.
const BLOCK_WORDS: usize = 8;
/// With weights, one word: weights are added one by one.
const WEIGHTED_BLOCK_WORDS: usize = 1;
const SMALLEST_LINE: usize = 1 << 12;

const NOWHERE: u32 = u32::MAX;

/// How deep a key stood when it was asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Depth {
    /// The weight of all others that were asked for since: distinct keys, or their bytes.
    pub others: u64,
    /// The weight of the key itself.
    pub own: u64,
}

/// See the module's text. Keys are dense numbers.
pub(super) struct Recency {
    /// By id: where it stands, or [`NOWHERE`].
    position_of: Vec<u32>,
    /// One bit per position.
    taken: Vec<u64>,
    /// Weight of each position, if entries differ.
    weights: Option<Vec<u32>>,
    /// Fenwick tree over the weights of blocks.
    tree: Vec<u64>,
    block_words: usize,
    /// Positions of holes.
    holes: BTreeSet<u32>,
    next: usize,
    /// How many positions are taken.
    count: usize,
    total: u64,
}

impl Recency {
    /// An empty stack; `weighted` if entries differ in weight.
    pub(super) fn new(weighted: bool) -> Self {
        let mut recency = Self {
            position_of: Vec::new(),
            taken: Vec::new(),
            weights: weighted.then(Vec::new),
            tree: Vec::new(),
            block_words: if weighted {
                WEIGHTED_BLOCK_WORDS
            } else {
                BLOCK_WORDS
            },
            holes: BTreeSet::new(),
            next: 0,
            count: 0,
            total: 0,
        };
        recency.resize(SMALLEST_LINE);
        recency
    }

    fn resize(&mut self, positions: usize) {
        let words = positions.div_ceil(WORD).next_multiple_of(self.block_words);
        self.taken.resize(words, 0);
        if let Some(weights) = &mut self.weights {
            weights.resize(words * WORD, 0);
        }
        self.tree = vec![0; words / self.block_words + 1];
        for word in 0..words {
            let weight = self.weight_of_bits(word, self.taken[word]);
            self.tree[word / self.block_words + 1] += weight;
        }
        // Each node passes its sum on to the next one that covers it.
        for at in 1..self.tree.len() {
            let above = at + (at & at.wrapping_neg());
            if above < self.tree.len() {
                self.tree[above] += self.tree[at];
            }
        }
    }

    #[inline]
    fn weight_of_bits(&self, word: usize, bits: u64) -> u64 {
        match &self.weights {
            None => u64::from(bits.count_ones()),
            Some(weights) => {
                let (mut bits, mut sum) = (bits, 0);
                while bits != 0 {
                    sum += u64::from(weights[word * WORD + bits.trailing_zeros() as usize]);
                    bits &= bits - 1;
                }
                sum
            }
        }
    }

    /// The weight of all positions before `position`.
    #[inline]
    fn before(&self, position: usize) -> u64 {
        let word = position / WORD;
        let block = word / self.block_words;
        let mut sum = self.weight_of_bits(word, self.taken[word] & ((1 << (position % WORD)) - 1));
        for earlier in block * self.block_words..word {
            sum += self.weight_of_bits(earlier, self.taken[earlier]);
        }
        let mut at = block;
        while at > 0 {
            sum += self.tree[at];
            at &= at - 1;
        }
        sum
    }

    #[inline]
    fn add(&mut self, position: usize, weight: u64) {
        let mut at = position / WORD / self.block_words + 1;
        while at < self.tree.len() {
            // Modulo 2^64, so that taking away is adding, too.
            self.tree[at] = self.tree[at].wrapping_add(weight);
            at += at & at.wrapping_neg();
        }
        self.total = self.total.wrapping_add(weight);
    }

    #[inline]
    fn free(&mut self, position: usize) {
        let weight = self.weight_at(position);
        self.taken[position / WORD] &= !(1 << (position % WORD));
        self.add(position, weight.wrapping_neg());
        self.count -= 1;
    }

    #[inline]
    fn weight_at(&self, position: usize) -> u64 {
        self.weights
            .as_ref()
            .map_or(1, |weights| u64::from(weights[position]))
    }

    /// The key `id`, of weight `weight`, is asked for and moves to the top. Returns how deep it
    /// stood, or `None` if it stood nowhere.
    #[inline]
    pub(super) fn touch(&mut self, id: usize, weight: u32) -> Option<Depth> {
        if id >= self.position_of.len() {
            self.position_of.resize(id + 1, NOWHERE);
        }
        if self.next == self.taken.len() * WORD {
            self.compact();
        }
        let previous = self.position_of[id];
        let depth = if previous == NOWHERE {
            if let Some(hole) = self.holes.pop_last() {
                self.free(hole as usize);
            }
            None
        } else {
            let position = previous as usize;
            let own = self.weight_at(position);
            let others = self.total - self.before(position) - own;
            match self.holes.last().copied() {
                // The nearest hole is filled, and the key leaves one where it stood.
                Some(hole) if hole > previous => {
                    self.holes.pop_last();
                    self.free(hole as usize);
                    self.holes.insert(previous);
                }
                _ => self.free(position),
            }
            Some(Depth { others, own })
        };
        let position = self.next;
        self.next += 1;
        self.position_of[id] = position as u32;
        self.taken[position / WORD] |= 1 << (position % WORD);
        let weight = match &mut self.weights {
            None => 1,
            Some(weights) => {
                weights[position] = weight;
                u64::from(weight)
            }
        };
        self.add(position, weight);
        self.count += 1;
        depth
    }

    /// The key `id` is deleted, and leaves a hole; nothing happens if it stands nowhere.
    pub(super) fn delete(&mut self, id: usize) {
        if let Some(position) = self.leave(id) {
            self.holes.insert(position);
        }
    }

    /// The key `id` was never there: those behind it move up.
    pub(super) fn forget(&mut self, id: usize) {
        if let Some(position) = self.leave(id) {
            self.free(position as usize);
        }
    }

    fn leave(&mut self, id: usize) -> Option<u32> {
        let position = self.position_of.get_mut(id)?;
        let position = std::mem::replace(position, NOWHERE);
        (position != NOWHERE).then_some(position)
    }

    /// Moves what is taken together, and makes at least as much room again.
    #[cold]
    fn compact(&mut self) {
        let mut earlier = Vec::with_capacity(self.taken.len());
        let mut sum = 0;
        for word in &self.taken {
            earlier.push(sum);
            sum += word.count_ones();
        }
        let rank = |position: u32| {
            let (word, bit) = (position as usize / WORD, position as usize % WORD);
            earlier[word] + (self.taken[word] & ((1 << bit) - 1)).count_ones()
        };
        let packed = self.weights.as_ref().map(|weights| {
            let mut packed = Vec::with_capacity(self.count);
            for (word, &bits) in self.taken.iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    packed.push(weights[word * WORD + bits.trailing_zeros() as usize]);
                    bits &= bits - 1;
                }
            }
            packed
        });
        self.holes = self.holes.iter().map(|&hole| rank(hole)).collect();
        for position in self.position_of.iter_mut().filter(|it| **it != NOWHERE) {
            *position = rank(*position);
        }
        self.weights = packed;
        let count = self.count;
        self.taken.clear();
        self.taken.resize(count / WORD, u64::MAX);
        if !count.is_multiple_of(WORD) {
            self.taken.push((1 << (count % WORD)) - 1);
        }
        self.next = count;
        self.resize((2 * count).max(SMALLEST_LINE));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Distinct keys since the last request for each, in a recency list that is searched.
    fn naive(requests: &[usize]) -> Vec<Option<u64>> {
        let mut list: Vec<usize> = Vec::new();
        let one = |&id: &usize| {
            let depth = list.iter().position(|&other| other == id);
            if let Some(depth) = depth {
                list.remove(depth);
            }
            list.insert(0, id);
            depth.map(|depth| depth as u64)
        };
        requests.iter().map(one).collect()
    }

    #[test]
    fn the_distances_of_a_hand_worked_trace() {
        // a b c b b d a c: b after c, b after nothing, a after b c d, c after b d a.
        let requests = [0, 1, 2, 1, 1, 3, 0, 2];
        let mut recency = Recency::new(false);
        let found: Vec<_> = requests
            .iter()
            .map(|&id| recency.touch(id, 1).map(|depth| depth.others))
            .collect();
        let wanted = [None, None, None, Some(1), Some(0), None, Some(3), Some(3)];
        assert_eq!(found, wanted);
        assert_eq!(naive(&requests), wanted);
    }

    #[test]
    fn bytes_since_the_last_request_are_those_of_distinct_keys() {
        // a(10) b(7) c(5) b a: b after c's 5, a after b's 7 (once) and c's 5.
        let mut recency = Recency::new(true);
        for (id, weight) in [(0, 10), (1, 7), (2, 5)] {
            assert_eq!(recency.touch(id, weight), None);
        }
        assert_eq!(recency.touch(1, 7), Some(Depth { others: 5, own: 7 }));
        assert_eq!(
            recency.touch(0, 10),
            Some(Depth {
                others: 12,
                own: 10
            })
        );
    }

    #[test]
    fn a_deleted_key_leaves_a_hole_that_the_next_newcomer_fills() {
        // Stack c b a; b is deleted; d comes in: a stands behind d and c, and not behind the hole.
        let mut recency = Recency::new(false);
        for id in 0..3 {
            recency.touch(id, 1);
        }
        recency.delete(1);
        recency.touch(3, 1);
        assert_eq!(recency.touch(0, 1), Some(Depth { others: 2, own: 1 }));
        // b is new again.
        assert_eq!(recency.touch(1, 1), None);
    }

    proptest! {
        #[test]
        fn depths_are_those_of_a_naive_stack(
            requests in prop::collection::vec(0_usize..40, 0..400),
            weights in prop::collection::vec(1_u32..100, 40),
        ) {
            let mut recency = Recency::new(false);
            let depths = naive(&requests);
            for (&id, wanted) in requests.iter().zip(&depths) {
                prop_assert_eq!(recency.touch(id, 1).map(|it| it.others), *wanted);
            }
            let mut weighted = Recency::new(true);
            let mut list: Vec<usize> = Vec::new();
            for &id in &requests {
                let place = list.iter().position(|&other| other == id);
                let wanted = place.map(|place| Depth {
                    others: list[..place].iter().map(|&id| u64::from(weights[id])).sum(),
                    own: u64::from(weights[id]),
                });
                list.retain(|&other| other != id);
                list.insert(0, id);
                prop_assert_eq!(weighted.touch(id, weights[id]), wanted);
            }
        }
    }

    #[test]
    fn a_line_that_fills_up_again_and_again_changes_no_distance() {
        let mut draws = crate::random::Draws::from_seed(1);
        let requests: Vec<usize> = (0..30_000)
            .map(|_| (draws.below(60) * draws.below(60)) as usize)
            .collect();
        let (mut plain, mut weighted) = (Recency::new(false), Recency::new(true));
        for (&id, wanted) in requests.iter().zip(naive(&requests)) {
            assert_eq!(plain.touch(id, 1).map(|it| it.others), wanted);
            assert_eq!(
                weighted.touch(id, 3).map(|it| it.others),
                wanted.map(|it| 3 * it)
            );
        }
        assert!(plain.count > 500);
    }
}
