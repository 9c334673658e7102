//! Slow models of further policies: see the parent module.

use std::collections::BTreeMap;

use super::super::{Access, Id};
use super::{Model, Weigh, sum, take};

/// The model of the policy `name`, if there is one here.
pub fn model(name: &str, weigh: Weigh, capacity: u64) -> Option<Box<dyn Model>> {
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
        "clock-pro" => Box::new(Circle {
            pages: vec![],
            hands: [0; 3],
            cold_target: 1,
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

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Hot,
    Cold,
    Ghost,
}

#[derive(Clone, Copy)]
struct Page {
    id: Id,
    kind: Kind,
    referenced: bool,
    tested: bool,
}

/// CLOCK-Pro, with hands that are positions in a plain list.
struct Circle {
    pages: Vec<Page>,
    /// Positions of the hot, the cold and the test hand.
    hands: [usize; 3],
    cold_target: u64,
    weigh: Weigh,
    capacity: u64,
}

const HOT: usize = 0;
const COLD: usize = 1;
const TEST: usize = 2;

impl Circle {
    fn total(&self, kind: Kind) -> u64 {
        let pages = self.pages.iter().filter(|it| it.kind == kind);
        pages.map(|it| (self.weigh)(it.id)).sum()
    }
    fn wrap(&mut self) {
        for hand in &mut self.hands {
            if *hand >= self.pages.len() {
                *hand = 0;
            }
        }
    }
    fn take_out(&mut self, position: usize) -> Page {
        let page = self.pages.remove(position);
        for hand in &mut self.hands {
            if *hand > position {
                *hand -= 1;
            }
        }
        self.wrap();
        page
    }
    fn put_in(&mut self, id: Id, kind: Kind) {
        let page = Page {
            id,
            kind,
            referenced: false,
            tested: kind == Kind::Cold,
        };
        let head = self.hands[HOT];
        self.pages.insert(head, page);
        if self.pages.len() > 1 {
            for hand in &mut self.hands {
                if *hand >= head {
                    *hand += 1;
                }
            }
        }
    }
    fn advance(&mut self, hand: usize) -> usize {
        let position = self.hands[hand];
        self.hands[hand] += 1;
        self.wrap();
        position
    }
    fn end_test(&mut self, position: usize) {
        let page = self.pages[position];
        if !page.tested {
            return;
        }
        let weight = (self.weigh)(page.id);
        self.cold_target = self.cold_target.saturating_sub(weight).max(1);
        self.pages[position].tested = false;
        if page.kind == Kind::Ghost {
            self.take_out(position);
        }
    }
    fn grow_cold(&mut self, id: Id) {
        let most = self.capacity.saturating_sub(1).max(1);
        self.cold_target = (self.cold_target + (self.weigh)(id)).min(most);
    }
    fn run_hot_hand(&mut self) {
        while self.total(Kind::Hot) > 0 {
            let position = self.advance(HOT);
            let page = &mut self.pages[position];
            if page.kind != Kind::Hot {
                if !page.referenced {
                    self.end_test(position);
                }
            } else if page.referenced {
                page.referenced = false;
            } else {
                page.kind = Kind::Cold;
                page.tested = false;
                return;
            }
        }
    }
    fn run_cold_hand(&mut self) {
        if self.total(Kind::Cold) == 0 {
            self.run_hot_hand();
        }
        while self.pages[self.hands[COLD]].kind != Kind::Cold {
            self.advance(COLD);
        }
        let position = self.advance(COLD);
        let page = self.pages[position];
        if page.referenced {
            if page.tested {
                self.grow_cold(page.id);
            }
            self.take_out(position);
            let kind = if page.tested { Kind::Hot } else { Kind::Cold };
            self.put_in(page.id, kind);
            if page.tested {
                self.cool();
            }
        } else if !page.tested {
            self.take_out(position);
        } else {
            self.pages[position].kind = Kind::Ghost;
            while self.total(Kind::Ghost) > self.capacity {
                let position = self.advance(TEST);
                let page = self.pages[position];
                if page.kind != Kind::Hot && !page.referenced {
                    self.end_test(position);
                }
            }
        }
    }
    fn cool(&mut self) {
        while self.total(Kind::Hot) > self.capacity.saturating_sub(self.cold_target) {
            self.run_hot_hand();
        }
    }
}

impl Model for Circle {
    fn residents(&self) -> Vec<Id> {
        let residents = self.pages.iter().filter(|it| it.kind != Kind::Ghost);
        residents.map(|it| it.id).collect()
    }
    fn hit(&mut self, id: Id, _: &Access) {
        let page = self.pages.iter_mut().find(|it| it.id == id);
        page.unwrap().referenced = true;
    }
    fn insert(&mut self, id: Id, access: &Access) {
        let known = self.pages.iter().any(|it| it.id == id);
        self.refuse(id, access);
        let weight = (self.weigh)(id);
        while sum(&self.residents(), self.weigh) + weight > self.capacity {
            self.run_cold_hand();
        }
        let room = self.capacity.saturating_sub(self.cold_target);
        let is_hot = known || self.total(Kind::Hot) + weight <= room;
        self.put_in(id, if is_hot { Kind::Hot } else { Kind::Cold });
        self.cool();
    }
    fn refuse(&mut self, id: Id, _: &Access) {
        if self.pages.iter().any(|it| it.id == id) {
            self.grow_cold(id);
            self.remove(id);
        }
    }
    fn remove(&mut self, id: Id) {
        let position = self.pages.iter().position(|it| it.id == id);
        self.take_out(position.unwrap());
    }
}
