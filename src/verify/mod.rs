//! Verification: what queueing and caching theory say, against which the simulator is checked.
//!
//! Not here yet: the simulations that are compared with it.

pub mod theory;
