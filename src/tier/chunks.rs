//! Chunking: a value that is larger than a chunk is stored as several entries.
//!
//! Under the row's own key there is a manifest, which says that there is the row, in which version and
//! how large; it takes no room to speak of. The chunks have keys of their own, made of the row's key
//! and version and the chunk's number, so they lie on whatever nodes those hash to, and chunks of two
//! versions are never put together. A read asks for the manifest, then for so many chunks at a time;
//! other requests of a node get in between. A read that does not find them all finds nothing.
//!
//! Known weakness: a delete takes the manifest only, so the chunks of an old version take room until
//! they expire or are evicted; and of n chunks each may be evicted, so big values are hit less often.

use std::cell::Cell;

use super::{Exchange, Filling, Found, Tier, Values};
use crate::database::Row;
use crate::kernel::join_all;
use crate::metrics::within;
use crate::random::mix;
use crate::units::Key;
use crate::workload::Request;

/// How values are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunking {
    /// Bytes of a chunk, at least 1; smaller values are left as they are.
    pub bytes: u32,
    /// Chunks that are asked for or set at a time, at least 1.
    pub parallel: u32,
}

impl Chunking {
    fn cuts(&self, bytes: u32) -> bool {
        bytes > self.bytes
    }

    fn chunks(&self, row: &Row) -> u32 {
        row.bytes.div_ceil(self.bytes)
    }

    /// Chunk number `chunk` of the request's row: the request for it, and what it is.
    fn chunk(&self, request: &Request, row: &Row, chunk: u32) -> (Request, Row) {
        let version = mix(request.key).wrapping_add(row.version());
        let key = mix(mix(version).wrapping_add(u64::from(chunk)));
        let mut part = row.clone();
        part.bytes = self.bytes.min(row.bytes - chunk * self.bytes);
        (request.about(key), part)
    }
}

impl Tier {
    /// Whether a node has but the manifest of what was found.
    #[inline]
    pub fn is_in_chunks(&self, found: &Found) -> bool {
        match (&self.plan.values, found.row()) {
            (Values::Chunks(chunking), Some(row)) => chunking.cuts(row.bytes),
            _ => false,
        }
    }

    /// Bytes that the entry of its key takes of a value of so many.
    #[inline]
    pub(super) fn held_bytes(&self, bytes: u32) -> u64 {
        match &self.plan.values {
            Values::Chunks(chunking) if chunking.cuts(bytes) => 0,
            _ => u64::from(bytes),
        }
    }

    /// Asks for the chunks of a row whose manifest was `found`; nothing if one of them is missing.
    pub async fn gather(&self, request: &Request, found: Found) -> Found {
        let (Values::Chunks(chunking), Some(row)) = (&self.plan.values, found.row()) else {
            return found;
        };
        let has_all = self.each_chunk(*chunking, request.key, row, async |chunk| {
            let (request, _) = chunking.chunk(request, row, chunk);
            let Ok(visit) = self.visit(Exchange::LookUp, &request).await else {
                return false;
            };
            let part = self.find(visit.node(), &request);
            self.leave(visit).await;
            part.row().is_some()
        });
        if has_all.await { found } else { Found::Nothing }
    }

    /// Sets the chunks of a row, if it is stored in such; whether the nodes took them all.
    pub(super) async fn scatter(&self, request: &Request, row: &Row, filling: Filling) -> bool {
        let Values::Chunks(chunking) = &self.plan.values else {
            return true;
        };
        let has_all = self.each_chunk(*chunking, request.key, row, async |chunk| {
            let (request, part) = chunking.chunk(request, row, chunk);
            let store = |tier: &Self, node: usize| tier.store(node, &request, &part, filling);
            let bytes = self.received_bytes(part.bytes, filling);
            let outcome = self.exchange(Exchange::Set, &request, bytes, store).await;
            outcome == Ok(true)
        });
        has_all.await
    }

    /// Does `act` for each chunk, so many at a time, until one fails; whether none did.
    async fn each_chunk(
        &self,
        chunking: Chunking,
        key: Key,
        row: &Row,
        act: impl AsyncFn(u32) -> bool,
    ) -> bool {
        let (next, is_well) = (Cell::new(0), Cell::new(true));
        let chunks = chunking.chunks(row);
        let worker = async || {
            while next.get() < chunks && is_well.get() {
                let chunk = next.get();
                next.set(chunk + 1);
                if !act(chunk).await {
                    is_well.set(false);
                }
            }
        };
        let workers = (0..chunking.parallel.min(chunks)).map(|_| {
            let fork = self.meter.beside("chunks", key);
            within(fork, worker())
        });
        join_all(workers).await;
        is_well.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Rows;

    #[test]
    fn chunks_add_up_to_the_value_and_have_a_key_for_each_version() {
        let chunking = Chunking {
            bytes: 1000,
            parallel: 4,
        };
        let request = Request {
            key: 7,
            ..Request::default()
        };
        let mut rows = Rows::default();
        let old = rows.read(7, 0, |_| 2500);
        let new = rows.write(7, 1, |_| 2500);
        let parts = |row: &Row| -> Vec<(u64, u32)> {
            let chunks = 0..chunking.chunks(row);
            let part = |chunk| chunking.chunk(&request, row, chunk);
            chunks
                .map(part)
                .map(|(it, part)| (it.key, part.bytes))
                .collect()
        };
        let sizes: Vec<u32> = parts(&old).iter().map(|part| part.1).collect();
        assert_eq!(sizes, [1000, 1000, 500]);
        let mut keys: Vec<u64> = parts(&old)
            .iter()
            .chain(&parts(&new))
            .map(|it| it.0)
            .collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 6);
    }
}
