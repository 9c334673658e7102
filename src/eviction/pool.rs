//! The residents of a cache in an array, in no order, each with a note: so that any of them can be
//! drawn at random, with its note beside it.
//!
//! Not here: what the notes say and who leaves, which is what a policy is.

use super::Id;
use crate::prefetch::prefetch;
use crate::random::Draws;

const ABSENT: u32 = u32::MAX;

/// A resident and what the policy notes about it.
#[derive(Clone, Copy, Debug)]
pub struct Member<T> {
    /// Which resident.
    pub id: Id,
    /// What the policy notes.
    pub note: T,
}

/// The residents in an array, and where each of them is.
#[derive(Debug)]
pub struct Pool<T> {
    members: Vec<Member<T>>,
    positions: Vec<u32>,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            members: Vec::new(),
            positions: Vec::new(),
        }
    }
}

impl<T: Copy> Pool<T> {
    /// Ids below `bound` will be used from now on.
    pub fn reserve(&mut self, bound: usize) {
        if self.positions.len() < bound {
            self.positions.resize(bound, ABSENT);
        }
    }

    /// See [`super::Policy::prefetch`].
    #[inline]
    pub fn prefetch(&self, id: Id) {
        prefetch(&self.positions, id as usize);
    }

    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether `id` is one of them.
    #[inline]
    pub fn contains(&self, id: Id) -> bool {
        self.positions[id as usize] != ABSENT
    }

    /// The note of `id`, which is here.
    #[inline]
    pub fn note(&self, id: Id) -> &T {
        &self.members[self.positions[id as usize] as usize].note
    }

    /// The note of `id`, which is here, to be changed.
    #[inline]
    pub fn note_mut(&mut self, id: Id) -> &mut T {
        &mut self.members[self.positions[id as usize] as usize].note
    }

    /// `id`, which is not here, comes in.
    #[inline]
    pub fn insert(&mut self, id: Id, note: T) {
        self.positions[id as usize] = self.members.len() as u32;
        self.members.push(Member { id, note });
    }

    /// Takes `id`, which is here, out; the last of the array takes its place.
    #[inline]
    pub fn remove(&mut self, id: Id) -> T {
        let position = std::mem::replace(&mut self.positions[id as usize], ABSENT) as usize;
        let member = self.members.swap_remove(position);
        if let Some(moved) = self.members.get(position) {
            self.positions[moved.id as usize] = position as u32;
        }
        member.note
    }

    /// Any of them, each with the same probability; nothing if there are none.
    #[inline]
    pub fn draw(&self, draws: &mut Draws) -> Option<&Member<T>> {
        self.members
            .get(draws.below(self.members.len() as u64) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_takes_the_place_of_the_one_that_leaves() {
        let mut pool = Pool::default();
        pool.reserve(4);
        for id in 0..4 {
            pool.insert(id, id * 10);
        }
        assert_eq!(pool.remove(1), 10);
        assert_eq!(pool.remove(2), 20);
        assert!(!pool.contains(1) && !pool.contains(2));
        assert_eq!((*pool.note(0), *pool.note(3)), (0, 30));
        assert_eq!(pool.len(), 2);
    }

    #[test]
    fn each_is_drawn_as_often_as_the_others() {
        let mut pool = Pool::default();
        pool.reserve(5);
        let mut draws = Draws::from_seed(1);
        assert!(pool.draw(&mut draws).is_none());
        for id in 0..5 {
            pool.insert(id, ());
        }
        let mut counts = [0; 5];
        for _ in 0..10_000 {
            if let Some(member) = pool.draw(&mut draws) {
                counts[member.id as usize] += 1;
            }
        }
        assert!(
            counts.iter().all(|it| (1800..2200).contains(it)),
            "{counts:?}"
        );
    }
}
