//! volatile-ttl: the entry that expires soonest leaves; entries that never expire are spared.
//!
//! Source: Redis, `maxmemory-policy volatile-ttl`. Redis finds the soonest by samples; here it is
//! exact. As in Redis, when only entries without expiry are left the newcomer is refused;
//! with `spare=off` they leave last instead, the oldest first.
//!
//! Known weakness: it asks when entries die, not whether anybody wants them.

use std::collections::BTreeSet;

use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

const NEVER: u64 = u64::MAX;
/// No arrival is 0.
const ABSENT: u64 = 0;

/// When an entry expires and when it came in.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    expires: u64,
    arrival: u64,
}

/// The residents by expiry, then by age.
#[derive(Debug)]
pub struct VolatileTtl<W> {
    residents: BTreeSet<(u64, u64, Id)>,
    records: Vec<Record>,
    clock: u64,
    spares: bool,
    weights: W,
    weight: u64,
    /// The weight of entries that may be evicted.
    volatile: u64,
    capacity: u64,
}

impl<W: Weights> Described for VolatileTtl<W> {
    const DESCRIPTION: Description = Description {
        name: "volatile-ttl",
        summary: "the entry that expires soonest leaves; newcomers are refused when only entries without expiry are left",
        source: "Redis, maxmemory-policy volatile-ttl",
        parameters: &[Parameter::switch(
            "spare",
            true,
            "entries without expiry never leave, as in Redis; off: they leave last, oldest first",
        )],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            residents: BTreeSet::new(),
            records: Vec::new(),
            clock: 0,
            spares: setup.parameters.switch("spare"),
            weights: W::default(),
            weight: 0,
            volatile: 0,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> VolatileTtl<W> {
    fn may_leave(&self, expires: u64) -> bool {
        expires != NEVER || !self.spares
    }
}

impl<W: Weights> Policy for VolatileTtl<W> {
    fn reserve(&mut self, bound: usize) {
        self.weights.reserve(bound);
        if self.records.len() < bound {
            self.records.resize(bound, Record::default());
        }
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.records[id as usize].arrival != ABSENT
    }

    /// Only a new expiry matters: a sliding TTL, or a value that was stored again.
    fn hit(&mut self, id: Id, access: &Access, _departures: &mut Departures) {
        let Record { expires, arrival } = self.records[id as usize];
        if access.expires == expires {
            return;
        }
        let weight = self.weights.of(id);
        self.volatile -= if self.may_leave(expires) { weight } else { 0 };
        self.volatile += if self.may_leave(access.expires) {
            weight
        } else {
            0
        };
        self.residents.remove(&(expires, arrival, id));
        self.residents.insert((access.expires, arrival, id));
        self.records[id as usize].expires = access.expires;
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        let spared = self.weight - self.volatile;
        if weight > self.capacity || spared > self.capacity - weight {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight
            && let Some(&(_, _, victim)) = self.residents.first()
        {
            self.remove(victim);
            departures.evict_and_forget(victim);
        }
        self.clock += 1;
        self.records[id as usize] = Record {
            expires: access.expires,
            arrival: self.clock,
        };
        self.weights.set(id, weight);
        self.weight += weight;
        self.volatile += if self.may_leave(access.expires) {
            weight
        } else {
            0
        };
        self.residents.insert((access.expires, self.clock, id));
        true
    }

    fn remove(&mut self, id: Id) {
        let Record { expires, arrival } = std::mem::take(&mut self.records[id as usize]);
        let weight = self.weights.of(id);
        self.residents.remove(&(expires, arrival, id));
        self.weight -= weight;
        self.volatile -= if self.may_leave(expires) { weight } else { 0 };
    }

    fn len(&self) -> usize {
        self.residents.len()
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::super::Measure;
    use super::super::trial::Trial;

    #[test]
    fn the_entry_that_expires_soonest_leaves() {
        let mut trial = Trial::new("volatile-ttl", 3);
        trial.access(1, 1, 300);
        trial.access(2, 1, 100);
        trial.access(3, 1, 200);
        trial.access(4, 1, 50);
        assert_eq!(
            trial.residents(),
            [1, 3, 4],
            "the newcomer does not compete"
        );
        trial.access(5, 1, 400);
        assert_eq!(trial.residents(), [1, 3, 5]);
    }

    #[test]
    fn entries_without_expiry_are_spared_and_newcomers_refused() {
        let mut trial = Trial::of("volatile-ttl", Measure::Bytes, 10);
        trial.access(1, 6, u64::MAX);
        trial.access(2, 4, 100);
        trial.access(3, 5, 100);
        assert_eq!(
            trial.residents(),
            [1, 2],
            "5 do not fit beside 6 that may not leave"
        );
        trial.access(3, 4, 100);
        assert_eq!(trial.residents(), [1, 3]);
        let mut trial = Trial::new("volatile-ttl:spare=off", 2);
        trial.ask(&[1, 2, 3]);
        assert_eq!(trial.residents(), [2, 3], "the oldest first");
    }

    #[test]
    fn a_hit_that_brings_a_new_expiry_counts() {
        let mut trial = Trial::new("volatile-ttl", 2);
        trial.access(1, 1, 100);
        trial.access(2, 1, 200);
        trial.access(1, 1, 300);
        trial.access(3, 1, 400);
        assert_eq!(trial.residents(), [1, 3]);
    }
}
