//! `cachesim run`: answers, files and exit status.

use std::path::Path;

use crate::program::{cachesim, stderr, stdout};

const SCENARIO: &str = r#"
title    = "A small cache"
seed     = 3
duration = "4s"
warmup   = "1s"
[workload]
arrivals = { process = "poisson", rate = "500/s" }
keys     = { distribution = "zipf", count = 1000, exponent = 0.9 }
reads    = 0.9
[[tier]]
name     = "redis"
capacity = "200 entries"
ttl      = { base = "2s" }
[database]
connections  = 10
service_time = { distribution = "exponential", mean = "5ms" }
[[variant]]
name = "tiny"
set  = { "tier.redis.capacity" = "10 entries" }
"#;

/// A folder with the scenario, and what else it should expect.
fn place(expectations: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(
        place.path().join("small.toml"),
        format!("{SCENARIO}{expectations}"),
    )
    .expect("a file in it");
    place
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn prints_a_table_and_writes_files() {
    let place = place("");
    let output = cachesim(place.path(), &["run", "small.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let table = stdout(&output);
    assert!(table.starts_with("A small cache\n"), "{table}");
    assert!(table.contains("tier.redis.hit_ratio") && table.contains("tiny"));
    // Not a terminal: no colours, no progress.
    assert!(!table.contains('\u{1b}') && !stderr(&output).contains('\u{1b}'));
    assert!(table.lines().all(|line| line.chars().count() <= 80));
    let files = names(&place.path().join("results/small"));
    for file in ["report.html", "summary.json", "summary.csv", "series.csv"] {
        assert!(files.iter().any(|name| name == file), "{files:?}");
    }
    let charts = |kind: &str| files.iter().filter(|name| name.ends_with(kind)).count();
    assert_eq!((charts(".svg"), charts(".png")), (4, 4));
    assert_eq!(files.len(), 12);
}

#[test]
fn json_is_the_same_bytes_on_stdout_and_in_the_file_whatever_the_threads() {
    let place = place("");
    let run = |threads: &str| {
        let output = cachesim(
            place.path(),
            &[
                "run",
                "small.toml",
                "--format",
                "json",
                "--replications",
                "3",
                "--threads",
                threads,
                "--quiet",
            ],
        );
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_eq!(stderr(&output), "");
        let file = std::fs::read_to_string(place.path().join("results/small/summary.json"));
        assert_eq!(stdout(&output), file.expect("it was written"));
        let png = std::fs::read(place.path().join("results/small/hit-ratio.png"));
        (stdout(&output), png.expect("it was written"))
    };
    let one = run("1");
    assert_eq!(one, run("4"));
    let json: serde_json::Value = serde_json::from_str(&one.0).expect("it is JSON");
    let keys: Vec<&String> = json.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "version",
            "name",
            "command",
            "title",
            "seed",
            "replications",
            "scenario",
            "variants",
            "expectations"
        ]
    );
    assert_eq!(json["replications"], 3);
    let hit_ratio = &json["variants"][1]["metrics"]["hit_ratio"];
    let number = |key: &str| hit_ratio[key].as_f64().expect("a number");
    assert!(number("low") < number("mean") && number("mean") < number("high"));
    assert_eq!(hit_ratio["unit"], "ratio");
}

#[test]
fn csv_has_the_same_numbers_as_json() {
    let place = place("");
    let run = |format: &str| {
        let arguments = ["run", "small.toml", "--no-files", "--format", format];
        stdout(&cachesim(place.path(), &arguments))
    };
    let json: serde_json::Value = serde_json::from_str(&run("json")).expect("it is JSON");
    let table = run("csv");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let mut rows = 0;
    for row in reader.records() {
        let row = row.expect("rows of equal length");
        let variant = usize::from(&row[1] == "tiny");
        let mean = &json["variants"][variant]["metrics"][&row[2]]["mean"];
        let text = mean.as_f64().map_or_else(String::new, |_| mean.to_string());
        assert_eq!(&row[4], text, "{row:?}");
        rows += 1;
    }
    assert!(rows > 80, "{rows}");
    assert_eq!(names(place.path()), ["small.toml"], "no files were wanted");
}

#[test]
fn a_broken_expectation_is_exit_status_1() {
    let place = place(
        "[[expect]]\nmetric = \"hit_ratio\"\nabove = 0.01\n\
         [[expect]]\nvariant = \"tiny\"\nmetric = \"hit_ratio\"\nabove = 0.99\n",
    );
    let all = cachesim(place.path(), &["run", "small.toml"]);
    assert_eq!(all.status.code(), Some(1), "{}", stderr(&all));
    let table = stdout(&all);
    assert!(table.contains("expectations: 1 of 2 hold"), "{table}");
    assert!(table.contains("pass  base: hit_ratio is "), "{table}");
    assert!(table.contains("FAIL  tiny: hit_ratio is "), "{table}");
    // The broken one is about a variant that is not run.
    let base = cachesim(
        place.path(),
        &["run", "small.toml", "--variant", "base", "--no-files"],
    );
    assert_eq!(base.status.code(), Some(0), "{}", stderr(&base));
}

#[test]
fn a_wrong_scenario_is_exit_status_2_and_nothing_is_written() {
    let place = place("typo = 1\n");
    let output = cachesim(place.path(), &["run", "small.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stdout(&output), "");
    assert!(stderr(&output).contains("typo"), "{}", stderr(&output));
    assert_eq!(names(place.path()), ["small.toml"]);
}

#[test]
fn a_place_that_cannot_be_written_to_is_found_before_computing() {
    let place = place("");
    // A run that would take very long, were it started.
    let out = ["run", "small.toml", "--set", "duration=1000d", "--out"];
    let output = cachesim(place.path(), &[&out[..], &["small.toml/results"]].concat());
    assert_eq!(output.status.code(), Some(2));
    let error = stderr(&output);
    assert!(
        error.contains("cannot write to small.toml/results/small"),
        "{error}"
    );
    assert!(error.contains("--out"), "{error}");
    assert_eq!(stdout(&output), "");
}

#[test]
fn several_scenarios_are_a_list_in_the_order_of_their_names() {
    let place = place("");
    let folder = place.path().join("all");
    std::fs::create_dir(&folder).expect("a folder");
    for name in ["b", "a"] {
        let text = SCENARIO.replace("A small cache", name);
        std::fs::write(folder.join(format!("{name}.toml")), text).expect("a file");
    }
    let output = cachesim(place.path(), &["run", "all", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("it is JSON");
    let titles: Vec<_> = json
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["title"])
        .collect();
    assert_eq!(titles, ["a", "b"]);
    assert_eq!(names(&place.path().join("results")), ["a", "b"]);
    // Two scenarios of one name would overwrite each other.
    let twice = cachesim(place.path(), &["run", "all", "all/a.toml"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(
        stderr(&twice).contains("would both write to"),
        "{}",
        stderr(&twice)
    );
}

#[test]
fn the_seed_of_the_command_line_is_the_one_that_counts() {
    let place = place("");
    let run = |seed: &str| {
        let arguments = [
            "run",
            "small.toml",
            "--no-files",
            "--format",
            "json",
            "--seed",
            seed,
        ];
        stdout(&cachesim(place.path(), &arguments))
    };
    assert_eq!(run("5"), run("5"));
    assert_ne!(run("5"), run("6"));
    let json: serde_json::Value = serde_json::from_str(&run("5")).expect("it is JSON");
    assert_eq!(json["seed"], 5);
    assert_eq!(json["scenario"]["seed"], 5);
}
