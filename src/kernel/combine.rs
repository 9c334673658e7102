//! Waiting for several things within one task: the first of two, or all of a few.
//!
//! Every wake-up of the task polls both parts, so this is for a handful; many activities at once
//! are tasks of their own (see [`super::together`]).

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

/// The time was over first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("timed out")]
pub struct TimedOut;

/// Which of two came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<L, R> {
    /// The left one.
    Left(L),
    /// The right one.
    Right(R),
}

/// The output of whichever of `left` and `right` is ready first; the other is dropped. If both are
/// ready when the task is polled, the left one wins.
pub async fn race<L: Future, R: Future>(left: L, right: R) -> Either<L::Output, R::Output> {
    let mut left = pin!(left);
    let mut right = pin!(right);
    poll_fn(|context| {
        if let Poll::Ready(output) = left.as_mut().poll(context) {
            return Poll::Ready(Either::Left(output));
        }
        right.as_mut().poll(context).map(Either::Right)
    })
    .await
}

/// The outputs of both, when both are ready.
pub async fn join<L: Future, R: Future>(left: L, right: R) -> (L::Output, R::Output) {
    let mut left = pin!(left);
    let mut right = pin!(right);
    let (mut left_output, mut right_output) = (None, None);
    poll_fn(|context| {
        if left_output.is_none()
            && let Poll::Ready(output) = left.as_mut().poll(context)
        {
            left_output = Some(output);
        }
        if right_output.is_none()
            && let Poll::Ready(output) = right.as_mut().poll(context)
        {
            right_output = Some(output);
        }
        match (left_output.take(), right_output.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            (left, right) => {
                left_output = left;
                right_output = right;
                Poll::Pending
            }
        }
    })
    .await
}

/// Waits until all `parts` are ready.
pub async fn join_all<F: Future<Output = ()>>(parts: impl Iterator<Item = F>) {
    let mut parts: Vec<Option<Pin<Box<F>>>> = parts.map(|part| Some(Box::pin(part))).collect();
    poll_fn(|context| {
        let mut are_ready = true;
        for slot in &mut parts {
            if let Some(part) = slot {
                match part.as_mut().poll(context) {
                    Poll::Ready(()) => *slot = None,
                    Poll::Pending => are_ready = false,
                }
            }
        }
        if are_ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
