//! The reference.
/// x
pub fn reference() -> String {
    String::new()
}
