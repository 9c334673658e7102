//! LHD (least hit density): of some residents drawn at random, the one with the fewest expected hits
//! per byte and time leaves; what to expect is learned from the ages at which entries like it were hit or
//! evicted.
//!
//! Source: N. Beckmann, H. Chen, A. Cidon, "LHD: improving cache hit rate by maximizing hit density",
//! NSDI 2018. Classes, sampling, explorers and the intervals are those of the authors' simulator.
//!
//! Known weakness: it learns slowly. Until the first million accesses it ranks entries by a guess
//! (the more recently hit and the younger, the better).

use super::pool::Pool;
use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};
use crate::random::Draws;

/// Ages are told apart up to this one, in units of 2^shift accesses.
const AGES: usize = 20_000;
/// Entries are classed by how closely their last two hits followed each other.
const CLASSES: usize = 16;
/// The last entries admitted that looked like victims are always candidates: so a large entry
/// cannot hide in the crowd.
const RECENT: usize = 8;
/// How much of the old is kept whenever something new is learned.
const DECAY: f32 = 0.9;
/// Relearnings during which few are sampled and some entries are kept just to see what happens.
const YOUTH: u64 = 50;
/// Residents drawn per eviction during youth.
const SAMPLES_IN_YOUTH: u64 = 8;
/// One in so many entries is an explorer...
const EXPLORE_ONE_IN: u64 = 32;
/// ...as long as they weigh no more than this share of the cache.
const EXPLORER_SHARE: f64 = 0.01;
/// The relearnings after which the unit of age is chosen.
const FIT_AGES_AFTER: [u64; 2] = [5, 25];
/// The unit of age is such that an age of the order of the number of objects falls at this share of
/// all ages.
const AGE_ERROR: f64 = 0.01;
/// The unit of age before anything is known: 2^10 accesses.
const FIRST_SHIFT: u32 = 10;

/// What is known of a resident.
#[derive(Clone, Copy, Debug)]
struct Record {
    last_access: u64,
    /// Ages at its last hit and the one before.
    last_hit_age: u16,
    hit_age_before: u16,
    explorer: bool,
}

/// An entry admitted not long ago; it is known by its key, since its id may be handed out again.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    key: Option<u64>,
    /// None while it is not resident.
    id: Option<Id>,
}

/// What is known of the entries of one class, by age.
#[derive(Debug)]
struct Class {
    hits: Vec<f32>,
    evictions: Vec<f32>,
    densities: Vec<f32>,
}

/// The residents, and what has been learned.
#[derive(Debug)]
pub struct Lhd<W> {
    pool: Pool<Record>,
    classes: Vec<Class>,
    samples: u64,
    relearn_every: u64,
    /// Accesses so far.
    clock: u64,
    until_relearning: u64,
    relearnings: u64,
    shift: u32,
    /// Decayed sums of the number of objects and of ones: their ratio is a moving mean.
    objects: f64,
    objects_mass: f64,
    recent: [Recent; RECENT],
    next_recent: usize,
    victim_density: f32,
    explorer_budget: i64,
    draws: Draws,
    weights: W,
    weight: u64,
    capacity: u64,
}

impl<W: Weights> Described for Lhd<W> {
    const DESCRIPTION: Description = Description {
        name: "lhd",
        summary: "of some entries drawn at random, the one with the least hit density, learned by age, leaves",
        source: "Beckmann, Chen, Cidon, \"LHD: improving cache hit rate by maximizing hit density\", NSDI 2018",
        parameters: &[
            Parameter::integer("samples", 32, 1, 1024, "entries drawn per eviction"),
            Parameter::integer(
                "relearn",
                1 << 20,
                1,
                u64::MAX,
                "accesses after which hit densities are learned anew",
            ),
        ],
        replay_only: false,
    };

    const RANKS_BY_SIZE: bool = true;

    fn new(setup: &Setup) -> Self {
        let relearn_every = setup.parameters.integer("relearn");
        let classes = (0..CLASSES).map(|class| Class {
            hits: vec![0.0; AGES],
            evictions: vec![0.0; AGES],
            // The guess to begin with.
            densities: (0..AGES)
                .map(|age| (CLASSES + class + 1) as f32 / (age + 1) as f32)
                .collect(),
        });
        Self {
            pool: Pool::default(),
            classes: classes.collect(),
            samples: setup.parameters.integer("samples"),
            relearn_every,
            clock: 0,
            until_relearning: relearn_every,
            relearnings: 0,
            shift: FIRST_SHIFT,
            objects: 0.0,
            objects_mass: 0.0,
            recent: [Recent::default(); RECENT],
            next_recent: 0,
            victim_density: 0.0,
            explorer_budget: setup.share(EXPLORER_SHARE) as i64,
            draws: Draws::from_seed(setup.seed),
            weights: W::default(),
            weight: 0,
            capacity: setup.capacity,
        }
    }
}

/// The class of entries whose last two ages at a hit add up to `sum`: the closer, the higher.
#[inline]
fn class_of(record: &Record) -> usize {
    let mut sum = usize::from(record.last_hit_age) + usize::from(record.hit_age_before);
    if sum == 0 {
        return CLASSES - 1;
    }
    let mut class = 0;
    while sum < AGES && class < CLASSES - 1 {
        sum <<= 1;
        class += 1;
    }
    class
}

impl<W: Weights> Lhd<W> {
    #[inline]
    fn age(&self, record: &Record) -> usize {
        let age = (self.clock - record.last_access) >> self.shift;
        age.min(AGES as u64 - 1) as usize
    }

    #[inline]
    fn density(&self, id: Id, record: &Record) -> f32 {
        let age = self.age(record);
        if age == AGES - 1 {
            return f32::MIN;
        }
        let density = self.classes[class_of(record)].densities[age] / self.weights.of(id) as f32;
        if record.explorer {
            density + 1.0
        } else {
            density
        }
    }

    fn victim(&mut self) -> Option<Id> {
        let samples = if self.relearnings > YOUTH {
            self.samples
        } else {
            SAMPLES_IN_YOUTH.min(self.samples)
        };
        let mut victim = None;
        let mut least = f32::MAX;
        for _ in 0..samples {
            let member = self.pool.draw(&mut self.draws)?;
            let density = self.density(member.id, &member.note);
            if victim.is_none() || density < least {
                (victim, least) = (Some(member.id), density);
            }
        }
        for id in self.recent.iter().filter_map(|it| it.id) {
            let density = self.density(id, self.pool.note(id));
            if density < least {
                (victim, least) = (Some(id), density);
            }
        }
        self.victim_density = DECAY * self.victim_density + (1.0 - DECAY) * least;
        victim
    }

    /// Some entries are kept whatever they look like, to learn what becomes of their kind.
    fn explores(&mut self, weight: u64) -> (bool, bool) {
        let drawn = self.draws.below(EXPLORE_ONE_IN) == 0;
        let explorer = drawn && self.explorer_budget > 0 && self.relearnings < YOUTH;
        if explorer {
            self.explorer_budget -= weight as i64;
        }
        (drawn, explorer)
    }

    fn take(&mut self, id: Id) -> Record {
        let record = self.pool.remove(id);
        for recent in &mut self.recent {
            recent.id = recent.id.filter(|it| *it != id);
        }
        let weight = self.weights.of(id);
        self.weight -= weight;
        if record.explorer {
            self.explorer_budget += weight as i64;
        }
        record
    }

    #[inline]
    fn tick(&mut self) {
        self.clock += 1;
        self.until_relearning -= 1;
        if self.until_relearning == 0 {
            self.until_relearning = self.relearn_every;
            self.relearn();
            self.relearnings += 1;
        }
    }

    #[cold]
    fn relearn(&mut self) {
        for class in &mut self.classes {
            for count in class.hits.iter_mut().chain(&mut class.evictions) {
                *count *= DECAY;
            }
        }
        self.fit_ages();
        for class in &mut self.classes {
            class.learn();
        }
    }

    /// Chooses the unit of age by the number of objects, and rescales what was counted.
    fn fit_ages(&mut self) {
        let decay = f64::from(DECAY);
        self.objects = self.objects * decay + self.pool.len() as f64;
        self.objects_mass = self.objects_mass * decay + 1.0;
        if !FIT_AGES_AFTER.contains(&self.relearnings) {
            return;
        }
        let best = self.objects / self.objects_mass / (AGE_ERROR * AGES as f64);
        let mut shift = 1;
        while ((1u64 << shift) as f64) < best {
            shift += 1;
        }
        // The new unit is to last for a while.
        self.objects *= 8.0;
        self.objects_mass *= 8.0;
        for class in &mut self.classes {
            for counts in [&mut class.hits, &mut class.evictions] {
                if shift > self.shift {
                    compress(counts, shift - self.shift);
                } else {
                    stretch(counts, self.shift - shift);
                }
            }
        }
        self.shift = shift;
    }
}

impl Class {
    /// Hit density at each age: expected hits over expected remaining lifetime, of the entries that
    /// reach that age.
    fn learn(&mut self) {
        let last = AGES - 1;
        let mut hits = self.hits[last];
        let mut events = hits + self.evictions[last];
        // The sum of lifetimes beyond an age is the sum, over later ages, of the events from there on.
        let mut lifetimes = events;
        for age in (0..last).rev() {
            hits += self.hits[age];
            events += self.hits[age] + self.evictions[age];
            lifetimes += events;
            self.densities[age] = if events > 1e-5 { hits / lifetimes } else { 0.0 };
        }
    }
}

/// Each age now stands for 2^by old ones.
fn compress(counts: &mut [f32], by: u32) {
    let width = 1usize << by.min(15);
    let last = counts.len() - 1;
    let overflown = counts[last];
    for age in 0..last {
        let from = (age * width).min(last);
        let to = ((age + 1) * width).min(last);
        counts[age] = counts[from..to].iter().sum();
    }
    counts[last] = overflown;
}

/// 2^by ages now stand for each old one.
fn stretch(counts: &mut [f32], by: u32) {
    let by = by.min(15);
    let last = counts.len() - 1;
    let beyond: f32 = counts[(last >> by) + 1..].iter().sum();
    for age in (0..last).rev() {
        counts[age] = counts[age >> by] / (1u32 << by) as f32;
    }
    if by > 0 {
        counts[last] = beyond;
    }
}

impl<W: Weights> Policy for Lhd<W> {
    fn reserve(&mut self, bound: usize) {
        self.pool.reserve(bound);
        self.weights.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.pool.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.pool.contains(id)
    }

    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        let weight = self.weights.of(id);
        let old = *self.pool.note(id);
        let age = self.age(&old);
        self.classes[class_of(&old)].hits[age] += 1.0;
        if old.explorer {
            self.explorer_budget += weight as i64;
        }
        let (_, explorer) = self.explores(weight);
        *self.pool.note_mut(id) = Record {
            last_access: self.clock,
            last_hit_age: age as u16,
            hit_age_before: old.last_hit_age,
            explorer,
        };
        self.tick();
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight > self.capacity - weight
            && let Some(victim) = self.victim()
        {
            let record = self.take(victim);
            let age = self.age(&record);
            self.classes[class_of(&record)].evictions[age] += 1.0;
            departures.evict_and_forget(victim);
        }
        let (drawn, explorer) = self.explores(weight);
        let record = Record {
            last_access: self.clock,
            last_hit_age: 0,
            // Never hit: as far apart as can be.
            hit_age_before: AGES as u16,
            explorer,
        };
        self.weights.set(id, weight);
        self.weight += weight;
        self.pool.insert(id, record);
        for recent in &mut self.recent {
            if recent.key == Some(access.key) {
                recent.id = Some(id);
            }
        }
        if !drawn && self.density(id, &record) < self.victim_density {
            self.recent[self.next_recent] = Recent {
                key: Some(access.key),
                id: Some(id),
            };
            self.next_recent = (self.next_recent + 1) % RECENT;
        }
        self.tick();
        true
    }

    fn remove(&mut self, id: Id) {
        self.take(id);
    }

    fn len(&self) -> usize {
        self.pool.len()
    }

    fn weight(&self) -> u64 {
        self.weight
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;
    use super::*;

    #[test]
    fn density_is_hits_over_lifetime_of_those_that_reach_an_age() {
        let mut class = Class {
            hits: vec![0.0; AGES],
            evictions: vec![0.0; AGES],
            densities: vec![0.0; AGES],
        };
        class.hits[1] = 3.0;
        class.evictions[2] = 1.0;
        class.learn();
        // From age 0 four entries live 2, 2, 2 and 3 units (ages are counted inclusively).
        assert_eq!(class.densities[0], 3.0 / 9.0);
        assert_eq!(class.densities[1], 3.0 / 5.0);
        assert_eq!(class.densities[2], 0.0);
        assert_eq!(class.densities[3], 0.0);
    }

    #[test]
    fn changing_the_unit_of_age_keeps_what_was_counted() {
        let mut counts = vec![0.0; AGES];
        counts[0] = 2.0;
        counts[5] = 8.0;
        counts[AGES - 1] = 1.0;
        compress(&mut counts, 2);
        assert_eq!((counts[0], counts[1], counts[AGES - 1]), (2.0, 8.0, 1.0));
        assert_eq!(counts.iter().sum::<f32>(), 11.0);
        stretch(&mut counts, 1);
        assert_eq!(counts[..4], [1.0, 1.0, 4.0, 4.0]);
        assert_eq!(counts.iter().sum::<f32>(), 11.0);
    }

    #[test]
    fn it_learns_which_of_two_kinds_of_keys_are_asked_for_again() {
        // Keys 0..8 are asked for in a loop; between them come keys that are never asked for again
        // while they are remembered. A cache of 12 entries could hold the loop.
        let mut trial = Trial::new("lhd:relearn=256", 12);
        let mut hits = 0;
        for round in 0..12_000 {
            let [hit, _] = trial.ask(&[round % 8, 8 + round % 56])[..] else {
                unreachable!()
            };
            hits += usize::from(hit && round >= 10_000);
        }
        // LRU and FIFO hit none of them; eviction by lot hits about 700.
        assert!(hits > 1_100, "{hits} of 2000");
    }
}
