//! Sweeps: every cell of a grid of settings, each with all its variants and replications.
//!
//! A cell is an experiment of its own, with its own warm-up if that is to be found, and with the same
//! luck as every other cell. Of each cell only metrics stay in memory, not those of single nodes and
//! no time series, so that ten thousand cells fit.
//!
//! Not here: which settings a grid has (`scenario`).

use std::sync::Arc;

use indexmap::IndexMap;
use rayon::prelude::*;

use super::{Failure, Interval, Results, Simulate, Wanted};
use crate::scenario::{Axis, Grid, ScenarioErrors, Study};

/// What a sweep has found.
#[derive(Clone, Debug, Default)]
pub struct SweepResults {
    /// The version that has found it.
    pub version: String,
    /// The scenario's short name.
    pub name: String,
    /// The scenario's title.
    pub title: String,
    /// The question; may be empty.
    pub description: String,
    /// The command that runs it again, or empty.
    pub command: String,
    /// The seed of all randomness.
    pub seed: u64,
    /// The scenario with everything resolved, without its sweep.
    pub resolved: serde_json::Value,
    /// The axes; the first moves slowest.
    pub axes: Vec<Axis>,
    /// The cells that were run, in the order of the grid.
    pub cells: Vec<CellResults>,
}

/// What was found about one cell.
#[derive(Clone, Debug)]
pub struct CellResults {
    /// The number of the value of each axis.
    pub indexes: Vec<usize>,
    /// Runs of each variant.
    pub replications: u64,
    /// Its variants, in the order of the scenario.
    pub variants: Vec<CellVariant>,
    /// How many expectations hold, and how many there are.
    pub held: (usize, usize),
    /// The first expectation that does not hold, in words of its own.
    pub broken: Option<super::Judgement>,
}

/// What was found about one variant of a cell.
#[derive(Clone, Debug)]
pub struct CellVariant {
    /// Its name.
    pub name: Arc<str>,
    /// Its metrics, in the order of the catalogue, without those of single nodes.
    pub metrics: IndexMap<Arc<str>, Interval>,
}

impl CellResults {
    /// Whether every expectation holds.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.held.0 == self.held.1
    }
}

impl SweepResults {
    /// The values of the axes in a cell, as they would be written.
    pub fn values<'a>(&'a self, cell: &'a CellResults) -> impl Iterator<Item = String> + 'a {
        let values = self.axes.iter().zip(&cell.indexes);
        values.map(|(axis, &index)| axis.value(index))
    }

    /// Whether every expectation holds in every cell.
    #[must_use]
    pub fn all_held(&self) -> bool {
        self.cells.iter().all(CellResults::all_held)
    }
}

/// Why a sweep was not finished.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A run could not be had.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// A cell that was checked before is wrong now: a file that it names has changed.
    #[error(transparent)]
    Scenario(#[from] ScenarioErrors),
}

impl SweepError {
    /// Whether nothing went wrong, but nobody wanted the results any more.
    #[must_use]
    pub fn is_interruption(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_interruption())
    }
}

/// Runs every cell of the sweep of `study`.
///
/// # Errors
/// The first one in the order of the grid; a real one before an interruption.
///
/// # Panics
/// If the study has no sweep.
pub fn run(
    study: &Study,
    wanted: &Wanted,
    simulate: &dyn Simulate,
) -> Result<SweepResults, SweepError> {
    let grid = study.grid.as_ref().expect("the study has a sweep");
    let all: Vec<usize> = (0..grid.cells()).collect();
    Ok(SweepResults {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: study.name.clone(),
        title: study.title.clone(),
        description: study.description.clone(),
        command: String::new(),
        seed: study.seed,
        resolved: study.resolved.clone(),
        axes: grid.axes.clone(),
        cells: run_cells(grid, &all, None, wanted, simulate)?,
    })
}

/// Runs some cells, in their order, with so many replications or as many as the scenario asks for.
///
/// # Errors
/// As [`run`].
pub fn run_cells(
    grid: &Grid,
    cells: &[usize],
    replications: Option<u64>,
    wanted: &Wanted,
    simulate: &dyn Simulate,
) -> Result<Vec<CellResults>, SweepError> {
    // Of many cells each is run by one thread, so that only so many are in memory as there are
    // threads; of few, each is run by all.
    let many = cells.len() >= 2 * rayon::current_num_threads();
    let one = |&cell: &usize| {
        let mut study = grid.study(cell)?;
        study.replications = replications.unwrap_or(study.replications);
        let studies = std::slice::from_ref(&study);
        let results = super::run_rounds(studies, wanted, simulate, !many)?.remove(0);
        Ok(cell_results(grid.indexes(cell), results))
    };
    let found: Vec<Result<CellResults, SweepError>> = if many {
        cells.par_iter().with_max_len(1).map(one).collect()
    } else {
        cells.iter().map(one).collect()
    };
    let mut results = Vec::with_capacity(found.len());
    let mut interruption = None;
    for one in found {
        match one {
            Ok(cell) => results.push(cell),
            Err(error) if error.is_interruption() => interruption = Some(error),
            Err(error) => return Err(error),
        }
    }
    interruption.map_or(Ok(results), Err)
}

fn cell_results(indexes: Vec<usize>, results: Results) -> CellResults {
    let held = results.expectations.iter().filter(|one| one.held).count();
    CellResults {
        indexes,
        replications: results.replications,
        held: (held, results.expectations.len()),
        broken: results.expectations.iter().find(|one| !one.held).cloned(),
        variants: results
            .variants
            .into_iter()
            .map(|variant| CellVariant {
                name: variant.name.into(),
                metrics: variant
                    .metrics
                    .into_iter()
                    .filter(|(name, _)| !name.contains(".node."))
                    .map(|(name, interval)| (name.into(), interval))
                    .collect(),
            })
            .collect(),
    }
}
