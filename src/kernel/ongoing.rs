//! What goes on for a while: several things of one kind at a time, each ended by its number.

use std::cell::{Cell, Ref, RefCell};

/// Things that have begun and not ended, in the order in which they began.
#[derive(Debug)]
pub struct Ongoing<T> {
    things: RefCell<Vec<(u64, T)>>,
    begun: Cell<u64>,
    /// How many there are, to be asked without a borrow.
    many: Cell<usize>,
}

impl<T> Default for Ongoing<T> {
    fn default() -> Self {
        Self {
            things: RefCell::default(),
            begun: Cell::new(0),
            many: Cell::new(0),
        }
    }
}

impl<T> Ongoing<T> {
    /// Something begins. The answer is its number, by which it is [ended](Ongoing::end).
    pub fn begin(&self, thing: T) -> u64 {
        let number = self.begun.replace(self.begun.get() + 1);
        self.things.borrow_mut().push((number, thing));
        self.many.set(self.many.get() + 1);
        number
    }

    /// The thing of that number ends, which is the answer; nothing if it has ended already.
    pub fn end(&self, number: u64) -> Option<T> {
        let mut things = self.things.borrow_mut();
        let place = things.iter().position(|(other, _)| *other == number)?;
        let (_, thing) = things.remove(place);
        self.many.set(things.len());
        Some(thing)
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.many.get() == 0
    }

    /// All of them, with their numbers.
    pub fn things(&self) -> Ref<'_, [(u64, T)]> {
        Ref::map(self.things.borrow(), Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ends_by_its_own_number_whatever_began_since() {
        let ongoing = Ongoing::default();
        assert!(ongoing.is_empty());
        let [first, second] = ["a", "b"].map(|thing| ongoing.begin(thing));
        assert_eq!(ongoing.end(first), Some("a"));
        assert_eq!(ongoing.end(first), None);
        assert_eq!(*ongoing.things(), [(second, "b")]);
        let third = ongoing.begin("c");
        ongoing.end(second);
        assert_eq!(*ongoing.things(), [(third, "c")]);
        ongoing.end(third);
        assert!(ongoing.is_empty());
    }
}
