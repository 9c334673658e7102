//! A newcomer is admitted with a fixed probability: a key that is asked for often gets in sooner or later,
//! one that is asked for once mostly does not.
//!
//! Known weakness: it holds popular keys off, too, and cannot tell them from others.

use super::{Admission, Described, Description, Surroundings};
use crate::eviction::{Access, Parameter};
use crate::random::Draws;

/// The probability and the dice.
pub struct Probability {
    probability: f64,
    draws: Draws,
}

impl Described for Probability {
    const DESCRIPTION: Description = Description {
        name: "probability",
        summary: "a newcomer is admitted with a fixed probability",
        source: "folklore",
        parameters: &[Parameter::real(
            "p",
            0.5,
            0.0,
            1.0,
            "the probability of being admitted",
        )],
        needs_victim: false,
        tuned_every: None,
    };

    fn new(surroundings: &Surroundings) -> Self {
        Self {
            probability: surroundings.parameters.real("p"),
            draws: Draws::from_seed(surroundings.seed),
        }
    }
}

impl Admission for Probability {
    fn hit(&mut self, _access: &Access, _weight: u64) {}

    fn admits(&mut self, _access: &Access, _victim: Option<u64>) -> bool {
        self.draws.chance(self.probability)
    }
}

#[cfg(test)]
mod tests {
    use crate::eviction::trial::Trial;

    #[test]
    fn about_that_share_of_newcomers_gets_in() {
        let scan: Vec<u32> = (0..64).collect();
        for (p, range) in [("0", 0..1), ("0.25", 8..25), ("1", 64..65)] {
            let mut trial = Trial::new(&format!("lru+probability:p={p}"), 64);
            trial.ask(&scan);
            assert!(range.contains(&trial.residents().len()), "{p}");
        }
    }
}
