//! The kernel: a clock, a calendar of events, tasks, and what tasks wait for.
//!
//! Simulated activities are plain `async fn`s. A leaf future ([`Sleep`], [`Acquire`], [`Receive`])
//! notes the number of the task that polls it; when what it waits for comes, that task is polled
//! again. Nothing is ever polled to see whether it is ready: tasks are woken.
//!
//! What is guaranteed:
//!
//! 1. Time is whole nanoseconds and never runs backwards.
//! 2. What happens at one instant happens in the order in which it was scheduled: timers, wake-ups
//!    and starts of tasks draw their numbers from one sequence.
//! 3. Cancelling is dropping. A dropped waiter leaves its queue, or hands on the permit that it was
//!    just given; a timer of a task that is gone wakes nobody.
//! 4. A calendar that runs empty while tasks are still waiting is a [`Deadlock`], which names them.
//!
//! Not here: anything about caches, and random numbers (see `random`).

mod apart;
mod broadcast;
mod calendar;
mod combine;
mod executor;
mod interruption;
mod one_of;
mod ongoing;
mod pool;
mod rare;
mod resource;
mod together;
#[cfg(test)]
mod tests;

pub(crate) use apart::Apart;
pub use broadcast::{Broadcast, BroadcastId, Receive};
pub use combine::{Either, TimedOut, join, join_all, race};
pub use executor::{Deadlock, Executor, Label, Spawner};
pub use interruption::Interruption;
pub use one_of::OneOf;
pub use ongoing::Ongoing;
pub use rare::{Rare, rarely};
pub use resource::{Acquire, Discipline, OwnedPermit, Permit, Refused, Resource, Usage};
pub use together::{Together, together};

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use crate::units::Nanoseconds;
use calendar::Calendar;

/// What is [carried](Kernel::carried), if anything.
pub type Burden = Option<[u64; 2]>;

/// A task, or a part of one that is polled by itself: its slot, and the generation of that slot, so that
/// a number kept for too long points at nobody rather than at a newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskId {
    slot: u32,
    generation: u32,
}

impl TaskId {
    /// No task at all, and no part of one.
    const NOBODY: Self = Self {
        slot: u32::MAX,
        generation: u32::MAX,
    };
}

/// What is to be done at the present instant.
#[derive(Clone, Copy, Debug)]
enum Ready {
    /// Poll this task.
    Wake(TaskId),
    /// Start the spawner's oldest job.
    Start,
    /// Start the oldest background task.
    StartBackground,
}

/// A task that is rare enough to be boxed: a generator, a sweeper, a query that its caller may
/// abandon.
pub type Background = Pin<Box<dyn Future<Output = ()>>>;

/// The clock and the calendar of one run. Single-threaded; shared by reference counting.
pub struct Kernel {
    now_ns: Cell<Nanoseconds>,
    /// Number of the next thing to be scheduled: the order within an instant.
    sequence: Cell<u64>,
    calendar: RefCell<Calendar>,
    ready: RefCell<VecDeque<(u64, Ready)>>,
    background: RefCell<VecDeque<(Label, Background)>>,
    /// Parts of tasks that are polled by themselves.
    parts: RefCell<apart::Parts>,
    /// The memory of the parts.
    pool: RefCell<pool::Pool>,
    carried: Rc<Cell<Burden>>,
    current: Cell<TaskId>,
    stopped: Cell<bool>,
    events: Cell<u64>,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Kernel");
        shown
            .field("now_ns", &self.now_ns.get())
            .field("events", &self.events.get());
        shown.finish_non_exhaustive()
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// A kernel at time 0 with nothing to do.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now_ns: Cell::new(0),
            sequence: Cell::new(0),
            calendar: RefCell::new(Calendar::new()),
            ready: RefCell::new(VecDeque::new()),
            background: RefCell::new(VecDeque::new()),
            parts: RefCell::new(apart::Parts::new()),
            pool: RefCell::default(),
            carried: Rc::default(),
            current: Cell::new(TaskId::NOBODY),
            stopped: Cell::new(false),
            events: Cell::new(0),
        }
    }

    /// The present instant.
    #[inline]
    pub fn now(&self) -> Nanoseconds {
        self.now_ns.get()
    }

    /// How many events have been carried out: timers, wake-ups and starts.
    pub fn events(&self) -> u64 {
        self.events.get()
    }

    /// Waits for `duration_ns`. Zero does not wait at all.
    #[inline]
    pub fn sleep(&self, duration_ns: Nanoseconds) -> Sleep<'_> {
        self.sleep_until(self.now().saturating_add(duration_ns))
    }

    /// Waits until the instant `until_ns`; not at all if that is past.
    #[inline]
    pub fn sleep_until(&self, until_ns: Nanoseconds) -> Sleep<'_> {
        Sleep {
            kernel: self,
            until_ns,
            scheduled: false,
        }
    }

    /// Starts a background task at the present instant, after all that is scheduled already. It
    /// outlives whoever asked for it. Work that comes with every request is better a job of the
    /// [`Spawner`], which allocates nothing.
    pub fn spawn(&self, label: Label, task: impl Future<Output = ()> + 'static) {
        let sequence = self.next_sequence();
        self.background
            .borrow_mut()
            .push_back((label, Box::pin(task)));
        self.ready
            .borrow_mut()
            .push_back((sequence, Ready::StartBackground));
    }

    /// Where those who follow tasks leave whatever is to be at hand while a task is polled, and whom a
    /// part of one is for when it is polled by itself. The kernel makes nothing of it.
    #[must_use]
    pub fn carried(&self) -> Rc<Cell<Burden>> {
        self.carried.clone()
    }

    /// Ends the run after the present event, whatever is left in the calendar.
    pub fn stop(&self) {
        self.stopped.set(true);
    }

    /// Runs `future` for at most `duration_ns`, then drops it. If both come at one instant, what was
    /// scheduled first wins.
    ///
    /// # Errors
    /// [`TimedOut`] when the time is over first.
    pub async fn timeout<F: Future>(
        &self,
        duration_ns: Nanoseconds,
        future: F,
    ) -> Result<F::Output, TimedOut> {
        match race(future, self.sleep(duration_ns)).await {
            Either::Left(output) => Ok(output),
            Either::Right(()) => Err(TimedOut),
        }
    }

    /// The task that is being polled.
    #[inline]
    fn current(&self) -> TaskId {
        self.current.get()
    }

    #[inline]
    fn next_sequence(&self) -> u64 {
        let sequence = self.sequence.get();
        self.sequence.set(sequence + 1);
        sequence
    }

    /// Polls `task` again at the present instant, after all that is scheduled already.
    #[inline]
    fn wake(&self, task: TaskId) {
        let sequence = self.next_sequence();
        self.ready
            .borrow_mut()
            .push_back((sequence, Ready::Wake(task)));
    }

    /// Has the task that is being polled polled again at the instant `until_ns`, and says whether that is
    /// still to come: what a [`Sleep`] does when it is first polled, for leaf futures written by hand.
    #[inline]
    pub(crate) fn wake_at(&self, until_ns: Nanoseconds) -> bool {
        let is_to_come = self.now() < until_ns;
        if is_to_come {
            self.schedule(until_ns, self.current());
        }
        is_to_come
    }

    /// As [`Kernel::wake_at`], for who will probably be at an end then.
    #[inline]
    pub(crate) fn wake_at_last(&self, until_ns: Nanoseconds) -> bool {
        let is_to_come = self.now() < until_ns;
        if is_to_come {
            let TaskId { slot, generation } = self.current();
            let hint = if slot & apart::PART != 0 {
                apart::LAST
            } else {
                0
            };
            let slot = slot | hint;
            self.schedule(until_ns, TaskId { slot, generation });
        }
        is_to_come
    }

    #[inline]
    fn schedule(&self, at_ns: Nanoseconds, task: TaskId) {
        let sequence = self.next_sequence();
        self.calendar.borrow_mut().push(at_ns, sequence, task);
    }
}

/// The future of [`Kernel::sleep`].
#[derive(Debug)]
pub struct Sleep<'a> {
    kernel: &'a Kernel,
    until_ns: Nanoseconds,
    scheduled: bool,
}

impl Future for Sleep<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.kernel.now() >= self.until_ns {
            return Poll::Ready(());
        }
        if !self.scheduled {
            self.scheduled = true;
            self.kernel.schedule(self.until_ns, self.kernel.current());
        }
        Poll::Pending
    }
}
