//! The loops that run one cell: one policy at one size over the whole trace.
//!
//! They are compiled once per policy, so nothing in them is called indirectly.

use std::ops::Range;

use super::Stream;
use crate::eviction::{Access, Departures, Id, Measure, Policy, Visitor};
use crate::prefetch::prefetch;
use crate::trace::Operation;
use crate::units::NEVER;

/// How far ahead of the current request memory is fetched: far enough to hide main memory behind
/// the work of the requests between, near enough that the first cache level can hold it all.
const AHEAD: usize = 16;

/// Asks for the memory that the requests soon after `number` will read.
#[inline]
fn look_ahead<P: Policy>(policy: &P, stream: &Stream, number: usize) {
    // A policy that wants to know the key would wait for it: keys are asked for earlier still.
    if policy.prefetch_reads_key()
        && let Some(&far_ahead) = stream.ids.get(number + 2 * AHEAD)
    {
        prefetch(&stream.keys, far_ahead as usize);
    }
    if let Some(&ahead) = stream.ids.get(number + AHEAD) {
        let key = stream.keys.get(ahead as usize);
        policy.prefetch(ahead, key.copied().unwrap_or(0));
    }
}

/// What was counted in a stretch of the trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub requests: u64,
    pub misses: u64,
    pub bytes: u64,
    pub missed_bytes: u64,
}

/// Runs one cell over stretches of the trace and tallies each of them.
pub(super) struct Cell<'a> {
    pub stream: &'a Stream,
    pub stretches: &'a [Range<usize>],
    pub measure: Measure,
    /// The next use of each request, for a policy that looks into the future.
    pub next_uses: Option<&'a [u32]>,
}

impl Visitor for Cell<'_> {
    type Answer = Vec<Tally>;

    fn visit<P: Policy + 'static>(self, mut policy: P) -> Vec<Tally> {
        policy.reserve(self.stream.keys.len());
        let stretches = self.stretches.iter().cloned();
        if self.stream.operations.is_some() || self.stream.expiry.is_some() {
            let mut honouring = Honouring::new(&self);
            stretches.map(|it| honouring.run(&mut policy, it)).collect()
        } else {
            stretches
                .map(|it| plain(&mut policy, self.stream, self.next_uses, it))
                .collect()
        }
    }
}

/// Every request is an access, and nothing expires.
fn plain<P: Policy>(
    policy: &mut P,
    stream: &Stream,
    next_uses: Option<&[u32]>,
    stretch: Range<usize>,
) -> Tally {
    let never = |_| u64::MAX;
    let next = |number: usize| next_uses.map_or(u64::MAX, |it| next_use(it, number));
    let sizes = stream.sizes.as_deref().unwrap_or_default();
    let mut tally = match (next_uses.is_some(), sizes.is_empty()) {
        (false, true) => plain_loop(policy, stream, stretch.clone(), never, |_| 1),
        (false, false) => plain_loop(policy, stream, stretch.clone(), never, |number| {
            sizes[number]
        }),
        (true, true) => plain_loop(policy, stream, stretch.clone(), next, |_| 1),
        (true, false) => plain_loop(policy, stream, stretch.clone(), next, |number| {
            sizes[number]
        }),
    };
    tally.requests = stretch.len() as u64;
    tally.bytes = match sizes {
        [] => tally.requests,
        _ => sizes[stretch].iter().map(|&size| u64::from(size)).sum(),
    };
    tally
}

#[inline]
fn next_use(next_uses: &[u32], number: usize) -> u64 {
    match next_uses[number] {
        u32::MAX => u64::MAX,
        next => u64::from(next),
    }
}

#[inline]
fn plain_loop<P: Policy>(
    policy: &mut P,
    stream: &Stream,
    stretch: Range<usize>,
    next_use: impl Fn(usize) -> u64,
    size: impl Fn(usize) -> u32,
) -> Tally {
    let ids = stream.ids.as_slice();
    let keys = stream.keys.as_slice();
    let key_of = |id: Id| keys.get(id as usize).copied().unwrap_or(0);
    let mut departures = Departures::ignored();
    let mut tally = Tally::default();
    for number in stretch {
        look_ahead(policy, stream, number);
        let id = ids[number];
        let access = Access {
            key: key_of(id),
            now: number as u64,
            weight: u64::from(size(number)),
            next_use: next_use(number),
            expires: u64::MAX,
        };
        if policy.contains(id) {
            policy.hit(id, &access, &mut departures);
        } else {
            tally.misses += 1;
            tally.missed_bytes += u64::from(size(number));
            policy.insert(id, &access, &mut departures);
        }
    }
    tally
}

/// Stores, deletes and expiry are honoured.
struct Honouring<'a> {
    stream: &'a Stream,
    next_uses: Option<&'a [u32]>,
    /// When the entry of each id expires, in nanoseconds of the trace; of no meaning if it is not
    /// resident. Empty if nothing expires.
    expires_ns: Vec<u64>,
    /// What the entry of each id weighs; of no meaning if it is not resident. Empty if all weigh the
    /// same.
    stored: Vec<u32>,
}

impl<'a> Honouring<'a> {
    fn new(cell: &Cell<'a>) -> Self {
        let per_id = |wanted: bool| if wanted { cell.stream.keys.len() } else { 0 };
        Self {
            stream: cell.stream,
            next_uses: cell.next_uses,
            expires_ns: vec![NEVER; per_id(cell.stream.expiry.is_some())],
            stored: vec![0; per_id(cell.measure == Measure::Bytes)],
        }
    }

    /// The next use of what request `number` asks for: only a read is a use.
    fn next_use(&self, number: usize) -> u64 {
        let next = self.next_uses.map_or(u64::MAX, |it| next_use(it, number));
        match &self.stream.operations {
            Some(operations) if next != u64::MAX && !operations[next as usize].is_read() => {
                u64::MAX
            }
            _ => next,
        }
    }

    fn run<P: Policy>(&mut self, policy: &mut P, stretch: Range<usize>) -> Tally {
        let stream = self.stream;
        let mut departures = Departures::ignored();
        let mut tally = Tally::default();
        for number in stretch {
            let id = stream.ids[number];
            let key = stream.keys[id as usize];
            look_ahead(policy, stream, number);
            let size = stream.sizes.as_ref().map_or(1, |sizes| sizes[number]);
            let (now_ns, expires_ns) = match &stream.expiry {
                None => (0, NEVER),
                Some(expiry) => {
                    let now_ns = expiry.times_ns[number];
                    (now_ns, now_ns.saturating_add(expiry.ttls_ns[number]))
                }
            };
            let mut access = Access {
                key,
                now: number as u64,
                weight: u64::from(size),
                next_use: self.next_use(number),
                expires: expires_ns,
            };
            if let Some(expires_ns) = self.expires_ns.get(id as usize)
                && *expires_ns <= now_ns
                && policy.contains(id)
            {
                policy.remove(id);
            }
            let resident = policy.contains(id);
            let operation = stream
                .operations
                .as_ref()
                .map_or(Operation::Get, |it| it[number]);
            match operation {
                Operation::Get | Operation::Gets => {
                    tally.requests += 1;
                    tally.bytes += u64::from(size);
                    if resident {
                        if let Some(expires_ns) = self.expires_ns.get(id as usize) {
                            access.expires = *expires_ns;
                        }
                        policy.hit(id, &access, &mut departures);
                        continue;
                    }
                    tally.misses += 1;
                    tally.missed_bytes += u64::from(size);
                    policy.insert(id, &access, &mut departures);
                }
                Operation::Delete => {
                    if resident {
                        policy.remove(id);
                    }
                    continue;
                }
                // Stored in any case; stored only if there is none.
                Operation::Set | Operation::Add if !resident => {
                    policy.insert(id, &access, &mut departures);
                }
                Operation::Add => continue,
                // Stored in any case, or only if there is one: there is.
                _ if resident => {
                    if self
                        .stored
                        .get(id as usize)
                        .is_none_or(|stored| *stored == size)
                    {
                        policy.hit(id, &access, &mut departures);
                    } else {
                        policy.reweigh(id, &access, &mut departures);
                    }
                }
                _ => continue,
            }
            if let Some(slot) = self.expires_ns.get_mut(id as usize) {
                *slot = expires_ns;
            }
            if let Some(slot) = self.stored.get_mut(id as usize) {
                *slot = size;
            }
        }
        tally
    }
}
