//! The database: connections with a queue, service times, and a version for each row.
//!
//! A query that reached the database is carried out whether or not its caller still waits. A read
//! sees the row as it was when its service began; a write commits when its service ends.
//!
//! Not here: what the app does with a row, and caches.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::geography::{Distance, Geography};
use crate::kernel::{Broadcast, Kernel, Label, Resource, Usage};
use crate::metrics::{Failure, Meter};
use crate::random::{Luck, Stream};
use crate::units::{Key, KeyHash, Nanoseconds, RegionId};
use crate::workload::distribution::Distribution;
use crate::workload::{Request, Value, Workload};

mod existing;
mod row;

pub use row::Row;
pub(crate) use row::Rows;

/// The database as checked: nothing in it can be invalid.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Queries in service at a time, at least 1.
    pub connections: u32,
    /// Queries that may wait for a connection; more are rejected. `None` for no limit.
    pub queue_limit: Option<u32>,
    /// How long a read holds its connection, in nanoseconds.
    pub service_time: Distribution,
    /// How long a write holds its connection, in nanoseconds.
    pub write_service_time: Distribution,
    /// Service times are multiplied by 1 + `slowdown` x (busy - 1) / (connections - 1): 0 for a
    /// database that does not slow down, 1 for one that is half as fast when all connections are
    /// busy.
    pub slowdown: f64,
    /// After so long the app gives up on a query, which goes on all the same. `None` for never.
    pub timeout_ns: Option<Nanoseconds>,
    /// Round-trip time of one query, in nanoseconds, half out and half back.
    pub network: Distribution,
    /// Where it lives; `None` if it is equally near to all regions.
    pub home: Option<RegionId>,
}

impl Plan {
    /// A database with so many connections whose queries, reads and writes alike, take
    /// `service_time`: what is not said of a database.
    ///
    /// # Panics
    /// Never: constants are valid distributions.
    #[must_use]
    pub fn plain(connections: u32, service_time: Distribution) -> Self {
        Self {
            connections,
            queue_limit: None,
            write_service_time: service_time.clone(),
            service_time,
            slowdown: 0.0,
            timeout_ns: None,
            network: Distribution::constant(0.0).expect("a constant"),
            home: None,
        }
    }
}

/// What a query is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Read,
    /// Say whether the row is still what the reader knows, or read it: see [`Database::known`].
    ReadUnless,
    Write,
    /// Take in what a write-behind cache has acknowledged: it is among [`Database::arriving`].
    Store,
}

impl Verb {
    fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::ReadUnless)
    }
}

/// The database of one run.
pub struct Database {
    plan: Plan,
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
    workload: Rc<RefCell<Workload>>,
    connections: Resource,
    rows: RefCell<Rows>,
    /// What write-behind caches are about to store, by the request that made it and the key. Kept
    /// here because every future between the client and the database would hold a copy of it.
    arriving: RefCell<HashMap<(u64, Key), Row, KeyHash>>,
    /// What those who ask whether their copy is still true have, likewise.
    known: RefCell<HashMap<(u64, Key), Known, KeyHash>>,
    /// Fetches in flight of each key, for the keys that have any.
    fetches: RefCell<HashMap<Key, u64, KeyHash>>,
    service_luck: Stream,
    network_luck: Stream,
    distance: Option<Distance>,
    abandonable: Broadcast<Result<Row, Failure>>,
    followers: RefCell<Vec<Follower>>,
}

/// What somebody who asks whether a copy is still true has.
#[derive(Debug)]
struct Known {
    version: u64,
    /// How long the answer "it is" holds the connection, if not as long as any other.
    service_time: Option<Rc<Distribution>>,
}

/// Is told of a commit: the request that made it, the key and the row.
type Follower = Box<dyn Fn(u64, Key, &Row)>;

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Database");
        shown.field("plan", &self.plan).finish_non_exhaustive()
    }
}

impl Database {
    /// A database at rest, in which every row has version 0.
    #[must_use]
    pub fn new(
        plan: &Plan,
        kernel: &Rc<Kernel>,
        meter: &Rc<Meter>,
        workload: &Rc<RefCell<Workload>>,
        geography: &Rc<Geography>,
        luck: Luck,
    ) -> Self {
        Self {
            plan: plan.clone(),
            kernel: kernel.clone(),
            meter: meter.clone(),
            workload: workload.clone(),
            connections: Resource::new(kernel.clone(), plan.connections, plan.queue_limit),
            rows: RefCell::default(),
            arriving: RefCell::default(),
            known: RefCell::default(),
            fetches: RefCell::default(),
            service_luck: luck.stream("database.service"),
            network_luck: luck.stream("database.network"),
            distance: plan
                .home
                .map(|home| Distance::new(home, geography, "database", luck)),
            abandonable: Broadcast::new(kernel.clone()),
            followers: RefCell::default(),
        }
    }

    /// Reads the row of the request's key.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the queue was full, [`Failure::TimedOut`] if the app gave up.
    pub async fn read(self: &Rc<Self>, request: &Request) -> Result<Row, Failure> {
        self.query(Verb::Read, request).await
    }

    /// As [`Database::read`], by somebody who has a copy of `version`: if that is still the row, the
    /// answer is "not modified", for which the connection is held for `service_time`, or for as long
    /// as for any other read.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub async fn read_unless(
        self: &Rc<Self>,
        request: &Request,
        version: u64,
        service_time: Option<Rc<Distribution>>,
    ) -> Result<Row, Failure> {
        let known = Known {
            version,
            service_time,
        };
        let asked = (request.index, request.key);
        self.known.borrow_mut().insert(asked, known);
        self.query(Verb::ReadUnless, request).await
    }

    /// From now on `follower` is told of each commit at its instant.
    pub fn on_commit(&self, follower: impl Fn(u64, Key, &Row) + 'static) {
        self.followers.borrow_mut().push(Box::new(follower));
    }

    /// The rows that are derived from that of `key`, and change with it.
    pub fn dependents(&self, key: Key) -> Vec<Key> {
        self.workload.borrow().dependents(key)
    }

    /// Writes the row of the request's key, and returns the new one.
    ///
    /// # Errors
    /// As [`Database::read`]. A write that timed out is committed all the same.
    pub async fn write(self: &Rc<Self>, request: &Request) -> Result<Row, Failure> {
        self.query(Verb::Write, request).await
    }

    /// Stores a row that a write-behind cache has acknowledged: one query, however many writes it
    /// stands for. The answer is whether it still counted: the
    /// database keeps what it has if that is newer.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub async fn store(self: &Rc<Self>, request: &Request, row: &Row) -> Result<bool, Failure> {
        let arriving = (request.index, request.key);
        self.arriving.borrow_mut().insert(arriving, row.clone());
        let now_there = self.query(Verb::Store, request).await?;
        Ok(now_there.version() == row.version())
    }

    /// A new version of the row of `key`, which the database does not have yet.
    pub fn draft(&self, key: Key) -> Row {
        let now_ns = self.kernel.now();
        let value = |version| self.value(key, version);
        self.rows.borrow_mut().draft(key, now_ns, value)
    }

    /// A [draft](Database::draft) is gone for good.
    pub fn lose(&self, key: Key, row: &Row) {
        self.rows.borrow_mut().lose(key, row);
    }

    /// When the first version newer than `row` was committed; [`crate::units::NEVER`] if it is the newest.
    #[inline]
    pub fn superseded_ns(&self, key: Key, row: &Row) -> Nanoseconds {
        self.rows.borrow().superseded_ns(key, row)
    }

    /// Connections in use and the queue for them, since the last reset.
    pub fn usage(&self) -> Usage {
        self.connections.usage()
    }

    /// Starts measuring [`Database::usage`] anew.
    pub fn reset_usage(&self) {
        self.connections.reset_usage();
    }

    async fn query(self: &Rc<Self>, verb: Verb, request: &Request) -> Result<Row, Failure> {
        let Some(timeout_ns) = self.plan.timeout_ns else {
            return self.carry_out(verb, request).await;
        };
        // The query is a task of its own, so that it goes on when nobody waits for it any more.
        let reply = self.abandonable.open();
        let answer = self.abandonable.receive(reply);
        let (database, request) = (self.clone(), *request);
        self.kernel.spawn(
            Label {
                kind: "query of request",
                number: request.index,
            },
            async move {
                let outcome = database.carry_out(verb, &request).await;
                database.abandonable.close(reply, Some(outcome));
            },
        );
        match self.kernel.timeout(timeout_ns, answer).await {
            Ok(outcome) => outcome.expect("the query's task always answers"),
            Err(_) => {
                if self.meter.is_measuring() {
                    self.meter.database.timed_out.increment();
                }
                Err(Failure::TimedOut)
            }
        }
    }

    async fn carry_out(&self, verb: Verb, request: &Request) -> Result<Row, Failure> {
        let mut luck = self.network_luck.at(request.index);
        let mut round_trip_ns = self.plan.network.sample_u64(&mut luck);
        if let Some(distance) = &self.distance {
            round_trip_ns += distance.round_trip_ns(request.region, request.index);
        }
        let way_out_ns = round_trip_ns / 2;
        self.kernel.sleep(way_out_ns).await;
        let outcome = self.serve(verb, request.index, request.key).await;
        if let Ok(row) = &outcome
            && row.is_absent()
            && verb.is_read()
        {
            self.meter.query_found_nothing();
        }
        self.kernel.sleep(round_trip_ns - way_out_ns).await;
        outcome
    }

    async fn serve(&self, verb: Verb, index: u64, key: Key) -> Result<Row, Failure> {
        let is_read = verb.is_read();
        self.meter.query(!is_read);
        let _fetch = is_read.then(|| Fetch::start(self, key));
        let issued_ns = self.kernel.now();
        let Ok(_connection) = self.connections.acquire().await else {
            if self.meter.is_measuring() {
                self.meter.database.rejected.increment();
            }
            self.arriving.borrow_mut().remove(&(index, key));
            self.known.borrow_mut().remove(&(index, key));
            return Err(Failure::Rejected);
        };
        if self.meter.is_measuring() {
            self.meter
                .database
                .wait
                .borrow_mut()
                .record(self.kernel.now() - issued_ns);
        }
        match verb {
            Verb::Read => {
                let row = self.row(key);
                self.kernel
                    .sleep(self.service_ns(&self.plan.service_time, index))
                    .await;
                Ok(row)
            }
            Verb::ReadUnless => {
                let row = self.row(key);
                let known = self.known.borrow_mut().remove(&(index, key));
                let unmodified = known.filter(|known| known.version == row.version());
                let service_time = unmodified.and_then(|known| known.service_time);
                let service_time = service_time.as_deref().unwrap_or(&self.plan.service_time);
                let service_ns = self.service_ns(service_time, index);
                self.kernel.sleep(service_ns).await;
                Ok(row)
            }
            Verb::Write => {
                self.kernel
                    .sleep(self.service_ns(&self.plan.write_service_time, index))
                    .await;
                let now_ns = self.kernel.now();
                self.meter.writes.accept();
                self.meter.writes.store(1);
                let value = |version| self.value(key, version);
                let row = self.rows.borrow_mut().write(key, now_ns, value);
                self.committed(index, key, &row);
                Ok(row)
            }
            Verb::Store => {
                self.kernel
                    .sleep(self.service_ns(&self.plan.write_service_time, index))
                    .await;
                let row = self.arriving.borrow_mut().remove(&(index, key));
                if let Some(row) = row
                    && self.rows.borrow_mut().store(key, &row)
                {
                    self.committed(index, key, &row);
                    Ok(row)
                } else {
                    Ok(self.row(key))
                }
            }
        }
    }

    /// A row has been committed: those derived from it change with it, and whoever follows the log
    /// hears of it.
    fn committed(&self, index: u64, key: Key, row: &Row) {
        let now_ns = self.kernel.now();
        for dependent in self.dependents(key) {
            let value = |version| self.value(dependent, version);
            self.rows.borrow_mut().write(dependent, now_ns, value);
        }
        for follower in self.followers.borrow().iter() {
            follower(index, key, row);
        }
    }

    /// The row of `key` as it is now.
    pub fn row(&self, key: Key) -> Row {
        let value = |version| self.value(key, version);
        self.rows.borrow().read(key, self.kernel.now(), value)
    }

    fn value(&self, key: Key, version: u64) -> Value {
        self.workload.borrow().value(key, version)
    }

    /// The service time of request `index`'s query, given how many connections are busy now.
    fn service_ns(&self, service_time: &Distribution, index: u64) -> Nanoseconds {
        let mut draws = self.service_luck.at(index);
        if self.plan.slowdown == 0.0 {
            return service_time.sample_u64(&mut draws);
        }
        let others = f64::from(self.connections.busy().saturating_sub(1));
        let most_others = f64::from((self.plan.connections - 1).max(1));
        let factor = 1.0 + self.plan.slowdown * others / most_others;
        (service_time.sample(&mut draws) * factor).round() as Nanoseconds
    }
}

/// A read of one key that is in flight at the database: in its queue or in service.
struct Fetch<'a> {
    database: &'a Database,
    key: Key,
}

impl<'a> Fetch<'a> {
    fn start(database: &'a Database, key: Key) -> Self {
        let meter = &database.meter.database;
        let mut fetches = database.fetches.borrow_mut();
        let in_flight = fetches.entry(key).or_insert(0);
        *in_flight += 1;
        if database.meter.is_measuring() {
            if *in_flight == 2 {
                meter.stampedes.increment();
            }
            meter
                .stampede_peak
                .set(meter.stampede_peak.get().max(*in_flight));
        }
        Self { database, key }
    }
}

impl Drop for Fetch<'_> {
    fn drop(&mut self) {
        let mut fetches = self.database.fetches.borrow_mut();
        if let Some(in_flight) = fetches.get_mut(&self.key) {
            *in_flight -= 1;
            if *in_flight == 0 {
                fetches.remove(&self.key);
            }
        }
    }
}
