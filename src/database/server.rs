//! One server of the database: its connections with their queue, its buffer pool, and the condition
//! that it is in: slow, standing still, down.
//!
//! Not here: which server a query goes to and what the rows are (see `database`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::buffer_pool::{self, BufferPool};
use crate::kernel::{Discipline, Interruption, Kernel, Ongoing, Resource};
use crate::metrics::Counter;
use crate::units::Nanoseconds;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) connections: Resource,
    pub(super) most_connections: u32,
    pub(super) pool: Option<RefCell<BufferPool>>,
    /// Queries that reached it after warm-up.
    pub(super) queries: Counter,
    /// It is to be restarted as soon as there is a primary.
    pub(super) returns_with_primary: Cell<bool>,
    condition: Condition,
    /// Ends whatever is in its queue and in service.
    pub(super) interruption: Interruption,
}

/// What the timeline has done to a server.
#[derive(Debug, Default)]
struct Condition {
    is_down: Cell<bool>,
    crashes: Cell<u64>,
    /// What is done to service times at present.
    slowness: Ongoing<Slowness>,
    /// It stands still, or stood still the last time, from `pause_from_ns` to `pause_until_ns`.
    pause_from_ns: Cell<Nanoseconds>,
    pause_until_ns: Cell<Nanoseconds>,
    /// How long it stood still in all the times before that.
    earlier_pauses_ns: Cell<Nanoseconds>,
}

/// What is done to service times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowness {
    /// They are multiplied by this,
    pub factor: f64,
    /// and then this is added.
    pub plus_ns: Nanoseconds,
}

impl Server {
    pub(super) fn new(
        kernel: &Rc<Kernel>,
        connections: u32,
        (queue_limit, discipline): (Option<u32>, Option<Discipline>),
        pool: Option<&buffer_pool::Plan>,
        seed: u64,
    ) -> Self {
        Self {
            connections: Resource::with_discipline(
                kernel.clone(),
                connections,
                queue_limit,
                discipline,
            ),
            most_connections: connections,
            pool: pool.map(|plan| RefCell::new(BufferPool::new(plan, seed))),
            queries: Counter::default(),
            returns_with_primary: Cell::new(false),
            condition: Condition::default(),
            interruption: Interruption::new(kernel.clone()),
        }
    }

    pub(super) fn is_down(&self) -> bool {
        self.condition.is_down.get()
    }

    /// How often it has crashed.
    pub(super) fn crashes(&self) -> u64 {
        self.condition.crashes.get()
    }

    /// It loses its memory and answers no more; queries that it has fail.
    pub(super) fn crash(&self) {
        self.condition.is_down.set(true);
        self.condition.crashes.set(self.crashes() + 1);
        if let Some(pool) = &self.pool {
            pool.borrow_mut().clear();
        }
        self.interruption.come();
    }

    pub(super) fn restart(&self) {
        self.condition.is_down.set(false);
    }

    /// It stands still for so long from now.
    pub(super) fn pause(&self, now_ns: Nanoseconds, for_ns: Nanoseconds) {
        let condition = &self.condition;
        let until_ns = now_ns.saturating_add(for_ns);
        let (last_from_ns, last_until_ns) = (
            condition.pause_from_ns.get(),
            condition.pause_until_ns.get(),
        );
        if now_ns < last_until_ns {
            condition.pause_until_ns.set(last_until_ns.max(until_ns));
            return;
        }
        let earlier_ns = condition.earlier_pauses_ns.get() + (last_until_ns - last_from_ns);
        condition.earlier_pauses_ns.set(earlier_ns);
        condition.pause_from_ns.set(now_ns);
        condition.pause_until_ns.set(until_ns);
    }

    /// How long it has stood still so far.
    fn paused_ns(&self, now_ns: Nanoseconds) -> Nanoseconds {
        let condition = &self.condition;
        let last_until_ns = now_ns.min(condition.pause_until_ns.get());
        condition.earlier_pauses_ns.get() + (last_until_ns - condition.pause_from_ns.get())
    }

    /// Service times are changed until [`Server::speed_up`] with the answer.
    pub(super) fn slow_down(&self, slowness: Slowness) -> u64 {
        self.condition.slowness.begin(slowness)
    }

    pub(super) fn speed_up(&self, number: u64) {
        self.condition.slowness.end(number);
    }

    /// Works for so long as it takes in its condition, of which `work_ns` on a good day.
    pub(super) async fn work(&self, kernel: &Kernel, work_ns: Nanoseconds) {
        let mut work_ns = work_ns;
        for (_, slowness) in self.condition.slowness.things().iter() {
            let slower = (work_ns as f64 * slowness.factor).round() as Nanoseconds;
            work_ns = slower.saturating_add(slowness.plus_ns);
        }
        kernel
            .sleep_until(self.condition.pause_until_ns.get())
            .await;
        let begun_ns = kernel.now();
        let paused_before_ns = self.paused_ns(begun_ns);
        loop {
            let now_ns = kernel.now();
            let paused_ns = self.paused_ns(now_ns) - paused_before_ns;
            let left_ns = work_ns.saturating_sub(now_ns - begun_ns - paused_ns);
            if left_ns == 0 {
                return;
            }
            let from_ns = now_ns.max(self.condition.pause_until_ns.get());
            kernel.sleep_until(from_ns.saturating_add(left_ns)).await;
        }
    }
}
