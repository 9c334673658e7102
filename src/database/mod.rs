//! The database: a primary and perhaps replicas, each with connections, a queue and a buffer pool,
//! and a version for each row.
//!
//! A query that reached the database is carried out whether or not its caller still waits. A read
//! sees the row as it was when its service began; a write commits at the primary when its service ends.
//!
//! Not here: what the app does with a row, and caches.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use hashbrown::HashMap;

use crate::geography::{Distance, Disturbances, Geography};
use crate::guard;
use crate::kernel::{Broadcast, Discipline, Kernel, Label, OneOf, Ongoing, Refused, Usage, rarely};
use crate::metrics::{Failure, Meter};
use crate::random::{Luck, Stream, mix};
use crate::units::{Key, KeyHash, Nanoseconds, RegionId};
use crate::workload::distribution::Distribution;
use crate::workload::{Request, Value, Workload};

pub mod buffer_pool;
mod disturbed;
mod existing;
mod faults;
mod many;
mod partition;
pub mod replication;
mod row;
mod server;

pub use faults::{Crashed, Slowed, Which};
pub use partition::Cut;
pub use replication::{LagUsage, Reads};
pub(crate) use row::Rows;
pub use row::{Edition, Row};
pub use server::Slowness;

use replication::Log;
use server::Server;

/// The database as checked: nothing in it can be invalid.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Queries in service at a time, at least 1.
    pub connections: u32,
    /// Queries that may wait for a connection; more are rejected. `None` for no limit.
    pub queue_limit: Option<u32>,
    /// Whom the queue serves next, if not the first who came.
    pub discipline: Option<Discipline>,
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
    /// Whether a query goes on when whoever asked has been dropped, or is taken back.
    pub outlives_callers: bool,
    /// Round-trip time of one query, in nanoseconds, half out and half back.
    pub network: Distribution,
    /// Where it lives; `None` if it is equally near to all regions.
    pub home: Option<RegionId>,
    /// The pages that each server has in memory; `None` if all of them are.
    pub buffer_pool: Option<buffer_pool::Plan>,
    /// Replicas, if it has any.
    pub replicas: Option<replication::Plan>,
    /// What stands between the app and the database.
    pub guards: Vec<guard::Plan>,
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
            discipline: None,
            write_service_time: service_time.clone(),
            service_time,
            slowdown: 0.0,
            timeout_ns: None,
            outlives_callers: false,
            network: Distribution::constant(0.0).expect("a constant"),
            home: None,
            buffer_pool: None,
            replicas: None,
            guards: Vec::new(),
        }
    }

    /// How many replicas it has.
    #[must_use]
    pub fn replica_count(&self) -> usize {
        let replicas = self.replicas.as_ref();
        replicas.map_or(0, |replicas| replicas.homes.len())
    }

    /// Connections of all servers.
    #[must_use]
    pub fn connections_in_all(&self) -> u64 {
        let of_replicas = self.replicas.as_ref().map_or(0, |replicas| {
            u64::from(replicas.connections) * replicas.homes.len() as u64
        });
        u64::from(self.connections) + of_replicas
    }
}

/// Whom a read may be answered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// By whom the database says: see [`Reads`].
    Any,
    /// By the primary, because it must not be stale.
    Primary,
}

/// What a query is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Read,
    /// Read many rows: see [`Database::many`].
    ReadMany,
    /// Say whether the row is still what the reader knows, or read it: see [`Database::known`].
    ReadUnless,
    Write,
    /// Take in what a write-behind cache has acknowledged: it is among [`Database::arriving`].
    Store,
}

impl Verb {
    fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::ReadMany | Self::ReadUnless)
    }
}

/// The database of one run.
pub struct Database {
    plan: Plan,
    kernel: Rc<Kernel>,
    meter: Rc<Meter>,
    workload: Rc<RefCell<Workload>>,
    /// Replica i is server i + 1 at the start.
    servers: Vec<Server>,
    /// The server that is the primary.
    primary: Cell<usize>,
    replication: Option<Replication>,
    /// How often a primary has gone down.
    outages: Cell<u64>,
    /// Whether the timeline does something to it, for which queries have to be prepared.
    expects_faults: Cell<bool>,
    rows: RefCell<Rows>,
    /// What write-behind caches are about to store, by the request that made it and the key. Kept
    /// here because every future between the client and the database would hold a copy of it.
    arriving: RefCell<HashMap<(u64, Key), Row, KeyHash>>,
    /// What those who ask whether their copy is still true have, likewise.
    known: RefCell<HashMap<(u64, Key), Known, KeyHash>>,
    /// The keys of queries for many of them, likewise.
    many: RefCell<HashMap<(u64, Key), Rc<many::Many>, KeyHash>>,
    /// Fetches in flight of each key, for the keys that have any.
    fetches: RefCell<HashMap<Key, u64, KeyHash>>,
    service_luck: Stream,
    network_luck: Stream,
    disk_luck: Stream,
    distances: Vec<Option<Distance>>,
    disturbances: Disturbances,
    /// Where the network between servers is cut.
    cuts: Ongoing<Cut>,
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

/// What there is where there are replicas.
#[derive(Debug)]
struct Replication {
    reads: Reads,
    acks: u32,
    lag: Distribution,
    /// What each server does not have yet; nothing for the primary.
    logs: RefCell<Vec<Log>>,
    /// Whether the primary is down, so that nothing arrives.
    is_headless: Cell<bool>,
    choice_luck: Stream,
    lag_luck: Stream,
    geography: Rc<Geography>,
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
        let server = |number: usize, connections| {
            let pool = plan.buffer_pool.as_ref();
            let seed = luck.stream("database.eviction").at(number as u64).bits();
            let limits = (plan.queue_limit, plan.discipline);
            Server::new(kernel, connections, limits, pool, seed)
        };
        let distance = |home: Option<RegionId>, what: &str| {
            home.map(|home| Distance::new(home, geography, what, luck))
        };
        let mut servers = vec![server(0, plan.connections)];
        let mut distances = vec![distance(plan.home, "database")];
        for (replica, &home) in plan.replicas.iter().flat_map(|it| &it.homes).enumerate() {
            let connections = plan.replicas.as_ref().map_or(1, |it| it.connections);
            servers.push(server(replica + 1, connections));
            distances.push(distance(home, &format!("database.replica.{replica}")));
        }
        let replication = plan.replicas.as_ref().map(|replicas| Replication {
            reads: replicas.reads,
            acks: replicas.acks,
            lag: replicas.lag.clone(),
            logs: RefCell::new(servers.iter().map(|_| Log::default()).collect()),
            is_headless: Cell::new(false),
            choice_luck: luck.stream("database.reads"),
            lag_luck: luck.stream("database.lag"),
            geography: geography.clone(),
        });
        Self {
            plan: plan.clone(),
            kernel: kernel.clone(),
            meter: meter.clone(),
            workload: workload.clone(),
            servers,
            primary: Cell::new(0),
            replication,
            outages: Cell::new(0),
            expects_faults: Cell::new(false),
            rows: RefCell::default(),
            arriving: RefCell::default(),
            known: RefCell::default(),
            many: RefCell::default(),
            fetches: RefCell::default(),
            service_luck: luck.stream("database.service"),
            network_luck: luck.stream("database.network"),
            disk_luck: luck.stream("database.disk"),
            distances,
            disturbances: Disturbances::new("database", luck),
            cuts: Ongoing::default(),
            abandonable: Broadcast::new(kernel.clone()),
            followers: RefCell::default(),
        }
    }

    /// The database's plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether there are replicas.
    pub fn has_replicas(&self) -> bool {
        self.replication.is_some()
    }

    /// Reads the row of the request's key.
    ///
    /// # Errors
    /// [`Failure::Rejected`] if the queue was full, [`Failure::TimedOut`] if the app gave up,
    /// [`Failure::Unavailable`] if the server was down or the connection broke.
    pub fn read<'a>(
        self: &'a Rc<Self>,
        request: &'a Request,
        reach: Reach,
    ) -> impl Future<Output = Result<Row, Failure>> + 'a {
        self.query(Verb::Read, request, reach)
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
        reach: Reach,
        version: u64,
        service_time: Option<Rc<Distribution>>,
    ) -> Result<Row, Failure> {
        let known = Known {
            version,
            service_time,
        };
        let asked = (request.index, request.key);
        self.known.borrow_mut().insert(asked, known);
        self.query(Verb::ReadUnless, request, reach).await
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
        self.query(Verb::Write, request, Reach::Primary).await
    }

    /// Stores a row that a write-behind cache has acknowledged: one query, however many `writes` it
    /// stands for. The answer is whether it still counted: the database keeps what it has if that is
    /// newer.
    ///
    /// # Errors
    /// As [`Database::read`].
    pub async fn store(
        self: &Rc<Self>,
        request: &Request,
        row: &Row,
        writes: u64,
    ) -> Result<bool, Failure> {
        let arriving = (request.index, request.key);
        self.arriving.borrow_mut().insert(arriving, row.clone());
        let now_there = self.query(Verb::Store, request, Reach::Primary).await?;
        if now_there.version() != row.version() {
            return Ok(false);
        }
        if !self.rows.borrow().has(request.key, row) {
            // A failover has lost it before anybody was told that it was there.
            return Err(Failure::Unavailable);
        }
        row.settle(writes);
        self.meter.writes.store(writes);
        Ok(true)
    }

    /// The most popular keys at present, the hottest first: see [`Workload::hottest`].
    pub fn hottest(&self, how_many: usize) -> Vec<Key> {
        let workload = self.workload.borrow();
        workload.hottest(how_many, self.kernel.now())
    }

    /// A new version of the row of `key`, which the database does not have yet.
    pub fn draft(&self, key: Key) -> Row {
        let now_ns = self.kernel.now();
        let value = |version| self.value(key, version);
        self.rows.borrow_mut().draft(key, now_ns, value)
    }

    /// A [draft](Database::draft) is gone for good.
    pub fn lose(&self, key: Key, row: &Row) {
        // Nobody would bring it again after a failover.
        row.settle(0);
        self.rows.borrow_mut().lose(key, row);
    }

    /// When the first version newer than `row` was committed; [`crate::units::NEVER`] if it is the newest.
    #[inline]
    pub fn superseded_ns(&self, key: Key, row: &Row) -> Nanoseconds {
        self.rows.borrow().superseded_ns(key, row)
    }

    /// Connections in use and the queue for them, since the last reset: of the primary at the start
    /// first, then of each replica.
    pub fn usages(&self) -> impl Iterator<Item = Usage> + '_ {
        self.servers.iter().map(|server| server.connections.usage())
    }

    /// Queries that reached each server, in the same order.
    pub fn queries(&self) -> impl Iterator<Item = u64> + '_ {
        self.servers.iter().map(|server| server.queries.get())
    }

    /// Pages in the memory of all servers at present; `None` without buffer pools.
    pub fn pages(&self) -> Option<u64> {
        let pools = self.servers.iter().map(|server| server.pool.as_ref());
        pools.map(|pool| Some(pool?.borrow().pages())).sum()
    }

    /// The lag of each replica, of the commits that arrived since the last reset.
    pub fn lags(&self) -> Vec<LagUsage> {
        let Some(replication) = &self.replication else {
            return Vec::new();
        };
        self.catch_up(replication);
        let logs = replication.logs.borrow();
        logs[1..].iter().map(Log::usage).collect()
    }

    /// Starts measuring [`Database::usages`] and [`Database::lags`] anew.
    pub fn reset_usage(&self) {
        for server in &self.servers {
            server.connections.reset_usage();
        }
        if let Some(replication) = &self.replication {
            self.catch_up(replication);
            let mut logs = replication.logs.borrow_mut();
            logs.iter_mut().for_each(Log::reset_usage);
        }
    }

    /// Replicas take in what has arrived.
    fn catch_up(&self, replication: &Replication) {
        if !replication.is_headless.get() {
            let now_ns = self.kernel.now();
            let mut logs = replication.logs.borrow_mut();
            logs.iter_mut().for_each(|log| log.catch_up(now_ns));
        }
    }

    fn query<'a>(
        self: &'a Rc<Self>,
        verb: Verb,
        request: &'a Request,
        reach: Reach,
    ) -> impl Future<Output = Result<Row, Failure>> + 'a {
        if self.plan.timeout_ns.is_none() && !self.plan.outlives_callers {
            OneOf::First(self.carry_out(verb, request, reach))
        } else {
            OneOf::<_, _>::Second(rarely(move || self.query_beside(verb, request, reach)))
        }
    }

    /// As [`Database::query`], by a task of its own.
    async fn query_beside(
        self: &Rc<Self>,
        verb: Verb,
        request: &Request,
        reach: Reach,
    ) -> Result<Row, Failure> {
        // The query is a task of its own, so that it goes on when nobody waits for it any more.
        let reply = self.abandonable.open();
        let answer = self.abandonable.receive(reply);
        let (database, request) = (self.clone(), *request);
        let label = Label {
            kind: "query of request",
            number: request.index,
        };
        let query = async move {
            let outcome = database.carry_out(verb, &request, reach).await;
            let is_useless = database.abandonable.receivers(reply) == 0;
            if is_useless && outcome.is_ok() && database.meter.is_measuring() {
                database.meter.database.useless.increment();
            }
            database.abandonable.close(reply, Some(outcome));
        };
        match self.meter.attached() {
            None => self.kernel.spawn(label, query),
            Some(fork) => self.kernel.spawn(label, fork.run(query)),
        }
        let answer = match self.plan.timeout_ns {
            None => Ok(answer.await),
            Some(timeout_ns) => self.kernel.timeout(timeout_ns, answer).await,
        };
        match answer {
            Ok(outcome) => outcome.expect("the query's task always answers"),
            Err(_) => {
                if self.meter.is_measuring() {
                    self.meter.database.timed_out.increment();
                }
                Err(Failure::TimedOut)
            }
        }
    }

    fn carry_out(
        &self,
        verb: Verb,
        request: &Request,
        reach: Reach,
    ) -> impl Future<Output = Result<Row, Failure>> {
        async move {
            let mut luck = self.network_luck.at(request.index);
            let mut round_trip_ns = self.plan.network.sample_u64(&mut luck);
            let number = self.choose(request, reach);
            if let Some(distance) = &self.distances[number] {
                round_trip_ns += distance.round_trip_ns(request.region, request.index);
            }
            if !self.disturbances.is_empty() {
                match self.set_out(request, number) {
                    Ok(later_ns) => round_trip_ns += later_ns,
                    Err(lost) => return rarely(move || self.wait_in_vain(lost, 0, request)).await,
                }
            }
            let way_out_ns = round_trip_ns / 2;
            self.trace_way(way_out_ns);
            let _said = (verb == Verb::ReadUnless).then(|| Said {
                database: self,
                of: (request.index, request.key),
            });
            self.kernel.sleep(way_out_ns).await;
            // Who asks for the primary finds it wherever it is by then.
            let number = match reach {
                Reach::Any => number,
                Reach::Primary => self.primary.get(),
            };
            let outcome = if self.expects_faults.get() {
                rarely(move || self.serve_unless_it_fails(number, verb, request)).await
            } else {
                self.serve(number, verb, request).await
            };
            if let Ok(row) = &outcome
                && row.is_absent()
                && verb.is_read()
            {
                self.meter.query_found_nothing();
            }
            if !self.disturbances.is_empty()
                && let Err(lost) = self.come_back(request, number)
            {
                return rarely(move || self.wait_in_vain(lost, way_out_ns, request)).await;
            }
            let way_back_ns = round_trip_ns - way_out_ns;
            self.trace_way(way_back_ns);
            self.kernel.sleep(way_back_ns).await;
            outcome
        }
    }

    /// A query is on its way for so long from now.
    fn trace_way(&self, way_ns: Nanoseconds) {
        if let Some(tracer) = &self.meter.tracer {
            let now_ns = self.kernel.now();
            // Before the way back.
            tracer.end(QUERY);
            tracer.span("network", now_ns, now_ns.saturating_add(way_ns));
        }
    }

    /// A server of the database has begun with a query, which had been waiting since then.
    fn trace_query(&self, number: usize, since_ns: Nanoseconds) {
        if let Some(tracer) = &self.meter.tracer {
            tracer.span("queue", since_ns, self.kernel.now());
            tracer.begin(QUERY);
            tracer.at_node(number);
        }
    }

    /// The server that a query is sent to.
    fn choose(&self, request: &Request, reach: Reach) -> usize {
        let primary = self.primary.get();
        let Some(replication) = &self.replication else {
            return primary;
        };
        if reach == Reach::Primary || replication.reads == Reads::Primary {
            return primary;
        }
        let distance_ns = |server: usize| match &self.distances[server] {
            None => 0.0,
            Some(distance) => replication
                .geography
                .mean_round_trip_ns(request.region, distance.home()),
        };
        let is_up = |server: &usize| !self.servers[*server].is_down();
        let all = || (0..self.servers.len()).filter(is_up);
        let nearest_ns = match replication.reads {
            Reads::Nearest => all().map(distance_ns).fold(f64::INFINITY, f64::min),
            _ => f64::INFINITY,
        };
        let is_candidate = |server: &usize| match replication.reads {
            Reads::Primary => *server == primary,
            Reads::Any => true,
            Reads::Replicas => *server != primary,
            Reads::Nearest => distance_ns(*server) <= nearest_ns,
        };
        let many = all().filter(is_candidate).count() as u64;
        let chosen = replication.choice_luck.at(request.index).below(many);
        let mut candidates = all().filter(is_candidate);
        candidates.nth(chosen as usize).unwrap_or(primary)
    }

    /// As [`Database::serve`], by a server that may go down meanwhile.
    async fn serve_unless_it_fails(
        &self,
        number: usize,
        verb: Verb,
        request: &Request,
    ) -> Result<Row, Failure> {
        let server = &self.servers[number];
        let outcome = if server.is_down() {
            None
        } else {
            let serving = self.serve(number, verb, request);
            server.interruption.unless_it_comes(serving).await
        };
        outcome.unwrap_or_else(|| {
            self.forget(request);
            Err(Failure::Unavailable)
        })
    }

    /// The query comes to nothing.
    fn forget(&self, request: &Request) {
        let asked = (request.index, request.key);
        self.arriving.borrow_mut().remove(&asked);
        self.known.borrow_mut().remove(&asked);
        self.many.borrow_mut().remove(&asked);
    }

    fn turn_away(&self, refused: Refused, request: &Request) -> Failure {
        let counts = &self.meter.database;
        let (count, failure) = match refused {
            Refused::Full => (&counts.rejected, Failure::Rejected),
            Refused::Late => (&counts.guard.shed, Failure::Shed),
        };
        if self.meter.is_measuring() {
            count.increment();
        }
        self.forget(request);
        failure
    }

    fn serve(
        &self,
        number: usize,
        verb: Verb,
        request: &Request,
    ) -> impl Future<Output = Result<Row, Failure>> {
        async move {
            let (index, key) = (request.index, request.key);
            let server = &self.servers[number];
            let is_read = verb.is_read();
            self.meter.query(!is_read);
            let _fetch = is_read.then(|| Fetch::start(self, key));
            let many = (verb == Verb::ReadMany).then(|| self.take_many(request));
            let issued_ns = self.kernel.now();
            if self.meter.is_measuring() {
                server.queries.increment();
            }
            let _connection = match server.connections.acquire().await {
                Ok(connection) => connection,
                Err(refused) => return Err(self.turn_away(refused, request)),
            };
            if self.meter.is_measuring() {
                self.meter
                    .database
                    .wait
                    .borrow_mut()
                    .record(self.kernel.now() - issued_ns);
            }
            self.trace_query(number, issued_ns);
            if verb != Verb::Read {
                return rarely(move || self.serve_other(number, verb, request, many)).await;
            }
            let row = self.row_at(number, key);
            self.work(server, &self.plan.service_time, index, key, &row)
                .await;
            Ok(row)
        }
    }

    /// What a server does for a query that is not a plain read, once it has a connection.
    async fn serve_other(
        &self,
        number: usize,
        verb: Verb,
        request: &Request,
        many: Option<Box<many::Served<'_>>>,
    ) -> Result<Row, Failure> {
        let (index, key) = (request.index, request.key);
        let server = &self.servers[number];
        match verb {
            Verb::Read => unreachable!("a plain read is served by `serve`"),
            Verb::ReadMany => {
                let many = many.expect("it was just taken");
                self.read_all(number, request, &many).await
            }
            Verb::ReadUnless => {
                let row = self.row_at(number, key);
                let known = self.known.borrow_mut().remove(&(index, key));
                let unmodified = known.filter(|known| known.version == row.version());
                let service_time = unmodified.and_then(|known| known.service_time);
                let service_time = service_time.as_deref().unwrap_or(&self.plan.service_time);
                self.work(server, service_time, index, key, &row).await;
                Ok(row)
            }
            Verb::Write => {
                let old = self.row(key);
                self.work(server, &self.plan.write_service_time, index, key, &old)
                    .await;
                let (row, acked_ns) = self.write_row(index, key);
                // Until it is acknowledged it stands for no write of anybody's.
                row.settle(0);
                self.committed(index, key, &row);
                if acked_ns > self.kernel.now() {
                    self.kernel.sleep_until(acked_ns).await;
                }
                self.meter.writes.accept();
                self.meter.writes.store(1);
                row.settle(1);
                Ok(row)
            }
            Verb::Store => {
                let old = self.row(key);
                self.work(server, &self.plan.write_service_time, index, key, &old)
                    .await;
                let row = self.arriving.borrow_mut().remove(&(index, key));
                let old = self.row(key);
                let now_ns = self.kernel.now();
                if let Some(row) = row
                    && self.rows.borrow_mut().store(key, &row, now_ns)
                {
                    let acked_ns = self.replicate(index, key, &old, &row);
                    self.committed(index, key, &row);
                    if acked_ns > self.kernel.now() {
                        self.kernel.sleep_until(acked_ns).await;
                    }
                    Ok(row)
                } else {
                    Ok(old)
                }
            }
        }
    }

    /// The server works on a query of `row`, whose page it may have to read from the disk.
    fn work<'a>(
        &'a self,
        server: &'a Server,
        service_time: &Distribution,
        index: u64,
        key: Key,
        row: &Row,
    ) -> impl Future<Output = ()> + use<'a> {
        let service_ns = self.service_ns(server, service_time, index);
        let work_ns = service_ns + self.disk_ns(server, index, key, row);
        self.be_busy(server, work_ns)
    }

    /// How long a query waits for the page of a row.
    fn disk_ns(&self, server: &Server, index: u64, key: Key, row: &Row) -> Nanoseconds {
        let Some(pool) = &server.pool else { return 0 };
        let is_measuring = self.meter.is_measuring();
        let meter = is_measuring.then_some(&self.meter.database.buffer_pool);
        let (now_ns, mut luck) = (self.kernel.now(), self.disk_luck.at(index));
        let mut pool = pool.borrow_mut();
        pool.access(key, row.bytes, now_ns, &mut luck, meter)
    }

    fn be_busy<'a>(
        &'a self,
        server: &'a Server,
        work_ns: Nanoseconds,
    ) -> impl Future<Output = ()> + 'a {
        if self.expects_faults.get() {
            OneOf::Second(rarely(move || server.work(&self.kernel, work_ns)))
        } else {
            OneOf::<_, _>::First(self.kernel.sleep(work_ns))
        }
    }

    /// A new version of a row is committed, and on its way to the replicas: the version, and when as
    /// many replicas have it as must be waited for.
    fn write_row(&self, index: u64, key: Key) -> (Row, Nanoseconds) {
        let old = self.replication.is_some().then(|| self.row(key));
        let value = |version| self.value(key, version);
        let row = self.rows.borrow_mut().write(key, self.kernel.now(), value);
        let acked_ns = old.map_or(0, |old| self.replicate(index, key, &old, &row));
        (row, acked_ns)
    }

    /// `row` has been committed in place of `old`: it is on its way to all replicas that are up. When
    /// as many have it, and have said so, as must be waited for.
    fn replicate(&self, index: u64, key: Key, old: &Row, row: &Row) -> Nanoseconds {
        let Some(replication) = &self.replication else {
            return 0;
        };
        let mut acked_ns = Vec::new();
        let now_ns = self.kernel.now();
        let primary = self.primary.get();
        let home = self.distances[primary].as_ref().map(Distance::home);
        let mut logs = replication.logs.borrow_mut();
        for (number, log) in logs.iter_mut().enumerate() {
            if number == primary || self.servers[number].is_down() {
                continue;
            }
            log.catch_up(now_ns);
            let lag_index = index.wrapping_add(mix(number as u64));
            let mut lag_ns = replication
                .lag
                .sample_u64(&mut replication.lag_luck.at(lag_index));
            let mut way_back_ns = 0;
            if let (Some(home), Some(distance)) = (home, &self.distances[number]) {
                way_back_ns = distance.round_trip_ns(home, lag_index) / 2;
                lag_ns += way_back_ns;
            }
            let arrives_ns = log.push(key, old, row, now_ns, lag_ns);
            if replication.acks > 0 && !log.is_cut() {
                acked_ns.push(arrives_ns.saturating_add(way_back_ns));
            }
        }
        acked_ns.sort_unstable();
        acked_ns.truncate(replication.acks as usize);
        acked_ns.last().copied().unwrap_or(0)
    }

    /// A row has been committed: those derived from it change with it, and whoever follows the log
    /// hears of it.
    fn committed(&self, index: u64, key: Key, row: &Row) {
        for dependent in self.dependents(key) {
            self.write_row(index, dependent);
        }
        for follower in self.followers.borrow().iter() {
            follower(index, key, row);
        }
    }

    /// The row of `key` as a server shows it now.
    fn row_at(&self, server: usize, key: Key) -> Row {
        let newest = self.row(key);
        let Some(replication) = &self.replication else {
            return newest;
        };
        if server == self.primary.get() {
            return newest;
        }
        let mut logs = replication.logs.borrow_mut();
        if !replication.is_headless.get() {
            logs[server].catch_up(self.kernel.now());
        }
        logs[server].show(key, newest)
    }

    /// The row of `key` as it is now at the primary.
    pub fn row(&self, key: Key) -> Row {
        let value = |version| self.value(key, version);
        self.rows.borrow().read(key, self.kernel.now(), value)
    }

    fn value(&self, key: Key, version: u64) -> Value {
        self.workload.borrow().value(key, version)
    }

    /// The service time of request `index`'s query, given how many connections are busy now.
    fn service_ns(&self, server: &Server, service_time: &Distribution, index: u64) -> Nanoseconds {
        let mut draws = self.service_luck.at(index);
        if self.plan.slowdown == 0.0 {
            return service_time.sample_u64(&mut draws);
        }
        let others = f64::from(server.connections.busy().saturating_sub(1));
        let most_others = f64::from((server.most_connections - 1).max(1));
        let factor = 1.0 + self.plan.slowdown * others / most_others;
        (service_time.sample(&mut draws) * factor).round() as Nanoseconds
    }
}

/// What the span of a query in service is called.
const QUERY: &str = "query";

/// What somebody said to have, for as long as the query is under way; it may be taken back.
struct Said<'a> {
    database: &'a Database,
    of: (u64, Key),
}

impl Drop for Said<'_> {
    fn drop(&mut self) {
        self.database.known.borrow_mut().remove(&self.of);
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
            if *in_flight > 1 {
                meter.duplicate_fetches.increment();
            }
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
