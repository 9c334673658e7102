//! `cachesim check` and `cachesim schema`, as scripts and editors use them.

use std::fs;

use serde_json::Value as Json;

use crate::program::{cachesim, text};

const GOOD: &str = r#"
duration = "1s"
[workload]
arrivals = "10/s"
keys = { distribution = "uniform", count = 10 }
[[tier]]
name = "redis"
capacity = "5 entries"
[database]
service_time = "1ms"
"#;

#[test]
fn good_files_get_a_line_each_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.toml", "a.toml", "c.txt"] {
        fs::write(folder.path().join(name), GOOD).unwrap();
    }
    let output = cachesim(folder.path(), &["check", "."]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(text(&output.stdout), @r"
    ./a.toml: ok, 1 variant, 0 expectations
    ./b.toml: ok, 1 variant, 0 expectations
    ");
    assert!(output.stderr.is_empty());
}

#[test]
fn one_bad_file_among_good_ones_is_exit_status_2() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    fs::write(folder.path().join("bad.toml"), GOOD.replace("10/s", "10")).unwrap();
    let output = cachesim(
        folder.path(),
        &["check", "good.toml", "bad.toml", "goood.toml"],
    );
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(text(&output.stdout), @"good.toml: ok, 1 variant, 0 expectations");
    insta::assert_snapshot!(text(&output.stderr), @r#"
      x 2 errors in 2 files

    Error: 
      x `workload.arrivals`: the rate `10` does not say per what
       ,-[bad.toml:4:12]
     3 | [workload]
     4 | arrivals = "10"
       :            ^^^^
     5 | keys = { distribution = "uniform", count = 10 }
       `----
      help: did you mean "10/s"? write a number, then /s, /m, /h or /d, for example "10k/s" or "600/m"

    Error: 
      x cannot read goood.toml: there is no such file
      help: did you mean good.toml?
    "#);
}

#[test]
fn json_lists_every_file_with_its_errors() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("good.toml"), GOOD).unwrap();
    fs::write(folder.path().join("bad.toml"), GOOD.replace("10/s", "10")).unwrap();
    let output = cachesim(
        folder.path(),
        &["check", "--format", "json", "bad.toml", "good.toml"],
    );
    assert_eq!(output.status.code(), Some(2));
    let json: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json[0]["file"], "bad.toml");
    assert_eq!(json[0]["errors"][0]["line"], 4);
    assert_eq!(json[0]["errors"][0]["column"], 12);
    assert_eq!(json[0]["errors"][0]["end_column"], 16);
    assert_eq!(json[1]["errors"], Json::Array(Vec::new()));
}

#[test]
fn a_wrong_setting_is_shown_as_it_was_typed_and_once_for_all_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), GOOD).unwrap();
    fs::write(folder.path().join("b.toml"), GOOD).unwrap();
    let output = cachesim(
        folder.path(),
        &[
            "check",
            "a.toml",
            "b.toml",
            "--set",
            "tier.redis.ttl=30",
            "--set",
            "tier.redis.tll=30s",
            "--set",
            "nonsense",
        ],
    );
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(text(&output.stderr), @r#"
      x 3 errors in --set

    Error: 
      x `tier.redis.ttl`: the duration `30` has no unit
       ,-[--set:1:16]
     1 | tier.redis.ttl=30
       :                ^^
       `----
      help: write "30ms" or "30s", in quotes (units: ns, us, ms, s, m, h, d)

    Error: 
      x there is no `tll` in `tier.redis`
       ,-[--set:1:1]
     1 | tier.redis.tll=30s
       : ^^^^^^^^^^^^^^
       `----
      help: did you mean `tier.redis.ttl`?

    Error: 
      x a setting has the form PATH=VALUE
       ,-[--set:1:1]
     1 | nonsense
       : ^^^^^^^^
       `----
      help: for example --set tier.redis.ttl=30s
    "#);
    let output = cachesim(
        folder.path(),
        &["check", "a.toml", "--set", "tier.redis.ttl=30s"],
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn an_empty_folder_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let output = cachesim(folder.path(), &["check", "."]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(text(&output.stderr), @r#"
      x an error in .

    Error: 
      x the folder . holds no scenario
      help: scenarios are files that end in .toml
    "#);
}

#[test]
fn the_schema_and_the_reference_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let output = cachesim(folder.path(), &["schema"]);
    assert_eq!(output.status.code(), Some(0));
    let schema: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let output = cachesim(folder.path(), &["schema", "--markdown"]);
    assert!(text(&output.stdout).starts_with("# The scenario file\n"));
}
