//! Eviction policies, to the last miss: each against a model of a few obvious lines.
//!
//! A model keeps its entries in plain lists that it searches from end to end, and knows none of the
//! tricks of the real ones; what it misses is counted beside the ordinary engine of replay, on a
//! trace with a Zipf law, scans and a hot set that moves. The counts must be equal.
//!
//! Not here: the policies themselves (see `eviction`), and policies that throw dice, whose hit
//! ratios are compared with closed forms instead (see `caches`).

use std::collections::{BTreeMap, VecDeque};

use super::{Effort, Options, Verdict};
use crate::eviction::{Measure, PolicySpec};
use crate::replay::{Grid, Plan, Size, Stream, Warmup, Writes};
use crate::simulation::RunError;
use crate::trace::Interned;
use crate::trace::generate::{Pattern, Recipe, Scan, Shift};

/// How many of the keys, asked for in this order, a cache of so many entries misses.
type Model = fn(&[u64], usize) -> u64;

const MODELS: &[(&str, Model)] = &[
    ("lru", lru),
    ("fifo", fifo),
    ("mru", mru),
    ("lfu", lfu),
    ("clock", clock),
    ("sieve", sieve),
    ("slru", slru),
    ("2q", two_queues),
    ("arc", arc),
    ("s3-fifo", s3_fifo),
    ("belady", belady),
    ("nothing", |keys, _| keys.len() as u64),
];

const SIZES: [usize; 4] = [1, 7, 64, 200];

pub(super) const MODEL: &str = "policies, miss by miss";

/// Runs every model beside its policy, at a few sizes.
pub(super) fn judge(options: Options) -> Result<Vec<Verdict>, RunError> {
    let requests = match options.effort {
        Effort::Full => 60_000,
        Effort::Quick => 15_000,
    };
    let recipe = Recipe {
        requests,
        keys: 800,
        pattern: Pattern::Zipf { exponent: 0.9 },
        scan: Some(Scan {
            every: 3000,
            length: 300,
        }),
        shift: Some(Shift {
            every: 7000,
            by: 90,
        }),
        seed: options.seed,
        ..Recipe::default()
    };
    let keys: Vec<u64> = recipe.generate().map(|request| request.key).collect();
    let stream = Stream::new(Interned::from_keys(keys.iter().copied()), Writes::Access);
    let verdict = |(name, model): &(&str, Model)| {
        let pairs = SIZES.map(|size| (model(&keys, size), replayed(&stream, name, size)));
        let sum = |part: fn(&(u64, u64)) -> u64| pairs.iter().map(part).sum::<u64>() as f64;
        Verdict {
            model: format!("{MODEL}: {name}"),
            quantity: "misses, C 1 to 200".to_owned(),
            theory: sum(|pair| pair.0),
            observed: sum(|pair| pair.1),
            tolerance: "exact at each".to_owned(),
            passed: pairs.iter().all(|(theory, observed)| theory == observed),
        }
    };
    Ok(MODELS.iter().map(verdict).collect())
}

/// What the engine misses.
fn replayed(stream: &Stream, policy: &str, size: usize) -> u64 {
    let known = "the policies and sizes of this file are valid";
    let plan = Plan {
        policies: vec![PolicySpec::parse(policy).expect(known)],
        sizes: vec![(
            Size::parse(&size.to_string()).expect(known),
            Measure::Entries,
        )],
        warmup: Warmup::None,
        window: None,
        seed: 1,
    };
    let grid = Grid::run(stream, &plan, || ()).expect(known);
    grid.cells[0].misses
}

/// Takes `key` out of a list; whether it was there.
fn take(list: &mut VecDeque<u64>, key: u64) -> bool {
    let place = list.iter().position(|&other| other == key);
    place.is_some_and(|place| list.remove(place).is_some())
}

/// The front is the most recent.
fn lru(keys: &[u64], size: usize) -> u64 {
    let mut list = VecDeque::new();
    let mut misses = 0;
    for &key in keys {
        misses += u64::from(!take(&mut list, key));
        list.push_front(key);
        list.truncate(size);
    }
    misses
}

fn fifo(keys: &[u64], size: usize) -> u64 {
    let mut queue = VecDeque::new();
    let mut misses = 0;
    for &key in keys {
        if !queue.contains(&key) {
            misses += 1;
            queue.push_front(key);
            queue.truncate(size);
        }
    }
    misses
}

fn mru(keys: &[u64], size: usize) -> u64 {
    let mut list = VecDeque::new();
    let mut misses = 0;
    for &key in keys {
        if !take(&mut list, key) {
            misses += 1;
            if list.len() == size {
                list.pop_front();
            }
        }
        list.push_front(key);
    }
    misses
}

/// Of the least often used the one that was used longest ago; a count is lost with its key.
fn lfu(keys: &[u64], size: usize) -> u64 {
    let mut entries: BTreeMap<u64, (u64, usize)> = BTreeMap::new();
    let mut misses = 0;
    for (now, &key) in keys.iter().enumerate() {
        if let Some((count, last)) = entries.get_mut(&key) {
            (*count, *last) = (*count + 1, now);
            continue;
        }
        misses += 1;
        if entries.len() == size {
            let victim = entries
                .iter()
                .min_by_key(|(_, rank)| **rank)
                .map(|(key, _)| *key);
            victim.map(|victim| entries.remove(&victim));
        }
        entries.insert(key, (1, now));
    }
    misses
}

/// A queue in which a key that was hit goes round once more.
fn clock(keys: &[u64], size: usize) -> u64 {
    let mut queue: VecDeque<(u64, bool)> = VecDeque::new();
    let mut misses = 0;
    for &key in keys {
        if let Some((_, hit)) = queue.iter_mut().find(|(other, _)| *other == key) {
            *hit = true;
            continue;
        }
        misses += 1;
        while queue.len() == size {
            match queue.pop_back() {
                Some((key, true)) => queue.push_front((key, false)),
                _ => break,
            }
        }
        queue.push_front((key, false));
    }
    misses
}

/// A queue that nobody moves in; the hand goes from the tail to the head, and stays where it was.
fn sieve(keys: &[u64], size: usize) -> u64 {
    // The tail is the first.
    let mut queue: Vec<(u64, bool)> = Vec::new();
    let (mut hand, mut misses) = (0, 0);
    for &key in keys {
        if let Some((_, hit)) = queue.iter_mut().find(|(other, _)| *other == key) {
            *hit = true;
            continue;
        }
        misses += 1;
        if queue.len() == size {
            loop {
                hand %= queue.len();
                if !std::mem::replace(&mut queue[hand].1, false) {
                    break;
                }
                hand += 1;
            }
            queue.remove(hand);
            if hand == queue.len() {
                // Beyond the head it starts at the tail again, before anybody else comes in.
                hand = 0;
            }
        }
        queue.push((key, false));
    }
    misses
}

/// Four segments of a quarter each: a newcomer takes the lowest with room, else the lowest, and a full
/// cache gives up the oldest of the lowest. A hit moves up by one, and who is pushed out falls into
/// the segment below; out of the lowest, out of the cache.
fn slru(keys: &[u64], size: usize) -> u64 {
    let count = size.min(4);
    let each = size / count;
    let mut segments: Vec<VecDeque<u64>> = vec![VecDeque::new(); count];
    let mut misses = 0;
    for &key in keys {
        let found = (0..count).find(|&level| take(&mut segments[level], key));
        let Some(found) = found else {
            misses += 1;
            if segments.iter().map(VecDeque::len).sum::<usize>() == size {
                let lowest = segments.iter_mut().find(|it| !it.is_empty());
                lowest.and_then(VecDeque::pop_back);
            }
            let room = segments.iter().position(|it| it.len() < each);
            segments[room.unwrap_or(0)].push_front(key);
            continue;
        };
        let level = (found + 1).min(count - 1);
        segments[level].push_front(key);
        push_down(&mut segments, level, each);
    }
    misses
}

/// Whoever is too many in `level` falls into the one below.
fn push_down(segments: &mut [VecDeque<u64>], level: usize, each: usize) {
    while segments[level].len() > each
        && let Some(fallen) = segments[level].pop_back()
    {
        if level > 0 {
            segments[level - 1].push_front(fallen);
            push_down(segments, level - 1, each);
        }
    }
}

/// A queue of newcomers, a list of those who came back, and the memory of who left the queue.
fn two_queues(keys: &[u64], size: usize) -> u64 {
    let (inside, outside) = (size / 4, size / 2);
    let (mut a_in, mut a_out, mut a_main) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
    let mut misses = 0;
    for &key in keys {
        if take(&mut a_main, key) {
            a_main.push_front(key);
            continue;
        }
        if a_in.contains(&key) {
            continue;
        }
        misses += 1;
        let remembered = take(&mut a_out, key);
        if a_in.len() + a_main.len() == size {
            if a_in.len() > inside || a_main.is_empty() {
                a_out.extend(a_in.pop_back());
                // Here the oldest is at the front.
                while a_out.len() > outside {
                    a_out.pop_front();
                }
            } else {
                a_main.pop_back();
            }
        }
        if remembered {
            a_main.push_front(key);
        } else {
            a_in.push_front(key);
        }
    }
    misses
}

/// The paper's two lists and two lists of ghosts; the front is the most recent.
fn arc(keys: &[u64], size: usize) -> u64 {
    let [mut t1, mut t2, mut b1, mut b2] = [const { VecDeque::new() }; 4];
    let (mut target, mut misses) = (0.0_f64, 0);
    for &key in keys {
        if take(&mut t1, key) || take(&mut t2, key) {
            t2.push_front(key);
            continue;
        }
        misses += 1;
        let (ghosts1, ghosts2) = (b1.len() as f64, b2.len() as f64);
        let in_b1 = take(&mut b1, key);
        let in_b2 = take(&mut b2, key);
        let mut makes_room = true;
        if in_b1 {
            target = (target + (ghosts2 / ghosts1).max(1.0)).min(size as f64);
        } else if in_b2 {
            target = (target - (ghosts1 / ghosts2).max(1.0)).max(0.0);
        } else if t1.len() + b1.len() == size {
            if t1.len() < size {
                b1.pop_back();
            } else {
                t1.pop_back();
                makes_room = false;
            }
        } else if t1.len() + t2.len() + b1.len() + b2.len() == 2 * size {
            b2.pop_back();
        }
        if makes_room && t1.len() + t2.len() == size {
            let recent = t1.len() as f64;
            let from_t1 = recent > target || recent == target && in_b2 || t2.is_empty();
            if from_t1 && !t1.is_empty() {
                t1.pop_back()
                    .into_iter()
                    .for_each(|left| b1.push_front(left));
            } else {
                t2.pop_back()
                    .into_iter()
                    .for_each(|left| b2.push_front(left));
            }
        }
        if in_b1 || in_b2 {
            t2.push_front(key);
        } else {
            t1.push_front(key);
        }
    }
    misses
}

/// A small queue for newcomers, a main one for those asked for again, and the memory of who left
/// the small one; each entry with how often it was hit.
fn s3_fifo(keys: &[u64], size: usize) -> u64 {
    let (small_size, ghosts) = (size / 10, size * 9 / 10);
    let main_size = size - small_size;
    let (mut small, mut main) = (VecDeque::<(u64, u32)>::new(), VecDeque::<(u64, u32)>::new());
    let mut ghost = VecDeque::new();
    let (mut has_evicted, mut misses) = (false, 0);
    for &key in keys {
        let entry = small
            .iter_mut()
            .chain(&mut main)
            .find(|(other, _)| *other == key);
        if let Some((_, hits)) = entry {
            *hits += 1;
            continue;
        }
        misses += 1;
        let remembered = take(&mut ghost, key);
        while small.len() + main.len() == size {
            has_evicted = true;
            if main.len() > main_size || small.is_empty() {
                while let Some((key, hits)) = main.pop_back()
                    && hits >= 1
                {
                    main.push_front((key, hits.min(3) - 1));
                }
                continue;
            }
            while let Some((key, hits)) = small.pop_back() {
                if hits >= 2 {
                    main.push_front((key, 0));
                    continue;
                }
                ghost.push_front(key);
                ghost.truncate(ghosts);
                break;
            }
        }
        if remembered || !has_evicted && small.len() >= small_size {
            main.push_front((key, 0));
        } else {
            small.push_front((key, 0));
        }
    }
    misses
}

/// Whose next use is farthest away leaves.
fn belady(keys: &[u64], size: usize) -> u64 {
    let mut next_uses = vec![usize::MAX; keys.len()];
    let mut latest = BTreeMap::new();
    for (now, &key) in keys.iter().enumerate().rev() {
        next_uses[now] = latest.insert(key, now).unwrap_or(usize::MAX);
    }
    let mut entries: BTreeMap<u64, usize> = BTreeMap::new();
    let mut misses = 0;
    for (now, &key) in keys.iter().enumerate() {
        if !entries.contains_key(&key) {
            misses += 1;
            if entries.len() == size {
                let victim = entries
                    .iter()
                    .max_by_key(|(_, next)| **next)
                    .map(|(key, _)| *key);
                victim.map(|victim| entries.remove(&victim));
            }
        }
        entries.insert(key, next_uses[now]);
    }
    misses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_misses_what_its_model_misses() {
        let options = Options {
            effort: Effort::Quick,
            seed: 3,
        };
        let verdicts = judge(options).unwrap();
        assert_eq!(verdicts.len(), MODELS.len());
        let failed: Vec<_> = verdicts.iter().filter(|it| !it.passed).collect();
        assert!(failed.is_empty(), "{failed:#?}");
    }

    #[test]
    fn another_policy_than_the_model_is_found_out() {
        let keys: Vec<u64> = (0..400).map(|number| number * number % 61).collect();
        let stream = Stream::new(Interned::from_keys(keys.iter().copied()), Writes::Access);
        assert_ne!(replayed(&stream, "fifo", 20), lru(&keys, 20));
    }
}
