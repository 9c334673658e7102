//! Leases: a node's permissions to fill, so that of those who miss one key only one fetches, and
//! what it fetched is refused if the key was deleted meanwhile.
//!
//! A token is known by the request that it was given to. Values that were deleted are kept for a
//! while, to be offered to those who would otherwise wait. (Nishtala et al., "Scaling Memcache at
//! Facebook", NSDI 2013, sections 3.2.1 and 3.2.2.)
//!
//! Not here: what those do who got no token (see `defence`).

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::database::Row;
use crate::units::{Key, KeyHash, Nanoseconds};

/// How a node leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeasePlan {
    /// How long a token is valid, and how long nobody else gets one for the same key.
    pub token_ttl_ns: Nanoseconds,
    /// For how long a deleted value is offered to those who would have to wait; 0 for not at all.
    pub stale_ns: Nanoseconds,
}

/// What a node says to a request that found nothing.
#[derive(Clone, Debug)]
pub enum Lease {
    /// Fetch and set: nobody else may.
    Granted,
    /// Somebody else fetches; here is what was there before it was deleted.
    Stale(Row),
    /// Somebody else fetches, or has just done: come back later.
    Wait {
        /// The index of the request that fetches, if one still does.
        holder: Option<u64>,
    },
}

/// Things by key that are forgotten after a while, the oldest first.
#[derive(Debug)]
pub(super) struct Fading<T> {
    things: HashMap<Key, (T, Nanoseconds), KeyHash>,
    by_age: VecDeque<(Nanoseconds, Key)>,
}

impl<T> Default for Fading<T> {
    fn default() -> Self {
        Self {
            things: HashMap::default(),
            by_age: VecDeque::new(),
        }
    }
}

impl<T> Fading<T> {
    pub(super) fn put(&mut self, key: Key, thing: T, now_ns: Nanoseconds, until_ns: Nanoseconds) {
        while let Some(&(old_until_ns, old)) = self.by_age.front()
            && old_until_ns <= now_ns
        {
            self.by_age.pop_front();
            // Unless it was put there again since.
            if self.things.get(&old).is_some_and(|it| it.1 <= now_ns) {
                self.things.remove(&old);
            }
        }
        self.things.insert(key, (thing, until_ns));
        self.by_age.push_back((until_ns, key));
    }

    pub(super) fn get(&self, key: Key, now_ns: Nanoseconds) -> Option<&T> {
        let (thing, until_ns) = self.things.get(&key)?;
        (*until_ns > now_ns).then_some(thing)
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.things.remove(&key);
    }
}

/// The leases of one node.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// The request that holds the token of a key.
    tokens: Fading<u64>,
    /// Values that were deleted a short while ago.
    deleted: Fading<Row>,
}

impl Leases {
    /// Request `index` has found nothing under `key`.
    pub(super) fn ask(
        &mut self,
        plan: &LeasePlan,
        key: Key,
        index: u64,
        now_ns: Nanoseconds,
    ) -> Lease {
        let Some(&holder) = self.tokens.get(key, now_ns) else {
            let until_ns = now_ns.saturating_add(plan.token_ttl_ns);
            self.tokens.put(key, index, now_ns, until_ns);
            return Lease::Granted;
        };
        match self.deleted.get(key, now_ns) {
            Some(row) => Lease::Stale(row.clone()),
            None => Lease::Wait {
                holder: Some(holder),
            },
        }
    }

    /// Request `index` comes to set what it has fetched; whether it may. A token is good for once.
    pub(super) fn redeem(&mut self, key: Key, index: u64, now_ns: Nanoseconds) -> bool {
        let is_valid = self.tokens.get(key, now_ns) == Some(&index);
        if is_valid {
            self.filled(key);
        }
        is_valid
    }

    /// The key has an entry again.
    pub(super) fn filled(&mut self, key: Key) {
        self.tokens.remove(key);
        self.deleted.remove(key);
    }

    /// The key was deleted, and what was there with it, if anything: a fetch under way may carry the
    /// old row, so its token is void, and the next to ask gets a new one.
    pub(super) fn void(
        &mut self,
        plan: &LeasePlan,
        key: Key,
        removed: Option<&Row>,
        now_ns: Nanoseconds,
    ) {
        self.tokens.remove(key);
        if let Some(row) = removed
            && plan.stale_ns > 0
        {
            let until_ns = now_ns.saturating_add(plan.stale_ns);
            self.deleted.put(key, row.clone(), now_ns, until_ns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: LeasePlan = LeasePlan {
        token_ttl_ns: 100,
        stale_ns: 50,
    };

    fn row() -> Row {
        crate::database::Rows::default().draft(7, 0, |_| 10)
    }

    #[test]
    fn one_of_those_who_miss_gets_the_token_and_its_set_is_taken_once() {
        let mut leases = Leases::default();
        assert!(matches!(leases.ask(&PLAN, 7, 1, 0), Lease::Granted));
        assert!(matches!(
            leases.ask(&PLAN, 7, 2, 10),
            Lease::Wait { holder: Some(1) }
        ));
        assert!(matches!(leases.ask(&PLAN, 8, 3, 10), Lease::Granted));
        assert!(!leases.redeem(7, 2, 20));
        assert!(leases.redeem(7, 1, 30));
        assert!(!leases.redeem(7, 1, 40));
    }

    #[test]
    fn a_delete_voids_the_token_and_the_next_to_ask_gets_another() {
        let mut leases = Leases::default();
        leases.ask(&PLAN, 7, 1, 0);
        leases.void(&PLAN, 7, None, 10);
        assert!(matches!(leases.ask(&PLAN, 7, 2, 20), Lease::Granted));
        assert!(!leases.redeem(7, 1, 30));
        assert!(leases.redeem(7, 2, 40));
    }

    #[test]
    fn a_token_that_nobody_redeems_is_given_anew_in_time_and_forgotten() {
        let mut leases = Leases::default();
        leases.ask(&PLAN, 7, 1, 0);
        assert!(matches!(
            leases.ask(&PLAN, 7, 2, 99),
            Lease::Wait { holder: Some(1) }
        ));
        assert!(matches!(leases.ask(&PLAN, 7, 2, 100), Lease::Granted));
        assert!(!leases.redeem(7, 1, 110));
        leases.ask(&PLAN, 8, 3, 300);
        assert_eq!(leases.tokens.things.len(), 1);
        assert_eq!(leases.tokens.by_age.len(), 1);
    }

    #[test]
    fn a_deleted_value_is_offered_for_a_while_to_those_who_would_wait() {
        let mut leases = Leases::default();
        leases.void(&PLAN, 7, Some(&row()), 0);
        assert!(matches!(leases.ask(&PLAN, 7, 1, 10), Lease::Granted));
        assert!(matches!(leases.ask(&PLAN, 7, 2, 20), Lease::Stale(_)));
        assert!(matches!(
            leases.ask(&PLAN, 7, 2, 50),
            Lease::Wait { holder: Some(1) }
        ));
        assert!(leases.redeem(7, 1, 60));
    }
}
