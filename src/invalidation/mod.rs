//! Invalidation: what keeps copies true beside their TTL and what the write pattern does to the
//! entry itself. One file and one row of [`INVALIDATIONS`] per mechanism; a tier may have several.
//!
//! Not here: when a pattern deletes or sets (see `pattern`), the windows in which a stale copy may
//! still be served (see `tier::TimeToLive`), and leases, which are a defence as well (see
//! `defence`).

use std::rc::Rc;

use crate::database::{Database, Row};
use crate::geography::Border;
use crate::kernel::Kernel;
use crate::metrics::Meter;
use crate::random::Luck;
use crate::tier::{self, Tier};
use crate::units::Nanoseconds;
use crate::workload::distribution::Distribution;
use crate::workload::{Request, parameters};

mod change_capture;
mod compare_and_set;
mod etag;
mod pub_sub;
mod tags;
mod versioned_keys;

/// A mechanism as checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Sets carry the version of their row, and a node refuses an older one than it knows of.
    CompareAndSet {
        /// How long a node remembers the version of an entry that was deleted.
        tombstone_ns: Nanoseconds,
    },
    /// A write is told to the copies of all other app instances.
    PubSub(Bus),
    /// The database's log of commits is followed, in order, and what it names is deleted.
    ChangeCapture {
        /// From the commit to the delete on its way, in nanoseconds.
        lag: Distribution,
    },
    /// The version of a key is read first, and the entry under it.
    VersionedKeys,
    /// A write deletes the entries of all rows that are derived from the written one as well.
    Tags,
    /// An entry past its TTL is confirmed by a conditional query rather than fetched.
    Etag {
        /// How long past its TTL an entry is kept for that.
        keep_ns: Nanoseconds,
        /// How long a query that is answered "not modified" holds its connection, in nanoseconds;
        /// `None` for as long as any other.
        service_time: Option<Distribution>,
    },
}

/// How a bus between app instances behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Bus {
    /// From the publication to the arrival of a message, in nanoseconds.
    pub delay: Distribution,
    /// Share of the messages that never arrive.
    pub loss: f64,
    /// Share of the messages that arrive that do so twice.
    pub duplicates: f64,
    /// For so long an instance collects what it has to say; 0 to say everything at once.
    pub batch_ns: Nanoseconds,
}

/// One row of the table of mechanisms.
pub type InvalidationRow = parameters::Row<Plan>;

/// All mechanisms.
pub static INVALIDATIONS: &[InvalidationRow] = &[
    compare_and_set::ROW,
    pub_sub::ROW,
    change_capture::ROW,
    versioned_keys::ROW,
    tags::ROW,
    etag::ROW,
];

impl Plan {
    /// The name in a scenario.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CompareAndSet { .. } => compare_and_set::ROW.name,
            Self::PubSub(_) => pub_sub::ROW.name,
            Self::ChangeCapture { .. } => change_capture::ROW.name,
            Self::VersionedKeys => versioned_keys::ROW.name,
            Self::Tags => tags::ROW.name,
            Self::Etag { .. } => etag::ROW.name,
        }
    }

    /// What the nodes of a tier must do differently.
    pub fn prepare(&self, tier: &mut tier::Plan) {
        match self {
            Self::CompareAndSet { tombstone_ns } => tier.tombstone_ns = Some(*tombstone_ns),
            Self::VersionedKeys => tier.has_versioned_keys = true,
            Self::Etag { keep_ns, .. } => {
                if let Some(ttl) = &mut tier.ttl {
                    ttl.revalidate_ns = *keep_ns;
                }
            }
            Self::PubSub(_) | Self::ChangeCapture { .. } | Self::Tags => {}
        }
    }
}

/// What the mechanisms work with.
#[derive(Clone, Debug)]
struct Parts {
    tier: Rc<Tier>,
    database: Rc<Database>,
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
}

/// The mechanisms of one tier at work, as far as they do something by themselves.
#[derive(Debug, Default)]
pub struct Invalidator {
    bus: Option<Rc<pub_sub::Publisher>>,
    tags: Option<tags::Tags>,
    /// See [`Plan::Etag`].
    not_modified: Option<Rc<Distribution>>,
}

impl Invalidator {
    /// The mechanisms `plans` for `tier`, in front of `database`.
    #[must_use]
    pub fn new(
        plans: &[Plan],
        tier: &Rc<Tier>,
        database: &Rc<Database>,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
        luck: Luck,
    ) -> Self {
        let parts = Parts {
            tier: tier.clone(),
            database: database.clone(),
            kernel: kernel.clone(),
            meter: meter.clone(),
        };
        let follows_tags = plans.contains(&Plan::Tags);
        let mut all = Self::default();
        for plan in plans {
            match plan {
                Plan::CompareAndSet { .. } | Plan::VersionedKeys => {}
                Plan::PubSub(bus) => {
                    all.bus = Some(Rc::new(pub_sub::Publisher::new(bus, &parts, luck)));
                }
                Plan::ChangeCapture { lag } => {
                    change_capture::follow(lag, &parts, follows_tags, luck);
                }
                Plan::Tags => all.tags = Some(tags::Tags::new(&parts)),
                Plan::Etag { service_time, .. } => {
                    all.not_modified = service_time.clone().map(Rc::new);
                }
            }
        }
        all
    }

    /// The request has written its row, which is `row` now, and done with the tier's own entry what
    /// the write pattern says.
    pub fn committed(&self, request: &Request, row: &Row) {
        if let Some(bus) = &self.bus {
            bus.publish(request, row);
        }
        if let Some(tags) = &self.tags {
            tags.committed(request, |request, row| {
                if let Some(bus) = &self.bus {
                    bus.publish(request, row);
                }
            });
        }
    }

    /// From now on nothing goes over the bus, until [`Invalidator::mend_bus`] with the answer; nothing if
    /// there is no bus. Whether the messages of that time are `kept` and arrive afterwards.
    pub fn break_bus(&self, kept: bool) -> Option<u64> {
        Some(self.bus.as_ref()?.go_down(kept))
    }

    /// Ends what [`Invalidator::break_bus`] began.
    pub fn mend_bus(&self, number: u64) {
        if let Some(bus) = &self.bus {
            bus.come_up(number);
        }
    }

    /// From now on messages of the bus that cross the border suffer, until
    /// [`Invalidator::open_border`] with the answer; nothing if there is no bus.
    pub fn close_border(&self, border: &Border) -> Option<u64> {
        Some(self.bus.as_ref()?.close_border(border.clone()))
    }

    /// Ends what [`Invalidator::close_border`] began.
    pub fn open_border(&self, number: u64) {
        if let Some(bus) = &self.bus {
            bus.open_border(number);
        }
    }

    /// An app instance has crashed: what it has not said yet it never will.
    pub fn instance_crashed(&self, instance: u32) {
        if let Some(bus) = &self.bus {
            bus.forget(instance);
        }
    }

    /// How long a query that is answered "not modified" holds its connection, if not as long as any
    /// other.
    pub fn not_modified_service_time(&self) -> Option<Rc<Distribution>> {
        self.not_modified.clone()
    }
}
