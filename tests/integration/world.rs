//! What the tests of the timed simulation share: from a scenario's text to its measured metrics,
//! by the way that every scenario takes.

use std::path::Path;

use cachesim::metrics::Outcome;
use cachesim::random::Luck;
use cachesim::scenario::{self, Overrides, Study};
use cachesim::simulation::{self, NoProgress, Plan};
use cachesim::workload::{Operation, Workload};

/// A request every 500 ms for one of two keys in turn. An exchange takes 1 ms with the near tier and
/// 10 ms with the far one, a query 100 ms.
pub const IN_SERIES: &str = r#"
duration = "10s"
[workload]
arrivals = { process = "constant", rate = "2/s" }
keys     = { distribution = "sequential", count = 2 }
[[tier]]
name     = "near"
capacity = "1 entries"
network  = "1ms"
service  = { workers = 1, time = "0s" }
[[tier]]
name     = "far"
capacity = "unlimited"
network  = "10ms"
service  = { workers = 1, time = "0s" }
[database]
service_time = "100ms"
"#;

/// One key instead.
pub const ONE_KEY: &str = "workload.keys={ distribution = \"sequential\", count = 1 }";

/// The scenario in `text` with `settings`, each as `--set` takes it.
#[track_caller]
pub fn study(text: &str, settings: &[&str]) -> Study {
    let overrides = Overrides {
        set: settings
            .iter()
            .map(|setting| (*setting).to_owned())
            .collect(),
        ..Overrides::default()
    };
    match scenario::load_text(Path::new("test.toml"), text, &overrides) {
        Ok(study) => study,
        Err(errors) => panic!("{settings:?} of\n{text}\n{errors:?}"),
    }
}

/// The plan of the variant `base`.
#[track_caller]
pub fn plan(text: &str, settings: &[&str]) -> Plan {
    study(text, settings).variants.remove(0).plan
}

/// Replication 0 of the variant `base`.
#[track_caller]
pub fn run(text: &str, settings: &[&str]) -> Run {
    run_plan(&plan(text, settings), 0)
}

/// One replication of a plan.
#[track_caller]
pub fn run_plan(plan: &Plan, replication: u64) -> Run {
    match simulation::run(plan, replication, &NoProgress) {
        Ok(outcome) => Run(outcome),
        Err(error) => panic!("{error}"),
    }
}

/// What a run measured.
pub struct Run(pub Outcome);

impl Run {
    /// The metric `name`.
    #[track_caller]
    pub fn get(&self, name: &str) -> f64 {
        let value = self.0.metrics.get(name).copied();
        value.unwrap_or_else(|| panic!("there is no metric {name}"))
    }

    /// The metric `name` is `expected`, but for the rounding of floating-point numbers.
    #[track_caller]
    pub fn is(&self, name: &str, expected: f64) -> &Self {
        let value = self.get(name);
        let close = (value - expected).abs() <= 1e-12 * expected.abs();
        assert!(close, "{name} is {value}, not {expected}");
        self
    }

    /// The quantile `name` is `expected`, as near as histograms tell durations apart.
    #[track_caller]
    pub fn is_about(&self, name: &str, expected: f64) -> &Self {
        let value = self.get(name);
        let close = (value - expected).abs() <= 5e-4 * expected.abs();
        assert!(close, "{name} is {value}, not about {expected}");
        self
    }

    /// Everything that was measured, bit by bit; `NaN` equals `NaN`.
    pub fn digest(&self) -> Vec<u64> {
        let outcome = &self.0;
        let series = outcome.series.iter().flat_map(|series| &series.values);
        let quantiles = outcome.latency_quantiles.iter();
        let quantiles = quantiles.chain(&outcome.staleness_quantiles);
        let all = outcome.metrics.values().chain(series);
        all.chain(quantiles.map(|(_, seconds)| seconds))
            .map(|value| value.to_bits())
            .chain([outcome.requests, outcome.events])
            .collect()
    }

    /// The laws that hold in every run, and what must be true of each metric by itself.
    #[track_caller]
    pub fn keeps_the_laws(&self) {
        let kept = ["requests.answered", "requests.failed", "requests.in_flight"];
        let kept: f64 = kept.iter().map(|name| self.get(name)).sum();
        assert_eq!(self.get("requests.arrived"), kept);
        let failed = ["rejected", "timed_out", "unavailable"];
        let failed = failed.map(|cause| self.get(&format!("requests.{cause}")));
        let failed: f64 = failed.iter().sum();
        let others = self.get("requests.shed") + self.get("deadline.missed");
        assert_eq!(self.get("requests.failed"), failed + others);
        for (name, &value) in &self.0.metrics {
            assert!(value.is_nan() || value >= 0.0, "{name} is {value}");
            let share = name.ends_with("_ratio")
                || name.ends_with("utilization")
                || name.ends_with(".ratio");
            // Shares are quotients of sums; the last bit may be lost.
            assert!(!share || value.is_nan() || value <= 1.0 + 1e-12, "{name}");
        }
        // Whoever answered a read: the filter, a tier or the database.
        let givers = self.0.metrics.iter();
        let givers = givers.filter(|(name, _)| name.ends_with(".share_of_reads"));
        let shares: f64 = givers.map(|(_, share)| share).sum();
        assert!(shares.is_nan() || (shares - 1.0).abs() < 1e-9, "{shares}");
        let kept = ["stored_writes", "pending_writes"];
        let kept = kept.map(|what| self.get(&format!("consistency.{what}")));
        let kept: f64 = kept.iter().sum();
        // Those that were lost are counted after warm-up only.
        let accepted = self.get("consistency.accepted_writes");
        assert!(kept + self.get("consistency.lost_writes") <= accepted);
        for name in self.0.metrics.keys() {
            let Some(tier) = name.strip_suffix(".delayed_hit_ratio") else {
                continue;
            };
            let ratios = ["hit", "delayed_hit", "stale_hit", "negative_hit", "miss"];
            let ratios = ratios.map(|outcome| self.get(&format!("{tier}.{outcome}_ratio")));
            let sum: f64 = ratios.iter().sum();
            assert!(sum.is_nan() || (sum - 1.0).abs() < 1e-12, "{tier}: {sum}");
        }
    }
}

/// The first seed under which the requests of `plan` are these: `R` for a read, `W` for a write.
/// Operations are drawn; this is how a test gets the ones that it needs.
#[track_caller]
pub fn seed_of_operations(plan: &Plan, operations: &str) -> u64 {
    let draws_them = |seed: &u64| {
        let mut workload = Workload::new(&plan.workload, Luck::new(*seed, 0));
        operations.bytes().zip(0..).all(|(letter, index)| {
            let operation = workload.draw(index, 0, None).operation;
            (operation == Operation::Read) == (letter == b'R')
        })
    };
    (0..100_000)
        .find(draws_them)
        .unwrap_or_else(|| panic!("no seed gives {operations}"))
}
