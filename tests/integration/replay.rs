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

fn printed(place: &Path, arguments: &[&str]) -> String {
    let output = replay(place, arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn windows_do_not_change_the_rows_that_scripts_read() {
    let place = folder();
    let totals = [
        "loop.txt", "--policy", "mru,lru", "--size", "3", "--format", "csv",
    ];
    let without_seconds = |text: &str| -> Vec<String> {
        let row = |line: &str| line.rsplit_once(',').expect("seconds").0.to_owned();
        text.lines().map(row).collect()
    };
    let plain = printed(place.path(), &totals);
    let mut windowed = totals.to_vec();
    windowed.extend(["--window", "20", "--windows-out", "windows.csv"]);
    let with_windows = printed(place.path(), &windowed);
    assert_eq!(without_seconds(&plain), without_seconds(&with_windows));
    let windows = std::fs::read_to_string(place.path().join("windows.csv")).expect("written");
    insta::assert_snapshot!(windows, @r"
    policy,size,first_request,requests,misses,miss_ratio
    mru,3,0,20,12,0.600000
    mru,3,20,20,10,0.500000
    mru,3,40,10,5,0.500000
    lru,3,0,20,20,1.000000
    lru,3,20,20,20,1.000000
    lru,3,40,10,10,1.000000
    ");
    // The misses of the windows are the misses of the whole.
    let misses = |text: &str, column: usize| -> u64 {
        let rows = text.lines().skip(1).filter(|row| row.starts_with("mru"));
        rows.map(|row| {
            row.split(',')
                .nth(column)
                .expect("misses")
                .parse::<u64>()
                .expect("a number")
        })
        .sum()
    };
    assert_eq!(misses(&windows, 4), misses(&plain, 3));
    let output = replay(
        place.path(),
        &["loop.txt", "--window", "20", "--format", "csv"],
    );
    let note = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        note.contains("--windows-out FILE writes the windows"),
        "{note}"
    );
}

#[test]
fn sizes_and_policies_may_be_given_one_by_one() {
    let place = folder();
    let listed = printed(
        place.path(),
        &["loop.txt", "--policy", "lru,mru", "--size", "2,40%"],
    );
    let repeated = printed(
        place.path(),
        &[
            "loop.txt", "-p", "lru", "-p", "mru", "--size", "2", "--size", "40%",
        ],
    );
    assert_eq!(listed, repeated);
}

#[test]
fn no_line_is_wider_than_80_columns_however_many_sizes_there_are() {
    let place = folder();
    let text = printed(
        place.path(),
        &[
            "loop.csv",
            "--policy",
            "lru,slru:segments=2,w-tinylfu:window=0.2:climb=off",
            "--size",
            "1,2,3,4,5,1%,20%,40%,60%,80%,100%,1000B,1200B,1400B",
            "--window",
            "25",
        ],
    );
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(
        text.contains("miss ratio of each 25 requests at 40% = 2 entries"),
        "{text}"
    );
}

#[test]
fn negative_numbers_are_told_what_is_allowed_and_not_how_to_escape_them() {
    for (option, value) in [("--window", "-5"), ("--warmup", "-5"), ("--size", "-5")] {
        let said = refusal(&["loop.txt", option, value]);
        assert!(!said.contains("-- -5"), "{said}");
        assert!(said.contains("write a"), "{said}");
    }
}

/// A hit of a set in the mode `accesses` is an access: it stores nothing, so it restarts no TTL. In the
/// mode `stores` a set stores, and restarts it.
#[test]
fn a_set_restarts_the_time_to_live_only_where_sets_are_stores() {
    let place = tempfile::tempdir().expect("a folder");
    let trace = "time,key,op,ttl\n0,1,get,10\n8,1,set,10\n15,1,get,10\n16,1,get,10\n";
    std::fs::write(place.path().join("ttl.csv"), trace).expect("written");
    let misses = |writes: &str| {
        let text = printed(
            place.path(),
            &[
                "ttl.csv", "--ttl", "--writes", writes, "--policy", "lru", "--size", "5",
                "--format", "csv",
            ],
        );
        let row = text.lines().nth(1).expect("a row").to_owned();
        row.split(',')
            .skip(2)
            .take(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .join(" of which missed ")
    };
    // Stored at 0, hit by the set at 8, expired at 10, stored again at 15.
    assert_eq!(misses("accesses"), "4 of which missed 2");
    // Stored at 0 and again at 8, so still there at 15 and 16; the set itself is not counted.
    assert_eq!(misses("stores"), "3 of which missed 1");
}

#[test]
fn what_is_read_is_never_written_over() {
    let place = folder();
    let from = |name: &str| place.path().join(name);
    std::fs::create_dir(from("out")).expect("a folder");
    for name in ["chart.svg", "out/windows.csv", "out/miss-ratio-curve.csv"] {
        std::fs::copy(from("loop.csv"), from(name)).expect("copied");
    }
    std::fs::write(
        from("it.toml"),
        "[workload]\ntrace = \"loop.csv\"\n[database]\nconnections = 10\nservice_time = \"1ms\"\n",
    )
    .expect("written");
    let before = std::fs::read(from("loop.csv")).expect("read");
    let grid = ["--size", "2", "--policy", "lru", "--window", "20"];
    let replays: [&[&str]; 3] = [
        &["loop.csv", "--windows-out", "loop.csv"],
        &["chart.svg", "--chart", "chart.svg"],
        &["out/windows.csv", "--out", "out"],
    ];
    let mut commands: Vec<Vec<&str>> = Vec::new();
    for more in replays {
        commands.push([&["replay"], more, &grid].concat());
    }
    commands.push(vec![
        "mrc",
        "out/miss-ratio-curve.csv",
        "--points",
        "2",
        "--out",
        "out",
    ]);
    commands.push(vec![
        "trace",
        "generate",
        "loop.csv",
        "--to",
        "csv",
        "--scenario",
        "it.toml",
    ]);
    for arguments in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_cachesim"))
            .args(&arguments)
            .current_dir(place.path())
            .output()
            .expect("cachesim runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(
            said.contains("would be written over"),
            "{arguments:?}: {said}"
        );
        assert!(
            output.stdout.is_empty(),
            "{arguments:?}: nothing was computed"
        );
    }
    for name in [
        "loop.csv",
        "chart.svg",
        "out/windows.csv",
        "out/miss-ratio-curve.csv",
    ] {
        assert_eq!(std::fs::read(from(name)).expect("read"), before, "{name}");
    }
}

fn notes(place: &Path, arguments: &[&str]) -> String {
    let output = replay(place, arguments);
    assert!(output.status.success(), "{arguments:?}");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    let quiet = replay(place, &[arguments, &["--quiet"]].concat());
    assert!(quiet.stderr.is_empty(), "{arguments:?}: --quiet is quiet");
    text
}

#[test]
fn what_is_not_as_it_seems_is_noted() {
    let place = folder();
    let notes = |arguments: &[&str]| notes(place.path(), arguments);
    let one = ["loop.csv", "--size", "2", "--policy"];
    assert_eq!(notes(&[&one[..], &["lru"]].concat()), "");
    let by_size = notes(&[&one[..], &["gdsf"]].concat());
    assert!(
        by_size.contains("gdsf goes by size, and where entries are counted"),
        "{by_size}"
    );
    assert_eq!(
        notes(&["loop.csv", "--policy", "gdsf", "--size", "1000B"]),
        ""
    );
    let untuned = notes(&[&one[..], &["lru+adaptsize"]].concat());
    assert!(
        untuned.contains("first after 250,000 requests, and there are only 50"),
        "{untuned}"
    );
    let twice = notes(&[&one[..], &["lru,lru"]].concat());
    assert!(twice.contains("lru is asked for twice"), "{twice}");
    let raised = notes(&["loop.csv", "--policy", "lru", "--size", "1%"]);
    assert!(
        raised.contains("1% of 5 is less than one, and 1 was taken"),
        "{raised}"
    );
    let sampled = notes(&[&one[..], &["lru", "--sample", "50%"]].concat());
    assert!(sampled.contains("its miss ratios times"), "{sampled}");
    let cut = "key,size\n1,9999999999\n2,10\n1,9999999999\n";
    std::fs::write(place.path().join("cut.csv"), cut).expect("written");
    let cut = notes(&["cut.csv", "--policy", "lru", "--size", "2"]);
    assert!(
        cut.contains("2 sizes are above 4 GiB and were cut"),
        "{cut}"
    );
    let json = printed(
        place.path(),
        &[
            "cut.csv", "--policy", "lru", "--size", "2", "--format", "json",
        ],
    );
    assert!(json.contains("\"sizes_cut\": 2"), "{json}");
}

/// Two gets and two sets of two keys: as accesses two of four miss, as stores one of the two gets.
#[test]
fn an_import_counts_the_misses_of_what_it_was_made_from() {
    let place = tempfile::tempdir().expect("a folder");
    let lines = "1,42,3,100,1,get,0\n2,42,3,100,1,set,0\n3,43,3,100,1,set,0\n4,43,3,100,1,get,0\n";
    std::fs::write(place.path().join("cluster"), lines).expect("written");
    let convert = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_cachesim"))
            .arg("trace")
            .args(arguments)
            .current_dir(place.path())
            .output()
            .expect("cachesim runs");
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).expect("UTF-8")
    };
    let misses = |trace: &str| {
        let grid = ["--policy", "lru", "--size", "5", "--format", "csv"];
        let text = printed(place.path(), &[&[trace], &grid[..]].concat());
        let row: Vec<&str> = text.lines().nth(1).expect("a row").split(',').collect();
        (row[2].to_owned(), row[3].to_owned())
    };
    convert(&["import", "cluster", "imported.zst"]);
    convert(&["convert", "imported.zst", "again.compact"]);
    let wanted = ("2".to_owned(), "1".to_owned());
    for trace in ["cluster", "imported.zst", "again.compact"] {
        assert_eq!(misses(trace), wanted, "{trace}");
    }
    let said = convert(&["convert", "again.compact", "plain.csv"]);
    assert!(said.contains("replay it with --writes stores"), "{said}");
    assert_eq!(misses("plain.csv"), ("4".to_owned(), "2".to_owned()));
}

#[test]
fn a_trace_of_nothing_is_refused_everywhere() {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("empty.csv"), "time,key\n").expect("written");
    let commands: [&[&str]; 4] = [
        &["replay", "empty.csv"],
        &["mrc", "empty.csv"],
        &["trace", "info", "empty.csv"],
        &["trace", "convert", "empty.csv", "out.compact"],
    ];
    for arguments in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_cachesim"))
            .args(arguments)
            .current_dir(place.path())
            .output()
            .expect("cachesim runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("no requests"), "{arguments:?}: {said}");
        assert!(!said.contains("note:"), "{arguments:?}: {said}");
    }
    assert!(!place.path().join("out.compact").exists());
}
