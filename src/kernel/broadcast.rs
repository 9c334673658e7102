//! A value that is sent once to any number of waiting tasks.
//!
//! Used where several requests wait for one piece of work (a fetch that they share, a query that
//! goes on when its caller has given up). The channels are recycled: opening one allocates nothing
//! once as many have been open at a time before.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::{Kernel, TaskId};

/// One open channel. Names nobody once it is closed and all who waited have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroadcastId {
    slot: u32,
}

#[derive(Debug)]
struct Channel<T> {
    waiting: Vec<TaskId>,
    /// `None` until closed; then what was sent, or `None` if the sender gave up.
    outcome: Option<Option<T>>,
    /// Futures that may still ask for the outcome.
    receivers: u32,
}

/// All channels for values of one type.
#[derive(Debug)]
pub struct Broadcast<T> {
    kernel: Rc<Kernel>,
    channels: RefCell<(Vec<Channel<T>>, Vec<u32>)>,
}

impl<T: Clone> Broadcast<T> {
    /// No channel yet.
    #[must_use]
    pub fn new(kernel: Rc<Kernel>) -> Self {
        Self {
            kernel,
            channels: RefCell::new((Vec::new(), Vec::new())),
        }
    }

    /// Opens a channel. It must be closed by [`Broadcast::close`].
    pub fn open(&self) -> BroadcastId {
        let mut guard = self.channels.borrow_mut();
        let (channels, free) = &mut *guard;
        let slot = free.pop().unwrap_or_else(|| {
            channels.push(Channel {
                waiting: Vec::new(),
                outcome: None,
                receivers: 0,
            });
            (channels.len() - 1) as u32
        });
        BroadcastId { slot }
    }

    /// Sends `outcome` to all who wait (`None`: there will be no value), in the order in which they
    /// came, and ends the channel: `id` must not be used again.
    pub fn close(&self, id: BroadcastId, outcome: Option<T>) {
        let mut guard = self.channels.borrow_mut();
        let (channels, free) = &mut *guard;
        let channel = &mut channels[id.slot as usize];
        for task in channel.waiting.drain(..) {
            self.kernel.wake(task);
        }
        if channel.receivers == 0 {
            free.push(id.slot);
        } else {
            channel.outcome = Some(outcome);
        }
    }

    /// Waits for the channel's value. The future must be made while the channel is open.
    pub fn receive(&self, id: BroadcastId) -> Receive<'_, T> {
        self.channels.borrow_mut().0[id.slot as usize].receivers += 1;
        Receive {
            broadcast: self,
            id,
            noted: None,
        }
    }

    /// How many wait or may still ask on this open channel.
    pub fn receivers(&self, id: BroadcastId) -> u32 {
        self.channels.borrow().0[id.slot as usize].receivers
    }
}

/// The future of [`Broadcast::receive`]: the value, or `None` if the sender gave up.
#[derive(Debug)]
pub struct Receive<'a, T> {
    broadcast: &'a Broadcast<T>,
    id: BroadcastId,
    noted: Option<TaskId>,
}

impl<T: Clone> Future for Receive<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        let mut guard = self.broadcast.channels.borrow_mut();
        let channel = &mut guard.0[self.id.slot as usize];
        if let Some(outcome) = &channel.outcome {
            return Poll::Ready(outcome.clone());
        }
        let current = self.broadcast.kernel.current();
        if self.noted != Some(current) {
            channel.waiting.push(current);
            drop(guard);
            self.noted = Some(current);
        }
        Poll::Pending
    }
}

impl<T> Drop for Receive<'_, T> {
    fn drop(&mut self) {
        let mut guard = self.broadcast.channels.borrow_mut();
        let (channels, free) = &mut *guard;
        let channel = &mut channels[self.id.slot as usize];
        channel.receivers -= 1;
        let mut leftover = None;
        if let Some(noted) = self.noted
            && channel.outcome.is_none()
            && let Some(position) = channel.waiting.iter().position(|&task| task == noted)
        {
            channel.waiting.remove(position);
        }
        if channel.receivers == 0 && channel.outcome.is_some() {
            leftover = channel.outcome.take();
            free.push(self.id.slot);
        }
        drop(guard);
        // Dropping a value may run its owner's code; no borrow may be held then.
        drop(leftover);
    }
}
