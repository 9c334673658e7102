//! Read patterns: how a read fills the cache. One file each.

pub(super) mod aside;
pub(super) mod copied;
mod page;
pub(super) mod through;
pub(super) mod versioned;
