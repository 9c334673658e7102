//! Rendezvous, or highest random weight (Thaler and Ravishankar, "Using Name-Based Mappings to
//! Increase Hit Rates", IEEE/ACM Transactions on Networking 6(1), 1998): every node draws a score for
//! the key, and the highest wins. With weights w the score is -w / ln(u) (Schindelhauer and Schomaker,
//! SPAA 2005), so that a node's share is its weight's.
//!
//! Weakness: the cost of a lookup grows with the number of nodes.

use super::Scheme;
use crate::random::mix;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Rendezvous {
    /// For each node the seed of its scores, and its weight.
    nodes: Vec<(u64, f64)>,
    is_weighted: bool,
}

impl Rendezvous {
    pub(super) fn new(weights: &[f64]) -> Self {
        // A node's scores depend on its own number only: adding a node changes no other.
        let node = |(node, &weight): (usize, &f64)| (mix(node as u64 + 1), weight);
        Self {
            nodes: weights.iter().enumerate().map(node).collect(),
            is_weighted: weights.iter().any(|&weight| weight != weights[0]),
        }
    }
}

impl Scheme for Rendezvous {
    fn node(&self, _: u64, hash: u64) -> u32 {
        if !self.is_weighted {
            let scores = self.nodes.iter().map(|(seed, _)| mix(seed ^ hash));
            let best = scores.enumerate().max_by_key(|&(_, score)| score);
            return best.map_or(0, |(node, _)| node as u32);
        }
        let mut best = (0, f64::NEG_INFINITY);
        for (node, &(seed, weight)) in self.nodes.iter().enumerate() {
            // In (0, 1): never a logarithm of 0, nor of 1.
            let draw = ((mix(seed ^ hash) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            let score = -weight / libm::log(draw);
            if score > best.1 {
                best = (node as u32, score);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::hash;

    #[test]
    fn a_key_moves_only_to_the_new_node() {
        let (before, after) = (Rendezvous::new(&[1.0; 9]), Rendezvous::new(&[1.0; 10]));
        for key in 0..20_000 {
            let (old, new) = (before.node(key, hash(key)), after.node(key, hash(key)));
            assert!(old == new || new == 9);
        }
    }

    #[test]
    fn a_node_of_twice_the_weight_has_twice_the_keys() {
        let scheme = Rendezvous::new(&[1.0, 2.0, 1.0]);
        let keys = 100_000;
        let heavy = (0..keys).filter(|&key| scheme.node(key, hash(key)) == 1);
        let share = heavy.count() as f64 / keys as f64;
        // Three standard deviations of a share of a half are .005.
        assert!((share - 0.5).abs() < 0.005, "{share}");
    }
}
