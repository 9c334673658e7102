//! Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, SODA 2018): a key goes to
//! the first node clockwise from its hash that is below its bound, ceil((1 + ε) m / n) for m keys on n
//! nodes. So no node is above it, and a change of the nodes moves few keys.
//!
//! In a run the load of a node is what it has in hand: the exchanges that are on their way to it, in its
//! queue or in service. Load balancers bound the same (HAProxy's `hash-balance-factor`).
//!
//! Weakness: while a node is passed over its keys are fetched anew elsewhere, and what was stored there
//! is not found by a delete that comes when there is less to do: it stays stale until its TTL.

use super::ring::Ring;
use super::{Scheme, Sight};

/// See the module's text.
#[derive(Debug)]
pub(super) struct BoundedLoad {
    ring: Ring,
    nodes: u32,
    /// How much of the mean load a node may have beyond it.
    epsilon: f64,
}

impl BoundedLoad {
    pub(super) fn new(ring: Ring, nodes: u32, epsilon: f64) -> Self {
        Self {
            ring,
            nodes,
            epsilon,
        }
    }

    /// The most that one node may have of `load`: section 1 of the paper.
    fn bound(&self, load: u32) -> u32 {
        ((1.0 + self.epsilon) * f64::from(load) / f64::from(self.nodes)).ceil() as u32
    }
}

impl Scheme for BoundedLoad {
    #[inline]
    fn node(&self, key: u64, hash: u64) -> u32 {
        self.ring.node(key, hash)
    }

    fn choose(&self, key: u64, hash: u64, sight: &Sight<'_>) -> u32 {
        // With the newcomer.
        let bound = self.bound(sight.load + 1);
        let has_room = |&node: &u32| sight.loads[node as usize].get() < bound;
        // The bounds add up to more than the load, so somebody has room.
        let first = self.ring.clockwise(hash).find(has_room);
        first.unwrap_or_else(|| self.node(key, hash))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::placement::hash;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_node_is_above_its_bound_whatever_comes(
            keys in prop::collection::vec(0u64..50, 1..400),
            nodes in 1u32..12,
            percent in 1u32..200,
        ) {
            let epsilon = f64::from(percent) / 100.0;
            let ring = Ring::new(&vec![1.0; nodes as usize], 20, 0);
            let scheme = BoundedLoad::new(ring, nodes, epsilon);
            let loads: Vec<Cell<u32>> = vec![Cell::new(0); nodes as usize];
            for (load, &key) in keys.iter().enumerate() {
                let sight = Sight { loads: &loads, load: load as u32, draw: 0 };
                let node = scheme.choose(key, hash(key), &sight) as usize;
                loads[node].set(loads[node].get() + 1);
                let bound = ((1.0 + epsilon) * (load + 1) as f64 / f64::from(nodes)).ceil();
                prop_assert!(f64::from(loads[node].get()) <= bound);
            }
        }
    }

    #[test]
    fn while_there_is_room_a_key_is_where_the_ring_has_it() {
        let scheme = BoundedLoad::new(Ring::new(&[1.0; 5], 100, 0), 5, 0.25);
        let loads = vec![Cell::new(0); 5];
        let sight = Sight {
            loads: &loads,
            load: 0,
            draw: 0,
        };
        for key in 0..1000 {
            let node = scheme.choose(key, hash(key), &sight);
            assert_eq!(node, scheme.node(key, hash(key)));
        }
    }

    #[test]
    fn who_has_its_share_is_passed_over_for_the_next_clockwise() {
        let scheme = BoundedLoad::new(Ring::new(&[1.0; 3], 1, 0), 3, 0.25);
        let key = 7;
        let nodes: Vec<u32> = scheme.ring.clockwise(hash(key)).collect();
        // Six in all: with the newcomer seven, of which one node may have ceil(1.25 * 7 / 3) = 3.
        let loads = vec![Cell::new(0); 3];
        loads[nodes[0] as usize].set(3);
        loads[nodes[1] as usize].set(3);
        let sight = Sight {
            loads: &loads,
            load: 6,
            draw: 0,
        };
        assert_eq!(scheme.choose(key, hash(key), &sight), nodes[2]);
        loads[nodes[1] as usize].set(2);
        assert_eq!(scheme.choose(key, hash(key), &sight), nodes[1]);
    }
}
