//! Writes: what write-behind leaves of them, and what becomes of each.

use super::{Check, Effort, Tolerance, metric, observation, theory};

const RATE: f64 = 500.0;
const FLUSH_S: f64 = 5.0;
const KEYS: usize = 10_000;

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    vec![coalescing(effort), crashes(effort)]
}

/// Nothing but writes, into a tier and a database that take no time.
fn scenario(warmup: f64, seconds: f64, events: &str) -> String {
    format!(
        "duration = \"{}s\"\nwarmup = \"{warmup}s\"\n\
         [workload]\narrivals = {{ process = \"poisson\", rate = \"{RATE}/s\" }}\n\
         keys = {{ distribution = \"zipf\", count = {KEYS}, exponent = 1.0 }}\nreads = 0.0\n\
         value_size = \"100 B\"\n\
         [[tier]]\nname = \"cache\"\ncapacity = \"unlimited\"\n\
         pattern = {{ read = \"through\", write = \"behind\", flush = \"{FLUSH_S}s\", writers = 100000 }}\n\
         network = \"0s\"\nservice = {{ time = \"0s\" }}\n\
         [database]\nconnections = 1000000\nservice_time = \"0s\"\n{events}",
        warmup + seconds
    )
}

fn expected() -> theory::WriteBehind {
    theory::write_behind(&theory::zipf(KEYS, 1.0), RATE, FLUSH_S)
}

fn model(what: &str) -> String {
    format!("write-behind, Zipf(1), N {KEYS}, {RATE}/s, flush {FLUSH_S} s: {what}")
}

fn coalescing(effort: Effort) -> Check {
    let expected = expected();
    let near = Tolerance::Relative(0.01);
    Check {
        model: model("coalescing"),
        // As many flushes as whole intervals: from the middle of one to the middle of another.
        scenario: scenario(FLUSH_S / 2.0, effort.seconds(400.0), ""),
        replications: 10,
        comparisons: vec![
            metric(
                "database writes per s",
                "database.writes.rate",
                expected.database_writes,
                near,
            ),
            metric(
                "dirty keys, mean",
                "tier.cache.dirty",
                expected.mean_dirty,
                near,
            ),
            metric(
                "client writes a flush",
                "tier.cache.flushes.coalescing",
                RATE / expected.database_writes,
                near,
            ),
        ],
    }
}

/// A crash a microsecond before each flush.
fn crashes(effort: Effort) -> Check {
    let crashes = effort.seconds(80.0) as u32;
    let events: String = (1..=crashes)
        .map(|number| {
            let at_us = u64::from(number) * (FLUSH_S * 1e6) as u64 - 1;
            format!(
                "[[event]]\nat = \"{at_us}us\"\naction = \"crash\"\ntarget = \"tier.cache\"\n\
                 restart_after = \"1us\"\n"
            )
        })
        .collect();
    let crashes = f64::from(crashes);
    let per_crash = move |name: &'static str| move |run: &super::Measured| run[name] / crashes;
    Check {
        model: model("a crash just before"),
        scenario: scenario(0.0, crashes * FLUSH_S, &events),
        replications: 10,
        comparisons: vec![
            observation(
                "rows lost by a crash",
                expected().dirty_at_flush,
                Tolerance::Relative(0.01),
                per_crash("consistency.lost_rows"),
            ),
            observation(
                "writes lost by a crash",
                RATE * FLUSH_S,
                Tolerance::Relative(0.01),
                per_crash("consistency.lost_writes.crash"),
            ),
        ],
    }
}
