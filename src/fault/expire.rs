//! Expire: the entries of these keys expire at once, as when somebody sets their TTL to nothing, or they
//! were all stored together. What may be served after the TTL (`stale_while_revalidate` and the like)
//! still may, counted from now. What each session has for itself stays.

use std::sync::Arc;

use super::target::{NODE, TIER};
use super::{Act, ActionRow, Event, Happening, Stage};
use crate::units::Key;
use crate::workload;
use crate::workload::parameters::{Arguments, Kind, Parameter, ParameterError, Row};

/// The most keys that expire by one event.
const KEYS_MAX: u64 = 1_000_000;

pub(super) const ROW: ActionRow = ActionRow {
    targets: &[&TIER, &NODE],
    origins: &[],
    row: Row {
        name: "expire",
        parameters: &[
            Parameter::optional("keys", Kind::Counts, "these keys, by their numbers"),
            Parameter::optional(
                "first",
                Kind::Count,
                "in place of `keys`, with `last`: all keys from this one on",
            ),
            Parameter::optional(
                "last",
                Kind::Count,
                "up to this one, which is the last that expires",
            ),
            Parameter::optional(
                "top",
                Kind::Count,
                "in place of `keys`: so many of the keys that are the most popular at that instant",
            ),
        ],
        meaning: "the entries of some keys expire at once",
        source: "",
        build: |arguments| {
            Ok(Arc::new(Expire {
                whose: whose(arguments)?,
            }))
        },
    },
};

/// Which keys.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Whose {
    These(Vec<Key>),
    /// From one to another, both included.
    Range(Key, Key),
    /// So many of the most popular ones.
    Top(usize),
}

fn whose(arguments: &Arguments) -> Result<Whose, ParameterError> {
    let keys = arguments.optional_counts("keys")?;
    let range = ["first", "last"].map(|name| arguments.optional(name));
    let [first, last] = [range[0].clone()?, range[1].clone()?];
    let top = arguments.optional("top")?;
    let limited = |name, many: u64| {
        if (1..=KEYS_MAX).contains(&many) {
            return Ok(());
        }
        let problem = format!("must name between 1 and {KEYS_MAX} keys, not {many}");
        Err(ParameterError::new(name, problem))
    };
    match (keys, first, last, top) {
        (Some(keys), None, None, None) => {
            limited("keys", keys.len() as u64)?;
            Ok(Whose::These(keys.to_vec()))
        }
        (None, Some(first), Some(last), None) => {
            let (first, last) = (first as Key, last as Key);
            limited("last", (last + 1).saturating_sub(first))?;
            Ok(Whose::Range(first, last))
        }
        (None, None, None, Some(top)) => {
            limited("top", top as u64)?;
            Ok(Whose::Top(top as usize))
        }
        _ => {
            let problem =
                "or `first` and `last`, or `top`, must say which keys, and only one of them";
            Err(ParameterError::new("keys", problem))
        }
    }
}

#[derive(Debug)]
struct Expire {
    whose: Whose,
}

impl Act for Expire {
    fn happen<'a>(&'a self, event: &'a Event, stage: &'a Stage) -> Happening<'a> {
        Box::pin(async move {
            let Some((level, nodes)) = event.target.nodes(&stage.system) else {
                return;
            };
            let keys = match &self.whose {
                Whose::These(keys) => keys.clone(),
                Whose::Range(first, last) => (*first..=*last).collect(),
                Whose::Top(many) => stage.system.database.hottest(*many),
            };
            let tier = &stage.system.layers[level].tier;
            for node in nodes {
                keys.iter().for_each(|key| tier.expire(node, *key));
            }
        })
    }

    fn misfit(&self, workload: &workload::Plan) -> Option<(String, &'static str)> {
        super::misfit_of_trace("to expire some keys", workload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::parameters::Argument;

    #[test]
    fn keys_are_a_list_a_range_or_the_most_popular_and_only_one_of_them() {
        let number = |name: &str, value: f64| Arguments::new().with(name, Argument::Number(value));
        let list = Arguments::new().with("keys", Argument::Counts(vec![7, 3]));
        assert_eq!(whose(&list), Ok(Whose::These(vec![7, 3])));
        let range = number("first", 2.0).with("last", Argument::Number(4.0));
        assert_eq!(whose(&range), Ok(Whose::Range(2, 4)));
        assert_eq!(whose(&number("top", 5.0)), Ok(Whose::Top(5)));
        for wrong in [
            Arguments::new(),
            number("first", 2.0),
            number("first", 4.0).with("last", Argument::Number(2.0)),
            number("top", 0.0),
            list.with("top", Argument::Number(5.0)),
        ] {
            assert!(whose(&wrong).is_err(), "{wrong:?}");
        }
    }
}
