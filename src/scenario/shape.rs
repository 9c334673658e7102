//! What may be written where: shapes as data, and the check of a tree against them.
//!
//! One description ([`Shape`]) of each part of a scenario serves four readers: the check in this
//! file, which finds all errors and fills in defaults; the JSON Schema (`schema`); the reference
//! (`reference`); and the paths of overrides (`overrides`). Not here: the shapes of the actual keys
//! (`format`), and checks that look at several values at once (`plan`).

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::problem::Problem;
use super::source::Span;
use super::tree::{self, Entry, Node, Value};
use super::unit::{Amount, Misspelt, Plain, Unit, nearest, quoted};
use crate::tier::Preset;

/// What may be written in one place.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// A quantity within bounds.
    Quantity(Unit, Range),
    /// Any text.
    Text,
    /// True or false.
    Flag,
    /// One of a few words.
    Words(Vec<Word>),
    /// A text with a syntax of its own.
    Spelled(Spelled),
    /// A list of at least so many elements.
    List(Box<Shape>, usize),
    /// A list of exactly two elements.
    Pair(Box<Shape>, Box<Shape>),
    /// A table with known keys.
    Table(Table),
    /// A table in which one key says which others there are.
    Choice(Choice),
    /// One of several shapes that differ in their kind of value.
    Either(Vec<Shape>),
    /// A table that may be written in short as the value of its most important key.
    Short(&'static str, Box<Shape>),
    /// A table of any keys with values of one shape.
    Map(Box<Shape>),
    /// A metric's value: a number, or a text with a unit that depends on the metric.
    Measure,
    /// Whatever it is, it is checked elsewhere.
    Anything,
    /// The shape of that name in the [`Grammar`]; this is how a shape contains itself.
    Named(&'static str),
}

/// Bounds of a quantity, both included, as they would be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    pub(super) low: &'static str,
    pub(super) high: &'static str,
}

/// One of the words that may be written.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) name: &'static str,
    pub(super) meaning: String,
}

/// A text with a syntax of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spelled {
    /// "a capacity such as "1GiB"": what an error says was expected.
    pub(super) described: &'static str,
    /// A regular expression that every valid text matches, for the schema.
    pub(super) pattern: &'static str,
    pub(super) examples: &'static [&'static str],
    /// Reads it and returns the canonical text.
    pub(super) read: fn(&str) -> Result<String, Misspelt>,
}

/// A table with known keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) fields: Vec<Field>,
    /// What later versions will understand, with what to say of it now.
    pub(super) later: Vec<Later>,
    /// Sets of values of which the key `preset` names one.
    pub(super) presets: &'static [Preset],
}

/// A key, or a value of a key, that this version does not understand yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Later {
    pub(super) key: &'static str,
    /// The text that cannot be written yet; the key itself if none.
    pub(super) value: Option<&'static str>,
    pub(super) message: &'static str,
    pub(super) help: &'static str,
}

/// A table in which the key `tag` says which other keys there are.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) tag: &'static str,
    pub(super) tag_meaning: &'static str,
    pub(super) rows: Vec<Row>,
}

/// One of the things that a [`Choice`] chooses from.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) meaning: String,
    pub(super) table: Table,
}

/// A key of a table.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    pub(super) need: Need,
    pub(super) meaning: String,
    /// A value as it would be written, for the reference and for advice.
    pub(super) example: &'static str,
}

/// What happens where a key is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It must be written.
    Required,
    /// It must be written unless the key at that path, counted from the same table, is.
    Unless(&'static str),
    /// It is as if this had been written.
    Default(&'static str),
    /// Nothing is said, which means something by itself.
    Optional,
}

/// The shape of a whole scenario.
#[derive(Clone, Debug)]
pub(super) struct Grammar {
    pub(super) root: Table,
    pub(super) named: IndexMap<&'static str, Shape>,
}

/// A value that has the right shape, in canonical form, and where it was written.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    pub(super) span: Span,
    pub(super) value: Sound,
}

/// What a [`Checked`] value is.
#[derive(Clone, Debug)]
pub(super) enum Sound {
    Text(String),
    Flag(bool),
    Amount(Amount),
    List(Vec<Checked>),
    Table(IndexMap<String, Checked>),
    /// As written; it is checked elsewhere.
    Unread(Json),
}

impl Grammar {
    /// The shape behind a name.
    pub(super) fn named(&self, name: &str) -> &Shape {
        // A test walks the grammar, so a name that leads nowhere does not get this far.
        &self.named[name]
    }

    /// `shape`, or the shape that it names.
    pub(super) fn resolve<'a>(&'a self, shape: &'a Shape) -> &'a Shape {
        match shape {
            Shape::Named(name) => self.resolve(self.named(name)),
            other => other,
        }
    }

    /// Checks a whole scenario. Where there are problems, the result is not to be used.
    pub(super) fn check(&self, root: &Node, problems: &mut Vec<Problem>) -> Option<Checked> {
        let mut check = Check {
            grammar: self,
            problems,
            path: Vec::new(),
        };
        let before = check.problems.len();
        let checked = check.table(&self.root, root);
        if check.problems.len() > before {
            None
        } else {
            checked
        }
    }
}

#[cfg(test)]
impl Grammar {
    /// Checks one value.
    pub(super) fn check_value(
        &self,
        shape: &Shape,
        node: &Node,
        problems: &mut Vec<Problem>,
    ) -> Option<Checked> {
        let mut check = Check {
            grammar: self,
            problems,
            path: Vec::new(),
        };
        check.value(shape, node)
    }
}

impl Table {
    /// What the preset that `entries` name says of a key.
    pub(super) fn preset_value(
        &self,
        entries: &IndexMap<String, Entry>,
        key: &str,
    ) -> Option<&'static str> {
        let name = entries.get("preset")?.node.text()?;
        let preset = self.presets.iter().find(|it| it.name == name)?;
        preset.value(key)
    }
}

impl Choice {
    /// The row called `name`.
    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    pub(super) fn words(&self) -> Vec<Word> {
        let words = self.rows.iter().map(|row| Word {
            name: row.name,
            meaning: row.meaning.clone(),
        });
        words.collect()
    }
}

/// A check under way.
struct Check<'a> {
    grammar: &'a Grammar,
    problems: &'a mut Vec<Problem>,
    /// Where the tree is being looked at, for messages.
    path: Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.problems.push(Problem::new(span, message).help(help));
    }

    /// The key that is being looked at, for messages.
    fn here(&self) -> String {
        if self.path.is_empty() {
            "the scenario".into()
        } else {
            format!("`{}`", self.path.join("."))
        }
    }

    fn within<T>(&mut self, segment: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(segment.into());
        let answer = work(self);
        self.path.pop();
        answer
    }

    fn value(&mut self, shape: &Shape, node: &Node) -> Option<Checked> {
        let span = node.span;
        let sound = |value| Some(Checked { span, value });
        match shape {
            Shape::Quantity(unit, range) => self.quantity(*unit, *range, node),
            Shape::Text => match node.text() {
                Some(text) => sound(Sound::Text(text.into())),
                None => self.wrong_kind(shape, node),
            },
            Shape::Flag => match node.value {
                Value::Flag(flag) => sound(Sound::Flag(flag)),
                _ => self.wrong_kind(shape, node),
            },
            Shape::Words(words) => match node.text() {
                Some(text) => self.word(words, text, span),
                None => self.wrong_kind(shape, node),
            },
            Shape::Spelled(spelled) => self.spelled(spelled, node),
            Shape::List(element, least) => match &node.value {
                Value::List(list) => self.list(element, *least, list, span),
                _ => self.wrong_kind(shape, node),
            },
            Shape::Pair(first, second) => match &node.value {
                Value::List(list) if list.len() == 2 => {
                    let first = self.within("0", |check| check.value(first, &list[0]));
                    let second = self.within("1", |check| check.value(second, &list[1]));
                    sound(Sound::List(vec![first?, second?]))
                }
                _ => self.wrong_kind(shape, node),
            },
            Shape::Table(table) => self.table(table, node),
            Shape::Choice(choice) => self.choice(choice, node),
            Shape::Short(key, full) => {
                if matches!(node.value, Value::Table(_)) {
                    self.value(full, node)
                } else if matches!(node.value, Value::List(_)) {
                    self.wrong_kind(shape, node)
                } else {
                    self.value(full, &long_form(key, node))
                }
            }
            Shape::Either(shapes) => self.either(shapes, node),
            Shape::Map(element) => match &node.value {
                Value::Table(entries) => {
                    let mut checked = IndexMap::new();
                    for (key, entry) in entries {
                        let value = self.within(key, |check| check.value(element, &entry.node));
                        checked.insert(key.clone(), value?);
                    }
                    sound(Sound::Table(checked))
                }
                _ => self.wrong_kind(shape, node),
            },
            Shape::Measure => match &node.value {
                Value::Text(text) => sound(Sound::Text(text.clone())),
                Value::Integer(_) | Value::Float(_) => {
                    self.quantity(Unit::Number, ANY_NUMBER, node)
                }
                _ => self.wrong_kind(shape, node),
            },
            Shape::Anything => sound(Sound::Unread(node.json())),
            Shape::Named(name) => {
                let grammar = self.grammar;
                self.value(grammar.named(name), node)
            }
        }
    }

    fn spelled(&mut self, spelled: &Spelled, node: &Node) -> Option<Checked> {
        let (read, is_text) = match &node.value {
            Value::Text(text) => ((spelled.read)(text), true),
            // A number lacks its quotes and perhaps more; if so, the reader knows what.
            Value::Integer(number) => ((spelled.read)(&number.to_string()), false),
            _ => return self.wrong_kind(&Shape::Spelled(*spelled), node),
        };
        match read {
            Ok(text) if is_text => Some(Checked {
                span: node.span,
                value: Sound::Text(text),
            }),
            Ok(_) => self.wrong_kind(&Shape::Spelled(*spelled), node),
            Err(wrong) => {
                let message = format!("{}: {}", self.here(), wrong.message);
                self.problem(node.span, message, wrong.help);
                None
            }
        }
    }

    /// Says that `node` is not the kind of value that `shape` asks for.
    fn wrong_kind(&mut self, shape: &Shape, node: &Node) -> Option<Checked> {
        let expected = expected(self.grammar, shape);
        let message = format!("{} must be {expected}, not {}", self.here(), node.shown());
        self.problem(node.span, message, "");
        None
    }

    fn quantity(&mut self, unit: Unit, range: Range, node: &Node) -> Option<Checked> {
        let Some(plain) = plain(node) else {
            return self.wrong_kind(&Shape::Quantity(unit, range), node);
        };
        let amount = match unit.read(plain) {
            Ok(amount) => amount,
            Err(wrong) => {
                let message = format!("{}: {}", self.here(), wrong.message);
                self.problem(node.span, message, wrong.help);
                return None;
            }
        };
        if !range.contains(unit, amount) {
            let message = format!(
                "{} must be from {} to {}, not {}",
                self.here(),
                range.low,
                range.high,
                match &node.value {
                    Value::Text(text) => text.trim().to_owned(),
                    _ => amount.to_string(),
                }
            );
            self.problem(node.span, message, "");
            return None;
        }
        Some(Checked {
            span: node.span,
            value: Sound::Amount(amount),
        })
    }

    fn word(&mut self, words: &[Word], text: &str, span: Span) -> Option<Checked> {
        if words.iter().any(|word| word.name == text) {
            return Some(Checked {
                span,
                value: Sound::Text(text.into()),
            });
        }
        let names = || words.iter().map(|word| word.name);
        let message = format!("{} cannot be {}", self.here(), quoted(text));
        let help = did_you_mean(text, names(), "allowed");
        self.problem(span, message, help);
        None
    }

    fn list(
        &mut self,
        element: &Shape,
        least: usize,
        list: &[Node],
        span: Span,
    ) -> Option<Checked> {
        if list.len() < least {
            let message = format!(
                "{} must have at least {least} elements, not {}",
                self.here(),
                list.len()
            );
            self.problem(span, message, "");
            return None;
        }
        let mut checked = Vec::with_capacity(list.len());
        for (index, node) in list.iter().enumerate() {
            // A tier or a variant is called by its name, as overrides call it.
            let name = node
                .get("name")
                .and_then(Node::text)
                .map_or_else(|| index.to_string(), |name| name.chars().take(40).collect());
            checked.push(self.within(&name, |check| check.value(element, node)));
        }
        Some(Checked {
            span,
            value: Sound::List(checked.into_iter().collect::<Option<_>>()?),
        })
    }

    fn table(&mut self, table: &Table, node: &Node) -> Option<Checked> {
        let Value::Table(entries) = &node.value else {
            return self.wrong_kind(&Shape::Table(table.clone()), node);
        };
        self.unknown_keys(table, None, entries);
        self.fields(table, node.span, entries, IndexMap::new())
    }

    fn choice(&mut self, choice: &Choice, node: &Node) -> Option<Checked> {
        let Value::Table(entries) = &node.value else {
            return self.wrong_kind(&Shape::Choice(choice.clone()), node);
        };
        let names = || choice.rows.iter().map(|row| row.name);
        let Some(tag) = entries.get(choice.tag) else {
            // The key itself may be misspelt: then say so, rather than that it is missing.
            let misspelt = entries
                .iter()
                .find(|(key, _)| nearest(key, [choice.tag]).is_some());
            let help = format!(
                "`{}` is {}: {}",
                choice.tag,
                choice.tag_meaning,
                listed(names())
            );
            if let Some((key, entry)) = misspelt {
                let message = format!("unknown key {} in {}", quoted(key), self.here());
                self.problem(
                    entry.key,
                    message,
                    format!("did you mean `{}`?", choice.tag),
                );
            } else {
                self.problem(
                    node.span,
                    format!("{} needs the key `{}`", self.here(), choice.tag),
                    help,
                );
            }
            return None;
        };
        let words = Shape::Words(choice.words());
        let checked_tag = self.within(choice.tag, |check| check.value(&words, &tag.node))?;
        let row = match &checked_tag.value {
            Sound::Text(name) => choice.row(name)?,
            _ => return None,
        };
        self.unknown_keys(&row.table, Some((choice, row)), entries);
        let known = IndexMap::from([(choice.tag.to_owned(), checked_tag)]);
        self.fields(&row.table, node.span, entries, known)
    }

    fn unknown_keys(
        &mut self,
        table: &Table,
        chosen: Option<(&Choice, &Row)>,
        entries: &IndexMap<String, Entry>,
    ) {
        for (key, entry) in entries {
            let known = table.fields.iter().any(|field| field.name == key);
            if known || chosen.is_some_and(|(choice, _)| choice.tag == key) {
                continue;
            }
            if let Some(later) = table.later.iter().find(|later| later.key == key) {
                self.problem(entry.key, later.message, later.help);
                continue;
            }
            let names = || {
                let tag = chosen.map(|(choice, _)| choice.tag);
                tag.into_iter()
                    .chain(table.fields.iter().map(|field| field.name))
            };
            let place = match chosen {
                Some((choice, row)) => {
                    format!("{} with {} = \"{}\"", self.here(), choice.tag, row.name)
                }
                None => self.here(),
            };
            let message = format!("unknown key {} in {place}", quoted(key));
            let help = did_you_mean(key, names(), "known keys");
            self.problem(entry.key, message, help);
        }
    }

    /// Checks the known keys of a table and fills in those that are not written.
    fn fields(
        &mut self,
        table: &Table,
        span: Span,
        entries: &IndexMap<String, Entry>,
        mut checked: IndexMap<String, Checked>,
    ) -> Option<Checked> {
        let mut complete = true;
        for field in &table.fields {
            let value = match (entries.get(field.name), field.need) {
                (Some(entry), _) if let Some(later) = later_value(table, field, &entry.node) => {
                    self.problem(entry.node.span, later.message, later.help);
                    None
                }
                (Some(entry), _) => {
                    self.within(field.name, |check| check.value(&field.shape, &entry.node))
                }
                (None, _) if let Some(text) = table.preset_value(entries, field.name) => {
                    let node = tree::parse_value(text, span.source, 0).ok()?.moved(span);
                    self.within(field.name, |check| check.value(&field.shape, &node))
                }
                (None, Need::Default(text)) => {
                    // The grammar's own texts are valid; a test reads every one of them.
                    let node = tree::parse_value(text, span.source, 0).ok()?.moved(span);
                    self.within(field.name, |check| check.value(&field.shape, &node))
                }
                (None, Need::Optional) => continue,
                (None, Need::Unless(path)) if is_written(entries, path) => continue,
                (None, Need::Required | Need::Unless(_)) => {
                    let misspelt = entries.keys().any(|key| {
                        nearest(key, table.fields.iter().map(|f| f.name)) == Some(field.name)
                    });
                    // One mistake, one error: the misspelt key has already been reported.
                    if !misspelt {
                        let message = format!("{} needs the key `{}`", self.here(), field.name);
                        let help = format!(
                            "{}; for example `{} = {}`",
                            field.meaning, field.name, field.example
                        );
                        self.problem(span, message, help);
                    }
                    None
                }
            };
            match value {
                Some(value) => {
                    checked.insert(field.name.into(), value);
                }
                None => complete = false,
            }
        }
        complete.then_some(Checked {
            span,
            value: Sound::Table(checked),
        })
    }

    fn accepts(&self, shape: &Shape, node: &Node) -> bool {
        let mut problems = Vec::new();
        let mut check = Check {
            grammar: self.grammar,
            problems: &mut problems,
            path: Vec::new(),
        };
        check.value(shape, node).is_some()
    }

    /// Of several shapes takes the one that fits the kind of value, so that errors speak of it.
    fn either(&mut self, shapes: &[Shape], node: &Node) -> Option<Checked> {
        let mut flat = Vec::new();
        flatten(self.grammar, shapes, &mut flat);
        match &node.value {
            Value::Table(_) | Value::List(_) => {
                let fitting = flat
                    .into_iter()
                    .find(|shape| takes(self.grammar, shape, node));
                match fitting {
                    Some(shape) => self.value(shape, node),
                    None => self.wrong_kind(&Shape::Either(shapes.to_vec()), node),
                }
            }
            Value::Text(text) => {
                let mut words = Vec::new();
                let mut others = Vec::new();
                for shape in flat {
                    match shape {
                        Shape::Words(some) => words.extend(some.iter().cloned()),
                        shape if takes(self.grammar, shape, node) => others.push(shape),
                        _ => {}
                    }
                }
                let is_word = words.iter().any(|word| word.name == text);
                let like_word = nearest(text, words.iter().map(|word| word.name)).is_some();
                // A text that one of the alternatives accepts is meant by it; else the last one is
                // taken to say what is wrong, because it is the one with the most to say.
                let other = others
                    .iter()
                    .find(|shape| self.accepts(shape, node))
                    .or(others.last());
                match other {
                    Some(other) if !is_word && !like_word => {
                        let before = self.problems.len();
                        let answer = self.value(other, node);
                        if !words.is_empty()
                            && let Some(problem) = self.problems.get_mut(before)
                        {
                            let or =
                                format!("or write {}", listed(words.iter().map(|word| word.name)));
                            problem.help = Some(match problem.help.take() {
                                Some(help) => format!("{help}; {or}"),
                                None => or,
                            });
                        }
                        answer
                    }
                    _ if words.is_empty() => self.wrong_kind(&Shape::Either(shapes.to_vec()), node),
                    _ => self.word(&words, text, node.span),
                }
            }
            _ => {
                let mut fitting = flat.iter().filter(|shape| takes(self.grammar, shape, node));
                match (fitting.next(), plain(node)) {
                    (Some(shape), _) => self.value(shape, node),
                    // A number where only texts with units are allowed: the unit knows what to say.
                    (None, Some(_)) => {
                        let plain = flat.iter().find_map(|shape| match shape {
                            Shape::Short(key, full) => Some(short_shape(self.grammar, key, full)),
                            Shape::Quantity(..) => Some((*shape).clone()),
                            _ => None,
                        });
                        self.value(&plain.unwrap_or(Shape::Either(shapes.to_vec())), node)
                    }
                    (None, None) => self.wrong_kind(&Shape::Either(shapes.to_vec()), node),
                }
            }
        }
    }
}

/// What to say where a value is one that this version does not understand yet.
fn later_value(table: &Table, field: &Field, node: &Node) -> Option<Later> {
    let matches = |later: &&Later| {
        later.key == field.name && later.value.is_some() && later.value == node.text()
    };
    table.later.iter().find(matches).copied()
}

/// All finite numbers.
const ANY_NUMBER: Range = Range {
    low: "-1e308",
    high: "1e308",
};

impl Range {
    /// Whether `amount` lies within.
    fn contains(self, unit: Unit, amount: Amount) -> bool {
        (self.bound(unit, self.low)..=self.bound(unit, self.high)).contains(&amount.base())
    }

    /// A bound in base units; a test reads all bounds of the grammar.
    pub(super) fn bound(self, unit: Unit, text: &str) -> f64 {
        let as_text = unit.read(Plain::Text(text)).ok();
        let as_number = || unit.read(Plain::Float(text.parse().ok()?)).ok();
        as_text.or_else(as_number).map_or(f64::NAN, Amount::base)
    }
}

/// A node as a quantity may be written.
/// Whether there is a key at `path`, of which only the last part matters to the reader.
fn is_written(entries: &IndexMap<String, Entry>, path: &str) -> bool {
    match path.split_once('.') {
        None => entries.contains_key(path),
        Some((first, rest)) => entries
            .get(first)
            .is_some_and(|entry| match &entry.node.value {
                Value::Table(inner) => is_written(inner, rest),
                _ => false,
            }),
    }
}

fn plain(node: &Node) -> Option<Plain<'_>> {
    match &node.value {
        Value::Text(text) => Some(Plain::Text(text)),
        Value::Integer(number) => Some(Plain::Integer(*number)),
        Value::Float(number) => Some(Plain::Float(*number)),
        _ => None,
    }
}

/// The long form of a value that was written in short: a table with nothing but that key.
pub(super) fn long_form(key: &str, node: &Node) -> Node {
    let entry = Entry {
        key: node.span,
        node: node.clone(),
    };
    Node {
        span: node.span,
        value: Value::Table(IndexMap::from([(key.to_owned(), entry)])),
    }
}

/// Whether `shape` is meant for that kind of value, right or wrong.
fn takes(grammar: &Grammar, shape: &Shape, node: &Node) -> bool {
    match (shape, &node.value) {
        (Shape::Short(_, full), Value::Table(_)) => takes(grammar, grammar.resolve(full), node),
        (Shape::Short(key, full), _) => takes(grammar, &short_shape(grammar, key, full), node),
        (Shape::Table(_) | Shape::Choice(_) | Shape::Map(_), Value::Table(_)) => true,
        (Shape::List(..) | Shape::Pair(..), Value::List(_)) => true,
        (
            Shape::Quantity(..) | Shape::Spelled(_) | Shape::Text | Shape::Words(_),
            Value::Text(_),
        ) => true,
        (Shape::Quantity(unit, _), Value::Integer(_) | Value::Float(_)) => unit.takes_numbers(),
        (Shape::Flag, Value::Flag(_)) => true,
        _ => false,
    }
}

/// The alternatives without alternatives within them.
fn flatten<'a>(grammar: &'a Grammar, shapes: &'a [Shape], flat: &mut Vec<&'a Shape>) {
    for shape in shapes {
        match grammar.resolve(shape) {
            Shape::Either(inner) => flatten(grammar, inner, flat),
            other => flat.push(other),
        }
    }
}

/// What `shape` asks for, as a phrase: "a duration such as "5ms" or a table".
pub(super) fn expected(grammar: &Grammar, shape: &Shape) -> String {
    match grammar.resolve(shape) {
        Shape::Quantity(unit, _) => unit.described().into(),
        Shape::Text => "a text in quotes".into(),
        Shape::Flag => "true or false".into(),
        Shape::Words(words) => match words.as_slice() {
            [one] => format!("\"{}\"", one.name),
            _ => format!("one of {}", listed(words.iter().map(|word| word.name))),
        },
        Shape::Spelled(spelled) => spelled.described.into(),
        Shape::List(element, _) => format!("a list, each element {}", expected(grammar, element)),
        Shape::Pair(first, second) => {
            format!(
                "a pair [a, b] of {} and {}",
                expected(grammar, first),
                expected(grammar, second)
            )
        }
        Shape::Table(_) | Shape::Map(_) => "a table".into(),
        Shape::Choice(choice) => format!("a table with the key `{}`", choice.tag),
        Shape::Either(shapes) => {
            let mut each: Vec<String> = Vec::new();
            for shape in shapes {
                let phrase = match grammar.resolve(shape) {
                    Shape::List(element, _) if each.contains(&expected(grammar, element)) => {
                        "a list of those".into()
                    }
                    shape => expected(grammar, shape),
                };
                each.push(phrase);
            }
            each.join(" or ")
        }
        Shape::Short(key, full) => {
            let plain = short_shape(grammar, key, full);
            format!(
                "{} or {}",
                expected(grammar, &plain),
                expected(grammar, full)
            )
        }
        Shape::Measure => "a number or a quantity in quotes".into(),
        Shape::Anything => "any value".into(),
        Shape::Named(_) => String::new(),
    }
}

/// What may be written in place of the table `full` in short.
pub(super) fn short_shape(grammar: &Grammar, key: &str, full: &Shape) -> Shape {
    match grammar.resolve(full) {
        Shape::Table(table) => table
            .fields
            .iter()
            .find(|field| field.name == key)
            .map_or(Shape::Anything, |field| field.shape.clone()),
        Shape::Choice(choice) => Shape::Words(choice.words()),
        other => other.clone(),
    }
}

/// Names in quotes, with commas.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// "did you mean `x`?", or all names where none is near.
pub(super) fn did_you_mean<'a>(
    written: &str,
    names: impl Iterator<Item = &'a str> + Clone,
    what: &str,
) -> String {
    match nearest(written, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("{what}: {}", listed(names)),
    }
}

/// Reads [`Checked`] values. The shape of a key says which of these fits it; the tests load every
/// key of the grammar, so a slip shows.
impl Checked {
    /// The value of `key` in a table, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<&Checked> {
        match &self.value {
            Sound::Table(entries) => entries.get(key),
            _ => None,
        }
    }

    /// The value of a key that is required or has a default.
    pub(super) fn at(&self, key: &str) -> &Checked {
        self.get(key)
            .unwrap_or_else(|| panic!("the grammar has no key `{key}` here"))
    }

    /// The text, or an empty one for other values.
    pub(super) fn text(&self) -> &str {
        match &self.value {
            Sound::Text(text) => text,
            _ => "",
        }
    }

    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.value, Sound::Text(text) if text == word)
    }

    pub(super) fn flag(&self) -> bool {
        matches!(self.value, Sound::Flag(true))
    }

    /// The quantity, if it is one.
    pub(super) fn amount(&self) -> Option<Amount> {
        match self.value {
            Sound::Amount(amount) => Some(amount),
            _ => None,
        }
    }

    /// The quantity in base units; 0 for other values.
    pub(super) fn base(&self) -> f64 {
        self.amount().map_or(0.0, Amount::base)
    }

    /// The quantity in base units as a whole number; 0 for other values.
    pub(super) fn whole(&self) -> u64 {
        self.amount().map_or(0, Amount::whole)
    }

    /// As [`Checked::whole`]; the grammar's bounds keep it within 32 bits.
    pub(super) fn whole_u32(&self) -> u32 {
        u32::try_from(self.whole()).unwrap_or(u32::MAX)
    }

    pub(super) fn list(&self) -> &[Checked] {
        match &self.value {
            Sound::List(list) => list,
            _ => &[],
        }
    }

    /// In canonical form: a scenario that means the same.
    pub(super) fn json(&self) -> Json {
        match &self.value {
            Sound::Text(text) => text.as_str().into(),
            Sound::Flag(flag) => (*flag).into(),
            Sound::Unread(json) => json.clone(),
            Sound::Amount(amount) => amount.json(),
            Sound::List(list) => Json::Array(list.iter().map(Self::json).collect()),
            Sound::Table(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.json()))
                    .collect(),
            ),
        }
    }
}
