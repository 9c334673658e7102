//! Every policy inside a whole cache, where ids are slots that are handed out again: it must hit what
//! it hits in replay, where each key has an id of its own for ever.
//!
//! Not here: whether a policy keeps its contract and does what its paper says (see
//! `eviction::conformance`).

use crate::cache::{Cache, Lookup};
use crate::eviction::{Access, Departures, Id, Measure, PolicySpec};
use crate::random::Draws;
use crate::units::NEVER;

const KEYS: u64 = 90;

#[test]
fn recycled_ids_give_the_same_hits_as_dense_ones() {
    for spec in PolicySpec::all().filter(|it| !it.description().replay_only) {
        for capacity in [1, 2, 9, 30] {
            compare(&spec, capacity);
        }
    }
}

fn compare(spec: &PolicySpec, capacity: u64) {
    let mut policy = spec.build(Measure::Entries, capacity, 1);
    policy.reserve(KEYS as usize);
    let mut cache = Cache::<()>::new(spec, Measure::Entries, capacity, 1);
    let mut departures = Departures::ignored();
    let mut draws = Draws::from_seed(capacity);
    for now in 0..4000 {
        // Some keys are popular, and a loop over all of them comes by now and then.
        let key = match now / 200 % 3 {
            0 => now % KEYS,
            1 => draws.below(KEYS),
            _ => draws
                .below(KEYS)
                .min(draws.below(KEYS))
                .min(draws.below(KEYS)),
        };
        let id = key as Id;
        if draws.below(29) == 0 {
            let was_resident = policy.contains(id);
            if was_resident {
                policy.remove(id);
            }
            assert_eq!(cache.remove(key).is_some(), was_resident);
            continue;
        }
        let access = Access {
            key,
            now,
            weight: 1,
            next_use: u64::MAX,
            expires: u64::MAX,
        };
        let hits = matches!(cache.lookup(key, now), Lookup::Hit(()));
        assert_eq!(hits, policy.contains(id), "{spec} {capacity} {now}");
        if hits {
            policy.hit(id, &access, &mut departures);
        } else {
            policy.insert(id, &access, &mut departures);
            cache.insert(key, (), |()| 1, now, NEVER);
        }
    }
}
