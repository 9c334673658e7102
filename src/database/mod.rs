//! The database: connections, service time, and a version for each row.

use crate::{units::Nanoseconds, workload::distribution::Distribution};

/// The database as checked: nothing in it can be invalid.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Queries in service at a time, at least 1.
    pub connections: u32,
    /// Queries that may wait for a connection; more are rejected. `None` for no limit.
    pub queue_limit: Option<u32>,
    /// How long a read holds its connection, in nanoseconds.
    pub service_time: Distribution,
    /// How long a write holds its connection, in nanoseconds.
    pub write_service_time: Distribution,
    /// Service times are multiplied by 1 + `slowdown` x (busy - 1) / (connections - 1): 0 for a
    /// database that does not slow down, 1 for one that is half as fast when all connections are
    /// busy.
    pub slowdown: f64,
    /// After so long the app gives up on a query, which goes on all the same. `None` for never.
    pub timeout_ns: Option<Nanoseconds>,
    /// Round-trip time of one query, in nanoseconds, half out and half back.
    pub network: Distribution,
}
