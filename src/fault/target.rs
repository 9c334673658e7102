//! Targets: to whom something happens, as the timeline names it. One row of [`KINDS`] per kind of
//! target; an action says which kinds it can happen to.
//!
//! A target is spelled as words between dots; a word in capitals stands for a name or a number.

use crate::database::{self, Which};
use crate::geography::{self, Origin};
use crate::invalidation;
use crate::pattern::{LayerPlan, System};
use crate::units::RegionId;

/// To whom something happens: names are resolved and what is named exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The world as a whole: of actions that name no target.
    World,
    /// All app instances.
    App,
    /// One app instance.
    Instance {
        /// Counted from 0.
        instance: u32,
    },
    /// What lives in a region.
    Region {
        /// Which.
        region: RegionId,
    },
    /// All nodes of a tier.
    Tier {
        /// Counted from the client.
        level: usize,
    },
    /// One node of a tier.
    Node {
        /// The tier, counted from the client.
        level: usize,
        /// The node, counted from 0.
        node: usize,
    },
    /// The database, or its primary where it has replicas.
    Database,
    /// The server of the database that is this replica at the start.
    Replica {
        /// Counted from 0.
        replica: usize,
    },
}

/// A target that does not exist, or that something else happens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTarget {
    /// What is wrong.
    pub message: String,
    /// What could be written instead.
    pub help: String,
}

/// The role of those to whom something happens, for [`Target::find`].
pub const TARGETS: &str = "targets";

/// The role of those from whom something comes, likewise.
pub const ORIGINS: &str = "origins";

/// Where targets are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// How many app instances there are.
    pub instances: u32,
    /// Where they live.
    pub geography: &'a geography::Plan,
    /// Tiers from the client to the database.
    pub tiers: &'a [LayerPlan],
    /// The database.
    pub database: &'a database::Plan,
}

/// A kind of target.
#[derive(Debug)]
pub struct Kind {
    /// How it is spelled.
    pub spelled: &'static str,
    /// One of it, as it would be written in a scenario.
    pub example: &'static str,
    /// What it is, in a few words.
    pub meaning: &'static str,
    /// What is called so, given what is written in place of the words in capitals.
    find: fn(&[&str], &Places<'_>) -> Result<Target, NoTarget>,
    /// Some that the scenario has, to be suggested.
    suggestions: fn(&Places<'_>) -> Vec<String>,
}

/// All nodes of a tier.
pub static TIER: Kind = Kind {
    spelled: "tier.NAME",
    example: "\"tier.redis\"",
    meaning: "all nodes of a tier",
    find: |names, places| {
        let level = tier(names[0], places)?;
        Ok(Target::Tier { level })
    },
    suggestions: |places| {
        let name = |layer: &LayerPlan| format!("`tier.{}`", layer.tier.name);
        places.tiers.iter().map(name).collect()
    },
};

/// One node of a tier.
pub static NODE: Kind = Kind {
    spelled: "tier.NAME.node.NUMBER",
    example: "\"tier.redis.node.0\"",
    meaning: "one node of it",
    find: |names, places| {
        let level = tier(names[0], places)?;
        node(level, names[1], places)
    },
    suggestions: |places| {
        let name = |layer: &LayerPlan| format!("`tier.{}.node.0`", layer.tier.name);
        places.tiers.iter().map(name).collect()
    },
};

/// All nodes of a tier whose entries expire.
pub static AGEING_TIER: Kind = Kind {
    spelled: TIER.spelled,
    example: TIER.example,
    meaning: "all nodes of a tier with a `ttl`",
    find: |names, places| {
        let level = ageing_tier(names[0], places)?;
        Ok(Target::Tier { level })
    },
    suggestions: |places| {
        let name = |layer: &LayerPlan| format!("`tier.{}`", layer.tier.name);
        ageing_tiers(places).map(name).collect()
    },
};

/// One node of a tier whose entries expire.
pub static AGEING_NODE: Kind = Kind {
    spelled: NODE.spelled,
    example: NODE.example,
    meaning: "one node of it",
    find: |names, places| {
        let level = ageing_tier(names[0], places)?;
        node(level, names[1], places)
    },
    suggestions: |places| {
        let name = |layer: &LayerPlan| format!("`tier.{}.node.0`", layer.tier.name);
        ageing_tiers(places).map(name).collect()
    },
};

/// The bus between the copies of a tier.
pub static BUS: Kind = Kind {
    spelled: TIER.spelled,
    example: "\"tier.process\"",
    meaning: "a tier with the invalidation \"pub-sub\"",
    find: |names, places| {
        let level = tier(names[0], places)?;
        if !has_bus(&places.tiers[level]) {
            return Err(NoTarget {
                message: format!("the tier `{}` has no bus", names[0]),
                help: "add `invalidation = [\"pub-sub\"]` to the tier".to_owned(),
            });
        }
        Ok(Target::Tier { level })
    },
    suggestions: |places| {
        let with_bus = places.tiers.iter().filter(|layer| has_bus(layer));
        let name = |layer: &LayerPlan| format!("`tier.{}`", layer.tier.name);
        with_bus.map(name).collect()
    },
};

/// All app instances.
pub static APP: Kind = Kind {
    spelled: "app",
    example: "\"app\"",
    meaning: "all app instances",
    find: |_, _| Ok(Target::App),
    suggestions: |_| vec!["`app`".to_owned()],
};

/// One app instance.
pub static INSTANCE: Kind = Kind {
    spelled: "app.instance.NUMBER",
    example: "\"app.instance.0\"",
    meaning: "one app instance",
    find: |names, places| {
        let count = places.instances as usize;
        let instance = number(names[0], count, "the app has no instance")? as u32;
        Ok(Target::Instance { instance })
    },
    suggestions: |_| vec!["`app.instance.0`".to_owned()],
};

/// What lives in a region.
pub static REGION: Kind = Kind {
    spelled: "region.NAME",
    example: "\"region.eu\"",
    meaning: "what lives in a region",
    find: |names, places| {
        let region = places.geography.find(names[0]);
        let region = region.ok_or_else(|| NoTarget {
            message: format!("there is no region `{}`", names[0]),
            help: match (REGION.suggestions)(places).join(", ") {
                none if none.is_empty() => "the scenario has no regions".to_owned(),
                some => format!("there is {some}"),
            },
        })?;
        Ok(Target::Region { region })
    },
    suggestions: |places| {
        let regions = places.geography.regions.iter();
        regions.map(|it| format!("`region.{}`", it.name)).collect()
    },
};

/// The database.
pub static DATABASE: Kind = Kind {
    spelled: "database",
    example: "\"database\"",
    meaning: "the database, or its primary where it has replicas",
    find: |_, _| Ok(Target::Database),
    suggestions: |_| vec!["`database`".to_owned()],
};

/// One replica of the database.
pub static REPLICA: Kind = Kind {
    spelled: "database.replica.NUMBER",
    example: "\"database.replica.0\"",
    meaning: "one replica of it",
    find: |names, places| {
        let count = places.database.replica_count();
        let replica = number(names[0], count, "the database has no replica")?;
        Ok(Target::Replica { replica })
    },
    suggestions: |places| match places.database.replica_count() {
        0 => Vec::new(),
        _ => vec!["`database.replica.0`".to_owned()],
    },
};

/// All replicas of the database.
pub static REPLICAS: Kind = Kind {
    spelled: "database",
    example: "\"database\"",
    meaning: "all replicas of the database",
    find: |_, places| match places.database.replica_count() {
        0 => Err(NoTarget {
            message: "the database has no replicas".to_owned(),
            help: "add `replicas = { count = 2, lag = \"100ms\" }` to `[database]`".to_owned(),
        }),
        _ => Ok(Target::Database),
    },
    suggestions: |_| vec!["`database`".to_owned()],
};

/// All kinds of target.
pub static KINDS: &[&Kind] = &[&TIER, &NODE, &DATABASE, &REPLICA, &APP, &INSTANCE, &REGION];

fn has_bus(layer: &LayerPlan) -> bool {
    let is_bus = |plan: &invalidation::Plan| matches!(plan, invalidation::Plan::PubSub(_));
    layer.invalidations.iter().any(is_bus)
}

fn ageing_tiers<'a>(places: &Places<'a>) -> impl Iterator<Item = &'a LayerPlan> + use<'a> {
    let tiers = places.tiers.iter();
    tiers.filter(|layer| layer.tier.ttl.is_some())
}

fn ageing_tier(name: &str, places: &Places<'_>) -> Result<usize, NoTarget> {
    let level = tier(name, places)?;
    if places.tiers[level].tier.ttl.is_none() {
        return Err(NoTarget {
            message: format!("the entries of the tier `{name}` never expire"),
            help: "add a `ttl` to the tier".to_owned(),
        });
    }
    Ok(level)
}

fn node(level: usize, text: &str, places: &Places<'_>) -> Result<Target, NoTarget> {
    let tier = &places.tiers[level].tier;
    let nodes = tier.nodes_per_group() as usize;
    let node = number(
        text,
        nodes,
        &format!("the tier `{}` has no node", tier.name),
    )?;
    Ok(Target::Node { level, node })
}

fn tier(name: &str, places: &Places<'_>) -> Result<usize, NoTarget> {
    let level = |layer: &LayerPlan| layer.tier.name == name;
    places.tiers.iter().position(level).ok_or_else(|| NoTarget {
        message: format!("there is no tier `{name}`"),
        help: match (TIER.suggestions)(places).join(", ") {
            none if none.is_empty() => "the scenario has no tier".to_owned(),
            some => format!("there is {some}"),
        },
    })
}

/// A number below `count`; `missing` says of whom there is none of that number.
fn number(text: &str, count: usize, missing: &str) -> Result<usize, NoTarget> {
    match text.parse::<usize>() {
        Ok(number) if number < count => Ok(number),
        _ => Err(NoTarget {
            message: format!("{missing} `{text}`"),
            help: match count {
                0 => "there are none".to_owned(),
                1 => "there is only 0".to_owned(),
                _ => format!("there are 0 to {}", count - 1),
            },
        }),
    }
}

impl Kind {
    /// What stands in `parts` for the words in capitals; `None` if they spell something else.
    fn names<'a>(&self, parts: &[&'a str]) -> Option<Vec<&'a str>> {
        let words: Vec<&str> = self.spelled.split('.').collect();
        if words.len() != parts.len() {
            return None;
        }
        let mut names = Vec::new();
        for (word, part) in words.into_iter().zip(parts) {
            if word.chars().all(char::is_uppercase) {
                names.push(*part);
            } else if word != *part {
                return None;
            }
        }
        Some(names)
    }
}

impl Target {
    /// The target that `text` names, which must be of one of `kinds`; `role` is what they are here, in
    /// the plural: "targets".
    ///
    /// # Errors
    /// If there is none of that name, or of another kind only.
    pub fn find(
        text: &str,
        role: &str,
        kinds: &[&Kind],
        places: &Places<'_>,
    ) -> Result<Self, NoTarget> {
        let parts: Vec<&str> = text.split('.').collect();
        for kind in kinds {
            if let Some(names) = kind.names(&parts) {
                return (kind.find)(&names, places);
            }
        }
        let is_other = KINDS.iter().any(|kind| kind.names(&parts).is_some());
        let message = match (is_other, role) {
            (true, TARGETS) => format!("this does not happen to `{text}`"),
            (false, TARGETS) => format!("`{text}` is not a target"),
            _ => format!("`{text}` is not among the {role}"),
        };
        let there_are: Vec<String> = kinds
            .iter()
            .flat_map(|kind| (kind.suggestions)(places))
            .collect();
        let spelled = kinds.iter().map(|kind| format!("`{}`", kind.spelled));
        let help = if there_are.is_empty() {
            format!(
                "{role} are {}, and the scenario has none",
                spelled.collect::<Vec<_>>().join(", ")
            )
        } else {
            format!("{role} are {}", there_are.join(", "))
        };
        Err(NoTarget { message, help })
    }

    /// The nodes that it is, as the tier and their numbers; none if it is something else.
    pub(super) fn nodes(self, system: &System) -> Option<(usize, std::ops::Range<usize>)> {
        match self {
            Self::Tier { level } => Some((level, 0..system.layers[level].tier.nodes())),
            Self::Node { level, node } => Some((level, node..node + 1)),
            _ => None,
        }
    }

    /// The app instances that it is, given how many there are; none if it is something else.
    pub(super) fn instances(self, count: u32) -> Option<std::ops::Range<u32>> {
        match self {
            Self::App => Some(0..count),
            Self::Instance { instance } => Some(instance..instance + 1),
            _ => None,
        }
    }

    /// Whose exchanges, of those who are the target; all if it is nobody in particular.
    #[must_use]
    pub fn origin(self) -> Origin {
        match self {
            Self::Instance { instance } => Origin::Instance(instance),
            Self::Region { region } => Origin::Region(region),
            _ => Origin::Everywhere,
        }
    }

    /// The server of the database that it is; `None` if it is something else.
    pub(super) fn server(self) -> Option<Which> {
        match self {
            Self::Database => Some(Which::Primary),
            Self::Replica { replica } => Some(Which::Replica(replica)),
            _ => None,
        }
    }
}
