//! What happens on the timeline, on examples worked by hand.

use crate::world::run;

/// A request every 10 ms, through a tier that answers in no time while it is up.
const THROUGH: &str = r#"
duration = "10s"
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "uniform", count = 1 }
[[tier]]
name     = "cache"
pattern  = "through"
capacity = "unlimited"
network  = "0s"
service  = { workers = 1, time = "0s" }
[database]
service_time = "1us"
"#;

fn failures(events: &str) -> f64 {
    run(THROUGH, &[&format!("event=[{events}]")]).get("requests.unavailable")
}

#[test]
fn a_crash_fails_what_goes_through_the_tier_until_its_restart() {
    let crash = "{ at = \"1005ms\", action = \"crash\", target = \"tier.cache\"";
    assert_eq!(
        failures(&format!("{crash}, restart_after = \"2s\" }}")),
        200.0
    );
    let restart = "{ at = \"2005ms\", action = \"restart\", target = \"tier.cache\" }";
    assert_eq!(failures(&format!("{crash} }}, {restart}")), 100.0);
}

#[test]
fn the_restart_of_one_crash_does_not_end_a_later_one() {
    let events = "\
        { at = \"1005ms\", action = \"crash\", target = \"tier.cache\", restart_after = \"2s\" },\
        { at = \"1505ms\", action = \"restart\", target = \"tier.cache\" },\
        { at = \"2005ms\", action = \"crash\", target = \"tier.cache\" }";
    // Of the 1000 requests from 0 to 9990 ms, 101 come before the first crash, and 50 between the
    // restart at 1505 ms and the crash at 2005 ms, which nothing ends.
    assert_eq!(failures(events), 1000.0 - 101.0 - 50.0);
}

#[test]
fn under_leases_a_copy_that_a_promise_refuses_is_fetched_once_and_stored() {
    let settings = |defence: &str| {
        let run = run(
            THROUGH,
            &[
                "tier.cache.pattern=aside",
                "app.promises=[{ kind = \"bounded-staleness\", max_staleness = \"995ms\" }]",
                &format!("tier.cache.defence={defence}"),
            ],
        );
        assert_eq!(run.get("tier.cache.sets.refused"), 0.0, "{defence}");
        run.get("database.reads.rate")
    };
    // Every second the copy is too old for everybody.
    assert_eq!(settings("none"), 1.0);
    assert_eq!(settings("lease"), 1.0);
}
