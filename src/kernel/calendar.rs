//! The calendar: a priority queue of timers, ordered by (time, sequence).
//!
//! A heap with four children a node: half as deep as a binary heap, and the four children lie in
//! one or two cache lines. A timer is never taken out before its time; one whose task is gone is
//! recognised by the task's generation when it comes up.

use super::TaskId;
use crate::units::Nanoseconds;

const ARITY: usize = 4;

#[derive(Clone, Copy, Debug)]
struct Timer {
    at_ns: Nanoseconds,
    sequence: u64,
    task: TaskId,
}

impl Timer {
    /// Time and sequence as one integer, so that a comparison has no branch.
    #[inline]
    fn order(&self) -> u128 {
        (u128::from(self.at_ns) << 64) | u128::from(self.sequence)
    }
}

/// The calendar of one kernel.
#[derive(Debug, Default)]
pub struct Calendar {
    timers: Vec<Timer>,
}

impl Calendar {
    /// An empty calendar.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many timers are set.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timers.len()
    }

    /// Whether no timer is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timers.is_empty()
    }

    /// The earliest timer's time and sequence.
    #[inline]
    pub(super) fn peek(&self) -> Option<(Nanoseconds, u64)> {
        self.timers
            .first()
            .map(|timer| (timer.at_ns, timer.sequence))
    }

    /// The task of the earliest timer.
    #[inline]
    pub(super) fn peek_task(&self) -> Option<TaskId> {
        self.timers.first().map(|timer| timer.task)
    }

    /// Sets a timer.
    #[inline]
    pub(super) fn push(&mut self, at_ns: Nanoseconds, sequence: u64, task: TaskId) {
        let timer = Timer {
            at_ns,
            sequence,
            task,
        };
        let mut hole = self.timers.len();
        self.timers.push(timer);
        let order = timer.order();
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.timers[parent].order() <= order {
                break;
            }
            self.timers[hole] = self.timers[parent];
            hole = parent;
        }
        self.timers[hole] = timer;
    }

    /// Takes out the earliest timer.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<(Nanoseconds, TaskId)> {
        let last = self.timers.pop()?;
        let Some(&first) = self.timers.first() else {
            return Some((last.at_ns, last.task));
        };
        let count = self.timers.len();
        let order = last.order();
        let mut hole = 0;
        loop {
            let first_child = hole * ARITY + 1;
            if first_child >= count {
                break;
            }
            let mut least = first_child;
            let mut least_order = self.timers[first_child].order();
            for child in first_child + 1..(first_child + ARITY).min(count) {
                let child_order = self.timers[child].order();
                if child_order < least_order {
                    least = child;
                    least_order = child_order;
                }
            }
            if order <= least_order {
                break;
            }
            self.timers[hole] = self.timers[least];
            hole = least;
        }
        self.timers[hole] = last;
        Some((first.at_ns, first.task))
    }
}

/// A calendar without tasks, for the bench that measures the floor of the simulation's cost.
impl Calendar {
    /// Sets a timer for nobody; `sequence` breaks ties.
    #[inline]
    pub fn push_for_nobody(&mut self, at_ns: Nanoseconds, sequence: u64) {
        self.push(at_ns, sequence, TaskId::NOBODY);
    }

    /// Takes out the earliest timer and says when it was due.
    #[inline]
    pub fn pop_time(&mut self) -> Option<Nanoseconds> {
        self.pop().map(|(at_ns, _)| at_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn timers_come_out_by_time_and_then_in_the_order_in_which_they_were_set(
            times in prop::collection::vec(0u64..20, 0..200),
            pops_between in prop::collection::vec(0usize..3, 0..200),
        ) {
            let mut calendar = Calendar::new();
            let mut model: Vec<(u64, u64)> = Vec::new();
            let mut pops = pops_between.into_iter();
            for (sequence, &at_ns) in times.iter().enumerate() {
                let sequence = sequence as u64;
                calendar.push(at_ns, sequence, TaskId { slot: sequence as u32, generation: 0 });
                model.push((at_ns, sequence));
                for _ in 0..pops.next().unwrap_or(0) {
                    model.sort_unstable();
                    let want = if model.is_empty() { None } else { Some(model.remove(0)) };
                    prop_assert_eq!(calendar.peek(), want);
                    let got = calendar.pop().map(|(at, task)| (at, u64::from(task.slot)));
                    prop_assert_eq!(got, want);
                }
            }
            model.sort_unstable();
            for want in model {
                let got = calendar.pop().map(|(at, task)| (at, u64::from(task.slot)));
                prop_assert_eq!(got, Some(want));
            }
            prop_assert!(calendar.is_empty());
        }
    }
}
