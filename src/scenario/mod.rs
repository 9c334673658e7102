//! The file as written becomes the checked plan.
pub mod unit;
