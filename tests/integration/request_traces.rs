//! Traces of single requests and the log of misses: what they say, and that they change nothing.

use std::cell::RefCell;
use std::path::Path;
use std::process::{Command, Output};
use std::rc::Rc;

use cachesim::metrics::{Miss, Outcome, Span, Traced, TracedRequest};
use cachesim::simulation::{self, NoProgress, Plan, Recording};

use crate::world::{plan, run_plan};

/// What a run gives with these requests traced.
#[track_caller]
pub fn traced(plan: &Plan, requests: Traced) -> (Outcome, Vec<TracedRequest>) {
    let recording = Recording {
        requests: Some(requests),
        misses: None,
    };
    simulation::run_recorded(plan, 0, &NoProgress, recording).unwrap()
}

/// Everything that a run has measured, as text.
fn all(outcome: &Outcome) -> String {
    format!("{outcome:?}")
}

/// The spans of a lane, each indented below the one that it is in: when it began and ended, in milliseconds since
/// the request arrived, and what came of it.
fn drawn(request: &TracedRequest, lane: usize) -> String {
    let depth = |span: &Span| {
        let mut at = span.parent;
        std::iter::from_fn(|| {
            let parent = at?;
            at = request.spans[parent].parent;
            Some(())
        })
        .count()
    };
    let since = request.spans[0].begin_ns;
    let ms = |ns: u64| (ns - since) as f64 / 1e6;
    let line = |span: &Span| {
        let indent = "  ".repeat(depth(span));
        let mut outcome = span.outcome.map_or(String::new(), |it| format!(" {it}"));
        if let Some(index) = span.waits_for {
            outcome += &format!(" for request {index}");
        }
        let (from, to) = (ms(span.begin_ns), ms(span.end_ns));
        format!("{indent}{} {from} {to}{outcome}\n", span.name)
    };
    let spans = request.spans.iter();
    spans.filter(|it| it.lane == lane).map(line).collect()
}

/// In each lane, two spans lie one within the other or beside each other, and each within its parent.
#[track_caller]
pub fn is_nested(request: &TracedRequest) {
    for (number, span) in request.spans.iter().enumerate() {
        assert!(span.begin_ns <= span.end_ns, "{span:?}");
        if let Some(parent) = span.parent {
            assert!(parent < number);
            let outer = &request.spans[parent];
            let is_within = outer.begin_ns <= span.begin_ns && span.end_ns <= outer.end_ns;
            assert!(
                is_within && outer.lane == span.lane,
                "{span:?} in {outer:?}"
            );
        }
        // With those before it that have the same parent.
        for sibling in &request.spans[..number] {
            if sibling.parent == span.parent && sibling.lane == span.lane {
                assert!(sibling.end_ns <= span.begin_ns, "{sibling:?} and {span:?}");
            }
        }
    }
}

/// A request for one key every 10 ms, from 0 on. To the tier and back it takes 4 ms, its service 1 ms, a query
/// 50 ms.
const ONE_KEY: &str = r#"
duration = "300ms"
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "sequential", count = 1 }
value_size = "1KiB"
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "4ms"
service  = { workers = 1, time = "1ms" }
defence  = "single-flight"
[database]
service_time = "50ms"
"#;

#[test]
fn a_miss_a_delayed_hit_and_a_hit_show_where_their_time_went() {
    let plan = plan(ONE_KEY, &[]);
    let (_, requests) = traced(&plan, Traced::First(8));
    assert_eq!(requests.len(), 8);
    insta::assert_snapshot!(drawn(&requests[0], 0), @r"
    request 0 60 miss
      check_cache 0 5 miss
        network 0 2
        service 2 3
        network 3 5
      fetch_source 5 55 answered
        query 5 55
      populate_cache 55 60 stored
        network 55 57
        service 57 58
        network 58 60
    ");
    insta::assert_snapshot!(drawn(&requests[1], 0), @r"
    request 0 50 delayed_hit
      check_cache 0 5 miss
        network 0 2
        service 2 3
        network 3 5
      wait_for_fetch 5 50 for request 0
    ");
    insta::assert_snapshot!(drawn(&requests[7], 0), @r"
    request 0 5 hit
      check_cache 0 5 hit
        network 0 2
        service 2 3
        network 3 5
    ");
    requests.iter().for_each(is_nested);
}

#[test]
fn who_waits_says_for_whose_fetch_whatever_the_defence() {
    for defence in ["single-flight", "lock", "lease", "collapse"] {
        let pattern = if defence == "collapse" {
            "through"
        } else {
            "aside"
        };
        let settings = [("pattern", pattern), ("defence", defence)];
        let settings = settings.map(|(name, value)| format!("tier.cache.{name}={value}"));
        let plan = plan(ONE_KEY, &settings.each_ref().map(String::as_str));
        let (_, requests) = traced(&plan, Traced::First(4));
        for waiting in &requests[1..] {
            let spans = drawn(waiting, 0);
            assert!(
                spans.contains("wait_for_fetch") && spans.contains(" for request 0"),
                "{defence}: {spans}"
            );
        }
    }
}

#[test]
fn a_write_shows_the_database_and_the_delete() {
    let plan = plan(ONE_KEY, &["workload.reads=0"]);
    let (_, requests) = traced(&plan, Traced::First(1));
    insta::assert_snapshot!(drawn(&requests[0], 0), @r"
    request 0 55 written
      write_source 0 50 answered
        query 0 50
      invalidate_cache 50 55 not_there
        network 50 52
        service 52 53
        network 53 55
    ");
}

#[test]
fn attempts_their_backoff_and_what_goes_on_without_the_client_are_shown() {
    let settings = [
        "client={ timeout = \"30ms\", retries = { count = 1, backoff = { base = \"7ms\", cap = \"7ms\", jitter = \"none\" } } }",
        "workload.arrivals={ process = \"constant\", rate = \"5/s\" }",
        "tier.cache.defence=none",
    ];
    let plan = plan(ONE_KEY, &settings);
    let (_, requests) = traced(&plan, Traced::First(1));
    let lanes: Vec<String> = (0..requests[0].lanes.len())
        .map(|lane| drawn(&requests[0], lane))
        .collect();
    insta::assert_snapshot!(lanes.join("--\n"), @r"
    request 0 67 gave_up
      attempt 0 30 gave_up
        check_cache 0 5 miss
          network 0 2
          service 2 3
          network 3 5
        fetch_source 5 30 abandoned
          query 5 30 abandoned
      backoff 30 37
      attempt 37 67 gave_up
        check_cache 37 42 miss
          network 37 39
          service 39 40
          network 40 42
        fetch_source 42 67 abandoned
          query 42 67 abandoned
    --
    populate_cache 55 60 stored
      network 55 57
      service 57 58
      network 58 60
    --
    populate_cache 92 97 stored
      network 92 94
      service 94 95
      network 95 97
    ");
    is_nested(&requests[0]);
}

#[test]
fn a_hedge_is_beside_the_first_attempt() {
    let settings = [
        "client={ hedge = { after = \"20ms\" } }",
        "workload.arrivals={ process = \"constant\", rate = \"5/s\" }",
        "tier.cache.defence=none",
    ];
    let plan = plan(ONE_KEY, &settings);
    let (_, requests) = traced(&plan, Traced::First(1));
    insta::assert_snapshot!(drawn(&requests[0], 1), @r"
    hedge 20 60
      check_cache 20 25 miss
        network 20 22
        service 22 23
        network 23 25
      fetch_source 25 60 abandoned
        query 25 60 abandoned
    ");
    is_nested(&requests[0]);
}

#[test]
fn a_stale_hit_is_answered_while_a_lane_of_its_own_revalidates() {
    let settings = [
        "tier.cache.ttl=100ms",
        "tier.cache.defence={ kind = \"stale-while-revalidate\", window = \"1s\" }",
        "workload.arrivals={ process = \"constant\", rate = \"5/s\" }",
    ];
    let plan = plan(ONE_KEY, &settings);
    let (_, requests) = traced(&plan, Traced::First(2));
    let lanes = [0, 1].map(|lane| drawn(&requests[1], lane));
    insta::assert_snapshot!(lanes.join("--\n"), @r"
    request 0 5 stale_hit
      check_cache 0 5 stale
        network 0 2
        service 2 3
        network 3 5
    --
    revalidate 5 60
      fetch_source 5 55 answered
        query 5 55
      populate_cache 55 60 stored
        network 55 57
        service 57 58
        network 58 60
    ");
}

/// A cache, writes, timeouts and retries, under more load than it can take.
const BUSY: &str = r#"
duration = "5s"
warmup = "1s"
[workload]
arrivals = { process = "poisson", rate = "1500/s" }
keys = { distribution = "zipf", count = 2000, exponent = 0.9 }
reads = 0.9
[app]
instances = 5
[client]
timeout = "80ms"
retries = 2
hedge = { quantile = 0.95 }
[[tier]]
name = "near"
scope = "instance"
capacity = "50 entries"
ttl = "1s"
defence = "single-flight"
[[tier]]
name = "cache"
nodes = 3
capacity = "500 entries"
ttl = { base = "1s", jitter = 0.2 }
network = { distribution = "exponential", mean = "1ms" }
service = { workers = 1, time = "200us" }
defence = ["lock", { kind = "stale-while-revalidate", window = "50ms" }]
[database]
connections = 6
queue_limit = 40
timeout = "60ms"
service_time = { distribution = "exponential", mean = "10ms" }
[[event]]
at = "3s"
action = "crash"
target = "tier.cache.node.1"
restart_after = "500ms"
"#;

#[test]
fn tracing_changes_nothing_and_all_spans_are_nested() {
    let plan = plan(BUSY, &[]);
    let plain = all(&run_plan(&plan, 0).0);
    for requests in [Traced::First(100_000), Traced::Slowest(50)] {
        let (outcome, requests) = traced(&plan, requests);
        assert_eq!(all(&outcome), plain);
        requests.iter().for_each(is_nested);
    }
}

#[test]
fn the_first_are_those_that_arrive_first_after_warm_up() {
    let plan = plan(BUSY, &[]);
    let (_, few) = traced(&plan, Traced::First(10));
    let (_, many) = traced(&plan, Traced::First(1000));
    assert_eq!((few.len(), many.len()), (10, 1000));
    assert_eq!(few[..], many[..10]);
    let arrivals = many.iter().map(|it| it.spans[0].begin_ns);
    assert!(arrivals.is_sorted());
    assert!(few[0].spans[0].begin_ns >= plan.warmup_ns);
}

#[test]
fn the_slowest_are_the_slowest_of_all() {
    let plan = plan(BUSY, &[]);
    let (_, slowest) = traced(&plan, Traced::Slowest(40));
    let (_, mut all) = traced(&plan, Traced::First(1_000_000));
    all.retain(|it| it.spans[0].outcome != Some("in_flight"));
    // A stable sort: of two that took as long the one that came first.
    all.sort_by_key(|it| std::cmp::Reverse(it.latency_ns()));
    assert_eq!(slowest[..], all[..40]);
}

/// Every miss of a run.
fn misses(plan: &Plan) -> (Outcome, Vec<Miss>) {
    let told = Rc::new(RefCell::new(Vec::new()));
    let recording = Recording {
        requests: None,
        misses: Some(Box::new({
            let told = told.clone();
            move |miss| told.borrow_mut().push(miss)
        })),
    };
    let (outcome, _) = simulation::run_recorded(plan, 0, &NoProgress, recording).unwrap();
    let told = told.take();
    (outcome, told)
}

#[test]
fn a_miss_says_when_and_how_long_it_took() {
    // At 3 ms the lookup has been served and 5 ms is back; the query takes 50 ms and the set 5.
    let (_, told) = misses(&plan(ONE_KEY, &[]));
    let first = told.iter().find(|miss| miss.outcome == "miss").unwrap();
    let expected = Miss {
        at_ns: 5_000_000,
        tier: 0,
        key: 0,
        outcome: "miss",
        answered_by: Some(65535),
        fetch_ns: 55_000_000,
    };
    assert_eq!(*first, expected);
    // Those of 10 to 50 ms wait for it; that of 10 ms from 15 to 60.
    let waited: Vec<u64> = told
        .iter()
        .filter(|miss| miss.outcome == "delayed_hit")
        .map(|miss| miss.fetch_ns / 1_000_000)
        .collect();
    assert_eq!(waited, [45, 35, 25, 15, 5]);
}

#[test]
fn there_is_a_line_for_each_lookup_that_counts_as_a_miss() {
    let settings = [
        "warmup=0s",
        "drain=true",
        "client={}",
        "database.timeout=never",
        "database.queue_limit=unlimited",
        "event=[]",
    ];
    let plan = plan(BUSY, &settings);
    let plain = all(&run_plan(&plan, 0).0);
    let (outcome, told) = misses(&plan);
    assert_eq!(all(&outcome), plain);
    for (tier, name) in ["near", "cache"].into_iter().enumerate() {
        for (of, ratio) in [("miss", "miss_ratio"), ("delayed_hit", "delayed_hit_ratio")] {
            let lines = told.iter().filter(|it| it.tier == tier && it.outcome == of);
            let ratio = outcome.metrics[&format!("tier.{name}.{ratio}")];
            let misses = outcome.metrics[&format!("tier.{name}.miss_ratio")];
            let of_misses = told
                .iter()
                .filter(|it| it.tier == tier && it.outcome == "miss");
            let lookups = of_misses.count() as f64 / misses;
            assert!(
                (lines.count() as f64 / lookups - ratio).abs() < 1e-9,
                "{name} {of}"
            );
        }
    }
}

const SMALL: &str = r#"
title    = "Two variants"
seed     = 3
duration = "3s"
warmup   = "1s"
[workload]
arrivals = { process = "poisson", rate = "500/s" }
keys     = { distribution = "zipf", count = 1000, exponent = 0.9 }
[[tier]]
name     = "redis"
capacity = "200 entries"
[database]
service_time = { distribution = "exponential", mean = "5ms" }
[[variant]]
name = "tiny"
set  = { "tier.redis.capacity" = "10 entries" }
"#;

fn cachesim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cachesim"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("small.toml"), SMALL).unwrap();
    place
}

#[test]
fn the_trace_file_is_json_whose_spans_are_nested_and_does_not_depend_on_threads() {
    let place = place();
    let run = |threads: &str| {
        let arguments = [
            "run",
            "small.toml",
            "--trace-requests",
            "slowest:20",
            "--threads",
            threads,
        ];
        let output = cachesim(place.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(
            said.contains("wrote traces of 40 requests to results/small/trace.json"),
            "{said}"
        );
        std::fs::read_to_string(place.path().join("results/small/trace.json")).unwrap()
    };
    let text = run("1");
    assert_eq!(text, run("3"));
    let file: serde_json::Value = serde_json::from_str(&text).unwrap();
    let events = file["traceEvents"].as_array().unwrap();
    let of = |kind: &'static str| events.iter().filter(move |event| event["ph"] == *kind);
    let processes: Vec<&str> = of("M")
        .filter(|event| event["name"] == "process_name")
        .map(|event| event["args"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(processes, ["base", "tiny"]);
    let ns = |value: &serde_json::Value| (value.as_f64().unwrap() * 1000.0).round() as u64;
    let mut open: Vec<(u64, u64)> = Vec::new();
    let mut thread = 0;
    for event in of("X") {
        let (begin, end) = (ns(&event["ts"]), ns(&event["ts"]) + ns(&event["dur"]));
        let of = event["tid"].as_u64().unwrap();
        if of != thread {
            (thread, open) = (of, Vec::new());
            assert_eq!(event["name"], "request");
        }
        // In a thread, parents come before children, and those after one another in their order.
        while open
            .last()
            .is_some_and(|&(_, until)| until <= begin && begin < end)
        {
            open.pop();
        }
        if let Some(&(from, until)) = open.last() {
            assert!(from <= begin && end <= until, "{event}");
        }
        open.push((begin, end));
    }
    for name in [
        "request",
        "check_cache",
        "network",
        "fetch_source",
        "query",
        "populate_cache",
    ] {
        assert!(of("X").any(|event| event["name"] == *name), "{name}");
    }
}

#[test]
fn the_log_of_misses_is_in_the_order_of_runs_and_does_not_depend_on_threads() {
    let place = place();
    let run = |threads: &str| {
        let arguments = [
            "run",
            "small.toml",
            "--no-files",
            "--replications",
            "3",
            "--log-misses",
            "misses.jsonl",
            "--threads",
            threads,
        ];
        let output = cachesim(place.path(), &arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        std::fs::read_to_string(place.path().join("misses.jsonl")).unwrap()
    };
    let text = run("1");
    assert_eq!(text, run("3"));
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut runs: Vec<(String, u64)> = lines
        .iter()
        .map(|line| {
            let variant = line["variant"].as_str().unwrap().to_owned();
            (variant, line["replication"].as_u64().unwrap())
        })
        .collect();
    runs.dedup();
    let of = |name: &str| {
        (0..3)
            .map(move |number| (name.to_owned(), number))
            .collect()
    };
    let expected: [Vec<(String, u64)>; 2] = [of("base"), of("tiny")];
    assert_eq!(runs, expected.concat());
    // What is left is the file alone.
    let names = std::fs::read_dir(place.path()).unwrap().count();
    assert_eq!(names, 2);
}

#[test]
fn what_cannot_be_recorded_is_refused_before_anything_is_computed() {
    let place = place();
    let refused = |arguments: &[&str], says: &str| {
        let output = cachesim(place.path(), &[&["run", "small.toml"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    };
    refused(
        &["--trace-requests", "fastest:3"],
        "there is no \"fastest\"",
    );
    refused(&["--trace-requests", "0"], "from 1 to 100000");
    refused(
        &["--trace-requests", "3", "--no-files"],
        "nowhere to write to",
    );
    refused(&["--trace-requests-file", "x.json"], "--trace-requests");
    refused(&["--log-misses", "."], "it is a folder");
    refused(
        &["--log-misses", "gone/misses"],
        "there is no such file or folder",
    );
    refused(&["--log-misses", "small.toml"], "would be written over");
    let same = [
        "--trace-requests",
        "1",
        "--trace-requests-file",
        "x",
        "--log-misses",
        "x",
    ];
    refused(&same, "both");
    let sweep = ["--sweep", "database.connections=1,2", "--log-misses", "x"];
    refused(&sweep, "has a sweep");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}
