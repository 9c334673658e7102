//! `cachesim mrc` and the charts of `cachesim replay`: what they print, write and refuse.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `cachesim` among the traces of the repository.
fn cachesim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cachesim"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("traces"))
        .output()
        .expect("the program starts")
}

fn stdout(arguments: &[&str]) -> String {
    let output = cachesim(arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("answers are text")
}

fn refusal(arguments: &[&str]) -> String {
    let output = cachesim(arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).expect("errors are text")
}

const ZIPF: &str = "zipf-scan.oracleGeneral.zst";

#[test]
fn the_table_has_a_column_for_each_policy_and_says_how_it_was_found() {
    let printed = stdout(&[
        "mrc",
        ZIPF,
        "--policy",
        "lru,sieve",
        "--sizes",
        "1%,10%",
        "--target",
        "40%,10%",
    ]);
    insta::assert_snapshot!(printed, @r"
     size  of keys     lru   sieve
    ──────────────────────────────
      122  0.994 %  0.7337  0.6472
    1,226   9.99 %  0.5108  0.4316

    40,000 requests, 12,269 distinct keys
    lru: exact
    sieve: exact
    lru: a miss ratio of 40.0 % needs 2,819 entries
    lru: no cache is large enough for a miss ratio of 10.0 %; one that holds
      everything misses 30.7 %
    sieve: a miss ratio of 40.0 % needs about 2,076 entries (searched to 1 %)
    sieve: no cache is large enough for a miss ratio of 10.0 %; one that holds
      everything misses 30.7 %
    ");
}

#[test]
fn the_curve_has_the_misses_of_replay() {
    let curve = stdout(&["mrc", ZIPF, "--sizes", "50,500,5000", "--format", "csv"]);
    let replayed = stdout(&[
        "replay",
        ZIPF,
        "--policy",
        "lru",
        "--size",
        "50,500,5000",
        "--format",
        "csv",
    ]);
    let column = |text: &str, number: usize| -> Vec<String> {
        let cells = |line: &str| line.split(',').nth(number).unwrap().to_owned();
        text.lines().skip(1).map(cells).collect()
    };
    assert_eq!(column(&curve, 4), column(&replayed, 4));
    assert_eq!(column(&curve, 4).len(), 3);
}

#[test]
fn answers_do_not_depend_on_threads_and_every_number_is_in_the_json() {
    let with = |threads| {
        stdout(&[
            "mrc",
            ZIPF,
            "--policy",
            "lru,arc,random",
            "--method",
            "miniature",
            "--rate",
            "0.2",
            "--exact",
            "--points",
            "5",
            "--target",
            "40%",
            "--format",
            "json",
            "--threads",
            threads,
        ])
    };
    let one = with("1");
    assert_eq!(one, with("4"));
    let json: serde_json::Value = serde_json::from_str(&one).expect("JSON");
    let curves = json["curves"].as_array().unwrap();
    assert_eq!(curves.len(), 3);
    for curve in curves {
        assert_eq!(curve["points"].as_array().unwrap().len(), 5);
        assert!(curve["error"]["max"].as_f64().unwrap() < 0.05, "{curve}");
        assert!(curve["targets"][0]["size"].as_u64().unwrap() > 100);
    }
}

#[test]
fn charts_and_data_are_written_to_a_folder() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("new").display().to_string();
    stdout(&[
        "mrc",
        ZIPF,
        "--policy",
        "lru,belady",
        "--points",
        "4",
        "--out",
        &folder,
    ]);
    stdout(&[
        "replay", ZIPF, "--policy", "lru,fifo", "--size", "100,1000", "--window", "5000", "--out",
        &folder,
    ]);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    insta::assert_snapshot!(names.join("\n"), @r"
    miss-ratio-by-size.png
    miss-ratio-by-size.svg
    miss-ratio-curve.csv
    miss-ratio-curve.png
    miss-ratio-curve.svg
    miss-ratio-over-trace-100-entries.png
    miss-ratio-over-trace-100-entries.svg
    miss-ratio-over-trace-1000-entries.png
    miss-ratio-over-trace-1000-entries.svg
    replay.csv
    windows.csv
    ");
    // The best possible is shaded although nobody asked for it, and is in no table.
    let read = |name: &str| std::fs::read_to_string(Path::new(&folder).join(name)).unwrap();
    assert!(read("miss-ratio-by-size.svg").contains("below Belady&apos;s MIN"));
    assert!(!read("replay.csv").contains("belady"));
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_computed() {
    for (arguments, said) in [
        (
            &["--method", "shards", "--policy", "arc"][..],
            "use --method miniature or",
        ),
        (&["--by", "bytes"], "does not say how large its objects are"),
        (&["--sizes", "10,1GiB"], "mixes entries and bytes"),
        (
            &["--samples", "100", "--method", "exact"],
            "belongs to --method shards-fixed-size",
        ),
        (
            &["--rate", "0.1", "--method", "exact"],
            "--rate belongs to --method shards",
        ),
        (
            &["--target", "5"],
            "a share from 0 to 1 is wanted (0.05 or 5%)",
        ),
        (&["--policy", "lruu"], "did you mean `lru`"),
    ] {
        let place = "loop.txt.gz";
        let mut all = vec!["mrc", place];
        all.extend(arguments);
        let refusal = refusal(&all).replace("\n  | ", " ");
        assert!(refusal.contains(said), "{arguments:?}: {refusal}");
    }
    let refusal = refusal(&["replay", ZIPF, "--chart", "x.gif"]);
    assert!(refusal.contains("must end in .svg or .png"), "{refusal}");
}
