//! `cachesim replay`: what it prints and refuses, on small traces.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn replay(place: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cachesim"))
        .arg("replay")
        .args(arguments)
        .current_dir(place)
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("cachesim runs")
}

/// A folder with a trace of a loop over five keys, ten times, and each key's size 100 times the key.
fn folder() -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a folder");
    let keys: String = (0..50)
        .map(|number| format!("{}\n", number % 5 + 1))
        .collect();
    std::fs::write(place.path().join("loop.txt"), keys).expect("written");
    let rows: String = (0..50)
        .map(|number| format!("{number},{},{}\n", number % 5 + 1, (number % 5 + 1) * 100))
        .collect();
    std::fs::write(
        place.path().join("loop.csv"),
        format!("time,key,size\n{rows}"),
    )
    .expect("written");
    place
}

fn refusal(arguments: &[&str]) -> String {
    let output = replay(folder().path(), arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    // The message may be wrapped.
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    message
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("| ", "")
}

#[test]
fn a_grid_in_csv_has_a_row_per_policy_and_size_whatever_the_number_of_threads() {
    let place = folder();
    let without_seconds = |threads: &str| {
        let arguments = [
            "loop.csv",
            "--policy",
            "lru,mru,2q:in=50%",
            "--size",
            "80%,1000B",
            "--format",
            "csv",
            "--threads",
            threads,
        ];
        let output = replay(place.path(), &arguments);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            output.stderr.is_empty(),
            "nothing is noted where nobody looks"
        );
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines()
            .map(|line| line.rsplit_once(',').map_or(line, |(start, _)| start))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let rows = without_seconds("1");
    insta::assert_snapshot!(rows, @r#"
    policy,size,requests,misses,miss_ratio,byte_miss_ratio
    lru,4,50,50,1.000000,1.000000
    lru,1000,50,50,1.000000,1.000000
    mru,4,50,16,0.320000,0.326667
    mru,1000,50,29,0.580000,0.640000
    2q:in=50%,4,50,32,0.640000,0.620000
    2q:in=50%,1000,50,40,0.800000,0.793333
    "#);
    assert_eq!(rows, without_seconds("3"));
}

#[test]
fn what_cannot_be_replayed_is_refused_with_what_can() {
    let unknown = refusal(&["loop.txt", "--policy", "lru,slur"]);
    assert!(
        unknown.contains("no eviction policy `slur`, did you mean `slru`?"),
        "{unknown}"
    );
    let size = refusal(&["loop.txt", "--size", "10,big"]);
    assert!(
        size.contains("`big` is not a cache size: write a number of entries"),
        "{size}"
    );
    let bytes = refusal(&["loop.txt", "--size", "1KiB"]);
    assert!(
        bytes.contains("does not say how large its objects are"),
        "{bytes}"
    );
    let objects = refusal(&["loop.csv", "--size", "1KiB", "--by", "objects"]);
    assert!(
        objects.contains("capacity is to count objects"),
        "{objects}"
    );
    let ttl = refusal(&["loop.csv", "--ttl"]);
    assert!(ttl.contains("--ttl needs times and times to live"), "{ttl}");
    let missing = refusal(&["lop.txt"]);
    assert!(missing.contains("lop.txt"), "{missing}");
    let warmup = refusal(&["loop.txt", "--warmup", "50"]);
    assert!(
        warmup.contains("warm-up of 50 requests leaves nothing"),
        "{warmup}"
    );
}
