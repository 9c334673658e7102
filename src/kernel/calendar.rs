//! The calendar: a priority queue of timers, ordered by (time, sequence).
//!
//! A radix heap: as no timer is ever set before the present instant, timers need not be sorted
//! against each other, only put apart from an instant in the past, the *base*. A timer lies in the
//! bucket of the highest hexadecimal digit in which its time differs from the base, and of the value of
//! that digit there. The earliest timers lie in the lowest bucket of all. While these are few the
//! earliest is looked for among them; if they are many the base moves to it, and the bucket is dealt out
//! again, downwards. A timer is so moved a few times, at most once per digit, whatever the number of
//! timers. Many timers of one instant, which cannot be dealt out any further, are sorted by their
//! sequence when it comes.
//!
//! A timer is never taken out before its time; one whose task is gone is recognised by the task's
//! generation when it comes up.
//!
//! From Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the shortest path problem", Journal
//! of the ACM 37 (1990), with buckets of digits in place of bits, and without dealing out what is few.

use std::cmp::Reverse;

use super::TaskId;
use crate::units::Nanoseconds;

const DIGIT_BITS: u32 = 4;
const VALUES: usize = 1 << DIGIT_BITS;
const DIGITS: usize = u64::BITS as usize / DIGIT_BITS as usize;
const BUCKETS: usize = DIGITS * VALUES;
/// A bucket of more timers than this is dealt out, or sorted, when the first of them is due.
const FEW: usize = 8;

#[derive(Clone, Copy, Debug)]
struct Timer {
    at_ns: Nanoseconds,
    sequence: u64,
    task: TaskId,
}

impl Timer {
    #[inline]
    fn is_before(&self, other: &Self) -> bool {
        self.at_ns < other.at_ns || (self.at_ns == other.at_ns && self.sequence < other.sequence)
    }
}

/// Where the earliest timer lies.
#[derive(Clone, Copy, Debug)]
enum Earliest {
    /// Nobody has looked yet.
    Unknown,
    /// In a bucket, at a place there.
    In { bucket: u8, index: u32 },
    /// At the end of those that are sorted.
    Sorted,
}

/// The calendar of one kernel.
pub(super) struct Calendar {
    /// An instant that is not after the present, nor after any timer.
    base_ns: Nanoseconds,
    /// By digit and value.
    buckets: Box<[Vec<Timer>; BUCKETS]>,
    /// Which digits have timers, as bits.
    digits: u16,
    /// Which values of each digit have timers, as bits.
    values: [u16; DIGITS],
    /// Timers of one instant, the first at the end.
    sorted: Vec<Timer>,
    earliest: Earliest,
    /// When the earliest timer is due; 0 while that is unknown.
    earliest_ns: Nanoseconds,
}

impl Calendar {
    /// An empty calendar at time 0.
    pub(super) fn new() -> Self {
        Self {
            base_ns: 0,
            buckets: Box::new(std::array::from_fn(|_| Vec::new())),
            digits: 0,
            values: [0; DIGITS],
            sorted: Vec::new(),
            earliest: Earliest::Unknown,
            earliest_ns: 0,
        }
    }

    /// Sets a timer, not before the present.
    #[inline]
    pub(super) fn push(&mut self, at_ns: Nanoseconds, sequence: u64, task: TaskId) {
        debug_assert!(at_ns >= self.base_ns, "nothing is set in the past");
        let bucket = self.put(Timer {
            at_ns,
            sequence,
            task,
        });
        if at_ns < self.earliest_ns {
            self.earliest_ns = at_ns;
            self.earliest = Earliest::In {
                bucket: bucket as u8,
                index: self.buckets[bucket].len() as u32 - 1,
            };
        }
    }

    #[inline]
    fn put(&mut self, timer: Timer) -> usize {
        // Times that do not differ at all lie where those do that differ in the lowest digit.
        let differing = (self.base_ns ^ timer.at_ns) | 1;
        let digit = differing.ilog2() / DIGIT_BITS;
        let value = (timer.at_ns >> (digit * DIGIT_BITS)) as usize & (VALUES - 1);
        let digit = digit as usize & (DIGITS - 1);
        self.digits |= 1 << digit;
        self.values[digit] |= 1 << value;
        let bucket = digit * VALUES + value;
        self.buckets[bucket].push(timer);
        bucket
    }

    /// Looks for the earliest timer, among at most so many. Whether it is known then.
    #[inline]
    fn find(&mut self, most: usize) -> bool {
        if !matches!(self.earliest, Earliest::Unknown) {
            return true;
        }
        if self.digits == 0 {
            return self.find_sorted();
        }
        let digit = self.digits.trailing_zeros() as usize & (DIGITS - 1);
        let value = self.values[digit].trailing_zeros() as usize & (VALUES - 1);
        let bucket = digit * VALUES + value;
        let timers = &self.buckets[bucket][..];
        let [first, others @ ..] = timers else {
            return false;
        };
        if others.len() >= most {
            return false;
        }
        let (mut earliest, mut index) = (first, 0);
        for (other, timer) in others.iter().enumerate() {
            if timer.is_before(earliest) {
                (earliest, index) = (timer, other + 1);
            }
        }
        if self.sorted.last().is_some_and(|it| it.is_before(earliest)) {
            return self.find_sorted();
        }
        self.earliest_ns = earliest.at_ns;
        self.earliest = Earliest::In {
            bucket: bucket as u8,
            index: index as u32,
        };
        true
    }

    fn find_sorted(&mut self) -> bool {
        let Some(timer) = self.sorted.last() else {
            return false;
        };
        self.earliest_ns = timer.at_ns;
        self.earliest = Earliest::Sorted;
        true
    }

    /// When the earliest timer is due.
    #[inline]
    pub(super) fn earliest_ns(&mut self) -> Option<Nanoseconds> {
        self.find(usize::MAX).then_some(self.earliest_ns)
    }

    #[inline]
    fn timer(&self) -> Option<&Timer> {
        match self.earliest {
            Earliest::Unknown => None,
            Earliest::In { bucket, index } => self.buckets[bucket as usize].get(index as usize),
            Earliest::Sorted => self.sorted.last(),
        }
    }

    /// The number of the earliest timer, if that is due at `now_ns`.
    #[inline]
    pub(super) fn first_due(&mut self, now_ns: Nanoseconds) -> Option<u64> {
        if !self.find(usize::MAX) || self.earliest_ns != now_ns {
            return None;
        }
        self.timer().map(|timer| timer.sequence)
    }

    /// The task of the earliest timer, where that is known without much of a search.
    #[inline]
    pub(super) fn next_task(&mut self) -> Option<TaskId> {
        self.find(FEW);
        self.timer().map(|timer| timer.task)
    }

    /// Takes out the earliest timer: the present is now its time.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<TaskId> {
        self.find(usize::MAX);
        let earliest = std::mem::replace(&mut self.earliest, Earliest::Unknown);
        let now_ns = std::mem::replace(&mut self.earliest_ns, 0);
        let timer = match earliest {
            Earliest::Unknown => None,
            Earliest::In { bucket, index } => {
                let bucket = bucket as usize;
                let timers = &mut self.buckets[bucket];
                if timers.len() > FEW {
                    return self.pop_from_many(bucket, now_ns);
                }
                let timer = timers.swap_remove(index as usize);
                if timers.is_empty() {
                    self.clear(bucket);
                }
                Some(timer)
            }
            Earliest::Sorted => self.sorted.pop(),
        };
        timer.map(|timer| timer.task)
    }

    #[inline]
    fn clear(&mut self, bucket: usize) {
        let (digit, value) = (bucket / VALUES, bucket % VALUES);
        self.values[digit] &= !(1 << value);
        if self.values[digit] == 0 {
            self.digits &= !(1 << digit);
        }
    }

    /// As [`Calendar::pop`], from the lowest bucket, which is dealt out: the base moves to the present.
    /// The timers in all other buckets differ from the new base where they differed from the old one.
    #[inline(never)]
    fn pop_from_many(&mut self, bucket: usize, now_ns: Nanoseconds) -> Option<TaskId> {
        self.base_ns = now_ns;
        self.clear(bucket);
        let mut timers = std::mem::take(&mut self.buckets[bucket]);
        if bucket < VALUES {
            // They are all of this instant.
            debug_assert!(self.sorted.is_empty(), "one instant at a time");
            self.sorted.append(&mut timers);
            self.sorted
                .sort_unstable_by_key(|timer| Reverse(timer.sequence));
        } else {
            for timer in timers.drain(..) {
                self.put(timer);
            }
        }
        self.buckets[bucket] = timers;
        self.pop()
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

    /// How many timers are set, after how long each, and how many of all are taken out then: now and then
    /// many, so that buckets are full.
    fn steps() -> impl Strategy<Value = Vec<(Vec<Nanoseconds>, usize)>> {
        let few = prop::collection::vec(delay_ns(), 0..3);
        let many = prop::collection::vec(delay_ns(), 0..60);
        prop::collection::vec((prop_oneof![4 => few, 1 => many], 0usize..12), 0..60)
    }

    proptest! {
        #[test]
        fn timers_come_out_by_time_and_then_in_the_order_in_which_they_were_set(
            steps in steps(),
            announced in any::<u64>(),
        ) {
            let mut calendar = Calendar::new();
            let mut model: Vec<(u64, u64)> = Vec::new();
            let mut now_ns: Nanoseconds = 0;
            let mut sequence = 0;
            for (step, (delays_ns, pops)) in steps.into_iter().enumerate() {
                for delay_ns in delays_ns {
                    sequence += 1;
                    let at_ns = now_ns.saturating_add(delay_ns);
                    let task = TaskId { slot: sequence as u32, generation: 0 };
                    calendar.push(at_ns, sequence, task);
                    model.push((at_ns, sequence));
                }
                model.sort_unstable();
                for _ in 0..pops {
                    let earliest = model.first().copied();
                    let announces = announced >> (step % 64) & 1 == 1;
                    if announces && let Some(task) = calendar.next_task() {
                        prop_assert_eq!(Some(u64::from(task.slot)), earliest.map(|it| it.1));
                    }
                    prop_assert_eq!(calendar.earliest_ns(), earliest.map(|it| it.0));
                    if let Some((at_ns, sequence)) = earliest {
                        prop_assert_eq!(calendar.first_due(at_ns), Some(sequence));
                    }
                    let got = calendar.pop().map(|task| u64::from(task.slot));
                    prop_assert_eq!(got, earliest.map(|it| it.1));
                    let Some((at_ns, _)) = earliest else { break };
                    now_ns = at_ns;
                    model.remove(0);
                }
            }
            for (at_ns, want) in model {
                prop_assert_eq!(calendar.earliest_ns(), Some(at_ns));
                let got = calendar.pop().map(|task| u64::from(task.slot));
                prop_assert_eq!(got, Some(want));
            }
            prop_assert_eq!(calendar.earliest_ns(), None);
            prop_assert_eq!(calendar.pop().map(|task| task.slot), None);
        }
    }
}
