//! The rules of the code: imports point down the list of modules in `src/lib.rs`, and some modules
//! know hardly anybody. Read from the sources, so that nobody has to remember them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Modules that import nobody but these plain ones: they can be understood by themselves.
const ALONE: &[&str] = &["kernel", "eviction", "placement", "trace", "metrics"];
const PLAIN: &[&str] = &["random", "units", "whole_file", "prefetch"];

/// Words of the timed world, which policies must not know: one file serves it and the replay.
const TIMED_WORDS: &[&str] = &["kernel", "Future", "async", "await", "Waker", "Poll"];

/// The words and signs of a source, without comments, strings, characters and lifetimes.
fn tokens(source: &str) -> Vec<String> {
    let letters: Vec<char> = source.chars().collect();
    let at = |index: usize| letters.get(index).copied().unwrap_or('\0');
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < letters.len() {
        // How many # stand before the quote of a raw string, if one begins here.
        let raw = (at(i) == 'r' || at(i) == 'b' && at(i + 1) == 'r').then(|| {
            let from = i + if at(i) == 'b' { 2 } else { 1 };
            let hashes = (from..).take_while(|&j| at(j) == '#').count();
            (at(from + hashes) == '"').then_some((from + hashes + 1, hashes))
        });
        if at(i) == '/' && at(i + 1) == '/' {
            while i < letters.len() && at(i) != '\n' {
                i += 1;
            }
        } else if at(i) == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            while i < letters.len() {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 {
                    break;
                }
            }
        } else if let Some(Some((start, hashes))) = raw {
            i = start;
            while i < letters.len() {
                i += 1;
                let closing = (i..).take_while(|&j| at(j) == '#').count();
                if at(i - 1) == '"' && closing >= hashes {
                    break;
                }
            }
            i += hashes;
        } else if at(i) == '"' {
            i += 1;
            while i < letters.len() && at(i) != '"' {
                i += if at(i) == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if at(i) == '\'' {
            // A character ends with a quote, a lifetime does not.
            if at(i + 1) == '\\' {
                i += 3;
                while i < letters.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            } else if at(i + 2) == '\'' {
                i += 3;
            } else {
                i += 1;
            }
        } else if is_word(at(i)) {
            let start = i;
            while is_word(at(i)) {
                i += 1;
            }
            tokens.push(letters[start..i].iter().collect());
        } else if at(i) == ':' && at(i + 1) == ':' {
            tokens.push("::".to_owned());
            i += 2;
        } else {
            if !at(i).is_whitespace() {
                tokens.push(at(i).to_string());
            }
            i += 1;
        }
    }
    tokens
}

/// The modules at the top of the crate that a source names, by `crate::` or by enough `super::`.
/// `depth` is how far below the top the source's own module is.
fn modules_named_in(source: &str, depth: usize) -> Vec<String> {
    let tokens = tokens(source);
    let token = |index: usize| tokens.get(index).map_or("", String::as_str);
    let mut named = Vec::new();
    // Whether each open brace is that of a module.
    let mut braces: Vec<bool> = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        match token(i) {
            "{" => braces.push(i >= 2 && token(i - 2) == "mod"),
            "}" => {
                braces.pop();
            }
            "crate" if token(i + 1) == "::" => {
                name_group(&tokens, i + 2, &mut named);
            }
            "super" if token(i + 1) == "::" && (i == 0 || token(i - 1) != "::") => {
                let mut supers = 0;
                while token(i) == "super" && token(i + 1) == "::" {
                    (supers, i) = (supers + 1, i + 2);
                }
                let here = depth + braces.iter().filter(|is_module| **is_module).count();
                if supers >= here {
                    name_group(&tokens, i, &mut named);
                }
                continue;
            }
            _ => {}
        }
        i += 1;
    }
    named
}

/// The first words of a path or of each path in a group, which begins at `start`.
fn name_group(tokens: &[String], start: usize, named: &mut Vec<String>) {
    if tokens.get(start).is_none_or(|token| token != "{") {
        named.extend(tokens.get(start).cloned());
        return;
    }
    let mut depth = 0;
    let mut before = "";
    for token in &tokens[start..] {
        match token.as_str() {
            "}" => depth -= 1,
            "{" => depth += 1,
            word if depth == 1 && (before == "{" || before == ",") => named.push(word.to_owned()),
            _ => {}
        }
        if depth == 0 {
            break;
        }
        before = token;
    }
}

/// Whether `module` may name `other`, given the modules from the edge to the core.
fn may_name(order: &[String], module: &str, other: &str) -> Result<(), String> {
    let place = |name: &str| order.iter().position(|module| module == name);
    let (Some(here), Some(there)) = (place(module), place(other)) else {
        return Err(format!("`{other}` is not in the list of src/lib.rs"));
    };
    if module == other {
        return Ok(());
    }
    if there < here {
        return Err(format!(
            "`{other}` is above `{module}` in the list of src/lib.rs"
        ));
    }
    if ALONE.contains(&module) && !PLAIN.contains(&other) {
        return Err(format!("`{module}` imports only {PLAIN:?}, not `{other}`"));
    }
    if module == "replay" && other == "kernel" {
        return Err("replay is a plain loop, without the kernel".to_owned());
    }
    Ok(())
}

/// Everything wrong with one source of `module`.
fn violations(order: &[String], module: &str, depth: usize, source: &str) -> Vec<String> {
    let named = modules_named_in(source, depth);
    let imports = named.iter().map(|other| may_name(order, module, other));
    let mut wrong: Vec<String> = imports.filter_map(Result::err).collect();
    if module == "eviction" {
        let words = tokens(source);
        let timed = words
            .iter()
            .filter(|word| TIMED_WORDS.contains(&word.as_str()));
        wrong.extend(timed.map(|word| format!("a policy does not know what `{word}` is")));
    }
    wrong
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).expect("the sources are there");
    for entry in entries {
        let path = entry.expect("they can be listed").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The names in the list of modules in `src/lib.rs`, from the edge to the core.
fn order(lib: &str) -> Vec<String> {
    let tokens = tokens(lib);
    let modules = tokens
        .windows(3)
        .filter(|it| it[0] == "mod" && it[2] == ";");
    modules.map(|it| it[1].clone()).collect()
}

#[test]
fn imports_point_down_the_list_of_modules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: &Path| std::fs::read_to_string(path).expect("sources are text");
    let order = order(&read(&root.join("lib.rs")));
    assert!(order.len() > 15 && order.last().is_some_and(|last| last == "prefetch"));
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    let mut wrong = Vec::new();
    let mut imports = BTreeMap::<String, usize>::new();
    for file in &files {
        let relative = file.strip_prefix(&root).expect("it was found there");
        let mut parts: Vec<String> = relative
            .with_extension("")
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        if parts == ["lib"] || parts == ["main"] {
            continue;
        }
        if parts.last().is_some_and(|last| last == "mod") {
            parts.pop();
        }
        let source = read(file);
        *imports.entry(parts[0].clone()).or_default() +=
            modules_named_in(&source, parts.len()).len();
        let name = relative.to_string_lossy().replace('\\', "/");
        for what in violations(&order, &parts[0], parts.len(), &source) {
            wrong.push(format!("src/{name}: {what}"));
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    // A reader that sees nothing would find nothing wrong.
    assert!(
        imports["simulation"] > 10 && imports["trace"] > 50,
        "{imports:?}"
    );
    assert!(
        order.iter().all(|module| imports.contains_key(module)),
        "{imports:?}"
    );
}

#[test]
fn what_breaks_the_rules_is_seen() {
    let order: Vec<String> = [
        "cli", "tier", "replay", "eviction", "kernel", "units", "random",
    ]
    .map(str::to_owned)
    .to_vec();
    let violations = |module: &str, source: &str| violations(&order, module, 1, source).len();
    assert_eq!(violations("tier", "use crate::kernel::Kernel;"), 0);
    assert_eq!(violations("tier", "use crate::cli::run;"), 1);
    assert_eq!(
        violations("tier", "use crate::{kernel::{A, B}, units, cli::{run, C}};"),
        1
    );
    assert_eq!(violations("tier", "fn f() { crate::cli::run(); }"), 1);
    assert_eq!(violations("tier", "use super::cli;"), 1);
    assert_eq!(violations("tier", "mod tests { use super::cli; }"), 0);
    assert_eq!(
        violations("tier", "mod tests { use super::super::cli; }"),
        1
    );
    assert_eq!(
        violations(
            "tier",
            "fn f() { mod a { } { } use super::{cli::x, units} }"
        ),
        1
    );
    assert_eq!(violations("tier", "use crate::unknown;"), 1);
    assert_eq!(
        violations("tier", "macro_rules! m { () => { $crate::cli::run() } }"),
        1
    );
    assert_eq!(violations("replay", "use crate::{eviction, kernel};"), 1);
    assert_eq!(
        violations(
            "eviction",
            "use crate::random::Draws; use crate::units::Key;"
        ),
        0
    );
    // Once as an import and once as a word.
    assert_eq!(violations("eviction", "use crate::kernel::Kernel;"), 2);
    assert_eq!(violations("eviction", "async fn f() {}"), 1);
    assert_eq!(violations("kernel", "use crate::units::Key;"), 0);
    assert_eq!(violations("random", "use crate::units::Key;"), 1);
    for unread in [
        "// use crate::cli;",
        "/* /* use */ crate::cli */",
        "/// See [`crate::cli`].",
        r#"let s = "\" crate::cli";"#,
        r##"let s = r#"" crate::cli"#; let c = '"'; let d = '\''; let e = "crate::cli";"##,
        "fn f<'a>(a: &'a str) {} // crate::cli",
    ] {
        assert_eq!(violations("tier", unread), 0, "{unread}");
        let read = format!("{unread}\nuse crate::cli;");
        assert_eq!(violations("tier", &read), 1, "{unread}");
    }
}
