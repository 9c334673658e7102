//! Admission: which entry may enter a cache, in front of any eviction policy.
//!
//! It is written behind a plus sign: `lru+bloom`, `slru:segments=2+probability:p=0.1`. A newcomer that is
//! refused does not touch the policy at all; it is reported as forgotten, unless the policy
//! remembers it as a ghost.
//!
//! To add a kind of admission, write one file with a type that implements [`Admission`] and
//! [`Described`], and add its `mod` line and its row to the table at the end of this file.
//!
//! Not here: who leaves (see the parent module). Policies that are nothing without their admission
//! (`tinylfu`, `w-tinylfu`) bring it along.

use std::fmt;

use super::queue::Weights as _;
use super::specification::{nearest, plain, split_name};
use super::{
    Access, Bytes, Departures, Entries, Id, Measure, Parameter, Parameters, Policy, Setup,
    SpecError,
};

pub mod filter;

mod adaptsize;
mod all;
mod bloom;
mod probability;
mod size;
mod tinylfu;

/// Decides on newcomers.
///
/// Of each access it is told, before the policy is: of a hit by [`Admission::hit`], of anything else
/// by [`Admission::admits`].
pub trait Admission: Send {
    /// An access to a resident that weighs `weight`.
    fn hit(&mut self, access: &Access, weight: u64);

    /// Whether a newcomer may enter. `victim` is the key of the entry that would leave for it; none if
    /// nobody has to or if the policy cannot tell.
    fn admits(&mut self, access: &Access, victim: Option<u64>) -> bool;
}

/// What people are told about a kind of admission.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The name in scenarios and on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// What may be set, with defaults.
    pub parameters: &'static [Parameter],
    /// It works only in front of a policy that can tell who would leave
    /// ([`Policy::victim`]).
    pub needs_victim: bool,
    /// The parameter that says after how many requests it is tuned, the first time and then again.
    pub tuned_every: Option<&'static str>,
}

/// What an admission is built from.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The capacity of the cache.
    pub capacity: u64,
    /// What the capacity counts.
    pub measure: Measure,
    /// Seed of its own dice.
    pub seed: u64,
    /// The parameters of its [`Description`], all with a value.
    pub parameters: Parameters,
}

/// Bytes that an entry is taken to have where a capacity in bytes must stand for a number of entries.
const TYPICAL_BYTES: u64 = 1024;

impl Surroundings {
    /// About how many entries the cache holds.
    fn entries(&self) -> u64 {
        match self.measure {
            Measure::Entries => self.capacity,
            Measure::Bytes => self.capacity / TYPICAL_BYTES,
        }
    }
}

/// An admission that the table can list and build.
pub trait Described: Admission + Sized + 'static {
    /// What people are told about it.
    const DESCRIPTION: Description;

    /// Before any access.
    fn new(surroundings: &Surroundings) -> Self;
}

/// A policy behind an admission.
pub struct Admitted<P> {
    policy: P,
    admission: Box<dyn Admission>,
    measure: fn(u64) -> u64,
    capacity: u64,
    /// The keys of residents.
    keys: Vec<u64>,
    /// What residents weigh.
    weights: Vec<u64>,
    /// Whether the policy knows an id, as a resident or as a ghost.
    known: Vec<bool>,
    /// What the policy reports, on the way to the host.
    reported: Departures,
}

impl<P: Policy> Admitted<P> {
    /// `policy`, in front of which `gate` decides.
    #[must_use]
    pub fn new(policy: P, gate: Gate) -> Self {
        Self {
            policy,
            admission: gate.admission,
            measure: match gate.measure {
                Measure::Entries => Entries::measure,
                Measure::Bytes => Bytes::measure,
            },
            capacity: gate.capacity,
            keys: Vec::new(),
            weights: Vec::new(),
            known: Vec::new(),
            reported: Departures::listening(),
        }
    }

    fn hand_on(&mut self, departures: &mut Departures) {
        for id in self.reported.evicted.drain(..) {
            departures.evict(id);
        }
        for id in self.reported.forgotten.drain(..) {
            self.known[id as usize] = false;
            departures.forget(id);
        }
    }

    fn enter(&mut self, id: Id, access: &Access) {
        self.keys[id as usize] = access.key;
        self.weights[id as usize] = access.weight;
        self.known[id as usize] = true;
    }
}

impl<P: Policy> Policy for Admitted<P> {
    fn reserve(&mut self, bound: usize) {
        self.policy.reserve(bound);
        if self.keys.len() < bound {
            self.keys.resize(bound, 0);
            self.weights.resize(bound, 0);
            self.known.resize(bound, false);
        }
    }

    fn prefetch(&self, id: Id, key: u64) {
        self.policy.prefetch(id, key);
    }

    fn prefetch_reads_key(&self) -> bool {
        self.policy.prefetch_reads_key()
    }

    fn contains(&self, id: Id) -> bool {
        self.policy.contains(id)
    }

    fn hit(&mut self, id: Id, access: &Access, departures: &mut Departures) {
        self.admission.hit(access, self.weights[id as usize]);
        self.policy.hit(id, access, &mut self.reported);
        self.hand_on(departures);
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = (self.measure)(access.weight);
        let is_full = self.policy.weight().saturating_add(weight) > self.capacity;
        let victim = if is_full { self.policy.victim() } else { None };
        let victim = victim.map(|id| self.keys[id as usize]);
        if !self.admission.admits(access, victim) {
            if !self.known[id as usize] {
                departures.forget(id);
            }
            return false;
        }
        self.enter(id, access);
        let is_resident = self.policy.insert(id, access, &mut self.reported);
        self.hand_on(departures);
        is_resident
    }

    fn remove(&mut self, id: Id) {
        self.policy.remove(id);
        self.known[id as usize] = false;
    }

    /// A resident with a new value is no newcomer.
    fn reweigh(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        self.admission.hit(access, self.weights[id as usize]);
        self.enter(id, access);
        let is_resident = self.policy.reweigh(id, access, &mut self.reported);
        self.hand_on(departures);
        is_resident
    }

    fn victim(&mut self) -> Option<Id> {
        self.policy.victim()
    }

    fn len(&self) -> usize {
        self.policy.len()
    }

    fn weight(&self) -> u64 {
        self.policy.weight()
    }
}

/// An admission that has been built, and the size of the cache that it was built for.
pub struct Gate {
    admission: Box<dyn Admission>,
    measure: Measure,
    capacity: u64,
}

/// A kind of admission with its parameters.
#[derive(Clone, Debug)]
pub struct AdmissionSpec {
    kind: Kind,
    /// Values of all its parameters.
    pub parameters: Parameters,
}

impl AdmissionSpec {
    /// Reads `name` or `name:parameter=value`.
    ///
    /// # Errors
    /// What is wrong, with the nearest valid name or the allowed values.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let (name, settings) = split_name(text);
        let Some(&kind) = KINDS
            .iter()
            .find(|kind| plain(kind.description().name) == plain(name))
        else {
            let names = || descriptions().map(|it| it.name);
            return Err(SpecError::UnknownAdmission {
                name: name.into(),
                nearest: nearest(name, names()),
                known: names().collect::<Vec<_>>().join(", "),
            });
        };
        let description = kind.description();
        Ok(Self {
            kind,
            parameters: Parameters::read(
                &format!("admission `{}`", description.name),
                description.parameters,
                settings,
            )?,
        })
    }

    /// Its name, summary, source and parameters.
    #[must_use]
    pub fn description(&self) -> &'static Description {
        self.kind.description()
    }

    pub(super) fn tuned_after(&self) -> Option<u64> {
        let name = self.description().tuned_every?;
        Some(self.parameters.integer(name))
    }

    pub(super) fn needs_victim(&self) -> bool {
        self.description().needs_victim
    }

    /// It, in front of a cache that is built from `setup`.
    pub(super) fn build(&self, measure: Measure, setup: &Setup) -> Gate {
        let surroundings = Surroundings {
            capacity: setup.capacity,
            measure,
            // Not the policy's dice.
            seed: crate::random::mix(setup.seed ^ 0x5eed),
            parameters: self.parameters.clone(),
        };
        Gate {
            admission: self.kind.build(&surroundings),
            measure,
            capacity: setup.capacity,
        }
    }
}

impl fmt::Display for AdmissionSpec {
    /// It with all its parameters, defaults included.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.description().name, self.parameters)
    }
}

/// Writes the table from one row (`module::Type`) per kind of admission.
macro_rules! table {
    ($($module:ident :: $admission:ident),+ $(,)?) => {
        /// Which admission: one variant per row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        enum Kind {
            $($admission),+
        }

        const KINDS: &[Kind] = &[$(Kind::$admission),+];

        impl Kind {
            const fn description(self) -> &'static Description {
                match self {
                    $(Self::$admission => &<$module::$admission as Described>::DESCRIPTION),+
                }
            }

            fn build(self, surroundings: &Surroundings) -> Box<dyn Admission> {
                match self {
                    $(
                        Self::$admission => {
                            Box::new(<$module::$admission as Described>::new(surroundings))
                        }
                    )+
                }
            }
        }
    };
}

table! {
    all::All,
    probability::Probability,
    size::Size,
    bloom::Bloom,
    tinylfu::TinyLfu,
    adaptsize::AdaptSize,
}

/// The descriptions of all kinds of admission, in the order of the table.
pub fn descriptions() -> impl Iterator<Item = &'static Description> {
    KINDS.iter().map(|kind| kind.description())
}

#[cfg(test)]
mod tests {
    use super::super::PolicySpec;
    use super::*;
    use crate::random::Draws;
    use std::collections::BTreeSet;

    /// The ids that a host may think in use, kept by what is reported alone.
    #[test]
    fn whatever_is_in_front_the_contract_of_a_policy_holds() {
        for description in descriptions() {
            for policy in ["lru", "2q", "lfu", "arc", "lirs"] {
                let text = format!("{policy}+{}", description.name);
                let Ok(spec) = PolicySpec::parse(&text) else {
                    assert!(description.needs_victim, "{text}");
                    continue;
                };
                for measure in [Measure::Entries, Measure::Bytes] {
                    for capacity in [1, 2, 20] {
                        check(&spec, measure, capacity);
                    }
                }
            }
        }
    }

    fn check(spec: &PolicySpec, measure: Measure, capacity: u64) {
        let mut policy = spec.build(measure, capacity, 1);
        policy.reserve(40);
        let mut draws = Draws::from_seed(5);
        let mut residents = BTreeSet::new();
        let mut used = BTreeSet::new();
        let mut departures = Departures::listening();
        for now in 0..4_000 {
            let id = draws.below(40) as Id;
            let access = Access {
                key: u64::from(id) * 7,
                now,
                weight: 1 + u64::from(id) % 5,
                next_use: u64::MAX,
                expires: u64::MAX,
            };
            assert_eq!(policy.contains(id), residents.contains(&id), "{spec}");
            if draws.below(10) == 0 {
                if residents.remove(&id) {
                    policy.remove(id);
                    used.remove(&id);
                }
            } else if policy.contains(id) {
                policy.hit(id, &access, &mut departures);
            } else {
                let is_ghost = !used.insert(id);
                if policy.insert(id, &access, &mut departures) {
                    residents.insert(id);
                } else {
                    assert!(!policy.contains(id), "{spec}");
                    assert!(is_ghost || departures.forgotten.contains(&id), "{spec}");
                }
            }
            for left in departures.evicted.drain(..) {
                assert!(residents.remove(&left), "{spec}");
            }
            for forgotten in departures.forgotten.drain(..) {
                assert!(!residents.contains(&forgotten), "{spec}");
                assert!(used.remove(&forgotten), "{spec}: {forgotten} was free");
            }
            assert_eq!(policy.len(), residents.len(), "{spec}");
            assert!(policy.weight() <= capacity, "{spec}");
        }
    }
}
