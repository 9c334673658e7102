//! Placement: which node of a tier holds a key.

/// A placement scheme as checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Key modulo number of nodes.
    Modulo,
    /// Consistent hashing on a ring with so many points for each node.
    Ring {
        /// Points of one node, at least 1.
        virtual_nodes: u32,
    },
}
