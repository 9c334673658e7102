//! Replicas of the database: queues that share the reads, and rows that are shown late.

use super::{Check, Effort, Tolerance, metric, theory};

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    vec![
        split_reads(effort, 2, 900.0, 10),
        late_rows(effort, 2.0, 0.5),
        late_rows(effort, 0.1, 1.0),
    ]
}

/// Reads that are spread at random over replicas: each is a queue of its own.
fn split_reads(effort: Effort, replicas: u32, rate_each: f64, servers: u32) -> Check {
    let rate = rate_each * f64::from(replicas);
    let seconds = effort.seconds(5_000_000.0 / rate / 10.0);
    let queue = theory::MultiServer {
        servers,
        arrival_rate: rate_each,
        service_rate: 100.0,
    };
    let near = Tolerance::Relative(0.03);
    Check {
        model: format!("{replicas} replicas, M/M/{servers} each, λ {rate}/s in all, μ 100/s"),
        scenario: format!(
            "duration = \"{}s\"\nwarmup = \"5s\"\n\
             [workload]\narrivals = {{ process = \"poisson\", rate = \"{rate}/s\" }}\nreads = 1.0\n\
             keys = {{ distribution = \"uniform\", count = 1_000_000 }}\nvalue_size = \"100 B\"\n\
             [database]\nconnections = 1\n\
             service_time = {{ distribution = \"exponential\", mean = \"10ms\" }}\n\
             replicas = {{ count = {replicas}, connections = {servers}, reads = \"replicas\", lag = \"0s\" }}\n",
            seconds + 5.0
        ),
        replications: 10,
        comparisons: vec![
            metric(
                "P(wait)",
                "database.wait.ratio",
                queue.probability_of_wait(),
                near,
            ),
            metric(
                "mean wait, s",
                "database.wait.mean",
                queue.mean_wait(),
                near,
            ),
            metric(
                "utilization of one",
                "database.replica.0.utilization",
                rate_each / 100.0 / f64::from(servers),
                near,
            ),
        ],
    }
}

/// One row, read 10 times a second from a replica that is always as far behind.
fn late_rows(effort: Effort, update_rate: f64, lag_s: f64) -> Check {
    let rate = 10.0 + update_rate;
    let reads = 10.0 / rate;
    let seconds = effort.seconds(if update_rate < 0.5 {
        80_000.0
    } else {
        20_000.0
    });
    Check {
        model: format!("replica {lag_s} s behind, one row read 10/s and updated {update_rate}/s"),
        scenario: format!(
            "duration = \"{}s\"\nwarmup = \"100s\"\n\
             [workload]\narrivals = {{ process = \"poisson\", rate = \"{rate}/s\" }}\n\
             keys = {{ distribution = \"uniform\", count = 1 }}\nreads = {reads}\nvalue_size = \"100 B\"\n\
             [database]\nconnections = 10\nservice_time = \"0s\"\n\
             replicas = {{ count = 1, reads = \"replicas\", lag = \"{lag_s}s\" }}\n",
            seconds + 100.0
        ),
        replications: 10,
        comparisons: vec![
            metric(
                "stale share of reads",
                "staleness.ratio",
                theory::stale_share_of_replica(lag_s, update_rate),
                Tolerance::Absolute(0.005),
            ),
            metric(
                "mean staleness, s",
                "staleness.mean",
                theory::mean_staleness_of_replica(lag_s, update_rate),
                Tolerance::Interval,
            ),
        ],
    }
}
