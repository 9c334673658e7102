//! The exact miss-ratio curve of LRU, for all sizes at once.
//!
//! LRU is a stack algorithm: what a cache holds, a larger one holds as well, so a request hits in
//! all caches larger than its reuse distance (Mattson, Gecsei, Slutz, Traiger, "Evaluation
//! techniques for storage hierarchies", IBM Systems Journal 9(2), 1970). That holds of entries with
//! deletes, and of bytes as long as no object changes its size, none is deleted, and none is larger
//! than the cache; of everything else it does not, and [`obstacle`] says so.

use super::recency::Recency;
use super::{Act, acts};
use crate::eviction::Measure;
use crate::replay::Stream;
use crate::trace::Operation;

/// Why one pass cannot tell what LRU does with this trace, if it cannot.
pub(super) fn obstacle(stream: &Stream, measure: Measure) -> Option<&'static str> {
    if stream.expiry.is_some() {
        return Some("entries expire");
    }
    let operations = stream.operations.as_deref().unwrap_or_default();
    let depends = |operation: &Operation| {
        !matches!(
            operation,
            Operation::Get | Operation::Gets | Operation::Set | Operation::Delete
        )
    };
    if operations.iter().any(depends) {
        return Some("some stores depend on whether the key is there");
    }
    if measure == Measure::Entries {
        return None;
    }
    if operations.iter().any(|operation| operation.is_delete()) {
        return Some("objects of different sizes are deleted");
    }
    let Some(sizes) = &stream.sizes else {
        return None;
    };
    let mut first = vec![0; stream.distinct()];
    let changes = stream.ids.iter().zip(sizes).any(|(&id, &size)| {
        let first = &mut first[id as usize];
        if *first == 0 {
            *first = size;
        }
        *first != size
    });
    changes.then_some("objects change their size")
}

/// How many requests were hits in a cache of any size.
pub(super) struct OnePass {
    /// Reads that were counted, hits or not.
    counted: u64,
    hits: Hits,
    /// The smallest capacity for which it is exact.
    pub smallest: u64,
}

enum Hits {
    /// By capacity: how many requests hit in a cache of so many entries and in none smaller.
    ByEntries(Vec<u64>),
    /// For each request that is a reuse, the smallest capacity that hits; in order.
    ByBytes(Vec<u64>),
}

impl OnePass {
    /// Goes through the trace; the first `warmup` requests are not counted.
    pub(super) fn new(stream: &Stream, measure: Measure, warmup: usize) -> Self {
        let sizes = match measure {
            Measure::Entries => None,
            Measure::Bytes => stream.sizes.as_deref(),
        };
        let mut recency = Recency::new(sizes.is_some());
        let mut hits = match sizes {
            None => Hits::ByEntries(Vec::new()),
            Some(_) => Hits::ByBytes(Vec::new()),
        };
        let mut counted = 0;
        for (number, id, act) in acts(stream) {
            if act == Act::Delete {
                recency.delete(id);
                continue;
            }
            let size = sizes.map_or(1, |sizes| sizes[number]).max(1);
            let depth = recency.touch(id, size);
            if act == Act::Store || number < warmup {
                continue;
            }
            counted += 1;
            let Some(depth) = depth else { continue };
            let needed = depth.others + depth.own;
            match &mut hits {
                Hits::ByEntries(counts) => {
                    let at = needed as usize;
                    if at >= counts.len() {
                        counts.resize(at + 1, 0);
                    }
                    counts[at] += 1;
                }
                Hits::ByBytes(all) => all.push(needed),
            }
        }
        match &mut hits {
            Hits::ByEntries(counts) => {
                let mut sum = 0;
                for count in counts {
                    sum += *count;
                    *count = sum;
                }
            }
            Hits::ByBytes(all) => all.sort_unstable(),
        }
        let largest = sizes.and_then(|sizes| sizes.iter().max().copied());
        Self {
            counted,
            hits,
            smallest: u64::from(largest.unwrap_or(1)),
        }
    }

    /// The miss ratio of a cache of this capacity.
    pub(super) fn miss_ratio(&self, capacity: u64) -> f64 {
        let hits = match &self.hits {
            Hits::ByEntries(sums) => {
                let last = sums.len().saturating_sub(1);
                let at = usize::try_from(capacity).unwrap_or(last).min(last);
                sums.get(at).copied().unwrap_or(0)
            }
            Hits::ByBytes(all) => all.partition_point(|&needed| needed <= capacity) as u64,
        };
        if self.counted == 0 {
            return 0.0;
        }
        (self.counted - hits) as f64 / self.counted as f64
    }
}
