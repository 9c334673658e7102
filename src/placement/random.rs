//! Random: each request goes to any node, whatever its key, as behind a load balancer that knows
//! nothing of keys. A request's lookup, set and delete go to one node.
//!
//! Weakness: n nodes hold n copies of what is hot and together hardly more than one of them, and a
//! delete reaches one copy: the others stay stale until their TTL.

use super::{Scheme, Sight};

/// See the module's text.
#[derive(Debug)]
pub(super) struct Random {
    nodes: u64,
}

impl Random {
    pub(super) fn new(nodes: u32) -> Self {
        Self {
            nodes: u64::from(nodes),
        }
    }
}

impl Scheme for Random {
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
        let scheme = Random::new(3);
        let at = |draw| {
            let sight = Sight {
                loads: &[],
                load: 0,
                draw,
            };
            [7, 8].map(|key| scheme.choose(key, key, &sight))
        };
        assert_eq!(at(4), [1, 1]);
        assert_eq!(at(5), [2, 2]);
    }
}
