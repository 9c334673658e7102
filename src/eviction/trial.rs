//! For tests: a policy, asked for keys one after another as replay does.

use std::collections::BTreeSet;

use super::{Access, Departures, Id, Measure, Policy, PolicySpec};

/// A cache of one policy whose keys are small numbers, which are also its ids.
pub struct Trial {
    policy: Box<dyn Policy>,
    now: u64,
}

impl Trial {
    const IDS: Id = 64;

    /// A cache of `capacity` entries under the policy as written in `spec`.
    pub fn new(spec: &str, capacity: u64) -> Self {
        Self::of(spec, Measure::Entries, capacity)
    }

    /// A cache of `capacity` entries or bytes.
    pub fn of(spec: &str, measure: Measure, capacity: u64) -> Self {
        let spec = match PolicySpec::parse(spec) {
            Ok(spec) => spec,
            Err(error) => panic!("{error}"),
        };
        let mut policy = spec.build(measure, capacity, 1);
        policy.reserve(Self::IDS as usize);
        Self { policy, now: 0 }
    }

    /// Time passes between this request and the next.
    pub fn wait(&mut self, time: u64) {
        self.now += time;
    }

    /// Asks for `ids` in order, each of weight 1 and without expiry, and stores what was missed.
    /// Returns which were hits.
    pub fn ask(&mut self, ids: &[Id]) -> Vec<bool> {
        ids.iter().map(|&id| self.access(id, 1, u64::MAX)).collect()
    }

    /// Asks for `id`, and stores it with this weight and expiry if it was missed.
    pub fn access(&mut self, id: Id, weight: u64, expires: u64) -> bool {
        let access = Access {
            key: u64::from(id),
            now: self.now,
            weight,
            next_use: u64::MAX,
            expires,
        };
        self.now += 1;
        let mut departures = Departures::listening();
        let hit = self.policy.contains(id);
        if hit {
            self.policy.hit(id, &access, &mut departures);
        } else {
            let admitted = self.policy.insert(id, &access, &mut departures);
            assert_eq!(admitted, self.policy.contains(id));
        }
        hit
    }

    /// Takes `id` out, as a deletion does.
    pub fn remove(&mut self, id: Id) {
        self.policy.remove(id);
    }

    /// What is resident, in rising order.
    pub fn residents(&self) -> Vec<Id> {
        let residents: BTreeSet<Id> = (0..Self::IDS)
            .filter(|&id| self.policy.contains(id))
            .collect();
        assert_eq!(residents.len(), self.policy.len());
        residents.into_iter().collect()
    }
}
