//! Ring: consistent hashing (Karger et al., STOC 1997). Every node owns a number of random points
//! on a circle; a key belongs to the first point at or after its hash.
//!
//! Weakness: shares are uneven; their coefficient of variation with v points a node is about
//! 1 / sqrt(v).

use super::Scheme;
use crate::random::mix;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Ring {
    /// Points in order: (position, node).
    points: Vec<(u64, u32)>,
    /// For each equal slice of the circle, the first point at or after its start: a search begins
    /// there and ends after a step or two.
    guide: Vec<u32>,
    /// Bits by which a hash is shifted to give its slice.
    shift: u32,
}

impl Ring {
    /// A ring of nodes with these weights: a node of weight 2 has twice as many points. `number` tells
    /// it from all the other rings that chance could have thrown.
    pub(super) fn new(weights: &[f64], virtual_nodes: u32, number: u64) -> Self {
        // Ring 0 throws its points by the nodes' numbers alone.
        let thrown = if number == 0 { 0 } else { mix(number) };
        let place = |(node, weight): (usize, &f64)| {
            let points = (f64::from(virtual_nodes) * weight).round().max(1.0) as u64;
            (0..points).map(move |point| {
                // A node's points depend on its own number only: adding a node moves no other.
                (mix(mix((node as u64 + 1) ^ thrown) ^ point), node as u32)
            })
        };
        let mut points: Vec<(u64, u32)> = weights.iter().enumerate().flat_map(place).collect();
        points.sort_unstable();
        let slices = (2 * points.len()).next_power_of_two();
        let shift = u64::BITS - slices.trailing_zeros();
        let guide = (0..slices as u64)
            .map(|slice| points.partition_point(|&(position, _)| position < slice << shift) as u32)
            .collect();
        Self {
            points,
            guide,
            shift,
        }
    }

    /// The nodes of all points, clockwise from the first at or after `hash`.
    pub(super) fn clockwise(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let start = self
            .points
            .partition_point(|&(position, _)| position < hash);
        let (before, after) = self.points.split_at(start);
        after.iter().chain(before).map(|&(_, node)| node)
    }
}

impl Scheme for Ring {
    #[inline]
    fn node(&self, _: u64, hash: u64) -> u32 {
        let start = self.guide[(hash >> self.shift) as usize] as usize;
        for &(position, node) in &self.points[start..] {
            if position >= hash {
                return node;
            }
        }
        self.points[0].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_belongs_to_the_first_point_at_or_after_its_hash(
            hash in any::<u64>(),
            nodes in 1u32..10,
            virtual_nodes in 1u32..50,
        ) {
            let ring = Ring::new(&vec![1.0; nodes as usize], virtual_nodes, 0);
            let owner = ring.points.iter().find(|point| point.0 >= hash).unwrap_or(&ring.points[0]);
            prop_assert_eq!(ring.node(0, hash), owner.1);
            prop_assert_eq!(ring.clockwise(hash).next(), Some(owner.1));
            prop_assert_eq!(ring.clockwise(hash).count(), ring.points.len());
        }
    }

    #[test]
    fn a_node_of_twice_the_weight_has_twice_the_points() {
        let ring = Ring::new(&[1.0, 2.0, 0.001], 100, 0);
        let count = |node| ring.points.iter().filter(|point| point.1 == node).count();
        // But no node is without any.
        assert_eq!([count(0), count(1), count(2)], [100, 200, 1]);
    }

    #[test]
    fn a_hash_on_a_point_belongs_to_that_point() {
        let ring = Ring::new(&[1.0; 3], 7, 0);
        for &(position, node) in &ring.points {
            assert_eq!(ring.node(0, position), node);
        }
    }
}
