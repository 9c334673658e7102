//! The body of all limits of calls under way: each app instance has a limit of its own, and a rule
//! says how it moves with the end of each call.

use std::cell::RefCell;
use std::fmt;

use super::{Call, Ended, Guard};

/// How a limit moves.
pub(super) trait Rule: fmt::Debug {
    /// What is remembered of each instance beside its limit.
    type Memory: Clone + Default + fmt::Debug;

    /// The limit at first.
    fn initial(&self) -> f64;

    /// The limit after a call that was made has ended, `in_use` being how many were under way with it;
    /// `None` if it stays where it is.
    fn moved(
        &self,
        memory: &mut Self::Memory,
        limit: f64,
        in_use: f64,
        ended: Ended,
    ) -> Option<f64>;
}

/// The limit of one instance, and its calls under way.
#[derive(Clone, Debug)]
struct Limit<M> {
    limit: f64,
    calls: u64,
    memory: M,
}

/// The limits of all instances.
#[derive(Debug)]
pub(super) struct Limits<R: Rule> {
    rule: R,
    limits: RefCell<Vec<Limit<R::Memory>>>,
}

impl<R: Rule> Limits<R> {
    pub(super) fn new(rule: R, instances: u32) -> Self {
        let limit = Limit {
            limit: rule.initial(),
            calls: 0,
            memory: R::Memory::default(),
        };
        Self {
            rule,
            limits: RefCell::new(vec![limit; instances as usize]),
        }
    }
}

impl<R: Rule> Guard for Limits<R> {
    fn enter(&self, call: Call<'_>) -> Option<u64> {
        let limit = &mut self.limits.borrow_mut()[call.instance];
        let has_room = (limit.calls + 1) as f64 <= limit.limit;
        limit.calls += u64::from(has_room);
        has_room.then_some(0)
    }

    fn leave(&self, call: Call<'_>, _: u64, ended: Ended) {
        let limit = &mut self.limits.borrow_mut()[call.instance];
        let in_use = limit.calls as f64;
        limit.calls -= 1;
        if ended != Ended::NotMade
            && let Some(moved) = self
                .rule
                .moved(&mut limit.memory, limit.limit, in_use, ended)
        {
            limit.limit = moved;
        }
    }
}

/// What tests of rules do with them.
#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::metrics::GuardMeter;

    /// One instance makes as many calls at once as it may, `most` at most; all of them end alike. How
    /// many they were.
    pub(in super::super) fn round<R: Rule>(limits: &Limits<R>, most: usize, ended: Ended) -> usize {
        let meter = GuardMeter::default();
        let call = Call {
            instance: 0,
            now_ns: 0,
            meter: &meter,
        };
        let calls = (0..most).filter(|_| limits.enter(call).is_some()).count();
        (0..calls).for_each(|_| limits.leave(call, 0, ended));
        calls
    }
}
