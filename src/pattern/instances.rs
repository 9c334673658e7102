//! The ends and beginnings of app instances: what each has for itself, and what goes with it.

use std::rc::Rc;

use super::System;
use crate::geography::Border;
use crate::metrics::Fork;
use crate::tier::Scope;
use crate::workload::Request;

impl System {
    /// The nodes that only `instance` has, with their tiers.
    fn own_nodes(&self, instance: u32) -> Vec<(usize, usize)> {
        let tiers = self.layers.iter().enumerate();
        let own = tiers.filter(|(_, layer)| layer.tier.plan().scope == Scope::Instance);
        let nodes = own.flat_map(|(level, layer)| {
            let nodes = layer.tier.nodes() / layer.tier.groups() as usize;
            let first = instance as usize * nodes;
            (first..first + nodes).map(move |node| (level, node))
        });
        nodes.collect()
    }

    /// The process of an instance ends in good order, and another one takes its place at once: what it
    /// had in memory is gone.
    pub fn replace_instance(&self, instance: u32) {
        for (level, node) in self.own_nodes(instance) {
            self.crash(level, node, false);
            self.layers[level].tier.restart(node);
        }
    }

    /// The process of an instance dies, and with it what it had in memory, unless that is there again
    /// at the [restart](System::restart_instance) because it is `warm`. The requests that it works on
    /// fail; locks and tokens that they hold stay where they are until they expire.
    pub fn crash_instance(&self, instance: u32, warm: bool) {
        self.rotation.go_down(instance);
        for (level, node) in self.own_nodes(instance) {
            self.crash(level, node, warm);
        }
        for layer in &self.layers {
            layer.invalidator.instance_crashed(instance);
        }
    }

    /// An instance that is down since its crash of that number starts again, and gets requests as soon
    /// as its caches are warm, where they have a warm-up.
    pub async fn restart_instance(self: &Rc<Self>, instance: u32, crash: u64) {
        if self.rotation.crashes(instance) != crash || !self.rotation.is_down(instance) {
            return;
        }
        for (level, node) in self.own_nodes(instance) {
            self.layers[level].tier.restart(node);
        }
        self.warm_instance(instance).await;
        if self.rotation.crashes(instance) == crash {
            self.rotation.come_up(instance);
        }
    }

    /// Warms the caches that only `instance` has.
    pub async fn warm_instance(self: &Rc<Self>, instance: u32) {
        for (level, node) in self.own_nodes(instance) {
            self.warm(level, node).await;
        }
    }

    /// From now on nothing goes over the bus of tier `level`, until [`System::mend_bus`] with the answer;
    /// messages of that time are `kept` for afterwards, or lost. Nothing if the tier has no bus.
    pub fn break_bus(&self, level: usize, kept: bool) -> Option<u64> {
        self.layers[level].invalidator.break_bus(kept)
    }

    /// Ends what [`System::break_bus`] began.
    pub fn mend_bus(&self, level: usize, number: u64) {
        self.layers[level].invalidator.mend_bus(number);
    }

    /// From now on what a tier's bus sends across the border suffers, until [`System::open_border`] with
    /// the answer; nothing if it has no bus.
    pub fn close_border(&self, level: usize, border: &Border) -> Option<u64> {
        self.layers[level].invalidator.close_border(border)
    }

    /// Ends what [`System::close_border`] began.
    pub fn open_border(&self, level: usize, number: u64) {
        self.layers[level].invalidator.open_border(number);
    }

    /// Starts a task of the instance that works on `request`: it outlives the request, and not the
    /// instance.
    pub(super) fn spawn_in_instance<F: Future<Output = ()> + 'static>(
        self: &Rc<Self>,
        fork: Option<Fork>,
        kind: &'static str,
        request: &Request,
        task: impl FnOnce(Rc<Self>) -> F + 'static,
    ) {
        let instance = request.instance;
        self.spawn_in(fork, kind, request.index, move |system| async move {
            let work = task(system.clone());
            system.rotation.unless_it_crashes(instance, work).await;
        });
    }
}
