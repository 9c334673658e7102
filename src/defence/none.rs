//! No defence: every miss fetches for itself. With a fetch time Δ and λ requests a second, the
//! expiry of one key costs about 1 + λΔ fetches.

use super::{Answer, Case, DefenceRow, Load, Plan};
use crate::metrics::{Failure, ReadOutcome};

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "none",
    parameters: &[],
    meaning: "every miss fetches for itself",
    source: "what happens without thinking of it",
    build: |_| Ok(Plan::None),
};

/// Fetches.
pub(super) fn fetch(
    case: &Case<'_>,
    load: Load<'_>,
) -> impl Future<Output = Result<Answer, Failure>> {
    async move {
        case.decide(ReadOutcome::Miss);
        load.await
    }
}
