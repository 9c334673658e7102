//! Many activities at once, each a task of its own, and whoever waits for all of them.
//!
//! Waiting for two or three within one task is [`super::join`]; here the task that waits is woken
//! once, by the last that ends.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::{Kernel, Label, TaskId};

/// What those who end leave for the one who waits.
#[derive(Debug)]
struct Shared<T> {
    outputs: RefCell<Vec<Option<T>>>,
    left: Cell<usize>,
    waiting: Cell<TaskId>,
}

/// Starts `activities` at the present instant, in order and after all that is scheduled already; the
/// future gives their outputs in the same order when all have ended.
///
/// The activities go on if nobody waits for them any more.
pub fn together<T: 'static, F: Future<Output = T> + 'static>(
    kernel: &Rc<Kernel>,
    label: Label,
    activities: Vec<F>,
) -> Together<T> {
    let shared = Rc::new(Shared {
        outputs: RefCell::new(activities.iter().map(|_| None).collect()),
        left: Cell::new(activities.len()),
        waiting: Cell::new(TaskId::NOBODY),
    });
    for (number, activity) in activities.into_iter().enumerate() {
        let (shared, kernel) = (shared.clone(), kernel.clone());
        kernel.clone().spawn(label, async move {
            let output = activity.await;
            shared.outputs.borrow_mut()[number] = Some(output);
            shared.left.set(shared.left.get() - 1);
            if shared.left.get() == 0 && shared.waiting.get() != TaskId::NOBODY {
                kernel.wake(shared.waiting.get());
            }
        });
    }
    Together {
        shared,
        kernel: kernel.clone(),
    }
}

/// The future of [`together`].
#[derive(Debug)]
#[must_use]
pub struct Together<T> {
    shared: Rc<Shared<T>>,
    kernel: Rc<Kernel>,
}

impl<T> Future for Together<T> {
    type Output = Vec<T>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Vec<T>> {
        if self.shared.left.get() > 0 {
            self.shared.waiting.set(self.kernel.current());
            return Poll::Pending;
        }
        let outputs = std::mem::take(&mut *self.shared.outputs.borrow_mut());
        Poll::Ready(outputs.into_iter().flatten().collect())
    }
}
