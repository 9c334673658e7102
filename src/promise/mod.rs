//! Promises to the reader: which copies a reader may be given, whatever the tiers hold. One file and
//! one row of [`PROMISES`] per promise; an app may make several.
//!
//! A promise has a say at two points: before a read, which may have to go around all caches, and
//! about each copy that is found, which may have to count as a miss. What the database itself answers
//! is final. So a promise is as good as the database is: while a write-behind tier holds a row that
//! the database does not have yet, a read that goes around the tier sees the older one. A copy that
//! waits for its flush is the newest there is and is always accepted.
//!
//! [`SessionMemory`] is what each session has written and seen. Promises are kept by it, and broken
//! ones are counted by it, made or not.
//!
//! Not here: what keeps the copies themselves true (see `invalidation`), and how the staleness of an
//! answer is measured (see `database` and `client`).

use std::cell::RefCell;

use hashbrown::HashMap;

use crate::database::Row;
use crate::units::{Key, KeyHash, Nanoseconds};
use crate::workload::{Request, parameters};

mod bounded_staleness;
mod bypass_after_write;
mod pin_to_primary;
mod session_token;

/// A promise as checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// For a while after its own write, a session's reads of that row go to the database.
    BypassAfterWrite {
        /// For how long, counted from the answer to the write.
        window_ns: Nanoseconds,
    },
    /// For a while after a write, a session's queries go to the database's primary.
    PinToPrimary {
        /// For how long, counted from the answer to the write.
        window_ns: Nanoseconds,
    },
    /// A session is given no older version of a row than it has written or seen.
    SessionToken,
    /// Nobody is given a copy that may have been out of date for longer.
    BoundedStaleness {
        /// The greatest age of a copy.
        max_staleness_ns: Nanoseconds,
    },
}

/// One row of the table of promises.
pub type PromiseRow = parameters::Row<Plan>;

/// All promises.
pub static PROMISES: &[PromiseRow] = &[
    bypass_after_write::ROW,
    pin_to_primary::ROW,
    session_token::ROW,
    bounded_staleness::ROW,
];

impl Plan {
    /// The name in a scenario.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::BypassAfterWrite { .. } => bypass_after_write::ROW.name,
            Self::PinToPrimary { .. } => pin_to_primary::ROW.name,
            Self::SessionToken => session_token::ROW.name,
            Self::BoundedStaleness { .. } => bounded_staleness::ROW.name,
        }
    }

    /// Whether it is made to clients with an identity.
    #[must_use]
    pub fn needs_sessions(&self) -> bool {
        match self {
            Self::BypassAfterWrite { .. } | Self::PinToPrimary { .. } | Self::SessionToken => true,
            Self::BoundedStaleness { .. } => false,
        }
    }

    /// Whether a read that begins now has to go around all caches.
    fn bypasses(&self, known: Known, now_ns: Nanoseconds) -> bool {
        match *self {
            Self::BypassAfterWrite { window_ns } => {
                bypass_after_write::bypasses(window_ns, known, now_ns)
            }
            Self::PinToPrimary { .. } | Self::SessionToken | Self::BoundedStaleness { .. } => false,
        }
    }

    /// Whether the database's primary has to answer a query that is sent now.
    fn pins(&self, known: Known, wrote_ns: Option<Nanoseconds>, now_ns: Nanoseconds) -> bool {
        match *self {
            Self::BypassAfterWrite { window_ns } => {
                bypass_after_write::bypasses(window_ns, known, now_ns)
            }
            Self::PinToPrimary { window_ns } => pin_to_primary::pins(window_ns, wrote_ns, now_ns),
            Self::SessionToken | Self::BoundedStaleness { .. } => false,
        }
    }

    /// Whether a copy may be given to a reader now.
    fn accepts(&self, known: Known, row: &Row, now_ns: Nanoseconds) -> bool {
        match *self {
            Self::BypassAfterWrite { .. } | Self::PinToPrimary { .. } => true,
            Self::SessionToken => session_token::accepts(known, row),
            Self::BoundedStaleness { max_staleness_ns } => {
                bounded_staleness::accepts(max_staleness_ns, row, now_ns)
            }
        }
    }
}

/// What one session knows of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The newest version that it wrote and was told of; 0 if it wrote none.
    pub written: u64,
    /// When it was told of that.
    pub written_ns: Nanoseconds,
    /// The newest version that it was given by a read.
    pub seen: u64,
}

/// What every session knows. Rows that were never written have but one version, of which there is
/// nothing to remember: memory is bounded by sessions times rows that were written.
#[derive(Debug, Default)]
pub struct SessionMemory {
    rows: RefCell<HashMap<(u32, Key), Known, KeyHash>>,
    /// When each session was last told of a write of its own.
    wrote_ns: RefCell<HashMap<u32, Nanoseconds, KeyHash>>,
}

impl SessionMemory {
    /// What the request's session knows of the request's row.
    #[inline]
    #[must_use]
    pub fn known(&self, request: &Request) -> Known {
        let memory = self.rows.borrow();
        if memory.is_empty() {
            return Known::default();
        }
        // A tier with versioned keys asks under the key of an entry.
        let known = memory.get(&(request.session, request.of_row().key));
        known.copied().unwrap_or_default()
    }

    fn has_read(&self, request: &Request, version: u64) {
        if version > 0 {
            let mut memory = self.rows.borrow_mut();
            let known = memory.entry((request.session, request.key)).or_default();
            known.seen = known.seen.max(version);
        }
    }

    fn has_written(&self, request: &Request, version: u64, now_ns: Nanoseconds) {
        let mut memory = self.rows.borrow_mut();
        let known = memory.entry((request.session, request.key)).or_default();
        known.written = known.written.max(version);
        known.written_ns = now_ns;
        self.wrote_ns.borrow_mut().insert(request.session, now_ns);
    }
}

/// The promises of one run, and what is needed to keep them.
#[derive(Debug, Default)]
pub struct Promises {
    plans: Vec<Plan>,
    /// `None` where clients have no identity.
    sessions: Option<SessionMemory>,
}

impl Promises {
    /// The promises of `plans`; `has_sessions` says whether clients have an identity.
    #[must_use]
    pub fn new(plans: &[Plan], has_sessions: bool) -> Self {
        Self {
            plans: plans.to_vec(),
            sessions: has_sessions.then(SessionMemory::default),
        }
    }

    /// Whether any was made.
    #[inline]
    #[must_use]
    pub fn are_made(&self) -> bool {
        !self.plans.is_empty()
    }

    /// What the request's session knows of the request's row now.
    #[inline]
    #[must_use]
    pub fn known(&self, request: &Request) -> Known {
        let sessions = self.sessions.as_ref();
        sessions.map_or_else(Known::default, |it| it.known(request))
    }

    /// Whether the read has to go around all caches.
    #[inline]
    #[must_use]
    pub fn bypass(&self, request: &Request, now_ns: Nanoseconds) -> bool {
        if !self.are_made() {
            return false;
        }
        let known = self.known(request);
        self.plans.iter().any(|plan| plan.bypasses(known, now_ns))
    }

    /// Whether the database's primary has to answer the read.
    #[must_use]
    pub fn pin(&self, request: &Request, now_ns: Nanoseconds) -> bool {
        if !self.are_made() {
            return false;
        }
        let known = self.known(request);
        let sessions = self.sessions.as_ref();
        let wrote_ns = sessions.and_then(|it| it.wrote_ns.borrow().get(&request.session).copied());
        let mut plans = self.plans.iter();
        plans.any(|plan| plan.pins(known, wrote_ns, now_ns))
    }

    /// Whether a copy may be given to the reader.
    #[must_use]
    pub fn accept(&self, request: &Request, row: &Row, now_ns: Nanoseconds) -> bool {
        let known = self.known(request);
        self.plans
            .iter()
            .all(|plan| plan.accepts(known, row, now_ns))
    }

    /// The reader was given this version.
    #[inline]
    pub fn has_read(&self, request: &Request, version: u64) {
        if let Some(sessions) = &self.sessions {
            sessions.has_read(request, version);
        }
    }

    /// The writer was told that this version is written.
    #[inline]
    pub fn has_written(&self, request: &Request, version: u64, now_ns: Nanoseconds) {
        if let Some(sessions) = &self.sessions {
            sessions.has_written(request, version, now_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Rows;

    fn request(session: u32) -> Request {
        Request {
            session,
            key: 7,
            ..Request::default()
        }
    }

    #[test]
    fn a_session_knows_what_it_wrote_and_what_it_saw_and_others_do_not() {
        let promises = Promises::new(&[], true);
        promises.has_written(&request(1), 3, 100);
        promises.has_read(&request(1), 5);
        promises.has_read(&request(1), 4);
        let known = promises.known(&request(1));
        assert_eq!((known.written, known.written_ns, known.seen), (3, 100, 5));
        assert_eq!(promises.known(&request(1).of_version(3)), known);
        assert_eq!(promises.known(&request(2)), Known::default());
    }

    #[test]
    fn nothing_is_remembered_of_rows_that_nobody_wrote() {
        let memory = SessionMemory::default();
        (0..100).for_each(|session| memory.has_read(&request(session), 0));
        assert!(memory.rows.borrow().is_empty());
    }

    #[test]
    fn a_bypass_lasts_for_its_window_after_the_answer_to_the_write() {
        let promises = Promises::new(&[Plan::BypassAfterWrite { window_ns: 50 }], true);
        assert!(!promises.bypass(&request(1), 0));
        promises.has_written(&request(1), 1, 100);
        assert!(promises.bypass(&request(1), 149));
        assert!(!promises.bypass(&request(1), 150));
        assert!(!promises.bypass(&request(2), 100));
    }

    #[test]
    fn a_session_is_pinned_for_its_window_after_a_write_of_any_row() {
        let promises = Promises::new(&[Plan::PinToPrimary { window_ns: 50 }], true);
        let other_row = |session| Request {
            key: 8,
            ..request(session)
        };
        assert!(!promises.pin(&other_row(1), 0));
        promises.has_written(&request(1), 1, 100);
        assert!(promises.pin(&other_row(1), 149));
        assert!(!promises.pin(&other_row(1), 150));
        assert!(!promises.pin(&request(2), 100));
        assert!(!promises.bypass(&request(1), 100));
    }

    #[test]
    fn a_token_refuses_what_is_older_than_the_session_knows() {
        let promises = Promises::new(&[Plan::SessionToken], true);
        let mut rows = Rows::default();
        let first = rows.write(7, 10, |_| 0);
        let second = rows.write(7, 20, |_| 0);
        assert!(promises.accept(&request(1), &first, 30));
        promises.has_read(&request(1), second.version());
        assert!(!promises.accept(&request(1), &first, 30));
        assert!(promises.accept(&request(1), &second, 30));
        assert!(promises.accept(&request(2), &first, 30));
    }

    #[test]
    fn a_bound_refuses_what_has_not_been_known_to_be_true_for_longer() {
        let plan = Plan::BoundedStaleness {
            max_staleness_ns: 100,
        };
        let promises = Promises::new(&[plan], false);
        let row = Rows::default().read(7, 1000, |_| 0);
        assert!(promises.accept(&request(0), &row, 1100));
        assert!(!promises.accept(&request(0), &row, 1101));
    }

    #[test]
    fn every_promise_has_the_name_of_its_row() {
        use crate::workload::parameters::{Argument, Arguments, Kind};
        for row in PROMISES {
            let mut arguments = Arguments::new();
            for parameter in row.parameters {
                assert_eq!(parameter.kind, Kind::Duration, "{}", row.name);
                arguments.set(parameter.name, Argument::Number(1e9));
            }
            assert_eq!((row.build)(&arguments).unwrap().name(), row.name);
        }
    }
}
