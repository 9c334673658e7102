//! Tests over the whole table: every policy keeps the contract of [`Policy`], and answers as a slow
//! model of itself that is written in the plainest way, with vectors that are searched from end to end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::sketch::Sketch;
use super::{
    Access, Departures, Id, KINDS, Measure, Policy, PolicySpec, Setup, Visitor, specification,
};
use crate::cache::{Cache, Lookup};
use crate::random::Draws;
use crate::units::NEVER;

mod models;

/// A plain model. An id weighs the same whenever it comes, so `weigh` is a function.
trait Model {
    fn residents(&self) -> Vec<Id>;
    fn hit(&mut self, id: Id, access: &Access);
    /// A newcomer of a weight that is at most the capacity.
    fn insert(&mut self, id: Id, access: &Access);
    /// A newcomer heavier than the cache: a ghost of it is forgotten.
    fn refuse(&mut self, id: Id, access: &Access);
    fn remove(&mut self, id: Id);
}

type Weigh = fn(Id) -> u64;

fn sum(ids: &[Id], weigh: Weigh) -> u64 {
    ids.iter().map(|&id| weigh(id)).sum()
}

fn take(ids: &mut Vec<Id>, id: Id) -> bool {
    let position = ids.iter().position(|&it| it == id);
    position.map(|it| ids.remove(it)).is_some()
}

/// LRU, FIFO and MRU: one list, oldest first.
struct List {
    ids: Vec<Id>,
    weigh: Weigh,
    capacity: u64,
    renews: bool,
    newest_leaves: bool,
}

impl Model for List {
    fn residents(&self) -> Vec<Id> {
        self.ids.clone()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        if self.renews {
            take(&mut self.ids, id);
            self.ids.push(id);
        }
    }
    fn insert(&mut self, id: Id, _: &Access) {
        while sum(&self.ids, self.weigh) + (self.weigh)(id) > self.capacity {
            let leaves = if self.newest_leaves {
                self.ids.len() - 1
            } else {
                0
            };
            self.ids.remove(leaves);
        }
        self.ids.push(id);
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        take(&mut self.ids, id);
    }
}

/// CLOCK (the hand takes the front and reinserts) and SIEVE (the hand walks).
struct Bits {
    ids: Vec<(Id, bool)>,
    hand: Option<Id>,
    walks: bool,
    weigh: Weigh,
    capacity: u64,
}

impl Bits {
    fn after(&self, id: Id) -> Option<Id> {
        let position = self.ids.iter().position(|it| it.0 == id)?;
        self.ids.get(position + 1).map(|it| it.0)
    }
}

impl Model for Bits {
    fn residents(&self) -> Vec<Id> {
        self.ids.iter().map(|it| it.0).collect()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        self.ids
            .iter_mut()
            .filter(|it| it.0 == id)
            .for_each(|it| it.1 = true);
    }
    fn insert(&mut self, id: Id, _: &Access) {
        while sum(&self.residents(), self.weigh) + (self.weigh)(id) > self.capacity {
            if self.walks {
                let at = self.hand.unwrap_or(self.ids[0].0);
                let position = self.ids.iter().position(|it| it.0 == at).unwrap();
                self.hand = self.after(at);
                if self.ids[position].1 {
                    self.ids[position].1 = false;
                } else {
                    self.ids.remove(position);
                }
            } else {
                let (front, referenced) = self.ids.remove(0);
                if referenced {
                    self.ids.push((front, false));
                }
            }
        }
        self.ids.push((id, false));
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        if self.hand == Some(id) {
            self.hand = self.after(id);
        }
        self.ids.retain(|it| it.0 != id);
    }
}

/// SLRU, segments from the lowest, each oldest first.
struct Segments {
    segments: Vec<Vec<Id>>,
    each: u64,
    weigh: Weigh,
    capacity: u64,
}

impl Segments {
    fn cool(&mut self, segment: usize) {
        while sum(&self.segments[segment], self.weigh) > self.each {
            let demoted = self.segments[segment].remove(0);
            if segment > 0 {
                self.segments[segment - 1].push(demoted);
                self.cool(segment - 1);
            }
        }
    }
}

impl Model for Segments {
    fn residents(&self) -> Vec<Id> {
        self.segments.concat()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        let at = self
            .segments
            .iter()
            .position(|it| it.contains(&id))
            .unwrap();
        take(&mut self.segments[at], id);
        let to = (at + 1).min(self.segments.len() - 1);
        self.segments[to].push(id);
        if to != at {
            self.cool(to);
        }
    }
    fn insert(&mut self, id: Id, _: &Access) {
        let weight = (self.weigh)(id);
        if weight > self.each {
            return;
        }
        while sum(&self.residents(), self.weigh) + weight > self.capacity {
            self.segments
                .iter_mut()
                .find(|it| !it.is_empty())
                .unwrap()
                .remove(0);
        }
        let roomy = self
            .segments
            .iter()
            .position(|it| sum(it, self.weigh) + weight <= self.each);
        self.segments[roomy.unwrap_or(0)].push(id);
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        for segment in &mut self.segments {
            take(segment, id);
        }
    }
}

/// 2Q.
struct TwoQueues {
    newcomers: Vec<Id>,
    main: Vec<Id>,
    ghosts: Vec<Id>,
    weigh: Weigh,
    capacity: u64,
}

impl Model for TwoQueues {
    fn residents(&self) -> Vec<Id> {
        [self.newcomers.clone(), self.main.clone()].concat()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        if take(&mut self.main, id) {
            self.main.push(id);
        }
    }
    fn insert(&mut self, id: Id, _: &Access) {
        let (weigh, weight) = (self.weigh, (self.weigh)(id));
        let share = self.capacity / 4;
        let returns = take(&mut self.ghosts, id);
        while sum(&self.residents(), weigh) + weight > self.capacity {
            if sum(&self.newcomers, weigh) > share || self.main.is_empty() {
                self.ghosts.push(self.newcomers.remove(0));
                if weigh(*self.ghosts.last().unwrap()) > self.capacity / 2 {
                    self.ghosts.pop();
                }
                while sum(&self.ghosts, weigh) > self.capacity / 2 {
                    self.ghosts.remove(0);
                }
            } else {
                self.main.remove(0);
            }
        }
        if returns {
            while weight <= self.capacity - share
                && sum(&self.main, weigh) + weight > self.capacity - share
            {
                self.main.remove(0);
            }
            self.main.push(id);
        } else {
            self.newcomers.push(id);
        }
    }
    fn refuse(&mut self, id: Id, _: &Access) {
        take(&mut self.ghosts, id);
    }
    fn remove(&mut self, id: Id) {
        let _ = take(&mut self.newcomers, id) || take(&mut self.main, id);
    }
}

/// ARC: T1, T2, B1, B2 of the paper.
struct Adaptive {
    t1: Vec<Id>,
    t2: Vec<Id>,
    b1: Vec<Id>,
    b2: Vec<Id>,
    p: f64,
    weigh: Weigh,
    capacity: u64,
}

impl Adaptive {
    fn replace(&mut self, from_b2: bool) {
        let t1 = sum(&self.t1, self.weigh) as f64;
        let first = t1 > self.p || (t1 == self.p && from_b2) || self.t2.is_empty();
        if first && !self.t1.is_empty() {
            self.b1.push(self.t1.remove(0));
        } else {
            self.b2.push(self.t2.remove(0));
        }
    }
}

impl Model for Adaptive {
    fn residents(&self) -> Vec<Id> {
        [self.t1.clone(), self.t2.clone()].concat()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        let _ = take(&mut self.t1, id) || take(&mut self.t2, id);
        self.t2.push(id);
    }
    fn insert(&mut self, id: Id, access: &Access) {
        let (weigh, weight, c) = (self.weigh, (self.weigh)(id), self.capacity);
        let (in_b1, in_b2) = (self.b1.contains(&id), self.b2.contains(&id));
        self.refuse(id, access);
        while sum(&self.residents(), weigh) + weight > c {
            let l1 = sum(&self.t1, weigh) + sum(&self.b1, weigh);
            let all = l1 + sum(&self.t2, weigh) + sum(&self.b2, weigh);
            if in_b1 || in_b2 {
                self.replace(in_b2);
            } else if l1 + weight > c {
                if !self.b1.is_empty() {
                    self.b1.remove(0);
                    self.replace(false);
                } else if !self.t1.is_empty() {
                    self.t1.remove(0);
                } else {
                    self.replace(false);
                }
            } else {
                if all >= 2 * c && !self.b2.is_empty() {
                    self.b2.remove(0);
                }
                self.replace(false);
            }
        }
        if in_b1 || in_b2 {
            &mut self.t2
        } else {
            &mut self.t1
        }
        .push(id);
    }
    fn refuse(&mut self, id: Id, _: &Access) {
        let (b1, b2) = (
            sum(&self.b1, self.weigh) as f64,
            sum(&self.b2, self.weigh) as f64,
        );
        if take(&mut self.b1, id) {
            self.p = (self.p + (b2 / b1).max(1.0)).min(self.capacity as f64);
        } else if take(&mut self.b2, id) {
            self.p = (self.p - (b1 / b2).max(1.0)).max(0.0);
        }
    }
    fn remove(&mut self, id: Id) {
        let _ = take(&mut self.t1, id) || take(&mut self.t2, id);
    }
}

/// CAR: as ARC, with reference bits.
struct Clocks {
    t1: Vec<(Id, bool)>,
    t2: Vec<(Id, bool)>,
    b1: Vec<Id>,
    b2: Vec<Id>,
    p: f64,
    weigh: Weigh,
    capacity: u64,
}

impl Clocks {
    fn weight(&self, clock: &[(Id, bool)]) -> u64 {
        clock.iter().map(|it| (self.weigh)(it.0)).sum()
    }
    fn replace(&mut self) {
        loop {
            if !self.t1.is_empty()
                && (self.weight(&self.t1) as f64 >= self.p.max(1.0) || self.t2.is_empty())
            {
                let (id, referenced) = self.t1.remove(0);
                if !referenced {
                    self.b1.push(id);
                    return;
                }
                self.t2.push((id, false));
            } else {
                let (id, referenced) = self.t2.remove(0);
                if !referenced {
                    self.b2.push(id);
                    return;
                }
                self.t2.push((id, false));
            }
        }
    }
}

impl Model for Clocks {
    fn residents(&self) -> Vec<Id> {
        self.t1.iter().chain(&self.t2).map(|it| it.0).collect()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        self.t1
            .iter_mut()
            .chain(&mut self.t2)
            .filter(|it| it.0 == id)
            .for_each(|it| it.1 = true);
    }
    fn insert(&mut self, id: Id, _: &Access) {
        let (weigh, weight, c) = (self.weigh, (self.weigh)(id), self.capacity);
        let (in_b1, in_b2) = (self.b1.contains(&id), self.b2.contains(&id));
        if sum(&self.residents(), weigh) + weight > c {
            while sum(&self.residents(), weigh) + weight > c {
                self.replace();
            }
            if !in_b1 && !in_b2 {
                while self.weight(&self.t1) + sum(&self.b1, weigh) + weight > c
                    && !self.b1.is_empty()
                {
                    self.b1.remove(0);
                }
                while sum(&self.residents(), weigh)
                    + sum(&self.b1, weigh)
                    + sum(&self.b2, weigh)
                    + weight
                    > 2 * c
                    && !self.b2.is_empty()
                {
                    self.b2.remove(0);
                }
            }
        }
        let (b1, b2) = (sum(&self.b1, weigh) as f64, sum(&self.b2, weigh) as f64);
        if in_b1 {
            self.p = (self.p + (b2 / b1).max(1.0)).min(c as f64);
            take(&mut self.b1, id);
        } else if in_b2 {
            self.p = (self.p - (b1 / b2).max(1.0)).max(0.0);
            take(&mut self.b2, id);
        }
        if in_b1 || in_b2 {
            &mut self.t2
        } else {
            &mut self.t1
        }
        .push((id, false));
    }
    fn refuse(&mut self, id: Id, _: &Access) {
        let _ = take(&mut self.b1, id) || take(&mut self.b2, id);
    }
    fn remove(&mut self, id: Id) {
        self.t1.retain(|it| it.0 != id);
        self.t2.retain(|it| it.0 != id);
    }
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

/// S3-FIFO.
struct S3Fifo {
    small: Vec<(Id, u32)>,
    main: Vec<(Id, u32)>,
    ghosts: Vec<Id>,
    fills_main: bool,
    has_evicted: bool,
    weigh: Weigh,
    capacity: u64,
}

impl S3Fifo {
    fn weight(&self, queue: &[(Id, u32)]) -> u64 {
        queue.iter().map(|it| (self.weigh)(it.0)).sum()
    }
}

impl Model for S3Fifo {
    fn residents(&self) -> Vec<Id> {
        self.small.iter().chain(&self.main).map(|it| it.0).collect()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        let all = self.small.iter_mut().chain(&mut self.main);
        all.filter(|it| it.0 == id)
            .for_each(|it| it.1 = (it.1 + 1).min(3));
    }
    fn insert(&mut self, id: Id, _: &Access) {
        let (weigh, weight) = (self.weigh, (self.weigh)(id));
        let small_size = (self.capacity as f64 * 0.1) as u64;
        let ghost_size = (self.capacity as f64 * 0.9) as u64;
        let returns = take(&mut self.ghosts, id);
        while sum(&self.residents(), weigh) + weight > self.capacity {
            self.has_evicted = true;
            if self.weight(&self.main) > self.capacity - small_size || self.small.is_empty() {
                let (front, count) = self.main.remove(0);
                if count > 0 {
                    self.main.push((front, count - 1));
                    // Main goes on until something leaves, whatever it weighs meanwhile.
                    while let (front, count @ 1..) = self.main.remove(0) {
                        self.main.push((front, count - 1));
                    }
                }
            } else {
                while !self.small.is_empty() {
                    let (front, count) = self.small.remove(0);
                    if count >= 2 {
                        self.main.push((front, 0));
                        continue;
                    }
                    if weigh(front) <= ghost_size {
                        self.ghosts.push(front);
                        while sum(&self.ghosts, weigh) > ghost_size {
                            self.ghosts.remove(0);
                        }
                    }
                    break;
                }
            }
        }
        let small_is_full = self.weight(&self.small) >= small_size;
        if returns || (self.fills_main && !self.has_evicted && small_is_full) {
            self.main.push((id, 0));
        } else {
            self.small.push((id, 0));
        }
    }
    fn refuse(&mut self, id: Id, _: &Access) {
        take(&mut self.ghosts, id);
    }
    fn remove(&mut self, id: Id) {
        self.small.retain(|it| it.0 != id);
        self.main.retain(|it| it.0 != id);
    }
}

/// The least of (priority, last access) leaves: LFU, LFU-DA and GDSF.
struct Priorities {
    /// Priority, last access, frequency.
    entries: BTreeMap<Id, (f64, u64, u64)>,
    clock: u64,
    inflation: f64,
    ages: bool,
    by_size: bool,
    newcomer_competes: bool,
    weigh: Weigh,
    capacity: u64,
}

impl Priorities {
    fn set(&mut self, id: Id, frequency: u64) {
        self.clock += 1;
        let size = if self.by_size {
            (self.weigh)(id) as f64
        } else {
            1.0
        };
        let priority = self.inflation + frequency as f64 / size;
        self.entries.insert(id, (priority, self.clock, frequency));
    }
    fn evict(&mut self) {
        let least = self.entries.iter().map(|(id, it)| (it.0, it.1, *id));
        let (priority, _, id) = least.min_by(|a, b| a.partial_cmp(b).unwrap()).unwrap();
        self.entries.remove(&id);
        if self.ages {
            self.inflation = priority;
        }
    }
}

impl Model for Priorities {
    fn residents(&self) -> Vec<Id> {
        self.entries.keys().copied().collect()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        let frequency = self.entries[&id].2;
        self.set(id, frequency + 1);
    }
    fn insert(&mut self, id: Id, _: &Access) {
        if self.newcomer_competes {
            self.set(id, 1);
            while sum(&self.residents(), self.weigh) > self.capacity {
                self.evict();
            }
        } else {
            while sum(&self.residents(), self.weigh) + (self.weigh)(id) > self.capacity {
                self.evict();
            }
            self.set(id, 1);
        }
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        self.entries.remove(&id);
    }
}

/// SIZE: in order of arrival.
struct Largest {
    ids: Vec<Id>,
    weigh: Weigh,
    capacity: u64,
}

impl Model for Largest {
    fn residents(&self) -> Vec<Id> {
        self.ids.clone()
    }
    fn hit(&mut self, _: Id, _: &Access) {}
    fn insert(&mut self, id: Id, _: &Access) {
        while sum(&self.ids, self.weigh) + (self.weigh)(id) > self.capacity {
            let largest = self.ids.iter().map(|&it| (self.weigh)(it)).max().unwrap();
            let position = self
                .ids
                .iter()
                .position(|&it| (self.weigh)(it) == largest)
                .unwrap();
            self.ids.remove(position);
        }
        self.ids.push(id);
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        take(&mut self.ids, id);
    }
}

/// Belady, and Belady by size for sizes that need no rounding.
struct Clairvoyant {
    /// The next use, and when it became that: of those never used again the latest goes first.
    next_uses: BTreeMap<Id, (u64, u64)>,
    by_size: bool,
    weigh: Weigh,
    capacity: u64,
}

impl Model for Clairvoyant {
    fn residents(&self) -> Vec<Id> {
        self.next_uses.keys().copied().collect()
    }
    fn hit(&mut self, id: Id, access: &Access) {
        self.next_uses.insert(id, (access.next_use, access.now));
    }
    fn insert(&mut self, id: Id, access: &Access) {
        while sum(&self.residents(), self.weigh) + (self.weigh)(id) > self.capacity {
            let cost = |(id, (next, since)): (&Id, &(u64, u64))| {
                let distance = u128::from(next - access.now);
                if self.by_size {
                    let weight = (self.weigh)(*id);
                    (distance * u128::from(weight), weight, *id)
                } else {
                    (distance, *since, *id)
                }
            };
            let (_, _, victim) = self.next_uses.iter().map(cost).max().unwrap();
            self.next_uses.remove(&victim);
        }
        self.next_uses.insert(id, (access.next_use, access.now));
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        self.next_uses.remove(&id);
    }
}

/// TinyLFU.
struct Doorkeeper {
    ids: Vec<(Id, u64)>,
    sketch: Sketch,
    grows: bool,
    weigh: Weigh,
    capacity: u64,
}

impl Model for Doorkeeper {
    fn residents(&self) -> Vec<Id> {
        self.ids.iter().map(|it| it.0).collect()
    }
    fn hit(&mut self, id: Id, access: &Access) {
        self.sketch.increment(access.key);
        self.remove(id);
        self.ids.push((id, access.key));
    }
    fn insert(&mut self, id: Id, access: &Access) {
        self.refuse(id, access);
        while sum(&self.residents(), self.weigh) + (self.weigh)(id) > self.capacity {
            if self.sketch.estimate(access.key) <= self.sketch.estimate(self.ids[0].1) {
                return;
            }
            self.ids.remove(0);
        }
        self.ids.push((id, access.key));
    }
    fn refuse(&mut self, _: Id, access: &Access) {
        if self.grows && self.ids.len() > self.sketch.words() {
            self.sketch = Sketch::new(2 * self.sketch.words() as u64);
        }
        self.sketch.increment(access.key);
    }
    fn remove(&mut self, id: Id) {
        self.ids.retain(|it| it.0 != id);
    }
}

/// W-TinyLFU for entries of weight 1, as the steps are listed for Caffeine.
struct Window {
    window: Vec<Id>,
    probation: Vec<Id>,
    protected: Vec<Id>,
    keys: BTreeMap<Id, u64>,
    sketch: Sketch,
    draws: Draws,
    window_size: i64,
    protected_size: i64,
    step: f64,
    previous: f64,
    hits: u64,
    misses: u64,
    adjustment: i64,
    capacity: u64,
}

impl Window {
    fn new(capacity: u64) -> Self {
        let window = capacity - (0.99 * capacity as f64) as u64;
        Self {
            window: Vec::new(),
            probation: Vec::new(),
            protected: Vec::new(),
            keys: BTreeMap::new(),
            sketch: Sketch::new(capacity),
            draws: Draws::from_seed(1),
            window_size: window as i64,
            protected_size: ((capacity - window) as f64 * 0.8) as i64,
            step: -0.0625 * capacity as f64,
            previous: 0.0,
            hits: 0,
            misses: 0,
            adjustment: 0,
            capacity,
        }
    }
    fn demote(&mut self) {
        while self.protected.len() as i64 > self.protected_size {
            self.probation.push(self.protected.remove(0));
        }
    }
    fn maintain(&mut self) {
        let requests = self.hits + self.misses;
        if requests >= 10 * self.capacity {
            let ratio = self.hits as f64 / requests as f64;
            let change = ratio - self.previous;
            let amount = if change >= 0.0 { self.step } else { -self.step };
            self.step = match change.abs() >= 0.05 {
                true => 0.0625 * self.capacity as f64 * if amount >= 0.0 { 1.0 } else { -1.0 },
                false => 0.98 * amount,
            };
            (self.previous, self.adjustment) = (ratio, amount as i64);
            (self.hits, self.misses) = (0, 0);
        }
        self.demote();
        if self.adjustment > 0 && self.protected_size > 0 {
            let mut quota = self.adjustment.min(self.protected_size);
            self.protected_size -= quota;
            self.window_size += quota;
            self.demote();
            while quota > 0 && self.probation.len() + self.protected.len() > 0 {
                let from = if self.probation.is_empty() {
                    &mut self.protected
                } else {
                    &mut self.probation
                };
                self.window.push(from.remove(0));
                quota -= 1;
            }
            self.protected_size += quota;
            self.window_size -= quota;
            self.adjustment = quota;
        } else if self.adjustment < 0 && self.window_size > 1 {
            let mut quota = (-self.adjustment).min(self.window_size - 1);
            self.protected_size += quota;
            self.window_size -= quota;
            while quota > 0 && !self.window.is_empty() {
                self.probation.push(self.window.remove(0));
                quota -= 1;
            }
            self.protected_size -= quota;
            self.window_size += quota;
            self.adjustment = -quota;
        }
    }
}

impl Model for Window {
    fn residents(&self) -> Vec<Id> {
        [
            self.window.clone(),
            self.probation.clone(),
            self.protected.clone(),
        ]
        .concat()
    }
    fn hit(&mut self, id: Id, access: &Access) {
        self.hits += 1;
        self.sketch.increment(access.key);
        if take(&mut self.window, id) {
            self.window.push(id);
        } else if take(&mut self.protected, id) {
            self.protected.push(id);
        } else {
            take(&mut self.probation, id);
            let to = if self.protected_size >= 1 {
                &mut self.protected
            } else {
                &mut self.probation
            };
            to.push(id);
        }
        self.maintain();
    }
    fn insert(&mut self, id: Id, access: &Access) {
        self.misses += 1;
        self.sketch.increment(access.key);
        self.keys.insert(id, access.key);
        self.window.push(id);
        let mut candidate = None;
        while self.window.len() as i64 > self.window_size {
            let moved = self.window.remove(0);
            self.probation.push(moved);
            candidate = candidate.or(Some(moved));
        }
        if self.residents().len() as u64 > self.capacity {
            // One entry too many: the candidate (else the window's oldest) against probation's oldest.
            let candidate = candidate.or(self.window.first().copied());
            let victim = self.probation.first().copied();
            let loser = match (candidate, victim) {
                (Some(candidate), Some(victim)) if candidate != victim => {
                    let new = self.sketch.estimate(self.keys[&candidate]);
                    let old = self.sketch.estimate(self.keys[&victim]);
                    let wins = new > old || (new >= 6 && self.draws.below(128) == 0);
                    if wins { victim } else { candidate }
                }
                (Some(candidate), _) => candidate,
                (None, Some(victim)) => victim,
                (None, None) => self.protected[0],
            };
            self.remove(loser);
        }
        self.maintain();
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        let _ = take(&mut self.window, id)
            || take(&mut self.probation, id)
            || take(&mut self.protected, id);
    }
}

fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh: Weigh = match measure {
        Measure::Entries => |_| 1,
        Measure::Bytes => weigh_bytes,
    };
    let list = |renews, newest_leaves| {
        Box::new(List {
            ids: vec![],
            weigh,
            capacity,
            renews,
            newest_leaves,
        }) as Box<dyn Model>
    };
    let bits = |walks| {
        Box::new(Bits {
            ids: vec![],
            hand: None,
            walks,
            weigh,
            capacity,
        })
    };
    let s3_fifo = |fills_main| {
        Box::new(S3Fifo {
            small: vec![],
            main: vec![],
            ghosts: vec![],
            fills_main,
            has_evicted: false,
            weigh,
            capacity,
        })
    };
    let priorities = |ages, by_size, newcomer_competes| {
        Box::new(Priorities {
            entries: BTreeMap::new(),
            clock: 0,
            inflation: 0.0,
            ages,
            by_size,
            newcomer_competes,
            weigh,
            capacity,
        })
    };
    let clairvoyant = |by_size| {
        Box::new(Clairvoyant {
            next_uses: BTreeMap::new(),
            by_size,
            weigh,
            capacity,
        })
    };
    let segments = capacity.clamp(1, 4);
    Some(match name {
        "lru" => list(true, false),
        "fifo" => list(false, false),
        "mru" => list(true, true),
        "clock" => bits(false),
        "sieve" => bits(true),
        "slru" => Box::new(Segments {
            segments: vec![vec![]; segments as usize],
            each: capacity / segments,
            weigh,
            capacity,
        }),
        "2q" => Box::new(TwoQueues {
            newcomers: vec![],
            main: vec![],
            ghosts: vec![],
            weigh,
            capacity,
        }),
        "arc" => Box::new(Adaptive {
            t1: vec![],
            t2: vec![],
            b1: vec![],
            b2: vec![],
            p: 0.0,
            weigh,
            capacity,
        }),
        "car" => Box::new(Clocks {
            t1: vec![],
            t2: vec![],
            b1: vec![],
            b2: vec![],
            p: 0.0,
            weigh,
            capacity,
        }),
        "lirs" => Box::new(Stack {
            stack: vec![],
            queue: vec![],
            ghosts: vec![],
            loose: vec![],
            must_prune: false,
            weigh,
            capacity,
        }),
        "s3-fifo" => s3_fifo(true),
        "s3-fifo-v0" => s3_fifo(false),
        "lfu" => priorities(false, false, false),
        "lfu-aging" => priorities(true, false, false),
        "gdsf" => priorities(true, true, true),
        "size" => Box::new(Largest {
            ids: vec![],
            weigh,
            capacity,
        }),
        "belady" => clairvoyant(false),
        "belady-size" => clairvoyant(true),
        "tinylfu" => Box::new(Doorkeeper {
            ids: vec![],
            sketch: Sketch::new(if measure == Measure::Entries {
                capacity
            } else {
                0
            }),
            grows: measure == Measure::Bytes,
            weigh,
            capacity,
        }),
        "w-tinylfu" if measure == Measure::Entries => Box::new(Window::new(capacity)),
        _ => return models::model(name, weigh, capacity),
    })
}

fn weigh_bytes(id: Id) -> u64 {
    1 + u64::from(id) * 7 % 11
}

/// What one step of a random history does to an id.
#[derive(Clone, Copy)]
enum Step {
    Request(Id),
    Remove(Id),
}

/// Popular ids, rare ids, loops, scans, and now and then a removal; the id space is small enough that
/// all comes back.
fn history(seed: u64, ids: u64, steps: usize) -> Vec<Step> {
    let mut draws = Draws::from_seed(seed);
    let mut history = Vec::new();
    while history.len() < steps {
        let kind = draws.below(4);
        let start = draws.below(ids);
        for offset in 0..1 + draws.below(2 * ids) {
            let id = match kind {
                0 => (start + offset) % ids,
                1 => draws.below(ids).min(draws.below(ids)).min(draws.below(ids)),
                2 => (start + offset % (1 + ids / 3)) % ids,
                _ => draws.below(ids),
            } as Id;
            let is_removal = draws.below(29) == 0;
            history.push(if is_removal {
                Step::Remove(id)
            } else {
                Step::Request(id)
            });
        }
    }
    history.truncate(steps);
    history
}

/// For each step the next step that requests the same id.
fn next_uses(history: &[Step]) -> Vec<u64> {
    let mut next_of_id = BTreeMap::new();
    let mut next_uses = vec![u64::MAX; history.len()];
    for (number, step) in history.iter().enumerate().rev() {
        if let Step::Request(id) = step {
            next_uses[number] = next_of_id.insert(*id, number as u64).unwrap_or(u64::MAX);
        }
    }
    next_uses
}

struct Boxing;

impl Visitor for Boxing {
    type Answer = Box<dyn Policy>;
    fn visit<P: Policy + 'static>(self, policy: P) -> Self::Answer {
        Box::new(policy)
    }
}

fn build(spec: &PolicySpec, measure: Measure, capacity: u64, history: &[Step]) -> Box<dyn Policy> {
    let requested = history.iter().map(|step| match *step {
        Step::Request(id) | Step::Remove(id) => id,
    });
    let setup = Setup {
        capacity,
        seed: 1,
        parameters: spec.parameters.clone(),
        strict: true,
        future: Some(Arc::new(requested.collect())),
        second: 1_000_000_000,
    };
    let kind = KINDS
        .iter()
        .find(|it| it.description().name == spec.description().name)
        .unwrap();
    kind.visit(measure, &setup, Boxing)
}

/// Runs a random history through a policy, checks the contract after each step, and compares the
/// residents with the model's, if there is one.
fn conforms(spec: &PolicySpec, measure: Measure, capacity: u64, seed: u64) {
    let name = spec.description().name;
    let ids = (3 * capacity).clamp(4, 90);
    let history = history(seed, ids, 1500);
    let next_uses = next_uses(&history);
    let mut policy = build(spec, measure, capacity, &history);
    policy.reserve(ids as usize);
    let mut model = model(name, measure, capacity);
    let weigh: Weigh = if measure == Measure::Bytes {
        weigh_bytes
    } else {
        |_| 1
    };
    let mut departures = Departures::listening();
    let mut residents = BTreeSet::<Id>::new();
    let mut ghosts = BTreeSet::<Id>::new();
    for (number, step) in history.iter().enumerate() {
        let context = || format!("{name}, {measure:?} {capacity}, seed {seed}, step {number}");
        let before = residents.clone();
        match *step {
            Step::Remove(id) => {
                if policy.contains(id) {
                    policy.remove(id);
                    residents.remove(&id);
                    if let Some(model) = &mut model {
                        model.remove(id);
                    }
                }
            }
            Step::Request(id) => {
                let access = Access {
                    key: crate::random::mix(u64::from(id)),
                    now: number as u64,
                    weight: weigh_bytes(id),
                    next_use: next_uses[number],
                    expires: u64::MAX,
                };
                if policy.contains(id) {
                    policy.hit(id, &access, &mut departures);
                    if let Some(model) = &mut model {
                        model.hit(id, &access);
                    }
                } else {
                    ghosts.remove(&id);
                    let admitted = policy.insert(id, &access, &mut departures);
                    assert_eq!(admitted, policy.contains(id), "{}", context());
                    if admitted {
                        residents.insert(id);
                    } else {
                        // It is a ghost until it is reported as forgotten.
                        ghosts.insert(id);
                    }
                    match &mut model {
                        Some(model) if weigh(id) > capacity => model.refuse(id, &access),
                        Some(model) => model.insert(id, &access),
                        None => {}
                    }
                }
            }
        }
        for id in departures.evicted.drain(..) {
            assert!(
                residents.remove(&id),
                "{}: {id} was not resident",
                context()
            );
            ghosts.insert(id);
        }
        for id in departures.forgotten.drain(..) {
            assert!(ghosts.remove(&id), "{}: {id} was no ghost", context());
        }
        let contained: BTreeSet<Id> = (0..ids as Id).filter(|&id| policy.contains(id)).collect();
        assert_eq!(contained, residents, "{}: reported departures", context());
        assert_eq!(policy.len(), residents.len(), "{}", context());
        let weight: u64 = residents.iter().map(|&id| weigh(id)).sum();
        assert_eq!(policy.weight(), weight, "{}", context());
        assert!(weight <= capacity, "{}: {weight} are resident", context());
        if let Some(model) = &model {
            let expected: BTreeSet<Id> = model.residents().into_iter().collect();
            assert_eq!(residents, expected, "{}: before, {before:?}", context());
        }
    }
}

const CAPACITIES: [u64; 12] = [1, 2, 3, 4, 5, 7, 10, 11, 19, 20, 27, 30];

#[test]
fn every_policy_keeps_the_contract_and_answers_as_its_slow_model_in_entries() {
    for spec in PolicySpec::all() {
        for capacity in CAPACITIES {
            for seed in 0..6 {
                conforms(&spec, Measure::Entries, capacity, seed);
            }
        }
    }
}

#[test]
fn every_policy_keeps_the_contract_and_answers_as_its_slow_model_in_bytes() {
    for spec in PolicySpec::all() {
        for capacity in CAPACITIES.into_iter().chain([60, 131]) {
            for seed in 0..6 {
                conforms(&spec, Measure::Bytes, capacity, seed);
            }
        }
    }
}

#[test]
fn all_policies_but_those_of_chance_have_a_slow_model() {
    for spec in PolicySpec::all() {
        let name = spec.description().name;
        let needs_none = [
            "random",
            "nothing",
            "hyperbolic",
            "lhd",
            "lecar",
            "cacheus",
            "redis-lru",
            "redis-lfu",
            // Those of other crates.
            "foyer",
            "moka",
            "quick_cache",
        ]
        .contains(&name);
        assert_eq!(
            model(name, Measure::Entries, 3).is_none(),
            needs_none,
            "{name}"
        );
    }
}

#[test]
fn at_capacity_zero_nothing_is_admitted() {
    for spec in PolicySpec::all() {
        for measure in [Measure::Entries, Measure::Bytes] {
            conforms(&spec, measure, 0, 1);
        }
    }
}

#[test]
fn recycled_ids_give_the_same_hits_as_dense_ones() {
    for spec in PolicySpec::all().filter(|it| !it.description().replay_only) {
        for capacity in [1, 2, 9, 30] {
            let history = history(capacity, 90, 4000);
            let mut policy = build(&spec, Measure::Entries, capacity, &history);
            policy.reserve(90);
            let mut cache = Cache::<()>::new(&spec, Measure::Entries, capacity, 1);
            let mut departures = Departures::ignored();
            for (number, step) in history.iter().enumerate() {
                let now = number as u64;
                match *step {
                    Step::Remove(id) => {
                        let was_resident = policy.contains(id);
                        if was_resident {
                            policy.remove(id);
                        }
                        assert_eq!(cache.remove(u64::from(id)).is_some(), was_resident);
                    }
                    Step::Request(id) => {
                        let key = u64::from(id);
                        let access = Access {
                            key,
                            now,
                            weight: 1,
                            next_use: u64::MAX,
                            expires: u64::MAX,
                        };
                        let hits = matches!(cache.lookup(key, now), Lookup::Hit(()));
                        assert_eq!(hits, policy.contains(id), "{spec} {capacity} {number}");
                        if hits {
                            policy.hit(id, &access, &mut departures);
                        } else {
                            policy.insert(id, &access, &mut departures);
                            cache.insert(key, (), 1, now, NEVER);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn lists_of_policies_split_at_commas_but_not_within_parameters() {
    let parse = |text: &str| -> Result<Vec<String>, specification::SpecError> {
        Ok(PolicySpec::parse_list(text)?
            .iter()
            .map(ToString::to_string)
            .collect())
    };
    assert_eq!(
        parse("2q:in=0.5,out=0.25,lru,slru:segments=2:segments=3")
            .unwrap_err()
            .to_string(),
        "the policy `slru` sets the parameter `segments` twice"
    );
    assert_eq!(
        parse("2q:in=50%,out=0.25,lru,w-tinylfu:climb=off").unwrap(),
        [
            "2q:in=0.5:out=0.25",
            "lru",
            "w-tinylfu:window=0.01:protected=0.8:climb=off"
        ]
    );
    assert_eq!(
        parse("slru:segmets=2").unwrap_err().to_string(),
        "the policy `slru` has no parameter `segmets`, did you mean `segments`?; \
         it has: segments (a whole number from 1 to 14)"
    );
    assert_eq!(
        parse("slru:segments=15").unwrap_err().to_string(),
        "the parameter `segments` of the policy `slru` cannot be `15`: \
         allowed is a whole number from 1 to 14"
    );
}
