//! Maglev (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016,
//! section 3.4): a table of prime size that the nodes fill in turns, each in an order of its own.
//! Shares of the table differ by one entry at most.
//!
//! Weakness: when a node leaves, a few keys move between the others as well.

use super::Scheme;
use crate::random::mix;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Maglev {
    table: Vec<u32>,
}

impl Maglev {
    /// `size` must be a prime and above the number of nodes.
    pub(super) fn new(nodes: u32, size: u32) -> Self {
        let size = u64::from(size);
        let permutation = |node: u32| {
            let seed = mix(u64::from(node) + 1);
            (seed % size, mix(seed) % (size - 1) + 1)
        };
        let permutations: Vec<(u64, u64)> = (0..nodes).map(permutation).collect();
        let mut next = vec![0_u64; nodes as usize];
        let mut table = vec![u32::MAX; size as usize];
        let mut left = table.len();
        'turns: loop {
            for (node, &(offset, skip)) in permutations.iter().enumerate() {
                // As the size is a prime, a node's order visits every entry.
                let entry = loop {
                    let entry = ((offset + next[node] * skip) % size) as usize;
                    next[node] += 1;
                    if table[entry] == u32::MAX {
                        break entry;
                    }
                };
                table[entry] = node as u32;
                left -= 1;
                if left == 0 {
                    break 'turns;
                }
            }
        }
        Self { table }
    }
}

/// Whether a table may have that size.
pub(super) fn is_prime(number: u32) -> bool {
    let number = u64::from(number);
    number > 1
        && (2..)
            .take_while(|d| d * d <= number)
            .all(|d| number % d != 0)
}

impl Scheme for Maglev {
    #[inline]
    fn node(&self, _: u64, hash: u64) -> u32 {
        self.table[(hash % self.table.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_the_table_differ_by_one_entry_at_most() {
        let maglev = Maglev::new(10, 65_537);
        let mut counts = [0_u32; 10];
        maglev
            .table
            .iter()
            .for_each(|&node| counts[node as usize] += 1);
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 1, "{counts:?}");
    }

    #[test]
    fn hardly_more_keys_move_than_those_of_the_node_that_left() {
        let (before, after) = (Maglev::new(10, 65_537), Maglev::new(9, 65_537));
        let entries = before.table.iter().zip(&after.table);
        let moved = entries.filter(|(before, after)| before != after).count();
        let share = moved as f64 / 65_537.0;
        assert!((0.1..0.115).contains(&share), "{share}");
    }

    #[test]
    fn primes_are_told_from_others() {
        let primes: Vec<u32> = (0..30).filter(|&n| is_prime(n)).collect();
        assert_eq!(primes, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        assert!(is_prime(65_537) && !is_prime(65_535));
    }
}
