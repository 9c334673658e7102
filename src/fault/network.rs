//! Network: exchanges between app instances and what they ask take longer for a time, or get lost.
//!
//! An exchange is two messages, and each may be lost: the question, so that nothing happens there, or
//! the answer, so that nobody learns what has happened. Between two regions, or between one and all
//! others, it is what crosses the border that suffers, both ways.
//!
//! A network on which everything gets lost is cut: for the servers of the database, too, that live on
//! both sides of a border, and for a node or a server that nobody reaches.
//!
//! Across the border of a region the messages of a bus suffer, too.
//!
//! Not here: what else happens to the messages that nodes, servers of the database, or a bus send each
//! other (see `replica-lag` and `bus-outage`).

use std::sync::Arc;

use super::target::{APP, DATABASE, INSTANCE, NODE, REGION, REPLICA, TIER};
use super::{Act, ActionRow, Event, Happening, Stage, Target, duration_ns};
use crate::database::Cut;
use crate::geography::{Border, Disturbance, Origin, Trouble};
use crate::pattern::System;
use crate::units::{Nanoseconds, RegionId, SECOND_NS};
use crate::workload::parameters::{Arguments, Kind, Parameter, ParameterError, Row};

pub(super) const ROW: ActionRow = ActionRow {
    targets: TARGETS,
    origins: ORIGINS,
    row: Row {
        name: "network",
        parameters: &[
            Parameter::optional(
                "delay",
                Kind::Durations,
                "the round trip of an exchange takes longer by this; no longer if nothing is said",
            ),
            Parameter::optional(
                "loss",
                Kind::Share,
                "the share of the messages that get lost, questions and answers alike; none if nothing is said",
            ),
            NOTICE,
            FOR,
        ],
        meaning: "exchanges between app instances and what they ask take longer, or get lost",
        source: "tc-netem(8): delay, loss",
        build: |arguments| {
            let delay = arguments.optional_distribution("delay")?.cloned();
            let loss = arguments.optional("loss")?.unwrap_or(0.0);
            if delay.is_none() && loss == 0.0 {
                let problem = "or `delay` must say what is wrong with the network";
                return Err(ParameterError::new("loss", problem));
            }
            Ok(Arc::new(Network {
                trouble: Trouble {
                    delay,
                    loss,
                    notice_ns: notice_ns(arguments)?,
                },
                for_ns: duration_ns(arguments, "for")?,
            }))
        },
    },
};

/// What the network can be disturbed on the way to.
pub(super) const TARGETS: &[&super::target::Kind] = &[&TIER, &NODE, &DATABASE, &REPLICA, &REGION];

/// Who can be disturbed on that way.
pub(super) const ORIGINS: &[&super::target::Kind] = &[&APP, &INSTANCE, &REGION];

pub(super) const NOTICE: Parameter = Parameter::optional(
    "notice",
    Kind::Duration,
    "how long an answer that does not come is waited for, where neither the `while_down` of a tier nor the `timeout` of the database says; 1s if nothing is said",
);

pub(super) const FOR: Parameter = Parameter::optional(
    "for",
    Kind::Duration,
    "for how long; to the end of the run if nothing is said",
);

/// The setting [`NOTICE`].
pub(super) fn notice_ns(arguments: &Arguments) -> Result<Nanoseconds, ParameterError> {
    arguments.duration_or("notice", SECOND_NS, 0)
}

/// A disturbance of the network, for a time.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) trouble: Trouble,
    /// For how long, if it ends by itself.
    pub(super) for_ns: Option<Nanoseconds>,
}

impl Act for Network {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let begun = self.begin(event, &stage.system);
            if let Some(for_ns) = self.for_ns {
                stage.kernel.sleep(for_ns).await;
                begun.into_iter().for_each(|one| one.end(&stage.system));
            }
        })
    }
}

/// A disturbance that has begun, with its number.
enum Begun {
    /// On the way to a tier.
    Tier(usize, u64),
    /// On the way to the database.
    Database(u64),
    /// Between a node and the others of its tier.
    AroundNode(usize, usize),
    /// Between servers of the database.
    BetweenServers(u64),
    /// Between the app instances that share the bus of a tier.
    OnBus(usize, u64),
}

impl Begun {
    fn end(self, system: &System) {
        match self {
            Self::Tier(level, number) => system.layers[level].tier.calm(number),
            Self::Database(number) => system.database.calm(number),
            Self::AroundNode(level, node) => system.layers[level].tier.rejoin(node),
            Self::BetweenServers(number) => system.database.mend(number),
            Self::OnBus(level, number) => system.open_border(level, number),
        }
    }
}

impl Network {
    fn begin(&self, event: &Event, system: &System) -> Vec<Begun> {
        let between = |from: Origin, except: Option<RegionId>, with: Option<usize>| Disturbance {
            from,
            except,
            with,
            trouble: self.trouble.clone(),
        };
        let tier = |level: usize, disturbance: Disturbance| {
            let number = system.layers[level].tier.disturb(disturbance);
            Begun::Tier(level, number)
        };
        let database = |disturbance| Begun::Database(system.database.disturb(disturbance));
        let from = event.from;
        let mut begun = self.cut(event, system);
        begun.extend(match event.target {
            Target::Tier { level } => vec![tier(level, between(from, None, None))],
            Target::Node { level, node } => vec![tier(level, between(from, None, Some(node)))],
            Target::Region { region } => {
                let mut begun = Vec::new();
                let border = Border {
                    region,
                    from,
                    trouble: self.trouble.clone(),
                };
                for (level, layer) in system.layers.iter().enumerate() {
                    let on_bus = system.close_border(level, &border);
                    begun.extend(on_bus.map(|number| Begun::OnBus(level, number)));
                    let crossing = crossing(layer.tier.plan().home, from, region);
                    begun.extend(
                        crossing.map(|(from, except)| tier(level, between(from, except, None))),
                    );
                }
                for (server, home) in system.database.homes().enumerate() {
                    let crossing = crossing(home, from, region);
                    begun.extend(
                        crossing
                            .map(|(from, except)| database(between(from, except, Some(server)))),
                    );
                }
                begun
            }
            other => match other.server() {
                None => Vec::new(),
                Some(server) => {
                    let server = system.database.number(server);
                    vec![database(between(from, None, Some(server)))]
                }
            },
        });
        begun
    }

    /// Cuts the network between nodes and between servers, if nothing gets through.
    fn cut(&self, event: &Event, system: &System) -> Vec<Begun> {
        if self.trouble.loss < 1.0 {
            return Vec::new();
        }
        let cut = |cut| vec![Begun::BetweenServers(system.database.cut(cut))];
        match (event.target, event.from) {
            (Target::Node { level, node }, Origin::Everywhere) => {
                system.layers[level].tier.isolate(node);
                vec![Begun::AroundNode(level, node)]
            }
            (Target::Region { region }, Origin::Everywhere) => cut(Cut::Region(region)),
            (Target::Region { region }, Origin::Region(other)) => cut(Cut::Between(region, other)),
            (target, Origin::Everywhere) if let Some(server) = target.server() => {
                cut(Cut::Server(system.database.number(server)))
            }
            _ => Vec::new(),
        }
    }
}

/// Whose exchanges with what lives in `home` cross the border between `region` and `from`: of whom, and
/// with the exception of which region. Nobody's with what lives nowhere in particular.
fn crossing(
    home: Option<RegionId>,
    from: Origin,
    region: RegionId,
) -> Option<(Origin, Option<RegionId>)> {
    let home = home?;
    if home == region {
        return Some((from, Some(region)));
    }
    match from {
        Origin::Everywhere => Some((Origin::Region(region), None)),
        Origin::Region(other) if other == home => Some((Origin::Region(region), None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_crosses_a_border_is_disturbed_both_ways_and_nothing_else() {
        let [eu, us, asia] = [0, 1, 2].map(RegionId);
        let of = |home, from| crossing(Some(home), from, us);
        // Around the whole of a region.
        assert_eq!(
            of(us, Origin::Everywhere),
            Some((Origin::Everywhere, Some(us)))
        );
        assert_eq!(of(eu, Origin::Everywhere), Some((Origin::Region(us), None)));
        // Between two.
        assert_eq!(
            of(us, Origin::Region(eu)),
            Some((Origin::Region(eu), Some(us)))
        );
        assert_eq!(of(eu, Origin::Region(eu)), Some((Origin::Region(us), None)));
        assert_eq!(of(asia, Origin::Region(eu)), None);
        // Of one instance, wherever that lives.
        assert_eq!(
            of(us, Origin::Instance(3)),
            Some((Origin::Instance(3), Some(us)))
        );
        assert_eq!(of(eu, Origin::Instance(3)), None);
        assert_eq!(crossing(None, Origin::Everywhere, us), None);
    }
}
