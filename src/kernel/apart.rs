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

const NONE: u32 = u32::MAX;

/// A future that is polled by itself, and what came of it.
struct Part<T, F: ?Sized> {
    output: Option<T>,
    future: F,
}

/// A [`Part`] of any kind.
trait Going {
    /// Whether it has come to its end.
    ///
    /// # Safety
    /// The part does not move until it is dropped, and has not ended.
    unsafe fn go_on(&mut self, context: &mut Context<'_>) -> bool;
}

impl<T, F: Future<Output = T>> Going for Part<T, F> {
    #[inline]
    unsafe fn go_on(&mut self, context: &mut Context<'_>) -> bool {
        // SAFETY: the caller says that it does not move.
        let future = unsafe { Pin::new_unchecked(&mut self.future) };
        match future.poll(context) {
            Poll::Ready(output) => {
                self.output = Some(output);
                true
            }
            Poll::Pending => false,
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    generation: u32,
    /// The next free place.
    next: u32,
    /// Who awaits the part.
    parent: TaskId,
    burden: Burden,
    part: Option<NonNull<dyn Going>>,
    /// Of the part.
    bytes: u32,
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
    fn add(
        &mut self,
        parent: TaskId,
        burden: Burden,
        part: NonNull<dyn Going>,
        bytes: usize,
    ) -> TaskId {
        if self.free == NONE {
            self.free = self.places.len() as u32;
            self.places.push(Place {
                generation: 0,
                next: NONE,
                parent,
                burden,
                part: None,
                bytes: 0,
            });
        }
        let slot = self.free;
        let place = &mut self.places[slot as usize];
        self.free = place.next;
        place.parent = parent;
        place.burden = burden;
        place.part = Some(part);
        place.bytes = bytes as u32;
        TaskId {
            slot: slot | PART,
            generation: place.generation,
        }
    }

    /// The part has ended, or is dropped; nothing if it has left already.
    #[inline]
    fn remove(&mut self, task: TaskId) {
        let slot = task.slot & !PART;
        if self.places[slot as usize].generation != task.generation {
            return;
        }
        let place = &mut self.places[slot as usize];
        place.part = None;
        place.generation = place.generation.wrapping_add(1);
        place.next = self.free;
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
                output: None,
                future: make(),
            });
        }
        let going: *mut (dyn Going + 'a) = part;
        // SAFETY: the pointer is used while the part is in its place only, and that it leaves when
        // the `Apart` is dropped, which `'a` outlives.
        let going = unsafe { std::mem::transmute::<*mut (dyn Going + 'a), *mut dyn Going>(going) };
        Apart {
            kernel: self,
            part,
            going,
            task: None,
            owns: PhantomData,
        }
    }

    /// Has the processor fetch a part, if it is one.
    #[inline]
    pub(super) fn announce_part(&self, task: TaskId) {
        let parts = self.parts.borrow();
        if let Some(place) = parts.places.get((task.slot & !PART) as usize)
            && let Some(part) = place.part
        {
            prefetch_bytes(part.as_ptr().cast(), place.bytes as usize);
        }
    }

    /// Polls a part; if it has ended, says who awaits it.
    #[inline]
    pub(super) fn poll_part(&self, task: TaskId, context: &mut Context<'_>) -> Option<TaskId> {
        let place = {
            let parts = self.parts.borrow();
            *parts.places.get((task.slot & !PART) as usize)?
        };
        if place.generation != task.generation {
            return None;
        }
        let mut part = place.part?;
        self.current.set(task);
        self.carried.set(place.burden);
        // SAFETY: the part is alive, since its owner takes it out of its place before it is dropped; it
        // is in memory of its own, so it does not move; nobody else refers to it, since its owner does so only while
        // it is polled or dropped itself, which nothing that the part does brings about. It has not
        // ended, since it leaves its place then.
        let has_ended = unsafe { part.as_mut().go_on(context) };
        self.carried.set(None);
        has_ended.then(|| {
            self.parts.borrow_mut().remove(task);
            place.parent
        })
    }
}

/// The future of [`Kernel::apart`].
pub(crate) struct Apart<'a, T> {
    kernel: &'a Kernel,
    part: *mut Part<T, dyn Future<Output = T> + 'a>,
    going: *mut dyn Going,
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
        let (parent, burden) = (kernel.current(), kernel.carried.get());
        let going = NonNull::new(self.going).expect("memory is somewhere");
        // SAFETY: the part is alive until `self` is dropped.
        let bytes = size_of_val(unsafe { &*self.part });
        let task = kernel.parts.borrow_mut().add(parent, burden, going, bytes);
        self.task = Some(task);
        kernel.current.set(task);
        // SAFETY: as above, and the part does not move and has not ended.
        let has_ended = unsafe { (*self.going).go_on(context) };
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
