//! Replication: what a replica does not have yet.
//!
//! The primary answers a write without waiting for anybody, or, where it is synchronous, when so many
//! replicas have the commit; its connection is held until then. Each replica shows a commit after a lag
//! of its own, which is drawn for each commit, and in the order of commits: one that is late holds up
//! all that follow. So a read from a replica may be stale, and may show less than an earlier read from
//! another one.
//!
//! Only the difference is kept: commits on their way, and what the replica still shows of their rows.
//! So memory follows the commits that are on their way, not those that were made.
//!
//! Known limits: a replica applies what has arrived at once, however much it is; one that restarts has
//! caught up before it answers.
//!
//! Not here: who reads from whom, and what a failover does (see `database`).

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::row::Row;
use crate::units::{Key, KeyHash, Nanoseconds, RegionId};
use crate::workload::distribution::Distribution;

/// Replicas as checked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where each of them lives; `None` if it is equally near to all regions. At least one.
    pub homes: Vec<Option<RegionId>>,
    /// Connections of each, at least 1.
    pub connections: u32,
    /// From the commit to the instant at which a replica shows it, in nanoseconds; on top of half the
    /// round trip of the link, where there is one.
    pub lag: Distribution,
    /// How many replicas must have a commit before its write is answered, as far as they are up; 0
    /// for none.
    pub acks: u32,
    /// Who answers reads.
    pub reads: Reads,
    /// How long it takes until a replica has taken the place of a primary that is down; `None` for
    /// ever.
    pub failover_ns: Option<Nanoseconds>,
}

/// Who answers reads. Those that must not be stale are always answered by the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The primary.
    Primary,
    /// Any server that is up, the primary included.
    Any,
    /// Any replica that is up; the primary if none is.
    Replicas,
    /// Any of those servers that are up and nearest to the reader.
    Nearest,
}

impl Reads {
    /// All of them, by their names in a scenario, with what they mean.
    pub const ALL: [(&'static str, Self, &'static str); 4] = [
        (
            "primary",
            Self::Primary,
            "by the primary; replicas only stand by",
        ),
        (
            "any",
            Self::Any,
            "by any server that is up, the primary included",
        ),
        (
            "replicas",
            Self::Replicas,
            "by any replica that is up; by the primary if none is",
        ),
        (
            "nearest",
            Self::Nearest,
            "by any of the servers that are up and nearest to the reader's region",
        ),
    ];
}

/// How replication has been changed for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LagChange {
    /// The lag is this, if it is set,
    pub lag_ns: Option<Nanoseconds>,
    /// else it is multiplied by this.
    pub factor: f64,
}

/// A commit on its way.
#[derive(Debug)]
pub(super) struct Commit {
    commit_ns: Nanoseconds,
    arrives_ns: Nanoseconds,
    /// When it would arrive if nobody had changed the lag.
    usual_ns: Nanoseconds,
    pub(super) key: Key,
    pub(super) row: Row,
}

/// What a replica shows of a row of which it does not have all commits.
#[derive(Debug)]
struct Behind {
    shown: Row,
    missing: u32,
}

/// The lag of the commits that a replica has received.
#[derive(Clone, Copy, Debug, Default)]
pub struct LagUsage {
    commits: u64,
    sum_ns: u128,
    max_ns: Nanoseconds,
}

impl LagUsage {
    /// Mean over commits in seconds; NaN without any.
    #[must_use]
    pub fn mean_s(&self) -> f64 {
        self.sum_ns as f64 / self.commits as f64 / 1e9
    }

    /// The most, in seconds; NaN without any commit.
    #[must_use]
    pub fn max_s(&self) -> f64 {
        if self.commits == 0 {
            return f64::NAN;
        }
        self.max_ns as f64 / 1e9
    }
}

/// What one replica does not have yet.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// In the order of commits, which is that of arrivals.
    on_their_way: VecDeque<Commit>,
    behind: HashMap<Key, Behind, KeyHash>,
    last_arrival_ns: Nanoseconds,
    /// Since when the network between the primary and the replica is cut, if it is.
    cut_since_ns: Option<Nanoseconds>,
    change: Option<LagChange>,
    usage: LagUsage,
}

impl Log {
    /// `row` has been committed in place of `old`, and is usually `lag_ns` on its way. When it arrives.
    pub(super) fn push(
        &mut self,
        key: Key,
        old: &Row,
        row: &Row,
        now_ns: Nanoseconds,
        lag_ns: Nanoseconds,
    ) -> Nanoseconds {
        let changed_ns = match self.change {
            None => lag_ns,
            Some(LagChange {
                lag_ns: Some(set_ns),
                ..
            }) => set_ns,
            Some(LagChange { factor, .. }) => (lag_ns as f64 * factor).round() as Nanoseconds,
        };
        self.last_arrival_ns = self.last_arrival_ns.max(now_ns.saturating_add(changed_ns));
        let behind = self.behind.entry(key).or_insert_with(|| Behind {
            shown: old.clone(),
            missing: 0,
        });
        behind.missing += 1;
        self.on_their_way.push_back(Commit {
            commit_ns: now_ns,
            arrives_ns: self.last_arrival_ns,
            usual_ns: now_ns.saturating_add(lag_ns),
            key,
            row: row.clone(),
        });
        self.last_arrival_ns
    }

    /// Takes in what has arrived.
    pub(super) fn catch_up(&mut self, now_ns: Nanoseconds) {
        let cut_since_ns = self.cut_since_ns;
        let has_arrived = |commit: &Commit| {
            commit.arrives_ns <= now_ns
                && cut_since_ns.is_none_or(|since_ns| commit.commit_ns < since_ns)
        };
        while self.on_their_way.front().is_some_and(has_arrived)
            && let Some(commit) = self.on_their_way.pop_front()
        {
            let lag_ns = commit.arrives_ns - commit.commit_ns;
            self.usage.commits += 1;
            self.usage.sum_ns += u128::from(lag_ns);
            self.usage.max_ns = self.usage.max_ns.max(lag_ns);
            if let Some(behind) = self.behind.get_mut(&commit.key) {
                behind.shown = commit.row;
            }
            self.miss_one_less(commit.key);
        }
    }

    fn miss_one_less(&mut self, key: Key) {
        if let Some(behind) = self.behind.get_mut(&key) {
            behind.missing -= 1;
            if behind.missing == 0 {
                self.behind.remove(&key);
            }
        }
    }

    /// What the replica shows of a row of which the primary has `newest`.
    pub(super) fn show(&self, key: Key, newest: Row) -> Row {
        // It is known to have everything that was committed before the first that it lacks.
        let as_of_ns = match self.on_their_way.front() {
            Some(commit) => commit.commit_ns,
            None => newest.as_of_ns,
        };
        let mut row = match self.behind.get(&key) {
            Some(behind) => behind.shown.clone(),
            None => newest,
        };
        row.as_of_ns = as_of_ns;
        row
    }

    /// From now on the lag is as `change` says. What is on its way arrives as it would have; if all is
    /// as usual again, no later than it usually would.
    pub(super) fn change_lag(&mut self, change: Option<LagChange>, now_ns: Nanoseconds) {
        self.change = change;
        if change.is_none() {
            let mut last_ns = now_ns;
            for commit in &mut self.on_their_way {
                last_ns = last_ns.max(commit.usual_ns);
                commit.arrives_ns = commit.arrives_ns.min(last_ns);
            }
            self.last_arrival_ns = self.last_arrival_ns.min(last_ns);
        }
    }

    /// The primary was down: nothing arrives before `now_ns`.
    pub(super) fn delay_until(&mut self, now_ns: Nanoseconds) {
        for commit in &mut self.on_their_way {
            commit.arrives_ns = commit.arrives_ns.max(now_ns);
        }
        self.last_arrival_ns = self.last_arrival_ns.max(now_ns);
    }

    /// From now on nothing that is committed arrives; what is on its way does.
    pub(super) fn cut(&mut self, now_ns: Nanoseconds) {
        self.cut_since_ns.get_or_insert(now_ns);
    }

    /// What was held up arrives now.
    pub(super) fn mend(&mut self, now_ns: Nanoseconds) {
        let Some(since_ns) = self.cut_since_ns.take() else {
            return;
        };
        for commit in &mut self.on_their_way {
            if commit.commit_ns >= since_ns {
                commit.arrives_ns = commit.arrives_ns.max(now_ns);
                self.last_arrival_ns = self.last_arrival_ns.max(commit.arrives_ns);
            }
        }
    }

    /// Whether nothing that is committed now arrives.
    pub(super) fn is_cut(&self) -> bool {
        self.cut_since_ns.is_some()
    }

    /// How many commits it does not have.
    pub(super) fn missing(&self) -> usize {
        self.on_their_way.len()
    }

    /// The last `many` commits, which it does not have, will never come. In the order of commits, each
    /// with what the replica shows of its row.
    pub(super) fn lose_last(&mut self, many: usize) -> Vec<(Commit, Row)> {
        let from = self.on_their_way.len().saturating_sub(many);
        let lost: Vec<Commit> = self.on_their_way.drain(from..).collect();
        let last = self.on_their_way.back();
        self.last_arrival_ns = last.map_or(0, |commit| commit.arrives_ns);
        let shown = |commit: Commit| {
            let behind = self.behind.get(&commit.key);
            let shown = behind.map_or_else(|| commit.row.clone(), |it| it.shown.clone());
            (commit, shown)
        };
        let lost: Vec<(Commit, Row)> = lost.into_iter().map(shown).collect();
        for (commit, _) in &lost {
            self.miss_one_less(commit.key);
        }
        lost
    }

    /// It has everything.
    pub(super) fn clear(&mut self) {
        self.on_their_way.clear();
        self.behind.clear();
        self.last_arrival_ns = 0;
    }

    /// The lag since [`Log::reset_usage`].
    pub(super) fn usage(&self) -> LagUsage {
        self.usage
    }

    pub(super) fn reset_usage(&mut self) {
        self.usage = LagUsage::default();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rows;
    use super::*;

    /// Commits a version of row 7 that is `lag_ns` on its way.
    fn commit(rows: &mut Rows, log: &mut Log, now_ns: Nanoseconds, lag_ns: Nanoseconds) {
        let old = rows.read(7, now_ns, |_| 0);
        let row = rows.write(7, now_ns, |_| 0);
        log.push(7, &old, &row, now_ns, lag_ns);
    }

    fn shown(rows: &Rows, log: &mut Log, now_ns: Nanoseconds) -> (u64, Nanoseconds) {
        log.catch_up(now_ns);
        let row = log.show(7, rows.read(7, now_ns, |_| 0));
        (row.version(), row.as_of_ns)
    }

    #[test]
    fn a_commit_is_shown_after_its_lag_and_never_before_an_earlier_one() {
        let (mut rows, mut log) = (Rows::default(), Log::default());
        commit(&mut rows, &mut log, 100, 50);
        commit(&mut rows, &mut log, 110, 5);
        assert_eq!(shown(&rows, &mut log, 149), (0, 100));
        assert_eq!(shown(&rows, &mut log, 150), (2, 150));
        assert_eq!(log.missing(), 0);
        assert!(log.behind.is_empty());
        assert_eq!(log.usage().mean_s(), 45e-9);
        assert_eq!(log.usage().max_s(), 50e-9);
    }

    #[test]
    fn when_the_lag_is_as_usual_again_the_backlog_comes_within_the_usual_lag() {
        let (mut rows, mut log) = (Rows::default(), Log::default());
        let set = LagChange {
            lag_ns: Some(1_000_000),
            factor: 1.0,
        };
        log.change_lag(Some(set), 0);
        commit(&mut rows, &mut log, 100, 50);
        commit(&mut rows, &mut log, 200, 50);
        assert_eq!(shown(&rows, &mut log, 180).0, 0);
        log.change_lag(None, 210);
        assert_eq!(shown(&rows, &mut log, 210).0, 1);
        assert_eq!(shown(&rows, &mut log, 249).0, 1);
        assert_eq!(shown(&rows, &mut log, 250).0, 2);
    }

    #[test]
    fn what_is_lost_is_the_end_of_the_log_and_the_rest_still_comes() {
        let (mut rows, mut log) = (Rows::default(), Log::default());
        commit(&mut rows, &mut log, 100, 50);
        commit(&mut rows, &mut log, 110, 50);
        commit(&mut rows, &mut log, 120, 50);
        let lost = log.lose_last(2);
        let versions: Vec<(u64, u64)> = lost
            .iter()
            .map(|(commit, shown)| (commit.row.version(), shown.version()))
            .collect();
        assert_eq!(versions, [(2, 0), (3, 0)]);
        assert_eq!(log.missing(), 1);
        log.catch_up(150);
        assert!(log.behind.is_empty());
    }

    #[test]
    fn what_is_committed_during_a_partition_arrives_at_its_end_and_what_was_on_its_way_in_time() {
        let (mut rows, mut log) = (Rows::default(), Log::default());
        commit(&mut rows, &mut log, 100, 50);
        log.cut(120);
        log.cut(125);
        commit(&mut rows, &mut log, 130, 50);
        commit(&mut rows, &mut log, 390, 50);
        assert_eq!(shown(&rows, &mut log, 399), (1, 130));
        log.mend(400);
        assert_eq!(shown(&rows, &mut log, 400).0, 2);
        assert_eq!(log.usage().max_s(), 270e-9);
        assert_eq!(shown(&rows, &mut log, 439).0, 2);
        assert_eq!(shown(&rows, &mut log, 440).0, 3);
    }

    #[test]
    fn nothing_arrives_while_the_primary_is_down() {
        let (mut rows, mut log) = (Rows::default(), Log::default());
        commit(&mut rows, &mut log, 100, 50);
        log.delay_until(400);
        assert_eq!(shown(&rows, &mut log, 399).0, 0);
        assert_eq!(shown(&rows, &mut log, 400).0, 1);
    }
}
