//! Modulo: the remainder of the key's hash names the node.
//!
//! Weakness: from n to n + 1 nodes, n / (n + 1) of the keys move.

use super::Scheme;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Modulo {
    nodes: u64,
}

impl Modulo {
    pub(super) fn new(nodes: u32) -> Self {
        Self {
            nodes: u64::from(nodes),
        }
    }
}

impl Scheme for Modulo {
    #[inline]
    fn node(&self, _: u64, hash: u64) -> u32 {
        (hash % self.nodes) as u32
    }
}
