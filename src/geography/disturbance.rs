//! Disturbances: what is wrong, for a time, with the network between app instances and one place (the
//! nodes of a tier, or the servers of the database).
//!
//! An exchange is two messages: one there, one back. Each is lost with the probability that holds when
//! it is sent. Who waits for an answer that does not come gives up in the end; that is a matter of the
//! place (see `tier` and `database`), and where nothing is said there, of the disturbance.
//!
//! Not here: how far places are from one another when all is well (see [`super::Distance`]), and the
//! messages that nodes and servers send each other.

use crate::kernel::Ongoing;
use crate::random::{Luck, Stream, mix};
use crate::units::{Nanoseconds, RegionId};
use crate::workload::Request;
use crate::workload::distribution::Distribution;

/// Whose exchanges: of which app instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// All.
    #[default]
    Everywhere,
    /// That one.
    Instance(u32),
    /// Those who work in a region.
    Region(RegionId),
}

impl Origin {
    /// Whether the request is worked on there.
    #[must_use]
    pub fn has(self, request: &Request) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Instance(instance) => request.instance == instance,
            Self::Region(region) => request.region == region,
        }
    }
}

/// What is wrong with the network.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// By so much the round trip of each exchange takes longer; `None` for not at all.
    pub delay: Option<Distribution>,
    /// The share of the messages that get lost.
    pub loss: f64,
    /// How long who waits for an answer does so, where nothing else is said.
    pub notice_ns: Nanoseconds,
}

/// A [`Trouble`], and between whom.
#[derive(Clone, Debug)]
pub struct Disturbance {
    /// Whose exchanges are disturbed, ...
    pub from: Origin,
    /// ... unless they are worked on in this region.
    pub except: Option<RegionId>,
    /// With which node or server; `None` for all of the place.
    pub with: Option<usize>,
    /// What is wrong.
    pub trouble: Trouble,
}

/// A message did not arrive. Who waits for the answer does so for this long, where nothing else is
/// said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How long.
    pub notice_ns: Nanoseconds,
}

/// A message that is sent.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// On behalf of whom.
    pub request: &'a Request,
    /// To or from which node or server.
    pub with: usize,
    /// The index of the draws of this exchange.
    pub index: u64,
    /// When.
    pub sent_ns: Nanoseconds,
}

/// Where somebody who sends messages lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// Which app instance it is, if it is one.
    pub instance: Option<u32>,
    /// In which region.
    pub region: RegionId,
}

/// A [`Trouble`] on everything that crosses a border: who is on one side of it, and not on the other.
#[derive(Clone, Debug)]
pub struct Border {
    /// Around that region, ...
    pub region: RegionId,
    /// ... as far as they are concerned who live on the other side.
    pub from: Origin,
    /// What is wrong.
    pub trouble: Trouble,
}

impl Border {
    /// Whether it lies between the two.
    #[must_use]
    pub fn separates(&self, one: Home, other: Home) -> bool {
        let crosses = |inside: Home, outside: Home| {
            let concerns = match self.from {
                Origin::Everywhere => true,
                Origin::Instance(instance) => outside.instance == Some(instance),
                Origin::Region(region) => outside.region == region,
            };
            inside.region == self.region && outside.region != self.region && concerns
        };
        crosses(one, other) || crosses(other, one)
    }
}

/// The disturbances of the way to one place at present.
#[derive(Debug)]
pub struct Disturbances {
    present: Ongoing<Disturbance>,
    delay_luck: Stream,
    loss_luck: Stream,
    answer_luck: Stream,
}

impl Disturbances {
    /// None, of the way to `what`, as it is called for its luck: `"tier.redis"`, `"database"`.
    #[must_use]
    pub fn new(what: &str, luck: Luck) -> Self {
        Self {
            present: Ongoing::default(),
            delay_luck: luck.stream(&format!("{what}.disturbance.delay")),
            loss_luck: luck.stream(&format!("{what}.disturbance.loss")),
            answer_luck: luck.stream(&format!("{what}.disturbance.answer")),
        }
    }

    /// Whether there is none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// One begins; the answer is its number.
    pub fn begin(&self, disturbance: Disturbance) -> u64 {
        self.present.begin(disturbance)
    }

    /// The one of that number ends.
    pub fn end(&self, number: u64) {
        self.present.end(number);
    }

    /// By how much the round trip of an exchange with a node or server takes longer that sets out now.
    ///
    /// # Errors
    /// If the message does not arrive.
    #[cold]
    pub fn set_out(&self, message: &Message<'_>) -> Result<Nanoseconds, Lost> {
        let Message {
            request,
            with,
            index,
            ..
        } = *message;
        self.arrives(message, &self.loss_luck)?;
        let mut delay_ns: Nanoseconds = 0;
        for (number, disturbance) in &*self.present.things() {
            if let Some(delay) = &disturbance.trouble.delay
                && disturbance.concerns(request, with)
            {
                let mut luck = self.delay_luck.at(index.wrapping_add(number << 32));
                delay_ns = delay_ns.saturating_add(delay.sample_u64(&mut luck));
            }
        }
        Ok(delay_ns)
    }

    /// The node or server answers now.
    ///
    /// # Errors
    /// If the answer does not arrive.
    #[cold]
    pub fn come_back(&self, message: &Message<'_>) -> Result<(), Lost> {
        self.arrives(message, &self.answer_luck)
    }

    fn arrives(&self, message: &Message<'_>, luck: &Stream) -> Result<(), Lost> {
        let (mut arrives, mut notice_ns) = (1.0, 0);
        for (_, disturbance) in &*self.present.things() {
            let trouble = &disturbance.trouble;
            if trouble.loss > 0.0 && disturbance.concerns(message.request, message.with) {
                arrives *= 1.0 - trouble.loss;
                notice_ns = trouble.notice_ns.max(notice_ns);
            }
        }
        // Who sends the same message again, later, has other luck.
        let mut luck = luck.at(message.index ^ mix(message.sent_ns));
        if luck.chance(1.0 - arrives) {
            return Err(Lost { notice_ns });
        }
        Ok(())
    }
}

impl Disturbance {
    fn concerns(&self, request: &Request, with: usize) -> bool {
        self.with.is_none_or(|only| only == with)
            && self.from.has(request)
            && self.except != Some(request.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(loss: f64) -> Trouble {
        Trouble {
            delay: Some(Distribution::constant(50.0).unwrap()),
            loss,
            notice_ns: 1000,
        }
    }

    fn of(instance: u32, region: u16) -> Request {
        Request {
            instance,
            region: RegionId(region),
            ..Request::default()
        }
    }

    fn message(request: &Request, with: usize, index: u64) -> Message<'_> {
        Message {
            request,
            with,
            index,
            sent_ns: 5,
        }
    }

    #[test]
    fn a_border_is_around_a_region_as_far_as_those_outside_are_concerned() {
        let home = |instance, region| Home {
            instance: Some(instance),
            region: RegionId(region),
        };
        let [here, there, elsewhere] = [home(0, 0), home(1, 1), home(2, 2)];
        let separates = |from, one, other| {
            let border = Border {
                region: RegionId(1),
                from,
                trouble: trouble(1.0),
            };
            assert_eq!(border.separates(one, other), border.separates(other, one));
            border.separates(one, other)
        };
        assert!(separates(Origin::Everywhere, here, there));
        assert!(separates(Origin::Everywhere, elsewhere, there));
        assert!(!separates(Origin::Everywhere, here, elsewhere));
        assert!(!separates(Origin::Everywhere, there, home(3, 1)));
        assert!(separates(Origin::Region(RegionId(0)), here, there));
        assert!(!separates(Origin::Region(RegionId(0)), elsewhere, there));
        assert!(separates(Origin::Instance(2), elsewhere, there));
        assert!(!separates(Origin::Instance(2), here, there));
        assert!(!separates(Origin::Instance(1), here, there));
    }

    #[test]
    fn only_exchanges_between_the_two_are_disturbed() {
        let disturbances = Disturbances::new("database", Luck::new(7, 0));
        let set_out =
            |instance, region, with| disturbances.set_out(&message(&of(instance, region), with, 5));
        let number = disturbances.begin(Disturbance {
            from: Origin::Region(RegionId(1)),
            except: None,
            with: Some(2),
            trouble: trouble(0.0),
        });
        assert_eq!(set_out(0, 1, 2), Ok(50));
        assert_eq!(set_out(0, 1, 1), Ok(0));
        assert_eq!(set_out(0, 0, 2), Ok(0));
        disturbances.end(number);
        assert!(disturbances.is_empty());
        disturbances.begin(Disturbance {
            from: Origin::Everywhere,
            except: Some(RegionId(0)),
            with: None,
            trouble: trouble(1.0),
        });
        assert_eq!(set_out(0, 0, 2), Ok(0));
        let lost = Lost { notice_ns: 1000 };
        assert_eq!(set_out(0, 1, 2), Err(lost));
        let answer = disturbances.come_back(&message(&of(0, 1), 2, 5));
        assert_eq!(answer, Err(lost));
    }

    #[test]
    fn of_messages_there_and_back_the_same_share_is_lost_and_independently() {
        let disturbances = Disturbances::new("tier.redis", Luck::new(7, 0));
        for loss in [0.2, 0.5] {
            disturbances.begin(Disturbance {
                from: Origin::Instance(3),
                except: None,
                with: None,
                trouble: trouble(loss),
            });
        }
        let request = of(3, 0);
        let (mut there, mut back, mut both) = (0_u32, 0_u32, 0_u32);
        for index in 0..10_000 {
            let message = message(&request, 0, index);
            let is_lost = disturbances.set_out(&message).is_err();
            let answer_is_lost = disturbances.come_back(&message).is_err();
            there += u32::from(is_lost);
            back += u32::from(answer_is_lost);
            both += u32::from(is_lost && answer_is_lost);
        }
        // 1 - 0.8 x 0.5, and 0.6 x 0.6.
        for (lost, expected) in [(there, 6000), (back, 6000), (both, 3600)] {
            assert!(lost.abs_diff(expected) < 150, "{lost} of {expected}");
        }
    }
}
