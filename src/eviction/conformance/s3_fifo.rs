//! S3-FIFO.

use super::*;

/// The model of the policy `name`, if it is one of these.
pub(super) fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let weigh = weigh_as(measure);
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
    Some(match name {
        "s3-fifo" => s3_fifo(true),
        "s3-fifo-v0" => s3_fifo(false),
        _ => return None,
    })
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
