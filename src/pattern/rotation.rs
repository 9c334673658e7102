//! Which app instances get requests: all, but for those that are being restarted.

use std::cell::{Cell, RefCell};
use std::ops::Range;

use crate::random::Draws;

/// The app instances behind a load balancer.
#[derive(Debug)]
pub struct Rotation {
    is_out: RefCell<Vec<bool>>,
    out: Cell<u32>,
}

impl Rotation {
    /// All of so many instances are in.
    pub(super) fn new(instances: u32) -> Self {
        Self {
            is_out: RefCell::new(vec![false; instances as usize]),
            out: Cell::new(0),
        }
    }

    /// How many instances there are, those that get no requests included.
    pub fn instances(&self) -> u32 {
        self.is_out.borrow().len() as u32
    }

    /// Whether all instances get requests.
    #[inline]
    pub fn is_whole(&self) -> bool {
        self.out.get() == 0
    }

    /// An instance gets no more requests. Whether it did until now.
    pub fn take_out(&self, instance: u32) -> bool {
        let was_out = std::mem::replace(&mut self.is_out.borrow_mut()[instance as usize], true);
        self.out.set(self.out.get() + u32::from(!was_out));
        !was_out
    }

    /// An instance gets requests again.
    pub fn put_in(&self, instance: u32) {
        let was_out = std::mem::replace(&mut self.is_out.borrow_mut()[instance as usize], false);
        self.out.set(self.out.get() - u32::from(was_out));
    }

    /// Who gets a request that was meant for `instance`: that one, or if it is out another of the
    /// `neighbours`, or of all if those are out; nobody if all are.
    pub fn instead_of(
        &self,
        instance: u32,
        neighbours: Range<u32>,
        luck: &mut Draws,
    ) -> Option<u32> {
        let is_out = self.is_out.borrow();
        let is_in = |it: &u32| !is_out.get(*it as usize).copied().unwrap_or(true);
        if is_in(&instance) {
            return Some(instance);
        }
        let all = 0..is_out.len() as u32;
        [neighbours, all].into_iter().find_map(|candidates| {
            let count = candidates.clone().filter(is_in).count() as u64;
            let which = luck.below(count) as usize;
            candidates.filter(is_in).nth(which)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Luck;

    #[test]
    fn only_the_requests_of_an_instance_that_is_out_go_elsewhere() {
        let rotation = Rotation::new(3);
        assert!(rotation.is_whole());
        assert!(rotation.take_out(1));
        assert!(!rotation.take_out(1));
        let mut luck = Luck::new(1, 0).stream("instance").at(0);
        for _ in 0..20 {
            assert_eq!(rotation.instead_of(0, 0..3, &mut luck), Some(0));
            assert_ne!(rotation.instead_of(1, 0..3, &mut luck), Some(1));
        }
        rotation.take_out(0);
        assert_eq!(rotation.instead_of(1, 0..3, &mut luck), Some(2));
        rotation.take_out(2);
        assert_eq!(rotation.instead_of(1, 0..3, &mut luck), None);
        rotation.put_in(1);
        assert_eq!(rotation.instead_of(2, 0..3, &mut luck), Some(1));
    }
}
