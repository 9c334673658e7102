//! CLOCK-Pro.

use super::*;

/// The model of the policy `name`, if it is one of these.
pub(super) fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh = weigh_as(measure);
    Some(match name {
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
