//! The executor: tasks in recycled slots, and the loop that carries out one event after another.
//!
//! The tasks that come with every request are one type of future, made by one function from a *job*
//! (plain data), so that spawning is pushing a job and a slot's memory is used again and again
//! without allocation. All others are boxed [`Background`] tasks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use super::apart::PART;
use super::{Background, Kernel, Ready, TaskId};
use crate::prefetch::prefetch_whole;
use crate::units::Nanoseconds;

/// What a task is called in a [`Deadlock`]: a kind and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// What the task does, for example `request`.
    pub kind: &'static str,
    /// Which one of its kind.
    pub number: u64,
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind, self.number)
    }
}

/// Tasks that wait while nothing is left in the calendar: nobody will ever wake them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Deadlock {
    /// When the calendar ran empty.
    pub at_ns: Nanoseconds,
    /// The tasks that wait, in the order of their slots.
    pub waiting: Vec<Label>,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 10;
        write!(
            formatter,
            "at {} ns nothing is left to happen, but {} tasks wait: ",
            self.at_ns,
            self.waiting.len()
        )?;
        for (index, label) in self.waiting.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{label}")?;
        }
        if self.waiting.len() > SHOWN {
            write!(formatter, " and {} more", self.waiting.len() - SHOWN)?;
        }
        Ok(())
    }
}

/// Where jobs are left for the executor to start.
#[derive(Debug)]
pub struct Spawner<J> {
    jobs: RefCell<VecDeque<J>>,
}

impl<J> Default for Spawner<J> {
    fn default() -> Self {
        Self {
            jobs: RefCell::new(VecDeque::new()),
        }
    }
}

impl<J> Spawner<J> {
    /// Starts `job` as a task at the present instant, after all that is scheduled already.
    #[inline]
    pub fn spawn(&self, kernel: &Kernel, job: J) {
        let sequence = kernel.next_sequence();
        self.jobs.borrow_mut().push_back(job);
        kernel
            .ready
            .borrow_mut()
            .push_back((sequence, Ready::Start));
    }
}

struct Slot<F> {
    generation: u32,
    label: Label,
    /// `None` between two tasks; the memory stays.
    future: Pin<Box<Option<F>>>,
    /// In place of `future`.
    background: Option<Background>,
}

impl<F> Slot<F> {
    fn is_live(&self) -> bool {
        self.future.is_some() || self.background.is_some()
    }
}

/// The tasks of one run.
pub struct Executor<F, M> {
    slots: Vec<Slot<F>>,
    free: Vec<u32>,
    make: M,
}

impl<F, M> fmt::Debug for Executor<F, M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Executor")
            .field("slots", &self.slots.len())
            .finish_non_exhaustive()
    }
}

impl<F: Future<Output = ()>, M> Executor<F, M> {
    /// An executor whose tasks are made from jobs by `make`.
    pub fn new(make: M) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            make,
        }
    }

    /// How many tasks have started and not ended.
    #[must_use]
    pub fn live(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Carries out everything that is due before `until_ns`, then sets the clock to `until_ns`.
    /// Returns whether the run goes on: false once [`Kernel::stop`] was called (the clock then stays)
    /// or nothing is left to do and no task waits.
    ///
    /// # Errors
    /// [`Deadlock`] if the calendar runs empty while tasks wait.
    pub fn run_until<J>(
        &mut self,
        kernel: &Kernel,
        spawner: &Spawner<J>,
        until_ns: Nanoseconds,
    ) -> Result<bool, Deadlock>
    where
        M: FnMut(J) -> (Label, F),
    {
        let mut context = Context::from_waker(Waker::noop());
        let mut events = 0;
        let going_on = loop {
            if kernel.stopped.get() {
                break false;
            }
            let waiting = kernel.ready.borrow().front().copied();
            let task = match waiting {
                Some((ready_sequence, ready)) => {
                    let mut calendar = kernel.calendar.borrow_mut();
                    let due = calendar.first_due(kernel.now());
                    // A timer of this very instant that was set before the wake-up was asked for.
                    if due.is_some_and(|sequence| sequence < ready_sequence) {
                        calendar.pop().expect("a timer was seen")
                    } else {
                        drop(calendar);
                        kernel.ready.borrow_mut().pop_front();
                        self.begin(kernel, spawner, ready)
                    }
                }
                None => {
                    let mut calendar = kernel.calendar.borrow_mut();
                    match calendar.earliest_ns() {
                        Some(at_ns) if at_ns < until_ns => {
                            kernel.now_ns.set(at_ns);
                            let task = calendar.pop().expect("a timer was seen");
                            if let Some(next) = calendar.next_task() {
                                self.announce(kernel, next);
                            }
                            task
                        }
                        Some(_) => break true,
                        None if self.live() == 0 => break false,
                        None => return Err(self.deadlock(kernel)),
                    }
                }
            };
            events += 1;
            self.poll(kernel, task, &mut context);
        };
        kernel.events.set(kernel.events.get() + events);
        if !kernel.stopped.get() && kernel.now() < until_ns {
            kernel.now_ns.set(until_ns);
        }
        Ok(going_on)
    }

    /// The task that is woken, or that of the job that is started.
    #[inline]
    fn begin<J>(&mut self, kernel: &Kernel, spawner: &Spawner<J>, ready: Ready) -> TaskId
    where
        M: FnMut(J) -> (Label, F),
    {
        match ready {
            Ready::Wake(task) => task,
            Ready::Start => {
                let job = spawner.jobs.borrow_mut().pop_front();
                let (label, future) = (self.make)(job.expect("each start has its job"));
                let (task, slot) = self.slot(label);
                slot.future.set(Some(future));
                task
            }
            Ready::StartBackground => {
                let job = kernel.background.borrow_mut().pop_front();
                let (label, background) = job.expect("each start has its job");
                let (task, slot) = self.slot(label);
                slot.background = Some(background);
                task
            }
        }
    }

    /// Has the processor fetch the task that is next, while the present one is polled.
    #[inline]
    fn announce(&self, kernel: &Kernel, next: TaskId) {
        let mut next = next;
        if next.slot & PART != 0 {
            match kernel.announce_part(next) {
                Some(parent) => next = parent,
                None => return,
            }
        }
        if next.slot & PART != 0 {
            kernel.announce_part(next);
        } else if let Some(slot) = self.slots.get(next.slot as usize) {
            prefetch_whole(&*slot.future);
        }
    }

    /// An empty slot.
    #[inline]
    fn slot(&mut self, label: Label) -> (TaskId, &mut Slot<F>) {
        let index = self.free.pop().unwrap_or_else(|| {
            let future = Box::pin(None);
            self.slots.push(Slot {
                generation: 0,
                label,
                future,
                background: None,
            });
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        slot.label = label;
        (
            TaskId {
                slot: index,
                generation: slot.generation,
            },
            slot,
        )
    }

    #[inline]
    fn poll(&mut self, kernel: &Kernel, task: TaskId, context: &mut Context<'_>) {
        let mut task = task;
        while task.slot & PART != 0 {
            match kernel.poll_part(task, context) {
                Some(parent) => task = parent,
                None => {
                    kernel.current.set(TaskId::NOBODY);
                    return;
                }
            }
        }
        let Some(slot) = self.slots.get_mut(task.slot as usize) else {
            return;
        };
        if slot.generation != task.generation {
            return;
        }
        kernel.current.set(task);
        let progress = match slot.future.as_mut().as_pin_mut() {
            Some(future) => future.poll(context),
            None => match &mut slot.background {
                Some(background) => background.as_mut().poll(context),
                None => return,
            },
        };
        if progress.is_ready() {
            // Dropping what is left of the future may wake others, but never touches the slots.
            slot.future.set(None);
            slot.background = None;
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(task.slot);
        }
        kernel.current.set(TaskId::NOBODY);
    }

    fn deadlock(&self, kernel: &Kernel) -> Deadlock {
        let live = self.slots.iter().filter(|slot| slot.is_live());
        let waiting = live.map(|slot| slot.label).collect();
        Deadlock {
            at_ns: kernel.now(),
            waiting,
        }
    }
}
