//! Every broken file of tests/broken, and exactly what is printed about it.

use std::process::Command;

/// What `cachesim check` says about tests/broken/NAME.toml.
fn check(name: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cachesim"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["check", &format!("tests/broken/{name}.toml")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{name}");
    assert!(output.stdout.is_empty(), "{name}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn every_broken_file_has_its_test() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken");
    let source = include_str!("scenario_errors.rs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            source.contains(&format!("check(\"{name}\")")),
            "{name} has no test"
        );
        count += 1;
    }
    assert!(count >= 12);
}

#[test]
fn negative_zero_and_absurd_values_are_refused_with_what_is_allowed() {
    insta::assert_snapshot!(check("absurd_values"), @r#"
      x 13 errors in tests/broken/absurd_values.toml

    Error: 
      x `duration` must be from 1us to 3650d, not 20000d
       ,-[tests/broken/absurd_values.toml:1:12]
     1 | duration = "20000d"
       :            ^^^^^^^^
     2 | replications = 0
       `----

    Error: 
      x `replications` must be from 1 to 10000, not 0
       ,-[tests/broken/absurd_values.toml:2:16]
     1 | duration = "20000d"
     2 | replications = 0
       :                ^
       `----

    Error: 
      x `workload.arrivals.rate` must be from 1/d to 1G/s, not 0/s
       ,-[tests/broken/absurd_values.toml:5:43]
     4 | [workload]
     5 | arrivals = { process = "constant", rate = "0/s" }
       :                                           ^^^^^
     6 | keys = { distribution = "zipf", count = "1G", exponent = -1 }
       `----

    Error: 
      x `workload.keys.count` must be from 1 to 100M, not 1G
       ,-[tests/broken/absurd_values.toml:6:41]
     5 | arrivals = { process = "constant", rate = "0/s" }
     6 | keys = { distribution = "zipf", count = "1G", exponent = -1 }
       :                                         ^^^^
     7 | reads = 95
       `----

    Error: 
      x `workload.keys.exponent` must be from 0 to 20, not -1
       ,-[tests/broken/absurd_values.toml:6:58]
     5 | arrivals = { process = "constant", rate = "0/s" }
     6 | keys = { distribution = "zipf", count = "1G", exponent = -1 }
       :                                                          ^^
     7 | reads = 95
       `----

    Error: 
      x `workload.reads`: `95` is not a share: it must be from 0 to 1
       ,-[tests/broken/absurd_values.toml:7:9]
     6 | keys = { distribution = "zipf", count = "1G", exponent = -1 }
     7 | reads = 95
       :         ^^
       `----
      help: did you mean "95%"? write a number from 0 to 1, for example 0.95, or a percentage, for
            example "95%"

    Error: 
      x `tier.redis.nodes` must be from 1 to 10000, not 0
        ,-[tests/broken/absurd_values.toml:11:9]
     10 | name = "redis"
     11 | nodes = 0
        :         ^
     12 | capacity = "0 entries"
        `----

    Error: 
      x `tier.redis.capacity`: a node that holds no entry is no cache
        ,-[tests/broken/absurd_values.toml:12:12]
     11 | nodes = 0
     12 | capacity = "0 entries"
        :            ^^^^^^^^^^^
     13 | ttl = "0s"
        `----
      help: write a number of entries, an amount of memory, or unlimited: "100k entries", "1GiB",
            "unlimited"

    Error: 
      x `tier.redis.ttl.base` must be from 1ns to 3650d, not 0s
        ,-[tests/broken/absurd_values.toml:13:7]
     12 | capacity = "0 entries"
     13 | ttl = "0s"
        :       ^^^^
        `----
      help: or write `never`

    Error: 
      x `database.connections`: a count cannot be negative: `-1`
        ,-[tests/broken/absurd_values.toml:16:15]
     15 | [database]
     16 | connections = -1
        :               ^^
     17 | service_time = { distribution = "gamma", shape = nan, mean = "5ms" }
        `----
      help: write a whole number, for example 100, 1_000_000, "10k" or "1.5M"

    Error: 
      x `database.service_time.shape`: `NaN` is not a finite number
        ,-[tests/broken/absurd_values.toml:17:50]
     16 | connections = -1
     17 | service_time = { distribution = "gamma", shape = nan, mean = "5ms" }
        :                                                  ^^^
     18 | slowdown = inf
        `----
      help: write a plain number, for example 0.99

    Error: 
      x `database.slowdown`: `inf` is not a finite number
        ,-[tests/broken/absurd_values.toml:18:12]
     17 | service_time = { distribution = "gamma", shape = nan, mean = "5ms" }
     18 | slowdown = inf
        :            ^^^
     19 | timeout = "-1s"
        `----
      help: write a plain number, for example 0.99

    Error: 
      x `database.timeout`: a duration cannot be negative: `-1s`
        ,-[tests/broken/absurd_values.toml:19:11]
     18 | slowdown = inf
     19 | timeout = "-1s"
        :           ^^^^^
        `----
      help: write a number and a unit (ns, us, ms, s, m, h or d), for example "200us", "0.2ms" or
            "1h30m"; or write `never`
    "#);
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    insta::assert_snapshot!(check("control_characters"), @r#"
      x an error in tests/broken/control_characters.toml

    Error: 
      x syntax error: invalid comment character, expected printable characters
       ,-[tests/broken/control_characters.toml:2:3]
     1 | duration = "1m \u001b[31mred"
     2 | # �[31m a comment that would colour the terminal
       :   ^
       `----
      help: a scenario is a TOML file: `key = value` lines under [table] headers, see https://toml.io
    "#);
}

#[test]
fn values_that_do_not_fit_together_are_refused() {
    insta::assert_snapshot!(check("does_not_fit_together"), @r#"
      x 7 errors in tests/broken/does_not_fit_together.toml

    Error: 
      x `warmup` must be less than `duration`: 1m of 1m leaves nothing to measure
       ,-[tests/broken/does_not_fit_together.toml:2:10]
     1 | duration = "1m"
     2 | warmup = "1m"
       :          ^^^^
       `----
      help: lower `warmup` or raise `duration`

    Error: 
      x `workload.arrivals.on` must be at least 1 us, not 0 ns
       ,-[tests/broken/does_not_fit_together.toml:5:55]
     4 | [workload]
     5 | arrivals = { process = "on-off", rate = "100/s", on = "0s", off = "1s" }
       :                                                       ^^^^
     6 | keys = { distribution = "latest", count = 10, exponent = 1 }
       `----

    Error: 
      x `workload.value_size.high` must be at least `low`: 1KiB is not at least 2KiB
       ,-[tests/broken/does_not_fit_together.toml:7:63]
     6 | keys = { distribution = "latest", count = 10, exponent = 1 }
     7 | lue_size = { distribution = "uniform", low = "2KiB", high = "1KiB" }
       :                                                             ^^^^^^
       `----

    Error: 
      x the mean of `tier.redis.network` is infinite
        ,-[tests/broken/does_not_fit_together.toml:12:11]
     11 | capacity = "10 entries"
     12 | network = { distribution = "pareto", minimum = "1ms", exponent = 1.0 }
        :           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        `----
      help: add a `cap`, or raise `exponent` above 1

    Error: 
      x two tiers are called `redis`
        ,-[tests/broken/does_not_fit_together.toml:15:8]
     14 | [[tier]]
     15 | name = "redis"
        :        ^^^^^^^
     16 | capacity = "1GiB"
        `----
      help: rename one of them; the first is on line 10

    Error: 
      x `database.service_time.p99` must be above `median`: 5ms is not above 5ms
        ,-[tests/broken/does_not_fit_together.toml:19:68]
     18 | [database]
     19 | _time = { distribution = "lognormal", median = "5ms", p99 = "5ms" }
        :                                                             ^^^^^
     20 | write_service_time = { distribution = "lognormal", median = "5ms" }
        `----

    Error: 
      x `database.write_service_time.p99` is missing (or `sigma` in its place)
        ,-[tests/broken/does_not_fit_together.toml:20:22]
     19 | service_time = { distribution = "lognormal", median = "5ms", p99 = "5ms" }
     20 | write_service_time = { distribution = "lognormal", median = "5ms" }
        :                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        `----
    "#);
}

#[test]
fn expectations_name_variants_metrics_tiers_and_nodes_that_exist() {
    insta::assert_snapshot!(check("expectations"), @r#"
      x 9 errors in tests/broken/expectations.toml

    Error: 
      x there is no variant `bse`
        ,-[tests/broken/expectations.toml:15:11]
     14 | [[expect]]
     15 | variant = "bse"
        :           ^^^^^
     16 | metric = "hit_ratio"
        `----
      help: did you mean `base`?

    Error: 
      x there is no metric `tier.redis.hit_ration`
        ,-[tests/broken/expectations.toml:20:10]
     19 | [[expect]]
     20 | metric = "tier.redis.hit_ration"
        :          ^^^^^^^^^^^^^^^^^^^^^^^
     21 | above = 0.5
        `----
      help: did you mean `tier.redis.hit_ratio`?

    Error: 
      x there is no tier `memcached`
        ,-[tests/broken/expectations.toml:24:10]
     23 | [[expect]]
     24 | metric = "tier.memcached.hit_ratio"
        :          ^^^^^^^^^^^^^^^^^^^^^^^^^^
     25 | above = 0.5
        `----
      help: tiers: `redis`

    Error: 
      x tier `redis` has no node 1
        ,-[tests/broken/expectations.toml:28:10]
     27 | [[expect]]
     28 | metric = "tier.redis.node.1.rate"
        :          ^^^^^^^^^^^^^^^^^^^^^^^^
     29 | above = 0.5
        `----
      help: its nodes have the numbers 0 to 0

    Error: 
      x `latency.p99` is a duration: `/s` is no unit of time
        ,-[tests/broken/expectations.toml:33:9]
     32 | metric = "latency.p99"
     33 | below = "400/s"
        :         ^^^^^^^
        `----
      help: write a number and a unit (ns, us, ms, s, m, h or d), for example "200us", "0.2ms" or
            "1h30m"

    Error: 
      x the expectation does not say what to expect
        ,-[tests/broken/expectations.toml:35:1]
     34 | 
     35 | [[expect]]
        : ^^^^^^^^^^
     36 | metric = "latency.p99"
        `----
      help: add one of `below`, `above`, `between`, `equals`, `below_variant`, `above_variant`,
            `equals_variant`

    Error: 
      x an expectation has one condition, not both `below` and `above`
        ,-[tests/broken/expectations.toml:41:9]
     40 | below = "5ms"
     41 | above = "1ms"
        :         ^^^^^
     42 | factor = 2
        `----
      help: write `between = [low, high]`, or two [[expect]]

    Error: 
      x variant `base` is compared with itself
        ,-[tests/broken/expectations.toml:46:17]
     45 | metric = "latency.p99"
     46 | below_variant = "base"
        :                 ^^^^^^
        `----
      help: `variant` says whose metric it is (`base` if nothing is said), this key with whose it is
            compared

    Error: 
      x nothing is between 0.005 and 0.001
        ,-[tests/broken/expectations.toml:50:11]
     49 | metric = "latency.p99"
     50 | between = ["5ms", "1ms"]
        :           ^^^^^^^^^^^^^^
        `----
      help: write the lower one first
    "#);
}

#[test]
fn files_named_by_a_scenario_must_be_there() {
    insta::assert_snapshot!(check("files"), @r#"
      x 3 errors in tests/broken/files.toml

    Error: 
      x cannot read tests/broken/not-there.csv: there is no such file
       ,-[tests/broken/files.toml:8:53]
     7 | [database]
     8 | service_time = { distribution = "empirical", file = "not-there.csv" }
       :                                                     ^^^^^^^^^^^^^^^
     9 | write_service_time = { distribution = "empirical" }
       `----
      help: the path is relative to the folder of the scenario

    Error: 
      x an empirical distribution needs `quantiles` or a `file`
        ,-[tests/broken/files.toml:9:22]
      8 | service_time = { distribution = "empirical", file = "not-there.csv" }
      9 | write_service_time = { distribution = "empirical" }
        :                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
     10 | network = { distribution = "empirical", quantiles = [[0.5, "5ms"], [0.4, "6ms"]] }
        `----
      help: add `quantiles = [[0.5, "5ms"], [1.0, "80ms"]]` or `file = "latency.csv"`

    Error: 
      x `database.network.quantiles` must have rising probabilities: 0.4 follows 0.5
        ,-[tests/broken/files.toml:10:53]
      9 | write_service_time = { distribution = "empirical" }
     10 | network = { distribution = "empirical", quantiles = [[0.5, "5ms"], [0.4, "6ms"]] }
        :                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        `----
    "#);
}

#[test]
fn text_that_is_not_utf8_is_shown_at_its_first_wrong_byte() {
    insta::assert_snapshot!(check("latin1"), @r#"
      x an error in tests/broken/latin1.toml

    Error: 
      x this is not UTF-8 text
       ,-[tests/broken/latin1.toml:1:13]
     1 | title = "caf�"
       :             ^
     2 | duration = "1m"
       `----
      help: save the file as UTF-8
    "#);
}

#[test]
fn missing_keys_are_explained_with_an_example() {
    insta::assert_snapshot!(check("missing"), @r#"
      x 6 errors in tests/broken/missing.toml

    Error: 
      x the scenario needs the key `duration`
       ,-[tests/broken/missing.toml:1:1]
     1 | title = "Nearly nothing"
       : ^
       `----
      help: how long requests arrive, warm-up included, in simulated time; a trace that ends earlier
            ends the run; for example `duration = "5m"`

    Error: 
      x `workload` needs the key `arrivals`
       ,-[tests/broken/missing.toml:3:1]
     2 | 
     3 | [workload]
       : ^^^^^^^^^^
     4 | keys = { distribution = "zipf" }
       `----
      help: when requests arrive; a bare rate is a Poisson process; without it, a trace's come at the
            trace's own times; for example `arrivals = { process = "poisson", rate = "10k/s" }`

    Error: 
      x `workload.keys` needs the key `count`
       ,-[tests/broken/missing.toml:4:8]
     3 | [workload]
     4 | keys = { distribution = "zipf" }
       :        ^^^^^^^^^^^^^^^^^^^^^^^^^
       `----
      help: how many keys there are; for example `count = 1_000_000`

    Error: 
      x `workload.keys` needs the key `exponent`
       ,-[tests/broken/missing.toml:4:8]
     3 | [workload]
     4 | keys = { distribution = "zipf" }
       :        ^^^^^^^^^^^^^^^^^^^^^^^^^
       `----
      help: steepness, 0 or more: 0 is uniform, most caches see 0.6 to 1.2; for example `exponent =
            0.99`

    Error: 
      x `tier.0` needs the key `name`
       ,-[tests/broken/missing.toml:6:1]
     5 | 
     6 | [[tier]]
       : ^^^^^^^^
     7 | capacity = "10 entries"
       `----
      help: what metrics and overrides call the tier; letters, digits, `-` and `_`; unique; for
            example `name = "redis"`

    Error: 
      x `database` needs the key `service_time`
        ,-[tests/broken/missing.toml:9:1]
      8 | 
      9 | [database]
        : ^^^^^^^^^^
     10 | connections = 5
        `----
      help: how long a read holds its connection; for example `service_time = { distribution =
            "lognormal", median = "5ms", p99 = "50ms" }`
    "#);
}

#[test]
fn misspelt_names_are_answered_with_the_nearest_one() {
    insta::assert_snapshot!(check("names"), @r#"
      x 11 errors in tests/broken/names.toml

    Error: 
      x `workload.arrivals.process` cannot be `poison`
       ,-[tests/broken/names.toml:4:24]
     3 | [workload]
     4 | arrivals = { process = "poison", rate = "100/s" }
       :                        ^^^^^^^^
     5 | keys = { distribution = "zipfian", count = 100, exponent = 1 }
       `----
      help: did you mean `poisson`?

    Error: 
      x `workload.keys.distribution` cannot be `zipfian`
       ,-[tests/broken/names.toml:5:25]
     4 | arrivals = { process = "poison", rate = "100/s" }
     5 | keys = { distribution = "zipfian", count = 100, exponent = 1 }
       :                         ^^^^^^^^^
       `----
      help: did you mean `zipf`?

    Error: 
      x `tier.redis.cluster.name`: `redis.cluster` cannot be a name
       ,-[tests/broken/names.toml:8:8]
     7 | [[tier]]
     8 | name = "redis.cluster"
       :        ^^^^^^^^^^^^^^^
     9 | capacity = "10 entries"
       `----
      help: write 1 to 64 letters, digits, `-` and `_`, without dots and blanks, because names are
            part of paths; for example "redis-cluster"

    Error: 
      x `tier.redis.cluster.eviction`: there is no eviction policy `lruu`
        ,-[tests/broken/names.toml:10:12]
      9 | capacity = "10 entries"
     10 | eviction = "lruu"
        :            ^^^^^^
     11 | placement = "rings"
        `----
      help: did you mean `lru`? known: lru, fifo, lfu, random, clock, sieve, slru, 2q, arc, car, lirs,
            s3-fifo, s3-fifo-v0, w-tinylfu, tinylfu, gdsf, lfu-aging, mru, size, belady, belady-size,
            nothing, clock-pro, lru-k, mq, hyperbolic, lecar, cacheus, lhd, redis-lru, redis-lfu,
            volatile-ttl, memcached-slru

    Error: 
      x `tier.redis.cluster.placement.scheme` cannot be `rings`
        ,-[tests/broken/names.toml:11:13]
     10 | eviction = "lruu"
     11 | placement = "rings"
        :             ^^^^^^^
     12 | pattern = "asside"
        `----
      help: did you mean `ring`?

    Error: 
      x `tier.redis.cluster.pattern` cannot be `asside`
        ,-[tests/broken/names.toml:12:11]
     11 | placement = "rings"
     12 | pattern = "asside"
        :           ^^^^^^^^
     13 | defence = { kind = "singleflight" }
        `----
      help: did you mean `aside`?

    Error: 
      x `tier.redis.cluster.defence.kind` cannot be `singleflight`
        ,-[tests/broken/names.toml:13:20]
     12 | pattern = "asside"
     13 | defence = { kind = "singleflight" }
        :                    ^^^^^^^^^^^^^^
     14 | ttl = "nevr"
        `----
      help: did you mean `single-flight`?

    Error: 
      x `tier.redis.cluster.ttl` cannot be `nevr`
        ,-[tests/broken/names.toml:14:7]
     13 | defence = { kind = "singleflight" }
     14 | ttl = "nevr"
        :       ^^^^^^
        `----
      help: did you mean `never`?

    Error: 
      x `tier.second.eviction`: the policy `lru` has no parameter `segments`; it has none
        ,-[tests/broken/names.toml:19:12]
     18 | capacity = "1 entry"
     19 | eviction = "lru:segments=2"
        :            ^^^^^^^^^^^^^^^^
     20 | ttl = { base = "60s", jitter = "+0..2" }
        `----

    Error: 
      x `tier.second.ttl.jitter`: `+0..2` is not a jitter
        ,-[tests/broken/names.toml:20:32]
     19 | eviction = "lru:segments=2"
     20 | ttl = { base = "60s", jitter = "+0..2" }
        :                                ^^^^^^^
        `----
      help: write 0.1 or "10%" for up to a tenth less or more, "+0..0.2" for up to a fifth more

    Error: 
      x `database.service_time` needs the key `distribution`
        ,-[tests/broken/names.toml:23:16]
     22 | [database]
     23 | service_time = { median = "5ms", p99 = "50ms" }
        :                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        `----
      help: `distribution` is the shape of the distribution: `constant`, `uniform`, `exponential`,
            `lognormal`, `gamma`, `pareto`, `empirical`
    "#);
}

#[test]
fn several_syntax_errors_are_reported_at_once() {
    insta::assert_snapshot!(check("syntax"), @r#"
      x 4 errors in tests/broken/syntax.toml

    Error: 
      x syntax error: invalid basic string, expected `"`
       ,-[tests/broken/syntax.toml:1:43]
     1 | title = "Three lines that TOML cannot read
       :                                           ^
     2 | duration = 5m
       `----
      help: a scenario is a TOML file: `key = value` lines under [table] headers, see https://toml.io

    Error: 
      x syntax error: string values must be quoted, expected literal string
       ,-[tests/broken/syntax.toml:2:12]
     1 | title = "Three lines that TOML cannot read
     2 | duration = 5m
       :            ^^
     3 | [workload
       `----
      help: texts and quantities stand in quotes: "5m"

    Error: 
      x syntax error: unclosed table, expected `]`
       ,-[tests/broken/syntax.toml:3:10]
     2 | duration = 5m
     3 | [workload
       :          ^
     4 | arrivals = "10/s"
       `----
      help: a scenario is a TOML file: `key = value` lines under [table] headers, see https://toml.io

    Error: 
      x syntax error: duplicate key
       ,-[tests/broken/syntax.toml:6:1]
     5 | duration = "1m"
     6 | duration = "2m"
       : ^^^^^^^^
       `----
      help: a key can be set once; remove one of the two
    "#);
}

#[test]
fn what_later_versions_will_understand_is_said_plainly() {
    insta::assert_snapshot!(check("timeline"), @r#"
      x an error in tests/broken/timeline.toml

    Error: 
      x `event.1.action` cannot be `crsh`
        ,-[tests/broken/timeline.toml:18:10]
     17 | at = "40s"
     18 | action = "crsh"
        :          ^^^^^^
     19 | target = "tier.redis"
        `----
      help: did you mean `crash`?
    "#);
}

#[test]
fn a_target_must_exist_and_be_one_that_the_action_can_happen_to() {
    insta::assert_snapshot!(check("targets"), @r#"
      x 4 errors in tests/broken/targets.toml

    Error: 
      x `purge`: this does not happen to `database`
        ,-[tests/broken/targets.toml:18:10]
     17 | action = "purge"
     18 | target = "database"
        :          ^^^^^^^^^^
        `----
      help: targets are `tier.redis`, `tier.redis.node.0`

    Error: 
      x `crash`: there is no tier `redos`
        ,-[tests/broken/targets.toml:23:10]
     22 | action = "crash"
     23 | target = "tier.redos"
        :          ^^^^^^^^^^^^
        `----
      help: there is `tier.redis`

    Error: 
      x `crash`: the tier `redis` has no node `3`
        ,-[tests/broken/targets.toml:28:10]
     27 | action = "crash"
     28 | target = "tier.redis.node.3"
        :          ^^^^^^^^^^^^^^^^^^^
        `----
      help: there are 0 to 2

    Error: 
      x `restart`: `everything` is not a target
        ,-[tests/broken/targets.toml:33:10]
     32 | action = "restart"
     33 | target = "everything"
        :          ^^^^^^^^^^^^
        `----
      help: targets are `tier.redis`, `tier.redis.node.0`, `database`, `app`, `app.instance.0`
    "#);
}

#[test]
fn what_the_timeline_names_is_there_and_fits() {
    insta::assert_snapshot!(check("faults"), @r#"
      x 10 errors in tests/broken/faults.toml

    Error: 
      x `event.loss` or `delay` must say what is wrong with the network
        ,-[tests/broken/faults.toml:15:1]
     14 | 
     15 | [[event]]
        : ^^^^^^^^^
     16 | at = "10s"
        `----

    Error: 
      x `partition`: the app has no instance `1`
        ,-[tests/broken/faults.toml:24:8]
     23 | target = "tier.redis"
     24 | from = "app.instance.1"
        :        ^^^^^^^^^^^^^^^^
        `----
      help: there is only 0

    Error: 
      x `partition`: there is no region `mars`
        ,-[tests/broken/faults.toml:29:10]
     28 | action = "partition"
     29 | target = "region.mars"
        :          ^^^^^^^^^^^^^
     30 | from = "database"
        `----
      help: the scenario has no regions

    Error: 
      x `partition`: `database` is not among the origins
        ,-[tests/broken/faults.toml:30:8]
     29 | target = "region.mars"
     30 | from = "database"
        :        ^^^^^^^^^^
        `----
      help: origins are `app`, `app.instance.0`

    Error: 
      x `bus-outage`: the tier `redis` has no bus
        ,-[tests/broken/faults.toml:35:10]
     34 | action = "bus-outage"
     35 | target = "tier.redis"
        :          ^^^^^^^^^^^^
        `----
      help: add `invalidation = ["pub-sub"]` to the tier

    Error: 
      x `clock-skew`: the entries of the tier `redis` never expire
        ,-[tests/broken/faults.toml:40:10]
     39 | action = "clock-skew"
     40 | target = "tier.redis"
        :          ^^^^^^^^^^^^
     41 | ahead = "1s"
        `----
      help: add a `ttl` to the tier

    Error: 
      x `event.ahead` or `behind` must be given, and not both
        ,-[tests/broken/faults.toml:47:9]
     46 | target = "tier.redis"
     47 | ahead = "1s"
        :         ^^^^
     48 | behind = "1s"
        `----

    Error: 
      x `event.keys` or `first` and `last`, or `top`, must say which keys, and only one of them
        ,-[tests/broken/faults.toml:55:8]
     54 | top = 3
     55 | keys = [1, 2]
        :        ^^^^^^
        `----

    Error: 
      x `purge`: this does not happen to `app`
        ,-[tests/broken/faults.toml:60:10]
     59 | action = "purge"
     60 | target = "app"
        :          ^^^^^
        `----
      help: targets are `tier.redis`, `tier.redis.node.0`

    Error: 
      x `event.times` must be 0 or more and below 1, not 1
        ,-[tests/broken/faults.toml:65:9]
     64 | action = "lull"
     65 | times = 1
        :         ^
     66 | for = "1s"
        `----
    "#);
}

#[test]
fn memory_holds_a_page_and_each_replica_has_a_region() {
    insta::assert_snapshot!(check("database_plan"), @r#"
      x 2 errors in tests/broken/database_plan.toml

    Error: 
      x `database.buffer_pool.capacity` is less than one page
        ,-[tests/broken/database_plan.toml:9:28]
      8 | service_time = "5ms"
      9 | buffer_pool = { capacity = "4KiB", disk_time = "5ms" }
        :                            ^^^^^^
     10 | replicas = { count = 2, lag = "100ms", reads = "any", regions = ["eu"] }
        `----
      help: raise it, or lower `page`

    Error: 
      x `database.replicas.regions` names 1 for 2 replicas
        ,-[tests/broken/database_plan.toml:10:65]
      9 | buffer_pool = { capacity = "4KiB", disk_time = "5ms" }
     10 | icas = { count = 2, lag = "100ms", reads = "any", regions = ["eu"] }
        :                                                             ^^^^^^
        `----
      help: name one region for each replica
    "#);
}

#[test]
fn a_replica_that_something_happens_to_exists() {
    insta::assert_snapshot!(check("database_servers"), @r#"
      x 3 errors in tests/broken/database_servers.toml

    Error: 
      x `crash`: the database has no replica `2`
        ,-[tests/broken/database_servers.toml:14:10]
     13 | action = "crash"
     14 | target = "database.replica.2"
        :          ^^^^^^^^^^^^^^^^^^^^
        `----
      help: there are 0 to 1

    Error: 
      x `slow`: this does not happen to `tier.redis`
        ,-[tests/broken/database_servers.toml:19:10]
     18 | action = "slow"
     19 | target = "tier.redis"
        :          ^^^^^^^^^^^^
     20 | factor = 10
        `----
      help: targets are `database`, `database.replica.0`

    Error: 
      x `replica-lag`: `database.primary` is not a target
        ,-[tests/broken/database_servers.toml:25:10]
     24 | action = "replica-lag"
     25 | target = "database.primary"
        :          ^^^^^^^^^^^^^^^^^^
     26 | lag = "10s"
        `----
      help: targets are `database`, `database.replica.0`
    "#);
}

#[test]
fn a_buffer_pool_says_what_its_capacity_counts() {
    insta::assert_snapshot!(check("buffer_pool"), @r#"
      x 4 errors in tests/broken/buffer_pool.toml

    Error: 
      x `database.buffer_pool.capacity`: `1000` could be pages or bytes: did you mean "1000 pages" or
      | "1000B"
        ,-[tests/broken/buffer_pool.toml:9:28]
      8 | service_time = "5ms"
      9 | buffer_pool = { capacity = "1000", disk_time = "5ms" }
        :                            ^^^^^^
     10 | replicas = { count = 0, lag = "100ms", reads = "all", failover = { detection = "10s" } }
        `----
      help: write a number of pages or an amount of memory: "100k pages", "1GiB"

    Error: 
      x `database.replicas.count` must be from 1 to 100, not 0
        ,-[tests/broken/buffer_pool.toml:10:22]
      9 | buffer_pool = { capacity = "1000", disk_time = "5ms" }
     10 | replicas = { count = 0, lag = "100ms", reads = "all", failover = { detection = "10s" } }
        :                      ^
        `----

    Error: 
      x `database.replicas.reads` cannot be `all`
        ,-[tests/broken/buffer_pool.toml:10:48]
      9 | buffer_pool = { capacity = "1000", disk_time = "5ms" }
     10 | replicas = { count = 0, lag = "100ms", reads = "all", failover = { detection = "10s" } }
        :                                                ^^^^^
        `----
      help: did you mean `any`?

    Error: 
      x `database.replicas.failover` needs the key `promotion`
        ,-[tests/broken/buffer_pool.toml:10:66]
      9 | buffer_pool = { capacity = "1000", disk_time = "5ms" }
     10 | cas = { count = 0, lag = "100ms", reads = "all", failover = { detection = "10s" } }
        :                                                             ^^^^^^^^^^^^^^^^^^^^^
        `----
      help: from then until the replica answers as the primary; for example `promotion = "5s"`
    "#);
}

#[test]
fn more_requests_than_anybody_could_simulate_are_refused() {
    insta::assert_snapshot!(check("too_many_requests"), @r#"
      x 2 errors in tests/broken/too_many_requests.toml

    Error: 
      x 3.2e14 requests are more than can be simulated
       ,-[tests/broken/too_many_requests.toml:4:12]
     3 | [workload]
     4 | arrivals = { process = "poisson", rate = { curve = "steps", points = [["0s", "1k/s"], ["1d", "1M/s"]] } }
       :            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
     5 | keys = { distribution = "mix", components = [{ distribution = "uniform", count = 5, weight = 0.0 }] 
       `----
      help: lower the rate or the duration: at most 1e12 requests

    Error: 
      x `workload.keys.weight` must be above 0 for at least one component
       ,-[tests/broken/too_many_requests.toml:5:8]
     4 | arrivals = { process = "poisson", rate = { curve = "steps", points = [["0s", "1k/s"], ["1d", "1M/s"]
     5 | keys = { distribution = "mix", components = [{ distribution = "uniform", count = 5, weight = 0.0 }] }
       :        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       `----
    "#);
}

#[test]
fn nested_mixes_and_huge_numbers_are_refused() {
    insta::assert_snapshot!(check("too_much"), @r#"
      x 3 errors in tests/broken/too_much.toml

    Error: 
      x `workload.keys.components.0.distribution` cannot be `mix`
       ,-[tests/broken/too_much.toml:5:63]
     4 | arrivals = "1G/s"
     5 | ys = { distribution = "mix", components = [{ distribution = "mix", components = [] }, { distribution = "uniform" }] }
       :                                                             ^^^^^
       `----
      help: allowed: `zipf`, `uniform`, `hotspot`, `latest`, `sequential`

    Error: 
      x `workload.keys.components.1` needs the key `count`
       ,-[tests/broken/too_much.toml:5:89]
     4 | arrivals = "1G/s"
     5 | ", components = [{ distribution = "mix", components = [] }, { distribution = "uniform" }] }
       :                                                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       `----
      help: how many keys there are; for example `count = 1_000_000`

    Error: 
      x `database.service_time`: the duration `1e50` has no unit
       ,-[tests/broken/too_much.toml:8:16]
     7 | [database]
     8 | service_time = 99999999999999999999999999999999999999999999999999
       :                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       `----
      help: write a number and a unit (ns, us, ms, s, m, h or d), for example "200us", "0.2ms" or
            "1h30m"
    "#);
}

#[test]
fn unknown_keys_are_answered_with_the_nearest_one() {
    insta::assert_snapshot!(check("unknown_keys"), @r#"
      x 6 errors in tests/broken/unknown_keys.toml

    Error: 
      x unknown key `wramup` in the scenario
       ,-[tests/broken/unknown_keys.toml:2:1]
     1 | duration = "1m"
     2 | wramup = "5s"
       : ^^^^^^
       `----
      help: did you mean `warmup`?

    Error: 
      x unknown key `rte` in `workload.arrivals` with process = "poisson"
       ,-[tests/broken/unknown_keys.toml:5:51]
     4 | [workload]
     5 | arrivals = { process = "poisson", rate = "100/s", rte = "5/s" }
       :                                                   ^^^
     6 | keys = { distribution = "zipf", count = 100, exponent = 1.0 }
       `----
      help: did you mean `rate`?

    Error: 
      x unknown key `evicton` in `tier.redis`
        ,-[tests/broken/unknown_keys.toml:11:1]
     10 | capacity = "10 entries"
     11 | evicton = "lru"
        : ^^^^^^^
     12 | colour = "red"
        `----
      help: did you mean `eviction`?

    Error: 
      x unknown key `colour` in `tier.redis`
        ,-[tests/broken/unknown_keys.toml:12:1]
     11 | evicton = "lru"
     12 | colour = "red"
        : ^^^^^^
        `----
      help: known keys: `name`, `preset`, `pattern`, `scope`, `region`, `nodes`, `capacity`,
            `entry_overhead`, `eviction`, `ttl`, `negative`, `sweep`, `placement`, `network`,
            `service`, `connections`, `fields`, `chunking`, `hot_keys`, `delete_failure`,
            `invalidation`, `defence`, `cacheable`, `personalised`, `fill`, `promote`, `guards`,
            `replication`, `detection`, `while_down`, `gutter`

    Error: 
      x unknown key `medium` in `database.service_time` with distribution = "lognormal"
        ,-[tests/broken/unknown_keys.toml:15:46]
     14 | [database]
     15 | service_time = { distribution = "lognormal", medium = "5ms", p99 = "50ms" }
        :                                              ^^^^^^
        `----
      help: did you mean `median`?

    Error: 
      x unknown key `networking` in the scenario
        ,-[tests/broken/unknown_keys.toml:17:2]
     16 | 
     17 | [networking]
        :  ^^^^^^^^^^
        `----
      help: known keys: `title`, `description`, `seed`, `duration`, `warmup`, `drain`, `replications`,
            `workload`, `client`, `app`, `region`, `link`, `tier`, `database`, `event`, `alert`,
            `prices`, `variant`, `sweep`, `expect`, `baseline`
    "#);
}

#[test]
fn variants_point_at_the_setting_that_is_wrong() {
    insta::assert_snapshot!(check("variants"), @r#"
      x 9 errors in tests/broken/variants.toml

    Error: 
      x a variant cannot be called `base`
        ,-[tests/broken/variants.toml:15:8]
     14 | [[variant]]
     15 | name = "base"
        :        ^^^^^^
        `----
      help: `base` is the file as it stands; choose another name

    Error: 
      x there is no `reddis` in `tier`
        ,-[tests/broken/variants.toml:19:9]
     18 | name = "paths"
     19 | set = { "tier.reddis.ttl" = "5s", "redis.defence" = "none", "database.conections" = 5, "nodes.0" = 1 }
        :         ^^^^^^^^^^^^^^^^^
        `----
      help: did you mean `tier.redis.ttl`?

    Error: 
      x there is no `redis` in the scenario
        ,-[tests/broken/variants.toml:19:35]
     18 | name = "paths"
     19 | set = { "tier.reddis.ttl" = "5s", "redis.defence" = "none", "database.conections" = 5, "nodes.0" = 1 }
        :                                   ^^^^^^^^^^^^^^^
        `----
      help: did you mean `tier.redis.defence`?

    Error: 
      x there is no `conections` in `database`
        ,-[tests/broken/variants.toml:19:61]
     18 | name = "paths"
     19 | set = { "tier.reddis.ttl" = "5s", "redis.defence" = "none", "database.conections" = 5, "nodes.0" = 1 }
        :                                                             ^^^^^^^^^^^^^^^^^^^^^
        `----
      help: did you mean `database.connections`?

    Error: 
      x there is no `nodes` in the scenario
        ,-[tests/broken/variants.toml:19:88]
     18 | name = "paths"
     19 |  "5s", "redis.defence" = "none", "database.conections" = 5, "nodes.0" = 1 }
        :                                                             ^^^^^^^^^
        `----
      help: known here: `title`, `description`, `seed`, `duration`, `warmup`, `drain`, `replications`,
            `workload`, `client`, `app`, `region`, `link`, `tier`, `database`, `event`, `alert`,
            `prices`

    Error: 
      x `tier.redis.ttl.base`: `minutes` is no unit of time
        ,-[tests/broken/variants.toml:23:28]
     22 | name = "values"
     23 | set = { "tier.redis.ttl" = "5 minutes", "tier.redis.service.time.p99" = "1ms", "seed" = 3 }
        :                            ^^^^^^^^^^^
        `----
      help: did you mean `m`? write a number and a unit (ns, us, ms, s, m, h or d), for example
            "200us", "0.2ms" or "1h30m"; or write `never`

    Error: 
      x `tier.redis.service.time` needs the key `distribution`
        ,-[tests/broken/variants.toml:23:41]
     22 | name = "values"
     23 | set = { "tier.redis.ttl" = "5 minutes", "tier.redis.service.time.p99" = "1ms", "seed" = 3 }
        :                                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        `----
      help: `distribution` is the shape of the distribution: `constant`, `uniform`, `exponential`,
            `lognormal`, `gamma`, `pareto`, `empirical`

    Error: 
      x `seed` belongs to the file and is the same in all variants
        ,-[tests/broken/variants.toml:23:80]
     22 | name = "values"
     23 | .ttl" = "5 minutes", "tier.redis.service.time.p99" = "1ms", "seed" = 3 }
        :                                                             ^^^^^^
        `----
      help: set it outside of [[variant]]

    Error: 
      x two variants are called `paths`
        ,-[tests/broken/variants.toml:26:8]
     25 | [[variant]]
     26 | name = "paths"
        :        ^^^^^^^
        `----
      help: rename one of them
    "#);
}

#[test]
fn wrong_types_and_missing_units_say_what_to_write() {
    insta::assert_snapshot!(check("wrong_types"), @r#"
      x 13 errors in tests/broken/wrong_types.toml

    Error: 
      x `title` must be a text in quotes, not `7`
       ,-[tests/broken/wrong_types.toml:1:9]
     1 | title = 7
       :         ^
     2 | duration = 60
       `----

    Error: 
      x `duration`: the duration `60` has no unit
       ,-[tests/broken/wrong_types.toml:2:12]
     1 | title = 7
     2 | duration = 60
       :            ^^
     3 | warmup = true
       `----
      help: write "60ms" or "60s", in quotes (units: ns, us, ms, s, m, h, d)

    Error: 
      x `warmup` must be "auto" or a duration such as "5ms", not `true`
       ,-[tests/broken/wrong_types.toml:3:10]
     2 | duration = 60
     3 | warmup = true
       :          ^^^^
       `----

    Error: 
      x `workload.arrivals.rate`: the rate `100` has no unit
       ,-[tests/broken/wrong_types.toml:6:42]
     5 | [workload]
     6 | arrivals = { process = "poisson", rate = 100 }
       :                                          ^^^
     7 | keys = "zipf"
       `----
      help: write "100/s" or "100/m", in quotes (units: /s, /m, /h, /d)

    Error: 
      x `workload.keys` must be a table with the key `distribution`, not `zipf`
       ,-[tests/broken/wrong_types.toml:7:8]
     6 | arrivals = { process = "poisson", rate = 100 }
     7 | keys = "zipf"
       :        ^^^^^^
     8 | reads = "most"
       `----

    Error: 
      x `workload.reads`: `most` is not a share
       ,-[tests/broken/wrong_types.toml:8:9]
     7 | keys = "zipf"
     8 | reads = "most"
       :         ^^^^^^
     9 | value_size = 1024
       `----
      help: write a number from 0 to 1, for example 0.95, or a percentage, for example "95%"

    Error: 
      x `workload.value_size`: the size `1024` has no unit
       ,-[tests/broken/wrong_types.toml:9:14]
     8 | reads = "most"
     9 | value_size = 1024
       :              ^^^^
       `----
      help: write "1024B" or "1024KiB", in quotes (units: B, KB, MB, GB, TB, KiB, MiB, GiB, TiB)

    Error: 
      x `app.instances`: `2.5` is not a whole number
        ,-[tests/broken/wrong_types.toml:12:13]
     11 | [app]
     12 | instances = 2.5
        :             ^^^
        `----
      help: write a whole number, for example 100, 1_000_000, "10k" or "1.5M"

    Error: 
      x `tier.redis.capacity`: `1000` could be entries or bytes: did you mean "1000 entries" or
      | "1000B"
        ,-[tests/broken/wrong_types.toml:16:12]
     15 | name = "redis"
     16 | capacity = 1000
        :            ^^^^
     17 | ttl = 60
        `----
      help: write a number of entries, an amount of memory, or unlimited: "100k entries", "1GiB",
            "unlimited"

    Error: 
      x `tier.redis.ttl`: the duration `60` has no unit
        ,-[tests/broken/wrong_types.toml:17:7]
     16 | capacity = 1000
     17 | ttl = 60
        :       ^^
     18 | nodes = [3]
        `----
      help: write "60ms" or "60s", in quotes (units: ns, us, ms, s, m, h, d)

    Error: 
      x `tier.redis.nodes` must be a whole number such as 100 or "10k", not a list
        ,-[tests/broken/wrong_types.toml:18:9]
     17 | ttl = 60
     18 | nodes = [3]
        :         ^^^
        `----

    Error: 
      x `database.service_time`: `fast` is not a duration
        ,-[tests/broken/wrong_types.toml:21:16]
     20 | [database]
     21 | service_time = "fast"
        :                ^^^^^^
     22 | connections = "many"
        `----
      help: write a number and a unit (ns, us, ms, s, m, h or d), for example "200us", "0.2ms" or
            "1h30m"

    Error: 
      x `database.connections`: `many` is not a whole number
        ,-[tests/broken/wrong_types.toml:22:15]
     21 | service_time = "fast"
     22 | connections = "many"
        :               ^^^^^^
        `----
      help: write a whole number, for example 100, 1_000_000, "10k" or "1.5M"
    "#);
}

#[test]
fn what_would_never_end_is_refused() {
    insta::assert_snapshot!(check("endless"), @r#"
      x 3 errors in tests/broken/endless.toml

    Error: 
      x 3.2e17 requests are more than can be simulated
       ,-[tests/broken/endless.toml:4:53]
     3 | [workload]
     4 | arrivals = { process = "closed", users = 1, think = "0s" }
       :                                                     ^^^^
     5 | keys = { distribution = "uniform", count = 5 }
       `----
      help: give them some time to `think`, for example "1s"

    Error: 
      x users who do not think and are answered at once ask infinitely often
       ,-[tests/broken/endless.toml:4:53]
     3 | [workload]
     4 | arrivals = { process = "closed", users = 1, think = "0s" }
       :                                                     ^^^^
     5 | keys = { distribution = "uniform", count = 5 }
       `----
      help: give them some time to `think`, for example "1s"

    Error: 
      x 3.2e14 sweeps are more than can be simulated
        ,-[tests/broken/endless.toml:12:22]
     11 | service = { time = "0s" }
     12 | sweep = { interval = "1us" }
        :                      ^^^^^
        `----
      help: raise `interval`, for example to "100ms"
    "#);
}

#[test]
fn mechanisms_that_cannot_work_in_their_tier_say_what_they_would_need() {
    insta::assert_snapshot!(check("invalidations"), @r#"
      x 7 errors in tests/broken/invalidations.toml

    Error: 
      x `tier.browser.invalidation`: nobody sends messages to the caches of clients
        ,-[tests/broken/invalidations.toml:11:17]
     10 | capacity = "unlimited"
     11 | invalidation = ["change-capture"]
        :                 ^^^^^^^^^^^^^^^^
        `----
      help: give the entries a short `ttl` and use "etag", or use this in a tier with another `scope`

    Error: 
      x `tier.process.invalidation`: the version of a key must be read from where all who write it
      | raise it
        ,-[tests/broken/invalidations.toml:17:17]
     16 | capacity = "unlimited"
     17 | invalidation = ["versioned-keys"]
        :                 ^^^^^^^^^^^^^^^^
        `----
      help: use it in a tier with `scope = "global"`

    Error: 
      x `tier.shared.invalidation`: a bus tells other copies of an entry, and a tier with `scope =
      | "global"` has but one
        ,-[tests/broken/invalidations.toml:22:17]
     21 | capacity = "unlimited"
     22 | invalidation = ["pub-sub"]
        :                 ^^^^^^^^^
        `----
      help: use it in a tier with `scope = "instance"`, or follow the database here: "change-capture"

    Error: 
      x `tier.versions.invalidation`: the version is raised by what deletes the entry, and this
      | `write` deletes nothing
        ,-[tests/broken/invalidations.toml:28:17]
     27 | pattern = { write = "update" }
     28 | invalidation = ["versioned-keys"]
        :                 ^^^^^^^^^^^^^^^^
        `----
      help: use `write = "invalidate"`

    Error: 
      x `tier.through.invalidation`: the app asks for the version first, and with `read = "through"`
      | it does not conduct the read
        ,-[tests/broken/invalidations.toml:34:17]
     33 | pattern = "through"
     34 | invalidation = ["versioned-keys"]
        :                 ^^^^^^^^^^^^^^^^
        `----
      help: use `read = "aside"`

    Error: 
      x `tier.for-ever.invalidation`: where entries do not expire there is nothing to confirm
        ,-[tests/broken/invalidations.toml:39:17]
     38 | capacity = "unlimited"
     39 | invalidation = ["etag"]
        :                 ^^^^^^
        `----
      help: give the tier a TTL, for example `ttl = "60s"`

    Error: 
      x `tier.loads.defence`: leases are given to those who fill the cache, and with `read =
      | "through"` the tier does so itself
        ,-[tests/broken/invalidations.toml:45:11]
     44 | pattern = "through"
     45 | defence = "lease"
        :           ^^^^^^^
        `----
      help: use `defence = "single-flight"`, or `read = "aside"`
    "#);
}

#[test]
fn values_of_mechanisms_are_refused_where_they_are_written() {
    insta::assert_snapshot!(check("invalidation_values"), @r#"
      x 4 errors in tests/broken/invalidation_values.toml

    Error: 
      x `workload.dependents`: `ms` after a number is neither k, M nor G
       ,-[tests/broken/invalidation_values.toml:6:14]
     5 | keys = { distribution = "uniform", count = 10 }
     6 | dependents = "5ms"
       :              ^^^^^
       `----
      help: write a whole number, for example 100, 1_000_000, "10k" or "1.5M"

    Error: 
      x `tier.typing.invalidation.0.kind` cannot be `pubsub`
        ,-[tests/broken/invalidation_values.toml:11:26]
     10 | capacity = "unlimited"
     11 | invalidation = [{ kind = "pubsub" }]
        :                          ^^^^^^^^
        `----
      help: did you mean `pub-sub`?

    Error: 
      x `tier.lossy.invalidation.0.loss`: `5` is not a share: it must be from 0 to 1
        ,-[tests/broken/invalidation_values.toml:17:44]
     16 | capacity = "unlimited"
     17 | invalidation = [{ kind = "pub-sub", loss = 5, delay = "-1ms" }]
        :                                            ^
        `----
      help: did you mean "5%"? write a number from 0 to 1, for example 0.95, or a percentage, for
            example "95%"

    Error: 
      x `tier.lossy.invalidation.0.delay`: a duration cannot be negative: `-1ms`
        ,-[tests/broken/invalidation_values.toml:17:55]
     16 | capacity = "unlimited"
     17 | invalidation = [{ kind = "pub-sub", loss = 5, delay = "-1ms" }]
        :                                                       ^^^^^^
        `----
      help: write a number and a unit (ns, us, ms, s, m, h or d), for example "200us", "0.2ms" or
            "1h30m"
    "#);
}

#[test]
fn tags_without_dependents_are_refused() {
    insta::assert_snapshot!(check("tags"), @r#"
      x an error in tests/broken/tags.toml

    Error: 
      x `tier.redis.invalidation`: tags have nothing to delete, because no row depends on another
        ,-[tests/broken/tags.toml:10:16]
      9 | capacity = "unlimited"
     10 | invalidation = ["tags"]
        :                ^^^^^^^^
        `----
      help: say how many do, for example `dependents = 5` in `[workload]`
    "#);
}

#[test]
fn dependents_of_what_is_not_committed_yet_are_refused() {
    insta::assert_snapshot!(check("dependents_behind"), @r#"
      x an error in tests/broken/dependents_behind.toml

    Error: 
      x `workload.dependents` change when the database commits, and the tier `behind` acknowledges
      | writes before that
       ,-[tests/broken/dependents_behind.toml:6:14]
     5 | keys = { distribution = "uniform", count = 10 }
     6 | dependents = 5
       :              ^
       `----
      help: give the tier another `write`, or remove `dependents`
    "#);
}

#[test]
fn dependents_of_a_trace_are_refused() {
    insta::assert_snapshot!(check("dependents_of_a_trace"), @r#"
      x an error in tests/broken/dependents_of_a_trace.toml

    Error: 
      x `workload.dependents` are drawn from `keys`, and a trace has none
       ,-[tests/broken/dependents_of_a_trace.toml:6:14]
     5 | trace = "../../traces/zipf-scan.oracleGeneral.zst"
     6 | dependents = { distribution = "exponential", mean = 5 }
       :              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       `----
      help: remove one of the two
    "#);
}

#[test]
fn clients_and_guards_that_contradict_themselves_are_refused() {
    insta::assert_snapshot!(check("clients"), @r#"
      x 3 errors in tests/broken/clients.toml

    Error: 
      x no attempt can time out: `client.timeout` of 2s is longer than `client.deadline` of 1s
        ,-[tests/broken/clients.toml:9:11]
      8 | deadline = "1s"
      9 | timeout = "2s"
        :           ^^^^
     10 | retries = { count = 2, backoff = { base = "5s", cap = "1s" } }
        `----
      help: lower `timeout` or raise `deadline`

    Error: 
      x `database.guards.calls` must be at least 1, not 0
        ,-[tests/broken/clients.toml:16:34]
     15 | guards = [
     16 |     { kind = "bulkhead", calls = 0 },
        :                                  ^
     17 |     "breaker",
        `----

    Error: 
      x `database.discipline.target` must be at most `interval`: under overload people wait for less,
      | not for more
        ,-[tests/broken/clients.toml:20:41]
     19 | ]
     20 | discipline = { kind = "codel", target = "1s" }
        :                                         ^^^^
        `----
    "#);
}

#[test]
fn words_of_clients_and_guards_are_spelled_as_in_their_tables() {
    insta::assert_snapshot!(check("client_words"), @r#"
      x 4 errors in tests/broken/client_words.toml

    Error: 
      x `client.abandoned` cannot be `canceled`
       ,-[tests/broken/client_words.toml:8:13]
     7 | [client]
     8 | abandoned = "canceled"
       :             ^^^^^^^^^^
     9 | retries = { backoff = "10ms" }
       `----
      help: did you mean `cancel`?

    Error: 
      x `client.retries` needs the key `count`
        ,-[tests/broken/client_words.toml:9:11]
      8 | abandoned = "canceled"
      9 | retries = { backoff = "10ms" }
        :           ^^^^^^^^^^^^^^^^^^^^
     10 | hedge = {}
        `----
      help: so many attempts more, at most; for example `count = 2`

    Error: 
      x `database.guards.0.kind` cannot be `circuit-breaker`
        ,-[tests/broken/client_words.toml:14:11]
     13 | service_time = "5ms"
     14 | guards = ["circuit-breaker"]
        :           ^^^^^^^^^^^^^^^^^
     15 | discipline = "lilo"
        `----
      help: allowed: `breaker`, `rate-limit`, `bulkhead`, `aimd-limit`, `gradient-limit`

    Error: 
      x `database.discipline.kind` cannot be `lilo`
        ,-[tests/broken/client_words.toml:15:14]
     14 | guards = ["circuit-breaker"]
     15 | discipline = "lilo"
        :              ^^^^^^
        `----
      help: did you mean `lifo`?
    "#);
}

#[test]
fn regions_without_names_shares_instances_and_links_are_refused() {
    insta::assert_snapshot!(check("regions"), @r#"
      x 8 errors in tests/broken/regions.toml

    Error: 
      x the shares of the regions add up to 0.91, not to 1
        ,-[tests/broken/regions.toml:12:9]
     11 | name = "eu"
     12 | share = 0.5
        :         ^^^
        `----

    Error: 
      x the region `us` gets none of the 2 app instances
        ,-[tests/broken/regions.toml:18:1]
     17 | 
     18 | [[region]]
        : ^^^^^^^^^^
     19 | name = "us"
        `----
      help: raise `app.instances`, or the `share` of the region

    Error: 
      x two regions are called `us`
        ,-[tests/broken/regions.toml:19:8]
     18 | [[region]]
     19 | name = "us"
        :        ^^^^
     20 | share = 0.01
        `----
      help: rename one of them

    Error: 
      x there is no region `ue`
        ,-[tests/broken/regions.toml:23:18]
     22 | [[link]]
     23 | between = ["eu", "ue"]
        :                  ^^^^
     24 | round_trip = "80ms"
        `----
      help: did you mean `eu`?

    Error: 
      x a link is between two regions; within one there is the `network` of what is asked
        ,-[tests/broken/regions.toml:27:11]
     26 | [[link]]
     27 | between = ["eu", "eu"]
        :           ^^^^^^^^^^^^
     28 | round_trip = "80ms"
        `----
      help: name two regions

    Error: 
      x `tier.cdn.region`: only a tier with `scope = "global"` lives in one region
        ,-[tests/broken/regions.toml:33:10]
     32 | scope = "region"
     33 | region = "eu"
        :          ^^^^
     34 | capacity = "unlimited"
        `----
      help: remove `region`, or change `scope`

    Error: 
      x there is no region `asia`
        ,-[tests/broken/regions.toml:38:10]
     37 | name = "redis"
     38 | region = "asia"
        :          ^^^^^^
     39 | capacity = "unlimited"
        `----
      help: regions: `eu`, `us`, `us`

    Error: 
      x nobody says how far `eu` is from `us`
        ,-[tests/broken/regions.toml:42:10]
     41 | [database]
     42 | region = "us"
        :          ^^^^
     43 | service_time = "1ms"
        `----
      help: add `[[link]]` with `between = ["us", "eu"]` and `round_trip = "80ms"`
    "#);
}

#[test]
fn requests_for_rows_that_are_not_there_are_checked() {
    insta::assert_snapshot!(check("penetration"), @r#"
      x 8 errors in tests/broken/penetration.toml

    Error: 
      x `workload.absent.share`: `1.5` is not a share: it must be from 0 to 1
       ,-[tests/broken/penetration.toml:6:22]
     5 | keys     = { distribution = "uniform", count = 100 }
     6 | absent   = { share = 1.5, count = 10 }
       :                      ^^^
     7 | deletes  = "most"
       `----
      help: did you mean "1.5%"? write a number from 0 to 1, for example 0.95, or a percentage, for
            example "95%"

    Error: 
      x unknown key `count` in `workload.absent`
       ,-[tests/broken/penetration.toml:6:27]
     5 | keys     = { distribution = "uniform", count = 100 }
     6 | absent   = { share = 1.5, count = 10 }
       :                           ^^^^^
     7 | deletes  = "most"
       `----
      help: known keys: `share`, `keys`, `creates`

    Error: 
      x `workload.deletes`: `most` is not a share
       ,-[tests/broken/penetration.toml:7:12]
     6 | absent   = { share = 1.5, count = 10 }
     7 | deletes  = "most"
       :            ^^^^^^
     8 | page     = { keys = 3, mode = "serial" }
       `----
      help: write a number from 0 to 1, for example 0.95, or a percentage, for example "95%"

    Error: 
      x `workload.page.mode` cannot be `serial`
       ,-[tests/broken/penetration.toml:8:31]
     7 | deletes  = "most"
     8 | page     = { keys = 3, mode = "serial" }
       :                               ^^^^^^^^
       `----
      help: allowed: `parallel`, `sequence`

    Error: 
      x `app.bloom_filter.false_positives` must be from 0.000001 to 0.5, not 0.9
        ,-[tests/broken/penetration.toml:11:36]
     10 | [app]
     11 | bloom_filter = { false_positives = 0.9, learns = "everybody" }
        :                                    ^^^
        `----

    Error: 
      x `app.bloom_filter.learns` cannot be `everybody`
        ,-[tests/broken/penetration.toml:11:50]
     10 | [app]
     11 | bloom_filter = { false_positives = 0.9, learns = "everybody" }
        :                                                  ^^^^^^^^^^^
        `----
      help: allowed: `all`, `own`, `none`

    Error: 
      x `tier.redis.negative.ttl` must be from 1ns to 3650d, not 0s
        ,-[tests/broken/penetration.toml:16:12]
     15 | capacity = "10 entries"
     16 | negative = "0s"
        :            ^^^^
        `----
      help: or write `none`

    Error: 
      x unknown key `target` in `event.0` with action = "flood"
        ,-[tests/broken/penetration.toml:26:1]
     25 | for    = "1s"
     26 | target = "database"
        : ^^^^^^
        `----
      help: known keys: `action`, `at`, `rate`, `for`, `keys`
    "#);
}

#[test]
fn what_is_made_up_has_no_place_beside_a_trace() {
    insta::assert_snapshot!(check("made_up_beside_a_trace"), @r#"
      x 2 errors in tests/broken/made_up_beside_a_trace.toml

    Error: 
      x `workload.absent` has keys of its own, and a trace says itself which rows are asked for
       ,-[tests/broken/made_up_beside_a_trace.toml:3:10]
     2 | trace  = "../../traces/zipf-scan.oracleGeneral.zst"
     3 | absent = { share = 0.5 }
       :          ^^^^^^^^^^^^^^^
     4 | page   = 30
       `----
      help: remove one of the two

    Error: 
      x `workload.page` draws further keys for each read, and the requests of a trace have one
       ,-[tests/broken/made_up_beside_a_trace.toml:4:10]
     3 | absent = { share = 0.5 }
     4 | page   = 30
       :          ^^
       `----
      help: remove one of the two
    "#);
}

#[test]
fn pages_filters_and_crowds_are_checked() {
    insta::assert_snapshot!(check("crowds"), @r#"
      x 6 errors in tests/broken/crowds.toml

    Error: 
      x `workload.page.multi_get`: there is no tier
       ,-[tests/broken/crowds.toml:6:36]
     5 | keys     = { distribution = "uniform", count = 100 }
     6 | page     = { keys = 3, multi_get = true }
       :                                    ^^^^
       `----
      help: remove it, or add a `[[tier]]`

    Error: 
      x `surge`: users who wait for their answers have no rate that could surge
        ,-[tests/broken/crowds.toml:11:1]
     10 | 
     11 | [[event]]
        : ^^^^^^^^^
     12 | at     = "1s"
        `----
      help: let requests arrive in an open loop

    Error: 
      x `event.times` must be above 1 and at most a million, not 1
        ,-[tests/broken/crowds.toml:20:10]
     19 | action = "surge"
     20 | times  = 1
        :          ^
     21 | for    = "1s"
        `----

    Error: 
      x `event.rank` must be at least 1: the hottest row
        ,-[tests/broken/crowds.toml:28:10]
     27 | for    = "1s"
     28 | rank   = 0
        :          ^
        `----

    Error: 
      x `event.keys` must be at least 1
        ,-[tests/broken/crowds.toml:35:10]
     34 | for    = "1s"
     35 | keys   = 0
        :          ^
        `----

    Error: 
      x `event.share` must be above 0 and below 1, not 1
        ,-[tests/broken/crowds.toml:40:10]
     39 | action = "popularity-shift"
     40 | share  = 1
        :          ^
        `----
    "#);
}

#[test]
fn what_cannot_work_among_nodes_is_refused() {
    insta::assert_snapshot!(check("nodes"), @r#"
      x 4 errors in tests/broken/nodes.toml

    Error: 
      x `tier.alone.detection`: of 1 nodes 0 can suspect one of them, and the quorum is 1
        ,-[tests/broken/nodes.toml:10:13]
      9 | capacity = "unlimited"
     10 | detection = {}
        :             ^^
        `----
      help: a node alone is watched by nobody: add nodes or replicas

    Error: 
      x `tier.everywhere.placement`: with `replicated-all` a key has no node of its own that could
      | load and write it
        ,-[tests/broken/nodes.toml:16:13]
     15 | capacity = "unlimited"
     16 | placement = "replicated-all"
        :             ^^^^^^^^^^^^^^^^
     17 | pattern = "through"
        `----
      help: use `pattern = "aside"`, or a scheme that gives each key a node

    Error: 
      x `tier.own.replication`: nodes that are not shared have nobody to stand in for them
        ,-[tests/broken/nodes.toml:23:15]
     22 | capacity = "unlimited"
     23 | replication = { factor = 2 }
        :               ^^^^^^^^^^^^^^
        `----
      help: use it in a tier with `scope = "global"`

    Error: 
      x `tier.copies.replication.factor` must be between 2 and 10, not 1
        ,-[tests/broken/nodes.toml:28:26]
     27 | capacity = "unlimited"
     28 | replication = { factor = 1, reads = "any" }
        :                          ^
        `----
    "#);
}

#[test]
fn a_resize_that_cannot_be_is_refused() {
    insta::assert_snapshot!(check("resizes"), @r#"
      x 3 errors in tests/broken/resizes.toml

    Error: 
      x the tier `weighed` cannot have so many nodes: `placement.weights` has 2 weights for 3 nodes
        ,-[tests/broken/resizes.toml:25:9]
     24 | target = "tier.weighed"
     25 | nodes = 3
        :         ^
        `----

    Error: 
      x `resize`: this does not happen to `tier.plain.node.1`
        ,-[tests/broken/resizes.toml:30:10]
     29 | action = "resize"
     30 | target = "tier.plain.node.1"
        :          ^^^^^^^^^^^^^^^^^^^
     31 | nodes = 3
        `----
      help: targets are `tier.weighed`, `tier.plain`

    Error: 
      x `event.rate` needs `move = true`
        ,-[tests/broken/resizes.toml:38:8]
     37 | nodes = 3
     38 | rate = "1k/s"
        :        ^^^^^^
        `----
    "#);
}

#[test]
fn layers_that_do_not_go_together_are_refused() {
    insta::assert_snapshot!(check("layers"), @r#"
      x 4 errors in tests/broken/layers.toml

    Error: 
      x `tier.first.fill`: an exclusive tier takes what the one above evicts, and there is none above
        ,-[tests/broken/layers.toml:9:8]
      8 | name = "first"
      9 | fill = "exclusive"
        :        ^^^^^^^^^^^
     10 | preset = "in-process"
        `----
      help: use `fill = "inclusive"`, or put the tier below another

    Error: 
      x `tier.first.personalised`: entries are kept for each session, and there are none
        ,-[tests/broken/layers.toml:11:16]
     10 | preset = "in-process"
     11 | personalised = 0.5
        :                ^^^
        `----
      help: add `sessions = { count = "10k" }` to `[workload]`

    Error: 
      x `tier.second.fill`: entries cannot move between tiers of which one has leases, versioned or
      | personalised keys
        ,-[tests/broken/layers.toml:15:8]
     14 | name = "second"
     15 | fill = "exclusive"
        :        ^^^^^^^^^^^
     16 | preset = "redis"
        `----
      help: use `fill = "inclusive"`

    Error: 
      x `tier.second.personalised`: entries are kept for each session, and there are none
        ,-[tests/broken/layers.toml:18:16]
     17 | pattern = "through"
     18 | personalised = 0.5
        :                ^^^
        `----
      help: add `sessions = { count = "10k" }` to `[workload]`
    "#);
}

#[test]
fn presets_and_promotions_that_do_not_exist_are_refused() {
    insta::assert_snapshot!(check("presets"), @r#"
      x 2 errors in tests/broken/presets.toml

    Error: 
      x `tier.third.preset` cannot be `rediss`
       ,-[tests/broken/presets.toml:9:10]
     8 | name = "third"
     9 | preset = "rediss"
       :          ^^^^^^^^
       `----
      help: did you mean `redis`?

    Error: 
      x `tier.fourth.promote`: `sometimes` is not a whole number
        ,-[tests/broken/presets.toml:14:11]
     13 | capacity = "1GiB"
     14 | promote = "sometimes"
        :           ^^^^^^^^^^^
        `----
      help: write a whole number, for example 100, 1_000_000, "10k" or "1.5M"; or write `always`,
            `never`
    "#);
}

#[test]
fn defences_that_do_not_go_together_or_with_their_tier_say_why() {
    insta::assert_snapshot!(check("defences"), @r#"
      x 10 errors in tests/broken/defences.toml

    Error: 
      x `tier.rivals.defence`: `lock` and `lease` both say who of all processes fetches
        ,-[tests/broken/defences.toml:10:37]
      9 | capacity = "unlimited"
     10 | defence = ["single-flight", "lock", "lease"]
        :                                     ^^^^^^^
     11 | [[tier]]
        `----
      help: remove one of the two; "single-flight" may stand beside either

    Error: 
      x `tier.for-ever.defence`: `jitter` has nothing to do where entries do not expire
        ,-[tests/broken/defences.toml:14:12]
     13 | capacity = "unlimited"
     14 | defence = ["jitter"]
        :            ^^^^^^^^
     15 | [[tier]]
        `----
      help: give the tier a TTL, for example `ttl = "60s"`

    Error: 
      x `tier.none-and-more.defence`: `none` stands beside other defences
        ,-[tests/broken/defences.toml:18:12]
     17 | capacity = "unlimited"
     18 | defence = ["none", "single-flight"]
        :            ^^^^^^
     19 | [[tier]]
        `----
      help: remove it, or the others

    Error: 
      x `tier.twice.defence`: the TTL has a `jitter` already
        ,-[tests/broken/defences.toml:23:12]
     22 | ttl = { base = "10s", jitter = 0.1 }
     23 | defence = [{ kind = "jitter", share = 0.2 }]
        :            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
     24 | [[tier]]
        `----
      help: remove one of the two

    Error: 
      x `tier.alone.defence`: with `serve-stale-if-locked` alone nobody waits for anybody, so nobody
      | is served
        ,-[tests/broken/defences.toml:28:11]
     27 | ttl = "10s"
     28 | defence = "serve-stale-if-locked"
        :           ^^^^^^^^^^^^^^^^^^^^^^^
     29 | [[tier]]
        `----
      help: add a defence that lets one fetch: ["lock", "serve-stale-if-locked"], or use "stale-while-
            revalidate"

    Error: 
      x `tier.unshared.defence`: a lock in a node that is not shared keeps nobody else from fetching
        ,-[tests/broken/defences.toml:33:11]
     32 | capacity = "unlimited"
     33 | defence = "lock"
        :           ^^^^^^
     34 | [[tier]]
        `----
      help: use "single-flight" here and the lock in a tier with `scope = "global"`

    Error: 
      x `tier.conducts.defence`: with `read = "aside"` no request is at the tier while its row is
      | fetched, so none can be collapsed there
        ,-[tests/broken/defences.toml:37:11]
     36 | capacity = "unlimited"
     37 | defence = "collapse"
        :           ^^^^^^^^^^
     38 | [[tier]]
        `----
      help: use `pattern = "through"`, or `defence = "single-flight"`

    Error: 
      x `tier.late.defence`: `ahead` must be less than the TTL, or entries are fetched as soon as they
      | are stored
        ,-[tests/broken/defences.toml:42:11]
     41 | ttl = "3s"
     42 | defence = { kind = "buddy", ahead = "3s" }
        :           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
     43 | [[tier]]
        `----
      help: lower `ahead`, or raise the TTL

    Error: 
      x `tier.mixed.defence.beta` is for "xfetch"; "linear" has `share`
        ,-[tests/broken/defences.toml:47:67]
     46 | ttl = "3s"
     47 | e = { kind = "early-expiration", variant = "linear", beta = 2.0 }
        :                                                             ^^^
     48 | [[tier]]
        `----

    Error: 
      x `tier.kept.defence.keep` is for those who give up and are served the expired copy: add
      | `give_up = "serve-stale"`
        ,-[tests/broken/defences.toml:52:35]
     51 | ttl = "3s"
     52 | defence = { kind = "lock", keep = "5s" }
        :                                   ^^^^
        `----
    "#);
}

#[test]
fn what_is_done_about_big_values_and_hot_keys_must_fit_the_tier() {
    insta::assert_snapshot!(check("values_and_hot_keys"), @r#"
      x 7 errors in tests/broken/values_and_hot_keys.toml

    Error: 
      x `tier.both` has both `fields` and `chunking`: a value is a hash or a row of chunks
        ,-[tests/broken/values_and_hot_keys.toml:11:12]
     10 | fields = { count = 10 }
     11 | chunking = "1MiB"
        :            ^^^^^^
        `----
      help: remove one of the two

    Error: 
      x `tier.alone.hot_keys`: nobody else asks these nodes, so `copies` spread nothing
        ,-[tests/broken/values_and_hot_keys.toml:17:12]
     16 | capacity = "10 entries"
     17 | hot_keys = { copies = 10, top = 1 }
        :            ^^^^^^^^^^^^^^^^^^^^^^^^
        `----
      help: use `pin = "1s"` here, and `copies` in a tier that all share

    Error: 
      x `tier.loads.hot_keys`: the app chooses among `copies`, and here the tier loads or writes by
      | itself
        ,-[tests/broken/values_and_hot_keys.toml:24:12]
     23 | pattern = "through"
     24 | hot_keys = { copies = 10, top = 1 }
        :            ^^^^^^^^^^^^^^^^^^^^^^^^
        `----
      help: use `pattern = "aside"`, or another pattern with `read = "aside"` in which the app writes
            to the database

    Error: 
      x `tier.shared.hot_keys`: `pin` is for an in-process tier
        ,-[tests/broken/values_and_hot_keys.toml:30:12]
     29 | capacity = "10 entries"
     30 | hot_keys = { pin = "1s", top = 1 }
        :            ^^^^^^^^^^^^^^^^^^^^^^^
        `----
      help: use it in a tier with `scope = "instance"`; here `copies = 10` spreads a hot key over the
            nodes

    Error: 
      x `tier.idle.hot_keys` says which keys are hot, and not what is done about them
        ,-[tests/broken/values_and_hot_keys.toml:36:12]
     35 | capacity = "10 entries"
     36 | hot_keys = { detect = { threshold = "5k/s" } }
        :            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        `----
      help: add `copies = 10`, or `pin = "1s"` in a tier with `scope = "instance"`

    Error: 
      x `tier.blind.hot_keys` says what is done about hot keys, and not which they are
        ,-[tests/broken/values_and_hot_keys.toml:42:12]
     41 | capacity = "10 entries"
     42 | hot_keys = { copies = 10 }
        :            ^^^^^^^^^^^^^^^
        `----
      help: add `detect = { threshold = "5k/s" }` or `top = 1`

    Error: 
      x `tier.more.fields.per_read` is 3, and a value has 2 fields
        ,-[tests/broken/values_and_hot_keys.toml:47:34]
     46 | capacity = "10 entries"
     47 | fields = { count = 2, per_read = 3 }
        :                                  ^
        `----
      help: lower it, or raise `count`
    "#);
}

#[test]
fn bandwidths_and_big_keys_are_quantities() {
    insta::assert_snapshot!(check("big_keys"), @r#"
      x 8 errors in tests/broken/big_keys.toml

    Error: 
      x `workload.big_keys.size` must be from 0B to 1GiB, not 2GiB
       ,-[tests/broken/big_keys.toml:6:21]
     5 | keys = { distribution = "uniform", count = 10 }
     6 | big_keys = { size = "2GiB", share = 1.5, many = 3 }
       :                     ^^^^^^
       `----

    Error: 
      x `workload.big_keys.share`: `1.5` is not a share: it must be from 0 to 1
       ,-[tests/broken/big_keys.toml:6:37]
     5 | keys = { distribution = "uniform", count = 10 }
     6 | big_keys = { size = "2GiB", share = 1.5, many = 3 }
       :                                     ^^^
       `----
      help: did you mean "1.5%"? write a number from 0 to 1, for example 0.95, or a percentage, for
            example "95%"

    Error: 
      x unknown key `many` in `workload.big_keys`
       ,-[tests/broken/big_keys.toml:6:42]
     5 | keys = { distribution = "uniform", count = 10 }
     6 | big_keys = { size = "2GiB", share = 1.5, many = 3 }
       :                                          ^^^^
       `----
      help: known keys: `count`, `size`, `share`

    Error: 
      x `tier.slow.service.bandwidth`: the bandwidth `125MB` does not say per what
        ,-[tests/broken/big_keys.toml:11:25]
     10 | capacity = "10 entries"
     11 | service = { bandwidth = "125MB" }
        :                         ^^^^^^^
     12 | hot_keys = { copies = 0, detect = { threshold = 5000 } }
        `----
      help: did you mean "125MB/s"? write a size per second, or kbit, Mbit, Gbit per second, for
            example "125MB/s" or "1Gbit/s"; or write `unlimited`

    Error: 
      x `tier.slow.hot_keys.copies` must be from 1 to 1000, not 0
        ,-[tests/broken/big_keys.toml:12:23]
     11 | service = { bandwidth = "125MB" }
     12 | hot_keys = { copies = 0, detect = { threshold = 5000 } }
        :                       ^
     13 | chunking = "1B"
        `----

    Error: 
      x `tier.slow.hot_keys.detect.threshold`: the rate `5000` has no unit
        ,-[tests/broken/big_keys.toml:12:49]
     11 | service = { bandwidth = "125MB" }
     12 | hot_keys = { copies = 0, detect = { threshold = 5000 } }
        :                                                 ^^^^
     13 | chunking = "1B"
        `----
      help: write "5000/s" or "5000/m", in quotes (units: /s, /m, /h, /d)

    Error: 
      x `tier.slow.chunking.size` must be from 1KiB to 1GiB, not 1B
        ,-[tests/broken/big_keys.toml:13:12]
     12 | hot_keys = { copies = 0, detect = { threshold = 5000 } }
     13 | chunking = "1B"
        :            ^^^^
        `----
      help: or write `none`

    Error: 
      x `tier.fast.service.bandwidth` must be from 1KB/s to 1TB/s, not 2TB/s
        ,-[tests/broken/big_keys.toml:18:25]
     17 | capacity = "10 entries"
     18 | service = { bandwidth = "2TB/s" }
        :                         ^^^^^^^
        `----
      help: or write `unlimited`
    "#);
}

#[test]
fn what_is_waited_for_must_be_there() {
    insta::assert_snapshot!(check("waits"), @r#"
      x 5 errors in tests/broken/waits.toml

    Error: 
      x `workload.page.batch_misses`: without `multi_get` each key is missed on its own
       ,-[tests/broken/waits.toml:5:39]
     4 | keys     = { distribution = "zipf", count = 100, exponent = 1.0 }
     5 | page     = { keys = 3, batch_misses = true }
       :                                       ^^^^
     6 | [[tier]]
       `----
      help: add `multi_get = true`

    Error: 
      x `tier.local.connections`: there are none to a cache that is in the app's own process
        ,-[tests/broken/waits.toml:10:15]
      9 | scope       = "instance"
     10 | connections = 8
        :               ^
     11 | [[tier]]
        `----
      help: use it in a tier with `scope = "global"` or `scope = "region"`

    Error: 
      x `tier.near.replication.acks` must be from 1 to 2, the number of replicas, not 3
        ,-[tests/broken/waits.toml:14:51]
     13 | capacity    = "10 entries"
     14 | replication = { factor = 3, mode = "sync", acks = 3 }
        :                                                   ^
     15 | [[tier]]
        `----

    Error: 
      x `tier.far.replication.acks` is of `mode = "sync"`
        ,-[tests/broken/waits.toml:18:36]
     17 | capacity    = "10 entries"
     18 | replication = { factor = 3, acks = 1 }
        :                                    ^
     19 | [database]
        `----

    Error: 
      x `database.replicas.acks` is 3, and there are 2 replicas
        ,-[tests/broken/waits.toml:21:64]
     20 | service_time = "5ms"
     21 | licas     = { count = 2, lag = "1ms", mode = "sync", acks = 3 }
        :                                                             ^
        `----
      help: lower it, or raise `count`
    "#);
}
