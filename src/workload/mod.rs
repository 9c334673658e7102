//! The workload: when requests arrive, what they ask for, and how large the rows are.
//!
//! A [`Plan`] is what a scenario says, checked: its parts can only be built by constructors that
//! refuse what makes no sense with a [`ParameterError`]. A [`Workload`] is one replication of it: a
//! source of [`Draw`]s that depend on the seed, the replication and the number of the request only,
//! so that request 17 asks for the same key in every variant. Arrival instants come from
//! [`arrivals::Arrivals`] and [`arrivals::ClosedLoop`].
//!
//! Everything that has a name in a scenario is one row of a table ([`distribution::TABLE`],
//! [`arrivals::TABLE`], [`arrivals::CURVES`], [`popularity::TABLE`]): the checker, the help and the
//! documentation are derived from those.
//!
//! Not here: how quantities are written (`scenario`), what a client does with an answer (`client`),
//! and the rows themselves (`database`).

use crate::random::{Luck, Stream, mix};
use crate::units::{Key, Nanoseconds};

use distribution::Distribution;
use popularity::{Keys, Popularity};

pub mod arrivals;
pub mod distribution;
pub mod parameters;
pub mod popularity;
mod request;
mod special;

pub use parameters::{Argument, Arguments, Kind, Parameter, ParameterError, Row};
pub use request::Request;

/// What is asked, how often and of which size, as checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When requests arrive.
    pub arrivals: arrivals::Plan,
    /// Which keys are asked for.
    pub keys: Keys,
    /// Share of the requests that are reads, in 0..=1; the others are writes.
    pub read_share: f64,
    /// Size of a row's value, in bytes.
    pub value_size: Distribution,
}

impl Plan {
    /// A plan whose parts fit together.
    ///
    /// # Errors
    /// When `read_share` is not in 0..=1 (named `reads`, as in a scenario).
    pub fn new(
        arrivals: arrivals::Plan,
        keys: Keys,
        read_share: f64,
        value_size: Distribution,
    ) -> Result<Self, ParameterError> {
        parameters::share("reads", read_share)?;
        Ok(Self {
            arrivals,
            keys,
            read_share,
            value_size,
        })
    }
}

/// What a request does to its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It asks for the row.
    Read,
    /// It changes the row (or, under `latest`, inserts the next one).
    Write,
}

/// What one request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The row.
    pub key: Key,
    /// What is done to it.
    pub operation: Operation,
}

/// One replication's requests: what each of them asks for.
#[derive(Clone, Debug)]
pub struct Workload {
    requests: Stream,
    sizes: Stream,
    read_share: f64,
    value_size: Distribution,
    /// The size of all values, if they have but one.
    constant_bytes: Option<u32>,
    popularity: Popularity,
}

impl Workload {
    /// The requests of `plan` under `luck`.
    #[must_use]
    pub fn new(plan: &Plan, luck: Luck) -> Self {
        Self {
            requests: luck.stream("workload.request"),
            sizes: luck.stream("workload.value_size"),
            read_share: plan.read_share,
            constant_bytes: plan.value_size.as_constant().map(bytes),
            value_size: plan.value_size.clone(),
            popularity: Popularity::new(&plan.keys, luck),
        }
    }

    /// What request number `index`, issued at `now`, asks for.
    ///
    /// Every draw depends on `index` alone; `now` matters for drifting keys only. Two of the
    /// distributions remember how often they were asked (`latest` counts inserted rows,
    /// `sequential` its position), so requests are to be drawn once each, in the order of their
    /// numbers.
    #[inline]
    pub fn draw(&mut self, index: u64, now: Nanoseconds) -> Draw {
        let mut draws = self.requests.at(index);
        // One draw whatever the share is: changing `reads` must not change the keys.
        let operation = if draws.chance(self.read_share) {
            Operation::Read
        } else {
            Operation::Write
        };
        let key = self.popularity.draw(&mut draws, operation, now);
        Draw { key, operation }
    }

    /// Size in bytes of version `version` of row `key`: the same whenever it is asked for, so a row
    /// keeps its size until it is written. At most `u32::MAX`.
    #[inline]
    #[must_use]
    pub fn value_bytes(&self, key: Key, version: u64) -> u32 {
        if let Some(bytes) = self.constant_bytes {
            return bytes;
        }
        let index = mix(key).wrapping_add(version);
        bytes(self.value_size.sample(&mut self.sizes.at(index)))
    }

    /// The keys and how often each is asked for: ranks, hot keys, probabilities.
    #[must_use]
    pub fn popularity(&self) -> &Popularity {
        &self.popularity
    }

    /// The key that is asked for most often, or second most often, ... at `now`; rank 1 is the
    /// hottest. `None` if there are fewer keys. See [`Popularity::key_of_rank`].
    #[must_use]
    pub fn key_of_rank(&self, rank: u64, now: Nanoseconds) -> Option<Key> {
        self.popularity.key_of_rank(rank, now)
    }

    /// The rank of a key at `now`, 1 being the hottest; `None` if it is never asked for or has no
    /// rank. See [`Popularity::rank_of`].
    #[must_use]
    pub fn rank_of(&self, key: Key, now: Nanoseconds) -> Option<u64> {
        self.popularity.rank_of(key, now)
    }
}

/// Rounds a size to whole bytes; saturates.
fn bytes(size: f64) -> u32 {
    (size + 0.5) as u32
}
