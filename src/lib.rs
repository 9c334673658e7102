//! `cachesim`: a deterministic discrete-event simulator of cache systems, and a benchmark of cache
//! policies.
//!
//! Two engines share one set of eviction policies. The *timed* simulation runs clients, cache
//! tiers, their network and a database with finite connections in one event loop, under simulated
//! time. *Replay* runs a trace through a grid of policies and sizes, without time, as fast as a
//! loop can go.
//!
//! The modules are listed from the edge to the core; each imports only from those below it.

pub mod cli;
pub mod verify;
pub mod report;
pub mod experiment;
pub mod scenario;
pub mod simulation;
pub mod fault;
pub mod client;
pub mod pattern;
pub mod promise;
pub mod invalidation;
pub mod defence;
pub mod tier;
pub mod placement;
pub mod database;
pub mod guard;
pub mod geography;
pub mod workload;
pub mod metrics;
pub mod replay;
pub mod cache;
pub mod eviction;
pub mod trace;
pub mod kernel;
pub mod whole_file;
pub mod units;
pub mod random;
pub mod prefetch;
