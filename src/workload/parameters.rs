//! What the tables of this module have in common: rows with named parameters, the arguments that a
//! scenario gives for them, and the error when those make no sense.
//!
//! Not here: spelling and units. Arguments arrive as plain numbers in base units: nanoseconds,
//! bytes, events per second, counts, and shares in 0..=1.

use std::fmt;

use super::distribution::Distribution;
use super::popularity::{Component, Drift};
use crate::units::Nanoseconds;

/// A parameter that has a value which makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{parameter}` {problem}")]
pub struct ParameterError {
    /// The parameter's name in a scenario.
    pub parameter: &'static str,
    /// What is allowed and what was given, to be read after the name: "must be above 0, not -1".
    pub problem: String,
}

impl ParameterError {
    /// An error about `parameter`.
    #[must_use]
    pub fn new(parameter: &'static str, problem: impl Into<String>) -> Self {
        Self {
            parameter,
            problem: problem.into(),
        }
    }
}

/// What kind of quantity a parameter is, and thereby its base unit and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A quantity in the unit of whatever is distributed: nanoseconds or bytes.
    Quantity,
    /// A plain number.
    Number,
    /// A number in 0..=1.
    Share,
    /// A whole number, 0 or more.
    Count,
    /// Nanoseconds.
    Duration,
    /// Events per second.
    Rate,
    /// True or false.
    Switch,
    /// One of a few words, each with its meaning.
    Word(&'static [(&'static str, &'static str)]),
    /// A list of whole numbers, 0 or more, at least one.
    Counts,
    /// A list of pairs of a probability and a quantity.
    Quantiles,
    /// A list of pairs of an instant in nanoseconds and a rate or factor.
    Instants,
    /// A list of pairs of a rate per second and a duration in nanoseconds.
    States,
    /// A distribution of durations in nanoseconds.
    Durations,
    /// A list of weighted key distributions.
    Components,
    /// How a hot set moves: a `period` and a `share`.
    Drift,
}

/// One parameter of a row.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The name in a scenario.
    pub name: &'static str,
    /// The kind of quantity.
    pub kind: Kind,
    /// Whether it must be given. Where a choice of parameters describes one thing, none of them is
    /// required by itself and `meaning` says which go together.
    pub required: bool,
    /// What it means, and its default if it has one.
    pub meaning: &'static str,
}

impl Parameter {
    pub(crate) const fn required(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self {
            name,
            kind,
            required: true,
            meaning,
        }
    }

    pub(crate) const fn optional(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            meaning,
        }
    }
}

/// One row of a table: something that has a name in a scenario, and how to make it.
pub struct Row<T> {
    /// The name in a scenario.
    pub name: &'static str,
    /// What can be said about it.
    pub parameters: &'static [Parameter],
    /// What it is, in one sentence.
    pub meaning: &'static str,
    /// The paper or book that it is from, or empty.
    pub source: &'static str,
    /// Makes one from the arguments that a scenario gives.
    pub build: fn(&Arguments) -> Result<T, ParameterError>,
}

impl<T> fmt::Debug for Row<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Row").field(&self.name).finish()
    }
}

/// The value of one parameter, in base units.
#[derive(Clone, Debug)]
pub enum Argument {
    /// For [`Kind::Quantity`], [`Kind::Number`], [`Kind::Share`], [`Kind::Count`],
    /// [`Kind::Duration`] and [`Kind::Rate`].
    Number(f64),
    /// For [`Kind::Switch`].
    Switch(bool),
    /// For [`Kind::Word`].
    Word(String),
    /// For [`Kind::Counts`].
    Counts(Vec<u64>),
    /// For [`Kind::Quantiles`], [`Kind::Instants`] and [`Kind::States`].
    Pairs(Vec<(f64, f64)>),
    /// For [`Kind::Durations`].
    Distribution(Distribution),
    /// For [`Kind::Components`].
    Components(Vec<Component>),
    /// For [`Kind::Drift`].
    Drift(Drift),
}

/// What a scenario says about one thing: values by the names of parameters.
///
/// That no unknown name is among them is checked where they are written; here they are only looked
/// up.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    values: Vec<(String, Argument)>,
}

impl Arguments {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says `value` about the parameter `name`; the last word counts.
    #[must_use]
    pub fn with(mut self, name: &str, value: Argument) -> Self {
        self.set(name, value);
        self
    }

    /// Says `value` about the parameter `name`; the last word counts.
    pub fn set(&mut self, name: &str, value: Argument) {
        self.values.retain(|(known, _)| known != name);
        self.values.push((name.to_owned(), value));
    }

    fn get(&self, name: &str) -> Option<&Argument> {
        self.values
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The number given for `name`, if one is.
    ///
    /// # Errors
    /// When something else than a number is given.
    pub fn optional(&self, name: &'static str) -> Result<Option<f64>, ParameterError> {
        match self.get(name) {
            None => Ok(None),
            Some(Argument::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(ParameterError::new(name, "must be a number")),
        }
    }

    /// The number given for `name`.
    ///
    /// # Errors
    /// When none is given.
    pub fn number(&self, name: &'static str) -> Result<f64, ParameterError> {
        self.optional(name)?.ok_or_else(|| missing(name))
    }

    /// The whole number given for `name`.
    ///
    /// # Errors
    /// When none is given, or one that is negative, has a fraction or is above 2^53.
    pub fn count(&self, name: &'static str) -> Result<u64, ParameterError> {
        whole(name, self.number(name)?)
    }

    /// The whole number given for `name`, or `default` if nothing is said.
    ///
    /// # Errors
    /// When one is given that is negative, has a fraction or is above 2^53.
    pub fn count_or(&self, name: &'static str, default: u64) -> Result<u64, ParameterError> {
        self.optional(name)?
            .map_or(Ok(default), |number| whole(name, number))
    }

    /// The switch `name`, or `default` if nothing is said.
    ///
    /// # Errors
    /// When something else than true or false is given.
    pub fn switch(&self, name: &'static str, default: bool) -> Result<bool, ParameterError> {
        match self.get(name) {
            None => Ok(default),
            Some(Argument::Switch(on)) => Ok(*on),
            Some(_) => Err(ParameterError::new(name, "must be true or false")),
        }
    }

    /// The word given for `name`, or `default` if nothing is said.
    ///
    /// # Errors
    /// When something else than a word is given.
    pub fn word(&self, name: &'static str, default: &'static str) -> Result<&str, ParameterError> {
        match self.get(name) {
            None => Ok(default),
            Some(Argument::Word(word)) => Ok(word),
            Some(_) => Err(ParameterError::new(name, "must be a word")),
        }
    }

    /// The duration given for `name` in whole nanoseconds, or `default_ns` if nothing is said.
    ///
    /// # Errors
    /// When it is shorter than `least_ns`.
    pub fn duration_or(
        &self,
        name: &'static str,
        default_ns: Nanoseconds,
        least_ns: Nanoseconds,
    ) -> Result<Nanoseconds, ParameterError> {
        let written = self.optional(name)?;
        let duration_ns = written.map_or(default_ns, |it| it.round() as Nanoseconds);
        if duration_ns < least_ns {
            let problem = format!("must be at least {}us", least_ns / 1000);
            return Err(ParameterError::new(name, problem));
        }
        Ok(duration_ns)
    }

    /// The list of whole numbers given for `name`, if one is.
    ///
    /// # Errors
    /// When something else is given.
    pub fn optional_counts(&self, name: &'static str) -> Result<Option<&[u64]>, ParameterError> {
        match self.get(name) {
            None => Ok(None),
            Some(Argument::Counts(counts)) => Ok(Some(counts)),
            Some(_) => Err(ParameterError::new(name, "must be a list of whole numbers")),
        }
    }

    /// The list of pairs given for `name`.
    ///
    /// # Errors
    /// When none is given.
    pub fn pairs(&self, name: &'static str) -> Result<&[(f64, f64)], ParameterError> {
        match self.get(name) {
            None => Err(missing(name)),
            Some(Argument::Pairs(pairs)) => Ok(pairs),
            Some(_) => Err(ParameterError::new(name, "must be a list of pairs")),
        }
    }

    /// The distribution given for `name`.
    ///
    /// # Errors
    /// When none is given.
    pub fn distribution(&self, name: &'static str) -> Result<&Distribution, ParameterError> {
        match self.get(name) {
            None => Err(missing(name)),
            Some(Argument::Distribution(distribution)) => Ok(distribution),
            Some(_) => Err(ParameterError::new(name, "must be a distribution")),
        }
    }

    /// The distribution given for `name`, if one is.
    ///
    /// # Errors
    /// When something else is given.
    pub fn optional_distribution(
        &self,
        name: &'static str,
    ) -> Result<Option<&Distribution>, ParameterError> {
        match self.get(name) {
            None => Ok(None),
            Some(_) => self.distribution(name).map(Some),
        }
    }

    /// The drift given for `name`, if one is.
    ///
    /// # Errors
    /// When something else is given.
    pub fn drift(&self, name: &'static str) -> Result<Option<Drift>, ParameterError> {
        match self.get(name) {
            None => Ok(None),
            Some(Argument::Drift(drift)) => Ok(Some(*drift)),
            Some(_) => Err(ParameterError::new(name, "must be a period and a share")),
        }
    }

    /// The components given for `name`.
    ///
    /// # Errors
    /// When none are given.
    pub fn components(&self, name: &'static str) -> Result<&[Component], ParameterError> {
        match self.get(name) {
            None => Err(missing(name)),
            Some(Argument::Components(components)) => Ok(components),
            Some(_) => Err(ParameterError::new(name, "must be a list of key sets")),
        }
    }
}

fn missing(name: &'static str) -> ParameterError {
    ParameterError::new(name, "is missing")
}

/// Quantities above this are typing errors, and products of them might overflow: 31 years in
/// nanoseconds, an exabyte in bytes.
pub(super) const LARGEST: f64 = 1e18;

/// Checks that a number is finite, 0 or more, and not absurd.
pub(super) fn not_negative(name: &'static str, value: f64) -> Result<f64, ParameterError> {
    if (0.0..=LARGEST).contains(&value) {
        Ok(value)
    } else {
        Err(ParameterError::new(
            name,
            format!("must be between 0 and {LARGEST:e}, not {value}"),
        ))
    }
}

/// Checks that a number is finite, above 0, and not absurd.
pub(super) fn positive(name: &'static str, value: f64) -> Result<f64, ParameterError> {
    if value > 0.0 && value <= LARGEST {
        Ok(value)
    } else {
        Err(ParameterError::new(
            name,
            format!("must be above 0 and at most {LARGEST:e}, not {value}"),
        ))
    }
}

/// Checks that a number is in 0..=1.
pub(super) fn share(name: &'static str, value: f64) -> Result<f64, ParameterError> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(ParameterError::new(
            name,
            format!("must be between 0 and 1, not {value}"),
        ))
    }
}

/// Checks that a number is whole, 0 or more, and exact as a floating-point number.
pub(super) fn whole(name: &'static str, value: f64) -> Result<u64, ParameterError> {
    if (0.0..=9_007_199_254_740_992.0).contains(&value) && value == value.trunc() {
        Ok(value as u64)
    } else {
        Err(ParameterError::new(
            name,
            format!("must be a whole number between 0 and 2^53, not {value}"),
        ))
    }
}

/// Checks that a duration is at least a microsecond: what comes in shorter turns is not a burst,
/// and would cost an unbounded number of turns for each request.
pub(super) fn turn_ns(name: &'static str, value: f64) -> Result<f64, ParameterError> {
    if (1e3..=LARGEST).contains(&value) {
        Ok(value)
    } else {
        Err(ParameterError::new(
            name,
            format!("must be at least 1 us, not {value} ns"),
        ))
    }
}
