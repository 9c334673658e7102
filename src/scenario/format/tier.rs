//! The keys of `[[tier]]`, and what is spelled in them: capacities, policies, jitter.

use crate::defence::DEFENCES;
use crate::eviction::{self, PolicySpec, SpecError};
use crate::invalidation::INVALIDATIONS;
use crate::pattern::{PAIRS, READS, REFRESH, WRITES};
use crate::placement::{SCHEMES, SLOT_CLIENTS, Setting};
use crate::tier::{Capacity, PRESETS, Preset, SCOPES};

use super::super::shape::{Choice, Field, Need, Row, Shape, Spelled, Table, Word};
use super::super::unit::{Count, Misspelt, Plain, Share, Size, Unit, quoted};
use super::parts::{
    ANY_DURATION, ANY_SHARE, NAME, SOME_DURATION, chosen_by, count, discipline, field, guards,
    parameter_field, parameters_table, queue_limit, range, table, word, words,
};
use super::workload::{DURATIONS, some_rate};

pub(super) fn tier() -> Table {
    use Need::{Default, Optional, Required, Unless};
    let mut fields = vec![
        field(
            "name",
            Shape::Spelled(NAME),
            Required,
            "\"redis\"",
            "what metrics and overrides call the tier; letters, digits, `-` and `_`; unique",
        ),
        field(
            "preset",
            Shape::Words(PRESETS.iter().map(preset).collect()),
            Optional,
            "\"redis\"",
            "a usual kind of layer: what holds for the keys that are not written",
        ),
        field(
            "pattern",
            Shape::Either(vec![
                Shape::Words(
                    PAIRS
                        .iter()
                        .map(|row| word(row.name, row.summary))
                        .collect(),
                ),
                Shape::Table(pattern()),
            ]),
            Default("\"aside\""),
            "{ read = \"aside\", write = \"invalidate\" }",
            "how the cache is filled and what a write does",
        ),
        field(
            "scope",
            words(
                &SCOPES
                    .iter()
                    .map(|row| (row.name, row.summary))
                    .collect::<Vec<_>>(),
            ),
            Default("\"global\""),
            "\"instance\"",
            "who shares a node",
        ),
        super::regions::home("a tier with `scope = \"global\"`"),
        field(
            "nodes",
            count("1", "10000"),
            Default("1"),
            "3",
            "how many nodes the tier has, or each of those who do not share one",
        ),
        field(
            "capacity",
            Shape::Spelled(CAPACITY),
            Unless("preset"),
            "\"100k entries\"",
            "how much each node holds: entries, bytes, or \"unlimited\"",
        ),
        field(
            "entry_overhead",
            Shape::Quantity(Unit::Size, range("0B", "1GiB")),
            Default("\"0B\""),
            "\"56B\"",
            "bytes that each entry takes beyond its value, where capacity is in bytes",
        ),
        field(
            "eviction",
            Shape::Spelled(EVICTION),
            Default("\"lru\""),
            "\"lru\"",
            "which entry leaves a full node; parameters follow the name, as in \"name:parameter=value\"",
        ),
        field(
            "ttl",
            Shape::Either(vec![
                words(&[("never", "entries do not expire")]),
                Shape::Short("base", Box::new(Shape::Table(ttl()))),
            ]),
            Default("\"never\""),
            "{ base = \"60s\", jitter = 0.1 }",
            "when entries expire",
        ),
        field(
            "negative",
            Shape::Either(vec![
                words(&[(
                    "none",
                    "that there is no row is not stored: whoever asks goes further down",
                )]),
                Shape::Short("ttl", Box::new(Shape::Table(negative()))),
            ]),
            Default("\"none\""),
            "{ ttl = \"5s\" }",
            "negative caching: whether nodes store that there is no such row",
        ),
        field(
            "sweep",
            Shape::Either(vec![
                words(&[(
                    "none",
                    "expired entries stay until they are touched or evicted",
                )]),
                Shape::Table(sweep()),
            ]),
            Default("\"none\""),
            "{ interval = \"100ms\", sample = 20 }",
            "the active sweep for expired entries, as Redis has it",
        ),
        field(
            "placement",
            Shape::Short("scheme", Box::new(Shape::Choice(placement()))),
            Default("{ scheme = \"ring\" }"),
            "{ scheme = \"ring\", virtual_nodes = 150 }",
            "which node holds a key",
        ),
        field(
            "network",
            Shape::Named("durations"),
            Default("{ distribution = \"lognormal\", median = \"0.2ms\", p99 = \"1ms\" }"),
            "\"0.5ms\"",
            "round-trip time between the app and a node: half of it out, half of it back",
        ),
        field(
            "service",
            Shape::Table(service()),
            Default("{}"),
            "{ workers = 1, time = \"10us\" }",
            "how a node serves its requests",
        ),
        field(
            "connections",
            Shape::Either(vec![
                words(&[("unlimited", "each exchange finds one at once")]),
                Shape::Short("most", Box::new(Shape::Table(connections()))),
            ]),
            Default("\"unlimited\""),
            "{ most = 8, queue_limit = 100 }",
            "the pool of connections that each app instance has to each node: an exchange holds one until it is back",
        ),
        field(
            "fields",
            Shape::Either(vec![
                words(&[("whole", "a read gets the whole value")]),
                Shape::Table(fields()),
            ]),
            Default("\"whole\""),
            "{ count = 100, per_read = 2 }",
            "values as a hash of fields, of which a read asks for some only: the others are not sent",
        ),
        field(
            "chunking",
            Shape::Either(vec![
                words(&[("none", "values are stored in one piece")]),
                Shape::Short("size", Box::new(Shape::Table(chunking()))),
            ]),
            Default("\"none\""),
            "{ size = \"1MiB\", parallel = 4 }",
            "large values are stored as several entries, each on the node that its own key hashes to",
        ),
        field(
            "hot_keys",
            Shape::Either(vec![
                words(&[("none", "all keys are treated alike")]),
                Shape::Table(hot_keys()),
            ]),
            Default("\"none\""),
            "{ copies = 10, detect = { threshold = \"5k/s\", cool_down = \"10s\" } }",
            "how keys that are asked for very often are found, and what is done about them",
        ),
        field(
            "delete_failure",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.01",
            "share of the explicit deletes that are lost on their way to the node",
        ),
        field(
            "invalidation",
            Shape::List(
                Box::new(Shape::Short(
                    "kind",
                    Box::new(Shape::Choice(chosen_by(
                        "kind",
                        "the mechanism",
                        INVALIDATIONS,
                    ))),
                )),
                0,
            ),
            Default("[]"),
            "[\"compare-and-set\"]",
            "what keeps copies true beside the TTL and what the write pattern does",
        ),
        field(
            "defence",
            defences(),
            Default("\"none\""),
            "[{ kind = \"lock\", retry = \"10ms\" }, \"jitter\"]",
            "what happens when many requests miss one key together: one defence, or a list of those that go together",
        ),
        field(
            "cacheable",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("1.0"),
            "0.8",
            "share of the rows that the tier may keep at all; reads and writes of the others pass it by",
        ),
        field(
            "personalised",
            Shape::Quantity(Unit::Share, ANY_SHARE),
            Default("0.0"),
            "0.3",
            "share of the rows of which the tier keeps an entry for each session; a write deletes its own session's entry only",
        ),
        field(
            "fill",
            words(&[
                (
                    "inclusive",
                    "what a lower tier or the database gives is kept here too",
                ),
                (
                    "exclusive",
                    "the tier keeps what the one above has evicted and nothing else; a hit moves the entry up",
                ),
            ]),
            Default("\"inclusive\""),
            "\"exclusive\"",
            "whether an entry may be in this tier and the one above at a time",
        ),
        field(
            "promote",
            Shape::Either(vec![
                words(&[
                    ("always", "a hit fills the tiers above"),
                    ("never", "no hit fills the tiers above"),
                ]),
                count("1", "65535"),
            ]),
            Default("\"always\""),
            "2",
            "whether a hit fills the tiers above: always, never, or from so many hits of the entry on",
        ),
    ];
    fields.push(guards());
    fields.extend(super::nodes::fields());
    let mut tier = table(fields);
    tier.presets = PRESETS;
    tier
}

/// A preset with its values, so that the reference shows them.
fn preset(preset: &Preset) -> Word {
    let values = preset.values.iter();
    let values: Vec<String> = values
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    word(
        preset.name,
        &format!("{} ({})", preset.summary, values.join(", ")),
    )
}

/// One defence, or several.
fn defences() -> Shape {
    let one = Shape::Short(
        "kind",
        Box::new(Shape::Choice(chosen_by("kind", "the defence", DEFENCES))),
    );
    Shape::Either(vec![one.clone(), Shape::List(Box::new(one), 1)])
}

pub(super) fn pattern() -> Table {
    let reads = READS
        .iter()
        .map(|row| word(row.name, row.meaning))
        .collect();
    let writes = WRITES
        .iter()
        .map(|row| word(row.name, row.meaning))
        .collect();
    let mut fields = vec![
        field(
            "read",
            Shape::Words(reads),
            Need::Default("\"aside\""),
            "\"aside\"",
            "how a read fills the cache",
        ),
        field(
            "write",
            Shape::Words(writes),
            Need::Default("\"invalidate\""),
            "\"invalidate\"",
            "what a write does",
        ),
    ];
    for row in WRITES {
        for parameter in row.parameters {
            let mut of_write = parameter_field(parameter, DURATIONS);
            of_write.meaning = format!("with `write = \"{}\"`: {}", row.name, parameter.meaning);
            fields.push(of_write);
        }
    }
    fields.push(field(
        "refresh",
        Shape::Either(vec![
            words(&[(
                "none",
                "entries are fetched when they have expired and are asked for",
            )]),
            Shape::Table(parameters_table(&REFRESH)),
        ]),
        Need::Default("\"none\""),
        "{ factor = 0.8, hits_min = 1 }",
        "refresh-ahead: entries are fetched anew before they expire",
    ));
    table(fields)
}

pub(super) fn ttl() -> Table {
    use Need::{Default, Required};
    table(vec![
        field(
            "base",
            Shape::Quantity(Unit::Duration, SOME_DURATION),
            Required,
            "\"60s\"",
            "how long an entry lives, counted from the moment its value is stored in the node",
        ),
        field(
            "sliding",
            Shape::Flag,
            Default("false"),
            "true",
            "whether each hit starts it anew",
        ),
        field(
            "jitter",
            Shape::Either(vec![
                Shape::Quantity(Unit::Share, range("0", "0.99")),
                Shape::Spelled(JITTER),
            ]),
            Default("0.0"),
            "0.1",
            "the TTL is multiplied by a uniform draw from [1 - j, 1 + j], or with \"+0..j\" from [1, 1 + j]",
        ),
        field(
            "stale_while_revalidate",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Default("\"0s\""),
            "\"30s\"",
            "for so long after its TTL an entry is served all the same, while one refresh goes on in the background",
        ),
        field(
            "stale_if_error",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Default("\"0s\""),
            "\"1h\"",
            "for so long after its TTL an entry is served if the fetch of a new one fails",
        ),
    ])
}

fn negative() -> Table {
    table(vec![field(
        "ttl",
        Shape::Quantity(Unit::Duration, SOME_DURATION),
        Need::Required,
        "\"5s\"",
        "how long that is stored, counted from the moment it is; hits do not prolong it",
    )])
}

pub(super) fn sweep() -> Table {
    table(vec![
        field(
            "interval",
            Shape::Quantity(Unit::Duration, range("1us", "3650d")),
            Need::Default("\"100ms\""),
            "\"100ms\"",
            "time between two sweeps of a node",
        ),
        field(
            "sample",
            count("1", "1000000"),
            Need::Default("20"),
            "20",
            "entries looked at in one sweep",
        ),
    ])
}

pub(super) fn fields() -> Table {
    table(vec![
        field(
            "count",
            count("1", "1000000"),
            Need::Required,
            "100",
            "fields of a value, all of one size",
        ),
        field(
            "per_read",
            count("1", "1000000"),
            Need::Default("1"),
            "2",
            "fields that a read asks for",
        ),
    ])
}

pub(super) fn chunking() -> Table {
    table(vec![
        field(
            "size",
            Shape::Quantity(Unit::Size, range("1KiB", "1GiB")),
            Need::Required,
            "\"1MiB\"",
            "bytes of a chunk; smaller values are left as they are",
        ),
        field(
            "parallel",
            count("1", "64"),
            Need::Default("4"),
            "4",
            "chunks that a read asks for, or a set sends, at a time",
        ),
    ])
}

pub(super) fn hot_keys() -> Table {
    use Need::{Default, Optional};
    table(vec![
        field(
            "copies",
            count("1", "1000"),
            Default("1"),
            "10",
            "under how many keys a hot row is stored, itself included: a read takes any of them, a write deletes or sets all",
        ),
        field(
            "pin",
            Shape::Quantity(Unit::Duration, SOME_DURATION),
            Optional,
            "\"1s\"",
            "how long a hot row is kept in the process from when it was stored, in place of the TTL; nothing evicts it meanwhile",
        ),
        field(
            "top",
            count("0", "1000"),
            Default("0"),
            "1",
            "so many of the most popular keys are always hot, as in a list made by hand",
        ),
        field(
            "detect",
            Shape::Either(vec![
                words(&[("none", "nodes do not look for hot keys")]),
                Shape::Table(detect()),
            ]),
            Default("\"none\""),
            "{ threshold = \"5k/s\", cool_down = \"10s\" }",
            "how each node finds hot keys by itself",
        ),
    ])
}

pub(super) fn detect() -> Table {
    table(vec![
        field(
            "threshold",
            Shape::Quantity(Unit::Rate, some_rate()),
            Need::Required,
            "\"5k/s\"",
            "a key that a node is asked for so often in a second is hot; copies are counted together",
        ),
        field(
            "cool_down",
            Shape::Quantity(Unit::Duration, ANY_DURATION),
            Need::Default("\"10s\""),
            "\"10s\"",
            "how long it stays hot after that",
        ),
    ])
}

pub(super) fn service() -> Table {
    table(vec![
        field(
            "workers",
            count("1", "1000000"),
            Need::Default("1"),
            "1",
            "requests that a node serves at a time",
        ),
        field(
            "time",
            Shape::Named("durations"),
            Need::Default("\"10us\""),
            "\"10us\"",
            "how long a worker is busy with one request",
        ),
        field(
            "bandwidth",
            Shape::Either(vec![
                words(&[("unlimited", "values take no time on their way")]),
                Shape::Quantity(Unit::Bandwidth, range("1KB/s", "1TB/s")),
            ]),
            Need::Default("\"unlimited\""),
            "\"125MB/s\"",
            "bytes per second of values that a node sends and receives; a worker is busy with a value for as long as it takes, and several share the node's link",
        ),
        queue_limit("requests that may wait at a node; more are refused"),
        discipline(),
    ])
}

fn connections() -> Table {
    table(vec![
        field(
            "most",
            count("1", "1000000"),
            Need::Required,
            "8",
            "how many connections an app instance has to a node",
        ),
        queue_limit(
            "exchanges that may wait for a connection; more are refused, as by a node whose queue is full",
        ),
    ])
}

pub(super) fn placement_setting(setting: &Setting) -> Field {
    use Need::{Default, Optional};
    match setting {
        Setting::VirtualNodes => field(
            "virtual_nodes",
            count("1", "100000"),
            Default("150"),
            "150",
            "points of one node on the ring",
        ),
        Setting::Probes => field(
            "probes",
            count("1", "1000"),
            Default("21"),
            "21",
            "how often a key is hashed",
        ),
        Setting::TableSize => field(
            "table_size",
            count("2", "10000000"),
            Default("65537"),
            "65_537",
            "entries of the table: a prime, and a hundred times the number of nodes or more",
        ),
        Setting::KeysPerTag => field(
            "keys_per_tag",
            count("1", "1000000000"),
            Default("1"),
            "10",
            "neighbouring keys that share a hash tag, and so a slot; 1 for no tags",
        ),
        Setting::Weights => field(
            "weights",
            Shape::List(
                Box::new(Shape::Quantity(Unit::Number, range("0.001", "1000"))),
                1,
            ),
            Optional,
            "[1.0, 1.0, 2.0]",
            "how much of the keys each node is to have, in proportion, one number a node; the same for all if nothing is said",
        ),
        Setting::Epsilon => field(
            "epsilon",
            Shape::Quantity(Unit::Number, range("0.001", "1000")),
            Default("0.25"),
            "0.25",
            "by what share of the mean the load of a node may exceed it: of m requests in flight none of n nodes has more than (1 + epsilon) m / n, rounded up",
        ),
        Setting::Ring => field(
            "ring",
            count("0", "1000000000"),
            Default("0"),
            "7",
            "which of all possible rings: another number throws the points of all nodes anew",
        ),
        Setting::Client => field(
            "client",
            words(
                &SLOT_CLIENTS
                    .iter()
                    .map(|row| (row.name, row.summary))
                    .collect::<Vec<_>>(),
            ),
            Default("\"smart\""),
            "\"dumb\"",
            "who asks the nodes",
        ),
    }
}

pub(super) fn placement() -> Choice {
    let row = |scheme: &crate::placement::Row| Row {
        name: scheme.name,
        meaning: format!("{} ({})", scheme.summary, scheme.source),
        table: table(scheme.settings.iter().map(placement_setting).collect()),
    };
    Choice {
        tag: "scheme",
        tag_meaning: "the scheme that decides",
        rows: SCHEMES.iter().map(row).collect(),
    }
}

pub(super) const CAPACITY: Spelled = Spelled {
    described: "a capacity such as \"100k entries\", \"1GiB\" or \"unlimited\"",
    pattern: r"^\s*(unlimited|\d[\d_]*(\.\d[\d_]*)?\s*([kKMG]?\s*(entries|entry)|B|[kKMGT]B|[KMGT]iB))\s*$",
    examples: &["100k entries", "1GiB", "unlimited"],
    read: |text| {
        read_capacity(text).map(|capacity| match capacity {
            Capacity::Unlimited => "unlimited".into(),
            Capacity::Entries(count) => format!("{count} entries"),
            Capacity::Bytes(bytes) => Size(bytes).to_string(),
        })
    },
};

/// Reads a tier's capacity.
pub(in crate::scenario) fn read_capacity(text: &str) -> Result<Capacity, Misspelt> {
    let text = text.trim();
    let wrong = |message: String| {
        Misspelt {
        message,
        help: "write a number of entries, an amount of memory, or unlimited: \"100k entries\", \"1GiB\", \"unlimited\"".into(),
    }
    };
    if text == "unlimited" {
        return Ok(Capacity::Unlimited);
    }
    if let Some(count) = text
        .strip_suffix("entries")
        .or_else(|| text.strip_suffix("entry"))
    {
        return match Count::parse(count) {
            Ok(Count(0)) => Err(wrong("a node that holds no entry is no cache".into())),
            Ok(Count(count)) if count <= 10_000_000_000 => Ok(Capacity::Entries(count)),
            Ok(Count(count)) => Err(wrong(format!("{count} entries are more than 10G"))),
            Err(misspelt) => Err(wrong(misspelt.message)),
        };
    }
    if Count::parse(text).is_ok() {
        return Err(wrong(format!(
            "{} could be entries or bytes: did you mean \"{text} entries\" or \"{text}B\"",
            quoted(text)
        )));
    }
    match Size::parse(text) {
        Ok(Size(0)) => Err(wrong("a node that holds no byte is no cache".into())),
        Ok(Size(bytes)) if bytes <= 1 << 50 => Ok(Capacity::Bytes(bytes)),
        Ok(size) => Err(wrong(format!("{size} is more than 1024TiB"))),
        Err(_) => Err(wrong(format!("{} is not a capacity", quoted(text)))),
    }
}

pub(super) const EVICTION: Spelled = Spelled {
    described: "an eviction policy such as \"lru\"",
    pattern: "^.+$",
    examples: &["lru", "fifo"],
    read: |text| read_eviction(text).map(|spec| spec.to_string()),
};

/// Reads an eviction policy that can serve a tier.
pub(in crate::scenario) fn read_eviction(text: &str) -> Result<PolicySpec, Misspelt> {
    let spec = PolicySpec::parse(text).map_err(|error| match error {
        SpecError::UnknownPolicy {
            name,
            nearest,
            admission,
            known,
        } => Misspelt {
            message: format!("there is no eviction policy {}", quoted(&name)),
            help: match (admission, nearest) {
                (Some(admission), _) => format!(
                    "`{admission}` is an admission: write `lru+{admission}`, for example; known policies: {known}"
                ),
                (_, Some(nearest)) => format!("did you mean `{nearest}`? known: {known}"),
                _ => format!("known: {known}"),
            },
        },
        SpecError::UnknownAdmission {
            name,
            nearest,
            known,
        } => Misspelt {
            message: format!("there is no admission {}", quoted(&name)),
            help: match nearest {
                Some(nearest) => format!("did you mean `{nearest}`? known: {known}"),
                None => format!("known: {known}"),
            },
        },
        other => Misspelt {
            message: other.to_string(),
            help: String::new(),
        },
    })?;
    if spec.description().replay_only {
        let known = eviction::descriptions()
            .filter(|it| !it.replay_only)
            .map(|it| it.name);
        return Err(Misspelt {
            message: format!(
                "the policy `{}` has to know the future, so only `cachesim replay` can run it",
                spec.description().name
            ),
            help: format!("known: {}", known.collect::<Vec<_>>().join(", ")),
        });
    }
    Ok(spec)
}

pub(super) const JITTER: Spelled = Spelled {
    described: "a one-sided jitter such as \"+0..0.2\"",
    pattern: r"^\s*\+\s*0\s*\.\.\s*\d+(\.\d+)?\s*%?\s*$",
    examples: &["+0..0.2"],
    read: |text| read_jitter(text).map(|above| format!("+0..{above}")),
};

/// Reads a one-sided jitter: by how much the TTL may be longer.
pub(in crate::scenario) fn read_jitter(text: &str) -> Result<f64, Misspelt> {
    let wrong = || {
        Misspelt {
        message: format!("{} is not a jitter", quoted(text)),
        help: "write 0.1 or \"10%\" for up to a tenth less or more, \"+0..0.2\" for up to a fifth more".into(),
    }
    };
    let rest = text.trim().strip_prefix('+').ok_or_else(wrong)?;
    let rest = rest.trim_start().strip_prefix('0').ok_or_else(wrong)?;
    let above = rest
        .trim_start()
        .strip_prefix("..")
        .ok_or_else(wrong)?
        .trim();
    let share = match above.strip_suffix('%') {
        Some(_) => Share::parse(above),
        None => above
            .parse()
            .map_err(|_| wrong())
            .and_then(|number| Share::read(Plain::Float(number))),
    };
    share.map(|share| share.0).map_err(|_| wrong())
}
