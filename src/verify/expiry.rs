//! TTLs without a limit of capacity: which requests find their entry unexpired.

use super::{Check, Effort, Tolerance, metric, theory};

pub(super) fn checks(effort: Effort) -> Vec<Check> {
    let one = |ttl_s: f64, sliding| one_key(effort, 2.0, ttl_s, sliding);
    vec![
        many_keys(effort, false),
        many_keys(effort, true),
        one(1.5, false),
        one(1.5, true),
        two_tiers(effort),
    ]
}

fn scenario(rate: f64, seconds: f64, warmup: f64, keys: &str, ttl: &str) -> String {
    format!(
        "duration = \"{}s\"\nwarmup = \"{warmup}s\"\n\
         [workload]\narrivals = {{ process = \"poisson\", rate = \"{rate}/s\" }}\n\
         keys = {keys}\nreads = 1.0\nvalue_size = \"100 B\"\n\
         [[tier]]\nname = \"cache\"\ncapacity = \"unlimited\"\nttl = {ttl}\n\
         network = \"0s\"\nservice = {{ time = \"0s\" }}\ndefence = \"none\"\n\
         [database]\nconnections = 10\nservice_time = \"0s\"\n",
        seconds + warmup
    )
}

fn ttl(seconds: f64, sliding: bool) -> String {
    format!(
        "{{ base = \"{}ms\", sliding = {sliding} }}",
        seconds * 1000.0
    )
}

fn of_key(rate: f64, ttl_s: f64, sliding: bool) -> f64 {
    if sliding {
        theory::sliding_ttl_hit_ratio(rate, ttl_s)
    } else {
        theory::fixed_ttl_hit_ratio(rate, ttl_s)
    }
}

fn name(sliding: bool) -> &'static str {
    if sliding { "sliding" } else { "from fill" }
}

/// Zipf(1) over 10 000 keys, 1000 requests a second, a minute of TTL.
fn many_keys(effort: Effort, sliding: bool) -> Check {
    let (rate, ttl_s) = (1000.0, 60.0);
    let probabilities = theory::zipf(10_000, 1.0);
    let hit_ratio = theory::over_keys(&probabilities, rate, |rate| of_key(rate, ttl_s, sliding));
    let keys = "{ distribution = \"zipf\", count = 10_000, exponent = 1.0 }";
    // The rarest key comes every 98 s, and a cold start is forgotten only after several of those.
    // The hottest never forget it: they expire once a minute, together, so that what is measured has
    // to be whole minutes, cut where few of them expire.
    let warmup = 630.0;
    let seconds = match effort {
        Effort::Full => 840.0,
        Effort::Quick => 240.0,
    };
    Check {
        model: format!("TTL 60 s {}, Zipf(1), N 10 000, 1000/s", name(sliding)),
        scenario: scenario(rate, seconds, warmup, keys, &ttl(ttl_s, sliding)),
        replications: 10,
        comparisons: vec![
            metric("hit ratio", "hit_ratio", hit_ratio, Tolerance::Interval),
            metric(
                "queries per s",
                "database.qps.mean",
                rate * (1.0 - hit_ratio),
                Tolerance::Interval,
            ),
        ],
    }
}

fn one_key(effort: Effort, rate: f64, ttl_s: f64, sliding: bool) -> Check {
    let hit_ratio = of_key(rate, ttl_s, sliding);
    let keys = "{ distribution = \"uniform\", count = 1 }";
    let seconds = effort.seconds(100_000.0);
    Check {
        model: format!("TTL {ttl_s} s {}, one key, {rate}/s", name(sliding)),
        scenario: scenario(rate, seconds, 100.0, keys, &ttl(ttl_s, sliding)),
        replications: 10,
        comparisons: vec![metric(
            "hit ratio",
            "hit_ratio",
            hit_ratio,
            Tolerance::Interval,
        )],
    }
}

/// One key behind two tiers, whose TTLs count from when each of them stored the value.
fn two_tiers(effort: Effort) -> Check {
    let expected = theory::two_tiers(1.0, 1.0, 10.0);
    let keys = "{ distribution = \"uniform\", count = 1 }";
    let second = "[[tier]]\nname = \"second\"\ncapacity = \"unlimited\"\nttl = \"10s\"\n\
                  network = \"0s\"\nservice = { time = \"0s\" }\n[database]";
    let first = scenario(
        1.0,
        effort.seconds(100_000.0),
        100.0,
        keys,
        &ttl(1.0, false),
    );
    let row = |what, name, value| metric(what, name, value, Tolerance::Interval);
    Check {
        model: "two tiers, TTLs 1 s and 10 s, one key, 1/s".to_owned(),
        scenario: first.replace("[database]", second),
        replications: 10,
        comparisons: vec![
            row("first tier", "tier.cache.hit_ratio", expected.first),
            row(
                "second, of misses",
                "tier.second.hit_ratio",
                expected.second,
            ),
            row("both", "hit_ratio", expected.both),
            row("queries per s", "database.qps.mean", expected.queries),
            row(
                "share of the second",
                "tier.second.share_of_reads",
                expected.both - expected.first,
            ),
        ],
    }
}
