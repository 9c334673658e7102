//! Eviction policies: which entry leaves a full cache.
//!
//! A policy knows entries only as dense numbers ([`Id`]) that its host hands out, so the same file
//! serves both engines: in replay an id is an interned key of the trace and is never reused; in a
//! tier's node it is a slot that is handed out again once the policy has let go of it. A policy owns
//! the capacity: it decides who leaves and reports that through [`Departures`]. It knows neither
//! simulated time nor futures; the time of an access is a plain number in [`Access`].
//!
//! To add a policy, write one file with a type that implements [`Policy`] and [`Described`], and add
//! its `mod` line and its row to the table at the end of this file. Names on the command line, help,
//! validation, documentation and the conformance tests all come from that table.
//!
//! Not here: TTLs, values, the index from keys to ids (see `cache`), and who calls whom
//! (see `replay` and `tier`).

use std::sync::Arc;

mod candidates;
#[cfg(any(feature = "foyer", feature = "moka", feature = "quick_cache"))]
mod library;
#[cfg(test)]
mod conformance;
mod heap;
mod pool;
mod queue;
mod sketch;
mod specification;
#[cfg(test)]
mod trial;

pub mod admission;
mod arc;
mod belady;
mod belady_size;
mod cacheus;
mod car;
mod clock;
mod clock_pro;
mod fifo;
#[cfg(feature = "foyer")]
mod foyer;
mod gdsf;
mod hyperbolic;
mod lfu;
mod lfu_aging;
mod lecar;
mod lhd;
mod lirs;
mod lru;
mod lru_k;
mod memcached_slru;
#[cfg(feature = "moka")]
mod moka;
mod mq;
mod mru;
mod nothing;
#[cfg(feature = "quick_cache")]
mod quick_cache;
mod random;
mod redis_lfu;
mod redis_lru;
mod s3_fifo;
mod sieve;
mod size;
mod slru;
mod tinylfu;
mod two_queues;
mod volatile_ttl;
mod w_tinylfu;

pub use queue::{Bytes, Entries, MAX_IDS, Weights};
pub use specification::{Parameter, Parameters, PolicySpec, SpecError, Value};

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
    /// treated as 1. Of no meaning in [`Policy::hit`]: a resident weighs what it weighed when it
    /// came in.
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
pub trait Policy: Send {
    /// Ids below `bound` will be used from now on. Grows tables; never shrinks them.
    fn reserve(&mut self, bound: usize);

    /// Asks the processor to fetch what an access to `id` (of key `key`) will read. A hint: it
    /// changes no answer.
    #[inline]
    fn prefetch(&self, id: Id, key: u64) {
        let _ = (id, key);
    }

    /// Whether [`Policy::prefetch`] makes use of the key, which a host may then have to fetch first.
    #[inline]
    fn prefetch_reads_key(&self) -> bool {
        false
    }

    /// Who will probably leave next: a hint for what to fetch, no more.
    #[inline]
    fn upcoming(&self) -> Option<Id> {
        None
    }

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

    /// A resident is overwritten with a value of another weight. Returns whether it is still
    /// resident, as [`Policy::insert`] does. Unless a policy knows better, the new value is a new
    /// entry.
    fn reweigh(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        self.remove(id);
        self.insert(id, access, departures)
    }

    /// Who would leave if one resident had to, where the policy can tell without doing it.
    fn victim(&mut self) -> Option<Id> {
        None
    }

    /// How many entries are resident.
    fn len(&self) -> usize;

    /// Whether nothing is resident.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The weight of all residents together.
    fn weight(&self) -> u64;
}

impl Policy for Box<dyn Policy> {
    fn reserve(&mut self, bound: usize) {
        (**self).reserve(bound);
    }

    fn prefetch(&self, id: Id, key: u64) {
        (**self).prefetch(id, key);
    }

    fn prefetch_reads_key(&self) -> bool {
        (**self).prefetch_reads_key()
    }

    fn upcoming(&self) -> Option<Id> {
        (**self).upcoming()
    }

    fn contains(&self, id: Id) -> bool {
        (**self).contains(id)
    }

    fn hit(&mut self, id: Id, access: &Access, departures: &mut Departures) {
        (**self).hit(id, access, departures);
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        (**self).insert(id, access, departures)
    }

    fn remove(&mut self, id: Id) {
        (**self).remove(id);
    }

    fn reweigh(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        (**self).reweigh(id, access, departures)
    }

    fn victim(&mut self) -> Option<Id> {
        (**self).victim()
    }

    fn len(&self) -> usize {
        (**self).len()
    }

    fn weight(&self) -> u64 {
        (**self).weight()
    }
}

/// What people are told about a policy.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The name in scenarios and on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Authors, title, venue and year of the paper, or where else it comes from.
    pub source: &'static str,
    /// What may be set, with defaults.
    pub parameters: &'static [Parameter],
    /// It needs to know the future, so only `replay` and `mrc` can run it.
    pub replay_only: bool,
}

/// A policy that the table can list and build.
pub trait Described: Policy + Sized + 'static {
    /// What people are told about it.
    const DESCRIPTION: Description;

    /// Whether it prefers small entries to large ones: all are alike to it where entries are counted.
    const RANKS_BY_SIZE: bool = false;

    /// An empty cache of this policy.
    fn new(setup: &Setup) -> Self;
}

/// What a capacity counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Each entry weighs 1, whatever the host says.
    #[default]
    Entries,
    /// Each entry weighs its bytes.
    Bytes,
}

/// What a policy is built from.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The most that residents may weigh together. At 0 nothing is ever admitted.
    pub capacity: u64,
    /// Seed of the policy's own dice.
    pub seed: u64,
    /// The parameters of its [`Description`], all with a value.
    pub parameters: Parameters,
    /// Whether the capacity is a promise. A few policies follow a reference implementation that holds
    /// an entry too many in rare states (LIRS below 200 entries); in nodes of the timed simulation
    /// they must not, in replay they do, because their counts are compared with the reference.
    pub strict: bool,
    /// In replay, the whole trace: the id asked for by request number i is element i.
    pub future: Option<Arc<Vec<Id>>>,
    /// How much of [`Access::now`] makes a second: 10^9 in the timed simulation; 1 in replay, where
    /// a request stands for a second unless a policy has a parameter that says otherwise.
    pub second: u64,
}

impl Setup {
    /// `share` of the capacity, rounded down.
    fn share(&self, share: f64) -> u64 {
        // Capacities are far below 2^53 in practice; above it the last bits do not matter.
        (self.capacity as f64 * share) as u64
    }
}

/// Work that is compiled once for each policy, so that no call in it is indirect: see
/// [`PolicySpec::visit`].
pub trait Visitor {
    /// What the work yields.
    type Answer;

    /// Does the work with `policy`.
    fn visit<P: Policy + 'static>(self, policy: P) -> Self::Answer;
}

/// Writes the table from one row (`module::Type`) per policy, perhaps with a condition (`#[cfg]`).
macro_rules! table {
    ($($(#[$condition:meta])* $module:ident :: $policy:ident),+ $(,)?) => {
        /// Which policy: one variant per row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        enum Kind {
            $($(#[$condition])* $policy),+
        }

        const KINDS: &[Kind] = &[$($(#[$condition])* Kind::$policy),+];

        impl Kind {
            const fn description(self) -> &'static Description {
                match self {
                    $($(#[$condition])* Self::$policy => &<$module::$policy<Entries> as Described>::DESCRIPTION),+
                }
            }

            const fn ranks_by_size(self) -> bool {
                match self {
                    $($(#[$condition])* Self::$policy => <$module::$policy<Entries> as Described>::RANKS_BY_SIZE),+
                }
            }

            fn visit<V: Visitor>(self, measure: Measure, setup: &Setup, visitor: V) -> V::Answer {
                match (self, measure) {
                    $(
                        $(#[$condition])*
                        (Self::$policy, Measure::Entries) => {
                            visitor.visit(<$module::$policy<Entries> as Described>::new(setup))
                        }
                        $(#[$condition])*
                        (Self::$policy, Measure::Bytes) => {
                            visitor.visit(<$module::$policy<Bytes> as Described>::new(setup))
                        }
                    )+
                }
            }
        }
    };
}

table! {
    lru::Lru,
    fifo::Fifo,
    lfu::Lfu,
    random::Random,
    clock::Clock,
    sieve::Sieve,
    slru::Slru,
    two_queues::TwoQueues,
    arc::Arc,
    car::Car,
    lirs::Lirs,
    s3_fifo::S3Fifo,
    s3_fifo::S3FifoV0,
    w_tinylfu::WTinyLfu,
    tinylfu::TinyLfu,
    gdsf::Gdsf,
    lfu_aging::LfuAging,
    mru::Mru,
    size::Size,
    belady::Belady,
    belady_size::BeladySize,
    nothing::Nothing,
    clock_pro::ClockPro,
    lru_k::LruK,
    mq::Mq,
    hyperbolic::Hyperbolic,
    lecar::LeCar,
    cacheus::Cacheus,
    lhd::Lhd,
    redis_lru::RedisLru,
    redis_lfu::RedisLfu,
    volatile_ttl::VolatileTtl,
    memcached_slru::MemcachedSlru,
    #[cfg(feature = "moka")]
    moka::Moka,
    #[cfg(feature = "quick_cache")]
    quick_cache::QuickCache,
    #[cfg(feature = "foyer")]
    foyer::Foyer,
}

/// The descriptions of all policies, in the order of the table.
pub fn descriptions() -> impl Iterator<Item = &'static Description> {
    KINDS.iter().map(|kind| kind.description())
}
