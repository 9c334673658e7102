//! A scenario as written: a tree of values that remember where they stand.
//!
//! Between TOML and the checks lies this tree of our own, because overrides replace parts of it and
//! every part keeps the place that an error about it has to show. Not here: what the values mean.

use indexmap::IndexMap;
use serde_json::Value as Json;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::source::Span;

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// What TOML can say.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    /// One beyond 128 bits becomes a float: it is out of every range anyway.
    Integer(i128),
    Float(f64),
    Flag(bool),
    Moment(String),
    List(Vec<Node>),
    Table(IndexMap<String, Entry>),
}

/// The value of a key, and the place of the key itself.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Span,
    pub(super) node: Node,
}

impl Node {
    /// What kind of value it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::Moment(_) => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The value as an error quotes it, or its kind where it would be long.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) => super::unit::quoted(text),
            Value::Integer(number) => format!("`{number}`"),
            Value::Float(number) => format!("`{}`", super::unit::shown(*number)),
            Value::Flag(flag) => format!("`{flag}`"),
            Value::Moment(text) => format!("the date `{text}`"),
            Value::List(_) | Value::Table(_) => self.kind().into(),
        }
    }

    /// The value of `key`, if this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Table(entries) => entries.get(key).map(|entry| &entry.node),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub(super) fn list(&self) -> &[Node] {
        match &self.value {
            Value::List(list) => list,
            _ => &[],
        }
    }

    /// The same value as if it stood at `span`.
    pub(super) fn moved(mut self, span: Span) -> Self {
        self.move_to(span);
        self
    }

    fn move_to(&mut self, span: Span) {
        self.span = span;
        match &mut self.value {
            Value::List(list) => list.iter_mut().for_each(|node| node.move_to(span)),
            Value::Table(entries) => {
                for entry in entries.values_mut() {
                    entry.key = span;
                    entry.node.move_to(span);
                }
            }
            _ => {}
        }
    }
}

/// Reads `text`, the text of source `source`, as a whole file. What cannot be read is left out of
/// the tree and reported.
pub(super) fn parse_file(text: &str, source: usize, problems: &mut Vec<Problem>) -> Node {
    let (table, errors) = DeTable::parse_recoverable(text);
    report(&errors, text, source, problems);
    let span = Span {
        source,
        start: 0,
        end: 0,
    };
    Node {
        span,
        value: table_of(table.into_inner(), source),
    }
}

/// Reads `text`, which begins at byte `offset` of source `source`, as one value.
pub(super) fn parse_value(text: &str, source: usize, offset: usize) -> Result<Node, Vec<Problem>> {
    let mut problems = Vec::new();
    let (value, errors) = DeValue::parse_recoverable(text);
    report(&errors, text, source, &mut problems);
    for problem in &mut problems {
        problem.span.start += offset;
        problem.span.end += offset;
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let span = value.span();
    let span = Span {
        source,
        start: span.start,
        end: span.end,
    };
    let mut node = node_of(value.into_inner(), span, source);
    shift(&mut node, offset);
    Ok(node)
}

fn shift(node: &mut Node, offset: usize) {
    node.span.start += offset;
    node.span.end += offset;
    match &mut node.value {
        Value::List(list) => list.iter_mut().for_each(|node| shift(node, offset)),
        Value::Table(entries) => {
            for entry in entries.values_mut() {
                entry.key.start += offset;
                entry.key.end += offset;
                shift(&mut entry.node, offset);
            }
        }
        _ => {}
    }
}

fn report(errors: &[toml::de::Error], text: &str, source: usize, problems: &mut Vec<Problem>) {
    for error in errors {
        let range = error.span().unwrap_or(text.len()..text.len());
        let span = Span {
            source,
            start: range.start,
            end: range.end,
        };
        let mut message = String::new();
        for (index, line) in error.message().lines().enumerate() {
            message.push_str(if index > 0 { "; " } else { "" });
            message.push_str(line);
        }
        let help = advice(&message, text, range.start);
        problems.push(Problem::new(span, format!("syntax error: {message}")).help(help));
    }
}

/// What to do about a syntax error.
fn advice(message: &str, text: &str, at: usize) -> String {
    let line = text
        .get(..at)
        .map(|before| before.rfind('\n').map_or(0, |end| end + 1))
        .and_then(|start| text.get(start..))
        .and_then(|rest| rest.lines().next())
        .unwrap_or("");
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    let bare_text = !value.is_empty()
        && !value.starts_with(['"', '\'', '{', '['])
        && value
            .chars()
            .all(|c| c.is_alphanumeric() || "._-+/% ".contains(c));
    if message.contains("duplicate key") {
        "a key can be set once; remove one of the two".into()
    } else if bare_text && value.parse::<f64>().is_err() && value.len() < 40 {
        format!("texts and quantities stand in quotes: \"{value}\"")
    } else {
        "a scenario is a TOML file: `key = value` lines under [table] headers, see https://toml.io"
            .into()
    }
}

fn node_of(value: DeValue<'_>, span: Span, source: usize) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(integer) => {
            match i128::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Float(integer.as_str().parse().unwrap_or(f64::INFINITY)),
            }
        }
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(flag),
        DeValue::Datetime(moment) => Value::Moment(moment.to_string()),
        DeValue::Array(list) => {
            let nodes = list.into_iter().map(|element| {
                let range = element.span();
                let span = Span {
                    source,
                    start: range.start,
                    end: range.end,
                };
                node_of(element.into_inner(), span, source)
            });
            Value::List(nodes.collect())
        }
        DeValue::Table(table) => table_of(table, source),
    };
    Node { span, value }
}

fn table_of(table: DeTable<'_>, source: usize) -> Value {
    let entries = table.into_iter().map(|(key, value)| {
        let (key_range, range) = (key.span(), value.span());
        let key_span = Span {
            source,
            start: key_range.start,
            end: key_range.end,
        };
        let span = Span {
            source,
            start: range.start,
            end: range.end,
        };
        let entry = Entry {
            key: key_span,
            node: node_of(value.into_inner(), span, source),
        };
        (key.into_inner().into_owned(), entry)
    });
    Value::Table(entries.collect())
}

impl Node {
    /// The value as JSON. What JSON cannot say (infinities) becomes null.
    pub(super) fn json(&self) -> Json {
        match &self.value {
            Value::Text(text) | Value::Moment(text) => text.as_str().into(),
            Value::Integer(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => number.into(),
                (Err(_), Ok(number)) => number.into(),
                (Err(_), Err(_)) => Json::from(*number as f64),
            },
            Value::Float(number) => Json::from(*number),
            Value::Flag(flag) => (*flag).into(),
            Value::List(list) => Json::Array(list.iter().map(Self::json).collect()),
            Value::Table(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, entry)| (key.clone(), entry.node.json()));
                Json::Object(entries.collect())
            }
        }
    }
}
