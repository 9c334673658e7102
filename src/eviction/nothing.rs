//! No cache: nothing is ever admitted.
//!
//! For comparisons: what the tiers below see when a tier is taken away but its network hop is not.

use std::marker::PhantomData;

use super::queue::Weights;
use super::{Access, Departures, Described, Description, Id, Policy, Setup};

/// Holds nothing.
#[derive(Debug)]
pub struct Nothing<W>(PhantomData<W>);

impl<W: Weights> Described for Nothing<W> {
    const DESCRIPTION: Description = Description {
        name: "nothing",
        summary: "no cache: nothing is ever admitted",
        source: "the baseline",
        parameters: &[],
        replay_only: false,
    };

    fn new(_setup: &Setup) -> Self {
        Self(PhantomData)
    }
}

impl<W: Weights> Policy for Nothing<W> {
    fn reserve(&mut self, _bound: usize) {}

    #[inline]
    fn contains(&self, _id: Id) -> bool {
        false
    }

    fn hit(&mut self, _id: Id, _access: &Access, _departures: &mut Departures) {}

    #[inline]
    fn insert(&mut self, id: Id, _access: &Access, departures: &mut Departures) -> bool {
        departures.forget(id);
        false
    }

    fn remove(&mut self, _id: Id) {}

    fn len(&self) -> usize {
        0
    }

    fn weight(&self) -> u64 {
        0
    }
}
