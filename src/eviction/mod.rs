//! Eviction policies: which entry leaves a full cache.
//!
//! A policy knows entries only as dense numbers ([`Id`]) that its host hands out, so the same file
//! serves both engines: in replay an id is an interned key of the trace and is never reused; in a
//! tier's node it is a slot that is handed out again once the policy has let go of it. A policy owns
//! the capacity: it decides who leaves and reports that through [`Departures`]. It knows neither
//! simulated time nor futures; the time of an access is a plain number in [`Access`].
//!
//! Not here: TTLs, values, the index from keys to ids (see `cache`), and who calls whom
//! (see `replay` and `tier`).

/// A dense number for an entry. Ids start at 0 and stay below the bound told to
/// [`Policy::reserve`].
pub type Id = u32;

/// What a policy may know about one access.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access {
    /// The key's own 64 bits (not the id): for policies that keep a sketch.
    pub key: u64,
    /// When: nanoseconds of simulated time, or the number of the request in replay.
    pub now: u64,
    /// Weight of the entry against the capacity: 1 when capacity counts entries, else bytes. 0 is
    /// treated as 1.
    pub weight: u64,
    /// When this key is asked for next, as a request number; `u64::MAX` if never or unknown.
    /// Only replay can know it (Belady).
    pub next_use: u64,
    /// When the entry expires, in the unit of `now`; `u64::MAX` if never.
    pub expires: u64,
}

/// Where a policy reports what it let go of. The host drains it after every call.
///
/// A resident that leaves is `evicted`. An id that the policy no longer remembers at all, neither
/// as a resident nor as a ghost, is `forgotten` and may be handed out again; an evicted id that does
/// not become a ghost is reported as both, by [`Departures::evict_and_forget`].
#[derive(Debug, Default)]
pub struct Departures {
    listening: bool,
    /// Residents that left, in order.
    pub evicted: Vec<Id>,
    /// Ids of which the policy keeps no memory any more.
    pub forgotten: Vec<Id>,
}

impl Departures {
    /// Departures are kept until the host drains them.
    #[must_use]
    pub fn listening() -> Self {
        Self {
            listening: true,
            ..Self::default()
        }
    }

    /// Departures are dropped: for replay, which asks only for hits and misses.
    #[must_use]
    pub fn ignored() -> Self {
        Self::default()
    }

    /// A resident leaves and the policy remembers it as a ghost.
    #[inline]
    pub fn evict(&mut self, id: Id) {
        if self.listening {
            self.evicted.push(id);
        }
    }

    /// A ghost is forgotten.
    #[inline]
    pub fn forget(&mut self, id: Id) {
        if self.listening {
            self.forgotten.push(id);
        }
    }

    /// A resident leaves and nothing of it is remembered.
    #[inline]
    pub fn evict_and_forget(&mut self, id: Id) {
        self.evict(id);
        self.forget(id);
    }
}

/// An eviction policy over one cache.
///
/// The host calls, for each access to `id`: [`Policy::hit`] if [`Policy::contains`], else, when the
/// value has been fetched, [`Policy::insert`]. After any call the residents weigh no more than the
/// capacity.
pub trait Policy {
    /// Ids below `bound` will be used from now on. Grows tables; never shrinks them.
    fn reserve(&mut self, bound: usize);

    /// Whether `id` is resident.
    fn contains(&self, id: Id) -> bool;

    /// An access to a resident. Some policies evict here (segments that overflow).
    fn hit(&mut self, id: Id, access: &Access, departures: &mut Departures);

    /// An entry that is not resident comes in, perhaps at the cost of others. Returns false if it
    /// was not admitted (heavier than the whole cache, or the policy prefers what it has); it is
    /// then not resident, and reported as forgotten unless the policy keeps it as a ghost.
    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool;

    /// A resident is taken out from outside: it was deleted or has expired. It is not an eviction:
    /// nothing is reported for `id` itself, and the policy keeps no memory of it.
    fn remove(&mut self, id: Id);

    /// How many entries are resident.
    fn len(&self) -> usize;

    /// Whether nothing is resident.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The weight of all residents together.
    fn weight(&self) -> u64;
}
