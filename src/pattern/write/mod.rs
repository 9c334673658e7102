//! Write patterns: what a write does to the cache. One file each.

pub(super) mod around;
pub(super) mod behind;
pub(super) mod double_delete;
pub(super) mod invalidate;
pub(super) mod through;
pub(super) mod update;
