//! Futures that are rarely needed, kept out of the way of those that always are.
//!
//! A future that another one awaits is part of it: of its size and, compiled, of its function, whose
//! stack frame holds what any of its parts needs. One that is boxed where it is awaited takes no room
//! in the future, but the frame still holds it while it is made, and its code lies in the middle of
//! that of every hit. Through [`rarely`] it is made and polled by functions of its own.

use std::future::Future;
use std::pin::Pin;

/// A future that is needed rarely.
pub type Rare<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The future that `make` makes, in memory and functions of its own.
///
/// A closure that borrows a local variable keeps that in the future of its caller; one that is
/// `move` does not.
#[cold]
#[inline(never)]
pub fn rarely<'a, F: Future + 'a>(make: impl FnOnce() -> F) -> Rare<'a, F::Output> {
    Box::pin(make())
}
