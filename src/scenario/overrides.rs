//! Settings that replace parts of a scenario: the `set` of a variant, and `--set` on the command
//! line.
//!
//! A path is a sequence of keys with dots between them; elements of a list are addressed by their
//! name (tiers) or number. Parts that are not written are there with their defaults, and a value
//! written in short has its long form: `tier.redis.ttl.jitter` can be set where the file says
//! `ttl = "60s"`. Not here: whether the value fits; the whole scenario is checked again.

use indexmap::IndexMap;

use super::format::OF_THE_FILE;
use super::problem::Problem;
use super::shape::{Choice, Grammar, Need, Shape, Table, listed, long_form};
use super::source::Span;
use super::tree::{self, Entry, Node, Value};
use super::unit::quoted;

/// Replaces what is at `path` (written at `span`) by `value`.
pub(super) fn set(
    grammar: &Grammar,
    root: &mut Node,
    path: &str,
    span: Span,
    value: Node,
) -> Result<(), Problem> {
    let segments: Vec<&str> = path.split('.').collect();
    let shape = Shape::Table(grammar.root.clone());
    match descend(grammar, root, &shape, &segments, span, value) {
        Ok(()) => Ok(()),
        Err(depth) => {
            let wrong = quoted(segments.get(depth).copied().unwrap_or(""));
            let message = match segments.get(..depth) {
                Some(before) if depth > 0 => {
                    format!("there is no {wrong} in `{}`", before.join("."))
                }
                _ => format!("there is no {wrong} in the scenario"),
            };
            Err(Problem::new(span, message).help(advice(grammar, root, path, &segments, depth)))
        }
    }
}

/// What the file says at `path`, if it says anything there; tables that are written in short have
/// nothing below them.
pub(super) fn get<'a>(root: &'a Node, path: &str) -> Option<&'a Node> {
    path.split('.')
        .try_fold(root, |node, key| match &node.value {
            Value::List(list) => list
                .iter()
                .find(|node| node.get("name").and_then(Node::text) == Some(key))
                .or_else(|| list.get(key.parse::<usize>().ok()?)),
            _ => node.get(key),
        })
}

/// Whether a variant may set `path`: what belongs to the file is the same in all of its variants.
pub(super) fn belongs_to_the_file(path: &str) -> Option<&'static str> {
    let first = path.split('.').next().unwrap_or("");
    OF_THE_FILE.into_iter().find(|key| *key == first)
}

/// Walks down; an error is the number of the segment that leads nowhere.
fn descend(
    grammar: &Grammar,
    node: &mut Node,
    shape: &Shape,
    segments: &[&str],
    span: Span,
    value: Node,
) -> Result<(), usize> {
    let Some((first, rest)) = segments.split_first() else {
        *node = value;
        return Ok(());
    };
    let below = |depth: usize| depth + 1;
    match grammar.resolve(shape) {
        Shape::List(element, _) => {
            let Value::List(list) = &mut node.value else {
                return Err(0);
            };
            let by_name = list
                .iter()
                .position(|node| node.get("name").and_then(Node::text) == Some(first));
            let index = by_name
                .or_else(|| first.parse().ok())
                .filter(|index| *index < list.len());
            let index = index.ok_or(0usize)?;
            descend(grammar, &mut list[index], element, rest, span, value).map_err(below)
        }
        // A list where there may be one thing or several.
        Shape::Either(shapes) if matches!(node.value, Value::List(_)) => {
            let mut resolved = shapes.iter().map(|shape| grammar.resolve(shape));
            let list = resolved.find(|shape| matches!(shape, Shape::List(..)));
            descend(grammar, node, list.ok_or(0usize)?, segments, span, value)
        }
        Shape::Table(_) | Shape::Choice(_) | Shape::Either(_) | Shape::Short(..) => {
            let (table, tag) = open(grammar, shape, node).ok_or(0usize)?;
            let Value::Table(entries) = &mut node.value else {
                return Err(0);
            };
            if tag == Some(*first) && rest.is_empty() {
                entries.insert(
                    (*first).into(),
                    Entry {
                        key: span,
                        node: value,
                    },
                );
                return Ok(());
            }
            let field = table
                .fields
                .iter()
                .find(|field| field.name == *first)
                .ok_or(0usize)?;
            if rest.is_empty() {
                entries.insert(
                    (*first).into(),
                    Entry {
                        key: span,
                        node: value,
                    },
                );
                return Ok(());
            }
            if !entries.contains_key(*first) {
                let text = match (table.preset_value(entries, first), field.need) {
                    (Some(text), _) | (None, Need::Default(text)) => text,
                    (None, Need::Required | Need::Unless(_) | Need::Optional) => "{}",
                };
                let node = tree::parse_value(text, span.source, 0)
                    .map_err(|_| 0usize)?
                    .moved(span);
                entries.insert((*first).into(), Entry { key: span, node });
            }
            let entry = entries.get_mut(*first).ok_or(0usize)?;
            descend(grammar, &mut entry.node, &field.shape, rest, span, value).map_err(below)
        }
        _ => Err(0),
    }
}

/// Makes `node` a table, if `shape` lets it be one, and returns the keys that it may have.
fn open<'a>(
    grammar: &'a Grammar,
    shape: &'a Shape,
    node: &mut Node,
) -> Option<(Table, Option<&'static str>)> {
    match grammar.resolve(shape) {
        Shape::Table(table) => {
            if !matches!(node.value, Value::Table(_)) {
                node.value = Value::Table(IndexMap::new());
            }
            Some((table.clone(), None))
        }
        Shape::Choice(choice) => {
            if !matches!(node.value, Value::Table(_)) {
                *node = long_form(choice.tag, node);
            }
            Some((chosen(choice, node), Some(choice.tag)))
        }
        Shape::Short(key, full) => {
            if !matches!(node.value, Value::Table(_)) {
                *node = long_form(key, node);
            }
            open(grammar, full, node)
        }
        Shape::Either(shapes) => {
            let table = shapes
                .iter()
                .map(|shape| grammar.resolve(shape))
                .find(|shape| {
                    matches!(shape, Shape::Table(_) | Shape::Choice(_) | Shape::Short(..))
                })?;
            // What switched the thing off says nothing about the thing.
            let is_word = shapes.iter().any(|shape| match shape {
                Shape::Words(words) => words.iter().any(|word| node.text() == Some(word.name)),
                _ => false,
            });
            let plain =
                !matches!(node.value, Value::Table(_)) && !matches!(table, Shape::Short(..));
            if is_word || plain {
                node.value = Value::Table(IndexMap::new());
            }
            open(grammar, table, node)
        }
        _ => None,
    }
}

/// The keys of the row that `node` chooses, or of all rows while it chooses none.
fn chosen(choice: &Choice, node: &Node) -> Table {
    let row = node
        .get(choice.tag)
        .and_then(Node::text)
        .and_then(|name| choice.row(name));
    match row {
        Some(row) => row.table.clone(),
        None => Table {
            fields: choice
                .rows
                .iter()
                .flat_map(|row| row.table.fields.clone())
                .collect(),
            later: Vec::new(),
            presets: &[],
        },
    }
}

/// What to write in place of a path that leads nowhere.
fn advice(grammar: &Grammar, root: &Node, path: &str, segments: &[&str], depth: usize) -> String {
    let mut all = Vec::new();
    paths(
        grammar,
        &Shape::Table(grammar.root.clone()),
        Some(root),
        "",
        0,
        &mut all,
    );
    // The wrong segment itself may be near one that is allowed there; else the path as a whole may
    // be near another one (`redis.defence` for `tier.redis.defence`).
    let prefix = segments[..depth].join(".");
    let siblings: Vec<&str> = all
        .iter()
        .filter_map(|known| {
            let rest = if prefix.is_empty() {
                known.as_str()
            } else {
                known.strip_prefix(&prefix)?.strip_prefix('.')?
            };
            (!rest.contains('.')).then_some(rest)
        })
        .collect();
    let wrong = segments.get(depth).copied().unwrap_or("");
    if let Some(near) = super::unit::nearest(wrong, siblings.iter().copied()) {
        let mut mended: Vec<&str> = segments.to_vec();
        mended[depth] = near;
        let mended = mended.join(".");
        if all.contains(&mended) {
            return format!("did you mean `{mended}`?");
        }
    }
    let tail = format!(".{path}");
    if let Some(longer) = all.iter().find(|known| known.ends_with(&tail)) {
        return format!("did you mean `{longer}`?");
    }
    if let Some(near) = super::unit::nearest(path, all.iter().map(String::as_str)) {
        return format!("did you mean `{near}`?");
    }
    if siblings.is_empty() {
        return format!("`{prefix}` has no keys of its own; set it as a whole");
    }
    format!("known here: {}", listed(siblings.iter().copied()))
}

/// All paths that can be set, down to a depth at which everything interesting has been seen.
fn paths(
    grammar: &Grammar,
    shape: &Shape,
    node: Option<&Node>,
    prefix: &str,
    depth: usize,
    all: &mut Vec<String>,
) {
    if depth > 5 {
        return;
    }
    let join = |key: &str| {
        if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}.{key}")
        }
    };
    match grammar.resolve(shape) {
        Shape::Table(table) => {
            for field in &table.fields {
                if depth == 0 && matches!(field.name, "variant" | "expect" | "sweep" | "baseline") {
                    continue;
                }
                let path = join(field.name);
                all.push(path.clone());
                let below = node.and_then(|node| node.get(field.name));
                paths(grammar, &field.shape, below, &path, depth + 1, all);
            }
        }
        Shape::Choice(choice) => {
            all.push(join(choice.tag));
            let named = node
                .and_then(|node| node.get(choice.tag))
                .and_then(Node::text);
            let fields = match named.and_then(|name| choice.row(name)) {
                Some(row) => row.table.fields.iter().collect::<Vec<_>>(),
                None => choice
                    .rows
                    .iter()
                    .flat_map(|row| &row.table.fields)
                    .collect(),
            };
            for field in fields {
                let path = join(field.name);
                if !all.contains(&path) {
                    all.push(path.clone());
                    let below = node.and_then(|node| node.get(field.name));
                    paths(grammar, &field.shape, below, &path, depth + 1, all);
                }
            }
        }
        Shape::Short(_, full) => paths(grammar, full, node, prefix, depth, all),
        Shape::Either(shapes) => {
            for shape in shapes {
                paths(grammar, shape, node, prefix, depth, all);
            }
        }
        Shape::List(element, _) => {
            for node in node.map_or(&[][..], Node::list).iter().take(100) {
                if let Some(name) = node.get("name").and_then(Node::text) {
                    let path = join(name);
                    all.push(path.clone());
                    paths(grammar, element, Some(node), &path, depth + 1, all);
                }
            }
        }
        _ => {}
    }
}
