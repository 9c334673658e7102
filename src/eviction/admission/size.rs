//! Newcomers up to a size are admitted: one large entry would push many small ones out.
//!
//! Known weakness: the best limit depends on the workload and changes with it (what AdaptSize is for).

use super::{Admission, Described, Description, Surroundings};
use crate::eviction::{Access, Parameter};

/// The limit.
pub struct Size {
    largest: u64,
}

impl Described for Size {
    const DESCRIPTION: Description = Description {
        name: "size",
        summary: "newcomers up to a size are admitted",
        source: "folklore",
        parameters: &[Parameter::integer(
            "largest",
            1 << 20,
            0,
            u64::MAX,
            "bytes of the largest entry that is admitted",
        )],
        needs_victim: false,
        tuned_every: None,
    };

    fn new(surroundings: &Surroundings) -> Self {
        Self {
            largest: surroundings.parameters.integer("largest"),
        }
    }
}

impl Admission for Size {
    fn hit(&mut self, _access: &Access, _weight: u64) {}

    fn admits(&mut self, access: &Access, _victim: Option<u64>) -> bool {
        access.weight <= self.largest
    }
}

#[cfg(test)]
mod tests {
    use crate::eviction::Measure;
    use crate::eviction::trial::Trial;

    #[test]
    fn what_is_larger_than_the_limit_stays_out() {
        let mut trial = Trial::of("lru+size:largest=10", Measure::Bytes, 100);
        trial.access(1, 10, u64::MAX);
        trial.access(2, 11, u64::MAX);
        assert_eq!(trial.residents(), [1]);
    }
}
