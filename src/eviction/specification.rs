//! How a policy is written (`slru:segments=2`), checked and built.
//!
//! Not here: the table of policies, which is in the parent module.

use std::fmt;
use std::sync::Arc;

use super::admission::{AdmissionSpec, Admitted};
use super::{Access, Departures, Description, Id, KINDS, Kind, Measure, Policy, Setup, Visitor};

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(u64),
    /// A real number.
    Real(f64),
    /// `on` or `off`.
    Switch(bool),
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(formatter),
            Self::Real(value) => value.fmt(formatter),
            Self::Switch(true) => formatter.write_str("on"),
            Self::Switch(false) => formatter.write_str("off"),
        }
    }
}

/// A setting of a policy.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name, as written.
    pub name: &'static str,
    /// Its value where nothing is written.
    pub default: Value,
    /// The least allowed value.
    pub least: Value,
    /// The greatest allowed value.
    pub greatest: Value,
    /// What it does, with its unit.
    pub meaning: &'static str,
}

impl Parameter {
    /// A whole number between `least` and `greatest`.
    #[must_use]
    pub const fn integer(
        name: &'static str,
        default: u64,
        least: u64,
        greatest: u64,
        meaning: &'static str,
    ) -> Self {
        Self {
            name,
            default: Value::Integer(default),
            least: Value::Integer(least),
            greatest: Value::Integer(greatest),
            meaning,
        }
    }

    /// A real number between `least` and `greatest`.
    #[must_use]
    pub const fn real(
        name: &'static str,
        default: f64,
        least: f64,
        greatest: f64,
        meaning: &'static str,
    ) -> Self {
        Self {
            name,
            default: Value::Real(default),
            least: Value::Real(least),
            greatest: Value::Real(greatest),
            meaning,
        }
    }

    /// Something that is on or off.
    #[must_use]
    pub const fn switch(name: &'static str, default: bool, meaning: &'static str) -> Self {
        Self {
            name,
            default: Value::Switch(default),
            least: Value::Switch(false),
            greatest: Value::Switch(true),
            meaning,
        }
    }

    /// What may be written, for people: `1 to 14`, `on or off`.
    #[must_use]
    pub fn allowed(&self) -> String {
        match self.default {
            Value::Switch(_) => "on or off".into(),
            Value::Integer(_) if self.greatest == Value::Integer(u64::MAX) => {
                format!("a whole number from {}", self.least)
            }
            Value::Integer(_) => format!("a whole number from {} to {}", self.least, self.greatest),
            Value::Real(_) => format!("a number from {} to {}", self.least, self.greatest),
        }
    }

    fn parse(&self, text: &str) -> Option<Value> {
        let (value, allowed) = match (self.least, self.greatest) {
            (Value::Integer(least), Value::Integer(greatest)) => {
                let value = text.parse().ok()?;
                (Value::Integer(value), (least..=greatest).contains(&value))
            }
            (Value::Real(least), Value::Real(greatest)) => {
                let value = match text.strip_suffix('%') {
                    Some(percent) => percent.parse::<f64>().ok()? / 100.0,
                    None => text.parse().ok()?,
                };
                (Value::Real(value), (least..=greatest).contains(&value))
            }
            _ => match text {
                "on" | "true" | "yes" => (Value::Switch(true), true),
                "off" | "false" | "no" => (Value::Switch(false), true),
                _ => return None,
            },
        };
        allowed.then_some(value)
    }
}

/// The values of all parameters of one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameters(Vec<(&'static str, Value)>);

impl Parameters {
    /// The values that `settings` sets (`name=value`, separated by colons or commas), and defaults
    /// for the rest. `of` says whose they are, for errors.
    pub(super) fn read(
        of: &str,
        declared: &'static [Parameter],
        settings: Option<&str>,
    ) -> Result<Self, SpecError> {
        let mut parameters = Self::defaults(declared);
        let mut already = vec![false; declared.len()];
        for setting in settings.into_iter().flat_map(|it| it.split([':', ','])) {
            let Some((name, value)) = setting.split_once('=') else {
                return Err(SpecError::NotAParameter {
                    of: of.to_owned(),
                    text: setting.into(),
                    known: known_parameters(declared),
                });
            };
            let (name, value) = (name.trim(), value.trim());
            let found = declared.iter().position(|it| plain(it.name) == plain(name));
            let Some(index) = found else {
                return Err(SpecError::UnknownParameter {
                    of: of.to_owned(),
                    name: name.into(),
                    nearest: nearest(name, declared.iter().map(|it| it.name)),
                    known: known_parameters(declared),
                });
            };
            let parameter = &declared[index];
            if std::mem::replace(&mut already[index], true) {
                return Err(SpecError::Twice {
                    of: of.to_owned(),
                    name: parameter.name,
                });
            }
            parameters.0[index].1 = parameter.parse(value).ok_or_else(|| SpecError::BadValue {
                of: of.to_owned(),
                name: parameter.name,
                text: value.into(),
                allowed: parameter.allowed(),
            })?;
        }
        Ok(parameters)
    }

    fn defaults(declared: &[Parameter]) -> Self {
        Self(declared.iter().map(|it| (it.name, it.default)).collect())
    }

    fn get(&self, name: &str) -> Value {
        // A policy asks only for what its own description declares; the conformance tests build
        // every row, so a slip cannot get past them.
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
            .unwrap_or_else(|| panic!("the policy does not declare the parameter `{name}`"))
    }

    /// All of them, in the order in which the policy declares them.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Value)> + '_ {
        self.0.iter().copied()
    }

    /// The whole number `name`.
    ///
    /// # Panics
    /// If the policy does not declare it as one.
    #[must_use]
    pub fn integer(&self, name: &str) -> u64 {
        match self.get(name) {
            Value::Integer(value) => value,
            other => panic!("the parameter `{name}` is not a whole number but {other}"),
        }
    }

    /// The real number `name`.
    ///
    /// # Panics
    /// If the policy does not declare it as one.
    #[must_use]
    pub fn real(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::Real(value) => value,
            other => panic!("the parameter `{name}` is not a real number but {other}"),
        }
    }

    /// The switch `name`.
    ///
    /// # Panics
    /// If the policy does not declare it as one.
    #[must_use]
    pub fn switch(&self, name: &str) -> bool {
        match self.get(name) {
            Value::Switch(value) => value,
            other => panic!("the parameter `{name}` is not a switch but {other}"),
        }
    }
}

impl fmt::Display for Parameters {
    /// As they are written behind a name: `:name=value` for each.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.iter() {
            write!(formatter, ":{name}={value}")?;
        }
        Ok(())
    }
}

/// What is wrong with a policy as written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// There is no such policy.
    #[error("there is no eviction policy `{name}`{}{}; known: {known}", did_you_mean(.nearest), is_admission(.admission))]
    UnknownPolicy {
        /// As written.
        name: String,
        /// The nearest valid name, if any is near.
        nearest: Option<&'static str>,
        /// The admission that is meant, if it is one.
        admission: Option<&'static str>,
        /// All valid names, separated by commas.
        known: String,
    },
    /// There is no such kind of admission.
    #[error("there is no admission `{name}`{}; known: {known}", did_you_mean(.nearest))]
    UnknownAdmission {
        /// As written.
        name: String,
        /// The nearest valid name, if any is near.
        nearest: Option<&'static str>,
        /// All valid names, separated by commas.
        known: String,
    },
    /// The admission asks who would leave, and the policy cannot say.
    #[error(
        "the admission `{admission}` compares the newcomer with the entry that would leave, which the policy `{policy}` does not name; it works with {working}"
    )]
    NoVictim {
        /// The policy.
        policy: &'static str,
        /// The admission.
        admission: &'static str,
        /// The policies that it works with.
        working: String,
    },
    /// The policy or admission has no such parameter.
    #[error("the {of} has no parameter `{name}`{}; {known}", did_you_mean(.nearest))]
    UnknownParameter {
        /// Whose: "policy `slru`", "admission `bloom`".
        of: String,
        /// As written.
        name: String,
        /// The nearest valid name, if any is near.
        nearest: Option<&'static str>,
        /// What may be set, or that nothing may.
        known: String,
    },
    /// A parameter is not of the form `name=value`.
    #[error("`{text}` of the {of} is not of the form name=value; {known}")]
    NotAParameter {
        /// Whose: "policy `slru`", "admission `bloom`".
        of: String,
        /// As written.
        text: String,
        /// What may be set, or that nothing may.
        known: String,
    },
    /// A parameter is set twice.
    #[error("the {of} sets the parameter `{name}` twice")]
    Twice {
        /// Whose: "policy `slru`", "admission `bloom`".
        of: String,
        /// The parameter.
        name: &'static str,
    },
    /// A parameter has a value that it cannot have.
    #[error("the parameter `{name}` of the {of} cannot be `{text}`: allowed is {allowed}")]
    BadValue {
        /// Whose: "policy `slru`", "admission `bloom`".
        of: String,
        /// The parameter.
        name: &'static str,
        /// As written.
        text: String,
        /// What is allowed.
        allowed: String,
    },
}

/// The name and, after a colon, the settings.
pub(super) fn split_name(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, settings)) => (name.trim(), Some(settings)),
        None => (text.trim(), None),
    }
}

fn did_you_mean(nearest: &Option<&'static str>) -> String {
    nearest.map_or_else(String::new, |name| format!(", did you mean `{name}`?"))
}

fn is_admission(admission: &Option<&'static str>) -> String {
    admission.map_or_else(String::new, |name| {
        format!(" (`{name}` is an admission: write `lru+{name}`, for example)")
    })
}

/// The nearest of `names`, if it is near enough to be a slip of the finger.
pub(super) fn nearest(
    written: &str,
    names: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    names
        .map(|name| {
            (
                strsim::damerau_levenshtein(&plain(written), &plain(name)),
                name,
            )
        })
        .filter(|(distance, name)| *distance <= 1 + name.len() / 3 && *distance < name.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A name without what people spell differently: case, hyphens, underscores.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .filter(|letter| !matches!(letter, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// A policy with its parameters: what `eviction = "slru:segments=2"` means.
#[derive(Clone, Debug)]
pub struct PolicySpec {
    kind: Kind,
    /// As it was written.
    typed: String,
    /// Values of all its parameters.
    pub parameters: Parameters,
    /// What stands in front of it and decides who may come in; none admits all.
    pub admission: Option<AdmissionSpec>,
}

/// What a second is made of: see [`Setup::second`].
const NANOSECONDS: u64 = 1_000_000_000;
const REQUESTS: u64 = 1;

struct Boxing;

impl Visitor for Boxing {
    type Answer = Box<dyn Policy>;

    fn visit<P: Policy + 'static>(self, policy: P) -> Self::Answer {
        Box::new(policy)
    }
}

impl PolicySpec {
    /// Reads `name` or `name:parameter=value:parameter=value` (a comma separates parameters, too), with
    /// an admission behind a plus sign: `lru+bloom`, `slru:segments=2+probability:p=0.1`.
    ///
    /// # Errors
    /// What is wrong, with the nearest valid name or the allowed values.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let typed = text.trim();
        let (eviction, admission) = match typed.split_once('+') {
            Some((eviction, admission)) => (eviction, Some(AdmissionSpec::parse(admission)?)),
            None => (typed, None),
        };
        let (name, settings) = split_name(eviction);
        let Some(&kind) = KINDS
            .iter()
            .find(|kind| plain(kind.description().name) == plain(name))
        else {
            let names = || KINDS.iter().map(|kind| kind.description().name);
            let mut admissions = super::admission::descriptions().map(|it| it.name);
            return Err(SpecError::UnknownPolicy {
                name: name.into(),
                nearest: nearest(name, names()),
                admission: admissions.find(|it| plain(it) == plain(name)),
                known: names().collect::<Vec<_>>().join(", "),
            });
        };
        let description = kind.description();
        let spec = Self {
            kind,
            typed: typed.into(),
            parameters: Parameters::read(
                &format!("policy `{}`", description.name),
                description.parameters,
                settings,
            )?,
            admission,
        };
        match &spec.admission {
            Some(admission) if admission.needs_victim() && !spec.names_its_victim() => {
                let working: Vec<&str> = Self::all()
                    .filter(Self::names_its_victim)
                    .map(|it| it.description().name)
                    .collect();
                Err(SpecError::NoVictim {
                    policy: description.name,
                    working: working.join(", "),
                    admission: admission.description().name,
                })
            }
            _ => Ok(spec),
        }
    }

    /// Whether the policy can say who would leave next, which some kinds of admission ask.
    fn names_its_victim(&self) -> bool {
        struct Probe;
        impl Visitor for Probe {
            type Answer = bool;
            fn visit<P: Policy + 'static>(self, mut policy: P) -> bool {
                policy.reserve(1);
                policy.insert(0, &Access::default(), &mut Departures::ignored());
                policy.victim().is_some()
            }
        }
        self.kind
            .visit(Measure::Entries, &self.setup(1, 1, NANOSECONDS), Probe)
    }

    /// Reads a list of policies separated by commas. A part that is a bare `parameter=value` belongs
    /// to the policy before it: `2q:in=0.25,out=0.5,lru` is two policies.
    ///
    /// # Errors
    /// As [`PolicySpec::parse`], of the first policy that is wrong.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, SpecError> {
        let mut parts: Vec<String> = Vec::new();
        for part in text.split(',') {
            let continues = part.contains('=') && part.find(':') > part.find('=')
                || part.contains('=') && !part.contains(':');
            match parts.last_mut() {
                Some(last) if continues && last.contains(':') => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => parts.push(part.into()),
            }
        }
        parts.iter().map(|part| Self::parse(part)).collect()
    }

    /// The specs of all policies with their defaults, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|&kind| Self {
            kind,
            typed: kind.description().name.into(),
            parameters: Parameters::defaults(kind.description().parameters),
            admission: None,
        })
    }

    /// The policy's name, summary, source and parameters.
    #[must_use]
    pub fn description(&self) -> &'static Description {
        self.kind.description()
    }

    /// Whether the policy prefers small entries to large ones, which it cannot where entries are
    /// counted.
    #[must_use]
    pub fn ranks_by_size(&self) -> bool {
        self.kind.ranks_by_size()
    }

    /// After how many requests the admission is tuned for the first time; until then it admits all.
    /// `None` if it needs no tuning, or there is none.
    #[must_use]
    pub fn tuned_after(&self) -> Option<u64> {
        self.admission.as_ref().and_then(AdmissionSpec::tuned_after)
    }

    /// The policy as it was written, without surrounding blanks.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// An empty cache of this policy, for a host that does not know the future.
    ///
    /// A policy that is replay-only ([`Description::replay_only`]) cannot be built here to any use:
    /// without a future it treats all keys as never used again.
    #[must_use]
    pub fn build(&self, measure: Measure, capacity: u64, seed: u64) -> Box<dyn Policy> {
        let setup = Setup {
            strict: true,
            ..self.setup(capacity, seed, NANOSECONDS)
        };
        let policy = self.kind.visit(measure, &setup, Boxing);
        match &self.admission {
            Some(admission) => Box::new(Admitted::new(policy, admission.build(measure, &setup))),
            None => policy,
        }
    }

    /// For replay: builds an empty cache of this policy and has `visitor` work with it, compiled for its type.
    pub fn visit<V: Visitor>(
        &self,
        measure: Measure,
        capacity: u64,
        seed: u64,
        future: Option<Arc<Vec<Id>>>,
        visitor: V,
    ) -> V::Answer {
        let setup = Setup {
            future,
            ..self.setup(capacity, seed, REQUESTS)
        };
        match &self.admission {
            None => self.kind.visit(measure, &setup, visitor),
            Some(admission) => {
                // Behind an admission all policies share one copy of the work, through indirect calls.
                let policy = self.kind.visit(measure, &setup, Boxing);
                visitor.visit(Admitted::new(policy, admission.build(measure, &setup)))
            }
        }
    }

    fn setup(&self, capacity: u64, seed: u64, second: u64) -> Setup {
        Setup {
            capacity,
            seed,
            parameters: self.parameters.clone(),
            strict: false,
            future: None,
            second,
        }
    }
}

impl fmt::Display for PolicySpec {
    /// The policy with all its parameters, defaults included.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.description().name)?;
        self.parameters.fmt(formatter)?;
        match &self.admission {
            Some(admission) => write!(formatter, "+{admission}"),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for PolicySpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        Self::parse(text)
    }
}

fn known_parameters(declared: &[Parameter]) -> String {
    if declared.is_empty() {
        return "it has none".into();
    }
    let each = declared
        .iter()
        .map(|it| format!("{} ({})", it.name, it.allowed()));
    format!("it has: {}", each.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        PolicySpec::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_policy_is_found_by_its_name_and_prints_as_a_spec_that_means_the_same() {
        for spec in PolicySpec::all() {
            let name = spec.description().name;
            assert_eq!(PolicySpec::parse(name).unwrap().typed(), name);
            let again = PolicySpec::parse(&spec.to_string()).unwrap();
            assert_eq!(again.parameters, spec.parameters, "{name}");
            assert_eq!(again.kind, spec.kind);
        }
    }

    #[test]
    fn names_are_unique_even_without_hyphens() {
        let mut names: Vec<_> = super::super::descriptions()
            .map(|it| plain(it.name))
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
    }

    #[test]
    fn defaults_are_within_their_own_range() {
        for description in super::super::descriptions() {
            for parameter in description.parameters {
                assert_eq!(
                    parameter.parse(&parameter.default.to_string()),
                    Some(parameter.default),
                    "{} of {}",
                    parameter.name,
                    description.name
                );
            }
        }
    }

    #[test]
    fn case_hyphens_and_blanks_do_not_matter() {
        assert_eq!(
            PolicySpec::parse(" LRU ").unwrap().description().name,
            "lru"
        );
    }

    #[test]
    fn a_slip_is_answered_with_the_nearest_name() {
        assert!(message("lruu").starts_with(
            "there is no eviction policy `lruu`, did you mean `lru`?; known: lru, fifo, "
        ));
        assert!(message("").starts_with("there is no eviction policy ``; known: lru, "));
    }

    #[test]
    fn an_admission_stands_behind_a_plus_sign() {
        let spec = PolicySpec::parse("slru:segments=2+probability:p=10%").unwrap();
        assert_eq!(spec.to_string(), "slru:segments=2+probability:p=0.1");
        assert_eq!(spec.typed(), "slru:segments=2+probability:p=10%");
        assert!(
            message("lru+blom")
                .starts_with("there is no admission `blom`, did you mean `bloom`?; known: all, ")
        );
        assert!(message("lru+probability:p=2").ends_with("allowed is a number from 0 to 1"));
        assert!(message("random+tinylfu").contains("it works with lru, fifo, "));
    }

    #[test]
    fn a_policy_without_parameters_says_so() {
        assert_eq!(
            message("lru:segments=2"),
            "the policy `lru` has no parameter `segments`; it has none"
        );
        assert_eq!(
            message("lru:"),
            "`` of the policy `lru` is not of the form name=value; it has none"
        );
    }

    #[test]
    fn a_mistake_is_told_of_whose_it_is() {
        let said = |text: &str| PolicySpec::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(said("lru+bloom:x=1"), @"the admission `bloom` has no parameter `x`; it has: keys (a whole number from 0 to 67108864)");
        insta::assert_snapshot!(said("lru+blom"), @"there is no admission `blom`, did you mean `bloom`?; known: all, probability, size, bloom, tinylfu, adaptsize");
        assert!(
            said("bloom").contains("(`bloom` is an admission: write `lru+bloom`, for example)")
        );
        assert!(!said("slur").contains("is an admission"));
    }

    #[test]
    fn lists_of_policies_split_at_commas_but_not_within_parameters() {
        let parse = |text: &str| -> Result<Vec<String>, SpecError> {
            Ok(PolicySpec::parse_list(text)?
                .iter()
                .map(ToString::to_string)
                .collect())
        };
        assert_eq!(
            parse("2q:in=0.5,out=0.25,lru,slru:segments=2:segments=3")
                .unwrap_err()
                .to_string(),
            "the policy `slru` sets the parameter `segments` twice"
        );
        assert_eq!(
            parse("2q:in=50%,out=0.25,lru,w-tinylfu:climb=off").unwrap(),
            [
                "2q:in=0.5:out=0.25",
                "lru",
                "w-tinylfu:window=0.01:protected=0.8:climb=off"
            ]
        );
        assert_eq!(
            parse("slru:segmets=2").unwrap_err().to_string(),
            "the policy `slru` has no parameter `segmets`, did you mean `segments`?; \
             it has: segments (a whole number from 1 to 14)"
        );
        assert_eq!(
            parse("slru:segments=15").unwrap_err().to_string(),
            "the parameter `segments` of the policy `slru` cannot be `15`: \
             allowed is a whole number from 1 to 14"
        );
    }
}
