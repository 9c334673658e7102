//! Resize: the number of a tier's shards changes while it runs.
//!
//! Either the placement changes and the entries stay where they are: those of keys that now belong to
//! another node are not found any more, and if a later resize leads back to them they are found again, as
//! old as they are. Or entries are moved, one after the other and no faster than a rate; each costs an
//! exchange with either node. Until its entry has moved, a key belongs to the node that has it.
//!
//! Not here: which keys belong where (see `placement`).

use std::rc::Rc;

use super::membership::Members;
use super::replication::Told;
use super::trip::Trip;
use super::{Errand, Exchange, Tier};
use crate::kernel::Label;
use crate::placement::{self, Scheme};
use crate::random::mix;
use crate::units::{Key, Nanoseconds, SECOND_NS};

/// An entry that is to move.
#[derive(Clone, Copy, Debug)]
struct Move {
    group: u32,
    key: Key,
    from_shard: u32,
}

impl Tier {
    /// From now on the tier has so many shards, which its plan announced. With a `rate_per_s` entries of
    /// keys that belong elsewhere are moved, so many a second at most.
    pub fn resize(self: &Rc<Self>, shards: u32, rate_per_s: Option<f64>) {
        let Some(members) = &self.members else { return };
        let scheme = self.plan.placement.build_after(&*members.now().1, shards);
        let moves = self.moves(members, &*scheme);
        members.set_shards(shards, scheme.into());
        self.note_down_shards();
        match rate_per_s {
            Some(rate_per_s) => {
                let mut pending = members.pending.borrow_mut();
                for it in &moves {
                    pending.insert((it.group, it.key), it.from_shard);
                }
                drop(pending);
                members.begin_migrations();
                self.start_moving(moves, rate_per_s);
            }
            None => self.clear_unused(members),
        }
    }

    /// The entries whose keys will belong to another shard. Only what can be found now counts.
    fn moves(&self, members: &Members, scheme: &dyn Scheme) -> Vec<Move> {
        let mut moves = Vec::new();
        if !members.has_one_node() {
            return moves;
        }
        let groups = self.nodes.len() as u32 / members.stride;
        let mut entries = 0;
        for group in 0..groups {
            for from_shard in 0..members.shards_max {
                let node = members.primary(group, from_shard);
                for (key, _) in self.nodes[node].cache.borrow().iter() {
                    if members.node_in_group(group, key) != node {
                        continue;
                    }
                    entries += 1;
                    let to_shard = scheme.node(key, placement::hash(key));
                    if to_shard != from_shard {
                        moves.push(Move {
                            group,
                            key,
                            from_shard,
                        });
                    }
                }
            }
        }
        if self.meter.is_measuring() {
            self.counts().entries_at_resize.add(entries);
            self.counts().keys_moved.add(moves.len() as u64);
        }
        moves
    }

    /// Nodes that hold no shard any more are switched off.
    fn clear_unused(&self, members: &Members) {
        let groups = self.nodes.len() as u32 / members.stride;
        for group in 0..groups {
            for shard in members.shards()..members.shards_max {
                for node in members.copies_of(&self.plan, group, shard) {
                    members.forget_told(node);
                    self.nodes[node].clear(&self.plan);
                }
            }
        }
    }

    fn start_moving(self: &Rc<Self>, moves: Vec<Move>, rate_per_s: f64) {
        let tier = self.clone();
        let pause_ns = (SECOND_NS as f64 / rate_per_s).round() as Nanoseconds;
        let label = Label {
            kind: "moves of tier",
            number: self.level as u64,
        };
        self.kernel.spawn(label, async move {
            let Some(members) = &tier.members else { return };
            let mut next_ns = tier.kernel.now();
            for it in moves {
                tier.kernel.sleep_until(next_ns).await;
                next_ns = tier.kernel.now().max(next_ns + pause_ns);
                tier.move_entry(members, it).await;
            }
            tier.clear_unused(members);
        });
    }

    /// Moves one entry, if it is still where it was and belongs elsewhere.
    async fn move_entry(&self, members: &Members, it: Move) {
        let place = (it.group, it.key);
        let is_due = || members.pending.borrow().get(&place) == Some(&it.from_shard);
        if !is_due() {
            return;
        }
        let from = members.primary(it.group, it.from_shard);
        let to = members.primary(it.group, members.shard_of(it.key));
        let is_there = self.nodes[from].cache.borrow().peek(it.key).is_some();
        let mut has_arrived = from != to && is_there;
        if has_arrived {
            let luck_index = mix(it.key ^ mix(self.kernel.now()));
            let errand = |exchange, bytes, luck_index| Errand {
                exchange,
                bytes,
                luck_index,
            };
            let fetched = errand(Exchange::LookUp, 0, luck_index);
            let there = Trip::at(self, from, it.key, fetched).await;
            let mut luck = self.network_luck.at(luck_index);
            let round_trip_ns = self.plan.network.sample_u64(&mut luck);
            self.kernel.sleep(round_trip_ns).await;
            let bytes = self.bytes_to_send(from, it.key);
            let stored = errand(Exchange::Set, bytes, mix(luck_index));
            let here = Trip::at(self, to, it.key, stored).await;
            has_arrived = there.is_ok() && here.is_ok();
        }
        // Whatever became of the entry, from now on the key belongs where the placement says.
        if !is_due() {
            return;
        }
        members.end_move(it.group, it.key);
        if !has_arrived {
            return;
        }
        let source = &self.nodes[from];
        let expires_ns = source.cache.borrow().expires_ns(it.key);
        let taken = source.cache.borrow_mut().remove(it.key);
        let (Some(resident), Some(expires_ns)) = (taken, expires_ns) else {
            return;
        };
        self.let_go(source, &resident);
        members.tell(self, from, it.key, &Told::Dropped(None));
        let row = resident.row();
        self.copy_in(to, it.key, &row, expires_ns);
        members.tell(self, to, it.key, &Told::Stored(row, expires_ns));
        if self.meter.is_measuring() {
            self.counts().entries_moved.increment();
        }
    }
}
