//! The table in docs/defences.md is what scenarios/stampede.toml gives. To write it anew:
//! `UPDATE_DOCS=1 cargo test --test integration defence_table`.

use std::fmt::Write;
use std::path::Path;

use cachesim::experiment::{self, Wanted};
use cachesim::scenario::{self, Overrides};
use cachesim::simulation::NoProgress;

const BEGINNING: &str = "<!-- the table of scenarios/stampede.toml begins -->\n";
const END: &str = "<!-- the table ends -->\n";

/// A column: its title, its metric, what that is multiplied by, and its digits after the point.
const COLUMNS: &[(&str, &str, f64, usize)] = &[
    ("fetches of one row at once", "stampede.peak", 1.0, 0),
    ("peak queries/s", "database.qps.max", 1.0, 0),
    ("p99, ms", "read.latency.p99", 1e3, 1),
    ("p99.9, ms", "read.latency.p999", 1e3, 1),
    ("staleness, s", "staleness.mean", 1.0, 2),
    ("cost: queries/s", "database.reads.rate", 1.0, 1),
    ("cost: exchanges/s", "tier.redis.rate", 1.0, 0),
];

fn table() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("scenarios/stampede.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let study = scenario::load_text(&path, &text, &Overrides::default()).unwrap();
    let results = experiment::run(&[study], &Wanted::default(), &NoProgress).unwrap();
    let mut text = String::from("| defence |");
    for (title, ..) in COLUMNS {
        write!(text, " {title} |").unwrap();
    }
    text += "\n|---|";
    text += &"---:|".repeat(COLUMNS.len());
    text += "\n";
    for variant in &results[0].variants {
        let name = if variant.name == "base" {
            "none"
        } else {
            &variant.name
        };
        write!(text, "| {name} |").unwrap();
        for (_, metric, factor, digits) in COLUMNS {
            let value = variant.metrics[*metric].mean * factor;
            write!(text, " {value:.digits$} |").unwrap();
        }
        text += "\n";
    }
    text
}

#[test]
fn the_table_of_defences_in_docs_is_what_the_scenario_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/defences.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGINNING).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGINNING}{table}{END}{after}")).unwrap();
        return;
    }
    assert!(
        written == table,
        "docs/defences.md is out of date: UPDATE_DOCS=1 cargo test --test integration defence_table\n{table}"
    );
}
