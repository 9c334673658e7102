//! Overload: retry storms after a pause of the database, and the collapse of a cache that was flushed.
//! There is no closed form; the numbers are of an independent simulation under four seeds.

use super::{Check, Effort, Tolerance, metric, observation};

pub(super) fn checks(_: Effort) -> Vec<Check> {
    vec![
        retry_storm(0, 100),
        retry_storm(1, 120),
        retry_storm(2, 250),
        retry_storm_for_ever(),
        collapse_of_little_load(),
        collapse_for_ever(),
        collapse("fills always stored", "none", (3.0, 5.0)),
        collapse("single-flight", "single-flight", (2.0, 3.0)),
    ]
}

/// Until when the database is paused, in seconds.
const PAUSED_UNTIL_S: f64 = 40.0;

/// λ 300/s at 10 connections of 10 ms that stand still from 30 to 40 s; clients give each attempt up
/// after half a second, and ask again at once; the work goes on.
fn retry_storm_scenario(retries: u32, seconds: u32) -> String {
    let retries = match retries {
        0 => String::new(),
        retries => format!("retries = {retries}\n"),
    };
    format!(
        "duration = \"{seconds}s\"\n\
         [workload]\narrivals = {{ process = \"poisson\", rate = \"300/s\" }}\nreads = 1.0\n\
         value_size = \"100 B\"\nkeys = {{ distribution = \"uniform\", count = 1_000_000 }}\n\
         [client]\ntimeout = \"500ms\"\n{retries}\
         [database]\nconnections = 10\n\
         service_time = {{ distribution = \"exponential\", mean = \"10ms\" }}\n\
         [[event]]\nat = \"30s\"\naction = \"pause\"\ntarget = \"database\"\nfor = \"10s\"\n"
    )
}

fn retry_storm(retries: u32, seconds: u32) -> Check {
    let (back_s, near_s) = match retries {
        0 => (43.6, 3.0),
        1 => (53.8, 3.0),
        _ => (125.0, 12.0),
    };
    Check {
        model: format!("retry storm, λ 300/s, c 10, S 10 ms, {retries} retries"),
        scenario: retry_storm_scenario(retries, seconds),
        replications: 4,
        comparisons: vec![observation(
            "back to normal at, s",
            back_s,
            Tolerance::Absolute(near_s),
            |run| PAUSED_UNTIL_S + run["recovery.time"],
        )],
    }
}

fn retry_storm_for_ever() -> Check {
    let seconds = 300;
    let left_s = f64::from(seconds) - PAUSED_UNTIL_S;
    Check {
        model: "retry storm, λ 300/s, c 10, S 10 ms, 3 retries".to_owned(),
        scenario: retry_storm_scenario(3, seconds),
        replications: 4,
        comparisons: vec![metric(
            "never back: s until the end",
            "recovery.time",
            left_s,
            // What arrives in the last two seconds has not failed yet: four attempts of half a second.
            Tolerance::Between(left_s - 2.1, left_s),
        )],
    }
}

/// A look-aside of 8000 LRU entries over Zipf(0.8) of 10 000 keys, flushed at 30 s. It is filled at 900/s
/// for 20 s, which the database can do: at once at a higher rate it would never come to be warm.
fn collapse_scenario(rate: u32, abandoned: &str, defence: &str) -> String {
    format!(
        "duration = \"90s\"\nwarmup = \"25s\"\n\
         [workload]\nreads = 1.0\nvalue_size = \"100 B\"\n\
         arrivals = {{ process = \"poisson\", rate = {{ curve = \"steps\", \
         points = [[\"0s\", \"900/s\"], [\"20s\", \"{rate}/s\"]] }} }}\n\
         keys = {{ distribution = \"zipf\", count = 10_000, exponent = 0.8 }}\n\
         [client]\ntimeout = \"100ms\"\nabandoned = \"{abandoned}\"\n\
         [[tier]]\nname = \"cache\"\ncapacity = \"8000 entries\"\nnetwork = \"0s\"\n\
         service = {{ time = \"0s\" }}\ndefence = \"{defence}\"\n\
         [database]\nconnections = 10\n\
         service_time = {{ distribution = \"exponential\", mean = \"10ms\" }}\n\
         [[event]]\nat = \"30s\"\naction = \"purge\"\ntarget = \"tier.cache\"\n"
    )
}

fn collapse_of_little_load() -> Check {
    Check {
        model: "collapse, 900/s".to_owned(),
        scenario: collapse_scenario(900, "stop", "none"),
        replications: 4,
        comparisons: vec![metric(
            "worst second's goodput",
            "goodput.worst_second",
            0.95,
            Tolerance::Between(0.95, 1.0),
        )],
    }
}

fn collapse_for_ever() -> Check {
    Check {
        model: "collapse, 2000/s, fills dropped when the caller has timed out".to_owned(),
        // From the flush on: what was before is not to be counted.
        scenario: collapse_scenario(2000, "stop", "none")
            .replace("warmup = \"25s\"", "warmup = \"35s\""),
        replications: 4,
        comparisons: vec![metric(
            "goodput after it",
            "goodput.ratio",
            0.35,
            Tolerance::AtMost,
        )],
    }
}

fn collapse(what: &str, defence: &str, (low, high): (f64, f64)) -> Check {
    Check {
        model: format!("collapse, 2000/s, {what}"),
        scenario: collapse_scenario(2000, "finish", defence),
        replications: 4,
        comparisons: vec![metric(
            "bad seconds",
            "degraded.seconds",
            (low + high) / 2.0,
            Tolerance::Between(low, high),
        )],
    }
}
