//! `cachesim trace`: what it prints, writes and refuses.

use std::path::{Path, PathBuf};

use cachesim::trace::format::FORMATS;
use cachesim::trace::{Fields, Input, ReadOptions, Request, Target, open_input};

use crate::program::{cachesim, stderr, stdout};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("traces")
}

/// What a trace's format and requests are, compression aside.
fn content(path: &Path) -> (&'static str, Vec<Request>) {
    let input = Input::open(path).expect("opens");
    let (format, mut reader) = open_input(input, &ReadOptions::default()).expect("reads");
    let mut requests = Vec::new();
    while reader.fill(&mut requests, 1000).expect("reads") > 0 {}
    (format.name, requests)
}

#[test]
fn the_traces_of_the_repository_are_what_their_commands_generate() {
    let readme = std::fs::read_to_string(folder().join("README.md")).expect("the README");
    let place = tempfile::tempdir().expect("a folder");
    let mut names = Vec::new();
    for line in readme
        .lines()
        .filter(|line| line.starts_with("cachesim trace generate "))
    {
        let arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
        let output = cachesim(place.path(), &arguments);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        names.push(arguments[2].to_owned());
        let (kept, again) = (
            content(&folder().join(arguments[2])),
            content(&place.path().join(arguments[2])),
        );
        assert!(!kept.1.is_empty() && kept == again, "{line}");
    }
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder")
        .map(|entry| entry.expect("an entry"))
        .inspect(|entry| assert!(entry.metadata().expect("a size").len() < 300_000))
        .map(|entry| entry.file_name().into_string().expect("a name"))
        .filter(|name| name != "README.md")
        .collect();
    files.sort();
    names.sort();
    assert_eq!(
        files, names,
        "every trace has its command and the other way round"
    );
}

#[test]
fn info_prints_a_table_of_80_columns() {
    let output = cachesim(
        &folder(),
        &["trace", "info", "moving-hot-set.zst", "--top", "3"],
    );
    assert!(output.status.success());
    let text = stdout(&output);
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    insta::assert_snapshot!(text, @r"
    moving-hot-set.zst (compact, zst)

    requests                      30,000
    distinct keys                  4,033   13.4 % of the requests
    one-hit wonders                1,043   25.9 % of the keys
    requested bytes            132.9 MiB   139,335,595 B
    working set                16.66 MiB   17,471,980 B
    duration                    4.98 min   100 requests/s on average
    Zipf exponent                  0.768   top 481 keys, distance 0.065

    operation                   requests      share
    get                           26,696     89.0 %
    set                            3,014     10.0 %
    delete                           290     0.97 %

                         mean        p10        p50        p90        p99        max
    size             4.54 KiB      330 B   2.26 KiB  13.52 KiB  19.23 KiB  19.89 KiB
    reuse distance        303          2         38      1,018      3,054      3,976
    TTL              3.05 min    38.79 s   2.09 min   7.06 min   9.75 min   9.99 min

    rank                    key          requests      share
       1                   2000               495     1.65 %
       2                   1750               487     1.62 %
       3                    500               480     1.60 %
    ");
}

#[test]
fn info_prints_what_scripts_can_read() {
    let run = |format: &str| {
        let arguments = [
            "trace",
            "info",
            "loop.txt.gz",
            "--top",
            "1",
            "--format",
            format,
        ];
        stdout(&cachesim(&folder(), &arguments))
    };
    insta::assert_snapshot!(run("json"), @r#"
    {
      "file": "loop.txt.gz",
      "trace_format": "key-per-line",
      "compression": "gz",
      "requests": 20000,
      "distinct_keys": 1000,
      "one_hit_wonders": 0,
      "requested_bytes": null,
      "working_set_bytes": null,
      "unknown_sizes": null,
      "operations": null,
      "duration": null,
      "rate": null,
      "backward_times": null,
      "zipf": {
        "exponent": 0.0,
        "ranks": 1000,
        "distance": 0.0
      },
      "size": null,
      "reuse_distance": {
        "count": 19000,
        "mean": 999.0,
        "p10": 999,
        "p50": 999,
        "p90": 999,
        "p99": 999,
        "max": 999
      },
      "reuse_distance_sample": 1.0,
      "ttl": null,
      "top": [
        {
          "key": 0,
          "requests": 20,
          "share": 0.001
        }
      ]
    }
    "#);
    insta::assert_snapshot!(run("csv"), @r"
    metric,value
    file,loop.txt.gz
    trace_format,key-per-line
    compression,gz
    requests,20000
    distinct_keys,1000
    one_hit_wonders,0
    zipf.exponent,0.0
    zipf.ranks,1000
    zipf.distance,0.0
    reuse_distance.count,19000
    reuse_distance.mean,999.0
    reuse_distance.p10,999
    reuse_distance.p50,999
    reuse_distance.p90,999
    reuse_distance.p99,999
    reuse_distance.max,999
    reuse_distance_sample,1.0
    top.1.key,0
    top.1.requests,20
    top.1.share,0.001
    ");
    insta::assert_snapshot!(run("markdown"), @r"
    | metric | value |
    | :--- | ---: |
    | file | loop.txt.gz |
    | trace_format | key-per-line |
    | compression | gz |
    | requests | 20000 |
    | distinct_keys | 1000 |
    | one_hit_wonders | 0 |
    | zipf.exponent | 0.0 |
    | zipf.ranks | 1000 |
    | zipf.distance | 0.0 |
    | reuse_distance.count | 19000 |
    | reuse_distance.mean | 999.0 |
    | reuse_distance.p10 | 999 |
    | reuse_distance.p50 | 999 |
    | reuse_distance.p90 | 999 |
    | reuse_distance.p99 | 999 |
    | reuse_distance.max | 999 |
    | reuse_distance_sample | 1.0 |
    | top.1.key | 0 |
    | top.1.requests | 20 |
    | top.1.share | 0.001 |
    ");
}

#[test]
fn limit_and_sample_choose_requests() {
    let run = |options: &[&str]| {
        let arguments = [
            &["trace", "info", "loop.txt.gz", "--format", "json"],
            options,
        ]
        .concat();
        let text = stdout(&cachesim(&folder(), &arguments));
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        (
            document["requests"].as_u64().unwrap(),
            document["distinct_keys"].as_u64().unwrap(),
        )
    };
    assert_eq!(run(&["--limit", "1.5k"]), (1500, 1000));
    let (requests, distinct) = run(&["--sample", "10%"]);
    assert_eq!(requests, 20 * distinct, "whole keys");
    assert!((70..=130).contains(&distinct), "{distinct} of about 100");
}

#[test]
fn a_trace_survives_import_and_convert() {
    let place = tempfile::tempdir().expect("a folder");
    let csv = place.path().join("requests.csv");
    std::fs::write(
        &csv,
        "when,what,how\n0.000000001,user:1,get\n1.5,7,set\n1.25,user:1,delete\n",
    )
    .expect("writes");
    let output = cachesim(
        place.path(),
        &[
            "trace",
            "import",
            "requests.csv",
            "--columns",
            "time=when,key=what,op=how",
        ],
    );
    assert!(output.status.success(), "{}", stderr(&output));
    insta::assert_snapshot!(stderr(&output), @"3 requests from requests.csv (csv) written to requests.compact.zst (compact, zst)");
    let output = cachesim(
        place.path(),
        &[
            "trace",
            "convert",
            "requests.compact.zst",
            "-",
            "--to",
            "csv",
        ],
    );
    insta::assert_snapshot!(stdout(&output), @r"
    time,key,op
    0.000000001,4276021600403166465,get
    1.5,7,set
    1.25,4276021600403166465,delete
    ");
    let output = cachesim(
        place.path(),
        &[
            "trace",
            "convert",
            "requests.compact.zst",
            "out.xz",
            "--to",
            "oracle-general",
        ],
    );
    insta::assert_snapshot!(stderr(&output), @r"
    note: oracle-general does not hold: operation
    note: oracle-general holds times in whole seconds (cut: 3)
    3 requests from requests.compact.zst (compact) written to out.xz (oracle-general, xz)
    ");
    let (format, requests) = content(&place.path().join("out.xz"));
    assert_eq!(format, "oracle-general");
    let next_uses: Vec<_> = requests
        .iter()
        .map(|request| request.next_use.unwrap())
        .collect();
    assert_eq!(next_uses, [2, u64::MAX, u64::MAX]);
}

#[test]
fn a_broken_trace_ends_with_2_and_leaves_nothing_behind() {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("in.csv"), "time,key\n1,2\nx,3\n").expect("writes");
    for format in FORMATS {
        let to = format.name;
        let output = cachesim(
            place.path(),
            &["trace", "convert", "in.csv", "out", "--to", to],
        );
        assert_eq!(output.status.code(), Some(2));
        assert!(stdout(&output).is_empty());
        assert_eq!(
            std::fs::read_dir(place.path()).expect("lists").count(),
            1,
            "{to}"
        );
    }
    let output = cachesim(place.path(), &["trace", "info", "in.csv"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(stderr(&output), @r#"
    x in.csv: line 3: time: expected a number such as 12 or 12.5, at most 2^64-1 nanoseconds, found
    | "x"
    "#);
}

#[test]
fn every_subcommand_has_examples() {
    for subcommand in ["info", "convert", "import", "generate"] {
        let output = cachesim(&folder(), &["trace", subcommand, "--help"]);
        assert!(
            stdout(&output).contains("Examples:\n  cachesim trace "),
            "{subcommand}"
        );
    }
}

/// Runs `cachesim`, which must refuse and leave `place` as it was, and returns what it says.
fn refused(place: &Path, arguments: &[&str]) -> String {
    let files = || {
        let mut files: Vec<_> = std::fs::read_dir(place)
            .expect("lists")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| (path.clone(), std::fs::read(&path).expect("reads")))
            .collect();
        files.sort();
        files
    };
    let before = files();
    let output = cachesim(place, arguments);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(stdout(&output).is_empty(), "{arguments:?}");
    assert_eq!(files(), before, "{arguments:?}");
    said
}

#[test]
fn a_trace_is_never_written_over_itself() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    std::fs::write(place.join("a.csv"), "time,key\n1,2\n").expect("writes");
    std::fs::write(place.join("a.compact.zst"), "time,key\n1,2\n").expect("writes");
    let said = refused(
        place,
        &["trace", "convert", "a.csv", "a.csv", "--to", "compact"],
    );
    insta::assert_snapshot!(said, @"x a.csv would be written over a.csv, which it is made from: name another file");
    refused(place, &["trace", "convert", "a.csv", "./a.csv"]);
    refused(place, &["trace", "import", "a.compact.zst"]);
    let scenario = ["trace", "generate", "a.csv", "--scenario", "a.csv"];
    assert!(refused(place, &scenario).contains("which it is made from"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.csv", place.join("link.csv")).expect("links");
        refused(place, &["trace", "convert", "link.csv", "a.csv"]);
        refused(place, &["trace", "convert", "a.csv", "link.csv"]);
    }
}

#[test]
fn a_name_that_promises_what_cannot_be_written_is_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    std::fs::write(place.join("a.csv"), "time,key\n1,2\n").expect("writes");
    let said = refused(place, &["trace", "convert", "a.csv", "b.csv.lz4"]);
    insta::assert_snapshot!(said, @r"
    x the name b.csv.lz4 does not say which format is to be written
    help: add --to and one of compact, oracle-general, lcs, vscsi, twitter, kvcache, msr, wikipedia,
          redis-monitor, arc, csv, key-per-line
    ");
    let to = ["trace", "convert", "a.csv", "b.bz2", "--to", "csv"];
    insta::assert_snapshot!(refused(place, &to), @r"
    x b.bz2: .bz2 cannot be written: a name may end in .gz, .zst or .xz for that compression, or in
    | none of a compression to be plain
    ");
    refused(place, &["trace", "generate", "b.lz4", "--requests", "1"]);
    insta::assert_snapshot!(refused(place, &["trace", "import", "a.csv", "b.lcs"]), @r"
    x import writes the format compact, and the name b.lcs says lcs
    help: name another file, or write lcs with cachesim trace convert
    ");
    let to = ["trace", "convert", "a.csv", "b", "--to", "orcale-general"];
    assert!(refused(place, &to).contains("did you mean oracle-general?"));
    let to = ["trace", "convert", "a.csv", "b", "--to", "lcs:9"];
    assert!(refused(place, &to).contains("known are 1, 2, 3, 4, 5, 6, 7, 8"));
    let to = ["trace", "convert", "a.csv", "no/b", "--to", "lcs"];
    insta::assert_snapshot!(refused(place, &to), @"x no/b: cannot be written: the folder that it should be in does not exist");
    let gone = refused(place, &["trace", "info", "gone"]);
    insta::assert_snapshot!(gone, @"x gone: there is no such file or folder");
}

#[test]
fn the_name_of_the_output_says_its_format_and_a_version_may_be_asked_for() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    std::fs::write(place.join("a.csv"), "time,key,op\n1.5,2,add\n2,3,get\n").expect("writes");
    for (output, options, format) in [
        ("b.oracleGeneral.zst", &[][..], "oracle-general"),
        ("b.lcs.gz", &[], "lcs"),
        ("b", &["--to", "lcs:8"], "lcs"),
        ("c", &["--to", "vscsi:2"], "vscsi"),
    ] {
        let arguments = [&["trace", "convert", "a.csv", output], options].concat();
        let said = cachesim(place, &arguments);
        assert!(said.status.success(), "{}", stderr(&said));
        let (found, requests) = content(&place.join(output));
        assert_eq!((found, requests.len()), (format, 2));
    }
    let header = std::fs::read(place.join("b")).expect("reads");
    assert_eq!((header[8], header.len()), (8, 8192 + 2 * 100));
    assert_eq!(std::fs::read(place.join("c")).expect("reads").len(), 2 * 40);
    let said = cachesim(place, &["trace", "convert", "a.csv", "d", "--to", "msr"]);
    insta::assert_snapshot!(stderr(&said), @r"
    note: msr holds reads and writes (others made one of these: 1)
    2 requests from a.csv (csv) written to d (msr)
    ");
    let said = cachesim(
        place,
        &[
            "trace",
            "generate",
            "e.lcs",
            "--requests",
            "9",
            "--ttl",
            "1500ms",
            "--write-share",
            "1",
        ],
    );
    insta::assert_snapshot!(stderr(&said), @r"
    note: lcs:3 holds times in whole seconds (cut: 9)
    note: lcs:3 holds TTLs in whole seconds (rounded up: 9)
    9 requests written to e.lcs (lcs:3)
    ");
}

#[test]
fn options_that_a_format_would_ignore_are_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let place = place.path();
    std::fs::write(
        place.join("msr"),
        "128166372003061629,hm,1,Read,383496192,32768,113736\n",
    )
    .expect("writes");
    std::fs::write(place.join("words"), "id\nuser:1\nuser:2\n").expect("writes");
    let info = ["trace", "info", "msr"];
    let said = refused(place, &[&info[..], &["--columns", "key=5"]].concat());
    insta::assert_snapshot!(said, @r"
    x msr: is recognised as msr, which takes no option for columns, a delimiter or a header line:
    | leave it out, or say --from csv if it is a CSV all the same
    ");
    let said = refused(
        place,
        &[&info[..], &["--from", "msr", "--header", "no"]].concat(),
    );
    insta::assert_snapshot!(said, @r"
    x msr: is to be read as msr, which takes no option for columns, a delimiter or a header line:
    | leave it out
    ");
    refused(place, &[&info[..], &["--time-unit", "ms"]].concat());
    let csv = [&info[..], &["--from", "csv", "--columns", "key=5"]].concat();
    assert!(cachesim(place, &csv).status.success());
    refused(place, &["trace", "info", "words", "--block-size", "4KiB"]);
    // What plainly is no other format is CSV to whom speaks of columns.
    let said = cachesim(place, &["trace", "info", "words", "--header", "no"]);
    assert!(stdout(&said).contains("words (csv)"), "{}", stderr(&said));
}

#[test]
fn a_trace_whose_sizes_are_all_unknown_has_none() {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::write(place.path().join("a.csv"), "key,size\n1,0\n2,\n").expect("writes");
    let said = stdout(&cachesim(place.path(), &["trace", "info", "a.csv"]));
    assert!(
        said.contains("sizes                              -   the trace has none\n"),
        "{said}"
    );
    assert!(!said.contains(" B"), "{said}");
    let json = cachesim(
        place.path(),
        &["trace", "info", "a.csv", "--format", "json"],
    );
    let document: serde_json::Value = serde_json::from_str(&stdout(&json)).expect("JSON");
    assert!(document["requested_bytes"].is_null() && document["size"].is_null());
}

#[test]
fn the_guide_lists_every_format_and_what_writing_loses() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/traces.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    for format in FORMATS {
        let writing = Target::from(format).writing(Fields::ALL);
        let (start, end) = (
            format!("| `{}` | ", format.name),
            format!(" | {} |", writing.losses()),
        );
        assert!(
            guide
                .lines()
                .any(|line| line.starts_with(&start) && line.ends_with(&end)),
            "a row {start}...{end}"
        );
    }
}

#[test]
fn every_format_has_a_target_for_the_fuzzer() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).expect("it is there");
    let manifest = read("Cargo.toml");
    for format in FORMATS {
        let name = format.name.replace('-', "_");
        let path = format!("fuzz_targets/{name}.rs");
        assert!(
            read(&path).contains(&format!("exercise(\"{}\", bytes)", format.name)),
            "{path}"
        );
        let binary = format!("name = \"{name}\"\npath = \"{path}\"");
        assert!(manifest.contains(&binary), "{name}");
    }
}
