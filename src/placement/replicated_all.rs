//! Replicated everywhere: every node holds everything. A read asks any node; a set or a delete is an
//! exchange with each of them, and is done when the last has answered.
//!
//! Weakness: n nodes hold no more than one, and every miss and every write costs n exchanges.

use super::{Scheme, Sight};

/// See the module's text.
#[derive(Debug)]
pub(super) struct ReplicatedAll {
    nodes: u64,
}

impl ReplicatedAll {
    pub(super) fn new(nodes: u32) -> Self {
        Self {
            nodes: u64::from(nodes),
        }
    }
}

impl Scheme for ReplicatedAll {
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
    fn every_node_is_asked_by_some_requests() {
        let scheme = ReplicatedAll::new(3);
        let at = |draw| {
            let sight = Sight {
                loads: &[],
                load: 0,
                draw,
            };
            scheme.choose(7, 7, &sight)
        };
        assert_eq!([at(0), at(1), at(2), at(3)], [0, 1, 2, 0]);
    }
}
