//! The workload: when requests arrive, what they ask for, and how large the rows are.
//!
//! A [`Plan`] is what a scenario says, checked: its parts can only be built by constructors that
//! refuse what makes no sense with a [`ParameterError`]. A [`Workload`] is one replication of it: a
//! source of [`Draw`]s that depend on the seed, the replication and the number of the request only,
//! so that request 17 asks for the same key in every variant. Arrival instants come from
//! [`arrivals::Arrivals`] and [`arrivals::ClosedLoop`].
//!
//! Everything that has a name in a scenario is one row of a table ([`distribution::TABLE`],
//! [`arrivals::TABLE`], [`arrivals::CURVES`], [`popularity::TABLE`]): the checker, the help and the
//! documentation are derived from those.
//!
//! Not here: how quantities are written (`scenario`), what a client does with an answer (`client`),
//! and the rows themselves (`database`).

use hashbrown::HashMap;

use crate::random::{Luck, Stream, mix};
use crate::trace::TraceError;
use crate::units::{Key, KeyHash, Nanoseconds};

use distribution::Distribution;
use popularity::{Keys, Popularity};

mod absent;
pub mod arrivals;
mod big_keys;
mod crowd;
pub mod distribution;
pub mod from_trace;
pub mod into_trace;
mod page;
pub mod parameters;
pub mod popularity;
mod request;
mod special;

pub use absent::{Absent, Value, absent_key};
pub use big_keys::BigKeys;
pub use crowd::Wanted;
pub use page::{MultiGet, PAGE_MODES, Page, PageMode, PageModeRow};
pub use parameters::{Argument, Arguments, Kind, Parameter, ParameterError, Row};
pub use request::Request;

/// What is asked, how often and of which size, as checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// When requests arrive, unless at a trace's own times.
    pub arrivals: arrivals::Plan,
    /// Which keys are asked for, unless a trace says it.
    pub keys: Keys,
    /// Which keys the writes are of, if of others.
    pub write_keys: Option<Keys>,
    /// Share of the requests that are reads, in 0..=1; the others are writes.
    pub read_share: f64,
    /// Size of a row's value, in bytes.
    pub value_size: Distribution,
    /// The trace whose requests are made again: its keys, and its operations, sizes and times as far
    /// as it has them and they are wanted.
    pub trace: Option<from_trace::Plan>,
    /// Clients with an identity, if there are such.
    pub sessions: Option<Sessions>,
    /// Share of the reads that must not be stale, in 0..=1.
    pub fresh_reads: f64,
    /// How many rows are derived from a row and change with it; `None` for none.
    pub dependents: Option<Distribution>,
    /// Requests for rows that did not exist at the start, if there are such.
    pub absent: Option<Absent>,
    /// Share of the writes that delete their row, in 0..=1.
    pub deletes: f64,
    /// If each read needs the rows of many keys.
    pub page: Option<Page>,
    /// Rows with values of a size of their own, if there are such.
    pub big_keys: Option<BigKeys>,
}

/// Clients with an identity: they notice when they do not see what they wrote or saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sessions {
    /// How many, at least 1.
    pub count: u32,
    /// Share of a session's reads, in 0..=1, that ask for the row that it wrote last.
    pub own_reads: f64,
}

impl Plan {
    /// A plan whose parts fit together.
    ///
    /// # Errors
    /// When `read_share` is not in 0..=1 (named `reads`, as in a scenario).
    pub fn new(
        arrivals: arrivals::Plan,
        keys: Keys,
        read_share: f64,
        value_size: Distribution,
    ) -> Result<Self, ParameterError> {
        parameters::share("reads", read_share)?;
        Ok(Self {
            arrivals,
            keys,
            write_keys: None,
            read_share,
            value_size,
            trace: None,
            sessions: None,
            fresh_reads: 0.0,
            dependents: None,
            absent: None,
            deletes: 0.0,
            page: None,
            big_keys: None,
        })
    }

    /// The same, with requests that come from `sessions`, and a share of the reads that must not be
    /// stale.
    #[must_use]
    pub fn with_sessions(self, sessions: Option<Sessions>, fresh_reads: f64) -> Self {
        Self {
            sessions,
            fresh_reads,
            ..self
        }
    }

    /// The same, with writes of rows that are drawn from `keys`, if that says so.
    #[must_use]
    pub fn with_write_keys(self, keys: Option<Keys>) -> Self {
        Self {
            write_keys: keys,
            ..self
        }
    }

    /// A plan that makes the requests of a trace again, at its own times if it was told so
    /// ([`from_trace::Plan::at_own_times`]), else at those of `arrivals`. `read_share` and
    /// `value_size` are for a trace that does not know its operations and sizes.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn from_trace(
        trace: from_trace::Plan,
        arrivals: Option<arrivals::Plan>,
        read_share: f64,
        value_size: Distribution,
    ) -> Result<Self, ParameterError> {
        // What the trace says itself is never asked of the arrivals and the keys.
        let arrivals = match arrivals {
            Some(arrivals) => arrivals,
            None => arrivals::Plan::Open(arrivals::Open::constant(1.0)?),
        };
        Ok(Self {
            trace: Some(trace),
            ..Self::new(arrivals, Keys::uniform(1)?, read_share, value_size)?
        })
    }
}

/// What a request does to its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It asks for the row.
    Read,
    /// It changes the row (or, under `latest`, inserts the next one).
    Write,
}

/// What one request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The row.
    pub key: Key,
    /// What is done to it.
    pub operation: Operation,
    /// The session that asks, 0 where there are none.
    pub session: u32,
    /// Whether the answer must not be stale.
    pub must_be_fresh: bool,
}

/// One replication's requests: what each of them asks for.
#[derive(Debug)]
pub struct Workload {
    requests: Stream,
    sizes: Stream,
    read_share: f64,
    value_size: Distribution,
    /// The size of all values, if they have but one.
    constant_bytes: Option<u32>,
    popularity: Popularity,
    /// Of the writes, if they have one of their own.
    write_popularity: Option<Popularity>,
    trace: Option<from_trace::Requests>,
    most_requests: u64,
    sessions: Option<SessionDraws>,
    fresh_reads: f64,
    freshness: Stream,
    dependents: Option<Dependents>,
    absent: Option<absent::AbsentDraws>,
    deletions: absent::Deletions,
    page: Option<page::PageDraws>,
    crowds: Vec<crowd::Crowd>,
    big_keys: Option<big_keys::BigDraws>,
}

/// Which rows are derived from which.
#[derive(Debug)]
struct Dependents {
    many: Distribution,
    luck: Stream,
    /// All keys are below this.
    limit: u64,
}

/// Who asks, and what each wrote last.
#[derive(Debug)]
struct SessionDraws {
    plan: Sessions,
    luck: Stream,
    last_written: HashMap<u32, Key, KeyHash>,
}

impl SessionDraws {
    /// The session of request `index` (`user`, in a closed loop), and the row that it asks for in
    /// place of `key`.
    fn draw(
        &mut self,
        index: u64,
        user: Option<u32>,
        key: Key,
        operation: Operation,
    ) -> (u32, Key) {
        let mut draws = self.luck.at(index);
        let any = draws.below(u64::from(self.plan.count)) as u32;
        let session = user.map_or(any, |user| user % self.plan.count);
        let asks_for_own = draws.chance(self.plan.own_reads);
        match operation {
            Operation::Write => {
                if self.plan.own_reads > 0.0 {
                    self.last_written.insert(session, key);
                }
                (session, key)
            }
            Operation::Read if asks_for_own => {
                let own = self.last_written.get(&session);
                (session, own.copied().unwrap_or(key))
            }
            Operation::Read => (session, key),
        }
    }
}

impl Workload {
    /// The requests of `plan` under `luck`.
    #[must_use]
    pub fn new(plan: &Plan, luck: Luck) -> Self {
        Self {
            requests: luck.stream("workload.request"),
            sizes: luck.stream("workload.value_size"),
            read_share: plan.read_share,
            constant_bytes: plan.value_size.as_constant().map(bytes),
            value_size: plan.value_size.clone(),
            popularity: Popularity::new(&plan.keys, luck),
            write_popularity: plan
                .write_keys
                .as_ref()
                .map(|keys| Popularity::new(keys, luck)),
            trace: plan.trace.as_ref().map(from_trace::Requests::new),
            most_requests: plan.trace.as_ref().map_or(u64::MAX, |it| it.requests()),
            sessions: plan.sessions.map(|plan| SessionDraws {
                plan,
                luck: luck.stream("workload.session"),
                last_written: HashMap::default(),
            }),
            fresh_reads: plan.fresh_reads,
            freshness: luck.stream("workload.freshness"),
            big_keys: plan.big_keys.as_ref().map(|big| {
                let others = plan.write_keys.as_ref().map_or(0, Keys::limit);
                big_keys::BigDraws::new(big, plan.keys.limit().max(others), luck)
            }),
            dependents: plan.dependents.clone().map(|many| Dependents {
                many,
                luck: luck.stream("workload.dependents"),
                limit: plan.keys.limit().max(1),
            }),
            absent: plan
                .absent
                .as_ref()
                .map(|absent| absent::AbsentDraws::new(absent, luck)),
            deletions: absent::Deletions::new(plan, luck),
            page: plan
                .page
                .as_ref()
                .map(|page| page::PageDraws::new(page, luck)),
            crowds: Vec::new(),
        }
    }

    /// How many requests can be drawn: as many as a trace has, else any number.
    #[must_use]
    pub fn most_requests(&self) -> u64 {
        self.most_requests
    }

    /// When the next request of a trace arrives at its own time; `None` at its end, and if there is
    /// no trace. Each call moves on by one request, to be drawn later in the same order.
    pub fn next_arrival_ns(&mut self) -> Option<Nanoseconds> {
        self.trace.as_mut()?.next_arrival_ns()
    }

    /// Why the trace could not be read any more, if it could not.
    #[must_use]
    pub fn failure(&self) -> Option<&TraceError> {
        self.trace.as_ref()?.failure()
    }

    /// What request number `index`, issued at `now`, asks for; `user` makes it in a closed loop.
    ///
    /// Every draw depends on `index` alone; `now` matters for drifting keys only. Two of the
    /// distributions remember how often they were asked (`latest` counts inserted rows,
    /// `sequential` its position), so requests are to be drawn once each, in the order of their
    /// numbers.
    #[inline]
    pub fn draw(&mut self, index: u64, now: Nanoseconds, user: Option<u32>) -> Draw {
        if Self::is_of_crowd(index) {
            return self.draw_for_crowd(index, now);
        }
        let mut draws = self.requests.at(index);
        // One draw whatever the share is: changing `reads` must not change the keys.
        let operation = if draws.chance(self.read_share) {
            Operation::Read
        } else {
            Operation::Write
        };
        let (key, operation) = match &mut self.trace {
            Some(trace) => trace.draw(operation),
            None => {
                let popularity = match &mut self.write_popularity {
                    Some(popularity) if operation == Operation::Write => popularity,
                    _ => &mut self.popularity,
                };
                (popularity.draw(&mut draws, operation, now), operation)
            }
        };
        let key = match &self.big_keys {
            Some(big) => big.draw(index, key),
            None => key,
        };
        let absent = match &mut self.absent {
            Some(absent) => absent.draw(index, operation, now),
            None => None,
        };
        let key = absent.unwrap_or(key);
        let (session, key) = match &mut self.sessions {
            Some(sessions) => sessions.draw(index, user, key, operation),
            None => (0, key),
        };
        // Not even a session's own row takes the place of one that does not exist.
        let key = absent.unwrap_or(key);
        let must_be_fresh = self.fresh_reads > 0.0
            && operation == Operation::Read
            && self.freshness.at(index).chance(self.fresh_reads);
        Draw {
            key,
            operation,
            session,
            must_be_fresh,
        }
    }

    /// The session of a request that is no user's; 0 where there are none.
    fn session_of(&self, index: u64) -> u32 {
        self.sessions.as_ref().map_or(0, |sessions| {
            let mut draws = sessions.luck.at(index);
            draws.below(u64::from(sessions.plan.count)) as u32
        })
    }

    /// Size in bytes of version `version` of row `key`: the same whenever it is asked for, so a row
    /// keeps its size until it is written. At most `u32::MAX`.
    #[inline]
    #[must_use]
    pub fn value_bytes(&self, key: Key, version: u64) -> u32 {
        if let Some(bytes) = self.trace.as_ref().and_then(|it| it.value_bytes(key)) {
            return bytes;
        }
        let big = self.big_keys.as_ref();
        if let Some(size) = big.and_then(|big| big.value_size(key, version)) {
            return bytes(size);
        }
        if let Some(bytes) = self.constant_bytes {
            return bytes;
        }
        let index = mix(key).wrapping_add(version);
        bytes(self.value_size.sample(&mut self.sizes.at(index)))
    }

    /// The rows that are derived from the row `key` and change with it: always the same ones, each
    /// any row but that one. A row that is drawn twice counts once.
    #[must_use]
    pub fn dependents(&self, key: Key) -> Vec<Key> {
        let Some(dependents) = &self.dependents else {
            return Vec::new();
        };
        let mut draws = dependents.luck.at(mix(key));
        let others = dependents.limit - 1;
        let many = dependents.many.sample_u64(&mut draws).min(others);
        let mut keys: Vec<Key> = (0..many)
            .map(|_| (key % dependents.limit + 1 + draws.below(others)) % dependents.limit)
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The keys and how often each is asked for: ranks, hot keys, probabilities.
    #[must_use]
    pub fn popularity(&self) -> &Popularity {
        &self.popularity
    }

    /// The key that is asked for most often, or second most often, ... at `now`; rank 1 is the
    /// hottest. `None` if there are fewer keys, or a trace says which. See
    /// [`Popularity::key_of_rank`].
    #[must_use]
    pub fn key_of_rank(&self, rank: u64, now: Nanoseconds) -> Option<Key> {
        if self.trace.is_some() {
            return None;
        }
        self.popularity.key_of_rank(rank, now)
    }

    /// So many of the keys that are asked for most often at `now`, most first; of a trace, over all of
    /// it and as far as they were counted ([`from_trace::Plan::count_hottest`]).
    #[must_use]
    pub fn hottest(&self, how_many: usize, now: Nanoseconds) -> Vec<Key> {
        match &self.trace {
            Some(trace) => trace.hottest().take(how_many).collect(),
            None => {
                let hottest = self.popularity.hottest(how_many, now);
                hottest.into_iter().map(|(key, _)| key).collect()
            }
        }
    }

    /// The rank of a key at `now`, 1 being the hottest; `None` if it is never asked for or has no
    /// rank, as with a trace. See [`Popularity::rank_of`].
    #[must_use]
    pub fn rank_of(&self, key: Key, now: Nanoseconds) -> Option<u64> {
        if self.trace.is_some() {
            return None;
        }
        self.popularity.rank_of(key, now)
    }
}

/// Rounds a size to whole bytes; saturates.
fn bytes(size: f64) -> u32 {
    (size + 0.5) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(keys: Keys, read_share: f64, value_size: Distribution) -> Plan {
        let arrivals = arrivals::Plan::Open(arrivals::Open::poisson(1000.0).unwrap());
        Plan::new(arrivals, keys, read_share, value_size).unwrap()
    }

    fn draws(plan: &Plan, many: u64) -> Vec<Draw> {
        let mut workload = Workload::new(plan, Luck::new(7, 1));
        (0..many)
            .map(|index| workload.draw(index, index, None))
            .collect()
    }

    #[test]
    fn a_request_asks_for_the_same_key_whatever_the_share_of_reads() {
        let zipf = Keys::zipf(1000, 0.99).unwrap();
        let size = Distribution::constant(100.0).unwrap();
        let mostly = draws(&plan(zipf.clone(), 0.95, size.clone()), 5000);
        let half = draws(&plan(zipf, 0.5, size), 5000);
        let writes = |draws: &[Draw]| {
            draws
                .iter()
                .filter(|draw| draw.operation == Operation::Write)
                .count()
        };
        for (a, b) in mostly.iter().zip(&half) {
            assert_eq!(a.key, b.key);
            // More writes are the same writes and others.
            assert!(a.operation == Operation::Read || b.operation == Operation::Write);
        }
        assert!(writes(&mostly).abs_diff(250) < 60);
        assert!(writes(&half).abs_diff(2500) < 150);
    }

    #[test]
    fn writes_may_have_keys_of_their_own_without_changing_those_of_the_reads() {
        let size = Distribution::constant(100.0).unwrap();
        let same = plan(Keys::zipf(1000, 0.99).unwrap(), 0.7, size);
        let own = same
            .clone()
            .with_write_keys(Some(Keys::sequential(1_000_000).unwrap()));
        let mut written = 0..;
        for (a, b) in draws(&same, 2000).iter().zip(&draws(&own, 2000)) {
            assert_eq!(a.operation, b.operation);
            match b.operation {
                Operation::Read => assert_eq!(a.key, b.key),
                Operation::Write => assert_eq!(Some(b.key), written.next()),
            }
        }
        assert!(written.next() > Some(500));
    }

    #[test]
    fn all_reads_and_no_reads_are_exact() {
        let uniform = Keys::uniform(10).unwrap();
        let size = Distribution::constant(100.0).unwrap();
        let all = draws(&plan(uniform.clone(), 1.0, size.clone()), 1000);
        assert!(all.iter().all(|draw| draw.operation == Operation::Read));
        let none = draws(&plan(uniform, 0.0, size), 1000);
        assert!(none.iter().all(|draw| draw.operation == Operation::Write));
    }

    #[test]
    fn replications_differ_and_are_repeatable() {
        let plan = plan(
            Keys::zipf(1000, 0.99).unwrap(),
            0.9,
            Distribution::lognormal(100.0, 1000.0).unwrap(),
        );
        let keys = |replication| -> Vec<Key> {
            let mut workload = Workload::new(&plan, Luck::new(7, replication));
            (0..100)
                .map(|index| workload.draw(index, 0, None).key)
                .collect()
        };
        assert_eq!(keys(0), keys(0));
        assert_ne!(keys(0), keys(1));
    }

    #[test]
    fn a_row_keeps_its_size_until_it_is_written() {
        let size = Distribution::lognormal(1000.0, 20_000.0).unwrap();
        let plan = plan(Keys::uniform(10).unwrap(), 0.9, size);
        let workload = Workload::new(&plan, Luck::new(7, 0));
        assert_eq!(workload.value_bytes(3, 0), workload.value_bytes(3, 0));
        assert_ne!(workload.value_bytes(3, 0), workload.value_bytes(3, 1));
        assert_ne!(workload.value_bytes(3, 0), workload.value_bytes(4, 0));
        let mut sizes: Vec<u32> = (0..10_001)
            .map(|key| workload.value_bytes(key, 0))
            .collect();
        sizes.sort_unstable();
        assert!(sizes[5000].abs_diff(1000) < 40, "{}", sizes[5000]);
        assert!(sizes[9900].abs_diff(20_000) < 3000, "{}", sizes[9900]);
    }

    #[test]
    fn sizes_are_rounded_and_saturate() {
        let of = |bytes: f64| {
            let size = Distribution::constant(bytes).unwrap();
            let plan = plan(Keys::uniform(10).unwrap(), 0.9, size);
            Workload::new(&plan, Luck::new(7, 0)).value_bytes(1, 1)
        };
        assert_eq!(of(0.0), 0);
        assert_eq!(of(99.5), 100);
        assert_eq!(of(1e12), u32::MAX);
    }

    #[test]
    fn the_hot_key_is_the_one_that_is_asked_for_most() {
        let plan = plan(
            Keys::zipf(1000, 1.0).unwrap(),
            0.9,
            Distribution::constant(1.0).unwrap(),
        );
        let mut workload = Workload::new(&plan, Luck::new(7, 0));
        let mut counts = vec![0_u32; 1000];
        for index in 0..20_000 {
            counts[workload.draw(index, 0, None).key as usize] += 1;
        }
        let hottest = (0..1000).max_by_key(|&key| counts[key]).unwrap();
        assert_eq!(workload.key_of_rank(1, 0), Some(hottest as Key));
        assert_eq!(workload.rank_of(hottest as Key, 0), Some(1));
        assert_eq!(workload.key_of_rank(1001, 0), None);
    }

    #[test]
    fn dependents_are_other_rows_and_always_the_same_ones() {
        let size = Distribution::constant(1.0).unwrap();
        let dependents = |count, many| {
            let mut plan = plan(Keys::uniform(count).unwrap(), 0.9, size.clone());
            plan.dependents = Some(Distribution::constant(many).unwrap());
            Workload::new(&plan, Luck::new(7, 0)).dependents(3)
        };
        assert!(dependents(4, 0.0).is_empty());
        assert!(dependents(4, 100.0).iter().all(|&key| key < 4 && key != 3));
        assert!(dependents(1, 5.0).is_empty());
        let many = dependents(1_000_000, 50.0);
        assert!(many.len() > 45 && many.len() <= 50);
        assert_eq!(many, dependents(1_000_000, 50.0));
    }

    #[test]
    fn a_share_beyond_one_is_refused() {
        let arrivals = arrivals::Plan::Open(arrivals::Open::poisson(1000.0).unwrap());
        let size = Distribution::constant(1.0).unwrap();
        let error = Plan::new(arrivals, Keys::uniform(10).unwrap(), 95.0, size).unwrap_err();
        assert_eq!(error.to_string(), "`reads` must be between 0 and 1, not 95");
    }

    #[test]
    fn every_table_has_names_of_its_own_and_says_what_they_mean() {
        fn check<T>(table: &[Row<T>]) {
            for (number, row) in table.iter().enumerate() {
                assert!(table[..number].iter().all(|other| other.name != row.name));
                assert!(!row.meaning.is_empty() && !row.meaning.ends_with('.'));
                for (number, parameter) in row.parameters.iter().enumerate() {
                    let others = &row.parameters[..number];
                    assert!(others.iter().all(|other| other.name != parameter.name));
                    assert!(!parameter.meaning.is_empty() && !parameter.meaning.ends_with('.'));
                }
            }
        }
        check(distribution::TABLE);
        check(arrivals::TABLE);
        check(arrivals::CURVES);
        check(popularity::TABLE);
    }
}
