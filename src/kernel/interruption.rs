//! An end that may come to whatever is under way: a process or a server dies, and all that it has
//! begun ends with it.

use std::cell::Cell;
use std::rc::Rc;

use super::{Broadcast, BroadcastId, Either, Kernel, race};

/// See the module's text.
#[derive(Debug)]
pub struct Interruption {
    ends: Broadcast<()>,
    /// Whom the next end will reach; none if nothing is under way.
    present: Cell<Option<BroadcastId>>,
}

impl Interruption {
    /// Nothing is under way yet.
    #[must_use]
    pub fn new(kernel: Rc<Kernel>) -> Self {
        Self {
            ends: Broadcast::new(kernel),
            present: Cell::new(None),
        }
    }

    /// All that is under way ends.
    pub fn come(&self) {
        if let Some(channel) = self.present.take() {
            self.ends.close(channel, Some(()));
        }
    }

    /// The output of `work`; `None` if an end comes first, at which it is dropped.
    pub async fn unless_it_comes<F: Future>(&self, work: F) -> Option<F::Output> {
        let channel = self.present.take();
        let channel = channel.unwrap_or_else(|| self.ends.open());
        self.present.set(Some(channel));
        match race(self.ends.receive(channel), work).await {
            Either::Left(_) => None,
            Either::Right(output) => Some(output),
        }
    }
}
