//! What the timeline does to the workload: surges, floods, shifts of popularity.

use crate::world::run;

/// A read every 100 ms, nearly all of the hotter of two rows. Nothing takes any time.
const CALM: &str = r#"
duration = "10s"
[workload]
arrivals = { process = "constant", rate = "10/s" }
keys     = { distribution = "zipf", count = 2, exponent = 20 }
[[tier]]
name     = "cache"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "0s"
"#;

#[test]
fn a_surge_multiplies_the_rate_for_a_while() {
    // Two more for each of the twenty of two seconds.
    let surge = "event=[{ at = \"2s\", action = \"surge\", times = 3, for = \"2s\" }]";
    run(CALM, &[surge]).is("requests.arrived", 140.0);
    let at_once = "event=[{ at = \"0s\", action = \"surge\", times = 2, for = \"1h\" }]";
    run(CALM, &[at_once]).is("requests.arrived", 200.0);
    let too_late = "event=[{ at = \"10s\", action = \"surge\", times = 2, for = \"1s\" }]";
    run(CALM, &[too_late]).is("requests.arrived", 100.0);
}

#[test]
fn a_surge_of_one_row_reads_that_row_only() {
    // The colder row, which hardly anybody else asks for: one miss for each row.
    let surge = "event=[{ at = \"2s\", action = \"surge\", times = 3, for = \"2s\", rank = 2 }]";
    run(CALM, &[surge, "workload.reads=1"])
        .is("requests.arrived", 140.0)
        .is("database.reads.rate", 0.2);
    // It does not write, however many of the others do.
    let writes = run(CALM, &[surge, "workload.reads=0"]);
    writes.is("database.writes.rate", 10.0);
    writes.is("tier.cache.miss_ratio", 1.0 / 40.0);
}

#[test]
fn a_flood_asks_for_rows_that_do_not_exist() {
    let flood = "event=[{ at = \"1s\", action = \"flood\", rate = \"1k/s\", for = \"5s\" }]";
    let flooded = run(CALM, &[flood]);
    let absent = flooded.get("requests.absent");
    assert!((4700.0..5300.0).contains(&absent), "{absent}");
    flooded.is("requests.arrived", 100.0 + absent);
    // All others are as they were: one miss.
    flooded.is("database.reads.rate", (absent + 1.0) / 10.0);
    // Ten keys that come again and again are what negative caching is for.
    let few = flood.replace(" }]", ", keys = 10 }]");
    let remembered = run(CALM, &[&few, "tier.cache.negative=1h"]);
    remembered.is("requests.absent", absent);
    remembered.is("database.absent.rate", 1.0);
}

#[test]
fn after_a_shift_of_popularity_the_cold_row_is_the_hot_one() {
    let shift = "event=[{ at = \"4950ms\", action = \"popularity-shift\", share = 0.5 }]";
    run(CALM, &[]).is("database.reads.rate", 0.1);
    run(CALM, &[shift]).is("database.reads.rate", 0.2);
    let back = shift.replace(" }]", ", for = \"2s\" }]");
    // The hotter one is still there when it is asked for again, unless it has expired.
    run(CALM, &[&back]).is("database.reads.rate", 0.2);
    run(CALM, &[&back, "tier.cache.ttl=3900ms"]).is("database.reads.rate", 0.4);
}
