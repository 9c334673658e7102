//! A tier: one cache layer with its nodes, the network to them and their service queues.

use crate::units::Nanoseconds;
use crate::{defence, eviction, pattern, placement, workload::distribution::Distribution};

/// A tier as checked: nothing in it can be invalid.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The name that metrics and overrides use; unique in a scenario.
    pub name: String,
    /// How caches are filled and what a write does.
    pub pattern: pattern::Plan,
    /// How many nodes, at least 1.
    pub nodes: u32,
    /// How much each node holds.
    pub capacity: Capacity,
    /// Bytes that each entry takes beyond its value, when capacity is in bytes.
    pub entry_overhead_bytes: u64,
    /// Who leaves a full node.
    pub eviction: eviction::PolicySpec,
    /// When entries expire; `None` for never.
    pub ttl: Option<TimeToLive>,
    /// The active sweep for expired entries, as Redis has; `None` leaves it to touch and eviction.
    pub sweep: Option<Sweep>,
    /// Which node holds a key.
    pub placement: placement::Plan,
    /// Round-trip time of one exchange between the app and a node, in nanoseconds; half of it is
    /// spent on the way out, half on the way back.
    pub network: Distribution,
    /// Requests that a node serves at a time, at least 1.
    pub workers: u32,
    /// How long a worker is busy with one request, in nanoseconds.
    pub service_time: Distribution,
    /// Requests that may wait at a node; more are refused. `None` for no limit.
    pub queue_limit: Option<u32>,
    /// What happens when many requests miss one key together.
    pub defence: defence::Plan,
}

/// How much one node holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// Any number of entries.
    Unlimited,
    /// So many entries.
    Entries(u64),
    /// So many bytes of values, and of overhead if the plan says so.
    Bytes(u64),
}

/// When entries expire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeToLive {
    /// Before jitter.
    pub base_ns: Nanoseconds,
    /// Whether each hit starts it anew.
    pub sliding: bool,
    /// The TTL is multiplied by a uniform draw from [1 - `jitter_below`, 1 + `jitter_above`].
    pub jitter_below: f64,
    /// See `jitter_below`.
    pub jitter_above: f64,
}

/// An active sweep: every so often, look at a few entries and drop the expired ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Time between two sweeps of a node.
    pub interval_ns: Nanoseconds,
    /// Entries looked at in one sweep.
    pub sample: u32,
}
