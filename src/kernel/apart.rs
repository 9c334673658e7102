//! Futures that are polled by themselves: what waits far down is woken without passing through
//! everything above it.
//!
//! A task is a tree of futures, one awaiting the next, and polling it means going from the root down to
//! the leaf that waits. A request that has missed one tier after another is a deep tree, and it is woken
//! a few times in each. [`Kernel::apart`] makes a future of such a tree a *part* with a number of its
//! own: leaves below it note that number, so the executor polls the part, and the tree above it only once
//! the part has ended. That is one event all the same: whoever awaits the part goes on at once.
//!
//! Nothing else changes. The part belongs to the future that awaits it, begins when that is first
//! polled, and is dropped with it. What was [carried](Kernel::carried) then is at hand whenever the part is
//! polled.
//!
//! Not here: tasks, which nobody need wait for (see `executor`).

use std::alloc::Layout;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll};

use super::{Burden, Kernel, TaskId};
use crate::prefetch::prefetch_bytes;

/// The bit of [`TaskId`]'s slot that says that it is a part.
pub(super) const PART: u32 = 1 << 31;

/// The bit that says, of a part that is woken by a timer, that it will probably come to its end then. It
/// is no more than a hint.
pub(super) const LAST: u32 = 1 << 30;

const NONE: u32 = u32::MAX;

/// A future that is polled by itself, and what came of it.
///
/// What its place leads to comes first: whoever is woken is fetched from memory ahead of time as one
/// piece.
#[repr(C)]
struct Part<T, F: ?Sized> {
    header: Header,
    output: Option<T>,
    future: F,
}

/// What has to be known of a part to poll it.
#[derive(Clone, Copy)]
struct Header {
    /// How it goes on.
    go_on: GoOn,
    /// Who awaits it.
    parent: TaskId,
    burden: Burden,
}

/// Polls the part that begins there; whether it has come to its end.
///
/// # Safety
/// It does not move until it is dropped, and has not ended; nobody else refers to it.
type GoOn = unsafe fn(NonNull<Header>, &mut Context<'_>) -> bool;

impl<T, F: Future<Output = T>> Part<T, F> {
    /// See [`GoOn`].
    unsafe fn go_on(header: NonNull<Header>, context: &mut Context<'_>) -> bool {
        // SAFETY: a header is the beginning of its part, of which the caller says the rest.
        let part = unsafe { header.cast::<Self>().as_mut() };
        // SAFETY: the caller says that it does not move.
        let future = unsafe { Pin::new_unchecked(&mut part.future) };
        match future.poll(context) {
            Poll::Ready(output) => {
                part.output = Some(output);
                true
            }
            Poll::Pending => false,
        }
    }
}

/// Where a part is. As small as can be, so that all places are at hand.
#[derive(Clone, Copy)]
struct Place {
    /// `None` if the place is free.
    part: Option<NonNull<Header>>,
    generation: u32,
    /// The size of the part, or the next free place.
    bytes_or_next: u32,
}

/// The parts that are under way.
pub(super) struct Parts {
    places: Vec<Place>,
    free: u32,
}

impl Parts {
    pub(super) fn new() -> Self {
        Self {
            places: Vec::new(),
            free: NONE,
        }
    }

    #[inline]
    fn add(&mut self, part: NonNull<Header>, bytes: usize) -> TaskId {
        if self.free == NONE {
            self.free = self.places.len() as u32;
            self.places.push(Place {
                part: None,
                generation: 0,
                bytes_or_next: NONE,
            });
        }
        let slot = self.free;
        let place = &mut self.places[slot as usize];
        self.free = place.bytes_or_next;
        place.part = Some(part);
        place.bytes_or_next = bytes as u32;
        TaskId {
            slot: slot | PART,
            generation: place.generation,
        }
    }

    /// The place of a part that is under way.
    #[inline]
    fn place(&self, task: TaskId) -> Option<(NonNull<Header>, usize)> {
        let place = self.places.get((task.slot & !(PART | LAST)) as usize)?;
        let part = place.part?;
        (place.generation == task.generation).then_some((part, place.bytes_or_next as usize))
    }

    /// The part has ended, or is dropped; nothing if it has left already.
    #[inline]
    fn remove(&mut self, task: TaskId) {
        let slot = task.slot & !(PART | LAST);
        let place = &mut self.places[slot as usize];
        if place.generation != task.generation {
            return;
        }
        place.part = None;
        place.generation = place.generation.wrapping_add(1);
        place.bytes_or_next = self.free;
        self.free = slot;
    }
}

impl Kernel {
    /// The future that `make` makes, as a part of the task that awaits it: see the module's text.
    ///
    /// A closure that borrows a local variable keeps that in the future of its caller; one that is
    /// `move` does not.
    #[inline]
    pub(crate) fn apart<'a, F: Future + 'a>(
        &'a self,
        make: impl FnOnce() -> F,
    ) -> Apart<'a, F::Output> {
        let memory = self
            .pool
            .borrow_mut()
            .take(Layout::new::<Part<F::Output, F>>());
        let part = memory.cast::<Part<F::Output, F>>().as_ptr();
        // SAFETY: the memory is for such a part, and nobody else's.
        unsafe {
            part.write(Part {
                header: Header {
                    go_on: Part::<F::Output, F>::go_on,
                    parent: TaskId::NOBODY,
                    burden: None,
                },
                output: None,
                future: make(),
            });
        }
        Apart {
            kernel: self,
            part,
            task: None,
            owns: PhantomData,
        }
    }

    /// Has the processor fetch a part. Says who awaits it, if that is probably next.
    #[inline]
    pub(super) fn announce_part(&self, task: TaskId) -> Option<TaskId> {
        let (part, bytes) = self.parts.borrow().place(task)?;
        prefetch_bytes(part.as_ptr().cast(), bytes);
        if task.slot & LAST == 0 {
            return None;
        }
        // SAFETY: a part that has a place is alive.
        Some(unsafe { part.as_ref().parent })
    }

    /// Polls a part; if it has ended, says who awaits it.
    #[inline]
    pub(super) fn poll_part(&self, task: TaskId, context: &mut Context<'_>) -> Option<TaskId> {
        let (part, _) = self.parts.borrow().place(task)?;
        // SAFETY: the part is alive, since its owner takes it out of its place before it is dropped.
        let Header {
            go_on,
            parent,
            burden,
        } = unsafe { *part.as_ref() };
        self.current.set(TaskId {
            slot: task.slot & !LAST,
            ..task
        });
        self.carried.set(burden);
        // SAFETY: as above; it is in memory of its own, so it does not move; nobody else refers to it, since
        // its owner does so only while it is polled or dropped itself, which nothing that the part does
        // brings about. It has not ended, since it leaves its place then.
        let has_ended = unsafe { go_on(part, context) };
        self.carried.set(None);
        has_ended.then(|| {
            self.parts.borrow_mut().remove(task);
            parent
        })
    }
}

/// The future of [`Kernel::apart`].
pub(crate) struct Apart<'a, T> {
    kernel: &'a Kernel,
    part: *mut Part<T, dyn Future<Output = T> + 'a>,
    /// Its number, once it has begun.
    task: Option<TaskId>,
    owns: PhantomData<Box<Part<T, dyn Future<Output = T> + 'a>>>,
}

impl<T> Apart<'_, T> {
    #[inline]
    fn take(&mut self) -> Option<T> {
        // SAFETY: the part is alive until `self` is dropped, and nobody refers to it: it is being
        // polled by nobody but `self`.
        unsafe { (*self.part).output.take() }
    }

    /// Gives the part its number, and polls it for the first time.
    #[inline]
    fn begin(&mut self, context: &mut Context<'_>) {
        let kernel = self.kernel;
        let parent = kernel.current();
        let header = NonNull::new(self.part.cast::<Header>()).expect("memory is somewhere");
        // SAFETY: the part is alive until `self` is dropped, and begins with its header; nobody else refers
        // to it yet.
        let (bytes, go_on) = unsafe {
            let header = &mut *header.as_ptr();
            (header.parent, header.burden) = (parent, kernel.carried.get());
            (size_of_val(&*self.part), header.go_on)
        };
        let task = kernel.parts.borrow_mut().add(header, bytes);
        self.task = Some(task);
        kernel.current.set(task);
        // SAFETY: as above, and the part does not move and has not ended.
        let has_ended = unsafe { go_on(header, context) };
        kernel.current.set(parent);
        if has_ended {
            kernel.parts.borrow_mut().remove(task);
        }
    }
}

// What is pinned is the part, behind the pointer.
impl<T> Unpin for Apart<'_, T> {}

impl<T> Future for Apart<'_, T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if self.task.is_none() {
            self.begin(context);
        }
        self.take().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T> Drop for Apart<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(task) = self.task {
            self.kernel.parts.borrow_mut().remove(task);
        }
        // SAFETY: the part is alive until here, where it is dropped once, and its memory was taken from
        // the pool for this very layout.
        unsafe {
            let layout = Layout::for_value(&*self.part);
            ptr::drop_in_place(self.part);
            let memory = NonNull::new_unchecked(self.part.cast::<u8>());
            self.kernel.pool.borrow_mut().give(memory, layout);
        }
    }
}
