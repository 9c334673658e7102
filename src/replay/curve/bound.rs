//! What no policy can miss less than, where objects differ in size.
//!
//! With sizes Belady's rule is not the best, and the best is hard to find. A bound is not: each reuse
//! takes the object's bytes for as long as it has to stay, a cache has only its capacity times the
//! length of the trace to give, and whoever takes the cheapest reuses first takes the most. Source:
//! D. Berger, N. Beckmann, M. Harchol-Balter, "Practical bounds on optimal caching with variable
//! object sizes", SIGMETRICS 2018 (PFOO-L).

use super::{Act, acts};
use crate::eviction::Measure;
use crate::replay::Stream;

/// For each capacity a miss ratio that no policy can be below, not even one that knows the future
/// and admits what it likes. The first `warmup` requests are not counted.
#[must_use]
pub fn best_possible(
    stream: &Stream,
    measure: Measure,
    warmup: u64,
    capacities: &[u64],
) -> Vec<f64> {
    let sizes = match measure {
        Measure::Entries => None,
        Measure::Bytes => stream.sizes.as_deref(),
    };
    let mut last = vec![None; stream.distinct()];
    let mut counted = 0_u64;
    // What each reuse costs, in bytes times requests.
    let mut costs: Vec<u128> = Vec::new();
    for (number, id, act) in acts(stream) {
        if act == Act::Delete {
            last[id] = None;
            continue;
        }
        let previous: Option<(usize, u32)> = last[id];
        let size = sizes.map_or(1, |sizes| sizes[number]).max(1);
        if act == Act::Read && number as u64 >= warmup {
            counted += 1;
            if let Some((since, size)) = previous {
                costs.push(u128::from(size) * (number - since) as u128);
            }
        }
        // A policy may leave the old value where it is: the smaller one is cheaper to keep.
        let kept = match (act, previous) {
            (Act::Read, Some((_, stored))) => stored.min(size),
            _ => size,
        };
        last[id] = Some((number, kept));
    }
    costs.sort_unstable();
    let mut sum = 0;
    for cost in &mut costs {
        sum += *cost;
        *cost = sum;
    }
    capacities
        .iter()
        .map(|&capacity| {
            let budget = u128::from(capacity) * stream.len() as u128;
            let hits = costs.partition_point(|&cost| cost <= budget) as u64;
            if counted == 0 {
                0.0
            } else {
                (counted - hits) as f64 / counted as f64
            }
        })
        .collect()
}
