//! Closed loops: users who wait for the answer, think, and ask again.

use crate::random::{Luck, Stream};
use crate::units::Nanoseconds;
use crate::workload::distribution::Distribution;
use crate::workload::parameters::ParameterError;

/// A closed loop: users who wait for the answer, think, and ask again.
#[derive(Clone, Debug)]
pub struct Closed {
    users: u32,
    think: Distribution,
}

impl Closed {
    /// The most users.
    pub const LARGEST: u32 = 1 << 24;

    /// `users` who think for a time drawn from `think` (nanoseconds) after each answer.
    ///
    /// # Errors
    /// When there is no user, or more than 2^24.
    pub fn new(users: u64, think: Distribution) -> Result<Self, ParameterError> {
        match u32::try_from(users) {
            Ok(users @ 1..=Self::LARGEST) => Ok(Self { users, think }),
            _ => Err(ParameterError::new(
                "users",
                format!("must be between 1 and 2^24, not {users}"),
            )),
        }
    }

    /// How many users there are.
    #[must_use]
    pub fn users(&self) -> u32 {
        self.users
    }

    /// How long they think, in nanoseconds.
    #[must_use]
    pub fn think(&self) -> &Distribution {
        &self.think
    }
}

/// The think times of one replication of a [`Closed`] loop.
#[derive(Clone, Debug)]
pub struct ClosedLoop {
    plan: Closed,
    stream: Stream,
}

impl ClosedLoop {
    /// The users of `plan` under `luck`.
    #[must_use]
    pub fn new(plan: &Closed, luck: Luck) -> Self {
        Self {
            plan: plan.clone(),
            stream: luck.stream("workload.think"),
        }
    }

    /// How many users there are; they are numbered from 0.
    #[must_use]
    pub fn users(&self) -> u32 {
        self.plan.users
    }

    /// When `user` asks for the first time: users are spread evenly over one think time (their own,
    /// of turn 0), so that a constant think time does not make them march in step.
    #[must_use]
    pub fn start_ns(&self, user: u32) -> Nanoseconds {
        let share = f64::from(user) / f64::from(self.plan.users);
        (self.think_ns(user, 0) as f64 * share) as Nanoseconds
    }

    /// How long `user` thinks after the answer number `turn`, counted from 1.
    #[inline]
    #[must_use]
    pub fn think_ns(&self, user: u32, turn: u64) -> Nanoseconds {
        // Users are below 2^24; 2^40 turns take longer than any run.
        let index = (u64::from(user) << 40) | (turn & ((1 << 40) - 1));
        self.plan.think.sample_u64(&mut self.stream.at(index))
    }
}
