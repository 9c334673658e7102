//! The reference of the scenario file, `docs/scenario.md`, written from the grammar.
//!
//! A test compares the file in the repository with this text, so it cannot fall behind. Not here:
//! a tutorial.

use std::fmt::Write;

use super::format::grammar;
use super::shape::{Choice, Field, Grammar, Need, Shape, Table, expected};
use super::unit::Unit;

const OPENING: &str = "\
# The scenario file

One TOML file is one question: a workload, tiers of caches from the client to the database, a
database, variants of all that, and what is expected of the results. This reference is written by
`cachesim schema --markdown`; `cachesim schema` prints the same as JSON Schema, so that editors
complete the file (Even Better TOML, Taplo and others read `#:schema scenario.schema.json` in its
first line), and `cachesim check FILE...` says what is wrong with one.

The least that is a scenario:

```toml
duration = \"1m\"

[workload]
arrivals = \"1k/s\"
keys     = { distribution = \"zipf\", count = \"1M\", exponent = 0.99 }

[database]
service_time = \"5ms\"
```

## Quantities

Every quantity with a unit stands in quotes and names its unit; a bare number is refused wherever it
would leave the reader guessing.

";

const CLOSING: &str = "\
## Variants and overrides

The file as it stands is the variant `base`; each `[[variant]]` is the file with some settings
replaced, in the order of the file. All variants meet the same luck: request number 17 asks for the
same key at the same instant in each of them.

A path is a sequence of keys with dots between them, and a tier is addressed by its name:
`tier.redis.ttl`, `tier.redis.ttl.jitter`, `database.connections`, `workload.keys.exponent`. What is
not written can be set all the same, and what is written in short has its long form: `ttl = \"60s\"`
is `ttl = { base = \"60s\" }`. The keys `title`, `description`, `seed`, `replications`, `variant` and
`expect` belong to the file and cannot be set in a variant.

`--set PATH=VALUE` on the command line changes the file before its variants are made, so a variant
that sets the same path still differs. A value that is not TOML is a text:
`--set tier.redis.ttl=30s` needs no quotes.

## Expectations

Each `[[expect]]` names a metric, the variant it is about (`base` if nothing is said) and exactly
one condition. A bare number is in the metric's base unit, as in the JSON of `run`: seconds, bytes,
per second, shares from 0 to 1, counts. With a unit it says so itself: `\"5ms\"`, `\"1GiB\"`,
`\"400/s\"`, `\"95%\"`.

```toml
[[expect]]
metric = \"latency.p99\"
below  = \"20ms\"

[[expect]]
variant       = \"undefended\"
metric        = \"database.qps.max\"
above_variant = \"base\"
factor        = 3.0
```
";

/// The reference, in Markdown.
#[must_use]
pub fn reference() -> String {
    let grammar = grammar();
    let mut text = OPENING.to_owned();
    text.push_str("| kind | is |\n|---|---|\n");
    for unit in Unit::ALL {
        let schema = unit.schema();
        let examples = schema["examples"].as_array().map_or(&[][..], Vec::as_slice);
        let examples: Vec<String> = examples
            .iter()
            .map(|example| format!("`{example}`"))
            .collect();
        let description = schema["description"].as_str().unwrap_or("");
        line(
            &mut text,
            &format!(
                "| {} | {description} {} |",
                unit.name(),
                examples.join(", ")
            ),
        );
    }
    text.push_str("\nA *distribution of durations* is a duration, which is then always the same, or a table as \
                   [below](#distributions-of-durations).\nSo are distributions of sizes and of counts.\n\n");
    section(&mut text, grammar, "Top level", "", &grammar.root);
    let mut below = Vec::new();
    collect(grammar, &grammar.root, "", &mut below);
    for (title, place, shape) in below {
        match shape {
            Shape::Table(fields) => section(&mut text, grammar, &title, &place, fields),
            Shape::Choice(choice) => rows(&mut text, grammar, &title, &place, choice),
            _ => {}
        }
    }
    for (name, title) in [
        ("keys", "Distributions of keys"),
        ("durations", "Distributions of durations"),
        ("sizes", "Distributions of sizes"),
        ("counts", "Distributions of counts"),
    ] {
        if let Some(choice) = choice_in(grammar, grammar.named(name)) {
            rows(&mut text, grammar, title, "", choice);
        }
    }
    text.push_str(CLOSING);
    text
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

fn choice_in<'a>(grammar: &'a Grammar, shape: &'a Shape) -> Option<&'a Choice> {
    match grammar.resolve(shape) {
        Shape::Choice(choice) => Some(choice),
        Shape::Short(_, full) => choice_in(grammar, full),
        Shape::Either(shapes) => shapes.iter().find_map(|shape| choice_in(grammar, shape)),
        Shape::List(element, _) => choice_in(grammar, element),
        _ => None,
    }
}

/// The tables below a table, each with its title and its path; those with names of their own have
/// sections of their own.
fn collect<'a>(
    grammar: &'a Grammar,
    table: &'a Table,
    place: &str,
    below: &mut Vec<(String, String, &'a Shape)>,
) {
    for field in &table.fields {
        let path = if place.is_empty() {
            field.name.to_owned()
        } else {
            format!("{place}.{}", field.name)
        };
        inner(grammar, &field.shape, &path, below);
    }
}

fn inner<'a>(
    grammar: &'a Grammar,
    shape: &'a Shape,
    path: &str,
    below: &mut Vec<(String, String, &'a Shape)>,
) {
    match shape {
        Shape::Table(table) => {
            below.push((format!("`{path}`"), path.into(), shape));
            collect(grammar, table, path, below);
        }
        Shape::Choice(choice) => {
            // One alone and several in a list are the same ones.
            if below.iter().any(|(_, place, _)| place == path) {
                return;
            }
            below.push((format!("`{path}`"), path.into(), shape));
            for row in &choice.rows {
                for field in &row.table.fields {
                    let path = format!("{path}.{}", field.name);
                    // A parameter that several rows have is described once.
                    if !below.iter().any(|(_, place, _)| *place == path) {
                        inner(grammar, &field.shape, &path, below);
                    }
                }
            }
        }
        Shape::Short(_, full) => inner(grammar, full, path, below),
        Shape::Either(shapes) => shapes
            .iter()
            .for_each(|shape| inner(grammar, shape, path, below)),
        Shape::List(element, _) => inner(grammar, element, path, below),
        _ => {}
    }
}

fn section(text: &mut String, grammar: &Grammar, title: &str, place: &str, table: &Table) {
    let array = matches!(place, "tier" | "variant" | "expect");
    let title = if array {
        format!("`[[{place}]]`")
    } else {
        title.to_owned()
    };
    line(text, &format!("## {title}\n"));
    fields(text, grammar, table);
    text.push('\n');
}

fn fields(text: &mut String, grammar: &Grammar, table: &Table) {
    line(
        text,
        "| key | what may be written | if it is not written | meaning | example |",
    );
    line(text, "|---|---|---|---|---|");
    for field in &table.fields {
        let Field {
            name,
            shape,
            need,
            meaning,
            example,
        } = field;
        let need = match need {
            Need::Required => "it must be".into(),
            Need::Unless(path) => format!("it must be, unless `{path}` is"),
            Need::Default(default) => format!("`{default}`"),
            Need::Optional => String::new(),
        };
        let content = format!(
            "| `{name}` | {} | {need} | {} | `{example}` |",
            written(grammar, shape),
            cell(meaning)
        );
        line(text, &content);
    }
}

fn rows(text: &mut String, grammar: &Grammar, title: &str, place: &str, choice: &Choice) {
    line(text, &format!("## {title}\n"));
    let subject = if place.is_empty() { "" } else { " here" };
    line(
        text,
        &format!(
            "The key `{}`{subject} is {}.\n",
            choice.tag, choice.tag_meaning
        ),
    );
    for row in &choice.rows {
        line(text, &format!("### `{} = \"{}\"`\n", choice.tag, row.name));
        line(text, &format!("{}.\n", sentence(&row.meaning)));
        if row.table.fields.is_empty() {
            line(text, "It has no other keys.");
        } else {
            fields(text, grammar, &row.table);
        }
        text.push('\n');
    }
}

fn sentence(meaning: &str) -> String {
    let mut letters = meaning.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn cell(content: &str) -> String {
    content.replace('|', "\\|")
}

/// What may be written, for a column of a table.
fn written(grammar: &Grammar, shape: &Shape) -> String {
    let mut text = String::new();
    let _ = match shape {
        Shape::Quantity(unit, range) => write!(
            text,
            "a {} from {} to {}",
            unit.name(),
            range.low,
            range.high
        ),
        Shape::Words(words) => {
            let words: Vec<String> = words
                .iter()
                .map(|word| format!("`\"{}\"`: {}", word.name, word.meaning))
                .collect();
            write!(text, "{}", words.join("; "))
        }
        Shape::Named("durations") => write!(
            text,
            "[a distribution of durations](#distributions-of-durations)"
        ),
        Shape::Named("sizes") => write!(text, "[a distribution of sizes](#distributions-of-sizes)"),
        Shape::Named("counts") => {
            write!(text, "[a distribution of counts](#distributions-of-counts)")
        }
        Shape::Named("keys") => write!(text, "[a distribution of keys](#distributions-of-keys)"),
        Shape::Either(shapes) => {
            let each: Vec<String> = shapes.iter().map(|shape| written(grammar, shape)).collect();
            write!(text, "{}", each.join(", or "))
        }
        Shape::List(element, _) => match **element {
            Shape::Table(_) => write!(text, "any number of tables"),
            Shape::Choice(ref choice) => write!(text, "a list of tables with `{}`", choice.tag),
            ref other => write!(text, "a list of {}", written(grammar, other)),
        },
        Shape::Pair(first, second) => {
            write!(
                text,
                "[{}, {}]",
                written(grammar, first),
                written(grammar, second)
            )
        }
        Shape::Short(key, full) => match grammar.resolve(full) {
            Shape::Choice(choice) => {
                let names: Vec<String> = choice
                    .rows
                    .iter()
                    .map(|row| format!("`\"{}\"`", row.name))
                    .collect();
                write!(text, "{}, or a table with `{key}`", names.join(", "))
            }
            _ => write!(text, "{}", expected(grammar, shape)),
        },
        Shape::Choice(choice) => write!(text, "a table with `{}`", choice.tag),
        Shape::Table(_) | Shape::Map(_) => write!(text, "a table"),
        other => write!(text, "{}", expected(grammar, other)),
    };
    cell(&text)
}
