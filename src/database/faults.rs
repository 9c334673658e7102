//! What the timeline does to the servers of the database, and the failover that follows when the
//! primary is down for too long.
//!
//! A replica takes the primary's place when it has been down for the time of a failover: the one that
//! lacks the fewest commits, and of those the first. What that one did not have when the primary went
//! down is lost, although it was acknowledged. The old primary, once it is restarted, is a replica.
//! A primary that is cut off from everybody is as good as down (see `partition`).

use std::rc::Rc;

use hashbrown::HashSet;

use super::replication::LagChange;
use super::server::Slowness;
use super::{Database, Server};
use crate::kernel::Label;
use crate::metrics::LossCause;
use crate::units::{Key, KeyHash, Nanoseconds};

/// Servers of the database, as the timeline names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Whoever is the primary then.
    Primary,
    /// The server that was this replica at the start.
    Replica(usize),
}

impl Database {
    /// The timeline will do something to it: from now on queries are prepared for that.
    pub fn expect_faults(&self) {
        self.expects_faults.set(true);
    }

    /// The number of a server, which it keeps whatever becomes of it: 0 is the primary at the start.
    pub fn number(&self, which: Which) -> usize {
        match which {
            Which::Primary => self.primary.get(),
            Which::Replica(replica) => replica + 1,
        }
    }

    fn server(&self, which: Which) -> &Server {
        &self.servers[self.number(which)]
    }

    /// A server stands still for so long: what it has in service, and what comes.
    pub fn pause(&self, which: Which, for_ns: Nanoseconds) {
        self.server(which).pause(self.kernel.now(), for_ns);
    }

    /// Queries whose service begins from now on take longer, until [`Database::speed_up`].
    pub fn slow_down(&self, which: Which, slowness: Slowness) -> Slowed {
        let server = self.number(which);
        let number = self.servers[server].slow_down(slowness);
        Slowed { server, number }
    }

    /// Ends what [`Database::slow_down`] began.
    pub fn speed_up(&self, slowed: Slowed) {
        self.servers[slowed.server].speed_up(slowed.number);
    }

    /// All connections to a server break: its queries fail, and new ones wait until there are
    /// connections again.
    pub fn lose_connections(&self, which: Which, reconnect_ns: Nanoseconds) {
        let server = self.server(which);
        server.interruption.come();
        server.pause(self.kernel.now(), reconnect_ns);
    }

    /// Changes the lag of one replica, or of all.
    pub fn change_lag(&self, replica: Option<usize>, change: Option<LagChange>) {
        let Some(replication) = &self.replication else {
            return;
        };
        let now_ns = self.kernel.now();
        for (server, log) in replication.logs.borrow_mut().iter_mut().enumerate() {
            if replica.is_none_or(|replica| replica + 1 == server) {
                if !replication.is_headless.get() {
                    log.catch_up(now_ns);
                }
                log.change_lag(change, now_ns);
            }
        }
    }

    /// A server goes down, and its queries fail. The answer says which it was and which crash.
    pub fn crash(self: &Rc<Self>, which: Which) -> Crashed {
        let number = self.number(which);
        let server = &self.servers[number];
        let was_up = !server.is_down();
        server.crash();
        server.returns_with_primary.set(false);
        if let Some(replication) = &self.replication
            && was_up
        {
            let now_ns = self.kernel.now();
            let mut logs = replication.logs.borrow_mut();
            if number == self.primary.get() {
                logs.iter_mut().for_each(|log| log.catch_up(now_ns));
                replication.is_headless.set(true);
                drop(logs);
                self.fail_over_after(number);
            } else {
                logs[number].clear();
            }
        }
        Crashed {
            server: number,
            crash: server.crashes(),
        }
    }

    /// Restarts whom [`Database::crash`] took down, unless it has crashed again since.
    pub fn recover(&self, crashed: Crashed) {
        if self.servers[crashed.server].crashes() == crashed.crash {
            self.restart_server(crashed.server);
        }
    }

    /// Restarts one replica, or all servers that are down.
    pub fn restart(&self, replica: Option<usize>) {
        match replica {
            Some(replica) => self.restart_server(replica + 1),
            None => {
                self.restart_server(self.primary.get());
                (0..self.servers.len()).for_each(|server| self.restart_server(server));
            }
        }
    }

    fn restart_server(&self, number: usize) {
        let server = &self.servers[number];
        if !server.is_down() {
            return;
        }
        if number == self.primary.get() {
            server.restart();
            self.follow_primary();
        } else if self.servers[self.primary.get()].is_down() {
            // It has nobody to catch up with.
            server.returns_with_primary.set(true);
        } else {
            server.restart();
        }
    }

    /// There is a primary again: commits arrive, and replicas that waited for it return.
    fn follow_primary(&self) {
        let Some(replication) = &self.replication else {
            return;
        };
        let now_ns = self.kernel.now();
        replication.is_headless.set(false);
        for log in replication.logs.borrow_mut().iter_mut() {
            log.delay_until(now_ns);
        }
        for server in &self.servers {
            if server.returns_with_primary.take() {
                server.restart();
            }
        }
    }

    /// If the primary is still down, or cut off from everybody, after the time of a failover, there is one.
    pub(super) fn fail_over_after(self: &Rc<Self>, primary: usize) {
        let replicas = self.plan.replicas.as_ref();
        let Some(failover_ns) = replicas.and_then(|replicas| replicas.failover_ns) else {
            return;
        };
        let label = Label {
            kind: "failover from server",
            number: primary as u64,
        };
        let database = self.clone();
        let outage = self.outages.get() + 1;
        self.outages.set(outage);
        self.kernel.spawn(label, async move {
            database.kernel.sleep(failover_ns).await;
            let is_out = database.servers[primary].is_down() || database.is_cut_off(primary);
            let is_still_out = database.outages.get() == outage && is_out;
            if is_still_out && database.primary.get() == primary {
                database.fail_over();
            }
        });
    }

    /// The replica that lacks the fewest commits becomes the primary, if one is up.
    fn fail_over(&self) {
        let Some(replication) = &self.replication else {
            return;
        };
        self.catch_up(replication);
        let mut logs = replication.logs.borrow_mut();
        let old = self.primary.get();
        let is_up = |&it: &usize| !self.servers[it].is_down() && !self.is_cut_off(it);
        let up = (0..self.servers.len()).filter(|it| *it != old && is_up(it));
        let Some(chosen) = up.min_by_key(|&server| logs[server].missing()) else {
            return;
        };
        let now_ns = self.kernel.now();
        let many = logs[chosen].missing();
        let lost = logs[chosen].lose_last(many);
        for (server, log) in logs.iter_mut().enumerate() {
            if server != chosen && server != old && !self.servers[server].is_down() {
                log.lose_last(many);
            }
        }
        logs[chosen].clear();
        logs[old].clear();
        drop(logs);
        let mut rows = self.rows.borrow_mut();
        let mut reverted: HashSet<Key, KeyHash> = HashSet::default();
        for (commit, kept) in &lost {
            if reverted.insert(commit.key) && rows.revert(commit.key, kept, now_ns) {
                self.meter.lose_row();
            }
        }
        for (commit, _) in &lost {
            if let Some(writes) = commit.row.lose() {
                self.meter.writes.revert(writes);
                self.meter.lose_writes(LossCause::Failover, writes);
            }
        }
        drop(rows);
        self.primary.set(chosen);
        self.note_cuts();
        if self.meter.is_measuring() {
            self.meter.database.failovers.increment();
        }
        self.follow_primary();
    }
}

/// A server that was made slower.
#[derive(Clone, Copy, Debug)]
pub struct Slowed {
    server: usize,
    number: u64,
}

/// A server that has crashed.
#[derive(Clone, Copy, Debug)]
pub struct Crashed {
    server: usize,
    crash: u64,
}
