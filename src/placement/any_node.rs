//! Any node: each request goes to any node, whatever its key. Two schemes differ in what is stored
//! there.
//!
//! - `random`: a request's lookup, set and delete go to one node, as behind a load balancer that knows
//!   nothing of keys. Weakness: n nodes hold n copies of what is hot and together hardly more than one of
//!   them, and a delete reaches one copy: the others stay stale until their TTL.
//! - `replicated-all`: every node holds everything. A read asks any node; a set or a delete is an exchange
//!   with each of them, and is done when the last has answered. Weakness: n nodes hold no more than one,
//!   and every miss and every write costs n exchanges.

use super::{Scheme, Sight};

/// See the module's text.
#[derive(Debug)]
pub(super) struct AnyNode {
    nodes: u64,
}

impl AnyNode {
    pub(super) fn new(nodes: u32) -> Self {
        Self {
            nodes: u64::from(nodes),
        }
    }
}

impl Scheme for AnyNode {
    fn node(&self, _: u64, hash: u64) -> u32 {
        (hash % self.nodes) as u32
    }

    fn choose(&self, _: u64, _: u64, sight: &Sight<'_>) -> u32 {
        (sight.draw % self.nodes) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_decides_and_not_the_key() {
        let scheme = AnyNode::new(3);
        let at = |draw| {
            let sight = Sight {
                loads: &[],
                load: 0,
                draw,
            };
            [7, 8].map(|key| scheme.choose(key, key, &sight))
        };
        assert_eq!(
            [at(0), at(1), at(2), at(3)],
            [[0; 2], [1; 2], [2; 2], [0; 2]]
        );
    }
}
