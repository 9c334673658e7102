//! Which app instances get requests: all, but for those that are being restarted or are down.

use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use crate::kernel::{Interruption, Kernel};
use crate::random::Draws;

/// The app instances behind a load balancer, which sends nothing to one that is down.
#[derive(Debug)]
pub struct Rotation {
    absences: RefCell<Vec<Absence>>,
    out: Cell<u32>,
    /// Of each instance, if instances crash.
    lives: OnceCell<Vec<Life>>,
}

/// Why an instance gets no requests.
#[derive(Clone, Copy, Debug, Default)]
struct Absence {
    is_deployed: bool,
    is_down: bool,
}

impl Absence {
    fn is_out(self) -> bool {
        self.is_deployed || self.is_down
    }
}

/// The processes of one instance, one after the other.
#[derive(Debug)]
struct Life {
    crashes: Cell<u64>,
    /// The end of the present one.
    end: Interruption,
}

impl Rotation {
    /// All of so many instances are in.
    pub(super) fn new(instances: u32) -> Self {
        Self {
            absences: RefCell::new(vec![Absence::default(); instances as usize]),
            out: Cell::new(0),
            lives: OnceCell::new(),
        }
    }

    /// How many instances there are, those that get no requests included.
    pub fn instances(&self) -> u32 {
        self.absences.borrow().len() as u32
    }

    /// Whether all instances get requests.
    #[inline]
    pub fn is_whole(&self) -> bool {
        self.out.get() == 0
    }

    /// An instance is being restarted and gets no more requests. Whether it was not until now.
    pub fn take_out(&self, instance: u32) -> bool {
        let was_deployed = self.absent(instance).is_deployed;
        self.change(instance, |absence| absence.is_deployed = true);
        !was_deployed
    }

    /// An instance has been restarted and gets requests again, unless it is down.
    pub fn put_in(&self, instance: u32) {
        self.change(instance, |absence| absence.is_deployed = false);
    }

    fn absent(&self, instance: u32) -> Absence {
        let absences = self.absences.borrow();
        absences.get(instance as usize).copied().unwrap_or_default()
    }

    fn change(&self, instance: u32, change: impl FnOnce(&mut Absence)) {
        let absence = &mut self.absences.borrow_mut()[instance as usize];
        let was_out = absence.is_out();
        change(absence);
        let others = self.out.get() - u32::from(was_out);
        self.out.set(others + u32::from(absence.is_out()));
    }

    /// The timeline will crash instances: from now on their work is prepared for that.
    pub fn expect_crashes(&self, kernel: &Rc<Kernel>) {
        self.lives.get_or_init(|| {
            let life = |_| Life {
                crashes: Cell::new(0),
                end: Interruption::new(kernel.clone()),
            };
            (0..self.instances()).map(life).collect()
        });
    }

    /// Whether instances crash in this run.
    pub fn expects_crashes(&self) -> bool {
        self.lives.get().is_some()
    }

    /// How often an instance has crashed.
    pub fn crashes(&self, instance: u32) -> u64 {
        self.life(instance).map_or(0, |life| life.crashes.get())
    }

    /// Whether an instance is down.
    pub(super) fn is_down(&self, instance: u32) -> bool {
        self.absent(instance).is_down
    }

    fn life(&self, instance: u32) -> Option<&Life> {
        self.lives.get()?.get(instance as usize)
    }

    /// An instance goes down, and what it works on ends.
    pub(super) fn go_down(&self, instance: u32) {
        self.change(instance, |absence| absence.is_down = true);
        if let Some(life) = self.life(instance) {
            life.crashes.set(life.crashes.get() + 1);
            life.end.come();
        }
    }

    /// An instance that was down gets requests again.
    pub(super) fn come_up(&self, instance: u32) {
        self.change(instance, |absence| absence.is_down = false);
    }

    /// The output of `work` that an instance does; `None` if it crashes before the end, or is down.
    pub async fn unless_it_crashes<F: Future>(&self, instance: u32, work: F) -> Option<F::Output> {
        match self.life(instance) {
            None => Some(work.await),
            Some(_) if self.absent(instance).is_down => None,
            Some(life) => life.end.unless_it_comes(work).await,
        }
    }

    /// Who gets a request that was meant for `instance`: that one, or if it is out another of the
    /// `neighbours`, or of all if those are out; nobody if all are.
    pub fn instead_of(
        &self,
        instance: u32,
        neighbours: Range<u32>,
        luck: &mut Draws,
    ) -> Option<u32> {
        let absences = self.absences.borrow();
        let is_in = |it: &u32| absences.get(*it as usize).is_some_and(|it| !it.is_out());
        if is_in(&instance) {
            return Some(instance);
        }
        let all = 0..absences.len() as u32;
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

    #[test]
    fn who_is_down_is_out_whatever_else_is_done_with_it() {
        let rotation = Rotation::new(2);
        rotation.go_down(0);
        assert!(rotation.take_out(0));
        rotation.put_in(0);
        let mut luck = Luck::new(1, 0).stream("instance").at(0);
        assert_eq!(rotation.instead_of(0, 0..2, &mut luck), Some(1));
        rotation.come_up(0);
        assert!(rotation.is_whole());
    }
}
