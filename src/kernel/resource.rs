//! A resource: a number of servers, and a queue in front of them, first come, first served unless its
//! [`Discipline`] says otherwise.
//!
//! A permit that comes back is handed to a waiter at once, so a newcomer never takes a server that
//! somebody waits for. Waiters are woken, never polled.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::{Kernel, TaskId};
use crate::units::Nanoseconds;

const NONE: u32 = u32::MAX;

/// Somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The queue was full.
    #[error("the queue is full")]
    Full,
    /// It had waited for longer than the queue's discipline allows.
    #[error("waited for too long")]
    Late,
}

/// Whom a queue serves next, and whom it turns away when it has not been empty for a while: an
/// *overload*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discipline {
    /// The queue is overloaded when it has not been empty for so long.
    pub interval_ns: Nanoseconds,
    /// Whether the last to come is served first under overload.
    pub newest_first: bool,
    /// Under overload, who has waited for longer than this is turned away instead of served;
    /// otherwise, who has waited for longer than `interval_ns`. `None` turns nobody away.
    pub target_ns: Option<Nanoseconds>,
}

/// How much a resource was used since [`Resource::reset_usage`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Busy servers, integrated over time: server-nanoseconds.
    pub busy_area_ns: u128,
    /// Waiters, integrated over time.
    pub queue_area_ns: u128,
    /// The most that were in service and waiting at one instant.
    pub inflight_max: u64,
    /// The most that waited at one instant.
    pub queue_max: u64,
    /// How many were refused because the queue was full.
    pub refused: u64,
    /// How many were turned away because they had waited for too long.
    pub late: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaiterState {
    Free,
    Waiting,
    Granted,
    TurnedAway,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    task: TaskId,
    state: WaiterState,
    /// When it came.
    since_ns: Nanoseconds,
    previous: u32,
    /// The next in the queue, or the next free waiter.
    next: u32,
}

#[derive(Debug)]
struct State {
    servers: u32,
    queue_limit: u32,
    busy: u32,
    queued: u32,
    waiters: Vec<Waiter>,
    head: u32,
    tail: u32,
    free: u32,
    usage: Usage,
    accounted_until_ns: Nanoseconds,
    /// `None` for first come, first served.
    discipline: Option<Discipline>,
    /// When the queue was empty for the last time.
    last_empty_ns: Nanoseconds,
}

impl State {
    /// Brings the integrals up to the present, before `busy` or `queued` changes.
    #[inline]
    fn account(&mut self, now_ns: Nanoseconds) {
        let elapsed = u128::from(now_ns - self.accounted_until_ns);
        if elapsed > 0 {
            self.usage.busy_area_ns += elapsed * u128::from(self.busy);
            self.usage.queue_area_ns += elapsed * u128::from(self.queued);
            self.accounted_until_ns = now_ns;
        }
    }

    #[inline]
    fn note_peaks(&mut self) {
        let queued = u64::from(self.queued);
        self.usage.queue_max = self.usage.queue_max.max(queued);
        self.usage.inflight_max = self.usage.inflight_max.max(queued + u64::from(self.busy));
    }

    fn enqueue(&mut self, task: TaskId, now_ns: Nanoseconds) -> u32 {
        if self.queued == 0 {
            self.last_empty_ns = now_ns;
        }
        let waiter = Waiter {
            task,
            state: WaiterState::Waiting,
            since_ns: now_ns,
            previous: self.tail,
            next: NONE,
        };
        let index = if self.free == NONE {
            self.waiters.push(waiter);
            (self.waiters.len() - 1) as u32
        } else {
            let index = self.free;
            self.free = self.waiters[index as usize].next;
            self.waiters[index as usize] = waiter;
            index
        };
        match self.tail {
            NONE => self.head = index,
            tail => self.waiters[tail as usize].next = index,
        }
        self.tail = index;
        self.queued += 1;
        index
    }

    fn unlink(&mut self, index: u32) {
        let Waiter { previous, next, .. } = self.waiters[index as usize];
        match previous {
            NONE => self.head = next,
            _ => self.waiters[previous as usize].next = next,
        }
        match next {
            NONE => self.tail = previous,
            _ => self.waiters[next as usize].previous = previous,
        }
        self.queued -= 1;
    }

    fn recycle(&mut self, index: u32) {
        let waiter = &mut self.waiters[index as usize];
        waiter.state = WaiterState::Free;
        waiter.next = self.free;
        self.free = index;
    }
}

/// A number of servers with a queue. See the module's text.
#[derive(Debug)]
pub struct Resource {
    kernel: Rc<Kernel>,
    state: RefCell<State>,
}

impl Resource {
    /// `servers` servers, and room for `queue_limit` waiters (`None`: any number).
    ///
    /// # Panics
    /// With no server at all, which the checks of a scenario exclude.
    #[must_use]
    pub fn new(kernel: Rc<Kernel>, servers: u32, queue_limit: Option<u32>) -> Self {
        Self::with_discipline(kernel, servers, queue_limit, None)
    }

    /// As [`Resource::new`], with a queue of this discipline.
    ///
    /// # Panics
    /// With no server at all, which the checks of a scenario exclude.
    #[must_use]
    pub fn with_discipline(
        kernel: Rc<Kernel>,
        servers: u32,
        queue_limit: Option<u32>,
        discipline: Option<Discipline>,
    ) -> Self {
        assert!(servers > 0, "a resource needs a server");
        let accounted_until_ns = kernel.now();
        let state = State {
            servers,
            queue_limit: queue_limit.unwrap_or(u32::MAX),
            busy: 0,
            queued: 0,
            waiters: Vec::new(),
            head: NONE,
            tail: NONE,
            free: NONE,
            usage: Usage::default(),
            accounted_until_ns,
            discipline,
            last_empty_ns: accounted_until_ns,
        };
        Self {
            kernel,
            state: RefCell::new(state),
        }
    }

    /// Waits for a server. Dropping the permit gives it back.
    ///
    /// # Errors
    /// The future gives [`Refused::Full`] at once if all servers are busy and the queue is full, and
    /// [`Refused::Late`] if the discipline turns it away.
    #[inline]
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire {
            resource: self,
            stage: Stage::New,
        }
    }

    /// A server, if one is free: as [`Resource::acquire`] for whoever need not wait.
    #[inline]
    pub fn acquire_free(&self) -> Option<Permit<'_>> {
        let mut state = self.state.borrow_mut();
        state.account(self.kernel.now());
        if state.busy >= state.servers {
            return None;
        }
        state.busy += 1;
        state.note_peaks();
        Some(Permit { resource: self })
    }

    /// As [`Resource::acquire`], with a permit that keeps the resource alive and may go where it likes.
    ///
    /// # Errors
    /// As [`Resource::acquire`].
    pub async fn acquire_owned(resource: &Rc<Self>) -> Result<OwnedPermit, Refused> {
        let permit = resource.acquire().await?;
        // Its server is given back by the one that takes its place.
        std::mem::forget(permit);
        Ok(OwnedPermit(resource.clone()))
    }

    /// Servers that are busy at present.
    pub fn busy(&self) -> u32 {
        self.state.borrow().busy
    }

    /// Waiters at present.
    pub fn queued(&self) -> u32 {
        self.state.borrow().queued
    }

    /// How much it was used since the last reset, up to the present.
    pub fn usage(&self) -> Usage {
        let mut state = self.state.borrow_mut();
        state.account(self.kernel.now());
        state.usage
    }

    /// Starts measuring anew: what is in service and waiting now counts as a first peak.
    pub fn reset_usage(&self) {
        let mut state = self.state.borrow_mut();
        state.account(self.kernel.now());
        state.usage = Usage::default();
        state.note_peaks();
    }

    #[inline]
    fn release(&self) {
        let mut state = self.state.borrow_mut();
        state.account(self.kernel.now());
        let next = match state.discipline {
            None => state.head,
            Some(discipline) => self.choose(&mut state, discipline),
        };
        if next == NONE {
            state.busy -= 1;
        } else {
            // The server goes on to the next in line without being free in between.
            self.call(&mut state, next, WaiterState::Granted);
        }
    }

    /// Takes a waiter out of the queue and tells it what has become of it.
    #[inline]
    fn call(&self, state: &mut State, index: u32, outcome: WaiterState) {
        state.unlink(index);
        let waiter = &mut state.waiters[index as usize];
        waiter.state = outcome;
        self.kernel.wake(waiter.task);
    }

    /// Turns away who has waited for too long, and says who is next; nobody if nobody is left.
    #[inline(never)]
    fn choose(&self, state: &mut State, discipline: Discipline) -> u32 {
        let now_ns = self.kernel.now();
        let is_overloaded = now_ns - state.last_empty_ns > discipline.interval_ns;
        if let Some(target_ns) = discipline.target_ns {
            let patience_ns = match is_overloaded {
                true => target_ns,
                false => discipline.interval_ns,
            };
            // The first in the queue has waited longest.
            let is_late = |waiter: &Waiter| now_ns.saturating_sub(waiter.since_ns) > patience_ns;
            while let Some(first) = state.waiters.get(state.head as usize)
                && is_late(first)
            {
                let head = state.head;
                state.usage.late += 1;
                self.call(state, head, WaiterState::TurnedAway);
            }
        }
        match is_overloaded && discipline.newest_first {
            true => state.tail,
            false => state.head,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    New,
    Queued(u32),
    Done,
}

/// The future of [`Resource::acquire`].
#[derive(Debug)]
pub struct Acquire<'a> {
    resource: &'a Resource,
    stage: Stage,
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<Permit<'a>, Refused>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let resource = self.resource;
        if matches!(self.stage, Stage::New)
            && let Some(permit) = resource.acquire_free()
        {
            self.stage = Stage::Done;
            return Poll::Ready(Ok(permit));
        }
        let mut state = resource.state.borrow_mut();
        match self.stage {
            Stage::New => {
                if state.queued >= state.queue_limit {
                    state.usage.refused += 1;
                    self.stage = Stage::Done;
                    return Poll::Ready(Err(Refused::Full));
                }
                let index = state.enqueue(resource.kernel.current(), resource.kernel.now());
                state.note_peaks();
                self.stage = Stage::Queued(index);
                Poll::Pending
            }
            Stage::Queued(index) => match state.waiters[index as usize].state {
                WaiterState::Granted => {
                    state.recycle(index);
                    self.stage = Stage::Done;
                    Poll::Ready(Ok(Permit { resource }))
                }
                WaiterState::TurnedAway => {
                    state.recycle(index);
                    self.stage = Stage::Done;
                    Poll::Ready(Err(Refused::Late))
                }
                WaiterState::Waiting | WaiterState::Free => Poll::Pending,
            },
            Stage::Done => Poll::Pending,
        }
    }
}

impl Drop for Acquire<'_> {
    #[inline]
    fn drop(&mut self) {
        let Stage::Queued(index) = self.stage else {
            return;
        };
        let mut state = self.resource.state.borrow_mut();
        let granted = state.waiters[index as usize].state == WaiterState::Granted;
        if state.waiters[index as usize].state == WaiterState::Waiting {
            state.account(self.resource.kernel.now());
            state.unlink(index);
        }
        state.recycle(index);
        drop(state);
        if granted {
            // The permit came in the same instant in which its waiter was dropped: hand it on.
            self.resource.release();
        }
    }
}

/// The right to one server, until dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once serves nobody"]
pub struct Permit<'a> {
    resource: &'a Resource,
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.resource.release();
    }
}

/// A [`Permit`] that borrows nothing.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once serves nobody"]
pub struct OwnedPermit(Rc<Resource>);

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        self.0.release();
    }
}
