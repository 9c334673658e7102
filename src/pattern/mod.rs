//! Patterns: how a cache is filled and what a write does. One file and one table row per pattern.
//!
//! The patterns are plain `async fn`s over the parts of a [`System`] and read like the textbook.

use std::rc::Rc;

use crate::database::Database;
use crate::defence::{self, Answer, Defence};
use crate::kernel::Kernel;
use crate::metrics::{Failure, Meter, ReadOutcome};
use crate::random::Luck;
use crate::tier::{self, Tier};
use crate::workload::Request;

mod aside;
mod invalidate;

/// A pair of a read pattern and a write pattern, as checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How reads fill the cache.
    pub read: Read,
    /// What a write does.
    pub write: Write,
}

/// Read patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// The app conducts: get, query, set.
    Aside,
}

/// Write patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// Database first, then delete from the cache.
    Invalidate,
}

/// One row of a table of patterns.
#[derive(Clone, Copy, Debug)]
pub struct PatternRow<P> {
    /// The name in a scenario.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The pattern.
    pub pattern: P,
}

/// All read patterns.
pub static READS: &[PatternRow<Read>] = &[PatternRow {
    name: "aside",
    summary: "the app looks up, on a miss queries the database and sets the entry",
    pattern: Read::Aside,
}];

/// All write patterns.
pub static WRITES: &[PatternRow<Write>] = &[PatternRow {
    name: "invalidate",
    summary: "the app writes to the database, then deletes the entry",
    pattern: Write::Invalidate,
}];

/// The short names of usual pairs.
pub static PAIRS: &[PatternRow<Plan>] = &[PatternRow {
    name: "aside",
    summary: "read aside, write invalidate",
    pattern: Plan {
        read: Read::Aside,
        write: Write::Invalidate,
    },
}];

/// One tier of a plan, with the pattern and the defence that the app uses for it.
#[derive(Clone, Debug)]
pub struct LayerPlan {
    /// The tier itself.
    pub tier: tier::Plan,
    /// How it is filled and what a write does.
    pub pattern: Plan,
    /// What happens when many requests miss one key together.
    pub defence: defence::Plan,
}

/// One tier with its defence.
#[derive(Debug)]
pub struct Layer {
    /// The tier itself.
    pub tier: Tier,
    /// Its pattern.
    pub pattern: Plan,
    defence: Defence,
}

/// What stands behind the app: its tiers from the client to the database, and the database.
#[derive(Debug)]
pub struct System {
    /// From the client to the database.
    pub layers: Vec<Layer>,
    /// The database.
    pub database: Rc<Database>,
}

impl System {
    /// Empty tiers in front of `database`.
    #[must_use]
    pub fn new(
        plans: &[LayerPlan],
        database: Rc<Database>,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
        luck: Luck,
    ) -> Self {
        let layer = |(level, plan): (usize, &LayerPlan)| Layer {
            tier: Tier::new(&plan.tier, level, kernel, meter, luck),
            pattern: plan.pattern,
            defence: plan.defence.build(kernel),
        };
        Self {
            layers: plans.iter().enumerate().map(layer).collect(),
            database,
        }
    }

    /// Reads the row of the request's key.
    ///
    /// # Errors
    /// The failure of the database query that the request depends on.
    #[inline]
    pub async fn read(&self, request: &Request) -> Result<Answer, Failure> {
        let Some(layer) = self.layers.first() else {
            return self.query(request).await;
        };
        match layer.pattern.read {
            Read::Aside => aside::read(self, request).await,
        }
    }

    /// Writes the row of the request's key.
    ///
    /// # Errors
    /// The failure of the database query.
    #[inline]
    pub async fn write(&self, request: &Request) -> Result<(), Failure> {
        let Some(layer) = self.layers.first() else {
            return self
                .database
                .write(request.index, request.key)
                .await
                .map(drop);
        };
        match layer.pattern.write {
            Write::Invalidate => invalidate::write(self, request).await,
        }
    }

    async fn query(&self, request: &Request) -> Result<Answer, Failure> {
        let row = self.database.read(request.index, request.key).await?;
        Ok(Answer {
            row,
            outcome: ReadOutcome::Miss,
        })
    }
}
