//! Queues of ids that only ever grow at the new end, and what a policy notes per id.
//!
//! Most policies are made of queues in which entries join at one end, leave at the other, move back
//! to the new end on a hit, and are now and then taken out of the middle. Linked lists do that with
//! three random memory accesses per move. Here a queue is an array of slots: a move writes the id
//! into the next free slot and notes the slot per id; the old slot is thereby stale, because the
//! id no longer stands there, and is skipped when the old end reaches it. When the array is full,
//! the stale slots are squeezed out. A move costs one random access, an id four bytes.
//!
//! Not here: who joins which queue when, which is what a policy is.

use super::Id;
use crate::prefetch::prefetch;

/// How entries weigh against the capacity.
pub trait Weights: Default + Send + 'static {
    /// Ids below `bound` will be used from now on.
    fn reserve(&mut self, bound: usize);

    /// What an entry with this [`super::Access::weight`] weighs here.
    fn measure(weight: u64) -> u64;

    /// Notes that `id` has the measured weight `weight`.
    fn set(&mut self, id: Id, weight: u64);

    /// The measured weight of `id`, as last noted.
    fn of(&self, id: Id) -> u64;
}

/// Each entry weighs 1: nothing is stored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entries;

impl Weights for Entries {
    #[inline]
    fn reserve(&mut self, _bound: usize) {}

    #[inline]
    fn measure(_weight: u64) -> u64 {
        1
    }

    #[inline]
    fn set(&mut self, _id: Id, _weight: u64) {}

    #[inline]
    fn of(&self, _id: Id) -> u64 {
        1
    }
}

/// Each entry weighs its bytes, at least 1.
#[derive(Clone, Debug, Default)]
pub struct Bytes(Vec<u64>);

impl Weights for Bytes {
    fn reserve(&mut self, bound: usize) {
        if self.0.len() < bound {
            self.0.resize(bound, 0);
        }
    }

    #[inline]
    fn measure(weight: u64) -> u64 {
        weight.max(1)
    }

    #[inline]
    fn set(&mut self, id: Id, weight: u64) {
        self.0[id as usize] = weight;
    }

    #[inline]
    fn of(&self, id: Id) -> u64 {
        self.0[id as usize]
    }
}

/// Bits of a place that are the slot; the others are the tag.
const SLOT_BITS: u32 = 28;
const SLOT: u32 = (1 << SLOT_BITS) - 1;
const NOWHERE: u32 = u32::MAX;

/// How many slots ahead places are fetched where slots are looked at one after the other.
const AHEAD: usize = 8;

/// The most ids that one cache can tell apart, ghosts included: 268 million.
pub const MAX_IDS: usize = SLOT as usize;

/// The tag of an id that stands in no queue. Queues may use the tags below it.
pub const ABSENT: u32 = NOWHERE >> SLOT_BITS;

/// What a policy notes per id: in which queue it stands and where (a tag and a slot in 4 bytes), and
/// what it weighs.
#[derive(Debug, Default)]
pub struct Ledger<W> {
    places: Vec<u32>,
    /// The weights; of no meaning for ids that stand nowhere.
    pub weights: W,
}

impl<W: Weights> Ledger<W> {
    /// Ids below `bound` will be used from now on.
    pub fn reserve(&mut self, bound: usize) {
        if self.places.len() < bound {
            self.places.resize(bound, NOWHERE);
        }
        self.weights.reserve(bound);
    }

    /// See [`super::Policy::prefetch`].
    #[inline]
    pub fn prefetch(&self, id: Id) {
        prefetch(&self.places, id as usize);
    }

    /// The tag of `id`; [`ABSENT`] if it stands in no queue.
    #[inline]
    pub fn tag(&self, id: Id) -> u32 {
        self.places[id as usize] >> SLOT_BITS
    }

    /// Whether `id` stands in some queue.
    #[inline]
    pub fn is_present(&self, id: Id) -> bool {
        self.places[id as usize] != NOWHERE
    }

    /// Changes the tag of `id`, which stays in its slot: for the flags that a queue leaves free.
    #[inline]
    pub fn retag(&mut self, id: Id, tag: u32) {
        let place = &mut self.places[id as usize];
        *place = (*place & SLOT) | (tag << SLOT_BITS);
    }
}

/// A queue of ids, from the oldest to the newest.
#[derive(Debug)]
pub struct Queue {
    tag: u32,
    /// The bits of a place that tell this queue and a slot from others.
    mask: u32,
    slots: Vec<Id>,
    /// No live slot is before this one.
    front: usize,
    /// A slot that a policy has marked; it follows its id when slots are squeezed.
    hand: Option<usize>,
    len: usize,
    weight: u64,
}

impl Queue {
    /// An empty queue of ids with tag `tag`.
    pub fn new(tag: u32) -> Self {
        Self::with_flags(tag, 0)
    }

    /// An empty queue of ids with any tag that differs from `tag` only in the bits `flags`.
    pub fn with_flags(tag: u32, flags: u32) -> Self {
        debug_assert!(tag < ABSENT && tag & flags == 0 && (tag | flags) < ABSENT);
        Self {
            tag,
            mask: !(flags << SLOT_BITS),
            slots: Vec::new(),
            front: 0,
            hand: None,
            len: 0,
            weight: 0,
        }
    }

    /// How many ids stand here.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no id stands here.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What they weigh together.
    #[inline]
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// `id`, which stands nowhere, joins at the new end.
    #[inline]
    pub fn push<W: Weights>(&mut self, ledger: &mut Ledger<W>, id: Id) {
        self.place(ledger, id, self.tag);
        self.len += 1;
        self.weight += ledger.weights.of(id);
    }

    /// As [`Queue::push`], with flags.
    #[inline]
    pub fn push_flagged<W: Weights>(&mut self, ledger: &mut Ledger<W>, id: Id, flags: u32) {
        self.place(ledger, id, self.tag | flags);
        self.len += 1;
        self.weight += ledger.weights.of(id);
    }

    /// `id`, which stands here, moves to the new end and loses its flags.
    #[inline]
    pub fn renew<W: Weights>(&mut self, ledger: &mut Ledger<W>, id: Id) {
        self.place(ledger, id, self.tag);
    }

    /// The oldest id.
    #[inline]
    pub fn oldest<W: Weights>(&mut self, ledger: &Ledger<W>) -> Option<Id> {
        if self.len == 0 {
            return None;
        }
        loop {
            let id = self.slots[self.front];
            if self.is_live(ledger, id, self.front) {
                return Some(id);
            }
            self.front += 1;
            if let Some(&ahead) = self.slots.get(self.front + AHEAD) {
                ledger.prefetch(ahead);
            }
        }
    }

    /// An id that will probably be among the oldest `distance` removals from now: a hint for what
    /// to fetch, no more, since its slot may be stale.
    #[inline]
    pub fn upcoming(&self, distance: usize) -> Option<Id> {
        self.slots.get(self.front + distance).copied()
    }

    /// Takes the oldest id out; it then stands nowhere.
    #[inline]
    pub fn pop<W: Weights>(&mut self, ledger: &mut Ledger<W>) -> Option<Id> {
        let id = self.oldest(ledger)?;
        self.front += 1;
        self.remove(ledger, id);
        Some(id)
    }

    /// Takes the newest id out; it then stands nowhere.
    #[inline]
    pub fn pop_newest<W: Weights>(&mut self, ledger: &mut Ledger<W>) -> Option<Id> {
        if self.len == 0 {
            return None;
        }
        while let Some(id) = self.slots.pop() {
            if self.is_live(ledger, id, self.slots.len()) {
                self.remove(ledger, id);
                return Some(id);
            }
        }
        None
    }

    /// The next newer id after `id`, which stands here.
    pub fn newer<W: Weights>(&self, ledger: &Ledger<W>, id: Id) -> Option<Id> {
        let slot = (ledger.places[id as usize] & SLOT) as usize;
        self.first_live(ledger, slot + 1)
            .map(|slot| self.slots[slot])
    }

    /// The id that the hand points at: the oldest if it points at none.
    #[inline]
    pub fn at_hand<W: Weights>(&mut self, ledger: &Ledger<W>) -> Option<Id> {
        match self.hand {
            Some(hand) => Some(self.slots[hand]),
            None => {
                let id = self.oldest(ledger)?;
                self.hand = Some(self.front);
                Some(id)
            }
        }
    }

    /// Moves the hand to the next newer id; after the newest it points at none.
    #[inline]
    pub fn advance_hand<W: Weights>(&mut self, ledger: &Ledger<W>) {
        self.hand = self.hand.and_then(|hand| self.first_live(ledger, hand + 1));
    }

    /// Whether the hand points at `id`.
    #[inline]
    pub fn is_at_hand(&self, id: Id) -> bool {
        self.hand.is_some_and(|hand| self.slots[hand] == id)
    }

    #[inline]
    fn first_live<W: Weights>(&self, ledger: &Ledger<W>, from: usize) -> Option<usize> {
        (from..self.slots.len()).find(|&slot| self.is_live(ledger, self.slots[slot], slot))
    }

    /// Takes `id`, which stands here, out; it then stands nowhere.
    #[inline]
    pub fn remove<W: Weights>(&mut self, ledger: &mut Ledger<W>, id: Id) {
        ledger.places[id as usize] = NOWHERE;
        self.len -= 1;
        self.weight -= ledger.weights.of(id);
    }

    #[inline]
    fn is_live<W: Weights>(&self, ledger: &Ledger<W>, id: Id, slot: usize) -> bool {
        (ledger.places[id as usize] ^ (slot as u32 | (self.tag << SLOT_BITS))) & self.mask == 0
    }

    #[inline]
    fn place<W: Weights>(&mut self, ledger: &mut Ledger<W>, id: Id, tag: u32) {
        if self.slots.len() == self.slots.capacity() {
            self.squeeze(ledger);
        }
        ledger.places[id as usize] = self.slots.len() as u32 | (tag << SLOT_BITS);
        self.slots.push(id);
    }

    /// Makes room: squeezes the stale slots out, and grows if most are live.
    #[cold]
    #[inline(never)]
    fn squeeze<W: Weights>(&mut self, ledger: &mut Ledger<W>) {
        let mut end = 0;
        let hand = self.hand.unwrap_or(usize::MAX);
        for slot in self.front..self.slots.len() {
            if let Some(&ahead) = self.slots.get(slot + AHEAD) {
                ledger.prefetch(ahead);
            }
            let id = self.slots[slot];
            if slot == hand {
                self.hand = Some(end);
            }
            // Without a branch: whether a slot is live is as good as random.
            let is_live = self.is_live(ledger, id, slot);
            self.slots[end] = id;
            let place = &mut ledger.places[id as usize];
            let moved = (*place & !SLOT) | end as u32;
            *place = if is_live { moved } else { *place };
            end += usize::from(is_live);
        }
        self.slots.truncate(end);
        self.front = 0;
        // At least half of the slots are free after each squeeze, so a move costs two looks at most,
        // amortised; and four fifths are when the queue has just grown.
        if self.slots.capacity() < 2 * end.max(32) {
            self.slots
                .reserve_exact((5 * end.max(32)).min(MAX_IDS) - end);
        }
    }
}
