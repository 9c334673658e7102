//! SLRU (segmented LRU): a stack of LRU queues; a hit promotes an entry by one segment, and a segment
//! that overflows demotes its oldest entry by one.
//!
//! Source: R. Karedla, J. S. Love, B. G. Wherry, "Caching strategies to improve disk system
//! performance", IEEE Computer 27(3), 1994 (two segments); Q. Huang et al., "An analysis of Facebook
//! photo caching", SOSP 2013 (four segments).
//!
//! Known weakness: the sizes of the segments are fixed, and what was hit often long ago sinks slowly.

use super::queue::{ABSENT, Ledger, Queue, Weights};
use super::{Access, Departures, Described, Description, Id, Parameter, Policy, Setup};

/// Segments of equal size, the lowest first. The tag of an id is the number of its segment.
#[derive(Debug)]
pub struct Slru<W> {
    ledger: Ledger<W>,
    segments: Vec<Queue>,
    segment_capacity: u64,
    capacity: u64,
}

impl<W: Weights> Described for Slru<W> {
    const DESCRIPTION: Description = Description {
        name: "slru",
        summary: "segmented LRU: a hit promotes by one segment, overflow demotes by one",
        source: "Karedla, Love, Wherry, \"Caching strategies to improve disk system performance\", IEEE Computer 1994",
        parameters: &[Parameter::integer(
            "segments",
            4,
            1,
            ABSENT as u64 - 1,
            "how many segments of equal size (fewer if the capacity is smaller)",
        )],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        let count = setup
            .parameters
            .integer("segments")
            .min(setup.capacity)
            .max(1);
        Self {
            ledger: Ledger::default(),
            segments: (0..count as u32).map(Queue::new).collect(),
            segment_capacity: setup.capacity / count,
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> Slru<W> {
    /// While `segment` is too heavy its oldest entries go to the newest end of the segment below,
    /// and so on down; what overflows the lowest is evicted.
    fn cool(&mut self, segment: usize, departures: &mut Departures) {
        while self.segments[segment].weight() > self.segment_capacity
            && let Some(demoted) = self.segments[segment].pop(&mut self.ledger)
        {
            if segment == 0 {
                departures.evict_and_forget(demoted);
            } else {
                self.segments[segment - 1].push(&mut self.ledger, demoted);
                self.cool(segment - 1, departures);
            }
        }
    }
}

impl<W: Weights> Policy for Slru<W> {
    fn reserve(&mut self, bound: usize) {
        self.ledger.reserve(bound);
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        self.ledger.prefetch(id);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        self.ledger.is_present(id)
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, departures: &mut Departures) {
        let segment = self.ledger.tag(id) as usize;
        if segment + 1 == self.segments.len() {
            self.segments[segment].renew(&mut self.ledger, id);
        } else {
            self.segments[segment].remove(&mut self.ledger, id);
            self.segments[segment + 1].push(&mut self.ledger, id);
            self.cool(segment + 1, departures);
        }
    }

    #[inline]
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let weight = W::measure(access.weight);
        if weight > self.segment_capacity {
            departures.forget(id);
            return false;
        }
        while self.weight() > self.capacity - weight
            && let Some(lowest) = self.segments.iter_mut().find(|it| !it.is_empty())
            && let Some(victim) = lowest.pop(&mut self.ledger)
        {
            departures.evict_and_forget(victim);
        }
        // The lowest segment that has room, else the lowest: it takes what the division left over.
        let room = self
            .segments
            .iter()
            .position(|it| it.weight() + weight <= self.segment_capacity);
        let segment = room.unwrap_or(0);
        self.ledger.weights.set(id, weight);
        self.segments[segment].push(&mut self.ledger, id);
        true
    }

    fn remove(&mut self, id: Id) {
        let segment = self.ledger.tag(id) as usize;
        self.segments[segment].remove(&mut self.ledger, id);
    }

    fn len(&self) -> usize {
        self.segments.iter().map(Queue::len).sum()
    }

    fn weight(&self) -> u64 {
        self.segments.iter().map(Queue::weight).sum()
    }
}
