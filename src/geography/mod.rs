//! Regions, and how far they are from one another.
//!
//! App instances live in regions, each region having its share of them; a request is worked on
//! where its instance lives. What has a home region (a tier that everybody shares, the database, a
//! replica of it) is farther away for all others, by the round trip of the link between the two
//! regions: see [`Distance`]. What has no home is equally near to everybody.
//!
//! Without regions there is one place, and nothing here costs anything.
//!
//! Not here: what travels, and the network within a region (see `tier` and `database`).

use std::ops::Range;
use std::rc::Rc;

mod disturbance;

pub use disturbance::{Border, Disturbance, Disturbances, Home, Lost, Message, Origin, Trouble};

use crate::random::{Luck, Stream};
use crate::units::{Nanoseconds, RegionId};
use crate::workload::distribution::Distribution;

/// Regions as checked: every share is above 0, and whatever has a home is linked to all regions.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The regions; none means one place without a name.
    pub regions: Vec<RegionPlan>,
    /// How far they are from one another; each pair at most once.
    pub links: Vec<LinkPlan>,
}

/// One region.
#[derive(Clone, Debug)]
pub struct RegionPlan {
    /// Its name, unique in a scenario.
    pub name: String,
    /// Share of the app instances, and of the sessions, that live there; all shares add up to 1.
    pub share: f64,
}

/// How far two regions are from one another.
#[derive(Clone, Debug)]
pub struct LinkPlan {
    /// The two, which are not the same.
    pub between: [RegionId; 2],
    /// Round-trip time between them, in nanoseconds.
    pub round_trip: Distribution,
}

impl Plan {
    /// The region of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<RegionId> {
        let number = self.regions.iter().position(|it| it.name == name)?;
        Some(RegionId(number as u16))
    }

    /// How far two regions are from one another, if anybody said so.
    #[must_use]
    pub fn link(&self, one: RegionId, other: RegionId) -> Option<&LinkPlan> {
        let is_it = |it: &&LinkPlan| it.between == [one, other] || it.between == [other, one];
        self.links.iter().find(is_it)
    }

    /// All regions.
    pub fn ids(&self) -> impl Iterator<Item = RegionId> + use<> {
        (0..self.regions.len() as u16).map(RegionId)
    }

    /// How `many` instances or sessions are spread: those of each region, in order. Shares are
    /// rounded to whole ones, so a small region may get none.
    #[must_use]
    pub fn spread(&self, many: u32) -> Vec<Range<u32>> {
        let mut share = 0.0;
        let mut from = 0;
        let regions = self.regions.iter().map(|region| {
            share += region.share;
            let until = ((share * f64::from(many)).round() as u32).min(many);
            let range = from..until.max(from);
            from = range.end;
            range
        });
        let mut all: Vec<Range<u32>> = regions.collect();
        // Shares add up to 1 but for rounding.
        if let Some(last) = all.last_mut() {
            last.end = many;
        }
        all
    }
}

/// How many there are of those who may have nodes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Population {
    /// App instances, at least 1.
    pub instances: u32,
    /// Clients with an identity, at least 1.
    pub sessions: u32,
    /// Regions, at least 1.
    pub regions: u32,
}

/// Who lives where in one run, and how far that is from elsewhere.
#[derive(Debug)]
pub struct Geography {
    population: Population,
    instances: Vec<Range<u32>>,
    /// Empty where clients have no identity.
    sessions: Vec<Range<u32>>,
    region_of_instance: Vec<RegionId>,
    /// By the numbers of the two regions; none within a region, or where nobody said.
    links: Vec<Option<Distribution>>,
}

impl Geography {
    /// So many instances in the regions of `plan`, and so many sessions, if clients have an identity.
    #[must_use]
    pub fn new(plan: &Plan, instances: u32, sessions: Option<u32>) -> Self {
        let of_instances = plan.spread(instances);
        let regions = plan.ids().zip(&of_instances);
        let region_of_instance = regions.flat_map(|(id, range)| range.clone().map(move |_| id));
        let link = |one, other| plan.link(one, other).map(|it| it.round_trip.clone());
        let links = plan
            .ids()
            .flat_map(|one| plan.ids().map(move |other| link(one, other)));
        Self {
            population: Population {
                instances,
                sessions: sessions.unwrap_or(1),
                regions: (plan.regions.len() as u32).max(1),
            },
            region_of_instance: region_of_instance.collect(),
            links: links.collect(),
            sessions: sessions.map_or(Vec::new(), |many| plan.spread(many)),
            instances: of_instances,
        }
    }

    /// How many there are of whom.
    #[must_use]
    pub fn population(&self) -> Population {
        self.population
    }

    /// Where an app instance lives.
    #[inline]
    #[must_use]
    pub fn region_of(&self, instance: u32) -> RegionId {
        let region = self.region_of_instance.get(instance as usize);
        region.copied().unwrap_or_default()
    }

    /// An app instance that lives in the region of that number.
    #[must_use]
    pub fn first_instance_of(&self, region: u32) -> u32 {
        let range = self.instances.get(region as usize);
        range.map_or(0, |range| range.start)
    }

    /// The instances that a request of `session` may be sent to: those of the region where the
    /// session lives. All of them without regions, and where clients have no identity.
    #[inline]
    #[must_use]
    pub fn instances_for(&self, session: u32) -> Range<u32> {
        let home = self.sessions.iter().position(|it| it.contains(&session));
        match home {
            Some(region) => self.instances[region].clone(),
            None => 0..self.population.instances,
        }
    }

    /// The time that a message takes from one region to another and back, beyond what it takes
    /// within a region: none within one. `luck` is of whoever sends it, one draw at `index`.
    #[must_use]
    pub fn round_trip_ns(
        &self,
        from: RegionId,
        to: RegionId,
        luck: &Stream,
        index: u64,
    ) -> Nanoseconds {
        let regions = self.population.regions as usize;
        let link = self.links.get(from.number() * regions + to.number());
        match link {
            Some(Some(round_trip)) => round_trip.sample_u64(&mut luck.at(index)),
            _ => 0,
        }
    }

    /// The mean of [`Geography::round_trip_ns`].
    #[must_use]
    pub fn mean_round_trip_ns(&self, from: RegionId, to: RegionId) -> f64 {
        let regions = self.population.regions as usize;
        let link = self.links.get(from.number() * regions + to.number());
        match link {
            Some(Some(round_trip)) => round_trip.mean(),
            _ => 0.0,
        }
    }
}

/// How far something that lives in one region is from those who ask it.
#[derive(Debug)]
pub struct Distance {
    home: RegionId,
    geography: Rc<Geography>,
    luck: Stream,
}

impl Distance {
    /// What lives in `home` is called `what`, for its luck: `"tier.redis"`, `"database"`.
    #[must_use]
    pub fn new(home: RegionId, geography: &Rc<Geography>, what: &str, luck: Luck) -> Self {
        Self {
            home,
            geography: geography.clone(),
            luck: luck.stream(&format!("{what}.link")),
        }
    }

    /// Where it lives.
    #[must_use]
    pub fn home(&self) -> RegionId {
        self.home
    }

    /// Round-trip time of exchange `index` with somebody in `from`, beyond that within a region.
    #[must_use]
    pub fn round_trip_ns(&self, from: RegionId, index: u64) -> Nanoseconds {
        let Self {
            home,
            geography,
            luck,
        } = self;
        geography.round_trip_ns(from, *home, luck, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(shares: &[f64]) -> Plan {
        let region = |(number, &share): (usize, &f64)| RegionPlan {
            name: format!("r{number}"),
            share,
        };
        Plan {
            regions: shares.iter().enumerate().map(region).collect(),
            links: vec![LinkPlan {
                between: [RegionId(0), RegionId(1)],
                round_trip: Distribution::constant(80.0).unwrap(),
            }],
        }
    }

    #[test]
    fn instances_are_spread_by_share_in_whole_ones() {
        assert_eq!(plan(&[0.7, 0.2, 0.1]).spread(10), [0..7, 7..9, 9..10]);
        assert_eq!(plan(&[0.5, 0.5]).spread(3), [0..2, 2..3]);
        assert_eq!(plan(&[0.99, 0.01]).spread(3), [0..3, 3..3]);
        let third = 1.0 / 3.0;
        assert_eq!(plan(&[third, third, third]).spread(4), [0..1, 1..3, 3..4]);
    }

    #[test]
    fn a_session_is_served_where_it_lives() {
        let geography = Geography::new(&plan(&[0.5, 0.5]), 4, Some(10));
        assert_eq!(geography.instances_for(0), 0..2);
        assert_eq!(geography.instances_for(4), 0..2);
        assert_eq!(geography.instances_for(5), 2..4);
        assert_eq!(geography.region_of(1), RegionId(0));
        assert_eq!(geography.region_of(2), RegionId(1));
        let anonymous = Geography::new(&plan(&[0.5, 0.5]), 4, None);
        assert_eq!(anonymous.instances_for(0), 0..4);
    }

    #[test]
    fn only_what_lives_elsewhere_is_farther_away() {
        let luck = Luck::new(7, 0);
        let geography = Rc::new(Geography::new(&plan(&[0.5, 0.5]), 2, None));
        let distance = Distance::new(RegionId(1), &geography, "database", luck);
        assert_eq!(distance.round_trip_ns(RegionId(0), 3), 80);
        assert_eq!(distance.round_trip_ns(RegionId(1), 3), 0);
    }

    #[test]
    fn without_regions_there_is_one_place() {
        let geography = Geography::new(&Plan::default(), 3, Some(5));
        assert_eq!(geography.population().regions, 1);
        assert_eq!(geography.region_of(2), RegionId(0));
        assert_eq!(geography.instances_for(4), 0..3);
        let luck = Luck::new(7, 0).stream("any");
        let none = geography.round_trip_ns(RegionId(0), RegionId(0), &luck, 1);
        assert_eq!(none, 0);
    }
}
