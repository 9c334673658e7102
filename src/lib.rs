//! `cachesim`: a deterministic discrete-event simulator of cache systems, and a benchmark of cache
//! policies.
//!
//! Two engines share one set of eviction policies. The *timed* simulation runs clients, cache
//! tiers, their network and a database with finite connections in one event loop, under simulated
//! time. *Replay* runs a trace through a grid of policies and sizes, without time, as fast as a
//! loop can go.
//!
//! # From a question to an answer
//!
//! A *scenario* is one question: a text in TOML. It is checked once, at the edge, and becomes a
//! [`simulation::Plan`] for each of its variants, in which nothing is invalid and units are gone. A
//! *run* of a plan under the luck of one replication gives numbers; an *experiment* runs all variants
//! and replications, and says how sure the numbers are.
//!
//! ```
//! use std::path::Path;
//! use cachesim::{experiment, scenario, simulation::NoProgress};
//!
//! let text = r#"
//!     seed = 7
//!     duration = "20s"
//!     warmup = "5s"
//!     [workload]
//!     arrivals = { process = "poisson", rate = "500/s" }
//!     keys = { distribution = "zipf", count = 10_000, exponent = 0.99 }
//!     [[tier]]
//!     name = "redis"
//!     capacity = "1k entries"
//!     ttl = "60s"
//!     [database]
//!     connections = 50
//!     service_time = { distribution = "exponential", mean = "5ms" }
//!     [[variant]]
//!     name = "larger"
//!     set = { "tier.redis.capacity" = "5k entries" }
//! "#;
//! let study = scenario::load_text(Path::new("question.toml"), text, &Default::default())?;
//! let results = experiment::run(&[study], &Default::default(), &NoProgress)?;
//! let hit_ratio = |variant: usize| results[0].variants[variant].metrics["hit_ratio"].mean;
//! assert!(hit_ratio(1) > hit_ratio(0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!   scenario text --scenario--> Study: one Plan a variant --experiment--> Results --report--> files
//!                                            |    ^
//!                                            v    |
//!                                    simulation::run(plan, replication)
//!        clients --> [ tier --> tier --> ... ] --> database        one event loop, simulated time
//!          ^           nodes, queues, caches       connections
//!          |           whose policies are those of `replay`
//!        workload: arrivals, keys, sizes
//! ```
//!
//! # What is guaranteed about time and order
//!
//! 1. Time is whole nanoseconds, and what happens at one instant happens in the order in which it was
//!    scheduled: timers, wake-ups and starts of tasks draw their numbers from one sequence
//!    ([`kernel`]).
//! 2. The same scenario, seed and version give the same bytes, on any number of threads, in debug and
//!    release, on every platform: no clock of the machine, no order of a hash map or of threads comes
//!    into a result, and transcendental functions are those of `libm`.
//! 3. Luck is addressed, not drawn in turn ([`random`]): request 17 asks for the same key at the same
//!    instant and meets the same service times in every variant, so variants differ by what was
//!    changed.
//! 4. Nothing is lost between the lines. Arrivals are answered, failed or still in flight; answered
//!    reads are hits, delayed, stale or negative hits, or misses; accepted writes are in the database,
//!    pending or lost for a reason. A run in which a sum does not add up is an error, not a result.
//!
//! # The modules
//!
//! They are listed from the edge to the core; each imports only from those below it.

pub mod cli;
pub mod verify;
pub mod report;
pub mod experiment;
pub mod scenario;
pub mod simulation;
pub mod alert;
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
