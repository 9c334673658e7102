//! Hints to the processor: what will be needed soon, so that it is fetched while other work goes on.
//!
//! Simulated requests touch memory in an order that no processor foresees, but that the simulator often
//! knows a little ahead. A hint changes no result and does nothing on processors that have none.

/// Bytes that a processor fetches at a time.
const LINE_BYTES: usize = 64;

/// Asks the processor to fetch `slice[index]`, if there is one: its first line and its last.
#[inline]
pub fn prefetch<T>(slice: &[T], index: usize) {
    if let Some(element) = slice.get(index) {
        let first = std::ptr::from_ref(element).cast::<u8>();
        prefetch_from(first);
        // An element whose size divides a line's lies in one.
        if !LINE_BYTES.is_multiple_of(size_of::<T>().max(1)) {
            prefetch_from(first.wrapping_add(size_of::<T>() - 1));
        }
    }
}

/// Asks the processor to fetch all of `value`.
#[inline]
pub fn prefetch_whole<T>(value: &T) {
    prefetch_bytes(std::ptr::from_ref(value).cast(), size_of::<T>());
}

/// Asks the processor to fetch so many bytes from `address` on.
#[inline]
pub fn prefetch_bytes(address: *const u8, bytes: usize) {
    for offset in (0..bytes).step_by(LINE_BYTES) {
        prefetch_from(address.wrapping_add(offset));
    }
}

/// Asks the processor to fetch the line of `address`.
#[inline]
fn prefetch_from(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that the program could see, and faults at no address. It
        // pays: see the benches `replay` and `timed`.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
