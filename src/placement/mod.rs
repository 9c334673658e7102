//! Placement: which node of a tier holds a key. One file and one row of [`SCHEMES`] per scheme.
//!
//! Not here: where the nodes are and what happens when one is gone (see `tier`).

use std::fmt;

use crate::random::mix;
use crate::units::Key;

mod jump;
mod maglev;
mod modulo;
mod multi_probe;
mod rendezvous;
mod ring;
mod slots;

/// Decides for one number of nodes which of them holds a key.
pub trait Scheme: fmt::Debug {
    /// The node in `0..nodes` for `key`, whose hash is `hash` (see [`hash()`]).
    fn node(&self, key: Key, hash: u64) -> u32;
}

/// The hash that places keys: 64 well-mixed bits.
#[inline]
#[must_use]
pub fn hash(key: Key) -> u64 {
    mix(key ^ 0x6a09_e667_f3bc_c908)
}

/// A placement scheme as checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The row of [`SCHEMES`].
    pub scheme: &'static str,
    /// Points of one node on a ring, at least 1.
    pub virtual_nodes: u32,
    /// How often a key is hashed by multi-probe, at least 1.
    pub probes: u32,
    /// Entries of maglev's table: a prime.
    pub table_size: u32,
    /// Keys that share a tag, for slots; 1 for none.
    pub keys_per_tag: u64,
    /// How much of the keys each node is to have, in proportion; the same for all if empty.
    pub weights: Vec<f64>,
}

impl Default for Plan {
    /// A ring with 150 points a node, as most client libraries have it.
    fn default() -> Self {
        Self {
            scheme: "ring",
            virtual_nodes: 150,
            probes: 21,
            table_size: 65_537,
            keys_per_tag: 1,
            weights: Vec::new(),
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

    /// The weights of so many nodes.
    fn weights_of(&self, nodes: u32) -> Vec<f64> {
        let mut weights = self.weights.clone();
        weights.resize(nodes as usize, 1.0);
        weights
    }

    /// What cannot be: the setting, and what is wrong with it.
    ///
    /// # Errors
    /// If the settings do not go together with so many nodes.
    pub fn check(&self, nodes: u32) -> Result<(), (Setting, String)> {
        if !self.weights.is_empty() && self.weights.len() != nodes as usize {
            let problem = format!("has {} weights for {nodes} nodes", self.weights.len());
            return Err((Setting::Weights, problem));
        }
        if self.scheme == "maglev" {
            let size = self.table_size;
            if !maglev::is_prime(size) {
                return Err((Setting::TableSize, format!("must be a prime, not {size}")));
            }
            if size <= nodes {
                let problem = format!("must be above the number of nodes, {nodes}, not {size}");
                return Err((Setting::TableSize, problem));
            }
        }
        Ok(())
    }
}

/// What can be set of a scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// [`Plan::virtual_nodes`]
    VirtualNodes,
    /// [`Plan::probes`]
    Probes,
    /// [`Plan::table_size`]
    TableSize,
    /// [`Plan::keys_per_tag`]
    KeysPerTag,
    /// [`Plan::weights`]
    Weights,
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
    /// What can be set of it.
    pub settings: &'static [Setting],
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
        settings: &[],
        build: |_, nodes| Box::new(modulo::Modulo::new(nodes)),
    },
    Row {
        name: "ring",
        summary: "consistent hashing on a ring with virtual nodes; 1 / (n + 1) of the keys move",
        source: "Karger et al., Consistent hashing and random trees, STOC 1997",
        settings: &[Setting::VirtualNodes, Setting::Weights],
        build: |plan, nodes| Box::new(ring::Ring::new(&plan.weights_of(nodes), plan.virtual_nodes)),
    },
    Row {
        name: "jump",
        summary: "a loop without a table; 1 / (n + 1) of the keys move, and only the last node can leave",
        source: "Lamping and Veach, A Fast, Minimal Memory, Consistent Hash Algorithm, 2014",
        settings: &[],
        build: |_, nodes| Box::new(jump::Jump::new(nodes)),
    },
    Row {
        name: "rendezvous",
        summary: "every node draws a score for the key, and the highest wins; 1 / (n + 1) of the keys move",
        source: "Thaler and Ravishankar, IEEE/ACM Transactions on Networking 6(1), 1998",
        settings: &[Setting::Weights],
        build: |plan, nodes| Box::new(rendezvous::Rendezvous::new(&plan.weights_of(nodes))),
    },
    Row {
        name: "maglev",
        summary: "a table that the nodes fill in turns; shares are even, and hardly more keys move than must",
        source: "Eisenbud et al., Maglev, NSDI 2016, section 3.4",
        settings: &[Setting::TableSize],
        build: |plan, nodes| Box::new(maglev::Maglev::new(nodes, plan.table_size)),
    },
    Row {
        name: "multi-probe",
        summary: "one point a node on a ring, and several hashes of a key; even shares in little memory",
        source: "Appleton and O'Reilly, Multi-probe consistent hashing, arXiv:1505.00062, 2015",
        settings: &[Setting::Probes],
        build: |plan, nodes| Box::new(multi_probe::MultiProbe::new(nodes, plan.probes)),
    },
    Row {
        name: "slots",
        summary: "CRC16 of the key or of its tag names one of 16384 slots, and nodes own runs of them",
        source: "Redis cluster specification",
        settings: &[Setting::KeysPerTag],
        build: |plan, nodes| Box::new(slots::Slots::new(nodes, plan.keys_per_tag)),
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
                ..Plan::default()
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
                let node = first.node(key, hash(key));
                prop_assert!(node < nodes, "{name}");
                prop_assert_eq!(node, second.node(key, hash(key)), "{}", name);
            }
        }
    }

    #[test]
    fn every_scheme_gives_each_node_its_share() {
        let keys = 100_000;
        for (name, scheme) in schemes(5) {
            let mut counts = [0u32; 5];
            for key in 0..keys {
                counts[scheme.node(key, hash(key)) as usize] += 1;
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
            ..Plan::default()
        };
        let (before, after) = (plan.build(nodes), plan.build(nodes + 1));
        let keys = 100_000;
        let moved = (0..keys)
            .filter(|&key| before.node(key, hash(key)) != after.node(key, hash(key)))
            .count();
        moved as f64 / keys as f64
    }

    #[test]
    fn a_fifth_node_moves_four_fifths_of_the_keys_by_modulo_and_one_fifth_on_a_ring() {
        assert!((moved("modulo", 4) - 0.8).abs() < 0.005);
        assert!((moved("ring", 4) - 0.2).abs() < 0.04);
        assert!((moved("jump", 4) - 0.2).abs() < 0.005);
        assert!((moved("rendezvous", 4) - 0.2).abs() < 0.005);
        assert!((moved("maglev", 4) - 0.2).abs() < 0.02);
        assert!((moved("multi-probe", 4) - 0.2).abs() < 0.04);
    }

    #[test]
    fn settings_that_do_not_go_together_are_named() {
        let plan = Plan {
            weights: vec![1.0, 2.0],
            ..Plan::default()
        };
        assert_eq!(plan.check(2), Ok(()));
        assert_eq!(plan.check(3).unwrap_err().0, Setting::Weights);
        let maglev = |table_size| Plan {
            scheme: "maglev",
            table_size,
            ..Plan::default()
        };
        assert_eq!(maglev(65_537).check(5), Ok(()));
        assert_eq!(maglev(100).check(5).unwrap_err().0, Setting::TableSize);
        assert_eq!(maglev(5).check(5).unwrap_err().0, Setting::TableSize);
    }

    #[test]
    fn on_a_ring_keys_move_only_to_the_new_node() {
        let plan = Plan::default();
        let (before, after) = (plan.build(4), plan.build(5));
        for key in 0..20_000 {
            let (old, new) = (before.node(key, hash(key)), after.node(key, hash(key)));
            assert!(
                old == new || new == 4,
                "key {key} moved from {old} to {new}"
            );
        }
    }
}
