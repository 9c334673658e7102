//! What the benches of the timed simulation use as the bare floor of an event: a plain priority queue.
//!
//! It is a heap with four children a node, the calendar that anybody would write, and not the one of
//! the kernel: a floor that became faster with the simulation would hide what the simulation gains.

const ARITY: usize = 4;

/// A heap of (time, sequence).
#[derive(Default)]
pub struct Calendar {
    timers: Vec<(u128, u64)>,
}

impl Calendar {
    /// Sets a timer; `sequence` breaks ties.
    #[inline]
    pub fn push(&mut self, at_ns: u64, sequence: u64) {
        let order = (u128::from(at_ns) << 64) | u128::from(sequence);
        let mut hole = self.timers.len();
        self.timers.push((order, sequence));
        while hole > 0 {
            let parent = (hole - 1) / ARITY;
            if self.timers[parent].0 <= order {
                break;
            }
            self.timers[hole] = self.timers[parent];
            hole = parent;
        }
        self.timers[hole] = (order, sequence);
    }

    /// Takes out the earliest timer and says when it was due.
    #[inline]
    pub fn pop(&mut self) -> Option<u64> {
        let last = self.timers.pop()?;
        let Some(&first) = self.timers.first() else {
            return Some((last.0 >> 64) as u64);
        };
        let count = self.timers.len();
        let mut hole = 0;
        loop {
            let first_child = hole * ARITY + 1;
            if first_child >= count {
                break;
            }
            let children = first_child..(first_child + ARITY).min(count);
            let least = children.min_by_key(|&child| self.timers[child].0);
            let least = least.expect("there is a first child");
            if last.0 <= self.timers[least].0 {
                break;
            }
            self.timers[hole] = self.timers[least];
            hole = least;
        }
        self.timers[hole] = last;
        Some((first.0 >> 64) as u64)
    }
}
