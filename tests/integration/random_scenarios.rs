//! Whatever a valid scenario says: it runs without a panic, keeps the laws, and does so twice.

use std::fmt::Write;
use std::path::Path;

use cachesim::eviction::PolicySpec;
use cachesim::metrics::Traced;
use cachesim::scenario::{self, Overrides};
use proptest::prelude::*;
use proptest::sample::select;

use crate::request_traces::{is_nested, traced};
use crate::world::{Run, plan, run};

/// A time as a scenario has it: none, fixed, or of a distribution, up to `most_us` or so.
fn time(most_us: u32) -> impl Strategy<Value = String> {
    let fixed = (1..=most_us).prop_map(|us| format!("\"{us}us\""));
    let exponential = (1..=most_us)
        .prop_map(|us| format!("{{ distribution = \"exponential\", mean = \"{us}us\" }}"));
    let lognormal = (1..=most_us, 2..30u32).prop_map(|(us, factor)| {
        let p99 = us * factor;
        format!("{{ distribution = \"lognormal\", median = \"{us}us\", p99 = \"{p99}us\" }}")
    });
    prop_oneof![Just("\"0s\"".to_owned()), fixed, exponential, lognormal]
}

fn arrivals() -> impl Strategy<Value = String> {
    let open = (select(vec!["poisson", "constant"]), 1..3000u32)
        .prop_map(|(process, rate)| format!("{{ process = \"{process}\", rate = \"{rate}/s\" }}"));
    let closed = (1..30u32, 1..20_000u32).prop_map(|(users, us)| {
        format!("{{ process = \"closed\", users = {users}, think = \"{us}us\" }}")
    });
    let bursts = (1..5000u32, 1..50u32).prop_map(|(rate, on_ms)| {
        let off = "{ distribution = \"exponential\", mean = \"20ms\" }";
        format!("{{ process = \"on-off\", rate = \"{rate}/s\", on = \"{on_ms}ms\", off = {off} }}")
    });
    prop_oneof![4 => open, 1 => closed, 1 => bursts]
}

fn keys() -> impl Strategy<Value = String> {
    let zipf = (1..500u32, 0..20u32).prop_map(|(count, exponent)| {
        let exponent = f64::from(exponent) / 10.0;
        format!("{{ distribution = \"zipf\", count = {count}, exponent = {exponent} }}")
    });
    let other = (select(vec!["uniform", "sequential"]), 1..500u32)
        .prop_map(|(name, count)| format!("{{ distribution = \"{name}\", count = {count} }}"));
    let latest = (1..500u32).prop_map(|count| {
        format!("{{ distribution = \"latest\", count = {count}, exponent = 1 }}")
    });
    prop_oneof![zipf, other, latest]
}

fn limit(most: u32) -> impl Strategy<Value = String> {
    let some = (0..most).prop_map(|limit| limit.to_string());
    prop_oneof![Just("\"unlimited\"".to_owned()), some]
}

fn policies() -> Vec<String> {
    let in_tiers = PolicySpec::all().filter(|policy| !policy.description().replay_only);
    in_tiers.map(|policy| policy.to_string()).collect()
}

prop_compose! {
    fn capacity()(unit in select(vec![" entries", "KiB"]), many in 1..100u32) -> String {
        format!("\"{many}{unit}\"")
    }
}

prop_compose! {
    fn ttl()(
        base_ms in 1..500u32,
        sliding: bool,
        jitter in select(vec!["0", "0.3", "0.99", "\"+0..0.5\""]),
        never in prop::bool::weighted(0.2),
        revalidate_ms in select(vec![0, 0, 50, 500]),
        error_ms in select(vec![0, 0, 50, 500]),
    ) -> String {
        if never {
            NEVER.to_owned()
        } else {
            format!(
                "{{ base = \"{base_ms}ms\", sliding = {sliding}, jitter = {jitter}, \
                 stale_while_revalidate = \"{revalidate_ms}ms\", stale_if_error = \"{error_ms}ms\" }}"
            )
        }
    }
}

const NEVER: &str = "\"never\"";

/// The parts of a tier that must fit together.
#[derive(Clone, Debug)]
struct Truth {
    scope: &'static str,
    read: &'static str,
    write: String,
    refreshes: bool,
    /// Mechanisms by name, with their parameters.
    mechanisms: Vec<(&'static str, String)>,
    defence: String,
    ttl: String,
}

impl Truth {
    /// The same without what a scenario would be refused for.
    fn mended(mut self) -> Self {
        let expires = self.ttl != NEVER;
        let raises_versions = [
            "\"invalidate",
            "\"double-delete",
            "\"around\", delete = true",
        ]
        .iter()
        .any(|write| self.write.starts_with(write));
        self.refreshes &= expires && !self.ttl.contains("sliding = true");
        let (scope, read) = (self.scope, self.read);
        self.mechanisms.retain(|(name, _)| match *name {
            "pub-sub" => scope == "instance",
            "change-capture" => scope != "client",
            "versioned-keys" => scope == "global" && read == "aside" && raises_versions,
            "etag" => expires,
            _ => true,
        });
        let loads_by_itself = read == "through";
        let versioned = self
            .mechanisms
            .iter()
            .any(|(name, _)| *name == "versioned-keys");
        let sliding = self.ttl.contains("sliding = true");
        let is_refused = |defence: &str| {
            let says = |name: &str| defence.contains(name);
            says("lease") && loads_by_itself
                || says("lock\"") && (loads_by_itself || scope != "global")
                || says("warm-up") && (scope == "client" || versioned)
                || (says("early") || says("buddy")) && (!expires || sliding)
                || (says("stale") && !expires)
                || says("stale-while") && !self.ttl.contains("stale_while_revalidate = \"0ms\"")
                || says("buddy") && self.refreshes
        };
        if is_refused(&self.defence) {
            self.defence = "\"single-flight\"".to_owned();
        }
        self
    }

    fn text(&self) -> String {
        let mechanisms: Vec<String> = self
            .mechanisms
            .iter()
            .map(|(name, parameters)| format!("{{ kind = \"{name}\"{parameters} }}"))
            .collect();
        let refresh = if self.refreshes {
            "{ hits_min = 0 }"
        } else {
            "\"none\""
        };
        format!(
            "scope = \"{}\"\npattern = {{ read = \"{}\", write = {}, refresh = {refresh} }}\n\
             invalidation = [{}]\ndefence = {}\nttl = {}\n",
            self.scope,
            self.read,
            self.write,
            mechanisms.join(", "),
            self.defence,
            self.ttl,
        )
    }
}

fn write_pattern() -> impl Strategy<Value = String> {
    let plain = select(vec!["\"invalidate\"", "\"update\"", "\"through\""]).prop_map(str::to_owned);
    let around = any::<bool>().prop_map(|delete| format!("\"around\", delete = {delete}"));
    let double = (0..200u32).prop_map(|ms| format!("\"double-delete\", wait = \"{ms}ms\""));
    let behind =
        (1..100u32, 1..10u32, 1..5u32, any::<bool>()).prop_map(|(ms, batch, writers, log)| {
            format!(
                "\"behind\", flush = \"{ms}ms\", batch = {batch}, writers = {writers}, log = {log}"
            )
        });
    prop_oneof![plain, around, double, behind]
}

fn mechanisms() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let bus = (time(20_000), 0..4u32, 0..4u32, select(vec![0, 1, 20])).prop_map(
        |(delay, loss, duplicates, batch_ms)| {
            let [loss, duplicates] = [loss, duplicates].map(|quarters| f64::from(quarters) / 4.0);
            format!(
                ", delay = {delay}, loss = {loss}, duplicates = {duplicates}, batch = \"{batch_ms}ms\""
            )
        },
    );
    let feed = time(50_000).prop_map(|lag| format!(", lag = {lag}"));
    let versions = (0..500u32).prop_map(|ms| format!(", tombstone = \"{ms}ms\""));
    let etag = (0..500u32, time(5000))
        .prop_map(|(ms, time)| format!(", keep = \"{ms}ms\", service_time = {time}"));
    (bus, feed, versions, etag, 0..64u32).prop_map(|(bus, feed, versions, etag, chosen)| {
        let all = [
            ("pub-sub", bus),
            ("change-capture", feed),
            ("compare-and-set", versions),
            ("etag", etag),
            ("versioned-keys", String::new()),
            ("tags", String::new()),
        ];
        let chosen = all
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| chosen >> bit & 1 == 1);
        chosen.map(|(_, mechanism)| mechanism).collect()
    })
}

fn defence() -> impl Strategy<Value = String> {
    let named = select(vec![
        "\"none\"",
        "\"single-flight\"",
        "[\"single-flight\", \"serve-stale-if-locked\"]",
        "[\"coalesce\", \"early-expiration\", \"single-flight\"]",
        "[\"stale-while-revalidate\", { kind = \"early-expiration\", background = true }]",
        "[{ kind = \"early-expiration\", variant = \"linear\" }, { kind = \"warm-up\", rate = \"1k/s\" }]",
        "{ kind = \"buddy\", ahead = \"1us\", hits_min = 0 }",
    ])
    .prop_map(str::to_owned);
    let lock = (1..200u32, 1..50u32, 0..5u32, 0..4u32, 0..24u32).prop_map(
        |(ttl, retry, retries, dies, more)| {
            let give_up = ["query", "serve-stale", "fail"][more as usize % 3];
            let fencing = more / 3 % 2 == 1;
            let dies = f64::from(dies) / 8.0;
            let beside = [
                "",
                ", \"single-flight\"",
                ", \"early-expiration\"",
                ", { kind = \"stale-while-revalidate\", window = \"20ms\" }, \"serve-stale-if-locked\"",
            ][more as usize / 6];
            format!(
                "[{{ kind = \"lock\", ttl = \"{ttl}ms\", retry = \"{retry}ms\", retries = {retries}, \
                 give_up = \"{give_up}\", fencing = {fencing}, holder_dies = {dies} }}{beside}]"
            )
        },
    );
    let lease = (1..500u32, 1..50u32, 0..500u32).prop_map(|(token, retry, stale)| {
        format!(
            "{{ kind = \"lease\", token_ttl = \"{token}ms\", retry = \"{retry}ms\", stale = \"{stale}ms\" }}"
        )
    });
    prop_oneof![3 => named, 1 => lease, 2 => lock]
}

prop_compose! {
    fn truth()(
        scope in select(vec!["global", "global", "instance", "client"]),
        read in select(vec!["aside", "through"]),
        write in write_pattern(),
        refreshes: bool,
        mechanisms in mechanisms(),
        defence in defence(),
        ttl in ttl(),
    ) -> String {
        Truth { scope, read, write, refreshes, mechanisms, defence, ttl }.mended().text()
    }
}

const CHUNKS: &str = "chunking = { size = \"1KiB\", parallel = 2 }";
const COPIES: &str =
    "hot_keys = { copies = 4, top = 1, detect = { threshold = \"50/s\", cool_down = \"20ms\" } }";
const PIN: &str = "hot_keys = { pin = \"30ms\", detect = { threshold = \"20/s\" } }";

/// What is done about big values and hot keys, if it fits the rest of a tier.
fn fitting(cure: &str, tier: &str, nodes: u32) -> String {
    let says = |what: &str| tier.contains(what);
    let app_conducts =
        says("read = \"aside\"") && !says("write = \"through\"") && !says("write = \"behind\"");
    let fits = match cure {
        CHUNKS => app_conducts && !says("lease") && !says("fencing = true"),
        COPIES => {
            let has_one_key = !says("versioned-keys") && !says("change-capture");
            app_conducts && has_one_key && nodes > 1 && says("scope = \"global\"")
        }
        PIN => says("scope = \"instance\""),
        _ => true,
    };
    if fits { cure.to_owned() } else { String::new() }
}

/// Promises to sessions.
fn promises() -> impl Strategy<Value = String> {
    let all = vec![
        "\"session-token\"",
        "{ kind = \"bypass-after-write\", window = \"30ms\" }",
        "{ kind = \"bounded-staleness\", max_staleness = \"50ms\" }",
        "{ kind = \"pin-to-primary\", window = \"30ms\" }",
    ];
    prop::sample::subsequence(all, 0..=4).prop_map(|some| format!("[{}]", some.join(", ")))
}

/// A timeline for the database, which has two replicas or none.
fn database_events() -> impl Strategy<Value = String> {
    let actions = vec![
        "\"crash\"",
        "\"crash\", restart_after = \"20ms\"",
        "\"restart\"",
        "\"slow\", factor = 3.0, for = \"30ms\"",
        "\"slow\", plus = \"1ms\"",
        "\"pause\", for = \"15ms\"",
        "\"lose-connections\", reconnect = \"5ms\"",
        "\"replica-lag\", lag = \"1s\", for = \"40ms\"",
        "\"replica-lag\", factor = 5.0",
        "\"partition\", for = \"30ms\", notice = \"5ms\"",
        "\"network\", delay = \"2ms\", loss = 0.1, notice = \"5ms\"",
    ];
    let targets = vec![
        "database",
        "database",
        "database.replica.0",
        "database.replica.1",
    ];
    let event = (0..400u32, select(actions), select(targets)).prop_map(|(ms, action, target)| {
        format!("{{ at = \"{ms}ms\", action = {action}, target = \"{target}\" }}")
    });
    prop::collection::vec(event, 0..=4).prop_map(|events| events.join(", "))
}

/// Replicas and memory of the database; for events, always two replicas.
fn servers() -> impl Strategy<Value = (String, String)> {
    let replicas = (
        select(vec![
            "primary",
            "any",
            "replicas",
            "nearest\", mode = \"sync",
        ]),
        time(50_000),
        select(vec![
            "\"none\"",
            "{ detection = \"5ms\", promotion = \"5ms\" }",
            "{ detection = \"0s\", promotion = \"0s\" }",
        ]),
        database_events(),
    );
    let replicas = replicas.prop_map(|(reads, lag, failover, events)| {
        let replicas = format!(
            "replicas = {{ count = 2, connections = 5, reads = \"{reads}\", lag = {lag}, failover = {failover} }}\n"
        );
        (replicas, events)
    });
    let pool = (1..50u32, select(policies()), 1..9u32, time(2000)).prop_map(
        |(pages, eviction, rows, disk)| {
            format!(
                "buffer_pool = {{ capacity = \"{pages} pages\", eviction = \"{eviction}\", rows_per_page = {rows}, disk_time = {disk} }}\n"
            )
        },
    );
    let pool = prop_oneof![Just(String::new()), pool];
    let alone = Just((String::new(), String::new()));
    (prop_oneof![alone, replicas], pool)
        .prop_map(|((replicas, events), pool)| (replicas + &pool, events))
}

/// A timeline for so many tiers.
fn events(tiers: usize) -> impl Strategy<Value = Vec<String>> {
    let actions = vec![
        "\"crash\"",
        "\"crash\", restart_after = \"20ms\"",
        "\"crash\", restart_after = \"30ms\", warm = true",
        "\"resize\", nodes = 1",
        "\"resize\", nodes = 6",
        "\"resize\", nodes = 3, move = true, rate = \"2k/s\"",
        "\"restart\"",
        "\"purge\"",
        "\"lose-deletes\", share = 0.5, for = \"50ms\"",
        "\"expire\", top = 5",
        "\"expire\", first = 0, last = 99",
        "\"clock-skew\", ahead = \"20ms\", for = \"50ms\"",
        "\"clock-skew\", behind = \"1h\", from = \"app.instance.0\"",
        "\"bus-outage\", for = \"50ms\"",
        "\"bus-outage\", for = \"50ms\", keep = true",
        "\"partition\", for = \"30ms\", notice = \"5ms\"",
        "\"partition\", for = \"30ms\", from = \"app.instance.0\"",
        "\"network\", delay = \"2ms\", loss = 0.1, notice = \"5ms\"",
        "\"deploy\", restart = \"5ms\", pause = \"1ms\", at_a_time = 2",
        "\"crash\", restart_after = \"20ms\", target = \"app.instance.0\"",
        "\"crash\", restart_after = \"20ms\", target = \"app\"",
        "\"restart\", target = \"app\"",
    ];
    let event = (0..400u32, select(actions), 0..tiers.max(1)).prop_map(|(ms, action, tier)| {
        if action.contains("deploy") || action.contains("target") {
            return format!("{{ at = \"{ms}ms\", action = {action} }}");
        }
        format!("{{ at = \"{ms}ms\", action = {action}, target = \"tier.tier-{tier}\" }}")
    });
    let most = if tiers == 0 { 0 } else { 4 };
    prop::collection::vec(event, 0..=most)
}

/// Whether what is done to a tier is something that it has.
fn happens_to(event: &str, tiers: &[String]) -> bool {
    let (_, number) = event.split_once("tier.tier-").unwrap_or_default();
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    let Some(tier) = number
        .parse()
        .ok()
        .and_then(|number: usize| tiers.get(number))
    else {
        return true;
    };
    (!event.contains("clock-skew") || !tier.contains(&format!("ttl = {NEVER}")))
        && (!event.contains("bus-outage") || tier.contains("pub-sub"))
}

/// A scheme, and what happens among nodes that are shared.
#[derive(Clone, Debug)]
struct Members {
    scheme: &'static str,
    text: String,
}

impl Members {
    /// The same without what a scenario would be refused for beside `truth`.
    fn mended(mut self, truth: &str) -> String {
        let is_global = truth.contains("scope = \"global\"");
        let needs_a_node = [
            "\"through\"",
            "\"behind\"",
            "lease",
            "lock\"",
            "buddy",
            "versioned",
            "hits_min",
        ];
        let is_placed = needs_a_node.iter().any(|word| truth.contains(word));
        let chooses = ["random", "replicated-all", "bounded-load"].contains(&self.scheme);
        if chooses && (!is_global || is_placed || self.text.contains("replication = {")) {
            self.scheme = "ring";
        }
        if !is_global {
            self.text.clear();
        }
        let scheme = match self.scheme {
            "dumb" => "{ scheme = \"slots\", client = \"dumb\" }".to_owned(),
            scheme => format!("\"{scheme}\""),
        };
        format!("placement = {scheme}\n{}", self.text)
    }
}

prop_compose! {
    fn members()(
        scheme in select(vec![
            "ring", "ring", "modulo", "slots", "dumb", "jump", "rendezvous", "bounded-load", "random",
            "replicated-all",
        ]),
        reads in select(vec!["", "primary", "any", "nearest"]),
        factor in 2..4u32,
        mode in select(vec!["", ", mode = \"sync\"", ", mode = \"sync\", acks = 1"]),
        lag in time(20_000),
        promotion in time(20_000),
        is_watched: bool,
        gutter in select(vec!["\"none\"", "\"none\"", "{}", "{ nodes = 2, ttl = \"20ms\" }"]),
        while_down in select(vec![
            "\"fall-through\"",
            "{ kind = \"fall-through\", notice = \"5ms\" }",
            "\"error\"",
            "{ kind = \"timeout\", notice = \"10ms\" }",
        ]),
    ) -> Members {
        let mut text = format!("gutter = {gutter}\nwhile_down = {while_down}\n");
        if !reads.is_empty() {
            text += &format!(
                "replication = {{ factor = {factor}, reads = \"{reads}\", lag = {lag}{mode}, \
                 promotion = {promotion}, between_zones = \"1ms\" }}\n"
            );
            if is_watched {
                text += "detection = { interval = \"5ms\", timeout = \"10ms\", quorum = 1 }\n";
            }
        }
        Members { scheme, text }
    }
}

prop_compose! {
    fn tier()(
        nodes in 1..5u32,
        capacity in capacity(),
        eviction in select(policies()),
        truth in truth(),
        negative in select(vec!["none", "none", "1ms", "50ms"]),
        delete_failure in select(vec!["0", "0.5", "1"]),
        sweep in select(vec!["\"none\"", "{}", "{ interval = \"5ms\", sample = 3 }"]),
        members in members(),
        network in time(2000),
        workers in 1..4u32,
        service in time(2000),
        queue_limit in limit(20),
        (discipline, guards) in (discipline(), guards()),
        connections in select(vec!["\"unlimited\"", "1", "{ most = 2, queue_limit = 3 }"]),
        (cure, bandwidth) in (
            select(vec!["", "fields = { count = 4 }", CHUNKS, COPIES, PIN]),
            select(vec!["unlimited", "1MB/s", "100MB/s"]),
        ),
    ) -> String {
        let cure = fitting(cure, &truth, nodes);
        let members = members.mended(&truth);
        // There are none to what is not shared.
        let is_apart = ["\"instance\"", "\"client\""].iter().any(|scope| truth.contains(&format!("scope = {scope}")));
        let connections = if is_apart { "\"unlimited\"" } else { connections };
        format!(
            "nodes = {nodes}\ncapacity = {capacity}\neviction = \"{eviction}\"\n{truth}{cure}\n\
             negative = \"{negative}\"\ndelete_failure = {delete_failure}\n\
             sweep = {sweep}\n{members}network = {network}\n\
             service = {{ workers = {workers}, time = {service}, queue_limit = {queue_limit}, \
             bandwidth = \"{bandwidth}\", discipline = {discipline} }}\n\
             guards = {guards}\nconnections = {connections}\n"
        )
    }
}

/// What clients do beside waiting.
fn client() -> impl Strategy<Value = String> {
    let patience = vec!["never", "1ms", "5ms", "50ms"];
    let retries = vec![
        "\"none\"",
        "1",
        "{ count = 3, backoff = { base = \"2ms\", jitter = \"equal\" } }",
        "{ count = 2, backoff = { base = \"1ms\", jitter = \"decorrelated\" }, budget = 0.2 }",
        "{ count = 2, writes = false, budget = { ratio = 0.5, reserve = 1 } }",
    ];
    let hedges = vec!["\"none\"", "{ after = \"2ms\" }", "{ quantile = 0.5 }"];
    let abandoned = vec!["finish", "stop", "cancel"];
    let all = (
        select(patience),
        select(retries),
        select(hedges),
        select(abandoned),
        any::<bool>(),
    );
    all.prop_map(|(timeout, retries, hedge, abandoned, has_deadline)| {
        let deadline = if has_deadline { "60ms" } else { "never" };
        format!(
            "deadline = \"{deadline}\"\ntimeout = \"{timeout}\"\nretries = {retries}\n\
             hedge = {hedge}\nabandoned = \"{abandoned}\"\n"
        )
    })
}

/// What stands before a tier or the database.
fn guards() -> impl Strategy<Value = String> {
    let all = vec![
        "{ kind = \"breaker\", failures = 0.3, calls_min = 3, slow = \"5ms\", window = \"20ms\", open_for = \"5ms\", probes = 2 }",
        "{ kind = \"rate-limit\", rate = \"500/s\" }",
        "{ kind = \"bulkhead\", calls = 3 }",
        "{ kind = \"aimd-limit\", latency = \"5ms\" }",
        "{ kind = \"gradient-limit\", initial = 3 }",
    ];
    prop::sample::subsequence(all, 0..=5).prop_map(|some| format!("[{}]", some.join(", ")))
}

/// Whom a queue serves next.
fn discipline() -> impl Strategy<Value = &'static str> {
    select(vec![
        "\"fifo\"",
        "{ kind = \"lifo\", interval = \"5ms\" }",
        "{ kind = \"codel\", target = \"1ms\", interval = \"5ms\" }",
        "{ kind = \"codel-lifo\", target = \"0s\", interval = \"2ms\" }",
    ])
}

prop_compose! {
    fn database()(
        discipline in discipline(),
        guards in guards(),
        connections in 1..50u32,
        queue_limit in limit(50),
        service in time(20_000),
        write_service in time(20_000),
        slowdown in 0..4u32,
        timeout in select(vec!["never", "1ns", "5ms", "50ms"]),
        network in time(2000),
    ) -> String {
        format!(
            "discipline = {discipline}\nguards = {guards}\n\
             connections = {connections}\nqueue_limit = {queue_limit}\nservice_time = {service}\n\
             write_service_time = {write_service}\nslowdown = {slowdown}\n\
             timeout = \"{timeout}\"\nnetwork = {network}\n"
        )
    }
}

prop_compose! {
    fn scenarios()(
        seed: u64,
        duration_ms in 1..600u32,
        warm_up_share in 0..10u32,
        drain: bool,
        arrivals in arrivals(),
        keys in keys(),
        reads in 0..=4u32,
        size in select(vec!["\"0B\"", "\"1KiB\"", "{ distribution = \"exponential\", mean = \"2KiB\" }"]),
        instances in 1..5u32,
        big in select(vec!["", "big_keys = { count = 2, size = \"5KiB\", share = 0.2 }\n"]),
        sessions in select(vec!["", "sessions = { count = 3, own_reads = 0.4 }\nfresh_reads = 0.1\n"]),
        absent in select(vec!["", "absent = { share = 0.3, keys = 5, creates = 0.2 }\n", "deletes = 0.3\n"]),
        page in select(vec![
            "",
            "",
            "page = 4\n",
            "page = { keys = 4, mode = \"sequence\" }\n",
            "page = { keys = { distribution = \"exponential\", mean = 3 }, multi_get = true }\n",
            "page = { keys = 5, mode = \"sequence\", multi_get = true }\n",
            "page = { keys = 5, multi_get = true, batch_misses = true }\n",
        ]),
        bloom_filter in select(vec![
            "\"none\"",
            "\"none\"",
            "0.1",
            "{ false_positives = 0.3, rebuild = \"50ms\", learns = \"own\" }",
            "{ false_positives = 0.01, lag = \"5ms\" }",
        ]),
        crowd in select(vec![
            "",
            "",
            "{ at = \"20ms\", action = \"flood\", rate = \"2k/s\", for = \"50ms\", keys = 20 }",
            "{ at = \"20ms\", action = \"popularity-shift\", for = \"50ms\" }",
            "{ at = \"10ms\", action = \"surge\", times = 3, for = \"50ms\" }",
            "{ at = \"10ms\", action = \"surge\", times = 3, for = \"50ms\", rank = 1 }",
            "{ at = \"10ms\", action = \"lull\", times = 0.4, for = \"50ms\" }",
        ]),
        dependents in select(vec!["0", "3", "{ distribution = \"exponential\", mean = 5 }"]),
        (tiers, events) in prop::collection::vec(tier(), 0..4)
            .prop_flat_map(|tiers| { let events = events(tiers.len()); (Just(tiers), events) }),
        promises in promises(),
        (client, database) in (client(), database()),
        (servers, database_events) in servers(),
    ) -> String {
        let events: Vec<String> = events.into_iter().filter(|it| happens_to(it, &tiers)).collect();
        let all = [events.join(", "), database_events];
        let some: Vec<String> = all.into_iter().filter(|it| !it.is_empty()).collect();
        let events = some.join(", ");
        // Who has no identity cannot be promised anything that depends on it.
        let promises = if sessions.is_empty() { "[]" } else { &promises };
        // Keys are looked up together by an app that conducts, under the keys of the rows.
        let conducts = tiers.first().is_some_and(|tier| {
            tier.contains("read = \"aside\"") && !tier.contains("versioned-keys")
        });
        let page = match conducts {
            true => page.to_owned(),
            false => page.replace(", multi_get = true", "").replace(", batch_misses = true", ""),
        };
        // Clients who do more than wait ask for each key by itself.
        let client = if page.contains("multi_get") { String::new() } else { client };
        // Users who wait have no rate that could surge, or fall.
        let needs_rate = crowd.contains("surge") || crowd.contains("lull");
        let crowd = if arrivals.contains("closed") && needs_rate { "" } else { crowd };
        let events = [&events, crowd].into_iter().filter(|it| !it.is_empty());
        let events = events.collect::<Vec<_>>().join(", ");
        let warmup_us = duration_ms * 100 * warm_up_share;
        let writes_behind = tiers.iter().any(|tier| tier.contains("\"behind\""));
        let dependents = if writes_behind { "0" } else { dependents };
        let mut text = format!(
            "seed = {seed}\nduration = \"{duration_ms}ms\"\nwarmup = \"{warmup_us}us\"\n\
             drain = {drain}\nevent = [{events}]\n[workload]\narrivals = {arrivals}\nkeys = {keys}\n\
             {big}{sessions}{absent}{page}dependents = {dependents}\n\
             reads = {}\nvalue_size = {size}\n[client]\n{client}[app]\ninstances = {instances}\nbloom_filter = {bloom_filter}\npromises = {promises}\n",
            f64::from(reads) / 4.0,
        );
        for (number, tier) in tiers.iter().enumerate() {
            // Tags are refused where nothing depends on anything.
            let tier = if dependents == "0" {
                tier.replace(", { kind = \"tags\" }", "").replace("{ kind = \"tags\" }", "")
            } else {
                tier.clone()
            };
            write!(text, "[[tier]]\nname = \"tier-{number}\"\n{tier}").expect("a text grows");
        }
        text + "[database]\n" + &database + &servers
    }
}

proptest! {
    #[test]
    fn any_valid_scenario_runs_keeps_the_laws_and_does_so_twice(text in scenarios()) {
        let first = run(&text, &[]);
        first.keeps_the_laws();
        // The second time with every request traced, which must change nothing.
        let (again, requests) = traced(&plan(&text, &[]), Traced::First(u64::MAX));
        prop_assert_eq!(first.digest(), Run(again).digest());
        requests.iter().for_each(is_nested);
        let drained = text.contains("drain = true");
        prop_assert!(!drained || first.get("requests.in_flight") == 0.0);
    }

    #[test]
    fn the_resolved_scenario_gives_the_same_outcome(text in scenarios()) {
        let study = crate::world::study(&text, &[]);
        let resolved = toml::to_string(&study.resolved).expect("it can be written as TOML");
        let again = scenario::load_text(Path::new("again.toml"), &resolved, &Overrides::default());
        let again = again.unwrap_or_else(|errors| panic!("{resolved}\n{errors:?}"));
        let runs = [&study, &again].map(|study| crate::world::run_plan(&study.variants[0].plan, 0));
        prop_assert_eq!(runs[0].digest(), runs[1].digest());
    }
}
