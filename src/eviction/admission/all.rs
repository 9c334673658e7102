//! Every newcomer is admitted: the same as no admission, for tables in which the others are compared with
//! it.

use super::{Admission, Described, Description, Surroundings};
use crate::eviction::Access;

/// Nothing is asked.
pub struct All;

impl Described for All {
    const DESCRIPTION: Description = Description {
        name: "all",
        summary: "every newcomer is admitted",
        source: "folklore",
        parameters: &[],
        needs_victim: false,
        tuned_every: None,
    };

    fn new(_surroundings: &Surroundings) -> Self {
        Self
    }
}

impl Admission for All {
    fn hit(&mut self, _access: &Access, _weight: u64) {}

    fn admits(&mut self, _access: &Access, _victim: Option<u64>) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::eviction::trial::Trial;

    #[test]
    fn it_changes_nothing() {
        let ids: Vec<u32> = (0..200).map(|step| (step * step + step / 3) % 11).collect();
        assert_eq!(
            Trial::new("lru+all", 4).ask(&ids),
            Trial::new("lru", 4).ask(&ids)
        );
    }
}
