//! The whole: laws about every run and every interval, whatever the scenario.

use std::path::Path;

use rayon::prelude::*;

use super::{Effort, Options, Verdict, leases, plan, policies, queues, replicate, theory};
use crate::experiment::{self, Interval, Wanted};
use crate::metrics::Unit;
use crate::random::mix;
use crate::report::json;
use crate::scenario::{self, Overrides};
use crate::simulation::{self, NoProgress, RunError};

/// A law that is not one scenario against one number.
pub(super) struct Law {
    /// What it is called.
    pub model: &'static str,
    /// Puts it to the test.
    pub judge: fn(Options) -> Result<Vec<Verdict>, RunError>,
}

pub(super) const CHECKS: &[Law] = &[
    Law {
        model: policies::MODEL,
        judge: policies::judge,
    },
    Law {
        model: leases::MODEL,
        judge: leases::judge,
    },
    Law {
        model: COVERAGE,
        judge: coverage,
    },
    Law {
        model: CONSERVATION,
        judge: conservation,
    },
    Law {
        model: WRITES,
        judge: writes,
    },
    Law {
        model: REPEATABLE,
        judge: repeatable,
    },
];

const COVERAGE: &str = "95 % interval of M/M/10, 200 seeds";
const CONSERVATION: &str = "arrived = answered + failed + in flight";
const WRITES: &str = "acknowledged = in the database + pending + lost";
const REPEATABLE: &str = "same seed, same bytes";

/// A cache, writes, a full queue, timeouts: a run in which everything happens at once.
const BUSY: &str = r#"
duration = "20s"
warmup = "5s"
[workload]
arrivals = { process = "poisson", rate = "2000/s" }
keys = { distribution = "zipf", count = 10_000, exponent = 0.9 }
reads = 0.9
value_size = { distribution = "lognormal", median = "1KiB", p99 = "20KiB" }
[app]
instances = 5
[[tier]]
name = "cache"
nodes = 3
capacity = "1MiB"
ttl = { base = "3s", jitter = 0.2 }
defence = "single-flight"
[database]
connections = 8
queue_limit = 40
timeout = "60ms"
service_time = { distribution = "exponential", mean = "10ms" }
"#;

/// The intervals of 200 independent experiments cover the true mean wait as often as they claim.
fn coverage(options: Options) -> Result<Vec<Verdict>, RunError> {
    const SEEDS: u64 = 200;
    let replications = 10;
    let (rate, seconds) = match options.effort {
        Effort::Full => (900.0, 60.0),
        Effort::Quick => (900.0, 15.0),
    };
    let theory = theory::MultiServer {
        servers: 10,
        arrival_rate: rate,
        service_rate: 100.0,
    };
    let text = queues::m_m_c_scenario(rate, 10, seconds);
    let covered = (0..SEEDS)
        .into_par_iter()
        .map(|seed| {
            // Far from the seeds of the other checks.
            let plan = plan(
                &text,
                options.seed.wrapping_mul(1_000_003).wrapping_add(seed),
            );
            let runs = replicate(&plan, 0..replications)?;
            let waits = runs.iter().map(|run| run["database.wait.mean"]);
            let interval = Interval::of(waits, Unit::Seconds);
            Ok(u64::from(
                interval.low <= theory.mean_wait() && theory.mean_wait() <= interval.high,
            ))
        })
        .sum::<Result<u64, RunError>>()?;
    Ok(vec![Verdict {
        model: COVERAGE.to_owned(),
        quantity: "intervals that cover".to_owned(),
        theory: 0.95 * SEEDS as f64,
        observed: covered as f64,
        tolerance: "181 to 197".to_owned(),
        passed: (181..=197).contains(&covered),
    }])
}

/// Every run checks its conservation laws and fails if one is broken; here also from the outside.
fn conservation(options: Options) -> Result<Vec<Verdict>, RunError> {
    let runs = replicate(&plan(BUSY, options.seed), 0..10)?;
    let lost = |run: &super::Measured| {
        let kept = ["requests.answered", "requests.failed", "requests.in_flight"];
        run["requests.arrived"] - kept.iter().map(|name| run[*name]).sum::<f64>()
    };
    let failed: f64 = runs.iter().map(|run| run["requests.failed"]).sum();
    let lost: f64 = runs.iter().map(|run| lost(run).abs()).sum();
    Ok(vec![Verdict {
        model: CONSERVATION.to_owned(),
        quantity: "requests lost".to_owned(),
        theory: 0.0,
        observed: lost,
        tolerance: "exactly".to_owned(),
        // A run without failures would prove little.
        passed: lost == 0.0 && failed > 0.0,
    }])
}

/// The write patterns, and crashes of the cache's nodes in the midst of them.
const WRITERS: [&str; 6] = [
    "{ write = \"invalidate\" }",
    "{ write = \"update\" }",
    "{ read = \"through\", write = \"through\" }",
    "{ read = \"through\", write = \"behind\", flush = \"700ms\", writers = 4 }",
    "{ read = \"through\", write = \"behind\", flush = \"700ms\", batch = 50, log = true }",
    "{ write = \"double-delete\" }",
];

/// What becomes of the writes of the busy scenario under each pattern, with crashes on top.
fn writes(options: Options) -> Result<Vec<Verdict>, RunError> {
    let mut verdicts = Vec::new();
    for pattern in WRITERS {
        let text = BUSY
            .replace("warmup = \"5s\"", "warmup = \"0s\"")
            .replace("reads = 0.9", "reads = 0.7")
            .replace(
                "name = \"cache\"",
                &format!("name = \"cache\"\npattern = {pattern}"),
            );
        let crash = |at: &str, node: u32| {
            format!(
                "[[event]]\nat = \"{at}\"\naction = \"crash\"\n\
                 target = \"tier.cache.node.{node}\"\nrestart_after = \"1s\"\n"
            )
        };
        let text = text + &crash("5.3s", 0) + &crash("11.1s", 1) + &crash("18.9s", 2);
        let runs = replicate(&plan(&text, options.seed), 0..4)?;
        let total = |name: &str| runs.iter().map(|run| run[name]).sum::<f64>();
        let accepted = total("consistency.accepted_writes");
        let kept = [
            "consistency.stored_writes",
            "consistency.pending_writes",
            "consistency.lost_writes",
        ];
        // A run without rejections, timeouts and, behind, crashes that cost something proves little.
        let happened = ["requests.rejected", "requests.timed_out"];
        let much_happened = happened.iter().all(|name| total(name) > 0.0);
        let loses = pattern.contains("behind") && !pattern.contains("log");
        let lost = total("consistency.lost_writes.crash") > 0.0;
        let observed = kept.iter().map(|name| total(name)).sum();
        verdicts.push(Verdict {
            model: WRITES.to_owned(),
            quantity: pattern.replace('"', ""),
            theory: accepted,
            observed,
            tolerance: "exactly".to_owned(),
            passed: observed == accepted && accepted > 0.0 && much_happened && lost == loses,
        });
    }
    Ok(verdicts)
}

/// The same JSON, byte by byte, from one thread and from eight, and when repeated; and the same run from every
/// build, debug or release.
fn repeatable(options: Options) -> Result<Vec<Verdict>, RunError> {
    let on_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        match pool {
            Ok(pool) => pool.install(|| busy_json(options.seed)),
            Err(_) => busy_json(options.seed),
        }
    };
    let (one, eight, again) = (on_threads(1)?, on_threads(8)?, on_threads(8)?);
    let differing = [&eight, &again].into_iter().filter(|it| **it != one);
    let differing = differing.count();
    let fingerprint = fingerprint()?;
    let exactly = |quantity: &str, theory: f64, observed: f64| Verdict {
        model: REPEATABLE.to_owned(),
        quantity: quantity.to_owned(),
        theory,
        observed,
        tolerance: "exactly".to_owned(),
        passed: observed == theory,
    };
    Ok(vec![
        exactly(
            "JSON documents that differ, 1 and 8 threads",
            0.0,
            differing as f64,
        ),
        exactly(
            "fingerprint of a run, debug and release",
            f64::from(FINGERPRINT),
            f64::from(fingerprint),
        ),
    ])
}

/// The JSON document of eight replications of the busy scenario.
fn busy_json(seed: u64) -> Result<String, RunError> {
    let overrides = Overrides {
        seed: Some(seed),
        replications: Some(8),
        ..Overrides::default()
    };
    let study = scenario::load_text(Path::new("verify.toml"), BUSY, &overrides);
    let study = study.unwrap_or_else(|errors| panic!("{}", errors.plain()));
    let results = experiment::run(&[study], &Wanted::default(), &NoProgress);
    let results = results.map_err(|failure| failure.error)?;
    Ok(json::summary(&results[0]))
}

/// What [`fingerprint`] is in every build. It changes with the model, and then on purpose.
const FINGERPRINT: u32 = 146_513_354;

/// A checksum of what the busy scenario measures under seed 1, bit by bit. Of metrics that there always were, so
/// that a new one changes nothing.
fn fingerprint() -> Result<u32, RunError> {
    let run = simulation::run(&plan(BUSY, 1), 0, &NoProgress)?;
    let metrics = [
        "requests.answered",
        "requests.failed",
        "latency.mean",
        "latency.p99",
        "hit_ratio",
        "tier.cache.hit_ratio",
        "tier.cache.utilization",
        "database.qps.max",
        "database.wait.mean",
        "staleness.mean",
    ];
    let bits = metrics.map(|name| run.metrics[name].to_bits());
    let mixed = bits.into_iter().fold(0, |sum, bits| mix(sum ^ bits));
    Ok((mixed >> 32) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside `cachesim verify` of a release build: both look for the same number.
    #[test]
    fn a_run_is_the_same_in_every_build() {
        assert_eq!(fingerprint().unwrap(), FINGERPRINT);
    }
}
