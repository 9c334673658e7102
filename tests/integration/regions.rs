//! Regions: who lives where, and what it costs to ask somewhere else.

use crate::world::run;

/// A request every 500 ms for one key, from two instances in two regions 80 ms apart. An exchange
/// with the cache takes 1 ms, a query 100 ms.
const TWO_REGIONS: &str = r#"
duration = "100s"
[workload]
arrivals = { process = "constant", rate = "2/s" }
keys     = { distribution = "sequential", count = 1 }
[app]
instances = 2
[[region]]
name = "eu"
[[region]]
name = "us"
[[link]]
between    = ["eu", "us"]
round_trip = "80ms"
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "1ms"
service  = { workers = 1, time = "0s" }
[database]
service_time = "100ms"
"#;

#[test]
fn whoever_lives_elsewhere_pays_the_round_trip_on_each_exchange() {
    let run = run(TWO_REGIONS, &["tier.cache.region=us", "tier.cache.ttl=1h"]);
    // From the same region a hit takes 1 ms, from the other one 81; about half of each.
    run.is_about("latency.p99", 81e-3);
    let near = (81e-3 - run.get("latency.mean")) / 80e-3;
    assert!(
        (0.35..0.65).contains(&near),
        "{near} of the requests are near"
    );
}

#[test]
fn only_the_queries_travel_to_a_database_elsewhere() {
    // All of the app is in one region: the first request looks up, queries and sets, the others hit.
    let all_in = |region: &str| {
        let share = format!("region.{region}.share=0.9");
        let settings = ["app.instances=10", &share, "database.region=us"];
        run(TWO_REGIONS, &settings).get("latency.max")
    };
    let [first_near, first_far] = [all_in("us"), all_in("eu")];
    assert!((first_near - 102e-3).abs() < 1e-6, "{first_near}");
    assert!((first_far - 182e-3).abs() < 1e-6, "{first_far}");
    let far = run(TWO_REGIONS, &["database.region=us"]);
    far.is_about("latency.p50", 1e-3);
}

#[test]
fn a_tier_that_loads_by_itself_asks_from_where_it_lives() {
    // Both are in one region, so the link is paid once, on the way to the tier.
    let settings = [
        "tier.cache.pattern=through",
        "tier.cache.region=us",
        "database.region=us",
        "region.eu.share=0.99",
        "app.instances=100",
    ];
    // The first request comes from the other region: lookup 1 + 80, query 100.
    run(TWO_REGIONS, &settings).is("latency.max", 181e-3);
    let aside = [&settings[1..], &["tier.cache.pattern=aside"]].concat();
    // Lookup 81, query 180, set 81.
    run(TWO_REGIONS, &aside).is("latency.max", 342e-3);
}

#[test]
fn each_region_has_nodes_of_its_own() {
    // Each fetches the one key once.
    let settings = ["tier.cache.scope=region", "app.instances=10", "warmup=50s"];
    run(TWO_REGIONS, &settings).is("tier.cache.entries", 2.0);
    run(TWO_REGIONS, &settings[..2]).is("database.reads.rate", 2.0 / 100.0);
}

#[test]
fn a_session_is_served_in_the_region_where_it_lives() {
    // The one session lives in the first region, and every request of it looks up, queries and sets:
    // were it sent anywhere, half of its queries would come from where the database lives.
    let settings = [
        "workload.sessions={ count = 100, own_reads = 0.0 }",
        "tier.cache.scope=region",
        "tier.cache.capacity=1 entries",
        "tier.cache.ttl=100ms",
        "database.region=us",
        "region.eu.share=0.5",
    ];
    let both = run(TWO_REGIONS, &settings);
    both.is_about("latency.max", 182e-3);
    let users = ["workload.arrivals={ process = \"closed\", users = 1, think = \"500ms\" }"];
    let first = run(TWO_REGIONS, &[&settings[..], &users].concat());
    first.is_about("latency.mean", 182e-3);
}

#[test]
fn regions_without_homes_change_nothing() {
    let plain = TWO_REGIONS.replace("[[region]]\nname = \"eu\"\n[[region]]\nname = \"us\"\n", "");
    let plain = plain.replace(
        "[[link]]\nbetween    = [\"eu\", \"us\"]\nround_trip = \"80ms\"\n",
        "",
    );
    assert!(!plain.contains("eu"));
    let without = run(&plain, &[]).digest();
    assert!(without == run(TWO_REGIONS, &[]).digest());
}
