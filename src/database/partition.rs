//! Partitions between the servers of the database: what a primary commits does not reach the replicas
//! beyond, until the network is whole again.
//!
//! A synchronous write does not wait for a replica that is cut off. A primary that is cut off from
//! everybody is replaced after the time of a failover, like one that is down; one that is cut off from
//! other regions only is not, as there are clients whom it serves.
//!
//! Not here: the exchanges between the app and the servers (see `disturbed`).

use std::rc::Rc;

use super::Database;
use super::faults::Which;
use crate::units::RegionId;

/// Where the network is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Around a server, by the number that it keeps.
    Server(usize),
    /// Around a region.
    Region(RegionId),
    /// Between two regions.
    Between(RegionId, RegionId),
}

impl Cut {
    /// Whether two servers, by number and home, are cut off from each other. Those that live nowhere
    /// in particular are not, by the border of a region.
    fn separates(self, one: (usize, Option<RegionId>), other: (usize, Option<RegionId>)) -> bool {
        let homes = one.1.zip(other.1);
        match self {
            Self::Server(server) => (one.0 == server) != (other.0 == server),
            Self::Region(region) => {
                homes.is_some_and(|(one, other)| (one == region) != (other == region))
            }
            Self::Between(a, b) => homes.is_some_and(|homes| homes == (a, b) || homes == (b, a)),
        }
    }
}

impl Database {
    /// From now on the network between servers is cut, until [`Database::mend`] with the answer.
    pub fn cut(self: &Rc<Self>, cut: Cut) -> u64 {
        let number = self.cuts.begin(cut);
        self.note_cuts();
        if cut == Cut::Server(self.number(Which::Primary)) {
            self.fail_over_after(self.primary.get());
        }
        number
    }

    /// Ends what [`Database::cut`] began.
    pub fn mend(&self, number: u64) {
        self.cuts.end(number);
        self.note_cuts();
    }

    /// Whether a server is cut off from everybody.
    pub(super) fn is_cut_off(&self, server: usize) -> bool {
        let cuts = self.cuts.things();
        cuts.iter().any(|&(_, cut)| cut == Cut::Server(server))
    }

    /// The network, or the primary, is another one than before.
    pub(super) fn note_cuts(&self) {
        let Some(replication) = &self.replication else {
            return;
        };
        let now_ns = self.kernel.now();
        let homes: Vec<Option<RegionId>> = self.homes().collect();
        let primary = self.primary.get();
        let cuts = self.cuts.things();
        for (server, log) in replication.logs.borrow_mut().iter_mut().enumerate() {
            let separates = |&(_, cut): &(u64, Cut)| {
                cut.separates((primary, homes[primary]), (server, homes[server]))
            };
            match cuts.iter().any(separates) {
                true => log.cut(now_ns),
                false => log.mend(now_ns),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_border_is_between_those_who_live_on_different_sides_of_it() {
        let [eu, us, asia] = [0, 1, 2].map(RegionId);
        let separates = |cut: Cut, one, other| cut.separates((0, one), (1, other));
        let around_us = Cut::Region(us);
        assert!(separates(around_us, Some(eu), Some(us)));
        assert!(separates(around_us, Some(us), Some(asia)));
        assert!(!separates(around_us, Some(eu), Some(asia)));
        assert!(!separates(around_us, Some(us), Some(us)));
        assert!(!separates(around_us, Some(us), None));
        let between = Cut::Between(us, eu);
        assert!(separates(between, Some(eu), Some(us)));
        assert!(!separates(between, Some(asia), Some(us)));
        assert!(separates(Cut::Server(1), None, None));
        assert!(!separates(Cut::Server(2), None, None));
    }
}
