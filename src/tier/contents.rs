//! What happens in a node at the present instant: entries are found, stored and dropped, keys are
//! locked, fills are leased.
//!
//! Not here: the way to the node, and any time that passes.

use std::cell::RefCell;

use super::fills::{Fills, Ticket};
use super::node::{Node, Resident};
use super::replication::Told;
use super::{Capacity, Exchange, Filling, Found, Lease, Stale, Tier};
use crate::cache::{Cache, Lookup};
use crate::database::Row;
use crate::kernel::BroadcastId;
use crate::units::{Key, NEVER, Nanoseconds};
use crate::workload::Request;

impl Tier {
    /// Looks the request's key up in a node. A fresh entry is an access for the eviction policy.
    #[inline]
    pub fn find(&self, number: usize, request: &Request) -> Found {
        if self.hot_keys.is_some()
            && let Some(found) = self.find_pinned(number, request)
        {
            return found;
        }
        let node = &self.nodes[number];
        let now_ns = self.kernel.now();
        let mut cache = node.cache.borrow_mut();
        let row = match cache.lookup(request.key, now_ns) {
            Lookup::Hit(resident) => {
                resident.hits = resident.hits.saturating_add(1);
                self.note_sent(number, resident.bytes);
                let mut row = resident.row();
                row.stays_below = self
                    .plan
                    .promote_after
                    .is_none_or(|hits_min| resident.hits < hits_min);
                row
            }
            Lookup::Expired(resident) => {
                self.let_go(node, &resident);
                self.count_expirations(1);
                drop(cache);
                return self.find_unsaved(node, request.key);
            }
            Lookup::Miss => {
                drop(cache);
                return self.find_unsaved(node, request.key);
            }
        };
        let found = if self.finds_plainly {
            Found::Fresh(row)
        } else {
            self.by_age(&mut cache, request, row)
        };
        // Some policies evict on a hit.
        self.settle_evictions(node, &mut cache);
        if self.plan.is_exclusive
            && let Found::Fresh(row) = &found
            && !row.stays_below
        {
            // It moves up.
            let moved = cache.remove(request.key);
            moved
                .iter()
                .for_each(|resident| self.let_go(node, resident));
        }
        found
    }

    /// What a resident copy of the request's row is worth at its age.
    fn by_age(&self, cache: &mut Cache<Resident>, request: &Request, row: Row) -> Found {
        let Some(ttl) = &self.plan.ttl else {
            return Found::Fresh(row);
        };
        // That there is no row has a TTL of its own, which nothing prolongs or foresees.
        if row.is_absent() {
            return Found::Fresh(row);
        }
        let now_ns = self.kernel.now();
        let kept_ns = ttl.kept_ns();
        let expires_ns = cache.expires_ns(request.key).unwrap_or(NEVER);
        let fresh_until_ns = expires_ns.saturating_sub(kept_ns);
        if now_ns >= fresh_until_ns {
            let past_ns = now_ns - fresh_until_ns;
            return Found::Stale(Stale { row, past_ns });
        }
        // What is past its TTL does not come back to life.
        if ttl.sliding {
            let index = Exchange::LookUp.index(request);
            let fresh_until_ns = ttl.fresh_until_ns(now_ns, &self.ttl_luck, index);
            cache.extend(request.key, fresh_until_ns.saturating_add(kept_ns));
        }
        if let Some(early) = self.plan.early {
            let fetch_ns = cache.note(request.key);
            let remaining_ns = (fresh_until_ns - now_ns) as f64;
            let mut luck = self.early_luck.at(request.index);
            if early.expires(remaining_ns, f64::from(fetch_ns), &mut luck) {
                return Found::Early(row);
            }
        }
        Found::Fresh(row)
    }

    /// What eviction or expiry took from the cache may still wait for the database.
    fn find_unsaved(&self, node: &Node, key: Key) -> Found {
        match node.buffer.borrow().row(key) {
            Some(row) => Found::Fresh(row.clone()),
            None => Found::Nothing,
        }
    }

    /// Stores a row in a node. Whether it did: not if it knows of a newer version, if fills are leased
    /// and the request holds no valid token, or fenced and it does not hold the lock, or if there is no
    /// row and the tier does not keep that.
    pub fn store(&self, number: usize, request: &Request, row: &Row, filling: Filling) -> bool {
        let node = &self.nodes[number];
        let now_ns = self.kernel.now();
        if node.is_down.get() {
            return false;
        }
        self.note_received(number, self.received_bytes(row.bytes, filling));
        if self.knows_newer(node, request.key, row) || !self.may_fill(node, request, filling) {
            if self.meter.is_measuring() {
                self.counts().sets_refused.increment();
            }
            return false;
        }
        if !self.plan.keeps(row) {
            self.forget(number, request.key, row);
            return false;
        }
        let index = Exchange::Set.index(request);
        let mut expires_ns = match (self.plan.negative_ttl_ns, &self.plan.ttl) {
            (Some(negative_ttl_ns), _) if row.is_absent() => now_ns.saturating_add(negative_ttl_ns),
            (_, Some(ttl)) => ttl
                .fresh_until_ns(now_ns, &self.ttl_luck, index)
                .saturating_add(ttl.kept_ns()),
            (_, None) => NEVER,
        };
        if let Some(members) = &self.members {
            expires_ns = members.stored(self, number, request.key, row, expires_ns);
        }
        if !self.clocks.is_empty() {
            expires_ns = self.by_the_nodes_clock(number, request, expires_ns);
        }
        let resident = Resident::new(row, filling == Filling::Ahead);
        if let Some(pin_ns) = self.pin_ns_of(number, request.key) {
            self.pin(number, request.key, resident, now_ns.saturating_add(pin_ns));
            return true;
        }
        let fetch_ns = self.fetch_ns(request, &node.cache.borrow());
        self.put(node, request.key, resident, expires_ns);
        if self.plan.early.is_some() {
            node.cache.borrow_mut().set_note(request.key, fetch_ns);
        }
        true
    }

    /// Puts an entry into a node, which may evict others or not admit it.
    #[inline]
    pub(super) fn put(&self, node: &Node, key: Key, resident: Resident, expires_ns: Nanoseconds) {
        let bytes = self.held_bytes(resident.bytes);
        let weigh = |resident: &Resident| match self.plan.capacity {
            // The mark that there is no row has to be somewhere.
            Capacity::Bytes(_) => (self.held_bytes(resident.bytes)
                + self.plan.entry_overhead_bytes)
                .max(u64::from(resident.is_absent)),
            Capacity::Entries(_) | Capacity::Unlimited => 1,
        };
        let mut cache = node.cache.borrow_mut();
        let inserted = cache.insert(key, resident, weigh, self.kernel.now(), expires_ns);
        if let Some(replaced) = &inserted.replaced {
            self.let_go(node, replaced);
        }
        node.bytes.set(node.bytes.get() + bytes);
        let newcomer_left = self.settle_evictions_watching(node, &mut cache, key);
        if !inserted.admitted && !newcomer_left {
            node.bytes.set(node.bytes.get() - bytes);
        }
    }

    /// Stores a row as a load has done `age_ns` ago, unless it has expired since.
    pub fn preload(&self, number: usize, request: &Request, row: &Row, age_ns: Nanoseconds) {
        if self.plan.ttl.is_some_and(|ttl| ttl.base_ns <= age_ns) {
            return;
        }
        if self.store(number, request, row, Filling::Written) {
            let mut cache = self.nodes[number].cache.borrow_mut();
            let expires_ns = cache.expires_ns(request.key).unwrap_or(NEVER);
            if expires_ns < NEVER {
                cache.extend(request.key, expires_ns.saturating_sub(age_ns));
            }
        }
    }

    /// Whether the node holds, or remembers, a newer version than `row`.
    fn knows_newer(&self, node: &Node, key: Key, row: &Row) -> bool {
        let version = row.version();
        let buffer = node.buffer.borrow();
        if buffer.row(key).is_some_and(|kept| kept.version() > version) {
            return true;
        }
        if self.plan.tombstone_ns.is_none() {
            return false;
        }
        let cache = node.cache.borrow();
        let resident = cache.peek(key);
        let tombstones = node.tombstones.borrow();
        let buried = tombstones.version(key, self.kernel.now());
        resident.is_some_and(|resident| resident.version() > version)
            || buried.is_some_and(|buried| buried > version)
    }

    /// Whether fills are neither leased nor fenced, or the request holds the token, or the lock, of its
    /// key.
    fn may_fill(&self, node: &Node, request: &Request, filling: Filling) -> bool {
        if self.plan.leases.is_none() {
            return match self.plan.mutexes {
                Some(plan) if plan.fencing && filling == Filling::Asked => {
                    let now_ns = self.kernel.now();
                    let mutexes = node.mutexes.borrow();
                    mutexes.is_held(request.key, request.index, now_ns)
                }
                _ => true,
            };
        }
        let mut leases = node.leases.borrow_mut();
        match filling {
            Filling::Asked | Filling::Ahead | Filling::Confirmed => {
                leases.redeem(request.key, request.index, self.kernel.now())
            }
            Filling::Written | Filling::Demoted => {
                leases.filled(request.key);
                true
            }
        }
    }

    /// What the node of the request's key says to a request that has found nothing fresh there. An
    /// entry that has come meanwhile is worth asking for again.
    ///
    /// Whoever fetches `ahead` of the expiry of what is there asks for it although there is an entry.
    pub fn ask_for_lease(&self, request: &Request, ahead: bool) -> Lease {
        let Some(plan) = &self.plan.leases else {
            return Lease::Granted;
        };
        let number = self.node_of(request);
        let now_ns = self.kernel.now();
        let has_fresh = !ahead
            && self
                .inspect(number, request.key)
                .is_some_and(|(_, fresh_until_ns)| fresh_until_ns > now_ns);
        if has_fresh {
            return Lease::Wait { holder: None };
        }
        let node = &self.nodes[number];
        let lease = node
            .leases
            .borrow_mut()
            .ask(plan, request.key, request.index, now_ns);
        if self.meter.is_measuring() {
            match lease {
                Lease::Granted => self.counts().leases_granted.increment(),
                Lease::Stale(_) => {}
                Lease::Wait { .. } => self.counts().leases_waits.increment(),
            }
        }
        lease
    }

    /// Whether the request may fetch ahead of the expiry of what is there, and set it.
    pub fn leases_ahead(&self, request: &Request) -> bool {
        let Some(plan) = &self.plan.leases else {
            return true;
        };
        let node = &self.nodes[self.node_of(request)];
        let now_ns = self.kernel.now();
        let mut leases = node.leases.borrow_mut();
        let lease = leases.ask(plan, request.key, request.index, now_ns);
        matches!(lease, Lease::Granted)
    }

    /// The present version of a key, as its node knows it; 0 if nobody has told it of another.
    pub fn version_of(&self, node: usize, key: Key) -> u64 {
        let versions = self.nodes[node].versions.borrow();
        versions.get(&key).copied().unwrap_or(0)
    }

    /// Takes the entry of `key` out of a node; whether there was one. `committed` is the row that
    /// takes its place, if that is known already. Loads under way are overtaken. Where keys have
    /// versions, the node learns of the new one instead; whether it did not know it.
    pub fn drop_copy(&self, number: usize, key: Key, committed: Option<&Row>) -> bool {
        if let Some(members) = &self.members {
            members.tell(self, number, key, &Told::Dropped(committed.cloned()));
        }
        self.drop_here(number, key, committed)
    }

    /// As [`Tier::drop_copy`], and no replica hears of it.
    pub(super) fn drop_here(&self, number: usize, key: Key, committed: Option<&Row>) -> bool {
        let node = &self.nodes[number];
        let now_ns = self.kernel.now();
        if node.is_down.get() {
            // What a snapshot keeps, nobody can reach.
            node.fills.borrow_mut().overtake(key);
            return false;
        }
        if self.plan.has_versioned_keys {
            let Some(row) = committed else { return false };
            let mut versions = node.versions.borrow_mut();
            let known = versions.entry(key).or_insert(0);
            let is_news = row.version() > *known;
            *known = row.version().max(*known);
            return is_news;
        }
        node.fills.borrow_mut().overtake(key);
        if let (Some(tombstone_ns), Some(row)) = (self.plan.tombstone_ns, committed) {
            let until_ns = now_ns.saturating_add(tombstone_ns);
            let mut tombstones = node.tombstones.borrow_mut();
            tombstones.bury(key, row.version(), now_ns, until_ns);
        }
        let was_pinned = self.unpin(node, key);
        let removed = node.cache.borrow_mut().remove(key);
        if let Some(leases) = &self.plan.leases {
            let row = removed.as_ref().map(Resident::row);
            let mut held = node.leases.borrow_mut();
            held.void(leases, key, row.as_ref(), now_ns);
        }
        match &removed {
            Some(resident) => self.let_go(node, resident),
            None => return was_pinned,
        }
        true
    }

    /// How many hits the entry of `key` had since it was stored, and until when it is fresh;
    /// nothing if it is not resident. No access for the policy.
    pub fn inspect(&self, node: usize, key: Key) -> Option<(u16, Nanoseconds)> {
        let cache = self.nodes[node].cache.borrow();
        let resident = cache.peek(key)?;
        let expires_ns = cache.expires_ns(key)?;
        let kept_ns = self.plan.kept_ns(resident.is_absent);
        Some((resident.hits, expires_ns.saturating_sub(kept_ns)))
    }

    /// A load for `key` begins in a node.
    pub fn begin_fill(&self, node: usize, key: Key) -> Loading<'_> {
        Loading {
            fills: &self.nodes[node].fills,
            key,
            ticket: Some(self.nodes[node].fills.borrow_mut().begin(key)),
        }
    }

    /// Locks a key of a node for as long as the guard lives, after those who came before.
    pub async fn lock(&self, node: usize, key: Key) -> Lock<'_> {
        self.wait_for_lock(node, key).await;
        let channel = self.unlocked.open();
        self.nodes[node].locks.borrow_mut().insert(key, channel);
        Lock {
            tier: self,
            node,
            key,
            channel,
        }
    }

    /// Whether somebody has locked the key.
    #[inline]
    pub fn is_locked(&self, node: usize, key: Key) -> bool {
        let locks = self.nodes[node].locks.borrow();
        !locks.is_empty() && locks.contains_key(&key)
    }

    /// Waits until nobody has locked the key.
    pub async fn wait_for_lock(&self, node: usize, key: Key) {
        let _waiting = match self.is_locked(node, key) {
            true => self.meter.span("wait_for_write"),
            false => None,
        };
        loop {
            let channel = self.nodes[node].locks.borrow().get(&key).copied();
            let Some(channel) = channel else { return };
            self.unlocked.receive(channel).await;
        }
    }
}

/// A load that is under way in a node, until this is dropped.
#[derive(Debug)]
pub struct Loading<'a> {
    fills: &'a RefCell<Fills>,
    key: Key,
    ticket: Option<Ticket>,
}

impl Loading<'_> {
    /// The load ends; whether its row may be stored: not if a write has overtaken it.
    #[must_use]
    pub fn end(mut self) -> bool {
        let ticket = self.ticket.take();
        ticket.is_some_and(|ticket| self.fills.borrow_mut().end(self.key, ticket))
    }
}

impl Drop for Loading<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.fills.borrow_mut().end(self.key, ticket);
        }
    }
}

/// A key that is locked in its node until this is dropped.
#[derive(Debug)]
pub struct Lock<'a> {
    tier: &'a Tier,
    node: usize,
    key: Key,
    channel: BroadcastId,
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        self.tier.nodes[self.node]
            .locks
            .borrow_mut()
            .remove(&self.key);
        self.tier.unlocked.close(self.channel, Some(()));
    }
}
