//! Whatever two things happen at once or one after the other: nothing panics, and the laws hold.

use cachesim::fault::ACTIONS;
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::run;

/// Two regions, copies in each of three processes with a bus between them, a shared tier, and a database
/// with replicas. 40 requests in all.
const WORLD: &str = r#"
duration = "100ms"
region   = [{ name = "eu", share = 0.6 }, { name = "us", share = 0.4 }]
link     = [{ between = ["eu", "us"], round_trip = "2ms" }]
[workload]
arrivals = "400/s"
keys     = { distribution = "zipf", count = 8, exponent = 0.9 }
reads    = 0.7
[app]
instances = 3
[[tier]]
name         = "near"
scope        = "instance"
capacity     = "6 entries"
ttl          = { base = "20ms", stale_if_error = "30ms" }
network      = "0s"
invalidation = [{ kind = "pub-sub", delay = "1ms" }]
[[tier]]
name     = "far"
nodes    = 2
capacity = "6 entries"
region   = "eu"
ttl      = "50ms"
network  = "500us"
service  = { workers = 1, time = "300us", queue_limit = 5 }
[database]
connections  = 4
queue_limit  = 10
service_time = { distribution = "exponential", mean = "3ms" }
region       = "eu"
replicas     = { count = 2, connections = 2, reads = "any", lag = "4ms", failover = { detection = "5ms", promotion = "5ms" }, regions = ["eu", "us"] }
"#;

/// What makes a difference to what an event does, each setting for itself.
const TRAITS: &[&[&str]] = &[
    &[],
    &["tier.far.pattern=through"],
    &["tier.far.pattern={ read = 'through', write = 'behind', flush = '7ms', log = true }"],
    &["tier.near.pattern={ read = 'aside', write = 'double-delete', wait = '5ms' }"],
    &["tier.near.defence=['single-flight', 'coalesce']"],
    &["tier.far.defence={ kind = 'lock', ttl = '10ms', retry = '1ms', retries = 20 }"],
    &["tier.far.defence={ kind = 'lease', token_ttl = '10ms', retry = '1ms' }"],
    &["tier.near.ttl={ base = '10ms', stale_while_revalidate = '50ms' }"],
    &["tier.far.defence={ kind = 'warm-up', rate = '1k/s' }"],
    &["tier.near.defence={ kind = 'warm-up', rate = '1k/s' }"],
    &[
        "tier.far.replication={ factor = 2, reads = 'any', lag = '2ms' }",
        "tier.far.while_down={ kind = 'timeout', notice = '3ms' }",
    ],
    &[
        "tier.far.gutter={ nodes = 1, ttl = '5ms' }",
        "tier.far.while_down={ kind = 'fall-through', notice = '3ms' }",
    ],
    &["tier.far.placement=slots"],
    &["tier.far.placement=bounded-load"],
    &["tier.far.hot_keys={ copies = 3, top = 2 }"],
    &["tier.near.hot_keys={ pin = '10ms', top = 2 }"],
    &["tier.far.invalidation=['versioned-keys']"],
    &["tier.far.invalidation=['change-capture', 'compare-and-set']"],
    &["tier.near.invalidation=[{ kind = 'pub-sub', delay = '1ms', batch = '4ms' }]"],
    &["tier.far.guards=[{ kind = 'breaker', window = '20ms', open_for = '5ms', calls_min = 3 }]"],
    &["database.guards=[{ kind = 'aimd-limit', latency = '5ms' }]"],
    &["database.timeout=8ms"],
    &[
        "client.timeout=6ms",
        "client.retries=2",
        "client.hedge={ after = '4ms' }",
    ],
    &["client.timeout=6ms", "client.abandoned=cancel"],
    &["workload.page=3"],
    &[
        "workload.sessions={ count = 3, own_reads = 0.4 }",
        "app.promises=['session-token']",
    ],
];

/// How each action is written, for each kind of target that it has.
fn examples(action: &str) -> &'static [&'static str] {
    match action {
        "crash" => &[
            "target = 'tier.near'",
            "target = 'tier.near', restart_after = '10ms', warm = true",
            "target = 'tier.far.node.0', restart_after = '10ms'",
            "target = 'database', restart_after = '15ms'",
            "target = 'database.replica.0'",
            "target = 'app', restart_after = '10ms'",
            "target = 'app.instance.0'",
            "target = 'app.instance.1', restart_after = '5ms', warm = true",
        ],
        "restart" => &[
            "target = 'tier.near'",
            "target = 'tier.far.node.0'",
            "target = 'database'",
            "target = 'database.replica.0'",
            "target = 'app'",
            "target = 'app.instance.0'",
        ],
        "surge" => &[
            "times = 3, for = '20ms'",
            "times = 5, for = '20ms', rank = 1",
        ],
        "lull" => &["times = 0, for = '20ms'", "times = 0.3, for = '50ms'"],
        "flood" => &["rate = '300/s', for = '30ms', keys = 5"],
        "popularity-shift" => &["for = '20ms'", "share = 0.1"],
        "resize" => &[
            "target = 'tier.far', nodes = 1",
            "target = 'tier.far', nodes = 4, move = true, rate = '500/s'",
            "target = 'tier.near', nodes = 2",
        ],
        "purge" => &["target = 'tier.near'", "target = 'tier.far.node.1'"],
        "expire" => &[
            "target = 'tier.near', top = 3",
            "target = 'tier.far.node.0', keys = [0, 3]",
            "target = 'tier.far', first = 0, last = 9",
        ],
        "clock-skew" => &[
            "target = 'tier.far', ahead = '1h', for = '30ms'",
            "target = 'tier.far.node.0', behind = '10ms', from = 'app.instance.0'",
            "target = 'tier.near', ahead = '15ms', from = 'region.us'",
        ],
        "lose-deletes" => &["target = 'tier.far', share = 0.5, for = '30ms'"],
        "bus-outage" => &[
            "target = 'tier.near', for = '25ms'",
            "target = 'tier.near', for = '25ms', keep = true",
            "target = 'tier.near'",
        ],
        "network" => &[
            "target = 'tier.far', delay = '3ms', for = '30ms'",
            "target = 'database', loss = 0.4, notice = '5ms', for = '40ms'",
            "target = 'tier.far.node.1', loss = 0.5, notice = '2ms', from = 'app.instance.1'",
            "target = 'region.us', delay = { distribution = 'exponential', mean = '2ms' }, for = '50ms'",
        ],
        "partition" => &[
            "target = 'database.replica.1', notice = '5ms', for = '20ms'",
            "target = 'tier.near', notice = '1ms', for = '10ms'",
            "target = 'region.eu', from = 'region.us', notice = '4ms', for = '30ms'",
            "target = 'region.us', notice = '4ms', for = '30ms'",
            "target = 'database', for = '10ms'",
        ],
        "deploy" => &["restart = '5ms', pause = '1ms', at_a_time = 2"],
        "pause" => &[
            "target = 'database', for = '15ms'",
            "target = 'database.replica.0', for = '15ms'",
        ],
        "slow" => &["target = 'database', factor = 4.0, for = '30ms'"],
        "lose-connections" => &["target = 'database', reconnect = '5ms'"],
        "replica-lag" => &["target = 'database', lag = '1s', for = '30ms'"],
        other => panic!("the action {other} is new: give examples of it here"),
    }
}

/// Any action, at any time of the first 80 ms; many at one instant.
fn event() -> impl Strategy<Value = String> {
    let all = ACTIONS.iter().flat_map(|action| {
        let name = action.row.name;
        examples(name)
            .iter()
            .map(move |rest| format!("action = '{name}', {rest}"))
    });
    let at_ms = prop_oneof![Just(20), 0..80u32];
    (at_ms, select(all.collect::<Vec<_>>()))
        .prop_map(|(ms, event)| format!("{{ at = '{ms}ms', {event} }}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn any_two_events_leave_the_laws_as_they_are(
        events in (event(), event()),
        character in select(TRAITS),
        seed in 0..1000u64,
        drain: bool,
    ) {
        let (first, second) = events;
        let settings = [
            format!("event=[{first}, {second}]"),
            format!("seed={seed}"),
            format!("drain={drain}"),
        ];
        let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        settings.extend(character);
        let run = run(WORLD, &settings);
        run.keeps_the_laws();
        prop_assert!(!drain || run.get("requests.in_flight") == 0.0);
    }
}
