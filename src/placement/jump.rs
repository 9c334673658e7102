//! Jump consistent hash (Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm",
//! 2014): a loop that computes the node without any table.
//!
//! Weakness: nodes are numbered, so only the last one can leave without moving the keys of others,
//! and all weigh the same.

use super::Scheme;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Jump {
    nodes: u32,
}

impl Jump {
    pub(super) fn new(nodes: u32) -> Self {
        Self { nodes }
    }
}

/// The bucket of a key, as in figure 1 of the paper.
fn jump(mut key: u64, buckets: u32) -> u32 {
    let (mut bucket, mut next) = (-1_i64, 0_i64);
    while next < i64::from(buckets) {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let draw = ((key >> 33) + 1) as f64;
        next = ((bucket + 1) as f64 * ((1_u64 << 31) as f64 / draw)) as i64;
    }
    bucket as u32
}

impl Scheme for Jump {
    #[inline]
    fn node(&self, _: u64, hash: u64) -> u32 {
        jump(hash, self.nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_256_over_1024_buckets_is_bucket_520() {
        assert_eq!(jump(256, 1024), 520);
        assert_eq!(jump(256, 1), 0);
        assert_eq!(jump(0, 1000), 0);
    }

    #[test]
    fn a_key_moves_only_to_the_new_bucket() {
        for key in 0..20_000 {
            let (before, after) = (jump(key, 9), jump(key, 10));
            assert!(before == after || after == 9);
        }
    }
}
