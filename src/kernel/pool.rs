//! Memory that is used again and again for what comes and goes with every miss.
//!
//! Blocks of a few sizes, last in, first out: what was just given back is still in the processor's
//! caches. The allocator's own lists end at a size that most [parts](super::Apart) exceed.
//!
//! Not here: what lies in the blocks.

use std::alloc::{self, Layout};
use std::ptr::NonNull;

/// Blocks are multiples of so many bytes, ...
const STEP_BYTES: usize = 128;
/// ... and no larger than so many; what is larger is left to the allocator.
const STEPS: usize = 32;
const ALIGN_BYTES: usize = 16;

/// Free blocks, by size.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: [Vec<NonNull<u8>>; STEPS],
}

/// The size of the block for `layout`, in steps from 0, if the pool has such.
#[inline]
fn step(layout: Layout) -> Option<usize> {
    let step = layout.size().checked_sub(1)? / STEP_BYTES;
    (step < STEPS && layout.align() <= ALIGN_BYTES).then_some(step)
}

#[inline]
fn block(step: usize) -> Layout {
    let bytes = (step + 1) * STEP_BYTES;
    Layout::from_size_align(bytes, ALIGN_BYTES).expect("a small power of two")
}

impl Pool {
    /// Memory for a value of that layout, not of size 0.
    #[inline]
    pub(super) fn take(&mut self, layout: Layout) -> NonNull<u8> {
        let Some(step) = step(layout) else {
            return allocate(layout);
        };
        match self.free[step].pop() {
            Some(free) => free,
            None => allocate(block(step)),
        }
    }

    /// Gives memory back.
    ///
    /// # Safety
    /// It was taken from this pool for the same layout, and nobody uses it any more.
    #[inline]
    pub(super) unsafe fn give(&mut self, memory: NonNull<u8>, layout: Layout) {
        match step(layout) {
            Some(step) => self.free[step].push(memory),
            // SAFETY: it was allocated with this very layout.
            None => unsafe { alloc::dealloc(memory.as_ptr(), layout) },
        }
    }
}

#[cold]
fn allocate(layout: Layout) -> NonNull<u8> {
    assert!(layout.size() > 0, "what has no size needs no memory");
    // SAFETY: the size is not 0.
    let memory = unsafe { alloc::alloc(layout) };
    NonNull::new(memory).unwrap_or_else(|| alloc::handle_alloc_error(layout))
}

impl Drop for Pool {
    fn drop(&mut self) {
        for (step, blocks) in self.free.iter().enumerate() {
            for memory in blocks {
                // SAFETY: it was allocated with this layout, and lies in one list only.
                unsafe { alloc::dealloc(memory.as_ptr(), block(step)) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_last_is_taken_first_by_who_needs_as_much() {
        let mut pool = Pool::default();
        let [small, medium] = [100, 200].map(|bytes| Layout::from_size_align(bytes, 8).unwrap());
        let [one, other] = [pool.take(small), pool.take(small)];
        let larger = pool.take(medium);
        assert_ne!(one, other);
        // SAFETY: they were taken above, for these layouts.
        unsafe {
            pool.give(one, small);
            pool.give(larger, medium);
            pool.give(other, small);
        }
        let nearly = Layout::from_size_align(128, 16).unwrap();
        assert_eq!(pool.take(nearly), other);
        assert_eq!(pool.take(small), one);
        assert_eq!(pool.take(medium), larger);
        // SAFETY: as above.
        unsafe {
            pool.give(one, small);
            pool.give(larger, medium);
            pool.give(other, nearly);
        }
    }

    #[test]
    fn what_is_large_or_oddly_aligned_is_left_to_the_allocator() {
        let mut pool = Pool::default();
        for (bytes, align) in [(STEPS * STEP_BYTES + 1, 8), (100, 64)] {
            let layout = Layout::from_size_align(bytes, align).unwrap();
            let memory = pool.take(layout);
            assert_eq!(memory.as_ptr() as usize % align, 0);
            // SAFETY: it was taken above, for this layout.
            unsafe { pool.give(memory, layout) };
        }
        assert!(pool.free.iter().all(Vec::is_empty));
    }
}
