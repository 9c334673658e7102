//! Slots, as Redis Cluster has them (Redis cluster specification, "Key distribution model"): CRC16 of
//! the key, or of its `{tag}`, modulo 16 384 names a slot, and each node owns a run of slots.
//!
//! The key of row 42 is the text "42"; with tags of n keys each it is "{4}42" and the like, so that n
//! neighbours share a slot and can be asked for in one command.
//!
//! When a node joins, each of the others hands over what it has too much, and when one leaves, its slots
//! are dealt out: no more slots change hands than must (`redis-cli --cluster rebalance`).
//!
//! Weakness: keys that share a tag share a node, however hot they are together.

use super::Scheme;

/// How many slots there are.
pub(super) const SLOTS: u32 = 16_384;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Slots {
    /// The node of each slot.
    owners: Vec<u32>,
    /// Keys that share a tag; 1 for none.
    keys_per_tag: u64,
    table: [u16; 256],
}

impl Slots {
    pub(super) fn new(nodes: u32, keys_per_tag: u64) -> Self {
        let per_node = f64::from(SLOTS) / f64::from(nodes);
        // The runs that `redis-cli --cluster create` gives out.
        let last = |node: u32| (per_node * f64::from(node + 1) - 1.0).round() as usize;
        let mut owners = Vec::with_capacity(SLOTS as usize);
        for node in 0..nodes {
            owners.resize(last(node) + 1, node);
        }
        Self {
            owners,
            keys_per_tag,
            table: table(),
        }
    }

    /// The slots among so many nodes, as few of them moved as may be.
    fn rebalanced(&self, nodes: u32) -> Self {
        let share = |node: u32| SLOTS / nodes + u32::from(node < SLOTS % nodes);
        let mut missing: Vec<u32> = (0..nodes).map(share).collect();
        // Everybody keeps its first slots, as many as it may have.
        let kept: Vec<bool> = (self.owners.iter())
            .map(|&owner| match missing.get_mut(owner as usize) {
                Some(missing) if *missing > 0 => {
                    *missing -= 1;
                    true
                }
                _ => false,
            })
            .collect();
        let mut receivers =
            (0..nodes).flat_map(|node| std::iter::repeat_n(node, missing[node as usize] as usize));
        let owner = |(&owner, kept): (&u32, bool)| match kept {
            true => owner,
            false => receivers.next().expect("as many as are missing"),
        };
        let owners = self.owners.iter().zip(kept).map(owner).collect();
        Self {
            owners,
            keys_per_tag: self.keys_per_tag,
            table: self.table,
        }
    }

    /// CRC16 as XMODEM has it: polynomial 0x1021, beginning with 0.
    fn crc16(&self, text: &[u8]) -> u16 {
        text.iter().fold(0, |crc, &byte| {
            (crc << 8) ^ self.table[usize::from((crc >> 8) as u8 ^ byte)]
        })
    }

    /// The slot of a key as it would be written; if it has a `{tag}`, of that.
    fn slot_of_text(&self, key: &[u8]) -> u32 {
        let hashed = tag(key).unwrap_or(key);
        u32::from(self.crc16(hashed)) % SLOTS
    }
}

/// What is between the first `{` and the first `}` after it, unless that is nothing.
fn tag(key: &[u8]) -> Option<&[u8]> {
    let from = key.iter().position(|&byte| byte == b'{')? + 1;
    let length = key[from..].iter().position(|&byte| byte == b'}')?;
    (length > 0).then(|| &key[from..from + length])
}

fn table() -> [u16; 256] {
    let mut table = [0; 256];
    for (byte, entry) in table.iter_mut().enumerate() {
        let start = (byte as u16) << 8;
        *entry = (0..8).fold(start, |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        });
    }
    table
}

impl Slots {
    #[inline]
    fn slot_of(&self, key: u64) -> u32 {
        // What is hashed is the tag alone, so the rest of the key need not be written.
        let hashed = key / self.keys_per_tag;
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut left = hashed;
        loop {
            start -= 1;
            digits[start] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.slot_of_text(&digits[start..])
    }
}

impl Scheme for Slots {
    #[inline]
    fn node(&self, key: u64, _: u64) -> u32 {
        self.owners[self.slot_of(key) as usize]
    }

    fn slot(&self, key: u64) -> Option<u32> {
        Some(self.slot_of(key))
    }

    fn resized(&self, nodes: u32) -> Option<Box<dyn Scheme>> {
        Some(Box::new(self.rebalanced(nodes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        let slots = Slots::new(3, 1);
        assert_eq!(slots.crc16(b"123456789"), 0x31c3);
        assert_eq!(slots.slot_of_text(b"123456789"), 12_739);
        // The examples of the specification: only the tag counts.
        let tagged = slots.slot_of_text(b"{user1000}.following");
        assert_eq!(tagged, slots.slot_of_text(b"{user1000}.followers"));
        assert_eq!(tagged, slots.slot_of_text(b"user1000"));
        // An empty tag is none, and of two the first counts.
        assert_eq!(tag(b"foo{}{bar}"), None);
        assert_eq!(tag(b"foo{{bar}}zap"), Some(&b"{bar"[..]));
        assert_eq!(tag(b"foo{bar}{zap}"), Some(&b"bar"[..]));
        assert_eq!(tag(b"foo{bar"), None);
    }

    #[test]
    fn a_node_owns_the_run_of_slots_that_redis_would_give_it() {
        let slots = Slots::new(3, 1);
        assert_eq!(slots.owners.len(), 16_384);
        let owners = [0, 5460, 5461, 10_922, 10_923, 16_383].map(|slot| slots.owners[slot]);
        assert_eq!(owners, [0, 0, 1, 1, 2, 2]);
        // Slot 12739.
        assert_eq!(slots.node(123_456_789, 0), 2);
        for nodes in [1, 7, 1000, 16_384] {
            assert_eq!(Slots::new(nodes, 1).owners.len(), 16_384);
        }
    }

    #[test]
    fn no_more_slots_change_hands_than_must() {
        let owned = |owners: &[u32], node| owners.iter().filter(|&&it| it == node).count();
        let mut before = Slots::new(3, 1);
        for nodes in [4, 5, 4, 2, 3] {
            let after = before.rebalanced(nodes);
            let pairs = before.owners.iter().zip(&after.owners);
            let moved = pairs.filter(|(before, after)| before != after).count();
            let from = *before.owners.iter().max().unwrap() + 1;
            let must = 16_384 * from.abs_diff(nodes) / from.max(nodes);
            assert!(
                moved.abs_diff(must as usize) <= 5,
                "{from} to {nodes}: {moved}"
            );
            before = after;
            for node in 0..nodes {
                let count = owned(&before.owners, node);
                assert!(count.abs_diff(16_384 / nodes as usize) <= 1, "{count}");
            }
        }
    }

    #[test]
    fn keys_of_one_tag_share_a_node() {
        let slots = Slots::new(7, 10);
        for tag in 0..100 {
            let nodes: Vec<u32> = (0..10).map(|key| slots.node(tag * 10 + key, 0)).collect();
            assert!(nodes.iter().all(|&node| node == nodes[0]));
        }
        let spread = (0..100).map(|tag| slots.node(tag * 10, 0));
        assert_eq!(spread.collect::<std::collections::BTreeSet<_>>().len(), 7);
    }
}
