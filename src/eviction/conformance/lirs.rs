//! LIRS.

use super::*;

/// The model of the policy `name`, if it is one of these.
pub(super) fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh = weigh_as(measure);
    Some(match name {
        "lirs" => Box::new(Stack {
            stack: vec![],
            queue: vec![],
            ghosts: vec![],
            loose: vec![],
            must_prune: false,
            weigh,
            capacity,
        }),
        _ => return None,
    })
}

/// LIRS: one stack with a state per id, bottom first.
struct Stack {
    stack: Vec<(Id, State)>,
    queue: Vec<Id>,
    ghosts: Vec<Id>,
    loose: Vec<Id>,
    must_prune: bool,
    weigh: Weigh,
    capacity: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Lir,
    Hir,
}

impl Stack {
    fn hir(&self) -> u64 {
        ((self.capacity as f64 * 0.01) as u64).max(1)
    }
    fn lir_capacity(&self) -> u64 {
        self.capacity - self.hir()
    }
    fn lir_weight(&self) -> u64 {
        self.stack
            .iter()
            .filter(|it| it.1 == State::Lir)
            .map(|it| (self.weigh)(it.0))
            .sum()
    }
    fn unstack(&mut self, id: Id) -> Option<State> {
        let position = self.stack.iter().position(|it| it.0 == id)?;
        Some(self.stack.remove(position).1)
    }
    fn prune(&mut self) {
        while self.stack.len() > 1 && self.stack[0].1 == State::Hir {
            let (id, _) = self.stack.remove(0);
            let _ = take(&mut self.ghosts, id) || take(&mut self.loose, id);
        }
    }
    fn prune_if_due(&mut self, id: Id) {
        if std::mem::take(&mut self.must_prune) {
            let position = self.stack.iter().position(|it| *it == (id, State::Hir));
            if let Some(position) = position {
                let entry = self.stack.remove(position);
                self.stack.push(entry);
            }
            self.prune();
        }
    }
    fn leave(&mut self, id: Id) {
        if self.stack.iter().any(|it| it.0 == id) {
            self.ghosts.push(id);
        }
    }
    fn room_for_lir(&mut self, weight: u64, hit: Option<Id>) {
        while self.lir_weight() > 0 && self.lir_weight() + weight > self.lir_capacity() {
            self.prune();
            let (bottom, _) = self.stack.remove(0);
            while !self.queue.is_empty()
                && sum(&self.queue, self.weigh) + (self.weigh)(bottom) > self.hir()
            {
                let front = self.queue.remove(0);
                if Some(front) == hit {
                    self.loose.push(front);
                } else {
                    self.leave(front);
                }
            }
            self.queue.push(bottom);
            self.prune();
        }
    }
    fn limit(&mut self) {
        let weight = |it: &Self| {
            it.stack
                .iter()
                .map(|entry| (it.weigh)(entry.0))
                .sum::<u64>()
        };
        while weight(self) > 2 * self.capacity && !self.ghosts.is_empty() {
            let oldest = self.ghosts.remove(0);
            self.unstack(oldest);
        }
    }
}

impl Model for Stack {
    fn residents(&self) -> Vec<Id> {
        let lir = self
            .stack
            .iter()
            .filter(|it| it.1 == State::Lir)
            .map(|it| it.0);
        lir.chain(self.queue.iter().copied())
            .chain(self.loose.iter().copied())
            .collect()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        self.prune_if_due(id);
        let weight = (self.weigh)(id);
        let may_be_lir = weight <= self.lir_capacity();
        match self.unstack(id) {
            Some(State::Lir) => {
                self.stack.push((id, State::Lir));
                self.prune();
            }
            Some(State::Hir) if may_be_lir => {
                let _ = take(&mut self.queue, id) || take(&mut self.loose, id);
                self.stack.push((id, State::Hir));
                self.room_for_lir(weight, None);
                self.unstack(id);
                self.stack.push((id, State::Lir));
            }
            _ => {
                let in_stack = !may_be_lir;
                if take(&mut self.queue, id) {
                    self.queue.push(id);
                }
                if !in_stack {
                    self.room_for_lir(weight, Some(id));
                }
                self.stack.push((id, State::Hir));
            }
        }
        self.limit();
    }
    fn insert(&mut self, id: Id, _: &Access) {
        self.prune_if_due(id);
        let (weigh, weight) = (self.weigh, (self.weigh)(id));
        let returns = take(&mut self.ghosts, id);
        self.unstack(id);
        let may_be_lir = weight <= self.lir_capacity();
        let becomes_lir =
            may_be_lir && (returns || self.lir_weight() + weight <= self.lir_capacity());
        if returns && may_be_lir {
            self.stack.push((id, State::Hir));
            self.room_for_lir(weight, None);
            self.unstack(id);
        }
        while !becomes_lir
            && !self.queue.is_empty()
            && sum(&self.queue, weigh) + weight > self.hir()
        {
            let front = self.queue.remove(0);
            self.leave(front);
        }
        while sum(&self.residents(), weigh) + weight > self.capacity {
            if !self.loose.is_empty() {
                let oldest = self.loose.remove(0);
                self.leave(oldest);
            } else if !self.queue.is_empty() {
                let front = self.queue.remove(0);
                self.leave(front);
            } else {
                self.room_for_lir(self.lir_capacity() - self.lir_weight() + 1, None);
            }
        }
        self.stack
            .push((id, if becomes_lir { State::Lir } else { State::Hir }));
        if !becomes_lir {
            self.queue.push(id);
        }
        self.limit();
    }
    fn refuse(&mut self, id: Id, _: &Access) {
        self.prune_if_due(id);
        if take(&mut self.ghosts, id) {
            self.unstack(id);
        }
    }
    fn remove(&mut self, id: Id) {
        self.must_prune = true;
        self.unstack(id);
        let _ = take(&mut self.queue, id) || take(&mut self.loose, id);
    }
}
