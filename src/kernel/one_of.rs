//! One of a few futures, which one being known when it is made.
//!
//! An `async fn` that only chooses what to await is a stage of its own: it is a state machine around the
//! others, and a branch whenever one of them is woken. A [`OneOf`] is polled in place.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The one that was chosen, of futures with one output.
pub enum OneOf<A, B, C = B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
    /// The third.
    Third(C),
}

impl<A, B, C> Future for OneOf<A, B, C>
where
    A: Future,
    B: Future<Output = A::Output>,
    C: Future<Output = A::Output>,
{
    type Output = A::Output;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<A::Output> {
        // SAFETY: whichever future is within is pinned as `self` is: it is not moved out of here, and it is
        // dropped in its place.
        unsafe {
            match self.get_unchecked_mut() {
                Self::First(first) => Pin::new_unchecked(first).poll(context),
                Self::Second(second) => Pin::new_unchecked(second).poll(context),
                Self::Third(third) => Pin::new_unchecked(third).poll(context),
            }
        }
    }
}
