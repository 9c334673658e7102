//! ARC and CAR.

use super::*;

/// The model of the policy `name`, if it is one of these.
pub(super) fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh = weigh_as(measure);
    Some(match name {
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
        _ => return None,
    })
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
