//! The calendar: a priority queue of timers, ordered by (time, sequence).
//!
//! A radix heap: as no timer is ever set before the present instant, timers need not be sorted
//! against each other, only put apart from the present. A timer lies in the bucket of the highest
//! hexadecimal digit in which its time differs from the present, and of the value of that digit
//! there. The earliest timers lie in the lowest bucket of all; when the clock comes to it, it is
//! dealt out again, downwards. A timer is so moved a few times, at most once per digit, whatever the
//! number of timers, and never compared while it waits.
//!
//! Timers of one instant come out in the order in which they were set: each bucket keeps that order,
//! and a bucket is dealt out before anything is set in the ones below it.
//!
//! A timer is never taken out before its time; one whose task is gone is recognised by the task's
//! generation when it comes up.
//!
//! From Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the shortest path problem", Journal
//! of the ACM 37 (1990), with buckets of digits in place of bits.

use std::collections::VecDeque;

use super::TaskId;
use crate::units::Nanoseconds;

const DIGIT_BITS: u32 = 4;
const VALUES: usize = 1 << DIGIT_BITS;
const DIGITS: usize = u64::BITS as usize / DIGIT_BITS as usize;
/// The next timer is looked for in a bucket of no more timers than this, when it is only to be
/// announced.
const FEW: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Timer {
    at_ns: Nanoseconds,
    sequence: u64,
    task: TaskId,
}

/// The calendar of one kernel.
pub(super) struct Calendar {
    /// The present: no timer is earlier.
    now_ns: Nanoseconds,
    /// The timers of the present instant.
    due: VecDeque<Timer>,
    /// The others, by digit and value.
    buckets: Box<[[Vec<Timer>; VALUES]; DIGITS]>,
    /// Which digits have timers, as bits.
    digits: u16,
    /// Which values of each digit have timers, as bits.
    values: [u16; DIGITS],
}

/// The digit, counted from the lowest, in which two different times first differ, and its value in
/// `at_ns`.
#[inline]
fn place(now_ns: Nanoseconds, at_ns: Nanoseconds) -> (usize, usize) {
    let digit = (u64::BITS - 1 - (now_ns ^ at_ns).leading_zeros()) / DIGIT_BITS;
    let value = (at_ns >> (digit * DIGIT_BITS)) as usize & (VALUES - 1);
    (digit as usize, value)
}

impl Calendar {
    /// An empty calendar at time 0.
    pub(super) fn new() -> Self {
        Self {
            now_ns: 0,
            due: VecDeque::new(),
            buckets: Box::new(std::array::from_fn(|_| std::array::from_fn(|_| Vec::new()))),
            digits: 0,
            values: [0; DIGITS],
        }
    }

    /// Sets a timer, not before the present.
    #[inline]
    pub(super) fn push(&mut self, at_ns: Nanoseconds, sequence: u64, task: TaskId) {
        debug_assert!(at_ns >= self.now_ns, "nothing is set in the past");
        self.put(Timer {
            at_ns,
            sequence,
            task,
        });
    }

    #[inline]
    fn put(&mut self, timer: Timer) {
        if timer.at_ns == self.now_ns {
            self.due.push_back(timer);
            return;
        }
        let (digit, value) = place(self.now_ns, timer.at_ns);
        self.buckets[digit][value].push(timer);
        self.digits |= 1 << digit;
        self.values[digit] |= 1 << value;
    }

    /// The bucket with the earliest timers after the present instant.
    #[inline]
    fn lowest(&self) -> Option<(usize, usize)> {
        if self.digits == 0 {
            return None;
        }
        let digit = self.digits.trailing_zeros() as usize;
        Some((digit, self.values[digit].trailing_zeros() as usize))
    }

    /// The number of the first timer of the present instant.
    #[inline]
    pub(super) fn first_due(&self) -> Option<u64> {
        self.due.front().map(|timer| timer.sequence)
    }

    /// When the earliest timer is due.
    #[inline]
    pub(super) fn earliest_ns(&self) -> Option<Nanoseconds> {
        if !self.due.is_empty() {
            return Some(self.now_ns);
        }
        let (digit, value) = self.lowest()?;
        let timers = &self.buckets[digit][value];
        if digit == 0 {
            // They differ from the present in nothing but this digit.
            return timers.first().map(|timer| timer.at_ns);
        }
        timers.iter().map(|timer| timer.at_ns).min()
    }

    /// The task of the earliest timer, where that is known without much of a search.
    #[inline]
    pub(super) fn next_task(&self) -> Option<TaskId> {
        if let Some(timer) = self.due.front() {
            return Some(timer.task);
        }
        let (digit, value) = self.lowest()?;
        let timers = &self.buckets[digit][value];
        if timers.len() > FEW {
            return None;
        }
        let earliest = timers.iter().min_by_key(|timer| timer.at_ns);
        earliest.map(|timer| timer.task)
    }

    /// Moves the present to `now_ns`, which is neither before the present nor after any timer.
    #[inline]
    pub(super) fn advance(&mut self, now_ns: Nanoseconds) {
        if now_ns == self.now_ns {
            return;
        }
        debug_assert!(
            self.due.is_empty(),
            "timers are taken out when they are due"
        );
        let (digit, value) = place(self.now_ns, now_ns);
        self.now_ns = now_ns;
        // The timers in all other buckets differ from the new present where they differed from the
        // old one.
        if self.values[digit] & (1 << value) == 0 {
            return;
        }
        self.values[digit] &= !(1 << value);
        if self.values[digit] == 0 {
            self.digits &= !(1 << digit);
        }
        let mut timers = std::mem::take(&mut self.buckets[digit][value]);
        for timer in timers.drain(..) {
            self.put(timer);
        }
        self.buckets[digit][value] = timers;
    }

    /// Takes out the first timer of the present instant.
    #[inline]
    pub(super) fn pop_due(&mut self) -> Option<TaskId> {
        self.due.pop_front().map(|timer| timer.task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Times that are near, far, equal, and at both ends of what a time can be.
    fn delay_ns() -> impl Strategy<Value = Nanoseconds> {
        prop_oneof![
            0u64..20,
            0u64..5_000,
            any::<u64>(),
            (0u32..64).prop_map(|bits| 1 << bits),
        ]
    }

    proptest! {
        #[test]
        fn timers_come_out_by_time_and_then_in_the_order_in_which_they_were_set(
            steps in prop::collection::vec((delay_ns(), 0usize..3), 0..200),
            until in prop::collection::vec(0u64..3_000, 200),
        ) {
            let mut calendar = Calendar::new();
            let mut model: Vec<(u64, u64)> = Vec::new();
            let mut now_ns: Nanoseconds = 0;
            let mut until = until.into_iter();
            for (sequence, (delay_ns, pops)) in steps.into_iter().enumerate() {
                let sequence = sequence as u64;
                let at_ns = now_ns.saturating_add(delay_ns);
                calendar.push(at_ns, sequence, TaskId { slot: sequence as u32, generation: 0 });
                model.push((at_ns, sequence));
                model.sort_unstable();
                for _ in 0..pops {
                    let earliest = model.first().map(|&(at_ns, _)| at_ns);
                    prop_assert_eq!(calendar.earliest_ns(), earliest);
                    let Some(at_ns) = earliest else { break };
                    // As at the end of a run: the clock stops before the next timer.
                    let stop_ns = now_ns.saturating_add(until.next().unwrap_or(0));
                    if stop_ns < at_ns {
                        calendar.advance(stop_ns);
                    }
                    calendar.advance(at_ns);
                    now_ns = at_ns;
                    let (_, first) = model.remove(0);
                    prop_assert_eq!(calendar.first_due(), Some(first));
                    let next = calendar.next_task().map(|task| u64::from(task.slot));
                    prop_assert_eq!(next, Some(first));
                    let got = calendar.pop_due().map(|task| u64::from(task.slot));
                    prop_assert_eq!(got, Some(first));
                    // Timers of one instant are taken out before the clock goes on.
                    while calendar.first_due().is_some() {
                        let (due_ns, first) = model.remove(0);
                        prop_assert_eq!(due_ns, now_ns);
                        let got = calendar.pop_due().map(|task| u64::from(task.slot));
                        prop_assert_eq!(got, Some(first));
                    }
                }
            }
            for (at_ns, want) in model {
                prop_assert_eq!(calendar.earliest_ns(), Some(at_ns));
                calendar.advance(at_ns);
                let got = calendar.pop_due().map(|task| u64::from(task.slot));
                prop_assert_eq!(got, Some(want));
            }
            prop_assert_eq!(calendar.earliest_ns(), None);
        }
    }
}
