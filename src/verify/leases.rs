//! Leases against the thundering herd: a published figure whose direction and size count.

use super::{Effort, Options, Verdict, plan, replicate};
use crate::experiment::Interval;
use crate::metrics::Unit;
use crate::simulation::RunError;

pub(super) const MODEL: &str = "leases, 20 keys read 17 000/s and often deleted";

/// Keys that are read all the time and deleted by writes several times a second. A fetch may take twice as
/// long as usual, as queries do.
///
/// The cut depends on how much fetches differ, because the first that is back ends the miss for all: 27-fold where
/// all take 150 ms, 20, 15 and 12 where one in a hundred takes 1.5, 2 and 3 times the median, and not tenfold
/// where they are exponential (5.6), of which the first of many is back almost at once.
const HERD: &str = r#"
warmup = "5s"
[workload]
arrivals = { process = "poisson", rate = "17_000/s" }
keys = { distribution = "uniform", count = 20 }
reads = 0.995
value_size = "1KiB"
[app]
instances = 100
[[tier]]
name = "memcache"
nodes = 4
capacity = "unlimited"
network = "0.2ms"
service = { workers = 8, time = "1us" }
[database]
connections = 100_000
service_time = { distribution = "lognormal", median = "150ms", p99 = "300ms" }
"#;

/// What the peak was cut from and to, in queries a second, when a token was given once in ten seconds.
/// (R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.)
const PUBLISHED: (f64, f64) = (17_000.0, 1_300.0);

/// The peak of the database without leases is at least ten times that with them.
pub(super) fn judge(options: Options) -> Result<Vec<Verdict>, RunError> {
    const LEAST: f64 = 10.0;
    let (seconds, replications) = match options.effort {
        Effort::Full => (30, 5),
        Effort::Quick => (15, 2),
    };
    let peak = |defence: &str| {
        let text = HERD.replace("[database]", &format!("defence = {defence}\n[database]"));
        let text = format!("duration = \"{seconds}s\"\n{text}");
        let runs = replicate(&plan(&text, options.seed), 0..replications)?;
        let peaks = runs.iter().map(|run| run["database.qps.max"]);
        Ok::<f64, RunError>(Interval::of(peaks, Unit::PerSecond).mean)
    };
    let undefended = peak("\"none\"")?;
    let leased = peak("{ kind = \"lease\", token_ttl = \"10s\" }")?;
    let observed = undefended / leased;
    Ok(vec![Verdict {
        model: MODEL.to_owned(),
        quantity: "peak queries without leases over those with".to_owned(),
        theory: PUBLISHED.0 / PUBLISHED.1,
        observed,
        tolerance: format!("at least {LEAST}"),
        passed: observed >= LEAST,
    }])
}
