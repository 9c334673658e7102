//! volatile-ttl, LRU-K, MQ and memcached.

use super::*;

/// The model of the policy `name`, if it is one of these.
pub(super) fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh = weigh_as(measure);
    Some(match name {
        "volatile-ttl" => Box::new(Spared {
            ids: vec![],
            weigh,
            capacity,
        }),
        "lru-k" => Box::new(SecondLast {
            ids: vec![],
            ghosts: vec![],
            times: BTreeMap::new(),
            now: 0,
            weigh,
            capacity,
        }),
        "mq" => Box::new(Queues {
            queues: vec![vec![]; 8],
            history: vec![],
            counts: BTreeMap::new(),
            until: BTreeMap::new(),
            now: 0,
            weigh,
            capacity,
        }),
        "memcached-slru" => Box::new(Temperatures {
            lists: [vec![], vec![], vec![]],
            hits: BTreeMap::new(),
            active: vec![],
            times: BTreeMap::new(),
            weigh,
            capacity,
        }),
        _ => return None,
    })
}

/// volatile-ttl where nothing ever expires: it fills up and refuses.
struct Spared {
    ids: Vec<Id>,
    weigh: Weigh,
    capacity: u64,
}

impl Model for Spared {
    fn residents(&self) -> Vec<Id> {
        self.ids.clone()
    }
    fn hit(&mut self, _: Id, _: &Access) {}
    fn insert(&mut self, id: Id, _: &Access) {
        if sum(&self.ids, self.weigh) + (self.weigh)(id) <= self.capacity {
            self.ids.push(id);
        }
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        take(&mut self.ids, id);
    }
}

/// LRU-2 with all times of all keys that are remembered.
struct SecondLast {
    ids: Vec<Id>,
    ghosts: Vec<Id>,
    times: BTreeMap<Id, Vec<u64>>,
    now: u64,
    weigh: Weigh,
    capacity: u64,
}

impl Model for SecondLast {
    fn residents(&self) -> Vec<Id> {
        self.ids.clone()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        self.now += 1;
        self.times.entry(id).or_default().push(self.now);
    }
    fn insert(&mut self, id: Id, _: &Access) {
        self.now += 1;
        if !take(&mut self.ghosts, id) {
            self.times.remove(&id);
        }
        while sum(&self.ids, self.weigh) + (self.weigh)(id) > self.capacity {
            let rank = |id: &Id| {
                let times = &self.times[id];
                let second_last = times.len().checked_sub(2).map_or(0, |it| times[it]);
                (second_last, *times.last().unwrap())
            };
            let victim = *self.ids.iter().min_by_key(|id| rank(id)).unwrap();
            take(&mut self.ids, victim);
            self.ghosts.push(victim);
            while sum(&self.ghosts, self.weigh) > self.capacity {
                self.ghosts.remove(0);
            }
        }
        self.times.entry(id).or_default().push(self.now);
        self.ids.push(id);
    }
    fn refuse(&mut self, id: Id, _: &Access) {
        self.now += 1;
        take(&mut self.ghosts, id);
    }
    fn remove(&mut self, id: Id) {
        take(&mut self.ids, id);
    }
}

/// MQ.
struct Queues {
    queues: Vec<Vec<Id>>,
    history: Vec<Id>,
    counts: BTreeMap<Id, u32>,
    until: BTreeMap<Id, u64>,
    now: u64,
    weigh: Weigh,
    capacity: u64,
}

impl Queues {
    fn renew(&mut self, id: Id) {
        self.until
            .insert(id, self.now + 4 * self.residents().len() as u64);
    }
    fn enqueue(&mut self, id: Id) {
        let mut queue = 0;
        while queue < 7 && 2 << queue <= self.counts[&id] {
            queue += 1;
        }
        self.queues[queue].push(id);
        self.renew(id);
        for queue in 1..8 {
            if let Some(&head) = self.queues[queue].first()
                && self.until[&head] < self.now
            {
                self.queues[queue].remove(0);
                self.queues[queue - 1].push(head);
                self.renew(head);
            }
        }
    }
}

impl Model for Queues {
    fn residents(&self) -> Vec<Id> {
        self.queues.concat()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        self.now += 1;
        self.queues.iter_mut().for_each(|queue| {
            take(queue, id);
        });
        *self.counts.get_mut(&id).unwrap() += 1;
        self.enqueue(id);
    }
    fn insert(&mut self, id: Id, _: &Access) {
        self.now += 1;
        if !take(&mut self.history, id) {
            self.counts.insert(id, 0);
        }
        while sum(&self.residents(), self.weigh) + (self.weigh)(id) > self.capacity {
            let lowest = self.queues.iter_mut().find(|it| !it.is_empty()).unwrap();
            self.history.push(lowest.remove(0));
            while sum(&self.history, self.weigh) > 4 * self.capacity {
                self.history.remove(0);
            }
        }
        *self.counts.get_mut(&id).unwrap() += 1;
        self.enqueue(id);
    }
    fn refuse(&mut self, id: Id, _: &Access) {
        self.now += 1;
        take(&mut self.history, id);
    }
    fn remove(&mut self, id: Id) {
        self.queues.iter_mut().for_each(|queue| {
            take(queue, id);
        });
    }
}

/// memcached's lists: hot, warm and cold, each oldest first.
struct Temperatures {
    lists: [Vec<Id>; 3],
    /// Whether it was fetched since it came in.
    hits: BTreeMap<Id, bool>,
    active: Vec<Id>,
    times: BTreeMap<Id, u64>,
    weigh: Weigh,
    capacity: u64,
}

impl Temperatures {
    fn warm_up(&mut self, id: Id) {
        self.drop(id);
        self.lists[1].push(id);
    }
    fn drop(&mut self, id: Id) {
        take(&mut self.active, id);
        for list in &mut self.lists {
            take(list, id);
        }
    }
    fn juggle(&mut self, list: usize, now: u64) {
        let stored = sum(&self.residents(), self.weigh) as f64;
        let cold_age = match self.lists[2].first() {
            Some(tail) => (now - self.times[tail]) as f64,
            None => 0.0,
        };
        let (share, age) = [(0.2, 0.2), (0.4, 2.0)][list];
        while let Some(&tail) = self.lists[list].first() {
            let too_large = sum(&self.lists[list], self.weigh) as f64 > stored * share;
            let idle = (now - self.times[&tail]) as f64;
            if !too_large && (idle == 0.0 || idle <= cold_age * age) {
                return;
            }
            if self.active.contains(&tail) {
                self.warm_up(tail);
            } else {
                self.lists[list].remove(0);
                self.lists[2].push(tail);
            }
        }
    }
}

impl Model for Temperatures {
    fn residents(&self) -> Vec<Id> {
        self.lists.concat()
    }
    fn hit(&mut self, id: Id, access: &Access) {
        if self.active.contains(&id) {
            return;
        }
        if !self.hits.insert(id, true).unwrap() {
            return;
        }
        self.times.insert(id, access.now);
        if self.lists[2].contains(&id) {
            self.warm_up(id);
        } else {
            self.active.push(id);
        }
    }
    fn insert(&mut self, id: Id, access: &Access) {
        while sum(&self.residents(), self.weigh) + (self.weigh)(id) > self.capacity {
            let first = [2, 0, 1].map(|list: usize| self.lists[list].first().copied());
            let victim = first.into_iter().flatten().next().unwrap();
            self.drop(victim);
        }
        self.lists[0].push(id);
        self.hits.insert(id, false);
        self.times.insert(id, access.now);
        self.juggle(0, access.now);
        self.juggle(1, access.now);
    }
    fn refuse(&mut self, _: Id, _: &Access) {}
    fn remove(&mut self, id: Id) {
        self.drop(id);
    }
}
