//! Tests over the whole table: every policy keeps the contract of [`Policy`], and answers as a slow
//! model of itself that is written in the plainest way, with vectors that are searched from end to end.
//!
//! The models are beside this file, by family. Not here: policies inside a whole cache, where ids are
//! handed out again (see `cache::conformance`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::sketch::Sketch;
use super::{Access, Departures, Id, KINDS, Measure, Policy, PolicySpec, Setup, Visitor};
use crate::random::Draws;

mod adaptive;
mod clock_pro;
mod histories;
mod lirs;
mod lists;
mod priorities;
mod s3_fifo;
mod tinylfu;

/// A plain model. An id weighs the same whenever it comes, so `weigh` is a function.
trait Model {
    fn residents(&self) -> Vec<Id>;
    fn hit(&mut self, id: Id, access: &Access);
    /// A newcomer of a weight that is at most the capacity.
    fn insert(&mut self, id: Id, access: &Access);
    /// A newcomer heavier than the cache: a ghost of it is forgotten.
    fn refuse(&mut self, id: Id, access: &Access);
    fn remove(&mut self, id: Id);
}

type Weigh = fn(Id) -> u64;

fn sum(ids: &[Id], weigh: Weigh) -> u64 {
    ids.iter().map(|&id| weigh(id)).sum()
}

fn take(ids: &mut Vec<Id>, id: Id) -> bool {
    let position = ids.iter().position(|&it| it == id);
    position.map(|it| ids.remove(it)).is_some()
}

/// The model of the policy `name`, if there is one.
fn model(name: &str, measure: Measure, capacity: u64) -> Option<Box<dyn Model>> {
    let families = [
        adaptive::model,
        clock_pro::model,
        histories::model,
        lirs::model,
        lists::model,
        priorities::model,
        s3_fifo::model,
        tinylfu::model,
    ];
    families
        .iter()
        .find_map(|model| model(name, measure, capacity))
}

fn weigh_as(measure: Measure) -> Weigh {
    match measure {
        Measure::Entries => |_| 1,
        Measure::Bytes => weigh_bytes,
    }
}

fn weigh_bytes(id: Id) -> u64 {
    1 + u64::from(id) * 7 % 11
}

/// What one step of a random history does to an id.
#[derive(Clone, Copy)]
enum Step {
    Request(Id),
    Remove(Id),
}

/// Popular ids, rare ids, loops, scans, and now and then a removal; the id space is small enough that
/// all comes back.
fn history(seed: u64, ids: u64, steps: usize) -> Vec<Step> {
    let mut draws = Draws::from_seed(seed);
    let mut history = Vec::new();
    while history.len() < steps {
        let kind = draws.below(4);
        let start = draws.below(ids);
        for offset in 0..1 + draws.below(2 * ids) {
            let id = match kind {
                0 => (start + offset) % ids,
                1 => draws.below(ids).min(draws.below(ids)).min(draws.below(ids)),
                2 => (start + offset % (1 + ids / 3)) % ids,
                _ => draws.below(ids),
            } as Id;
            let is_removal = draws.below(29) == 0;
            history.push(if is_removal {
                Step::Remove(id)
            } else {
                Step::Request(id)
            });
        }
    }
    history.truncate(steps);
    history
}

/// For each step the next step that requests the same id.
fn next_uses(history: &[Step]) -> Vec<u64> {
    let mut next_of_id = BTreeMap::new();
    let mut next_uses = vec![u64::MAX; history.len()];
    for (number, step) in history.iter().enumerate().rev() {
        if let Step::Request(id) = step {
            next_uses[number] = next_of_id.insert(*id, number as u64).unwrap_or(u64::MAX);
        }
    }
    next_uses
}

struct Boxing;

impl Visitor for Boxing {
    type Answer = Box<dyn Policy>;
    fn visit<P: Policy + 'static>(self, policy: P) -> Self::Answer {
        Box::new(policy)
    }
}

fn build(spec: &PolicySpec, measure: Measure, capacity: u64, history: &[Step]) -> Box<dyn Policy> {
    let requested = history.iter().map(|step| match *step {
        Step::Request(id) | Step::Remove(id) => id,
    });
    let setup = Setup {
        capacity,
        seed: 1,
        parameters: spec.parameters.clone(),
        strict: true,
        future: Some(Arc::new(requested.collect())),
        second: 1_000_000_000,
    };
    let kind = KINDS
        .iter()
        .find(|it| it.description().name == spec.description().name)
        .unwrap();
    kind.visit(measure, &setup, Boxing)
}

/// Runs a random history through a policy, checks the contract after each step, and compares the
/// residents with the model's, if there is one.
fn conforms(spec: &PolicySpec, measure: Measure, capacity: u64, seed: u64) {
    let name = spec.description().name;
    let ids = (3 * capacity).clamp(4, 90);
    let history = history(seed, ids, 1500);
    let next_uses = next_uses(&history);
    let mut policy = build(spec, measure, capacity, &history);
    policy.reserve(ids as usize);
    let mut model = model(name, measure, capacity);
    let weigh = weigh_as(measure);
    let mut departures = Departures::listening();
    let mut residents = BTreeSet::<Id>::new();
    let mut ghosts = BTreeSet::<Id>::new();
    for (number, step) in history.iter().enumerate() {
        let context = || format!("{name}, {measure:?} {capacity}, seed {seed}, step {number}");
        let before = residents.clone();
        match *step {
            Step::Remove(id) => {
                if policy.contains(id) {
                    policy.remove(id);
                    residents.remove(&id);
                    if let Some(model) = &mut model {
                        model.remove(id);
                    }
                }
            }
            Step::Request(id) => {
                let access = Access {
                    key: crate::random::mix(u64::from(id)),
                    now: number as u64,
                    weight: weigh_bytes(id),
                    next_use: next_uses[number],
                    expires: u64::MAX,
                };
                if policy.contains(id) {
                    policy.hit(id, &access, &mut departures);
                    if let Some(model) = &mut model {
                        model.hit(id, &access);
                    }
                } else {
                    ghosts.remove(&id);
                    let admitted = policy.insert(id, &access, &mut departures);
                    assert_eq!(admitted, policy.contains(id), "{}", context());
                    if admitted {
                        residents.insert(id);
                    } else {
                        // It is a ghost until it is reported as forgotten.
                        ghosts.insert(id);
                    }
                    match &mut model {
                        Some(model) if weigh(id) > capacity => model.refuse(id, &access),
                        Some(model) => model.insert(id, &access),
                        None => {}
                    }
                }
            }
        }
        for id in departures.evicted.drain(..) {
            assert!(
                residents.remove(&id),
                "{}: {id} was not resident",
                context()
            );
            ghosts.insert(id);
        }
        for id in departures.forgotten.drain(..) {
            assert!(ghosts.remove(&id), "{}: {id} was no ghost", context());
        }
        let contained: BTreeSet<Id> = (0..ids as Id).filter(|&id| policy.contains(id)).collect();
        assert_eq!(contained, residents, "{}: reported departures", context());
        assert_eq!(policy.len(), residents.len(), "{}", context());
        let weight: u64 = residents.iter().map(|&id| weigh(id)).sum();
        assert_eq!(policy.weight(), weight, "{}", context());
        assert!(weight <= capacity, "{}: {weight} are resident", context());
        if let Some(model) = &model {
            let expected: BTreeSet<Id> = model.residents().into_iter().collect();
            assert_eq!(residents, expected, "{}: before, {before:?}", context());
        }
    }
}

const CAPACITIES: [u64; 12] = [1, 2, 3, 4, 5, 7, 10, 11, 19, 20, 27, 30];

#[test]
fn every_policy_keeps_the_contract_and_answers_as_its_slow_model_in_entries() {
    for spec in PolicySpec::all() {
        for capacity in CAPACITIES {
            for seed in 0..6 {
                conforms(&spec, Measure::Entries, capacity, seed);
            }
        }
    }
}

#[test]
fn every_policy_keeps_the_contract_and_answers_as_its_slow_model_in_bytes() {
    for spec in PolicySpec::all() {
        for capacity in CAPACITIES.into_iter().chain([60, 131]) {
            for seed in 0..6 {
                conforms(&spec, Measure::Bytes, capacity, seed);
            }
        }
    }
}

#[test]
fn all_policies_but_those_of_chance_have_a_slow_model() {
    for spec in PolicySpec::all() {
        let name = spec.description().name;
        let needs_none = [
            "random",
            "nothing",
            "hyperbolic",
            "lhd",
            "lecar",
            "cacheus",
            "redis-lru",
            "redis-lfu",
            // Those of other crates.
            "foyer",
            "moka",
            "quick_cache",
        ]
        .contains(&name);
        for measure in [Measure::Entries, Measure::Bytes] {
            assert_eq!(model(name, measure, 3).is_none(), needs_none, "{name}");
        }
    }
}

#[test]
fn at_capacity_zero_nothing_is_admitted() {
    for spec in PolicySpec::all() {
        for measure in [Measure::Entries, Measure::Bytes] {
            conforms(&spec, measure, 0, 1);
        }
    }
}
