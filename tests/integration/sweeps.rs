//! `cachesim run --sweep`: the grid, its files, and going on after an interruption.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::program::{cachesim, command, text};

const SCENARIO: &str = r#"
title    = "A cache"
seed     = 3
duration = "2s"
warmup   = "500ms"
replications = 2
[workload]
arrivals = { process = "poisson", rate = "500/s" }
keys     = { distribution = "zipf", count = 1000, exponent = 0.9 }
[[tier]]
name     = "redis"
capacity = "200 entries"
[database]
connections  = 10
service_time = { distribution = "exponential", mean = "5ms" }
"#;

const TWO_AXES: &str = r#"
[[sweep]]
path   = "tier.redis.capacity"
values = ["10 entries", 100, "1k"]
[[sweep]]
path    = "workload.arrivals.rate"
from    = "100/s"
to      = "400/s"
points  = 3
spacing = "log"
"#;

fn place(more: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("cache.toml"), format!("{SCENARIO}{more}")).unwrap();
    place
}

/// Every file of a folder of results, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn the_page_of_a_sweep_made_anew_is_the_page_that_run_wrote() {
    let place = place(TWO_AXES);
    cachesim(place.path(), &["run", "cache.toml", "--quiet"]);
    let page = place.path().join("results/cache/report.html");
    let first = std::fs::read(&page).unwrap();
    std::fs::remove_file(&page).unwrap();
    let output = cachesim(place.path(), &["report", "results/cache", "--quiet"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(std::fs::read(&page).unwrap() == first);
    // Beside other results it has no place, and in one folder with them somebody has to say which.
    cachesim(
        place.path(),
        &["run", "cache.toml", "--no-sweep", "--quiet"],
    );
    let refused = |arguments: &[&str], why: &str| {
        let output = cachesim(place.path(), arguments);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(why), "{said}");
    };
    refused(
        &["report", "results/cache"],
        "results of a run and of a sweep",
    );
    let [summary, sweep] = ["summary", "sweep"].map(|it| format!("results/cache/{it}.json"));
    refused(
        &["report", &summary, &sweep],
        "is of a sweep, which has no place",
    );
    for file in [&summary, &sweep] {
        let output = cachesim(place.path(), &["report", file, "--quiet"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    assert!(std::fs::read(&page).unwrap() == first);
    std::fs::write(place.path().join(&sweep), &first[..100]).unwrap();
    refused(&["report", &sweep], "cannot read results from");
    assert!(std::fs::read(&page).unwrap() == first);
}

#[test]
fn every_combination_is_a_row_and_a_scenario_of_its_own() {
    let place = place(TWO_AXES);
    let output = cachesim(place.path(), &["run", "cache.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    assert!(
        table.contains("9 cells, means of 2 replications"),
        "{table}"
    );
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    let names: Vec<String> = files(&place.path().join("results/cache"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    insta::assert_snapshot!(names.join("\n"), @r"
    cells.log
    report.html
    sweep-database-qps-mean.png
    sweep-database-qps-mean.svg
    sweep-hit_ratio.png
    sweep-hit_ratio.svg
    sweep-latency-p99.png
    sweep-latency-p99.svg
    sweep.csv
    sweep.json
    ");
    // A cell is what `--set` would have given.
    let csv = std::fs::read_to_string(place.path().join("results/cache/sweep.csv")).unwrap();
    assert!(csv.starts_with("tier.redis.capacity,workload.arrivals.rate,variant,metric,"));
    let row = csv
        .lines()
        .find(|line| line.starts_with("100,200/s,base,hit_ratio,"))
        .unwrap();
    let alone = cachesim(
        place.path(),
        &[
            "run",
            "cache.toml",
            "--no-sweep",
            "--no-files",
            "--set",
            "tier.redis.capacity=100 entries",
            "--set",
            "workload.arrivals.rate=200/s",
            "--format",
            "csv",
        ],
    );
    let alone = text(&alone.stdout);
    let alone = alone
        .lines()
        .find(|line| line.starts_with("cache,base,hit_ratio,"))
        .unwrap();
    let numbers = |line: &str, from: usize| {
        line.split(',')
            .skip(from)
            .take(4)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(row, 4), numbers(alone, 3));
}

#[test]
fn settings_can_move_together() {
    let place = place("");
    let axis = "tier.redis.nodes=1,2,4;database.connections=10,20,40";
    let output = cachesim(
        place.path(),
        &[
            "run",
            "cache.toml",
            "--no-files",
            "--sweep",
            axis,
            "--format",
            "csv",
        ],
    );
    let csv = text(&output.stdout);
    let mut cells: Vec<&str> = csv
        .lines()
        .skip(1)
        .map(|line| line.split(",base").next().unwrap())
        .collect();
    cells.dedup();
    assert_eq!(cells, ["1,10", "2,20", "4,40"]);
}

#[test]
fn the_answer_does_not_depend_on_threads() {
    let place = place(TWO_AXES);
    let run = |threads: &str| {
        let arguments = ["run", "cache.toml", "--no-files", "--format", "json"];
        cachesim(
            place.path(),
            &[&arguments[..], &["--threads", threads]].concat(),
        )
        .stdout
    };
    assert_eq!(run("1"), run("5"));
}

#[test]
fn a_mistake_in_any_cell_is_found_before_anything_is_run() {
    let place = place("");
    for (axis, said) in [
        ("tier.redis.eviction=lru,sive", "sieve"),
        ("tier.rdis.nodes=1,2", "tier.redis.nodes"),
        ("tier.redis.nodes", "PATH=VALUE"),
        ("tier.redis.nodes=1..:3", "no quantity"),
        ("tier.redis.nodes=1..5:1", "2 to 10000 points"),
        ("seed=1,2,3", "cannot be swept"),
        (
            "tier.redis.nodes=1,2;database.connections=1",
            "equally many",
        ),
        (
            "workload.arrivals.rate=1/s..1000000/s:10000;tier.redis.nodes=1",
            "equally many",
        ),
        ("tier.redis.nodes=1,0", "from 1 to"),
    ] {
        let output = cachesim(place.path(), &["run", "cache.toml", "--sweep", axis]);
        assert_eq!(output.status.code(), Some(2), "{axis}");
        let error = text(&output.stderr);
        assert!(error.contains(said), "{axis}: {error}");
        assert!(!place.path().join("results").exists());
    }
    let many = [
        "--sweep",
        "tier.redis.nodes=1..400:400",
        "--sweep",
        "database.connections=1..400:400",
    ];
    let output = cachesim(place.path(), &[&["run", "cache.toml"][..], &many].concat());
    assert!(text(&output.stderr).contains("more than 100000"));
    let limit = [
        "--sweep",
        "tier.redis.nodes=1,2",
        "--fail-if",
        "hit_ratio < 1%",
    ];
    let output = cachesim(place.path(), &[&["run", "cache.toml"][..], &limit].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--no-sweep"));
    // In the file, the place is shown.
    let wrong = self::place("[[sweep]]\npath = \"tier.redis.nodes\"\nvalues = [1, \"two\"]\n");
    let output = cachesim(wrong.path(), &["check", "cache.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("cache.toml:18:"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn expectations_are_judged_in_every_cell() {
    let place = place(&format!(
        "{TWO_AXES}[[expect]]\nmetric = \"hit_ratio\"\nabove = 0.3\n"
    ));
    let output = cachesim(place.path(), &["run", "cache.toml", "--no-files"]);
    assert_eq!(output.status.code(), Some(1));
    let table = text(&output.stdout);
    assert!(table.contains("expectations are broken in"), "{table}");
    assert!(table.contains("base: hit_ratio is"), "{table}");
}

#[test]
fn what_is_left_of_an_interrupted_sweep_is_completed_to_the_same_bytes() {
    let (whole, broken) = (place(TWO_AXES), place(TWO_AXES));
    let run = |place: &tempfile::TempDir| cachesim(place.path(), &["run", "cache.toml"]);
    let first = run(&whole);
    // The half of the runs that a crash has left, the last of them cut short, one of them damaged.
    let log = std::fs::read(whole.path().join("results/cache/cells.log")).unwrap();
    let mut left = log[..log.len() / 2].to_vec();
    left[100] ^= 1;
    let folder = broken.path().join("results/cache");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("cells.log"), left).unwrap();
    let second = run(&broken);
    assert_eq!(first.stdout, second.stdout);
    let said = text(&second.stderr);
    assert!(
        said.contains("2 of the runs kept in results/cache/cells.log are damaged"),
        "{said}"
    );
    assert!(said.contains("of 18 runs were kept from before"), "{said}");
    assert!(files(&whole.path().join("results/cache")) == files(&folder));
    // And once more, with nothing left to run.
    let again = run(&whole);
    assert_eq!(again.stdout, first.stdout);
    assert!(text(&again.stderr).contains("18 of 18 runs were kept from before"));
}

/// Starts the program, presses Ctrl-C once `is_time`, and waits for its end.
#[cfg(unix)]
fn interrupt(folder: &Path, arguments: &[&str], is_time: impl Fn() -> bool) -> Output {
    let child = command(folder, arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !is_time() && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(2));
    }
    let process = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &process]).status();
    assert!(killed.unwrap().success());
    child.wait_with_output().unwrap()
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_was_finished_and_the_same_command_goes_on() {
    let sweep = "workload.arrivals.rate=1k/s..5k/s:40";
    let arguments = [
        "run",
        "cache.toml",
        "--sweep",
        sweep,
        "--set",
        "duration=5s",
    ];
    let (whole, broken) = (place(""), place(""));
    let log = broken.path().join("results/cache/cells.log");
    let has_runs = || std::fs::read(&log).is_ok_and(|log| log.contains(&b'\n'));
    let interrupted = interrupt(broken.path(), &arguments, has_runs);
    let said = text(&interrupted.stderr);
    assert_eq!(interrupted.status.code(), Some(130), "{said}");
    assert!(
        said.contains("finished runs are kept in results/cache/cells.log"),
        "{said}"
    );
    assert!(interrupted.stdout.is_empty());
    // Nothing but the finished runs: no files that are half there.
    assert_eq!(files(&broken.path().join("results/cache")).len(), 1);
    let resumed = cachesim(broken.path(), &arguments);
    assert!(text(&resumed.stderr).contains("of 80 runs were kept from before"));
    let uninterrupted = cachesim(whole.path(), &arguments);
    assert_eq!(resumed.stdout, uninterrupted.stdout);
    let folder = |place: &tempfile::TempDir| files(&place.path().join("results/cache"));
    assert!(folder(&broken) == folder(&whole));
}

#[cfg(unix)]
#[test]
fn replications_of_a_plain_run_are_kept_too() {
    let arguments = [
        "run",
        "cache.toml",
        "--replications",
        "40",
        "--set",
        "duration=20s",
        "--set",
        "workload.arrivals.rate=2k/s",
    ];
    let (whole, broken) = (place(""), place(""));
    let log = broken.path().join("results/unfinished.log");
    let has_runs = || std::fs::read(&log).is_ok_and(|log| log.contains(&b'\n'));
    let interrupted = interrupt(broken.path(), &arguments, has_runs);
    assert_eq!(interrupted.status.code(), Some(130));
    let resumed = cachesim(broken.path(), &arguments);
    assert!(text(&resumed.stderr).contains("of 40 runs were kept from before"));
    // All is finished, so nothing is kept any longer.
    assert!(!log.exists());
    assert_eq!(resumed.stdout, cachesim(whole.path(), &arguments).stdout);
    let folder = |place: &tempfile::TempDir| files(&place.path().join("results/cache"));
    assert!(folder(&broken) == folder(&whole));
}
