//! TinyLFU and W-TinyLFU; the sketch is the real one, which has tests of its own.

use super::*;

/// The model of the policy `name`, if it is one of these.
pub(super) fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh = weigh_as(measure);
    Some(match name {
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
        "w-tinylfu" => Box::new(Window::new(measure, capacity)),
        _ => return None,
    })
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

/// W-TinyLFU, as the steps are listed for Caffeine.
struct Window {
    window: Vec<Id>,
    probation: Vec<Id>,
    protected: Vec<Id>,
    keys: BTreeMap<Id, u64>,
    sketch: Sketch,
    /// Whether the sketch keeps up with the number of entries.
    grows: bool,
    draws: Draws,
    window_size: u64,
    protected_size: u64,
    /// Requests from one step of the climber to the next.
    sample: u64,
    step: f64,
    previous: f64,
    hits: u64,
    misses: u64,
    adjustment: i64,
    weigh: Weigh,
    capacity: u64,
}

impl Window {
    fn new(measure: Measure, capacity: u64) -> Self {
        let window = capacity - (0.99 * capacity as f64) as u64;
        let entries = match measure {
            Measure::Entries => capacity,
            Measure::Bytes => 0,
        };
        Self {
            window: Vec::new(),
            probation: Vec::new(),
            protected: Vec::new(),
            keys: BTreeMap::new(),
            sketch: Sketch::new(entries),
            grows: measure == Measure::Bytes,
            draws: Draws::from_seed(1),
            window_size: window,
            protected_size: ((capacity - window) as f64 * 0.8) as u64,
            sample: 10 * entries.max(1),
            step: -0.0625 * capacity as f64,
            previous: 0.0,
            hits: 0,
            misses: 0,
            adjustment: 0,
            weigh: weigh_as(measure),
            capacity,
        }
    }

    fn demote(&mut self) {
        while sum(&self.protected, self.weigh) > self.protected_size {
            self.probation.push(self.protected.remove(0));
        }
    }

    fn maintain(&mut self) {
        let requests = self.hits + self.misses;
        if requests >= self.sample {
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
            let most = self.adjustment.unsigned_abs().min(self.protected_size);
            self.protected_size -= most;
            self.demote();
            let mut left = most;
            // What waits longest in probation, else in the protected part, if it is not too heavy.
            while let Some(queue) = [&mut self.probation, &mut self.protected]
                .into_iter()
                .find(|queue| queue.first().is_some_and(|&it| (self.weigh)(it) <= left))
            {
                let moved = queue.remove(0);
                self.window.push(moved);
                left -= (self.weigh)(moved);
            }
            self.protected_size += left;
            self.window_size += most - left;
            self.adjustment = left as i64;
        } else if self.adjustment < 0 && self.window_size > 1 {
            let most = self.adjustment.unsigned_abs().min(self.window_size - 1);
            let mut left = most;
            while self
                .window
                .first()
                .is_some_and(|&it| (self.weigh)(it) <= left)
            {
                let moved = self.window.remove(0);
                self.probation.push(moved);
                left -= (self.weigh)(moved);
            }
            self.protected_size += most - left;
            self.window_size -= most - left;
            self.adjustment = -(left as i64);
        }
    }

    fn is_over(&self) -> bool {
        sum(&self.residents(), self.weigh) > self.capacity
    }

    /// Who comes after `id` in its queue.
    fn after(&self, id: Id) -> Option<Id> {
        [&self.window, &self.probation, &self.protected]
            .into_iter()
            .find_map(|queue| {
                let position = queue.iter().position(|&it| it == id)?;
                Some(queue.get(position + 1).copied())
            })
            .flatten()
    }

    fn evict(&mut self, mut candidate: Option<Id>) {
        let mut searched_window = false;
        // Probation's entries are the victims; only if nobody is left, the protected, then the window's.
        let mut victims = self.probation.clone();
        let mut others = vec![self.window.clone(), self.protected.clone()];
        while self.is_over() {
            if candidate.is_none() && !searched_window {
                candidate = self.window.first().copied();
                searched_window = true;
            }
            let residents = self.residents();
            victims.retain(|it| residents.contains(it));
            let next = candidate.and_then(|it| self.after(it));
            let loser = match (candidate, victims.first().copied()) {
                (None, None) => {
                    victims = others.pop().expect("somebody is resident");
                    continue;
                }
                (Some(loser), None) => {
                    candidate = next;
                    loser
                }
                (None, Some(loser)) => loser,
                (Some(both), Some(victim)) if both == victim => {
                    candidate = None;
                    both
                }
                (Some(contender), Some(victim)) => {
                    candidate = next;
                    let new = self.sketch.estimate(self.keys[&contender]);
                    let old = self.sketch.estimate(self.keys[&victim]);
                    let wins = new > old || (new >= 6 && self.draws.below(128) == 0);
                    if wins { victim } else { contender }
                }
            };
            self.remove(loser);
        }
    }

    fn count_miss(&mut self, access: &Access) {
        self.misses += 1;
        let entries = self.residents().len() as u64 + 1;
        if self.grows && entries > self.sketch.words() as u64 {
            self.sketch = Sketch::new(entries);
            self.sample = 10 * entries;
        }
        self.sketch.increment(access.key);
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
            let to = if self.protected_size >= (self.weigh)(id) {
                &mut self.protected
            } else {
                &mut self.probation
            };
            to.push(id);
        }
        self.maintain();
    }
    fn insert(&mut self, id: Id, access: &Access) {
        self.count_miss(access);
        self.keys.insert(id, access.key);
        // What is too heavy for the window goes to its old end, so that it is the first to leave it.
        let place = match (self.weigh)(id) > self.window_size {
            true => 0,
            false => self.window.len(),
        };
        self.window.insert(place, id);
        let mut candidate = None;
        while sum(&self.window, self.weigh) > self.window_size {
            let moved = self.window.remove(0);
            self.probation.push(moved);
            candidate = candidate.or(Some(moved));
        }
        self.evict(candidate);
        self.maintain();
    }
    fn refuse(&mut self, _: Id, access: &Access) {
        self.count_miss(access);
        self.maintain();
    }
    fn remove(&mut self, id: Id) {
        let _ = take(&mut self.window, id)
            || take(&mut self.probation, id)
            || take(&mut self.protected, id);
    }
}
