//! Scenarios whose workload is a trace, and traces of scenarios.

use std::path::Path;

use crate::program::cachesim;

fn traces() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("traces");
    folder.display().to_string().replace('\\', "/")
}

/// A folder with a scenario of this head and workload, over one cache of 500 entries.
fn place(head: &str, workload: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a temporary folder");
    let text = format!(
        "{head}\ndrain = true\n[workload]\n{workload}\n\
         [[tier]]\nname = \"cache\"\ncapacity = \"500 entries\"\nnetwork = \"0s\"\n\
         service = {{ time = \"0s\" }}\n[database]\nconnections = 1000\nservice_time = \"0s\"\n"
    );
    std::fs::write(place.path().join("it.toml"), text).expect("a file in it");
    place
}

/// The metrics of the only variant.
fn metrics(place: &Path, more: &[&str]) -> serde_json::Value {
    let mut arguments = vec![
        "run",
        "it.toml",
        "--no-files",
        "--format",
        "json",
        "--quiet",
    ];
    arguments.extend(more);
    let output = cachesim(place, &arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    json["variants"][0]["metrics"].clone()
}

fn mean(metrics: &serde_json::Value, name: &str) -> f64 {
    metrics[name]["mean"]
        .as_f64()
        .unwrap_or_else(|| panic!("{name}: {metrics}"))
}

fn errors(place: &Path) -> String {
    let output = cachesim(place, &["check", "it.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let printed = [output.stdout, output.stderr].concat();
    String::from_utf8(printed).expect("errors are text")
}

#[test]
fn a_trace_is_replayed_at_its_own_times_and_hits_what_replay_hits() {
    let trace = format!("{}/zipf-scan.oracleGeneral.zst", traces());
    let place = place("", &format!("trace = \"{trace}\""));
    let run = metrics(place.path(), &[]);
    assert_eq!(mean(&run, "requests.arrived"), 40_000.0);
    // 100 requests a second.
    let rate = mean(&run, "requests.rate");
    assert!((rate - 100.0).abs() < 1.5, "{rate}");
    let replayed = cachesim(
        place.path(),
        &[
            "replay", &trace, "--policy", "lru", "--size", "500", "--format", "csv",
        ],
    );
    let replayed = String::from_utf8(replayed.stdout).expect("text");
    let cells: Vec<&str> = replayed.lines().nth(1).expect("a row").split(',').collect();
    let misses: f64 = cells[3].parse().expect("misses");
    let hit_ratio = mean(&run, "tier.cache.hit_ratio");
    // Fetches take no time, so the timed cache does what the untimed one does.
    assert!(
        (hit_ratio - (1.0 - misses / 40_000.0)).abs() < 1e-9,
        "{hit_ratio} {misses}"
    );
}

#[test]
fn speed_scales_the_clock_and_arrivals_replace_it() {
    let trace = format!("trace = \"{}/moving-hot-set.zst\"", traces());
    let own = place("", &trace);
    let slow = metrics(own.path(), &[]);
    let fast = metrics(own.path(), &["--set", "workload.speed=4.0"]);
    assert_eq!(mean(&fast, "requests.arrived"), 30_000.0);
    let factor = mean(&fast, "requests.rate") / mean(&slow, "requests.rate");
    assert!((factor - 4.0).abs() < 1e-3, "{factor}");
    // Without TTLs the clock changes no hit.
    assert_eq!(fast["tier.cache.hit_ratio"], slow["tier.cache.hit_ratio"]);

    let given = place("", &format!("{trace}\narrivals = \"1k/s\""));
    let run = metrics(given.path(), &[]);
    assert_eq!(mean(&run, "requests.arrived"), 30_000.0);
    assert_eq!(run["tier.cache.hit_ratio"], slow["tier.cache.hit_ratio"]);
    assert!((mean(&run, "requests.rate") - 1000.0).abs() < 30.0);
    // The same bytes whatever the threads, and what ends first ends the run.
    let (one, four) = (
        ["--threads", "1", "--replications", "3"],
        ["--threads", "4", "--replications", "3"],
    );
    assert_eq!(metrics(given.path(), &one), metrics(given.path(), &four));
    let short = metrics(given.path(), &["--set", "duration=5s"]);
    assert!((mean(&short, "requests.arrived") - 5000.0).abs() < 300.0);
}

#[test]
fn users_who_wait_stop_asking_when_the_trace_ends() {
    let trace = format!("trace = \"{}/loop.txt.gz\"", traces());
    let closed = "arrivals = { process = \"closed\", users = 20, think = \"10ms\" }";
    let place = place("duration = \"60s\"", &format!("{trace}\n{closed}"));
    assert_eq!(
        mean(&metrics(place.path(), &[]), "requests.arrived"),
        20_000.0
    );
}

#[test]
fn mistakes_are_those_of_any_scenario() {
    let missing = place("", "trace = \"not-there.zst\"");
    insta::assert_snapshot!(errors(missing.path()), @r#"
      x an error in it.toml

    Error: 
      x cannot read not-there.zst: there is no such file
       ,-[it.toml:4:9]
     3 | [workload]
     4 | trace = "not-there.zst"
       :         ^^^^^^^^^^^^^^^
     5 | [[tier]]
       `----
      help: the path is relative to the folder of the scenario
    "#);
    let both = place(
        "",
        "trace = \"a.csv\"\nspeed = 2.0\narrivals = \"1k/s\"\nkeys = { distribution = \"uniform\", count = 5 }",
    );
    std::fs::write(both.path().join("a.csv"), "time,key\n1,2\n2,3\n").unwrap();
    insta::assert_snapshot!(errors(both.path()), @r#"
      x 2 errors in it.toml

    Error: 
      x `workload.speed` is of the trace's own times, but `arrivals` says when requests arrive
       ,-[it.toml:5:9]
     4 | trace = "a.csv"
     5 | speed = 2.0
       :         ^^^
     6 | arrivals = "1k/s"
       `----
      help: remove one of the two

    Error: 
      x `workload.keys` and `workload.trace` both say which keys are asked for
       ,-[it.toml:7:8]
     6 | arrivals = "1k/s"
     7 | keys = { distribution = "uniform", count = 5 }
       :        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
     8 | [[tier]]
       `----
      help: remove one of the two
    "#);
    let damaged = place("", "trace = \"a.csv\"");
    std::fs::write(damaged.path().join("a.csv"), "time,key\n1,2\n2,3\nx,4\n").unwrap();
    insta::assert_snapshot!(errors(damaged.path()), @r#"
      x an error in it.toml

    Error: 
      x a.csv: line 4: time: expected a number such as 12 or 12.5, at most 2^64-1 nanoseconds, found
      | "x"
       ,-[it.toml:4:9]
     3 | [workload]
     4 | trace = "a.csv"
       :         ^^^^^^^
     5 | [[tier]]
       `----
      help: `cachesim trace info FILE` shows what can be read of a trace
    "#);
    let timeless = place("", &format!("trace = \"{}/loop.txt.gz\"", traces()));
    assert!(errors(timeless.path()).contains("add `arrivals`, for example"));
    let unknown = place("", "trace = \"a.bin\"");
    std::fs::write(unknown.path().join("a.bin"), [0xff; 100]).unwrap();
    let said = errors(unknown.path());
    assert!(said.contains("fits no known trace format"), "{said}");
    assert!(
        said.contains("`cachesim trace convert FILE OUT --from FORMAT`"),
        "{said}"
    );
    let of_operations = place("", "trace = \"a.csv\"\nreads = 0.9");
    std::fs::write(
        of_operations.path().join("a.csv"),
        "time,key,op\n1,2,get\n2,3,set\n",
    )
    .unwrap();
    let said = errors(of_operations.path());
    assert!(said.contains("`workload.reads` is of no use"), "{said}");
    assert!(said.contains("remove `reads`"), "{said}");
    let short = place(
        "warmup = \"60s\"\nduration = \"100s\"",
        &format!(
            "trace = \"{}/moving-hot-set.zst\"\narrivals = \"10k/s\"",
            traces()
        ),
    );
    let said = errors(short.path());
    assert!(
        said.contains("has 30000 requests, and all of them arrive before the warm-up"),
        "{said}"
    );
    let neither = place(
        "duration = \"1s\"",
        "speed = 2.0\narrivals = \"1k/s\"\nkeys = { distribution = \"uniform\", count = 5 }",
    );
    assert!(errors(neither.path()).contains("`workload.speed` is of a trace, and there is none"));
}

#[test]
fn the_trace_of_a_scenario_makes_the_same_requests_again() {
    let workload = "arrivals = \"2k/s\"\nreads = 0.9\n\
                    keys = { distribution = \"zipf\", count = 5000, exponent = 0.9 }\n\
                    value_size = { distribution = \"lognormal\", median = \"1KiB\", p99 = \"20KiB\" }";
    let place = place("duration = \"10s\"", workload);
    let drawn = metrics(place.path(), &[]);
    let written = cachesim(
        place.path(),
        &["trace", "generate", "out.zst", "--scenario", "it.toml"],
    );
    assert!(
        written.status.success(),
        "{}",
        String::from_utf8_lossy(&written.stderr)
    );
    let text = std::fs::read_to_string(place.path().join("it.toml")).unwrap();
    let own_times = text
        .replace("duration = \"10s\"", "")
        .replace(workload, "trace = \"out.zst\"");
    assert_ne!(own_times, text);
    std::fs::write(place.path().join("it.toml"), own_times).unwrap();
    let again = metrics(place.path(), &[]);
    for name in [
        "requests.arrived",
        "tier.cache.hit_ratio",
        "hit_ratio",
        "tier.cache.evictions.rate",
    ] {
        let (one, other) = (mean(&drawn, name), mean(&again, name));
        // Rates are over a run that is shorter by what passes before the first request.
        assert!((one - other).abs() <= 1e-3 * one, "{name}: {one} {other}");
    }
    assert_eq!(drawn["tier.cache.hit_ratio"], again["tier.cache.hit_ratio"]);
}

#[test]
fn a_trace_of_one_instant_needs_arrivals_and_bursts_are_noted() {
    let once = place("", "trace = \"once.csv\"");
    std::fs::write(once.path().join("once.csv"), "time,key\n5,1\n5,2\n").expect("written");
    let said = errors(once.path());
    assert!(said.contains("come at one instant"), "{said}");
    assert!(said.contains("add `arrivals`"), "{said}");
    let seconds = "time,key\n5,1\n5,2\n6,1\n";
    std::fs::write(once.path().join("once.csv"), seconds).expect("written");
    let run = cachesim(once.path(), &["run", "it.toml", "--no-files"]);
    assert_eq!(run.status.code(), Some(0));
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        said.contains("up to 2 requests arrive at one instant"),
        "{said}"
    );
    let quiet = cachesim(once.path(), &["run", "it.toml", "--no-files", "--quiet"]);
    assert!(quiet.stderr.is_empty());
}

#[test]
fn the_length_of_a_trace_is_told_in_seconds() {
    let place = place("warmup = \"10m\"", "trace = \"short.csv\"");
    let times = "time,key\n0,1\n1.25,2\n";
    std::fs::write(place.path().join("short.csv"), times).expect("written");
    let said = errors(place.path());
    assert!(said.contains("10m of 1.250s leaves nothing"), "{said}");
}

/// Four requests a second apart, of three keys.
const FOUR: &str = "time,key\n0,7\n1,8\n2,7\n3,9\n";

#[test]
fn the_most_popular_keys_of_a_trace_are_those_that_it_asks_for_most() {
    let place = place("", "trace = \"four.csv\"");
    std::fs::write(place.path().join("four.csv"), FOUR).expect("a file");
    let misses = |more: &[&str]| {
        let run = metrics(place.path(), more);
        mean(&run, "tier.cache.miss_ratio") * 4.0
    };
    assert_eq!(misses(&[]), 3.0);
    let warm = |keys: u32| {
        let defence = format!("tier.cache.defence={{ kind = \"warm-up\", keys = {keys} }}");
        misses(&["--set", &defence])
    };
    // 7, which is asked for twice; then 8, the lower of the two others.
    assert_eq!([warm(1), warm(2), warm(3)], [2.0, 1.0, 0.0]);
}

#[test]
fn a_key_of_a_trace_may_be_hot_from_the_start() {
    let trace = format!("{}/zipf-scan.oracleGeneral.zst", traces());
    let place = place("", &format!("trace = \"{trace}\""));
    let copies = [
        "--set",
        "tier.cache.nodes=2",
        "--set",
        "tier.cache.hot_keys={ copies = 2, top = 1 }",
    ];
    let run = metrics(place.path(), &copies);
    assert!(mean(&run, "tier.cache.hot_keys.copy_reads") > 100.0);
}
