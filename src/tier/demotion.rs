//! Demotion: what a tier evicts goes to an exclusive tier below, which holds nothing else. A row is in
//! one of the two at a time: a hit below takes it out there and fills the tier above.
//!
//! Wong and Wilkes, "My cache or yours? Making storage more exclusive", USENIX ATC 2002.
//!
//! Known weakness: each eviction costs an exchange, and while an entry is on its way down a write may
//! delete it in both tiers, and then the old row arrives.

use std::rc::Rc;

use super::node::Node;
use super::{Filling, Tier};
use crate::database::Row;
use crate::kernel::Label;
use crate::random::mix;
use crate::units::Key;

impl Tier {
    /// From now on what this tier evicts is set in `below`.
    pub fn demote_to(&self, below: &Rc<Tier>) {
        // Said once, when the system is put together.
        let _ = self.victims.set(below.clone());
    }

    /// Sets an evicted row in the tier below, in the background. What is older than it may become here
    /// would have expired, had it been touched.
    #[cold]
    pub(super) fn demote(&self, below: &Rc<Tier>, node: &Node, key: Key, row: Row) {
        let now_ns = self.kernel.now();
        let age_ns = now_ns - row.as_of_ns;
        if self.plan.ttl.is_some_and(|ttl| age_ns >= ttl.base_ns) {
            return;
        }
        let Some(number) = self
            .nodes
            .iter()
            .position(|other| std::ptr::eq(other, node))
        else {
            return;
        };
        if self.meter.is_measuring() {
            self.counts().demoted.increment();
        }
        let index = 1 << 63 | mix(key ^ mix(now_ns)) >> 1;
        let request = self.request_of(number, index, key);
        let below = below.clone();
        let label = Label {
            kind: "demotion of key",
            number: key,
        };
        self.kernel.spawn(label, async move {
            // One that the node does not take is lost, as any set.
            let _ = below.set(&request, &row, Filling::Demoted).await;
        });
    }
}
