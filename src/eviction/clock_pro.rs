//! CLOCK-Pro: LIRS with clock hands. Entries whose accesses lie close together are hot, the others cold;
//! cold ones leave, and are remembered for a test period; a cold entry asked for within it becomes
//! hot.
//!
//! Source: S. Jiang, F. Chen, X. Zhang, "CLOCK-Pro: an effective improvement of the CLOCK replacement",
//! USENIX ATC 2005.
//!
//! Known weakness: it remembers as many evicted entries as it holds, and forgets all else.
//!
//! The cold residents, few among many hot entries, are linked a second time among themselves in the
//! order of the clock, so that HAND_cold finds the next one without passing the hot ones between.

use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};
use crate::prefetch::prefetch;

const NOBODY: Id = Id::MAX;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Not in the list.
    #[default]
    Unknown,
    Hot,
    Cold,
    /// A cold entry that was evicted within its test period.
    Ghost,
}

/// A place in the circular list.
#[derive(Clone, Copy, Debug)]
struct Node {
    next: Id,
    previous: Id,
    /// Its neighbours among cold residents, if it is one.
    next_cold: Id,
    previous_cold: Id,
    kind: Kind,
    /// The reference bit.
    referenced: bool,
    /// Within its test period.
    tested: bool,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            next: NOBODY,
            previous: NOBODY,
            next_cold: NOBODY,
            previous_cold: NOBODY,
            kind: Kind::Unknown,
            referenced: false,
            tested: false,
        }
    }
}

/// The list with its three hands.
#[derive(Debug)]
pub struct ClockPro<W> {
    nodes: Vec<Node>,
    /// The list head is behind the hot hand.
    hot_hand: Id,
    cold_hand: Id,
    test_hand: Id,
    /// The first cold residents at or after the hot and the cold hand.
    cold_at_hot_hand: Id,
    cold_at_cold_hand: Id,
    /// From the cold hand (included) to the hot hand (excluded) there is a way, and no cold resident on
    /// it; so an entry that joins at the list head is the next that the cold hand meets.
    faces_head: bool,
    /// m_c: the weight that cold residents should have.
    cold_target: u64,
    len: usize,
    hot: u64,
    cold: u64,
    ghosts: u64,
    weights: W,
    capacity: u64,
}

impl<W: Weights> Described for ClockPro<W> {
    const DESCRIPTION: Description = Description {
        name: "clock-pro",
        summary: "LIRS with clock hands: hot entries, cold ones, and a test period for those that left",
        source: "Jiang, Chen, Zhang, \"CLOCK-Pro: an effective improvement of the CLOCK replacement\", USENIX ATC 2005",
        parameters: &[],
        replay_only: false,
    };

    fn new(setup: &Setup) -> Self {
        Self {
            nodes: Vec::new(),
            hot_hand: NOBODY,
            cold_hand: NOBODY,
            test_hand: NOBODY,
            cold_at_hot_hand: NOBODY,
            cold_at_cold_hand: NOBODY,
            faces_head: false,
            cold_target: 1,
            len: 0,
            hot: 0,
            cold: 0,
            ghosts: 0,
            weights: W::default(),
            capacity: setup.capacity,
        }
    }
}

impl<W: Weights> ClockPro<W> {
    fn node(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id as usize]
    }

    fn next(&self, id: Id) -> Id {
        self.nodes[id as usize].next
    }

    /// What entries of this kind weigh together.
    fn total(&mut self, kind: Kind) -> &mut u64 {
        match kind {
            Kind::Hot => &mut self.hot,
            Kind::Cold => &mut self.cold,
            Kind::Ghost | Kind::Unknown => &mut self.ghosts,
        }
    }

    fn change(&mut self, id: Id, kind: Kind) {
        let weight = self.weights.of(id);
        let old = std::mem::replace(&mut self.node(id).kind, kind);
        *self.total(old) -= weight;
        *self.total(kind) += weight;
    }

    /// `id`, which is at the hot hand or at the list head behind it, joins the cold residents.
    fn link_cold(&mut self, id: Id, meets_cold_hand: bool) {
        let next = self.cold_at_hot_hand;
        if next == NOBODY {
            self.node(id).next_cold = id;
            self.node(id).previous_cold = id;
            (self.cold_at_hot_hand, self.cold_at_cold_hand) = (id, id);
        } else {
            let previous = self.nodes[next as usize].previous_cold;
            self.node(id).next_cold = next;
            self.node(id).previous_cold = previous;
            self.node(previous).next_cold = id;
            self.node(next).previous_cold = id;
            if meets_cold_hand {
                self.cold_at_cold_hand = id;
            }
        }
        if meets_cold_hand {
            self.faces_head = false;
        }
    }

    /// `id` is no cold resident any more.
    fn unlink_cold(&mut self, id: Id) {
        let Node {
            next_cold: next,
            previous_cold: previous,
            ..
        } = self.nodes[id as usize];
        self.node(id).next_cold = NOBODY;
        self.node(id).previous_cold = NOBODY;
        if next == id {
            (self.cold_at_hot_hand, self.cold_at_cold_hand) = (NOBODY, NOBODY);
            return;
        }
        self.node(previous).next_cold = next;
        self.node(next).previous_cold = previous;
        if self.cold_at_cold_hand == id {
            // The stretch before `id` and the one behind it are one now.
            self.faces_head |= self.cold_at_hot_hand == next;
            self.cold_at_cold_hand = next;
        }
        if self.cold_at_hot_hand == id {
            self.cold_at_hot_hand = next;
        }
    }

    /// The hot hand moves on by one.
    fn advance_hot_hand(&mut self) {
        let passed = self.hot_hand;
        let node = self.nodes[passed as usize];
        if node.kind == Kind::Cold {
            if self.cold_at_cold_hand == passed {
                self.faces_head = false;
            }
            self.cold_at_hot_hand = node.next_cold;
        } else if passed == self.cold_hand {
            self.faces_head = true;
        }
        self.hot_hand = node.next;
    }

    /// `id` joins at the list head.
    fn link(&mut self, id: Id, node: Node) {
        let weight = self.weights.of(id);
        *self.total(node.kind) += weight;
        if self.hot_hand == NOBODY {
            *self.node(id) = Node {
                next: id,
                previous: id,
                ..node
            };
            (self.hot_hand, self.cold_hand, self.test_hand) = (id, id, id);
            if node.kind == Kind::Cold {
                self.link_cold(id, true);
            }
            return;
        }
        let next = self.hot_hand;
        let previous = self.nodes[next as usize].previous;
        *self.node(id) = Node {
            next,
            previous,
            ..node
        };
        self.node(previous).next = id;
        self.node(next).previous = id;
        if node.kind == Kind::Cold {
            let meets_cold_hand = self.faces_head && self.cold_hand != self.hot_hand;
            self.link_cold(id, meets_cold_hand);
        }
    }

    /// Takes `id` out; hands on it move on.
    fn unlink(&mut self, id: Id) {
        if self.nodes[id as usize].kind == Kind::Cold {
            self.unlink_cold(id);
        }
        let weight = self.weights.of(id);
        let node = std::mem::take(self.node(id));
        *self.total(node.kind) -= weight;
        let next = if node.next == id { NOBODY } else { node.next };
        for hand in [&mut self.hot_hand, &mut self.cold_hand, &mut self.test_hand] {
            if *hand == id {
                *hand = next;
            }
        }
        if next != NOBODY {
            self.node(node.previous).next = node.next;
            self.node(node.next).previous = node.previous;
        }
    }

    fn greatest_cold_target(&self) -> u64 {
        self.capacity.saturating_sub(1).max(1)
    }

    /// A cold entry was asked for within its test period: there should be more room for cold ones.
    fn grow_cold(&mut self, by: u64) {
        self.cold_target = (self.cold_target + by).min(self.greatest_cold_target());
    }

    /// A test period ended without an access.
    fn end_test(&mut self, id: Id, departures: &mut Departures) {
        let weight = self.weights.of(id);
        if !self.nodes[id as usize].tested {
            return;
        }
        self.cold_target = self.cold_target.saturating_sub(weight).max(1);
        self.node(id).tested = false;
        if self.nodes[id as usize].kind == Kind::Ghost {
            self.unlink(id);
            departures.forget(id);
        }
    }

    /// HAND_hot: makes one hot entry cold.
    fn run_hot_hand(&mut self, departures: &mut Departures) {
        while self.hot > 0 {
            let id = self.hot_hand;
            match self.nodes[id as usize].kind {
                Kind::Hot if self.nodes[id as usize].referenced => {
                    self.node(id).referenced = false;
                    self.advance_hot_hand();
                }
                Kind::Hot => {
                    let meets_cold_hand = self.faces_head || self.cold_hand == id;
                    self.change(id, Kind::Cold);
                    self.link_cold(id, meets_cold_hand);
                    self.node(id).tested = false;
                    // It is behind the hand now, and so are those that the cold hand has yet to meet.
                    self.hot_hand = self.next(id);
                    return;
                }
                // "It also does what HAND_test does."
                _ => {
                    self.advance_hot_hand();
                    if !self.nodes[id as usize].referenced {
                        self.end_test(id, departures);
                    }
                }
            }
        }
    }

    /// HAND_test: ends test periods until one ghost is gone.
    fn run_test_hand(&mut self, departures: &mut Departures) {
        let before = self.ghosts;
        while self.ghosts == before && before > 0 {
            let id = self.test_hand;
            self.test_hand = self.next(id);
            let node = self.nodes[id as usize];
            if node.kind != Kind::Hot && !node.referenced {
                self.end_test(id, departures);
            }
        }
    }

    fn promote(&mut self, id: Id, departures: &mut Departures) {
        self.unlink(id);
        self.link(
            id,
            Node {
                kind: Kind::Hot,
                ..Node::default()
            },
        );
        self.cool(departures);
    }

    /// As many hot entries become cold as are too many.
    fn cool(&mut self, departures: &mut Departures) {
        while self.hot > self.capacity.saturating_sub(self.cold_target) {
            self.run_hot_hand(departures);
        }
    }

    /// HAND_cold: looks at one cold resident, and evicts it if nobody asked for it.
    fn run_cold_hand(&mut self, departures: &mut Departures) {
        if self.cold == 0 {
            self.run_hot_hand(departures);
        }
        let id = self.cold_at_cold_hand;
        let next_cold = self.nodes[id as usize].next_cold;
        self.faces_head = self.cold_at_hot_hand == next_cold;
        self.cold_hand = self.next(id);
        self.cold_at_cold_hand = next_cold;
        let weight = self.weights.of(id);
        let node = self.nodes[id as usize];
        if node.referenced && node.tested {
            self.grow_cold(weight);
            self.promote(id, departures);
        } else if node.referenced {
            // Another test period, from the list head.
            self.unlink(id);
            self.link(
                id,
                Node {
                    kind: Kind::Cold,
                    tested: true,
                    ..Node::default()
                },
            );
        } else {
            self.len -= 1;
            departures.evict(id);
            if node.tested {
                self.unlink_cold(id);
                self.change(id, Kind::Ghost);
                // The list remembers as much as the cache holds.
                while self.ghosts > self.capacity {
                    self.run_test_hand(departures);
                }
            } else {
                self.unlink(id);
                departures.forget(id);
            }
        }
    }
}

impl<W: Weights> Policy for ClockPro<W> {
    fn reserve(&mut self, bound: usize) {
        self.weights.reserve(bound);
        if self.nodes.len() < bound {
            self.nodes.resize(bound, Node::default());
        }
    }

    #[inline]
    fn prefetch(&self, id: Id, _key: u64) {
        prefetch(&self.nodes, id as usize);
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        matches!(self.nodes[id as usize].kind, Kind::Hot | Kind::Cold)
    }

    #[inline]
    fn hit(&mut self, id: Id, _access: &Access, _departures: &mut Departures) {
        self.node(id).referenced = true;
    }

    fn insert(&mut self, id: Id, access: &Access, departures: &mut Departures) -> bool {
        let is_known = self.nodes[id as usize].kind == Kind::Ghost;
        if is_known {
            let weight = self.weights.of(id);
            self.grow_cold(weight);
            self.unlink(id);
        }
        let weight = W::measure(access.weight);
        if weight > self.capacity {
            departures.forget(id);
            return false;
        }
        while self.weight() > self.capacity - weight {
            self.run_cold_hand(departures);
        }
        self.weights.set(id, weight);
        self.len += 1;
        // While there is room entries start as hot, as in LIRS.
        let fits_hot = self.hot + weight <= self.capacity.saturating_sub(self.cold_target);
        let kind = if is_known || fits_hot {
            Kind::Hot
        } else {
            Kind::Cold
        };
        self.link(
            id,
            Node {
                kind,
                tested: kind == Kind::Cold,
                ..Node::default()
            },
        );
        self.cool(departures);
        true
    }

    fn remove(&mut self, id: Id) {
        self.unlink(id);
        self.len -= 1;
    }

    fn len(&self) -> usize {
        self.len
    }

    fn weight(&self) -> u64 {
        self.hot + self.cold
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::Trial;

    #[test]
    fn a_loop_larger_than_the_cache_hits_as_much_as_fits() {
        let mut trial = Trial::new("clock-pro", 8);
        let round: Vec<u32> = (0..10).collect();
        for _ in 0..10 {
            trial.ask(&round);
        }
        let hits = trial.ask(&round).iter().filter(|hit| **hit).count();
        assert!(hits >= 6, "{hits} of 10, where LRU has none");
    }

    #[test]
    fn a_cold_entry_asked_for_in_its_test_period_becomes_hot() {
        // 1 to 3 fill the hot part and 4 the cold one. 5 pushes 4 out, which comes back as hot and makes
        // 1 cold; so 6 pushes 5 or 1 out, not 4.
        let mut trial = Trial::new("clock-pro", 4);
        trial.ask(&[1, 2, 3, 4, 5, 4, 6]);
        assert!(trial.residents().contains(&4));
        let mut untested = Trial::new("clock-pro", 4);
        untested.ask(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(untested.residents(), [1, 2, 3, 6]);
    }
}
