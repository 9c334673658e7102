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

/// What 1000 reads of one row measured under these events and settings.
fn measured(events: &str, settings: &[&str]) -> crate::world::Run {
    let events = format!("event=[{events}]");
    let run = run(
        THROUGH,
        &[&["workload.reads=1.0", &events], settings].concat(),
    );
    run.keeps_the_laws();
    run
}

const ASIDE: &str = "tier.cache.pattern=aside";

#[test]
fn a_slow_network_delays_the_exchanges_of_its_time_by_as_much() {
    let slow = "{ at = \"1005ms\", action = \"network\", target = \"tier.cache\", delay = \"5ms\", for = \"2s\" }";
    let run = measured(slow, &[]);
    // 200 of 1000 requests; and the first one waits for the database.
    run.is_about("latency.max", 5e-3)
        .is("latency.mean", (200.0 * 5e-3 + 1e-6) / 1000.0)
        .is("tier.cache.lost", 0.0);
    let both = format!("{slow}, {slow}");
    measured(&both, &[]).is_about("latency.max", 10e-3);
}

#[test]
fn through_a_partition_nobody_gets_an_answer() {
    let cut = "{ at = \"1005ms\", action = \"partition\", target = \"tier.cache\", for = \"2s\" }";
    let run = measured(cut, &[]);
    run.is("requests.unavailable", 200.0)
        .is("tier.cache.lost", 200.0);
    // The app that conducts goes on to the database when it has waited for a second.
    measured(cut, &[ASIDE])
        .is("requests.failed", 0.0)
        .is("database.reads.rate", 20.1)
        .is_about("latency.max", 1.0 + 1e-6);
    let notice = cut.replace("for =", "notice = \"300ms\", for =");
    measured(&notice, &[ASIDE]).is_about("latency.max", 0.3 + 1e-6);
    // The tier's own patience is what counts, and its word on what to do then.
    let timeout = "tier.cache.while_down={ kind = \"timeout\", notice = \"40ms\" }";
    measured(&notice, &[ASIDE, timeout])
        .is("requests.unavailable", 200.0)
        .is("database.reads.rate", 0.1);
}

#[test]
fn a_partition_from_the_database_lasts_for_the_timeout_of_each_query() {
    let cut = "{ at = \"1005ms\", action = \"partition\", target = \"database\", for = \"2s\" }";
    let alone = |settings: &[&str]| measured(cut, &[&["tier=[]"], settings].concat());
    for (settings, waited) in [
        (&["database.timeout=never"][..], 1.0),
        (&["database.timeout=50ms"], 0.05),
    ] {
        let run = alone(settings);
        run.is("requests.timed_out", 200.0)
            .is("database.timed_out", 200.0);
        // The last that is cut off leaves that much later.
        let concurrency = run.get("requests.concurrency");
        assert!(
            (concurrency - 200.0 * waited / 10.0).abs() < 1e-3,
            "{concurrency}"
        );
    }
}

#[test]
fn messages_are_lost_on_the_way_there_and_on_the_way_back() {
    let lossy = "{ at = \"0s\", action = \"network\", target = \"tier.cache\", loss = 0.1 }";
    let lost = measured(lossy, &[]).get("tier.cache.lost");
    // 1 - 0.9 x 0.9 of the exchanges; three standard deviations are 37.
    assert!((lost - 190.0).abs() < 37.0, "{lost}");
}

#[test]
fn of_an_answer_that_is_lost_the_write_stays() {
    // The only write is in service when the network is cut, and committed at 100 ms.
    let world = [
        "duration=1s",
        "tier=[]",
        "workload.reads=0.0",
        "workload.arrivals.rate=0.9/s",
        "database.service_time=100ms",
    ];
    let cut = "event=[{ at = \"50ms\", action = \"partition\", target = \"database\", for = \"200ms\", notice = \"400ms\" }]";
    let run = run(THROUGH, &[&world[..], &[cut]].concat());
    run.is("requests.timed_out", 1.0)
        .is("consistency.stored_writes", 1.0);
}

#[test]
fn only_those_whom_the_partition_separates_are_cut_off() {
    let of = |instance: u32| {
        let cut = format!(
            "{{ at = \"1005ms\", action = \"partition\", from = \"app.instance.{instance}\", target = \"tier.cache\", for = \"2s\" }}"
        );
        let run = measured(&cut, &["app.instances=2"]);
        run.get("requests.unavailable")
    };
    let each = [of(0), of(1)];
    assert_eq!(each[0] + each[1], 200.0);
    assert!(each[0].min(each[1]) > 50.0, "{each:?}");
    // Of two nodes the one that does not have the row is missed by nobody.
    let node = |node: u32| {
        let cut = format!(
            "{{ at = \"1005ms\", action = \"partition\", target = \"tier.cache.node.{node}\", for = \"2s\" }}"
        );
        measured(&cut, &["tier.cache.nodes=2"]).get("requests.unavailable")
    };
    let mut each = [node(0), node(1)];
    each.sort_by(f64::total_cmp);
    assert_eq!(each, [0.0, 200.0]);
}

#[test]
fn a_region_that_is_cut_off_works_with_what_it_has() {
    let world = [
        "region=[{ name = \"eu\", share = 0.5 }, { name = \"us\", share = 0.5 }]",
        "link=[{ between = [\"eu\", \"us\"], round_trip = \"80ms\" }]",
        "app.instances=2",
        "tier.cache.region=eu",
        "database.region=eu",
    ];
    let cut = |from: &str, target: &str| {
        let cut = format!(
            "{{ at = \"1005ms\", action = \"partition\", {from}target = \"{target}\", for = \"2s\" }}"
        );
        measured(&cut, &world).get("requests.unavailable")
    };
    let all_of_us = cut("from = \"region.us\", ", "tier.cache");
    assert!(all_of_us > 50.0 && all_of_us < 150.0, "{all_of_us}");
    assert_eq!(cut("", "region.us"), all_of_us);
    assert_eq!(cut("", "region.eu"), all_of_us);
    assert_eq!(cut("from = \"region.eu\", ", "region.us"), all_of_us);
    assert_eq!(cut("from = \"region.us\", ", "region.eu"), all_of_us);
    let inside = cut("from = \"region.eu\", ", "region.eu");
    assert_eq!(inside, 0.0);
}

/// Ten instances, each with a copy of one row that is written once in a while.
const COPIES: &[&str] = &[
    "app.instances=10",
    "tier.cache.scope=instance",
    "tier.cache.pattern=aside",
    "tier.cache.invalidation=[\"pub-sub\"]",
    "workload.reads=0.9",
];

#[test]
fn what_is_published_while_the_bus_is_down_is_lost_or_late() {
    let with = |event: &str| {
        let events = format!("event=[{event}]");
        run(THROUGH, &[COPIES, &[events.as_str()]].concat())
    };
    let well = with("");
    let outage = "{ at = \"2s\", action = \"bus-outage\", target = \"tier.cache\", for = \"4s\"";
    let lost = with(&format!("{outage} }}"));
    let late = with(&format!("{outage}, keep = true }}"));
    let sent = "tier.cache.invalidations.sent";
    let never = "tier.cache.invalidations.lost";
    well.is(never, 0.0);
    assert!(well.get("staleness.max") < 0.002);
    // Each of about 40 writes to nine others; the deletes of the writers' own copies are sent as well.
    let many = lost.get(never);
    assert!(many > 9.0 * 20.0 && many < 9.0 * 60.0 && many % 9.0 == 0.0);
    lost.is(sent, well.get(sent));
    late.is(never, 0.0).is(sent, well.get(sent));
    // No TTL heals what was lost, but the next write does.
    assert!(lost.get("staleness.max") > 3.0);
    let late = late.get("staleness.max");
    assert!(late > 3.0 && late < 4.002, "{late}");
}

#[test]
fn what_is_published_across_a_disturbed_border_is_lost_or_late_and_nothing_else() {
    // Six instances and four.
    let with = |event: &str| {
        let events = format!("event=[{event}]");
        let world = [
            "region=[{ name = \"eu\", share = 0.6 }, { name = \"us\", share = 0.4 }]",
            &events,
        ];
        run(THROUGH, &[COPIES, &world].concat())
    };
    let [sent, never] = ["sent", "lost"].map(|what| format!("tier.cache.invalidations.{what}"));
    let well = with("");
    let at = "at = \"2s\", for = \"4s\"";
    let cut = with(&format!(
        "{{ {at}, action = \"partition\", target = \"region.us\" }}"
    ));
    // Of about 40 writes those of one side do not reach the four or the six of the other.
    let lost = cut.get(&never);
    assert!(
        lost > 4.0 * 20.0 && lost < 6.0 * 60.0 && lost % 2.0 == 0.0,
        "{lost}"
    );
    cut.is(&sent, well.get(&sent));
    // Half of what is written is not heard of on the other side, until something is written there.
    let [stale, never_stale] = [&cut, &well].map(|run| run.get("staleness.ratio"));
    assert!(stale > 0.1 && never_stale < 0.01, "{stale} {never_stale}");
    let pair = with(&format!(
        "{{ {at}, action = \"partition\", from = \"region.eu\", target = \"region.us\" }}"
    ));
    pair.is(&never, lost);
    let half = with(&format!(
        "{{ {at}, action = \"network\", loss = 0.5, target = \"region.us\" }}"
    ));
    let half = half.get(&never);
    assert!(half > 0.3 * lost && half < 0.7 * lost, "{half} of {lost}");
    let late = with(&format!(
        "{{ {at}, action = \"network\", delay = \"700ms\", target = \"region.us\" }}"
    ));
    late.is(&never, 0.0);
    let late = late.get("staleness.max");
    // Until the message comes, or until something is written on the same side.
    assert!(late > 0.1 && late < 0.702, "{late}");
    // One instance alone.
    let one = with(&format!(
        "{{ {at}, action = \"partition\", from = \"app.instance.0\", target = \"region.us\" }}"
    ));
    let one = one.get(&never);
    assert!(one > 0.0 && one < lost / 3.0, "{one} of {lost}");
    let inside = with(&format!(
        "{{ {at}, action = \"partition\", from = \"region.eu\", target = \"region.eu\" }}"
    ));
    inside.is(&never, 0.0);
}

#[test]
fn where_clocks_differ_entries_expire_too_early_or_too_late_by_as_much() {
    let loads = |skew: &str| {
        let event =
            format!("{{ at = \"0s\", action = \"clock-skew\", target = \"tier.cache\", {skew} }}");
        measured(&event, &["tier.cache.ttl=995ms"]).get("database.reads.rate") * 10.0
    };
    // A request every 10 ms for 10 s, and a load whenever a TTL is over, plus 1 us for the load.
    assert_eq!(loads("ahead = \"1ns\""), 10.0);
    assert_eq!(loads("ahead = \"500ms\""), 20.0);
    assert_eq!(loads("behind = \"1s\""), 5.0);
    // What was stored meanwhile expires in time once all clocks agree again.
    assert_eq!(loads("behind = \"2s\", for = \"500ms\""), 10.0);
    // A storer whose clock is ahead for half a second: what it stored then lives 2 s longer.
    let storer = "behind = \"2s\", for = \"500ms\", from = \"app.instance.0\"";
    assert_eq!(loads(storer), 8.0);
    // A node that is so far ahead keeps nothing.
    assert_eq!(loads("ahead = \"1m\""), 1000.0);
    let elsewhere = "{ at = \"0s\", action = \"clock-skew\", target = \"tier.cache\", from = \"app.instance.1\", ahead = \"500ms\" }";
    let run = measured(elsewhere, &["tier.cache.ttl=995ms", "app.instances=2"]);
    let loads = run.get("database.reads.rate") * 10.0;
    assert!(loads > 10.0 && loads < 20.0, "{loads}");
}

#[test]
fn keys_expire_at_once_by_number_range_or_popularity() {
    let keys = "workload.keys={ distribution = \"sequential\", count = 10 }";
    let loads = |whose: &str| {
        let event =
            format!("{{ at = \"5005ms\", action = \"expire\", target = \"tier.cache\", {whose} }}");
        measured(&event, &[keys]).get("database.reads.rate") * 10.0
    };
    assert_eq!(loads("keys = [3, 99]"), 11.0);
    assert_eq!(loads("first = 2, last = 4"), 13.0);
    assert_eq!(loads("top = 4"), 14.0);
    assert_eq!(loads("top = 1000"), 20.0);
    // What may be served after the TTL still may.
    let event = "{ at = \"5005ms\", action = \"expire\", target = \"tier.cache\", top = 1 }";
    let ttl = "tier.cache.ttl={ base = \"1h\", stale_while_revalidate = \"1m\" }";
    let run = measured(event, &[ttl]);
    run.is("tier.cache.stale_hit_ratio", 1e-3)
        .is("database.reads.rate", 0.2);
}

#[test]
fn a_crash_of_an_instance_empties_its_cache_and_fails_what_it_works_on() {
    let crash = |target: &str| {
        format!(
            "{{ at = \"1005ms\", action = \"crash\", target = \"{target}\", restart_after = \"2s\" }}"
        )
    };
    let own = [ASIDE, "tier.cache.scope=instance"];
    measured(&crash("app"), &own)
        .is("requests.unavailable", 200.0)
        .is("database.reads.rate", 0.2);
    // Others take over, and what the shared tier has stays.
    let two = ["app.instances=2"];
    measured(&crash("app.instance.0"), &[&own[..], &two].concat())
        .is("requests.failed", 0.0)
        .is("database.reads.rate", 0.3);
    measured(&crash("app.instance.0"), &[ASIDE, two[0]])
        .is("requests.failed", 0.0)
        .is("database.reads.rate", 0.1);
    // Ten requests wait for a database that needs 100 ms; it finishes what it has.
    let slow = [
        "tier=[]",
        "database.service_time=100ms",
        "database.connections=20",
    ];
    measured(&crash("app"), &slow)
        .is("requests.unavailable", 200.0 + 10.0)
        .is("database.reads.rate", 80.0);
    let restart = "{ at = \"1505ms\", action = \"restart\", target = \"app\" }";
    measured(&format!("{}, {restart}", crash("app")), &own).is("requests.unavailable", 50.0);
}

#[test]
fn pages_and_clients_who_insist_meet_the_crash_of_an_instance_too() {
    let crash = "{ at = \"1005ms\", action = \"crash\", target = \"app\", restart_after = \"2s\" }";
    measured(crash, &[ASIDE, "workload.page=3"]).is("requests.unavailable", 200.0);
    let insist = [
        "client.retries={ count = 1, backoff = { base = \"500ms\", jitter = \"none\" } }",
        "client.timeout=10s",
    ];
    // Who asks within the last half second asks again when the app is back.
    measured(crash, &[&[ASIDE][..], &insist].concat()).is("requests.unavailable", 150.0);
}

#[test]
fn the_lock_of_an_instance_that_died_stays_until_it_expires() {
    let crash = "{ at = \"55ms\", action = \"crash\", target = \"app\", restart_after = \"10ms\" }";
    let lock =
        "tier.cache.defence={ kind = \"lock\", ttl = \"1s\", retry = \"10ms\", retries = 1000 }";
    let run = measured(
        crash,
        &[ASIDE, lock, "database.service_time=100ms", "duration=2s"],
    );
    // Those from 0 to 50 ms die with the instance, and that of 60 ms finds nobody. That of 70 ms looks
    // again every 10 ms, gets the lock 1 s after it was taken, and has the row 100 ms later.
    run.is("requests.unavailable", 7.0)
        .is_about("latency.max", 1.0 - 0.07 + 0.1);
}

#[test]
fn in_a_lull_fewer_arrive_and_the_others_are_the_same() {
    let lull = |times: &str| {
        let event =
            format!("{{ at = \"1005ms\", action = \"lull\", times = {times}, for = \"2s\" }}");
        measured(&event, &[])
    };
    lull("0").is("requests.arrived", 800.0);
    let half = lull("0.5").get("requests.arrived");
    assert!((half - 900.0).abs() < 22.0, "{half}");
}
