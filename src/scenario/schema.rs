//! The JSON Schema of the scenario file, so that editors complete and check it.
//!
//! Derived from the grammar. A schema cannot say everything: bounds of quantities with units,
//! names of tiers and sums over several keys are left to `cachesim check`; what the schema refuses,
//! the loader refuses as well.

use serde_json::{Map, Value as Json, json};

use super::format::grammar;
use super::shape::{Choice, Field, Grammar, Need, Range, Shape, Table, short_shape};
use super::tree;
use super::unit::Unit;

/// The schema, of draft 2020-12.
#[must_use]
pub fn schema() -> Json {
    let grammar = grammar();
    let mut definitions = Map::new();
    for unit in Unit::ALL {
        definitions.insert(unit.name().into(), unit.schema());
    }
    for (name, shape) in &grammar.named {
        definitions.insert((*name).into(), of(grammar, shape));
    }
    let Json::Object(root) = table(grammar, &grammar.root, None) else {
        return Json::Null;
    };
    let mut schema = Map::new();
    schema.insert(
        "$schema".into(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    schema.insert("title".into(), "cachesim scenario".into());
    schema.insert(
        "description".into(),
        "One question to cachesim: a workload, tiers of caches, a database, variants and expectations.".into(),
    );
    schema.extend(root);
    schema.insert("$defs".into(), Json::Object(definitions));
    Json::Object(schema)
}

fn of(grammar: &Grammar, shape: &Shape) -> Json {
    match shape {
        Shape::Quantity(unit, range) => quantity(*unit, *range),
        Shape::Text => json!({ "type": "string" }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Words(words) => json!({
            "type": "string",
            "enum": words.iter().map(|word| word.name).collect::<Vec<_>>(),
        }),
        Shape::Spelled(spelled) => json!({
            "type": "string",
            "pattern": spelled.pattern,
            "examples": spelled.examples,
        }),
        Shape::List(element, least) => json!({
            "type": "array",
            "items": of(grammar, element),
            "minItems": least,
        }),
        Shape::Pair(first, second) => json!({
            "type": "array",
            "prefixItems": [of(grammar, first), of(grammar, second)],
            "items": false,
            "minItems": 2,
        }),
        Shape::Table(fields) => table(grammar, fields, None),
        Shape::Choice(choice) => any_of(choice.rows.iter().map(|row| {
            let mut schema = table(grammar, &row.table, Some((choice, row.name)));
            schema["description"] = row.meaning.as_str().into();
            schema
        })),
        Shape::Either(shapes) => any_of(shapes.iter().map(|shape| of(grammar, shape))),
        Shape::Short(key, full) => any_of(
            [short_shape(grammar, key, full), (**full).clone()]
                .iter()
                .map(|shape| of(grammar, shape)),
        ),
        Shape::Map(element) => {
            json!({ "type": "object", "additionalProperties": of(grammar, element) })
        }
        Shape::Measure => json!({ "type": ["number", "string"] }),
        Shape::Anything => Json::Bool(true),
        Shape::Named(name) => json!({ "$ref": format!("#/$defs/{name}") }),
    }
}

/// Alternatives, without alternatives nested in them.
fn any_of(schemas: impl Iterator<Item = Json>) -> Json {
    let mut flat = Vec::new();
    for schema in schemas {
        match schema.get("anyOf").and_then(Json::as_array) {
            Some(inner) if schema.as_object().is_some_and(|object| object.len() == 1) => {
                flat.extend(inner.clone())
            }
            _ => flat.push(schema),
        }
    }
    match flat.len() {
        1 => flat.remove(0),
        _ => json!({ "anyOf": flat }),
    }
}

fn quantity(unit: Unit, range: Range) -> Json {
    let mut schema = json!({ "$ref": format!("#/$defs/{}", unit.name()) });
    // Bounds hold for bare numbers; JSON Schema cannot compare texts with units.
    if unit.takes_numbers() {
        for (keyword, text) in [("minimum", range.low), ("maximum", range.high)] {
            schema[keyword] = number(range.bound(unit, text));
        }
    }
    schema
}

/// A whole number as one: editors show it.
fn number(value: f64) -> Json {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Json::from(value as i64)
    } else {
        Json::from(value)
    }
}

fn table(grammar: &Grammar, table: &Table, chosen: Option<(&Choice, &str)>) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut alternatives = Vec::new();
    if let Some((choice, name)) = chosen {
        properties.insert(
            choice.tag.into(),
            json!({ "const": name, "description": choice.tag_meaning }),
        );
        required.push(choice.tag);
    }
    for field in &table.fields {
        properties.insert(field.name.into(), property(grammar, field));
        if field.need == Need::Required {
            required.push(field.name);
        }
        if let Need::Unless(path) = field.need {
            alternatives.push(json!({ "anyOf": [{ "required": [field.name] }, written(path)] }));
        }
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    if !alternatives.is_empty() {
        schema["allOf"] = alternatives.into();
    }
    schema
}

/// That there is a key at `path`.
fn written(path: &str) -> Json {
    match path.split_once('.') {
        None => json!({ "required": [path] }),
        Some((first, rest)) => json!({
            "required": [first],
            "properties": { first: written(rest) },
        }),
    }
}

fn property(grammar: &Grammar, field: &Field) -> Json {
    let Json::Object(shape) = of(grammar, &field.shape) else {
        return Json::Bool(true);
    };
    let mut schema = Map::new();
    schema.insert("description".into(), field.meaning.as_str().into());
    schema.extend(shape);
    if let Need::Default(text) = field.need
        && let Ok(node) = tree::parse_value(text, 0, 0)
    {
        schema.insert("default".into(), node.json());
    }
    Json::Object(schema)
}
