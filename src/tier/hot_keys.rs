//! Hot keys: how a tier finds the keys that are asked for most, and what it does about them.
//!
//! Each node counts the keys that it is asked for with a few counters (`metrics::HeavyHitters`) in
//! windows of a second. A key that comes often enough in one is hot, until it has not for as long as
//! the cool-down. Two cures:
//!
//! - **copies**: besides the key itself there are copies under keys of their own (`key:1`, `key:2`,
//!   ...), each on the node that its own key hashes to. Suffixes are chosen so that no node has two
//!   copies more than another. A read takes any of them and fills it by its
//!   own miss; a write deletes or sets all. A node of which some copies are multiplies what it sees
//!   by all copies over its own, so spreading a key does not make it look cold.
//! - **pins**: the node keeps the row aside, where nothing evicts it, for a time of its own.
//!
//! Known weakness: n copies are n misses and n deletes. Who asks learns at once what a node has found
//! out; in the field that takes a heartbeat. A key that was hot once stays known until its copies have
//! expired, because a delete must reach them.

use std::cell::RefCell;
use std::rc::Rc;

use hashbrown::HashMap;

use super::node::{Node, Resident};
use super::{Exchange, Filling, Found, Tier};
use crate::database::Row;
use crate::kernel::join_all;
use crate::metrics::{HeavyHitters, within};
use crate::placement;
use crate::random::{Luck, Stream};
use crate::units::{Key, KeyHash, NEVER, Nanoseconds, SECOND_NS};
use crate::workload::Request;

/// In windows of this length a node counts.
const WINDOW_NS: Nanoseconds = SECOND_NS;

/// Counters of each node.
const COUNTERS: usize = 64;

/// What is done about hot keys, and which they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HotKeys {
    /// Under how many keys a hot row is stored, itself included; 1 for no copies.
    pub copies: u32,
    /// So many of the most popular keys, at the start of the run, are always hot.
    pub top: u32,
    /// How nodes find others, if they do.
    pub detect: Option<Detect>,
    /// How long a hot row is kept aside in a node; `None` for not at all.
    pub pin_ns: Option<Nanoseconds>,
}

/// When a key is hot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detect {
    /// When it is asked for so often per second.
    pub threshold_per_s: f64,
    /// How long it stays hot after that.
    pub cool_down_ns: Nanoseconds,
}

/// A key that is or was hot.
#[derive(Clone, Debug)]
struct Hot {
    until_ns: Nanoseconds,
    copies: Rc<Spread>,
}

/// Where the copies of a row are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spread {
    /// The number of each copy, rising: see [`Request::of_copy`]. The first is the row's own key.
    copies: Vec<u32>,
    /// How many of them each node has.
    on_node: Vec<u32>,
}

/// So many suffixes are tried for each copy, because a scheme may have nodes that get no keys.
const SUFFIXES_MAX: u32 = 100;

impl Spread {
    /// So many `copies`, each taken if its node, as `node_of` says, has no more than any other of the
    /// first `nodes`, of which there may once be up to `nodes_max`.
    fn new(copies: u32, nodes: u32, nodes_max: u32, node_of: impl Fn(u32) -> u32) -> Self {
        let mut spread = Self {
            copies: Vec::with_capacity(copies as usize),
            on_node: vec![0; nodes_max as usize],
        };
        let mut suffix = 0;
        while (spread.copies.len() as u32) < copies {
            let node = node_of(suffix) as usize;
            let least = spread.on_node[..nodes as usize].iter().min();
            let is_due = least.is_none_or(|least| spread.on_node[node] <= *least);
            if is_due || suffix >= copies * SUFFIXES_MAX {
                spread.copies.push(suffix);
                spread.on_node[node] += 1;
            }
            suffix += 1;
        }
        spread
    }
}

/// What one node has seen in the present window.
#[derive(Debug)]
struct Watch {
    seen: HeavyHitters,
    ends_ns: Nanoseconds,
}

/// The hot keys of one tier.
#[derive(Debug)]
pub(super) struct Known {
    plan: HotKeys,
    luck: Stream,
    /// For each of those who do not share nodes.
    known: Vec<RefCell<HashMap<Key, Hot, KeyHash>>>,
    watches: Vec<RefCell<Watch>>,
    /// How long what is stored may live.
    lifetime_ns: Nanoseconds,
}

impl Known {
    pub(super) fn new(plan: &super::Plan, nodes: usize, luck: Luck) -> Option<Box<Self>> {
        let hot_keys = plan.hot_keys?;
        let groups = nodes / plan.nodes_per_group() as usize;
        let watch = |_| {
            RefCell::new(Watch {
                seen: HeavyHitters::new(COUNTERS),
                ends_ns: WINDOW_NS,
            })
        };
        let watches = hot_keys.detect.map_or(0, |_| nodes);
        Some(Box::new(Self {
            plan: hot_keys,
            luck: luck.stream(&format!("tier.{}.copies", plan.name)),
            known: (0..groups).map(|_| RefCell::default()).collect(),
            watches: (0..watches).map(watch).collect(),
            lifetime_ns: plan.ttl.map_or(NEVER, |ttl| ttl.longest_ns()),
        }))
    }

    fn is_hot(&self, group: usize, key: Key, now_ns: Nanoseconds) -> bool {
        let known = self.known[group].borrow();
        !known.is_empty() && known.get(&key).is_some_and(|hot| hot.until_ns > now_ns)
    }
}

impl Tier {
    /// Asks for the most popular keys, most first, if the tier treats so many of them as hot.
    pub fn know_hot_keys(&self, hottest: impl Fn(usize) -> Vec<Key>) {
        let Some(known) = &self.hot_keys else { return };
        if known.plan.top == 0 {
            return;
        }
        for key in hottest(known.plan.top as usize) {
            for group in 0..known.known.len() {
                self.declare(known, group, key, NEVER);
            }
        }
    }

    /// From now on until `until_ns` the key is hot; whether it was not before.
    fn declare(&self, known: &Known, group: usize, key: Key, until_ns: Nanoseconds) -> bool {
        let now_ns = self.kernel.now();
        let mut keys = known.known[group].borrow_mut();
        if let Some(hot) = keys.get_mut(&key) {
            let is_news = hot.until_ns <= now_ns;
            hot.until_ns = hot.until_ns.max(until_ns);
            return is_news;
        }
        // Of what has been cold for as long as anything lives there is nothing left to delete.
        keys.retain(|_, hot| hot.until_ns.saturating_add(known.lifetime_ns) > now_ns);
        let request = Request {
            key,
            ..Request::default()
        };
        let node_of = |copy| {
            let key = request.of_copy(copy).key;
            self.scheme.node(key, placement::hash(key))
        };
        let (nodes, nodes_max) = (self.plan.nodes, self.plan.nodes_per_group());
        let copies = Rc::new(Spread::new(known.plan.copies, nodes, nodes_max, node_of));
        keys.insert(key, Hot { until_ns, copies });
        true
    }

    /// A node is asked for a row.
    pub(super) fn watch(&self, number: usize, request: &Request) {
        let Some(known) = &self.hot_keys else { return };
        let Some(detect) = known.plan.detect else {
            return;
        };
        let now_ns = self.kernel.now();
        let key = request.of_row().key;
        let nodes = self.plan.nodes_per_group() as usize;
        let (group, within) = (number / nodes, number % nodes);
        let seen = {
            let mut watch = known.watches[number].borrow_mut();
            if now_ns >= watch.ends_ns {
                watch.seen.clear();
                watch.ends_ns = now_ns - now_ns % WINDOW_NS + WINDOW_NS;
            }
            watch.seen.record(key)
        };
        let copies_here = {
            let keys = known.known[group].borrow();
            let hot = keys.get(&key).filter(|hot| hot.until_ns > now_ns);
            hot.map_or(known.plan.copies, |hot| hot.copies.on_node[within].max(1))
        };
        let in_all = seen as f64 * f64::from(known.plan.copies) / f64::from(copies_here);
        if in_all * SECOND_NS as f64 / (WINDOW_NS as f64) < detect.threshold_per_s {
            return;
        }
        let until_ns = now_ns.saturating_add(detect.cool_down_ns);
        if self.declare(known, group, key, until_ns) && self.meter.is_measuring() {
            self.counts().hot_keys_detected.increment();
        }
    }

    /// The request as it is sent: to any copy of its key, if that is hot.
    #[must_use]
    pub fn to_any_copy(&self, request: &Request) -> Request {
        let Some(known) = &self.hot_keys else {
            return *request;
        };
        let keys = known.known[self.group_of(request) as usize].borrow();
        let hot = keys.get(&request.key);
        let Some(hot) = hot.filter(|hot| hot.until_ns > self.kernel.now()) else {
            return *request;
        };
        let copies = u64::from(known.plan.copies);
        let which = known.luck.at(request.index).below(copies) as usize;
        request.of_copy(hot.copies.copies[which])
    }

    /// Counts a read that is sent to a copy under another key than the row's own.
    pub fn note_copy_read(&self, request: &Request) {
        if self.hot_keys.is_some() && request.generation > 0 && self.meter.is_measuring() {
            self.counts().copy_reads.increment();
        }
    }

    /// The copies of the request's key that there may be beside itself.
    pub(super) fn other_copies(&self, request: &Request) -> Vec<u32> {
        if request.generation > 0 {
            return Vec::new();
        }
        self.other_copies_of(self.group_of(request), request.key)
    }

    /// The copies of a key that one of those who do not share nodes may have beside itself.
    pub(super) fn other_copies_of(&self, group: u32, key: Key) -> Vec<u32> {
        let Some(known) = &self.hot_keys else {
            return Vec::new();
        };
        let keys = known.known[group as usize].borrow();
        let hot = keys.get(&key);
        hot.map_or(Vec::new(), |hot| hot.copies.copies[1..].to_vec())
    }

    /// Deletes all copies of the request's row, but for the one that it names.
    pub(super) async fn delete_copies(
        &self,
        exchange: Exchange,
        request: &Request,
        committed: Option<&Row>,
    ) {
        let delete = |(turn, copy): (u64, u32)| async move {
            let request = request.of_copy(copy).derived(turn);
            // One that is not reached stays until its TTL, as the key itself would.
            let fork = self.meter.beside("copy", request.key);
            let _ = within(fork, self.delete_one(exchange, &request, committed)).await;
        };
        let copies = self.other_copies(request);
        join_all((1..).zip(copies).map(delete)).await;
    }

    /// Sets all copies of a row that was written, but for the one that the request names.
    pub(super) async fn set_copies(&self, request: &Request, row: &Row) {
        let set = |(turn, copy): (u64, u32)| async move {
            let request = request.of_copy(copy).derived(turn);
            let fork = self.meter.beside("copy", request.key);
            let _ = within(fork, self.set_one(&request, row, Filling::Written)).await;
        };
        let copies = self.other_copies(request);
        join_all((1..).zip(copies).map(set)).await;
    }

    /// The row of a key that is pinned in a node, or is from now on because the key is hot and the
    /// node has it.
    pub(super) fn find_pinned(&self, number: usize, request: &Request) -> Option<Found> {
        let pin_ns = self.pin_ns_of(number, request.key);
        let node = &self.nodes[number];
        let now_ns = self.kernel.now();
        let mut pinned = node.pinned.borrow_mut();
        if let Some((resident, until_ns)) = pinned.get_mut(&request.key) {
            if *until_ns > now_ns {
                resident.hits = resident.hits.saturating_add(1);
                self.note_sent(number, resident.bytes);
                if self.meter.is_measuring() {
                    self.counts().pinned_hits.increment();
                }
                return Some(Found::Fresh(resident.row()));
            }
            if let Some((resident, _)) = pinned.remove(&request.key) {
                self.let_go(node, &resident);
            }
            self.count_expirations(1);
        }
        let until_ns = now_ns.saturating_add(pin_ns?);
        let mut cache = node.cache.borrow_mut();
        let kept_ns = self.plan.ttl.map_or(0, |ttl| ttl.kept_ns());
        if cache.expires_ns(request.key)?.saturating_sub(kept_ns) <= now_ns {
            return None;
        }
        let resident = cache.remove(request.key)?;
        self.note_sent(number, resident.bytes);
        let found = Found::Fresh(resident.row());
        pinned.insert(request.key, (resident, until_ns));
        Some(found)
    }

    /// How long a row of the key is pinned in the node, if the key is hot.
    pub(super) fn pin_ns_of(&self, number: usize, key: Key) -> Option<Nanoseconds> {
        let known = self.hot_keys.as_ref()?;
        let pin_ns = known.plan.pin_ns?;
        let group = number / self.plan.nodes_per_group() as usize;
        known
            .is_hot(group, key, self.kernel.now())
            .then_some(pin_ns)
    }

    /// Keeps a row aside in a node, in place of what it has of the key.
    pub(super) fn pin(&self, number: usize, key: Key, resident: Resident, until_ns: Nanoseconds) {
        let node = &self.nodes[number];
        self.unpin(node, key);
        let replaced = node.cache.borrow_mut().remove(key);
        if let Some(replaced) = replaced {
            self.let_go(node, &replaced);
        }
        node.bytes
            .set(node.bytes.get() + self.held_bytes(resident.bytes));
        node.pinned.borrow_mut().insert(key, (resident, until_ns));
    }

    /// Takes a pinned row out of a node; whether there was one.
    pub(super) fn unpin(&self, node: &Node, key: Key) -> bool {
        let mut pinned = node.pinned.borrow_mut();
        if pinned.is_empty() {
            return false;
        }
        let removed = pinned.remove(&key);
        if let Some((resident, _)) = &removed {
            self.let_go(node, resident);
        }
        removed.is_some()
    }
}

impl Exchange {
    /// Whether somebody asks for a row.
    pub(super) fn asks_for_a_row(self) -> bool {
        matches!(self, Self::LookUp | Self::Retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_node_has_two_copies_more_than_another() {
        // The own key is on node 2; suffixes fall on 0, 0, 0, 1, 2, 3, 3, 1, ... in turn.
        let nodes = [2, 0, 0, 0, 1, 2, 3, 3, 1, 1, 0];
        let spread = Spread::new(6, 4, 5, |suffix| nodes[suffix as usize % nodes.len()]);
        // 2, 0, 1, 3 first; then 3 and 1, who come first in the second round.
        assert_eq!(spread.copies, [0, 1, 4, 6, 7, 8]);
        assert_eq!(spread.on_node, [1, 2, 1, 2, 0]);
    }

    #[test]
    fn a_node_that_gets_no_keys_is_not_waited_for() {
        let spread = Spread::new(3, 2, 2, |_| 1);
        assert_eq!(spread.on_node, [0, 3]);
    }
}
