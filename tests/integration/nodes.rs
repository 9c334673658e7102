//! What happens among the nodes of a tier, on examples worked by hand: schemes with several nodes a key,
//! resizes, redirects, copies, failures and stand-ins.

use crate::world::{Run, run};

/// A request every 10 ms for one of `count` keys in turn; an exchange takes 1 ms and a query 2 ms, and
/// nobody waits for anybody.
fn in_turn(count: u32, settings: &[&str]) -> Run {
    let text = format!(
        r#"
duration = "10s"
[workload]
arrivals = {{ process = "constant", rate = "100/s" }}
keys     = {{ distribution = "sequential", count = {count} }}
[[tier]]
name     = "cache"
nodes    = 3
capacity = "unlimited"
network  = "1ms"
service  = {{ workers = 100, time = "0s" }}
[database]
connections  = 100
service_time = "2ms"
"#
    );
    run(&text, settings)
}

fn sum(run: &Run, nodes: u32, what: &str) -> f64 {
    let of = |node| run.get(&format!("tier.cache.node.{node}.{what}"));
    (0..nodes).map(of).sum()
}

#[test]
fn where_everything_is_everywhere_a_set_and_a_delete_go_to_every_node() {
    let everywhere = "tier.cache.placement=replicated-all";
    // 1000 lookups, of which the first misses, and one set on each node: all at once.
    in_turn(1, &[everywhere])
        .is("tier.cache.rate", 1003.0 / 10.0)
        .is("database.reads.rate", 1.0 / 10.0)
        .is("latency.max", 4e-3);
    // A write is a delete on each.
    in_turn(1, &[everywhere, "workload.reads=0"])
        .is("tier.cache.rate", 3000.0 / 10.0)
        .is("tier.cache.invalidations.sent", 1000.0)
        .is("latency.max", 3e-3);
    // With half of them writes, what a delete has taken from all is fetched once, and no copy stays.
    let mixed = in_turn(1, &[everywhere, "workload.reads=0.5"]);
    mixed.is("staleness.ratio", 0.0);
}

#[test]
fn at_random_each_node_fetches_for_itself_and_a_delete_reaches_one_copy() {
    let random = "tier.cache.placement=random";
    in_turn(1, &[random]).is("database.reads.rate", 3.0 / 10.0);
    let mixed = in_turn(1, &[random, "workload.reads=0.9"]);
    assert!(mixed.get("staleness.ratio") > 0.3);
    let placed = in_turn(1, &["workload.reads=0.9"]);
    placed.is("staleness.ratio", 0.0);
}

#[test]
fn whoever_has_a_request_in_hand_is_passed_over_where_loads_are_bounded() {
    // Two requests at a time for one key, of which a node may have one: ceil(1.25 * 2 / 3).
    let text = r#"
duration = "10s"
[workload]
arrivals = { process = "constant", rate = "100/s" }
keys     = { distribution = "sequential", count = 1 }
[[tier]]
name      = "cache"
nodes     = 3
capacity  = "unlimited"
placement = "bounded-load"
network   = "0s"
service   = { workers = 100, time = "15ms" }
[database]
connections  = 100
service_time = "0s"
"#;
    let run = run(text, &[]);
    let busiest = run.get("tier.cache.imbalance");
    // Half and half of two nodes, and nothing for the third.
    assert!((busiest - 1.5).abs() < 0.02, "{busiest}");
    let overflows = run.get("tier.cache.overflows");
    assert!((overflows - 500.0).abs() < 5.0, "{overflows}");
}

#[test]
fn a_redirect_costs_a_round_trip_and_a_dumb_client_pays_it_whenever_it_guesses_wrong() {
    let dumb = "tier.cache.placement={ scheme = \"slots\", client = \"dumb\" }";
    let run = in_turn(50, &[dumb, "warmup=5s"]);
    let redirects = run.get("tier.cache.redirects");
    // Two of three guesses are wrong: of 500, four standard deviations are 42.
    assert!((redirects - 333.0).abs() < 42.0, "{redirects}");
    run.is("tier.cache.rate", (500.0 + redirects) / 5.0);
    run.is("latency.mean", (500.0 + redirects) / 500.0 / 1e3);
    in_turn(50, &["tier.cache.placement=slots", "warmup=5s"])
        .is("tier.cache.redirects", 0.0)
        .is("latency.mean", 1e-3);
}

#[test]
fn after_a_resize_each_instance_with_a_map_is_sent_elsewhere_once() {
    let events =
        "event=[{ at = \"5005ms\", action = \"resize\", target = \"tier.cache\", nodes = 4 }]";
    for instances in [1, 3] {
        let run = in_turn(
            50,
            &[
                "tier.cache.placement=slots",
                &format!("app.instances={instances}"),
                events,
            ],
        );
        run.is("tier.cache.redirects", f64::from(instances));
    }
}

/// A resize at 5 s, when all of 250 keys have been asked for twice; after it comes the third round.
fn resized(scheme: &str, nodes: u32, more: &str) -> Run {
    let resize = format!(
        "event=[{{ at = \"4999ms\", action = \"resize\", target = \"tier.cache\", nodes = {nodes}{more} }}]"
    );
    let placement = format!("tier.cache.placement={scheme}");
    in_turn(250, &[&placement, &resize])
}

#[test]
fn a_key_that_has_moved_is_fetched_once_more() {
    for scheme in [
        "ring",
        "modulo",
        "jump",
        "rendezvous",
        "maglev",
        "multi-probe",
        "slots",
    ] {
        for nodes in [1, 2, 4, 7] {
            let run = resized(scheme, nodes, "");
            let moved = (run.get("tier.cache.keys_moved.ratio") * 250.0).round();
            assert!(moved > 0.0, "{scheme} to {nodes}");
            run.is("database.reads.rate", (250.0 + moved) / 10.0);
            run.is("tier.cache.entries_moved", 0.0);
        }
    }
}

#[test]
fn what_is_moved_is_fetched_no_more() {
    for scheme in ["ring", "modulo", "slots"] {
        for nodes in [1, 2, 4, 7] {
            for rate in ["", ", rate = \"30/s\""] {
                let run = resized(scheme, nodes, &format!(", move = true{rate}"));
                let moved = (run.get("tier.cache.keys_moved.ratio") * 250.0).round();
                run.is("database.reads.rate", 250.0 / 10.0);
                let carried = run.get("tier.cache.entries_moved");
                // At 30 a second for 5 s: the first at once, and the last may be under way.
                let least = if rate.is_empty() {
                    moved
                } else {
                    moved.min(150.0)
                };
                assert!(
                    (least..=moved.min(if rate.is_empty() { moved } else { 151.0 }))
                        .contains(&carried)
                );
            }
        }
    }
}

#[test]
fn what_was_left_behind_is_found_again_when_a_resize_is_taken_back() {
    let events = "event=[\
        { at = \"4999ms\", action = \"resize\", target = \"tier.cache\", nodes = 4 },\
        { at = \"5001ms\", action = \"resize\", target = \"tier.cache\", nodes = 3 }]";
    let run = in_turn(250, &[events]);
    // One request falls between the two.
    let reads = run.get("database.reads.rate") * 10.0;
    assert!((250.0..=251.0).contains(&reads), "{reads}");
}

/// One key on one node, which crashes at 5 s.
fn crashed(settings: &[&str], crash: &str) -> Run {
    let event = format!(
        "event=[{{ at = \"5005ms\", action = \"crash\", target = \"tier.cache.node.0\"{crash} }}]"
    );
    in_turn(1, &[settings, &["tier.cache.nodes=1", &event]].concat())
}

const COPIES: &str = "tier.cache.replication={ factor = 3, promotion = \"1s\", lag = \"10ms\" }";
const WATCH: &str =
    "tier.cache.detection={ interval = \"100ms\", timeout = \"400ms\", quorum = 2 }";

#[test]
fn a_warm_restart_finds_the_entries_and_a_cold_one_does_not() {
    // While the node is down the app asks the database: for 1 s.
    let restart = ", restart_after = \"1s\"";
    crashed(&[], restart).is("database.reads.rate", (1.0 + 100.0 + 1.0) / 10.0);
    let warm = crashed(&[], &format!("{restart}, warm = true"));
    warm.is("database.reads.rate", (1.0 + 100.0) / 10.0);
    warm.is("tier.cache.unavailable", 1.0);
}

#[test]
fn while_a_node_is_down_requests_go_on_fail_or_wait() {
    let down = |what: &str| {
        let setting = format!("tier.cache.while_down={what}");
        crashed(&[&setting], ", restart_after = \"2s\"")
    };
    down("fall-through")
        .is("requests.failed", 0.0)
        .is("latency.max", 3e-3 + 1e-3);
    // A wait of 50 ms in place of a round trip, and then the query; the sets and lookups of those who
    // come last find the node up again.
    down("{ kind = \"fall-through\", notice = \"50ms\" }").is("requests.failed", 0.0);
    down("error").is("requests.unavailable", 200.0);
    down("{ kind = \"timeout\", notice = \"500ms\" }").is("requests.unavailable", 200.0);
}

#[test]
fn a_stand_in_keeps_what_it_is_given_for_its_own_time() {
    let gutter = "tier.cache.gutter={ nodes = 1, ttl = \"495ms\" }";
    // For 2 s each request asks the dead node and then the stand-in, which fetches every half second.
    let run = crashed(&[gutter], ", restart_after = \"2s\", warm = true");
    run.is("database.reads.rate", (1.0 + 4.0) / 10.0);
    // 200 lookups and 4 sets.
    run.is("tier.cache.gutter.rate", 204.0 / 10.0);
}

#[test]
fn a_replica_takes_over_when_the_others_have_noticed_and_agreed() {
    let run = crashed(&[COPIES, WATCH], "");
    let detection = run.get("tier.cache.detection.mean");
    // A timeout after the next heartbeat of the second of two; word of the first takes no longer.
    assert!((0.4..=0.6).contains(&detection), "{detection}");
    run.is("tier.cache.failovers", 1.0);
    run.is_about("tier.cache.promotion.mean", 1.0);
    let unavailable = run.get("tier.cache.unavailable");
    assert!(
        (unavailable - detection - 1.0).abs() < 2e-3,
        "{unavailable}"
    );
    // As many requests had to ask the database; the replica has the entry.
    let reads = run.get("database.reads.rate") * 10.0 - 1.0;
    assert!((reads - unavailable * 100.0).abs() <= 1.0, "{reads}");
}

#[test]
fn without_a_quorum_or_without_a_watch_nobody_takes_over() {
    let two = "tier.cache.replication={ factor = 2, promotion = \"1s\" }";
    let run = crashed(&[COPIES], "");
    run.is("tier.cache.failovers", 0.0);
    run.is("tier.cache.unavailable", 10.0 - 5.005);
    let alone = "tier.cache.detection={ quorum = 1 }";
    crashed(&[two, alone], "").is("tier.cache.failovers", 1.0);
    // All go down: nobody is left to notice.
    let all = "event=[{ at = \"5005ms\", action = \"crash\", target = \"tier.cache\" }]";
    in_turn(1, &["tier.cache.nodes=1", two, alone, all]).is("tier.cache.failovers", 0.0);
}

/// One key on one node, which nobody reaches from 5 s on, unless only some do not.
fn cut_off(settings: &[&str], more: &str) -> Run {
    let event = format!(
        "event=[{{ at = \"5005ms\", action = \"partition\", target = \"tier.cache.node.0\"{more} }}]"
    );
    in_turn(1, &[settings, &["tier.cache.nodes=1", &event]].concat())
}

#[test]
fn a_primary_that_nobody_reaches_is_replaced_and_comes_back_as_a_replica() {
    let for_a_while = ", for = \"3s\", notice = \"10ms\"";
    let run = cut_off(&[COPIES, WATCH], for_a_while);
    let detection = run.get("tier.cache.detection.mean");
    assert!((0.4..=0.6).contains(&detection), "{detection}");
    run.is("tier.cache.failovers", 1.0)
        .is("tier.cache.replication.lost", 0.0)
        .is("requests.failed", 0.0);
    let unavailable = run.get("tier.cache.unavailable");
    assert!(
        (unavailable - detection - 1.0).abs() < 2e-3,
        "{unavailable}"
    );
    let reads = run.get("database.reads.rate") * 10.0 - 1.0;
    assert!((reads - unavailable * 100.0).abs() <= 2.0, "{reads}");
    // Nothing is fetched again when it is back, although it goes down and its follower takes over.
    let again = "event=[\
        { at = \"5005ms\", action = \"partition\", target = \"tier.cache.node.0\", for = \"500ms\", notice = \"10ms\" },\
        { at = \"5505ms\", action = \"partition\", target = \"tier.cache.node.0\", for = \"2s\", notice = \"10ms\" }]";
    let all = [COPIES, WATCH, "tier.cache.nodes=1", again];
    in_turn(1, &all).is("tier.cache.failovers", 1.0);
}

#[test]
fn a_node_that_is_cut_off_without_a_watch_or_from_some_only_stays_the_primary() {
    let for_a_while = ", for = \"3s\", notice = \"10ms\"";
    cut_off(&[COPIES], for_a_while)
        .is("tier.cache.failovers", 0.0)
        .is("tier.cache.unavailable", 3.0);
    let from_one = format!("{for_a_while}, from = \"app.instance.0\"");
    cut_off(&[COPIES, WATCH], &from_one)
        .is("tier.cache.failovers", 0.0)
        .is("tier.cache.unavailable", 0.0);
}

#[test]
fn what_replicas_had_not_heard_is_not_lost_to_those_who_waited_for_them() {
    // A write every 10 ms waits for 50 ms and half a millisecond: the five last are not acknowledged.
    let copies = |mode: &str| {
        let copies = format!(
            "tier.cache.replication={{ factor = 2, promotion = \"1s\", lag = \"50ms\"{mode} }}"
        );
        let run = crashed(
            &[
                &copies,
                "tier.cache.detection={ quorum = 1 }",
                "workload.reads=0",
            ],
            "",
        );
        run.is("tier.cache.failovers", 1.0);
        run.get("tier.cache.replication.lost")
    };
    assert_eq!(copies(""), 5.0);
    assert_eq!(copies(", mode = \"sync\""), 0.0);
}

#[test]
fn what_a_replica_had_not_heard_of_is_lost_with_its_primary() {
    let slow = "tier.cache.replication={ factor = 3, promotion = \"1s\", lag = \"20s\" }";
    let run = crashed(&[slow, WATCH], "");
    // The set of the first request, of which neither of two replicas has heard.
    run.is("tier.cache.replication.lost", 1.0);
    let unavailable = run.get("tier.cache.unavailable");
    let reads = run.get("database.reads.rate") * 10.0 - 1.0;
    // The one who takes over fetches anew.
    assert!((reads - unavailable * 100.0 - 1.0).abs() <= 1.0, "{reads}");
}

#[test]
fn a_replica_answers_with_what_its_primary_held_a_while_ago() {
    let copies = |reads: &str, lag: &str| {
        let copies = format!(
            "tier.cache.replication={{ factor = 2, reads = \"{reads}\", lag = \"{lag}\" }}"
        );
        in_turn(1, &["tier.cache.nodes=1", "workload.reads=0.9", &copies])
    };
    copies("primary", "1s").is("staleness.ratio", 0.0);
    let stale = copies("any", "1s");
    assert!(stale.get("staleness.ratio") > 0.2);
    let fresher = copies("any", "20ms");
    assert!(fresher.get("staleness.ratio") < stale.get("staleness.ratio") / 3.0);
    // It misses as well as the primary once it has heard of the delete.
    assert!(stale.get("staleness.max") < 3.0);
}

#[test]
fn the_nearest_copy_saves_the_way_to_another_zone() {
    let near = |reads: &str| {
        let copies = format!(
            "tier.cache.replication={{ factor = 2, reads = \"{reads}\", between_zones = \"4ms\" }}"
        );
        in_turn(
            1,
            &[
                "tier.cache.nodes=1",
                "app.instances=2",
                "warmup=5s",
                &copies,
            ],
        )
    };
    near("nearest").is("latency.max", 1e-3);
    let primary = near("primary").get("latency.mean");
    // Half of the requests come from the other zone.
    assert!((primary - 3e-3).abs() < 0.5e-3, "{primary}");
}

#[test]
fn a_primary_that_comes_back_empty_before_anybody_noticed_empties_its_replicas() {
    let run = crashed(&[COPIES, WATCH], ", restart_after = \"100ms\"");
    run.is("tier.cache.failovers", 0.0);
    // 10 while it was down, and one that fills it again.
    run.is("database.reads.rate", (1.0 + 10.0 + 1.0) / 10.0);
}

#[test]
fn what_is_reported_of_nodes_adds_up_and_is_bounded() {
    let run = in_turn(
        200,
        &["tier.cache.nodes=150", "tier.cache.placement=random"],
    );
    assert!(!run.0.metrics.contains_key("tier.cache.node.100.rate"));
    assert!(run.get("tier.cache.node.99.rate") >= 0.0);
    let small = in_turn(200, &["tier.cache.capacity=30 entries"]);
    for what in ["rate", "entries", "bytes", "evictions.rate"] {
        let all = small.get(&format!("tier.cache.{what}"));
        assert!((sum(&small, 3, what) - all).abs() < 1e-9 * all, "{what}");
    }
    assert!((sum(&small, 3, "imbalance") - 3.0).abs() < 1e-9);
    assert!((sum(&small, 3, "queue") / 3.0 - small.get("tier.cache.queue")).abs() < 1e-12);
}

#[test]
fn while_a_slot_moves_its_owner_sends_on_what_it_has_given_away() {
    // 25 keys share a slot, so a slot moves for as long as it takes to ask for all 250 keys.
    let run = in_turn(
        250,
        &[
            "tier.cache.placement={ scheme = \"slots\", keys_per_tag = 25 }",
            "event=[{ at = \"4999ms\", action = \"resize\", target = \"tier.cache\", nodes = 7, move = true, rate = \"10/s\" }]",
            "warmup=5s",
        ],
    );
    let (redirects, asks) = (run.get("tier.cache.redirects"), run.get("tier.cache.asks"));
    assert!(asks > 0.0 && redirects <= 1.0, "{asks} and {redirects}");
    // All are hits, and each time that one is sent on costs a round trip.
    run.is("database.reads.rate", 0.0)
        .is("latency.mean", (500.0 + asks + redirects) / 500.0 / 1e3);
}

#[test]
fn a_synchronous_write_waits_until_so_many_replicas_have_heard_of_it() {
    let copies = |more: &str| {
        let copies = format!("tier.cache.replication={{ factor = 3, lag = \"10ms\"{more} }}");
        in_turn(1, &["tier.cache.nodes=1", "workload.reads=0", &copies])
    };
    // The write of the database, and the delete.
    copies("").is("latency.max", 2e-3 + 1e-3);
    for acks in ["", ", acks = 1"] {
        let run = copies(&format!(", mode = \"sync\"{acks}"));
        // The replica's word is half a round trip on its way.
        run.is("latency.max", 2e-3 + 1e-3 + 10e-3 + 0.5e-3);
    }
    // One of two is faster than both.
    let uneven = |acks: u32| {
        let copies = format!(
            "tier.cache.replication={{ factor = 3, mode = \"sync\", acks = {acks}, lag = {{ distribution = \"exponential\", mean = \"1ms\" }} }}"
        );
        in_turn(1, &["tier.cache.nodes=1", "workload.reads=0", &copies]).get("latency.mean")
    };
    // The first of two such comes after 0.5 ms on average, the second after 1.5 ms.
    let [first, second] = [uneven(1), uneven(2)];
    assert!((first - 4.0e-3).abs() < 0.1e-3, "{first}");
    assert!((second - 5.0e-3).abs() < 0.2e-3, "{second}");
}

#[test]
fn a_set_that_waits_for_replicas_is_not_acknowledged_if_its_primary_goes_down() {
    // The set of the first request is waited for until 10 s, and the node is down from 5.005 s.
    let slow = "tier.cache.replication={ factor = 2, lag = \"8s\", mode = \"sync\" }";
    let run = crashed(&[slow], "");
    assert!(run.get("requests.in_flight") < 2.0);
    run.is("tier.cache.replication.lost", 0.0);
}
