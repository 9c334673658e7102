//! Placement: which node of a tier holds a key. One file and one row of [`SCHEMES`] per scheme.
//!
//! Not here: where the nodes are and what happens when one is gone (see `tier`).

use std::cell::Cell;
use std::fmt;

use crate::random::mix;
use crate::units::Key;

mod any_node;
mod bounded_load;
mod jump;
mod maglev;
mod modulo;
mod multi_probe;
mod rendezvous;
mod ring;
mod slots;

/// Decides for one number of nodes which of them holds a key.
pub trait Scheme: fmt::Debug {
    /// The node in `0..nodes` for `key`, whose hash is `hash` (see [`hash()`]). Where a key has no
    /// node of its own, one that stands for it.
    fn node(&self, key: Key, hash: u64) -> u32;

    /// The node for one exchange about `key`, given what there is to see: [`Scheme::node`], unless
    /// the scheme's [`Copies`] say otherwise.
    fn choose(&self, key: Key, hash: u64, _sight: &Sight<'_>) -> u32 {
        self.node(key, hash)
    }

    /// The slot of a key, where nodes own slots.
    fn slot(&self, _key: Key) -> Option<u32> {
        None
    }

    /// What becomes of the scheme when there are so many nodes, if that depends on how it was;
    /// otherwise it is built anew.
    fn resized(&self, _nodes: u32) -> Option<Box<dyn Scheme>> {
        None
    }
}

/// What a scheme may look at that chooses for each exchange anew.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// What each node has in hand.
    pub loads: &'a [Cell<u32>],
    /// All loads together.
    pub load: u32,
    /// Uniform bits that belong to the request.
    pub draw: u64,
}

/// On how many nodes a key may be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// On one.
    One,
    /// On one, and for a while on others that stood in for it when it had too much in hand.
    Overflow,
    /// On any: each request goes where chance sends it.
    Any,
    /// On all: sets and deletes are sent to every node.
    All,
}

/// Who asks a tier whose nodes own slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlotClient {
    /// Each app instance has a map of the slots, and gets a new one when a node sends it elsewhere.
    #[default]
    Smart,
    /// Any node is asked, and whoever does not own the slot says who does.
    Dumb,
}

/// One row of the table of slot clients.
#[derive(Clone, Copy, Debug)]
pub struct SlotClientRow {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The client.
    pub client: SlotClient,
}

/// All slot clients.
pub static SLOT_CLIENTS: &[SlotClientRow] = &[
    SlotClientRow {
        name: "smart",
        summary: "each app instance has a map of the slots; after a resize it is an old one until a node sends it elsewhere",
        client: SlotClient::Smart,
    },
    SlotClientRow {
        name: "dumb",
        summary: "any node is asked, and sends to the right one (MOVED): nearly every exchange takes two round trips",
        client: SlotClient::Dumb,
    },
];

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
    /// By how much of the mean load a node may exceed it, above 0, where loads are bounded.
    pub epsilon: f64,
    /// Which of all possible rings: another number throws the points anew.
    pub ring: u64,
    /// Who asks nodes that own slots.
    pub client: SlotClient,
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
            epsilon: 0.25,
            ring: 0,
            client: SlotClient::Smart,
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
        (self.row().build)(self, nodes)
    }

    /// The scheme for so many nodes, where `before` was in use until now.
    ///
    /// # Panics
    /// As [`Plan::build`].
    #[must_use]
    pub fn build_after(&self, before: &dyn Scheme, nodes: u32) -> Box<dyn Scheme> {
        before.resized(nodes).unwrap_or_else(|| self.build(nodes))
    }

    /// On how many nodes a key may be found.
    ///
    /// # Panics
    /// As [`Plan::build`].
    #[must_use]
    pub fn copies(&self) -> Copies {
        self.row().copies
    }

    /// Whether nodes own slots, and send those who ask the wrong one elsewhere.
    #[must_use]
    pub fn has_slots(&self) -> bool {
        self.row().settings.contains(&Setting::Client)
    }

    fn row(&self) -> &'static Row {
        let row = SCHEMES.iter().find(|row| row.name == self.scheme);
        row.expect("the plan was checked")
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
    /// [`Plan::epsilon`]
    Epsilon,
    /// [`Plan::ring`]
    Ring,
    /// [`Plan::client`]
    Client,
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
    /// On how many nodes a key may be found.
    pub copies: Copies,
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
        copies: Copies::One,
        build: |_, nodes| Box::new(modulo::Modulo::new(nodes)),
    },
    Row {
        name: "ring",
        summary: "consistent hashing on a ring with virtual nodes; 1 / (n + 1) of the keys move",
        source: "Karger et al., Consistent hashing and random trees, STOC 1997",
        settings: &[Setting::VirtualNodes, Setting::Weights, Setting::Ring],
        copies: Copies::One,
        build: |plan, nodes| {
            let weights = plan.weights_of(nodes);
            Box::new(ring::Ring::new(&weights, plan.virtual_nodes, plan.ring))
        },
    },
    Row {
        name: "jump",
        summary: "a loop without a table; 1 / (n + 1) of the keys move, and only the last node can leave",
        source: "Lamping and Veach, A Fast, Minimal Memory, Consistent Hash Algorithm, 2014",
        settings: &[],
        copies: Copies::One,
        build: |_, nodes| Box::new(jump::Jump::new(nodes)),
    },
    Row {
        name: "rendezvous",
        summary: "every node draws a score for the key, and the highest wins; 1 / (n + 1) of the keys move",
        source: "Thaler and Ravishankar, IEEE/ACM Transactions on Networking 6(1), 1998",
        settings: &[Setting::Weights],
        copies: Copies::One,
        build: |plan, nodes| Box::new(rendezvous::Rendezvous::new(&plan.weights_of(nodes))),
    },
    Row {
        name: "maglev",
        summary: "a table that the nodes fill in turns; shares are even, and hardly more keys move than must",
        source: "Eisenbud et al., Maglev, NSDI 2016, section 3.4",
        settings: &[Setting::TableSize],
        copies: Copies::One,
        build: |plan, nodes| Box::new(maglev::Maglev::new(nodes, plan.table_size)),
    },
    Row {
        name: "multi-probe",
        summary: "one point a node on a ring, and several hashes of a key; even shares in little memory",
        source: "Appleton and O'Reilly, Multi-probe consistent hashing, arXiv:1505.00062, 2015",
        settings: &[Setting::Probes],
        copies: Copies::One,
        build: |plan, nodes| Box::new(multi_probe::MultiProbe::new(nodes, plan.probes)),
    },
    Row {
        name: "slots",
        summary: "CRC16 of the key or of its tag names one of 16384 slots, and nodes own runs of them",
        source: "Redis cluster specification",
        settings: &[Setting::KeysPerTag, Setting::Client],
        copies: Copies::One,
        build: |plan, nodes| Box::new(slots::Slots::new(nodes, plan.keys_per_tag)),
    },
    Row {
        name: "bounded-load",
        summary: "a ring on which whoever has more than its bounded share of the requests in flight is passed over",
        source: "Mirrokni, Thorup and Zadimoghaddam, Consistent hashing with bounded loads, SODA 2018",
        settings: &[Setting::VirtualNodes, Setting::Epsilon, Setting::Ring],
        copies: Copies::Overflow,
        build: |plan, nodes| {
            let ring = ring::Ring::new(&plan.weights_of(nodes), plan.virtual_nodes, plan.ring);
            Box::new(bounded_load::BoundedLoad::new(ring, nodes, plan.epsilon))
        },
    },
    Row {
        name: "random",
        summary: "each request goes to any node, so that hot keys are on all of them; a delete reaches one",
        source: "what a load balancer in front of caches does",
        settings: &[],
        copies: Copies::Any,
        build: |_, nodes| Box::new(any_node::AnyNode::new(nodes)),
    },
    Row {
        name: "replicated-all",
        summary: "every node holds everything: reads go to any, sets and deletes to all",
        source: "folklore; replicated caches such as Coherence's and Infinispan's",
        settings: &[],
        copies: Copies::All,
        build: |_, nodes| Box::new(any_node::AnyNode::new(nodes)),
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

    proptest! {
        #[test]
        fn every_scheme_chooses_one_of_the_nodes(
            key in any::<u64>(),
            draw in any::<u64>(),
            loads in prop::collection::vec(0u32..20, 1..40),
        ) {
            let nodes = loads.len() as u32;
            let load = loads.iter().sum();
            let loads: Vec<Cell<u32>> = loads.into_iter().map(Cell::new).collect();
            let sight = Sight { loads: &loads, load, draw };
            for (name, scheme) in schemes(nodes) {
                let node = scheme.choose(key, hash(key), &sight);
                prop_assert!(node < nodes, "{name}");
                let row = SCHEMES.iter().find(|row| row.name == name).unwrap();
                if row.copies == Copies::One {
                    prop_assert_eq!(node, scheme.node(key, hash(key)), "{}", name);
                }
            }
        }
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
