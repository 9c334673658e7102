//! No defence: every miss fetches for itself. With a fetch time Δ and λ requests a second, the
//! expiry of one key costs about 1 + λΔ fetches.

use super::{Answer, DefenceRow, Plan};
use crate::metrics::{Failure, ReadOutcome};
use crate::tier::Tier;

pub(super) const ROW: DefenceRow = DefenceRow {
    name: "none",
    parameters: &[],
    meaning: "every miss fetches for itself",
    source: "what happens without thinking of it",
    build: |_| Ok(Plan::None),
};

pub(super) async fn fetch(
    tier: &Tier,
    load: impl Future<Output = Result<Answer, Failure>>,
) -> Result<Answer, Failure> {
    tier.note(ReadOutcome::Miss);
    load.await
}
