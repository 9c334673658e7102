//! LFU, LFU-DA, GDSF, SIZE and both of Belady: who has the least or the most of something leaves.

use super::*;

/// The model of the policy `name`, if it is one of these.
pub(super) fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh = weigh_as(measure);
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
    Some(match name {
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
        _ => return None,
    })
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
