//! Placement: which node of a tier holds a key. One file and one row of [`SCHEMES`] per scheme.
//!
//! Not here: where the nodes are and what happens when one is gone (see `tier`).

use std::fmt;

use crate::random::mix;
use crate::units::Key;

mod modulo;
mod ring;

/// Decides for one number of nodes which of them holds a key.
pub trait Scheme: fmt::Debug {
    /// The node in `0..nodes` for a key whose hash is `hash` (see [`hash`]).
    fn node(&self, hash: u64) -> u32;
}

/// The hash that places keys: 64 well-mixed bits.
#[inline]
#[must_use]
pub fn hash(key: Key) -> u64 {
    mix(key ^ 0x6a09_e667_f3bc_c908)
}

/// A placement scheme as checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The row of [`SCHEMES`].
    pub scheme: &'static str,
    /// Points of one node on a ring, at least 1; other schemes ignore it.
    pub virtual_nodes: u32,
}

impl Default for Plan {
    /// A ring with 150 points a node, as most client libraries have it.
    fn default() -> Self {
        Self {
            scheme: "ring",
            virtual_nodes: 150,
        }
    }
}

impl Plan {
    /// The scheme for so many nodes (at least 1).
    ///
    /// # Panics
    /// If no row has that name, which the checks of a scenario exclude.
    #[must_use]
    pub fn build(&self, nodes: u32) -> Box<dyn Scheme> {
        let row = SCHEMES.iter().find(|row| row.name == self.scheme);
        (row.expect("the plan was checked").build)(self, nodes)
    }
}

/// One row of the table of schemes.
#[derive(Clone, Copy)]
pub struct Row {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Who described it, where.
    pub source: &'static str,
    /// Whether `virtual_nodes` means something to it.
    pub has_virtual_nodes: bool,
    build: fn(&Plan, u32) -> Box<dyn Scheme>,
}

impl fmt::Debug for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// All schemes.
pub static SCHEMES: &[Row] = &[
    Row {
        name: "modulo",
        summary: "hash of the key modulo the number of nodes; nearly all keys move when a node is added",
        source: "folklore",
        has_virtual_nodes: false,
        build: |_, nodes| Box::new(modulo::Modulo::new(nodes)),
    },
    Row {
        name: "ring",
        summary: "consistent hashing on a ring with virtual nodes; 1 / (n + 1) of the keys move",
        source: "Karger et al., Consistent hashing and random trees, STOC 1997",
        has_virtual_nodes: true,
        build: |plan, nodes| Box::new(ring::Ring::new(nodes, plan.virtual_nodes)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schemes(nodes: u32) -> impl Iterator<Item = (&'static str, Box<dyn Scheme>)> {
        SCHEMES.iter().map(move |row| {
            let plan = Plan {
                scheme: row.name,
                virtual_nodes: 150,
            };
            (row.name, plan.build(nodes))
        })
    }

    proptest! {
        #[test]
        fn every_scheme_places_every_key_on_a_node_and_always_the_same(
            key in any::<u64>(),
            nodes in 1u32..40,
        ) {
            for ((name, first), (_, second)) in schemes(nodes).zip(schemes(nodes)) {
                let node = first.node(hash(key));
                prop_assert!(node < nodes, "{name}");
                prop_assert_eq!(node, second.node(hash(key)), "{}", name);
            }
        }
    }

    #[test]
    fn every_scheme_gives_each_node_its_share() {
        let keys = 100_000;
        for (name, scheme) in schemes(5) {
            let mut counts = [0u32; 5];
            for key in 0..keys {
                counts[scheme.node(hash(key)) as usize] += 1;
            }
            for count in counts {
                let share = f64::from(count) / keys as f64;
                // Four standard deviations of a ring with 150 points a node (.073 of the mean).
                assert!((share - 0.2).abs() < 0.06, "{name}: {counts:?}");
            }
        }
    }

    fn moved(scheme: &str, nodes: u32) -> f64 {
        let plan = Plan {
            scheme: SCHEMES.iter().find(|r| r.name == scheme).unwrap().name,
            virtual_nodes: 150,
        };
        let (before, after) = (plan.build(nodes), plan.build(nodes + 1));
        let keys = 100_000;
        let moved = (0..keys)
            .filter(|&key| before.node(hash(key)) != after.node(hash(key)))
            .count();
        moved as f64 / keys as f64
    }

    #[test]
    fn a_fifth_node_moves_four_fifths_of_the_keys_by_modulo_and_one_fifth_on_a_ring() {
        assert!((moved("modulo", 4) - 0.8).abs() < 0.005);
        assert!((moved("ring", 4) - 0.2).abs() < 0.04);
    }

    #[test]
    fn on_a_ring_keys_move_only_to_the_new_node() {
        let plan = Plan::default();
        let (before, after) = (plan.build(4), plan.build(5));
        for key in 0..20_000 {
            let (old, new) = (before.node(hash(key)), after.node(hash(key)));
            assert!(
                old == new || new == 4,
                "key {key} moved from {old} to {new}"
            );
        }
    }
}
