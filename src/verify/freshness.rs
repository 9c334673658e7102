//! Copies that may be old: TTLs past which an entry is still served, and rows that change without
//! the cache hearing of it.

use super::{Check, Effort, Tolerance, metric, observation, theory};

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    vec![
        soft_and_hard(effort, 0.05, 30.0, 60.0),
        stale_copies(effort, 0.1),
        stale_copies(effort, 0.01),
    ]
}

fn scenario(rate: f64, reads: f64, seconds: f64, ttl: &str) -> String {
    let warmup = 600.0;
    format!(
        "duration = \"{}s\"\nwarmup = \"{warmup}s\"\n\
         [workload]\narrivals = {{ process = \"poisson\", rate = \"{rate}/s\" }}\n\
         keys = {{ distribution = \"uniform\", count = 1 }}\nreads = {reads}\nvalue_size = \"100 B\"\n\
         [[tier]]\nname = \"cache\"\npattern = \"around\"\ncapacity = \"unlimited\"\nttl = {ttl}\n\
         network = \"0s\"\nservice = {{ time = \"0s\" }}\ndefence = \"none\"\n\
         [database]\nconnections = 10\nservice_time = \"0s\"\n",
        seconds + warmup
    )
}

/// One key; past the soft TTL an entry is served and refreshed at once, past the hard one fetched.
fn soft_and_hard(effort: Effort, rate: f64, soft_s: f64, hard_s: f64) -> Check {
    let expected = theory::soft_and_hard_ttl(rate, soft_s, hard_s);
    // A rate is written with so many digits as count; 0.05/s is 3/m.
    let per_minute = rate * 60.0;
    let ttl = format!(
        "{{ base = \"{soft_s}s\", stale_while_revalidate = \"{}s\" }}",
        hard_s - soft_s
    );
    let scenario = scenario(per_minute, 1.0, effort.seconds(4_000_000.0), &ttl)
        .replace(&format!("{per_minute}/s"), &format!("{per_minute}/m"));
    let share = Tolerance::Absolute(0.002);
    Check {
        model: format!("soft TTL {soft_s} s, hard TTL {hard_s} s, one key, {rate}/s"),
        scenario,
        replications: 10,
        comparisons: vec![
            metric("fresh hits", "tier.cache.hit_ratio", expected.fresh, share),
            metric(
                "stale hits",
                "tier.cache.stale_hit_ratio",
                expected.stale,
                share,
            ),
            metric("misses", "tier.cache.miss_ratio", expected.miss, share),
            metric(
                "queries per s",
                "database.qps.mean",
                expected.queries,
                Tolerance::Absolute(0.0002),
            ),
        ],
    }
}

/// One row, read 10 times a second from a cache with a TTL of a minute, and updated past the cache.
fn stale_copies(effort: Effort, update_rate: f64) -> Check {
    let (read_rate, ttl_s) = (10.0, 60.0);
    let rate = read_rate + update_rate;
    let reads = read_rate / rate;
    // Enough lives of the entry, and the more the rarer the updates are.
    let seconds = effort.seconds(if update_rate < 0.05 {
        200_000.0
    } else {
        80_000.0
    });
    Check {
        model: format!("TTL {ttl_s} s, one key read 10/s, updated {update_rate}/s past the cache"),
        scenario: scenario(rate, reads, seconds, &format!("\"{ttl_s}s\"")),
        replications: 10,
        comparisons: vec![
            observation(
                "old share of hits",
                theory::stale_share_of_hits(ttl_s, update_rate),
                Tolerance::Absolute(0.01),
                |run| run["staleness.ratio"] / run["hit_ratio"],
            ),
            observation(
                "mean staleness of hits, s",
                theory::mean_staleness_of_hits(ttl_s, update_rate),
                Tolerance::Interval,
                |run| run["staleness.mean"] / run["hit_ratio"],
            ),
        ],
    }
}
