//! LRU, FIFO, MRU, CLOCK, SIEVE, SLRU and 2Q: lists that are searched from end to end.

use super::*;

/// The model of the policy `name`, if it is one of these.
pub(super) fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh = weigh_as(measure);
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
        _ => return None,
    })
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
