//! The bandwidth of a node: values take time on their way in and out, and whoever serves them is busy
//! for as long.
//!
//! A worker carries the value of the exchange that it serves, so a node with one worker, such as
//! Redis, does nothing else meanwhile: everybody stalls behind a big value. Several workers of a node
//! share its link and take turns on it, a packet each, so none of them waits for a whole value of
//! another's.
//!
//! A value is looked at when its way begins; a lookup that finds the entry gone when it ends has cost
//! the time all the same. Keys, headers and answers without a value take no bandwidth. Not here: the
//! links between regions, and what a client's own link carries.

use std::future::ready;
use std::rc::Rc;

use super::{Exchange, Filling, Found, Tier, Unreachable, Values};
use crate::database::Row;
use crate::kernel::{Kernel, OneOf, Resource, rarely};
use crate::units::{Key, Nanoseconds, SECOND_NS};

/// What one worker sends before another has its turn.
const PACKET_BYTES: u64 = 64 << 10;

/// How much of a value a read needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// Parts of equal size that a value has, at least 1: the fields of a hash.
    pub count: u32,
    /// How many of them a read asks for, 1 to `count`.
    pub per_read: u32,
}

/// The link of a node with several workers, if values take time on it. A single worker has it for
/// itself.
pub(super) fn link(plan: &super::Plan, kernel: &Rc<Kernel>) -> Option<Resource> {
    let is_shared = plan.bandwidth_per_s.is_some() && plan.workers > 1;
    is_shared.then(|| Resource::new(kernel.clone(), 1, None))
}

/// How long `bytes` take at so many bytes per second.
fn time_ns(bytes: u64, bytes_per_s: u64) -> Nanoseconds {
    let nanoseconds = u128::from(bytes) * u128::from(SECOND_NS) / u128::from(bytes_per_s);
    Nanoseconds::try_from(nanoseconds).unwrap_or(Nanoseconds::MAX)
}

impl Tier {
    /// Bytes of a value of so many that a read gets from a node.
    #[inline]
    pub(super) fn sent_bytes(&self, bytes: u32) -> u64 {
        match &self.plan.values {
            Values::Whole => u64::from(bytes),
            Values::Fields(fields) => {
                u64::from(bytes) * u64::from(fields.per_read) / u64::from(fields.count)
            }
            Values::Chunks(_) => self.held_bytes(bytes),
        }
    }

    /// Bytes of a value of so many that are sent to a node to be stored.
    pub(super) fn received_bytes(&self, bytes: u32, filling: Filling) -> u64 {
        match filling {
            Filling::Confirmed => 0,
            _ => self.held_bytes(bytes),
        }
    }

    /// Counts a value that a node sends to somebody who asked.
    #[inline]
    pub(super) fn note_sent(&self, node: usize, bytes: u32) {
        if self.meter.is_measuring() {
            let bytes = self.sent_bytes(bytes);
            self.counts().node_bytes_out[node].add(bytes);
        }
    }

    /// Counts a value that is sent to a node.
    #[inline]
    pub(super) fn note_received(&self, node: usize, bytes: u64) {
        if self.meter.is_measuring() {
            self.counts().node_bytes_in[node].add(bytes);
        }
    }

    /// The value of an exchange on its way, by the worker that serves it: `bytes_in` to the node, and
    /// what is found there back.
    pub(super) async fn carry_values(
        &self,
        node: usize,
        exchange: Exchange,
        key: Key,
        bytes_in: u64,
    ) {
        let bytes_out = match exchange {
            Exchange::LookUp | Exchange::Retry => self.bytes_to_send(node, key),
            _ => 0,
        };
        self.carry(node, bytes_in + bytes_out).await;
        self.trace_since("transfer");
    }

    pub(super) fn bytes_to_send(&self, node: usize, key: Key) -> u64 {
        let now_ns = self.kernel.now();
        let cache = self.nodes[node].cache.borrow();
        match (cache.peek(key), cache.expires_ns(key)) {
            (Some(resident), Some(expires_ns)) if expires_ns > now_ns => {
                self.sent_bytes(resident.bytes)
            }
            _ => 0,
        }
    }

    /// A node that loads by itself sends the row to who asked for it: a worker is busy with that.
    ///
    /// # Errors
    /// As [`Tier::visit`].
    pub fn send(&self, node: usize, row: &Row) -> impl Future<Output = Result<(), Unreachable>> {
        self.note_sent(node, row.bytes);
        self.occupy(node, self.sent_bytes(row.bytes))
    }

    /// A row comes to a node without an exchange of its own: a worker is busy with taking it in.
    ///
    /// # Errors
    /// As [`Tier::visit`].
    pub fn receive(
        &self,
        node: usize,
        row: &Row,
        filling: Filling,
    ) -> impl Future<Output = Result<(), Unreachable>> {
        self.occupy(node, self.received_bytes(row.bytes, filling))
    }

    fn occupy<'a>(
        &'a self,
        node: usize,
        bytes: u64,
    ) -> impl Future<Output = Result<(), Unreachable>> + 'a {
        let takes_time = self.plan.bandwidth_per_s.is_some() && bytes > 0;
        match takes_time {
            false => OneOf::First(ready(Ok(()))),
            true => OneOf::<_, _>::Second(rarely(move || self.occupy_worker(node, bytes))),
        }
    }

    async fn occupy_worker(&self, node: usize, bytes: u64) -> Result<(), Unreachable> {
        let Ok(_worker) = self.nodes[node].workers.acquire().await else {
            return Err(self.refuse(Unreachable::QueueFull));
        };
        self.trace_since("queue");
        self.carry(node, bytes).await;
        self.trace_since("transfer");
        Ok(())
    }

    /// So many bytes on the node's link.
    pub(super) async fn carry(&self, node: usize, bytes: u64) {
        let Some(bytes_per_s) = self.plan.bandwidth_per_s else {
            return;
        };
        let Some(link) = &self.nodes[node].link else {
            return self.kernel.sleep(time_ns(bytes, bytes_per_s)).await;
        };
        let mut carried = 0;
        while carried < bytes {
            let Ok(_turn) = link.acquire().await else {
                return;
            };
            let next = bytes.min(carried + PACKET_BYTES);
            // Counted from the start, so that roundings do not add up.
            let packet_ns = time_ns(next, bytes_per_s) - time_ns(carried, bytes_per_s);
            self.kernel.sleep(packet_ns).await;
            carried = next;
        }
    }
}

impl Found {
    /// The copy, fresh or not.
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Fresh(row) | Self::Early(row) => Some(row),
            Self::Stale(stale) => Some(&stale.row),
            Self::Nothing => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_megabytes_take_a_second_at_a_hundred_megabytes_a_second() {
        assert_eq!(time_ns(100_000_000, 100_000_000), SECOND_NS);
        assert_eq!(time_ns(0, 1), 0);
        assert_eq!(time_ns(1 << 30, 1), (1 << 30) * SECOND_NS);
        assert_eq!(time_ns(u64::MAX, 1), Nanoseconds::MAX);
    }
}
